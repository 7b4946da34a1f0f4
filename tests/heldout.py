"""Smooth functions that no constant of the library was chosen by: from physics, statistics, chemistry and optimisation.

As in `problems`, a formula is written once, for ``math`` and for ``mpmath``; exact gradients are made when asked for.
Nothing here may be used to choose anything: a function that is moved to `problems` must be replaced by another.
"""

import contextlib
import functools
import math

import numpy as np
from make_problems import exact_gradient
from problems import Problem


def runge_kutta(slope, state, step, count):
    """Steps of the classical method, for numbers of any kind."""
    for _ in range(count):
        k1 = slope(state)
        k2 = slope([s + step / 2 * k for s, k in zip(state, k1, strict=True)])
        k3 = slope([s + step / 2 * k for s, k in zip(state, k2, strict=True)])
        k4 = slope([s + step * k for s, k in zip(state, k3, strict=True)])
        state = [s + step * (a + 2 * b + 2 * c + d) / 6 for s, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)]
    return state


def pendulum(x, m):
    angle, speed = runge_kutta(lambda s: [s[1], -m.sin(s[0]) - x[2] * s[1]], list(x[:2]), 0.125, 8)
    return angle + speed * speed


def lorenz(x, m):
    def slope(s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 * s[2] / 3]

    return sum(v * v for v in runge_kutta(slope, list(x), 0.015625, 10))


def logistic_map(x, m):
    value = x[1]
    for _ in range(8):
        value = x[0] * value * (1 - value)
    return value


def normal_probability(x, m):
    return (1 + m.erf(x / m.sqrt(2))) / 2


def call_price(x, m):
    spot, strike, rate, deviation, years = x
    root = deviation * m.sqrt(years)
    d = (m.log(spot / strike) + (rate + deviation * deviation / 2) * years) / root
    return spot * normal_probability(d, m) - strike * m.exp(-rate * years) * normal_probability(d - root, m)


def lgamma(v, m):
    return m.lgamma(v) if hasattr(m, "lgamma") else m.loggamma(v)


def student(x, m):
    freedom, centre, width = x
    total = 0
    for y in (-1.5, 0.3, 0.9, 4.0):
        z = (y - centre) / width
        total = total - lgamma((freedom + 1) / 2, m) + lgamma(freedom / 2, m) + m.log(freedom * m.pi) / 2
        total = total + m.log(width) + (freedom + 1) / 2 * m.log(1 + z * z / freedom)
    return total


def poisson(x, m):
    counts = (0, 2, 1, 5, 3, 9)
    means = [m.exp(x[0] + x[1] * k / 4) for k in range(len(counts))]
    return sum(mean - k * m.log(mean) + lgamma(k + 1 + 0 * mean, m) for mean, k in zip(means, counts, strict=True))


def mixture(x, m):
    share = 1 / (1 + m.exp(-x[0]))
    total = 0
    for y in (-2.0, -1.7, 0.1, 1.9, 2.4):
        left = share * m.exp(-((y - x[1]) ** 2) / 2)
        right = (1 - share) * m.exp(-((y - x[2]) ** 2) / (2 * x[3] * x[3])) / x[3]
        total = total - m.log(left + right)
    return total


def ackley(x, m):
    n = len(x)
    near = -20 * m.exp(-m.sqrt(sum(v * v for v in x) / n) / 5)
    return near - m.exp(sum(m.cos(2 * m.pi * v) for v in x) / n) + 20 + m.exp(1)


def griewank(x, m):
    product = 1
    for i, v in enumerate(x, 1):
        product = product * m.cos(v / m.sqrt(i))
    return 1 + sum(v * v for v in x) / 4000 - product


def branin(x, m):
    a, b = x
    inner = b - 5.1 * a * a / (4 * m.pi * m.pi) + 5 * a / m.pi - 6
    return inner * inner + 10 * (1 - 1 / (8 * m.pi)) * m.cos(a) + 10


def goldstein_price(x, m):
    a, b = x
    first = 1 + (a + b + 1) ** 2 * (19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b)
    return first * (30 + (2 * a - 3 * b) ** 2 * (18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b))


def hartmann(x, m):
    weights = ((3.0, 10.0, 30.0), (0.1, 10.0, 35.0), (3.0, 10.0, 30.0), (0.1, 10.0, 35.0))
    centres = ((0.3689, 0.117, 0.2673), (0.4699, 0.4387, 0.747), (0.1091, 0.8732, 0.5547), (0.0382, 0.5743, 0.8828))
    total = 0
    for scale, row, centre in zip((1.0, 1.2, 3.0, 3.2), weights, centres, strict=True):
        total = total - scale * m.exp(-sum(w * (v - c) ** 2 for w, v, c in zip(row, x, centre, strict=True)))
    return total


def levy(x, m):
    a, b = x
    return (
        m.sin(3 * m.pi * a) ** 2
        + (a - 1) ** 2 * (1 + m.sin(3 * m.pi * b) ** 2)
        + (b - 1) ** 2 * (1 + m.sin(2 * m.pi * b) ** 2)
    )


def great_circle(x, m):
    half = m.sin((x[2] - x[0]) / 2) ** 2 + m.cos(x[0]) * m.cos(x[2]) * m.sin((x[3] - x[1]) / 2) ** 2
    return 6371.0 * 2 * m.asin(m.sqrt(half))


def coulomb(x, m):
    charges, total = (1, -1, 2, -2), 0
    places = [x[k : k + 2] for k in range(0, 8, 2)]
    for i, (p, q) in enumerate(zip(places, charges, strict=True)):
        for other, charge in zip(places[:i], charges[:i], strict=True):
            total = total + q * charge / m.sqrt((p[0] - other[0]) ** 2 + (p[1] - other[1]) ** 2)
    return total


def vandermonde(x, m):
    product = 1
    for i, v in enumerate(x):
        for w in x[:i]:
            product = product * (v - w)
    return product


def log_sum_exp(x, m):
    return m.log(sum(m.exp(v) for v in x))


def chebyshev(x, m):
    last, value = 1, x[0]
    for _ in range(8):
        last, value = value, 2 * x[0] * value - last
    return value


def legendre(x, m):
    v = x[0]
    return (231 * v**6 - 315 * v**4 + 105 * v * v - 5) / 16


def fifth_root_spiral(x, m):
    radius = m.sqrt(x[0] * x[0] + x[1] * x[1])
    return radius ** (m.exp(1) / 5) * m.cos(m.atan(x[1] / x[0]) + 3 * radius)


TABLE = [
    ("planck", lambda x, m: sum(v**3 / (m.exp(v) - 1) for v in x), (0.5, 2.8, 12.0)),
    ("kepler", lambda x, m: sum(v - 0.9 * m.sin(v) for v in x), (0.2, 1.5, 4.0)),
    ("van der waals", lambda x, m: 8 * x[0] / (3 * x[1] - 1) - 3 / (x[1] * x[1]), (1.1, 0.8)),
    ("redlich-kwong", lambda x, m: 83.14 * x[0] / (x[1] - 29.7) - 6.4e7 / (m.sqrt(x[0]) * x[1] * (x[1] + 29.7)),
     (350.0, 900.0)),
    ("arrhenius", lambda x, m: x[0] * m.exp(-x[1] / (8.314 * x[2])), (1e11, 7.5e4, 330.0)),
    ("antoine", lambda x, m: m.exp(2.302585 * (x[0] - x[1] / (x[2] + x[3]))), (8.07, 1730.6, 233.4, 60.0)),
    ("nernst", lambda x, m: x[0] * 8.617e-5 * m.log(x[1] / x[2]), (310.0, 140.0, 5.0)),
    ("michaelis and menten", lambda x, m: sum((v - x[0] * s / (x[1] + s)) ** 2 for s, v in
     ((0.02, 47.0), (0.06, 97.0), (0.11, 123.0), (0.22, 152.0), (0.56, 191.0), (1.1, 200.0))), (200.0, 0.05)),
    ("relativistic energy", lambda x, m: m.sqrt((x[0] * 299792458.0) ** 2 + (x[1] * 299792458.0**2) ** 2),
     (1e-19, 1.67e-27)),
    ("gravitation", lambda x, m: 6.6743e-11 * x[0] * x[1] / (x[2] * x[2]), (5.97e24, 7.35e22, 3.84e8)),
    ("lens", lambda x, m: (x[0] - 1) * (1 / x[1] - 1 / x[2] + (x[0] - 1) * x[3] / (x[0] * x[1] * x[2])),
     (1.52, 0.11, -0.23, 0.004)),
    ("damped wave", lambda x, m: sum(m.exp(-x[0] * t / 4) * m.cos(x[1] * t / 4 + x[2]) for t in range(12)),
     (0.3, 2.2, 0.7)),
    ("frequency modulation", lambda x, m: sum(m.sin(31.4 * v + 1.9 * m.sin(12.6 * v)) for v in x), (0.13, 0.51, 0.9)),
    ("morse", lambda x, m: sum((1 - m.exp(-1.9 * (v - 0.74))) ** 2 for v in x), (0.5, 0.75, 3.0)),
    ("buckingham", lambda x, m: sum(1e4 * m.exp(-3.6 * v) - 60.0 / v**6 for v in x), (2.2, 3.1, 6.0)),
    ("coulomb", coulomb, (0.0, 0.1, 1.3, -0.2, 0.4, 1.1, -0.9, 0.6)),
    ("pendulum", pendulum, (1.2, -0.4, 0.1)),
    ("lorenz", lorenz, (1.0, 2.0, 20.0)),
    ("logistic map", logistic_map, (3.1, 0.37)),
    ("call price", call_price, (104.0, 98.0, 0.03, 0.22, 0.75)),
    ("call price, far out", call_price, (70.0, 120.0, 0.01, 0.3, 0.5)),
    ("student", student, (4.2, 0.3, 0.8)),
    ("poisson", poisson, (0.2, 1.1)),
    ("gaussian mixture", mixture, (0.4, -1.8, 1.2, 0.9)),
    ("gamma density", lambda x, m: sum(x[0] * m.log(x[1]) - lgamma(x[0], m) + (x[0] - 1) * m.log(y) - x[1] * y
     for y in (0.4, 1.7, 2.2, 5.1)), (2.3, 0.8)),
    ("beta", lambda x, m: m.exp(lgamma(x[0], m) + lgamma(x[1], m) - lgamma(x[0] + x[1], m)), (0.7, 3.4)),
    ("von mises", lambda x, m: m.exp(x[0] * m.cos(x[1] - 0.3)), (2.5, 1.9)),
    ("error function", lambda x, m: sum(m.erf(v) for v in x), (-1.3, 0.02, 0.8, 2.6)),
    ("log of gamma", lambda x, m: sum(lgamma(v, m) for v in x), (0.3, 1.6, 7.5, 80.0)),
    ("log of a sum", log_sum_exp, (-3.0, 0.5, 0.7, 2.0, -50.0)),
    ("softplus", lambda x, m: sum(m.log(1 + m.exp(12 * v)) for v in x), (-0.4, 0.0, 0.3, 1.5)),
    ("logit", lambda x, m: sum(m.log(v / (1 - v)) for v in x), (0.001, 0.4, 0.93)),
    ("ackley", ackley, (0.7, -1.1, 2.3)),
    ("griewank", griewank, (3.0, -7.0, 11.0, 0.5)),
    ("rastrigin", lambda x, m: sum(v * v - 10 * m.cos(2 * m.pi * v) + 10 for v in x), (0.3, -1.4, 2.2)),
    ("styblinski and tang", lambda x, m: sum(v**4 - 16 * v * v + 5 * v for v in x) / 2, (-2.9, 0.4, 3.3)),
    ("branin", branin, (2.5, 7.5)),
    ("six-hump camel", lambda x, m: (4 - 2.1 * x[0] ** 2 + x[0] ** 4 / 3) * x[0] ** 2 + x[0] * x[1]
     + (4 * x[1] ** 2 - 4) * x[1] ** 2, (1.3, -0.6)),
    ("goldstein and price", goldstein_price, (0.4, -0.8)),
    ("himmelblau", lambda x, m: (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2, (-2.2, 2.9)),
    ("levy 13", levy, (0.35, -1.7)),
    ("hartmann 3", hartmann, (0.2, 0.6, 0.7)),
    ("great circle", great_circle, (0.84, 0.23, 0.71, -1.29)),
    ("heron", lambda x, m: m.sqrt((x[0] + x[1] + x[2]) * (x[1] + x[2] - x[0]) * (x[0] + x[2] - x[1])
     * (x[0] + x[1] - x[2])) / 4, (3.0, 4.5, 6.9)),
    ("law of cosines", lambda x, m: m.acos((x[0] ** 2 + x[1] ** 2 - x[2] ** 2) / (2 * x[0] * x[1])), (3.0, 4.0, 2.2)),
    ("vandermonde", vandermonde, (0.3, 1.1, -0.8, 2.4)),
    ("chebyshev 9", chebyshev, (0.83,)),
    ("legendre 6", legendre, (-0.61,)),
    ("continued fraction", lambda x, m: 1 / (1 + x[0] / (1 + x[1] / (1 + x[2]))), (0.5, 2.0, 9.0)),
    ("x to the x", lambda x, m: sum(m.exp(v * m.log(v)) for v in x), (0.05, 0.9, 3.7)),
    ("inverse sine", lambda x, m: sum(m.asin(v) for v in x), (-0.99, 0.1, 0.7)),
    ("arc of a steep tangent", lambda x, m: sum(m.atan(90 * v) for v in x), (-0.3, 0.004, 0.05)),
    ("spiral", fifth_root_spiral, (1.3, 0.6)),
    ("sine of a square", lambda x, m: sum(m.sin(v * v) for v in x), (0.4, 3.3, 7.1)),
    ("sine over x", lambda x, m: sum(m.sin(9 * v) / v for v in x), (0.07, 0.8, 4.1)),
]  # fmt: skip


def problems_at(table, points):
    """Each at its point and at others that are up to a fifth away, with exact gradients."""
    rng, found = np.random.default_rng(0), []
    for name, formula, x in table:
        at = [x]
        while len(at) < points:
            moved = tuple((np.array(x) * (1 + rng.uniform(-0.2, 0.2, len(x)))).tolist())
            with contextlib.suppress(ValueError, ArithmeticError):  # beyond the edge of its domain
                formula(moved, math)
                at.append(moved)
        found += [Problem(name, formula, p, {name: exact_gradient(formula, p)}) for p in at]
    return found


@functools.lru_cache(maxsize=1)
def held_out(points=5):
    """The functions at so many points each."""
    return problems_at(TABLE, points)


@functools.lru_cache(maxsize=1)
def of_one_coordinate():
    """The same as functions of their first coordinate alone: no other one tells what noise f has."""
    return [
        Problem(p.name, lambda v, m, p=p: p.formula([v[0], *p.x[1:]], m), p.x[:1], {p.name: p.gradient[:1]})
        for p in held_out()
    ]
