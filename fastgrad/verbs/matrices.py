"""Jacobians and Hessians: the verbs that return matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core import options as checks
from ..core.point import Array, Point, array_point, as_array, as_point
from ..evaluate.functions import Evaluation, callable_or_error, flat_gradient
from ..evaluate.problem import Problem
from ..methods import second
from ..methods.fixed import FixedStep, fixed_or_error
from ..sparse.hessian import by_entries, by_gradient
from .plans import sparse_jacobian
from .signatures import Options, Sparsity, choose, with_options

__all__ = ["batch_jacobian", "hessian", "jacobian"]

_BLOCK = 1 << 18


@overload
def jacobian(
    f: Callable[..., Any],
    x: NDArray[Any],
    *,
    args: tuple[Any, ...] = (),
    sparsity: None = None,
    **options: Unpack[Options],
) -> Array: ...
@overload
def jacobian(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Any: ...
@with_options(Options)
def jacobian(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Any:
    """Jacobian of a vector function at a point.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> (m,)``, or an array of m entries of any shape, or a number.
    x : number, array_like or pytree
        The point, as for `gradient`; n coordinates.
    sparsity : {"detect", "nan"} or pattern, optional
        Then the Jacobian is sparse, and takes two evaluations for each group of columns that share no row: see
        `plan_jacobian`, which keeps what was found for other points.
    vectorized : bool or {"rows", "columns"}, optional
        f takes points (k, n) and returns (k, m); with "columns" it takes (n, k) and returns (m, k).
    args : tuple, optional
        Further arguments of f.
    **options
        Those of `Options`.

    Returns
    -------
    jacobian : ndarray, DataFrame or pytree, or scipy.sparse.csr_array with sparsity
        (m, n): entry i, j is ∂f_i/∂x_j. Entries of f and x count in C order. For a number x (m,); for a pytree one with
        leaves ``(m, *shape)``; for a Series a DataFrame, whose columns are its labels.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; f's values change their number.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> fg.jacobian(lambda x: np.array([x[0] * x[1], x[1] ** 2, 3.0]), [2.0, 5.0]).round(6)
    array([[ 5.,  2.],
           [ 0., 10.],
           [ 0.,  0.]])
    """
    callable_or_error(f, args)
    method, how = choose(jacobian, options)
    chosen = fixed_or_error(method)
    if sparsity is not None:
        return sparse_jacobian(f, array_point(x), args, chosen, sparsity, how)
    point = as_point(x)
    return point.restore_columns(_columns(f, args, point, chosen, how))


def _columns(f: Callable[..., Any], args: tuple[Any, ...], point: Point, chosen: FixedStep, how: Evaluation) -> Array:
    """The Jacobian (m, n), whatever x is."""
    chosen.check(point, point.flat)
    with Problem.of(f, args, point, how, outputs=None) as problem:
        problem.function.expect(1 + chosen.evaluations(point.n))
        outputs = problem.outputs
        found = chosen.checked(problem)
    # A view: very large ones are not held twice.
    return found.reshape(point.n, outputs).T


@with_options(Options)
def batch_jacobian(
    f: Callable[..., Any],
    X: ArrayLike,
    *,
    args: tuple[Any, ...] = (),
    **options: Unpack[Options],
) -> Array:
    """Jacobians of a vector function at many points.

    Parameters
    ----------
    f, args
        As for `jacobian`.
    X : array_like
        Points (b, n), one a row. Options of x's shape are (n,), and hold for all points.
    vectorized : bool or {"rows", "columns"}, optional
        As for `jacobian`.
    **options
        Those of `Options`.

    Returns
    -------
    jacobians : ndarray
        (b, m, n).

    Raises
    ------
    TypeError, ValueError
        As for `jacobian`; X has not two axes.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> fg.batch_jacobian(lambda x: np.array([x[0] * x[1], x[1]]), [[2.0, 5.0], [3.0, 4.0]]).round(6)
    array([[[5., 2.],
            [0., 1.]],
    <BLANKLINE>
           [[4., 3.],
            [0., 1.]]])
    """
    callable_or_error(f, args)
    method, how = choose(batch_jacobian, options)
    chosen = fixed_or_error(method)
    points = as_array(X, "X").copy()
    if points.ndim != 2 or not points.size:
        raise ValueError(f"X has shape {points.shape}; expected (b, n), one point a row")
    b, n = points.shape
    point = Point(points[0])
    chosen.check(point, points)
    with Problem.of(f, args, point, how, outputs=None) as problem:
        problem.function.expect(1 + chosen.evaluations(points.size))
        outputs = problem.outputs
        found = np.empty((b, outputs, n))
        rows = max(1, _BLOCK // max(1, n * outputs))
        for start in range(0, b, rows):
            part = points[start : start + rows]
            problem = problem.at(part)
            slopes = chosen.checked(problem).reshape(len(part), n, outputs)
            found[start : start + rows] = slopes.transpose(0, 2, 1)
    return found


@overload
def hessian(
    f: Callable[..., Any],
    x: NDArray[Any],
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    sparsity: None = None,
    **options: Unpack[Options],
) -> Array: ...
@overload
def hessian(
    f: Callable[..., Any],
    x: Any,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Any: ...
@with_options(Options)
def hessian(
    f: Callable[..., Any],
    x: Any,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Any:
    """Hessian of a scalar function at a point.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    x : number, array_like or pytree
        The point, as for `gradient`; n coordinates.
    grad : callable, optional
        ``grad(x, *args)``, the gradient of f: then the Hessian is that of its differences, which are more accurate, and
        the options below are grad's.
    args : tuple, optional
        Further arguments of f and grad.
    method : {"central", "forward", "complex"}, optional
        As for `gradient`. From values of f, "complex" is central differences of gradients by complex steps.
    order : int, optional
        Order of accuracy of the central differences: 2 (default), 4, 6 or 8.
    bounds : (lower, upper), optional
        As for `gradient`; entries beside a bound become one-sided, of order 2.
    sparsity : {"detect"} or pattern, optional
        Where the Hessian may not be zero: `scipy.sparse` or an array, (n, n); with grad, also to be detected.
    **options
        Those of `Options`.

    Returns
    -------
    hessian : float, ndarray, DataFrame or pytree, or scipy.sparse.csr_array with sparsity
        (n, n), exactly symmetric. For a number x a number; for a pytree a pytree of pytrees, with leaves
        ``(*shape, *other)``; for a Series a DataFrame with its labels on both axes.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Notes
    -----
    From values of f, n² + n + 1 evaluations, two of the second look, and two for each coordinate whose step is found
    anew as the curvature along it does not fit: with f at x, at x ± h_i e_i and at x ± (h_i e_i + h_j e_j),
    ∂²f/∂x_i∂x_j = [f₊₊ - f₊ᵢ - f₊ⱼ + 2f - f₋ᵢ - f₋ⱼ + f₋₋] / (2 h_i h_j) (Abramowitz and Stegun 1964, 25.3.27).
    Higher orders combine k steps, with k times as many. By forward differences,
    n(n + 3)/2 + 1 evaluations (Dennis and Schnabel 1983, A5.6.2).
    With grad, 2n of its evaluations; with a pattern two for each colour of a star colouring (Coleman and Moré, Math.
    Program. 28 (1984) 243-270). From values of f with a pattern, two for each entry above the diagonal, and 2n + 1.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.hessian(lambda x: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3, [1.0, 2.0]).round(4)
    array([[ 4., 38.],
           [38., 36.]])
    """
    callable_or_error(f, args)
    method, how = choose(hessian, options)
    chosen = fixed_or_error(method)
    if grad is not None:
        callable_or_error(grad, name="grad")
    checks.optional(checks.sparsity)("sparsity", sparsity)
    point = as_point(x) if sparsity is None else array_point(x)
    chosen.check(point, point.flat)
    if sparsity is not None and grad is not None:
        return by_gradient(grad, point, args, how, chosen, sparsity)
    if isinstance(sparsity, str):
        raise ValueError(f"sparsity={sparsity!r} needs grad=: a Hessian's pattern is detected from its gradient")
    if chosen.imaginary and grad is None and (chosen.bounds is not None or sparsity is not None):
        raise ValueError('a Hessian from values by method="complex" has neither bounds nor sparsity; pass grad=')
    if sparsity is not None:
        with Problem.of(f, args, point, how) as problem:
            return by_entries(problem, chosen, sparsity)
    if grad is not None:
        matrix = _columns(flat_gradient(grad, point, how), args, point, chosen, how)
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"grad returned {matrix.shape[0]} values for {matrix.shape[1]} coordinates")
        return point.restore_square(0.5 * (matrix + matrix.T))
    with Problem.of(f, args, point, how) as problem:
        found = (
            second.hessian_by_complex_steps(problem, chosen) if chosen.imaginary else second.hessian(problem, chosen)
        )
    return point.restore_square(found)
