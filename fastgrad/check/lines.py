"""Derivatives along a line, with error bars: for checks of many entries at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..core.point import Array
from ..evaluate.problem import Problem
from ..methods.adaptive import KINK, NOISY, Adaptive
from ..stencils import stencil

TOLERANCE = 1e-7  # errors of entries that matter are larger

_FOURTH = stencil("central", 4)
_STEP = 1.2  # of the adaptive method's step: other points, within those that it has seen


class Slopes(NamedTuple):
    """Derivatives of all outputs along a line, with error bars."""

    value: Array
    bar: Array
    step: Array
    noisy: bool
    level: Array  # noise of one evaluation


def along(problem: Problem, direction: Array) -> Slopes:
    """Derivatives along a line, 7 evaluations as a rule; at a kink any value between both sides is within the bar."""
    found, flags, noise = Adaptive(tol=TOLERANCE).along(problem, direction)
    value, bar, step, left, right = found
    kink = flags & KINK != 0
    with np.errstate(all="ignore"):
        value = np.where(kink, 0.5 * (left + right), value)
        bar = np.where(kink, np.fmax(bar, 0.5 * np.abs(left - right)), bar)
    return Slopes(value, bar, step, bool((flags & NOISY).any()), noise)


class Shorter:
    """Derivatives along parts of a line of one output, from 4 evaluations each: a search asks for hundreds.

    Differences of order 4 with one step, near that of the whole line. How much smaller their error is than that of
    order 2 was seen on the whole line, and so was the noise.

    Parameters
    ----------
    whole : Slopes
        What the adaptive method found along the whole line.
    noise : float
        Of one evaluation.
    f : callable
        The function on the whole line.
    """

    def __init__(self, whole: Slopes, noise: float, f: Callable[[float], float]) -> None:
        step = _STEP * whole.step.item()
        self.step = step if 0 < step < math.inf else 0.008  # f may be constant
        self.noise = noise
        self.decay = 1.0
        second, fourth = self._differences(f)
        value = whole.value.item()
        if math.isfinite(value) and second != fourth:
            self.decay = min(1.0, 10 * abs(fourth - value) / abs(second - fourth))
        self.value, self.bar = fourth, self._bar(second, fourth)  # of the whole line

    def along(self, f: Callable[[float], float]) -> tuple[float, float]:
        """The derivative of f(t) at t = 0, and its error bar."""
        second, fourth = self._differences(f)
        return fourth, self._bar(second, fourth)

    def _differences(self, f: Callable[[float], float]) -> tuple[float, float]:
        """Those of order 2 and 4."""
        near, far = (f(s * self.step) - f(-s * self.step) for s in _FOURTH.offsets[::2])
        return near / (2 * self.step), (_FOURTH.weights[0] * near + _FOURTH.weights[2] * far) / self.step

    def _bar(self, second: float, fourth: float) -> float:
        deviation = self.noise * float(np.linalg.norm(_FOURTH.weights)) / self.step
        return 4 * self.decay * abs(second - fourth) + 3 * deviation
