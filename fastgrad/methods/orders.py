"""Derivatives of a central stencil together with those of the next lower order, from the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate.border import Function
from ..evaluate.problem import Problem
from ..stencils import Stencil, central

_BLOCK = 1 << 20
"""The most values of f that are held at a time."""

DIGITS = 1e-3
"""The relative error of a component that must be noticed."""

_ROUNDING = 16.0
"""The difference of orders that may be left unexplained, in roundings of f."""

_OF_ORDER_2 = 0.1
"""The relative error, in square roots of the noise of f, at which order 2 with its own steps is as good."""

_TINY = np.finfo(float).tiny

_PROBES = 3
"""The number of components on which shorter steps are tried first."""


def two_orders(
    function: Function,
    x: Array,
    stencil: Stencil,
    h: Array,
    components: NDArray[np.intp],
    look: Callable[[slice, Array, Array], None] | None = None,
) -> tuple[Array, Array]:
    """Derivatives (components, outputs) by a central stencil, equal to those of C to the bit, and of two orders less.

    look: is called with the values one step up and one step down, (some components, outputs) each.
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


class _Gap(NamedTuple):
    """The difference of two orders, for each component: norms over the outputs, each in units of its own.

    Each component of a gradient is compared alone. Of a matrix, columns are compared, since entries may be 0 or small.
    """

    changes: Array  # of f by the derivatives, over a step
    differences: Array  # of the two orders over a step, beyond rounding
    rounding: Array  # of f

    @classmethod
    def between(cls, found: Array, lower: Array, h: Array, n: int, rounding: Array | float = 0.0) -> _Gap:
        """The gap of derivatives (components, outputs), n per point, with steps h; rounding: of f, in that shape."""
        with np.errstate(all="ignore"):
            changes, differences = np.abs(found) * h[:, None], np.abs(found - lower) * h[:, None]
            parts = changes, np.fmax(differences - _ROUNDING * rounding, 0.0), np.broadcast_to(rounding, found.shape)
            if found.shape[1] == 1:
                return cls(*(part[:, 0] for part in parts))
            # Outputs that hardly change consist of rounding, so that their changes are no unit.
            largest = np.fmax(changes, _ROUNDING / DIGITS * rounding).reshape(-1, n, found.shape[1])
            unit = np.fmax.reduce(largest, axis=1, keepdims=True, initial=0.0)
            unit = np.broadcast_to(np.where(unit > 0.0, unit, 1.0), largest.shape).reshape(found.shape)
            return cls(*(np.sqrt(((part / unit) ** 2).sum(axis=1)) for part in parts))

    def apart(self, order: int, digits: float, part: float = 1.0) -> NDArray[np.bool_]:
        """Where the relative error of the higher order may exceed `digits`, if it falls by one factor per order.

        part: the accepted share of the difference of orders that follows from this.
        """
        return np.asarray(self.differences > part * digits ** (1 - 2 / order) * self.changes)

    def shorter(self, order: int) -> Array:
        """The part of a step at which the observed truncation error would equal rounding."""
        with np.errstate(all="ignore"):
            truncation = self.changes * (self.differences / self.changes) ** (order / (order - 2))
            return np.asarray((self.rounding / (order * truncation)) ** (1 / (order + 1)))


def apart(
    stencil: Stencil,
    found: Array,
    lower: Array,
    h: Array,
    rounding: Array | float = 0.0,
    digits: float = DIGITS,
    part: float = 1.0,
) -> NDArray[np.intp]:
    """The components (of (n, outputs)) whose two orders are too far apart for the higher one to be right."""
    gap = _Gap.between(found, lower, h, max(1, len(found)), rounding)
    return np.flatnonzero(gap.apart(stencil.order, digits, part))


def sharpen(problem: Problem, stencil: Stencil, found: Array, h: Array, components: NDArray[np.intp]) -> None:
    """Recompute derivatives (components, outputs) with shorter steps, in place, where the two orders require it.

    This is where they show more truncation error than order 2 with its shorter steps would have, but three digits are
    beyond doubt. Noise looks the same, but grows as steps get shorter; then the derivatives stay as they are.
    """
    assert problem.lower is not None
    order, lower = stencil.order, problem.lower.reshape(found.shape)
    n = problem.point.n if components.size == problem.x.size else 1
    digits = _OF_ORDER_2 * np.sqrt(problem.relative_noise)
    if not _Gap.between(found, lower, h, n).apart(order, digits).any():
        return
    rounding = problem.relative_noise * np.abs(problem.values_at(components // problem.point.n))
    gap = _Gap.between(found, lower, h, n, rounding)
    part = gap.shorter(order)
    wanted = gap.apart(order, digits) & ~gap.apart(order, DIGITS) & (part > 0.0) & (part < 0.5)
    if problem.near is not None:
        wanted &= ~problem.near[components]
    which = np.flatnonzero(wanted)
    which = which[np.argsort(-gap.differences[which] / gap.changes[which], kind="stable")]
    for some in (which[:_PROBES], which[_PROBES:]):
        shorter = components[some], h[some] * part[some]
        again, below = two_orders(problem.function, problem.x, stencil, _representable(problem, *shorter), shorter[0])
        with np.errstate(all="ignore"):
            now, before = (
                np.sqrt((((high - low) / np.fmax(rounding[some], _TINY)) ** 2).sum(axis=1))
                for high, low in ((again, below), (found[some], lower[some]))
            )
            better = now <= before * part[some] ** (0.5 * order - 1)
        found[some[better]], lower[some[better]] = again[better], below[better]
        if not better.any():
            return


def _representable(problem: Problem, components: NDArray[np.intp], h: Array) -> Array:
    """Steps of all coordinates by which x can move exactly; those of the given components are set, others are 0."""
    x = problem.x.ravel()
    steps = np.zeros(x.size)
    steps[components] = (x[components] + h) - x[components]
    return steps
