"""Checks of hand-coded Jacobians, and of products with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._fixed import base_values
from ._functions import as_function, callable_or_error
from ._kernels import Function
from ._lines import estimate
from ._points import Array, as_point
from ._report import ROWS, GradientCheck, Mismatch
from .stencils import FLOAT64

__all__ = ["check_jacobian"]


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
    One product with a random direction sees all rows at once. Only where some disagree, the columns are taken one by
    one, for all rows. An entry missing from a sparse pattern is found like any other.

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
    m = int(np.asarray(f(point.flat.copy(), *args)).size)
    function = as_function(f, args, point, outputs=m)
    base = base_values(function, point, point.flat)[0]
    function.tolerate(True)
    claimed = _claimed_jacobian(jac, jvp, vjp, point.flat, args, m)
    rng = np.random.default_rng(seed)
    direction = rng.choice([-1.0, 1.0], point.n) * rng.uniform(0.5, 1.5, point.n)
    direction *= np.where(point.flat == 0, 1.0, np.abs(point.flat))
    value, bar = _line(function, point.flat, direction, base)
    terms = np.abs(claimed) @ np.abs(direction)
    off = np.abs(claimed @ direction - value)
    rounding = 4 * (FLOAT64 * np.sqrt(point.n) + rtol) * terms
    bad = np.flatnonzero(~(off <= 1.5 * bar + rounding))
    resolution = float(np.max(bar / np.abs(direction).min(), initial=0.0))
    if not bad.size:
        return GradientCheck(
            "right",
            [],
            f"all {m} rows agree along a random direction",
            m * point.n,
            function.nfev + 1,
            resolution,
            seed,
        )
    rows: list[Mismatch] = []
    for j in range(point.n):
        one = np.zeros(point.n)
        one[j] = 1.0 if point.flat[j] == 0 else abs(point.flat[j])
        value, bar = _line(function, point.flat, one, base)
        value, bar = value / one[j], bar / one[j]
        column = np.asarray(claimed[:, [j]].todense() if hasattr(claimed, "todense") else claimed[:, [j]]).ravel()
        wrong = ~(np.abs(column - value) <= 1.5 * bar + (rtol + 2 * FLOAT64) * np.abs(column))
        rows.extend(
            Mismatch(f"J[{i}, {j}]", int(i) * point.n + j, float(column[i]), float(value[i]), float(bar[i]))
            for i in np.flatnonzero(wrong & np.isfinite(value))
        )
    rows.sort(key=lambda row: -abs(row.claimed - row.numeric) / (row.error + 1e-300))
    count, total = len(rows), m * point.n
    if not rows:
        explanation = f"{bad.size} of {m} rows disagree along a random direction, but no single entry does: noise?"
        return GradientCheck("undecided", [], explanation, total, function.nfev + 1, resolution, seed)
    where = sorted({row.path for row in rows})
    what = "; the claimed entries are all zero: missing from the pattern?" if all(r.claimed == 0 for r in rows) else ""
    explanation = f"{count} of {total} entries {'is' if count == 1 else 'are'} wrong, in {bad.size} of {m} rows: "
    explanation += ", ".join(where[:5]) + (" ..." if len(where) > 5 else "") + what
    return GradientCheck("wrong", rows, explanation, total, function.nfev + 1, resolution, seed, rows[:ROWS])


def _line(function: Function, x: Array, direction: Array, base: Array) -> tuple[Array, Array]:
    """The derivative of all outputs along a direction, and error bars, each from the best of three steps."""
    best = np.full(base.size, np.nan)
    bars = np.full(base.size, np.inf)
    for h in (0.008, 0.0005, 0.1):
        offsets = h * np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
        values = function.at_points(x + np.outer(offsets, direction))
        with np.errstate(invalid="ignore", over="ignore"):
            found, bar, _ = estimate(np.insert(values, 3, base, axis=0), h)
        better = bar < bars
        best[better], bars[better] = found[better], bar[better]
        if (bars <= 1e-7 * np.abs(best)).all():
            break
    return best, bars


def _claimed_jacobian(jac: Any, jvp: Any, vjp: Any, x: Array, args: tuple[Any, ...], m: int) -> Any:
    if jvp is not None:
        return np.stack([np.asarray(jvp(x.copy(), e), dtype=np.float64).ravel() for e in np.eye(x.size)], axis=1)
    if vjp is not None:
        return np.stack([np.asarray(vjp(x.copy(), e), dtype=np.float64).ravel() for e in np.eye(m)])
    claimed = jac(x.copy(), *args) if callable(jac) else jac
    claimed = claimed.tocsr() if hasattr(claimed, "tocsr") else np.asarray(claimed, dtype=np.float64)
    if claimed.shape != (m, x.size):
        raise ValueError(f"the Jacobian has shape {claimed.shape}; expected {(m, x.size)}: outputs by coordinates")
    return claimed
