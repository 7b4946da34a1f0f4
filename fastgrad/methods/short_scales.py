"""Functions that change over less than a step: their second difference is large relative to the first.

For a function like log at a distance D from its edge the relation is known: from f(x) and f(x ± h), |f+ - 2f + f-| is
h/D times half of |f+ - f-|, and the relative error of the difference is (h/D)²/3. Other functions have large second
differences without an error, above all at a minimum. So such components are suspects, which a shorter step may clear;
the others are computed by the adaptive method.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.problem import Problem
from ..stencils import FLOAT64, Stencil, central
from .edges import Indices, Mask, Part, Slopes, say_why, tolerance
from .orders import DIGITS, apart

_SMOOTH = 10.0
"""f'' may be this many times f / x², so that an ordinary minimum costs nothing."""

_NONE = np.empty(0, dtype=np.intp)

_CLOSE, _CLOSE_FORWARD = 3.0, 10.0
"""The size of small coordinates, in distances from an edge like that of log at which differences have five digits."""

_BLOCK = 1 << 16  # coordinates of points that are processed together

_ROUNDINGS = 16.0  # roundings of a value, in a difference of three or four values

_LEVELS = 8.0  # noise levels of f, in a second difference

_SHORTER = 0.37
"""The step that clears a suspect, relative to that of the derivative: 86% of the error remains visible."""

_CURVATURES = 4.0
"""The curvature over a shorter step, relative to a longer one; it is 7 at a pole between them, and 2.7 at a kink."""

_DEEP = 0.05
"""A second difference over a shorter step that is more than this share of f makes x look like a pole."""

_LOUD = 5e-4
"""Noise of more than this share of f is rare, so that the noise level of f is estimated first."""

_ALIKE = 3e-4
"""Derivatives that agree with the adaptive method so well stay as they are, even if it cannot confirm them."""

_KNOWN = 0.1
"""The largest relative error bar of a value that is still worth returning."""

_OF_ORDERS = 0.2
"""The share of the estimated error of the higher order by which two orders of accuracy may differ."""

_FALLS = 0.25
"""The share of a second difference, and of the error of the slope, that may remain over a shorter step."""


@lru_cache(maxsize=64)
def limits(stencil: Stencil, relative_noise: float) -> tuple[float, float]:
    """The largest second differences relative to first ones, and relative to f."""
    span = stencil.span(tolerance(relative_noise, 1))
    return span, _SMOOTH * stencil.relative_step(relative_noise) ** 2 + _ROUNDINGS * relative_noise


def doubt(stencil: Stencil, relative_noise: float) -> border.Doubt:
    """The limits by which the C core marks components."""
    return border.Doubt(*limits(stencil, relative_noise))


def small(where: Coordinates, stencil: Stencil) -> Indices:
    """Coordinates other than 0 so small that an edge at 0 would be too near: f(x) is worth evaluating."""
    sizes = where.scale if where.scale is not None else 1.0 if where.typical is None else where.typical
    longest = sizes * smallest(stencil)
    if where.x.size <= _BLOCK and np.abs(where.x).min() >= np.max(longest):
        return _NONE
    points = where.x.reshape(-1, where.n)
    found, rows = [], max(1, _BLOCK // where.n)
    for start in range(0, len(points), rows):
        part = points[start : start + rows]
        found.append(start * where.n + np.flatnonzero((np.abs(part) < longest) & (part != 0.0)))
    return np.concatenate(found)


@lru_cache(maxsize=64)
def smallest(stencil: Stencil) -> float:
    """The size below which coordinates are `small`, in the sizes that steps are relative to."""
    step = stencil.relative_step()
    # Higher orders show by themselves all but a pole between two values.
    if stencil.order > 2:
        return step
    # A pole needs shorter steps than log, and near a minimum the relative error of differences is larger.
    return min(1.0, (_CLOSE if stencil.is_central else _CLOSE_FORWARD) * step / limits(stencil, FLOAT64)[0])


def curved(up: Array, down: Array, base: Array, stencil: Stencil, relative_noise: float) -> Mask:
    """Marked components, from values (components, outputs) a step up, a step down and at x: as ``fg_mark_curved``."""
    span, least = limits(stencil, relative_noise)
    with np.errstate(all="ignore"):
        bend, rise = np.abs((up - base) + (down - base)), 0.5 * np.abs(up - down)
        return np.asarray((bend > span * rise + least * np.abs(base)).any(axis=1))


def mark_by_orders(
    problem: Problem, stencil: Stencil, components: Indices, found: Array, lower: Array, h: Array
) -> None:
    """Mark components (of (components, outputs)) of a higher order, by comparison with the next lower order.

    At a distance D from an edge like that of log or 1/x, order p has an error of up to (p/2)!² t^p, where t = h/D. The
    accepted difference of two orders therefore grows with p, and a fifth of the estimate of `apart` holds for all
    orders. A larger difference is noticed by a second look, which warns, unless f(x) is so large that the difference
    counts as rounding.
    """
    relative_noise, curved = problem.relative_noise, problem.curved
    if curved is None:
        curved = problem.curved = np.zeros(problem.x.size, dtype=bool)
    far = apart(stencil, found, lower, h)
    fine = apart(stencil, found, lower, h, 0.0, tolerance(relative_noise, 1), _OF_ORDERS)
    both = far[curved[components[far]]]
    if both.size:
        rounding = relative_noise * np.abs(problem.values_at(components[both] // problem.function.n))
        curved[components[both[apart(stencil, found[both], lower[both], h[both], rounding)]]] = False
    curved[components[np.setdiff1d(fine, far)]] = True


def mend(
    problem: Problem, where: Coordinates, stencil: Stencil, components: Indices, rows: Array, noise: float | None
) -> None:
    """Recompute derivatives, rows (components, outputs), that `problem.curved` marks and no shorter step clears."""
    assert problem.curved is not None
    suspects = np.flatnonzero(problem.curved[components] & np.isfinite(rows).all(axis=1))
    h = where.steps(stencil, problem.relative_noise)
    several = suspects.size > 2 and len(problem.points) == 1
    cleared, no_pole = _cleared_together(problem, where, components, rows, suspects, h) if several else (False, False)
    if cleared:
        return
    if suspects.size:
        which = components[suspects]
        shorter = _moves(problem, where, h)[which]
        right, others = _cleared(problem, where, which, rows[suspects], shorter, h[which], no_pole)
        loud, suspects = suspects[others], suspects[~right]
        given = rows[loud]
        _take_anew(problem, where, components, rows, suspects, noise)
        with np.errstate(all="ignore"):
            off = (np.abs(rows[loud] - given) > DIGITS * np.abs(rows[loud])).any(axis=1)
        if off.any():
            say_retaken(problem.point, components[loud[off]])


def _moves(problem: Problem, where: Coordinates, h: Array) -> Array:
    """Steps shorter than h and than those of order 2, for all coordinates, within bounds."""
    moves = _SHORTER * np.minimum(h, where.steps(central(2), problem.relative_noise))
    return moves if where.room is None else np.minimum(moves, where.room.min(axis=0))


def _cleared_together(
    problem: Problem, where: Coordinates, components: Indices, rows: Array, suspects: Indices, h: Array
) -> tuple[bool, bool]:
    """As `_cleared`, for all suspects at one point along one direction: the smallest must be right to five digits.

    Also returns whether none of them is at a pole.
    """
    which, x, noise = components[suspects], problem.x.ravel(), _ROUNDINGS * problem.relative_noise
    v, some = np.empty(x.size), np.zeros(x.size)
    border.random_direction(v, 1, 2 / 3)
    some[which] = (v * _moves(problem, where, h))[which]
    before, agrees, deep = None, False, np.zeros(problem.outputs, dtype=bool)
    for nearer in (1.0, _SHORTER):
        points = np.stack([x + nearer * some, x - nearer * some])
        values = problem.function.at_points(points)
        with np.errstate(all="ignore"):
            own = 0.5 * (points[0] - points[1])[which, None] * rows[suspects]
            left = np.abs(0.5 * (values[0] - values[1]) - own.sum(axis=0)) / nearer
            bend = np.abs((values[0] - problem.values[0]) + (values[1] - problem.values[0]))
            size = np.abs(values).max(axis=0)
            if before is not None:
                # An error of the given slopes leaves the same remainder over shorter moves; noise grows.
                falls = (bend < _FALLS * before[1]) & (np.abs(left - before[0]) < _FALLS * before[0])
                same = bend <= _CURVATURES * _SHORTER**2 * before[1] + noise * size
                no_pole = bool((same | ~deep).all())
                quiet = bend <= _LOUD * np.abs(problem.values[0])
                return no_pole if agrees else bool((~falls & ~deep & quiet).all()), no_pole
            least = np.abs(own).min(axis=0) if left.size == 1 else np.sqrt((own**2).sum(axis=0))
            deep = ~(bend <= _DEEP * np.abs(problem.values[0]) + noise * size)
            agrees = bool((left <= tolerance(problem.relative_noise, 1) * least + noise * size).all())
        if agrees and not deep.any():
            return True, True
        before = left, bend
    return False, False


def _cleared(
    problem: Problem, where: Coordinates, which: Indices, found: Array, shorter: Array, h: Array, no_pole: bool
) -> tuple[Mask, Mask]:
    """Suspects whose derivatives agree with a shorter step to five digits, or whose second differences are noise.

    Also returns those that look like noise, but are not.
    """
    relative, noise = tolerance(problem.relative_noise, 1), _ROUNDINGS * problem.relative_noise
    slope, bend, base = _differences(problem, which, shorter)
    with np.errstate(all="ignore"):
        off, rounding = np.abs(slope - found), noise * np.abs(base) / shorter[:, None]
        right = off <= relative * np.abs(slope) + rounding
        # Between two poles slopes agree as they do at a minimum, however near to x both poles are.
        deep = (bend > _DEEP * np.abs(base)) & (not no_pole)
        known: Mask = np.asarray(np.isfinite(slope).all(axis=1))
        again = np.flatnonzero((deep | ~right).any(axis=1) & known)
        if not again.size:
            return np.asarray(right.all(axis=1) & known), np.zeros(known.shape, dtype=bool)
        right, deep, off, base, rounding = right[again], deep[again], off[again], base[again], rounding[again]
        nearer, less, _ = _differences(problem, which[again], _SHORTER * shorter[again])
        same = less <= _CURVATURES * _SHORTER**2 * bend[again] + noise * np.abs(base)
        # Within a step of a minimum, the error of the slope is compared with its change over the step.
        straight = off <= relative * (bend * (h / shorter**2)[:, None])[again] + rounding
        # Errors of too long a step fall by a factor of 7 each time, and so do second differences; noise does not.
        falls = (less < _FALLS * bend[again]) & (np.abs(nearer - slope[again]) < _FALLS * off)
        noisy = ~(right | straight | falls | deep)
        loud = (noisy & (less > _LOUD * np.abs(base))).any(axis=1)
        is_noise = noisy.copy()
        is_noise[loud] &= _is_noise(problem, where, which[again[loud]], less[loud])
        cleared, others = known.copy(), np.zeros(known.shape, dtype=bool)
        cleared[again] = np.where(right, ~deep | same, np.where(straight, same, is_noise)).all(axis=1)
        others[again] = (noisy & ~is_noise).any(axis=1)
        return cleared, others


def _is_noise(problem: Problem, where: Coordinates, which: Indices, bend: Array) -> Mask:
    """Whether second differences (components, outputs) are the noise of f; otherwise steps are far too long."""
    if problem.declared or not which.size:
        return np.ones(bend.shape, dtype=bool)
    n = where.n
    points, at = np.unique(which // n, return_inverse=True)
    room = None if where.room is None else where.room.reshape(2, -1, n)[:, points]
    sizes = where.sizes().reshape(-1, n)[points]
    levels = problem.function.noise(problem.points[points], problem.values_at(points), sizes, room)
    return np.asarray(bend <= _LEVELS * levels[at])


def _differences(problem: Problem, which: Indices, h: Array) -> tuple[Array, Array, Array]:
    """First derivatives (components, outputs) over steps h, second differences, and f at x."""
    x = problem.x.ravel()[which]
    values = problem.function.at_shifts(problem.x, which, h, np.array([1.0, -1.0]))
    base = problem.values_at(which // problem.function.n)
    with np.errstate(all="ignore"):
        distance = (x + h) - (x - h)
        slope = (values[:, 0] - values[:, 1]) / distance[:, None]
        return slope, np.abs((values[:, 0] - base) + (values[:, 1] - base)), base


def _take_anew(
    problem: Problem, where: Coordinates, components: Indices, rows: Array, suspects: Indices, noise: float | None
) -> None:
    """Recompute suspects by the adaptive method; a warning names those that it cannot confirm."""
    near = np.zeros(problem.x.size, dtype=bool) if problem.near is None else problem.near.copy()
    flags = np.zeros(suspects.size, dtype=np.intc)
    unsure: list[int] = []
    for k, row in enumerate(suspects):
        found = Part.of(problem, where, components[[row]], noise).slopes()
        near[components[row]] = True
        rows[row], sure = _chosen(rows[row], found)
        flags[k] = np.bitwise_or.reduce(found.flags[0])
        if not sure:
            unsure.append(k)
    problem.near = near
    if unsure:
        _say(problem, where, components[suspects[unsure]], rows[suspects[unsure]], flags[unsure])


def _chosen(given: Array, found: Slopes) -> tuple[Array, bool]:
    """One component: the confirmed derivative, else the better value or nan; and whether no warning is needed."""
    from .adaptive import NOISY

    value, error = found.value[0], found.error[0]
    accepted = np.isfinite(found.accepted[0])
    with np.errstate(all="ignore"):
        known = error <= _KNOWN * np.maximum(np.abs(value), np.abs(given))
        off = np.abs(given - value)
        # Outputs that do not change have a derivative of 0, so that an error bar has no scale.
        alike = (given == value) | (known & (off <= np.maximum(_ALIKE * np.abs(value), error)))
    unknown = np.where(found.flags[0] & NOISY != 0, given, np.nan)
    best = np.where(accepted, found.accepted[0], np.where(alike, given, np.where(known, value, unknown)))
    return best, bool((accepted | alike).all())


def names(point: Point, components: Indices) -> str:
    """Up to three components by name, and the number of the others."""
    shown = ", ".join(point.name(int(c)) for c in components[:3])
    return shown if components.size <= 3 else f"{shown} and {components.size - 3} more"


def say_retaken(point: Point, components: Indices) -> None:
    """Warn that derivatives by fixed steps were wrong."""
    warn(
        f"fixed steps do not fit f along {names(point, components)}: derivatives by them had fewer than three digits, "
        "and were recomputed by the adaptive method. To avoid this, pass scale=, the distance over which f changes "
        'there, or method="adaptive"'
    )


def _say(problem: Problem, where: Coordinates, which: Indices, rows: Array, flags: NDArray[np.intc]) -> None:
    none = np.isnan(rows).any(axis=1)
    if none.any():
        say_why(problem, where, which[none], flags[none], np.zeros(int(none.sum()), dtype=bool))
    which = which[~none]
    if which.size:
        warn(
            f"f changes over less than a step along {problem.point.name(int(which[0]))} ({which.size} such components) "
            "and is noisy or has an edge there: derivatives by the adaptive method have fewer digits than usual. "
            "fastgrad.differentiate gives them with error bars"
        )


# --- Second derivatives ---------------------------------------------------------------------------------------------


_LIKE_SQRT = 0.6
"""The accepted ratio at an edge like that of sqrt, relative to that at one like that of log."""


_NEARLY = 0.6
"""The move that clears a suspect, in steps of second derivatives: 64% of their error remains visible."""

_NOTICED = 0.3
"""The share of their accepted error that may remain."""

_ROUNDINGS_OF_A_SUM = 4.0


def is_suspect(bend: Array, rise: Array, base: float, stencil: Stencil, relative_noise: float) -> Mask:
    """Coordinates whose second differences are so large relative to first ones that second derivatives may be wrong."""
    span = _LIKE_SQRT * stencil.span(_wanted(stencil, relative_noise))
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(bend) > span * np.abs(rise) + _ROUNDINGS * relative_noise * abs(base))


def _wanted(stencil: Stencil, relative_noise: float) -> float:
    """The accepted relative error of second derivatives; forward ones have no more than three digits."""
    return max(tolerance(relative_noise, 2), 0.0 if stencil.is_symmetric else DIGITS)


def mark_second(
    problem: Problem,
    where: Coordinates,
    axes: Indices,
    pairs: tuple[Indices, Indices],
    found: tuple[Array, Array],
    h: Array,
) -> None:
    """Set second derivatives with too long steps to nan; `found` is as for `edges.replace_second`.

    At a minimum all coordinates are suspect, and one second difference along all of them may clear them.
    """
    assert problem.curved is not None
    diagonal, (rows, columns) = found[0], pairs
    suspects = axes[problem.curved[axes] & np.isfinite(diagonal[axes])]
    if not suspects.size:
        return
    v = np.zeros(problem.x.size)
    random = np.empty(problem.x.size)
    border.random_direction(random, 1, _NEARLY)
    steps = h if where.room is None else np.minimum(h, where.room.min(axis=0))
    v[suspects] = (random * steps)[suspects]
    inside = np.isin(rows, suspects) & np.isin(columns, suspects) & np.isfinite(found[1])
    size = np.abs(v**2 * diagonal)[suspects].sum()
    expected = (v**2 * diagonal)[suspects].sum() + 2 * (v[rows] * v[columns] * found[1])[inside].sum()
    if _is_second(problem, v[None], np.array([expected]), np.array([size]))[0][0]:
        return
    if suspects.size > 1:
        alone = np.zeros((suspects.size, v.size))
        alone[np.arange(suspects.size), suspects] = _NEARLY * steps[suspects]
        expected = diagonal[suspects] * (_NEARLY * steps[suspects]) ** 2
        right, left = _is_second(problem, alone, expected, np.abs(expected))
        suspects, left = suspects[~right], left[~right]
    if suspects.size and not problem.declared:
        sizes = where.sizes().reshape(1, -1)
        level = problem.function.noise(problem.points, problem.values, sizes, where.room).item()
        suspects = suspects[left > _LEVELS * level] if suspects.size > 1 else suspects
    diagonal[suspects] = np.nan
    found[1][np.isin(rows, suspects) | np.isin(columns, suspects)] = np.nan


def _is_second(problem: Problem, moves: Array, expected: Array, sizes: Array) -> tuple[Mask, Array]:
    """Whether second differences along moves (count, n) are as expected, to five digits of sizes; the remainder."""
    x, base, noise = problem.x.ravel(), problem.values.item(), problem.relative_noise
    values = problem.function.at_points(np.concatenate([x + moves, x - moves])).reshape(2, -1)
    with np.errstate(all="ignore"):
        left = np.abs((values[0] - base) + (values[1] - base) - expected)
        rounding = _ROUNDINGS_OF_A_SUM * noise * np.abs(values).max(axis=0)
        return np.asarray(left <= _NOTICED * tolerance(noise, 2) * sizes + rounding), left
