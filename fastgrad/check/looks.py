"""Several looks at each of some derivatives, from different values of f, combined."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

MARGIN = 1.5
"""Entries that differ by more than this many error bars are looked at again; the limit grows where entries are many."""

_ONE_IN = 50.0

_APART = 2.0
"""Looks that differ by more than this many of their combined bars do not agree."""


def margin_of(entries: int) -> float:
    """About how many error bars the worst of this many right entries is off by: the square root of a logarithm."""
    return MARGIN * math.sqrt(1.0 + math.log(max(entries, 1)) / math.log(_ONE_IN))


class Looks:
    """Several looks at each of some entries, and their weighted means.

    Values are relative to the first ones, in units of their error bars, so that squares neither cancel nor overflow.
    """

    def __init__(self, value: Array, bar: Array) -> None:
        self._own = np.where(np.isfinite(bar), 1.0, 0.0)  # weight of the first look
        self._first = np.where(np.isfinite(value), value, 0.0)
        self._unit = np.where(np.isfinite(bar), np.maximum(bar, np.finfo(float).tiny), 1.0)
        self._weight = np.zeros(value.size)  # of the looks after the first
        self._sum = np.zeros(value.size)
        self._apart = np.zeros(value.size)  # the largest difference of a look from those before it, in combined bars

    def add(self, which: Indices, value: Array, bar: Array) -> None:
        """Another look at some of the entries."""
        usable = np.isfinite(value) & np.isfinite(bar)
        which = which[usable]
        unit = self._unit[which]
        shift, variance = (value[usable] - self._first[which]) / unit, np.maximum(bar[usable] / unit, 1e-100) ** 2
        weight = self._own[which] + self._weight[which]
        apart = np.where(weight > 0, np.abs(shift - self._sum[which] / weight) / np.sqrt(variance + 1.0 / weight), 0.0)
        self._apart[which] = np.maximum(self._apart[which], apart)
        self._weight[which] += 1.0 / variance
        self._sum[which] += shift / variance

    @property
    def mean(self) -> Array:
        """The mean of the looks."""
        return self._first + self._unit * (self._sum / (self._own + self._weight))

    @property
    def bar(self) -> Array:
        """The error bar of the mean."""
        return self._unit * np.maximum(1.0, self._apart) / np.sqrt(self._own + self._weight)

    def confirm(self, claimed: Array, margin: Array) -> Mask:
        """Whether the looks after the first alone exclude the claimed values, and agree with the first."""
        rest = self._first + self._unit * (self._sum / self._weight)
        bar = self._unit * np.maximum(1.0, self._apart) / np.sqrt(self._weight)
        excluded = np.abs(claimed - rest) > bar + margin
        near = self._apart * self.bar <= 0.1 * np.abs(claimed - self.mean)
        return np.asarray((self._weight > 0) & excluded & ((self._apart <= _APART) | near))
