"""Functions that round x: phases, origins and dates."""

import math
from dataclasses import replace

import numpy as np
from _smooth import M, Smooth, drawn, numbers, point, power_of_ten, rounded, signs

from .cases import Case, date, family, hidden, of_smooth, size_of, spacing


@family("inner-rounding")
def phases(rng):
    """Sines of ω t + φ, the phases far from zero."""
    n = size_of(rng, 4)
    rates, shift = power_of_ten(rng, -2, 3), power_of_ten(rng, 1, 7)
    smooth = drawn(rng, n, 1 / rates, shape="sin")
    smooth.b = smooth.b + shift * signs(rng, smooth.b.size)
    grain = 4 * np.abs(smooth.c).sum() * spacing(shift)
    return hidden(
        of_smooth(smooth, point(rng, n, 1 / rates), float, grain, rates=rates, shift=shift), np.float64(grain)
    )


@family("inner-rounding")
def sine_of_a_sum(rng):
    origin = power_of_ten(rng, 0.5, 7)
    smooth, x = Smooth("sin", np.ones(1), np.ones((1, 1)), np.array([origin])), rng.uniform(0.2, 1.5, 1)
    return of_smooth(smooth, x, float, 2 * spacing(origin), origin=origin)


@family("inner-rounding")
def origin_and_shift(rng):
    """g(t0 + x): the sum is rounded."""
    n, origin = size_of(rng, 4), power_of_ten(rng, 1, 9)
    scales = power_of_ten(rng, -1, 2)
    smooth, x = drawn(rng, n, scales), point(rng, n, scales)
    # What g sees lies as far from t0 as x does.
    made = of_smooth(smooth, x, float, 20 * spacing(origin) / scales, origin=origin, scales=scales)
    return replace(made, f=lambda p: smooth((origin + p) - origin))


@family("inner-rounding")
def cycles_of_a_date(rng):
    """The phase 2 π x / P of a date x, as it is often computed."""
    origin, name, scale = date(rng)
    smooth = Smooth("sin", rng.uniform(0.5, 2, 1), np.array([[2 * math.pi / scale]]), rng.normal(size=1))
    x = origin + point(rng, 1, scale)
    grain = 8 * smooth.c[0] * spacing(2 * math.pi * origin / scale)
    return of_smooth(smooth, x, float, grain, calendar=name, scale=scale)


@family("inner-rounding")
def date_beside_others(rng):
    """Squares of residuals of a dip in time: its date, depth and log width."""
    origin, name, scale = date(rng)
    times = origin + scale * np.linspace(-4, 4, 15)
    x = np.array([origin + scale * rng.uniform(-0.5, 0.5), rng.uniform(0.1, 1.0), rng.normal() / 4])
    data = np.exp(-0.5 * ((times - origin) / scale) ** 2) + 0.05 * rng.normal(size=15)
    pairs = list(zip(numbers(times), numbers(data), strict=True))

    def f(p):
        return float(np.sum((p[1] * np.exp(-0.5 * ((times - p[0]) / (scale * np.exp(p[2]))) ** 2) - data) ** 2))

    def meant(p):
        width = M.mpf(float(scale)) * M.exp(p[2])
        return M.fsum((p[1] * M.exp(-(((t - p[0]) / width) ** 2) / 2) - y) ** 2 for t, y in pairs)

    place, depth, log = numbers(x)
    width, slopes = M.mpf(float(scale)) * M.exp(log), [M.mpf(0)] * 3
    for t, y in pairs:
        z = (t - place) / width
        dip = M.exp(-z * z / 2)
        rows = depth * dip * z / width, dip, depth * dip * z * z
        slopes = [s + 2 * (depth * dip - y) * row for s, row in zip(slopes, rows, strict=True)]
    return Case(f, x, rounded(slopes), np.array([scale, 1.0, 1.0]), meant, 1e-12 + spacing(origin) / scale,
                parameters={"calendar": name, "scale": scale})  # fmt: skip


@family("inner-rounding")
def frequency(rng):
    """A sum of sines as a function of their one frequency, at late times."""
    late = power_of_ten(rng, 2, 6)
    times, c = late * (1 + rng.uniform(0, 0.2, 5)), rng.normal(size=5)
    smooth = Smooth("sin", c, 2 * math.pi * times[:, None], rng.normal(size=5))
    x = np.array([rng.uniform(0.5, 20)])
    return of_smooth(smooth, x, float, 8 * np.abs(c).sum() * spacing(2 * math.pi * late * x[0]), late=late)
