"""The command `fastgrad`."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..core.given import printable, said
from ..core.options import Check, count, nonnegative
from ..evaluate.progress import for_terminal
from ..records.page import page
from .references import Reference, load, point, reference, search_path
from .streams import Streams, own_streams

if TYPE_CHECKING:
    from ..records.check import GradientCheck

RIGHT, WRONG, UNDECIDED, FAILED = 0, 1, 2, 3


def script() -> int:
    """The command as a process of its own: as `main`, and what its files leave to be done at exit changes no code."""
    code, end, process = None, os._exit, os.getpid()

    def with_the_verdict(status: int) -> NoReturn:
        if os.getpid() != process:
            end(status)
        if code is None:
            os.write(2, f"fastgrad: os._exit({status}) was called before there was a result\n".encode())
        end(FAILED if code is None else code)

    # Scripts call os._exit(0) to be rid of their threads: that is no verdict.
    os._exit = with_the_verdict
    code = main()
    return code


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(argv)
    with own_streams() as streams, search_path():
        try:
            code: int = options.run(options, streams)
            streams.out.flush()
        except BrokenPipeError:
            return FAILED  # whoever reads the output has seen enough, as head does
        except BaseException as error:  # also what would end the process: that is the code of a right gradient
            if options.traceback:
                streams.err.write(_trace(error))
            streams.err.write(_told(error))
            streams.err.flush()
            return FAILED
    return code


def _trace(error: BaseException) -> str:
    """Where an exception was raised, from the user's files on."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "".join(f"{printable(line)}\n" for line in lines)


def _told(error: BaseException) -> str:
    """An exception, in a line, and its notes."""
    text = f"{type(error).__name__}: {said(error)}"
    if isinstance(error, KeyboardInterrupt):
        text = "interrupted before there was a result"
    elif isinstance(error, SystemExit):
        text = (
            f"a function called sys.exit({error.code!r}), so there is no result; "
            "let it return a number, or raise an exception that says what is wrong"
        )
    notes = [f"  {note}" for note in getattr(error, "__notes__", ())]
    lines = "\n".join([f"fastgrad: {text}", *notes]).split("\n")
    return "".join(f"{printable(line)}\n" for line in lines)


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
    common = _Parser(add_help=False)
    common.add_argument("--traceback", action="store_true", help="say where an error was raised")
    parser.add_argument("--version", action="version", version=f"fastgrad {fastgrad.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check",
        parents=[common],
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
    check.add_argument("--json", action="store_true", help="print the report as JSON; with --html, the page is in it")
    check.add_argument("--html", action="store_true", help="print the report as a page of HTML, with a plot")
    check.set_defaults(run=_check)
    sensitivity = commands.add_parser(
        "sensitivity",
        parents=[common],
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
    demo = commands.add_parser("demo", parents=[common], help="a tour of what fastgrad does, in some seconds")
    demo.set_defaults(run=_demo)
    return parser


def _demo(options: argparse.Namespace, streams: Streams) -> int:
    from .demo import main

    sys.stdout = streams.out  # there is no file whose output would be in the way
    main()
    return RIGHT


def _check(options: argparse.Namespace, streams: Streams) -> int:
    # All this before a file is run: it may change the folder, and put one first where modules are looked for.
    import html  # noqa: F401

    import numpy.random  # noqa: F401

    from ..verbs.checks import check_grad

    wanted, grad_wanted, at = reference(options.f), reference(options.grad), point(options.at)
    shown = for_terminal()
    f, grad = load(wanted), load(grad_wanted)
    x = load(at) if isinstance(at, Reference) else at
    if isinstance(at, dict):
        f, grad = _unpacking(f), _unpacking_gradient(grad, list(at))
    result = check_grad(
        f,
        grad,
        x() if callable(x) else x,
        rtol=options.rtol,
        exhaustive=options.exhaustive or None,
        near=options.points,
        seed=options.seed,
        progress=shown,
    )
    streams.out.write(f"{_report(result, options, grad_wanted.name)}\n")
    return {"right": RIGHT, "wrong": WRONG, "undecided": UNDECIDED}[result.verdict]


def _report(result: GradientCheck, options: argparse.Namespace, name: str) -> str:
    if not options.json:
        return page(result, name) if options.html else str(result)
    plain = result.to_dict()
    if options.html:
        plain["html"] = page(result, name)
    return json.dumps(_finite(plain), allow_nan=False)


def _finite(plain: Any) -> Any:
    """With None for what JSON has no number for."""
    if isinstance(plain, dict):
        return {key: _finite(value) for key, value in plain.items()}
    if isinstance(plain, list):
        return [_finite(value) for value in plain]
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain


def _sensitivity(options: argparse.Namespace, streams: Streams) -> int:
    import html  # noqa: F401

    from ..verbs.sensitivity import sensitivity

    picture = Path(options.output).absolute() if options.output else None
    wanted = None if options.model.endswith(".joblib") else reference(options.model)
    shown = for_terminal()
    data = _csv(options.data)
    model = _unpickled(options.model, options.trust) if wanted is None else load(wanted)
    predict, X = _prediction(model, data, options)
    result = sensitivity(predict, X, progress=shown)
    streams.out.write(f"{result._repr_html_() if options.html else result}\n")
    if picture is not None:
        figure = result.plot()[0].figure
        from matplotlib import pyplot

        figure.savefig(picture, dpi=120)
        pyplot.close(figure)
        streams.out.write(f"wrote {options.output}\n")
    return RIGHT


def _prediction(model: Any, data: Any, options: argparse.Namespace) -> tuple[Any, Any]:
    """The function that predicts, and what it takes: the columns of the data that the model was fitted with."""
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
    return getattr(model, method, model), data[columns] if named else data[columns].to_numpy()


def _unpickled(path: str, trusted: bool) -> Any:
    if not trusted:
        raise ValueError(f"loading {path} runs whatever code it holds; if you trust it, add --trust")
    try:
        import joblib
    except ImportError as error:
        raise ImportError("joblib files need joblib: pip install 'fastgrad[ml]'") from error
    return joblib.load(path)


def _csv(path: str) -> Any:
    try:
        from pandas import read_csv
    except ImportError:
        try:
            from polars import read_csv
        except ImportError as error:
            raise ImportError("CSV files need pandas or polars: pip install 'fastgrad[frames]'") from error
    return read_csv(path)


def _unpacking(f: Any) -> Any:
    return lambda x: f(**x)


def _unpacking_gradient(grad: Any, names: list[str]) -> Any:
    def gradient(x: dict[str, float]) -> dict[str, Any]:
        result = grad(**x)
        return result if isinstance(result, dict) else dict(zip(names, result, strict=True))

    return gradient
