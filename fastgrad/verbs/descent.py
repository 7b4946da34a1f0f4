"""Gradient descent: follow the negative gradient, and watch the loss fall."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.coordinates import checked_bounds
from ..core.point import Array, Point, as_point, per_coordinate
from ..descent.checkpoint import Checkpoint
from ..descent.gradients import DifferenceSlopes, Slopes, UserSlopes
from ..descent.run import LearningRate, Run
from ..descent.state import Rules
from ..descent.stopping import Ending, Stopping
from ..evaluate import border
from ..evaluate.functions import SERIAL, Evaluation, Vectorized, Workers, as_function, callable_or_error, evaluation
from ..evaluate.problem import Problem
from ..methods.adaptive import Adaptive
from ..methods.method import Method
from ..records.descent import DescentResult
from .gradients import make_method

__all__ = ["DescentResult", "gradient_descent"]

METHODS = ("gd", "momentum", "nesterov", "adam", "bb")
_ACCURACY = ("forward", "central", "adaptive")


def gradient_descent(
    f: Callable[..., Any],
    x0: Any = None,
    *,
    grad: Callable[..., Any] | str | None = None,
    args: tuple[Any, ...] = (),
    method: str = "gd",
    learning_rate: LearningRate = "auto",
    momentum: float = 0.9,
    decay: float = 0.999,
    bounds: Any = None,
    typical_x: Any = None,
    noise: float | None = None,
    method_near_optimum: str | None = "adaptive",
    gtol: float = 1e-6,
    ftol: float = 0.0,
    maxiter: int = 1000,
    max_evals: float = math.inf,
    max_time: float = math.inf,
    callback: Callable[[DescentResult], object] | None = None,
    history: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: float = 5.0,
    batch: bool = False,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> DescentResult:
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
    method : {"gd", "momentum", "nesterov", "adam", "bb"}, optional
        The direction: the gradient; with momentum; Nesterov's; Adam's; or the gradient with the step lengths of
        Barzilai and Borwein.
    learning_rate : float, callable or "auto", optional
        A fixed rate; a schedule ``learning_rate(iteration)``; or, by default, backtracking until f falls enough
        from a guess of Barzilai and Borwein's, which needs no tuning. With "bb", a number is the first step length.
    momentum, decay : float, optional
        Momentum, and for Adam its β₁; Adam's β₂.
    bounds : (lower, upper), optional
        x is kept within by projection.
    typical_x, noise : optional
        For differences, as for `gradient`.
    method_near_optimum : {"forward", "central", "adaptive"} or None, optional
        How differences may be taken where those of `grad` are what limits progress; None: never otherwise.
    gtol : float, optional
        Converged where the norm of the gradient (with bounds, of the projected one) is at most this.
    ftol : float, optional
        Converged where an iteration changes f by at most this share of it; 0: no such test.
    maxiter : int, optional
        Most iterations.
    max_evals, max_time : float, optional
        Stop after so many evaluations of f, or seconds; what is under way is finished first.
    callback : callable, optional
        ``callback(result)`` after each iteration, with what a result would be; True stops.
    history : bool, optional
        Whether the loss curve is kept. Without it and with given rates, f is called only at the end.
    checkpoint : path, optional
        An ``.npz`` file where the run is kept. If it is there, the run goes on from it on the same path, to the last
        bit; f, and a callable grad or learning_rate, are needed again.
    checkpoint_every : float, optional
        Seconds between two writes.
    batch : bool, optional
        Descend from every row of x0.
    vectorized, workers, progress, retries
        As for `gradient`.

    Returns
    -------
    result : DescentResult
        The best point, and how it was found; ``print(result)`` says in a line what happened.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; an option is wrong; f or its gradient is not finite at x0; the checkpoint is of another run.

    See Also
    --------
    grad : fits ``jac=`` of `scipy.optimize.minimize`, whose quasi-Newton methods need fewer evaluations.

    Notes
    -----
    Ctrl-C returns the best point so far. An exception in f at a trial step makes the step shorter; elsewhere it ends
    the run, and is in the result.

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
    callable_or_error(f)
    if method not in METHODS:
        hint = "; differences are chosen by grad=" if method in _ACCURACY else ""
        raise ValueError(f"method={method!r} is not one of {', '.join(map(repr, METHODS))}{hint}")
    _check_numbers(learning_rate, momentum, decay)
    how = evaluation(vectorized, workers, progress, retries)
    if batch:
        if checkpoint is not None or callback is not None:
            raise ValueError("batch=True has no checkpoint and no callback")
        from ..descent.many import descend_many

        return descend_many(
            f, x0, grad, args, method, learning_rate, momentum, decay, bounds, typical_x, noise, gtol, maxiter,
            max_evals, max_time, how,
        )  # fmt: skip
    kept = None if checkpoint is None else Checkpoint(checkpoint, checkpoint_every)
    found = None if kept is None else kept.load()
    point = _start(x0, found)
    limits = None if bounds is None else _flat_bounds(bounds, point)
    stopping = Stopping(gtol, ftol, maxiter, max_evals, max_time)
    rules = Rules(method, learning_rate, momentum, decay, limits, stopping, history, callback)
    methods = [] if callable(grad) else _methods(grad or "central", method_near_optimum, typical_x, bounds, noise)
    adaptive = Adaptive(typical_x, bounds)
    # The bar of a run shows its iterations; one point at a time is no work to share.
    shared = how._replace(progress=False)
    alone = SERIAL if how.vectorized is False else Evaluation(how.vectorized)
    with as_function(f, args, point, alone) as loss, Problem.of(f, args, point, shared) as differenced:
        slopes: Slopes = (
            UserSlopes(grad, args, point) if callable(grad) else DifferenceSlopes(differenced, methods, adaptive)
        )
        run = Run(loss, _calls(f, args, point, loss, slopes, how), slopes, point, rules)
        run.checkpoint = kept
        run.options = _kept_options(method, learning_rate, momentum, decay, grad, point) | {
            "method_near_optimum": method_near_optimum,
            "bounds": _fingerprint(limits),
            "typical_x": _fingerprint(per_coordinate(typical_x, point, "typical_x")),
            "noise": noise,
        }
        if found is not None:
            _check_options(run.options, found[1])
            run.restore(found[0])
        else:
            run.begin()
        loss.tolerate(True)
        return _finished(run, progress)


def _finished(run: Run, progress: bool) -> DescentResult:
    if progress:
        from ..evaluate.progress import Iterations

        run.shown = Iterations(run.rules.stopping.maxiter, run.iteration)
    try:
        ending: Ending = run.go()
    finally:
        if run.shown is not None:
            run.shown.close()
    if run.checkpoint is not None:
        run.save()
    return run.result(ending)


def _check_numbers(learning_rate: Any, momentum: float, decay: float) -> None:
    if not callable(learning_rate) and learning_rate != "auto":
        number = isinstance(learning_rate, int | float | np.floating) and not isinstance(learning_rate, bool)
        if not (number and 0 < learning_rate < math.inf):
            raise ValueError(
                f'learning_rate is {learning_rate!r}; expected "auto", a positive number, or a function of iterations'
            )
    for name, value in (("momentum", momentum), ("decay", decay)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value!r}; expected a number from 0 to below 1")


def _start(x0: Any, found: tuple[dict[str, Any], dict[str, Any]] | None) -> Point:
    """Where the run starts or, with a checkpoint, what x looks like."""
    if x0 is None:
        if found is None:
            raise TypeError("x0 is missing, and there is no checkpoint to go on from")
        shape = found[1]["shape"]
        if shape is None:
            raise TypeError("x0 is missing; where x is not an array, it is needed to go on from a checkpoint too")
        return as_point(found[0]["x"].reshape(shape))
    point = as_point(x0)
    if not point.n:
        raise ValueError("x0 has no entries")
    if found is not None and np.size(found[0]["x"]) != point.n:
        raise ValueError(
            f"the checkpoint is of a run with {np.size(found[0]['x'])} coordinates, but x0 has {point.n}; "
            "remove it to start anew"
        )
    return point


def _kept_options(
    method: str, learning_rate: Any, momentum: float, decay: float, grad: Any, point: Point
) -> dict[str, Any]:
    """What a checkpoint says of the run that wrote it."""
    return {
        "method": method,
        "learning_rate": "a function" if callable(learning_rate) else learning_rate,
        "momentum": momentum,
        "decay": decay,
        "grad": "a function" if callable(grad) else grad or "central",
        "shape": list(point.shape) if point.make is None else None,
    }


def _fingerprint(values: Any) -> int | None:
    """What tells an option of many numbers from another."""
    return None if values is None else zlib.crc32(np.asarray(values, dtype=np.float64).tobytes())


def _check_options(given: dict[str, Any], kept: dict[str, Any]) -> None:
    """A run goes on as it began."""
    for name, value in kept.items():
        if name in given and given[name] != value:
            raise ValueError(
                f"the checkpoint is of a run with {name}={value!r}, not {given[name]!r}; pass the same, "
                "or remove the file to start anew"
            )


def _flat_bounds(bounds: Any, point: Point) -> tuple[Array, Array]:
    """Lower and upper bounds of each coordinate; x0 must be within."""
    lower, upper = checked_bounds(bounds, point, point.flat)
    return np.ascontiguousarray(np.broadcast_to(lower, point.n)), np.ascontiguousarray(np.broadcast_to(upper, point.n))


def _methods(grad: str, near: str | None, typical_x: Any, bounds: Any, noise: float | None) -> list[Method]:
    """How differences are taken, the cheapest first."""
    if grad not in (*_ACCURACY, "complex"):
        raise ValueError(f"grad={grad!r} is no function and not one of 'forward', 'central', 'complex', 'adaptive'")
    if near is not None and near not in _ACCURACY:
        raise ValueError(f"method_near_optimum={near!r} is not one of {', '.join(map(repr, _ACCURACY))}")
    names = [grad]
    if grad in _ACCURACY and near is not None:
        names += _ACCURACY[_ACCURACY.index(grad) + 1 : _ACCURACY.index(near) + 1]
    return [make_method(name, None, None, typical_x, bounds, noise) for name in names]


def _calls(
    f: Any, args: tuple[Any, ...], point: Point, loss: border.Function, slopes: Slopes, how: Evaluation
) -> border.Calls:
    """F and the gradient for iterations in C: the user's own functions where they take arrays."""
    like = np.empty(point.shape)
    plain = point.make is None and how.vectorized is False and isinstance(loss, border.PythonFunction)
    if plain and isinstance(slopes, UserSlopes):
        return border.Calls(f, slopes.grad, args, like, slopes.convert)

    def value(x: Array) -> float:
        return float(loss.at_points(x.reshape(1, -1))[0, 0])

    flat = np.empty(point.n)
    return border.Calls(value, slopes.at, (), flat, slopes.convert, count_values=False)
