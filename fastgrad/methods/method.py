"""What every method of differentiation offers to the verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ..core.point import Array, Point, as_point
from ..evaluate import border
from ..evaluate.functions import SERIAL, Evaluation, as_function
from ..stencils import FLOAT64


class Method(ABC):
    """A way to take first derivatives: `FixedStep` or `Adaptive`."""

    __slots__ = ()

    imaginary: bool

    @property
    @abstractmethod
    def starts_from_base(self) -> bool:
        """Whether the derivatives may take f at x itself."""

    @abstractmethod
    def evaluations(self, components: int) -> int:
        """How many evaluations so many components take, or some number like it where that is found on the way."""

    @abstractmethod
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
        """First derivatives at the points x, and the relative noise of f that they were taken for.

        Parameters
        ----------
        function : Function
        point : Point
            Gives the coordinates' shape and names.
        x : ndarray
            One point, of any shape, or points (b, n).
        relative_noise : float
            Relative precision that f is known to compute in; that of float64 where nothing is known.
        only : int, optional
            The one component wanted.
        out : ndarray, optional
            Where the result may be written; it need not be.
        base : ndarray, optional
            f at the points x, (points, outputs), where it is known.

        Returns
        -------
        derivatives : ndarray
            x's shape; with several outputs or `only`, (components, outputs).
        relative_noise : float
        """

    def gradient(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        x: Any,
        how: Evaluation = SERIAL,
        relative_noise: float = FLOAT64,
    ) -> tuple[Any, float]:
        """The gradient of f at x, in x's structure, and the relative noise of f, for a later call to know."""
        point = as_point(x)
        with as_function(f, args, point, how, self.imaginary) as function:
            function.expect(self.evaluations(point.n))
            values, relative_noise = self.derivatives(function, point, point.flat, relative_noise)
        return point.restore(values), relative_noise

    def value_and_gradient(
        self, f: Callable[..., Any], args: tuple[Any, ...], x: Any, how: Evaluation, relative_noise: float
    ) -> tuple[float, Any, float]:
        """As `gradient`, and f at x before it: once, also where the derivatives start from it."""
        point = as_point(x)
        with as_function(f, args, point, how) as function:
            base = function.at_points(point.flat.reshape(1, -1))
            if self.starts_from_base:
                function.expect(1 + self.evaluations(point.n))
                values, relative_noise = self.derivatives(function, point, point.flat, relative_noise, base=base)
                return base.item(), point.restore(values), relative_noise
        return base.item(), *self.gradient(f, args, x, how, relative_noise)
