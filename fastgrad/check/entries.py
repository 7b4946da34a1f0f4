"""Entries of a claimed derivative, each compared with a difference of its own that knows its error."""

from __future__ import annotations

import math
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

_MARGIN = 1.5
"""Error bars hold for 99 of 100 entries: beyond so many an entry is looked at again; of many entries, beyond more."""

_ONE_IN = 50.0
_LOOKS = 3
SHORTER, _MUCH_SHORTER, _REACH = 0.6, 0.3, 5.0
"""Where another look begins, of the step before: not in step with it. How far it may go where f is noisy."""

_DOUBTFUL = 10.0
"""What a search has pointed at, and is off by so many bars, needs no other look."""

_APART = 2.0
"""Looks that differ by more than so many of their bars together do not agree."""

_SLACK = 1e-6
"""The error of the slopes beside a kink, relative to them."""

_OF_CURVATURE = 1e-6
"""The error bar of a derivative that is nearly 0, relative to how it changes over the size of x."""

_ASIDE = 2.0**-7  # of the size of a coordinate: where that is looked at
_NOISE = 8.0  # noises of a value that a second difference may be off by

_EPSILON = float(np.finfo(float).eps)
_CONDITION = 8.0
"""Changes of a derivative with a rounding of x: what its own rounding may be."""


def margin_of(entries: int) -> float:
    """Error bars that the worst of so many right entries is off by, nearly: that grows as the root of a logarithm."""
    return _MARGIN * math.sqrt(1.0 + math.log(max(entries, 1)) / math.log(_ONE_IN))


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
    accepted: Array  # what entries may differ by

    @property
    def resolution(self) -> float:
        """The largest error that could have gone unseen in an entry."""
        unseen = np.where(np.isfinite(self.bar), (1.0 + margin_of(self.bar.size)) * self.bar + self.accepted, 0.0)
        return float(unseen.max(initial=0.0))

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
        The claimed entries, (outputs, coordinates).
    tolerance : Tolerance
        What they may differ by, for these coordinates.
    claim : callable, optional
        What gave the claim for all coordinates, if it can be asked at another point.
    coordinates : ndarray, optional
        Which ones; all by default.
    level : ndarray, optional
        The noise of f, (outputs,), where it is known.
    """

    def __init__(
        self,
        problem: Problem,
        method: Adaptive,
        claimed: Array,
        tolerance: Tolerance,
        claim: Claim | None = None,
        coordinates: Indices | None = None,
        level: Array | None = None,
    ) -> None:
        self.problem, self.method, self.tolerance, self.claim, self.level = problem, method, tolerance, claim, level
        self.claimed = claimed
        self.all = coordinates is None
        self.coordinates = np.arange(problem.x.size) if coordinates is None else coordinates
        self.x = problem.x.ravel()
        x = self.x[self.coordinates]
        self.sizes = np.where(x == 0, 1.0, np.abs(x))
        self.margin = margin_of(claimed.size)

    @np.errstate(all="ignore")
    def compare(self, suspected: bool = False) -> Compared:
        """Each entry beside its difference; suspected: a search has seen all of them differ."""
        compared, step = self._first()
        numeric, bar, wrong, undecided = compared.numeric, compared.bar, compared.wrong, compared.undecided
        size, accepted = self._size(numeric), compared.accepted
        broken, kink = ~np.isfinite(compared.claimed), compared.kink
        off = np.abs(compared.claimed - numeric)
        wrong |= broken
        self._beside_kinks(compared, kink & ~broken, accepted)
        suspect = ~(off <= self.margin * bar + accepted) & ~broken & ~kink
        doubtful = suspect & np.isfinite(numeric)
        undecided |= suspect & ~doubtful
        dull = self._dull(compared, size) & ~broken & ~(off == 0) & ~kink & ~doubtful
        doubtful |= dull
        if suspected:
            # The slopes of all the sets that they are in differed, too; but by little more than the bars?
            proved = doubtful & (off > _DOUBTFUL * bar + accepted)
            wrong |= proved
            doubtful &= ~proved
        if doubtful.any():
            self._look_again(compared, doubtful, dull, step)
        if dull.any():
            size = self._size(numeric)
            undecided |= dull & ~wrong & self._dull(compared, size)
        return compared

    def _first(self) -> tuple[Compared, Array]:
        """Differences, of which nothing is said yet, and their steps."""
        if self.all and self.level is None:
            found = self.method.components(self.problem)
        else:
            found = self._by(slice(None), powers_of_two(self.sizes), np.inf, self.level)
        shape = self.claimed.shape
        return self._unjudged(found.numbers.reshape(5, *shape), found.flags.reshape(shape), found.noise.reshape(-1))

    def _unjudged(self, numbers: Array, flags: NDArray[np.intc], level: Array) -> tuple[Compared, Array]:
        numeric, bar, step, left, right = numbers
        nobody = np.zeros(numeric.shape, dtype=bool)
        largest = np.abs(np.where(np.isfinite(numeric), numeric, 0.0)).max(axis=1, keepdims=True, initial=0.0)
        accepted = self.tolerance.accepted(self._size(numeric), largest)
        compared = Compared(
            self.coordinates, self.claimed, numeric, bar, left, right, flags, nobody, nobody.copy(), level, accepted
        )
        return compared, step

    def _by(
        self, which: Indices | slice, units: Array, reach: Array | float, level: Array | None, enough: float = 0.0
    ) -> Components:
        """Derivatives by some of the coordinates, which move by multiples of units and no farther than reach."""
        method = Adaptive(None, self.method.bounds, level, enough or None)
        return method.by_some(self.problem, self.coordinates[which], units, reach)

    def _size(self, numeric: Array) -> Array:
        """The sizes of entries."""
        return np.maximum(np.abs(self.claimed), np.where(np.isfinite(numeric), np.abs(numeric), 0.0))

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
            units = powers_of_two(self.sizes[columns])
            for side, slopes in ((0, left), (1, right)):
                reach = np.zeros((2, columns.size))
                reach[side] = np.inf
                found = self._by(columns, units, reach, None).numbers.reshape(5, claimed.shape[0], -1)
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

    def _look_again(self, compared: Compared, doubtful: Mask, dull: Mask, step: Array) -> None:
        """Look at entries that differ a second and a third time, from other values of f; judge their weighted mean.

        Error bars hold for 99 of 100 entries, and entries may be very many. Where looks differ by more than their
        bars, that of the mean grows (Birge, Phys. Rev. 40 (1932) 207-227). A look with a long bar weighs little, so
        that it clears nobody. What the first look says little of (dull) gets a second one, which accuses nobody.
        """
        looks = _Looks(compared.numeric[doubtful], compared.bar[doubtful])
        rows, columns = np.nonzero(doubtful)
        claimed, margin, dull = compared.claimed[doubtful], compared.accepted[doubtful], dull[doubtful]
        open_ = np.ones(rows.size, dtype=bool)
        wrong = np.zeros(rows.size, dtype=bool)
        conditioned = False
        for shorter in range(1, _LOOKS):
            which = np.flatnonzero(open_)
            if not which.size:
                break
            value, bar = self._another(compared, rows[which], columns[which], step, shorter, dull[which])
            # Under noise a much shorter bar is luck.
            noisy = (compared.flags & NOISY != 0)[rows[which], columns[which]] & ~dull[which]
            looks.add(which, value, np.where(noisy, np.fmax(bar, compared.bar[rows[which], columns[which]]), bar))
            for _ in range(2):
                excluded = np.abs(claimed - looks.mean) > self.margin * looks.bar + margin
                wrong = open_ & excluded & ~dull & looks.confirm(claimed, margin)
                if conditioned or not (open_ & excluded).any():
                    break
                # Before an entry is called wrong: is it that the claim itself can be no more accurate?
                margin, conditioned = margin + self._condition(compared, doubtful)[doubtful], True
            open_ &= excluded & ~wrong
            compared.wrong[rows[wrong], columns[wrong]] = True
        compared.numeric[doubtful], compared.bar[doubtful] = looks.mean, looks.bar
        open_ &= ~(np.abs(claimed - looks.mean) <= self.tolerance.tiny(np.abs(claimed)))
        compared.undecided[rows[open_], columns[open_]] = True

    def _another(
        self, compared: Compared, rows: Indices, columns: Indices, step: Array, shorter: int, dull: Mask
    ) -> tuple[Array, Array]:
        """Derivatives of single entries from other values than those before, and their error bars."""
        which, place = np.unique(columns, return_inverse=True)
        noisy = (compared.flags & NOISY != 0)[rows, columns]
        wanted = np.where(step > 0, SIZE_OF_STEP * step, self.sizes)[rows, columns]
        # Noise allows long steps, which may pass over periods of f: there, much shorter ones must agree.
        wanted = wanted * np.where(noisy, _MUCH_SHORTER, SHORTER) ** shorter
        # A coordinate that is small by chance, among others of its leaf, may move as far as they do.
        wanted = np.where(dull, np.maximum(wanted, SHORTER * self._widths()[columns]), wanted)
        size = np.full(which.size, np.inf)
        np.minimum.at(size, place, wanted)
        loud = np.zeros(which.size, dtype=bool)
        np.logical_or.at(loud, place, noisy & ~dull)
        units = 0.625 * powers_of_two(size / 0.625)
        reach = np.where(loud, _REACH / SIZE_OF_STEP * units, np.inf)
        off = np.abs(compared.claimed - compared.numeric)[rows, columns]
        largest = np.maximum(np.abs(compared.claimed), np.abs(compared.numeric))[rows, columns]
        enough = 0.1 * float(np.min(off / largest))
        level = compared.level if noisy.any() else None
        found = self._by(which, units, reach, level, enough)
        numbers, flags = found.numbers.reshape(5, len(compared.claimed), -1), found.flags.reshape(-1, which.size)
        bar = np.where(flags & KINK != 0, np.inf, numbers[1])[rows, place]
        return numbers[0][rows, place], bar

    def _widths(self) -> Array:
        """Typical sizes of the coordinates, (coordinates,): of the leaves that they are in."""
        found = np.empty(self.x.size)
        for _, where, _ in self.problem.point.layout.leaves():
            values = self.x[where]
            found[where] = np.sqrt(np.mean(values**2)) if values.size else 1.0
        return found[self.coordinates]

    def _condition(self, compared: Compared, doubtful: Mask) -> Array:
        """How much derivatives change with a rounding of x, as f and the claim show it: none is more accurate."""
        found = np.zeros(compared.claimed.shape)
        columns = np.flatnonzero(doubtful.any(axis=0))
        found[:, columns] = _EPSILON * self._changes(columns, compared.level)
        if self.claim is not None:
            there = self.claim(self.x * (1 + 2 * _EPSILON))[:, self.coordinates]
            found = np.fmax(found, np.abs(there - compared.claimed))
        return _CONDITION * np.where(np.isfinite(found), found, 0.0)

    def _dull(self, compared: Compared, size: Array) -> Mask:
        """Entries whose error bar could hide any error that matters."""
        known = np.where(np.isfinite(compared.numeric), np.abs(compared.numeric), 0.0)
        dull: Mask = ~(compared.bar <= self.tolerance.hidden(size, known.max(axis=1, keepdims=True, initial=0.0)))
        asked = dull & np.isfinite(compared.bar) & ~compared.kink & ~compared.wrong
        columns = np.flatnonzero(asked.any(axis=0))
        if columns.size:
            change = self._changes(columns, compared.level)
            dull[:, columns] &= ~(asked[:, columns] & (compared.bar[:, columns] <= _OF_CURVATURE * change))
        return dull

    def _changes(self, columns: Indices, level: Array) -> Array:
        """How much the derivatives (outputs, columns) change over the sizes of coordinates, beyond noise of a level."""
        coordinates, sizes = self.coordinates[columns], self.sizes[columns]
        h, room = _ASIDE * sizes, self.method.room(self.problem)
        if room is not None:
            h = np.minimum(h, room[:, coordinates].min(axis=0))
        values = self.problem.function.at_shifts(self.x, coordinates, h, np.array([-1.0, 1.0]))
        second = np.abs(values[:, 0] - 2 * self.problem.values + values[:, 1])
        beyond = np.maximum(second - _NOISE * level, 0.0)
        return np.nan_to_num(beyond * (sizes / h**2)[:, None], nan=0.0, posinf=0.0).T


class _Looks:
    """Several looks at each of some entries, and their weighted means.

    All in units of the first error bars, from the first values on, so that squares neither cancel nor overflow.
    """

    def __init__(self, value: Array, bar: Array) -> None:
        self._own = np.where(np.isfinite(bar), 1.0, 0.0)  # weight of the first look
        self._first = np.where(np.isfinite(value), value, 0.0)
        self._unit = np.where(np.isfinite(bar), np.maximum(bar, np.finfo(float).tiny), 1.0)
        self._weight = np.zeros(value.size)  # of the looks after the first
        self._sum = np.zeros(value.size)
        self._apart = np.zeros(value.size)  # the most that a look differs from those before, in bars of both

    def add(self, which: Indices, value: Array, bar: Array) -> None:
        """Another look at some of the entries."""
        usable = np.isfinite(value) & np.isfinite(bar)
        which = which[usable]
        unit = self._unit[which]
        shift, variance = (value[usable] - self._first[which]) / unit, np.maximum(bar[usable] / unit, 1e-100) ** 2
        weight = self._own[which] + self._weight[which]
        apart = np.where(weight > 0, np.abs(shift - self._sum[which] / weight) / np.sqrt(variance + 1.0 / weight), 0.0)
        self._apart[which] = np.maximum(self._apart[which], apart)
        self._weight[which] += 1.0 / variance
        self._sum[which] += shift / variance

    @property
    def mean(self) -> Array:
        """The mean of the looks."""
        return self._first + self._unit * (self._sum / (self._own + self._weight))

    @property
    def bar(self) -> Array:
        """Its error bar."""
        return self._unit * np.maximum(1.0, self._apart) / np.sqrt(self._own + self._weight)

    def confirm(self, claimed: Array, margin: Array) -> Mask:
        """Whether the looks after the first exclude what is claimed by themselves, and agree with the first."""
        rest = self._first + self._unit * (self._sum / self._weight)
        bar = self._unit * np.maximum(1.0, self._apart) / np.sqrt(self._weight)
        excluded = np.abs(claimed - rest) > bar + margin
        near = self._apart * self.bar <= 0.1 * np.abs(claimed - self.mean)
        return np.asarray((self._weight > 0) & excluded & ((self._apart <= _APART) | near))


def powers_of_two(sizes: Array) -> Array:
    """Those next to sizes: steps of such units are exact."""
    return np.asarray(np.ldexp(1.0, np.clip(np.rint(np.log2(sizes)), -1000, 1000).astype(int)))
