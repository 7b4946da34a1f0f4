"""Values on a grid."""

import math

import numpy as np
from _smooth import M, Smooth, drawn, numbers, point, power_of_ten, rounded, signs
from scipy.special import erf

from .cases import Case, beside, each, family, hidden, of_smooth, size_of


def bfloat16(value):
    """The nearest bfloat16, ties to even."""
    bits = int(np.float32(value).view(np.uint32))
    return float(np.uint32((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32))


def exponent(value, base=10.0):
    return math.floor(math.log(abs(value), base)) if value else -300


def with_digits(k):
    return (lambda v: float(f"{v:.{k}g}")), (lambda v: 10.0 ** (exponent(v) - k + 1))


def with_decimals(k):
    return (lambda v: round(v, k)), (lambda v: 10.0**-k)


def on_grid(parts, x, rounding, deriv=1, **parameters):
    """A case whose values are rounded: (the rounding, the distance of neighbouring values)."""
    change, quantum = rounding
    several = [parts] if isinstance(parts, Smooth) else parts
    if several is parts:
        change = each(change)
    quanta = np.array([max(quantum(part(p)) for p in beside(part, x)) for part in several])
    quanta = float(quanta[0]) if isinstance(parts, Smooth) else quanta
    return hidden(of_smooth(parts, x, change, quanta, deriv, **parameters), quanta)


@family("grid")
def digits_of_text(rng):
    n, k = size_of(rng), int(rng.integers(2, 11))
    scales = power_of_ten(rng, -3, 3)
    smooth = drawn(rng, n, scales, power_of_ten(rng, -6, 6))
    return on_grid(smooth, point(rng, n, scales), with_digits(k), digits=k, scales=scales)


@family("grid")
def decimals(rng):
    n, k = size_of(rng), int(rng.integers(2, 11))
    return on_grid(drawn(rng, n), point(rng, n), with_decimals(k), decimals=k)


@family("grid")
def cents(rng):
    n, scales = size_of(rng, 4), power_of_ten(rng, -2, 3)
    smooth = drawn(rng, n, scales, power_of_ten(rng, 1, 5))
    return on_grid(smooth, point(rng, n, scales), with_decimals(2), scales=scales)


@family("grid")
def half_precision(rng):
    n = size_of(rng)
    brain = bool(rng.integers(2))
    rounding = (bfloat16, lambda v: 2.0 ** (exponent(v, 2) - 7)) if brain else (
        lambda v: np.float16(v), lambda v: float(np.spacing(np.float16(abs(v))))
    )  # fmt: skip
    return on_grid(drawn(rng, n, size=power_of_ten(rng, -1, 2)), point(rng, n), rounding, bfloat16=brain)


@family("grid")
def tail_of_erf(rng):
    x, root = np.array([rng.uniform(-7.0, -2.0)]), math.sqrt(2)
    return hidden(Case(
        lambda p: 0.5 * (1 + float(erf(p[0] / root))), x, rounded([M.npdf(v) for v in numbers(x)]), 1 / np.abs(x),
        lambda p: M.ncdf(p[0]), 2.0**-53,
    ), 2.0**-54)  # fmt: skip


@family("grid")
def indicators(rng):
    """The share of fixed draws below a threshold: its steps need not carry a slope."""
    n, count = size_of(rng, 3), int(power_of_ten(rng, 3, 5))
    sample = np.sort(rng.normal(size=count))
    weights = signs(rng, n) * rng.uniform(0.5, 1.5, n) / math.sqrt(n)
    x = point(rng, n) / 2
    z = M.fdot(zip(numbers(weights), numbers(x), strict=True))
    return Case(
        lambda p: float(np.searchsorted(sample, weights @ p) / count), x,
        rounded([M.npdf(z) * w for w in numbers(weights)]), 1 / np.abs(weights),
        lambda p: M.ncdf(M.fdot(zip(numbers(weights), p, strict=True))), 3 / math.sqrt(count), fair=True,
        parameters={"draws": count},
    )  # fmt: skip


@family("grid")
def digits_of_many_outputs(rng):
    n, k = size_of(rng), int(rng.integers(2, 11))
    parts = [drawn(rng, n, size=power_of_ten(rng, -2, 2)) for _ in range(rng.integers(2, 5))]
    return on_grid(parts, point(rng, n), with_digits(k), digits=k)


@family("grid")
def digits_of_a_hessian(rng):
    n, k = size_of(rng, 3), int(rng.integers(2, 11))
    return on_grid(drawn(rng, n), point(rng, n), with_decimals(k), deriv=2, decimals=k)
