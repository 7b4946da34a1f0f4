"""`differentiate` where the derivative is a matrix: a Jacobian, or a Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import base_values
from ..core.point import Array, Point, array_point
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function, outputs_of
from ..records.derivative import Derivative
from .adaptive import FLAGS, flag_names, scales
from .matrix_errors import hessian_with_errors, jacobian_with_errors


class Matrix(Point):
    """Names and shape of a matrix's entries."""

    __slots__ = ("letter",)

    def __init__(self, rows: int, columns: int, letter: str) -> None:
        super().__init__(np.zeros((rows, columns)))
        self.letter = letter

    def name(self, component: int) -> str:
        """Such as ``J[0, 3]``."""
        i, j = np.unravel_index(component, self.shape)
        return f"{self.letter}[{i}, {j}]"


def jacobian_derivative(
    f: Callable[..., Any], x: Any, args: tuple[Any, ...], typical_x: Any, how: Evaluation
) -> Derivative:
    """The Jacobian of a vector function with error bars."""
    point = array_point(x)
    outputs = outputs_of(f, args, point, how)
    with as_function(f, args, point, how, outputs=outputs) as function:
        at = point.flat.ravel()
        base = base_values(function, point, at)[0]
        function.tolerate(True)
        function.expect(12 * point.n)
        *found, noise = jacobian_with_errors(function, at, base, _scale(typical_x, point))
        return _record(function, [part.T for part in found], noise, Matrix(outputs, point.n, "J"))


def hessian_derivative(
    f: Callable[..., Any], x: Any, args: tuple[Any, ...], typical_x: Any, how: Evaluation
) -> Derivative:
    """The Hessian of a scalar function with error bars."""
    point = array_point(x)
    with as_function(f, args, point, how) as function:
        at = point.flat.ravel()
        base = base_values(function, point, at)[0]
        function.tolerate(True)
        function.expect(8 * point.n * (point.n + 1))
        *found, noise = hessian_with_errors(function, at, float(base[0]), _scale(typical_x, point))
        return _record(function, found, noise, Matrix(point.n, point.n, "H"))


def _scale(typical_x: Any, point: Point) -> Array:
    return scales(typical_x, point, point.flat.reshape(1, -1)).ravel()


def _record(function: border.Function, found: list[Array], noise: float, matrix: Matrix) -> Derivative:
    value, error, step = (np.ascontiguousarray(part) for part in found)
    unknown = ~np.isfinite(value)
    error[unknown] = np.inf
    bits = np.where(unknown.ravel(), 1 << FLAGS.index("nonfinite"), 0).astype(np.intc)
    flags: NDArray[Any] = np.array([flag_names(flag) for flag in bits.tolist()]).reshape(value.shape)
    nothing = np.full(value.shape, np.nan)
    flat = np.stack([part.ravel() for part in (value, error, step, nothing, nothing)])
    return Derivative(
        value, error, step, flags, function.nfev, noise, nothing, nothing.copy(), flat, bits, matrix, _nothing_to_draw
    )


def _nothing_to_draw() -> border.Function:
    raise TypeError("plot draws entries of a gradient; differentiate one row of the Jacobian as a scalar function")
