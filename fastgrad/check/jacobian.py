"""Checks of hand-coded Jacobians, and of products with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.coordinates import base_values
from ..core.point import Array, as_point
from ..evaluate.border import Function, seven_values
from ..evaluate.functions import Workers, as_function, callable_or_error, evaluation
from ..evaluate.pointers import compiled_parts
from ..methods.seven import CENTRAL
from ..records.check import ROWS, GradientCheck, Mismatch
from ..stencils import FLOAT64
from ..verbs.checks import check_grad

__all__ = ["check_jacobian"]

Product = Callable[[Array], Array]


def check_jacobian(
    f: Callable[..., Any],
    jac: Any = None,
    x: Any = None,
    *,
    args: tuple[Any, ...] = (),
    jvp: Callable[[Array, Array], Any] | None = None,
    vjp: Callable[[Array, Array], Any] | None = None,
    rtol: float = 0.0,
    seed: int = 0,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> GradientCheck:
    """Check a user-coded Jacobian, or products with it, against differences.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> (m,)``.
    jac : callable, array_like or sparse matrix, optional
        ``jac(x, *args)``, or its value at x: (m, n), dense or of `scipy.sparse`.
    x : array_like
        Where to check, (n,).
    args : tuple, optional
        Further arguments of f and jac.
    jvp, vjp : callable, optional
        Instead of jac: ``jvp(x, v)`` is J v, ``vjp(x, u)`` is u J.
    rtol : float, optional
        Relative error that is accepted, on top of the error bars.
    seed : int, optional
        Of the random direction.
    workers, progress, retries
        As for `gradient`.

    Returns
    -------
    check : GradientCheck
        Entries are named ``J[i, j]``, index i * n + j.

    Raises
    ------
    TypeError, ValueError
        The Jacobian has the wrong shape; none, or more than one, of jac, jvp and vjp is given.

    Notes
    -----
    One product with a random direction sees all rows at once, and says which are wrong. The columns of the wrong
    entries are found by halving: products with a part of the direction. An entry missing from a sparse pattern is
    found like any other. jac and jvp are only multiplied with vectors. vjp is checked as the gradient of u·f for a
    random u, by `check_grad`; the rows are then found by halving u.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: np.array([x[0] * x[1], np.sin(x[1])])
    >>> check = fg.check_jacobian(f, lambda x: [[x[1], x[0]], [0.0, np.sin(x[1])]], np.array([2.0, 3.0]))
    >>> check.verdict, check.wrong[0].path
    ('wrong', 'J[1, 1]')
    """
    callable_or_error(f)
    if sum(given is not None for given in (jac, jvp, vjp)) != 1:
        raise TypeError("check_jacobian takes one of jac, jvp= and vjp=")
    point = as_point(np.asarray(x, dtype=np.float64) if isinstance(x, (list, tuple)) else x)
    if point.make is not None or len(point.shape) != 1 or not point.n:
        raise ValueError(f"x has shape {point.shape}; expected (n,) with n > 0")
    if not callable(f) or compiled_parts(f) is not None:
        raise TypeError("a compiled function has one value: its derivative is a gradient, see check_grad")
    m = int(np.asarray(f(point.flat.copy(), *args)).size)
    with as_function(f, args, point, evaluation(False, workers, progress, retries), outputs=m) as function:
        base = base_values(function, point, point.flat)[0]
        function.tolerate(True)
        work = _JacobianWork(function, point.flat, base, args, rtol, seed)
        if vjp is not None:
            return work.by_rows(vjp)
        return work.by_columns(*_products(jac, jvp, point.flat, args, m))


class _JacobianWork:
    """One check at one point."""

    def __init__(
        self, function: Function, x: Array, base: Array, args: tuple[Any, ...], rtol: float, seed: int
    ) -> None:
        self.function = function
        self.x = x
        self.base = base
        self.rtol = rtol
        self.seed = seed
        self.scale = np.where(x == 0, 1.0, np.abs(x))
        rng = np.random.default_rng(seed)
        self.direction = rng.choice([-1.0, 1.0], x.size) * rng.uniform(0.5, 1.5, x.size) * self.scale
        # Both signs occur, and no two sizes are equal, so that rows do not cancel.
        self.mixture = rng.choice([-1.0, 1.0], base.size) * rng.uniform(0.5, 1.5, base.size)

    def by_columns(self, product: Product, sizes: Product | None) -> GradientCheck:
        """Jacobians that can be multiplied with vectors; sizes: the same product of absolute values, where known."""
        everything = slice(0, self.x.size)
        off, bar = self._test(product, sizes, everything)
        bad = ~(np.abs(off) <= bar)
        resolution = float(np.max(bar / np.abs(self.direction).min(), initial=0.0))
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
            left_off, left_bar = self._test(product, sizes, left)
            # What the left half does not explain is the right half's.
            halves = ((left, left_off, left_bar), (slice(middle, where.stop), off - left_off, bar + left_bar))
            pending.extend(half for half in halves if not (np.abs(half[1]) <= half[2]).all())
        return self._wrong(rows, int(bad.sum()), resolution)

    def by_rows(self, vjp: Callable[[Array, Array], Any]) -> GradientCheck:
        """Products from the left: u J is the gradient of u·f."""

        def product(u: Array) -> Array:
            found = np.asarray(vjp(self.x.copy(), u.copy()), dtype=np.float64)
            if found.shape != self.x.shape:
                raise ValueError(f"vjp returned shape {found.shape}; expected {self.x.shape}, that of x")
            return found

        def mixed(x: Array) -> float:
            return float(self.mixture @ self.function.at_points(x.reshape(1, -1))[0])

        check = check_grad(mixed, product(self.mixture), self.x, rtol=self.rtol, seed=self.seed)
        if check.verdict == "right":
            why = f"u·J agrees with the gradient of u·f for a random u: {check.explanation}"
            return self._right(why, check.resolution)
        rows: list[Mismatch] = []
        for column in (entry.index for entry in check.wrong):
            rows.extend(self._rows_of(product, column))
        if not rows:
            return replace(check, nfev=self.function.nfev + 1)
        return self._wrong(rows, len({row.index // self.x.size for row in rows}), check.resolution)

    def _test(self, product: Product, sizes: Product | None, where: slice) -> tuple[Array, Array]:
        """How far the claimed and the numeric product with a part of the direction differ, and the bar of that."""
        part = np.zeros_like(self.direction)
        part[where] = self.direction[where]
        claimed = product(part)
        value, bar = _line(self.function, self.x, part, self.base)
        size = np.maximum(np.abs(claimed), np.abs(value)) if sizes is None else sizes(np.abs(part))
        rounding = 4 * (FLOAT64 * np.sqrt(part.size) + self.rtol) * size
        return claimed - value, 1.5 * bar + rounding

    def _numeric(self, j: int) -> tuple[Array, Array]:
        one = np.zeros_like(self.x)
        one[j] = self.scale[j]
        value, bar = _line(self.function, self.x, one, self.base)
        return value / one[j], bar / one[j]

    def _column(self, product: Product, j: int) -> list[Mismatch]:
        """The wrong entries of a column."""
        unit = np.zeros_like(self.x)
        unit[j] = 1.0
        return self._mismatches(range(self.base.size), j, product(unit), *self._numeric(j))

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
                rows.extend(self._mismatches([i], j, np.full(self.base.size, claimed / u[i]), numeric, bar))
                continue
            allowed = float(np.abs(u) @ (1.5 * bar + (self.rtol + 4 * FLOAT64) * np.abs(numeric)))
            if abs(claimed - float(u @ numeric)) > allowed:
                middle = (where.start + where.stop) // 2
                pending += [slice(where.start, middle), slice(middle, where.stop)]
        return rows

    def _mismatches(self, among: Iterable[int], j: int, claimed: Array, numeric: Array, bar: Array) -> list[Mismatch]:
        with np.errstate(invalid="ignore"):
            fine = np.abs(claimed - numeric) <= 1.5 * bar + (self.rtol + 2 * FLOAT64) * np.abs(claimed)
        return [
            Mismatch(f"J[{i}, {j}]", i * self.x.size + j, float(claimed[i]), float(numeric[i]), float(bar[i]))
            for i in among
            if not fine[i] and np.isfinite(numeric[i])
        ]

    def _right(self, why: str, resolution: float) -> GradientCheck:
        total = self.base.size * self.x.size
        return GradientCheck("right", [], why, total, self.function.nfev + 1, resolution, self.seed)

    def _wrong(self, rows: list[Mismatch], bad_rows: int, resolution: float) -> GradientCheck:
        m, total, nfev = self.base.size, self.base.size * self.x.size, self.function.nfev + 1
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


def _products(jac: Any, jvp: Any, x: Array, args: tuple[Any, ...], m: int) -> tuple[Product, Product | None]:
    """V -> J v as claimed, (m,); and v -> |J| v, where the entries of J are known."""
    if jvp is not None:

        def product(v: Array) -> Array:
            found = np.asarray(jvp(x.copy(), v.copy()), dtype=np.float64)
            if found.shape != (m,):
                raise ValueError(f"jvp returned shape {found.shape}; expected {(m,)}, that of f's outputs")
            return found

        return product, None
    claimed = jac(x.copy(), *args) if callable(jac) else jac
    claimed = claimed.tocsr() if hasattr(claimed, "tocsr") else np.asarray(claimed, dtype=np.float64)
    if claimed.shape != (m, x.size):
        raise ValueError(f"the Jacobian has shape {claimed.shape}; expected {(m, x.size)}: outputs by coordinates")
    sizes = abs(claimed)
    return lambda v: np.asarray(claimed @ v), lambda v: np.asarray(sizes @ v)


def _line(function: Function, x: Array, direction: Array, base: Array) -> tuple[Array, Array]:
    """The derivative of all outputs along a direction, and error bars, each from the best of three steps."""
    best = np.full(base.size, np.nan)
    bars = np.full(base.size, np.inf)
    for h in (0.008, 0.0005, 0.1):
        values = function.at_points(x + np.outer(h * CENTRAL, direction))
        found, bar, _, _ = seven_values(base[None], values[None], np.array([h]))[:, 0]
        better = bar < bars
        best[better], bars[better] = found[better], bar[better]
        # A step of 1 changes coordinates by their own size, so that f's own size is that of a slope, too.
        if (bars <= 1e-7 * np.maximum(np.abs(best), np.abs(base))).all():
            break
    return best, bars
