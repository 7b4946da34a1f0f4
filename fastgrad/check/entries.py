"""Entries of a claimed derivative, each compared with a difference of its own that knows its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.problem import Problem
from ..methods.adaptive import KINK, NOISY, SIZE_OF_STEP, Adaptive, Components
from .tolerance import Tolerance

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
Claim = Callable[[Array], Array]
"""The claimed entries (outputs, n) at a point (n,)."""

_MARGIN = 1.5  # error bars hold for 99 of 100 entries: beyond one and a half an entry is looked at again
_LOOKS = 3
_SHORTER, _MUCH_SHORTER, _REACH = 0.6, 0.3, 5.0
"""Where another look begins, of the step before: not in step with it. How far it may go where f is noisy."""

_DOUBTFUL = 10.0
"""What a search has pointed at, and is off by so many bars, needs no other look."""

_APART = 2.0
"""Looks that differ by more than so many of their bars together do not agree."""

_SLACK = 1e-6
"""The error of the slopes beside a kink, relative to them."""

_OF_CURVATURE = 1e-6
"""The error bar of a derivative that is nearly 0, relative to how it changes over the size of x."""

_CONDITION = 8.0
"""Differences of the claim between x and x(1 + eps): what its own rounding may be."""


class Compared(NamedTuple):
    """Entries (outputs, coordinates) beside their differences."""

    coordinates: Indices  # of the columns
    claimed: Array
    numeric: Array
    bar: Array
    left: Array
    right: Array  # slopes beside x
    flags: NDArray[np.intc]
    wrong: Mask
    undecided: Mask
    level: Array  # noise of f, (outputs,)

    @property
    def kink(self) -> Mask:
        """Where the slopes on both sides of x differ."""
        return np.asarray(self.flags & KINK != 0)


class Entries:
    """Comparison of the entries of a claimed derivative.

    Parameters
    ----------
    problem : Problem
        f at one point.
    method : Adaptive
        What takes the differences.
    claimed : ndarray
        The claimed entries, (outputs, n).
    tolerance : Tolerance
        For all n coordinates.
    claim : callable, optional
        What gave them, if it can be asked at another point.
    """

    def __init__(
        self, problem: Problem, method: Adaptive, claimed: Array, tolerance: Tolerance, claim: Claim | None = None
    ) -> None:
        self.problem, self.method, self.tolerance, self.claim = problem, method, tolerance, claim
        self.claimed = claimed
        self.x = problem.x.ravel()
        self.sizes = np.where(self.x == 0, 1.0, np.abs(self.x))

    @np.errstate(all="ignore")
    def compare(
        self, coordinates: Indices | None = None, level: Array | None = None, suspected: bool = False
    ) -> Compared:
        """All entries of some coordinates, or of all.

        level: the noise of f, where it is known. suspected: whether a search has seen all of them differ.
        """
        compared, step = self._first(coordinates, level)
        numeric, bar, wrong, undecided = compared.numeric, compared.bar, compared.wrong, compared.undecided
        size, accepted = self._accepted(compared)
        broken, kink = ~np.isfinite(compared.claimed), compared.kink
        off = np.abs(compared.claimed - numeric)
        wrong |= broken
        self._beside_kinks(compared, kink & ~broken, accepted)
        suspect = ~(off <= _MARGIN * bar + accepted) & ~broken & ~kink
        doubtful = suspect & np.isfinite(numeric)
        undecided |= suspect & ~doubtful
        if suspected:
            # The slopes of all the sets that they are in differed, too; but by little more than the bars?
            proved = doubtful & (off > _DOUBTFUL * bar + accepted)
            wrong |= proved
            doubtful &= ~proved
        if doubtful.any():
            self._look_again(compared, doubtful, step, accepted)
        undecided |= self._dull(compared, size) & ~wrong & ~(off == 0) & ~kink
        return compared

    def _first(self, coordinates: Indices | None, level: Array | None) -> tuple[Compared, Array]:
        """Differences, of which nothing is said yet, and their steps."""
        outputs = self.problem.outputs
        if coordinates is None:
            coordinates = np.arange(self.x.size)
            found = self.method.components(self.problem)
        else:
            found = self._by(coordinates, powers_of_two(self.sizes[coordinates]), np.inf, level)
        numeric, bar, step, left, right = found.numbers.reshape(5, outputs, -1)
        nobody = np.zeros(numeric.shape, dtype=bool)
        flags = found.flags.reshape(numeric.shape)
        claimed = self.claimed[:, coordinates]
        compared = Compared(
            coordinates, claimed, numeric, bar, left, right, flags, nobody, nobody.copy(), found.noise.reshape(-1)
        )
        return compared, step

    def _by(
        self, coordinates: Indices, units: Array, reach: Array | float, level: Array | None, enough: float = 0.0
    ) -> Components:
        """Derivatives by some coordinates, which move by multiples of units and no farther than reach."""
        method = Adaptive(None, self.method.bounds, level, enough or None)
        return method.by_some(self.problem, coordinates, units, reach)

    def _accepted(self, compared: Compared) -> tuple[Array, Array]:
        """The sizes of entries, and what they may differ by."""
        numeric = np.where(np.isfinite(compared.numeric), np.abs(compared.numeric), 0.0)
        size = np.maximum(np.abs(compared.claimed), numeric)
        largest = numeric.max(axis=1, keepdims=True, initial=0.0)
        tolerance = self.tolerance.of(compared.coordinates)
        return size, tolerance.accepted(size, largest)

    def _beside_kinks(self, compared: Compared, kink: Mask, accepted: Array) -> None:
        """At a kink every value between the slopes on both sides is right."""
        claimed, left, right = compared.claimed, compared.left, compared.right
        slack = _SLACK * (np.abs(left) + np.abs(right)) + accepted
        low, high = np.fmin(left, right), np.fmax(left, right)
        clear = (low + slack <= claimed) & (claimed <= high - slack)
        # Near an end, or beyond: the slopes by differences of one side, which know their errors.
        concerned = kink & ~clear & np.isfinite(low) & np.isfinite(high)
        columns = np.flatnonzero(concerned.any(axis=0))
        bars = np.full((2, *claimed.shape), np.inf)
        if columns.size:
            coordinates = compared.coordinates[columns]
            units = powers_of_two(self.sizes[coordinates])
            for side, slopes in ((0, left), (1, right)):
                reach = np.zeros((2, columns.size))
                reach[side] = np.inf
                found = self._by(coordinates, units, reach, None).numbers.reshape(5, claimed.shape[0], -1)
                known = concerned[:, columns] & np.isfinite(found[1])
                slopes[:, columns] = np.where(known, found[0], slopes[:, columns])
                bars[side][:, columns] = np.where(known, found[1], np.inf)
        low, high = np.fmin(left, right), np.fmax(left, right)
        below = np.where(left <= right, bars[0], bars[1])
        above = np.where(left <= right, bars[1], bars[0])
        within = (low - _MARGIN * below - accepted <= claimed) & (claimed <= high + _MARGIN * above + accepted)
        compared.wrong[concerned & ~within] = True
        compared.undecided[concerned & within & ~np.isfinite(below + above)] = True
        compared.undecided[kink & ~clear & ~concerned] = True
        # What an entry is compared with: the nearest value that would be right.
        np.copyto(compared.numeric, np.clip(claimed, low, high), where=kink & np.isfinite(low) & np.isfinite(high))
        near = np.where(claimed - low < high - claimed, below, above)
        np.copyto(compared.bar, np.where(np.isfinite(near), near, slack), where=kink)

    def _look_again(self, compared: Compared, doubtful: Mask, step: Array, accepted: Array) -> None:
        """Look at entries that differ a second and a third time, from other values of f; judge their weighted mean.

        Error bars hold for 99 of 100 entries, and entries may be very many. Where looks differ by more than their
        bars, that of the mean grows (Birge, Phys. Rev. 40 (1932) 207-227). A look with a long bar weighs little, so
        that it clears nobody.
        """
        looks = _Looks(compared.numeric[doubtful], compared.bar[doubtful])
        rows, columns = np.nonzero(doubtful)
        claimed, margin = compared.claimed[doubtful], accepted[doubtful]
        open_ = np.ones(rows.size, dtype=bool)
        wrong = np.zeros(rows.size, dtype=bool)
        conditioned = False
        for shorter in range(1, _LOOKS):
            which = np.flatnonzero(open_)
            if not which.size:
                break
            looks.add(which, *self._another(compared, rows[which], columns[which], step, shorter))
            for _ in range(2):
                excluded = np.abs(claimed - looks.mean) > _MARGIN * looks.bar + margin
                wrong = open_ & excluded & looks.confirm(claimed, margin)
                if conditioned or not wrong.any() or self.claim is None:
                    break
                # Before an entry is called wrong: is it that the claim itself can be no more accurate?
                margin, conditioned = margin + self._condition(compared)[doubtful], True
            open_ &= excluded & ~wrong
            compared.wrong[rows[wrong], columns[wrong]] = True
        compared.numeric[doubtful], compared.bar[doubtful] = looks.mean, looks.bar
        compared.undecided[rows[open_], columns[open_]] = True

    def _another(
        self, compared: Compared, rows: Indices, columns: Indices, step: Array, shorter: int
    ) -> tuple[Array, Array]:
        """Derivatives of single entries from other values than those before, and their error bars."""
        which, place = np.unique(columns, return_inverse=True)
        noisy = (compared.flags & NOISY != 0)[rows, columns]
        wanted = np.where(step > 0, SIZE_OF_STEP * step, self.sizes[compared.coordinates])[rows, columns]
        # Noise allows long steps, which may pass over periods of f: there, much shorter ones must agree.
        wanted = wanted * np.where(noisy, _MUCH_SHORTER, _SHORTER) ** shorter
        size = np.full(which.size, np.inf)
        np.minimum.at(size, place, wanted)
        loud = np.zeros(which.size, dtype=bool)
        np.logical_or.at(loud, place, noisy)
        units = 0.625 * powers_of_two(size / 0.625)
        reach = np.where(loud, _REACH / SIZE_OF_STEP * units, np.inf)
        off = np.abs(compared.claimed - compared.numeric)[rows, columns]
        largest = np.maximum(np.abs(compared.claimed), np.abs(compared.numeric))[rows, columns]
        enough = 0.1 * float(np.min(off / largest))
        level = compared.level if loud.any() else None
        found = self._by(compared.coordinates[which], units, reach, level, enough)
        numbers, flags = found.numbers.reshape(5, len(compared.claimed), -1), found.flags.reshape(-1, which.size)
        bar = np.where(flags & KINK != 0, np.inf, numbers[1])[rows, place]
        # Under noise a much shorter bar is luck.
        return numbers[0][rows, place], np.where(noisy, np.fmax(bar, compared.bar[rows, columns]), bar)

    def _condition(self, compared: Compared) -> Array:
        """How much the claimed entries change with a rounding of x: they can be no more accurate than that."""
        assert self.claim is not None
        there = self.claim(self.x * (1 + 2 * np.finfo(float).eps))[:, compared.coordinates]
        return np.nan_to_num(_CONDITION * np.abs(there - compared.claimed), nan=0.0, posinf=0.0)

    def _dull(self, compared: Compared, size: Array) -> Mask:
        """Entries whose error bar could hide any error that matters."""
        known = np.where(np.isfinite(compared.numeric), np.abs(compared.numeric), 0.0)
        tolerance = self.tolerance.of(compared.coordinates)
        dull: Mask = ~(compared.bar <= tolerance.hidden(size, known.max(axis=1, keepdims=True, initial=0.0)))
        asked = dull & np.isfinite(compared.bar) & (compared.flags & (NOISY | KINK) == 0) & ~compared.wrong
        columns = np.flatnonzero(asked.any(axis=0))
        if columns.size:
            change = self._changes(compared.coordinates[columns])
            dull[:, columns] &= ~(asked[:, columns] & (compared.bar[:, columns] <= _OF_CURVATURE * change))
        return dull

    def _changes(self, coordinates: Indices) -> Array:
        """How much the derivatives (outputs, coordinates) change over the sizes of coordinates."""
        h = self.sizes[coordinates] * 2.0**-7
        room = self.method.room(self.problem)
        if room is not None:
            h = np.minimum(h, room[:, coordinates].min(axis=0))
        values = self.problem.function.at_shifts(self.x, coordinates, h, np.array([-1.0, 1.0]))
        second = np.abs(values[:, 0] - 2 * self.problem.values + values[:, 1])
        change = second / (h * h / self.sizes[coordinates])[:, None]
        return np.nan_to_num(change, nan=0.0, posinf=0.0).T


class _Looks:
    """Several looks at each of some entries, and their weighted means.

    All in units of the first error bars, from the first values on, so that squares neither cancel nor overflow.
    """

    def __init__(self, value: Array, bar: Array) -> None:
        self._first, self._unit = value.copy(), np.maximum(bar, np.finfo(float).tiny)
        self._weight = np.ones(value.size)
        self._sum = np.zeros(value.size)
        self._apart = np.zeros(value.size)  # the most that a look differs from those before, in bars of both

    def add(self, which: Indices, value: Array, bar: Array) -> None:
        """Another look at some of the entries."""
        usable = np.isfinite(value) & np.isfinite(bar)
        which = which[usable]
        unit = self._unit[which]
        shift, variance = (value[usable] - self._first[which]) / unit, np.maximum(bar[usable] / unit, 1e-100) ** 2
        before = self._sum[which] / self._weight[which]
        apart = np.abs(shift - before) / np.sqrt(variance + 1.0 / self._weight[which])
        self._apart[which] = np.maximum(self._apart[which], apart)
        self._weight[which] += 1.0 / variance
        self._sum[which] += shift / variance

    @property
    def mean(self) -> Array:
        """The mean of the looks."""
        return self._first + self._unit * (self._sum / self._weight)

    @property
    def bar(self) -> Array:
        """Its error bar."""
        return self._unit * np.maximum(1.0, self._apart) / np.sqrt(self._weight)

    def confirm(self, claimed: Array, margin: Array) -> Mask:
        """Whether the looks after the first exclude what is claimed by themselves, and agree with the first."""
        weight = self._weight - 1.0
        rest = self._first + self._unit * (self._sum / weight)
        excluded = np.abs(claimed - rest) > self._unit * np.maximum(1.0, self._apart) / np.sqrt(weight) + margin
        near = self._apart * self.bar <= 0.1 * np.abs(claimed - self.mean)
        return np.asarray((weight > 0) & excluded & ((self._apart <= _APART) | near))


def powers_of_two(sizes: Array) -> Array:
    """Those next to sizes: steps of such units are exact."""
    return np.asarray(np.ldexp(1.0, np.clip(np.rint(np.log2(sizes)), -1000, 1000).astype(int)))
