"""Accepted differences of a claimed derivative: those that the user accepts, and the rounding of the claim itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..core.layout import Layout
from ..core.point import Array
from ..evaluate.results import fits_float32
from ..stencils import FLOAT32, FLOAT64

_ROUNDINGS = {FLOAT64: (256.0, 128.0), FLOAT32: (16.0, 8.0)}
"""Roundings of an entry, and of the largest one in its row, by which entries may differ, since sums are long, and
arguments such as phases are large where they are rounded. In double precision hundreds of roundings are harmless."""

_TINY = 4096.0
"""Roundings of an entry: where looks disagree, a difference this small does not leave it undecided."""

_SMALL = 1e-2
"""An error bar of at most this share of an entry hides no relevant error."""

_NEGLIGIBLE = 1e-5
"""Nor does an error bar of at most this share of the largest derivative in the row ..."""

_OF_PRECISION = 64.0
"""... or of this many square roots of the precision of f; differences of float32 values are hardly more accurate."""

_OF_NOISE, _MOST_OF_NOISE = 4.0, 1e-3
"""Where f is noisy, of this many times ε^(2/3), for a noise ε relative to f: central differences are hardly more
accurate than that. But not of more than 1/1000."""


class Accepted(NamedTuple):
    """The differences that the user accepts, for each coordinate (n,) or for all."""

    atol: Array | float = 0.0
    rtol: Array | float = 0.0


class Tolerance:
    """The accepted differences of the entries of a claimed derivative.

    Parameters
    ----------
    by_user : Accepted
    claimed : ndarray
        The claimed entries, or values in their place: a float32 claim has its own rounding.
    float32 : bool
        Whether f returns float32.
    """

    __slots__ = ("atol", "precision", "rounding", "rtol")

    def __init__(self, by_user: Accepted, claimed: Array, float32: bool = False) -> None:
        self.atol = np.asarray(by_user.atol, dtype=float)
        self.rtol = np.asarray(by_user.rtol, dtype=float)
        with np.errstate(all="ignore"):
            narrow = fits_float32(claimed) and bool(np.any(claimed % 1 != 0))
        self.rounding = FLOAT32 if narrow else FLOAT64
        self.precision = FLOAT32 if float32 else self.rounding  # of f or the claim, whichever is worse

    @property
    def least(self) -> float:
        """The longest useful error bar, as a share of the largest derivative."""
        return max(_NEGLIGIBLE, _OF_PRECISION * math.sqrt(self.precision))

    @property
    def given(self) -> bool:
        """Whether the user accepts any difference."""
        return bool(self.atol.any() or self.rtol.any())

    def of(self, coordinates: Any) -> Tolerance:
        """The tolerance of some coordinates."""
        part = object.__new__(Tolerance)
        part.rounding, part.precision = self.rounding, self.precision
        part.atol = self.atol[coordinates] if self.atol.ndim else self.atol
        part.rtol = self.rtol[coordinates] if self.rtol.ndim else self.rtol
        return part

    def by_user(self, size: Array) -> Array:
        """The differences that the user accepts in entries (..., n) of these sizes."""
        with np.errstate(all="ignore"):
            return np.asarray(self.atol + self.rtol * size)

    def accepted(self, size: Array, largest: Array) -> Array:
        """The accepted differences of entries (..., n), with the claim's rounding; largest: the largest in the row."""
        with np.errstate(all="ignore"):
            of_an_entry, of_the_largest = _ROUNDINGS[self.rounding]
            rounding = self.rounding * np.maximum(of_an_entry * size, of_the_largest * largest)
            return np.asarray(self.by_user(size) + rounding)

    def tiny(self, size: Array) -> Array:
        """The difference that rounding inside f may cause, where that is more than the error bars."""
        return np.asarray(_TINY * FLOAT64 * size)

    def hidden(self, size: Array, largest: Array, noise: Array) -> Array:
        """The longest error bar with which an entry may be called right; a longer one could hide a relevant error."""
        with np.errstate(all="ignore"):
            share = np.maximum(self.least, np.minimum(_OF_NOISE * noise ** (2 / 3), _MOST_OF_NOISE))
            return np.maximum(np.maximum(_SMALL * size, share * largest), self.by_user(size))


def by_coordinate(value: Any, name: str, layout: Layout) -> Array | float:
    """An option given as a number, in x's structure, or as a dict with some of the leaves, and 0 for the others.

    Raises
    ------
    ValueError
        It does not fit x; a number is negative or NaN.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        found: Array = np.array(float(value))
    elif isinstance(value, Mapping) and _names_leaves(value, layout):
        found = np.zeros(layout.n)
        for leaf, where, _ in layout.leaves():
            if leaf in value:
                found[where] = np.asarray(value[leaf], dtype=float).ravel()
    else:
        found = layout.flat_values(value, name)
    if not (found >= 0).all() or np.isposinf(found).any():
        bad = found[~((found >= 0) & (found < np.inf))].flat[0]
        raise ValueError(f"{name} is {bad}; expected finite numbers, 0 or more")
    return found if found.ndim else float(found)


def _names_leaves(value: Mapping[Any, Any], layout: Layout) -> bool:
    names = {leaf for leaf, _, _ in layout.leaves()}
    return layout.is_tree and bool(value) and all(isinstance(key, str) and key in names for key in value)
