"""Derivatives by the adaptive method along lines, and by some of the coordinates."""

import numpy as np
import pytest

from fastgrad.core.point import as_point
from fastgrad.evaluate.problem import Problem
from fastgrad.methods.adaptive import KINK, Adaptive


def problem_of(f, x, outputs=1):
    problem = Problem.of(f, (), as_point(np.asarray(x, dtype=float)), outputs=outputs)
    problem.function.tolerate(True)
    return problem


def test_a_slope_along_a_line():
    x, v = np.linspace(0.2, 1.5, 50), np.random.default_rng(0).normal(size=50)
    problem = problem_of(lambda x: float(np.exp(x).sum()), x)
    (value, error, *_), _, _ = Adaptive(tol=1e-7).along(problem, v)
    assert abs(value[0] - np.exp(x) @ v) <= error[0] < 1e-8
    assert problem.nfev <= 1 + 7


def test_all_outputs_along_a_line():
    x, v = np.linspace(0.2, 1.5, 50), np.random.default_rng(0).normal(size=50)
    problem = problem_of(np.sin, x, None)
    value, error = Adaptive(tol=1e-7).along(problem, v).numbers[:2]
    assert value.shape == (50,)
    assert (np.abs(value - np.cos(x) * v) <= error).mean() > 0.95
    assert (error < 1e-8).all()


def test_roundings_of_x_are_in_the_bar():
    """Along the line, f is 0 but for them; x is rounded at each point."""
    x = np.random.default_rng(1).uniform(1e3, 2e3, 40)
    problem = problem_of(lambda z: float((z - x) @ (z - x + 1.0)), x)
    v = np.random.default_rng(2).normal(size=40)
    value, error = Adaptive().along(problem, v).numbers[:2]
    assert abs(value[0] - v.sum()) <= error[0]


def test_a_kink_on_the_way():
    flags = Adaptive().along(problem_of(lambda x: float(np.abs(x).sum()), np.zeros(3)), np.ones(3)).flags
    assert flags[0] & KINK


def test_some_coordinates_within_bounds_by_other_points():
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.exp(x).sum())

    x, lower, upper = (
        np.array([1.0, 2.0, 3.0, 0.1]),
        np.array([1.0, 0.0, 2.999, -1.0]),
        np.array([9.0, 9.0, 3.001, 1.0]),
    )
    some, points = np.array([0, 2]), []
    for units in (np.array([1.0, 2.0]), np.array([0.625, 1.25])):
        seen.clear()
        method = Adaptive(bounds=(lower, upper))
        value, error, step, _, _ = method.by_some(problem_of(f, x), some, units, np.full(2, np.inf)).numbers
        assert (np.abs(value - np.exp(x[some])) <= error).all()
        assert (error < 1e-6).all()
        assert (step > 0).all()
        assert (np.array(seen) >= lower).all()
        assert (np.array(seen) <= upper).all()
        assert (np.array(seen)[:, [1, 3]] == x[[1, 3]]).all()
        points.append({tuple(point) for point in seen if np.abs(point - x).max() > 1e-7})
    assert not points[0] & points[1]


@pytest.mark.parametrize("reach", [1e-3, 1e-5])
def test_no_farther_than_reach(reach):
    seen = []

    def f(x):
        seen.append(x[0])
        return float(np.sin(3 * x[0]))

    value, error = (
        Adaptive().by_some(problem_of(f, [0.7]), np.array([0]), np.array([0.5]), np.array([reach])).numbers[:2]
    )
    assert abs(value[0] - 3 * np.cos(2.1)) <= error[0]
    assert np.abs(np.array(seen) - 0.7).max() <= reach
