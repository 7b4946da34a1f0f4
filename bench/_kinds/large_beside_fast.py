"""A large smooth part beside a fast one."""

import math

import numpy as np
from _smooth import M, numbers, power_of_ten, rounded
from scipy.special import log_ndtr

from .cases import Case, family, of_separate, size_of
from .fits import CURVES, curve, fit_case


def power_and(large, degree, fast, kind):
    """A power, large x^degree, beside a sine, a bell or an exponential: in float64, to many digits, the slope."""
    a, k = M.mpf(large), M.mpf(fast)
    slope = lambda x: a * degree * x ** (degree - 1)  # noqa: E731
    return {
        "sine": (
            lambda x: large * x**degree + math.sin(fast * x),
            lambda x: a * x**degree + M.sin(k * x),
            lambda x: slope(x) + k * M.cos(k * x),
        ),
        "bell": (
            lambda x: large * x**degree + math.exp(-((fast * (x - 1)) ** 2) / 2),
            lambda x: a * x**degree + M.exp(-((k * (x - 1)) ** 2) / 2),
            lambda x: slope(x) - k * k * (x - 1) * M.exp(-((k * (x - 1)) ** 2) / 2),
        ),
        "growth": (
            lambda x: large * x**degree + math.exp(fast * (x - 1.5)),
            lambda x: a * x**degree + M.exp(k * (x - 1.5)),
            lambda x: slope(x) + k * M.exp(k * (x - 1.5)),
        ),
    }[kind]


@family("large-beside-fast")
def powers(rng):
    n, degree, kind = size_of(rng, 3), int(rng.integers(1, 6)), str(rng.choice(["sine", "bell", "growth"]))
    large, fast = power_of_ten(rng, 0, 6), float(rng.uniform(3, 50 if kind != "growth" else 20))
    x = rng.uniform(0.7, 1.6, n)
    return of_separate([power_and(large, degree, fast, kind)] * n, x, np.full(n, 1 / fast), 1e-13 * large,
                       degree=degree, kind=kind, large=large, fast=fast)  # fmt: skip


@family("large-beside-fast")
def cubic_and_sine(rng):
    large, fast = power_of_ten(rng, 0, 6), float(rng.uniform(3, 50))
    x = rng.uniform(0.5, 2, 1)
    return of_separate(
        [power_and(large, 3, fast, "sine")], x, np.full(1, 1 / fast), 1e-13 * large, large=large, fast=fast
    )


@family("large-beside-fast")
def probit(rng):
    """The log-likelihood of 30 answers, its columns of unlike sizes."""
    n = int(rng.integers(2, 6))
    X = np.column_stack([np.ones(30), rng.normal(rng.uniform(-3, 20, n - 1), rng.uniform(0.3, 4, n - 1), (30, n - 1))])
    centred = X - X.mean(axis=0)
    w = rng.normal(size=n) / np.abs(X).max(axis=0)
    w[0] = -float(X[:, 1:].mean(axis=0) @ w[1:])
    X = X * np.where(centred @ w + rng.normal(size=30) > 0, 1.0, -1.0)[:, None]
    w = w + rng.normal(size=n) * 0.3 / np.abs(X).max(axis=0)
    rows = [numbers(row) for row in X]
    at = [M.fdot(zip(row, numbers(w), strict=True)) for row in rows]
    mills = [M.npdf(z) / M.ncdf(z) for z in at]
    exact = rounded([M.fdot(zip(mills, column, strict=True)) for column in zip(*rows, strict=True)])
    return Case(
        lambda p: float(np.sum(log_ndtr(X @ p))), w, exact, 1 / np.abs(X).max(axis=0),
        lambda p: M.fsum(M.log(M.ncdf(M.fdot(zip(row, p, strict=True)))) for row in rows), 1e-10,
    )  # fmt: skip


@family("large-beside-fast")
def least_squares(rng):
    name, b, times = curve(rng)
    data = CURVES[name][0](b, times, np) * (1 + 0.1 * rng.normal(size=times.size))
    return fit_case(name, times, numbers(data), b * (1 + 0.2 * rng.normal(size=b.size)))


@family("large-beside-fast")
def stiff_and_steep(rng):
    """(w (x - 1))² + (exp(k - k / x) - 1)²: two residuals of unlike speeds."""
    w, k = power_of_ten(rng, 0, 4), float(rng.uniform(5, 40))
    W, K, x = M.mpf(w), M.mpf(k), rng.uniform(0.9, 1.1, 1)
    term = (
        lambda v: (w * (v - 1)) ** 2 + (math.exp(k - k / v) - 1) ** 2,
        lambda v: (W * (v - 1)) ** 2 + (M.exp(K - K / v) - 1) ** 2,
        lambda v: 2 * W * W * (v - 1) + 2 * (M.exp(K - K / v) - 1) * M.exp(K - K / v) * K / v**2,
    )
    return of_separate([term], x, np.full(1, 1 / k), 1e-12 * (w + math.exp(k / 4)), w=w, k=k)
