"""Gradient descent: follow the negative gradient, and watch the loss fall."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import flat_bounds
from ..core.point import Array, Point, as_point, per_coordinate
from ..descent import directions
from ..descent.checkpoint import Checkpoint
from ..descent.gradients import DifferenceSlopes, Slopes, UserSlopes
from ..descent.resuming import compare
from ..descent.run import Run
from ..descent.state import Rules
from ..descent.stopping import Ending, Stopping
from ..evaluate.border import Function
from ..evaluate.functions import SERIAL, Evaluation, as_function, callable_or_error, evaluation
from ..evaluate.problem import Problem
from ..evaluate.python import PythonFunction
from ..methods.adaptive import Adaptive
from ..methods.method import Method
from ..methods.named import make_method
from ..records.descent import DescentResult
from .descent_options import ACCURACIES, Accuracy, DescentOptions, gradient
from .signatures import checked, with_options

__all__ = ["DescentResult", "gradient_descent"]

_KNOWN = ("typical_x", "scale", "bounds", "noise")


@overload
def gradient_descent(
    f: Callable[..., Any],
    x0: float,
    *,
    grad: Callable[..., Any] | Accuracy | Literal["complex"] | None = None,
    args: tuple[Any, ...] = (),
    **options: Unpack[DescentOptions],
) -> DescentResult[float]: ...
@overload
def gradient_descent(
    f: Callable[..., Any],
    x0: NDArray[Any],
    *,
    grad: Callable[..., Any] | Accuracy | Literal["complex"] | None = None,
    args: tuple[Any, ...] = (),
    **options: Unpack[DescentOptions],
) -> DescentResult[Array]: ...
@overload
def gradient_descent(
    f: Callable[..., Any],
    x0: Any = None,
    *,
    grad: Callable[..., Any] | Accuracy | Literal["complex"] | None = None,
    args: tuple[Any, ...] = (),
    **options: Unpack[DescentOptions],
) -> DescentResult[Any]: ...
@with_options(DescentOptions)
def gradient_descent(
    f: Callable[..., Any],
    x0: Any = None,
    *,
    grad: Callable[..., Any] | Accuracy | Literal["complex"] | None = None,
    args: tuple[Any, ...] = (),
    **options: Unpack[DescentOptions],
) -> DescentResult[Any]:
    """Minimise f by following its negative gradient.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``, the loss.
    x0 : number, array_like or pytree
        Where to start; with ``batch=True`` points (m, n), one start a row. May be left out where a checkpoint is there
        and x is an array.
    grad : callable or {"forward", "central", "complex", "adaptive"}, optional
        ``grad(x, *args)``; or how differences of f are taken, "central" by default.
    args : tuple, optional
        Further arguments of f and grad.
    bounds : (lower, upper), optional
        x is kept within by projection; each is a number, None or of x's shape.
    **options
        Those of `DescentOptions`.

    Returns
    -------
    result : DescentResult
        The best point, and how it was found; ``print(result)`` says in a line what happened.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; an option is wrong; f or its gradient is not finite at x0; the checkpoint is none, of another
        run or function, or in use.
    OSError
        The checkpoint cannot be written: before the run begins. Later that is a warning.

    See Also
    --------
    grad : fits ``jac=`` of `scipy.optimize.minimize`, whose quasi-Newton methods need fewer evaluations.

    Notes
    -----
    Ctrl-C returns the best point so far. With a checkpoint SIGTERM ends the iterations too, and goes on its way when
    they are kept. An exception in f at a trial step makes the step shorter; elsewhere it ends the run, and is in the
    result.

    Where no lower point is found, or a gradient by differences no longer gets smaller, it is compared with that of
    the adaptive method, which knows its error: either it is replaced by a more accurate one, or the run has
    "converged to the accuracy of the gradient".

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> result = fg.gradient_descent(lambda x: ((x - [1, 2]) ** 2).sum(), np.zeros(2))
    >>> result.success, result.x.round(5)
    (True, array([1., 2.]))
    """
    callable_or_error(f, args)
    grad = gradient("grad", grad)
    given = checked(gradient_descent, options)
    rules = _rules(given)
    kept = None if given["checkpoint"] is None else Checkpoint(given["checkpoint"], given["checkpoint_every"])
    if given["batch"]:
        if kept is not None or given["callback"] is not None:
            raise ValueError("batch=True has no checkpoint and no callback")
        from ..descent.many import descend_many

        known = {name: given[name] for name in _KNOWN}
        return descend_many(f, x0, grad, args, rules, known, evaluation(given))
    with contextlib.nullcontext() if kept is None else kept.held():
        return _descended(f, _start(x0, kept), grad, args, rules, given, kept)


def _descended(
    f: Callable[..., Any],
    point: Point,
    grad: Any,
    args: tuple[Any, ...],
    rules: Rules,
    given: dict[str, Any],
    kept: Checkpoint | None,
) -> DescentResult:
    """One run, from where it starts or was kept."""
    near, how = given["method_near_optimum"], evaluation(given)
    known = {name: given[name] for name in _KNOWN}
    bounds, noise = given["bounds"], given["noise"]
    limits = None if bounds is None else flat_bounds(bounds, point, point.flat)
    rules = replace(rules, bounds=limits)
    methods = [] if callable(grad) else _methods(grad or "central", near, known)
    adaptive = Adaptive(given["typical_x"], bounds, scale=given["scale"])
    adaptive.check(point, point.flat)
    # The bar of a run shows its iterations; one point at a time is no work to share.
    shared = how._replace(progress=False)
    alone = SERIAL if how.vectorized is False else Evaluation(how.vectorized)
    with as_function(f, args, point, alone) as loss, Problem.of(f, args, point, shared) as differenced:
        fixed = None if limits is None else limits[0] == limits[1]
        slopes: Slopes = (
            UserSlopes(grad, args, point) if callable(grad) else DifferenceSlopes(differenced, methods, adaptive, fixed)
        )
        run = Run(loss, _calls(f, args, point, loss, slopes, how), slopes, point, rules)
        run.checkpoint = kept
        run.options = _kept_options(rules, grad, point) | {
            "method_near_optimum": near,
            "bounds": _fingerprint(limits),
            "typical_x": _fingerprint(per_coordinate(given["typical_x"], point, "typical_x")),
            "noise": noise,
        }
        if given["scale"] is not None:  # checkpoints of older versions have no such entry
            run.options["scale"] = _fingerprint(per_coordinate(given["scale"], point, "scale"))
        if kept is not None and kept.is_there:
            run.restore(kept.load(run.entries(), run.options))
            compare(run, noise)
        else:
            run.begin()
        loss.tolerate(True)
        return _finished(run, how.progress)


def _finished(run: Run, progress: bool) -> DescentResult:
    if progress:
        from ..evaluate.progress import Iterations

        run.shown = Iterations(run.rules.stopping.maxiter, run.iteration)
    try:
        ending: Ending = run.go()
    finally:
        if run.shown is not None:
            run.shown.close()
    return run.result(run.keep(ending))


def _rules(given: dict[str, Any]) -> Rules:
    """The rules of a run, without bounds."""
    stopping = Stopping(*(given[name] for name in ("gtol", "ftol", "maxiter", "max_evals", "max_time")))
    method, rate, momentum, decay = (given[name] for name in ("method", "learning_rate", "momentum", "decay"))
    return Rules(method, rate, momentum, decay, None, stopping, given["history"], given["callback"])


def _start(x0: Any, kept: Checkpoint | None) -> Point:
    """Where the run starts or, with a checkpoint, what x looks like; whether that can be written is known then."""
    if x0 is None:
        if kept is None or not kept.is_there:
            raise TypeError("x0 is missing, and there is no checkpoint to go on from")
        x = kept.start()
        if x is None:
            raise TypeError("x0 is missing; where x is not an array, it is needed to go on from a checkpoint too")
        point = as_point(x)
    else:
        point = as_point(x0)
    if not point.n:
        raise ValueError("x0 has no entries")
    if kept is not None:
        kept.prepare(point.n)
    return point


def _kept_options(rules: Rules, grad: Any, point: Point) -> dict[str, Any]:
    """What a checkpoint says of the run that wrote it."""
    return {
        "method": rules.method,
        "learning_rate": "a function" if callable(rules.learning_rate) else rules.learning_rate,
        "momentum": rules.momentum,
        "decay": rules.decay,
        "grad": "a function" if callable(grad) else grad or "central",
        "history": rules.history,
        "coordinates": point.n,
        "shape": list(point.shape) if point.make is None else None,
    }


def _fingerprint(values: Any) -> int | None:
    """What tells an option of many numbers from another."""
    return None if values is None else zlib.crc32(np.asarray(values, dtype=np.float64).tobytes())


def _methods(grad: str, near: str | None, known: dict[str, Any]) -> list[Method]:
    """How differences are taken, the cheapest first."""
    names = [grad]
    if grad in ACCURACIES and near is not None:
        names += ACCURACIES[ACCURACIES.index(grad) + 1 : ACCURACIES.index(near) + 1]
    return [make_method(name, **known) for name in names]


def _calls(
    f: Any, args: tuple[Any, ...], point: Point, loss: Function, slopes: Slopes, how: Evaluation
) -> directions.Calls:
    """F and the gradient for iterations in C: the user's own functions where they take arrays."""
    like = np.empty(point.shape)
    plain = point.make is None and how.vectorized is False and isinstance(loss, PythonFunction)
    if plain and isinstance(slopes, UserSlopes):
        return directions.Calls(f, slopes.grad, args, like, slopes.convert)

    def value(x: Array) -> float:
        return float(loss.at_points(x.reshape(1, -1))[0, 0])

    flat = np.empty(point.n)
    return directions.Calls(value, slopes.at, (), flat, slopes.convert, count_values=False)
