"""Where a descent's gradients come from: the user's function, or differences that can be tightened."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array, Point
from ..evaluate.problem import Problem
from ..methods.adaptive import Adaptive
from ..methods.method import Method
from ..stencils import FLOAT64


class Slopes(ABC):
    """Gradients at points x, flat."""

    stage = last_stage = 0
    relative_noise = FLOAT64
    nfev: int  # evaluations of f

    @abstractmethod
    def at(self, x: Array, fun: float = math.nan) -> Array:
        """The gradient at x; fun: f there, where it is known."""

    @abstractmethod
    def convert(self, result: Any) -> Array:
        """What a call of it gave, as a flat array."""

    def tighten(self) -> bool:
        """Whether there was a more accurate way; from now on it is taken."""
        return False

    def accurate(self, x: Array, fun: float = math.nan) -> tuple[Array, float] | None:
        """A more accurate gradient, and the norm of its error; None where `at` is taken as it is."""
        return None


class UserSlopes(Slopes):
    """The user's gradient."""

    nfev = 0

    def __init__(self, grad: Callable[..., Any], args: tuple[Any, ...], point: Point) -> None:
        self.grad = grad
        self.args = args
        self.point = point

    def at(self, x: Array, fun: float = math.nan) -> Array:
        """As for `Slopes`."""
        return self.convert(self.grad(self.point.argument(x.copy()), *self.args))

    def convert(self, result: Any) -> Array:
        """As for `Slopes`."""
        return self.point.layout.gradient_values(result)


class DifferenceSlopes(Slopes):
    """Differences of f, by the first of several methods, each more accurate than the last."""

    def __init__(
        self, problem: Problem, methods: list[Method], adaptive: Adaptive, fixed: NDArray[np.bool_] | None = None
    ) -> None:
        self.problem = problem
        self.fixed = fixed  # coordinates that bounds hold in place: they do not move, whatever their slope
        self.methods = methods
        self.last_stage = len(methods) - 1
        self.adaptive = adaptive

    @property
    def nfev(self) -> int:  # type: ignore[override]
        """Evaluations of f."""
        return self.problem.nfev

    def at(self, x: Array, fun: float = math.nan) -> Array:
        """As for `Slopes`."""
        method, problem = self.methods[self.stage], self._there(x, fun)
        if isinstance(method, Adaptive):
            return self._held(np.array(method.components(problem).numbers[0]))
        problem.relative_noise, problem.trusted = self.relative_noise, True
        found = method.derivatives(problem).ravel()
        self.relative_noise = problem.relative_noise
        return self._held(found)

    def _held(self, found: Array) -> Array:
        if self.fixed is not None:
            found[self.fixed] = 0.0
        return found

    def _there(self, x: Array, fun: float) -> Problem:
        """F at a point of the path, where its value may be known."""
        values = np.array([[fun]]) if math.isfinite(fun) else None
        return self.problem.at(x.reshape(self.problem.x.shape), values)

    def convert(self, result: Any) -> Array:
        """As for `Slopes`."""
        return np.asarray(result, dtype=np.float64)

    def tighten(self) -> bool:
        """As for `Slopes`."""
        if self.stage == self.last_stage:
            return False
        self.stage += 1
        return True

    def accurate(self, x: Array, fun: float = math.nan) -> tuple[Array, float] | None:
        """By the adaptive method; the complex step is exact to rounding as it is."""
        if self.methods[0].imaginary:
            return None
        value, error = self.adaptive.components(self._there(x, fun)).numbers[:2]
        return self._held(value.copy()), float(np.linalg.norm(self._held(error.copy())))
