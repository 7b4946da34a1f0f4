"""Coordinates that are zero but for rounding, and very large and very small ones."""

import numpy as np
from _smooth import M, drawn, numbers, point, power_of_ten, rounded, signs

from .cases import Case, family, of_smooth, size_of
from .fits import CURVES, fit_case


def nearly_zero(rng):
    return float(rng.choice([0.0, 1e-300, 1e-50, 1.2246e-16, power_of_ten(rng, -20, -6)])) * rng.choice([-1.0, 1.0])


def with_tiny(rng, n):
    """A point of which some coordinates are nearly zero."""
    x = point(rng, n)
    tiny = rng.random(n) < 0.5
    tiny[rng.integers(n)] = True
    return np.array([nearly_zero(rng) if small else v for small, v in zip(tiny, x, strict=True)])


@family("scales")
def tiny_coordinates(rng):
    n, scales = size_of(rng), power_of_ten(rng, -1, 1)
    return of_smooth(drawn(rng, n, scales), with_tiny(rng, n), float, 1e-13)


@family("scales")
def tiny_coordinate_alone(rng):
    return of_smooth(drawn(rng, 1), with_tiny(rng, 1), float, 1e-13)


@family("scales")
def tiny_in_many_outputs(rng):
    n = size_of(rng, 4)
    return of_smooth([drawn(rng, n) for _ in range(rng.integers(2, 5))], with_tiny(rng, n), np.array, 1e-13)


@family("scales")
def tiny_in_a_hessian(rng):
    n = size_of(rng, 3)
    return of_smooth(drawn(rng, n), with_tiny(rng, n), float, 1e-13, deriv=2)


@family("scales")
def of_many_magnitudes(rng):
    """Each coordinate of another power of ten, up to 1e±290."""
    n = size_of(rng, 5)
    scales = 10.0 ** rng.uniform(-290, 290, n)
    return of_smooth(drawn(rng, n, scales), point(rng, n, scales), float, 1e-13, scales=scales)


@family("scales")
def products_of_magnitudes(rng):
    """A product of powers of coordinates, in units of their own."""
    n = size_of(rng, 4)
    scales = 10.0 ** rng.uniform(-290, 290, n)
    x, powers = np.abs(point(rng, n, scales)), rng.uniform(0.3, 3, n) * signs(rng, n)
    units, p = numbers(scales), numbers(powers)

    def meant(v):
        return M.fprod((b / u) ** q for b, u, q in zip(v, units, p, strict=True))

    exact = rounded([meant(numbers(x)) * q / v for q, v in zip(p, numbers(x), strict=True)])
    return Case(lambda v: float(np.prod((v / scales) ** powers)), x, exact, x / 3, meant, 1e-9,
                parameters={"scales": scales, "powers": powers})  # fmt: skip


@family("scales")
def unlike_parameters(rng):
    """A fit whose parameters are of unlike sizes."""
    last = power_of_ten(rng, -6, 6)
    times, b = np.linspace(last / 15, last, 14), np.array([239.0, 0.4 / last]) * rng.uniform(0.6, 1.5, 2)
    data = CURVES["saturation"][0](b, times, np) * (1 + 0.02 * rng.normal(size=14))
    return fit_case("saturation", times, numbers(data), b, last=last)
