"""`differentiate` where the derivative is a matrix: a Jacobian, or a Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.layout import HessianLayout, JacobianLayout, Layout
from ..core.point import Array
from ..evaluate import border
from ..evaluate.problem import Problem
from ..evaluate.results import ReturnedShapeError
from ..records.derivative import Derivative
from .adaptive import FLAGS, flag_names
from .matrix_errors import hessian_with_errors, jacobian_with_errors


def jacobian_derivative(problem: Problem, typical_x: Any) -> Derivative:
    """The Jacobian of a vector function with error bars."""
    function, n = problem.function, problem.point.n
    base = problem.values[0]
    function.tolerate(True)
    function.expect(12 * n)
    *found, noise = jacobian_with_errors(function, problem.x.ravel(), base, _sizes(problem, typical_x))
    return _record(function, [part.T for part in found], noise, JacobianLayout(base.size, problem.point.layout))


def hessian_derivative(problem: Problem, typical_x: Any) -> Derivative:
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


def _record(function: border.Function, found: list[Array], noise: float, layout: Layout) -> Derivative:
    value, error, step = (np.ascontiguousarray(part) for part in found)
    unknown = ~np.isfinite(value)
    error[unknown] = np.inf
    bits = np.where(unknown.ravel(), 1 << FLAGS.index("nonfinite"), 0).astype(np.intc)
    flags: NDArray[Any] = np.array([flag_names(flag) for flag in bits.tolist()])
    nothing = np.full(value.size, np.nan)
    flat = np.stack([value.ravel(), error.ravel(), step.ravel(), nothing, nothing])
    return Derivative(
        layout.restore(value), layout.restore(error), layout.restore(step), layout.restore(flags), function.nfev, noise,
        layout.restore(nothing), layout.restore(nothing.copy()), flat, bits, layout, _nothing_to_draw,
    )  # fmt: skip


def _nothing_to_draw() -> border.Function:
    raise TypeError("plot draws entries of a gradient; differentiate one row of the Jacobian as a scalar function")
