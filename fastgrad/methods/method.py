"""What every method of differentiation offers to the verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.point import Array, Point, as_point
from ..evaluate.functions import SERIAL, Evaluation
from ..evaluate.problem import Problem
from ..stencils import FLOAT64


class Method(ABC):
    """A way to take first derivatives: `FixedStep` or `Adaptive`."""

    __slots__ = ()

    imaginary: bool  # whether it takes the complex step

    @property
    @abstractmethod
    def starts_from_base(self) -> bool:
        """Whether the derivatives may take f at x itself."""

    @abstractmethod
    def evaluations(self, components: int) -> int:
        """How many evaluations so many components take, or some number like it where that is found on the way."""

    @abstractmethod
    def check(self, point: Point, x: Array) -> None:
        """Raise a ValueError where an option does not fit the points x: before f is called."""

    @abstractmethod
    def derivatives(self, problem: Problem, only: int | None = None, out: Array | None = None) -> Array:
        """First derivatives at the points of a problem, which learns the precision of f.

        Parameters
        ----------
        problem : Problem
        only : int, optional
            The one component wanted.
        out : ndarray, optional
            Where the result may be written; it need not be.

        Returns
        -------
        derivatives : ndarray
            Of the points' shape; with several outputs or `only`, (components, outputs).
        """

    def checked(
        self, problem: Problem, first: bool | None = None, only: int | None = None, out: Array | None = None
    ) -> Array:
        """As `derivatives`, and where it is due f is asked whether they are right.

        first: whether they are the first ones of an object that takes them many times; None: there is none.
        """
        return self.derivatives(problem, only, out)

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
        """The gradient of f at x, in x's structure, and the relative noise of f, for a later call to believe.

        value: f at x, where it is known; first: as for `checked`.
        """
        point = as_point(x)
        known = None if value is None else np.array([[value]])
        with Problem.of(f, args, point, how, values=known) as problem:
            problem.relative_noise = relative_noise
            problem.function.expect(self.evaluations(point.n))
            found = self.checked(problem, first)
        return point.restore(found), problem.relative_noise

    def value_and_gradient(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        x: Any,
        how: Evaluation,
        relative_noise: float,
        first: bool | None = None,
    ) -> tuple[float, Any, float]:
        """As `gradient`, and f at x before it: once, also where the derivatives start from it."""
        point = as_point(x)
        self.check(point, point.flat)
        if not self.starts_from_base and how is SERIAL:
            with Problem.of(f, args, point) as problem:
                value = problem.values.item()
            x = point.flat if point.make is None else point
            return value, *self.gradient(f, args, x, how, relative_noise, value, first)
        with Problem.of(f, args, point, how) as problem:
            problem.relative_noise = relative_noise
            problem.function.expect(1 + self.evaluations(point.n))
            value = problem.values.item()
            found = self.checked(problem, first)
        return value, point.restore(found), problem.relative_noise
