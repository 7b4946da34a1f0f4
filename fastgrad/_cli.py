"""The command `fastgrad`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ._progress import for_terminal

RIGHT, WRONG, UNDECIDED, FAILED = 0, 1, 2, 3


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    import fastgrad

    parser = argparse.ArgumentParser(prog="fastgrad", description="Numerical derivatives and gradient checks.")
    parser.add_argument("--version", action="version", version=f"fastgrad {fastgrad.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check",
        help="check a hand-coded gradient",
        description="Check a hand-coded gradient. Runs the files it is given. Exit code: 0 right, 1 wrong, "
        "2 undecided, 3 could not run.",
    )
    check.add_argument("f", help="FILE.py:name or module:name of the function")
    check.add_argument("--grad", required=True, help="FILE.py:name or module:name of its gradient")
    check.add_argument("--at", required=True, help="FILE.py:name, module:name, FILE.npy, or numbers such as x=1,y=2")
    check.add_argument("--rtol", type=float, default=0.0, help="relative error to accept")
    check.add_argument("--exhaustive", action="store_true", help="every entry by itself, however many")
    check.add_argument("--points", type=int, default=0, help="check at so many points near x too")
    check.add_argument("--seed", type=int, default=0, help="of the random directions and points")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument("--html", action="store_true", help="print the report as HTML")
    options = parser.parse_args(argv)
    try:
        f, grad = _load(options.f), _load(options.grad)
        x, by_name = _point(options.at)
        if by_name:
            f, grad = _unpacking(f), _unpacking_gradient(grad, list(x))
        result = fastgrad.check_grad(
            f,
            grad,
            x() if callable(x) else x,
            rtol=options.rtol,
            exhaustive=options.exhaustive or None,
            near=options.points,
            seed=options.seed,
            progress=for_terminal(),
        )
    except Exception as error:
        print(f"fastgrad: {type(error).__name__}: {error}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(f"  {note}", file=sys.stderr)
        return FAILED
    if options.html:
        print(result._repr_html_())
    else:
        print(json.dumps(result.to_dict()) if options.json else result)
    return {"right": RIGHT, "wrong": WRONG, "undecided": UNDECIDED}[result.verdict]


def _load(reference: str) -> Any:
    """The object that FILE.py:name or module:name refers to."""
    source, colon, name = reference.rpartition(":")
    if not colon:
        raise ValueError(f"{reference!r} is not FILE.py:name or module:name")
    if source.endswith(".py"):
        path = Path(source).resolve()
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None or not path.exists():
            raise FileNotFoundError(f"there is no file {source}")
        if path.stem not in sys.modules or getattr(sys.modules[path.stem], "__file__", None) != str(path):
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module
            spec.loader.exec_module(module)
        module = sys.modules[path.stem]
    else:
        module = importlib.import_module(source)
    if not hasattr(module, name):
        raise AttributeError(f"{source} has no {name!r}")
    return getattr(module, name)


def _point(text: str) -> tuple[Any, bool]:
    """The point that --at names, and whether its coordinates are arguments by name."""
    if text.endswith(".npy"):
        return np.load(text, allow_pickle=False), False
    if ":" in text:
        return _load(text), False
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and equals for name, equals, _ in pairs):
        raise ValueError(f"--at {text!r} is not FILE.py:name, module:name, FILE.npy or numbers such as x=1,y=2")
    return {name.strip(): float(value) for name, _, value in pairs}, True


def _unpacking(f: Any) -> Any:
    return lambda x: f(**x)


def _unpacking_gradient(grad: Any, names: list[str]) -> Any:
    def gradient(x: dict[str, float]) -> dict[str, Any]:
        result = grad(**x)
        return result if isinstance(result, dict) else dict(zip(names, result, strict=True))

    return gradient
