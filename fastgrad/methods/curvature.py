"""A second look at second derivatives: a second difference of f along a random direction must agree with them."""

from __future__ import annotations

import numpy as np

from ..core.coordinates import Coordinates
from ..core.point import Array
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.problem import Problem
from ..stencils import central
from .adaptive import Adaptive
from .orders import DIGITS
from .second_look import AGREE, LEAST, MOVE
from .short_scales import product_is_wrong

_MOST = LEAST
"""Hessians of more coordinates are not taken anew by the adaptive method: it takes some 4 n² evaluations."""

_ROUNDING = 16.0
"""What may be left unexplained, in roundings of f."""


def hessian_looked_at(problem: Problem, where: Coordinates, found: Array, other: Adaptive, exact: bool) -> Array:
    """The Hessian (n, n), taken by the adaptive method where f does not agree with it.

    other: the adaptive method, with the user's options; exact: it is that of gradients by complex steps.
    """
    if not np.isfinite(found).all() or not found.size:
        return found
    v = np.empty(problem.x.size)
    border.random_direction(v, 1, MOVE)
    if problem.near is not None:
        v[problem.near] = 0.0
    if _agrees(problem, where, v, found):
        return found
    if problem.x.size > _MOST:
        _say(f"{problem.x.size} coordinates are too many for it to be taken anew")
        return found
    value, bar = (part.reshape(found.shape) for part in other.hessian(problem).numbers[:2])
    with np.errstate(all="ignore"):
        whole = AGREE * np.sqrt(np.abs(np.outer(np.diag(value), np.diag(value))))
        right = (np.abs(found - value) <= np.maximum(AGREE * np.abs(value), whole) + bar) | ~np.isfinite(value)
    if right.all():
        return found
    if exact:
        raise ValueError(
            'second derivatives by method="complex" are wrong: f drops imaginary parts (abs, conj, Cholesky), or has a '
            'branch cut or edge nearer to x than their outer step; scale= shortens it, method="central" avoids it'
        )
    _say("it was taken by the adaptive method instead")
    return np.where(right, found, value)


def product_looked_at(problem: Problem, where: Coordinates, direction: Array, found: Array, few: bool) -> bool:
    """Whether the product of the Hessian and a direction is the curvature of f along that; a warning where it is not.

    few: it may be taken anew, so that nothing is said, and five digits are asked for.
    """
    if not direction.any() or not np.isfinite(found).all():
        return True
    steps = where.steps(central(2, deriv=2), problem.relative_noise)
    if where.room is not None:
        steps = np.minimum(steps, where.room.min(axis=0))
    with np.errstate(all="ignore"):
        t = MOVE * float((steps / np.abs(direction)).min(where=direction != 0, initial=np.inf))
    expected, size = t * float(direction @ found) * t, t * t * float(np.abs(direction * found).sum())
    if few and where.room is None:
        return not product_is_wrong(problem, t * direction, expected, size)
    if not _agree_along(problem, t * direction, expected, size):
        _say("it is a product; fastgrad.differentiate(f, x, deriv=2).value @ v takes the adaptive method")
    return True


def _agrees(problem: Problem, where: Coordinates, v: Array, matrix: Array) -> bool:
    v = v * where.steps(central(2, deriv=2), problem.relative_noise)
    if where.room is not None:
        v = np.sign(v) * np.minimum(np.abs(v), where.room.min(axis=0))
    with np.errstate(all="ignore"):
        return _agree_along(problem, v, float(v @ matrix @ v), float(np.abs(v) @ np.abs(matrix) @ np.abs(v)))


def _agree_along(problem: Problem, v: Array, expected: float, size: float) -> bool:
    """Whether f(x + v) - 2 f(x) + f(x - v) is what was expected, of terms of a size.

    Nearer to x where it is not, for the second difference has an error of its own, or f is not finite.
    """
    if not v.any():
        return True
    x, base = problem.x.ravel(), problem.values.item()
    problem.function.tolerate(True)
    disagreed = 0
    for nearer in (0.3, 0.1, 1e-2, 1e-4):
        right, left = problem.function.at_points(np.stack([x + nearer * v, x - nearer * v]))[:, 0].tolist()
        if np.isfinite([right, left]).all():
            rounding = problem.relative_noise * max(abs(base), abs(right), abs(left))
            off = abs((right - base) + (left - base) - nearer**2 * expected)
            if off <= max(DIGITS * nearer**2 * size, _ROUNDING * rounding):
                return True
            disagreed += 1
            if disagreed == 2:
                break
    return disagreed == 0


def say_if_apart(given: Array, taken: Array) -> None:
    """Warn where second derivatives that were taken anew had fewer than three digits."""
    with np.errstate(all="ignore"):
        if (np.abs(given - taken) > DIGITS * np.abs(taken)).any():
            _say("it was taken by the adaptive method instead")


def _say(what: str) -> None:
    warn(
        f"the Hessian of f by fixed steps does not agree with f along a random direction: {what}. scale=, the distance "
        "over which f changes, noise=, or fastgrad.differentiate(f, x, deriv=2) avoids that"
    )
