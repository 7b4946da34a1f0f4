"""`differentiate` where the derivative is a matrix: a Jacobian, or a Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.coordinates import Coordinates
from ..core.layout import Layout
from ..core.matrix_layout import HessianLayout, JacobianLayout
from ..core.point import Array
from ..evaluate import border
from ..evaluate.problem import Problem
from ..evaluate.results import ReturnedShapeError
from ..records.derivative import Derivative
from .adaptive import FLAGS
from .matrix_errors import hessian_with_errors, jacobian_with_errors


def jacobian_derivative(problem: Problem, typical_x: Any) -> Derivative[Any]:
    """The Jacobian of a vector function with error bars."""
    function, n = problem.function, problem.point.n
    base = problem.values[0]
    function.tolerate(True)
    function.expect(12 * n)
    *found, noise = jacobian_with_errors(function, problem.x.ravel(), base, _sizes(problem, typical_x))
    return _record(function, [part.T for part in found], noise, JacobianLayout(base.size, problem.point.layout))


def hessian_derivative(problem: Problem, typical_x: Any) -> Derivative[Any]:
    """The Hessian of a scalar function with error bars."""
    function, n = problem.function, problem.point.n
    if problem.outputs != 1:
        raise ReturnedShapeError(f"f returned {problem.outputs} values; a Hessian is that of a function of one")
    base = problem.values.item()
    function.tolerate(True)
    function.expect(8 * n * (n + 1))
    *found, noise = hessian_with_errors(function, problem.x.ravel(), base, _sizes(problem, typical_x))
    return _record(function, found, noise, HessianLayout(problem.point.layout))


def _sizes(problem: Problem, typical_x: Any) -> Array:
    return Coordinates(problem.point, problem.x.ravel(), typical_x=typical_x).sizes()


def _record(function: border.Function, found: list[Array], noise: float, layout: Layout) -> Derivative[Any]:
    value, error, step = found
    unknown = ~np.isfinite(value.ravel())
    numbers = np.full((5, value.size), np.nan)
    for row, part in enumerate((value, np.where(np.isfinite(value), error, np.inf), step)):
        numbers[row] = part.ravel()
    bits = np.where(unknown, 1 << FLAGS.index("nonfinite"), 0).astype(np.intc)
    return Derivative(function.nfev, noise, layout, numbers, bits, None)
