"""Smooth functions with exact gradients: least squares, regressions, losses, physics, and scales made to mislead.

Each formula is written once, for ``math`` (float64) and for ``mpmath`` (the reference). The exact gradients are data,
``problems.json``, made by ``python tests/make_problems.py`` to all digits of a float64.
"""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Problem:
    """A function of n coordinates at one point.

    ``formula(x, m)`` takes a sequence and a namespace of elementary functions.
    """

    name: str
    formula: Callable[[Any, Any], Any]
    x: tuple[float, ...]
    _exact: dict[str, Any] = field(repr=False)

    def f(self, x):
        """The function in float64."""
        return float(self.formula(x.tolist(), math))

    @property
    def point(self):
        """The point as an array."""
        return np.array(self.x)

    @property
    def gradient(self):
        """The exact gradient, rounded."""
        return np.array(self._exact[self.name])


# Moré, Garbow and Hillstrom, ACM TOMS 7 (1981) 17-41: residuals by their numbers there.


def squares(residuals):
    def f(x, m):
        return sum(r * r for r in residuals(x, m))

    f.residuals = residuals
    return f


def rosenbrock(x, m):
    return [r for a, b in zip(x[::2], x[1::2], strict=True) for r in (10 * (b - a * a), 1 - a)]


def freudenstein_roth(x, m):
    a, b = x
    return [-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b]


def powell_badly_scaled(x, m):
    a, b = x
    return [10000 * a * b - 1, m.exp(-a) + m.exp(-b) - 1.0001]


def brown_badly_scaled(x, m):
    a, b = x
    return [a - 10**6, b - 2e-6, a * b - 2]


def beale(x, m):
    a, b = x
    return [y - a * (1 - b**k) for k, y in ((1, 1.5), (2, 2.25), (3, 2.625))]


def jennrich_sampson(x, m):
    return [2 + 2 * k - (m.exp(k * x[0]) + m.exp(k * x[1])) for k in range(1, 11)]


def helical_valley(x, m):
    a, b, c = x
    theta = m.atan(b / a) / (2 * m.pi) + (0.5 if a < 0 else 0)
    return [10 * (c - 10 * theta), 10 * (m.sqrt(a * a + b * b) - 1), c]


BARD = (0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39)


def bard(x, m):
    a, b, c = x
    return [y - (a + u / ((16 - u) * b + min(u, 16 - u) * c)) for u, y in enumerate(BARD, 1)]


GAUSSIAN = (9, 44, 175, 540, 1295, 2420, 3521, 3989, 3521, 2420, 1295, 540, 175, 44, 9)


def gaussian(x, m):
    a, b, c = x
    return [a * m.exp(-b * ((8 - i) / 2 - c) ** 2 / 2) - y / 10000 for i, y in enumerate(GAUSSIAN, 1)]


def box(x, m):
    a, b, c = x
    ts = [i / 10 for i in range(1, 11)]
    return [m.exp(-t * a) - m.exp(-t * b) - c * (m.exp(-t) - m.exp(-10 * t)) for t in ts]


def powell_singular(x, m):
    a, b, c, d = x
    return [a + 10 * b, m.sqrt(5) * (c - d), (b - 2 * c) ** 2, m.sqrt(10) * (a - d) ** 2]


def wood(x, m):
    a, b, c, d = x
    r = m.sqrt(90)
    return [10 * (b - a * a), 1 - a, r * (d - c * c), 1 - c, m.sqrt(10) * (b + d - 2), (b - d) / m.sqrt(10)]


KOWALIK = (
    (0.1957, 4.0), (0.1947, 2.0), (0.1735, 1.0), (0.16, 0.5), (0.0844, 0.25), (0.0627, 0.167),
    (0.0456, 0.125), (0.0342, 0.1), (0.0323, 0.0833), (0.0235, 0.0714), (0.0246, 0.0625),
)  # fmt: skip


def kowalik(x, m):
    a, b, c, d = x
    return [y - a * (u * u + u * b) / (u * u + u * c + d) for y, u in KOWALIK]


def brown_dennis(x, m):
    a, b, c, d = x
    ts = [i / 5 for i in range(1, 21)]
    return [(a + t * b - m.exp(t)) ** 2 + (c + d * m.sin(t) - m.cos(t)) ** 2 for t in ts]


def biggs(x, m):
    a, b, c, d, e, g = x
    found = []
    for t in (i / 10 for i in range(1, 14)):
        y = m.exp(-t) - 5 * m.exp(-10 * t) + 3 * m.exp(-4 * t)
        found.append(c * m.exp(-t * a) - d * m.exp(-t * b) + g * m.exp(-t * e) - y)
    return found


def watson(x, m):
    found = [x[0], x[1] - x[0] ** 2 - 1]
    for t in (i / 29 for i in range(1, 30)):
        slope = sum(j * x[j] * t ** (j - 1) for j in range(1, len(x)))
        found.append(slope - sum(v * t**j for j, v in enumerate(x)) ** 2 - 1)
    return found


def penalty(x, m):
    r = m.sqrt(1e-5)
    return [r * (v - 1) for v in x] + [sum(v * v for v in x) - 0.25]


def variably_dimensioned(x, m):
    s = sum(j * (v - 1) for j, v in enumerate(x, 1))
    return [v - 1 for v in x] + [s, s * s]


def trigonometric(x, m):
    s = sum(m.cos(v) for v in x)
    return [len(x) - s + i * (1 - m.cos(v)) - m.sin(v) for i, v in enumerate(x, 1)]


def brown_almost_linear(x, m):
    s, p = sum(x), 1
    for v in x:
        p = p * v
    return [v + s - (len(x) + 1) for v in x[:-1]] + [p - 1]


def discrete_boundary(x, m):
    n = len(x)
    h, padded = 1 / (n + 1), [0, *x, 0]
    return [
        2 * padded[i] - padded[i - 1] - padded[i + 1] + h * h * (padded[i] + i * h + 1) ** 3 / 2
        for i in range(1, n + 1)
    ]


def broyden_tridiagonal(x, m):
    padded = [0, *x, 0]
    return [(3 - 2 * v) * v - padded[i] - 2 * padded[i + 2] + 1 for i, v in enumerate(x)]


# NIST Statistical Reference Datasets, nonlinear regression: data and both starting points.

MISRA = (
    (10.07, 77.6), (14.73, 114.9), (17.94, 141.1), (23.93, 190.8), (29.61, 239.9), (35.18, 289.0), (40.02, 332.8),
    (44.82, 378.4), (50.76, 434.8), (55.05, 477.3), (61.01, 536.8), (66.40, 593.1), (75.47, 689.1), (81.78, 760.0),
)  # fmt: skip
BOXBOD = ((109, 1), (149, 2), (149, 3), (191, 5), (213, 7), (224, 10))
RAT42 = (
    (8.93, 9), (10.8, 14), (18.59, 21), (22.33, 28), (39.35, 42), (56.11, 57), (61.73, 63), (64.62, 70), (67.08, 79),
)  # fmt: skip


def misra(x, m):
    return [y - x[0] * (1 - m.exp(-x[1] * t)) for y, t in MISRA]


def misra_b(x, m):
    return [y - x[0] * (1 - (1 + x[1] * t / 2) ** (-2)) for y, t in MISRA]


def boxbod(x, m):
    return [y - x[0] * (1 - m.exp(-x[1] * t)) for y, t in BOXBOD]


def rat42(x, m):
    return [y - x[0] / (1 + m.exp(x[1] - x[2] * t)) for y, t in RAT42]


# Losses on the flowers of examples/iris.csv, and a molecule.


def flowers():
    with open(HERE.parent / "examples" / "iris.csv", newline="") as file:
        rows = [row for row in csv.reader(file) if row][1:]
    kinds = sorted({row[-1] for row in rows})
    return [([float(v) for v in row[:-1]], kinds.index(row[-1])) for row in rows][::10]


FLOWERS = flowers()


def logistic(x, m):
    total = 0
    for features, kind in FLOWERS:
        z = x[0] + sum(w * v for w, v in zip(x[1:], features, strict=True))
        total = total + m.log(1 + m.exp(z)) - (z if kind == 1 else 0)
    return total / len(FLOWERS)


def softmax(x, m):
    total = 0
    for features, kind in FLOWERS:
        zs = [x[5 * k] + sum(w * v for w, v in zip(x[5 * k + 1 : 5 * k + 5], features, strict=True)) for k in range(3)]
        total = total + m.log(sum(m.exp(z) for z in zs)) - zs[kind]
    return total / len(FLOWERS)


def network(x, m):
    """Four inputs, three tanh units, one output, squared error."""
    total = 0
    for features, kind in FLOWERS:
        out = x[18]
        for k in range(3):
            w = x[5 * k : 5 * k + 5]
            out = out + x[15 + k] * m.tanh(w[4] + sum(a * b for a, b in zip(w, features, strict=False)))
        total = total + (out - kind) ** 2
    return total / len(FLOWERS)


def lennard_jones(x, m):
    atoms = [x[k : k + 3] for k in range(0, len(x), 3)]
    total = 0
    for k, a in enumerate(atoms):
        for b in atoms[:k]:
            r2 = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
            total = total + 4 * (r2**-6 - r2**-3)
    return total


def each(function):
    """The sum of a function of one coordinate."""

    def f(x, m):
        return sum(function(v, m) for v in x)

    return f


def hidden_scales(function, scales):
    """The coordinates are 0, or far from their own scale: only the function knows it."""

    def f(x, m):
        return sum(function(v / s, m) for v, s in zip(x, scales, strict=True))

    return f


def offset(formula, by):
    def f(x, m):
        return by + formula(x, m)

    return f


def times(formula, by):
    def f(x, m):
        return by * formula(x, m)

    return f


def _waves(n, seed, low=-1.0, high=1.0):
    return tuple(np.random.default_rng(seed).uniform(low, high, n).tolist())


_CLUSTER = (0.0, 0.0, 0.0, 1.1, 0.1, 0.0, 0.4, 1.0, 0.1, 0.5, 0.4, 1.05)
_SCALES = (1e-8, 1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6, 1e8)

_TABLE: list[tuple[str, Callable[[Any, Any], Any], tuple[float, ...]]] = [
    ("rosenbrock", squares(rosenbrock), (-1.2, 1.0)),
    ("rosenbrock, extended", squares(rosenbrock), (-1.2, 1.0) * 5),
    ("rosenbrock, near the valley", squares(rosenbrock), (0.8, 0.65)),
    ("freudenstein and roth", squares(freudenstein_roth), (0.5, -2.0)),
    ("powell badly scaled", squares(powell_badly_scaled), (0.0, 1.0)),
    ("powell badly scaled, near the solution", squares(powell_badly_scaled), (1.2e-5, 8.7)),
    ("brown badly scaled", squares(brown_badly_scaled), (1.0, 1.0)),
    ("brown badly scaled, near the solution", squares(brown_badly_scaled), (9e5, 2.1e-6)),
    ("beale", squares(beale), (1.0, 1.0)),
    ("jennrich and sampson", squares(jennrich_sampson), (0.3, 0.4)),
    ("helical valley", squares(helical_valley), (-1.0, 0.1, 0.05)),
    ("bard", squares(bard), (1.0, 1.0, 1.0)),
    ("gaussian", squares(gaussian), (0.4, 1.0, 0.0)),
    ("box three-dimensional", squares(box), (0.0, 10.0, 20.0)),
    ("powell singular", squares(powell_singular), (3.0, -1.0, 0.0, 1.0)),
    ("wood", squares(wood), (-3.0, -1.0, -3.0, -1.0)),
    ("kowalik and osborne", squares(kowalik), (0.25, 0.39, 0.415, 0.39)),
    ("brown and dennis", squares(brown_dennis), (25.0, 5.0, -5.0, -1.0)),
    ("biggs exp6", squares(biggs), (1.0, 2.0, 1.0, 1.0, 1.0, 1.0)),
    ("watson", squares(watson), (0.1, 0.2, -0.3, 0.4, 0.5, -0.6)),
    ("watson at 0", squares(watson), (0.0,) * 6),
    ("penalty I", squares(penalty), (1.0, 2.0, 3.0, 4.0)),
    ("variably dimensioned", squares(variably_dimensioned), tuple(1 - k / 8 for k in range(1, 9))),
    ("trigonometric", squares(trigonometric), (0.2,) * 5),
    ("brown almost linear", squares(brown_almost_linear), (0.5,) * 6),
    ("discrete boundary value", squares(discrete_boundary), tuple(t / 9 * (t / 9 - 1) for t in range(1, 9))),
    ("broyden tridiagonal", squares(broyden_tridiagonal), (-1.0,) * 8),
    ("misra1a, start 1", squares(misra), (500.0, 1e-4)),
    ("misra1a, start 2", squares(misra), (250.0, 5e-4)),
    ("misra1b, start 1", squares(misra_b), (500.0, 1e-4)),
    ("misra1b, start 2", squares(misra_b), (300.0, 2e-4)),
    ("boxbod, start 1", squares(boxbod), (1.0, 1.0)),
    ("boxbod, start 2", squares(boxbod), (100.0, 0.75)),
    ("rat42, start 1", squares(rat42), (100.0, 1.0, 0.1)),
    ("rat42, start 2", squares(rat42), (75.0, 2.5, 0.07)),
    ("logistic loss", logistic, (0.1, -0.2, 0.3, 0.1, -0.1)),
    ("logistic loss at 0", logistic, (0.0,) * 5),
    ("softmax loss", softmax, _waves(15, 1)),
    ("network", network, _waves(19, 2)),
    ("lennard-jones", lennard_jones, _CLUSTER),
    ("lennard-jones, spread", lennard_jones, tuple(1.6 * v for v in _CLUSTER)),
    ("sin of 100 x", each(lambda v, m: m.sin(100 * v)), (0.3, 0.7, 1.1, 2.0)),
    ("sin", each(lambda v, m: m.sin(v)), (0.1, 1.0, 3.0, 10.0)),
    ("exp", each(lambda v, m: m.exp(v)), (-2.0, 0.0, 1.0, 5.0)),
    ("exp(-x^2)", each(lambda v, m: m.exp(-v * v)), (0.1, 0.5, 1.0, 2.0)),
    ("tanh", each(lambda v, m: m.tanh(v)), (-0.5, 0.1, 1.0, 2.0)),
    ("log", each(lambda v, m: m.log(v)), (1e-6, 0.1, 1.0, 1e6)),
    ("sqrt", each(lambda v, m: m.sqrt(v)), (1e-6, 0.1, 1.0, 1e6)),
    ("1/x", each(lambda v, m: 1 / v), (0.3, 0.5, 1.0, 4.0)),
    ("1/(1+25x^2)", each(lambda v, m: 1 / (1 + 25 * v * v)), (0.05, 0.2, 0.5, 1.0)),
    ("x^10", each(lambda v, m: v**10), (0.5, 1.0, 2.0)),
    ("linear", lambda x, m: 3 * x[0] - 2 * x[1] + 0.5 * x[2] + 7, (1.0, 2.0, 1000.0)),
    ("quadratic at its minimum", each(lambda v, m: v * v), (0.0, 0.0, 0.0)),
    ("quadratic off its minimum", each(lambda v, m: (v - 1) * (v - 1)), (1.0, 1.5, 2.0)),
    ("cos at its maximum", each(lambda v, m: m.cos(v)), (0.0, 0.0)),
    ("partials", lambda x, m: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3, (1.0, 2.0)),
    ("sin, hidden scales", hidden_scales(lambda v, m: m.sin(v), _SCALES), (0.0,) * 9),
    ("exp, hidden scales", hidden_scales(lambda v, m: m.exp(v), _SCALES), (0.0,) * 9),
    ("sin, one hidden scale 1e-4", hidden_scales(lambda v, m: m.sin(v), (1e-4,)), (0.0,)),
    ("sin, one hidden scale 1e-8", hidden_scales(lambda v, m: m.sin(v), (1e-8,)), (0.0,)),
    ("exp, hidden scale 1e8", hidden_scales(lambda v, m: m.exp(v), (1e8, 1e8)), (0.0, 1.0)),
    ("offset 1e6 + sin", offset(each(lambda v, m: m.sin(v)), 10**6), (0.5, 1.0, 2.0)),
    ("offset 1e6 + rosenbrock", offset(squares(rosenbrock), 10**6), (-1.2, 1.0)),
    ("1e-12 times exp", times(each(lambda v, m: m.exp(v)), 1e-12), (0.5, 1.0, 2.0)),
    ("1e-12 times rosenbrock", times(squares(rosenbrock), 1e-12), (-1.2, 1.0, 0.9, 0.7)),
    ("1e200 times sin", times(each(lambda v, m: m.sin(v)), 1e200), (0.5, 1.0, 2.0)),
    ("coordinates of 1e-10 to 1e10", hidden_scales(lambda v, m: m.exp(-v) + v * v, (1e-10, 1e-3, 1.0, 1e10)),
     (1e-10, 2e-3, 0.5, 2e10)),
]  # fmt: skip


def load():
    """All problems."""
    path = HERE / "problems.json"
    exact = json.loads(path.read_text()) if path.exists() else {}
    return [Problem(name, formula, x, exact) for name, formula, x in _TABLE]


PROBLEMS = load()
