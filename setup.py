"""The extension module: which sources, which flags for which compiler. All else is in pyproject.toml."""

import os
import tomllib
from pathlib import Path

import numpy as np
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
VERSION = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["version"]

# -ffp-contract=off: a fused a*b - c*d gives a constant function a derivative that is not 0.
# -fno-trapping-math: values stay the same, but loops with a comparison vectorise (steps: 3.8 to 1.0 ns each);
# -fno-math-errno: the same for square roots.
UNIX = ["-O3", "-std=c11", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno"]
MSVC = ["/O2", "/std:c11", "/fp:precise"]


class BuildExt(build_ext):
    """build_ext with the flags of the compiler at hand."""

    def build_extensions(self):
        flags = MSVC if self.compiler.compiler_type == "msvc" else UNIX
        shown = " ".join([*flags, os.environ.get("CFLAGS", "")]).strip()
        for extension in self.extensions:
            extension.extra_compile_args = [*flags, *extension.extra_compile_args]
            extension.define_macros += [
                ("FG_BUILD_FLAGS", f'"{shown}"'),
                ("FG_BUILD_VERSION", f'"{VERSION}"'),
                ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ]
        super().build_extensions()


def extension(name, sources):
    """An extension module of fastgrad: its border, and the C sources behind it."""
    headers = [p for part in ("src_c/**/*.h", "fastgrad/**/*.px[di]") for p in HERE.glob(part)]
    return Extension(
        f"fastgrad.{name}",
        sources=[f"fastgrad/{name.replace('.', '/')}.pyx", *sources],
        depends=sorted(str(p.relative_to(HERE)) for p in headers),
        include_dirs=["src_c/include", np.get_include()],
    )


def c_sources(folders):
    """The C sources in folders of src_c."""
    return sorted(str(p.relative_to(HERE)) for folder in folders for p in HERE.glob(f"src_c/{folder}/*.c"))


setup(
    ext_modules=[
        extension("evaluate.border", c_sources(["differences", "evaluate", "adaptive", "descent", "sparse"])),
        extension("grid.kernels", c_sources(["grid"])),
    ],
    cmdclass={"build_ext": BuildExt},
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
