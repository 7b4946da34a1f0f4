"""The search for wrong entries among very many: tests along random directions, then bisection along the tree."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.border import product_sums, random_direction
from ..evaluate.problem import Problem
from ..stencils import FLOAT64
from .lines import Shorter, Slopes, along
from .tolerance import Tolerance

Mask = NDArray[np.bool_]

_SAMPLE = 12
_TURNS = 3

_SEES = 1e-3
"""The largest error of the differences, as a share of the claimed slope, that does not hide wrong entries."""

_OF_CURVATURE = 1e-6
"""As for entries, the longest error bar of a slope that is nearly 0, relative to its change along the direction."""

_ASIDE = 2.0**-7  # the distance over which that change is measured


@dataclass
class Found:
    """The result of a search."""

    leaves: dict[str, float]  # the smallest error of an entry that would have been seen, by leaf
    entries: list[int] = field(default_factory=list)  # indices that must be compared one by one
    whole: list[tuple[str, slice]] = field(default_factory=list)  # leaves that look wrong everywhere
    clear: bool = True  # the first tests found no difference
    complete: bool = True  # no suspicious set was left over
    blind: bool = False  # the error of the differences hides all but gross errors
    kinked: int = 0  # coordinates that are 0, along which f has a kink


class Difference(NamedTuple):
    """The difference of the claimed and the numeric slope along some coordinates."""

    off: float
    bar: float  # of the numeric slope
    allowed: float  # by the rounding of the claim, and by the user
    spread: float = 0.0  # at a kink, the distance of right claims from the middle of its slopes

    @property
    def agrees(self) -> bool:
        """Whether the slopes may be the same."""
        return abs(self.off) <= self.bar + self.allowed + self.spread

    @property
    def equal(self) -> bool:
        """Whether they are the same, also at a kink, where the claim is then in the middle of the slopes."""
        return abs(self.off) <= self.bar + self.allowed

    def without(self, part: Difference) -> Difference:
        """The difference that a part of the coordinates does not explain, which is due to the others."""
        bar, allowed = self.bar + part.bar, self.allowed + part.allowed
        return Difference(self.off - part.off, bar, allowed, self.spread)


class Search:
    """Tests of a claimed gradient along directions that move all, or some, of the coordinates.

    Parameters
    ----------
    problem : Problem
        f at one point.
    claimed : ndarray
        The claimed gradient, flat.
    tolerance : Tolerance
        The accepted differences of its entries.
    seed : int
        Directions follow from it and from the names of the leaves, so that a new leaf does not change the others.
    max_evals : int
        Evaluations that may be spent.
    still : ndarray of bool, optional
        Coordinates that do not move, since they are not compared.
    """

    def __init__(
        self,
        problem: Problem,
        claimed: Array,
        tolerance: Tolerance,
        seed: int,
        max_evals: int,
        still: Mask | None = None,
    ) -> None:
        self.problem, self.function = problem, problem.function
        self.x = problem.x.ravel()
        self.claimed = claimed
        self.tolerance = tolerance
        self.limit = self.function.nfev + max_evals
        self.leaves = [(name, where) for name, where, _ in problem.point.layout.leaves()]
        self.widths = {name: _width(self.x[where]) for name, where in self.leaves}
        self.seeds = {name: seed * 0x100000000 + zlib.crc32(name.encode()) for name, _ in self.leaves}
        self.direction = np.empty(self.x.size)
        self.by_coordinate = False
        self.still = still
        self.whole: Slopes | None
        self.look = 0  # the number of the look that was enough on the line before
        self.norm = 0.0  # of the terms of the claimed slope along the whole direction
        self._turn()

    @np.errstate(all="ignore")
    def _turn(self, number: int = 0, without: list[slice] | None = None) -> None:
        """Choose another direction of random signs; sizes are in proportion to those of leaves, or of coordinates."""
        for name, where in self.leaves:
            seed = (self.seeds[name] + number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
            random_direction(self.direction[where], seed, 1.0 if self.by_coordinate else self.widths[name])
        if self.by_coordinate:
            self.direction *= np.where(self.x == 0, 1.0, np.abs(self.x))
        if self.still is not None:
            self.direction[self.still] = 0.0
        for where in without or ():
            self.direction[where] = 0.0
        self.whole = None
        self._shorter: Shorter | None = None

    def test(self, where: slice) -> Difference:
        """The difference of the claimed and the numeric slope along the coordinates of a slice."""
        claimed, norm = self._claimed_slope(where)
        if self.whole is None:
            self.norm = norm
            self.whole = along(self.problem, self.direction, norm, self.look)
            self.look = self.whole.look
            slope, bar, gap = (each.item() for each in (self.whole.value, self.whole.bar, self.whole.gap))
            bar -= gap
        else:
            slope, bar, gap = self.shorter.along(self._part(where))
        spread = self._spread(where, gap) if gap else 0.0
        return Difference(claimed - slope, bar, self._allowed(where, norm), spread)

    def _spread(self, where: slice, gap: float) -> float:
        """The distance of a right claim from the middle of the slopes at a kink; entries are anywhere between slopes.

        Since the signs of the direction are random, the distances of all entries that move add up as squares do.
        """
        return 4.0 * gap / math.sqrt(max(1, int(np.count_nonzero(self.direction[where]))))

    def _allowed(self, where: slice, norm: float) -> float:
        """The difference of slopes along a slice that the rounding of the claim and the user's tolerance allow."""
        tolerance = self.tolerance
        rounding = (4 * tolerance.rounding + 1e-15 * math.sqrt(where.stop - where.start)) * norm
        if not tolerance.given:
            return rounding
        # The signs of the direction are random, so that errors of all entries add up as their squares do.
        errors = tolerance.of(where).by_user(np.abs(self.claimed[where]))
        return rounding + 4 * _norm(errors * self.direction[where])

    @property
    def shorter(self) -> Shorter:
        """Gives the slope along parts of the direction."""
        if self._shorter is None:
            assert self.whole is not None
            # Arguments are rounded too.
            noise = max(self.whole.level.item(), FLOAT64 * self.norm)
            base = self.problem.values.item()
            self._shorter = Shorter(self.whole, noise, base, self._part(slice(0, self.x.size)))
        return self._shorter

    def _part(self, where: slice) -> Callable[[float], float]:
        """The function along the direction, of which only a slice moves."""
        return lambda t: self.function.on_line(self.x, self.direction, where.start, where.stop, t)

    @np.errstate(all="ignore")
    def _claimed_slope(self, where: slice) -> tuple[float, float]:
        """The claimed slope along the coordinates of a slice, and the norm of its terms."""
        total, squares = product_sums(self.claimed[where], self.direction[where])
        if 1e-280 < squares < 1e280:
            return total, math.sqrt(squares)
        return total, _norm(self.claimed[where] * self.direction[where])

    def run(self) -> Found:
        """Test all coordinates at once, or some of them separately where the others would hide their errors."""
        found = Found({})
        first = self._first(found)
        moves = np.ones(self.x.size, dtype=bool) if self.still is None else ~self.still
        groups = self._groups(first, moves, found)
        if not groups:
            self._searched(first, found)
        else:
            found.leaves.clear()
        for group, blind in groups:
            self.still = ~(moves & group)
            self._turn()
            self._searched(self._first(found), found, blind)
        return found

    def _groups(self, first: Difference, moves: Mask, found: Found) -> list[tuple[Mask, bool]]:
        """Coordinates that are tested separately, and whether a blind test of them makes the search blind."""
        zero = self.x == 0.0
        if self._kinks and zero[moves].any() and not zero[moves].all():
            # Kinks at x come with zeros: biases that are 0, rows of padding, the 1-norm of unused coordinates.
            found.kinked = int(np.count_nonzero(zero & moves))
            return [(~zero, True), (zero, False)]
        if first.allowed > _SEES * self.norm and len(self.leaves) > 1:
            # A tolerance for one leaf does not hold for the others.
            places = np.arange(self.x.size)
            leaves = [(where.start <= places) & (places < where.stop) for _, where in self.leaves]
            return [(leaf, True) for leaf in leaves if (leaf & moves).any()]
        return []

    @property
    def _kinks(self) -> bool:
        return self.whole is not None and self.whole.kink

    def _first(self, found: Found) -> Difference:
        """Test all coordinates that move, and note the smallest error of a single entry that would be seen."""
        everything = slice(0, self.x.size)
        difference = self.test(everything)
        if not self._sees(difference.bar) and not self.by_coordinate and not self._kinks:
            # Coordinates of one leaf differ much in size, so each moves in proportion to its own.
            self.by_coordinate = True
            self._turn()
            difference = self.test(everything)
        for name, where in self.leaves:
            moves = np.abs(self.direction[where])
            if self.still is not None or self.by_coordinate:
                moves = moves[moves > 0]
            if moves.size:
                smallest = float(moves.min()) if self.by_coordinate else 0.5 * self.widths[name]
                with np.errstate(all="ignore"):
                    resolution = float(np.float64(self._unseen(difference)) / smallest)
                found.leaves[name] = max(found.leaves.get(name, 0.0), resolution)
        return difference

    def _unseen(self, first: Difference) -> float:
        return 2 * first.bar + first.allowed + (0.0 if first.equal else 2 * first.spread)

    def _searched(self, first: Difference, found: Found, blind: bool = True) -> None:
        """Test halves of a suspicious set, and then all other coordinates, along another direction.

        blind: whether a blind test makes the search blind. At a kink of zeros it does not, since any value between the
        slopes is right there.
        """
        if first.agrees:
            found.blind |= blind and not self._sees(first.bar + (0.0 if first.equal else first.spread))
            if not first.equal:
                self._drill(first, found)
            return
        found.clear = False
        everything, difference = slice(0, self.x.size), first
        complete = False
        for turn in range(1, _TURNS + 1):
            complete = self._halve(difference, found.entries, found.whole)
            without = [slice(k, k + 1) for k in found.entries] + [leaf for _, leaf in found.whole]
            if not complete or self.function.nfev + 24 > self.limit:
                break
            # Errors that cancel along one direction do not cancel along another.
            self._turn(turn, without)
            if not self.direction.any():
                break
            difference = self.test(everything)
            complete = difference.agrees
            if complete:
                break
        found.entries.sort()
        found.complete &= complete

    def _drill(self, difference: Difference, found: Found) -> None:
        """At a kink, look for the entries that are not in the middle of the slopes, if all others are.

        Other claims between the slopes, such as a slope of 0 for relu at 0, are off from the middle everywhere.
        """
        where = slice(0, self.x.size)
        while where.stop - where.start > 1 and self.function.nfev + 4 <= self.limit:
            cut = self._cut(where)
            left = self.test(slice(where.start, cut))
            right = difference.without(left)
            if left.equal == right.equal:
                return
            where, difference = (slice(cut, where.stop), right) if left.equal else (slice(where.start, cut), left)
        found.clear = False
        found.entries.append(where.start)

    def _halve(self, difference: Difference, entries: list[int], whole: list[tuple[str, slice]]) -> bool:
        """Add single entries, and leaves that look wrong everywhere; return whether nothing is left to test."""
        pending = [(slice(0, self.x.size), difference)]
        blamed: dict[str, list[int]] = {}
        while pending and self.function.nfev + 4 <= self.limit:
            # Depth first, so that names come early, even where there are too many wrong entries to name all.
            where, difference = min(pending, key=lambda item: item[0].stop - item[0].start)
            pending.remove((where, difference))
            if where.stop - where.start == 1:
                entries.append(where.start)
                name, leaf = self._leaf_of(where.start)
                last = [*blamed.get(name, []), where.start][-_SAMPLE // 2 :]
                blamed[name] = last
                if len(last) == _SAMPLE // 2 and max(last) - min(last) < 4 * _SAMPLE < leaf.stop - leaf.start:
                    # Wrong entries are close together in a large leaf: say so, and do not name a million of them.
                    whole.append((name, leaf))
                    pending = [item for item in pending if not _inside(item[0], leaf)]
                continue
            cut = self._cut(where)
            left, right = slice(where.start, cut), slice(cut, where.stop)
            part = self.test(left)
            for half, its_own in ((left, part), (right, difference.without(part))):
                if not its_own.agrees:
                    pending.append((half, its_own))
        return not pending

    def proof(self) -> str:
        """The slopes along the whole direction, if a second step confirms that the gradient is wrong; else ""."""
        if self.whole is None:
            return ""
        everything = slice(0, self.x.size)
        claimed, _ = self._claimed_slope(everything)
        first, second = self.whole, self.shorter
        agree = abs(second.value - first.value.item()) <= first.bar.item() + second.bar
        allowed = self._allowed(everything, self.norm)
        if not (agree and abs(claimed - second.value) > 3 * second.bar + allowed and self._sees(second.bar)):
            return ""
        numeric = f"{first.value.item():.6g} ± {second.bar:.1e}"
        return f"along a random direction the claimed slope is {claimed:.6g}, the numeric one {numeric}"

    def _sees(self, bar: float) -> bool:
        """Whether an error of differences is small relative to the claimed slope, apart from chance cancellation."""
        if bar <= max(_SEES, self.tolerance.least) * self.norm:
            return True
        return math.isfinite(bar) and bar <= _OF_CURVATURE * self._change()

    def _change(self) -> float:
        """The change of the slope along the direction, since the claimed slope has no size at a minimum."""
        part = self._part(slice(0, self.x.size))
        return abs(part(_ASIDE) - 2 * self.problem.values.item() + part(-_ASIDE)) / _ASIDE**2

    def _leaf_of(self, index: int) -> tuple[str, slice]:
        return next((name, where) for name, where in self.leaves if where.start <= index < where.stop)

    def _cut(self, where: slice) -> int:
        """Where to cut a slice in two: at the end of a leaf nearest to the middle, else in the middle."""
        middle = (where.start + where.stop) // 2
        ends: list[int] = [leaf.stop for _, leaf in self.leaves if where.start < leaf.stop < where.stop]
        return min(ends, key=lambda end: abs(end - middle)) if ends else middle


def _norm(terms: Array) -> float:
    """The Euclidean norm, without overflow."""
    largest = float(np.abs(terms).max(initial=0.0))
    return largest * float(np.linalg.norm(terms / largest)) if largest else 0.0


def _width(values: Array) -> float:
    """A size that fits all coordinates of a leaf."""
    size = math.sqrt(float(np.dot(values, values)) / values.size) if values.size else 0.0
    return size if size > 0 and math.isfinite(size) else 1.0


def _inside(inner: slice, outer: slice) -> bool:
    return bool(outer.start <= inner.start and inner.stop <= outer.stop)
