"""Fixed-step methods: one stencil for all components, steps known before the first evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import base_values, checked_steps, relative, room_within, steps_within
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import SERIAL, Evaluation
from ..stencils import FLOAT32, FLOAT64, Stencil
from .method import Method

Indices = NDArray[np.intp]


class FixedStep(Method):
    """Derivatives by one stencil.

    Parameters
    ----------
    stencil : Stencil or None
        None is the complex step.
    step : array_like, optional
        The step of each coordinate, in its own units.
    typical_x : array_like, optional
        Typical sizes: steps are relative to the larger of this and ``abs(x)``. 1 by default.
    bounds : (lower, upper), optional
        Where f may be evaluated.
    noise : float, optional
        Absolute noise of one evaluation of f.
    """

    __slots__ = ("bounds", "imaginary", "noise", "simple", "stencil", "step", "typical_x")

    def __init__(
        self,
        stencil: Stencil | None,
        step: Any = None,
        typical_x: Any = None,
        bounds: Any = None,
        noise: float | None = None,
    ) -> None:
        self.stencil = stencil
        self.imaginary = stencil is None
        self.step = step
        self.typical_x = typical_x
        self.bounds = bounds
        self.noise = noise
        # Whether nothing but the stencil is asked for: then a plain array takes the shortest way.
        self.simple = stencil is not None and stencil.is_central and step is typical_x is bounds is noise is None

    @property
    def starts_from_base(self) -> bool:
        """As for `Method`."""
        return self.stencil is not None and not (self.stencil.is_central and self.noise is self.bounds is None)

    def __repr__(self) -> str:
        return "complex step" if self.stencil is None else repr(self.stencil)

    def gradient(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        x: Any,
        how: Evaluation = SERIAL,
        relative_noise: float = FLOAT64,
    ) -> tuple[Any, float]:
        """As for `Method`, by the shortest way where x is a plain array."""
        if self.simple and how is SERIAL:
            assert self.stencil is not None
            scheme, h = self.stencil.scheme, self.stencil.relative_step(relative_noise)
            found = border.at_array(f, args, x, scheme, h)
            if type(found) is tuple:
                function, values, seen = found
                return self._completed(function, Point(x), x, values, seen, relative_noise)
            if found is not None:
                return found, relative_noise
        return super().gradient(f, args, x, how, relative_noise)

    def evaluations(self, components: int) -> int:
        """As for `Method`."""
        return components * (1 if self.stencil is None else self.stencil.scheme.width)

    def derivatives(
        self,
        function: border.Function,
        point: Point,
        x: Array,
        relative_noise: float = FLOAT64,
        only: int | None = None,
        out: Array | None = None,
        base: Array | None = None,
    ) -> tuple[Array, float]:
        """As for `Method`."""
        step = None if self.step is None else checked_steps(self.step, point, "step")
        typical = None if self.typical_x is None else checked_steps(self.typical_x, point, "typical_x")
        first, count = (0, -1) if only is None else (only, 1)
        if self.stencil is None:
            scheme = stencils.complex_scheme()
            found, seen = function.derivatives(x, scheme, stencils.COMPLEX_STEP, step, typical, None, first, count, out)
            return found, relative_noise
        if self.noise is not None or self.stencil.scheme.needs_base:
            base = base_values(function, point, x, base)
            if self.noise is not None:
                relative_noise = relative(self.noise, base)
        function.tolerate(True)
        if self.bounds is not None:
            work = _Work(self.stencil, function, point, x, step, typical, relative_noise, base)
            return work.within(room_within(self.bounds, point, x), only), relative_noise
        h = self.stencil.relative_step(relative_noise)
        found, seen = function.derivatives(x, self.stencil.scheme, h, step, typical, base, first, count, out)
        return self._completed(function, point, x, found, seen, relative_noise, step, typical, base, only)

    def _completed(
        self,
        function: border.Function,
        point: Point,
        x: Array,
        found: Array,
        seen: int,
        relative_noise: float,
        step: Array | None = None,
        typical: Array | None = None,
        base: Array | None = None,
        only: int | None = None,
    ) -> tuple[Array, float]:
        """Derivatives taken anew where f computes in float32, and one-sided where they are not finite."""
        assert self.stencil is not None
        first, count = (0, -1) if only is None else (only, 1)
        if not seen & border.SEEN_DOUBLE or function.float32:
            known = self.noise is not None or step is not None or relative_noise >= FLOAT32
            if not known and function.n and (function.float32 or _is_narrow(function, x, typical, seen)):
                relative_noise = FLOAT32
                h = self.stencil.relative_step(FLOAT32)
                found, seen = function.derivatives(x, self.stencil.scheme, h, step, typical, base, first, count)
        if seen & border.SEEN_NONFINITE:
            components = np.arange(x.size) if only is None else np.array([only])
            work = _Work(self.stencil, function, point, x, step, typical, relative_noise, base)
            work.one_sided(found, components, np.full((2, x.size), np.inf))
        return found, relative_noise


class _Work:
    """Components that one call of the kernel cannot do: those near bounds or the edge of f's domain."""

    __slots__ = ("base", "function", "point", "relative_noise", "stencil", "step", "typical", "x")

    def __init__(
        self,
        stencil: Stencil,
        function: border.Function,
        point: Point,
        x: Array,
        step: Array | None,
        typical: Array | None,
        relative_noise: float,
        base: Array | None,
    ) -> None:
        self.stencil = stencil
        self.function = function
        self.point = point
        self.x = x
        self.step = step
        self.typical = typical
        self.relative_noise = relative_noise
        self.base = base

    def _steps(self, stencil: Stencil) -> Array:
        relative_step = stencil.relative_step(self.relative_noise)
        return border.steps(self.x, self.function.n, relative_step, self.step, self.typical).ravel()

    def within(self, room: Array, only: int | None) -> Array:
        """Derivatives within bounds: the stencil where it has room, else a one-sided one of the same order."""
        components = np.arange(self.x.size) if only is None else np.array([only])
        found = np.full((components.size, self.function.outputs), np.nan)
        h = self._steps(self.stencil)
        left = self.stencil.reach * h if self.stencil.is_central else 0.0
        fits = ((room[0] >= left) & (room[1] >= self.stencil.reach * h))[components]
        inside = components[fits]
        if inside.size:
            found[fits] = differences(self.stencil, self.function, self.x, inside, h[inside], self.base)
        fixed = (room == 0).all(axis=0)[components]
        self.one_sided(found, components, room)
        if fixed.any():
            warn(
                f"{self.point.name(int(components[np.argmax(fixed)]))} is fixed by its bounds (lower == upper; "
                f"{fixed.sum()} such components): its derivative is undetermined, nan"
            )
        return found.reshape(self.x.shape) if only is None and self.function.outputs == 1 else found

    def one_sided(self, found: Array, components: Indices, room: Array) -> None:
        """Replace derivatives that are not finite by one-sided ones of the same order, where f is defined."""
        stencil = stencils.one_sided(self.stencil.order)
        rows = found.reshape(-1, self.function.outputs)
        h = np.minimum(self._steps(stencil), steps_within(room, stencil.reach))
        first = np.where(room[1] >= room[0], 1, 0)
        for side in (first, 1 - first):
            bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
            bad = bad[room[side[components[bad]], components[bad]] > 0]
            if bad.size:
                if self.base is None:
                    self.base = base_values(self.function, self.point, self.x)
                which = components[bad]
                signed = np.where(side[which] == 1, 1.0, -1.0) * h[side[which], which]
                rows[bad] = differences(stencil, self.function, self.x, which, signed, self.base)
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        bad = bad[(room[:, components[bad]] > 0).any(axis=0)]
        if bad.size:
            if self.function.domain_error is not None:
                raise self.function.domain_error
            warn(
                f"f is not finite on either side of {self.point.name(int(components[bad[0]]))} "
                f"({bad.size} such components): their derivatives are nan. A smaller step= may help"
            )


def differences(
    stencil: Stencil, function: border.Function, x: Array, components: Indices, h: Array, base: Array | None
) -> Array:
    """Derivatives (components, outputs) by a stencil with signed steps h; base (points, outputs) is f at x."""
    pairs = [(s, w) for s, w in zip(stencil.offsets, stencil.weights, strict=True) if s]
    offsets, weights = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    values = function.at_shifts(x, components, h, offsets)
    at_x = x.ravel()[components][:, None]
    moved = at_x + offsets * h[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        if stencil.is_central:
            rises, runs = values[:, ::2] - values[:, 1::2], moved[:, ::2] - moved[:, 1::2]
            coefficients = 2 * (weights * offsets)[::2]
        else:
            assert base is not None
            rises, runs = values - base[components // function.n][:, None, :], moved - at_x
            coefficients = weights * offsets
        return np.asarray(np.einsum("j,ajm->am", coefficients, rises / runs[:, :, None]))


def fixed_or_error(method: Any) -> FixedStep:
    """A method that can take functions of many values."""
    if not isinstance(method, FixedStep):
        raise ValueError('method="adaptive" is for gradients; differentiate(f, x) takes functions of many values')
    return method


def _is_narrow(function: border.Function, x: Array, typical: Array | None, seen: int) -> bool:
    """Whether values that all fit a float32 come from a function that computes in float32.

    A constant looks like one: two more points, farther apart, tell.
    """
    if seen & border.SEEN_CHANGE:
        return True
    first = x.reshape(-1, function.n)[:1]
    h = border.steps(first, function.n, stencils.stencil("central", 2).relative_step(FLOAT32), None, typical)
    try:
        values = function.at_points(np.concatenate([first + h, first - h]))
    except Exception:
        return False
    return bool((values[0] != values[1]).any())
