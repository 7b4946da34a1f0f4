"""Edges a little farther than a step, where f is finite all around: five digits, or a word."""

import math
import warnings

import numpy as np
import pytest
from scipy.special import digamma, polygamma

import fastgrad as fg

DISTANCES = (1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 3e-6, 1e-7, 1e-10)
WEIGHTS, COUNTS = 60 * np.array([9.0, 3.0, 1.0, 0.3, 0.1]), np.array([560.0, 170.0, 64.0, 20.0, 5.0])


def poisson(amplitude):
    w = WEIGHTS / amplitude
    return (
        lambda x: 2 * sum(x * a - n * math.log(x * a) for a, n in zip(w, COUNTS, strict=True)),
        amplitude,
        2 * (w.sum() - COUNTS.sum() / amplitude),
        2 * COUNTS.sum() / amplitude**2,
    )


def garch(omega):
    """The likelihood of returns of size omega by a variance that starts from x, with its derivatives."""

    def value(x):
        h, d, total, first, second = 50 * omega, 0.0, 0.0, 0.0, 0.0
        for k in range(40):
            e2 = 50 * omega * (1 + math.sin(1.7 * k))
            total += 0.5 * (math.log(h) + e2 / h)
            first += 0.5 * d * (1 / h - e2 / h**2)
            second += 0.5 * d * d * (2 * e2 / h**3 - 1 / h**2)
            h, d = x + 0.08 * e2 + 0.9 * h, 1 + 0.9 * d
        return total, first, second

    return lambda x: value(x)[0], omega, *value(omega)[1:]


def below_one(f, slopes):
    """At 1 - d as it is rounded."""

    def case(d):
        x = 1 - d
        return f, x, *slopes(x, (1 - x) * (1 + x))

    return case


def acosh(d):
    x = 1 + d
    u = (x - 1) * (x + 1)
    return math.acosh, x, u**-0.5, -x * u**-1.5


def log1p(d):
    x = d - 1
    return math.log1p, x, 1 / (1 + x), -1 / (1 + x) ** 2


# name: distance -> f, x, and both derivatives there.
NEAR_ZERO = {
    "log": lambda d: (math.log, d, 1 / d, -1 / d**2),
    "sqrt": lambda d: (math.sqrt, d, 0.5 * d**-0.5, -0.25 * d**-1.5),
    "1/x": lambda d: (lambda x: 1 / x, d, -1 / d**2, 2 / d**3),
    "lgamma": lambda d: (math.lgamma, d, digamma(d), polygamma(1, d)),
    "Poisson": poisson,
    "GARCH": garch,
}
ELSEWHERE = {
    "asin": below_one(math.asin, lambda x, u: (u**-0.5, x * u**-1.5)),
    "acos": below_one(math.acos, lambda x, u: (-(u**-0.5), -x * u**-1.5)),
    "atanh": below_one(math.atanh, lambda x, u: (1 / u, 2 * x / u**2)),
    "acosh": acosh,
    "log1p": log1p,
}

# A likelihood is nearly stationary there: f'/f'' is far smaller than the distance to the edge.
OFF = {("Poisson", 1e-2): 2e-5}


def along(f):
    """The function of the first of three coordinates, and what makes the gradient no zero along the others."""
    return lambda p: f(float(p[0])) + math.sin(p[1]) + 0.3 * p[1] * p[2]


def at(x):
    return np.array([x, 0.7, -1.3])


E0 = np.array([1.0, 0.0, 0.0])


def second_call(f, x):
    g = fg.value_and_grad(f)
    g(at(0.5 if 0 < x[0] < 1 else -0.5 if x[0] < 0 else 2.0))
    return g(x)[1][0]


# Those that know f(x), or look.
INFORMED = {
    "value_and_grad": lambda f, x: fg.value_and_grad(f)(x)[1][0],
    "value_and_grad, second call": second_call,
    "grad": lambda f, x: fg.grad(f)(x)[0],
    "check": lambda f, x: fg.gradient(f, x, check=True)[0],
    "order 4": lambda f, x: fg.gradient(f, x, order=4)[0],
    "order 8": lambda f, x: fg.gradient(f, x, order=8)[0],
    "jacobian": lambda f, x: fg.jacobian(lambda p: np.array([f(p), p[1]]), x)[0, 0],
    "batch_jacobian": lambda f, x: fg.batch_jacobian(lambda p: np.array([f(p), p[1]]), x[None])[0, 0, 0],
    "jvp": lambda f, x: fg.jvp(lambda p: np.array([f(p), p[1]]), x, E0)[0],
}
BY_TWO_VALUES = {
    "pattern": lambda f, x: fg.jacobian(lambda p: np.array([f(p)]), x, sparsity=np.ones((1, 3))).toarray()[0, 0],
    "gradient": lambda f, x: fg.gradient(f, x)[0],
    "number": lambda f, x: fg.gradient(lambda t: f(np.array([t, *x[1:]])), x[0]),
    "forward": lambda f, x: fg.gradient(f, x, method="forward")[0],
    "partial": lambda f, x: fg.partial(f, x, 0),
    "directional": lambda f, x: fg.directional(f, x, E0),
    "batch_gradient": lambda f, x: fg.batch_gradient(f, x[None])[0, 0],
}
SECOND = {
    "hessian": lambda f, x: fg.hessian(f, x)[0, 0],
    "hessian, order 4": lambda f, x: fg.hessian(f, x, order=4)[0, 0],
    "hessian, forward": lambda f, x: fg.hessian(f, x, method="forward")[0, 0],
    "partial i, i": lambda f, x: fg.partial(f, x, 0, 0),
    "hvp": lambda f, x: fg.hvp(f, x, E0)[0],
    "pattern": lambda f, x: fg.hessian(f, x, sparsity=np.ones((3, 3))).toarray()[0, 0],
}


def silently_wrong(case, verbs, which, distances=DISTANCES):
    """Which of the verbs gave fewer than five digits without a warning."""
    wrong = []
    for d in distances:
        f, x, *slopes = case(d)
        for verb, call in verbs.items():
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                try:
                    found = call(along(f), at(x))
                except ValueError as error:
                    assert "math domain error" in str(error)  # noqa: PT017
                    continue
            off = abs(found / slopes[which] - 1)
            if not (off <= OFF.get((case_name(case), d), 1e-5) or said):
                wrong.append((verb, d, off))
    return wrong


def case_name(case):
    return next(name for name, other in (NEAR_ZERO | ELSEWHERE).items() if other is case)


@pytest.mark.parametrize("name", [*NEAR_ZERO, *ELSEWHERE])
def test_f_at_x_shows_an_edge_farther_than_a_step(name):
    assert not silently_wrong((NEAR_ZERO | ELSEWHERE)[name], INFORMED, 0)


@pytest.mark.parametrize("name", NEAR_ZERO)
def test_small_coordinates_are_looked_at(name):
    assert not silently_wrong(NEAR_ZERO[name], BY_TWO_VALUES, 0)


@pytest.mark.parametrize("name", [*NEAR_ZERO, *ELSEWHERE])
def test_second_derivatives_near_an_edge(name):
    assert not silently_wrong((NEAR_ZERO | ELSEWHERE)[name], SECOND, 1)


@pytest.mark.filterwarnings("ignore:the Hessian of f by fixed steps")
@pytest.mark.parametrize("x", [1e-3, 1e-4, 1e-5, 1e-8, 1e-50, 1e-100])
def test_outer_steps_of_complex_second_derivatives(x):
    def f(p):
        with np.errstate(all="ignore"):
            return np.log(p[0])

    for call in (
        lambda: fg.hessian(f, np.array([x]), method="complex")[0, 0],
        lambda: fg.hvp(f, np.array([x]), np.ones(1), method="complex")[0],
    ):
        assert call() * -(x**2) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("correlation", [0.9, 0.95])
def test_a_correlation_near_one(correlation):
    """The likelihood of pairs of unit variance, 500 of them: its curvature grows like (1 - r)⁻²."""
    n, s = 500, 1.0

    def f(r):
        return n * (0.5 * math.log(1 - r[0] ** 2) + s * (1 - r[0] * correlation) / (1 - r[0] ** 2))

    r, u = correlation, 1 - correlation**2
    # Of the terms by hand: f'' at r = correlation, where f' is 0.
    exact = n * ((-(1 + r * r) / u**2) + (-4 * r * r / u**2) + (1 - r * r) * (2 / u**2 + 8 * r * r / u**3))
    assert fg.hessian(f, np.array([r]))[0, 0] == pytest.approx(exact, rel=1e-5)


def counting(f):
    calls = []

    def counted(x):
        calls.append(1)
        return f(x)

    return counted, calls


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4, 1e-6, 1e-8])
def test_a_minimum_is_right_cheap_and_nothing_is_said(distance):
    """There a second difference is large beside the first, and no step is too long."""
    f, calls = counting(rosenbrock)
    g = fg.value_and_grad(f)
    g(np.array([-1.2, 1.0]))
    calls.clear()
    a, b = 1 + distance, 1 + 2 * distance
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = g(np.array([a, b]))[1]
    exact = [-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)]
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-7)
    assert len(calls) <= 5 + 2 * (2 if distance > 5e-3 else 4)


@pytest.mark.parametrize("noise", [1e-8, 1e-6, 1e-4])
def test_noise_is_not_taken_for_a_short_scale(noise):
    rng = np.random.default_rng(0)
    x = np.array([0.5, 1.2, -0.4])
    level = [0.0]
    f, calls = counting(lambda x: float(np.exp(x).sum()) * (1 + level[0] * rng.uniform(-1, 1)))
    g = fg.value_and_grad(f)
    g(x)
    calls.clear()
    level[0] = noise
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        g(x)
    assert len(calls) <= 7 + 8


@pytest.mark.parametrize(("x", "more"), [(1.0, 0), (1e-2, 0), (0.0, 0), (1e-3, 1), (1e-9, 1)])
def test_f_at_x_is_asked_by_small_coordinates_alone(x, more):
    f, calls = counting(lambda x: float(np.exp(x).sum()))
    fg.gradient(f, np.array([x, 1.0]))
    assert len(calls) == 4 + more


def test_steps_of_the_user_are_not_doubted():
    for options, count in (({"step": 1e-6}, 2), ({"check": False}, 2), ({"scale": 1e-5}, 2)):
        f, calls = counting(lambda x: math.log(x[0]))
        fg.gradient(f, np.array([1e-4]), **options)
        assert len(calls) == count


def test_a_kink_within_a_step():
    found = fg.value_and_grad(lambda x: max(x[0] - 1.0, 0.0) + x[1] ** 2)(np.array([1.0 + 1e-4, 1.0]))[1]
    np.testing.assert_allclose(found, [1.0, 2.0], rtol=1e-9)


@pytest.mark.parametrize("ratio", [1e-2, 1.0, 50.0, 500.0])
@pytest.mark.parametrize("constant", [1e-9, 1e-7])
@pytest.mark.parametrize("call", [*INFORMED.values(), *BY_TWO_VALUES.values()])
@pytest.mark.filterwarnings("ignore:fixed steps do not fit")
def test_saturation_in_raw_units(call, constant, ratio):
    """Michaelis and Menten: f hardly changes over a step, and its second difference grows where that gets shorter."""
    x = ratio * constant
    exact = 5 * constant / (constant + x) ** 2
    found = call(along(lambda c: 5 * c / (constant + c)), at(x))
    np.testing.assert_allclose(found, exact, rtol=1e-5)


@pytest.mark.parametrize("x", [1e-5, 1e-21, 1e-28, 1e-31, 1e-100, 1e-250])
@pytest.mark.parametrize(("f", "slope"), [(np.log, lambda x: 1 / x), (np.sqrt, lambda x: 0.5 / np.sqrt(x))])
def test_imaginary_steps_are_shorter_than_tiny_coordinates(f, slope, x):
    def g(p):
        with np.errstate(all="ignore"):
            return f(p)

    p, options = np.array([x]), {"method": "complex"}
    for found in (
        fg.gradient(g, x, **options),
        fg.gradient(lambda p: g(p[0]), p, **options)[0],
        fg.jacobian(g, p, **options)[0, 0],
        fg.jacobian(g, p, sparsity=np.eye(1), **options).data[0],
        fg.jvp(g, p, np.ones(1), **options)[0],
    ):
        np.testing.assert_allclose(found, slope(x), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:fixed steps do not fit")
def test_rows_of_many_points_are_what_each_is_alone():
    """Of a hundred points some are small: they are doubted apart, and the orders of all are compared."""
    X = np.random.default_rng(0).uniform(0.5, 1.5, (100, 2))
    X[7, 0], X[40, 1] = 1e-5, 1e-4

    def f(x):
        return math.log(x[0]) + math.sin(900 * x[1])

    exact = np.stack([1 / X[:, 0], 900 * np.cos(900 * X[:, 1])], axis=1)
    for order, rtol in ((2, 2e-4), (4, 1e-6)):
        found = fg.batch_gradient(f, X, order=order)
        np.testing.assert_allclose(found, exact, rtol=rtol, atol=900 * rtol)
        np.testing.assert_allclose(found[7, 0], 1e5, rtol=1e-5)
