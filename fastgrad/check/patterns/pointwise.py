"""Patterns of each entry by itself: of its derivative and its coordinate. They may hold for a part of a leaf."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ...core.point import Array
from .entries import Entries, Guess, Pattern, fit, rounded


def zeros(e: Entries) -> Iterator[Guess]:
    """Wrong entries are exactly zero."""
    if (e.claimed[e.wrong] == 0.0).all():
        yield Guess("zero", np.zeros_like(e.claimed), np.zeros_like(e.bar))


def factors(e: Entries) -> Iterator[Guess]:
    """The gradient times a number."""
    for factor in (-1.0, 2.0, 0.5):
        yield _times(e, factor)
    factor, bar = fit(e.numeric, e.claimed, e)
    if factor != 0.0:
        yield _times(e, factor, 1, bar)


def _times(e: Entries, factor: float, parameters: int = 0, bar: float = 0.0) -> Guess:
    kind = "large" if factor > 1 else "small"
    if abs(factor - 1) < 0.01:
        kind = "slight"
    elif abs(factor + 1) < 1e-3:
        kind = "sign"
    said = {
        "times": f"{factor:.3f}" if abs(factor) < 1000 and bar < 5e-4 else rounded(factor, bar),
        "factor": rounded(factor, bar),
        "slight": slightly(factor),
        "reason": _reason(factor, bar, e),
    }
    return Guess(kind, factor * e.numeric, abs(factor) * e.bar, parameters, 0.0, said)


def slightly(factor: float) -> str:
    """How a factor close to 1 is said."""
    return f"{'large' if factor > 1 else 'small'} by {abs(factor - 1):.2g}"


def _reason(factor: float, bar: float, e: Entries) -> str:
    """The likeliest reason for a factor, a key of the words."""
    for known, key in ((2.0, "half"), (0.5, "double"), (math.log(10), "log10"), (1 / math.log(10), "log10")):
        if abs(factor / known - 1) < 1e-3:
            return key
    if abs(float(e.claimed @ e.claimed) - 1) < 1e-9 and e.claimed.size > 1:
        return "norm"
    if not 1e-100 < abs(factor) < 1e100:
        return "constant"
    for number, key, off in (
        (abs(factor), "sum", bar),
        (1 / abs(factor), "mean", bar / factor**2),
    ):
        if 2.5 < number < 1e15 and abs(number - round(number)) <= max(off, 1e-6 * number) and off < 0.1:
            return f"{key} {round(number)}"
    return "constant"


_Function = Callable[[Array], Array]


def _logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


# Factors of a chain rule, with the key of the reason why one is missing, or there too often.
_CHAINS: tuple[tuple[str, _Function, str, str], ...] = (
    ("exp({x})", np.exp, "by exp", "twice"),
    ("{x}", lambda x: x, "chain", "by log"),
    ("2·{x}", lambda x: 2 * x, "by square", "twice"),
    ("{x}²", lambda x: x**2, "chain", "chain"),
    ("2·√{x}", lambda x: 2 * np.sqrt(x), "chain", "by root"),
    ("s({x})·(1 - s({x}))", lambda x: _logistic(x) * (1 - _logistic(x)), "by logistic", "twice"),
    ("s({x})", _logistic, "by softplus", "twice"),
    ("(1 - tanh({x})²)", lambda x: 1 - np.tanh(x) ** 2, "by tanh", "twice"),
    ("cos({x})", np.cos, "by sine", "twice"),
)  # fmt: skip


def chains(e: Entries) -> Iterator[Guess]:
    """The gradient times, or by, a function of its coordinate."""
    for text, function, missing, much in _CHAINS:
        factor = function(e.x)
        if not _varies(factor, e):
            continue
        said = {"factor": text.format(x=e.leaf)}
        yield Guess("missing", e.numeric / factor, e.bar / np.abs(factor), 0, 1.0, {**said, "reason": missing})
        yield Guess("much", e.numeric * factor, e.bar * np.abs(factor), 0, 1.0, {**said, "reason": much})


def _varies(values: Array, e: Entries) -> bool:
    """Whether a function of the coordinates is no constant, as far as wrong entries tell."""
    some = values[e.usable & e.wrong & np.isfinite(values) & ~e.zero]
    return bool(some.size > 1 and np.ptp(some) > 1e-3 * np.abs(some).max())


# Terms, with the key of the reason.
_TERMS: tuple[tuple[str, _Function, str], ...] = (
    ("{factor}·{x}", lambda x: x, "penalty"),
    ("{factor}", np.ones_like, "constant term"),
    ("{factor}·sign({x})", np.sign, "penalty of L1"),
    ("{factor}/{x}", lambda x: 1 / x, "barrier"),
)


def terms(e: Entries) -> Iterator[Guess]:
    """The gradient with a term too much, or too little."""
    for text, function, reason in _TERMS:
        basis = function(e.x)
        some = basis[e.usable & e.wrong]
        if reason == "penalty of L1" and (np.ptp(some) == 0 if some.size else True):
            continue  # a constant, too
        factor, bar = fit(basis, e.error, e)
        if factor != 0.0:
            if reason == "constant term" and abs(float(np.sign(e.x).sum())) == e.x.size:
                reason = "constant term or penalty"
            said = {"term": text.format(factor=rounded(abs(factor), bar), x=e.leaf), "reason": reason}
            kind = "no term" if factor < 0 else "term"
            yield Guess(kind, e.numeric + factor * basis, e.bar, 1, 0.0, said)


def limited(e: Entries) -> Iterator[Guess]:
    """Absolute values, and entries that are cut off at a size."""
    yield Guess("absolute", np.abs(e.numeric), e.bar)
    most = float(np.abs(e.claimed[e.usable]).max(initial=0.0))
    yield Guess("clipped", np.clip(e.numeric, -most, most), e.bar, 1, 0.0, {"size": f"{most:.4g}"})


POINTWISE: tuple[Pattern, ...] = (zeros, factors, chains, terms, limited)
