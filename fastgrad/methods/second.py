"""Second partial derivatives from values of f alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import Coordinates, steps_within
from ..core.point import Array, Point
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.problem import Problem
from ..stencils import Stencil
from . import short_scales
from .bounded import is_curved, near_bounds
from .curvature import Entries, entries_looked_at, say_if_apart
from .curvature_steps import AlongAxes, Axes
from .edges import replace_second, tolerance
from .fixed import FixedStep
from .told_noise import shown_noise

Indices = NDArray[np.intp]
T = TypeVar("T")

_BLOCK = 1 << 18

# First derivatives of order 2 by offsets in steps: central, and beside a bound.
_CENTRAL = ((1.0, -1.0, 0.0), (0.5, -0.5, 0.0))
_SIDED = ((0.0, 1.0, 2.0), (-1.5, 2.0, -0.5))
# The second derivative of order 2 beside a bound.
_BESIDE = Stencil("one-sided", 2, (0, 1, 2, 3), *stencils.exact_weights(0, range(4), 2), deriv=2)
# Forward differences are of order 1: beside a bound they take steps this long in distances to it.
_SPAN = 3e-3


def second_derivatives(problem: Problem, chosen: FixedStep, axes: Indices, rows: Indices, columns: Indices) -> Entries:
    """∂²f/∂x_i² for the coordinates `axes`, and ∂²f/∂x_i∂x_j for the pairs (rows, columns)."""
    assert chosen.stencil is not None
    stencil = stencils.second(chosen.stencil.method, chosen.stencil.order)
    where, problem.near = chosen.coordinates(problem.point, problem.x.ravel()), None
    problem.function.expect(1 + stencil.evaluations * (axes.size + rows.size))
    base = problem.values.item()
    problem.declare(chosen.noise)
    problem.function.tolerate(True)
    # Along the sum of two axes f's derivatives of order p + 2 add up, to 2^(p + 1) of one in the mixed entry.
    # Order 2 is better off without, on the problems of the tests: its rounding weighs more.
    shorter = 1.0 if stencil.order <= 2 else 2.0 ** -((stencil.order + 1) / (stencil.order + 2))

    along = AlongAxes(problem.function, where, stencil, shorter, base, axes, chosen.noise)

    def entries(relative_noise: float, h: Array, known: Axes | None) -> Entries:
        curved: NDArray[np.bool_] = np.zeros(where.n, dtype=bool)
        at = _Point(problem.function, where, relative_noise, h, base, axes, rows, columns, curved)
        problem.curved = at.curved
        return Entries(*(at.forward() if known is None else at.central(stencil, known)), h)

    def take(relative_noise: float) -> Entries:
        relative = shorter * stencil.relative_step(relative_noise)
        h = border.steps(where.x, where.n, relative, where.absolute(relative), where.typical).ravel()
        return entries(relative_noise, h, None)

    def settled(take: Callable[[float], T]) -> T:
        return take(problem.relative_noise) if where.step is not None else problem.settled(take, room=where.room)

    if stencil.is_symmetric:
        # The precision of f shows along the axes already.
        known = settled(along.take)
        if chosen.noise and where.step is None and chosen.look is not False:
            known = _for_shown_noise(problem, along, known, chosen.noise)
        found = entries(problem.relative_noise, known.h, known)
    else:
        found = settled(take)
    given = found.diagonal.copy()
    if chosen.doubts(problem):
        short_scales.mark_second(problem, where, axes, (rows, columns), (found.diagonal, found.mixed), found.h)
    if not (np.isfinite(found.diagonal[axes]).all() and np.isfinite(found.mixed).all()):
        replace_second(problem, where, axes, (rows, columns), (found.diagonal, found.mixed), chosen.noise)
        if not problem.declared:
            say_if_apart(given[axes], found.diagonal[axes])
    return found


def _for_shown_noise(problem: Problem, along: AlongAxes, known: Axes, noise: float) -> Axes:
    """Axes for the noise that f shows, where it is less than was told and the curvature stays what it was."""
    own = shown_noise(problem, along.where, noise)
    if own is None:
        return known
    along.noise = own * abs(along.base)
    shown = along.take(own)
    with np.errstate(all="ignore"):
        # The curvature of stairs is 0 or far too large.
        before, after = (each.rises.sum(axis=1) / each.h**2 for each in (known, shown))
        told = known.taken & ~(np.abs(after - before) <= 0.5 * np.maximum(np.abs(before), np.abs(after)))
    problem.relative_noise = own if not told.any() else problem.relative_noise
    return Axes(
        np.where(told, known.h, shown.h), np.where(told[:, None], known.rises, shown.rises), known.taken & shown.taken
    )


def second_partial(problem: Problem, i: int, j: int, chosen: FixedStep) -> float:
    """∂²f/∂x_i∂x_j, of order 2."""
    pair: list[tuple[int, int]] = [] if i == j else [(i, j)]
    rows, columns = np.array(pair, dtype=np.intp).reshape(-1, 2).T
    axes = np.unique([i, j]).astype(np.intp)
    found = second_derivatives(problem, chosen, axes, rows, columns)
    if chosen.look:
        found = entries_looked_at(problem, _where(problem, chosen), found, axes, (rows, columns), chosen.noise)
    return float(found.diagonal[i] if i == j else found.mixed[0])


def hessian_entries(problem: Problem, chosen: FixedStep, rows: Indices, columns: Indices) -> Entries:
    """Second derivatives along all coordinates, and of pairs of them, beside which there are none that are not 0."""
    axes = np.arange(problem.point.n)
    found = second_derivatives(problem, chosen, axes, rows, columns)
    if chosen.look is False:
        return found
    return entries_looked_at(problem, _where(problem, chosen), found, axes, (rows, columns), chosen.noise)


def hessian(problem: Problem, chosen: FixedStep) -> Array:
    """All second partial derivatives, (n, n)."""
    return _matrix(hessian_entries(problem, chosen, *np.triu_indices(problem.point.n, 1)))


def _matrix(found: Entries) -> Array:
    n = found.diagonal.size
    rows, columns = np.triu_indices(n, 1)
    matrix: Array = np.empty((n, n))
    matrix[np.diag_indices(n)] = found.diagonal
    matrix[rows, columns] = matrix[columns, rows] = found.mixed
    return matrix


def _where(problem: Problem, chosen: FixedStep) -> Coordinates:
    return chosen.coordinates(problem.point, problem.x.ravel())


def hessian_by_complex_steps(problem: Problem, chosen: FixedStep) -> Array:
    """All second partial derivatives, by central differences of gradients by complex steps."""
    point, inner = problem.point, FixedStep(None)
    outer = FixedStep(
        stencils.stencil("central", 2), chosen.step, chosen.typical_x, scale=chosen.scale, look=chosen.look
    )

    def gradients(points: Array) -> Array:
        shifted = problem.at(points)
        shifted.raw = True
        return inner.derivatives(shifted)

    flat = Point(problem.x.ravel())
    with as_function(gradients, (), flat, Evaluation(vectorized="rows"), flat.n) as gradient:
        whole = Problem(gradient, point)
        if outer.doubts(whole):
            # Beside it, gradients at both sides show where the outer step is too long.
            _ = whole.values
        matrix = outer.derivatives(whole).reshape(flat.n, flat.n)
    problem.near = whole.near
    matrix = np.asarray(0.5 * (matrix + matrix.T))
    if chosen.look is False:
        return matrix
    where, pairs = _where(problem, chosen), np.triu_indices(flat.n, 1)
    steps = where.steps(stencils.central(2, deriv=2), problem.relative_noise)
    found = Entries(np.diag(matrix).copy(), matrix[pairs], steps)
    return _matrix(entries_looked_at(problem, where, found, np.arange(flat.n), pairs, None, exact=True))


def product_near_edge(problem: Problem, chosen: FixedStep, direction: Array) -> Array:
    """The product of the Hessian with a direction along which f is not defined as far as a step."""
    n, moving = problem.point.n, direction != 0
    rows, columns = np.triu_indices(n, 1)
    used = moving[rows] | moving[columns]
    rows, columns = rows[used], columns[used]
    diagonal, mixed = np.full(n, np.nan), np.full(rows.size, np.nan)
    where = Coordinates(problem.point, problem.x.ravel(), None, chosen.typical_x, chosen.bounds, chosen.scale)
    replace_second(problem, where, np.flatnonzero(moving), (rows, columns), (diagonal, mixed), None)
    found = np.where(moving, diagonal * direction, 0.0)
    for i, j in ((rows, columns), (columns, rows)):
        np.add.at(found, i[moving[j]], mixed[moving[j]] * direction[j[moving[j]]])
    return found


class _Point(NamedTuple):
    """What second differences are taken of: a function, a point, steps, f there, and which entries are wanted."""

    function: border.Function
    where: Coordinates
    relative_noise: float
    h: Array
    base: float
    axes: Indices  # on the diagonal
    rows: Indices
    columns: Indices
    curved: NDArray[np.bool_]  # [out] coordinates along which the step may be too long

    def central(self, stencil: Stencil, known: Axes) -> tuple[Array, Array]:
        """The diagonal and the mixed entries; those beside a bound are one-sided, of order 2."""
        function, x, h, base, rows, columns = self.function, self.where.x, self.h, self.base, self.rows, self.columns
        sided: NDArray[np.bool_] = np.zeros(x.size, dtype=bool)
        near = sided
        if self.where.room is not None:
            sided = ~np.asarray(self.where.has_room(stencil.reach * h, stencil.reach * h))
            near = near_bounds(self.where, stencil, h, self.relative_noise) & ~sided
            h = np.where(sided, self._within(3.0), h)
        free = self.axes[~sided[self.axes]]
        both = ~(sided[rows] | sided[columns])
        diagonal, mixed = np.zeros(x.size), np.zeros(rows.size)
        with np.errstate(all="ignore"):
            for s, w in zip(stencil.offsets[1::2], stencil.weights[1::2], strict=True):
                one = known.rises.copy() if s == 1 else np.full((x.size, 2), np.nan)
                new = free[~known.taken[free]] if s == 1 else free
                one[new] = function.at_shifts(x, new, s * h[new], np.array([1.0, -1.0]))[:, :, 0] - base
                if s == 1:
                    self.curved[:] = short_scales.is_suspect(
                        one.sum(axis=1), 0.5 * (one[:, 0] - one[:, 1]), base, stencil, self.relative_noise
                    )
                    near &= self._curved(one.sum(axis=1), 0.5 * (one[:, 0] - one[:, 1]), 1, self._span(stencil))
                diagonal += w * s * s * ((one[:, 0] + one[:, 1]) / (s * h) / (s * h))  # h * h may underflow
                mixed[both] += w * s * s * _central(function, x, s * h, base, one, rows[both], columns[both])
            if sided.any():
                at_bound = self.axes[sided[self.axes]]
                diagonal[at_bound], near[at_bound] = self._beside_bounds(h, at_bound)
                mixed[~both] = _by_products(function, x, h, base, sided, rows[~both], columns[~both])
        return self._where_straight(diagonal, mixed, near)

    def forward(self) -> tuple[Array, Array]:
        """The diagonal and the mixed entries from x + h_i e_i, x + 2h_i e_i and x + h_i e_i + h_j e_j."""
        function, x, rows, columns = self.function, self.where.x, self.rows, self.columns
        h = self.h if self.where.room is None else self._within(2.0)
        values = function.at_shifts(x, np.arange(x.size), h, np.array([1.0, 2.0]))[:, :, 0] - self.base
        steep = self._steep(h, values[:, 0], values[:, 1])
        with np.errstate(all="ignore"):
            bend = values[:, 1] - 2 * values[:, 0]
            pairs = _pairs(function, x, rows, columns, h[rows], h[columns]) - self.base
            mixed = (pairs - values[rows, 0] - values[columns, 0]) / (h[rows] * h[columns])
            stencil = stencils.second("forward", 1)
            # Where both values are on one side, and far, they say nothing of an edge.
            self.curved[:] = (x != 0.0) & (np.abs(x) < 3.0 * np.abs(h))
            self.curved[:] |= short_scales.is_suspect(bend, values[:, 0], self.base, stencil, self.relative_noise)
            near: NDArray[np.bool_] = np.zeros(x.size, dtype=bool)
            if self.where.room is not None:
                near = (self.where.room.min(axis=0) < self.h / _SPAN) & self._curved(bend, values[:, 0], 1, _SPAN)
            return self._where_straight(bend / h**2, mixed, near | steep)

    def _steep(self, h: Array, one: Array, two: Array) -> NDArray[np.bool_]:
        """Coordinates at 0 where the curvature over h, of these rises, is not that over 2h: as at an edge of f."""
        x, found = self.where.x.ravel(), np.zeros(h.size, dtype=bool)
        zero = np.flatnonzero((x == 0.0) & np.isfinite(two)) if self.where.step is None else np.empty(0, dtype=np.intp)
        if zero.size:
            half = self.function.at_shifts(self.where.x, zero, 0.5 * h[zero], np.ones(1))[:, 0, 0] - self.base
            bend, shorter = (two - 2 * one)[zero], one[zero] - 2 * half
            rounding = 16.0 * self.relative_noise * np.maximum(abs(self.base), np.abs(two[zero]))
            found[zero] = np.abs(shorter - 0.25 * bend) > 0.1 * np.abs(bend) + rounding
        return found

    def _beside_bounds(self, h: Array, coordinates: Indices) -> tuple[Array, NDArray[np.bool_]]:
        """∂²f/∂x_i² from x, x + h, x + 2h and x + 3h, and whether the step is too long."""
        values = self.function.at_shifts(self.where.x, coordinates, h[coordinates], np.arange(1.0, 4.0))[:, :, 0]
        one, two, three = (values - self.base).T
        curved = self._curved(three - 3 * two + 3 * one, two - 2 * one, 2, 2 * self._span(_BESIDE), coordinates)
        return (values - self.base) @ np.array(_BESIDE.weights[1:]) / h[coordinates] ** 2, curved

    def _span(self, stencil: Stencil) -> float:
        """The longest step that is good enough, in distances to a singularity."""
        return stencil.span(tolerance(self.relative_noise, 2))

    def _curved(
        self, bend: Array, rise: Array, deriv: int, span: float, coordinates: Indices | slice = slice(None)
    ) -> NDArray[np.bool_]:
        """Coordinates where a difference of f is too large beside that of one order less, the derivative's."""
        if self.where.step is not None:  # the user's own is not doubted
            return np.zeros(bend.size, dtype=bool)
        least = (self.h / self.where.step_sizes())[coordinates] ** deriv * abs(self.base)
        return is_curved(bend, np.maximum(np.abs(rise), least), self.base, span, self.relative_noise)

    def _where_straight(self, diagonal: Array, mixed: Array, curved: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Entries that are nan by the coordinates whose steps were too long."""
        diagonal[curved] = np.nan
        mixed[curved[self.rows] | curved[self.columns]] = np.nan
        return diagonal, mixed

    def _within(self, reach: float) -> Array:
        """Signed steps on the roomier side, so many of which stay within the bounds."""
        room = self.where.room
        assert room is not None
        up = room[1] >= room[0]
        longest = steps_within(np.where(up, room[1], room[0]), reach)
        return np.asarray(np.where(up, 1.0, -1.0) * np.minimum(self.h, longest))


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
    return np.asarray(both / (2 * h[rows]) / h[columns])


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
