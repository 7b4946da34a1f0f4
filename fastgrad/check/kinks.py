"""Entries at a kink, where every value between the slopes on both sides of x is right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..methods.adaptive import KINK, Components
from .compared import Compared, Mask
from .looks import MARGIN

Sides = Callable[[NDArray[np.intp], Array], Components]
"""Derivatives by some columns, which move down and up by at most the reach, (2, columns)."""

_SLACK = 1e-6
"""The relative error of the one-sided slopes at a kink, as the adaptive method finds them with the kink."""

_ALIKE = 1e-10
"""A claim that is so close to a one-sided slope, relative to it, is that slope."""


def judge(compared: Compared, kink: Mask, by: Sides) -> None:
    """Decide which entries at kinks are wrong or undecided, by comparison with the nearest right value."""
    claimed, left, right = compared.claimed, compared.left, compared.right
    slack = _SLACK * (np.abs(left) + np.abs(right)) + compared.accepted
    low, high = np.fmin(left, right), np.fmax(left, right)
    clear = (low + slack <= claimed) & (claimed <= high - slack)
    known = kink & np.isfinite(low) & np.isfinite(high)
    close = known & ~clear
    bars = _sides(compared, close, by)
    low, high, below, above = _interval(compared, bars)
    within = _is_within(compared, low, high, below, above)
    compared.wrong[close & ~within] = True
    compared.undecided[close & within & ~np.isfinite(below + above)] = True
    compared.undecided[kink & ~clear & ~close] = True
    np.copyto(compared.numeric, np.clip(claimed, low, high), where=known)
    near = np.where(claimed - low < high - claimed, below, above)
    np.copyto(compared.bar, np.where(np.isfinite(near), near, slack), where=kink)


def clear_weak(compared: Compared, accused: Mask, by: Sides) -> None:
    """Clear accused entries that lie between one-sided slopes which differ too little to be seen from both sides."""
    bars = _sides(compared, accused, by)
    low, high, below, above = _interval(compared, bars)
    kink = accused & np.isfinite(below + above) & (high - low > below + above)
    cleared = kink & _is_within(compared, low, high, below, above)
    compared.wrong[cleared] = compared.undecided[cleared] = False
    compared.flags[kink] |= KINK
    np.copyto(compared.numeric, np.clip(compared.claimed, low, high), where=kink)
    np.copyto(compared.bar, np.fmax(below, above), where=kink)


def _interval(compared: Compared, bars: Array) -> tuple[Array, Array, Array, Array]:
    """The lower and the higher of the one-sided slopes, and their error bars."""
    left, right = compared.left, compared.right
    below, above = np.where(left <= right, bars, bars[::-1])
    return np.fmin(left, right), np.fmax(left, right), below, above


def _is_within(compared: Compared, low: Array, high: Array, below: Array, above: Array) -> Mask:
    """Whether claims lie between the slopes, within their errors."""
    slack = compared.accepted + _ALIKE * (np.abs(low) + np.abs(high))
    claimed = compared.claimed
    return np.asarray((low - MARGIN * below - slack <= claimed) & (claimed <= high + MARGIN * above + slack))


def _sides(compared: Compared, close: Mask, by: Sides) -> Array:
    """Error bars (2, outputs, coordinates) of the left and right slopes.

    Where a claim is close to a slope or outside both, the slopes are recomputed by one-sided differences with bars.
    """
    bars = np.full((2, *compared.claimed.shape), np.inf)
    columns = np.flatnonzero(close.any(axis=0))
    for side, slopes in enumerate((compared.left, compared.right)) if columns.size else ():
        reach = np.zeros((2, columns.size))
        reach[side] = np.inf
        value, bar = by(columns, reach).numbers[:2].reshape(2, len(slopes), -1)
        known = close[:, columns] & np.isfinite(bar)
        slopes[:, columns] = np.where(known, value, slopes[:, columns])
        bars[side][:, columns] = np.where(known, bar, np.inf)
    return bars
