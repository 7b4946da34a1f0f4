"""noise= is compared with what f shows: never worse than without it on smooth functions, better where it is real."""

import warnings

import numpy as np
import pytest
from problems import PROBLEMS

import fastgrad as fg


def smooth(x):
    return float(np.exp(3 * x[0]) * np.cos(5 * x[1]) + x[0] ** 3)


def slopes(x):
    e, c, s = np.exp(3 * x[0]), np.cos(5 * x[1]), np.sin(5 * x[1])
    return np.array([3 * e * c + 3 * x[0] ** 2, -5 * e * s])


X = np.array([0.7, 0.4])
HESSIAN = np.exp(2.1) * np.array([[9 * np.cos(2.0), -15 * np.sin(2.0)], [-15 * np.sin(2.0), -25 * np.cos(2.0)]])
HESSIAN[0, 0] += 4.2


def off(found, exact):
    return float(np.max(np.abs(found - exact)) / np.max(np.abs(exact)))


@pytest.mark.parametrize("told", [1e-10, 1e-6, 1e-3])
@pytest.mark.parametrize("options", [{}, {"order": 4}, {"method": "forward"}, {"bounds": (0.0, 0.8)}])
def test_a_noise_that_is_not_there_does_no_harm(told, options):
    plain = off(fg.gradient(smooth, X, **options), slopes(X))
    assert off(fg.gradient(smooth, X, noise=told, **options), slopes(X)) <= 10 * plain + 1e-9
    rows = fg.jacobian(lambda x: np.array([smooth(x), x[0] * x[1]]), X, noise=told, **options)
    assert off(rows, np.array([slopes(X), X[::-1]])) <= 10 * plain + 1e-8
    at = np.array([0.3, 0.7])
    sparse = fg.jacobian(np.exp, at, noise=told, sparsity=np.eye(2, dtype=bool), **options)
    assert off(sparse.data, np.exp(at)) <= 10 * plain + 1e-8
    along = fg.directional(smooth, X, np.ones(2), noise=told, **options)
    assert abs(along / slopes(X).sum() - 1) <= 10 * plain + 1e-7


@pytest.mark.parametrize("told", [1e-10, 1e-6, 1e-3])
def test_nor_to_the_adaptive_method(told):
    assert off(fg.gradient(smooth, X, method="adaptive", noise=told), slopes(X)) < 1e-10


@pytest.mark.parametrize("told", [1e-10, 1e-6, 1e-3])
def test_nor_to_a_hessian(told):
    assert off(fg.hessian(smooth, X, noise=told), HESSIAN) < 1e-6


def euler(p, steps=400):
    """An ODE endpoint by a fixed grid: its error is a smooth function of the parameters."""
    a, b = 1.0, 0.5
    for _ in range(steps):
        a, b = a + 0.02 * (p[0] * a - p[1] * a * b), b + 0.02 * (p[2] * a * b - p[3] * b)
    return a


def test_the_error_of_a_solver_is_no_noise():
    p = np.array([1.1, 0.8, 0.5, 0.9])
    exact = fg.gradient(euler, p, order=8, step=1e-2 * p, check=False)
    plain = np.max(np.abs(fg.gradient(euler, p) / exact - 1))
    assert np.max(np.abs(fg.gradient(euler, p, noise=1e-2 * euler(p)) / exact - 1)) <= 3 * plain + 1e-8


@pytest.mark.parametrize("noise", [1e-10, 1e-6, 1e-3])
def test_real_noise_is_better_told(noise):
    with_noise, without = [], []
    for problem in PROBLEMS[::3]:
        x, exact = problem.point, problem.gradient
        level = noise * max(abs(problem.f(x)), 1e-12)
        for told, errors in ((level, with_noise), (None, without)):
            rng = np.random.default_rng(0)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = fg.gradient(
                    lambda x, p=problem, r=rng, s=level: p.f(x) + s * r.standard_normal(), x, noise=told
                )
                errors.extend(np.abs(found - exact) / np.maximum(np.abs(exact), 1e-9 * np.abs(exact).max()))
    assert np.nanmedian(with_noise) < 0.3 * np.nanmedian(without)
    assert np.mean(np.array(with_noise) < 0.1) >= np.mean(np.array(without) < 0.1)


@pytest.mark.parametrize("step", [1e-8, 1e-4, 1e-2])
def test_stairs_show_no_noise_and_have_it(step):
    """Values rounded to multiples of `step` are constant, or jump, over the shortest steps."""
    found = fg.gradient(lambda x: step * round(smooth(x) / step), X, noise=step)
    assert off(found, slopes(X)) < 3 * step ** (2 / 3)


def test_too_little_noise_told_does_not_shorten_steps_without_end():
    rng = np.random.default_rng(0)
    found = fg.gradient(lambda x: smooth(x) + 1e-6 * rng.standard_normal(), X, noise=1e-7)
    assert off(found, slopes(X)) < 1e-2


def test_noise_beside_a_zero_of_f():
    """The noise is not small beside f there, but beside f elsewhere."""
    rng = np.random.default_rng(0)
    found = fg.gradient(lambda x: np.sin(x) + 1e-8 * rng.standard_normal(), 0.0, noise=1e-8)
    assert abs(found - 1) < 1e-5


def test_what_f_shows_is_looked_at_unless_check_is_false():
    calls = []

    def f(x):
        calls.append(1)
        return smooth(x)

    fg.gradient(f, X, noise=1e-6, check=False)
    assert len(calls) == 5
    calls.clear()
    fg.gradient(f, X, noise=1e-6)
    assert len(calls) <= 5 + 25 + 8
