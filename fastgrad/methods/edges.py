"""Derivatives near an edge, where f is not finite at a shift, or a bound is too near for the step.

In both cases the step, which follows from the size of x, does not show how fast f changes. Such a derivative is
computed by the adaptive method with shorter steps, central where there is room for them, otherwise one-sided. It is
used where its error bar is small; otherwise it becomes nan, and a warning says what is too near.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate.functions import by_some
from ..evaluate.problem import Problem
from ..stencils import Stencil

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

ENOUGH = 1e-5
"""The largest relative error of a derivative near an edge; with a larger one it becomes nan."""

_OF_THE_BEST = 30.0
"""Or this many errors of a fixed step of order 2, where f is noisy or computes in float32 ..."""

_SHORT = 1 / 16  # of a step, over which the slope of a forward difference is measured again
_STEEP = 0.01  # relative difference of the slopes of a smooth function over both steps, at most
_ROUNDINGS = 16.0

_AT_MOST = 0.1
"""... but not more than this: a derivative must have a digit."""

_NONE = np.empty(0, dtype=np.intp)
_SHORTER = (1e-6, 1e-12)
_MOST = 44  # evaluations per component: several outputs need more than one; more do not help at edges of asin, acosh


def tolerance(relative_noise: float, deriv: int) -> float:
    """The accepted relative error of a derivative near an edge, for the noise of f."""
    return float(max(ENOUGH, min(_OF_THE_BEST * relative_noise ** (2 / (2 + deriv)), _AT_MOST)))


def unless_steep(
    problem: Problem, where: Coordinates, stencil: Stencil, components: Indices | None, found: Array
) -> Array:
    """Forward differences, nan for coordinates at 0 where the slope over a shorter step differs.

    They never look at the other side, where f may not be finite, so that an infinite slope at x shows in no other way.
    One evaluation for all coordinates together is enough where there is no infinite slope.
    """
    x = problem.x.ravel()
    which = np.arange(x.size) if components is None else components
    zero = np.flatnonzero(x[which] == 0.0)
    rows = found.reshape(which.size, -1)
    zero = zero[np.isfinite(rows[zero]).all(axis=1)]
    if not zero.size or len(problem.points) > 1:
        return found
    h = _SHORT * where.steps(stencil, problem.relative_noise)[which[zero]]
    base, rounding = problem.values, _ROUNDINGS * problem.relative_noise * np.abs(problem.values)

    def off(rise: Array, expected: Array, size: Array) -> Mask:
        return np.asarray((np.abs(rise - expected) > _STEEP * size + rounding).any(axis=-1))

    moved = x.copy()
    moved[which[zero]] = h
    changes = h[:, None] * rows[zero]
    rise = problem.function.at_points(moved[None]) - base
    if off(rise, changes.sum(axis=0), np.abs(changes).sum(axis=0)).any():
        right, left = problem.function.at_shifts(problem.x, which[zero], h, np.array([1.0, -1.0])).transpose(1, 0, 2)
        steep = off(right - base, changes, np.abs(changes))
        rows = rows.copy()
        # Where f continues on the other side, it only has a small scale, which a second look detects.
        rows[zero[steep & ~np.isfinite(left).all(axis=1)]] = np.nan
    return rows.reshape(found.shape)


def replace(problem: Problem, where: Coordinates, components: Indices, rows: Array, noise: float | None) -> None:
    """Recompute first derivatives, rows (components, outputs), where they are not finite; nan where f has none.

    noise: that of an evaluation of f, where the user knows it.
    """
    from .adaptive import NONFINITE

    missing = ~np.isfinite(rows)
    problem.near = _marked(problem, components[missing.any(axis=1)])
    rows[missing] = np.nan
    flags = np.zeros(rows.shape, dtype=np.intc)
    fixed = np.broadcast_to(where.fixed(), problem.x.size)[components]
    concerned = np.flatnonzero(missing.any(axis=1) & ~fixed)
    # One by one, since noise is measured along all coordinates at once, and several edges leave no room for that.
    for k in concerned:
        part = Part.of(problem, where, components[[k]], noise)
        found = part.slopes()
        for shorter in _SHORTER if part.problem.x[0] == 0.0 else ():
            # The scale of a coordinate that is 0 is a guess.
            if (found.flags & NONFINITE == 0).any():
                break
            found = part._replace(scale=part.scale * shorter).slopes()
        # The step was too long for other outputs as well, even if the edge is not one of theirs.
        value, error = found.accepted[0], found.error[0]
        rows[k] = np.where(missing[k] | (np.abs(rows[k] - value) > error), value, rows[k])
        flags[k] = np.where(missing[k], found.flags[0], 0)
    bad = missing.any(axis=1) & np.isnan(rows).any(axis=1)
    if bad.any():
        say_why(problem, where, components[bad], np.bitwise_or.reduce(flags[bad], axis=1), fixed[bad])


def replace_second(
    problem: Problem,
    where: Coordinates,
    axes: Indices,
    pairs: tuple[Indices, Indices],
    found: tuple[Array, Array],
    noise: float | None,
) -> None:
    """The same for second derivatives: found has those along coordinates, (n,), of which `axes` count, and of pairs."""
    diagonal, mixed = found
    rows, columns = pairs
    fixed = np.broadcast_to(where.fixed(), where.n)
    mixed[fixed[rows] | fixed[columns]] = diagonal[fixed] = np.nan
    along = axes[~np.isfinite(diagonal[axes]) & ~fixed[axes]]
    which = np.flatnonzero(~np.isfinite(mixed) & ~(fixed[rows] | fixed[columns]))
    coordinates = np.unique(np.concatenate([along, rows[which], columns[which]])).astype(np.intp)
    alone = which[~(np.isin(rows[which], along) | np.isin(columns[which], along))]
    problem.near = _marked(problem, np.concatenate([along, rows[alone], columns[alone]]))
    flags = np.zeros(where.n, dtype=np.intc)
    if coordinates.size:
        part = Part.of(problem, where, coordinates, noise)
        i, j = (np.searchsorted(coordinates, end[which]) for end in (rows, columns))
        second, mixed[which], flags[coordinates] = part.curvatures(i, j)
        diagonal[along] = second[np.searchsorted(coordinates, along)]
    # One by one, like first derivatives.
    for c in along[np.isnan(diagonal[along])] if coordinates.size > 1 else ():
        part = Part.of(problem, where, np.array([c]), noise)
        (diagonal[c],), _, (flags[c],) = part.curvatures(_NONE, _NONE)
    for k in which[np.isnan(mixed[which])] if coordinates.size > 2 else ():
        part = Part.of(problem, where, np.sort([rows[k], columns[k]]), noise)
        _, (mixed[k],), _ = part.curvatures(np.array([0]), np.array([1]))
    bad = axes[np.isnan(diagonal[axes])]
    if not bad.size:
        ends = np.isnan(mixed)
        bad = np.unique(np.concatenate([rows[ends], columns[ends]])).astype(np.intp)
    if bad.size:
        say_why(problem, where, bad, flags[bad], fixed[bad])


def _marked(problem: Problem, components: Indices) -> Mask:
    """A mask of components whose steps were too long, so that other values of f as far away do not help either."""
    marked: Mask = np.zeros(problem.x.size, dtype=bool)
    marked[components] = True
    return marked


class Slopes(NamedTuple):
    """First derivatives by the adaptive method, (coordinates, outputs) each."""

    accepted: Array  # nan where the error bar is too large
    value: Array
    error: Array
    flags: NDArray[np.intc]


class Part(NamedTuple):
    """Some coordinates of a problem at one of its points, as a problem of their own; the others are constant."""

    problem: Problem
    sizes: Array  # that steps of a fixed stencil are relative to
    scale: Array  # at which the search for shorter steps begins
    bounds: tuple[Array, Array] | None
    noise: float | None

    @classmethod
    def of(cls, problem: Problem, where: Coordinates, components: Indices, noise: float | None) -> Part:
        """The part with these components, all of one point."""
        p, coordinates = int(components[0]) // where.n, components % where.n
        x = problem.points[p]
        at, sizes = Point(x[coordinates]), where.step_sizes()[components]
        # An edge is nearer than a step, so that a typical size is used only where x is 0.
        least = sizes if where.point.unit is None else where.point.unit
        scale = np.where(at.flat == 0.0, least, np.minimum(np.abs(at.flat), sizes))
        bounds = None if where.bounds is None else (where.bounds[0][coordinates], where.bounds[1][coordinates])
        moving, base = by_some(problem.function, x, coordinates), problem.values_at(np.array([p]))
        return cls(Problem(moving, at, None, problem.relative_noise, base), sizes, scale, bounds, noise)

    def slopes(self) -> Slopes:
        """First derivatives."""
        from .adaptive import Adaptive

        outputs = self.problem.outputs
        found = Adaptive(None, self.bounds, self.noise, max_evals=_MOST, scale=self.scale).components(self.problem)
        value, error, step = found.numbers[:3].reshape(3, outputs, -1).transpose(0, 2, 1)
        with np.errstate(all="ignore"):
            least = np.abs(self.problem.values) / self.sizes[:, None]
        accepted = self._accepted(value, error, least, 1)
        if (np.isnan(accepted) & np.isfinite(error)).any():
            # At a minimum of value 0, neither the derivative nor f gives a scale.
            accepted = self._accepted(value, error, np.maximum(least, self._rates(step.max(axis=1))), 1)
        return Slopes(accepted, value, error, found.flags.reshape(outputs, -1).T)

    def _rates(self, step: Array) -> Array:
        """The rates at which f changes over these steps, (coordinates, outputs); 0 where f is not finite there."""
        x, base = self.problem.x, self.problem.values
        found = np.zeros((x.size, base.shape[1]))
        for side in (1.0, -1.0):
            h = side * step
            if self.bounds is not None:
                h = np.clip(h, self.bounds[0] - x, self.bounds[1] - x)
            values = self.problem.function.at_shifts(x, np.flatnonzero(h), h[h != 0], np.ones(1))[:, 0]
            with np.errstate(all="ignore"):
                found[h != 0] = np.fmax(found[h != 0], np.abs((values - base) / h[h != 0, None]))
        return np.where(np.isfinite(found), found, 0.0)

    def curvatures(self, rows: Indices, columns: Indices) -> tuple[Array, Array, NDArray[np.intc]]:
        """Second derivatives along all coordinates, of the pairs (rows, columns), and flags of the coordinates."""
        from .adaptive import Adaptive

        found = Adaptive(None, self.bounds, self.noise, max_evals=_MOST, scale=self.scale).second(
            self.problem, rows, columns
        )
        n = self.sizes.size
        with np.errstate(all="ignore"):
            size = np.abs(self.problem.values.item())
            along = self._accepted(found.value[:n], found.error[:n], size / self.sizes**2, 2)
            least = np.sqrt(np.abs(found.value[rows] * found.value[columns]))
            mixed = self._accepted(
                found.value[n:], found.error[n:], np.maximum(least, size / (self.sizes[rows] * self.sizes[columns])), 2
            )
        flags = found.flags[:n].copy()
        for ends in (rows, columns):
            np.bitwise_or.at(flags, ends, found.flags[n:])
        return along, mixed, flags

    def _accepted(self, value: Array, error: Array, least: Array, deriv: int) -> Array:
        """Derivatives, nan where the error bar is large relative to their size and to `least`, the scale from f."""
        relative = tolerance(self.problem.relative_noise, deriv)
        with np.errstate(all="ignore"):
            return np.where(error <= relative * np.fmax(np.abs(value), least), value, np.nan)


def say_why(problem: Problem, where: Coordinates, components: Indices, flags: NDArray[np.intc], fixed: Mask) -> None:
    """Say why some components have no derivative: warn for each cause, or raise the exception of f."""
    from .adaptive import EDGE, NONFINITE

    nowhere = (flags & NONFINITE != 0) & ~fixed
    if nowhere.any() and problem.function.domain_error is not None:
        raise problem.function.domain_error
    room = np.inf if where.room is None else where.room.max(axis=0)[components]
    narrow = ~fixed & ~nowhere & (room < ENOUGH * where.step_sizes()[components])
    edge = ~fixed & ~nowhere & ~narrow & (flags & EDGE != 0)
    name: Callable[[int], str] = problem.point.name
    for mask, words in (
        (fixed, "{} is fixed by its bounds (lower == upper; {} such components): its derivative is undetermined, nan"),
        (
            nowhere,
            "f is not finite on either side of {} ({} such components), however near: their derivatives are nan. "
            "Choose another x",
        ),
        (
            narrow,
            "bounds= leave {} less room than a step takes ({} such components): their derivatives are nan. Widen "
            "bounds=, or fix the component by lower == upper",
        ),
        (
            edge,
            "f has an edge at {}, or nearer than any step can tell ({} such components), where its slope may be "
            "infinite: their derivatives are nan. Choose an x farther from the edge",
        ),
        (
            ~(fixed | nowhere | narrow | edge),
            "f is not finite or changes too fast near {} ({} such components) for a derivative of five digits: nan. "
            "fastgrad.differentiate gives values with error bars",
        ),
    ):
        if mask.any():
            warn(words.format(name(int(components[np.argmax(mask)])), mask.sum()))
