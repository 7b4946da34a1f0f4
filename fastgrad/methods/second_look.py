"""A second look at derivatives by fixed steps: two evaluations of f that must agree with them, and what follows if not.

Along a direction v, [f(x + v) - f(x - v)] / 2 must equal the sum of v_i g_i. Moves are shorter than the steps of the
derivatives, so that errors of the derivatives, from truncation and noise alike, show at their own size; a longer move
adds a truncation error of its own. docs/steps.md says what was tried and measured.
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
"""Derivatives with steps for a relative noise of f."""

LEAST = 20
"""From this many components on, two evaluations are at most 5% of the cost of the derivatives."""

MOVE = 0.37
"""The moves of a second look, in steps of the central difference of order 2; they vary from a half to three halves."""

AGREE = 3e-4
"""Derivatives by two methods that agree so well are both right."""

_ROUNDING = 16.0
"""The remainder that may be left unexplained, in roundings of f."""

_NOISE = 30.0
"""More than this many roundings of f are noise."""

_STEEP = 0.1
"""The largest relative difference of a one-sided slope over a very short step from the derivative."""

_BLOCK = 1 << 16
"""Coordinates of points that are processed together."""

_FEW = 8
"""This many suspects are computed by the adaptive method without another look."""

_MOST = 64
"""Evaluations per component that the adaptive method may take, since each output may have a scale of its own."""


def is_due(check: bool | None, n: int, first: bool | None = None) -> bool:
    """Whether derivatives by n coordinates get a second look: as the option says, or by default where it costs little.

    first: they are the first ones of an object that is called many times.
    """
    return (bool(first) or n >= LEAST) if check is None else check


_NONE = np.empty(0, dtype=np.intp)


class Look(NamedTuple):
    """Derivatives at a point, and the moves of a second look at them."""

    problem: Problem
    where: Coordinates
    found: Array  # (n, outputs); 0 where there is none
    steps: Array | None  # of the derivatives, (n,); None for complex steps, which have no rounding
    moves: Array  # (n,); 0 where there is no derivative or no room, and near an edge
    retake: Retake | None  # None where it would change nothing, as with steps that the user chose
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
        """The look at derivatives by all coordinates, which may have any shape."""
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
    """Derivatives at one point or many, after a second look, or if none is due, after a test of their values alone.

    only: the one component that they belong to, (1, outputs).
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
    """The given derivatives, in their shape, after a look; those that are not finite stay so."""
    if lower is not None:
        look = look._replace(found=_compared_with_lower(look, lower))
    found = (looked_at(look) if due else look.found).reshape(given.shape)
    return found if border.is_plain(given) else np.where(np.isfinite(given), found, given)


def _compared_with_lower(look: Look, lower: Array) -> Array:
    """The derivatives, corrected where two orders of accuracy are too far apart."""
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
    """The points that need a look of their own: all but those that one look at all points together clears."""
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
    """The result of a look along a direction in which some coordinates move."""

    wrong: Indices  # components that may be off by more than a thousandth, beyond rounding of f
    weak: Indices  # other components, of which rounding hides three digits
    left: Array  # the unexplained remainder, (outputs,); 0 for the rows of a matrix that are right
    rounding: Array  # of f
    size: Array  # of f
    fine: Mask | None = None  # components that may be off in the fourth or fifth digit, if any


def seen_along(look: Look, which: Indices | None = None, seed: int = 1) -> Seen | None:
    """Look along a random direction in some coordinates, or all; None where f is not finite so near to x."""
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
        # A user who states the noise of f knows how accurate its derivatives are.
        if look.steps is None or look.problem.declared:
            return Seen(wrong, _NONE, left, rounding, size)
        weak = np.flatnonzero(weak & ~doubtful if beyond else weak)
        return Seen(wrong, weak, left, rounding, size, _fine(look, own, left, rounding))
    # Many entries of a matrix are 0 or small, so each row is compared as a whole.
    rows = left > np.maximum(DIGITS * np.sqrt((own**2).sum(axis=0)), _ROUNDING * rounding)
    wrong = np.flatnonzero(v) if rows.any() else _NONE
    return Seen(wrong, _NONE, np.where(rows, left, 0.0), rounding, size, _fine(look, own, left, rounding))


def _fine(look: Look, own: Array, left: Array, rounding: Array) -> Mask | None:
    """Components (of (n, outputs)) that the remainder may affect, where it reaches the fifth digit of the whole."""
    if look.steps is None or look.stencil is None or look.retake is None or look.problem.declared:
        return None
    relative = tolerance(look.problem.relative_noise, 1)
    if (left <= np.maximum(relative * np.sqrt((own**2).sum(axis=0)), _ROUNDING * rounding)).all():
        return None
    # Components that may be off by more are suspects, and a warning names them.
    with np.errstate(all="ignore"):
        return np.asarray(((DIGITS * own >= left) & (relative * own < left)).any(axis=1) & (look.moves != 0.0))


def looked_at(look: Look) -> Array:
    """The derivatives (n, outputs), corrected with a warning where f does not agree with them.

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
            # The errors of these must not be attributed to others.
            look = look._replace(moves=np.where(problem.near, 0.0, look.moves))
            seen = seen_along(look) if look.moves.any() else None
    if seen is None or not (seen.wrong.size or seen.weak.size):
        return look.found
    return _acted_on(look, seen)


def _beside_edges(look: Look) -> Array:
    """Complex derivatives, nan with a warning where f ends at x and its one-sided slope differs from them."""
    problem, found = look.problem, look.found.copy()
    which = np.flatnonzero(look.moves)
    steep = np.zeros(which.size, dtype=bool)
    # An edge at 0 is not one at a tiny coordinate.
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
            "and may be infinite: their derivatives are nan. Choose an x farther from the edge"
        )
    return found


def _acted_on(look: Look, seen: Seen) -> Array:
    """Treat suspects: other steps where f is noisy, else the adaptive method for those that remain suspects."""
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
    """The suspects that remain when fewer coordinates move: groups are halved until they are cleared or small."""
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
    """The noise of f, (outputs,), where it explains the difference of f and derivatives."""
    problem = look.problem
    if problem.declared or not (seen.left > 4 * seen.rounding).any():
        return None
    where = look.where
    levels = problem.function.noise(problem.points, problem.values, where.sizes().reshape(1, -1), where.room)[0]
    expected = levels * np.sqrt(1 + MOVE**2 * problem.x.size)
    noisy, doubtful = levels > _NOISE * seen.rounding, seen.left > 0.0
    # Noise of some outputs does not explain errors of others.
    return np.asarray(levels) if (noisy & doubtful).any() and (seen.left < 16 * expected)[doubtful].all() else None


def _of_noisy(look: Look, seen: Seen, noise: Array) -> Array:
    """Derivatives with steps that fit the noise, with a warning where they differ from the given ones."""
    problem, found = look.problem, look.found
    if look.steps is not None:
        # Longer steps have an unknown truncation error, so keep the steps where noise leaves three digits.
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
            # They are right. There may be no noise, and longer steps have more truncation error.
            problem.relative_noise = believed
            return look.found
        again = seen_along(look._replace(found=found))
        if again is not None and (again.left > seen.left)[seen.left > 0.0].any():
            found = look.found
    warn(
        f"f is noisy, about {level}, so that derivatives by fixed steps may be off by more than 0.1%. "
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
            f"fewer than three digits: f{precision} hardly changes over the steps, relative to its rounding. "
            'method="adaptive" takes longer steps'
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
    """The derivatives, with those of suspects from the adaptive method where they differ."""
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
        # Where both values are within rounding, the derivative is 0 as far as can be known.
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
    """Whether derivatives agree with those of another method, to three digits or more."""
    return np.asarray((np.abs(found - value) <= AGREE * np.abs(value)) | (found == value))
