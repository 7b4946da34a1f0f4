"""Products of Jacobians and Hessians with a vector, at the cost of one direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import stencils
from ._fixed import checked_steps
from ._functions import Vectorized, Workers, as_function, callable_or_error, evaluation
from ._points import Array, Point
from .derivatives import batch_gradient
from .plans import array_point, outputs_of
from .stencils import FLOAT32, FLOAT64

__all__ = ["hvp", "jvp"]


def jvp(
    f: Callable[..., Any],
    x: ArrayLike,
    v: ArrayLike,
    *,
    args: tuple[Any, ...] = (),
    order: int = 2,
    typical_x: Any = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Array:
    """Product of the Jacobian of a vector function with a vector.

    Parameters
    ----------
    f, x, args, typical_x, vectorized, workers, progress, retries
        As for `jacobian`.
    v : array_like
        The vector, of x's shape.
    order : int, optional
        Order of accuracy, and number of evaluations: 2, 4, 6 or 8.

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
    point, stencil = array_point(x), stencils.stencil("central", order)
    direction, rate = _direction(point, v, typical_x)
    how = evaluation(vectorized, workers, progress, retries)
    outputs = outputs_of(f, args, point, how)
    if not rate:
        return np.zeros(outputs)
    offsets, weights = np.array(stencil.offsets, dtype=float), np.array(stencil.weights)
    with as_function(f, args, point, how, outputs=outputs) as function:

        def along(noise: float) -> Array:
            t = stencil.relative_step(noise) / rate
            values = function.at_points(point.flat.ravel() + np.outer(offsets * t, direction))
            return np.asarray(weights @ (values - values.mean(axis=0)) / t)

        found = along(FLOAT64)
        return along(FLOAT32) if function.float32 else found


def hvp(
    f: Callable[..., Any],
    x: ArrayLike,
    v: ArrayLike,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    typical_x: Any = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Array:
    """Product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f, x, args, typical_x, vectorized, workers, progress, retries
        As for `gradient`; x is an array.
    v : array_like
        The vector, of x's shape.
    grad : callable, optional
        ``grad(x, *args)``: then two evaluations of it are all. By default, 8n evaluations of f.

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
            grad, x, v, args=args, typical_x=typical_x, vectorized=vectorized, workers=workers, progress=progress,
            retries=retries,
        )  # fmt: skip
    point = array_point(x)
    direction, rate = _direction(point, v, typical_x)
    if not rate:
        return np.zeros(point.n)
    # Gradients of order 4 have a relative noise of some 1e-12: its cube root balances that of order 2 here.
    t = 2e-4 / rate
    ends = np.stack([point.flat.ravel() + t * direction, point.flat.ravel() - t * direction])
    slopes = batch_gradient(
        f, ends, args=args, order=4, typical_x=typical_x, vectorized=vectorized, workers=workers, progress=progress,
        retries=retries,
    )  # fmt: skip
    return np.asarray((slopes[0] - slopes[1]) / (2 * t))


def _direction(point: Point, v: ArrayLike, typical_x: Any) -> tuple[Array, float]:
    """The direction, flat, and how fast its fastest coordinate changes, relative to its size."""
    direction = np.asarray(v, dtype=np.float64).ravel()
    if direction.size != point.n:
        raise ValueError(f"v has {direction.size} entries, but x has {point.n}")
    if not np.isfinite(direction).all():
        i = int(np.argmin(np.isfinite(direction)))
        raise ValueError(f"v is {direction[i]} at {point.name(i)}; a direction needs finite entries")
    typical = checked_steps(typical_x, point, "typical_x")
    sizes = np.maximum(np.abs(point.flat.ravel()), 1.0 if typical is None else typical)
    return direction, float((np.abs(direction) / sizes).max(initial=0.0))
