"""What is wrong with a gradient, in words: for each leaf the number of wrong entries, and a pattern if there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..core.point import Array
from .leaves import MOST_NAMES, Leaf, entries_at, leaf_of, lines_of, parts_of, some_of
from .patterns import words
from .patterns.entries import Entries, Guess, Mask, best, explains, rounded
from .patterns.places import PLACES
from .patterns.pointwise import POINTWISE, slightly
from .patterns.softmax import SOFTMAX
from .patterns.words import Subject, sentence
from .stale import At, stale_point

_MOST_LEAVES = 3
_SAMPLED = 12  # entries of a leaf that are enough to explain all of it, where not all were compared


@np.errstate(all="ignore")
def explain(
    claimed: Array,
    numeric: Array,
    bar: Array,
    wrong: Mask,
    x: Array,
    leaves: Sequence[tuple[str, slice, tuple[int, ...]]],
    name: Callable[[int], str],
    at: At | None = None,
) -> str:
    """What is wrong with the claimed gradient, leaf by leaf, the worst first; "" where no finite entry is wrong.

    Parameters
    ----------
    claimed, numeric, bar, x : ndarray
        Values of all entries, flat; numeric is NaN where it is not known.
    wrong : ndarray of bool
    leaves : list of (name, slice, shape)
    name : callable
        The name of an entry.
    at : callable, optional
        ``at(point, indices)`` gives the numeric derivatives of these entries at another point.
    """
    parts = claimed, numeric, bar, x
    alone = len(leaves) == 1 or np.count_nonzero(wrong | ~np.isfinite(claimed)) == 1
    found = [leaf_of(*leaf, parts, wrong, name, alone) for leaf in leaves]
    some = sorted((leaf for leaf in found if leaf.bad.size or leaf.broken.size), key=lambda leaf: -leaf.severity)
    if len(some) > 1:
        places = np.concatenate([leaf.places for leaf in found])
        everything = entries_at("x", places.shape, parts, wrong, places)
        whole = _everything(everything, found, claimed.size) or _exchanged(some) or _numbers(everything, some)
        if whole:
            return whole
    sentences = [(leaf, _sentence(leaf)) for leaf in some]
    if not all(text for _, text in sentences) and np.isfinite(claimed).all():
        # Where the gradient at x is not known completely, assume that the step of descent went along the claimed one.
        gradient = numeric if np.isfinite(numeric).all() else claimed
        stale = stale_point(some, x, gradient, at)
        if stale:
            return stale
    # A leaf with a pattern is more informative, so it is described even if it is not among the worst.
    told = sorted(sorted(range(len(some)), key=lambda k: not sentences[k][1])[:_MOST_LEAVES])
    said = [sentences[k][1] or _unexplained(some[k]) for k in told]
    if len(some) > _MOST_LEAVES:
        said.append(words.more(len(some) - _MOST_LEAVES))
    return "; ".join(said)


def _everything(e: Entries, leaves: list[Leaf], size: int) -> str:
    """One pattern for all leaves, each of which has a wrong entry, or derivatives that are all 0."""
    if not all(leaf.bad.size or (leaf.entries.usable.any() and leaf.entries.zero.all()) for leaf in leaves):
        return ""
    guess = best(POINTWISE, e)
    if guess is None:
        return ""
    subject = Subject(words.EVERYTHING, words.count(int(np.count_nonzero(e.wrong)), size))
    return sentence(guess.kind, subject, e.leaf, **guess.said)


def _numbers(e: Entries, leaves: list[Leaf]) -> str:
    """One pattern for several numbers, each a leaf of its own, since one number alone shows no pattern."""
    if any(leaf.size > 1 or not leaf.bad.size for leaf in leaves):
        return ""
    guess = best(POINTWISE, e.among(e.wrong))
    if guess is None:
        return ""
    inside = sorted(leaves, key=lambda leaf: int(leaf.places[0]))
    names = [leaf.name for leaf in inside[: MOST_NAMES + 1 if len(inside) == MOST_NAMES + 1 else MOST_NAMES]]
    return sentence(guess.kind, Subject(words.some(names, len(inside) - len(names)), "", True), e.leaf, **guess.said)


def _exchanged(leaves: list[Leaf]) -> str:
    """Two leaves of one shape exchanged."""
    one, two = leaves[0].entries, leaves[1].entries
    if len(leaves) != 2 or one.shape != two.shape or one.claimed.size < 2:
        return ""

    for claimed, other in ((one, two), (two, one)):
        if not explains(Guess("exchanged leaves", other.numeric, other.bar), claimed):
            return ""
    first, second = sorted(leaf.name for leaf in leaves)
    return sentence("exchanged leaves", Subject(""), first=first, second=second)


def _sentence(leaf: Leaf) -> str:
    """The pattern of one leaf; "" where there is none."""
    e, bad = leaf.entries, leaf.bad
    if leaf.broken.size:
        return sentence("nonfinite", some_of(leaf, leaf.broken))
    if bad.size == 1:
        return _single(leaf)
    if e.independent[bad].all():
        return _no_dependence(leaf)
    patterns = (*POINTWISE, *PLACES, *SOFTMAX) if leaf.complete else POINTWISE
    guess = best(patterns, e) if leaf.complete or np.count_nonzero(e.usable) >= _SAMPLED else None
    if guess is not None:
        subject = Subject(leaf.name, leaf.count)
        return _said(guess, leaf, subject)
    for subject, where in parts_of(leaf):
        guess = best(POINTWISE, e.among(where))
        if guess is not None:
            return _said(guess, leaf, subject)
    return ""


def _said(guess: Guess, leaf: Leaf, subject: Subject) -> str:
    said = dict(guess.said)
    kind = guess.kind
    if kind == "exchanged":
        said["first"], said["second"] = (leaf.name_of(k) for k in leaf.bad)
    if kind == "zero" and subject.text != leaf.name and subject.plural:
        kind = "masked"
    return sentence(kind, subject, leaf.name, **said)


def _single(leaf: Leaf) -> str:
    """One wrong entry, described by itself, unless a pattern of softmax explains the whole leaf."""
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


def _no_dependence(leaf: Leaf) -> str:
    """Sentence for a leaf in which f does not depend on the coordinates of any wrong entry."""
    e = leaf.entries
    others = e.usable & ~e.wrong
    kind = "unmasked" if (others & ~e.zero).any() else "no dependence"
    subject = (
        Subject(leaf.name, leaf.count) if leaf.complete and e.wrong.all() else some_of(leaf, leaf.places[leaf.bad])
    )
    return sentence(kind, subject)


def _unexplained(leaf: Leaf) -> str:
    """Sentence for a leaf without a pattern: where its errors are."""
    e = leaf.entries
    severity = np.where(e.wrong, np.abs(e.error) / (e.bar + 1e-300), -1.0)
    worst = leaf.name_of(int(np.argmax(np.nan_to_num(severity, nan=-1.0, posinf=1e300))))
    lines = lines_of(leaf)
    if lines:
        _, what, some = lines[0]
        text, plural = words.lines(what, some.tolist(), leaf.name)
        return sentence("none", Subject(text, leaf.count, plural), worst=worst)
    return sentence("none of all" if leaf.alone else "none", Subject(leaf.name, leaf.count), worst=worst)
