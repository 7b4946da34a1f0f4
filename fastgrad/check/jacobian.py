"""Jacobians, and products with them, compared with differences along lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.given import attribute, floats
from ..core.matrix_layout import JacobianLayout
from ..core.point import Array, as_point
from ..evaluate.functions import as_function
from ..evaluate.problem import Problem
from ..methods.adaptive import Adaptive
from ..records.check import ROWS, GradientCheck, Mismatch
from ..stencils import FLOAT64
from .gradient import GradientAtPoint
from .lines import TOLERANCE, along

Product = Callable[[Array], Array]

_SHORTER = 0.625  # of the first look's steps, and not in step with them


class JacobianAtPoint:
    """One check at one point."""

    def __init__(self, problem: Problem, rtol: float, seed: int) -> None:
        self.problem, self.point, self.function = problem, problem.point, problem.function
        self.x = x = problem.x
        self.base = base = problem.values[0]
        self.function.tolerate(True)
        self.rtol = rtol
        self.seed = seed
        self.scale = np.where(x == 0, 1.0, np.abs(x))
        rng = np.random.default_rng(seed)
        with np.errstate(all="ignore"):
            self.direction = rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.5, x.size) * self.scale
        # Both signs occur, and no two sizes are equal, so that rows do not cancel.
        self.mixture = rng.choice([-1.0, 1.0], base.size) * rng.uniform(0.5, 1.5, base.size)

    def by_columns(self, product: Product, sizes: Product | None) -> GradientCheck:
        """Jacobians that can be multiplied with vectors; sizes: the same product of absolute values, where known."""
        everything = slice(0, self.x.size)
        off, bar, size = self._test(product, sizes, everything)
        with np.errstate(all="ignore"):
            resolution = float(np.max(bar / np.abs(self.direction).min(), initial=0.0))
            if not (np.abs(off) <= bar).all():
                # Error bars hold for 99 of 100 rows. A second one says nothing that is much longer, and not short.
                again, own, _ = self._test(product, sizes, everything, _SHORTER)
                enough = np.maximum(3.0 * bar, 2.0 * TOLERANCE * np.maximum(size, np.abs(self.base)))
                nearer = (np.abs(again) / own < np.abs(off) / bar) & (own <= enough)
                off, bar = np.where(nearer, again, off), np.where(nearer, own, bar)
        bad = ~(np.abs(off) <= bar) | ~np.isfinite(bar)
        if not bad.any():
            return self._right(f"all {self.base.size} rows agree along a random direction", resolution)
        pending, rows = [(everything, off, bar)], list[Mismatch]()
        while pending:
            where, off, bar = pending.pop()
            if where.stop - where.start == 1:
                rows.extend(self._column(product, where.start))
                continue
            middle = (where.start + where.stop) // 2
            left = slice(where.start, middle)
            left_off, left_bar, _ = self._test(product, sizes, left)
            # What the left half does not explain is the right half's.
            with np.errstate(all="ignore"):
                right_off, right_bar = off - left_off, bar + left_bar
            halves = ((left, left_off, left_bar), (slice(middle, where.stop), right_off, right_bar))
            pending.extend(half for half in halves if not (np.abs(half[1]) <= half[2]).all())
        return self._wrong(rows, int(bad.sum()), resolution)

    def by_rows(self, vjp: Callable[[Array, Array], Any]) -> GradientCheck:
        """Products from the left: u J is the gradient of u·f."""

        def product(u: Array) -> Array:
            found = floats(vjp(self.point.argument(self.x.copy()), u.copy()), "what vjp returned")
            if found.shape != self.x.shape:
                raise ValueError(f"vjp returned shape {found.shape}; expected {self.x.shape}, that of x")
            return found

        def mixed(x: Array) -> float:
            return float(self.mixture @ self.function.at_points(x.reshape(1, -1))[0])

        point = as_point(self.x)
        problem = Problem(as_function(mixed, (), point), point, values=np.array([[self.mixture @ self.base]]))
        check = GradientAtPoint(problem, product(self.mixture), (), 0.0, self.rtol, Adaptive()).check(None, None, self.seed)
        if check.verdict == "right":
            why = f"u·J agrees with the gradient of u·f for a random u: {check.explanation}"
            return self._right(why, check.resolution)
        rows: list[Mismatch] = []
        for column in (entry.index for entry in check.wrong):
            rows.extend(self._rows_of(product, column))
        if not rows:
            return replace(check, nfev=self.function.nfev)
        return self._wrong(rows, len({row.index // self.x.size for row in rows}), check.resolution)

    def _test(
        self, product: Product, sizes: Product | None, where: slice, shorter: float = 1.0
    ) -> tuple[Array, Array, Array]:
        """How far the claimed and the numeric product with a part of the direction differ, its bar, and their size."""
        part = np.zeros_like(self.direction)
        part[where] = self.direction[where]
        claimed = product(part)
        value, bar = along(self.problem, shorter * part, np.abs(claimed))[:2]
        with np.errstate(all="ignore"):
            value, bar = value / shorter, bar / shorter
            size = np.maximum(np.abs(claimed), np.abs(value)) if sizes is None else sizes(np.abs(part))
            rounding = 4 * (FLOAT64 * np.sqrt(part.size) + self.rtol) * size
            return claimed - value, 1.5 * bar + rounding, size

    def _numeric(self, j: int, shorter: float = 1.0) -> tuple[Array, Array]:
        one = np.zeros_like(self.x)
        one[j] = shorter * self.scale[j]
        value, bar = along(self.problem, one, 0.0)[:2]
        with np.errstate(all="ignore"):
            return value / one[j], bar / one[j]

    def _column(self, product: Product, j: int) -> list[Mismatch]:
        """The wrong entries of a column."""
        unit = np.zeros_like(self.x)
        unit[j] = 1.0
        claimed = product(unit)
        first = self._mismatches(range(self.base.size), j, claimed, *self._numeric(j))
        if not first:
            return []
        among = [mismatch.index // self.x.size for mismatch in first]
        again = {row.index for row in self._mismatches(among, j, claimed, *self._numeric(j, _SHORTER))}
        return [mismatch for mismatch in first if mismatch.index in again]

    def _rows_of(self, product: Product, j: int) -> list[Mismatch]:
        """The wrong entries of a column of a Jacobian that is multiplied from the left, by halving the rows."""
        numeric, bar = self._numeric(j)
        pending, rows = [slice(0, self.base.size)], list[Mismatch]()
        while pending:
            where = pending.pop()
            u = np.zeros_like(self.base)
            u[where] = self.mixture[where]
            claimed = float(product(u)[j])
            if where.stop - where.start == 1:
                i = where.start
                with np.errstate(all="ignore"):
                    entry = claimed / u[i]
                rows.extend(self._mismatches([i], j, np.full(self.base.size, entry), numeric, bar))
                continue
            with np.errstate(all="ignore"):
                allowed = float(np.abs(u) @ (1.5 * bar + (self.rtol + 4 * FLOAT64) * np.abs(numeric)))
                off = abs(claimed - float(u @ numeric))
            if off > allowed:
                middle = (where.start + where.stop) // 2
                pending += [slice(where.start, middle), slice(middle, where.stop)]
        return rows

    def _mismatches(self, among: Iterable[int], j: int, claimed: Array, numeric: Array, bar: Array) -> list[Mismatch]:
        layout = JacobianLayout(self.base.size, self.point.layout)
        with np.errstate(all="ignore"):
            fine = np.abs(claimed - numeric) <= 1.5 * bar + (self.rtol + 2 * FLOAT64) * np.abs(claimed)
        return [
            Mismatch(layout.name(k), k, float(claimed[i]), float(numeric[i]), float(bar[i]))
            for i, k in ((i, i * self.x.size + j) for i in among)
            if not fine[i] and np.isfinite(numeric[i])
        ]

    def _right(self, why: str, resolution: float) -> GradientCheck:
        total = self.base.size * self.x.size
        return GradientCheck("right", [], why, total, self.function.nfev, resolution, self.seed)

    def _wrong(self, rows: list[Mismatch], bad_rows: int, resolution: float) -> GradientCheck:
        m, total, nfev = self.base.size, self.base.size * self.x.size, self.function.nfev
        if not rows:
            why = f"{bad_rows} of {m} rows disagree along a random direction, but no single entry does: noise?"
            return GradientCheck("undecided", [], why, total, nfev, resolution, self.seed)
        rows.sort(key=lambda row: -abs(row.claimed - row.numeric) / (row.error + 1e-300))
        where = [row.path for row in rows[:5]]
        count = len(rows)
        why = f"{count} of {total} entries {'is' if count == 1 else 'are'} wrong, in {bad_rows} of {m} rows: "
        why += ", ".join(where) + (" ..." if count > 5 else "")
        if all(row.claimed == 0 for row in rows):
            why += "; the claimed entries are all zero: missing from the pattern?"
        return GradientCheck("wrong", rows, why, total, nfev, resolution, self.seed, rows[:ROWS])


def products(jac: Any, jvp: Any, problem: Problem, args: tuple[Any, ...]) -> tuple[Product, Product | None]:
    """V -> J v as claimed, (m,); and v -> |J| v, where the entries of J are known."""
    x, m, argument = problem.x, problem.outputs, problem.point.argument
    if jvp is not None:

        def product(v: Array) -> Array:
            found = floats(jvp(argument(x.copy()), argument(v.copy())), "what jvp returned")
            if found.shape != (m,):
                raise ValueError(f"jvp returned shape {found.shape}; expected {(m,)}, that of f's outputs")
            return found

        return product, None
    claimed = jac(argument(x.copy()), *args) if callable(jac) else jac
    # A copy: scipy sums duplicates in place where abs is taken.
    claimed = claimed.tocsr().copy() if attribute(claimed, "tocsr") is not None else floats(claimed, "the Jacobian")
    if claimed.shape != (m, x.size):
        raise ValueError(f"the Jacobian has shape {claimed.shape}; expected {(m, x.size)}: outputs by coordinates")
    return _times(claimed), _times(abs(claimed))


def _times(matrix: Any) -> Product:
    """The product of a matrix with a vector."""

    def product(v: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(matrix @ v)

    return product
