"""Where a descent's gradients come from: the user's function, or differences that can be tightened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.point import Array, Point, Tree, per_coordinate
from ..evaluate import border
from ..methods.adaptive import Adaptive
from ..methods.method import Method
from ..stencils import FLOAT64


class Slopes(ABC):
    """Gradients at points x, flat."""

    stage = 0
    relative_noise = FLOAT64
    nfev: int  # evaluations of f

    @abstractmethod
    def at(self, x: Array) -> Array:
        """The gradient at x."""

    @abstractmethod
    def convert(self, result: Any) -> Array:
        """What a call of it gave, as a flat array."""

    def tighten(self) -> bool:
        """Whether there was a more accurate way; from now on it is taken."""
        return False

    def accurate(self, x: Array) -> tuple[Array, float] | None:
        """A more accurate gradient, and the norm of its error; None where `at` is taken as it is."""
        return None


class UserSlopes(Slopes):
    """The user's gradient."""

    nfev = 0

    def __init__(self, grad: Callable[..., Any], args: tuple[Any, ...], point: Point) -> None:
        self.grad = grad
        self.args = args
        self.point = point

    def at(self, x: Array) -> Array:
        """As for `Slopes`."""
        point = self.point
        argument = point.restore(x) if point.make is not None else x.reshape(point.shape).copy()
        return self.convert(self.grad(argument, *self.args))

    def convert(self, result: Any) -> Array:
        """As for `Slopes`."""
        if result is None:
            raise TypeError("grad returned None; does it lack a return statement?")
        found = per_coordinate(result, self.point, "grad's result")
        assert found is not None
        if not isinstance(self.point, Tree) and np.shape(result) != self.point.shape and self.point.n > 1:
            raise ValueError(f"grad returned shape {np.shape(result)}, but x has shape {self.point.shape}")
        return np.ascontiguousarray(found)


class DifferenceSlopes(Slopes):
    """Differences of f, by the first of several methods, each more accurate than the last."""

    def __init__(self, function: border.Function, point: Point, methods: list[Method], adaptive: Adaptive) -> None:
        self.function = function
        self.point = point
        self.methods = methods
        self.adaptive = adaptive

    @property
    def nfev(self) -> int:  # type: ignore[override]
        """Evaluations of f."""
        return self.function.nfev

    def at(self, x: Array) -> Array:
        """As for `Slopes`."""
        method, shaped = self.methods[self.stage], x.reshape(self.point.flat.shape)
        if isinstance(method, Adaptive):
            found = method.components(self.function, self.point, shaped)[0]
            return np.array(found[0])
        found, self.relative_noise = method.derivatives(self.function, self.point, shaped, self.relative_noise)
        return found.ravel()

    def convert(self, result: Any) -> Array:
        """As for `Slopes`."""
        return np.asarray(result, dtype=np.float64)

    def tighten(self) -> bool:
        """As for `Slopes`."""
        if self.stage + 1 == len(self.methods):
            return False
        self.stage += 1
        return True

    def accurate(self, x: Array) -> tuple[Array, float] | None:
        """By the adaptive method; the complex step is exact to rounding as it is."""
        if self.methods[0].imaginary:
            return None
        found = self.adaptive.components(self.function, self.point, x.reshape(self.point.flat.shape))[0]
        return found[0], float(np.linalg.norm(found[1]))
