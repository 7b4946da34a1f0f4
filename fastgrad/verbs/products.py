"""Products of Jacobians and Hessians with a vector, at the cost of one direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.point import Array, array_point
from ..evaluate.functions import SERIAL, Vectorized, Workers, callable_or_error, evaluation, outputs_of
from ..methods.directional import directional_derivative
from ..methods.fixed import fixed_or_error
from .gradients import batch_gradient, make_method

__all__ = ["hvp", "jvp"]

_GRADIENT_NOISE = 1e-12  # of gradients of order 4, relative


def jvp(
    f: Callable[..., Any],
    x: ArrayLike,
    v: ArrayLike,
    *,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: float | None = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Array:
    """Product of the Jacobian of a vector function with a vector, at the cost of one column.

    Parameters
    ----------
    f, x, args, method, order, typical_x, bounds, noise, vectorized, workers, progress, retries
        As for `jacobian`.
    v : array_like
        The vector, of x's shape.
    step : float, optional
        The step t of x + t·v.

    Returns
    -------
    product : ndarray
        (m,).

    Raises
    ------
    TypeError, ValueError
        As for `jacobian`; v does not fit.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> fg.jvp(lambda x: np.array([x[0] * x[1], x[1] ** 2]), [2.0, 5.0], [1.0, 1.0]).round(6)
    array([ 7., 10.])
    """
    chosen = fixed_or_error(make_method(method, order, step, typical_x, bounds, noise))
    point = array_point(x)
    how = evaluation(vectorized, workers, progress, retries)
    return directional_derivative(f, args, point, v, chosen, how, outputs_of(f, args, point, how))


def hvp(
    f: Callable[..., Any],
    x: ArrayLike,
    v: ArrayLike,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: float | None = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Array:
    """Product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f, x, args, typical_x, bounds, vectorized, workers, progress, retries
        As for `gradient`; x is an array.
    v : array_like
        The vector, of x's shape.
    grad : callable, optional
        ``grad(x, *args)``: then two evaluations of it are all. By default gradients by central differences of order 4,
        8n evaluations of f.
    method : {"central", "forward", "complex"}, optional
        With grad, how it is differentiated along v. From values of f, "complex" takes the gradients by complex steps,
        2n evaluations of f.
    order : int, optional
        Order of accuracy along v.
    step : float, optional
        The step t of x + t·v.
    noise : float, optional
        With grad, the absolute noise of its values.

    Returns
    -------
    product : ndarray
        (n,).

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; v does not fit.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f, g = lambda x: x[0] ** 2 * x[1], lambda x: np.array([2 * x[0] * x[1], x[0] ** 2])
    >>> fg.hvp(f, [1.0, 2.0], [1.0, 0.0], grad=g).round(6)
    array([4., 2.])
    """
    callable_or_error(f)
    if grad is not None:
        return jvp(
            grad, x, v, args=args, method=method, order=order, step=step, typical_x=typical_x, bounds=bounds,
            noise=noise, vectorized=vectorized, workers=workers, progress=progress, retries=retries,
        )  # fmt: skip
    if noise is not None:
        raise ValueError("noise= is that of grad=; for a noisy f, differentiate(f, x, deriv=2) has error bars")
    exact = method == "complex"

    def gradients(X: Array) -> Array:
        return batch_gradient(
            f, X, args=args, method="complex" if exact else "central", order=None if exact else 4, typical_x=typical_x,
            bounds=None if exact else bounds, vectorized=vectorized, workers=workers, progress=progress,
            retries=retries,
        )  # fmt: skip

    outer = fixed_or_error(make_method("central" if exact else method, order, step, typical_x, bounds, None))
    point = array_point(x)
    how, accuracy = SERIAL._replace(vectorized="rows"), np.finfo(float).eps if exact else _GRADIENT_NOISE
    return directional_derivative(gradients, (), point, v, outer, how, point.n, accuracy)
