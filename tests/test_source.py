"""The source keeps its own rules."""

import graphlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fastgrad as fg

ROOT = Path(__file__).parent.parent
HEADER = (ROOT / "src_c" / "fastgrad.h").read_text()


def test_header_and_pxd_name_the_same_functions():
    declared = re.findall(r"^\s*(?:void|int|ptrdiff_t) (fg_\w+)\(", HEADER, re.M)
    mirrored = re.findall(
        r"^\s*(?:void|int|ptrdiff_t) (fg_\w+)\(", (ROOT / "fastgrad/evaluate/_fastgrad.pxd").read_text(), re.M
    )
    assert declared
    assert declared == mirrored


def test_c_knows_nothing_of_python():
    for path in (ROOT / "src_c").iterdir():
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
