"""Coordinates that are times, in a unit that the user names: without one they are no numbers."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.given import array_of, attribute
from ..core.options import one_of

_SECONDS = {
    "W": Fraction(604_800),
    "D": Fraction(86_400),
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    **{unit: Fraction(1, 1000**k) for k, unit in enumerate(("ms", "us", "ns", "ps", "fs", "as"), 1)},
}


def all_in_units(spacing: tuple[Any, ...], unit: str | None) -> tuple[Any, ...]:
    """Spacings in the unit that the user names, if any."""
    if unit is None:
        return spacing
    one_of(*_SECONDS)("datetime_unit", unit)
    return tuple(in_units(step, unit) for step in spacing)


def in_units(step: Any, unit: str) -> Any:
    """A spacing or coordinates in units, counted from the first, if they are times; else as they are."""
    if isinstance(step, timedelta):
        exact = attribute(step, "to_timedelta64")  # pandas keeps nanoseconds
        step = exact() if callable(exact) else np.timedelta64(step)
    kind = attribute(step, "dtype")
    if not isinstance(kind, np.dtype) or kind.kind not in "mM":
        return step
    return _numbers(array_of(step, "the coordinates"), unit)


def counts(times: NDArray[Any]) -> NDArray[np.int64]:
    """Differences of times as whole numbers of their own unit, as NumPy takes them."""
    missing = np.isnat(times)
    if missing.any():
        raise ValueError(f"the coordinates must be times, but number {int(np.argmax(missing))} is NaT")
    return times.astype(np.int64)


def _numbers(times: NDArray[Any], unit: str) -> Any:
    if np.datetime_data(times.dtype)[0] in "YM":
        if times.dtype.kind == "m":
            raise TypeError("the spacing is in months or years, which differ in length; expected days or seconds")
        times = times.astype("M8[D]")
    # From the first on while they are whole numbers: float64 has no nanoseconds since 1970.
    found = counts(times)
    if times.dtype.kind == "M":
        found = found - found.ravel()[:1]
    own, count = np.datetime_data(times.dtype)
    factor = _SECONDS[own] * count / _SECONDS[unit]
    numbers = found * float(factor.numerator) / float(factor.denominator)
    return float(numbers) if numbers.ndim == 0 else numbers
