"""Whether a pattern lacks an entry, or rows are off: a Jacobian and f along a direction; when a plan's are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array

Evaluate = Callable[[Array], Array]
"""Values (b, outputs) at points (b, n)."""

EVALUATIONS = 2
"""Of f, for one comparison."""

SEVERAL = -1
"""Columns that change a row only together."""

SHARE = 0.05
"""Where a comparison costs at most so much of a Jacobian, each is compared."""

RARELY = 0.01
"""Else comparisons cost so much of all, but for the first, and those after a jump of x."""

JUMP = 0.5
"""A coordinate has jumped where it moved by so much of its size: f may take another branch there."""

_LEAST_SIZE = 1e-3
"""Of a coordinate, as a part of the largest one."""

_BLOCK = 4096
"""Coordinates that are compared with where they were, together."""

_ROWS = 8
"""So many rows, of those that the comparison finds farthest off, are looked at."""

_TRUNCATION = 1e-3
"""What an entry may be off by; one that is missing is off by all of itself."""


_NONE = np.empty(0, dtype=np.intp)


class Lacking(NamedTuple):
    """An entry that a pattern lacks; the column is SEVERAL where they change the row only together."""

    row: int
    column: int


class Comparisons:
    """When the Jacobians of a plan are compared with f: the first one, then as often as is cheap, and where x jumps."""

    def __init__(self) -> None:
        self._last: Array | None = None
        self._least = self._since = 0.0

    def is_due(self, x: Array, evaluations: int) -> bool:
        """Whether the Jacobian at x, which costs so many evaluations, is to be compared."""
        self._since += evaluations
        last = self._last
        if last is None or max(SHARE * evaluations, RARELY * self._since) >= EVALUATIONS:
            return True
        blocks = (slice(start, start + _BLOCK) for start in range(0, x.size, _BLOCK))
        return any(_jumps(last[block], x[block], self._least) for block in blocks)

    def note(self, x: Array) -> None:
        """The Jacobian at x was compared, and had all entries."""
        with np.errstate(all="ignore"):
            self._last, self._least, self._since = x.copy(), _LEAST_SIZE * float(np.abs(x).max(initial=0.0)), 0.0


def _jumps(last: Array, x: Array, least: float) -> bool:
    with np.errstate(all="ignore"):
        moved = np.abs(x - last)
        if moved.max() <= JUMP * least:
            return False
        return bool((moved > JUMP * np.maximum(np.maximum(np.abs(x), np.abs(last)), least)).any())


class Compared(NamedTuple):
    """What a comparison has shown: an entry that is missing, or else rows that are off, in the order of how far."""

    lacking: Lacking | None
    off: NDArray[np.intp]


def compared(
    at_points: Evaluate, found: Any, x: Array, v: Array, seen: Array, rounding: Array, curvature: Array | float
) -> Compared:
    """What a Jacobian lacks, by the difference `seen` of f for a short move v.

    Where the product with v differs from what was seen, the coordinates outside the row's pattern are moved: a row that
    does not depend on them has all its entries, and is off for another reason.
    """
    with np.errstate(all="ignore"):
        off = np.abs(seen - found @ v) - (_TRUNCATION * (abs(found) @ np.abs(v)) + rounding + curvature)
        off = np.nan_to_num(off, nan=-np.inf, posinf=np.inf)
    rows = np.flatnonzero(off > 0)
    if not rows.size:
        return Compared(None, rows)
    rows = rows[np.argsort(-off[rows], kind="stable")]
    at_x = at_points(x.reshape(1, -1))[0]
    for row in rows[:_ROWS]:
        column = _column(at_points, found, int(row), x, x + v, at_x[row], rounding[row])
        if column is not None:
            return Compared(Lacking(int(row), column), _NONE)
    return Compared(None, rows)


def _column(
    at_points: Evaluate, found: Any, row: int, x: Array, end: Array, at_x: float, rounding: float
) -> int | None:
    """The column that a row's pattern lacks, by halving; None if the row depends on none."""
    outside = np.setdiff1d(np.arange(x.size), found.indices[found.indptr[row] : found.indptr[row + 1]])

    def changes(where: Any) -> bool:
        moved = np.stack([x, x])
        moved[0, where] = end[where]
        there, again = at_points(moved)[:, row]
        # The values of an f that is not deterministic say nothing.
        return bool(abs(there - at_x) > rounding and again == at_x)

    if not outside.size or not changes(outside):
        return None
    while outside.size > 1:
        half = outside[: outside.size // 2]
        outside = half if changes(half) else outside[outside.size // 2 :]
    return int(outside[0]) if changes(outside) else SEVERAL
