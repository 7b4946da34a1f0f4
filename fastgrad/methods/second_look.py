"""A second look at derivatives by fixed steps: two evaluations of f that must agree with them, and what is done if not.

Along a direction v, [f(x + v) - f(x - v)] / 2 is the sum of v_i g_i. Moves are shorter than the steps of the
derivatives: what these are off by then shows at its own size, truncation and noise alike, while a longer move adds a
truncation error of its own. docs/steps.md has what was tried and measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import by_some
from ..evaluate.problem import Problem
from ..stencils import FLOAT64, Stencil, central
from .edges import Mask, tolerance
from .orders import DIGITS, apart
from .short_scales import mend, names, say_retaken

Indices = NDArray[np.intp]
Retake = Callable[[float], Array]
"""Derivatives by steps for a relative noise of f."""

LEAST = 20
"""From so many components on, two evaluations are at most 5% of what the derivatives cost."""

MOVE = 0.37
"""The moves of a second look, in steps of the central difference of order 2: from half of it to three halves."""

AGREE = 3e-4
"""Two ways that agree so well are both right."""

_ROUNDING = 16.0
"""What may be left unexplained, in roundings of f."""

_NOISE = 30.0
"""So many roundings of f are noise."""

_STEEP = 0.1
"""Slopes on one side, over a very short step, differ by less from the derivative there."""

_BLOCK = 1 << 16
"""Coordinates of points that are looked at together."""

_FEW = 8
"""Suspects that are taken by the adaptive method without another look."""

_MOST = 64
"""Evaluations of a component that the adaptive method may take: each of many outputs may have a scale of its own."""


def is_due(check: bool | None, n: int, first: bool | None = None) -> bool:
    """Whether derivatives by n coordinates are looked at again: as the option says, else where that costs little.

    first: they are the first ones of an object that takes them many times.
    """
    return (bool(first) or n >= LEAST) if check is None else check


_NONE = np.empty(0, dtype=np.intp)


class Look(NamedTuple):
    """Derivatives at a point, and how far f is moved to look at them."""

    problem: Problem
    where: Coordinates
    found: Array  # (n, outputs); 0 where there is none
    steps: Array | None  # that they were taken with, (n,); None: complex ones, which have no rounding
    moves: Array  # (n,); 0 where there is no derivative or no room, and near an edge
    retake: Retake | None  # None where that would change nothing, as with steps that the user chose
    stencil: Stencil | None

    @classmethod
    def at(
        cls,
        problem: Problem,
        where: Coordinates,
        found: Array,
        steps: Array | None,
        retake: Retake | None,
        stencil: Stencil | None,
    ) -> Look:
        """Of the derivatives by all coordinates, in any shape."""
        rows = found.reshape(problem.x.size, -1)
        moves = where.steps(central(2), problem.relative_noise)
        if where.room is not None:
            moves = np.minimum(moves, where.room.min(axis=0))
        if problem.near is not None:
            moves = np.where(problem.near, 0.0, moves)
        if not border.is_plain(rows):
            known = np.asarray(np.isfinite(rows).all(axis=1))
            moves, rows = np.where(known, moves, 0.0), np.where(known[:, None], rows, 0.0)
        return cls(problem, where, rows, steps, moves, retake, stencil)


def look_at_points(
    problem: Problem, found: Array, only: int | None, look_at: Callable[[Problem, Array], Look], due: bool
) -> Array:
    """Derivatives at one point or many, looked at again; where that is not due, by what their values show alone.

    only: they are those of one component, (1, outputs).
    """
    points, lower, near = problem.points, problem.lower, problem.near
    if not found.size:
        return found
    problem.function.tolerate(True)
    if only is not None:
        rows = np.full((points.size, problem.outputs), np.nan)
        rows[only] = found[0]
        if lower is not None:
            lower, rows_of = np.zeros_like(rows), lower
            lower[only] = rows_of[0]
        return _looked_at_one(look_at(problem, rows), lower, due, rows)[[only]]
    if len(points) == 1:
        return _looked_at_one(look_at(problem, found), lower, due, found)
    each = found.reshape(len(points), problem.point.n, -1)
    below = None if lower is None else lower.reshape(each.shape)
    block = max(1, _BLOCK // problem.point.n)

    def at(part: slice) -> Problem:
        some = problem.at(points[part])
        some.near = None if near is None else near.reshape(points.shape)[part].ravel()
        return some

    for start in range(0, len(points), block):
        part = slice(start, start + block)
        whole = look_at(at(part), each[part])
        which = _doubtful(whole, each[part], None if below is None else below[part], due)
        for k in start + which:
            look = look_at(at(slice(k, k + 1)), each[k])
            each[k] = _looked_at_one(look, None if below is None else below[k], due, each[k])
    return found


def _looked_at_one(look: Look, lower: Array | None, due: bool, given: Array) -> Array:
    """The derivatives that were given, in their shape; those that are not finite stay so."""
    if lower is not None:
        look = look._replace(found=_compared_with_lower(look, lower))
    found = (looked_at(look) if due else look.found).reshape(given.shape)
    return found if border.is_plain(given) else np.where(np.isfinite(given), found, given)


def _compared_with_lower(look: Look, lower: Array) -> Array:
    """The derivatives, mended where two orders of accuracy are too far apart."""
    assert look.stencil is not None
    assert look.steps is not None
    suspects = apart(look.stencil, look.found, lower, look.steps)
    if not (look.moves[suspects] != 0).any():
        return look.found
    size = np.abs(look.problem.values).max(axis=0)
    rounding = look.problem.relative_noise * size
    suspects = apart(look.stencil, look.found, lower, look.steps, rounding)
    suspects = suspects[look.moves[suspects] != 0]
    if not suspects.size:
        return look.found
    with np.errstate(all="ignore"):
        steps = look.steps[suspects, None]
        left, own = np.abs(look.found - lower)[suspects] * steps, np.abs(look.found[suspects]) * steps
    left[left <= np.fmax(DIGITS * own, _ROUNDING * rounding)] = 0.0
    return _acted_on(look, Seen(suspects, _NONE, left.max(axis=0), rounding, size))


def _doubtful(whole: Look, each: Array, below: Array | None, due: bool) -> Indices:
    """Which of many points need a look of their own: all, but those that one look at all points together clears."""
    b, n, outputs = each.shape
    doubtful = np.full(b, due)
    if due and outputs == 1:
        problem = whole.problem
        v = np.empty((b, n))
        border.random_direction(v, 1, MOVE)
        v *= whole.moves.reshape(b, n)
        up, down = problem.points + v, problem.points - v
        values = problem.function.at_points(np.concatenate([up, down])).reshape(2, b)
        with np.errstate(all="ignore"):
            own = 0.5 * (up - down) * each[:, :, 0]
            left = np.abs(0.5 * (values[0] - values[1]) - own.sum(axis=1))
            unsure = np.maximum(left, problem.relative_noise * np.abs(values).max(axis=0))
            doubtful = ~(DIGITS * np.abs(own).min(axis=1, where=v != 0, initial=np.inf) >= unsure)
    if below is not None and whole.stencil is not None and whole.steps is not None:
        steps = whole.steps.reshape(b, n)
        doubtful |= [apart(whole.stencil, each[k], below[k], steps[k]).size > 0 for k in range(b)]
    return np.flatnonzero(doubtful)


class Seen(NamedTuple):
    """What a look along a direction in which some coordinates move has shown."""

    wrong: Indices  # components of which more may be off than a thousandth, beyond all rounding of f
    weak: Indices  # other components, of which no three digits can be known for rounding
    left: Array  # what the derivatives leave unexplained, (outputs,); 0 for the rows of a matrix that are right
    rounding: Array  # of f
    size: Array  # of f
    fine: Mask | None = None  # components of which some may be off in the fourth or fifth digit, if any


def seen_along(look: Look, which: Indices | None = None, seed: int = 1) -> Seen | None:
    """Move some coordinates, or all, along a random direction; None where f is not finite so near to x."""
    x = look.problem.x.ravel()
    v = np.empty(x.size)
    border.random_direction(v, seed, MOVE)
    v *= look.moves
    if which is not None:
        some = np.zeros(x.size)
        some[which] = v[which]
        v = some
    points = np.empty((2, x.size))
    for shorter in (1.0, 1e-3):
        np.add(x, shorter * v, out=points[0])
        np.subtract(x, shorter * v, out=points[1])
        values = look.problem.function.at_points(points)
        if border.is_plain(values):
            with np.errstate(all="ignore"):
                return _compared(look, 0.5 * (points[0] - points[1]), values)
    return None


def _compared(look: Look, v: Array, values: Array) -> Seen:
    own = v[:, None] * look.found
    left = np.abs(0.5 * (values[0] - values[1]) - own.sum(axis=0))
    size = np.abs(values).max(axis=0)
    rounding = look.problem.relative_noise * size
    own = np.abs(own)
    if left.size == 1:
        unsure = max(float(left[0]), 0.0 if look.steps is None else float(rounding[0]))
        # The usual case, in one comparison.
        if DIGITS * own.min() >= unsure:
            return Seen(_NONE, _NONE, left, rounding, size, _fine(look, own, left, rounding))
        moved = v != 0.0
        doubtful = moved & (DIGITS * own[:, 0] < left[0])
        beyond = left[0] > _ROUNDING * rounding[0]
        weak = doubtful
        if look.steps is not None:
            weak = weak | (moved & (DIGITS * look.steps * np.abs(look.found[:, 0]) < rounding[0]))
        wrong = np.flatnonzero(doubtful) if beyond else _NONE
        # Who says how noisy f is, knows what its derivatives are worth.
        if look.steps is None or look.problem.declared:
            return Seen(wrong, _NONE, left, rounding, size)
        weak = np.flatnonzero(weak & ~doubtful if beyond else weak)
        return Seen(wrong, weak, left, rounding, size, _fine(look, own, left, rounding))
    # Many entries of a matrix are 0 or small: each row is compared as a whole.
    rows = left > np.maximum(DIGITS * np.sqrt((own**2).sum(axis=0)), _ROUNDING * rounding)
    wrong = np.flatnonzero(v) if rows.any() else _NONE
    return Seen(wrong, _NONE, np.where(rows, left, 0.0), rounding, size, _fine(look, own, left, rounding))


def _fine(look: Look, own: Array, left: Array, rounding: Array) -> Mask | None:
    """Components (of (n, outputs)) that may be off by what is left, where that is a fifth digit of the whole."""
    if look.steps is None or look.stencil is None or look.retake is None or look.problem.declared:
        return None
    relative = tolerance(look.problem.relative_noise, 1)
    if (left <= np.maximum(relative * np.sqrt((own**2).sum(axis=0)), _ROUNDING * rounding)).all():
        return None
    # Those that may be off by more are found, and named, as suspects.
    with np.errstate(all="ignore"):
        return np.asarray(((DIGITS * own >= left) & (relative * own < left)).any(axis=1) & (look.moves != 0.0))


def looked_at(look: Look) -> Array:
    """The derivatives (n, outputs), mended with a warning where f does not agree with them.

    Raises
    ------
    ValueError
        Complex steps are wrong: f does not compute analytically with complex numbers.
    """
    seen = seen_along(look) if look.moves.any() else None
    if seen is None and look.steps is None:
        return _beside_edges(look)
    if seen is not None and seen.fine is not None:
        assert look.stencil is not None
        stencil, problem = look.stencil, look.problem
        look = look._replace(found=look.found.copy())
        problem.curved, before = seen.fine, problem.near
        mend(problem, look.where, stencil, np.arange(len(look.found)), look.found, None)
        if problem.near is not None and problem.near is not before:
            # What these were off by is not to be put down to others.
            look = look._replace(moves=np.where(problem.near, 0.0, look.moves))
            seen = seen_along(look) if look.moves.any() else None
    if seen is None or not (seen.wrong.size or seen.weak.size):
        return look.found
    return _acted_on(look, seen)


def _beside_edges(look: Look) -> Array:
    """Complex derivatives, nan with a warning where f ends at x and its slope on the other side is another one."""
    problem, found = look.problem, look.found.copy()
    which = np.flatnonzero(look.moves)
    steep = np.zeros(which.size, dtype=bool)
    # An edge at 0 is not at a coordinate that is tiny.
    size = np.abs(problem.x.ravel()[which])
    size = np.where(size == 0.0, problem.point.unit or 0.0, size)
    moves = np.where(size > 0.0, np.minimum(look.moves[which], size), look.moves[which])
    for h in (moves, -moves):
        values = problem.function.at_shifts(problem.x, which, h, np.array([1e-3, -1e-3]))
        with np.errstate(all="ignore"):
            slope = (values[:, 0] - problem.values) / (1e-3 * h[:, None])
            rounding = _ROUNDING * FLOAT64 * np.abs(problem.values) / np.abs(1e-3 * h[:, None])
            other = np.abs(slope - found[which]) > _STEEP * np.abs(slope) + rounding
        steep |= ~np.isfinite(values[:, 1]).all(axis=1) & (other & np.isfinite(slope)).any(axis=1)
    if steep.any():
        found[which[steep]] = np.nan
        warn(
            f"f has an edge at {names(problem.point, which[steep])}, where its slope is not that of the complex step "
            "and may be infinite: their derivatives are nan. Take them farther from the edge"
        )
    return found


def _acted_on(look: Look, seen: Seen) -> Array:
    """What follows from suspects: other steps where f is noisy, else the adaptive method for those that stay so."""
    noise = _noise(look, seen)
    if noise is not None:
        return _of_noisy(look, seen, noise)
    wrong = _narrowed(look, seen.wrong) if seen.wrong.size else _NONE
    weak = seen.weak
    if weak.size > max(_FEW, look.moves.size // 8):
        _say_weak(look, seen)
        weak = _NONE
    suspects = np.union1d(wrong, weak)
    return _mended(look, suspects) if suspects.size else look.found


def _narrowed(look: Look, suspects: Indices) -> Indices:
    """The suspects that stay so where fewer coordinates move: groups are halved until they are cleared or small."""
    groups, kept, looks = [suspects], [_NONE], 0
    while groups:
        group = groups.pop()
        again = None
        if group.size > 1 and 2 * looks < look.moves.size:
            looks += 1
            again = seen_along(look, group, seed=1 + looks)
        if again is None:
            kept.append(group)
            continue
        left = np.union1d(again.wrong, again.weak)
        if left.size <= _FEW // 2 or (left.size <= group.size // 2 and left.size <= _FEW):
            kept.append(left)
        elif left.size <= group.size // 2:
            groups.append(left)
        else:
            groups += [left[: left.size // 2], left[left.size // 2 :]]
    return np.unique(np.concatenate(kept))


def _noise(look: Look, seen: Seen) -> Array | None:
    """The noise of f, (outputs,), where it is that which keeps f and derivatives apart."""
    problem = look.problem
    if problem.declared or not (seen.left > 4 * seen.rounding).any():
        return None
    where = look.where
    levels = problem.function.noise(problem.points, problem.values, where.sizes().reshape(1, -1), where.room)[0]
    expected = levels * np.sqrt(1 + MOVE**2 * problem.x.size)
    noisy, doubtful = levels > _NOISE * seen.rounding, seen.left > 0.0
    # Noise of some outputs does not explain what others are off by.
    return np.asarray(levels) if (noisy & doubtful).any() and (seen.left < 16 * expected)[doubtful].all() else None


def _of_noisy(look: Look, seen: Seen, noise: Array) -> Array:
    """Derivatives by steps that fit the noise, which is said where these are not the same."""
    problem, found = look.problem, look.found
    if look.steps is not None:
        # Longer steps have a truncation error that is not known: noise that leaves three digits is not worth them.
        changes = np.abs(found) * look.steps[:, None]
        least = changes.min(axis=0, where=(look.moves != 0)[:, None], initial=np.inf)
        enough = noise <= AGREE * (least if noise.size == 1 else changes.max(axis=0))
        if (enough & (seen.left <= 3 * noise)).all():
            return found
    level = f"{float(noise.max()):.0e}"
    if look.retake is not None and look.steps is not None:
        relative = float((noise[seen.size > 0] / seen.size[seen.size > 0]).max(initial=FLOAT64))
        believed, problem.relative_noise = problem.relative_noise, relative
        found = look.retake(relative).reshape(found.shape)
        if _agree(look.found, found)[look.moves != 0].all():
            # Right as they are; that there is noise may be wrong, and longer steps have more truncation error.
            problem.relative_noise = believed
            return look.found
        again = seen_along(look._replace(found=found))
        if again is not None and (again.left > seen.left)[seen.left > 0.0].any():
            found = look.found
    warn(
        f"f is noisy, about {level}, which derivatives by fixed steps do not stand: they may be off by more than 0.1%. "
        f'noise={level} chooses steps for it; method="adaptive" and fastgrad.differentiate average it out'
    )
    return found


def _say_weak(look: Look, seen: Seen) -> None:
    zero = (look.found[seen.weak] == 0.0).all(axis=1)
    weak = seen.weak[~zero]
    if weak.size:
        precision = "" if look.problem.relative_noise == FLOAT64 else ", which computes in low precision"
        warn(
            f"{weak.size} of {look.moves.size} derivatives, the first by {look.problem.point.name(int(weak[0]))}, have "
            f"fewer than three digits: f{precision} hardly changes over the steps beside its rounding. "
            'method="adaptive" takes longer ones'
        )


def by_adaptive(look: Look, which: Indices) -> tuple[Array, Array]:
    """Values and error bars of some components, (which, outputs), by the adaptive method."""
    problem, where = look.problem, look.where
    x = problem.x.ravel()
    part = by_some(problem.function, x, which)
    part.tolerate(True)
    sizes, room = where.sizes().reshape(1, -1)[:, which], None if where.room is None else where.room[:, which]
    found, _, _ = part.adaptive(x[None, which], problem.values, sizes, room, most=_MOST)
    value, bar = found[:2].reshape(2, -1, which.size).transpose(0, 2, 1)
    return value, bar


def _mended(look: Look, suspects: Indices) -> Array:
    """The derivatives, those of suspects as the adaptive method finds them if these differ."""
    value, bar = by_adaptive(look, suspects)
    given = look.found[suspects]
    with np.errstate(all="ignore"):
        right = _agree(given, value) | ~np.isfinite(value)
        if look.steps is None:
            right |= np.abs(given - value) <= 10 * bar
            _refuse_complex(look, suspects[~right.all(axis=1)])
            return look.found
        size = np.abs(look.problem.values).max(axis=0)
        rounding = 4 * look.problem.relative_noise * size / look.steps[suspects, None]
        # Where neither sees more than rounding, the derivative is 0 as far as can be known.
        nothing = (np.abs(value) <= bar) & (np.abs(given) <= rounding + bar)
        nothing &= (bar <= 100 * rounding) | (np.fmax(np.abs(value), np.abs(given)) <= rounding)
        better = np.isfinite(value) & ~nothing & (np.abs(given - value) > bar)
    right |= nothing
    found = look.found.copy()
    found[suspects] = np.where(better | ~right, value, given)
    if right.all():
        return found
    say_retaken(look.problem.point, suspects[~right.all(axis=1)])
    return found


def _refuse_complex(look: Look, wrong: Indices) -> None:
    if wrong.size:
        raise ValueError(
            f"the complex step is wrong at {names(look.problem.point, wrong)}: f drops imaginary parts there (abs, "
            'conj, vdot, Cholesky, comparisons) or has a branch cut; method="central" takes real differences'
        )


def _agree(found: Array, value: Array) -> NDArray[np.bool_]:
    """Whether derivatives are those that another way gave, to three digits and more."""
    return np.asarray((np.abs(found - value) <= AGREE * np.abs(value)) | (found == value))
