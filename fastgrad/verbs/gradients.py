"""The verbs that return arrays: gradients, partial and directional derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import stencils
from ..core.point import Array, Point, as_array, as_point
from ..evaluate import border
from ..evaluate.functions import Vectorized, Workers, callable_or_error, evaluation
from ..evaluate.problem import Problem
from ..methods.directional import along
from ..methods.fixed import FixedStep
from ..methods.method import Method

_METHODS = ("central", "forward", "complex", "adaptive")
_CHUNK = 1 << 19


def make_method(
    method: str,
    order: int | None,
    step: Any,
    typical_x: Any,
    bounds: Any,
    noise: float | None,
) -> Method:
    """The method that these options name; raises a ValueError that lists the right ones."""
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is not one of {', '.join(map(repr, _METHODS))}")
    if method == "adaptive":
        from ..methods.adaptive import Adaptive

        if order is not None or step is not None:
            raise ValueError('method="adaptive" chooses order and step itself; typical_x= says where it starts')
        return Adaptive(typical_x, bounds, noise)
    if method == "complex":
        if order is not None:
            raise ValueError('method="complex" has no order: it is exact to rounding')
        return FixedStep(None, step, typical_x)
    return FixedStep(stencils.stencil(method, order), step, typical_x, bounds, noise)


_CENTRAL = FixedStep(stencils.stencil("central", 2))


def gradient(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    summed: bool = False,
    sparsity: Any = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Any:
    """Gradient of a scalar function at a point.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``. It may keep or overwrite the x that it gets.
    x : number, array_like or pytree
        The point: an array of any shape, or a pytree (dict, list, tuple, namedtuple, dataclass ...) of arrays
        and numbers. f gets the same shape and structure, in float64.
    args : tuple, optional
        Further arguments of f.
    method : {"central", "forward", "complex", "adaptive"}, optional
        Central differences; forward differences, the cheapest; the complex step, exact to rounding for functions that
        compute analytically with complex numbers; or steps found by looking at f, see `differentiate`.
    order : int, optional
        Order of accuracy of the central differences: 2 (default), 4, 6 or 8.
    step : array_like, optional
        Steps in the units of x: one number, or of x's shape. Chosen by default, see Notes.
    typical_x : array_like, optional
        Typical sizes of the coordinates; steps are relative to the larger of this (default 1) and ``abs(x)``.
    bounds : (lower, upper), optional
        Where f may be evaluated, each a number, None or of x's shape. Stencils that would cross them become
        one-sided, of the same order.
    noise : float, optional
        Absolute noise of one evaluation of f, where known: for simulations, the solver's tolerance.
    summed : bool, optional
        f returns terms, of whose sum the gradient is taken.
    sparsity : {"detect", "nan"} or pattern, optional
        Which terms depend on which coordinates, as for `jacobian`: then coordinates that share no term move together,
        and the gradient of a sum of local terms takes a few evaluations at any n. `plan_jacobian` keeps the pattern.
    vectorized : bool or {"rows", "columns"}, optional
        f takes points of shape (k, n), one a row, and returns (k,); with "columns" it takes (n, k).
    workers : int or concurrent.futures.Executor, optional
        Who evaluates f: so many threads if f is compiled or vectorised (it should release the GIL), so many processes
        if it is a Python function (extra ``workers``); or an executor: threads, processes, Dask, MPI. The result does
        not depend on it.
    progress : bool, optional
        Show evaluations done and time left (extra ``progress``).
    retries : int, optional
        How often workers do again what failed: f raised, or a process died.

    Returns
    -------
    gradient : float, ndarray or pytree
        Of x's shape and structure, in float64.

    Raises
    ------
    TypeError
        f is not callable or returned no real number; x is not numeric.
    ValueError
        x, or f(x), is NaN or infinite; an option is wrong; f returned an array.

    Warns
    -----
    RuntimeWarning
        A derivative is NaN: f is not finite around x, or a coordinate is fixed by its bounds.

    See Also
    --------
    grad : the gradient as a callable.
    batch_gradient : gradients at many points.

    Notes
    -----
    It costs `order` evaluations a component (forward and complex: 1; adaptive: 6 to 8, or more). Steps balance
    truncation against rounding, see `fastgrad.stencils.Stencil.relative_step`. A function that computes in float32 is
    recognised by its values, and its gradient taken anew with a step that fits. Beyond an edge of f's domain, where it
    is not finite or raises a ValueError or ArithmeticError, differences become one-sided.

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
    if method == "central" and order is None and step is typical_x is bounds is noise is None:
        chosen: Method = _CENTRAL
    else:
        chosen = make_method(method, order, step, typical_x, bounds, noise)
    callable_or_error(f)
    if summed or sparsity is not None:
        if not summed:
            raise ValueError("sparsity= needs summed=True: f then returns the terms of a sum")
        from .plans import summed_gradient

        return summed_gradient(f, x, args, chosen, sparsity, evaluation(vectorized, workers, progress, retries))
    return chosen.gradient(f, args, x, evaluation(vectorized, workers, progress, retries))[0]


def partial(
    f: Callable[..., Any],
    x: Any,
    i: Any,
    j: Any = None,
    *,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> float:
    """Partial derivative with respect to one coordinate, or the second one with respect to two.

    Parameters
    ----------
    f, x, args, method, order, step, typical_x, bounds, noise, vectorized, workers, progress, retries
        As for `gradient`. Second derivatives have method "central" and order 2.
    i : int, tuple or str
        The coordinate: a flat index, an index tuple, or a path such as ``"W1[3, 2]"``.
    j : int, tuple or str, optional
        Another coordinate, or the same: then the result is ∂²f/∂x_i∂x_j.

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
    callable_or_error(f)
    point = as_point(x)
    chosen = make_method(method, order, step, typical_x, bounds, noise)
    how = evaluation(vectorized, workers, progress, retries)
    first = point.component(i)
    second = None if j is None else point.component(j)
    if second is not None and (method != "central" or order not in (None, 2)):
        raise ValueError(f'a second derivative has method="central" and order=2, not {method!r} and {order!r}')
    with Problem.of(f, args, point, how) as problem:
        if second is None:
            return float(chosen.derivatives(problem, only=first).item())
        assert isinstance(chosen, FixedStep)
        from ..methods.second import second_partial

        return second_partial(problem, first, second, chosen)


def directional(
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
) -> float:
    """Directional derivative v·∇f(x), at the cost of one component.

    Parameters
    ----------
    f, x, args, method, order, typical_x, bounds, noise, vectorized, workers, progress, retries
        As for `gradient`.
    v : array_like or pytree
        The direction, of x's shape and structure; not normalised.
    step : float, optional
        The step t of x + t·v.

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
    callable_or_error(f)
    point = as_point(x)
    if method == "adaptive":
        raise ValueError(
            'a directional derivative has method="central", "forward" or "complex"; for an adaptive one, '
            "fastgrad.differentiate(lambda t: f(x + t * v), 0.0)"
        )
    chosen = make_method(method, order, step, typical_x, bounds, noise)
    assert isinstance(chosen, FixedStep)
    how = evaluation(vectorized, workers, progress, retries)
    with Problem.of(f, args, point, how) as problem:
        return float(along(problem, v, chosen)[0])


def batch_gradient(
    f: Callable[..., Any],
    X: ArrayLike,
    *,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
    out: Array | None = None,
) -> Array:
    """Gradients of a scalar function at many points.

    Parameters
    ----------
    f, args, method, order, step, typical_x, bounds, noise, vectorized, workers, progress, retries
        As for `gradient`; options of x's shape are per coordinate, (n,), and hold for all points.
    X : array_like
        Points (b, n), one a row.
    out : ndarray, optional
        Where to write the result: float64 of shape (b, n).

    Returns
    -------
    gradients : ndarray
        (b, n): the gradient at each row of X.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; X has not two axes; `out` does not fit.

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
    callable_or_error(f)
    chosen = make_method(method, order, step, typical_x, bounds, noise)
    points = X if isinstance(X, np.ndarray) else np.asarray(X)
    if points.ndim != 2:
        raise ValueError(f"X has shape {points.shape}; expected (b, n), one point a row")
    b, n = points.shape
    if out is None:
        out = np.empty((b, n))
    elif not isinstance(out, np.ndarray) or out.shape != (b, n) or out.dtype != np.float64:
        raise ValueError(f"out must be a float64 array of shape {(b, n)}")
    if not b * n:
        return out
    adaptive = not isinstance(chosen, FixedStep)
    # The adaptive method keeps some 300 bytes a component.
    rows = max(1, (_CHUNK // 32 if adaptive else _CHUNK) // n)
    if not border.is_plain(points):
        for start in range(0, b, rows):
            as_array(points[start : start + rows], f"X[{start}:]" if start else "X")
    point = Point(np.zeros(n))
    direct = out.flags.carray and not np.may_share_memory(out, points)
    how = evaluation(vectorized, workers, progress, retries)
    with Problem.of(f, args, point, how) as problem:
        problem.function.expect(chosen.evaluations(b * n))
        for start in range(0, b, rows):
            part = out[start : start + rows]
            problem = problem.at(np.ascontiguousarray(points[start : start + rows], dtype=np.float64))
            found = chosen.derivatives(problem, out=part if direct else None)
            if found is not part:
                part[...] = found
    return out
