"""Gradient descent: follow the negative gradient, and watch the loss fall."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._functions import Workers, as_function, callable_or_error, evaluation
from ._kernels import Function
from ._method import Method
from ._points import Array, Point, Tree, as_point, per_coordinate
from .derivatives import make_method


@dataclass(frozen=True, slots=True)
class DescentResult:
    """Where a descent ended, with scipy's field names.

    Attributes
    ----------
    x : number, ndarray or pytree
        The best point, of x0's shape and structure.
    fun : float
        f there.
    jac : number, ndarray or pytree
        The gradient there.
    nit, nfev, njev : int
        Iterations, evaluations of f, gradients.
    success : bool
    status : int
        0 converged, 1 too many iterations, 2 no lower point found, 3 f not finite.
    message : str
    history : dict of ndarray
        ``fun``, ``grad_norm``, ``step``, ``nfev`` and ``time`` (seconds), an entry an iterate: the loss curve.
    """

    x: Any
    fun: float
    jac: Any
    nit: int
    nfev: int
    njev: int
    success: bool
    status: int
    message: str
    history: dict[str, NDArray[Any]] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.message}: f = {self.fun:.6g} after {self.nit} iterations, {self.nfev} evaluations"

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON, where x is arrays."""
        plain = asdict(self)
        plain["history"] = {name: values.tolist() for name, values in self.history.items()}
        for name in ("x", "jac"):
            plain[name] = plain[name].tolist() if isinstance(plain[name], np.ndarray) else plain[name]
        return plain


def gradient_descent(
    f: Callable[..., Any],
    x0: Any,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    learning_rate: float | Literal["auto"] = "auto",
    maxiter: int = 1000,
    gtol: float = 1e-6,
    method: str = "central",
    order: int | None = None,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> DescentResult:
    """Minimise f by gradient descent.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``, the loss.
    x0 : number, array_like or pytree
        Where to start.
    grad : callable, optional
        ``grad(x, *args)``; by default differences of f.
    args : tuple, optional
        Further arguments of f and grad.
    learning_rate : float or "auto", optional
        A fixed rate, or backtracking until f falls enough (Armijo, Pac. J. Math. 16 (1966) 1-3), from a
        first guess that doubles the last step that was taken.
    maxiter : int, optional
        Most iterations.
    gtol : float, optional
        Converged where the gradient's norm is at most this.
    method, order : optional
        How differences are taken, as for `gradient`.
    workers, progress, retries : optional
        As for `gradient`.

    Returns
    -------
    result : DescentResult

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; the learning rate is not positive.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> result = fg.gradient_descent(lambda x: ((x - [1, 2]) ** 2).sum(), np.zeros(2))
    >>> result.success, result.x.round(5)
    (True, array([1., 2.]))
    """
    callable_or_error(f)
    if learning_rate != "auto" and not (isinstance(learning_rate, (int, float)) and 0 < learning_rate < math.inf):
        raise ValueError(f'learning_rate is {learning_rate!r}; expected "auto" or a positive number')
    point = as_point(x0)
    chosen = make_method(method, order, None, None, None, None)
    how = evaluation(False, workers, progress, retries)
    # One point at a time is no work to share.
    with (
        as_function(f, args, point) as loss,
        as_function(f, args, point, how, imaginary=chosen.imaginary) as differenced,
    ):
        return _descend(loss, differenced, grad, args, point, chosen, learning_rate, maxiter, gtol)


def _descend(
    loss: Function,
    differenced: Function,
    grad: Callable[..., Any] | None,
    args: tuple[Any, ...],
    point: Point,
    chosen: Method,
    learning_rate: float | Literal["auto"],
    maxiter: int,
    gtol: float,
) -> DescentResult:
    def value(x: Array) -> float:
        return float(loss.at_points(x.reshape(1, -1))[0, 0])

    def gradient(x: Array) -> Array:
        if grad is None:
            return chosen.derivatives(differenced, point, x)[0].ravel()
        argument = point.restore(x) if point.make is not None else x.reshape(point.shape).copy()
        result = grad(argument, *args)
        found = per_coordinate(result, point, "grad's result")
        assert found is not None
        if not isinstance(point, Tree) and np.shape(result) != point.shape and point.n > 1:
            raise ValueError(f"grad returned shape {np.shape(result)}, but x has shape {point.shape}")
        return found

    started = time.perf_counter()
    history: dict[str, list[float]] = {name: [] for name in ("fun", "grad_norm", "step", "nfev", "time")}
    x = point.flat.ravel().copy()
    fun, slope = value(x), gradient(x)
    if not math.isfinite(fun):
        raise ValueError(f"f is {fun} at x0")
    rate = 1.0 if learning_rate == "auto" else float(learning_rate)
    nit, njev, step = 0, 1, 0.0
    while True:
        norm = float(np.linalg.norm(slope))
        now = time.perf_counter() - started
        nfev = loss.nfev + differenced.nfev
        for name, entry in zip(history, (fun, norm, step, nfev, now), strict=True):
            history[name].append(entry)
        if norm <= gtol:
            status, message = 0, f"converged: the gradient's norm is {norm:.2g}"
            break
        if nit >= maxiter:
            status, message = 1, f"stopped after maxiter={maxiter} iterations"
            break
        trial, lower = x - rate * slope, 0.0
        lower = value(trial)
        if learning_rate == "auto":
            while not lower <= fun - 1e-4 * rate * norm**2 and rate * norm > 1e-16 * (1.0 + float(np.abs(x).max())):
                rate *= 0.5
                trial = x - rate * slope
                lower = value(trial)
            if not lower <= fun - 1e-4 * rate * norm**2:
                status, message = 2, "no lower point along the gradient: at the accuracy of f and its gradient"
                break
        elif not math.isfinite(lower):
            status, message = 3, f"f became {lower}; the last good point is returned, try a smaller learning_rate"
            break
        x, fun, step = trial, lower, rate * norm
        slope = gradient(x)
        nit, njev = nit + 1, njev + 1
        if learning_rate == "auto":
            rate *= 2.0
    return DescentResult(
        point.restore(x),
        fun,
        point.restore(slope),
        nit,
        loss.nfev + differenced.nfev,
        njev,
        status == 0,
        status,
        message,
        {name: np.array(entries) for name, entries in history.items()},
    )
