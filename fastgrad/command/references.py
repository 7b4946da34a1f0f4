"""What the arguments of the command refer to: objects in files and modules, and points."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np


class CouldNotRunError(RuntimeError):
    """A file, or what is in it, ended the process instead of letting it go on."""


class Reference(NamedTuple):
    """An object by name; of a file the full path, which stays right where a file that is run changes the folder."""

    source: str  # as it was written
    name: str
    path: Path | None


def reference(text: str) -> Reference:
    """What FILE.py:name or module:name refers to; nothing is run."""
    source, colon, name = text.rpartition(":")
    if not colon:
        raise ValueError(f"{text!r} is not FILE.py:name or module:name")
    if not source.endswith(".py"):
        return Reference(source, name, None)
    path = Path(source).resolve()
    if not path.exists():
        raise FileNotFoundError(f"there is no file {source}")
    return Reference(source, name, path)


def point(text: str) -> Reference | dict[str, float] | np.ndarray[Any, Any]:
    """The point that --at names: an object, coordinates by name, or an array; nothing is run."""
    if text.endswith(".npy"):
        found: np.ndarray[Any, Any] = np.load(text, allow_pickle=False)
        return found
    if ":" in text:
        return reference(text)
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and equals for name, equals, _ in pairs):
        raise ValueError(f"--at {text!r} is not FILE.py:name, module:name, FILE.npy or numbers such as x=1,y=2")
    return {name.strip(): float(value) for name, _, value in pairs}


@contextmanager
def search_path() -> Iterator[None]:
    """Modules in the working folder can be imported, but those of Python and installed ones come before them.

    So a file that has the name of a module takes its place nowhere.
    """
    before = sys.path.copy()
    here = os.getcwd()
    # `python -m` puts the working folder first.
    first = 1 if sys.path and sys.path[0] in ("", here) and not sys.flags.safe_path else 0
    sys.path[:] = [*sys.path[first:], here]
    try:
        yield
    finally:
        sys.path[:] = before


def load(wanted: Reference) -> Any:
    """The object that is referred to."""
    try:
        module = importlib.import_module(wanted.source) if wanted.path is None else _run(wanted.path)
    except SystemExit as error:
        raise CouldNotRunError(
            f"{wanted.source} calls sys.exit({error.code!r}) while it is loaded, so nothing was looked at; "
            'put what it runs as a script under `if __name__ == "__main__":`'
        ) from error
    if not hasattr(module, wanted.name):
        raise AttributeError(f"{wanted.source} has no {wanted.name!r}")
    return getattr(module, wanted.name)


def _run(path: Path) -> ModuleType:
    """The module that a file makes: run once, however many objects are taken from it."""
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    if str(path.parent) not in sys.path:
        sys.path.insert(len(sys.path) - 1, str(path.parent))  # what lies beside it comes before the working folder
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _module_name(path: Path) -> str:
    """The file's own name, under which its neighbours import it; its path where another module has that name."""
    name, there = path.stem, sys.modules.get(path.stem)
    if there is not None:
        free = getattr(there, "__file__", None) == str(path)
    elif name in sys.stdlib_module_names or not name.isidentifier():
        free = False
    else:
        spec = importlib.util.find_spec(name)
        free = spec is None or spec.origin == str(path)
    return name if free else str(path)
