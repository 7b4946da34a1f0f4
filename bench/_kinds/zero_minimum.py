"""Functions that are zero at their minimum, at x."""

import itertools
from dataclasses import replace

import numpy as np
from _smooth import M, numbers, point, power_of_ten

from .cases import Case, family, size_of
from .fits import CURVES, curve, fit_case


@family("zero-minimum")
def exact_fit(rng):
    """The data are the curve at b to the last bit, as they are or beside a constant that both have."""
    name, b, times = curve(rng)
    constant = float(rng.choice([0.0, 0.0, 1e5]))
    made = fit_case(name, times, [CURVES[name][0](numbers(b), t, M) for t in numbers(times)], b, constant=constant)
    data = CURVES[name][0](b, times, np) + constant

    def f(p):
        residuals = CURVES[name][0](p, times, np) + constant - data
        return float(residuals @ residuals)

    return replace(made, f=f, exact=np.zeros(b.size), grain=made.grain + 1e-8 * (constant > 0))


@family("zero-minimum")
def found_fit(rng):
    """As a least-squares solver finds it: nearly at the minimum."""
    name, b, times = curve(rng)
    near = power_of_ten(rng, -12, -5)
    data = CURVES[name][0](b, times, np)
    return fit_case(name, times, numbers(data), b * (1 + near * rng.normal(size=b.size)), near=near)


@family("zero-minimum")
def rosenbrock(rng):
    n, weight = int(rng.integers(2, 7)), float(rng.choice([1.0, 100.0, 1e4]))

    def f(p):
        return sum(weight * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(p))

    return Case(
        lambda p: float(f(p)), np.ones(n), np.zeros(n), np.full(n, 0.1), f, 1e-14, parameters={"weight": weight}
    )


@family("zero-minimum")
def noiseless_regression(rng):
    n, scales = size_of(rng), power_of_ten(rng, -4, 4)
    X, x = rng.normal(size=(20, n)) / scales, point(rng, n, scales)
    y = X @ x
    rows = [numbers(row) for row in X]
    data = [M.fdot(zip(row, numbers(x), strict=True)) for row in rows]  # which float64 rounds
    return Case(
        lambda p: float(np.sum((X @ p - y) ** 2)), x, np.zeros(n), np.full(n, scales),
        lambda p: M.fsum((M.fdot(zip(row, p, strict=True)) - t) ** 2 for row, t in zip(rows, data, strict=True)), 1e-13,
        parameters={"scales": scales},
    )  # fmt: skip


@family("zero-minimum")
def sum_of_powers(rng):
    """Sums of w (x - c)^p at c, p = 2 or 4, or of 1 - cos."""
    n, p, scale = size_of(rng), int(rng.choice([2, 4])), power_of_ten(rng, -3, 3)
    x = np.where(rng.integers(0, 3, n) == 0, 0.0, point(rng, n, scale))
    w, centre = power_of_ten(rng, -3, 3) * rng.uniform(0.5, 2, n), numbers(x)
    return Case(
        lambda v: float(w @ ((v - x) / scale) ** p), x, np.zeros(n), np.full(n, scale),
        lambda v: M.fsum(a * ((b - c) / M.mpf(scale)) ** p for a, b, c in zip(numbers(w), v, centre, strict=True)),
        1e-12,
        parameters={"p": p, "scale": scale},
    )  # fmt: skip


@family("zero-minimum")
def one_less_cosine(rng):
    n = size_of(rng)
    w = rng.uniform(0.5, 2, n)
    return Case(
        lambda v: float(w @ (1 - np.cos(v))), np.zeros(n), np.zeros(n), np.ones(n),
        lambda v: M.fsum(a * (1 - M.cos(b)) for a, b in zip(numbers(w), v, strict=True)), 1e-15,
    )  # fmt: skip
