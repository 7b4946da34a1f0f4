"""Steps, typical sizes and bounds as one number for each coordinate: checked once, and asked by every method."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..evaluate import border
from ..stencils import Stencil
from .options import ends_of
from .point import Array, Point, per_coordinate

_LEAST_ROOM = 2.0**-1000


class Coordinates:
    """What the options say of each coordinate.

    Parameters
    ----------
    point : Point
        Gives the coordinates' names and shape.
    x : ndarray
        One point, of any shape, or points (b, n).
    step, typical_x : array_like, optional
        Steps, and sizes that steps are relative to where ``abs(x)`` is smaller.
    bounds : (lower, upper), optional
        Where f may be evaluated.
    scale : array_like, optional
        The distances over which f changes: what steps are relative to, whatever x is.

    Attributes
    ----------
    step, typical, scale : ndarray or None
        (n,).
    bounds : (ndarray, ndarray) or None
        Lower and upper ones, (n,) each.
    room : ndarray or None
        (2, x.size): how far each coordinate may move down and up.
    """

    __slots__ = ("bounds", "n", "point", "room", "scale", "step", "typical", "x")

    def __init__(
        self,
        point: Point,
        x: Array,
        step: Any = None,
        typical_x: Any = None,
        bounds: Any = None,
        scale: Any = None,
    ) -> None:
        self.point, self.x, self.n = point, x, point.n
        self.step = None if step is None else checked_sizes(step, point, "step")
        self.typical = None if typical_x is None else checked_sizes(typical_x, point, "typical_x")
        self.scale = None if scale is None else checked_sizes(scale, point, "scale")
        if scale is not None and typical_x is not None:
            raise ValueError("scale= and typical_x= both say what steps are relative to; pass one of them")
        self.bounds = None if bounds is None else flat_bounds(bounds, point, x)
        self.room = None if self.bounds is None else room_between(*self.bounds, x)

    def steps(self, stencil: Stencil, relative_noise: float) -> Array:
        """The steps of a stencil, (x.size,), representable at x."""
        h = stencil.relative_step(relative_noise)
        return border.steps(self.x, self.n, h, self.absolute(h), self.typical).ravel()

    def absolute(self, relative: float) -> Array | None:
        """Steps that do not depend on x: those that are given, or relative to the scale; None where there are none."""
        return self.step if self.step is not None or self.scale is None else relative * self.scale

    def sizes(self) -> Array:
        """The sizes of coordinates, of x's shape: the scale, or |x|, at least `typical`; 1 where that is 0."""
        if self.scale is not None:
            return np.broadcast_to(self.scale, (self.x.size // max(self.n, 1), self.n)).reshape(self.x.shape).copy()
        return border.sizes(self.x, self.n, self.typical)

    def step_sizes(self) -> Array:
        """What steps are relative to, (x.size,): the scale, or |x|, at least `typical`, or 1."""
        if self.scale is not None:
            return self.sizes().ravel()
        typical = 1.0 if self.typical is None else self.typical
        return np.asarray(np.maximum(np.abs(as_rows(self.x, self.n)), typical).ravel())

    def has_room(self, down: Array | float, up: Array | float) -> Any:
        """Whether each coordinate may move so far down and up: a bool, or an array of them."""
        return True if self.room is None else (self.room[0] >= down) & (self.room[1] >= up)

    def fixed(self) -> Any:
        """Coordinates that their bounds hold in place."""
        return False if self.room is None else (self.room == 0).all(axis=0)

    def one_sided_steps(self, stencil: Stencil, relative_noise: float) -> tuple[Array, Array]:
        """Steps down and up, (x.size,) each and positive, of which as many fit as the stencil takes."""
        h = self.steps(stencil, relative_noise)
        if self.room is None:
            return h, h
        down, up = np.minimum(h, steps_within(self.room, stencil.reach))
        return down, up


def as_rows(values: Array, n: int) -> Array:
    """Values of n coordinates at each point, (points, n); NumPy cannot divide by n = 0."""
    return values.reshape(-1, n) if n else values.reshape(1, 0)


def checked_sizes(value: Any, point: Point, name: str) -> Array:
    """A step or typical_x option as one positive number a coordinate."""
    sizes = per_coordinate(value, point, name)
    assert sizes is not None
    bad = np.flatnonzero(~((sizes > 0) & np.isfinite(sizes)))
    if bad.size:
        raise ValueError(f"{name} is {sizes[bad[0]]} for {point.name(int(bad[0]))}; expected a positive, finite number")
    return sizes


def checked_bounds(bounds: Any, point: Point, x: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of each coordinate, (n,) each, around all points x."""
    try:
        low, high = ends_of(bounds)
    except Exception as error:
        raise ValueError("bounds are a pair (lower, upper), each a number or of x's shape; None is no bound") from error
    lower = per_coordinate(-math.inf if low is None else low, point, "the lower end of bounds")
    upper = per_coordinate(math.inf if high is None else high, point, "the upper end of bounds")
    assert lower is not None
    assert upper is not None
    for bad, what in (
        (np.isnan(lower) | np.isnan(upper), "nan in the bounds of"),
        (lower > upper, "bounds have the lower one above the upper one at"),
    ):
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(f"{what} {point.name(i)}: lower {lower[i]}, upper {upper[i]}")
    points = as_rows(x, point.n)
    outside = (points < lower) | (points > upper)
    if outside.any():
        row, i = (int(k) for k in np.argwhere(outside)[0])
        at = f" of point {row}" if len(points) > 1 else ""
        # scipy.optimize.minimize takes a pair for each coordinate; at n = 2 the shapes are the same.
        paired = lower.shape == upper.shape == (2,) and isinstance(bounds, list | tuple)
        hint = "; bounds are (lower, upper), not a pair for each coordinate" if paired else ""
        raise ValueError(f"{point.name(i)} = {points[row, i]}{at} is outside its bounds [{lower[i]}, {upper[i]}]{hint}")
    return lower, upper


def flat_bounds(bounds: Any, point: Point, x: Array) -> tuple[Array, Array]:
    """The same, contiguous: C and `numpy.clip` take them as they are."""
    lower, upper = checked_bounds(bounds, point, x)
    return np.ascontiguousarray(np.broadcast_to(lower, point.n)), np.ascontiguousarray(np.broadcast_to(upper, point.n))


def room_within(bounds: Any, point: Point, x: Array) -> Array:
    """How far each coordinate of the points x may move down and up: (2, x.size)."""
    return room_between(*flat_bounds(bounds, point, x), x)


def room_between(lower: Array, upper: Array, x: Array) -> Array:
    """The same for checked bounds, rounded down.

    Then x + t, rounded, is within the bounds for each t of at most the room. Parts of less than `_LEAST_ROOM` would
    be subnormal, and have no precision: there is none.
    """
    points = as_rows(x, lower.size)
    room = np.stack([_rounded_down(points, -lower).ravel(), _rounded_down(upper, -points).ravel()])
    room[room < _LEAST_ROOM] = 0.0
    return room


def _rounded_down(a: Array, b: Array) -> Array:
    """A + b >= 0, rounded towards 0 by its exact error (Knuth, TAOCP 2, 4.2.2)."""
    with np.errstate(all="ignore"):
        total = a + b
        part = total - a
        error = (a - (total - part)) + (b - part)
        return np.asarray(np.where(error < 0.0, np.nextafter(total, 0.0), total))


def steps_within(room: Array, reach: float) -> Array:
    """The longest steps of which so many stay in the room: a hair less, since reach * h rounds."""
    return np.asarray(np.nextafter(room / reach, 0.0))
