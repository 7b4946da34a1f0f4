"""The entries of a sparse Jacobian, all columns of a colour in one evaluation."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import Coordinates
from ..core.given import shown
from ..core.point import Array, Point
from ..evaluate.border import Function, is_plain
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.problem import Problem
from ..evaluate.python import PythonFunction
from ..evaluate.results import is_domain_error
from ..methods import short_scales
from ..methods.edges import tolerance
from ..methods.fixed import FixedStep
from ..methods.second_look import Look, looked_at
from ..methods.told_noise import fitted
from ..stencils import FLOAT64
from . import kernels
from .comparison import SEVERAL, Compared, Lacking, compared
from .patterns import detected, given_pattern, sparse

_NONE = np.empty(0, dtype=np.intp)

_MOST_DENSE = 1 << 20
"""Entries of a Jacobian, with those that are 0, that is looked at as a dense one."""

_MANY = 1000
"""Columns that are too many to look at the curvature of f along them: its values take memory."""


class Compressed:
    """A function's derivatives at the entries of a pattern.

    Parameters
    ----------
    f : callable
    point : Point
        A typical point.
    how : Evaluation
    chosen : FixedStep
    """

    def __init__(self, f: Callable[..., Any], point: Point, how: Evaluation, chosen: FixedStep) -> None:
        self._f, self._how, self.point, self._chosen = f, how, point, chosen
        self._stencil = chosen.stencil or stencils.stencil("central", 2)
        self._outputs: int | None = None
        self._believed = FLOAT64

    def problem(self, args: tuple[Any, ...], x: Array | None = None) -> Problem:
        """The function with these arguments at a point, by default the typical one."""
        function = as_function(self._f, args, self.point, self._how, self._outputs)
        return Problem(function, self.point, x, self._believed)

    def found_pattern(self, problem: Problem, sparsity: Any) -> Any:
        """The pattern that the option `sparsity` names: given, or found by asking f; a csr_array of booleans."""
        self._outputs = problem.outputs
        if not isinstance(sparsity, str):
            return given_pattern(sparsity, self._outputs, self.point.n)
        if sparsity not in ("detect", "nan"):
            raise ValueError(f'sparsity={shown(sparsity)}; expected "detect", "nan" or a pattern')
        function, where, base = problem.function, self._coordinates(problem), problem.values[0]

        def evaluate(x: Array) -> Array:
            return np.asarray(function.at_points(x.reshape(1, -1))[0])

        # An edge of f's domain may be nearer than blocks of coordinates are moved.
        function.tolerate(True)
        try:
            return detected(evaluate, where.x, where.room, sparsity == "nan", base=base)
        finally:
            function.tolerate(False)

    def with_groups(self, pattern: Any, colours: NDArray[np.int32], count: int) -> Compressed:
        """The same with other entries."""
        other = copy(self)
        other.set_groups(pattern, colours, count)
        return other

    def set_groups(self, pattern: Any, colours: NDArray[np.int32], count: int) -> None:
        """Evaluate the entries of a pattern by these colours of its columns; it keeps both."""
        self.pattern, self.colours, self.count = pattern, colours, count
        self._by = _compression(pattern, colours, count)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__ | {"point": (self.point.flat, self.point.layout)}
        del state["_by"]  # follows from the pattern and its groups
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"point": Point(*state["point"])})
        self.set_groups(self.pattern, self.colours, self.count)

    @property
    def evaluations(self) -> int:
        """Evaluations of f for all entries at one point."""
        return self.per_group * self.count + self._chosen.starts_from_base

    @property
    def per_group(self) -> int:
        """Evaluations of f for the columns of a colour."""
        return 1 if self._chosen.imaginary else self._stencil.evaluations

    def matrix(self, data: Array) -> Any:
        """These entries as a csr_array with index arrays of its own: scipy.sparse changes them in place."""
        p = self.pattern
        return sparse().csr_array((data, p.indices.copy(), p.indptr.copy()), shape=p.shape)

    def _coordinates(self, problem: Problem) -> Coordinates:
        return self._chosen.coordinates(self.point, problem.x.ravel())

    def entries(self, problem: Problem) -> tuple[Array, NDArray[np.bool_] | None]:
        """The entries at a point, in the order of the pattern, and columns for which steps were too long, if any."""
        where = self._coordinates(problem)
        if self._chosen.imaginary:
            return self._by_complex_step(problem.function, where), None
        problem.declare(self._chosen.noise)

        def take(relative_noise: float) -> Array:
            return self._differences(problem, where, relative_noise)

        data = take(problem.relative_noise) if where.step is not None else problem.settled(take, room=where.room)
        if self._chosen.noise and where.step is None and data.size and self._chosen.look is not False:
            columns = self.pattern.indices.astype(np.intp)
            data = fitted(
                problem,
                where,
                self._stencil,
                self._chosen.noise,
                data[:, None],
                columns,
                lambda relative_noise, which: take(relative_noise)[which, None],
            )[:, 0]
        elif not problem.declared:
            self._believed = problem.relative_noise
        near = None if is_plain(data) else self._beside_edges(problem, where, data)
        if problem.curved is not None and problem.curved.any():
            near = self._mended(problem, where, data, near)
        return data, near

    def _mended(
        self, problem: Problem, where: Coordinates, data: Array, near: NDArray[np.bool_] | None
    ) -> NDArray[np.bool_] | None:
        """Take columns anew whose steps are too long, one by one; and the columns that are near an edge, if any."""
        assert problem.curved is not None
        columns = np.flatnonzero(problem.curved)
        found = np.zeros((columns.size, problem.outputs))
        some = problem.curved[self.pattern.indices]
        rows = np.repeat(np.arange(problem.outputs), np.diff(self.pattern.indptr))[some]
        places = np.searchsorted(columns, self.pattern.indices[some])
        found[places, rows] = data[some]
        problem.near = near
        short_scales.mend(problem, where, self._stencil, columns, found, self._chosen.noise)
        data[some] = found[places, rows]
        return problem.near

    def _beside_edges(self, problem: Problem, where: Coordinates, data: Array) -> NDArray[np.bool_]:
        """Take entries anew that are not finite: column by column, each of which takes evaluations of its own."""
        from ..methods.edges import replace

        near: NDArray[np.bool_] = np.zeros(self.point.n, dtype=bool)
        missing = ~np.isfinite(data)
        missing &= ~np.broadcast_to(where.fixed(), near.size)[self.pattern.indices]
        near[self.pattern.indices[missing]] = True
        columns = np.unique(self.pattern.indices[missing]).astype(np.intp)
        rows = np.repeat(np.arange(problem.outputs), np.diff(self.pattern.indptr))
        found = np.zeros((columns.size, problem.outputs))
        places = np.searchsorted(columns, self.pattern.indices[missing])
        found[places, rows[missing]] = np.nan
        replace(problem, where, columns, found, self._chosen.noise)
        data[missing] = found[places, rows[missing]]
        return near

    def _differences(self, problem: Problem, where: Coordinates, relative_noise: float) -> Array:
        function = problem.function
        function.tolerate(True)
        h = where.steps(self._stencil, relative_noise)
        if not self._stencil.is_central:
            return self._forward(function, where, h, problem.values[0])
        problem.curved = None
        if where.room is None:
            return self._unless_curved(problem, where, h, relative_noise)
        from ..methods.bounded import near_bounds

        near = near_bounds(where, self._stencil, h, relative_noise)
        if not near.any():
            return self._unless_curved(problem, where, h, relative_noise)
        return self._beside_bounds(problem, where, h, near, relative_noise)

    def _central(self, function: Function, x: Array, h: Array, first: tuple[Array, Array] | None = None) -> Array:
        """Σ c_s [f(x + s h) - f(x - s h)] / 2 s h over the stencil's offsets s."""
        terms = []
        for s, w in zip(self._stencil.offsets[::2], self._stencil.weights[::2], strict=True):
            data, move = np.empty(self.pattern.nnz), h if s == 1 else s * h
            known = first if s == 1 else None
            if known or not (isinstance(function, PythonFunction) and self._in_place(function, x, move, data)):
                rights, lefts = known or (self._values(function, x, move), self._values(function, x, -move))
                self._by.scatter(rights, lefts, x, move, -move, data)
            if self._stencil.order == 2:
                return data
            terms.append(2 * w * s * data)
        return np.asarray(sum(terms))

    def _unless_curved(self, problem: Problem, where: Coordinates, h: Array, relative_noise: float) -> Array:
        """Central differences; columns are marked whose second differences are too large, where f(x) is known.

        It is asked for where a coordinate is small beside its step.
        """
        small = (
            short_scales.small(where, self._stencil) if self._chosen.doubts(problem) and 0 < where.n <= _MANY else _NONE
        )
        base = problem.values_where(np.unique(small // max(1, where.n)))
        function, x = problem.function, where.x
        if base is None or not small.size:
            return self._central(function, x, h)
        rights, lefts = self._values(function, x, h), self._values(function, x, -h)
        unmoved = np.ascontiguousarray(np.broadcast_to(base[0], rights.shape))
        up, down = np.empty((2, self.pattern.nnz))
        self._by.scatter(rights, unmoved, x, h, np.zeros_like(h), up)
        self._by.scatter(lefts, unmoved, x, -h, np.zeros_like(h), down)
        columns, rows = self.pattern.indices, np.repeat(np.arange(base.size), np.diff(self.pattern.indptr))
        with np.errstate(all="ignore"):
            at, moved = base[0][rows, None], h[columns, None]
            curved = short_scales.curved(
                at + up[:, None] * moved, at - down[:, None] * moved, at, self._stencil, relative_noise
            )
        problem.curved = np.zeros(where.n, dtype=bool)
        problem.curved[columns[curved]] = True
        return self._central(function, x, h, (rights, lefts))

    def _in_place(self, function: PythonFunction, x: Array, move: Array, data: Array) -> bool:
        """Differences by moving one array in place; False where f raised that a point is outside its domain."""
        try:
            kernels.compressed(function, self._by, x, move, data)
        except Exception as error:
            if not is_domain_error(error, self._how.domain_errors):
                raise
            return False
        return True

    def _beside_bounds(
        self, problem: Problem, where: Coordinates, h: Array, near: NDArray[np.bool_], relative_noise: float
    ) -> Array:
        """Columns at a bound take the one-sided stencil of the same order, in the same evaluations as the others.

        Near a bound, entries are nan whose values are so curved that steps were too long.
        """
        from ..methods.bounded import is_alike, is_curved

        sided = np.flatnonzero(~np.asarray(where.has_room(self._stencil.reach * h, self._stencil.reach * h)))
        function, x, base = problem.function, where.x, problem.values[0]
        central, one_sided = self._stencil, stencils.one_sided(self._stencil.order)
        down, up = (steps[sided] for steps in where.one_sided_steps(one_sided, relative_noise))
        step = np.where(up >= down, up, -down)
        columns = self.pattern.indices
        weight, rise = np.empty(x.size), np.empty(self.pattern.nnz)
        data = np.zeros(self.pattern.nnz)
        unmoved = np.ascontiguousarray(np.broadcast_to(base, (self.count, base.size)))
        inside = zip(central.offsets, central.weights, strict=True)
        beside = list(zip(one_sided.offsets, one_sided.weights, strict=True))[1:]
        slopes: list[Array] = []
        with np.errstate(all="ignore"):
            for (s, w), (t, u) in zip(inside, beside, strict=True):
                moves = s * h
                moves[sided], weight[:], weight[sided] = t * step, s * w, t * u
                self._by.scatter(self._values(function, x, moves), unmoved, x, moves, np.zeros_like(moves), rise)
                data += weight[columns] * rise
                slopes.append(rise.copy())
            # A coordinate that its bounds fix has no derivative: noise over a distance of 0 is infinite.
            data[where.fixed()[columns]] = np.nan
            if where.step is not None:
                return data
            sizes = np.repeat(np.abs(base), np.diff(self.pattern.indptr))
            moved = h.copy()
            moved[sided] = np.abs(step)
            # Second differences: of both neighbours, or beside a bound of the two on one side.
            bend = np.where(np.isin(columns, sided), 2.0, 1.0) * (slopes[1] - slopes[0]) * moved[columns]
            least = (moved / where.step_sizes())[columns] * sizes
            rises = np.maximum(np.abs(data * moved[columns]), least)
            span = central.span(tolerance(relative_noise, 1))
            data[near[columns] & is_curved(bend, rises, sizes, span, relative_noise)] = np.nan
            assert where.room is not None
            away = np.zeros(x.size)
            away[sided] = -np.sign(step) * np.where(step > 0, *where.room[:, sided])
            if away.any():
                self._by.scatter(self._values(function, x, away), unmoved, x, away, np.zeros_like(away), rise)
                alike = is_alike(rise, data, sizes, away[columns], where.step_sizes()[columns], relative_noise)
                data[(away != 0)[columns] & ~alike] = np.nan
        return data

    def _by_complex_step(self, function: Function, where: Coordinates) -> Array:
        """Imaginary parts of f where the columns of a colour have one (Squire and Trapp, SIAM Rev. 40 (1998) 110)."""
        h = where.absolute(stencils.COMPLEX_STEP)
        if h is None:
            typical = np.ones(where.n) if where.typical is None else where.typical
            size = np.abs(where.x)
            h = stencils.COMPLEX_STEP * np.maximum(size, typical)
            longest = np.maximum(stencils.LONGEST_IMAGINARY * size, np.finfo(float).tiny)
            h = np.where(size > 0.0, np.minimum(h, longest), h)
        imaginary = function.at_points(where.x + 1j * _moved(self._by, np.zeros_like(where.x), h))
        # Written as differences from 0 over the imaginary distance.
        data = np.empty(self.pattern.nnz)
        self._by.scatter(imaginary, np.zeros_like(imaginary), np.zeros_like(h), h, np.zeros_like(h), data)
        return data

    def _forward(self, function: Function, where: Coordinates, h: Array, base: Array) -> Array:
        x, room = where.x, where.room
        if room is not None:
            h = np.where(room[1] >= h, h, np.where(room[0] >= h, -h, np.where(room[1] >= room[0], room[1], -room[0])))
        values, data = self._values(function, x, h), np.empty(self.pattern.nnz)
        unmoved = np.ascontiguousarray(np.broadcast_to(base, values.shape))
        self._by.scatter(values, unmoved, x, h, np.zeros_like(h), data)
        if room is not None:
            data[where.fixed()[self.pattern.indices]] = np.nan
        return data

    def _values(self, function: Function, x: Array, moves: Array) -> Array:
        """F with the columns of each colour moved: (colours, outputs)."""
        return function.at_points(_moved(self._by, x, moves))

    def compared(self, problem: Problem, found: Any, near: NDArray[np.bool_] | None) -> Compared:
        """The entry that is missing, or rows that are off, by the product with a random direction, and f along it.

        Without the columns `near` an edge, for which its steps are too long.
        """
        where = self._coordinates(problem)
        x, room, function = where.x, where.room, problem.function
        rng = np.random.default_rng(1)
        h = where.steps(stencils.stencil("central", 2), problem.relative_noise)
        v = h * rng.uniform(0.5, 1.0, x.size) * rng.choice([-1.0, 1.0], x.size)
        if near is not None:
            v[near] = 0.0
        if room is None or (room >= np.abs(v)).all():
            right, left = function.at_points(np.stack([x + v, x - v]))
            # The entries by forward differences are off by as much.
            one_sided = not self._chosen.imaginary and not self._stencil.is_central
            base = problem.values[0] if one_sided else None
            with np.errstate(all="ignore"):
                seen, largest, curvature = 0.5 * (right - left), np.maximum(np.abs(right), np.abs(left)), 0.0
                if base is not None:
                    curvature = np.abs((right - base) + (left - base))
        else:
            v = np.where(room[1] >= room[0], np.minimum(np.abs(v), room[1]), -np.minimum(np.abs(v), room[0]))
            base = problem.values[0]
            moved = function.at_points(np.stack([x + v, x + 0.5 * v]))
            with np.errstate(all="ignore"):
                rises = moved - base
                seen, largest = 4 * rises[1] - rises[0], np.abs(base) + np.abs(rises).max(axis=0)
                curvature = 0.5 * np.abs(seen - rises[0])
        with np.errstate(all="ignore"):
            rounding = 8 * problem.relative_noise * largest * (1 + 0.5 * np.diff(found.indptr))
        if not v.all():  # where entries may be nan
            found = found.copy()
            found.data[v[found.indices] == 0.0] = 0.0
        return compared(function.at_points, found, x, v, seen, rounding, curvature)

    def looked_at(self, problem: Problem, found: Any, near: NDArray[np.bool_] | None, off: NDArray[np.intp]) -> Any:
        """The Jacobian, looked at again as a dense one is, by the columns of rows that are off."""
        m, n = found.shape
        if self._chosen.look is False or n * m > _MOST_DENSE:
            return found
        problem.near = near
        some = np.unique(np.concatenate([found.indices[found.indptr[k] : found.indptr[k + 1]] for k in off]))
        rows = np.repeat(np.arange(m), np.diff(found.indptr))
        dense = np.zeros((n, m))
        dense[found.indices, rows] = found.data
        where = self._coordinates(problem)
        exact = self._chosen.imaginary
        steps = None if exact else where.steps(self._stencil, problem.relative_noise)
        look = Look.at(problem, where, dense, steps, None, None if exact else self._stencil)
        moves = np.zeros_like(look.moves)
        moves[some] = look.moves[some]
        dense = looked_at(look._replace(moves=moves))
        return self.matrix(np.where(np.isfinite(found.data), dense[found.indices, rows], found.data))

    def error_of(self, entry: Lacking) -> ValueError:
        """That a pattern lacks an entry."""
        return ValueError(f"the sparsity pattern is wrong: {self.named(entry)}, which the pattern does not have")

    def named(self, entry: Lacking) -> str:
        """An entry that is missing, in words."""
        column = "coordinates outside its entries" if entry.column == SEVERAL else self.point.name(entry.column)
        return f"f[{entry.row}] depends on {column}"


def _compression(pattern: Any, colours: NDArray[np.int32], count: int) -> kernels.Compression:
    """Which columns move together, and which entries that gives: both colour by colour."""
    groups = np.argsort(colours, kind="stable")
    rows = np.repeat(np.arange(pattern.shape[0], dtype=np.int32), np.diff(pattern.indptr))
    of_entry = colours[pattern.indices]
    entries = np.argsort(of_entry, kind="stable")
    edges = np.arange(count + 1)
    return kernels.Compression(
        pattern.shape[0],
        groups, np.searchsorted(colours[groups], edges), entries, np.searchsorted(of_entry[entries], edges),
        rows[entries], pattern.indices[entries],
    )  # fmt: skip


def _moved(by: kernels.Compression, x: Array, moves: Array) -> Array:
    """Points (count, n): in each, the columns of one colour are moved."""
    points = np.tile(x, (by.count, 1))
    for c in range(by.count):
        group = by.groups[by.group_starts[c] : by.group_starts[c + 1]]
        points[c, group] += moves[group]
    return points
