"""Derivatives along a line, with error bars: for checks of many entries at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..evaluate.border import seven_bars, seven_values
from ..evaluate.results import fits_float32
from ..methods.seven import CENTRAL

_FIRST_STEP = 0.008


@dataclass(frozen=True, slots=True)
class Slope:
    """A derivative along a line, its error bar, and what a shorter look at a part of the line needs to know."""

    value: float
    bar: float
    step: float
    noise: float
    decay: float  # how much smaller the error of order 4 is than that of order 2
    narrow: bool = False  # every value fits a float32


def along(f: Callable[[float], float], base: float) -> Slope:
    """The derivative of f(t) at t = 0: 6 evaluations as a rule, at most 24.

    Parameters
    ----------
    f : callable
        The function on the line; t = 1 changes coordinates by about their own size.
    base : float
        f(0).
    """
    best, h = Slope(math.nan, math.inf, _FIRST_STEP, math.inf, 1.0), _FIRST_STEP
    for attempt in range(4):
        values = np.array([f(t) for t in CENTRAL * h])
        if not np.isfinite(values).all():
            h /= 16
            continue
        found = seven_values(np.array([[base]]), values.reshape(1, 6, 1), np.array([h]))
        value, bar, _, noise = found.ravel().tolist()
        first, fourth = _slopes(values[3] - values[2], values[4] - values[1], h)
        if bar < best.bar:
            decay = min(1.0, 10 * abs(fourth - value) / max(abs(first - value), 1e-300))
            narrow = fits_float32(values) and bool(np.ptp(values))
            best = Slope(value, bar, h, noise, decay, narrow)
        size = max(abs(value), float(np.ptp(values)) / (6 * h))
        if bar <= 1e-7 * size:
            break
        h *= 12.0 if bar < 8 * noise / h and attempt == 0 else 1 / 16
    return best


def shorter(f: Callable[[float], float], whole: Slope) -> tuple[float, float]:
    """The derivative along a part of a line that `along` has seen, and its error bar, from 4 evaluations."""
    h = whole.step
    first, fourth = _slopes(f(h) - f(-h), f(2 * h) - f(-2 * h), h)
    truncation = abs(first - fourth) * whole.decay
    return fourth, float(seven_bars(np.array([[truncation]]), np.array([[whole.noise]]), np.array([h]))[0, 0])


@np.errstate(all="ignore")
def _slopes(near: float, far: float, h: float) -> tuple[float, float]:
    """Derivatives of order 2 and 4 from f(h) - f(-h) and f(2h) - f(-2h)."""
    first, second = near / (2 * h), far / (4 * h)
    return first, (4 * first - second) / 3
