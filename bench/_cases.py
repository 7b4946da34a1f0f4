"""A function at a point, with its exact gradient: what `study` takes, where no formula is needed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    """A function at one point."""

    name: str
    f: Callable[[np.ndarray], float]
    point: np.ndarray
    gradient: np.ndarray
