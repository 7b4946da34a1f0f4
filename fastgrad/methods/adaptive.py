"""The adaptive method: a step of its own for each component, and an honest error bar on each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.point import Array, Point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.problem import Problem
from .method import Method

FLAGS = ("kink", "jump", "flat", "noisy", "edge", "nonfinite")
"""Names of the flags, from the lowest bit on (``FG_KINK`` ... in src_c/include/adaptive.h)."""


KINK = 1 << FLAGS.index("kink")
NOISY = 1 << FLAGS.index("noisy")


class Components(NamedTuple):
    """What the adaptive method finds, an entry a component."""

    numbers: Array  # (5, components): value, error, step, left and right slope
    flags: NDArray[np.intc]
    noise: Array  # (points,): of one evaluation of f


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

    def check(self, point: Point, x: Array) -> None:
        """As for `Method`."""
        Coordinates(point, x, None, self.typical_x, self.bounds)

    def derivatives(self, problem: Problem, only: int | None = None, out: Array | None = None) -> Array:
        """As for `Method`; a warning names components without a derivative."""
        found, flags, _ = self.components(problem)
        if not border.is_plain(found[0]):
            undetermined = ~np.isfinite(found[0])
            c = int(np.argmax(undetermined))
            warn(
                f"no derivative by {problem.point.name(c)} ({flag_names(flags[c])}; {undetermined.sum()} such "
                "components): nan; fastgrad.differentiate shows more"
            )
        value: Array = found[0]
        return value.reshape(problem.x.shape) if only is None else value[[only], None]

    def components(self, problem: Problem) -> Components:
        """Derivatives with their error bars, steps, flags, and the noise of f."""
        function = problem.function
        if not function.n:
            return Components(np.empty((5, 0)), np.empty(0, dtype=np.intc), np.zeros(1))
        points = problem.points
        where = Coordinates(problem.point, points, None, self.typical_x, self.bounds)
        base = problem.values.ravel()
        problem.declare(self.noise)
        function.tolerate(True)
        found = function.adaptive(points, base, where.sizes(), where.room, self.noise)
        return Components(*found)


def flag_names(bits: int) -> str:
    """The names of flags, with commas between; "" where there is none."""
    return ",".join(name for k, name in enumerate(FLAGS) if bits >> k & 1) if bits else ""
