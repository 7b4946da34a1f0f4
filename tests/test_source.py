"""The source keeps its own rules."""

import graphlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fastgrad as fg

ROOT = Path(__file__).parent.parent
INCLUDE = ROOT / "src_c" / "include"


def declarations(text):
    """Functions, structs, enumerations and constants of C, as a header or Cython declares them, in order."""
    function = r"(?:static inline )?(?:void|int|double|ptrdiff_t) (fg_\w+)\("
    kind = r"(?:ctypedef|typedef) struct (fg_\w+)|enum (fg_\w+)(?: {|:)|int (FG_[A-Z_]+)$|#define (FG_[A-Z_]+) [(\d]"
    found = re.findall(rf"^ *(?:{function}|{kind})", text, re.M)
    return ["".join(names) for names in found]


def test_headers_and_pxd_declare_the_same():
    mirror = (ROOT / "fastgrad/evaluate/_fastgrad.pxd").read_text()
    mirrored = dict(re.findall(r'^cdef extern from "(\w+\.h)".*\n((?:(?: .*)?\n)+)', mirror, re.M))
    headers = re.findall(r'^#include "(\w+\.h)"', (INCLUDE / "fastgrad.h").read_text(), re.M)
    assert list(mirrored) == headers
    # What every header needs, and what is for C sources alone.
    assert {path.name for path in INCLUDE.glob("*.h")} - set(headers) == {"fastgrad.h", "compiler.h", "numbers.h"}
    not_used = {"FG_MOST_COLUMNS", "FG_KINK", "FG_JUMP", "FG_FLAT", "FG_NOISY", "FG_EDGE", "FG_NONFINITE", "FG_ROUNDS"}
    for header in headers:
        declared = declarations((INCLUDE / header).read_text())
        assert [name for name in declared if name not in not_used] == declarations(mirrored[header]), header
        assert any(name.startswith("fg_") for name in declared), header


def test_every_line_of_c_has_at_most_100_columns():
    for path in [*(ROOT / "src_c").rglob("*.[ch]"), *(ROOT / "tests" / "c").glob("*.c")]:
        long = [line for line in path.read_text().splitlines() if len(line) > 100]
        assert not long, path


def test_c_knows_nothing_of_python():
    for path in (ROOT / "src_c").rglob("*.[ch]"):
        assert "Python.h" not in path.read_text()


def test_public_names_are_documented():
    for name in fg.__all__:
        assert getattr(fg, name).__doc__, name


def test_build_info_has_the_flags():
    info = fg.build_info()
    assert "-ffp-contract=off" in info["flags"] or "/fp:precise" in info["flags"]
    assert info["fastgrad"] == fg.__version__


def test_an_unbuilt_tree_says_what_to_do(tmp_path):
    shutil.copytree(ROOT / "fastgrad", tmp_path / "fastgrad", ignore=shutil.ignore_patterns("*.so", "*.pyd"))
    done = subprocess.run([sys.executable, "-S", "-c", "import fastgrad"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode
    assert "pip install -e ." in done.stderr.splitlines()[-1]


def test_import_loads_no_optional_package():
    code = "import sys, fastgrad; print([m for m in ('scipy', 'optree', 'numba', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"


def test_imports_go_down_only():
    """What a module imports at its top never leads back to it; what it imports when used may."""
    package, graph = ROOT / "fastgrad", {}
    for path in package.rglob("*.py"):
        below = set()
        for dots, module, names in re.findall(r"^from (\.+)([\w.]*) import ([^#\n]+)", path.read_text(), re.M):
            folder = path.parents[len(dots) - 1].joinpath(*module.split(".")) if module else path.parents[len(dots) - 1]
            inside = [folder / name.strip(" ()") for name in names.split(",")] if folder.is_dir() else []
            below |= {found.with_suffix(".py") for found in inside or [folder]}
        graph[path] = {found for found in below if found.exists()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    places = [order.index(package / f"{name}.py") for name in ("stencils", "methods/fixed", "verbs/gradients")]
    assert places == sorted(places)


def test_stubs_name_what_the_border_has():
    for name in ("evaluate.border", "grid.kernels"):
        module = __import__(f"fastgrad.{name}", fromlist=["*"])
        stub = (ROOT / "fastgrad" / f"{name.replace('.', '/')}.pyi").read_text()
        for declared in re.findall(r"^(?:def|class) (\w+)", stub, re.M) + re.findall(r"^([A-Z_]+):", stub, re.M):
            assert hasattr(module, declared), declared


def test_every_folder_is_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in [*(ROOT / "fastgrad").iterdir(), *(ROOT / "src_c").iterdir()]:
        if path.is_dir() and path.name != "__pycache__":
            assert f"`{path.name}/`" in text, path.name
