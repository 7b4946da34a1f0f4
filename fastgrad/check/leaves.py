"""Leaves of a gradient with wrong entries, and the parts of them that a sentence may describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from .patterns import words
from .patterns.entries import Entries, Mask
from .patterns.words import Subject

MOST_NAMES = 3  # entries that are named
_MOST_LINES = 4  # rows or columns that are named


@dataclass(frozen=True)
class Leaf:
    """A leaf, with its entries whose derivatives are known; if these are half or more, all entries are kept."""

    name: str
    entries: Entries
    places: NDArray[np.intp]  # of the entries, in x
    size: int
    broken: NDArray[np.intp]  # entries that are not finite
    names: Callable[[int], str]
    alone: bool  # the count is stated elsewhere: x has no other leaf, or nothing else is wrong

    @property
    def complete(self) -> bool:
        return self.places.size == self.size

    @property
    def count(self) -> str:
        if self.alone or self.size == 1:
            return ""
        return words.count(self.bad.size + self.broken.size, self.size)

    @property
    def bad(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.entries.wrong)

    @property
    def severity(self) -> float:
        """The size of the errors relative to that of the gradient."""
        e = self.entries
        known = e.usable
        size = max(float(np.linalg.norm(e.claimed[known])), float(np.linalg.norm(e.numeric[known])))
        return np.inf if self.broken.size else float(np.linalg.norm(e.error[known & e.wrong])) / (size + 1e-300)

    def name_of(self, k: int) -> str:
        return self.names(int(self.places[k]))


def leaf_of(
    leaf: str,
    where: slice,
    shape: tuple[int, ...],
    parts: tuple[Array, ...],
    wrong: Mask,
    name: Callable[[int], str],
    alone: bool,
) -> Leaf:
    """A leaf; `parts` are the claimed entries, their derivatives, their error bars and x."""
    claimed, numeric = parts[:2]
    places = np.arange(where.start, where.stop)
    broken = places[~np.isfinite(claimed[where])]
    known = np.isfinite(numeric[where])
    if 2 * np.count_nonzero(known) < known.size:
        places, shape = places[known], (int(np.count_nonzero(known)),)
    return Leaf(leaf, entries_at(leaf, shape, parts, wrong, places), places, known.size, broken, name, alone)


def entries_at(
    leaf: str, shape: tuple[int, ...], parts: tuple[Array, ...], wrong: Mask, places: NDArray[np.intp]
) -> Entries:
    """The entries at some places in x."""
    claimed, numeric, bar, x = (part[places] for part in parts)
    return Entries(leaf, shape, claimed, numeric, bar, x, wrong[places] & np.isfinite(claimed) & np.isfinite(numeric))


def some_of(leaf: Leaf, places: NDArray[np.intp]) -> Subject:
    """Some entries as the subject of a sentence."""
    if places.size == 1:
        return Subject(leaf.names(int(places[0])), leaf.count)
    shown = places.size if places.size <= MOST_NAMES + 1 else MOST_NAMES
    names = [leaf.names(int(k)) for k in places[:shown]]
    return Subject(words.some(names, places.size - shown), leaf.count, True)


def parts_of(leaf: Leaf) -> list[tuple[Subject, Mask]]:
    """Rows or columns that contain all wrong entries, and the wrong entries themselves."""
    e = leaf.entries
    parts: list[tuple[Subject, Mask]] = []
    for axis, what, some in lines_of(leaf):
        text, plural = words.lines(what, some.tolist(), leaf.name)
        where = np.zeros(e.shape, dtype=bool)
        np.moveaxis(where, axis, 0)[some] = True
        parts.append((Subject(text, leaf.count, plural), where.ravel()))
    parts.append((some_of(leaf, leaf.places[leaf.bad]), e.wrong))
    return parts


def lines_of(leaf: Leaf) -> list[tuple[int, str, NDArray[np.intp]]]:
    """Axis, "row" or "column", and the indices of a few lines that are mostly wrong, while the others are right."""
    e = leaf.entries
    if not leaf.complete or len(e.shape) != 2 or min(e.shape) < 2:
        return []
    wrong = e.wrong.reshape(e.shape)
    found = []
    for axis, what in enumerate(("row", "column")):
        share = wrong.mean(axis=1 - axis)
        some = np.flatnonzero(share > 0)
        if some.size <= min(_MOST_LINES, e.shape[axis] - 1) and (share[some] > 0.5).all():
            found.append((axis, what, some))
    return found
