"""Jacobians and Hessians with error bars: a few steps for each line, the best estimate of each entry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate import border
from .seven import CENTRAL

_ROUNDS = 5
_GOOD = 1e-9  # relative error bar that needs no further round
_BLOCK = 1 << 18


def jacobian_with_errors(
    function: border.Function, x: Array, base: Array, scale: Array
) -> tuple[Array, Array, Array, float]:
    """∂f_j/∂x_i, its error bars and steps, each (n, m), at the point x (n,); and the largest noise of an output."""

    def values(lines: NDArray[np.intp], h: Array) -> Array:
        return function.at_shifts(x, lines, h, CENTRAL)

    value, error, step, noise = _rounds(values, base, scale, 0.01, 1, 0.0)
    return value, error, step, float(noise.max(initial=0.0))


def hessian_with_errors(
    function: border.Function, x: Array, base: float, scale: Array
) -> tuple[Array, Array, Array, float]:
    """∂²f/∂x_i∂x_j, its error bars and steps, each (n, n), by lines along e_i and e_i + e_j; and the noise of f."""
    n = x.size
    level = float(function.noise(x.reshape(1, -1), np.array([base]), scale.reshape(1, -1))[0])
    rows, columns = np.triu_indices(n, 1)
    first = np.concatenate([np.arange(n), rows])
    second = np.concatenate([np.full(n, -1), columns])
    # Lines in units of the scale of each coordinate: a mixed derivative is what the diagonals do not explain.

    def values(lines: NDArray[np.intp], h: Array) -> Array:
        found = np.empty((lines.size, 6, 1))
        rows_of_block = max(1, _BLOCK // (6 * n))
        for start in range(0, lines.size, rows_of_block):
            part = lines[start : start + rows_of_block]
            points = np.tile(x, (part.size, 6, 1))
            along = np.arange(part.size)
            i, j = first[part], second[part]
            both = np.flatnonzero(j >= 0)
            with np.errstate(all="ignore"):
                moves = h[start : start + rows_of_block, None] * CENTRAL
                points[along, :, i] += moves * scale[i, None]
                points[both, :, j[both]] += moves[both] * scale[j[both], None]
            found[start : start + rows_of_block] = function.at_points(points.reshape(-1, n)).reshape(-1, 6, 1)
        return found

    value, error, step, _ = _rounds(values, np.array([base]), np.ones(first.size), 0.03, 2, level)
    value, error, step = value[:, 0], error[:, 0], step[:, 0]
    matrix, bars, steps = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    along = np.diag_indices(n)
    with np.errstate(all="ignore"):  # squares of tiny scales are 0: then the entry is not finite
        matrix[along], bars[along], steps[along] = value[:n] / scale**2, error[:n] / scale**2, step[:n] * scale
        area = scale[rows] * scale[columns]
        mixed = (value[n:] - value[rows] - value[columns]) / (2.0 * area)
        bar = (error[n:] + error[rows] + error[columns]) / (2.0 * area)
    for i, j in ((rows, columns), (columns, rows)):
        matrix[i, j], bars[i, j], steps[i, j] = mixed, bar, step[n:] * scale[j]
    return matrix, bars, steps, level


def _rounds(
    values: Callable[[NDArray[np.intp], Array], Array],
    base: Array,
    scale: Array,
    first: float,
    deriv: int,
    least: float,
) -> tuple[Array, Array, Array, Array]:
    """The best of some steps for each line and output: estimates, bars, steps (lines, outputs); noises (outputs,)."""
    shape = (scale.size, base.size)
    value, error, step = np.full(shape, np.nan), np.full(shape, np.inf), np.zeros(shape)
    with np.errstate(all="ignore"):
        h = first * scale
    typical = np.full(base.size, np.inf)
    lines = np.arange(scale.size)
    for attempt in range(_ROUNDS):
        steps = h[lines]
        seven = values(lines, steps)
        with np.errstate(all="ignore"):
            found, _, truncation, noise = border.seven_values(base[None], seven, steps, deriv=deriv)
            finite = np.isfinite(found)
            # One line's differences may look small by chance: the others know the noise of the same output.
            typical = np.fmin(typical, _typical(np.where(finite, noise, np.nan)))
            noise = np.maximum(noise, np.maximum(2.5 * typical, least))
            bar = border.seven_bars(truncation, noise, steps, deriv=deriv)
            rounding = border.seven_bars(np.zeros_like(truncation), noise, steps, deriv=deriv)
            better = bar < error[lines]
            # Two steps that contradict each other: neither is believed.
            contradicts = np.abs(found - value[lines]) > bar + error[lines]
            keep = np.where(better, found, value[lines])
            bars = np.where(better, bar, error[lines])
            gap = np.abs(found - value[lines])
            bars = np.where(contradicts & np.isfinite(gap) & finite, np.maximum(bars, gap), bars)
            step[lines] = np.where(better, h[lines, None], step[lines])
            value[lines], error[lines] = keep, bars
            size = np.maximum(
                np.abs(keep), 1e-3 * np.nanmax(np.abs(np.where(np.isfinite(keep), keep, 0.0)), initial=0.0)
            )
            poor = (bars > _GOOD * size).any(axis=1)
            # Where rounding is most of the bar, a longer step; else, and where f is not defined, a shorter.
            longer = (rounding > 0.5 * bar).all(axis=1) & (attempt == 0)
            shorter = np.where(finite.all(axis=1), 1.0 / 8.0 if attempt else 1.0 / 6.0, 0.01)
            h[lines] *= np.where(longer, 5.0, shorter)
            lines = lines[poor]
        if not lines.size:
            break
    return value, error, step, np.where(np.isfinite(typical), typical, 0.0)


def _typical(noise: Array) -> Array:
    """For each output, the median noise of the lines that show one, or the largest of few; NaN where there is none."""
    found = np.full(noise.shape[1], np.nan)
    for q, column in enumerate(noise.T):
        known = column[np.isfinite(column)]
        if known.size:
            found[q] = np.median(known) if known.size > 2 else known.max()
    return found
