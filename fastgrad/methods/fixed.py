"""Fixed-step methods: one stencil for all components, steps known before the first evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..evaluate import border
from ..evaluate.functions import SERIAL, Evaluation
from ..evaluate.problem import Problem
from ..evaluate.python import at_array
from ..stencils import FLOAT64, Stencil
from . import short_scales
from .method import Method
from .orders import sharpen, two_orders
from .second_look import Look, is_due, look_at_points

Indices = NDArray[np.intp]

_NONE = np.empty(0, dtype=np.intp)

_MANY_POINTS, _FEW_POINTS = 64, 4
"""Of so many points, those with small coordinates are looked at by themselves, if they are one in so many or fewer."""

_IMPLAUSIBLE = 1e12
"""Derivatives by the complex step that f's imaginary part at x may have made: f is asked for it."""


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

    __slots__ = ("bounds", "imaginary", "least", "look", "noise", "scale", "simple", "stencil", "step", "typical_x")

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
        # Where f(x) is asked for: by coordinates that are smaller, and not 0.
        self.least = 0.0 if stencil is None or look is False else short_scales.smallest(stencil)

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
        first: bool | None = None,
    ) -> tuple[Any, float]:
        """As for `Method`, by the shortest way where x is a plain array and nothing is looked at twice."""
        if self.simple and how is SERIAL and relative_noise == FLOAT64 and not self._looks(x, first):
            assert self.stencil is not None
            stencil = self.stencil
            doubt = None if value is None or self.least == 0.0 else short_scales.doubt(stencil, FLOAT64)
            h = stencil.relative_step(FLOAT64)
            found = at_array(f, args, x, stencil.scheme, h, Point, self.least, value, doubt)
            if type(found) is tuple:
                function, at, values = found
                problem = Problem(function, Point(at), values=None if value is None else np.array([[value]]))
                problem.curved = None if doubt is None else doubt.mask
                return self._settled(problem, Coordinates(problem.point, at), found=values), problem.relative_noise
            if found is not None:
                return found, FLOAT64
        return super().gradient(f, args, x, how, relative_noise, value, first)

    def _looks(self, x: Any, first: bool | None) -> bool:
        # Higher orders are compared with the lower ones that their values hold.
        higher = self.stencil is not None and self.stencil.order > 2 and self.look is not False
        return higher or is_due(self.look, x.size if type(x) is np.ndarray else 0, first)

    def check(self, point: Point, x: Array) -> None:
        """As for `Method`."""
        if not self.simple:
            self.coordinates(point, x)

    def coordinates(self, point: Point, x: Array) -> Coordinates:
        """What the options say of the coordinates of points x."""
        return Coordinates(point, x, self.step, self.typical_x, self.bounds, self.scale)

    def checked(
        self, problem: Problem, first: bool | None = None, only: int | None = None, out: Array | None = None
    ) -> Array:
        """As for `Method`."""
        found = self.derivatives(problem, only, out)
        if problem.raw and not border.is_plain(found):
            return found
        # Complex steps are trusted to the last digit: whether f takes them is looked at, but once by an object.
        once = first or (self.imaginary and first is None)
        due = is_due(self.look, 1 if only is not None else problem.point.n, once)
        if due or (problem.lower is not None and self.look is not False):
            return look_at_points(problem, found, only, self._look, due)
        return found

    def _look(self, problem: Problem, found: Array) -> Look:
        where = self.coordinates(problem.point, problem.x)
        stencil = self.stencil
        if stencil is None:
            # A complex step may be far below what real ones move x by.
            where = Coordinates(problem.point, problem.x, None, self.typical_x, self.bounds, self.scale)
            return Look.at(problem, where, found, None, None, None)

        def retake(relative_noise: float) -> Array:
            return self._beside_edges(
                problem, where, None, self._differences(problem, where, relative_noise, None, None)
            )

        steps = where.steps(stencil, problem.relative_noise)
        return Look.at(problem, where, found, steps, None if self.step is not None else retake, stencil)

    def derivatives(self, problem: Problem, only: int | None = None, out: Array | None = None) -> Array:
        """As for `Method`."""
        function, point, x = problem.function, problem.point, problem.x
        if self.stencil is None:
            where = self.coordinates(point, x)
            scheme, h = stencils.complex_scheme(), stencils.COMPLEX_STEP
            first, count = (0, -1) if only is None else (only, 1)
            steps = where.absolute(h)
            found = function.derivatives(x, scheme, h, steps, where.typical, None, first, count, out)[0]
            if steps is None and found.size and not np.abs(found).max() < _IMPLAUSIBLE:
                # Imaginary parts that f has at x itself: then it raises that f is complex.
                function.tolerate(problem.raw)
                _ = problem.values
            return found
        where = self.coordinates(point, x)
        problem.declare(self.noise)
        function.tolerate(True)
        apart = self._points_apart(problem, where, only, out)
        if apart is None:
            return self._settled(problem, where, only, out)
        # Of very many points a few have small coordinates, or none: the others take the shortest way.
        problem.trusted = True
        found = self._settled(problem, where, only, out)
        problem.trusted = False
        if not apart.size:
            return found
        some = problem.at(problem.points[apart])
        rows = found.reshape(len(problem.points), -1)
        rows[apart] = self._settled(some, self.coordinates(point, some.x)).reshape(apart.size, -1)
        return found

    def _points_apart(
        self, problem: Problem, where: Coordinates, only: int | None, out: Array | None
    ) -> NDArray[np.intp] | None:
        """Points with small coordinates among many others, which are doubted by themselves; None: all are together."""
        points = len(problem.points)
        writable = out is None or out.flags.c_contiguous
        if points < _MANY_POINTS or only is not None or not writable or not self.doubts(problem):
            return None
        assert self.stencil is not None
        # Higher orders show by themselves what is doubtful, and so do points where f is known.
        if self.stencil.order > 2 or problem.known is not None:
            return None
        apart = np.unique(short_scales.small(where, self.stencil) // where.n)
        return apart if apart.size * _FEW_POINTS <= points else None

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
        finite, problem.near = True, None

        def take(relative_noise: float, found: Array | None = None) -> Array:
            nonlocal finite
            if found is None:
                found = self._differences(problem, where, relative_noise, components, out)
            finite = border.is_plain(found)
            if not (finite or problem.raw):
                # f at x, which shows its precision too, and whether there is an edge at all.
                rows = np.isfinite(found).reshape(-1, problem.outputs).all(axis=1)
                component = int(np.argmin(rows)) if components is None else int(components[0])
                problem.values_at(np.array([component // where.n]))
            return found

        # A step that the user gave is the same for every precision.
        if self.step is not None:
            found = take(problem.relative_noise)
        else:
            found = problem.settled(take, None if found is None else take(problem.relative_noise, found), where.room)
            if not problem.raw and problem.x.size:
                if self.noise and self.look is not False:
                    found = self._fitted_to_noise(problem, where, components, found)
                if self.stencil is not None and not self.stencil.is_symmetric and where.room is None:
                    from .edges import unless_steep

                    found = unless_steep(problem, where, self.stencil, components, found)
                finite = border.is_plain(found)
        if not finite:
            found = self._beside_edges(problem, where, components, found)
        if problem.lower is not None and found.size and self.doubts(problem):
            self._sharpen(problem, where, components, found)
        if problem.curved is not None and problem.curved.any():
            assert self.stencil is not None
            some = np.arange(problem.x.size) if components is None else components
            rows = found.reshape(-1, problem.outputs)
            short_scales.mend(problem, where, self.stencil, some, rows, self.noise)
        return found

    def _sharpen(self, problem: Problem, where: Coordinates, components: Indices | None, found: Array) -> None:
        """Take derivatives anew by shorter steps where two orders ask for that; mark those that it does not help."""
        assert self.stencil is not None
        assert problem.lower is not None
        some = np.arange(problem.x.size) if components is None else components
        rows, h = found.reshape(some.size, -1), where.steps(self.stencil, problem.relative_noise)[some]
        sharpen(problem, self.stencil, rows, h, some)
        short_scales.mark_by_orders(problem, self.stencil, some, rows, problem.lower.reshape(rows.shape), h)

    def doubts(self, problem: Problem) -> bool:
        """Whether it is asked if steps are too long for f: not where they are the user's own, or nobody listens."""
        return self.step is None and self.look is not False and not (problem.raw or problem.trusted)

    def _fitted_to_noise(self, problem: Problem, where: Coordinates, components: Indices | None, found: Array) -> Array:
        """The derivatives by steps for the noise that was told, or by shorter ones where these are better."""
        from .told_noise import fitted

        assert self.stencil is not None
        assert self.noise is not None
        lower, curved = problem.lower, problem.curved
        some = np.arange(problem.x.size) if components is None else components

        def take(relative_noise: float, which: Indices) -> Array:
            return self._differences(problem, where, relative_noise, some[which], None).reshape(which.size, -1)

        rows = found.reshape(some.size, -1)
        fit = fitted(problem, where, self.stencil, self.noise, rows.copy(), some, take)
        # Of the lower order's derivatives, those are known that belong to steps which stayed.
        problem.lower = lower if lower is None else np.where(fit == rows, lower, fit)
        if curved is not None:
            # Shorter steps were compared already.
            curved[some[(fit != rows).any(axis=1)]] = False
        problem.curved = curved
        return fit.reshape(found.shape)

    def _beside_edges(self, problem: Problem, where: Coordinates, components: Indices | None, found: Array) -> Array:
        """The derivatives, taken anew where they are not finite."""
        if not (problem.raw or border.is_plain(found)):
            from . import edges

            some = np.arange(problem.x.size) if components is None else components
            noise = self.noise if problem.declared else None
            edges.replace(problem, where, some, found.reshape(-1, problem.outputs), noise)
        return found

    def _differences(
        self, problem: Problem, where: Coordinates, relative_noise: float, components: Indices | None, out: Array | None
    ) -> Array:
        """Differences by the stencil; NaN beside a bound that leaves no room, or that may be the edge of f's domain."""
        function, x, stencil = problem.function, problem.x, self.stencil
        assert stencil is not None
        base = problem.values if stencil.scheme.needs_base else None
        problem.lower = problem.curved = None
        some = np.arange(x.size) if components is None else components
        values, doubted = self._base_for_doubt(problem, where, some)
        if where.room is not None:
            from .bounded import beside_bounds, near_bounds

            h = where.steps(stencil, relative_noise)
            near = near_bounds(where, stencil, h, relative_noise)
            if near.any():
                found = np.empty((some.size, problem.outputs))
                beside, inside = near[some], some[~near[some]]
                if stencil.is_central:
                    found[~beside], lower = self._central(problem, inside, h, values, relative_noise)
                    if lower is not None:
                        problem.lower = np.full_like(found, np.nan)
                        problem.lower[~beside] = lower
                else:
                    found[~beside] = function.differences(x, stencil.scheme, inside, h[inside], base)
                found[beside] = beside_bounds(problem, where, stencil, some[beside], relative_noise)
                return found.reshape(x.shape) if components is None and problem.outputs == 1 else found
        if stencil.is_central and stencil.order > 2 and x.size:
            h = where.steps(stencil, relative_noise)
            higher, problem.lower = self._central(problem, some, h, values, relative_noise)
            if out is not None:
                out[...] = higher.reshape(out.shape)
                return out
            return higher.reshape(x.shape) if components is None and problem.outputs == 1 else higher
        if components is not None and components.size != 1:
            h = where.steps(stencil, relative_noise)
            return function.differences(x, stencil.scheme, components, h[components], base)
        first, count = (0, -1) if components is None else (int(components[0]), 1)
        h_relative = stencil.relative_step(relative_noise)
        doubt = None
        if stencil.is_central and values is not None:
            base, doubt = values, short_scales.doubt(stencil, relative_noise)
        found = function.derivatives(
            x, stencil.scheme, h_relative, where.absolute(h_relative), where.typical, base, first, count, out, doubt
        )[0]
        if doubt is not None:
            # Far cheaper than `any`, for a few components.
            if doubt.mask is not None and b"\1" in doubt.mask.tobytes():
                problem.curved = np.zeros(x.size, dtype=bool)
                problem.curved[some] = doubt.mask
        elif doubted.size:
            self._mark_forward(problem, where, doubted, found, some, relative_noise)
        return found

    def _base_for_doubt(
        self, problem: Problem, where: Coordinates, components: Indices
    ) -> tuple[Array | None, Indices]:
        """F at the points where it is known, or worth asking for by coordinates that are small beside their steps."""
        if not self.doubts(problem) or not problem.x.size:
            return None, _NONE
        assert self.stencil is not None
        known = problem.known
        if known is not None and self.stencil.is_central:
            return known, _NONE
        small = short_scales.small(where, self.stencil)
        if components.size < problem.x.size:
            small = small[np.isin(small, components)]
        if not small.size:
            return known, small
        return problem.values_where(np.unique(small // where.n)), small

    def _central(
        self, problem: Problem, components: Indices, h: Array, base: Array | None, relative_noise: float
    ) -> tuple[Array, Array | None]:
        """Central differences (components, outputs), and those of two orders less where the values hold them.

        Marks components along which second differences are too large, where f(x) is known.
        """
        stencil, n = self.stencil, problem.function.n
        assert stencil is not None
        curved = np.zeros(problem.x.size, dtype=bool)

        def look(part: slice, up: Array, down: Array) -> None:
            which = components[part]
            assert base is not None
            curved[which] = short_scales.curved(up, down, base[which // n], stencil, relative_noise)

        found, lower = two_orders(problem.function, problem.x, stencil, h, components, None if base is None else look)
        problem.curved = None if base is None else curved
        return found, lower if stencil.order > 2 else None

    def _mark_forward(
        self,
        problem: Problem,
        where: Coordinates,
        which: Indices,
        found: Array,
        components: Indices,
        relative_noise: float,
    ) -> None:
        """The same for forward differences, by one more value a step down."""
        stencil, x = self.stencil, problem.x
        assert stencil is not None
        h = where.steps(stencil, relative_noise)[which]
        base = problem.values_at(which // where.n)
        down = problem.function.at_shifts(x, which, -h, np.ones(1))[:, 0]
        rise = found.reshape(-1, problem.outputs)[np.searchsorted(components, which)] * h[:, None]
        problem.curved = np.zeros(x.size, dtype=bool)
        problem.curved[which] = short_scales.curved(base + rise, down, base, stencil, relative_noise) | ~np.isfinite(
            down
        ).all(axis=1)


def fixed_or_error(method: Any) -> FixedStep:
    """A method that can take functions of many values."""
    if not isinstance(method, FixedStep):
        raise ValueError('method="adaptive" is for gradients; differentiate(f, x) takes functions of many values')
    return method
