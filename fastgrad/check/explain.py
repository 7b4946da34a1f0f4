"""What is wrong with a gradient, in words: for each leaf how many entries, and the pattern that explains them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from .patterns import words
from .patterns.entries import Entries, Guess, Mask, best
from .patterns.places import PLACES
from .patterns.pointwise import POINTWISE, slightly
from .patterns.softmax import SOFTMAX
from .patterns.words import Subject, sentence

At = Callable[[Array, NDArray[np.intp]], Array]

_MOST_LEAVES = 3
_SAMPLED = 12  # entries of a leaf that speak for all of it, where not all were looked at
_MOST_LINES = 4  # rows or columns that are named
_SINGLES = 6  # entries that tell a stale point


@dataclass(frozen=True)
class _Leaf:
    """A leaf with something wrong."""

    name: str
    where: slice
    entries: Entries
    names: Callable[[int], str]  # of entries within the leaf
    broken: int  # entries that are not finite
    alone: bool  # x has no other leaf, so that the count was said

    @property
    def count(self) -> str:
        size = self.entries.claimed.size
        return "" if self.alone or size == 1 else words.count(self.bad.size + self.broken, size)

    @property
    def bad(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.entries.wrong)

    @property
    def severity(self) -> float:
        """The size of the errors beside that of the gradient."""
        e = self.entries
        known = e.usable
        size = max(float(np.linalg.norm(e.claimed[known])), float(np.linalg.norm(e.numeric[known])))
        return np.inf if self.broken else float(np.linalg.norm(e.error[known & e.wrong])) / (size + 1e-300)


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
    everything = Entries("x", claimed.shape, claimed, numeric, bar, x, wrong & ~np.isnan(numeric))
    found = [
        _Leaf(
            leaf,
            where,
            Entries(leaf, shape, claimed[where], numeric[where], bar[where], x[where], everything.wrong[where]),
            lambda k, where=where: name(k + where.start),
            int(np.count_nonzero(~np.isfinite(claimed[where]))),
            len(leaves) == 1,
        )
        for leaf, where, shape in leaves
    ]
    some = sorted((leaf for leaf in found if leaf.bad.size or leaf.broken), key=lambda leaf: -leaf.severity)
    if len(some) > 1:
        whole = _everything(everything, found) or _exchanged(some)
        if whole:
            return whole
    sentences = [(leaf, _sentence(leaf)) for leaf in some]
    if not all(text for _, text in sentences) and np.isfinite(claimed).all():
        stale = _stale(everything, some, at)
        if stale:
            return stale
    parts = [text or _unexplained(leaf) for leaf, text in sentences[:_MOST_LEAVES]]
    if len(some) > _MOST_LEAVES:
        parts.append(words.more(len(some) - _MOST_LEAVES))
    return "; ".join(parts)


def _everything(e: Entries, leaves: list[_Leaf]) -> str:
    """One pattern for all leaves, each of which has a wrong entry, or hides."""
    if not all(leaf.bad.size or (leaf.entries.usable.any() and leaf.entries.zero.all()) for leaf in leaves):
        return ""
    guess = best(POINTWISE, e)
    if guess is None or guess.kind == "zero":
        return ""
    subject = Subject(words.EVERYTHING, words.count(np.count_nonzero(e.wrong), e.claimed.size))
    return sentence(guess.kind, subject, e.leaf, **guess.said)


def _exchanged(leaves: list[_Leaf]) -> str:
    """Two leaves of one shape exchanged."""
    one, two = leaves[0].entries, leaves[1].entries
    if len(leaves) != 2 or one.shape != two.shape or one.claimed.size < 2:
        return ""

    def of(a: Entries, b: Entries) -> bool:
        return best((lambda _: iter([Guess("exchanged leaves", b.numeric, b.bar)]),), a) is not None

    if not (of(one, two) and of(two, one)):
        return ""
    first, second = sorted(leaf.name for leaf in leaves)
    return sentence("exchanged leaves", Subject(""), first=first, second=second)


def _sentence(leaf: _Leaf) -> str:
    """The pattern of one leaf; "" where there is none."""
    e, bad = leaf.entries, leaf.bad
    if leaf.broken:
        broken = np.flatnonzero(~np.isfinite(e.claimed))
        return sentence("nonfinite", _some(leaf, broken))
    if bad.size == 1:
        return _single(leaf)
    if e.zero[bad].all():
        return _no_dependence(leaf)
    whole = np.isfinite(e.numeric).all() or np.count_nonzero(e.usable) >= _SAMPLED
    guess = best((*POINTWISE, *PLACES, *SOFTMAX), e) if whole else None
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
        said["first"], said["second"] = (leaf.names(int(k)) for k in leaf.bad)
    if kind == "zero" and subject.text != leaf.name and subject.plural:
        kind = "masked"
    return sentence(kind, subject, leaf.name, **said)


def _single(leaf: _Leaf) -> str:
    """One wrong entry, which speaks for itself alone; but a pattern of softmax holds for the others, too."""
    e, k = leaf.entries, int(leaf.bad[0])
    guess = best(SOFTMAX, e) if e.usable.all() and e.claimed.size > 1 else None
    if guess is not None and guess.kind == "p":
        return sentence("p", Subject(leaf.name, leaf.count))
    subject = Subject(leaf.names(k), leaf.count)
    one = e.among(slice(k, k + 1))
    if one.zero[0]:
        return sentence("no dependence", subject)
    guess = best(POINTWISE, one)
    if guess is not None and guess.kind in ("zero", "sign"):
        return sentence(guess.kind, subject)
    factor = float(e.claimed[k] / e.numeric[k])
    kind = "sign" if abs(factor + 1) < 1e-3 else "single"
    if abs(factor - 1) < 0.01:
        return sentence("slight single", subject, slight=slightly(factor))
    return sentence(kind, subject, factor=f"{factor:.4g}")


def _no_dependence(leaf: _Leaf) -> str:
    """All wrong entries are where f does not depend on its coordinate."""
    e = leaf.entries
    others = e.usable & ~e.wrong
    kind = "unmasked" if (others & ~e.zero).any() else "no dependence"
    subject = Subject(leaf.name, leaf.count) if e.wrong.all() else _some(leaf, leaf.bad)
    return sentence(kind, subject)


def _some(leaf: _Leaf, indices: NDArray[np.intp]) -> Subject:
    first = leaf.names(int(indices[0]))
    if indices.size == 1:
        return Subject(first, leaf.count)
    text = words.some(indices.size, leaf.name, first)
    return Subject(text, "", True)


def _parts(leaf: _Leaf) -> list[tuple[Subject, Mask]]:
    """Rows, or columns, that all wrong entries are in; and these entries themselves."""
    e = leaf.entries
    parts: list[tuple[Subject, Mask]] = []
    for axis, what, some in _lines(e):
        text, plural = words.lines(what, some.tolist(), leaf.name)
        where = np.zeros(e.shape, dtype=bool)
        np.moveaxis(where, axis, 0)[some] = True
        parts.append((Subject(text, leaf.count, plural), where.ravel()))
    parts.append((_some(leaf, leaf.bad), e.wrong))
    return parts


def _lines(e: Entries) -> list[tuple[int, str, NDArray[np.intp]]]:
    """Axis, "row" or "column" and the indices of a few lines that are mostly wrong, while the others are right."""
    if len(e.shape) != 2 or min(e.shape) < 2 or not np.isfinite(e.numeric).all():
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
    worst = leaf.names(int(np.argmax(np.nan_to_num(severity, nan=-1.0, posinf=1e300))))
    lines = _lines(e)
    if lines:
        _, what, some = lines[0]
        text, plural = words.lines(what, some.tolist(), leaf.name)
        return sentence("none", Subject(text, leaf.count, plural), worst=worst)
    return sentence("none of all" if leaf.alone else "none", Subject(leaf.name, leaf.count), worst=worst)


def _stale(e: Entries, leaves: list[_Leaf], at: At | None) -> str:
    """Whether the claimed gradient is right at a point a step of descent away."""
    if at is None or np.count_nonzero(e.wrong) < 2:
        return ""
    # Where not all of the gradient at x is known: a step of descent that led here went along the claimed one.
    gradient = e.numeric if np.isfinite(e.numeric).all() else e.claimed
    tolerance = e.tolerance(e.claimed, e.bar)
    # What differs by little more than the tolerance from the gradient at x would fit close points, too.
    sure = np.where(e.wrong & e.usable & (np.abs(e.error) > 10 * tolerance), np.abs(e.error) / tolerance, 0.0)
    worst = [leaf.where.start + int(np.argmax(sure[leaf.where])) for leaf in leaves]
    order = [k for k in dict.fromkeys([*worst, *np.argsort(-sure).tolist()]) if sure[k] > 0]
    some = np.array(order[: max(_SINGLES, min(len(worst), 2 * _SINGLES))], dtype=np.intp)
    if some.size < 2 or any(sure[k] == 0 for k in worst):
        return ""
    for rate in (0.1, 0.01, 0.001, 1.0, 0.05, 0.5):
        for sign in (-1.0, 1.0):
            point = e.x + sign * rate * gradient
            # One entry first: it costs least to see that it is another point.
            if all((np.abs(at(point, k) - e.claimed[k]) <= tolerance[k]).all() for k in (some[:1], some[1:])):
                return sentence("stale", Subject(""), sign="-" if sign < 0 else "+", rate=f"{rate:g}")
    return ""
