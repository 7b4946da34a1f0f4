"""What is compiled: the C core, once, and the extension modules that stand on it. All else is in pyproject.toml."""

import os
import sys
import tomllib
from pathlib import Path

import numpy as np
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError

HERE = Path(__file__).parent
VERSION = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["version"]
CFLAGS = os.environ.get("CFLAGS", "").split()
DEBUG = any(flag.startswith("-g") for flag in CFLAGS)


def files(*patterns):
    """Paths below this folder, relative to it."""
    return sorted(str(path.relative_to(HERE)) for pattern in patterns for path in HERE.glob(pattern))


MODULES = files("fastgrad/**/*.pyx")
CORE = files("src_c/**/*.c")
HEADERS = files("src_c/**/*.h")

# -ffp-contract=off: a fused a*b - c*d gives a constant function a derivative that is not 0.
# -fno-trapping-math: values stay the same, but loops with a comparison vectorise (steps: 3.8 to 1.0 ns each);
# -fno-math-errno: the same for square roots.
# Only the core has loops that -O3 speeds up; the modules are calls of Python's and its own functions.
UNIX = ["-std=c11", "-fvisibility=hidden", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno"]
UNIX += [] if DEBUG else ["-g0"]
MSVC = ["/O2", "/std:c11", "/fp:precise"]
STRIPPED = [] if DEBUG or sys.platform != "linux" else ["-s"]


def flags(compiler, level):
    """Flags of the compiler at hand."""
    return MSVC if compiler.compiler_type == "msvc" else [level, *UNIX]


def compiled(command, compile_all):
    """Compile; where no compiler is found, say so in one sentence."""
    try:
        compile_all()
    except (CCompilerError, ExecError) as error:
        raise error


class BuildCore(build_clib):
    """The C core as a library for all modules."""

    def build_libraries(self, libraries):
        for _, how in libraries:
            how["cflags"] = flags(self.compiler, "-O3")
        super().build_libraries(libraries)


class BuildModules(build_ext):
    """The modules, after the core: `build_ext --inplace` alone builds both."""

    def run(self):
        self.run_command("build_clib")
        super().run()

    def build_extensions(self):
        core = " ".join([*flags(self.compiler, "-O3"), *CFLAGS])
        for extension in self.extensions:
            extension.extra_compile_args = flags(self.compiler, "-O1")
            extension.define_macros += [
                ("FG_BUILD_FLAGS", f'"{core}"'),
                ("FG_BUILD_VERSION", f'"{VERSION}"'),
                ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ]
        super().build_extensions()


def extension(source):
    """An extension module of fastgrad."""
    return Extension(
        source.removesuffix(".pyx").replace(os.sep, "."),
        sources=[source],
        depends=[*files("fastgrad/**/*.pxd"), *HEADERS, *CORE],
        include_dirs=["src_c/include", np.get_include()],
        extra_link_args=STRIPPED,
    )


setup(
    ext_modules=[extension(source) for source in MODULES],
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
                "warn.undeclared": False,
            },
        }
    },
)
