"""One check of a Jacobian, or of products with it, at one point: of each entry, or along random directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.matrix_layout import HessianLayout, JacobianLayout
from ..core.point import Array, Point, as_point
from ..evaluate.functions import as_function
from ..evaluate.indirect import LineFunction
from ..evaluate.problem import Problem
from ..methods.adaptive import NOISY, Adaptive
from ..records.check import GradientCheck
from ..stencils import FLOAT64
from .compared import Compared
from .entries import Entries
from .explain import explain
from .gradient import GradientAtPoint
from .lines import along
from .looks import MARGIN
from .matrix_claims import Claimed, Product
from .report import MOST_ROWS, Subject, of_entries
from .tolerance import Accepted, Tolerance

Indices = NDArray[np.intp]

MOST_ENTRIES = 200_000
"""With more entries, these are compared one by one only on request."""

_LINE_EVALUATIONS = 600


class JacobianAtPoint:
    """One check at one point."""

    def __init__(
        self,
        problem: Problem,
        claimed: Claimed,
        accepted: Accepted,
        method: Adaptive,
        seed: int,
        what: str = "Jacobian",
    ) -> None:
        self.problem, self.point, self.function = problem, problem.point, problem.function
        self.claim, self.method, self.seed, self.what = claimed, method, seed, what
        self.x = x = problem.x.ravel()
        self.base = base = problem.values[0]
        self.function.tolerate(True)
        self.accepted = accepted
        self.notes: list[str] = []
        rng = np.random.default_rng(seed)
        with np.errstate(all="ignore"):
            sizes = np.where(x == 0, 1.0, np.abs(x))
            self.direction = rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.5, x.size) * sizes
        # Signs and sizes are random, so that rows do not cancel.
        self.mixture = rng.choice([-1.0, 1.0], base.size) * rng.uniform(0.5, 1.5, base.size)

    def check(self, exhaustive: bool | None, max_evals: int | None) -> GradientCheck:
        """The record of a comparison of every entry, or of products with random directions."""
        m, n = self.base.size, self.x.size
        if exhaustive is None:
            few = n <= MOST_ROWS and m * n <= MOST_ENTRIES and (self.claim.rows is None or m <= MOST_ROWS)
            exhaustive = few or self.method.bounds is not None
        if exhaustive:
            return self._all()
        limit = self.function.nfev + (_LINE_EVALUATIONS if max_evals is None else max_evals)
        return self._by_columns(self.claim.product, limit) if self.claim.product else self._by_rows(max_evals)

    @property
    def subject(self) -> Subject:
        """The subject of the record."""
        layout = self.point.layout
        named = HessianLayout(layout) if self.what == "Hessian" else JacobianLayout(self.base.size, layout)
        total = self.base.size * self.x.size
        return Subject(self.what, named.name, self.x.size, total, self.function, self.notes)

    def _compared(self, claimed: Array, columns: Indices | None = None, suspected: bool = False) -> Compared:
        """Compare the entries of all columns, or of some, one by one."""
        tolerance = Tolerance(self.accepted, claimed, self.function.float32)
        if columns is not None:
            tolerance = tolerance.of(columns)
        entries = Entries(self.problem, self.method, claimed, tolerance, self.claim.at, columns)
        return entries.compare(suspected)

    def _all(self) -> GradientCheck:
        """Compare every entry."""
        compared = self._compared(self.claim.matrix())
        noisy = np.flatnonzero((compared.flags & NOISY != 0).any(axis=1))
        if noisy.size:
            level = compared.level[noisy].max()
            self.notes.append(f"f is noisy, up to about {level:.1e} ({noisy.size} of {self.base.size} outputs)")
        return of_entries(self.subject, compared, self._pattern(compared))

    def _pattern(self, compared: Compared) -> str:
        wrong = compared.wrong & np.isfinite(compared.claimed)
        if not wrong.any():
            return ""
        if self.claim.sparse and not compared.claimed[wrong].any():
            return f"{self._named(wrong, compared)}; the claimed entries are all zero: missing from the pattern?"
        if compared.coordinates.size < self.x.size:
            return self._named(wrong, compared)
        leaves = [(self.subject.name(0)[:1], slice(0, wrong.size), wrong.shape)]
        found = explain(
            compared.claimed.ravel(), compared.numeric.ravel(), compared.bar.ravel(), wrong.ravel(),
            np.tile(self.x, len(wrong)), leaves, self.subject.name,
        )  # fmt: skip
        return found or self._named(wrong, compared)

    def _named(self, wrong: NDArray[np.bool_], compared: Compared) -> str:
        """The worst wrong entries, by name."""
        with np.errstate(all="ignore"):
            severity = np.where(wrong, np.abs(compared.claimed - compared.numeric) / (compared.bar + 1e-300), -1.0)
        order = np.argsort(-severity, axis=None, kind="stable")[: min(5, int(wrong.sum()))]
        indices = [(k // wrong.shape[1]) * self.x.size + compared.coordinates[k % wrong.shape[1]] for k in order]
        rows = int(wrong.any(axis=1).sum())
        named = ", ".join(self.subject.name(int(k)) for k in indices) + (" ..." if wrong.sum() > 5 else "")
        return f"in {rows} of {self.base.size} rows: {named}"

    # --- Along lines -----------------------------------------------------------------------------------------------

    def _by_columns(self, product: Product, limit: int) -> GradientCheck:
        """Test all rows with one direction, and find the columns of wrong rows by halving it."""
        compared = self._whole(product)
        bad = compared.wrong[:, 0]
        resolution = compared.resolution / float(np.abs(self.direction).min())
        if not bad.any():
            return self._of_rows(compared, resolution)
        size = np.maximum(np.abs(compared.claimed), np.abs(compared.numeric))[:, 0]
        off = (compared.claimed - compared.numeric)[:, 0]
        columns, complete = self._columns(product, off, size, bad, limit)
        claimed = np.stack([product(self._unit(j)) for j in columns], axis=1) if columns else None
        found = None if claimed is None else self._compared(claimed, np.array(columns, dtype=np.intp), True)
        if found is None or not found.wrong.any():
            return self._unproved(f"{int(bad.sum())} of {self.base.size} rows disagree", resolution)
        return of_entries(self.subject, found, self._pattern(found), self.seed, resolution, complete)

    def _unit(self, j: int) -> Array:
        unit = np.zeros_like(self.x)
        unit[j] = 1.0
        return unit

    def _whole(self, product: Product) -> Compared:
        """The product with the whole direction, compared with the derivative along it, row by row."""
        line = LineFunction(self.function, self.x, self.direction, Point(np.ones(1)))
        problem = Problem(line, Point(np.ones(1)), values=self.problem.values)
        claimed = product(self.direction).reshape(-1, 1)
        allowed = self._allowed(self.direction, np.abs(claimed[:, 0]))
        return Entries(problem, Adaptive(), claimed, Tolerance(Accepted(allowed[:, None]), claimed)).compare()

    def _allowed(self, direction: Array, size: Array) -> Array:
        """The accepted difference of products with a direction: what the user accepts in entries, and rounding."""
        moves = np.abs(direction)
        with np.errstate(all="ignore"):
            if self.claim.sizes is not None:
                size = self.claim.sizes(moves)
            accepted = np.sum(self.accepted.atol * moves) + np.max(self.accepted.rtol) * size
            return np.asarray(accepted + 4 * FLOAT64 * np.sqrt(moves.size) * size)

    def _of_rows(self, compared: Compared, resolution: float) -> GradientCheck:
        total, blind = self.subject.total, int(compared.undecided.sum())
        verdict, why = "right", f"all {self.base.size} rows agree along a random direction"
        if blind:
            verdict = "undecided"
            why = (
                f"differences along a random direction are too inaccurate in {blind} of {self.base.size} rows, the "
                f"first {int(np.argmax(compared.undecided[:, 0]))}; exhaustive=True looks at each entry"
            )
        return GradientCheck(
            verdict, [], why, total, self.function.nfev, resolution, self.seed, notes=self.subject.noted(),
            what=self.what,
        )  # fmt: skip

    def _columns(
        self, product: Product, off: Array, size: Array, bad: NDArray[np.bool_], limit: int
    ) -> tuple[list[int], bool]:
        """The columns that make rows wrong, by halving, and whether all were found; size: of whole products."""
        pending, columns = [(slice(0, self.x.size), off, np.zeros_like(off))], list[int]()
        while pending and self.function.nfev + 8 <= limit:
            where, off, bar = pending.pop()
            if where.stop - where.start == 1:
                columns.append(where.start)
                continue
            middle = (where.start + where.stop) // 2
            left, right = slice(where.start, middle), slice(middle, where.stop)
            left_off, left_bar = self._part(product, left, size)
            # The difference that the left half does not explain is due to the right half.
            with np.errstate(all="ignore"):
                right_off, right_bar = off - left_off, bar + left_bar
            for half, its_off, its_bar in ((left, left_off, left_bar), (right, right_off, right_bar)):
                if not (np.abs(its_off[bad]) <= its_bar[bad]).all():
                    pending.append((half, its_off, its_bar))
        return sorted(columns), not pending

    def _part(self, product: Product, where: slice, size: Array) -> tuple[Array, Array]:
        """The difference of the claimed and the numeric product with a part of the direction, and its error bar."""
        part = np.zeros_like(self.direction)
        part[where] = self.direction[where]
        claimed = product(part)
        value, bar = along(self.problem, part, size)[:2]
        with np.errstate(all="ignore"):
            return claimed - value, MARGIN * bar + self._allowed(part, np.maximum(np.abs(claimed), np.abs(value)))

    def _unproved(self, what: str, resolution: float) -> GradientCheck:
        why = f"{what} along a random direction, but no single entry does: noise?"
        return GradientCheck(
            "undecided", [], why, self.subject.total, self.function.nfev, resolution, self.seed,
            notes=self.subject.noted(), what=self.what,
        )  # fmt: skip

    # --- Products from the left ------------------------------------------------------------------------------------

    def _by_rows(self, max_evals: int | None) -> GradientCheck:
        """Compare u J with the gradient of u·f for a random u, and find the rows of wrong columns by halving u."""
        times = self.claim.rows
        assert times is not None

        def mixed(x: Array) -> float:
            return float(self.mixture @ self.function.at_points(x.reshape(1, -1))[0])

        point = as_point(self.x)
        problem = Problem(as_function(mixed, (), point), point, values=np.array([[self.mixture @ self.base]]))
        mixture = GradientAtPoint(problem, times(self.mixture), (), self.accepted, self.method)
        check = mixture.check(None, max_evals, self.seed)
        if check.verdict == "right":
            why = f"u·J agrees with the gradient of u·f for a random u: {check.explanation}"
            return replace(
                check, explanation=why, rows=[], n_compared=self.subject.total, nfev=self.function.nfev, seed=self.seed,
                what=self.what,
            )  # fmt: skip
        columns = np.unique(np.array([entry.index for entry in check.wrong], dtype=np.intp))
        found = self._rows(times, columns) if columns.size else None
        if found is None or not found.wrong.any():
            return replace(check, nfev=self.function.nfev, what=self.what)
        return of_entries(self.subject, found, self._pattern(found), self.seed, check.resolution)

    def _rows(self, times: Product, columns: Indices) -> Compared:
        """The entries of wrong columns. In rows that were not tested alone, the numeric entry stands for the claim."""
        unknown = np.full((self.base.size, columns.size), np.nan)
        compared = self._compared(unknown, columns)
        compared.wrong[:] = compared.undecided[:] = False
        np.copyto(compared.claimed, compared.numeric)
        for place, j in enumerate(columns):
            pending = [slice(0, self.base.size)]
            while pending:
                where = pending.pop()
                u = np.zeros_like(self.base)
                u[where] = self.mixture[where]
                if self._agrees(u, float(times(u)[j]), compared, place):
                    continue
                if where.stop - where.start == 1:
                    i = where.start
                    compared.claimed[i, place] = float(times(u)[j]) / u[i]
                    compared.wrong[i, place] = True
                    continue
                middle = (where.start + where.stop) // 2
                pending += [slice(where.start, middle), slice(middle, where.stop)]
        return compared

    def _agrees(self, u: Array, claimed: float, compared: Compared, place: int) -> bool:
        """Whether the claimed and the numeric sum of some entries of a column agree."""
        numeric, bar = compared.numeric[:, place], compared.bar[:, place]
        some = u != 0
        with np.errstate(all="ignore"):
            atol, rtol = (np.max(each) for each in self.accepted)
            entry = atol + (rtol + 4 * FLOAT64) * np.abs(numeric)
            allowed = float(np.abs(u[some]) @ (MARGIN * bar + entry)[some])
            return bool(abs(claimed - float(u[some] @ numeric[some])) <= allowed)
