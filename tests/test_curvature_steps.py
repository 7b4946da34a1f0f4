"""Second derivatives in any units: steps follow from f's curvature, and products that are wrong are mended."""

import warnings

import numpy as np
import pytest

import fastgrad as fg

KINDS = ("logit", "Poisson", "normal")


def counted(f):
    calls = []

    def call(x):
        calls.append(1)
        return f(x)

    return call, calls


def likelihood(kind, units, seed=0):
    """A likelihood of parameters in these units: f, a point and the exact Hessian there."""
    rng = np.random.default_rng(seed)
    n = units.size
    X = rng.normal(size=(300, n))
    X[:, 0] = 1.0
    b, X = 0.3 * rng.normal(size=n) * units, X / units
    mean = X @ b
    if kind == "logit":
        y, p = (rng.uniform(size=300) < 0.6) * 1.0, 1 / (1 + np.exp(-mean))
        return lambda b: float(np.sum(np.logaddexp(0, X @ b) - y * (X @ b))), b, (X.T * (p * (1 - p))) @ X
    if kind == "Poisson":
        y = rng.poisson(np.exp(mean))
        return lambda b: float(np.sum(np.exp(X @ b) - y * (X @ b))), b, (X.T * np.exp(mean)) @ X
    y, s = mean + 0.7 * rng.normal(size=300), 0.7

    def f(q):
        r = y - X @ q[:-1]
        return float(r @ r / (2 * q[-1] ** 2) + 300 * np.log(q[-1]))

    r = y - mean
    cross = 2 * (X.T @ r) / s**3
    corner = 3 * (r @ r) / s**4 - 300 / s**2
    return f, np.append(b, s), np.block([[X.T @ X / s**2, cross[:, None]], [cross[None], np.array([[corner]])]])


def kinetics(tau, amount):
    """Least squares of two exponentials, rates 1 / tau, against data that they do not fit exactly."""
    t = np.linspace(0, 3, 40) * tau
    p = np.array([amount, 0.4 * amount, 1 / tau, 0.3 / tau])
    data = amount * (1.1 * np.exp(-t / tau) + 0.35 * np.exp(-0.33 * t / tau) + 0.05 * np.sin(7 * t / tau))

    def f(p):
        return float(np.sum((p[0] * np.exp(-p[2] * t) + p[1] * np.exp(-p[3] * t) - data) ** 2))

    e = np.exp(-p[2:, None] * t)
    r = p[:2] @ e - data
    J = np.concatenate([e, -p[:2, None] * t * e])
    H = 2 * J @ J.T
    for i in (0, 1):
        H[i, 2 + i] += 2 * r @ (-t * e[i])
        H[2 + i, i] = H[i, 2 + i]
        H[2 + i, 2 + i] += 2 * p[i] * (r @ (t * t * e[i]))
    return f, p, H


def off(found, exact):
    """The largest error, beside the curvatures along the axes."""
    return np.max(np.abs(found - exact) / np.sqrt(np.outer(np.diag(exact), np.diag(exact))))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("ends", [(0, 0), (-8, 8), (-8, -3), (3, 8)])
def test_hessians_of_likelihoods_in_any_units(kind, n, ends):
    units = 10.0 ** np.random.default_rng(n).uniform(*ends, n)
    f, x, exact = likelihood(kind, units)
    f, calls = counted(f)
    assert off(fg.hessian(f, x), exact) < 5e-5
    assert len(calls) <= x.size**2 + 2 * x.size + 4


@pytest.mark.parametrize("tau", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("amount", [1e-6, 1.0, 1e6])
def test_hessians_of_kinetics(tau, amount):
    f, x, exact = kinetics(tau, amount)
    assert np.max(np.abs(fg.hessian(f, x) / exact - 1)) < 1e-5
    assert abs(fg.partial(f, x, 2, 2) / exact[2, 2] - 1) < 1e-5
    assert abs(fg.partial(f, x, 0, 2) / exact[0, 2] - 1) < 1e-5


@pytest.mark.parametrize("covariate", [1e2, 1e3, 1e4, 1e5])
def test_standard_errors_with_a_covariate_in_raw_units(covariate):
    f, b, exact = likelihood("logit", np.array([1.0, 1 / covariate]))
    ratio = np.sqrt(np.diag(np.linalg.inv(fg.hessian(f, b))) / np.diag(np.linalg.inv(exact)))
    np.testing.assert_allclose(ratio, 1.0, rtol=1e-4)


@pytest.mark.parametrize("period", [1.0, 10.0, 300.0])
@pytest.mark.parametrize("phase", [0.0, 0.37])
def test_hessians_by_dates(period, phase):
    t = 57957.97
    found = fg.hessian(lambda x: float(np.cos(2 * np.pi * ((x[0] - t) / period + phase))), np.array([t]))
    np.testing.assert_allclose(found, -((2 * np.pi / period) ** 2) * np.cos(2 * np.pi * phase), rtol=1e-4)


@pytest.mark.parametrize("x", [0.0, 1e-17, 1e-12, 1e-6, 1e-4])
def test_small_by_chance(x):
    """A coordinate that is small beside the distance over which f changes."""
    f, calls = counted(lambda p: float(np.exp(p[0]) * np.cos(p[1])))
    found = fg.hessian(f, np.array([x, 0.5]))
    c, s = np.exp(x) * np.cos(0.5), np.exp(x) * np.sin(0.5)
    np.testing.assert_allclose(found, [[c, -s], [-s, -c]], rtol=1e-6)
    assert len(calls) <= 12


def test_an_offset_of_f_takes_longer_steps():
    found = fg.hessian(lambda x: 1e6 + float(np.cos(x[0]) * np.exp(0.5 * x[1])), np.array([0.7, 0.3]))
    c, s = np.exp(0.15) * np.cos(0.7), np.exp(0.15) * np.sin(0.7)
    np.testing.assert_allclose(found, [[-c, -s / 2], [-s / 2, c / 4]], rtol=1e-4)


def test_steps_that_are_given_are_not_doubted():
    f, calls = counted(lambda x: float(np.sin(x[0] / 1e-4)))
    at = np.array([2e-5])
    assert abs(fg.hessian(f, at, scale=1.0, check=False)[0, 0]) < 1e8 * abs(np.sin(0.2)) / 2
    assert abs(fg.hessian(f, at, step=1e-3, check=False)[0, 0]) < 1e8 * abs(np.sin(0.2)) / 2
    assert len(calls) == 6
    np.testing.assert_allclose(fg.hessian(f, at), -1e8 * np.sin(0.2), rtol=1e-5)


def test_bounds_are_kept_where_steps_grow():
    seen = []

    def f(x):
        seen.append(float(x[0]))
        return 1e6 + float(np.cos(x[0]))

    fg.hessian(f, np.array([0.7]), bounds=(0.699, 0.701))
    assert 0.699 <= min(seen) <= max(seen) <= 0.701


@pytest.mark.parametrize("covariate", [1e3, 1e4, 1e5])
@pytest.mark.parametrize("v", [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_a_product_that_f_does_not_agree_with_is_mended(covariate, v):
    f, b, exact = likelihood("logit", np.array([1.0, 1 / covariate]))
    v = np.array(v) * [1.0, 1 / covariate]
    f, calls = counted(f)
    with pytest.warns(RuntimeWarning, match="its product was taken by the adaptive method instead"):
        found = fg.hvp(f, b, v)
    whole = np.sqrt(np.diag(exact) * (v @ exact @ v))
    assert np.max(np.abs(found - exact @ v) / whole) < 1e-4
    assert len(calls) < 120


def test_a_product_of_many_coordinates_is_mended():
    n = 40
    units = np.where(np.arange(n) % 7, 1.0, 1e-5)
    x = 0.3 * units
    with pytest.warns(RuntimeWarning, match="adaptive"):
        found = fg.hvp(lambda x: float(np.sum(np.exp(x / units)) + np.sum(x[1:] * x[:-1] / units[1:])), x, units)
    exact = np.exp(0.3) / units
    exact[1:] += units[:-1] / units[1:]
    exact[:-1] += 1.0
    np.testing.assert_allclose(found, exact, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:the Hessian of f by fixed steps")
def test_a_product_within_bounds_is_mended_within_them():
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.sin(x[0] / 1e-5) * x[1])

    x, v = np.array([3e-6, 0.5]), np.array([1e-5, 1.0])
    found = fg.hvp(f, x, v, bounds=(0.0, 1.0))
    s, c = np.sin(0.3), np.cos(0.3)
    np.testing.assert_allclose(found, [(-0.5 * s + c) * 1e5, c], rtol=1e-5)
    assert np.min(seen) >= 0.0
    assert np.max(seen) <= 1.0


def test_a_product_that_is_right_costs_four_evaluations_more():
    f, calls = counted(lambda x: float(np.sum(np.exp(x)) + x[0] * x[2]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fg.hvp(f, np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 0.0]))
    np.testing.assert_allclose(found, [np.exp(0.1), 2 * np.exp(0.2), 1.0], rtol=1e-7)
    assert len(calls) <= 8 * 3 + 1 + 4


def wiggle(x):
    """On a scale that no value at the first steps shows."""
    return float(x[0] ** 2 + x[0] * x[1] + 1e-6 * np.cos(1e4 * x[1] + 1.0) + x[2] ** 2)


WIGGLE = np.array([[2.0, 1.0, 0.0], [1.0, -100 * np.cos(1e4 * 0.3 + 1.0), 0.0], [0.0, 0.0, 2.0]])


def test_what_f_does_not_agree_with_is_taken_anew():
    x = np.array([1.0, 0.3, 0.5])
    with pytest.warns(RuntimeWarning, match="Hessian of f by fixed steps"):
        np.testing.assert_allclose(fg.hessian(wiggle, x), WIGGLE, rtol=1e-3, atol=1e-3)
    with pytest.warns(RuntimeWarning, match="Hessian of f by fixed steps"):
        sparse = fg.hessian(wiggle, x, sparsity=WIGGLE != 0)
    np.testing.assert_allclose(sparse.toarray(), WIGGLE, rtol=1e-3, atol=1e-3)
    for i in (0, 1):
        with pytest.warns(RuntimeWarning, match="Hessian of f by fixed steps"):
            found = fg.partial(wiggle, x, i, 1, check=True)
        assert abs(found - WIGGLE[i, 1]) < 1e-3 * max(1.0, abs(WIGGLE[i, 1]))


@pytest.mark.parametrize("noise", [1e-10, 1e-7])
def test_noise_takes_steps_that_fit_the_curvature(noise):
    f, x, exact = likelihood("logit", np.array([1.0, 1e-6, 1e5]))
    rng = np.random.default_rng(1)
    level = noise * f(x)
    found = fg.hessian(lambda x: f(x) + level * rng.uniform(-1, 1), x, noise=level)
    assert off(found, exact) < 60 * np.sqrt(noise)
