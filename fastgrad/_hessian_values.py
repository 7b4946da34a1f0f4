"""Second partial derivatives from values of f alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _kernels
from ._points import Array
from ._sparse_hessian import symmetric, upper_entries

_BLOCK = 1 << 18
_SHORTER = 5  # steps, each a sixteenth of the last

# First derivatives of order 2 by offsets in steps: central, and beside a bound.
_CENTRAL = ((1.0, -1.0, 0.0), (0.5, -0.5, 0.0))
_SIDED = ((0.0, 1.0, 2.0), (-1.5, 2.0, -0.5))
# The second derivative of order 2 beside a bound.
_SECOND_SIDED = np.array([2.0, -5.0, 4.0, -1.0])


def second_differences(
    function: _kernels.Function, x: Array, h: Array, base: float, sparsity: Any, room: Array | None
) -> Any:
    """Second partial derivatives at x: a matrix, or with a pattern a csr_array.

    Parameters
    ----------
    function, x, h, base
        f, the point, a step for each coordinate, f there.
    sparsity : pattern or None
        Which entries are wanted.
    room : ndarray or None
        (2, n): how far coordinates may move down and up.
    """
    n = x.size
    sided: NDArray[np.bool_] = np.zeros(n, dtype=bool)
    if room is not None:
        sided = np.asarray((room < h).any(axis=0))
        up = room[1] >= room[0]
        # A hair less than the room: three steps must not round to beyond it.
        reach = np.nextafter(np.where(up, room[1], room[0]) / 3.0, 0.0)
        h = np.where(sided, np.where(up, 1.0, -1.0) * np.minimum(h, reach), h)
    free = np.flatnonzero(~sided)
    one, h = _along_axes(function, x, h, base, free)
    with np.errstate(invalid="ignore", divide="ignore"):
        diagonal = (one[:, 0] + one[:, 1]) / h**2
        if sided.any():
            diagonal[sided] = _beside_bounds(function, x, h, np.flatnonzero(sided))
        rows, columns = np.triu_indices(n, 1) if sparsity is None else upper_entries(sparsity, n)
        mixed = np.empty(rows.size)
        central = ~(sided[rows] | sided[columns])
        mixed[central] = _central(function, x, h, base, one, rows[central], columns[central])
        mixed[~central] = _by_products(function, x, h, base, sided, rows[~central], columns[~central])
    if not (np.isfinite(diagonal).all() and np.isfinite(mixed).all()):
        warnings.warn("second derivatives are nan where f is not finite around x", RuntimeWarning, stacklevel=4)
    if sparsity is not None:
        return symmetric(rows, columns, mixed, diagonal)
    matrix = np.empty((n, n))
    matrix[np.diag_indices(n)] = diagonal
    matrix[rows, columns] = matrix[columns, rows] = mixed
    return matrix


def _along_axes(
    function: _kernels.Function, x: Array, h: Array, base: float, left: NDArray[np.intp]
) -> tuple[Array, Array]:
    """f(x ± h_i e_i) - f(x) of some coordinates (n, 2), and the steps: shorter where f is not defined so far away."""
    one, h = np.full((x.size, 2), np.nan), h.copy()
    for _ in range(_SHORTER):
        if not left.size:
            break
        one[left] = function.at_shifts(x, left, h[left], np.array([1.0, -1.0]))[:, :, 0] - base
        left = left[~np.isfinite(one[left]).all(axis=1)]
        h[left] = (x[left] + h[left] / 16) - x[left]
    return one, h


def _beside_bounds(function: _kernels.Function, x: Array, h: Array, coordinates: NDArray[np.intp]) -> Array:
    """∂²f/∂x_i² from x, x + h, x + 2h and x + 3h."""
    values = function.at_shifts(x, coordinates, h[coordinates], np.arange(4.0))[:, :, 0]
    return np.asarray((values - values[:, :1]) @ _SECOND_SIDED / h[coordinates] ** 2)


def _central(
    function: _kernels.Function,
    x: Array,
    h: Array,
    base: float,
    one: Array,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> Array:
    """Mixed derivatives from x ± (h_i e_i + h_j e_j) and the values along the axes."""
    corners = [_pairs(function, x, rows, columns, s * h[rows], s * h[columns]) - base for s in (1.0, -1.0)]
    both = (corners[0] - one[rows, 0] - one[columns, 0]) + (corners[1] - one[rows, 1] - one[columns, 1])
    return np.asarray(both / (2 * h[rows] * h[columns]))


def _by_products(
    function: _kernels.Function,
    x: Array,
    h: Array,
    base: float,
    sided: NDArray[np.bool_],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> Array:
    """Mixed derivatives where one coordinate at least is beside a bound: a first derivative of a first derivative."""
    offsets, weights = (np.where(sided[:, None], _SIDED[k], _CENTRAL[k]) for k in (0, 1))
    total = np.zeros(rows.size)
    for a in range(3 if rows.size else 0):
        for b in range(3):
            product = weights[rows, a] * weights[columns, b]
            used = np.flatnonzero(product)
            i, j = rows[used], columns[used]
            values = _pairs(function, x, i, j, offsets[i, a] * h[i], offsets[j, b] * h[j])
            total[used] += product[used] * (values - base)
    return total / (h[rows] * h[columns])


def _pairs(
    function: _kernels.Function, x: Array, i: NDArray[np.intp], j: NDArray[np.intp], first: Array, second: Array
) -> Array:
    """Values where coordinate i is moved by `first`, and j by `second`."""
    values = np.empty(i.size)
    block = max(1, _BLOCK // max(1, x.size))
    for start in range(0, i.size, block):
        part = slice(start, start + block)
        points = np.tile(x, (i[part].size, 1))
        pair = np.arange(i[part].size)
        points[pair, i[part]] += first[part]
        points[pair, j[part]] += second[part]
        values[part] = function.at_points(points)[:, 0]
    return values
