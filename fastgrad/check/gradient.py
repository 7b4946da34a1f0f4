"""One check of a gradient at one point: every entry by itself, or all at once by the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.border import is_plain
from ..evaluate.problem import Problem
from ..evaluate.results import fits_float32
from ..methods.adaptive import KINK, NOISY, SIZE_OF_STEP, Adaptive, flag_names
from ..records.check import GradientCheck, Mismatch
from ..stencils import FLOAT32, FLOAT64, stencil
from .claims import claimed_gradient
from .explain import explain
from .search import Found, Search

_MOST_ENTRIES = 300
_SEARCH_EVALUATIONS = 600
# Where a second look begins, of the first one's step: not in step with it. How far it may go.
_SHORTER, _MUCH_SHORTER, _REACH = 0.6, 0.3, 5.0
_DOUBTFUL = 10.0  # bars: a single entry of a search that is off by less gets a second look


class GradientAtPoint:
    """One check at one point: what was claimed, the function, and what both are like."""

    def __init__(self, problem: Problem, grad: Any, args: tuple[Any, ...], rtol: float, method: Adaptive) -> None:
        point = problem.point
        self.problem = problem
        self.point = point
        self.x = problem.x.ravel()
        self.rtol = rtol
        self.method = method
        self.function = problem.function
        self.base = problem.values.item()
        self.claimed, self.notes = claimed_gradient(grad, problem, args)
        shape = getattr(self.function, "shape", None)
        if shape:
            self.notes.append(f"f returns shape {shape}, not a number: a sum or an index missing?")
        self.function.tolerate(True)
        # A float32 gradient carries its own rounding.
        with np.errstate(all="ignore"):
            narrow = fits_float32(self.claimed) and bool(np.any(self.claimed % 1 != 0))
        self.rounding = FLOAT32 if narrow else FLOAT64

    def check(self, exhaustive: bool | None, max_evals: int | None, seed: int) -> GradientCheck:
        if exhaustive is None:
            exhaustive = self.point.n <= _MOST_ENTRIES or self.method.bounds is not None
        if not exhaustive and is_plain(self.claimed):
            return self._searched(_SEARCH_EVALUATIONS if max_evals is None else max_evals, seed)
        return self._all()

    def _all(self) -> GradientCheck:
        """Every entry by itself."""
        found, bits, levels = self.method.components(self.problem)
        if (bits & NOISY).any():
            self._note_noise(float(levels[0]), not self.function.sees_double)
        numeric, bar, step, left, right = found
        claimed = self.claimed
        with np.errstate(all="ignore"):
            difference = np.abs(claimed - numeric)
            kink = (bits & KINK) > 0
            slack = 1e-6 * (np.abs(left) + np.abs(right))
            between = kink & (np.minimum(left, right) - slack <= claimed) & (claimed <= np.maximum(left, right) + slack)
            bar = np.where(kink, 1e-6 * (np.abs(numeric) + bar), bar)
            size = np.maximum(np.abs(claimed), np.where(np.isfinite(numeric), np.abs(numeric), 0.0))
            broken = ~np.isfinite(claimed)
            accepted = self.rtol * size + 2 * self.rounding * np.abs(claimed)
            suspect = ~(difference <= 1.5 * bar + accepted) & ~between & ~broken
        wrong = broken | (suspect & kink)
        doubtful = np.flatnonzero(suspect & ~kink & np.isfinite(numeric))
        if doubtful.size:
            first = numeric[doubtful], bar[doubtful], step[doubtful], bits[doubtful] & NOISY != 0, float(levels[0])
            wrong[doubtful], suspect[doubtful] = self._again(doubtful, *first, accepted[doubtful])
        largest = np.abs(numeric[np.isfinite(numeric)]).max(initial=0.0)
        with np.errstate(all="ignore"):
            dull = ~(bar <= np.maximum(1e-2 * size, 1e-6 * largest)) & ~(difference == 0) & ~between
        vague = ~wrong & (suspect | dull)
        names = list(map(flag_names, bits.tolist()))
        flags = np.where(broken, "nonfinite", np.where(wrong, "wrong", np.where(vague, "undecided", names)))
        # A stale point is looked for elsewhere, where f need not be defined.
        elsewhere = self._elsewhere if self.method.bounds is None else None
        pattern = (
            explain(claimed, numeric, bar, wrong & ~broken, self.x, self._leaves(), self.point.name, elsewhere)
            if wrong.any()
            else ""
        )
        resolution = float(np.max(np.where(np.isfinite(bar), bar, 0.0), initial=0.0))
        return self._report(np.arange(self.point.n), numeric, bar, flags, wrong, vague, pattern, resolution, None)

    @np.errstate(all="ignore")
    def _again(
        self,
        components: NDArray[np.intp],
        numeric: Array,
        bar: Array,
        step: Array,
        noisy: NDArray[np.bool_],
        level: float,
        accepted: Array,
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of the entries that differ from their derivatives are wrong, and which suspicious, at a second look."""
        claimed = self.claimed[components]
        difference = np.abs(claimed - numeric)
        enough = 0.1 * float(np.min(difference / np.maximum(np.abs(claimed), np.abs(numeric))))
        second, own = self._second(components, step, noisy, level, enough)
        # Bars that are a little too short clear nobody: beside the difference in question, both may agree.
        apart = np.abs(second - numeric)
        agree = (apart <= own + bar) | (apart <= 0.1 * difference)
        excluded = np.abs(claimed - second) > 1.5 * np.maximum(own, bar) + accepted
        # Error bars hold for 99 of 100 entries: what the second look allows was the hundredth. One that is much less
        # certain than the first says nothing.
        return agree & excluded, excluded | ~(own <= 3.0 * bar + accepted)

    def _single(
        self, components: NDArray[np.intp], accepted: Array, level: float | None
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Derivatives of a few of very many entries by the adaptive method, their error bars, and which are wrong."""
        if not components.size:
            return np.empty(0), np.empty(0), np.zeros(0, dtype=bool)
        units = _powers_of_two(self._sizes(components))
        # The whole direction tells the noise better than a few coordinates.
        method = Adaptive(noise=level)
        found, bits, levels = method.by_some(self.problem, components, units, np.full(units.size, np.inf))
        numeric, bar, step = found[0], np.where((bits & KINK) > 0, np.inf, found[1]), found[2]
        with np.errstate(all="ignore"):
            difference = np.abs(self.claimed[components] - numeric)
            wrong = difference > 1.5 * bar + accepted
            # The slopes of all the sets that they are in differed, too; but by little more than the bars?
            close = np.flatnonzero(wrong & (difference <= _DOUBTFUL * bar + accepted))
        if close.size:
            first = numeric[close], bar[close], step[close], bits[close] & NOISY != 0, float(levels[0])
            wrong[close], _ = self._again(components[close], *first, accepted[close])
        return numeric, bar, wrong

    def _second(
        self, components: NDArray[np.intp], step: Array, noisy: NDArray[np.bool_], level: float, enough: float
    ) -> tuple[Array, Array]:
        """Derivatives of single entries from other values than the first, and their error bars."""
        # Noise allows long steps, which may pass over periods of f: there, much shorter ones must agree.
        size = np.where(step > 0, SIZE_OF_STEP * step, self._sizes(components))  # a constant has no step
        units = 0.625 * _powers_of_two(np.where(noisy, _MUCH_SHORTER, _SHORTER) / 0.625 * size)
        reach = np.where(noisy, _REACH / SIZE_OF_STEP * units, np.inf)
        method = Adaptive(None, self.method.bounds, level if noisy.any() else None, enough)
        found, bits, _ = method.by_some(self.problem, components, units, reach)
        return found[0], np.where((bits & KINK) > 0, np.inf, found[1])

    def _sizes(self, components: NDArray[np.intp]) -> Array:
        x = np.abs(self.x[components])
        return np.where(x == 0, 1.0, x)

    def _elsewhere(self, x: Array, components: NDArray[np.intp]) -> Array:
        """Differences of order 4 at another point."""
        h = 1e-3 * np.where(x == 0, 1.0, np.abs(x))[components]
        return self.function.differences(x, stencil("central", 4).scheme, components, h)[:, 0]

    def _note_noise(self, level: float, narrow: bool) -> None:
        again = float(self.function.at_points(self.x.reshape(1, -1))[0, 0])
        if again != self.base:
            self.notes.append(f"f is not deterministic: f(x) gave {self.base:.10g}, then {again:.10g}")
        what = "it computes in float32" if narrow else "a solver's tolerance, random numbers?"
        self.notes.append(f"f is noisy, about {level:.1e}: {what}")

    def _leaves(self) -> list[tuple[str, slice, tuple[int, ...]]]:
        return self.point.layout.leaves()

    def _searched(self, max_evals: int, seed: int) -> GradientCheck:
        """All entries at once, then those that the search points at."""
        search = Search(self.problem, self.claimed, self.rounding + self.rtol, seed, max_evals)
        found = search.run()
        level = None
        if search.whole is not None and search.whole.noisy:
            level = search.whole.level.item()
            self._note_noise(level, not self.function.sees_double)
        entries = list(found.entries)
        rng = np.random.default_rng(seed)
        for _, leaf in found.whole:
            entries.extend(rng.integers(leaf.start, leaf.stop, 12).tolist())
        components = np.unique(np.array(entries, dtype=np.intp))
        accepted = (self.rtol + 2 * self.rounding) * np.abs(self.claimed[components])
        numeric, bar, wrong = self._single(components, accepted, level)
        elsewhere = self._elsewhere if found.whole else None
        pattern = self._pattern(components, numeric, bar, wrong, elsewhere)
        for name, leaf in found.whole:
            inside = (components >= leaf.start) & (components < leaf.stop)
            pattern += (
                f"{'; ' if pattern else ''}{name} is wrong in {int(wrong[inside].sum())} of the {int(inside.sum())} "
                f"entries that were looked at, of {leaf.stop - leaf.start}"
            )
        flags = np.where(wrong, "wrong", "").astype(object)
        resolution = max(found.leaves.values())
        check = self._report(
            components,
            numeric,
            bar,
            flags,
            wrong,
            np.zeros(components.size, bool),
            pattern,
            resolution,
            seed,
            complete=found.complete and not found.whole,
        )
        check.leaves.update(found.leaves)
        if not found.complete:
            check.notes.append("the search ended before all suspicious sets were resolved; max_evals= allows more")
        decided = (found.clear and not found.blind) or wrong.any()
        return check if decided else self._undecided(check, found, search)

    def _undecided(self, check: GradientCheck, found: Found, search: Search) -> GradientCheck:
        """What a search that proved no single entry wrong still knows."""
        proof = "" if found.clear or found.complete else search.proof()
        if proof:
            verdict = "wrong"
            explanation = (
                f"some of {self.point.n} entries are wrong: {proof}; no single one was proved within max_evals"
            )
        else:
            verdict = "undecided"
            explanation = (
                f"differences along a random direction are too inaccurate (± {check.resolution:.1e} of an entry)"
                if found.clear
                else "the whole gradient disagrees in a random direction, but no single entry could be proved wrong"
            )
            check.notes.append("a kink or noise? exhaustive=True would decide")
        return replace(check, verdict=verdict, explanation=explanation, nfev=self.function.nfev)

    def _pattern(
        self,
        components: NDArray[np.intp],
        numeric: Array,
        bar: Array,
        wrong: NDArray[np.bool_],
        elsewhere: Callable[[Array, NDArray[np.intp]], Array] | None,
    ) -> str:
        if not wrong.any():
            return ""
        known, bars = np.full(self.point.n, np.nan), np.zeros(self.point.n)
        known[components], bars[components] = numeric, bar
        mask = np.zeros(self.point.n, dtype=bool)
        mask[components] = wrong
        return explain(self.claimed, known, bars, mask, self.x, self._leaves(), self.point.name, elsewhere)

    def _report(
        self,
        components: NDArray[np.intp],
        numeric: Array,
        bar: Array,
        flags: NDArray[Any],
        wrong: NDArray[np.bool_],
        vague: NDArray[np.bool_],
        pattern: str,
        resolution: float,
        seed: int | None,
        complete: bool = True,
    ) -> GradientCheck:
        point, claimed = self.point, self.claimed[components]
        with np.errstate(all="ignore"):
            severity = np.nan_to_num(np.abs(claimed - numeric) / (bar + 1e-300), nan=np.inf, posinf=1e300)
        order = np.lexsort((-severity, ~vague, ~wrong))
        rows = [
            Mismatch(
                point.name(int(components[k])), int(components[k]), float(claimed[k]), float(numeric[k]), float(bar[k]),
                str(flags[k]),
            )
            for k in order[: max(_MOST_ENTRIES, int(wrong.sum()))]
        ]  # fmt: skip
        if wrong.any():
            verdict, count = "wrong", int(wrong.sum())
            are = ("entry" if point.n == 1 else "entries") + (" is" if count == 1 else " are")
            explanation = f"{'' if complete else 'at least '}{count} of {point.n} {are} wrong"
            explanation += f": {pattern}" if pattern else f", the worst {rows[0].path}"
        elif vague.any():
            verdict, worst = "undecided", rows[0]
            explanation = (
                f"differences cannot tell for {int(vague.sum())} of {point.n} entries, the first {worst.path} "
                f"(± {worst.error:.1e}): noise, a kink or an edge nearby; "
                "a point away from it, or a less noisy f, would decide"
            )
        else:
            verdict = "right"
            explanation = (
                "every entry agrees within its error bar"
                if seed is None
                else (f"all {point.n} entries together agree along a random direction")
            )
        notes = list(self.notes)
        if getattr(self.function, "overwrites", False):
            notes.append("f overwrites its argument")
        if self.function.float32 and not any("float32" in note for note in notes):
            notes.append("f computes in float32")
        found = [row for row in rows if row.flag in ("wrong", "nonfinite")]
        return GradientCheck(verdict, found, explanation, point.n, self.function.nfev, resolution, seed, rows, notes)


def _powers_of_two(sizes: Array) -> Array:
    """Those next to sizes: steps of such units are exact."""
    return np.asarray(np.ldexp(1.0, np.clip(np.rint(np.log2(sizes)), -1000, 1000).astype(int)))
