"""What is compiled: the C core, once, and the extension modules that stand on it. All else is in pyproject.toml."""

import os
import shutil
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError

HERE = Path(__file__).parent
VERSION = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["version"]
CFLAGS = os.environ.get("CFLAGS", "").split()
# The sources refuse what they notice of these (compiler.h, arithmetic.h), but not the code that GCC links to
# -Ofast, which makes the whole process flush small numbers to zero.
CHANGING_ARITHMETIC = {
    "-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math", "-freciprocal-math",
    "-fno-signed-zeros", "-ffinite-math-only", "-fno-honor-nans", "-fno-honor-infinities", "-fapprox-func",
    "-fcx-limited-range", "-fcx-fortran-rules", "-fsingle-precision-constant", "-ffp-model=fast",
    "-ffp-model=aggressive", "-mdaz-ftz", "/fp:fast", "-fp:fast",
}  # fmt: skip
DEBUG = any(flag.startswith("-g") for flag in CFLAGS)


def files(*patterns):
    """Paths of this folder, relative to it."""
    return sorted(str(path.relative_to(HERE)) for pattern in patterns for path in HERE.glob(pattern))


CORE = files("src_c/**/*.c")
HEADERS = files("src_c/**/*.h")

# -ffp-contract=off: a fused a*b - c*d gives a constant function a derivative that is not 0.
# -fno-trapping-math: values stay the same, but loops with a comparison vectorise (steps: 3.8 to 1.0 ns each);
# -fno-math-errno: the same for square roots.
UNIX = ["-std=c11", "-fvisibility=hidden", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno"]
UNIX += [] if DEBUG else ["-g0"]
MSVC = ["/O2", "/std:c11", "/fp:precise"]
STRIPPED = ["-s"] if sys.platform == "linux" and not DEBUG else []


def flags(compiler, level):
    """Flags of the compiler at hand."""
    return MSVC if compiler.compiler_type == "msvc" else [level, *UNIX]


def refuse_changed_arithmetic():
    """Say in one sentence which flag must go."""
    for variable in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED", "CL", "_CL_"):
        for flag in os.environ.get(variable, "").split():
            if flag in CHANGING_ARITHMETIC:
                sys.exit(
                    f"fastgrad cannot be built with {flag}: it lets the compiler change what arithmetic gives, and "
                    f"derivatives with it; remove it from {variable}"
                )


@contextmanager
def compiler_needed(compiler):
    """Say in one sentence what to install, where there is no compiler to run."""
    try:
        yield
    except (CCompilerError, ExecError):
        command = getattr(compiler, "compiler_so", None)
        if command and shutil.which(command[0]):
            raise  # it is there, and has said what is wrong
        sys.exit(
            f"fastgrad is built by a C compiler, but {command[0] if command else 'one'} was not found; install one: "
            "apt install gcc, dnf install gcc, apk add build-base, xcode-select --install, or on Windows the Visual "
            "Studio Build Tools"
        )


class BuildCore(build_clib):
    """The core has the loops: -O3 is for them."""

    def build_libraries(self, libraries):
        refuse_changed_arithmetic()
        for _, how in libraries:
            how["cflags"] = flags(self.compiler, "-O3")
        with compiler_needed(self.compiler):
            super().build_libraries(libraries)


class BuildModules(build_ext):
    """The modules are calls, of Python's functions and the core's: -O1 takes half the time to compile them."""

    def run(self):
        self.run_command("build_clib")  # which `build_ext --inplace` leaves out
        super().run()

    def build_extensions(self):
        import numpy as np

        shown = " ".join([*flags(self.compiler, "-O3"), *CFLAGS])
        for extension in self.extensions:
            extension.include_dirs.append(np.get_include())
            # What runs once an evaluation of a Python function gains a twentieth by -O3.
            hot = extension.name == "fastgrad.evaluate.python"
            extension.extra_compile_args = flags(self.compiler, "-O3" if hot else "-O1")
            extension.define_macros += [
                ("FG_BUILD_FLAGS", f'"{shown}"'),
                ("FG_BUILD_VERSION", f'"{VERSION}"'),
                ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ]
        with compiler_needed(self.compiler):
            super().build_extensions()


def module(source):
    """The extension module of a .pyx file."""
    return Extension(
        source.removesuffix(".pyx").replace(os.sep, "."),
        sources=[source],
        depends=[*files("fastgrad/**/*.pxd"), *HEADERS, *CORE],
        include_dirs=["src_c/include"],
        extra_link_args=STRIPPED,
    )


setup(
    ext_modules=[module(source) for source in files("fastgrad/**/*.pyx")],
    libraries=[("fastgrad_core", {"sources": CORE, "include_dirs": ["src_c/include"], "obj_deps": {"": HEADERS}})],
    cmdclass={"build_clib": BuildCore, "build_ext": BuildModules},
    options={
        "build_ext": {
            "cython_c_in_temp": True,
            "cython_directives": {
                "language_level": 3,
                "boundscheck": False,
                "wraparound": False,
                "initializedcheck": False,
                "cdivision": True,
                "freethreading_compatible": True,
                # Plain functions of C, and no pickles of what holds pointers: a quarter less to compile.
                "binding": False,
                "auto_pickle": False,
                "embedsignature": True,
                "embedsignature.format": "clinic",
            },
        }
    },
)
