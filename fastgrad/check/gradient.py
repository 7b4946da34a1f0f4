"""One check of a gradient at one point: of each entry, or of all at once by the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.layout import Layout
from ..core.point import Array
from ..evaluate.border import is_plain
from ..evaluate.problem import Problem
from ..methods.adaptive import NOISY, Adaptive
from ..records.check import GradientCheck
from ..stencils import stencil
from .claims import claimed_at, claimed_gradient
from .compared import Compared
from .entries import Entries
from .explain import explain
from .report import MOST_ROWS, Subject, of_entries
from .search import Found, Search
from .tolerance import Accepted, Tolerance

Indices = NDArray[np.intp]

_SEARCH_EVALUATIONS = 600
_SAMPLE = 12  # entries that are compared in a leaf that looks wrong everywhere


class GradientAtPoint:
    """One check at one point.

    Parameters
    ----------
    problem : Problem
        f at the point.
    grad : callable, array_like or pytree
        The gradient as a function, or its value at the point.
    args : tuple
        Further arguments of grad.
    accepted : Accepted
        The differences that the user accepts.
    method : Adaptive
        The method of the differences.
    which : ndarray, optional
        The coordinates that are compared; all by default.
    """

    def __init__(
        self,
        problem: Problem,
        grad: Any,
        args: tuple[Any, ...],
        accepted: Accepted,
        method: Adaptive,
        which: Indices | None = None,
    ) -> None:
        point = problem.point
        self.problem, self.point, self.function, self.method = problem, point, problem.function, method
        self.x = problem.x.ravel()
        self.base = problem.values.item()
        self.which = which
        absent = () if which is None else _untouched(which, point.layout)
        self.claimed, self.notes = claimed_gradient(grad, problem, args, absent)
        shape = getattr(self.function, "shape", None)
        if shape:
            self.notes.append(f"f returns shape {shape}, not a number: is a sum or an index missing?")
        self.function.tolerate(True)
        self.tolerance = Tolerance(accepted, self.claimed, self.function.float32)

        self.again = claimed_at(grad, problem, args, absent)

    @property
    def subject(self) -> Subject:
        """The subject of the record."""
        total = self.point.n if self.which is None else self.which.size
        return Subject("gradient", self.point.name, self.point.n, total, self.function, self.notes)

    def check(self, exhaustive: bool | None, max_evals: int | None, seed: int) -> GradientCheck:
        """The record of a comparison of every entry, or of a search."""
        if exhaustive is None:
            exhaustive = self.subject.total <= MOST_ROWS or self.method.bounds is not None
        if not exhaustive and is_plain(self.claimed):
            return self._searched(_SEARCH_EVALUATIONS if max_evals is None else max_evals, seed)
        return self._all()

    def _all(self) -> GradientCheck:
        """Compare every entry."""
        claimed, tolerance = self.claimed.reshape(1, -1), self.tolerance
        if self.which is not None:
            claimed, tolerance = claimed[:, self.which], tolerance.of(self.which)
        compared = Entries(self.problem, self.method, claimed, tolerance, self.again, self.which).compare()
        if (compared.flags & NOISY).any():
            self._note_noise(float(compared.level[0]))
        # The search for a stale point leaves x, and f may be undefined beyond bounds.
        elsewhere = self._elsewhere if self.method.bounds is None else None
        return of_entries(self.subject, compared, self._pattern(compared, elsewhere))

    def _elsewhere(self, x: Array, components: Indices) -> Array:
        """Differences of order 4 at another point."""
        h = 1e-3 * np.where(x == 0, 1.0, np.abs(x))[components]
        return self.function.differences(x, stencil("central", 4).scheme, components, h)[:, 0]

    def _note_noise(self, level: float) -> None:
        again = float(self.function.at_points(self.x.reshape(1, -1))[0, 0])
        if again != self.base:
            self.notes.append(f"f is not deterministic: f(x) gave {self.base:.10g}, then {again:.10g}")
        narrow = self.function.float32 or not self.function.sees_double
        what = "it computes in float32" if narrow else "a solver's tolerance, random numbers?"
        self.notes.append(f"f is noisy, about {level:.1e}: {what}")

    def _searched(self, max_evals: int, seed: int) -> GradientCheck:
        """Search all entries at once, then compare those that the search found."""
        still = None if self.which is None else ~np.isin(np.arange(self.point.n), self.which)
        search = Search(self.problem, self.claimed, self.tolerance, seed, max_evals, still)
        found = search.run()
        level = None
        if search.whole is not None and search.whole.noisy:
            level = search.whole.level
            self._note_noise(level.item())
        entries = list(found.entries)
        rng = np.random.default_rng(seed)
        for _, leaf in found.whole:
            entries.extend(rng.integers(leaf.start, leaf.stop, _SAMPLE).tolist())
        compared = self._single(np.unique(np.array(entries, dtype=np.intp)), level)
        pattern = self._pattern(compared, self._elsewhere if found.whole else None)
        for name, leaf in found.whole:
            inside = (compared.coordinates >= leaf.start) & (compared.coordinates < leaf.stop)
            pattern += (
                f"{'; ' if pattern else ''}{name} is wrong in {int(compared.wrong[0, inside].sum())} of the "
                f"{int(inside.sum())} entries that were compared, of {leaf.stop - leaf.start}"
            )
        if found.kinked:
            self.notes.append(
                f"f has a kink along coordinates that are 0 ({found.kinked} of them), where every value between its "
                "slopes is right"
            )
        resolution = max(found.leaves.values())
        complete = found.complete and not found.whole
        check = of_entries(self.subject, compared, pattern, seed, resolution, complete)
        check.leaves.update(found.leaves)
        if not found.complete:
            check.notes.append("the search ended before all suspicious sets were resolved; max_evals= allows more")
        # Entries that were suspicious in a search, as at kinks, may be right when compared.
        cleared = found.complete and not (found.whole or compared.undecided.any())
        decided = ((found.clear or cleared) and not found.blind) or compared.wrong.any()
        return check if decided else self._undecided(check, found, search)

    def _single(self, coordinates: Indices, level: Array | None) -> Compared:
        """Compare some entries; the whole direction shows the noise level better than they do."""
        claimed, tolerance = self.claimed[None, coordinates], self.tolerance.of(coordinates)
        entries = Entries(self.problem, self.method, claimed, tolerance, self.again, coordinates, level)
        return entries.compare(suspected=True)

    def _undecided(self, check: GradientCheck, found: Found, search: Search) -> GradientCheck:
        """The record of a search that proved no single entry wrong."""
        proof = "" if found.clear or found.complete else search.proof()
        if proof:
            verdict = "wrong"
            explanation = (
                f"some of {self.point.n} entries are wrong: {proof}; no single wrong entry was proved within max_evals"
            )
        else:
            verdict = "undecided"
            explanation = (
                f"differences along a random direction are too inaccurate (± {check.resolution:.1e} of an entry)"
                if found.clear
                else "the whole gradient disagrees in a random direction, but no single entry could be proved wrong"
            )
            check.notes.append(_remedy(search))
        return replace(check, verdict=verdict, explanation=explanation, nfev=self.function.nfev)

    def _pattern(self, compared: Compared, elsewhere: Callable[[Array, Indices], Array] | None) -> str:
        """The explanation of the wrong entries."""
        wrong = compared.wrong & np.isfinite(compared.claimed)
        if not compared.wrong.any():
            return ""
        known, bars = np.full(self.point.n, np.nan), np.zeros(self.point.n)
        known[compared.coordinates], bars[compared.coordinates] = compared.numeric[0], compared.bar[0]
        mask = np.zeros(self.point.n, dtype=bool)
        mask[compared.coordinates] = wrong[0]
        leaves = self.point.layout.leaves()
        return explain(self.claimed, known, bars, mask, self.x, leaves, self.point.name, elsewhere)


def _untouched(which: Indices, layout: Layout) -> set[str]:
    """Leaves of which no coordinate is compared."""
    counted = np.zeros(layout.n, dtype=bool)
    counted[which] = True
    return {leaf for leaf, where, _ in layout.leaves() if not counted[where].any()}


def _remedy(search: Search) -> str:
    """What would decide an undecided search."""
    if search.whole is not None and search.whole.noisy:
        return "f is noisy: a less noisy f, or atol= and rtol= that accept this error, would decide"
    if search.whole is not None and search.whole.kink:
        return "f has a kink at x: a check at another point, as with near=1, would decide"
    return "exhaustive=True would decide" if search.x.size <= _SEARCH_EVALUATIONS * 100 else "max_evals= allows more"
