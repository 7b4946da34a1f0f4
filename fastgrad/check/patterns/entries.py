"""What a pattern is looked for in, what it predicts, and whether the claimed entries bear it out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...core.point import Array
from ...evaluate.results import fits_float32
from ...stencils import FLOAT32, FLOAT64

Mask = NDArray[np.bool_]

_BARS = 5.0  # how far a prediction may be off: of many entries some have bars that are too short
_ROUNDINGS = 16.0  # of the claim, which sums terms that are larger than it
_ENOUGH = 4.0  # digits that must agree by more than what was fitted
_SURE = 1e-4  # of a claimed entry: a derivative below is none
_MOST_DIGITS = 8.0  # that one entry may add


@dataclass(frozen=True)
class Entries:
    """Entries of a gradient, flat: those of a leaf, or all.

    Unknown derivatives are NaN. A claim that differs from its derivative but is not wrong (at a kink) says nothing.
    """

    leaf: str
    shape: tuple[int, ...]
    claimed: Array
    numeric: Array
    bar: Array
    x: Array
    wrong: Mask
    rounding: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        finite = self.claimed[np.isfinite(self.claimed)]
        narrow = fits_float32(finite) and bool(np.any(finite % 1 != 0))
        object.__setattr__(self, "rounding", _ROUNDINGS * (FLOAT32 if narrow else FLOAT64))

    @cached_property
    def error(self) -> Array:
        return self.claimed - self.numeric

    @cached_property
    def usable(self) -> Mask:
        """Which entries a prediction is compared with."""
        known = np.isfinite(self.claimed) & np.isfinite(self.numeric) & ~np.isnan(self.bar)
        return known & (self.wrong | (np.abs(self.error) <= self.tolerance(self.numeric, self.bar)))

    @cached_property
    def zero(self) -> Mask:
        """Where f does not depend on the coordinate, as far as differences tell."""
        return np.abs(self.numeric) <= self.tolerance(np.zeros_like(self.numeric), self.bar)

    @cached_property
    def independent(self) -> Mask:
        """Where f surely does not depend on the coordinate, though the claim says so."""
        return self.zero & (self.tolerance(np.zeros_like(self.numeric), self.bar) <= _SURE * np.abs(self.claimed))

    @cached_property
    def typical(self) -> float:
        """The size of the claimed entries."""
        known = self.claimed[np.isfinite(self.claimed)]
        return math.sqrt(float(np.mean(known**2))) if known.size else 0.0

    def tolerance(self, values: Array, bar: Array) -> Array:
        """How far the claimed entries may be from predicted ones."""
        return np.asarray(
            _BARS * bar + self.rounding * (np.abs(values) + self.typical) + 1e-9 * np.abs(values) + 1e-300
        )

    def among(self, where: Mask | slice) -> Entries:
        """A part of them."""
        claimed, numeric = self.claimed[where], self.numeric[where]
        return Entries(self.leaf, claimed.shape, claimed, numeric, self.bar[where], self.x[where], self.wrong[where])


@dataclass(frozen=True)
class Guess:
    """What the claimed entries would be if a pattern held: NaN where it says nothing.

    `parameters` were fitted; `spent` are the digits that other choices cost; `said` are values for its words.
    """

    kind: str
    values: Array
    bar: Array
    parameters: int = 0
    spent: float = 0.0
    said: dict[str, str] = field(default_factory=dict)


Pattern = Callable[[Entries], Iterator[Guess]]


@np.errstate(all="ignore")
def best(patterns: tuple[Pattern, ...], entries: Entries) -> Guess | None:
    """The pattern that explains the claimed entries with the fewest parameters, then that which fits best; or None."""
    found: tuple[tuple[int, float], Guess] | None = None
    for pattern in patterns:
        for guess in pattern(entries):
            misfit = _misfit(guess, entries)
            # Below the bars, a difference of fits is chance: the first in the table is the likeliest.
            key = guess.parameters, round(misfit, 1)
            if misfit <= 1.0 and (found is None or key < found[0]):
                found = key, guess
    return found[1] if found else None


@np.errstate(all="ignore")
def explains(guess: Guess, entries: Entries) -> bool:
    """Whether the claimed entries bear a guess out."""
    return _misfit(guess, entries) <= 1.0


def _misfit(guess: Guess, entries: Entries) -> float:
    """The mean square of a guess's errors, in tolerances; infinite if it is refuted, or nothing could refute it."""
    tolerance = entries.tolerance(guess.values, guess.bar)
    looked = entries.usable & np.isfinite(guess.values) & np.isfinite(tolerance)
    wrong = looked & entries.wrong
    if 2 * np.count_nonzero(wrong) <= np.count_nonzero(entries.wrong):
        return math.inf
    off = np.abs(entries.claimed - guess.values)[looked] / tolerance[looked]
    if not (off <= 1.0).all():
        return math.inf
    # How much closer it is than the derivative itself: a prediction at random would not be.
    digits = np.clip(np.log10(np.abs(entries.error[wrong]) / tolerance[wrong]), 0.0, _MOST_DIGITS)
    fitted = guess.parameters * float(digits.max(initial=0.0))
    return float(np.mean(off**2)) if float(digits.sum()) - fitted - guess.spent >= _ENOUGH else math.inf


def fit(basis: Array, target: Array, entries: Entries) -> tuple[float, float]:
    """The number that times a basis is closest to a target, weighed by the error bars, and its bar; 0 for none."""
    tolerance = entries.tolerance(entries.claimed, entries.bar)
    where = entries.usable & np.isfinite(basis) & np.isfinite(target) & (tolerance > 0) & (basis != 0)
    if not where.any():
        return 0.0, 0.0
    scaled, wanted = basis[where] / tolerance[where], target[where] / tolerance[where]
    largest = float(np.abs(scaled).max())  # squares may overflow
    if not 0 < largest < math.inf:
        return 0.0, 0.0
    scaled, wanted = scaled / largest, wanted / largest
    weight = float(scaled @ scaled)
    factor = float(scaled @ wanted) / weight
    return (factor, 1 / (largest * math.sqrt(weight))) if math.isfinite(factor) else (0.0, 0.0)


def rounded(value: float, bar: float) -> str:
    """A fitted number, with the digits that it is known to, at most four."""
    ratio = abs(value) / bar if bar > 0 else math.inf
    known = math.floor(math.log10(ratio)) if 1 < ratio < math.inf else 4 * (ratio > 1)
    return f"{value:.{min(max(known, 1), 4)}g}"
