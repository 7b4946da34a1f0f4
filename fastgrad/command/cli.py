"""The command `fastgrad`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ..core.options import Check, count, nonnegative
from ..evaluate.progress import for_terminal

RIGHT, WRONG, UNDECIDED, FAILED = 0, 1, 2, 3


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever reads the output has seen enough, as head does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        print(f"fastgrad: {type(error).__name__}: {error}", file=sys.stderr)
        for note in getattr(error, "__notes__", ()):
            print(f"  {note}", file=sys.stderr)
        return FAILED


class _Parser(argparse.ArgumentParser):
    """A parser whose errors have the exit code of what could not run: argparse's own is that of "undecided"."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"{self.prog}: error: {message}\n")


def _value(convert: Callable[[str], Any], check: Check) -> Callable[[str], Any]:
    """What makes a checked value of an argument."""

    def value(text: str) -> Any:
        try:
            given = convert(text)
        except ValueError:
            given = text
        try:
            return check("it", given)
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value


def _parser() -> argparse.ArgumentParser:
    import fastgrad

    parser = _Parser(prog="fastgrad", description="Numerical derivatives and gradient checks.")
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
    check.add_argument("--rtol", type=_value(float, nonnegative), default=0.0, help="relative error to accept")
    check.add_argument("--exhaustive", action="store_true", help="every entry by itself, however many")
    check.add_argument("--points", type=_value(int, count), default=0, help="check at so many points near x too")
    check.add_argument("--seed", type=_value(int, count), default=0, help="of the random directions and points")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument("--html", action="store_true", help="print the report as HTML")
    check.set_defaults(run=_check)
    sensitivity = commands.add_parser(
        "sensitivity",
        help="how each feature moves a fitted model's prediction",
        description="How each feature moves a fitted model's prediction. Loading a joblib file runs whatever code it "
        "holds: only with --trust. Exit code: 0 done, 3 could not run.",
    )
    sensitivity.add_argument("model", help="FILE.joblib, or FILE.py:name or module:name of a fitted model or function")
    sensitivity.add_argument("data", help="FILE.csv, read by pandas or polars")
    sensitivity.add_argument("--trust", action="store_true", help="load the joblib file, and so run the code in it")
    sensitivity.add_argument("--method", help="predict, predict_proba ...; by default predict_proba if there is one")
    sensitivity.add_argument(
        "--drop", action="append", default=[], metavar="COLUMN", help="leave out, such as the target"
    )
    sensitivity.add_argument("--output", metavar="FILE", help="write a picture there")
    sensitivity.add_argument("--html", action="store_true", help="print the table as HTML")
    sensitivity.set_defaults(run=_sensitivity)
    demo = commands.add_parser("demo", help="a tour of what fastgrad does, in some seconds")
    demo.set_defaults(run=_demo)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from .demo import main

    main()
    return RIGHT


def _check(options: argparse.Namespace) -> int:
    import fastgrad

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
    if options.html:
        print(result._repr_html_())
    else:
        print(json.dumps(result.to_dict()) if options.json else result)
    return {"right": RIGHT, "wrong": WRONG, "undecided": UNDECIDED}[result.verdict]


def _sensitivity(options: argparse.Namespace) -> int:
    import fastgrad

    model = _model(options.model, options.trust)
    data = _csv(options.data)
    unknown = [name for name in options.drop if name not in data.columns]
    if unknown:
        raise ValueError(f"--drop names the column {unknown[0]!r}, which {options.data} does not have")
    columns = [name for name in data.columns if name not in options.drop]
    columns = list(getattr(model, "feature_names_in_", columns))
    missing = [name for name in columns if name not in data.columns]
    if missing:
        raise ValueError(f"the model was fitted with the column {missing[0]!r}, which {options.data} does not have")
    method = options.method or ("predict_proba" if hasattr(model, "predict_proba") else "predict")
    if options.method and not hasattr(model, method):
        raise ValueError(f"the model has no method {method!r}")
    named = hasattr(model, "feature_names_in_") or not hasattr(model, "predict")
    X = data[columns] if named else data[columns].to_numpy()
    result = fastgrad.sensitivity(getattr(model, method, model), X, progress=for_terminal())
    print(result._repr_html_() if options.html else result)
    if options.output:
        figure = result.plot()[0].figure
        from matplotlib import pyplot

        figure.savefig(options.output, dpi=120)
        pyplot.close(figure)
        print(f"wrote {options.output}")
    return RIGHT


def _model(reference: str, trusted: bool) -> Any:
    if not reference.endswith(".joblib"):
        return _load(reference)
    if not trusted:
        raise ValueError(f"loading {reference} runs whatever code it holds; if you trust it, add --trust")
    try:
        import joblib
    except ImportError as error:
        raise ImportError("joblib files need joblib: pip install 'fastgrad[ml]'") from error
    return joblib.load(reference)


def _csv(path: str) -> Any:
    try:
        from pandas import read_csv
    except ImportError:
        try:
            from polars import read_csv
        except ImportError as error:
            raise ImportError("CSV files need pandas or polars: pip install 'fastgrad[frames]'") from error
    return read_csv(path)


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
