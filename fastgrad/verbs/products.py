"""Products of Jacobians and Hessians with a vector, at the cost of one direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from ..core.point import Array, as_point
from ..evaluate.functions import callable_or_error, evaluation, flat_gradient
from ..evaluate.problem import Problem
from ..methods.directional import along, along_or_error, checked_direction, product_with_hessian
from ..methods.fixed import fixed_or_error
from .signatures import Options, checked, choose, method_of, with_options

__all__ = ["hvp", "jvp"]


@with_options(Options)
def jvp(
    f: Callable[..., Any],
    x: Any,
    v: Any,
    *,
    args: tuple[Any, ...] = (),
    **options: Unpack[Options],
) -> Array:
    """Product of the Jacobian of a vector function with a vector, at the cost of one column.

    Parameters
    ----------
    f, x, args
        As for `jacobian`.
    v : number, array_like or pytree
        The vector, of x's shape and structure.
    step : float, optional
        The step t of x + t·v.
    vectorized : bool or {"rows", "columns"}, optional
        As for `jacobian`.
    **options
        Those of `Options`.

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
    callable_or_error(f, args)
    method, how = choose(jvp, options)
    chosen = along_or_error(method)
    point = as_point(x)
    chosen.check(point, point.flat)
    direction = checked_direction(v, point)
    with Problem.of(f, args, point, how, outputs=None) as problem:
        _ = problem.outputs
        return along(problem, direction, chosen)


@with_options(Options)
def hvp(
    f: Callable[..., Any],
    x: Any,
    v: Any,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    **options: Unpack[Options],
) -> Any:
    """Product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    x : number, array_like or pytree
        The point, as for `gradient`.
    v : number, array_like or pytree
        The vector, of x's shape and structure.
    grad : callable, optional
        ``grad(x, *args)``: then two evaluations of it are all. By default gradients by central differences of order 4,
        8n evaluations of f.
    args : tuple, optional
        Further arguments of f and grad.
    method : {"central", "forward", "complex"}, optional
        With grad, how it is differentiated along v. From values of f, "complex" takes the gradients by complex steps,
        2n evaluations of f.
    order : int, optional
        Order of accuracy along v.
    step : float, optional
        The step t of x + t·v.
    noise : float, optional
        With grad, the absolute noise of its values.
    **options
        Those of `Options`.

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
    callable_or_error(f, args)
    given = checked(hvp, options)
    point, how = as_point(x), evaluation(given)
    if grad is not None:
        callable_or_error(grad, name="grad")
        return point.restore(jvp(flat_gradient(grad, point, how), point, v, args=args, **options))
    if given["noise"] is not None:
        raise ValueError("noise= is that of grad=; for a noisy f, differentiate(f, x, deriv=2) has error bars")
    direction = checked_direction(v, point)
    exact = given["method"] == "complex"
    outer = along_or_error(method_of(given | {"method": "central"} if exact else given))
    outer.check(point, point.flat)
    inner = given | {"method": "complex" if exact else "central", "order": None if exact else 4, "step": None}
    return point.restore(product_with_hessian(f, args, point, direction, fixed_or_error(method_of(inner)), outer, how))
