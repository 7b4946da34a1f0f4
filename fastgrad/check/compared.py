"""Entries of a claimed derivative beside their differences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..methods.adaptive import KINK
from .looks import margin_of

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


class Compared(NamedTuple):
    """Entries (outputs, coordinates) beside their differences."""

    coordinates: Indices  # of the columns
    claimed: Array
    numeric: Array
    bar: Array
    left: Array
    right: Array  # slopes beside x
    flags: NDArray[np.intc]
    wrong: Mask
    undecided: Mask
    level: Array  # noise of f, (outputs,)
    accepted: Array  # what entries may differ by

    @property
    def resolution(self) -> float:
        """The largest error that could have gone unseen in an entry."""
        unseen = np.where(np.isfinite(self.bar), (1.0 + margin_of(self.bar.size)) * self.bar + self.accepted, 0.0)
        return float(unseen.max(initial=0.0))

    @property
    def kink(self) -> Mask:
        """Where the slopes on both sides of x differ."""
        return np.asarray(self.flags & KINK != 0)
