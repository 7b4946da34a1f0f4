"""Derivatives along a direction: those of a function of one coordinate, t -> f(x + t v)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.coordinates import Coordinates, checked_bounds, checked_sizes
from ..core.given import shown
from ..core.options import real_or_none
from ..core.point import Array, Point, per_coordinate
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.problem import Problem
from ..stencils import FLOAT64
from .fixed import FixedStep
from .method import Method


class _Parameter(Point):
    """The t of x + t v, at 0."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(np.zeros(1))

    def name(self, component: int) -> str:
        return "t of x + t·v"


def along_or_error(method: Method) -> FixedStep:
    """A method that can go along a direction, with one step for all coordinates."""
    if not isinstance(method, FixedStep):
        raise ValueError(
            'method="adaptive" is not for directions; fastgrad.differentiate(lambda t: f(x + t * v), 0.0) is'
        )
    step = method.step
    if step is not None and not 0 < (real_or_none(step) or 0.0) < np.inf:
        raise ValueError(f"step is {shown(step)}; expected a positive number, the t of x + t·v")
    return method


def along(problem: Problem, direction: Array, chosen: FixedStep) -> Array:
    """The derivative of f(x + t·v) by t at t = 0, one a value of f, for a checked direction v.

    The step moves the coordinate that changes most, relative to its size, by the step that a gradient takes.
    """
    point, x = problem.point, problem.x.ravel()
    typical = None if chosen.typical_x is None else checked_sizes(chosen.typical_x, point, "typical_x")
    sizes = np.maximum(np.abs(x), 1.0 if typical is None else typical)
    if chosen.scale is not None:
        sizes = checked_sizes(chosen.scale, point, "scale")
    with np.errstate(all="ignore"):
        rate = float((np.abs(direction) / sizes).max(initial=0.0))
    if rate == 0.0:
        return np.zeros(problem.outputs)
    room = None if chosen.bounds is None else _room(chosen.bounds, point, x, direction)
    method = FixedStep(chosen.stencil, chosen.step, 1.0 / rate, room, chosen.noise, look=chosen.look)
    # Only a stencil that starts from f(x) needs it; it is asked for once.
    values = problem.values if method.starts_from_base else None
    # Loaded when used: a plain gradient does without.
    from ..evaluate.indirect import LineFunction

    t = _Parameter()
    line = Problem(LineFunction(problem.function, x, direction, t), t, None, problem.relative_noise, values)
    line.declared = problem.declared
    found = method.checked(line).ravel()
    problem.relative_noise = line.relative_noise
    return found


def product_with_hessian(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    direction: Array,
    inner: FixedStep,
    outer: FixedStep,
    how: Evaluation,
) -> Array:
    """The derivative along v of gradients by differences: their noise follows from their order and f's precision."""
    with Problem.of(f, args, point, how) as problem:

        def gradients(points: Array) -> Array:
            found = problem.at(points)
            result = inner.derivatives(found)
            problem.relative_noise = found.relative_noise
            return result

        def noise() -> float:
            if inner.stencil is None:
                return FLOAT64
            order = inner.stencil.order
            return float(problem.relative_noise ** (order / (order + 1)))

        rows = Evaluation(vectorized="rows", domain_errors=how.domain_errors)
        flat = Point(point.flat.ravel())
        with as_function(gradients, (), flat, rows, flat.n) as gradient:
            for _ in range(2):
                # That f computes in float32 shows at the first gradients.
                believed = noise()
                whole = Problem(gradient, point, None, believed)
                whole.declared = True
                found = along(whole, direction, outer)
                if noise() == believed:
                    break
        if outer.look is not False:
            from .curvature import product_looked_at

            where = Coordinates(point, point.flat.ravel(), None, outer.typical_x, None, outer.scale)
            product_looked_at(problem, where, direction, found)
        return found


def checked_direction(v: Any, point: Point) -> Array:
    """A direction of x's shape or structure as one finite number a coordinate, a copy."""
    direction = per_coordinate(v, point, "v")
    if direction is None or (np.isscalar(v) and point.n != 1):
        raise ValueError(f"v is {shown(v)}; expected a direction of x's shape {point.shape}")
    if not np.isfinite(direction).all():
        i = int(np.argmin(np.isfinite(direction)))
        raise ValueError(f"v is {direction[i]} at {point.name(i)}; a direction needs finite entries")
    return direction


def _room(bounds: Any, point: Point, x: Array, direction: Array) -> tuple[float, float]:
    """Bounds of t, a hair within those of x, so that x + t·v cannot round to beyond them."""
    lower, upper = checked_bounds(bounds, point, x)
    moving = direction != 0
    with np.errstate(all="ignore"):
        below, above = [(limit - x)[moving] / direction[moving] for limit in (lower, upper)]
    back, forth = float(np.minimum(below, above).max()), float(np.maximum(below, above).min())
    if back >= 0.0 and forth <= 0.0:
        raise ValueError("x cannot move along v within its bounds, neither forth nor back")
    return back * (1 - 1e-9), forth * (1 - 1e-9)
