"""Jacobians and Hessians: the verbs that return matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _kernels, stencils
from ._fixed import FixedStep, base_values, checked_bounds, checked_steps, relative
from ._functions import Vectorized, Workers, as_function, callable_or_error, evaluation
from ._hessian_values import second_differences
from ._points import Array, Point, as_array
from ._sparse_hessian import by_gradient
from .derivatives import make_method
from .plans import array_point, outputs_of, plan_jacobian
from .stencils import FLOAT32, FLOAT64

__all__ = ["batch_jacobian", "hessian", "jacobian"]

_BLOCK = 1 << 18


def jacobian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    sparsity: Any = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Any:
    """Jacobian of a vector function at a point.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> (m,)``, or an array of m entries of any shape, or a number.
    x : array_like
        The point; n entries of any shape.
    sparsity : {"detect", "nan"} or pattern, optional
        Then the Jacobian is sparse, and takes two evaluations for each group of columns that share no row: see
        `plan_jacobian`, which keeps what was found for other points.
    vectorized : bool or {"rows", "columns"}, optional
        f takes points (k, n) and returns (k, m); with "columns" it takes (n, k) and returns (m, k).
    args, method, order, step, typical_x, bounds, noise, workers, progress, retries
        As for `gradient`.

    Returns
    -------
    jacobian : ndarray, or scipy.sparse.csr_array with sparsity
        (m, n): entry i, j is ∂f_i/∂x_j. Entries of f and x count in C order.

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
    if sparsity is not None:
        if order is not None:
            raise ValueError("a sparse Jacobian has no order= other than its method's: 2 for central differences")
        plan = plan_jacobian(
            f, x, sparsity=sparsity, args=args, method=method, step=step, typical_x=typical_x, bounds=bounds,
            noise=noise, vectorized=vectorized, workers=workers, progress=progress, retries=retries,
        )  # fmt: skip
        return plan(x)
    chosen = _fixed(make_method(method, order, step, typical_x, bounds, noise))
    point = array_point(x)
    how = evaluation(vectorized, workers, progress, retries)
    outputs = outputs_of(f, args, point, how)
    with as_function(f, args, point, how, chosen.imaginary, outputs) as function:
        function.expect(chosen.evaluations(point.n))
        found = chosen.derivatives(function, point, point.flat)[0]
    return np.ascontiguousarray(found.reshape(point.n, outputs).T)


def batch_jacobian(
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
) -> Array:
    """Jacobians of a vector function at many points.

    Parameters
    ----------
    f, args, method, order, step, typical_x, bounds, noise, vectorized, workers, progress, retries
        As for `jacobian`; options of x's shape are per coordinate, (n,), and hold for all points.
    X : array_like
        Points (b, n), one a row.

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
    chosen = _fixed(make_method(method, order, step, typical_x, bounds, noise))
    points = as_array(X, "X")
    if points.ndim != 2 or not points.size:
        raise ValueError(f"X has shape {points.shape}; expected (b, n), one point a row")
    b, n = points.shape
    point = Point(points[0].copy())
    how = evaluation(vectorized, workers, progress, retries)
    outputs = outputs_of(f, args, point, how)
    found = np.empty((b, outputs, n))
    rows = max(1, _BLOCK // (n * outputs))
    with as_function(f, args, point, how, chosen.imaginary, outputs) as function:
        function.expect(chosen.evaluations(points.size))
        for start in range(0, b, rows):
            part = points[start : start + rows]
            slopes = chosen.derivatives(function, point, part)[0].reshape(len(part), n, outputs)
            found[start : start + rows] = slopes.transpose(0, 2, 1)
    return found


def hessian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    grad: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    sparsity: Any = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Any:
    """Hessian of a scalar function at a point.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    x : array_like
        The point; n entries of any shape.
    grad : callable, optional
        ``grad(x, *args)``, the gradient of f: then the Hessian is that of its differences, which are more accurate.
    args, step, typical_x, noise, vectorized, workers, progress, retries
        As for `gradient`; with grad, they are its.
    method, order : optional
        As for `gradient`, for differences of grad. From values of f, it is "central" of order 2.
    bounds : (lower, upper), optional
        As for `gradient`; entries beside a bound become one-sided, of order 2.
    sparsity : {"detect"} or pattern, optional
        Where the Hessian may not be zero: `scipy.sparse` or an array, (n, n); with grad, also to be detected.

    Returns
    -------
    hessian : ndarray, or scipy.sparse.csr_array with sparsity
        (n, n), exactly symmetric.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Notes
    -----
    From values of f, n² + n + 1 evaluations: with f at x, at x ± h_i e_i and at x ± (h_i e_i + h_j e_j),
    ∂²f/∂x_i∂x_j = [f₊₊ - f₊ᵢ - f₊ⱼ + 2f - f₋ᵢ - f₋ⱼ + f₋₋] / (2 h_i h_j) (Abramowitz and Stegun 1964, 25.3.27).
    With grad, 2n of its evaluations; with a pattern two for each colour of a star colouring (Coleman and Moré, Math.
    Program. 28 (1984) 243-270). From values of f with a pattern, two for each entry above the diagonal, and 2n + 1.

    Examples
    --------
    >>> import fastgrad as fg
    >>> fg.hessian(lambda x: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3, [1.0, 2.0]).round(4)
    array([[ 4., 38.],
           [38., 36.]])
    """
    callable_or_error(f)
    if grad is None and (method != "central" or order not in (None, 2)):
        raise ValueError("method= and order= are for differences of grad=; values of f have one formula")
    if sparsity is not None and grad is not None:
        if method != "central" or order not in (None, 2) or bounds is not None:
            raise ValueError("a sparse Hessian has central differences of order 2, and no bounds")
        how = evaluation(vectorized, workers, progress, retries)
        return by_gradient(grad, array_point(x), args, how, step, typical_x, noise, sparsity)
    if isinstance(sparsity, str):
        raise ValueError("a Hessian's pattern is detected from its gradient: pass grad=, or a pattern")
    if grad is not None:
        matrix = jacobian(
            grad, x, args=args, method=method, order=order, bounds=bounds, step=step, typical_x=typical_x, noise=noise,
            vectorized=vectorized, workers=workers, progress=progress, retries=retries,
        )  # fmt: skip
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"grad returned {matrix.shape[0]} values for {matrix.shape[1]} coordinates")
        return np.asarray(0.5 * (matrix + matrix.T))
    point = array_point(x)
    steps, typical = checked_steps(step, point, "step"), checked_steps(typical_x, point, "typical_x")
    n, at, room = point.n, point.flat.ravel(), None
    if bounds is not None:
        lower, upper = checked_bounds(bounds, point, at)
        room = np.stack([at - lower, upper - at])
    with as_function(f, args, point, evaluation(vectorized, workers, progress, retries)) as function:
        function.expect(n * n + n + 1)
        base = base_values(function, point, point.flat)
        function.tolerate(True)

        def differences(relative_noise: float) -> Any:
            h = _kernels.steps(at, n, stencils.SECOND.relative_step(relative_noise), steps, typical)
            return second_differences(function, at, h, float(base[0, 0]), sparsity, room)

        if noise is not None:
            return differences(relative(noise, base))
        found = differences(FLOAT64)
        return differences(FLOAT32) if function.float32 and step is None else found


def _fixed(method: Any) -> FixedStep:
    if not isinstance(method, FixedStep):
        raise ValueError('method="adaptive" takes functions of one value; differentiate them one by one')
    return method
