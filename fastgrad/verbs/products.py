"""Products of Jacobians and Hessians with a vector, at the cost of one direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.point import Array, as_point
from ..evaluate.functions import Vectorized, Workers, callable_or_error, evaluation, flat_gradient
from ..evaluate.problem import Problem
from ..methods.directional import along, product_with_hessian
from ..methods.fixed import fixed_or_error
from .gradients import make_method

__all__ = ["hvp", "jvp"]


def jvp(
    f: Callable[..., Any],
    x: Any,
    v: Any,
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
    v : number, array_like or pytree
        The vector, of x's shape and structure.
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
    callable_or_error(f)
    with Problem.of(f, args, as_point(x), evaluation(vectorized, workers, progress, retries), None) as problem:
        _ = problem.outputs
        return along(problem, v, chosen)


def hvp(
    f: Callable[..., Any],
    x: Any,
    v: Any,
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
) -> Any:
    """Product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f, x, args, typical_x, bounds, vectorized, workers, progress, retries
        As for `gradient`.
    v : number, array_like or pytree
        The vector, of x's shape and structure.
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
    product : float, ndarray or pytree
        Of x's shape and structure.

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
    point, how = as_point(x), evaluation(vectorized, workers, progress, retries)
    if grad is not None:
        product = jvp(
            flat_gradient(grad, point, how), point, v, args=args, method=method, order=order, step=step,
            typical_x=typical_x, bounds=bounds, noise=noise, vectorized=vectorized, workers=workers, progress=progress,
            retries=retries,
        )  # fmt: skip
        return point.restore(product)
    if noise is not None:
        raise ValueError("noise= is that of grad=; for a noisy f, differentiate(f, x, deriv=2) has error bars")
    exact = method == "complex"
    inner = make_method("complex" if exact else "central", None if exact else 4, None, typical_x, bounds, None)
    outer = make_method("central" if exact else method, order, step, typical_x, bounds, None)
    return point.restore(product_with_hessian(f, args, point, v, fixed_or_error(inner), fixed_or_error(outer), how))
