"""The adaptive method: a step of its own for each component, and an honest error bar on each."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import base_values, checked_steps, room_within
from ..core.point import Array, Point
from ..evaluate import border
from ..stencils import FLOAT64
from .method import Method

FLAGS = ("kink", "jump", "flat", "noisy", "edge", "nonfinite")
"""Names of the flags, from the lowest bit on (``FG_KINK`` ... in src_c/include/adaptive.h)."""


KINK = 1 << FLAGS.index("kink")
NOISY = 1 << FLAGS.index("noisy")


class Adaptive(Method):
    """Derivatives by the adaptive method.

    Parameters
    ----------
    typical_x, bounds, noise
        As for `differentiate`.
    """

    __slots__ = ("bounds", "noise", "typical_x")

    imaginary = False
    starts_from_base = True

    def __init__(self, typical_x: Any = None, bounds: Any = None, noise: float | None = None) -> None:
        self.typical_x = typical_x
        self.bounds = bounds
        self.noise = noise

    def __repr__(self) -> str:
        return "adaptive"

    def evaluations(self, components: int) -> int:
        """As for `Method`."""
        return 8 * components

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
        """As for `Method`; a warning names components without a derivative."""
        found, flags, levels, base = self.components(function, point, x, relative_noise, base)
        if not border.is_plain(found[0]):
            undetermined = ~np.isfinite(found[0])
            c = int(np.argmax(undetermined))
            warnings.warn(
                f"no derivative by {point.name(c)} ({flag_names(flags[c])}; {undetermined.sum()} such components): "
                "nan; fastgrad.differentiate shows more",
                RuntimeWarning,
                stacklevel=4,
            )
        known = max([v / abs(b) for v, b in zip(levels.tolist(), base.tolist(), strict=True) if b], default=0.0)
        values = found[0]
        return (values.reshape(x.shape) if only is None else values[[only], None]), max(known, 2 * FLOAT64)

    def components(
        self,
        function: border.Function,
        point: Point,
        x: Array,
        relative_noise: float = FLOAT64,
        base: Array | None = None,
    ) -> tuple[Array, NDArray[np.intc], Array, Array]:
        """Rows value, error, step, left and right slope (5, x.size); flags; noise and f at each point of x."""
        if not function.n:
            return np.empty((5, 0)), np.empty(0, dtype=np.intc), np.zeros(1), np.empty(0)
        points = x.reshape(-1, function.n)
        base = base_values(function, point, points, base).ravel()
        room = None if self.bounds is None else room_within(self.bounds, point, points)
        level = self.noise
        if level is not None and not (level > 0 and math.isfinite(level)):
            raise ValueError(f"noise is {level}; expected a positive number, the absolute noise of f")
        if level is None and relative_noise > FLOAT64:
            level = relative_noise * float(np.abs(base).max(initial=0.0))
        function.tolerate(True)
        found, flags, levels = function.adaptive(points, base, scales(self.typical_x, point, points), room, level)
        return found, flags, levels, base


def scales(typical_x: Any, point: Point, points: Array) -> Array:
    """The sizes of coordinates that steps are relative to: |x|, at least typical_x; 1 where that is 0."""
    sizes = np.abs(points)
    typical = checked_steps(typical_x, point, "typical_x")
    if typical is not None:
        sizes = np.maximum(sizes, typical)
    if not sizes.all():
        sizes[sizes == 0.0] = 1.0
    return sizes


def flag_names(bits: int) -> str:
    """The names of flags, with commas between; "" where there is none."""
    return ",".join(name for k, name in enumerate(FLAGS) if bits >> k & 1) if bits else ""
