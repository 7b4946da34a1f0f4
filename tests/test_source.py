"""The source keeps its own rules."""

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import tarfile
import types
from pathlib import Path

import imports
import mutants
import pytest

import fastgrad as fg

ROOT = Path(__file__).parent.parent
INCLUDE = ROOT / "src_c" / "include"


def declarations(text):
    """Functions, structs, enumerations and constants of C, as a header or Cython declares them, in order."""
    function = r"(?:static inline )?(?:void|int|double|ptrdiff_t) (fg_\w+)\("
    kind = r"(?:ctypedef|typedef) struct (fg_\w+)|enum (fg_\w+)(?: {|:)|int (FG_[A-Z_]+)$|#define (FG_[A-Z_]+) [(\d]"
    found = re.findall(rf"^ *(?:{function}|{kind})", text, re.M)
    return ["".join(names) for names in found]


def test_every_line_of_c_has_at_most_100_columns():
    for path in [*(ROOT / "src_c").rglob("*.[ch]"), *(ROOT / "tests" / "c").glob("*.c")]:
        long = [line for line in path.read_text().splitlines() if len(line) > 100]
        assert not long, path


def _plain(text):
    """Declarations without comments, and without what only Cython says."""
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", text, flags=re.S)
    return re.sub(r"\b(noexcept|nogil)\b|\bexcept\s*[-?+*\w]+", "", text)


def _types(parameters):
    """The types of a list of parameters: names left out."""
    parts = (re.sub(r"\s+", " ", part).strip() for part in parameters.split(","))
    types_ = [re.sub(r"(?<=[\s*])\w+$", "", part).replace(" ", "") for part in parts]
    return [] if types_ in ([""], ["void"]) else types_


def functions_of(text):
    """name: (result, types of the parameters) of each function that is declared."""
    found = re.findall(r'^[ \t]*([\w \t]+?[\s*]+)(\w+)\s*(?:"(\w+)")?\(([^()]*)\)\s*[;{]?[ \t]*$', _plain(text), re.M)
    return {
        (named or name): (re.sub(r"\b(static|inline)\b", "", result).strip(), _types(parameters))
        for result, name, named, parameters in found
        if (named or name).startswith("fg_") and result.strip() not in ("", "return") and "typedef" not in result
    }


def fields_of(text):
    """struct: {field: type} of each struct that is declared; of pointers to functions the name alone."""
    found = {}
    text = _plain(text)
    blocks = [
        (name, " ".join(block.split()).split(";"))
        for name, block in re.findall(r"\btypedef struct (fg_\w+) \{(.*?)^\}", text, re.S | re.M)
    ]
    of_cython = r"ctypedef struct (fg_\w+):\n((?:[ \t]+[^\n]*\n|\n)*?)(?=\n|[ \t]*\w+ typedef|\Z)"
    blocks += [(name, block.splitlines()) for name, block in re.findall(of_cython, text)]
    for name, lines in blocks:
        fields = found.setdefault(name, {})
        for line in lines:
            pointer = re.search(r"\(\*(\w+)\)", line)
            whole = re.fullmatch(r"\s*((?:const )?(?:enum )?\w+)\s+([^()]+)", line)
            if pointer:
                fields[pointer[1]] = "function"
            elif whole:
                for field in whole[2].split(","):
                    stars, length = "*" * field.partition("[")[0].count("*"), "[]" * field.count("[")
                    fields[field.strip(" *").partition("[")[0]] = whole[1].removeprefix("enum ") + stars + length
    return found


HEADERS = "\n".join(path.read_text() for path in sorted((ROOT / "src_c").rglob("*.h")))
DECLARED = [path.read_text() for path in sorted((ROOT / "fastgrad").rglob("*.pxd"))]


def test_cython_declares_what_the_headers_do():
    """Every function with the same types, every struct with fields of the same types."""
    functions, fields = functions_of(HEADERS), fields_of(HEADERS)
    assert len(functions) > 30
    seen = set()
    for text in DECLARED:
        for name, declared in functions_of(text).items():
            assert declared == functions.get(name), name
            seen.add(name)
        for name, declared in fields_of(text).items():
            assert declared.items() <= fields[name].items(), name
            seen.add(name)
    assert len(seen) > 30
    assert {"fg_norm", "fg_product_sums", "fg_derivatives", "fg_stencil"} <= seen


def test_every_function_of_the_headers_is_used():
    sources = {path: path.read_text() for path in (ROOT / "src_c").rglob("*.c")}
    for name in functions_of(HEADERS):
        users = [path for path, text in sources.items() if re.search(rf"\b{name}\b", text)]
        assert len(users) > 1 or any(name in text for text in DECLARED), f"{name} is used in its own file alone"


def test_c_knows_nothing_of_python():
    sources = [*(ROOT / "src_c").rglob("*.[ch]")]
    assert len(sources) > 10
    for path in sources:
        assert "Python.h" not in path.read_text(), path


def test_public_names_are_documented():
    for name in fg.__all__:
        assert getattr(fg, name).__doc__, name


def test_build_info_has_the_flags():
    info = fg.build_info()
    assert "-ffp-contract=off" in info["flags"] or "/fp:precise" in info["flags"]
    assert info["fastgrad"] == fg.__version__


def test_the_source_distribution_has_every_file(tmp_path):
    """All that git has: the tests pass where it is unpacked, and CI's scripts are there."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools", minversion="77")
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    wanted = {name for name in listed.split("\0") if name and name != ".gitignore"}
    for name in wanted:  # copied: another build's list of files is not taken for this one's
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "tree" / name)
    command = [sys.executable, "setup.py", "-q", "sdist", "-d", tmp_path]
    subprocess.run(command, capture_output=True, check=True, cwd=tmp_path / "tree")
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert wanted - found == set()


def test_an_unbuilt_tree_says_what_to_do(tmp_path):
    shutil.copytree(ROOT / "fastgrad", tmp_path / "fastgrad", ignore=shutil.ignore_patterns("*.so", "*.pyd"))
    done = subprocess.run([sys.executable, "-S", "-c", "import fastgrad"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode
    assert "pip install -e ." in done.stderr.splitlines()[-1]


def test_import_loads_no_optional_package():
    code = "import sys, fastgrad; print([m for m in ('scipy', 'optree', 'numba', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "[]"


# What stands on what: a folder imports from itself and from those below. Stencils are numbers and their C form, which
# the border keeps: both are the floor. Records are data that verbs make; plots ask a function that they are given.
FLOORS = (
    {"c_api"},
    {"c_core"},
    {"evaluate/border", "evaluate/arrays"},
    {"stencils"},
    {"core"},
    {"evaluate"},
    {"methods"},
    {"records"},
    {"sparse", "check", "descent", "features"},
    {"verbs", "grid"},
    {"command", "testing"},
    {"__init__", "__main__"},
)


def _floor(module):
    names = (module, module.partition("/")[0])
    return next(k for name in names for k, floor in enumerate(FLOORS) if name in floor)


def test_no_import_leads_back():
    """Wherever it stands: at the top of a module, inside a function, in Cython."""
    edges = imports.graph()
    found = [
        f"{module} imports {other}" for circle in imports.circles(edges) for module in circle
        for other in sorted(edges[module] & set(circle))
    ]  # fmt: skip
    assert not found, "\n".join(found)


def test_imports_go_down_only():
    wrong = [
        f"{module} imports {other}"
        for module, below in imports.graph().items()
        for other in sorted(below)
        if module.partition("/")[0] != other.partition("/")[0] and _floor(other) >= _floor(module)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_graph_sees_imports_of_every_kind(tmp_path, monkeypatch):
    """Relative and absolute, inside functions, in .pyx and .pxi; not those for type checkers."""
    package = tmp_path / "fastgrad"
    (package / "a").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "a/__init__.py": "",
        "a/top.py": "from . import lazy\nfrom ..b import name\nif TYPE_CHECKING:\n    from . import typed\n",
        "a/lazy.py": "def f():\n    from .loop import name\n    import fastgrad.b\n",
        "a/loop.pyx": 'include "part.pxi"\nfrom .typed cimport (\n    one, two\n)\n',
        "a/part.pxi": "cdef f():\n    from .top import name\n",
        "a/typed.py": "import os\n",
        "b.py": "",
    }.items():
        (package / name).write_text(text)
    monkeypatch.setattr(imports, "PACKAGE", package)
    assert imports.graph() == {
        "__init__": set(),
        "a": set(),
        "a/top": {"a/lazy", "b"},
        "a/lazy": {"a/loop", "b"},
        "a/loop": {"a/part.pxi", "a/typed"},
        "a/part.pxi": {"a/top"},
        "a/typed": set(),
        "b": set(),
    }
    assert imports.circles(imports.graph()) == [["a/lazy", "a/loop", "a/part.pxi", "a/top"]]


def _names_of_stub(path):
    """Names at the top of a stub, and of what its classes have; of functions and methods their parameters."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = None
            for inner in node.body:
                if isinstance(inner, ast.Expr):
                    continue
                name = inner.name if isinstance(inner, ast.FunctionDef) else getattr(inner, "target", inner)
                found[f"{node.name}.{getattr(name, 'id', name)}"] = None
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = None
    return {name: what for name, what in found.items() if not name.rpartition(".")[2].startswith("_")}


STUBS = sorted((ROOT / "fastgrad").rglob("*.pyi"))


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.stem)
def test_stubs_say_what_the_extension_modules_have(stub):
    """Neither more nor less: names, what classes have, parameters of functions."""
    place = stub.relative_to(ROOT).with_suffix("")
    module = importlib.import_module(".".join(place.parts))
    declared, there = _names_of_stub(stub), {}
    for name, value in vars(module).items():
        own = getattr(value, "__module__", module.__name__) == module.__name__
        if name.startswith("_") or not own or isinstance(value, types.ModuleType):
            continue
        if isinstance(value, type):
            there[name] = None
            inherited = {inner for base in value.__mro__[1:] for inner in vars(base)}
            there |= {f"{name}.{inner}": None for inner in vars(value).keys() - inherited if not inner.startswith("_")}
        elif callable(value):
            there[name] = list(inspect.signature(value).parameters)
        elif name.isupper():
            there[name] = None
    assert {name: there.get(name, "is not there") for name in declared} == declared
    assert set(there) <= set(declared)


def test_mutants_fit_the_source():
    """What tests/mutants.py replaces is there, once; who changes such a line changes tests/mutants.toml too."""
    assert mutants.misfits() == []
    assert len(mutants.MUTANTS) >= 72


def test_every_folder_is_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in [*(ROOT / "fastgrad").iterdir(), *(ROOT / "src_c").iterdir()]:
        if path.is_dir() and path.name != "__pycache__":
            assert f"`{path.name}/`" in text, path.name
