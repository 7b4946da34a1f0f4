"""Entries of a claimed derivative, each compared with a finite difference of its own that has an error bar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.problem import Problem
from ..methods.adaptive import KINK, NOISY, SIZE_OF_STEP, Adaptive, Components
from . import kinks
from .compared import Compared, Indices, Mask
from .looks import Looks, margin_of
from .tolerance import Tolerance

Claim = Callable[[Array], Array]
"""The claimed entries (outputs, n) at a point (n,)."""

_LOOKS = 3
SHORTER, _MUCH_SHORTER, _REACH = 0.6, 0.3, 5.0
"""Where another look begins, relative to the step before, so that their points do not coincide; the same where f is
noisy; and how far it may then go."""

_DOUBTFUL = 10.0
"""An entry that a search has found, and that is off by this many bars, needs no other look."""

_WEAK = 1e-4
"""An entry that is off by so little of it may be the slope on one side of a kink that was not seen."""

_OF_CURVATURE = 1e-6
"""The longest error bar of a derivative that is nearly 0, relative to its change over the size of x."""

_ASIDE = 2.0**-7  # of the size of a coordinate: the distance over which that change is measured
_NOISE = 8.0  # noise levels of a value by which a second difference may be off

_EPSILON = float(np.finfo(float).eps)
_CONDITION = 8.0
"""The rounding that a derivative may have, in its changes with one rounding of x."""


class Entries:
    """Comparison of the entries of a claimed derivative.

    Parameters
    ----------
    problem : Problem
        f at one point.
    method : Adaptive
        The method of the differences.
    claimed : ndarray
        The claimed entries, (outputs, coordinates).
    tolerance : Tolerance
        The accepted differences, for these coordinates.
    claim : callable, optional
        Gives the claimed entries of all coordinates at another point, where that is possible.
    coordinates : ndarray, optional
        The coordinates that are compared; all by default.
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
        self._changed = np.full(claimed.shape, np.nan)  # what is known of `_changes`

    @np.errstate(all="ignore")
    def compare(self, suspected: bool = False) -> Compared:
        """Compare each entry with its difference; suspected: a search has found that all of them differ."""
        compared, step = self._first()
        numeric, bar, wrong, undecided = compared.numeric, compared.bar, compared.wrong, compared.undecided
        size, accepted = self._size(numeric), compared.accepted
        broken, kink = ~np.isfinite(compared.claimed), compared.kink
        off = np.abs(compared.claimed - numeric)
        wrong |= broken
        if kink.any():
            self._judge_kinks(compared, kink & ~broken)
        suspect = ~(off <= self.margin * bar + accepted) & ~broken & ~kink
        doubtful = suspect & np.isfinite(numeric)
        undecided |= suspect & ~doubtful
        dull = self._dull(compared, size) & ~broken & ~(off == 0) & ~kink & ~doubtful
        doubtful |= dull
        if suspected:
            # The slopes along all sets with these entries differed, too; only small differences need another look.
            proved = doubtful & (off > _DOUBTFUL * bar + accepted)
            wrong |= proved
            doubtful &= ~proved
        if doubtful.any():
            self._look_again(compared, doubtful, dull, step)
            off = np.abs(compared.claimed - numeric)
            weak = doubtful & (wrong | undecided) & (off <= _WEAK * self._size(numeric))
            if weak.any():
                self._clear_weak(compared, weak)
        if dull.any():
            size = self._size(numeric)
            undecided |= dull & ~wrong & self._dull(compared, size)
        return compared

    def _first(self) -> tuple[Compared, Array]:
        """Differences without a verdict, and their steps."""
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
        """Derivatives by some of the coordinates, which move by multiples of `units` and no farther than `reach`."""
        method = Adaptive(None, self.method.bounds, level, enough or None)
        return method.by_some(self.problem, self.coordinates[which], units, reach)

    def _size(self, numeric: Array) -> Array:
        """The sizes of entries."""
        return np.maximum(np.abs(self.claimed), np.where(np.isfinite(numeric), np.abs(numeric), 0.0))

    def _judge_kinks(self, compared: Compared, kink: Mask) -> None:
        kinks.judge(compared, kink, self._sides)

    def _clear_weak(self, compared: Compared, accused: Mask) -> None:
        kinks.clear_weak(compared, accused, self._sides)

    def _sides(self, which: Indices, reach: Array) -> Components:
        """Derivatives by differences that move some coordinates no farther than this, down and up."""
        return self._by(which, powers_of_two(self.sizes[which]), reach, None)

    def _look_again(self, compared: Compared, doubtful: Mask, dull: Mask, step: Array) -> None:
        """Compare doubtful entries a second and a third time, with other values of f, and judge the weighted mean.

        Error bars hold for 99 of 100 entries, and there may be very many entries. Where looks differ by more than their
        bars, the bar of the mean grows (Birge, Phys. Rev. 40 (1932) 207-227). A look with a long bar has little weight,
        so that it clears no entry. An entry with too long a bar at first (dull) gets a second look too, which cannot
        make it wrong.
        """
        looks = Looks(compared.numeric[doubtful], compared.bar[doubtful])
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
            # Under noise a much shorter bar is chance.
            noisy = (compared.flags & NOISY != 0)[rows[which], columns[which]] & ~dull[which]
            looks.add(which, value, np.where(noisy, np.fmax(bar, compared.bar[rows[which], columns[which]]), bar))
            for _ in range(2):
                excluded = np.abs(claimed - looks.mean) > self.margin * looks.bar + margin
                wrong = open_ & excluded & ~dull & looks.confirm(claimed, margin)
                if conditioned or not (open_ & excluded).any():
                    break
                # Before an entry is called wrong, allow for the accuracy that rounding of x leaves to any claim.
                margin, conditioned = margin + self._condition(compared, doubtful)[doubtful], True
            open_ &= excluded & ~wrong
            compared.wrong[rows[wrong], columns[wrong]] = True
        compared.numeric[doubtful], compared.bar[doubtful] = looks.mean, looks.bar
        open_ &= ~(np.abs(claimed - looks.mean) <= self.tolerance.tiny(np.abs(claimed)))
        compared.undecided[rows[open_], columns[open_]] = True

    def _another(
        self, compared: Compared, rows: Indices, columns: Indices, step: Array, shorter: int, dull: Mask
    ) -> tuple[Array, Array]:
        """Derivatives of single entries from other values of f than before, and their error bars."""
        which, place = np.unique(columns, return_inverse=True)
        noisy = (compared.flags & NOISY != 0)[rows, columns]
        wanted = np.where(step > 0, SIZE_OF_STEP * step, self.sizes)[rows, columns]
        # Noise makes steps long, and these may pass over periods of f: much shorter ones must agree there.
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
        """Typical sizes of the coordinates, (coordinates,): the root mean squares of their leaves."""
        found = np.empty(self.x.size)
        for _, where, _ in self.problem.point.layout.leaves():
            values = self.x[where]
            found[where] = np.sqrt(np.mean(values**2)) if values.size else 1.0
        return found[self.coordinates]

    def _condition(self, compared: Compared, doubtful: Mask) -> Array:
        """The change of derivatives with a rounding of x, by f and by the claim: no derivative is more accurate."""
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
        largest = known.max(axis=1, keepdims=True, initial=0.0)
        dull: Mask = ~(compared.bar <= self.tolerance.hidden(size, largest, self._noise(compared)))
        asked = dull & np.isfinite(compared.bar) & ~compared.kink & ~compared.wrong
        columns = np.flatnonzero(asked.any(axis=0))
        if columns.size:
            change = self._changes(columns, compared.level)
            dull[:, columns] &= ~(asked[:, columns] & (compared.bar[:, columns] <= _OF_CURVATURE * change))
        return dull

    def _noise(self, compared: Compared) -> Array:
        """The noise of noisy outputs, relative to f, (outputs, 1)."""
        noisy = (compared.flags & NOISY != 0).any(axis=1)
        share = np.where(noisy, compared.level / np.abs(self.problem.values[0]), 0.0)
        return np.where(share <= 1.0, share, 1.0)[:, None]

    def _changes(self, columns: Indices, level: Array) -> Array:
        """Changes of the derivatives (outputs, columns) over the sizes of coordinates, beyond noise of this level."""
        new = columns[np.isnan(self._changed[:, columns]).any(axis=0)]
        if new.size:
            self._changed[:, new] = self._second_differences(new, level)
        return self._changed[:, columns]

    def _second_differences(self, columns: Indices, level: Array) -> Array:
        coordinates, sizes = self.coordinates[columns], self.sizes[columns]
        h, room = _ASIDE * sizes, self.method.room(self.problem)
        if room is not None:
            h = np.minimum(h, room[:, coordinates].min(axis=0))
        values = self.problem.function.at_shifts(self.x, coordinates, h, np.array([-1.0, 1.0]))
        second = np.abs(values[:, 0] - 2 * self.problem.values + values[:, 1])
        beyond = np.maximum(second - _NOISE * level, 0.0)
        return np.nan_to_num(beyond * (sizes / h**2)[:, None], nan=0.0, posinf=0.0).T


def powers_of_two(sizes: Array) -> Array:
    """The powers of two nearest to sizes: steps in such units are exact."""
    return np.asarray(np.ldexp(1.0, np.clip(np.rint(np.log2(sizes)), -1000, 1000).astype(int)))
