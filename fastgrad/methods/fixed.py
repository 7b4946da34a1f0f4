"""Fixed-step methods: one stencil for all components, steps known before the first evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import SERIAL, Evaluation
from ..evaluate.problem import Problem
from ..evaluate.python import at_array
from ..stencils import FLOAT64, Stencil
from .method import Method
from .second_look import Look, is_due, look_at_points

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
    scale : array_like, optional
        The distances over which f changes; steps are relative to these, if given.
    look : bool, optional
        Whether derivatives are looked at a second time; None: where it costs little.
    """

    __slots__ = ("bounds", "imaginary", "look", "noise", "scale", "simple", "stencil", "step", "typical_x")

    def __init__(
        self,
        stencil: Stencil | None,
        step: Any = None,
        typical_x: Any = None,
        bounds: Any = None,
        noise: float | None = None,
        scale: Any = None,
        look: bool | None = None,
    ) -> None:
        self.stencil = stencil
        self.imaginary = stencil is None
        self.step = step
        self.typical_x = typical_x
        self.bounds = bounds
        self.noise = noise
        self.scale = scale
        self.look = look
        # Whether nothing but the stencil is asked for: then a plain array takes the shortest way.
        none = step is typical_x is bounds is noise is scale is None
        self.simple = stencil is not None and stencil.is_central and none

    @property
    def starts_from_base(self) -> bool:
        """As for `Method`."""
        return self.stencil is not None and not (self.stencil.is_central and self.noise is self.bounds is None)

    def __repr__(self) -> str:
        return "complex step" if self.stencil is None else repr(self.stencil)

    def evaluations(self, components: int) -> int:
        """As for `Method`."""
        return components * (1 if self.stencil is None else self.stencil.evaluations)

    def gradient(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        x: Any,
        how: Evaluation = SERIAL,
        relative_noise: float = FLOAT64,
        value: float | None = None,
        first: bool = False,
    ) -> tuple[Any, float]:
        """As for `Method`, by the shortest way where x is a plain array and nothing is looked at twice."""
        if self.simple and how is SERIAL and relative_noise == FLOAT64 and not self._looks(x, first):
            assert self.stencil is not None
            found = at_array(f, args, x, self.stencil.scheme, self.stencil.relative_step(FLOAT64), Point)
            if type(found) is tuple:
                function, at, values = found
                problem = Problem(function, Point(at), values=None if value is None else np.array([[value]]))
                return self._settled(problem, Coordinates(problem.point, at), found=values), problem.relative_noise
            if found is not None:
                return found, FLOAT64
        return super().gradient(f, args, x, how, relative_noise, value, first)

    def _looks(self, x: Any, first: bool) -> bool:
        # Higher orders are compared with the lower ones that their values hold.
        higher = self.stencil is not None and self.stencil.order > 2 and self.look is not False
        return higher or is_due(self.look, x.size if type(x) is np.ndarray else 0, first)

    def check(self, point: Point, x: Array) -> None:
        """As for `Method`."""
        if not self.simple:
            self.coordinates(point, x)

    def coordinates(self, point: Point, x: Array) -> Coordinates:
        """What the options say of the coordinates of points x."""
        bounds = None if self.stencil is None else self.bounds
        return Coordinates(point, x, self.step, self.typical_x, bounds, self.scale)

    def checked(
        self, problem: Problem, first: bool = False, only: int | None = None, out: Array | None = None
    ) -> Array:
        """As for `Method`."""
        found = self.derivatives(problem, only, out)
        # Complex steps are trusted to the last digit: whether f takes them is looked at always.
        due = is_due(self.look, 1 if only is not None else problem.point.n, first or self.imaginary)
        if due or (problem.lower is not None and self.look is not False):
            return look_at_points(problem, found, only, self._look, due)
        return found

    def _look(self, problem: Problem, found: Array) -> Look:
        where = self.coordinates(problem.point, problem.x)
        stencil = self.stencil
        if stencil is None:
            return Look.at(problem, where, found, None, None, None)
        retake = None if self.step is not None else lambda noise: self._differences(problem, where, noise, None, None)
        return Look.at(problem, where, found, where.steps(stencil, problem.relative_noise), retake, stencil)

    def derivatives(self, problem: Problem, only: int | None = None, out: Array | None = None) -> Array:
        """As for `Method`."""
        function, point, x = problem.function, problem.point, problem.x
        if self.stencil is None:
            where = self.coordinates(point, x)
            scheme, h = stencils.complex_scheme(), stencils.COMPLEX_STEP
            first, count = (0, -1) if only is None else (only, 1)
            return function.derivatives(x, scheme, h, where.absolute(h), where.typical, None, first, count, out)[0]
        where = self.coordinates(point, x)
        problem.declare(self.noise)
        function.tolerate(True)
        return self._settled(problem, where, only, out)

    def _settled(
        self,
        problem: Problem,
        where: Coordinates,
        only: int | None = None,
        out: Array | None = None,
        found: Array | None = None,
    ) -> Array:
        """Derivatives by steps for the precision that f has; found: what it took for the one that was believed."""
        components = None if only is None else np.array([only])

        def take(relative_noise: float, found: Array | None = None) -> Array:
            if found is None:
                found = self._differences(problem, where, relative_noise, components, out)
            if not border.is_plain(found):
                self._beside_edges(problem, where, relative_noise, components, found)
            return found

        # A step that the user gave is the same for every precision.
        if self.step is not None:
            return take(problem.relative_noise)
        return problem.settled(take, None if found is None else take(problem.relative_noise, found))

    def _differences(
        self, problem: Problem, where: Coordinates, relative_noise: float, components: Indices | None, out: Array | None
    ) -> Array:
        """Differences by the stencil; NaN where it has no room."""
        function, x, stencil = problem.function, problem.x, self.stencil
        assert stencil is not None
        scheme = stencil.scheme
        base = problem.values if scheme.needs_base else None
        if where.room is not None:
            h = where.steps(stencil, relative_noise)
            fits = where.has_room(stencil.reach * h if stencil.is_central else 0.0, stencil.reach * h)
            if not fits.all():
                some = np.arange(x.size) if components is None else components
                found = np.full((some.size, problem.outputs), np.nan)
                inside = some[fits[some]]
                found[fits[some]] = function.differences(x, scheme, inside, h[inside], base)
                return found.reshape(x.shape) if components is None and problem.outputs == 1 else found
        first, count = (0, -1) if components is None else (int(components[0]), 1)
        h_relative = stencil.relative_step(relative_noise)
        steps = where.absolute(h_relative)
        if stencil.is_central and stencil.order > 2 and x.size:
            from .orders import two_orders

            which = np.arange(x.size) if components is None else components
            higher, problem.lower = two_orders(function, x, stencil, where.steps(stencil, relative_noise), which)
            if out is not None:
                out[...] = higher.reshape(out.shape)
                return out
            return higher.reshape(x.shape) if components is None and problem.outputs == 1 else higher
        return function.derivatives(x, scheme, h_relative, steps, where.typical, base, first, count, out)[0]

    def _beside_edges(
        self, problem: Problem, where: Coordinates, relative_noise: float, components: Indices | None, found: Array
    ) -> None:
        """Replace derivatives that are not finite by one-sided ones of the same order, where f is defined."""
        function, x = problem.function, problem.x
        assert self.stencil is not None
        stencil = stencils.one_sided(self.stencil.order)
        some = np.arange(x.size) if components is None else components
        rows = found.reshape(-1, problem.outputs)
        steps = where.one_sided_steps(stencil, relative_noise)
        up_first = np.ones(x.size, dtype=bool) if where.room is None else where.room[1] >= where.room[0]
        for up in (up_first, ~up_first):
            signed = np.where(up, steps[1], -steps[0])
            bad = np.flatnonzero(~np.isfinite(rows).all(axis=1) & (signed[some] != 0))
            if bad.size:
                which = some[bad]
                rows[bad] = function.differences(x, stencil.scheme, which, signed[which], problem.values)
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if bad.size:
            _said(problem, where, some[bad])


def _said(problem: Problem, where: Coordinates, components: Indices) -> None:
    """Why some components have no derivative: a warning, or the exception of f."""
    fixed = np.broadcast_to(where.fixed(), problem.x.size)[components]
    name = problem.point.name
    if fixed.any():
        warn(
            f"{name(int(components[np.argmax(fixed)]))} is fixed by its bounds (lower == upper; "
            f"{fixed.sum()} such components): its derivative is undetermined, nan"
        )
    others = components[~fixed]
    if others.size:
        if problem.function.domain_error is not None:
            raise problem.function.domain_error
        warn(
            f"f is not finite on either side of {name(int(others[0]))} ({others.size} such components): "
            "their derivatives are nan. A smaller step= may help"
        )


def fixed_or_error(method: Any) -> FixedStep:
    """A method that can take functions of many values."""
    if not isinstance(method, FixedStep):
        raise ValueError('method="adaptive" is for gradients; differentiate(f, x) takes functions of many values')
    return method
