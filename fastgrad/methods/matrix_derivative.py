"""`differentiate` where the derivative is a matrix: a Jacobian, or a Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.coordinates import Coordinates
from ..core.point import Array
from ..evaluate.problem import Problem
from ..evaluate.results import ReturnedShapeError
from .adaptive import FLAGS, Components
from .matrix_errors import hessian_with_errors, jacobian_with_errors


def jacobian_components(problem: Problem, typical_x: Any) -> Components:
    """The entries of the Jacobian of a vector function, row by row, with error bars."""
    function, n = problem.function, problem.point.n
    base = problem.values[0]
    function.tolerate(True)
    function.expect(12 * n)
    *found, noise = jacobian_with_errors(function, problem.x.ravel(), base, _sizes(problem, typical_x))
    return _components([part.T for part in found], noise)


def hessian_components(problem: Problem, typical_x: Any) -> Components:
    """The entries of the Hessian of a scalar function, row by row, with error bars."""
    function, n = problem.function, problem.point.n
    if problem.outputs != 1:
        raise ReturnedShapeError(f"f returned {problem.outputs} values; a Hessian is that of a function of one")
    base = problem.values.item()
    if not n:
        return _components([np.empty((0, 0))] * 3, 0.0)
    function.tolerate(True)
    function.expect(8 * n * (n + 1))
    *found, noise = hessian_with_errors(function, problem.x.ravel(), base, _sizes(problem, typical_x))
    return _components(found, noise)


def _sizes(problem: Problem, typical_x: Any) -> Array:
    return Coordinates(problem.point, problem.x.ravel(), typical_x=typical_x).sizes()


def _components(found: list[Array], noise: float) -> Components:
    value, error, step = found
    unknown = ~np.isfinite(value.ravel())
    numbers = np.full((5, value.size), np.nan)
    for row, part in enumerate((value, np.where(np.isfinite(value), error, np.inf), step)):
        numbers[row] = part.ravel()
    bits = np.where(unknown, 1 << FLAGS.index("nonfinite"), 0).astype(np.intc)
    return Components(numbers, bits, np.array([noise]))
