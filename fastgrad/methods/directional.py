"""Derivatives along a direction: those of a function of one coordinate, t -> f(x + t v)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.coordinates import Coordinates, checked_bounds
from ..core.given import shown
from ..core.options import real_or_none
from ..core.point import Array, Point, per_coordinate
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.problem import Problem
from ..stencils import COMPLEX_STEP, FLOAT64, LONGEST_IMAGINARY, Stencil, stencil
from .fixed import FixedStep
from .method import Method

_FASTEST = 1e300  # so that its inverse is a normal number
_FASTEST_IMAGINARY = 2.0**900  # and so that an imaginary step beside it is one
_MOST_ENTRIES = 4096  # of a Hessian, for a product with it
_MOST_LOOKED_AT = 100  # for one that is wrong in the fourth digit only


class _Parameter(Point):
    """The t of x + t v, at 0."""

    __slots__ = ("_unit",)

    def __init__(self, unit: float) -> None:
        super().__init__(np.zeros(1))
        self._unit = unit

    @property
    def unit(self) -> float:
        """The t that moves a coordinate by its size."""
        return self._unit

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
    sizes = Coordinates(point, x, None, chosen.typical_x, None, chosen.scale).step_sizes()
    with np.errstate(all="ignore"):
        rates = np.abs(direction) / sizes
        rate = float(rates.max(initial=0.0))
        # Near an edge, the size of a coordinate is at most its own.
        fastest = float(np.maximum(rates, np.where(x == 0.0, 0.0, np.abs(direction / x))).max(initial=0.0))
    if rate == 0.0:
        return np.zeros(problem.outputs)
    room = None if chosen.bounds is None else _room(chosen.bounds, point, x, direction)
    # Only a stencil that starts from f(x) needs it, and coordinates that move by much of their size; it is asked once.
    used, small = chosen.stencil, False
    if used is not None and chosen.doubts(problem) and _moves_far(fastest / rate, used):
        # Forward differences say nothing of the curvature.
        used, small = used if used.is_central else stencil("central", 2), True
    if used is None and LONGEST_IMAGINARY / COMPLEX_STEP * rate < fastest < _FASTEST_IMAGINARY:
        rate = fastest
    method = FixedStep(used, chosen.step, 1.0 / rate, room, chosen.noise, look=chosen.look)
    values = problem.values if method.starts_from_base or small else problem.known
    # Loaded when used: a plain gradient does without.
    from ..evaluate.indirect import LineFunction

    t = _Parameter(1.0 / min(fastest, _FASTEST))
    line = Problem(LineFunction(problem.function, x, direction, t), t, None, problem.relative_noise, values)
    line.declared, line.raw = problem.declared, problem.raw
    found = method.checked(line).ravel()
    problem.relative_noise = line.relative_noise
    return found


def _moves_far(ratio: float, stencil: Stencil) -> bool:
    """Whether a step moves some coordinate by much of its size: ratio is of the step, in steps for that."""
    from .short_scales import smallest

    return smallest(stencil) * ratio > 1.0


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
            found.raw = True
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
                # Gradients by complex steps are exact: what is wrong near an edge is the step along v alone.
                whole.declared, whole.raw = True, inner.stencil is not None
                found = along(whole, direction, outer)
                if noise() == believed:
                    break
        near = FixedStep(stencil("central", 2), None, inner.typical_x, inner.bounds, scale=inner.scale)
        if not border.is_plain(found):
            return _near_an_edge(problem, direction, near)
        if outer.look is not False:
            from .curvature import product_looked_at

            where = Coordinates(point, point.flat.ravel(), None, outer.typical_x, outer.bounds, outer.scale)
            room = None if outer.bounds is None else _room(outer.bounds, point, where.x, direction)
            few = outer.step is None and point.n * int(np.count_nonzero(direction)) <= _MOST_LOOKED_AT
            looked_at = product_looked_at(problem, where, direction, room, found, few)
            return _near_an_edge(problem, direction, near) if looked_at is None else looked_at
        return found


def _near_an_edge(problem: Problem, direction: Array, chosen: FixedStep) -> Array:
    """The product with the Hessian where gradients at x + t v are not finite: from its entries, if not too many."""
    from .second import product_near_edge

    if problem.point.n * np.count_nonzero(direction) <= _MOST_ENTRIES:
        return product_near_edge(problem, chosen, direction)
    warn(
        "f or its gradient is not finite near x along v: the product with the Hessian is nan. fastgrad.hessian(f, x), "
        "or grad= of another method, takes shorter steps"
    )
    return np.full(problem.point.n, np.nan)


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
        raise ValueError(
            "bounds= stop x at once along v and along -v, so that there is no difference; take another v, widen "
            "bounds=, or sum up what fastgrad.gradient or hessian finds"
        )
    return back * (1 - 1e-9), forth * (1 - 1e-9)
