"""A second look at second derivatives: a second difference of f along a random direction must agree with them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function, by_some
from ..evaluate.problem import Problem
from ..stencils import central
from .adaptive import Adaptive
from .edges import tolerance
from .orders import DIGITS
from .second_look import AGREE, MOVE

Indices = NDArray[np.intp]

_MOST = 210
"""More entries, those of 20 coordinates, are not taken anew by the adaptive method: each takes 8 evaluations."""

_ROUNDING = 16.0
"""What may be left unexplained, in roundings of f."""

_NEARER = (0.3, 0.1, 1e-2, 1e-4)
"""The moves of a look: nearer to x where f is not finite or disagrees, for a second difference has its own error."""


class Entries(NamedTuple):
    """Second derivatives, and the steps that they were taken with."""

    diagonal: Array  # (n,); those along some axes count
    mixed: Array  # an entry a pair
    h: Array  # (n,)


def entries_looked_at(
    problem: Problem,
    where: Coordinates,
    found: Entries,
    axes: Indices,
    pairs: tuple[Indices, Indices],
    noise: float | None,
    exact: bool = False,
) -> Entries:
    """Second derivatives along axes and of all pairs of them, taken by the adaptive method where f disagrees.

    noise: of an evaluation of f, where the user knows it; exact: they are those of gradients by complex steps.
    """
    rows, columns = pairs
    if not (axes.size and np.isfinite(found.diagonal[axes]).all() and np.isfinite(found.mixed).all()):
        return found
    v = np.empty(problem.x.size)
    border.random_direction(v, 1, MOVE)
    v[np.setdiff1d(np.arange(v.size), axes)] = 0.0
    v *= found.h
    if problem.near is not None:
        v[problem.near] = 0.0
    if where.room is not None:
        v = np.sign(v) * np.minimum(np.abs(v), where.room.min(axis=0))
    with np.errstate(all="ignore"):
        terms = np.concatenate([found.diagonal[axes] * v[axes] ** 2, 2.0 * found.mixed * v[rows] * v[columns]])
    if _agree_along(problem, v, float(terms.sum()), float(np.abs(terms).sum())):
        return found
    if axes.size + rows.size > _MOST:
        _say(f"{axes.size + rows.size} entries are too many for them to be taken anew")
        return found
    return _taken_anew(problem, where, found, axes, pairs, noise, exact)


def _taken_anew(
    problem: Problem,
    where: Coordinates,
    found: Entries,
    axes: Indices,
    pairs: tuple[Indices, Indices],
    noise: float | None,
    exact: bool,
) -> Entries:
    rows, columns = (np.searchsorted(axes, ends) for ends in pairs)
    x, n = problem.x.ravel(), axes.size
    part = Problem(by_some(problem.function, x, axes), Point(x[axes]), None, problem.relative_noise, problem.values)
    bounds = None if where.bounds is None else (where.bounds[0][axes], where.bounds[1][axes])
    other = Adaptive(None, bounds, noise, scale=where.sizes().ravel()[axes]).second(part, rows, columns)
    diagonal, mixed = found.diagonal[axes], found.mixed
    with np.errstate(all="ignore"):
        own = np.abs(other.value[:n])
        whole = AGREE * np.concatenate([own, np.sqrt(own[rows] * own[columns])])
    given = np.concatenate([diagonal, mixed])
    right = _are_right(given, other.value, other.error, whole)
    if right.all():
        return found
    if exact:
        raise ValueError(
            'second derivatives by method="complex" are wrong: f drops imaginary parts (abs, conj, Cholesky), or has a '
            'branch cut or edge nearer to x than their outer step; scale= shortens it, method="central" avoids it'
        )
    _say("it was taken by the adaptive method instead")
    both = np.where(right, given, other.value)
    along = found.diagonal.copy()
    along[axes] = both[:n]
    return Entries(along, both[n:], found.h)


def _are_right(given: Array, value: Array, error: Array, whole: Array) -> NDArray[np.bool_]:
    """Whether entries are those of the adaptive method, to three digits of themselves or of what they belong to."""
    with np.errstate(all="ignore"):
        return np.asarray(
            (np.abs(given - value) <= np.maximum(AGREE * np.abs(value), whole) + error) | ~np.isfinite(value)
        )


def product_looked_at(
    problem: Problem, where: Coordinates, direction: Array, room: tuple[float, float] | None, found: Array, few: bool
) -> Array | None:
    """The product of the Hessian with a direction v, taken by the adaptive method where f disagrees with it.

    None: an edge of f is so near that nothing can be compared. room: bounds of the t of x + t v; few: it may be taken
    anew for its fifth digit.
    """
    if not direction.any() or not np.isfinite(found).all():
        return found
    steps = where.steps(central(2, deriv=2), problem.relative_noise)
    t = 1.0 if room is None else 0.5 * min(-room[0], room[1])
    with np.errstate(all="ignore"):
        t = min(t, MOVE * float((steps / np.abs(direction)).min(where=direction != 0, initial=np.inf)))
    w = np.empty(found.size)
    border.random_direction(w, 1, MOVE)
    w *= steps
    if where.room is not None:
        w = np.sign(w) * np.minimum(np.abs(w), 0.5 * where.room.min(axis=0))
    expected, size = t * float(w @ found), t * float(np.abs(w * found).sum())
    moves = w, t * direction
    agrees = (
        _agree_across(problem, *moves, expected, size, tolerance(problem.relative_noise, 2), (1.0,)) if few else False
    )
    if agrees or agrees is None:
        return found if agrees else None
    agrees = _agree_across(problem, *moves, expected, size)
    if agrees is None or (agrees and not few):
        return found if agrees else None
    value, error, whole = _product_by_adaptive(problem, where, direction, room)
    right = _are_right(found, value, error, AGREE * whole)
    with np.errstate(all="ignore"):
        known = np.isfinite(value) & (error <= DIGITS * np.maximum(np.abs(value), whole))
        better = np.isfinite(value) & (np.abs(found - value) > error)
    if not (agrees or known.all()):
        _say("its product may be wrong, and the adaptive method does not tell it to three digits either")
    elif not (right | agrees & ~known).all():
        _say("its product was taken by the adaptive method instead")
    return np.where(better & (known | (not agrees)), value, found)


def _product_by_adaptive(
    problem: Problem, where: Coordinates, direction: Array, room: tuple[float, float] | None
) -> tuple[Array, Array, Array]:
    """Values, error bars and sizes of the product: mixed derivatives of f(y + t v) by y_i and t, at x and 0."""
    x, n = problem.x.ravel(), problem.x.size
    sizes = where.sizes().ravel()

    def moved(points: Array) -> Array:
        return problem.function.at_points(points[:, :n] + points[:, n:] * direction)[:, 0]

    with np.errstate(all="ignore"):
        unit = 1.0 / float((np.abs(direction) / sizes).max())
    bounds = None
    if where.room is not None and room is not None:
        # Half of the room for each, so that their sum has enough.
        down, up = 0.5 * where.room
        bounds = np.append(x - down, 0.5 * room[0]), np.append(x + up, 0.5 * room[1])
    point = Point(np.append(x, 0.0))
    scale = np.append(sizes, unit if 0.0 < unit < np.inf else 1.0)
    problem.function.tolerate(True)
    with as_function(moved, (), point, Evaluation(vectorized="rows"), 1) as function:
        whole = Problem(function, point, None, problem.relative_noise, problem.values)
        found = Adaptive(None, bounds, scale=scale).second(whole, np.arange(n), np.full(n, n))
    with np.errstate(all="ignore"):
        size = np.sqrt(np.abs(found.value[:n] * found.value[n]))
    return found.value[n + 1 :], found.error[n + 1 :], size


def _agree_along(problem: Problem, v: Array, expected: float, size: float) -> bool:
    """Whether f(x + v) - 2 f(x) + f(x - v) is what was expected, of terms of a size."""
    return _agree(problem, np.stack([v, -v]), np.array([1.0, 1.0]), expected, size) is not False


def _agree_across(
    problem: Problem,
    w: Array,
    v: Array,
    expected: float,
    size: float,
    digits: float = DIGITS,
    nearer: tuple[float, ...] = _NEARER,
) -> bool | None:
    """Whether [f(x + v + w) - f(x + v - w) - f(x - v + w) + f(x - v - w)] / 4 is what was expected."""
    moves = np.stack([v + w, -v - w, v - w, w - v])
    return _agree(problem, moves, np.array([0.25, 0.25, -0.25, -0.25]), expected, size, digits, nearer)


def _agree(
    problem: Problem,
    moves: Array,
    weights: Array,
    expected: float,
    size: float,
    digits: float = DIGITS,
    nearer: tuple[float, ...] = _NEARER,
) -> bool | None:
    """None where f is not finite, or far from f(x), at all of these moves."""
    if not moves.any():
        return True
    x, base = problem.x.ravel(), problem.values.item()
    problem.function.tolerate(True)
    disagreed = 0
    for part in nearer:
        values = problem.function.at_points(x + part * moves)[:, 0]
        # A pole next to x leaves no trace in a difference without f(x).
        pole = not weights.sum() and np.abs(values).max() < 0.5 * abs(base)
        if np.isfinite(values).all() and not pole:
            rounding = problem.relative_noise * max(abs(base), float(np.abs(values).max()))
            off = abs(float(weights @ (values - base)) - part**2 * expected)
            if off <= max(digits * part**2 * size, _ROUNDING * rounding):
                return True
            disagreed += 1
            if disagreed == 2:
                break
    return False if disagreed else None


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
