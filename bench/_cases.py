"""A function at a point, with its exact gradient: what `study` takes, where no formula is needed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """A function at one point; digits are relative to its gradient where nothing else is said."""

    name: str
    f: Callable[[np.ndarray], float]
    point: np.ndarray
    gradient: np.ndarray
    relative_to: np.ndarray | None = None


def remembered(method):
    """The method, asked once for each function: for several rows of the same ones."""
    known = {}

    def again(f, x):
        if f not in known:
            known[f] = method(f, x)
        return known[f]

    return again
