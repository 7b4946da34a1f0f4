"""Steps for a noise level given by the user, which is a guess that the values of f may contradict.

The step that balances truncation error against noise assumes that f changes over |x|. Where f changes faster, this step
is too long. Where values are less noisy than stated, like those of an ODE solver with a smooth error, it is far too
long. So differences with it are compared with differences over shorter steps, and the shorter steps are kept where the
two differ by more than the noise allows. docs/steps.md says what was tried and measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array
from ..evaluate.problem import Problem
from ..stencils import FLOAT64, Stencil

Indices = NDArray[np.intp]
Take = Callable[[float, Indices], Array]
"""Rows of derivatives, with steps for a relative noise."""

_BELIED = 0.1
"""Where the noise that f shows is less than this share of the given one, it is used instead."""

_SHORTER = 5.0
"""By this factor the steps that check those for a real noise are shorter."""

_LONGER = 3.0
"""By this factor the steps that distinguish smooth functions from stairs are longer."""

_ALIKE = 0.1
"""The largest relative difference of the slopes of a smooth function over the two steps."""

_TIMES = 4
"""How often steps are shortened at most."""

_BARS = 3.0
"""Noise levels, over a step, by which a difference may be off."""

_LEAST = 30.0 * FLOAT64
"""A smaller relative noise is rounding."""


def shown_noise(problem: Problem, where: Coordinates, noise: float) -> float | None:
    """The relative noise of values of f around x, at least rounding; None unless it is much less than stated."""
    told, points = problem.relative_noise, problem.points
    levels = problem.function.noise(points, problem.values, where.sizes().reshape(points.shape), where.room)
    shown = told * float(levels.max(initial=0.0)) / noise
    return None if not shown < _BELIED * told else (shown if shown > _LEAST else FLOAT64)


def fitted(
    problem: Problem, where: Coordinates, stencil: Stencil, noise: float, found: Array, components: Indices, take: Take
) -> Array:
    """Rows of derivatives, with the step for the noise or with shorter ones.

    noise: the given absolute noise, whose relative value the problem has; found: the derivatives with the step for it,
    in rows; components: the component of each row.
    """
    told = problem.relative_noise
    if told <= _LEAST or not components.size:
        return found
    own = shown_noise(problem, where, noise)
    h = where.steps(stencil, told)[components, None]
    with np.errstate(all="ignore"):
        if own is not None:
            return _of_smooth(problem, where, stencil, found, components, take, own, _BARS * noise / h)
        found, growing = _while_off(stencil, found, components, take, told, _BARS * noise / h)
    if where.room is not None:
        # At a bound, the slope may be infinite.
        found[growing & (where.room.min(axis=0) == 0.0)[components, None]] = np.nan
    return found


def _while_off(
    stencil: Stencil, found: Array, components: Indices, take: Take, told: float, bars: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Derivatives with shorter and shorter steps, where they differ from longer ones by more than noise explains.

    Also returns which of them change more and more, or show an edge.
    """
    power, which, before = stencil.order + stencil.deriv, np.arange(components.size), np.full(found.shape, np.inf)
    longer, growing = found.copy(), np.zeros(found.shape, dtype=bool)
    for k in range(1, _TIMES + 1):
        short = take(told * _SHORTER ** (-k * power), which)
        change = np.abs(short - found[which])
        off = (change > _SHORTER**k * bars[which]) | ~np.isfinite(found[which])
        # Changes that grow are noise, and there is more of it than stated.
        grows = off & (change > before[which])
        growing[which] |= grows | ~np.isfinite(short)
        kept = np.where(grows, longer[which], np.where(off & np.isfinite(short), short, found[which]))
        longer[which], found[which], before[which] = found[which], kept, change
        which = which[(off & ~grows).any(axis=1)]
        if not which.size:
            break
    return found, growing


def _of_smooth(
    problem: Problem,
    where: Coordinates,
    stencil: Stencil,
    found: Array,
    components: Indices,
    take: Take,
    own: float,
    bars: Array,
) -> Array:
    """Derivatives of a function that shows less noise, with steps for that, unless it consists of stairs or pieces."""
    better = np.zeros(found.shape, dtype=bool)
    result = found.copy()
    which = np.arange(components.size)
    # Slopes that differ over steps for the noise that f shows may agree over the usual steps.
    for level in dict.fromkeys((own, FLOAT64)):
        short = take(level, which)
        known = np.isfinite(short)
        # An edge or an infinite slope shows with short steps only.
        good = ~known | (np.abs(short - found[which]) <= bars[which]) | ~np.isfinite(found[which])
        doubtful = known & ~good & (short != 0.0)
        some = np.flatnonzero(doubtful.any(axis=1))
        if some.size:
            # Slopes of stairs and jumps change with the step, like 1 / h.
            again = take(level * _LONGER ** (stencil.order + stencil.deriv), which[some])
            rounding = own * np.abs(problem.values).max() / where.steps(stencil, level)[components[which[some]], None]
            alike = np.abs(again - short[some]) <= np.maximum(_ALIKE * np.abs(short[some]), _BARS * rounding)
            good[some] |= doubtful[some] & alike
        taken = good & ~better[which]
        result[which] = np.where(taken, short, result[which])
        better[which] |= good
        which = which[~good.all(axis=1)]
        if not which.size:
            problem.relative_noise, problem.declared = own, False
            break
    return result
