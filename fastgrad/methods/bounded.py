"""First derivatives beside bounds: by steps that have room, unless their own values say that these are too long."""

from __future__ import annotations

import numpy as np

from .. import stencils
from ..core.coordinates import Coordinates
from ..core.point import Array
from ..evaluate.problem import Problem
from ..stencils import Stencil
from .edges import Indices, Mask, tolerance

_ROUNDINGS = 16.0  # of a value, in a difference of three or four values
_ALIKE = 1e-3  # slopes over a step and over a shorter distance, relative to their size


def near_bounds(where: Coordinates, stencil: Stencil, h: Array, relative_noise: float) -> Mask:
    """Coordinates with a bound so near that the stencil has no room, or that a singularity there would spoil it."""
    assert where.room is not None
    longest = max(float(stencil.reach), 1.0 / stencil.span(tolerance(relative_noise, stencil.deriv)))
    return np.asarray(where.room.min(axis=0) < longest * h)


def beside_bounds(
    problem: Problem, where: Coordinates, stencil: Stencil, components: Indices, relative_noise: float
) -> Array:
    """Derivatives (components, outputs) of at least the stencil's order; nan where no step fits, or it is too long."""
    sided = stencils.one_sided(max(stencil.order, 2))
    h = where.steps(stencil, relative_noise)
    down, up = where.one_sided_steps(sided, relative_noise)
    signed = np.where(up >= down, up, -down)
    fits = np.asarray(where.has_room(stencil.reach * h, stencil.reach * h))[components] & stencil.is_central
    found = np.full((components.size, problem.outputs), np.nan)
    for some, by, steps in ((fits, stencil, h), (~fits & (signed[components] != 0), sided, signed)):
        if some.any():
            which = components[some]
            found[some] = _unless_curved(problem, where, by, which, steps[which], relative_noise)
            if by is sided and where.step is None:
                found[some] = _as_at_the_bound(problem, where, which, found[some], steps[which], relative_noise)
    return found


def _as_at_the_bound(
    problem: Problem, where: Coordinates, components: Indices, found: Array, h: Array, relative_noise: float
) -> Array:
    """One-sided derivatives; nan where the slope from the near bound to x, which is closer than a step, is another."""
    assert where.room is not None
    away: Array = -np.sign(h) * np.where(h > 0, *where.room[:, components])
    apart = away != 0
    if apart.any():
        which, distance = components[apart], away[apart, None]
        values = problem.function.at_shifts(problem.x, which, distance.ravel(), np.ones(1))[:, 0]
        base = problem.values_at(which // where.n)
        with np.errstate(all="ignore"):
            slope = (values - base) / distance
        same = is_alike(slope, found[apart], base, distance, where.step_sizes()[which, None], relative_noise)
        found[apart] = np.where(same, found[apart], np.nan)
    return found


def is_alike(slope: Array, found: Array, base: Array, away: Array, sizes: Array, relative_noise: float) -> Mask:
    """Whether the slope over a distance shorter than the step is that over the step, but for rounding."""
    with np.errstate(all="ignore"):
        size = np.fmax(np.abs(found), np.abs(base) / sizes)
        rounding = _ROUNDINGS * relative_noise * np.abs(base / away)
        return np.asarray(np.abs(slope - found) <= max(_ALIKE, tolerance(relative_noise, 1)) * size + rounding)


def _unless_curved(
    problem: Problem, where: Coordinates, stencil: Stencil, components: Indices, h: Array, relative_noise: float
) -> Array:
    """Derivatives by a stencil; nan where its values and f(x) are so curved that the step is too long.

    A step that the user gave is not doubted.
    """
    offsets = np.array([s for s in stencil.offsets if s], dtype=np.float64)
    values = problem.function.at_shifts(problem.x, components, h, offsets)
    base = problem.values_at(components // where.n)
    x = where.x.ravel()[components]
    with np.errstate(all="ignore"):
        moved = (x[:, None] + offsets * h[:, None])[:, :, None]
        rises = values - base[:, None, :]
        if stencil.is_central:
            slopes = (values[:, ::2] - values[:, 1::2]) / (moved[:, ::2] - moved[:, 1::2])
            bend = rises[:, 0] + rises[:, 1]
        else:
            slopes = rises / (moved - x[:, None, None])
            bend = rises[:, 1] - 2.0 * rises[:, 0]
        found = np.zeros(base.shape)
        products = stencil.products[::2] if stencil.is_central else stencil.products
        for j, product in enumerate(products):
            found += product * slopes[:, j]
        if where.step is None:
            least = np.abs(h / where.step_sizes()[components])[:, None] * np.abs(base)
            rise = np.maximum(np.abs(found * h[:, None]), least)
            found[is_curved(bend, rise, base, stencil.span(tolerance(relative_noise, 1)), relative_noise)] = np.nan
    return found


def is_curved(bend: Array, rise: Array, base: Array | float, span: float, relative_noise: float) -> Mask:
    """Whether a difference is larger beside one of lower order than steps of that span allow, and than rounding."""
    return np.asarray(np.abs(bend) > span * rise + _ROUNDINGS * relative_noise * np.abs(base))
