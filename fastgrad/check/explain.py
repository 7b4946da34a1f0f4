"""What is wrong with a gradient, in words: for each leaf how many entries, and the pattern that explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from .patterns import words
from .patterns.entries import Entries, Guess, Mask, best, explains, rounded
from .patterns.places import PLACES
from .patterns.pointwise import POINTWISE, slightly
from .patterns.softmax import SOFTMAX
from .patterns.words import Subject, sentence

At = Callable[[Array, NDArray[np.intp]], Array]

_MOST_LEAVES = 3
_SAMPLED = 12  # entries of a leaf that speak for all of it, where not all were looked at
_MOST_LINES = 4  # rows or columns that are named
_MOST_NAMES = 3  # entries that are named
_SINGLES = 6  # entries that tell a stale point
_APART = 10.0  # tolerances that they differ by from the gradient at x


@dataclass(frozen=True)
class _Leaf:
    """A leaf, with those of its entries that are known; most of them, or all, keep their places."""

    name: str
    entries: Entries
    places: NDArray[np.intp]  # of the entries, in x
    size: int
    broken: NDArray[np.intp]  # entries that are not finite
    names: Callable[[int], str]
    alone: bool  # the count was said: x has no other leaf, or nothing else is wrong

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
        """The size of the errors beside that of the gradient."""
        e = self.entries
        known = e.usable
        size = max(float(np.linalg.norm(e.claimed[known])), float(np.linalg.norm(e.numeric[known])))
        return np.inf if self.broken.size else float(np.linalg.norm(e.error[known & e.wrong])) / (size + 1e-300)

    def name_of(self, k: int) -> str:
        return self.names(int(self.places[k]))


@np.errstate(all="ignore")
def explain(
    claimed: Array,
    numeric: Array,
    bar: Array,
    wrong: Mask,
    x: Array,
    leaves: list[tuple[str, slice, tuple[int, ...]]],
    name: Callable[[int], str],
    at: At | None = None,
) -> str:
    """What is wrong with the claimed gradient, leaf by leaf, the worst first; "" where no finite entry is wrong.

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
    found = []
    alone = len(leaves) == 1 or np.count_nonzero(wrong | ~np.isfinite(claimed)) == 1
    for leaf, where, shape in leaves:
        places = np.arange(where.start, where.stop)
        broken = places[~np.isfinite(claimed[where])]
        known = np.isfinite(numeric[where])
        if 2 * np.count_nonzero(known) < known.size:
            places = places[known]
        e = _entries(
            leaf, shape if places.size == known.size else places.shape, (claimed, numeric, bar, x), wrong, places
        )
        found.append(_Leaf(leaf, e, places, known.size, broken, name, alone))
    some = sorted((leaf for leaf in found if leaf.bad.size or leaf.broken.size), key=lambda leaf: -leaf.severity)
    if len(some) > 1:
        places = np.concatenate([leaf.places for leaf in found])
        everything = _entries("x", places.shape, (claimed, numeric, bar, x), wrong, places)
        whole = _everything(everything, found, claimed.size) or _exchanged(some) or _numbers(everything, some)
        if whole:
            return whole
    sentences = [(leaf, _sentence(leaf)) for leaf in some]
    if not all(text for _, text in sentences) and np.isfinite(claimed).all():
        # Where not all of the gradient at x is known: a step of descent that led here went along the claimed one.
        gradient = numeric if np.isfinite(numeric).all() else claimed
        stale = _stale(some, x, gradient, at)
        if stale:
            return stale
    # What is explained tells more: it is said even if it is not the worst.
    told = sorted(sorted(range(len(some)), key=lambda k: not sentences[k][1])[:_MOST_LEAVES])
    parts = [sentences[k][1] or _unexplained(some[k]) for k in told]
    if len(some) > _MOST_LEAVES:
        parts.append(words.more(len(some) - _MOST_LEAVES))
    return "; ".join(parts)


def _entries(
    leaf: str, shape: tuple[int, ...], parts: tuple[Array, ...], wrong: Mask, places: NDArray[np.intp]
) -> Entries:
    claimed, numeric, bar, x = (part[places] for part in parts)
    return Entries(leaf, shape, claimed, numeric, bar, x, wrong[places] & np.isfinite(claimed) & np.isfinite(numeric))


def _everything(e: Entries, leaves: list[_Leaf], size: int) -> str:
    """One pattern for all leaves, each of which has a wrong entry, or hides."""
    if not all(leaf.bad.size or (leaf.entries.usable.any() and leaf.entries.zero.all()) for leaf in leaves):
        return ""
    guess = best(POINTWISE, e)
    if guess is None:
        return ""
    subject = Subject(words.EVERYTHING, words.count(int(np.count_nonzero(e.wrong)), size))
    return sentence(guess.kind, subject, e.leaf, **guess.said)


def _numbers(e: Entries, leaves: list[_Leaf]) -> str:
    """One pattern for a few numbers, each a leaf of its own; none of them tells one by itself."""
    if any(leaf.size > 1 or not leaf.bad.size for leaf in leaves):
        return ""
    guess = best(POINTWISE, e.among(e.wrong))
    if guess is None:
        return ""
    inside = sorted(leaves, key=lambda leaf: int(leaf.places[0]))
    names = [leaf.name for leaf in inside[: _MOST_NAMES + 1 if len(inside) == _MOST_NAMES + 1 else _MOST_NAMES]]
    return sentence(guess.kind, Subject(words.some(names, len(inside) - len(names)), "", True), e.leaf, **guess.said)


def _exchanged(leaves: list[_Leaf]) -> str:
    """Two leaves of one shape exchanged."""
    one, two = leaves[0].entries, leaves[1].entries
    if len(leaves) != 2 or one.shape != two.shape or one.claimed.size < 2:
        return ""

    for claimed, other in ((one, two), (two, one)):
        if not explains(Guess("exchanged leaves", other.numeric, other.bar), claimed):
            return ""
    first, second = sorted(leaf.name for leaf in leaves)
    return sentence("exchanged leaves", Subject(""), first=first, second=second)


def _sentence(leaf: _Leaf) -> str:
    """The pattern of one leaf; "" where there is none."""
    e, bad = leaf.entries, leaf.bad
    if leaf.broken.size:
        return sentence("nonfinite", _some(leaf, leaf.broken))
    if bad.size == 1:
        return _single(leaf)
    if e.independent[bad].all():
        return _no_dependence(leaf)
    patterns = (*POINTWISE, *PLACES, *SOFTMAX) if leaf.complete else POINTWISE
    guess = best(patterns, e) if leaf.complete or np.count_nonzero(e.usable) >= _SAMPLED else None
    if guess is not None:
        subject = Subject(leaf.name, leaf.count)
        return _said(guess, leaf, subject)
    for subject, where in _parts(leaf):
        guess = best(POINTWISE, e.among(where))
        if guess is not None:
            return _said(guess, leaf, subject)
    return ""


def _said(guess: Guess, leaf: _Leaf, subject: Subject) -> str:
    said = dict(guess.said)
    kind = guess.kind
    if kind == "exchanged":
        said["first"], said["second"] = (leaf.name_of(k) for k in leaf.bad)
    if kind == "zero" and subject.text != leaf.name and subject.plural:
        kind = "masked"
    return sentence(kind, subject, leaf.name, **said)


def _single(leaf: _Leaf) -> str:
    """One wrong entry, which speaks for itself alone; but a pattern of softmax holds for the others, too."""
    e, k = leaf.entries, int(leaf.bad[0])
    guess = best(SOFTMAX, e) if leaf.complete and e.usable.all() else None
    if guess is not None and guess.kind == "p":
        return sentence("p", Subject(leaf.name, leaf.count))
    subject = Subject(leaf.name_of(k), leaf.count)
    one = e.among(slice(k, k + 1))
    if one.independent[0]:
        return sentence("no dependence", subject)
    guess = best(POINTWISE, one)
    if guess is not None and guess.kind in ("zero", "sign"):
        return sentence(guess.kind, subject)
    factor = float(e.claimed[k] / e.numeric[k])
    kind = "sign" if abs(factor + 1) < 1e-3 else "single"
    if abs(factor - 1) < 0.01:
        return sentence("slight single", subject, slight=slightly(factor))
    bar = float(one.tolerance(one.claimed, one.bar)[0] / abs(e.numeric[k]))
    return sentence(kind, subject, factor=rounded(factor, bar))


def _no_dependence(leaf: _Leaf) -> str:
    """All wrong entries are where f does not depend on its coordinate."""
    e = leaf.entries
    others = e.usable & ~e.wrong
    kind = "unmasked" if (others & ~e.zero).any() else "no dependence"
    subject = Subject(leaf.name, leaf.count) if leaf.complete and e.wrong.all() else _some(leaf, leaf.places[leaf.bad])
    return sentence(kind, subject)


def _some(leaf: _Leaf, places: NDArray[np.intp]) -> Subject:
    """Entries that have something in common."""
    if places.size == 1:
        return Subject(leaf.names(int(places[0])), leaf.count)
    shown = places.size if places.size <= _MOST_NAMES + 1 else _MOST_NAMES
    names = [leaf.names(int(k)) for k in places[:shown]]
    return Subject(words.some(names, places.size - shown), leaf.count, True)


def _parts(leaf: _Leaf) -> list[tuple[Subject, Mask]]:
    """Rows, or columns, that all wrong entries are in; and these entries themselves."""
    e = leaf.entries
    parts: list[tuple[Subject, Mask]] = []
    for axis, what, some in _lines(leaf):
        text, plural = words.lines(what, some.tolist(), leaf.name)
        where = np.zeros(e.shape, dtype=bool)
        np.moveaxis(where, axis, 0)[some] = True
        parts.append((Subject(text, leaf.count, plural), where.ravel()))
    parts.append((_some(leaf, leaf.places[leaf.bad]), e.wrong))
    return parts


def _lines(leaf: _Leaf) -> list[tuple[int, str, NDArray[np.intp]]]:
    """Axis, "row" or "column" and the indices of a few lines that are mostly wrong, while the others are right."""
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


def _unexplained(leaf: _Leaf) -> str:
    """Where the errors are, at least."""
    e = leaf.entries
    severity = np.where(e.wrong, np.abs(e.error) / (e.bar + 1e-300), -1.0)
    worst = leaf.name_of(int(np.argmax(np.nan_to_num(severity, nan=-1.0, posinf=1e300))))
    lines = _lines(leaf)
    if lines:
        _, what, some = lines[0]
        text, plural = words.lines(what, some.tolist(), leaf.name)
        return sentence("none", Subject(text, leaf.count, plural), worst=worst)
    return sentence("none of all" if leaf.alone else "none", Subject(leaf.name, leaf.count), worst=worst)


def _stale(leaves: list[_Leaf], x: Array, gradient: Array, at: At | None) -> str:
    """Whether the claimed gradient is right at a point a step of descent away."""
    telling = [_telling(leaf) for leaf in leaves]
    if at is None or sum(map(len, telling)) < 2 or not all(telling):
        return ""
    first = sorted(each[0] for each in telling)
    rest = sorted(entry for each in telling for entry in each[1:])
    some = (first + rest)[: max(_SINGLES, min(len(first), 2 * _SINGLES))]
    places, claimed, tolerance = (np.array(column) for column in list(zip(*some, strict=True))[1:])
    for rate in (0.1, 0.01, 0.001, 1.0, 0.05, 0.5):
        for sign in (-1.0, 1.0):
            point = x + sign * rate * gradient
            # One entry first: it costs least to see that it is another point.
            for part in (slice(1), slice(1, None)):
                if not (np.abs(at(point, places[part]) - claimed[part]) <= tolerance[part]).all():
                    break
            else:
                return sentence("stale", Subject(""), sign="-" if sign < 0 else "+", rate=f"{rate:g}")
    return ""


def _telling(leaf: _Leaf) -> list[tuple[float, int, float, float]]:
    """The entries of a leaf farthest from the gradient at x: how far (negative), which, the claim, its tolerance."""
    e = leaf.entries
    tolerance = e.tolerance(e.claimed, e.bar)
    # What differs by little more than the tolerance would fit points close to x, too.
    apart = np.where(e.wrong & (np.abs(e.error) > _APART * tolerance), np.abs(e.error) / tolerance, 0.0)
    order = np.argsort(-apart)[:_SINGLES]
    return [
        (-float(apart[k]), int(leaf.places[k]), float(e.claimed[k]), float(tolerance[k])) for k in order if apart[k]
    ]
