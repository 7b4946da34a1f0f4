"""Derivatives of a central stencil together with those of the next lower order, which its values hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.border import Function
from ..stencils import Stencil, central

_BLOCK = 1 << 20
"""Values of f that are held at a time."""

DIGITS = 1e-3
"""The relative error of a component that is to be noticed."""


def two_orders(
    function: Function,
    x: Array,
    stencil: Stencil,
    h: Array,
    components: NDArray[np.intp],
    look: Callable[[slice, Array, Array], None] | None = None,
) -> tuple[Array, Array]:
    """Derivatives (components, outputs) by a central stencil, to the bit as C combines them, and of two orders less.

    look: is shown the values one step up and one down, (some components, outputs) each.
    """
    outputs = function.outputs
    assert outputs is not None
    found, lower = np.empty((2, components.size, outputs))
    block = max(1, _BLOCK // max(1, stencil.evaluations * outputs))
    offsets = np.array(stencil.offsets, dtype=np.float64)
    below = central(max(2, stencil.order - 2))
    for start in range(0, components.size, block):
        part = slice(start, start + block)
        which = components[part]
        at, step = x.ravel()[which], h[which]
        values = function.at_shifts(x, which, step, offsets)
        if look is not None:
            look(part, values[:, 0], values[:, 1])
        with np.errstate(all="ignore"):
            higher = np.zeros((2, which.size, outputs))
            for k, s in enumerate(stencil.offsets[::2]):
                distance = (at + s * step) - (at - s * step)
                slope = (values[:, 2 * k] - values[:, 2 * k + 1]) / distance[:, None]
                for sums, each in zip(higher, (stencil, below), strict=True):
                    if 2 * k < len(each.numerators):
                        sums += 2 * s * each.numerators[2 * k] / each.denominator * slope
        found[part], lower[part] = higher
    return found, lower


def apart(
    stencil: Stencil, found: Array, lower: Array, h: Array, digits: float = DIGITS, part: float = 1.0
) -> NDArray[np.intp]:
    """The components (of (n, outputs)) at which the two orders are too far apart for the higher one to be right."""
    with np.errstate(all="ignore"):
        changes, differences = np.abs(found) * h[:, None], np.abs(found - lower) * h[:, None]
        # Where truncation falls from order to order by one factor, the higher one is off by so much then.
        most = part * digits ** (1 - 2 / stencil.order)
        # A gradient's components each for itself; entries of a matrix beside the largest of their row.
        whole = changes if found.shape[1] == 1 else changes.max(axis=0)
        return np.flatnonzero((differences > most * whole).any(axis=1))
