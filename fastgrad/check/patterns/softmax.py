"""Patterns of gradients by logits, x: softmax(x) is p, its Jacobian diag(p) - p pᵀ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...core.point import Array
from .entries import Entries, Guess, Pattern


def _rows(e: Entries) -> Iterator[tuple[list[Array], int]]:
    """Claimed, numeric, bar and x with the logits of a sample in a row; and how to write the rows: their axis."""
    if len(e.shape) in (1, 2):
        for axis in range(len(e.shape)):
            if e.shape[axis] > 1:
                yield [np.moveaxis(a.reshape(e.shape), axis, -1) for a in (e.claimed, e.numeric, e.bar, e.x)], axis


def _flat(rows: Array, axis: int) -> Array:
    return np.moveaxis(rows, -1, axis).ravel()


def _probabilities(x: Array) -> Array:
    p = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


def itself(e: Entries) -> Iterator[Guess]:
    """Claimed is p, or p by the number of samples, where p - y was meant."""
    for (claimed, _, bar, x), axis in _rows(e):
        p, samples = _probabilities(x), claimed.size // claimed.shape[-1]
        for factor in {1.0, 1.0 / samples}:
            yield Guess("p", _flat(factor * p, axis), _flat(0 * bar, axis))


def own_term(e: Entries) -> Iterator[Guess]:
    """For g, the gradient by p, claimed is p·g, or p·(1 - p)·g, where p·(g - Σ p·g) was meant."""
    for (claimed, numeric, bar, x), axis in _rows(e):
        p, samples = _probabilities(x), claimed.size // claimed.shape[-1]
        # g is known but for Σ p·g, one number a sample.
        for kind, known, basis in (("elementwise", numeric, p), ("diagonal", (1 - p) * numeric, p * (1 - p))):
            number = ((claimed - known) * basis).sum(axis=-1, keepdims=True) / (basis**2).sum(axis=-1, keepdims=True)
            yield Guess(kind, _flat(known + number * basis, axis), _flat(bar, axis), samples)


def class_sums(e: Entries) -> Iterator[Guess]:
    """Derivatives sum to 0, claimed entries to 1, or the number of samples: by a bias, with the labels left out."""
    if len(e.shape) != 1 or e.claimed.size < 2 or not e.usable.all():
        return
    total, samples = float(e.claimed.sum()), float(np.rint(e.claimed.sum()))
    clear = 1e4 * float(e.bar.sum()) < float(np.abs(e.numeric).sum())
    zero = abs(float(e.numeric.sum())) <= 5 * float(e.bar.sum()) + e.rounding * float(np.abs(e.numeric).sum())
    if clear and zero and samples >= 1 and (e.claimed > 0).all():
        values = e.claimed + (samples - total) / e.claimed.size
        yield Guess("class sums", values, np.zeros_like(e.bar), e.claimed.size - 1, 0.0, {"sum": f"{samples:g}"})


SOFTMAX: tuple[Pattern, ...] = (itself, own_term, class_sums)
