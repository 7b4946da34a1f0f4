"""The adaptive method: a step of its own for each component, and an honest error bar on each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border, indirect
from ..evaluate.problem import Problem
from ..evaluate.results import ReturnedShapeError
from .method import Method

Indices = NDArray[np.intp]

FLAGS = ("kink", "jump", "flat", "noisy", "edge", "nonfinite", "steps", "undetermined")
"""Names of the flags, from the lowest bit on (``FG_KINK`` ... in src_c/include/adaptive.h)."""


KINK = 1 << FLAGS.index("kink")
NOISY = 1 << FLAGS.index("noisy")
FLAT = 1 << FLAGS.index("flat")
EDGE = 1 << FLAGS.index("edge")
NONFINITE = 1 << FLAGS.index("nonfinite")

EVALUATIONS = 40
"""The most that a component costs, with its part of those that all components share."""

TINY = 1e-6
"""A coordinate that is so small beside others, or beside 1, may be 0 but for rounding (src_c/adaptive/constants.h)."""

_SEEN = 1e-6
"""The bar of a derivative of 0 beside an edge, in f over the size of the coordinate, that is one."""

SIZE_OF_STEP = 256.0
"""The size of a coordinate, of the first step that is tried."""


class Components(NamedTuple):
    """What the adaptive method finds, an entry a component and output."""

    numbers: Array  # (5, entries): value, error, step, left and right slope
    flags: NDArray[np.intc]
    noise: Array  # (points * outputs,): of one evaluation of f


class Second(NamedTuple):
    """Second derivatives along n coordinates, and then those of pairs of them."""

    value: Array
    error: Array
    step: Array  # of pairs in units of their sizes
    flags: NDArray[np.intc]
    noise: Array
    sizes: Array  # of the n coordinates


class Adaptive(Method):
    """Derivatives by the adaptive method.

    Parameters
    ----------
    typical_x, bounds, noise, tol, max_evals, scale
        As for `differentiate`.
    """

    __slots__ = ("bounds", "max_evals", "noise", "scale", "tol", "typical_x")

    imaginary = False
    starts_from_base = True

    def __init__(
        self,
        typical_x: Any = None,
        bounds: Any = None,
        noise: Any = None,
        tol: float | None = None,
        max_evals: int = EVALUATIONS,
        scale: Any = None,
    ) -> None:
        self.typical_x = typical_x
        self.bounds = bounds
        self.noise = noise
        self.tol = tol
        self.max_evals = max_evals
        self.scale = scale

    def __repr__(self) -> str:
        return "adaptive"

    def evaluations(self, components: int) -> int:
        """As for `Method`."""
        return 8 * components

    def check(self, point: Point, x: Array) -> None:
        """As for `Method`."""
        if self.typical_x is not None or self.bounds is not None or self.scale is not None:
            Coordinates(point, x, None, self.typical_x, self.bounds, self.scale)

    def derivatives(self, problem: Problem, only: int | None = None, out: Array | None = None) -> Array:
        """As for `Method`; a warning names components without a derivative."""
        found, flags, _ = self._unless_belied(problem).components(problem)
        value: Array = found[0]
        blind = flags & (FLAT | EDGE) == FLAT | EDGE
        if blind.any():
            # Beside an edge f may be flat for rounding alone, and its slope infinite: without the bar, 0 says nothing.
            rates = np.repeat(np.abs(problem.values), problem.point.n) / self._coordinates(problem).sizes().ravel()
            value = np.where(blind & (found[1] > _SEEN * rates + np.finfo(float).tiny), np.nan, value)
        if not border.is_plain(value):
            undetermined = ~np.isfinite(value)
            c = int(np.argmax(undetermined))
            warn(
                f"no derivative by {problem.point.name(c)} ({flag_names(flags[c])}; {undetermined.sum()} such "
                "components): nan; fastgrad.differentiate shows more"
            )
        return value.reshape(problem.x.shape) if only is None else value[[only], None]

    def _unless_belied(self, problem: Problem) -> Adaptive:
        """Without the noise that was told, where f shows much less: values are better then, and no bars are shown."""
        if not self.noise or not problem.function.n or problem.raw:
            return self
        from .told_noise import shown_noise

        problem.declare(self.noise)
        problem.function.tolerate(True)
        if shown_noise(problem, self._coordinates(problem), self.noise) is None:
            return self
        return Adaptive(self.typical_x, self.bounds, None, self.tol, self.max_evals, self.scale)

    def components(self, problem: Problem) -> Components:
        """Derivatives of all outputs, output by output, with their error bars, steps, flags, and the noise of f."""
        function = problem.function
        if not function.n:
            return Components(np.empty((5, 0)), np.empty(0, dtype=np.intc), np.zeros(1))
        points = problem.points
        where = self._coordinates(problem)
        base = problem.values
        problem.declare(self.noise)
        function.tolerate(True)
        return Components(*self._taken(function, points, base, where.sizes(), where.room))

    def along(self, problem: Problem, direction: Array) -> Components:
        """The derivatives of all outputs along a direction, which moves coordinates by about their sizes."""
        base = problem.values
        at = np.ones((1, 1))  # not 0: so roundings of x are seen
        line = indirect.LineFunction(problem.function, problem.x.ravel(), direction, Point(at[0]))
        return Components(*self._taken(line, at, base, np.ones_like(at), None))

    def by_some(self, problem: Problem, coordinates: NDArray[np.intp], units: Array, reach: Any = np.inf) -> Components:
        """The derivatives by some coordinates alone, which move by multiples of units.

        reach is how far each may move, or how far down and up (2, coordinates).
        """
        if not coordinates.size:
            return Components(np.empty((5, 0)), np.empty(0, dtype=np.intc), np.zeros(problem.outputs))
        x, where = problem.x.ravel()[coordinates], self._coordinates(problem)
        room: Array = np.broadcast_to(reach, (2, x.size))
        if where.room is not None:
            # A hair within bounds, so that no sum can round to beyond them.
            inside = where.room[:, coordinates] * (1 - 1e-9) - 2 * np.spacing(np.abs(x))
            room = np.minimum(room, inside.clip(0.0))
        at = (x / units).reshape(1, -1)
        alone = np.full(x.size, -1)
        lines = indirect.PairsFunction(
            problem.function,
            problem.x.ravel(),
            np.stack([coordinates, alone], 1),
            np.stack([units, units], 1),
            Point(at[0]),
        )
        found, flags, noise = self._taken(lines, at, problem.values, np.ones_like(at), room / units)
        by = np.array([1.0, 1.0, -1.0, 1.0, 1.0])[:, None]
        with np.errstate(all="ignore"):
            return Components(found / np.tile(units, problem.outputs) ** by, flags, noise)

    def hessian(self, problem: Problem) -> Components:
        """The entries of the Hessian of a scalar function, row by row, as for `components`."""
        n = problem.point.n
        if problem.outputs != 1:
            raise ReturnedShapeError(f"f returned {problem.outputs} values; a Hessian is that of a function of one")
        rows, columns = np.triu_indices(n, 1)
        found = self.second(problem, rows, columns)
        numbers, bits = _symmetric(found, rows, columns, n)
        return Components(numbers, bits, found.noise)

    def second(self, problem: Problem, rows: Indices, columns: Indices) -> Second:
        """Second derivatives of a scalar function along its coordinates, and of pairs of them.

        By the second derivatives along e_i and e_i + e_j, in units of the coordinates' sizes: a mixed derivative is
        what the latter leaves beside those along both axes. The units are powers of two, and the origin is that of x,
        so that steps are exact and roundings of x are seen.
        """
        function, n = problem.function, problem.point.n
        base = problem.values
        if not n:
            none = np.empty(0)
            return Second(none, none, none, np.empty(0, dtype=np.intc), np.zeros(1), none)
        where = self._coordinates(problem)
        problem.declare(self.noise)
        function.tolerate(True)
        sizes = self._scales(problem, where)
        pairs, signs, room = _directions(sizes, where.room, rows, columns)
        moves = np.stack([sizes[pairs[:, 0]], signs * sizes[pairs[:, 1]]], axis=1)
        at = np.zeros((1, len(pairs)))
        at[0, :n] = problem.x.ravel() / sizes
        along = indirect.PairsFunction(function, problem.x.ravel(), pairs, moves, Point(at[0]))
        found, flags, noise = self._taken(along, at, base, np.ones_like(at), room, deriv=2, axes=n)
        return _entries(found[:3], flags, sizes, rows, columns, signs[n:], noise)

    def room(self, problem: Problem) -> Array | None:
        """How far each coordinate may move down and up, (2, n), where that is bounded."""
        return self._coordinates(problem).room

    def _coordinates(self, problem: Problem) -> Coordinates:
        return Coordinates(problem.point, problem.points, None, self.typical_x, self.bounds, self.scale)

    def _taken(
        self,
        function: border.Function,
        points: Array,
        base: Array,
        sizes: Array,
        room: Array | None,
        deriv: int = 1,
        axes: int | None = None,
    ) -> tuple[Array, NDArray[np.intc], Array]:
        levels = None if self.noise is None else np.full_like(base, self.noise)
        return function.adaptive(points, base, sizes, room, levels, deriv, self.tol or 0.0, self.max_evals, axes)

    def _scales(self, problem: Problem, where: Coordinates) -> Array:
        """Powers of two next to the sizes of coordinates.

        Those that are tiny beside others may be 0 but for rounding: where first derivatives were found says more.
        """
        sizes = where.sizes()
        most = max(1.0, float(sizes.max()))
        tiny = sizes < TINY * most
        if tiny.any():
            points, base = problem.points, problem.values
            found, flags, _ = self._taken(problem.function, points, base, sizes, where.room)
            reach = SIZE_OF_STEP * found[2].reshape(sizes.shape)
            reach[(flags & FLAT != 0).reshape(sizes.shape)] = most
            sizes = np.where(tiny & (reach > sizes), reach, sizes)
        powers = np.clip(np.rint(np.log2(sizes.ravel())), -1074, 1023)
        return np.asarray(np.ldexp(1.0, powers.astype(int)))


def _directions(
    sizes: Array, room: Array | None, rows: Indices, columns: Indices
) -> tuple[Indices, Array, Array | None]:
    """Pairs of coordinates (lines, 2), -1 for none; signs of the second; the room (2, lines) in units of sizes."""
    n = sizes.size
    pairs = np.concatenate([np.stack([np.arange(n), np.full(n, -1)], axis=1), np.stack([rows, columns], axis=1)])
    signs = np.ones(len(pairs))
    if room is None:
        return pairs, signs, None
    room = room.reshape(2, n) / sizes
    alike = np.minimum(room[:, rows], room[:, columns])
    unlike = np.minimum(room[:, rows], room[::-1, columns])
    # Central where that is possible, else where there is more room on one side.
    better = np.where(
        np.maximum(alike.min(axis=0), unlike.min(axis=0)) > 0,
        unlike.min(axis=0) > alike.min(axis=0),
        unlike.max(axis=0) > alike.max(axis=0),
    )
    signs[n:][better] = -1.0
    return pairs, signs, np.concatenate([room, np.where(better, unlike, alike)], axis=1)


def _entries(
    found: Array,
    flags: NDArray[np.intc],
    sizes: Array,
    rows: Indices,
    columns: Indices,
    signs: Array,
    noise: Array,
) -> Second:
    """Second derivatives from those (value, error, step) along the axes and then e_i ± e_j, in units of sizes."""
    n = sizes.size
    value, error, step = (numbers.copy() for numbers in found)
    bits = flags.copy()
    with np.errstate(all="ignore"):  # squares of tiny sizes are 0: then the entry is not finite
        area = 2.0 * sizes[rows] * sizes[columns]
        value[n:] = signs * (value[n:] - value[rows] - value[columns]) / area
        # Their errors are independent, as far as they are rounding and noise.
        error[n:] = np.sqrt(error[n:] ** 2 + error[rows] ** 2 + error[columns] ** 2) / area
        value[:n] /= sizes**2
        error[:n] /= sizes**2
    step[:n] *= sizes
    bits[n:] |= flags[rows] | flags[columns]
    unknown = ~np.isfinite(value)
    error[unknown | np.isnan(error)] = np.inf
    bits[unknown & (bits == 0)] = NONFINITE
    return Second(value, error, step, bits, noise, sizes)


def _symmetric(found: Second, rows: Indices, columns: Indices, n: int) -> tuple[Array, NDArray[np.intc]]:
    """The entries of a Hessian, numbers (5, n * n) and flags, row by row."""
    matrix, bits, axes = np.full((5, n, n), np.nan), np.empty((n, n), dtype=np.intc), np.diag_indices(n)
    for part, numbers in enumerate((found.value, found.error, found.step)):
        matrix[part][axes] = numbers[:n]
        for i, j in ((rows, columns), (columns, rows)):
            matrix[part][i, j] = numbers[n:] * found.sizes[j] if part == 2 else numbers[n:]
    bits[axes] = found.flags[:n]
    bits[rows, columns] = bits[columns, rows] = found.flags[n:]
    return matrix.reshape(5, -1), bits.ravel()


def flag_names(bits: int) -> str:
    """The names of flags, with commas between; "" where there is none."""
    return ",".join(name for k, name in enumerate(FLAGS) if bits >> k & 1) if bits else ""
