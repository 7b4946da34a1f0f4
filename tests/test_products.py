"""Products of Jacobians and Hessians with a vector, and directional derivatives."""

import numpy as np
import pytest
from rosenbrock import rosenbrock, rosenbrock_gradient, rosenbrock_hessian
from sparse_examples import jacobian_of_tridiagonal, tridiagonal

import fastgrad as fg


def test_products():
    x, v = np.linspace(-1.0, 1.3, 6), np.linspace(2.0, -1.0, 6)
    np.testing.assert_allclose(fg.jvp(tridiagonal, x, v), jacobian_of_tridiagonal(x) @ v, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(
        fg.jvp(tridiagonal, x, v, order=8), jacobian_of_tridiagonal(x) @ v, rtol=1e-11, atol=1e-11
    )
    exact = rosenbrock_hessian(x) @ v
    calls = []

    def gradient(x):
        calls.append(1)
        return rosenbrock_gradient(x)

    np.testing.assert_allclose(fg.hvp(rosenbrock, x, v, grad=gradient), exact, rtol=1e-7)
    assert len(calls) == 3
    np.testing.assert_allclose(fg.hvp(rosenbrock, x, v), exact, rtol=1e-5)
    assert (fg.hvp(rosenbrock, x, np.zeros(6)) == 0).all()
    for wrong, match in ((v[:2], r"v has shape \(2,\), which does not fit"), (v * np.nan, r"v is nan at x\[0\]")):
        with pytest.raises(ValueError, match=match):
            fg.jvp(tridiagonal, x, wrong)


@pytest.mark.parametrize(
    "options",
    [
        {"order": 4},
        {"method": "forward"},
        {"method": "complex"},
        {"bounds": (-1.0, 1.3)},
        {"bounds": (-1.0, 1.3), "order": 4},
        {"step": 1e-5},
    ],
)
def test_products_by_every_method(options):
    x, v = np.linspace(-1.0, 1.3, 6), np.array([1.0, 0.5, 0.0, -1.0, 0.2, -0.7])
    seen = []

    def f(x):
        seen.append(x.copy())
        return tridiagonal(x)

    loose = {"rtol": 2e-5, "atol": 2e-5} if options.get("method") == "forward" else {"rtol": 1e-7, "atol": 1e-7}
    np.testing.assert_allclose(fg.jvp(f, x, v, **options), jacobian_of_tridiagonal(x) @ v, **loose)
    if "bounds" in options:
        assert np.min(seen) >= -1.0
        assert np.max(seen) <= 1.3
    exact = rosenbrock_hessian(x) @ v
    np.testing.assert_allclose(
        fg.hvp(rosenbrock, x, v, grad=rosenbrock_gradient, **options), exact, rtol=1e-4, atol=1e-3
    )
    if "step" not in options:

        def f(x):
            return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

        np.testing.assert_allclose(fg.hvp(f, x, v, **options), exact, rtol=1e-4, atol=2e-3)
        np.testing.assert_allclose(fg.directional(f, x, v, **options), rosenbrock_gradient(x) @ v, rtol=1e-4)


def test_directions_that_bounds_forbid():
    with pytest.raises(ValueError, match="stop x at once along v and along -v"):
        fg.jvp(lambda x: x, [0.0, 1.0], [1.0, 1.0], bounds=([0.0, 0.0], [1.0, 1.0]))


@pytest.mark.parametrize(
    "options", [{"vectorized": True}, {"vectorized": "columns"}, {"workers": 2}, {"workers": 2, "vectorized": True}]
)
def test_products_of_every_kind_of_function(options):
    x, v = np.array([0.5, 1.0, 2.0]), np.array([1.0, -1.0, 0.5])
    axis = {False: None, True: 1, "columns": 0}[options.get("vectorized", False)]

    def cubes(x):
        return x**3

    def total(x):
        return (x**3).sum(axis=axis)

    np.testing.assert_allclose(fg.jvp(cubes, x, v, **options), 3 * x**2 * v, rtol=1e-8)
    np.testing.assert_allclose(fg.hvp(total, x, v, **options), 6 * x * v, rtol=1e-5)
    np.testing.assert_allclose(fg.hvp(total, x, v, grad=lambda x: 3 * x**2, **options), 6 * x * v, rtol=1e-8)
    assert fg.directional(total, x, v, **options) == pytest.approx(3 * (x**2) @ v, rel=1e-8)


def test_products_of_compiled_functions():
    pytest.importorskip("numba")
    x, v = np.array([0.5, 1.0, 2.0]), np.array([1.0, -1.0, 0.5])
    f = fg.compile(lambda x: x[0] * x[1] * x[2])
    exact = np.array([[0, 2.0, 1.0], [2.0, 0, 0.5], [1.0, 0.5, 0]]) @ v
    np.testing.assert_allclose(fg.hvp(f, x, v), exact, rtol=1e-5)
    assert fg.directional(f, x, v) == pytest.approx(np.array([2.0, 1.0, 0.5]) @ v, rel=1e-8)
    with pytest.raises(TypeError, match="complex"):
        fg.directional(f, x, v, method="complex")


def test_the_step_of_a_complex_step_is_taken():
    """The imaginary part of exp(x + ih) / h is exp(x) sin(h) / h."""
    found = fg.directional(lambda x: np.exp(x).sum(), np.zeros(1), np.ones(1), method="complex", step=0.1, check=False)
    assert found == pytest.approx(np.sin(0.1) / 0.1, rel=1e-14)


@pytest.mark.parametrize("call", [fg.directional, fg.jvp])
def test_the_step_moves_the_coordinate_that_changes_most(call):
    """By the step that a gradient takes, relative to its size; the others by less."""
    x, v = np.array([100.0, 0.5, -3.0, 1.0]), np.array([50.0, -2.0, 1.0, 1.0])
    seen = []

    def f(x):
        seen.append(x.copy())
        return float((x**2).sum()) if call is fg.directional else x**2

    call(f, x, v)
    moves = np.abs(np.array(seen) - x).max(axis=0) / np.maximum(np.abs(x), 1.0)
    assert moves.max() == pytest.approx(fg.stencils.stencil("central", 2).relative_step(), rel=1e-6)
    assert np.argmax(moves) == 1


@pytest.mark.parametrize("order", [1, 2, 4, 6, 8])
def test_bounds_are_never_crossed_by_a_rounding_along_a_direction(order):
    """With a step that reaches the bounds: x + t v may round to beyond them, one time in a hundred."""
    rng = np.random.default_rng(order)
    which = {"method": "forward"} if order == 1 else {"order": order}
    for _ in range(800):
        x, v = rng.uniform(-3, 3, 5), rng.normal(size=5)
        beyond = x * rng.choice([1e-9, 1e-3, 0.3], 5)
        lower = np.minimum(x - rng.uniform(1e-4, 1e-2, 5), beyond)
        upper = np.maximum(x + rng.uniform(1e-3, 1, 5), beyond)
        seen = []
        fg.directional(
            lambda x, seen=seen: seen.append(x.copy()) or float(x.sum()),
            x,
            v,
            bounds=(lower, upper),
            step=50.0,
            **which,
        )
        assert (np.array(seen) >= lower).all()
        assert (np.array(seen) <= upper).all()
