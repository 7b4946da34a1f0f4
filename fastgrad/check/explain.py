"""Patterns in the errors of a gradient, in one sentence with the evidence."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array

Mask = NDArray[np.bool_]

_FACTORS = {
    2.0: "a missing ½?",
    0.5: "a factor of 2 lost?",
    -1.0: "a sign?",
}


@np.errstate(all="ignore")
def explain(
    claimed: Array,
    numeric: Array,
    bar: Array,
    wrong: Mask,
    x: Array,
    leaves: list[tuple[str, slice, tuple[int, ...]]],
    name: Callable[[int], str],
    at: Callable[[Array, NDArray[np.intp]], Array] | None = None,
) -> str:
    """What is wrong with the claimed gradient, or "" where no pattern fits.

    Parameters
    ----------
    claimed, numeric, bar, x : ndarray
        Of all entries, flat; numeric is NaN where it is not known.
    wrong : ndarray of bool
    leaves : list of (name, slice, shape)
    name : callable
        The name of an entry.
    at : callable, optional
        ``at(point, indices)`` gives the numeric derivatives of these entries at another point.
    """
    known = np.isfinite(numeric) & np.isfinite(claimed)
    tolerance = 5 * bar + 1e-4 * np.abs(numeric)
    everywhere = all(known[where].all() or (wrong & known)[where].any() for _, where, _ in leaves)
    if len(leaves) > 1 and everywhere and (wrong | (np.abs(numeric) <= tolerance) | ~known).all():
        factor = _factor(claimed[known], numeric[known], tolerance[known])
        if factor is not None:
            return f"all of it is {_times(factor)} the gradient of f ({int(known.sum())} entries): {_reason(factor)}"
    sentences = [
        _leaf(leaf, where, shape, claimed, numeric, tolerance, wrong, known, x, name)
        for leaf, where, shape in leaves
        if wrong[where].any()
    ]
    if not all(sentences):
        stale = _stale(claimed, numeric, tolerance, wrong & known, x, at)
        if stale:
            return stale
    return "; ".join([sentence for sentence in sentences if sentence][:3])


def _leaf(
    leaf: str,
    where: slice,
    shape: tuple[int, ...],
    claimed: Array,
    numeric: Array,
    tolerance: Array,
    wrong: Mask,
    known: Mask,
    x: Array,
    name: Callable[[int], str],
) -> str:
    """The pattern of one leaf."""
    bad = np.flatnonzero(wrong[where]) + where.start
    c, v, t, ok = claimed[where], numeric[where], tolerance[where], known[where]
    single = bad.size == 1
    some = name(int(bad[0])) if single else f"{bad.size} entries of {leaf}, the first {name(int(bad[0]))},"
    if np.all(claimed[bad] == 0.0):
        return f"{some} {'is' if single else 'are'} zero, but f depends on it: does its term reach the gradient?"
    if bad.size == 2 and known[bad].all():
        i, j = bad
        if abs(claimed[i] - numeric[j]) <= tolerance[j] and abs(claimed[j] - numeric[i]) <= tolerance[i]:
            return f"{name(int(i))} and {name(int(j))} are exchanged"
    mostly = bad.size > 0.5 * np.count_nonzero(np.abs(v[ok]) > t[ok])
    factor = _factor(c[ok], v[ok], t[ok]) if mostly else None
    if factor is not None and bad.size > 1:
        size = f"{abs(factor):.3f} times too large" if factor > 1 else f"{factor:.4g} times what it should be"
        text = "has the wrong sign" if abs(factor + 1) < 1e-3 else f"is {_slightly(factor) or size}"
        return f"{leaf} {text} ({bad.size} of {c.size} entries): {_reason(factor)}"
    if ok.all():
        text = _moved(leaf, shape, c, v, t)
        if text:
            return text
    term = _regularisation(leaf, c[ok], v[ok], t[ok], x[where][ok]) if bad.size > 1 else ""
    if term:
        return term
    factor = _factor(claimed[bad], numeric[bad], tolerance[bad])
    if factor is None:
        return ""
    if _slightly(factor):
        return f"{some} {'is' if single else 'are'} {_slightly(factor)}"
    text = "the wrong sign" if abs(factor + 1) < 1e-3 else f"{_times(factor)} its value"
    return f"{some} {'has' if single else 'have'} {text}"


def _factor(claimed: Array, numeric: Array, tolerance: Array) -> float | None:
    """The number that numeric, times it, gives claimed, if there is one but 1."""
    large = np.abs(numeric) > 10 * tolerance
    if not large.any():
        return None
    factor = float(np.median(claimed[large] / numeric[large]))
    if factor == 0.0 or abs(factor - 1) < 1e-6:
        return None
    fits = np.abs(claimed - factor * numeric) <= max(1.0, abs(factor)) * tolerance
    return factor if fits.all() else None


def _slightly(factor: float) -> str:
    """A factor close to 1 in words; "" if it is not."""
    return f"too {'large' if factor > 1 else 'small'} by {abs(factor - 1):.2g} of it" if abs(factor - 1) < 0.01 else ""


def _times(factor: float) -> str:
    return f"{factor:.4g} times"


def _reason(factor: float) -> str:
    for known, reason in _FACTORS.items():
        if abs(factor / known - 1) < 1e-3:
            return reason
    for number in (factor, 1 / factor):
        if 2.5 < number < math.inf and abs(number - round(number)) < 2e-3 * number:
            whole = round(number)
            return f"a sum, not a mean, over {whole}?" if number == factor else f"a mean, not a sum, over {whole}?"
    return "a constant factor?"


def _moved(leaf: str, shape: tuple[int, ...], claimed: Array, numeric: Array, tolerance: Array) -> str:
    """Whether the entries are the right ones in the wrong places."""

    def same(other: Array, among: slice = slice(None)) -> bool:
        return bool((np.abs(claimed[among] - other[among]) <= np.maximum(tolerance, tolerance.mean())[among]).all())

    if len(shape) == 2 and min(shape) > 1:
        if shape[0] == shape[1] and same(numeric.reshape(shape).T.ravel()):
            return f"{leaf} looks transposed"
        if same(numeric.reshape(shape).ravel(order="F")) or same(numeric.reshape(shape, order="F").ravel()):
            return f"{leaf} looks transposed and reshaped (rows for columns)"
    if claimed.size > 2:
        for shift in (1, -1):
            inner = slice(1, None) if shift == 1 else slice(None, -1)
            if same(np.roll(numeric, shift), inner):
                return f"{leaf} is shifted by one entry"
        if same(numeric[::-1]):
            return f"{leaf} is in reverse order"
    return ""


def _regularisation(leaf: str, claimed: Array, numeric: Array, tolerance: Array, x: Array) -> str:
    """Whether the error is a multiple of x: a penalty's gradient that is missing, or there twice."""
    error = claimed - numeric
    weight = float(x @ x)
    if weight == 0.0:
        return ""
    factor = float(error @ x) / weight
    if factor == 0.0 or (np.abs(error - factor * x) > np.maximum(tolerance, 1e-3 * np.abs(error).max())).any():
        return ""
    if factor < 0:
        return f"the term {-factor:.4g}·{leaf} is missing from {leaf}: regularisation?"
    return f"there is a term {factor:.4g}·{leaf} too much in {leaf}: regularisation?"


def _stale(
    claimed: Array,
    numeric: Array,
    tolerance: Array,
    wrong: Mask,
    x: Array,
    at: Callable[[Array, NDArray[np.intp]], Array] | None,
) -> str:
    """Whether the claimed gradient is right at a point a step of descent away."""
    if at is None or np.count_nonzero(wrong) < 2:
        return ""
    # Where not all of the gradient at x is known: a step of descent that led here went along the claimed one.
    gradient = numeric if np.isfinite(numeric).all() else claimed
    order = np.argsort(-np.abs(claimed - numeric) * wrong)
    some = order[: min(6, int(np.count_nonzero(wrong)))].astype(np.intp)
    for rate in (0.1, 0.01, 0.001, 1.0, 0.05, 0.5):
        for sign in (-1.0, 1.0):
            point = x + sign * rate * gradient
            # One entry first: it costs least to see that it is another point.
            if all((np.abs(at(point, k) - claimed[k]) <= tolerance[k]).all() for k in (some[:1], some[1:])):
                mark = "-" if sign < 0 else "+"
                return f"it is right at x {mark} {rate:g}·gradient: evaluated at a stale point?"
    return ""
