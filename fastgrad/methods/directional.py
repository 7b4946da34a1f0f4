"""Derivatives along a direction, of functions of one value or many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import stencils
from ..core.coordinates import base_values, checked_bounds, checked_steps, relative
from ..core.point import Array, Point, per_coordinate
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.pointers import compiled_parts
from ..stencils import FLOAT32, FLOAT64, Stencil
from .fixed import FixedStep


def directional_derivative(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    v: Any,
    chosen: FixedStep,
    how: Evaluation,
    outputs: int = 1,
    relative_noise: float = FLOAT64,
) -> Array:
    """The derivative of f(x + t·v) by t at t = 0, one a value of f.

    The step moves the coordinate that changes most, relative to its size, by the step that a gradient takes.
    """
    direction = _checked_direction(v, point)
    x = point.flat.ravel()
    typical = checked_steps(chosen.typical_x, point, "typical_x")
    rate = float((np.abs(direction) / np.maximum(np.abs(x), 1.0 if typical is None else typical)).max(initial=0.0))
    if rate == 0.0:
        return np.zeros(outputs)
    if chosen.step is not None and not (np.ndim(chosen.step) == 0 and chosen.step > 0 and np.isfinite(chosen.step)):
        raise ValueError(f"step is {chosen.step!r}; expected a positive number, the t of x + t·v")
    if chosen.stencil is None:
        h = float(chosen.step or stencils.COMPLEX_STEP / rate)
        return _complex_step(f, args, point, direction, h, how, outputs)
    room = (np.inf, np.inf) if chosen.bounds is None else _room(chosen.bounds, point, x, direction)
    with as_function(f, args, point, how, outputs=outputs) as function:
        if chosen.noise is not None:
            relative_noise = relative(chosen.noise, base_values(function, point, point.flat))
        found = _along(function, x, direction, chosen, rate, room, relative_noise)
        if function.float32 and chosen.step is None and chosen.noise is None:
            return _along(function, x, direction, chosen, rate, room, FLOAT32)
        return found


def _along(
    function: border.Function,
    x: Array,
    direction: Array,
    chosen: FixedStep,
    rate: float,
    room: tuple[float, float],
    relative_noise: float,
) -> Array:
    """By the method's stencil where it has room, else by a one-sided one of the same order."""

    def step(stencil: Stencil) -> float:
        return float(chosen.step or stencil.relative_step(relative_noise) / rate)

    stencil = chosen.stencil
    assert stencil is not None
    h = step(stencil)
    left = stencil.reach * h if stencil.is_central else 0.0
    if room[0] < left or room[1] < stencil.reach * h:
        stencil = stencils.one_sided(stencil.order)
        side = 0 if room[0] > room[1] else 1
        # A hair less than the room, so that x + reach * h cannot round to beyond the bound.
        h = (1 if side else -1) * min(step(stencil), float(room[side]) * (1 - 1e-9) / stencil.reach)
        if h == 0.0:
            raise ValueError("x cannot move along v within its bounds, neither forth nor back")
    offsets, weights = np.array(stencil.offsets, dtype=np.float64), np.array(stencil.weights)
    values = function.at_points(x + np.outer(offsets * h, direction))
    reference = values.mean(axis=0) if stencil.is_central else values[0]
    return np.asarray(weights @ (values - reference) / h)


def _complex_step(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    direction: Array,
    h: float,
    how: Evaluation,
    outputs: int,
) -> Array:
    if compiled_parts(f) is not None:
        raise TypeError('method="complex" needs an f that takes complex numbers; compiled functions take float64')
    turned = point.flat.ravel() + 1j * h * direction
    if how.vectorized is False:
        turned = turned.reshape(point.flat.shape)
        value = np.asarray(f(turned if point.make is None else point.make(turned), *args))
    else:
        value = np.asarray(f(turned.reshape((-1, 1) if how.vectorized == "columns" else (1, -1)), *args))
    if value.dtype.kind != "c":
        raise TypeError(f'method="complex" needs an f that computes with complex numbers; it gave {value.dtype}')
    if value.size != outputs:
        raise ValueError(f"f gave {value.size} values, expected {outputs}")
    return np.asarray(value.imag.ravel() / h)


def _checked_direction(v: Any, point: Point) -> Array:
    direction = per_coordinate(v, point, "v")
    if direction is None or (np.size(v) == 1 != point.n and np.isscalar(v)):
        raise ValueError(f"v is {v!r}; expected a direction of x's shape {point.shape}")
    if not np.isfinite(direction).all():
        i = int(np.argmin(np.isfinite(direction)))
        raise ValueError(f"v is {direction[i]} at {point.name(i)}; a direction needs finite entries")
    return direction


def _room(bounds: Any, point: Point, x: Array, direction: Array) -> tuple[float, float]:
    """How far t may go back and forth."""
    lower, upper = checked_bounds(bounds, point, x)
    moving = direction != 0
    below, above = ((limit - x)[moving] / direction[moving] for limit in (lower, upper))
    return float(-np.minimum(below, above).max()), float(np.maximum(below, above).min())
