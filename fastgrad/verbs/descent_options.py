"""The options that `gradient_descent` alone has: the type, default, check and text of each."""

# Annotations are not postponed here: the options are read from them.

import math
import os
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict

from ..core import options as checks
from ..core.given import shown
from ..descent.run import LearningRate
from ..records.descent import DescentResult
from .signatures import CoordinateOptions, EvaluationOptions, NoiseOptions, Option

DIRECTIONS = ("gd", "momentum", "nesterov", "adam", "bb")
ACCURACIES = ("forward", "central", "adaptive")
Accuracy = Literal["forward", "central", "adaptive"]


def gradient(name: str, value: Any) -> Any:
    """A function, how differences are taken, or None."""
    if isinstance(value, str):
        return checks.one_of(*ACCURACIES, "complex")(name, value)
    if value is not None and not callable(value):
        raise TypeError(f"{name} is {shown(value)}; expected a function, or how differences are taken")
    return value


def _direction(name: str, value: Any) -> Any:
    if isinstance(value, str) and value in ACCURACIES:
        known = ", ".join(DIRECTIONS)
        raise ValueError(f"method is a direction, one of {known}; differences are chosen by grad={shown(value)}")
    return checks.one_of(*DIRECTIONS)(name, value)


def _learning_rate(name: str, value: Any) -> Any:
    if callable(value) or (isinstance(value, str) and value == "auto"):
        return value
    found = checks.real_or_none(value)
    if found is None or not 0 < found < math.inf:
        kind = TypeError if found is None and not isinstance(value, str) else ValueError
        raise kind(f'{name} is {shown(value)}; expected "auto", a positive number, or a function of iterations')
    return found


def _callback(name: str, value: Any) -> Any:
    if not callable(value):
        raise TypeError(f"{name} is {shown(value)}; expected a function of a result")
    return value


def _path(name: str, value: Any) -> Any:
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {shown(value)}; expected the path of a file")
    return value


class RunOptions(TypedDict, total=False):
    """How a run goes, and where it ends."""

    method: Annotated[
        Literal["gd", "momentum", "nesterov", "adam", "bb"],
        Option(
            "gd",
            _direction,
            '{"gd", "momentum", "nesterov", "adam", "bb"}',
            """
            The direction: the gradient; with momentum; Nesterov's; Adam's; or the gradient with the step lengths of
            Barzilai and Borwein.
            """,
        ),
    ]
    learning_rate: Annotated[
        LearningRate,
        Option(
            "auto",
            _learning_rate,
            'float, callable or "auto"',
            """
            A fixed rate; a schedule ``learning_rate(iteration)``; or, by default, backtracking until f falls enough
            from a guess of Barzilai and Borwein's, which needs no tuning. With "bb", a number is the first step length.
            """,
        ),
    ]
    momentum: Annotated[float, Option(0.9, checks.share, "float", "Momentum, and for Adam its β₁.")]
    decay: Annotated[float, Option(0.999, checks.share, "float", "Adam's β₂.")]
    method_near_optimum: Annotated[
        Accuracy | None,
        Option(
            "adaptive",
            checks.optional(checks.one_of(*ACCURACIES)),
            '{"forward", "central", "adaptive"} or None',
            """
            How differences may be taken where those of `grad` are what limits progress; None: never otherwise.
            """,
        ),
    ]
    gtol: Annotated[
        float,
        Option(
            1e-6,
            checks.nonnegative,
            "float",
            """
            Converged where the norm of the gradient (with bounds, of the projected one) is at most this.
            """,
        ),
    ]
    ftol: Annotated[
        float,
        Option(
            0.0,
            checks.nonnegative,
            "float",
            """
            Converged where an iteration changes f by at most this share of it; 0: no such test.
            """,
        ),
    ]
    maxiter: Annotated[int, Option(1000, checks.count, "int", "Most iterations.")]
    max_evals: Annotated[
        float,
        Option(
            math.inf,
            checks.limit,
            "float",
            """
            Stop after so many evaluations of f; what is under way is finished first.
            """,
        ),
    ]
    max_time: Annotated[float, Option(math.inf, checks.limit, "float", "Stop after so many seconds; as `max_evals`.")]
    callback: Annotated[
        Callable[[DescentResult], object] | None,
        Option(
            None,
            checks.optional(_callback),
            "callable",
            """
            ``callback(result)`` after each iteration, with what a result would be; True stops.
            """,
        ),
    ]
    history: Annotated[
        bool,
        Option(
            True,
            checks.flag,
            "bool",
            """
            Whether the loss curve is kept. Without it and with given rates, f is called only at the end.
            """,
        ),
    ]
    checkpoint: Annotated[
        str | os.PathLike[str] | None,
        Option(
            None,
            checks.optional(_path),
            "path",
            """
            An ``.npz`` file where the run is kept. If it is there, the run goes on from it on the same path, to the
            last bit; f, and a callable grad or learning_rate, are needed again, and f must be what it was.
            """,
        ),
    ]
    checkpoint_every: Annotated[float, Option(5.0, checks.limit, "float", "Seconds between two writes.")]
    batch: Annotated[bool, Option(False, checks.flag, "bool", "Descend from every row of x0.")]


class DescentOptions(RunOptions, CoordinateOptions, NoiseOptions, EvaluationOptions, total=False):
    """Options of `gradient_descent`."""
