"""Patterns of a whole leaf: the right entries in the wrong places, or sums of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ...core.point import Array
from .entries import Entries, Guess, Pattern

_MOST_AXES = 4


def _moved(kind: str, e: Entries, move: Callable[[Array], Array], **said: str) -> Guess:
    """The derivatives, and their bars, in other places."""
    values, bar = (np.asarray(move(each.reshape(e.shape))).ravel() for each in (e.numeric, e.bar))
    return Guess(kind, values, bar, 0, 0.0, said)


def transposed(e: Entries) -> Iterator[Guess]:
    """Two axes exchanged; where the shape forbids that, also reshaped."""
    axes = len(e.shape)
    if axes == 2 and min(e.shape) > 1:
        if e.shape[0] == e.shape[1]:
            yield _moved("transposed", e, np.transpose)
        else:
            yield _moved("reshaped", e, lambda a: a.ravel(order="F"))
            yield _moved("reshaped", e, lambda a: a.ravel().reshape(e.shape[::-1]).T)
    elif 2 < axes <= _MOST_AXES:
        for one, two in itertools.combinations(range(axes), 2):
            if e.shape[one] == e.shape[two] > 1:
                swapped = partial(np.swapaxes, axis1=one, axis2=two)
                yield _moved("swapped axes", e, swapped, axes=f"{one} and {two}")


def shifted(e: Entries) -> Iterator[Guess]:
    """All entries one place on, or back; what came in at the end may be anything."""
    axes = len(e.shape)
    if e.claimed.size > 2:
        for by in (1, -1):
            yield Guess("shifted", _roll(e.numeric, by, 0), _roll(e.bar, by, 0), 0, 0.0, {"what": "entry"})
    if 1 < axes <= _MOST_AXES:
        for axis, by in itertools.product(range(axes), (1, -1)):
            if e.shape[axis] > 2:
                what = ("row", "column")[axis] if axes == 2 else f"place along axis {axis}"
                yield _moved("shifted", e, partial(_roll, by=by, axis=axis), what=what)


def _roll(values: Array, by: int, axis: int) -> Array:
    """Shifted along an axis; NaN where nothing came in."""
    found = np.roll(values, by, axis)
    np.moveaxis(found, axis, 0)[0 if by > 0 else -1] = np.nan
    return found


def reversed_(e: Entries) -> Iterator[Guess]:
    """Flipped, along all or some of the axes."""
    if e.claimed.size > 2:
        yield _moved("reversed", e, lambda a: a.ravel()[::-1])
    axes = [axis for axis in range(len(e.shape)) if e.shape[axis] > 1]
    if 1 < len(e.shape) <= _MOST_AXES:
        for count in range(1, len(axes)):
            for some in itertools.combinations(axes, count):
                where = ("axis " if count == 1 else "axes ") + " and ".join(map(str, some))
                yield _moved("flipped", e, partial(np.flip, axis=some), axes=where)


def exchanged(e: Entries) -> Iterator[Guess]:
    """Two entries, two rows or two columns exchanged."""
    wrong = np.flatnonzero(e.wrong)
    if wrong.size == 2:
        order = np.arange(e.claimed.size)
        order[wrong] = wrong[::-1]
        yield Guess("exchanged", e.numeric[order], e.bar[order])
    if len(e.shape) != 2:
        return
    for axis, what in enumerate(("row", "column")):
        some = np.flatnonzero(e.wrong.reshape(e.shape).any(axis=1 - axis))
        if some.size == 2 < e.shape[axis]:
            order = np.arange(e.shape[axis])
            order[some] = some[::-1]
            said = {"what": f"{what}s {some[0]} and {some[1]}"}
            yield _moved("exchanged lines", e, partial(np.take, indices=order, axis=axis), **said)


def permuted(e: Entries) -> Iterator[Guess]:
    """The right values in any other order."""
    wrong = np.flatnonzero(e.wrong & e.usable)
    if wrong.size < 3:
        return
    ranks = np.empty(wrong.size, dtype=np.intp)
    ranks[np.argsort(e.claimed[wrong])] = np.arange(wrong.size)
    order = np.arange(e.claimed.size)
    order[wrong] = wrong[np.argsort(e.numeric[wrong])][ranks]
    # Of so many orders one fits by chance more easily.
    yield Guess("permuted", e.numeric[order], e.bar[order], 0, math.lgamma(wrong.size + 1) / math.log(10))


def broadcast(e: Entries) -> Iterator[Guess]:
    """Every entry is a sum, or a mean, along an axis, or of all."""
    axes = len(e.shape)
    if e.claimed.size < 2 or axes > _MOST_AXES:
        return
    along: list[tuple[int | None, str]] = [(None, "all entries")]
    if axes > 1:
        names = ("its column", "its row") if axes == 2 else tuple(f"its line along axis {axis}" for axis in range(axes))
        along += [(axis, names[axis]) for axis in range(axes) if e.shape[axis] > 1]
    for (axis, what), (of, key) in itertools.product(along, ((np.sum, "sum"), (np.mean, "mean"))):
        yield _moved("broadcast", e, partial(_spread, axis=axis, of=of), of_what=key, what=what)


def _spread(values: Array, axis: int | None, of: Callable[..., Array]) -> Array:
    """A sum or a mean along an axis, in every place."""
    return np.broadcast_to(of(values, axis=axis, keepdims=True), values.shape)


def equal(e: Entries) -> Iterator[Guess]:
    """Entries, rows or columns are all equal, which derivatives are not."""
    axes = len(e.shape)
    if e.claimed.size < 3 or axes > 2:
        return
    claimed = e.claimed.reshape(e.shape)
    for axis in range(axes):
        if e.shape[axis] > 1:
            same = np.broadcast_to(np.mean(claimed, axis=axis, keepdims=True), e.shape).ravel()
            what = "entries" if axes == 1 else ("rows", "columns")[axis]
            parameters = e.claimed.size // e.shape[axis]
            yield Guess("equal", same, np.zeros_like(e.bar), parameters, 0.0, {"what": what})


PLACES: tuple[Pattern, ...] = (transposed, shifted, exchanged, reversed_, broadcast, permuted, equal)
