"""Derivatives along a line, with error bars, for checks of many entries at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.problem import Problem
from ..methods.adaptive import EVALUATIONS, KINK, NOISY, Adaptive
from ..stencils import stencil

TOLERANCE = 1e-7  # relevant errors of entries are larger


class _Look(NamedTuple):
    """A look along a line: its share of the length, its most evaluations, and the relative error bar that is enough."""

    length: float
    most: int
    enough: float


# The first look has the length for a smooth function. The next ones are closer to x, at the price of rounding, since
# lines that move very many coordinates pass over many kinks. The last one is as long as noise requires.
_LOOKS = (
    _Look(1.0, 8, 1e-6),
    _Look(2.0**-12, 14, 1e-5),
    _Look(2.0**-18, 14, 1e-4),
    _Look(1.0, EVALUATIONS, 0.0),
)

_CLOSER = 2  # the look that is useless under noise

_FOURTH = stencil("central", 4)
_STEP = 1.2  # of the adaptive method's step: this gives other points, within the range of its own


class Slopes(NamedTuple):
    """Derivatives of all outputs along a line, with error bars."""

    value: Array
    bar: Array
    step: Array
    gap: Array  # half the difference of the slopes on both sides, at a kink; else 0
    noisy: bool
    level: Array  # noise of one evaluation
    look: int  # the number of the look that was enough

    @property
    def kink(self) -> bool:
        """Whether some output has a kink at x."""
        return bool(self.gap.any())


def along(problem: Problem, direction: Array, size: Array | float, first: int = 0) -> Slopes:
    """Derivatives along a line, with error bars that are short relative to `size` where that is possible.

    At a kink any value between the slopes on both sides is within the bar. This usually takes 8 evaluations. first: the
    number of the look to begin with, which was enough on a similar line.
    """
    best: Slopes | None = None
    for number, look in enumerate(_LOOKS[first:], first):
        if number == _CLOSER and best is not None and best.noisy:
            continue
        found = _looked_at(problem, direction, look.length, look.most)._replace(look=number)
        best = found if best is None else _better(best, found)
        with np.errstate(all="ignore"):
            if (best.bar - best.gap <= look.enough * np.maximum(size, best.gap)).all():
                break
    assert best is not None
    return best


def _better(before: Slopes, found: Slopes) -> Slopes:
    """The slope with the shorter bar, for each output."""
    better: NDArray[np.bool_] = ~(before.bar <= found.bar)
    value, bar, step, gap = (np.where(better, there, here) for here, there in zip(before[:4], found[:4], strict=True))
    return Slopes(value, bar, step, gap, before.noisy or found.noisy, found.level, found.look)


def _looked_at(problem: Problem, direction: Array, length: float, most: int) -> Slopes:
    found, flags, noise = Adaptive(tol=TOLERANCE, max_evals=most).along(problem, length * direction)
    value, bar, step, left, right = found
    kink = flags & KINK != 0
    with np.errstate(all="ignore"):
        gap = np.where(kink, 0.5 * np.abs(left - right), 0.0)
        value = np.where(kink, 0.5 * (left + right), value)
        bar = np.where(kink, np.fmax(bar, gap), bar)
        return Slopes(
            value / length, bar / length, step * length, gap / length, bool((flags & NOISY).any()), noise.ravel(), 0
        )


class Shorter:
    """Derivatives along parts of a line of one output, from 4 evaluations each, since a search needs hundreds.

    These are differences of order 4 with one step, near that of the whole line. The ratio of their error to that of
    order 2 was measured on the whole line, and so was the noise.

    Parameters
    ----------
    whole : Slopes
        The result of the adaptive method along the whole line.
    noise : float
        The noise of one evaluation.
    base : float
        f at x.
    f : callable
        The function on the whole line.
    """

    def __init__(self, whole: Slopes, noise: float, base: float, f: Callable[[float], float]) -> None:
        step = _STEP * whole.step.item()
        self.step = step if 0 < step < math.inf else 0.008  # f may be constant
        self.noise, self.base, self.kink = noise, base, whole.kink
        self.decay = 1.0
        second, fourth, gap = self._differences(f)
        value = whole.value.item()
        if math.isfinite(value) and second != fourth:
            self.decay = min(1.0, 10 * abs(fourth - value) / abs(second - fourth))
        self.value, self.bar = fourth, self._bar(second, fourth) + gap  # of the whole line

    def along(self, f: Callable[[float], float]) -> tuple[float, float, float]:
        """The derivative of f(t) at t = 0, its error bar, and half the difference of the slopes on both sides."""
        second, fourth, gap = self._differences(f)
        return fourth, self._bar(second, fourth), gap

    def _differences(self, f: Callable[[float], float]) -> tuple[float, float, float]:
        """Differences of order 2 and 4, and half the difference of the slopes on both sides."""
        values = [f(s * self.step) for s in _FOURTH.offsets]
        near, far = values[0] - values[1], values[2] - values[3]
        gap = abs(values[0] + values[1] - 2 * self.base) / (2 * self.step) if self.kink else 0.0
        fourth = (_FOURTH.weights[0] * near + _FOURTH.weights[2] * far) / self.step
        return near / (2 * self.step), fourth, gap

    def _bar(self, second: float, fourth: float) -> float:
        deviation = self.noise * float(np.linalg.norm(_FOURTH.weights)) / self.step
        return 4 * self.decay * abs(second - fourth) + 3 * deviation
