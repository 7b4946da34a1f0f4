"""Coordinates that are far from zero for what they change by, as one output of many and as a Hessian."""

import math
from dataclasses import replace

import numpy as np
from _smooth import M, Smooth, drawn, numbers, point, power_of_ten, rounded, signs

from .cases import Case, date, family, of_smooth, size_of


@family("offsets")
def dip_in_time(rng):
    """A light curve: many outputs, of which most do not see the date of the dip."""
    origin, name, scale = date(rng)
    count, reach = int(rng.integers(10, 31)), float(rng.choice([4, 20]))
    times = origin + scale * reach * np.linspace(-1, 1, count)
    x = np.array([origin + scale * rng.uniform(-0.5, 0.5), power_of_ten(rng, -3, 0)])
    place, depth = numbers(x)
    width, rows = M.mpf(float(scale)), []
    for t in numbers(times):
        z = (t - place) / width
        rows.append([-depth * z / width * M.exp(-z * z / 2), -M.exp(-z * z / 2)])
    return Case(
        lambda p: 1 - p[1] * np.exp(-0.5 * ((times - p[0]) / scale) ** 2), x, rounded(rows), np.array([scale, 1.0]),
        lambda p: [1 - p[1] * M.exp(-(((t - p[0]) / width) ** 2) / 2) for t in numbers(times)], 1e-14,
        parameters={"calendar": name, "scale": scale},
    )  # fmt: skip


def shifted(rng, outputs, n, deriv=1):
    """Smooth functions of x - x0, x far from zero."""
    origins = power_of_ten(rng, 2, 9) * rng.uniform(0.5, 2, n) * signs(rng, n)
    scales = np.maximum(10.0 ** rng.uniform(-2, 2, n), 1e-9 * np.abs(origins))
    far = rng.random(n) < 0.7
    far[rng.integers(n)] = True
    origins, scales = np.where(far, origins, 0.0), np.where(far, scales, 1.0)
    parts = [drawn(rng, n, scales) for _ in range(outputs)]
    x = origins + point(rng, n, scales)
    near, parts = x - origins, parts[0] if outputs == 1 else parts
    made = of_smooth(parts, near, float if outputs == 1 else np.array, 1e-13, deriv, origins=origins, scales=scales)
    inner, many, shift = made.f, made.meant, numbers(origins)
    return replace(made, x=x, f=lambda p: inner(p - origins),
                   meant=lambda p: many([v - o for v, o in zip(p, shift, strict=True)]))  # fmt: skip


@family("offsets")
def shifted_outputs(rng):
    return shifted(rng, int(rng.integers(2, 6)), size_of(rng, 4))


@family("offsets")
def shifted_hessian(rng):
    return shifted(rng, 1, size_of(rng, 3), deriv=2)


@family("offsets")
def hessian_of_a_date(rng):
    """cos(2 π (x - x0) / P) and a date's square, or with another coordinate."""
    origin, name, scale = date(rng)
    n = size_of(rng, 2)
    A = np.array([[2 * math.pi / scale, 1.0][:n]])
    smooth = Smooth("sin", rng.uniform(0.5, 2, 1), A, np.array([math.pi / 2]))
    x = np.array([origin + scale * rng.uniform(-0.5, 0.5), rng.normal()][:n])
    shift = np.array([origin, 0.0][:n])
    made = of_smooth(smooth, x - shift, float, 1e-13, 2, calendar=name, scale=scale)
    return replace(made, x=x, f=lambda p: smooth(p - shift),
                   meant=lambda p: smooth.exactly([v - o for v, o in zip(p, numbers(shift), strict=True)]))  # fmt: skip
