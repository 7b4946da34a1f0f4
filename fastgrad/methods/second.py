"""Second partial derivatives from values of f alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import Coordinates, steps_within
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.problem import Problem
from ..stencils import Stencil
from .fixed import FixedStep

Indices = NDArray[np.intp]

_BLOCK = 1 << 18
_SHORTER = 5  # steps, each a sixteenth of the last

# First derivatives of order 2 by offsets in steps: central, and beside a bound.
_CENTRAL = ((1.0, -1.0, 0.0), (0.5, -0.5, 0.0))
_SIDED = ((0.0, 1.0, 2.0), (-1.5, 2.0, -0.5))
# The second derivative of order 2 beside a bound.
_SECOND_SIDED = np.array([-5.0, 4.0, -1.0])  # at one, two and three steps


def second_derivatives(
    problem: Problem, chosen: FixedStep, axes: Indices, rows: Indices, columns: Indices
) -> tuple[Array, Array]:
    """∂²f/∂x_i² for the coordinates `axes`, in an array (n,), and ∂²f/∂x_i∂x_j for the pairs (rows, columns)."""
    assert chosen.stencil is not None
    stencil = stencils.second(chosen.stencil.method, chosen.stencil.order)
    where = Coordinates(problem.point, problem.x.ravel(), chosen.step, chosen.typical_x, chosen.bounds, chosen.scale)
    problem.function.expect(1 + stencil.evaluations * (axes.size + rows.size))
    base = problem.values.item()
    problem.declare(chosen.noise)
    problem.function.tolerate(True)
    # Along the sum of two axes f's derivatives of order p + 2 add up, to 2^(p + 1) of one in the mixed entry.
    # Order 2 is better off without, on the problems of the tests: its rounding weighs more.
    shorter = 1.0 if stencil.order <= 2 else 2.0 ** -((stencil.order + 1) / (stencil.order + 2))

    def take(relative_noise: float) -> tuple[Array, Array]:
        relative = shorter * stencil.relative_step(relative_noise)
        h = border.steps(where.x, where.n, relative, where.absolute(relative), where.typical)
        at = _Point(problem.function, where.x, h, base, where.room, axes, rows, columns)
        return at.central(stencil) if stencil.is_symmetric else at.forward()

    diagonal, mixed = take(problem.relative_noise) if where.step is not None else problem.settled(take)
    if not (np.isfinite(diagonal[axes]).all() and np.isfinite(mixed).all()):
        warn("second derivatives are nan where f is not finite around x")
    return diagonal, mixed


def second_partial(problem: Problem, i: int, j: int, chosen: FixedStep) -> float:
    """∂²f/∂x_i∂x_j, of order 2."""
    pair: list[tuple[int, int]] = [] if i == j else [(i, j)]
    rows, columns = np.array(pair, dtype=np.intp).reshape(-1, 2).T
    diagonal, mixed = second_derivatives(problem, chosen, np.unique([i, j]).astype(np.intp), rows, columns)
    return float(diagonal[i] if i == j else mixed[0])


def hessian(problem: Problem, chosen: FixedStep) -> Array:
    """All second partial derivatives, (n, n)."""
    n = problem.point.n
    rows, columns = np.triu_indices(n, 1)
    diagonal, mixed = second_derivatives(problem, chosen, np.arange(n), rows, columns)
    matrix: Array = np.empty((n, n))
    matrix[np.diag_indices(n)] = diagonal
    matrix[rows, columns] = matrix[columns, rows] = mixed
    return _looked_at(problem, chosen, matrix)


def _looked_at(problem: Problem, chosen: FixedStep, matrix: Array) -> Array:
    from . import curvature
    from .adaptive import Adaptive

    if chosen.look is False:
        return matrix
    bounds = None if chosen.imaginary else chosen.bounds
    where = Coordinates(problem.point, problem.x.ravel(), chosen.step, chosen.typical_x, bounds, chosen.scale)
    other = Adaptive(chosen.typical_x, bounds, chosen.noise, scale=chosen.scale)
    return curvature.hessian_looked_at(problem, where, matrix, other, chosen.imaginary)


def hessian_by_complex_steps(problem: Problem, chosen: FixedStep) -> Array:
    """All second partial derivatives, by central differences of gradients by complex steps."""
    point, inner = problem.point, FixedStep(None)
    outer = FixedStep(stencils.stencil("central", 2), chosen.step, chosen.typical_x, scale=chosen.scale)

    def gradients(points: Array) -> Array:
        return inner.derivatives(problem.at(points))

    flat = Point(problem.x.ravel())
    with as_function(gradients, (), flat, Evaluation(vectorized="rows"), flat.n) as gradient:
        matrix = outer.derivatives(Problem(gradient, point)).reshape(flat.n, flat.n)
    return _looked_at(problem, chosen, np.asarray(0.5 * (matrix + matrix.T)))


class _Point(NamedTuple):
    """What second differences are taken of: a function, a point, steps, f there, room, and which entries are wanted."""

    function: border.Function
    x: Array
    h: Array
    base: float
    room: Array | None
    axes: Indices  # on the diagonal
    rows: Indices
    columns: Indices

    def central(self, stencil: Stencil) -> tuple[Array, Array]:
        """The diagonal and the mixed entries; those beside a bound are one-sided, of order 2."""
        function, x, h, base, rows, columns = self.function, self.x, self.h, self.base, self.rows, self.columns
        sided: NDArray[np.bool_] = np.zeros(x.size, dtype=bool)
        if self.room is not None:
            sided = np.asarray((self.room < stencil.reach * h).any(axis=0))
            h = np.where(sided, self._within(3.0), h)
        free = self.axes[~sided[self.axes]]
        both = ~(sided[rows] | sided[columns])
        diagonal, mixed = np.zeros(x.size), np.zeros(rows.size)
        with np.errstate(all="ignore"):
            for s, w in zip(stencil.offsets[1::2], stencil.weights[1::2], strict=True):
                one, width = _along_axes(function, x, s * h, base, free)
                diagonal += w * s * s * ((one[:, 0] + one[:, 1]) / width**2)
                mixed[both] += w * s * s * _central(function, x, width, base, one, rows[both], columns[both])
                h = np.where(sided | (s > 1), h, width)
            if sided.any():
                at_bound = self.axes[sided[self.axes]]
                diagonal[at_bound] = _second_beside_bounds(function, x, h, base, at_bound)
                mixed[~both] = _by_products(function, x, h, base, sided, rows[~both], columns[~both])
        return diagonal, mixed

    def forward(self) -> tuple[Array, Array]:
        """The diagonal and the mixed entries from x + h_i e_i, x + 2h_i e_i and x + h_i e_i + h_j e_j."""
        function, x, rows, columns = self.function, self.x, self.rows, self.columns
        h = self.h if self.room is None else self._within(2.0)
        values = function.at_shifts(x, np.arange(x.size), h, np.array([1.0, 2.0]))[:, :, 0] - self.base
        with np.errstate(all="ignore"):
            diagonal = (values[:, 1] - 2 * values[:, 0]) / h**2
            pairs = _pairs(function, x, rows, columns, h[rows], h[columns]) - self.base
            return diagonal, (pairs - values[rows, 0] - values[columns, 0]) / (h[rows] * h[columns])

    def _within(self, reach: float) -> Array:
        """Signed steps on the roomier side, so many of which stay within the bounds."""
        assert self.room is not None
        up = self.room[1] >= self.room[0]
        longest = steps_within(np.where(up, self.room[1], self.room[0]), reach)
        return np.asarray(np.where(up, 1.0, -1.0) * np.minimum(self.h, longest))


def _along_axes(function: border.Function, x: Array, h: Array, base: float, left: Indices) -> tuple[Array, Array]:
    """f(x ± h_i e_i) - f(x) of some coordinates (n, 2), and the steps: shorter where f is not defined so far away."""
    one, h = np.full((x.size, 2), np.nan), h.copy()
    for _ in range(_SHORTER):
        if not left.size:
            break
        one[left] = function.at_shifts(x, left, h[left], np.array([1.0, -1.0]))[:, :, 0] - base
        left = left[~np.isfinite(one[left]).all(axis=1)]
        h[left] = (x[left] + h[left] / 16) - x[left]
    return one, h


def _second_beside_bounds(function: border.Function, x: Array, h: Array, base: float, coordinates: Indices) -> Array:
    """∂²f/∂x_i² from x, x + h, x + 2h and x + 3h."""
    values = function.at_shifts(x, coordinates, h[coordinates], np.arange(1.0, 4.0))[:, :, 0]
    return np.asarray((values - base) @ _SECOND_SIDED / h[coordinates] ** 2)


def _central(
    function: border.Function,
    x: Array,
    h: Array,
    base: float,
    one: Array,
    rows: Indices,
    columns: Indices,
) -> Array:
    """Mixed derivatives from x ± (h_i e_i + h_j e_j) and the values along the axes."""
    corners = [_pairs(function, x, rows, columns, s * h[rows], s * h[columns]) - base for s in (1.0, -1.0)]
    both = (corners[0] - one[rows, 0] - one[columns, 0]) + (corners[1] - one[rows, 1] - one[columns, 1])
    return np.asarray(both / (2 * h[rows] * h[columns]))


def _by_products(
    function: border.Function,
    x: Array,
    h: Array,
    base: float,
    sided: NDArray[np.bool_],
    rows: Indices,
    columns: Indices,
) -> Array:
    """Mixed derivatives where one coordinate at least is beside a bound: a first derivative of a first derivative."""
    offsets, weights = (np.where(sided[:, None], _SIDED[k], _CENTRAL[k]) for k in (0, 1))
    total = np.zeros(rows.size)
    for a in range(3 if rows.size else 0):
        for b in range(3):
            product = weights[rows, a] * weights[columns, b]
            # f at x itself is known, and differences are taken to it.
            used = np.flatnonzero((product != 0) & ((offsets[rows, a] != 0) | (offsets[columns, b] != 0)))
            i, j = rows[used], columns[used]
            values = _pairs(function, x, i, j, offsets[i, a] * h[i], offsets[j, b] * h[j])
            total[used] += product[used] * (values - base)
    return total / (h[rows] * h[columns])


def _pairs(function: border.Function, x: Array, i: Indices, j: Indices, first: Array, second: Array) -> Array:
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
