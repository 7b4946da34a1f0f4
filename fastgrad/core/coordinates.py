"""Options as numbers for each coordinate, checked: steps, bounds, noise; and f at the point, which some start from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..evaluate import border
from ..stencils import FLOAT64
from .point import Array, Point, per_coordinate


def checked_steps(value: Any, point: Point, name: str) -> Array | None:
    """A step or typical_x option as one positive number a coordinate."""
    sizes = per_coordinate(value, point, name)
    if sizes is not None:
        bad = np.flatnonzero(~((sizes > 0) & np.isfinite(sizes)))
        if bad.size:
            raise ValueError(
                f"{name} is {sizes[bad[0]]} for {point.name(int(bad[0]))}; expected a positive, finite number"
            )
    return sizes


def checked_bounds(bounds: Any, point: Point, x: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of each coordinate, around all points x."""
    try:
        low, high = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds
    except (TypeError, ValueError) as error:
        raise ValueError("bounds are a pair (lower, upper), each a number or of x's shape; None is no bound") from error
    lower = per_coordinate(-math.inf if low is None else low, point, "lower bound")
    upper = per_coordinate(math.inf if high is None else high, point, "upper bound")
    assert lower is not None
    assert upper is not None
    for bad, what in (
        (np.isnan(lower) | np.isnan(upper), "nan in the bounds of"),
        (lower > upper, "lower bound above upper bound at"),
    ):
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(f"{what} {point.name(i)}: lower {lower[i]}, upper {upper[i]}")
    points = x.reshape(-1, point.n)
    outside = (points < lower) | (points > upper)
    if outside.any():
        row, i = (int(k) for k in np.argwhere(outside)[0])
        at = f" of point {row}" if len(points) > 1 else ""
        # scipy.optimize.minimize takes a pair for each coordinate; at n = 2 the shapes are the same.
        hint = "; bounds are (lower, upper), not a pair for each coordinate" if np.shape(bounds) == (2, 2) else ""
        raise ValueError(f"{point.name(i)} = {points[row, i]}{at} is outside its bounds [{lower[i]}, {upper[i]}]{hint}")
    return lower, upper


def room_within(bounds: Any, point: Point, x: Array) -> Array:
    """How far each coordinate of the points x may move down and up: (2, x.size)."""
    lower, upper = checked_bounds(bounds, point, x)
    points = x.reshape(-1, point.n)
    return np.stack([(points - lower).ravel(), (upper - points).ravel()])


def steps_within(room: Array, reach: float) -> Array:
    """The longest steps of which so many stay in the room: a hair less, since x + reach * h may round to beyond it."""
    return np.asarray(np.nextafter(room / reach, 0.0))


def relative(noise: float, values: Array) -> float:
    """The noise relative to the values of f."""
    size = float(np.abs(values).max(initial=0.0))
    if not (noise > 0 and math.isfinite(noise)):
        raise ValueError(f"noise is {noise}; expected a positive number, the absolute noise of f")
    return max(noise / size, FLOAT64) if size else FLOAT64


def base_values(function: border.Function, point: Point, x: Array, known: Array | None = None) -> Array:
    """F at the points x, evaluated unless it is known; not a number there is an error, since no derivative exists."""
    points = x.reshape(-1, function.n)
    values = function.at_points(points) if known is None else known
    if border.is_plain(values):
        return values
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(
            f"f is {values[row][~np.isfinite(values[row])][0]} at x itself ({point.at(points[row])}); "
            "a derivative needs a finite value there"
        )
    return values
