"""Least-squares fits of curves, with exact gradients."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from _smooth import M, numbers, rounded

from .cases import Case

# name: model in float64 or mpmath (`exp` is passed), its slopes by each parameter, sizes of the parameters, last time
CURVES = {
    "decay": (
        lambda b, t, m: b[0] * m.exp(-b[1] * t),
        lambda b, t, m: [m.exp(-b[1] * t), -b[0] * t * m.exp(-b[1] * t)],
        (80.0, 0.7), 5.0,
    ),
    "decay and wave": (
        lambda b, t, m: b[0] * m.exp(-b[2] * t) + b[1] * m.sin(t),
        lambda b, t, m: [m.exp(-b[2] * t), m.sin(t), -b[0] * t * m.exp(-b[2] * t)],
        (80.0, 60.0, 0.7), 5.0,
    ),
    "saturation": (
        lambda b, t, m: b[0] * (1 - m.exp(-b[1] * t)),
        lambda b, t, m: [1 - m.exp(-b[1] * t), b[0] * t * m.exp(-b[1] * t)],
        (239.0, 5.5e-4), 760.0,
    ),
    "logistic growth": (
        lambda b, t, m: b[0] / (1 + m.exp(b[1] - b[2] * t)),
        lambda b, t, m: [
            1 / (1 + m.exp(b[1] - b[2] * t)),
            -b[0] * m.exp(b[1] - b[2] * t) / (1 + m.exp(b[1] - b[2] * t)) ** 2,
            b[0] * t * m.exp(b[1] - b[2] * t) / (1 + m.exp(b[1] - b[2] * t)) ** 2,
        ],
        (700.0, 5.0, 0.8), 14.0,
    ),
}  # fmt: skip


@dataclass
class Fit:
    """Sum of squares of a curve and its data, of which float64 has the rounded ones."""

    curve: str
    times: np.ndarray
    data: list[Any]

    def __call__(self, b):
        residuals = CURVES[self.curve][0](b, self.times, np) - self.rounded
        return float(residuals @ residuals)

    def __post_init__(self):
        self.rounded = rounded(self.data)

    def exactly(self, b):
        model, times = CURVES[self.curve][0], numbers(self.times)
        return M.fsum((model(b, t, M) - y) ** 2 for t, y in zip(times, self.data, strict=True))

    def gradient(self, b):
        model, slopes = CURVES[self.curve][:2]
        b = numbers(b)
        pairs = [(model(b, t, M) - y, slopes(b, t, M)) for t, y in zip(numbers(self.times), self.data, strict=True)]
        return rounded([2 * M.fsum(r * s[i] for r, s in pairs) for i in range(len(b))])


def curve(rng):
    """A curve by name, its parameters and times."""
    name = str(rng.choice(list(CURVES)))
    _, _, sizes, last = CURVES[name]
    return name, np.array(sizes) * rng.uniform(0.6, 1.5, len(sizes)), np.linspace(0, last, int(rng.integers(8, 25)))


def fit_case(name, times, data, b, **parameters):
    fit = Fit(name, times, data)
    grain = 1e-13 * (1 + float(fit.rounded @ fit.rounded))
    return Case(fit, b, fit.gradient(b), np.abs(b) / 5, fit.exactly, grain, parameters={"curve": name, **parameters})
