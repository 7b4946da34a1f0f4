"""Derivatives along a line, with error bars, from seven equally spaced values: for checks of many entries at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.point import Array
from ..evaluate.results import fits_float32
from ..stencils import FLOAT32, FLOAT64

_FIRST_STEP = 0.008
_SIXTH = math.sqrt(math.factorial(6) ** 2 / math.factorial(12))


def estimate(values: Array, h: float | Array) -> tuple[Array, Array, Array]:
    """The derivative, its error bar and the noise from values (7, ...) at -3h ... 3h.

    Differences of order 2, 4 and 6 give the derivative and its truncation error, as in docs/adaptive.md; the sixth
    difference bounds the noise (Moré and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314).
    """
    slopes = [(values[3 + k] - values[3 - k]) / (2 * k * h) for k in (1, 2, 3)]
    second, fourth = slopes[0], (4 * slopes[0] - slopes[1]) / 3
    sixth = (15 * slopes[0] - 6 * slopes[1] + slopes[2]) / 10
    noise = difference_noise(values)
    size = np.maximum(np.abs(sixth), np.abs(values - values[3]).max(axis=0) / (3 * h))
    return sixth, 4 * truncation_error(second, fourth, sixth, size) + 3.3 * noise / h, noise


def estimate_second(values: Array, h: float | Array, noise: float | Array) -> tuple[Array, Array, Array]:
    """The second derivative, its error bar, and what the noise is of that, from values (7, ...) at -3h ... 3h."""
    sums = [(values[3 + k] - values[3]) + (values[3 - k] - values[3]) for k in (1, 2, 3)]
    one, two, three = (total / (k * h) ** 2 for k, total in enumerate(sums, 1))
    fourth, sixth = (4 * one - two) / 3, 1.5 * one - 0.6 * two + 0.1 * three
    rounding = 10.5 * np.maximum(difference_noise(values), noise) / (h * h)
    size = np.maximum(np.abs(sixth), np.abs(values - values[3]).max(axis=0) / (3 * h) ** 2)
    return sixth, 4 * truncation_error(one, fourth, sixth, size) + rounding, rounding


def estimate_first(values: Array, h: float | Array, noise: float | Array) -> tuple[Array, Array, Array]:
    """As `estimate`, with noise that is known to be at least so large, and what it is of the bar."""
    found, bar, seen = estimate(values, h)
    larger = np.maximum(seen, noise)
    return found, bar + 3.3 * (larger - seen) / h, 3.3 * larger / h


def difference_noise(values: Array) -> Array:
    """The noise that the sixth difference shows, at least the rounding of the precision that f computes in."""
    seen = np.asarray(_SIXTH * np.abs(np.diff(values, n=6, axis=0)[0]))
    largest = np.abs(values).max(axis=0)
    narrow = fits_float32(values) and bool(np.ptp(values))
    return np.asarray(np.maximum(seen, 0.5 * (FLOAT32 if narrow else FLOAT64) * largest))


def truncation_error(second: Array, fourth: Array, sixth: Array, size: Array) -> Array:
    """The truncation error of the sixth order, from how the orders differ."""
    middle, low = np.abs(fourth - sixth), np.abs(second - sixth)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        guess = 3 * np.maximum(middle * middle / low, low * (low / size) ** 2)
        return np.where(low > 0.2 * size, middle + low, np.minimum(middle, np.nan_to_num(guess, nan=np.inf)))


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
        values = np.array([f(k * h) if k else base for k in range(-3, 4)])
        if not np.isfinite(values).all():
            h /= 16
            continue
        value, bar, noise = (float(part) for part in estimate(values, h))
        first, second = ((values[3 + k] - values[3 - k]) / (2 * k * h) for k in (1, 2))
        fourth = (4 * first - second) / 3
        if bar < best.bar:
            decay = min(1.0, 10 * abs(fourth - value) / max(abs(first - value), 1e-300))
            best = Slope(value, bar, h, noise, decay, fits_float32(values) and bool(np.ptp(values)))
        size = max(abs(value), float(np.ptp(values)) / (6 * h))
        if bar <= 1e-7 * size:
            break
        h *= 12.0 if bar < 8 * noise / h and attempt == 0 else 1 / 16
    return best


def shorter(f: Callable[[float], float], whole: Slope) -> tuple[float, float]:
    """The derivative along a part of a line that `along` has seen, and its error bar, from 4 evaluations."""
    h = whole.step
    first = (f(h) - f(-h)) / (2 * h)
    second = (f(2 * h) - f(-2 * h)) / (4 * h)
    fourth = (4 * first - second) / 3
    return fourth, 4 * abs(first - fourth) * whole.decay + 3.3 * whole.noise / h
