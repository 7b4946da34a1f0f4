"""The search for wrong entries among very many: tests in random directions, then bisection along the tree."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.point import Array
from ..evaluate.border import product_sums, random_direction
from ..evaluate.problem import Problem
from ..stencils import FLOAT64
from .lines import Shorter, Slopes, along

_SAMPLE = 12
_TURNS = 3


@dataclass
class Found:
    """What a search found."""

    entries: list[int]  # indices that need a look of their own
    clear: bool  # the first test saw nothing
    complete: bool  # no suspicious set was left over
    leaves: dict[str, float]  # the smallest error of an entry that would have been seen, by leaf
    whole: list[tuple[str, slice]]  # leaves that look wrong all over
    blind: bool = False  # the error of the differences hides anything but gross errors


class Search:
    """Tests of a claimed gradient along directions that move all, or some, of the coordinates.

    Parameters
    ----------
    problem : Problem
        f at one point.
    claimed : ndarray
        The claimed gradient, flat.
    rounding : float
        Relative rounding of the claimed entries.
    seed : int
        Directions follow from it and the names of the leaves, so that a new leaf does not change the others.
    max_evals : int
        Evaluations that may be spent.
    """

    def __init__(self, problem: Problem, claimed: Array, rounding: float, seed: int, max_evals: int) -> None:
        self.problem, self.function = problem, problem.function
        self.x = problem.x.ravel()
        self.claimed = claimed
        self.rounding = rounding
        self.limit = self.function.nfev + max_evals
        self.leaves = [(name, where) for name, where, _ in problem.point.layout.leaves()]
        self.widths = {name: _width(self.x[where]) for name, where in self.leaves}
        self.seeds = {name: seed * 0x100000000 + zlib.crc32(name.encode()) for name, _ in self.leaves}
        self.direction = np.empty(self.x.size)
        self.by_coordinate = False
        self.whole: Slopes | None
        self.norm = 0.0  # of the terms of the claimed slope along the whole direction
        self._turn()

    @np.errstate(all="ignore")
    def _turn(self, number: int = 0, without: list[slice] | None = None) -> None:
        """Another direction of random signs; its sizes are those of the leaves, or of the coordinates."""
        for name, where in self.leaves:
            seed = (self.seeds[name] + number * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
            random_direction(self.direction[where], seed, 1.0 if self.by_coordinate else self.widths[name])
        if self.by_coordinate:
            self.direction *= np.where(self.x == 0, 1.0, np.abs(self.x))
        for where in without or ():
            self.direction[where] = 0.0
        self.whole = None
        self._shorter: Shorter | None = None

    def test(self, where: slice) -> tuple[float, float]:
        """How much the claimed and the numeric slope differ along the coordinates of a slice, and the bar of that."""
        claimed, norm = self._claimed_slope(where)
        if self.whole is None:
            self.norm = norm
            self.whole = along(self.problem, self.direction)
            slope, bar = self.whole.value.item(), self.whole.bar.item()
        else:
            slope, bar = self.shorter.along(self._part(where))
        rounding = (4 * self.rounding + 1e-15 * math.sqrt(where.stop - where.start)) * norm
        return claimed - slope, bar + rounding

    @property
    def shorter(self) -> Shorter:
        """What tells the slope along parts of the direction."""
        if self._shorter is None:
            assert self.whole is not None
            # Arguments are rounded too.
            noise = max(self.whole.level.item(), FLOAT64 * self.norm)
            self._shorter = Shorter(self.whole, noise, self._part(slice(0, self.x.size)))
        return self._shorter

    def _part(self, where: slice) -> Callable[[float], float]:
        """F along the direction, of which only a slice moves."""
        return lambda t: self.function.on_line(self.x, self.direction, where.start, where.stop, t)

    @np.errstate(all="ignore")
    def _claimed_slope(self, where: slice) -> tuple[float, float]:
        """The claimed slope along the coordinates of a slice, and the norm of its terms."""
        total, squares = product_sums(self.claimed[where], self.direction[where])
        if 1e-280 < squares < 1e280:
            return total, math.sqrt(squares)
        return total, _norm(self.claimed[where] * self.direction[where])

    def run(self) -> Found:
        """Test all, then halves of what is suspicious; then all but that, in another direction."""
        everything = slice(0, self.x.size)
        off, bar = self.test(everything)
        smallest = {name: 0.5 * width for name, width in self.widths.items()}
        if not self._sees(bar):
            # Coordinates of very different sizes in one leaf: each moves by its own.
            self.by_coordinate = True
            self._turn()
            smallest = {name: float(np.abs(self.direction[where]).min()) for name, where in self.leaves}
            off, bar = self.test(everything)
        leaves = {name: bar / size for name, size in smallest.items()}
        if abs(off) <= bar:
            return Found([], True, True, leaves, [], not self._sees(bar))
        entries: list[int] = []
        whole: list[tuple[str, slice]] = []
        complete = False
        for turn in range(1, _TURNS + 1):
            complete = self._halve(off, bar, entries, whole)
            without = [slice(k, k + 1) for k in entries] + [leaf for _, leaf in whole]
            if not complete or self.function.nfev + 24 > self.limit:
                break
            # Errors that cancelled each other along one direction will not along another.
            self._turn(turn, without)
            if not self.direction.any():
                break
            off, bar = self.test(everything)
            complete = abs(off) <= bar
            if complete:
                break
        return Found(sorted(entries), False, complete, leaves, whole)

    def _halve(self, off: float, bar: float, entries: list[int], whole: list[tuple[str, slice]]) -> bool:
        """Adds single entries, and leaves that look wrong all over; returns whether nothing is left to test."""
        pending = [(slice(0, self.x.size), off, bar)]
        blamed: dict[str, list[int]] = {}
        while pending and self.function.nfev + 4 <= self.limit:
            # Depth first: a name early, also where there are too many to name them all.
            where, off, bar = min(pending, key=lambda item: item[0].stop - item[0].start)
            pending.remove((where, off, bar))
            if where.stop - where.start == 1:
                entries.append(where.start)
                name, leaf = self._leaf_of(where.start)
                last = [*blamed.get(name, []), where.start][-_SAMPLE // 2 :]
                blamed[name] = last
                if len(last) == _SAMPLE // 2 and max(last) - min(last) < 4 * _SAMPLE < leaf.stop - leaf.start:
                    # Close together in a large leaf: rather say so than name a million entries one by one.
                    whole.append((name, leaf))
                    pending = [item for item in pending if not _inside(item[0], leaf)]
                continue
            cut = self._cut(where)
            left, right = slice(where.start, cut), slice(cut, where.stop)
            left_off, left_bar = self.test(left)
            right_off, right_bar = off - left_off, bar + left_bar
            for half, half_off, half_bar in ((left, left_off, left_bar), (right, right_off, right_bar)):
                if not abs(half_off) <= half_bar:
                    pending.append((half, half_off, half_bar))
        return not pending

    def proof(self) -> str:
        """What the whole direction says, if a second step confirms that the gradient is wrong; else ""."""
        assert self.whole is not None
        claimed, _ = self._claimed_slope(slice(0, self.x.size))
        first, second = self.whole, self.shorter
        agree = abs(second.value - first.value.item()) <= first.bar.item() + second.bar
        bar = second.bar + 4 * self.rounding * self.norm
        if not (agree and abs(claimed - second.value) > 3 * bar and self._sees(bar)):
            return ""
        numeric = f"{first.value.item():.6g} ± {bar:.1e}"
        return f"along a random direction the claimed slope is {claimed:.6g}, the numeric one {numeric}"

    def _sees(self, bar: float) -> bool:
        """Whether an error of the differences is small beside the claimed slope, without its chance cancellations."""
        return bar <= 1e-3 * self.norm

    def _leaf_of(self, index: int) -> tuple[str, slice]:
        return next((name, where) for name, where in self.leaves if where.start <= index < where.stop)

    def _cut(self, where: slice) -> int:
        """Where to cut a slice in two: at the leaf's end nearest to the middle, else in the middle."""
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
