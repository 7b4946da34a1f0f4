"""Steps of second differences, from the curvature that their own values show along each axis.

A step that follows from |x| alone is wrong where f lives on another scale. Three values along an axis give f'', and
with it the length over which the curvature changes f by its own size, L = sqrt(|f| / |f''|). If derivatives of f grow
by 1/L from one to the next, and by at least 1/|x|, the truncation error |b f''| (h/L)^p and the rounding error
eps |f| / h² of a stencil of order p are balanced by h^(p + 2) = r^(p + 2) |f / f''| L^p, where r is its relative step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array
from ..evaluate import border
from ..stencils import FLOAT32, FLOAT64, Stencil
from .edges import tolerance

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

_SMALL = 1e-3
"""A coordinate below this may have a unit of its own: its first step is relative to itself, and not to 1."""

_VISIBLE = 16.0
"""A second difference of fewer roundings than this shows no curvature."""

_OF_FLOAT32 = 0.6
"""Factor of steps in float32: values are rounded by at most half a last digit, but by a quarter on average."""

_NOISY = 1e-9
"""With more relative noise than this, the first step may show no curvature where there is some."""

_OF_ZERO = 0.1
"""f is close to 0 at x if it is less than this share of its second difference."""

_A_DIGIT = 40.0
"""A second difference of this many roundings is known to one digit."""

_ROUNDS = 3
"""How often a new step is found at most, since saturated values hardly show how long it should be."""

_ENOUGH = 1e-6
"""The relative error that a step may leave without a new step."""

_FAR = 3.0
"""Steps that exceed the limit by this factor are found anew along any number of axes, others along half of them."""

_CLOSE = 2.0
"""A step within this factor of the one that balances the errors is not found anew either."""


class Axes(NamedTuple):
    """Values of f along axes."""

    h: Array  # steps, (n,)
    rises: Array  # f(x ± h e_i) - f(x), (n, 2)
    taken: Mask  # axes along which they are known, which excludes those at bounds


class AlongAxes:
    """Finds steps for second differences along some axes.

    Parameters
    ----------
    function : Function
    where : Coordinates
    stencil : Stencil
        Of a second derivative, symmetric.
    shorter : float
        Factor of its steps relative to balanced ones.
    base : float
        f at x.
    axes : ndarray of int
    noise : float, optional
        The absolute noise of f, where it is known; otherwise it follows from the size of f.
    """

    def __init__(
        self,
        function: border.Function,
        where: Coordinates,
        stencil: Stencil,
        shorter: float,
        base: float,
        axes: Indices,
        noise: float | None = None,
    ) -> None:
        self.function, self.where, self.stencil = function, where, stencil
        self.shorter, self.base, self.axes, self.noise = shorter, base, axes, noise

    def take(self, relative_noise: float) -> Axes:
        """The steps for a relative noise of f, and the values of f at these steps."""
        where, relative = self.where, self.shorter * self.stencil.relative_step(relative_noise)
        if relative_noise == FLOAT32:
            relative *= _OF_FLOAT32
        h = border.steps(where.x, where.n, relative, where.absolute(relative), where.typical).ravel()
        rises = np.full((where.n, 2), np.nan)
        taken = np.zeros(where.n, dtype=bool)
        reach = self.stencil.reach * h
        taken[self.axes] = np.broadcast_to(where.has_room(reach, reach), h.shape)[self.axes]
        free = np.flatnonzero(taken)
        if where.step is not None or where.scale is not None:
            rises[free] = self._values(free, h[free])
        else:
            h = self._fitted(relative, relative_noise, h, rises, free)
        return Axes(h, rises, taken)

    def _fitted(self, relative: float, relative_noise: float, h: Array, rises: Array, free: Indices) -> Array:
        """Steps that fit the curvature along free axes; their rises are written to `rises`."""
        where = self.where
        usual, x = h.copy(), np.abs(where.x.ravel())
        longest = np.full(h.shape, np.inf)
        if where.room is not None:
            clear = max(float(self.stencil.reach), 1.0 / self.stencil.span(tolerance(relative_noise, 2)))
            longest = np.maximum(h, where.room.min(axis=0) / (1.01 * clear))
        own = np.zeros(where.n, dtype=bool)
        if where.typical is None:
            own[free] = (x[free] > 0.0) & (x[free] < _SMALL)
            h[own] = self._representable(relative * x)[own]
        doubtful = relative_noise == FLOAT64 and not self.function.sees_double
        some = free[:1] if doubtful else free
        rises[some] = self._values(some, h[some])
        if doubtful and self.function.sees_change and not self.function.sees_double:
            return h
        rises[free[some.size :]] = self._values(free[some.size :], h[free[some.size :]])
        below, above = np.zeros(where.n), np.full(where.n, np.inf)
        allowed = max((6.0 * _ENOUGH) ** (1 / self.stencil.order) / relative, _CLOSE)
        # Noise hides the curvature over a step that is relative to a small coordinate.
        first = int(relative_noise > _NOISY)
        which, spare = free, where.n if first else (where.n + 1) // 2
        limit = self._lengths(free, h, rises, relative_noise) if first else np.full(where.n, np.inf)
        for k in range(_ROUNDS + first):
            sizes = np.minimum(where.step_sizes(), limit)[which]
            units = np.where(own, x, np.inf)[which]
            wanted, seen = self._wanted(relative, relative_noise, h[which], rises[which], sizes, units)
            lost = own[which] & ~seen & (k >= first)
            own[which[lost]] = False
            wanted[lost] = usual[which[lost]]
            # A step found too long or too short once limits all later ones.
            long, short = wanted < h[which], wanted > h[which]
            above[which[long]] = np.minimum(above, h)[which[long]]
            below[which[short]] = np.maximum(below, h)[which[short]]
            outside = (wanted <= below[which]) | (wanted >= above[which])
            with np.errstate(all="ignore"):
                wanted = np.where(outside, np.sqrt(below[which] * above[which]), wanted)
                wanted = np.minimum(wanted, longest[which])
                # A longer step need not be at its limit.
                ratio = np.where(
                    wanted > h[which], wanted / h[which] * (allowed / min(allowed, 3.0)), h[which] / wanted
                )
                ratio[~(wanted > 0.0)] = 1.0
            far = np.argsort(-ratio, kind="stable")
            far = far[(ratio[far] > _FAR * allowed) | ((ratio[far] > allowed) & (np.arange(far.size) < spare))]
            which, wanted, spare = which[far], wanted[far], where.n
            if not which.size:
                break
            step = self._representable(wanted, which)
            values = self._values(which, step)
            known = np.isfinite(values).all(axis=1)
            # A longer step that meets an edge does not make the shorter one wrong.
            kept = np.isfinite(rises[which]).all(axis=1) & ~known
            which, step, values = which[~kept], step[~kept], values[~kept]
            h[which], rises[which] = step, values
        return h

    def _lengths(self, axes: Indices, h: Array, rises: Array, relative_noise: float) -> Array:
        """The lengths over which second derivatives change, (n,), from third differences; inf where these show none.

        They matter because steps for noise are long. This takes one more value per axis.
        """
        found = np.full(h.shape, np.inf)
        room = np.inf if self.where.room is None else self.where.room[1][axes]
        axes = axes[2.0 * h[axes] <= room]
        far = self.function.at_shifts(self.where.x, axes, h[axes], np.array([2.0]))[:, 0, 0] - self.base
        one, back = rises[axes].T
        with np.errstate(all="ignore"):
            third, bend = np.abs(far - 3.0 * one - back), np.abs(one + back)
            rounding = _VISIBLE * relative_noise * np.maximum(abs(self.base), np.abs(far))
            found[axes] = np.where(third > rounding, h[axes] * bend / third, np.inf)
        found[np.isnan(found) | (found == 0.0)] = np.inf
        return found

    def _wanted(
        self, relative: float, relative_noise: float, h: Array, rises: Array, sizes: Array, x: Array
    ) -> tuple[Array, Mask]:
        """Steps that balance the errors along axes, from values at other steps, and where these show curvature.

        x: sizes of coordinates that may be in units of their own, otherwise inf.
        """
        p = self.stencil.order
        with np.errstate(all="ignore"):
            bend, slope = np.abs(rises[:, 0] + rises[:, 1]), 0.5 * np.abs(rises[:, 0] - rises[:, 1]) / h
            size = np.maximum(abs(self.base), np.abs(rises + self.base).max(axis=1))
            # Roundings of x count as well, times the slopes at x ± h.
            roundings = np.maximum(size, np.minimum(sizes, x) * (slope + bend / h))
            rounding = (FLOAT64 if self.noise else relative_noise) * roundings
            rounding = np.maximum(rounding, self.noise or 0.0)
            seen = bend > _VISIBLE * rounding
            curvature = np.maximum(bend, _VISIBLE * rounding) / h / h
            length = np.sqrt(size / curvature)
            # A small coordinate may have a unit of its own, or be small by chance: use a length in between.
            length = np.minimum(np.minimum(length, np.sqrt(length) * np.sqrt(x)), sizes)
            ratio = rounding / (relative_noise * curvature)
            wanted = relative * ratio ** (1 / (p + 2)) * length ** (p / (p + 2))  # their product may underflow
            # Longer steps only as far as digits are lost: f'' may be small by chance, and higher derivatives large.
            enough = h * np.sqrt(4.0 * rounding / np.maximum(bend, rounding) / max(_ENOUGH, relative**2 / 3))
            wanted = np.minimum(wanted, np.maximum(h, enough))
            # Shorter steps only as far as a digit is left.
            wanted = np.maximum(wanted, np.minimum(h, h * np.sqrt(_A_DIGIT * rounding / bend)))
        # Close to a zero of f, values consist of curvature alone and show no length.
        vacuous = (abs(self.base) < _OF_ZERO * bend) & (bend > (1 - _OF_ZERO) * size) & (wanted < h)
        unknown = ~(np.isfinite(wanted) & (wanted > 0.0)) | vacuous
        return np.where(unknown, h, wanted), seen | unknown

    def _representable(self, steps: Array, which: Indices | slice = slice(None)) -> Array:
        """Steps h such that x + h is exact."""
        x = self.where.x.ravel()[which]
        return np.asarray((x + steps) - x)

    def _values(self, axes: Indices, h: Array) -> Array:
        return self.function.at_shifts(self.where.x, axes, h, np.array([1.0, -1.0]))[:, :, 0] - self.base
