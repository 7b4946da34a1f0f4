"""Entries of a claimed derivative, with the finite differences that they are compared with."""

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
    """Entries (outputs, coordinates), with the finite differences that they are compared with."""

    coordinates: Indices  # of the columns
    claimed: Array
    numeric: Array
    bar: Array
    left: Array
    right: Array  # slopes on both sides of x
    flags: NDArray[np.intc]
    wrong: Mask
    undecided: Mask
    level: Array  # noise of f, (outputs,)
    accepted: Array  # the difference that is accepted in each entry

    @property
    def resolution(self) -> float:
        """The largest error that could have gone unseen in an entry."""
        unseen = np.where(np.isfinite(self.bar), (1.0 + margin_of(self.bar.size)) * self.bar + self.accepted, 0.0)
        return float(unseen.max(initial=0.0))

    @property
    def kink(self) -> Mask:
        """Where the slopes on both sides of x differ."""
        return np.asarray(self.flags & KINK != 0)
