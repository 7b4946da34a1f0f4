"""Whether a claimed gradient is right at another point: before, or after, a step of descent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from .leaves import Leaf
from .patterns.words import Subject, sentence

At = Callable[[Array, NDArray[np.intp]], Array]

_RATES = (0.1, 0.01, 0.001, 1.0, 0.05, 0.5)
_TOLD = 6  # entries that are compared at another point
_SURE = 1e-5  # of an entry, since plain differences elsewhere have no error bars
_APART = 3.0  # tolerances by which entries differ from the gradient at x
_ENOUGH = 5.0  # digits that agree


def stale_point(leaves: list[Leaf], x: Array, gradient: Array, at: At | None) -> str:
    """Whether the claimed gradient is right at a point a step of descent away."""
    telling = [_telling(leaf) for leaf in leaves]
    if at is None or not all(telling):
        return ""
    first = sorted(each[0] for each in telling)
    rest = sorted(entry for each in telling for entry in each[1:])
    some = (first + rest)[: max(_TOLD, min(len(first), 2 * _TOLD))]
    if len(some) < 2 or np.log10([-each[0] for each in some]).sum() < _ENOUGH:
        return ""
    places, claimed, tolerance = (np.array(column) for column in list(zip(*some, strict=True))[1:])
    for rate in _RATES:
        for sign in (-1.0, 1.0):
            point = x + sign * rate * gradient
            # One entry first: it rules out most points at the least cost.
            for part in (slice(1), slice(1, None)):
                if not (np.abs(at(point, places[part]) - claimed[part]) <= tolerance[part]).all():
                    break
            else:
                return sentence("stale", Subject(""), sign="-" if sign < 0 else "+", rate=f"{rate:g}")
    return ""


def _telling(leaf: Leaf) -> list[tuple[float, int, float, float]]:
    """The entries of a leaf farthest from the gradient at x: minus the distance, index, claim, and its tolerance."""
    e = leaf.entries
    tolerance = e.tolerance(e.claimed, e.bar) + _SURE * np.abs(e.claimed)
    # Entries that differ by little more than the tolerance would fit points close to x, too.
    apart = np.where(e.wrong & (np.abs(e.error) > _APART * tolerance), np.abs(e.error) / tolerance, 0.0)
    order = np.argsort(-apart)[:_TOLD]
    return [
        (-float(apart[k]), int(leaf.places[k]), float(e.claimed[k]), float(tolerance[k])) for k in order if apart[k]
    ]
