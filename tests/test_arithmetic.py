"""A compiler that was told to change arithmetic is refused: by the sources, by setup.py, or at import."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastgrad as fg
from fastgrad.evaluate import border

ROOT = Path(__file__).parents[1]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
EVERY = pytest.mark.parametrize("compiler", COMPILERS or [pytest.param("", marks=pytest.mark.skip("no C compiler"))])

REORDERED, RECIPROCAL, SIGNLESS, FINITE_ONLY, CONTRACTED = 1, 2, 4, 8, 16  # arithmetic.h
CHANGED = {
    "-ffast-math": REORDERED | RECIPROCAL | SIGNLESS | FINITE_ONLY,
    "-funsafe-math-optimizations": REORDERED | RECIPROCAL | SIGNLESS,
    "-fassociative-math -fno-signed-zeros": REORDERED | SIGNLESS,
    "-freciprocal-math": RECIPROCAL,
    "-fno-signed-zeros": SIGNLESS,
    "-ffinite-math-only": FINITE_ONLY,
}
# What compilers tell of these flags, taken back: so it is with those that tell nothing.
UNTOLD = "-U__FAST_MATH__ -U__FINITE_MATH_ONLY__ -U__ASSOCIATIVE_MATH__ -U__RECIPROCAL_MATH__ -U__NO_SIGNED_ZEROS__"
AS_BUILT = "-std=c11 -O3 -ffp-contract=off -fno-trapping-math -fno-math-errno"


def compiled(compiler, flags, tmp_path):
    """The process that compiled a program which prints the bits of `fg_arithmetic`, and that program."""
    sources = [ROOT / "tests" / "c" / "arithmetic.c", ROOT / "src_c" / "evaluate" / "arithmetic.c"]
    program = tmp_path / "arithmetic"
    command = [compiler, *flags.split(), f"-I{ROOT / 'src_c' / 'include'}", *map(str, sources), "-o", str(program)]
    return subprocess.run([*command, "-lm"], capture_output=True, text=True), program


def bits_of(program):
    return int(subprocess.run([program], capture_output=True, text=True, check=True).stdout)


def test_this_build_keeps_arithmetic():
    assert border.arithmetic() == 0


@EVERY
def test_a_build_as_setup_py_does_it_keeps_arithmetic(compiler, tmp_path):
    done, program = compiled(compiler, AS_BUILT, tmp_path)
    assert not done.returncode, done.stderr
    assert bits_of(program) == 0


@EVERY
@pytest.mark.parametrize("flags", CHANGED)
def test_the_core_notices_what_a_flag_changes(compiler, flags, tmp_path):
    done, program = compiled(compiler, f"{AS_BUILT} {flags} {UNTOLD}", tmp_path)
    assert not done.returncode, done.stderr
    assert bits_of(program) == CHANGED[flags]


@EVERY
@pytest.mark.parametrize("flags", CHANGED)
def test_sources_are_refused_or_the_core_notices(compiler, flags, tmp_path):
    done, program = compiled(compiler, f"{AS_BUILT} {flags}", tmp_path)
    if done.returncode:
        assert "remove -ffast-math and its parts" in done.stderr
    else:
        assert bits_of(program) == CHANGED[flags]


@EVERY
def test_sources_tell_fast_math(compiler, tmp_path):
    done, _ = compiled(compiler, f"{AS_BUILT} -ffast-math", tmp_path)
    assert done.returncode
    assert "remove -ffast-math and its parts" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "flag"),
    [
        ("CFLAGS", "-O2 -fassociative-math -fno-signed-zeros", "-fassociative-math"),
        ("CC", "cc -fcx-limited-range", "-fcx-limited-range"),
        ("LDFLAGS", "-Ofast", "-Ofast"),
    ],
)
def test_setup_py_refuses_flags(variable, value, flag, tmp_path):
    if not (ROOT / "setup.py").exists():
        pytest.skip("no source tree")
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools", minversion="77")
    command = [sys.executable, "setup.py", "-q", "build_clib", f"--build-clib={tmp_path}", f"--build-temp={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | {variable: value})
    assert done.returncode
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"fastgrad cannot be built with {flag}: ")
    assert last.endswith(f"remove it from {variable}")


def test_importing_a_build_that_changes_arithmetic_is_an_error(monkeypatch):
    monkeypatch.setattr(border, "arithmetic", lambda: REORDERED)
    spec = importlib.util.spec_from_file_location("fastgrad", fg.__file__, submodule_search_locations=fg.__path__)
    with pytest.raises(ImportError, match="rebuild it without -ffast-math and its parts"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
