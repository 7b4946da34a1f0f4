"""The verbs that return arrays: gradients, partial and directional derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core import options as checks
from ..core.given import array_of
from ..core.outputs import is_direct, memory_of, overlap
from ..core.point import Array, as_array, as_point, row_point
from ..evaluate import border
from ..evaluate.functions import callable_or_error
from ..evaluate.problem import Problem
from ..methods.directional import along, along_or_error, checked_direction
from ..methods.fixed import FixedStep
from ..methods.named import CENTRAL
from .signatures import Options, Sparsity, choose, with_options

_CHUNK = 1 << 19


@overload
def gradient(
    f: Callable[..., Any],
    x: float,
    *,
    args: tuple[Any, ...] = (),
    summed: bool = False,
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> float: ...
@overload
def gradient(
    f: Callable[..., Any],
    x: NDArray[Any],
    *,
    args: tuple[Any, ...] = (),
    summed: bool = False,
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Array: ...
@overload
def gradient(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    summed: bool = False,
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Any: ...
@with_options(Options)
def gradient(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    summed: bool = False,
    sparsity: Sparsity = None,
    **options: Unpack[Options],
) -> Any:
    """Gradient of a scalar function at a point.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``. It may keep or overwrite the x that it gets.
    x : number, array_like or pytree
        The point: a number; an array of any shape, also as a list or tuple of numbers; a Series or DataFrame of pandas
        or polars; or a pytree, a dict, list, tuple, namedtuple or dataclass of these. f gets the same, in float64, and
        an array for each list of numbers.
    args : tuple, optional
        Further arguments of f.
    summed : bool, optional
        f returns terms, of whose sum the gradient is taken.
    sparsity : {"detect", "nan"} or pattern, optional
        Which terms depend on which coordinates, as for `jacobian`: then coordinates that share no term move together,
        and the gradient of a sum of local terms takes a few evaluations at any n. `plan_jacobian` keeps the pattern.
    **options
        Those of `Options`.

    Returns
    -------
    gradient : float, ndarray, Series, DataFrame or pytree
        Of x's shape, labels and structure, in float64.

    Raises
    ------
    TypeError
        f is not callable or returned no real number; x is not numeric.
    ValueError
        x, or f(x), is NaN or infinite; an option is wrong; f returned an array.

    Warns
    -----
    RuntimeWarning
        A derivative is NaN: f is not finite around x or has an edge too near, its slope is infinite, or bounds leave a
        coordinate no room.

    See Also
    --------
    grad : the gradient as a callable.
    batch_gradient : gradients at many points.

    Notes
    -----
    It costs `order` evaluations a component (forward and complex: 1; adaptive: 6 to 8, or more), and f(x) where a
    coordinate is so small beside its step that an edge at 0 would show no other way. Steps balance truncation against
    rounding, see `fastgrad.stencils.Stencil.relative_step`. A function that computes in float32 is
    recognised by its values, and its gradient taken anew with a step that fits. Where f is not finite at a step or
    raises one of `domain_errors`, an edge is near: that component is taken by the adaptive method, to five digits.

    An exception in f comes out as it is, with a note of the component and shift.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3
    >>> fg.gradient(f, np.array([1.0, 2.0])).round(6)
    array([28., 37.])
    >>> g = fg.gradient(lambda p: p["a"] * (p["b"] ** 2).sum(), {"a": 2.0, "b": np.array([1.0, 3.0])})
    >>> round(g["a"], 6), g["b"].round(6)
    (10.0, array([ 4., 12.]))
    """
    callable_or_error(f, args)
    if not options and summed is False and sparsity is None:
        return CENTRAL.gradient(f, args, x)[0]
    chosen, how = choose(gradient, options)
    if summed is False or not checks.flag("summed", summed):
        if sparsity is not None:
            raise ValueError("sparsity= needs summed=True: f then returns the terms of a sum")
        return chosen.gradient(f, args, x, how)[0]
    from .plans import summed_gradient

    return summed_gradient(f, x, args, chosen, sparsity, how)


@with_options(Options)
def partial(
    f: Callable[..., Any],
    x: Any,
    i: Any,
    j: Any = None,
    *,
    args: tuple[Any, ...] = (),
    **options: Unpack[Options],
) -> float:
    """Partial derivative with respect to one coordinate, or the second one with respect to two.

    Parameters
    ----------
    f, x, args
        As for `gradient`.
    i : int, tuple or str
        The coordinate: a flat index, an index tuple, or a path such as ``"W1[3, 2]"``.
    j : int, tuple or str, optional
        Another coordinate, or the same: then the result is ∂²f/∂x_i∂x_j, by method "central" and order 2.
    **options
        Those of `Options`.

    Returns
    -------
    derivative : float

    Raises
    ------
    IndexError
        x has no such coordinate.
    TypeError, ValueError
        As for `gradient`.

    Notes
    -----
    ∂²f/∂x_i² takes [f(x+h) - 2f(x) + f(x-h)] / h² and three evaluations; ∂²f/∂x_i∂x_j seven: f at x, at x ± h e_i and
    x ± k e_j, and at x ± (h e_i + k e_j) (Abramowitz and Stegun 1964, 25.3.23 and 25.3.27).

    Examples
    --------
    >>> import fastgrad as fg
    >>> f = lambda x: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3
    >>> round(fg.partial(f, [1.0, 2.0], 1), 6)
    37.0
    >>> round(fg.partial(f, [1.0, 2.0], 0, 1), 4)
    38.0
    """
    callable_or_error(f, args)
    chosen, how = choose(partial, options)
    point = as_point(x)
    chosen.check(point, point.flat)
    first = point.component(i)
    second = None if j is None else point.component(j)
    if second is not None and not (isinstance(chosen, FixedStep) and chosen.stencil is CENTRAL.stencil):
        raise ValueError(f'a second derivative has method="central" and order=2, not {chosen!r}')
    with Problem.of(f, args, point, how) as problem:
        if second is None:
            return float(chosen.checked(problem, only=first).item())
        assert isinstance(chosen, FixedStep)
        from ..methods.second import second_partial

        return second_partial(problem, first, second, chosen)


@with_options(Options)
def directional(
    f: Callable[..., Any],
    x: Any,
    v: Any,
    *,
    args: tuple[Any, ...] = (),
    **options: Unpack[Options],
) -> float:
    """Directional derivative v·∇f(x), at the cost of one component.

    Parameters
    ----------
    f, x, args
        As for `gradient`.
    v : array_like or pytree
        The direction, of x's shape and structure; not normalised.
    step : float, optional
        The step t of x + t·v.
    **options
        Those of `Options`.

    Returns
    -------
    derivative : float

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; v does not fit x or is not finite.

    Notes
    -----
    The step moves the coordinate that changes most, relative to its size, by the step that a gradient takes.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3
    >>> round(fg.directional(f, np.array([1.0, 2.0]), np.array([1.0, -1.0])), 6)
    -9.0
    """
    callable_or_error(f, args)
    method, how = choose(directional, options)
    chosen = along_or_error(method)
    point = as_point(x)
    chosen.check(point, point.flat)
    direction = checked_direction(v, point)
    with Problem.of(f, args, point, how) as problem:
        return float(along(problem, direction, chosen)[0])


@with_options(Options)
def batch_gradient(
    f: Callable[..., Any],
    X: ArrayLike,
    *,
    args: tuple[Any, ...] = (),
    out: Array | None = None,
    **options: Unpack[Options],
) -> Array:
    """Gradients of a scalar function at many points.

    Parameters
    ----------
    f, args
        As for `gradient`.
    X : array_like
        Points (b, n), one a row. Options of x's shape are (n,), and hold for all points.
    out : ndarray, optional
        Where to write the result: float64 of shape (b, n). If it overlaps X, args or options, as out=X does, it is
        written to after the last call of f.
    **options
        Those of `Options`.

    Returns
    -------
    gradients : ndarray
        (b, n): the gradient at each row of X.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; X has not two axes; `out` does not fit, is read-only or overlaps itself.

    Notes
    -----
    A vectorised f is called with blocks of points that stay in the processor's cache; their size follows the
    time that f takes. Memory beyond X and the result is a few MiB at any size.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda X: X[:, 0] ** 2 * X[:, 1]
    >>> fg.batch_gradient(f, [[1.0, 2.0], [3.0, 4.0]], vectorized=True).round(6)
    array([[ 4.,  1.],
           [24.,  9.]])
    """
    callable_or_error(f, args)
    chosen, how = choose(batch_gradient, options)
    points = array_of(X, "X")
    if points.ndim != 2:
        raise ValueError(f"X has shape {points.shape}; expected (b, n), one point a row")
    b, n = points.shape
    memory = np.empty((b, n)) if out is None else memory_of("out", out, (b, n), np.float64)
    if not b * n:
        return memory if out is None else out
    adaptive = not isinstance(chosen, FixedStep)
    # The adaptive method keeps some 300 bytes a component.
    rows = max(1, (_CHUNK // 32 if adaptive else _CHUNK) // n)
    if not border.is_plain(points):
        for start in range(0, b, rows):
            as_array(points[start : start + rows], f"X[{start}:]" if start else "X")
    point = row_point(X, n)
    chosen.check(point, points)
    # f may fail half way: what is read is overwritten only after the last call.
    apart = out is not None and overlap(memory, points, args, tuple(options.values()))
    written = np.empty((b, n)) if apart else memory
    direct = written.flags.c_contiguous and is_direct(written)
    with Problem.of(f, args, point, how) as problem:
        problem.function.expect(chosen.evaluations(b * n))
        for start in range(0, b, rows):
            part = written[start : start + rows]
            problem = problem.at(np.ascontiguousarray(points[start : start + rows], dtype=np.float64))
            found = chosen.checked(problem, out=part if direct else None)
            if found is not part:
                part[...] = found
    if apart:
        memory[...] = written
    return memory if out is None else out
