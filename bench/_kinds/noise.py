"""Noise of three levels and three laws, in one value and in some of many."""

import math

import numpy as np
from _smooth import drawn, point, power_of_ten

from .cases import family, hidden, of_smooth, size_of


def noise(rng, level):
    """A draw of noise of this standard deviation, from a stream of its own."""
    stream = np.random.default_rng(int(rng.integers(2**32)))
    law = str(rng.choice(["normal", "uniform", "discrete"]))
    draw = {
        "normal": lambda: level * stream.standard_normal(),
        "uniform": lambda: level * math.sqrt(3) * stream.uniform(-1, 1),
        "discrete": lambda: level * math.sqrt(1.5) * stream.integers(-1, 2),
    }[law]
    return draw, law


def noisy(rng, outputs=1, deriv=1, most=6, exact_ones=0):
    """Smooth functions under noise, of which the first outputs have none."""
    n, level = size_of(rng, most), float(rng.choice([1e-10, 1e-6, 1e-3]))
    scales, size = power_of_ten(rng, -2, 2), power_of_ten(rng, -3, 3)
    parts, x = [drawn(rng, n, scales, size) for _ in range(outputs)], point(rng, n, scales)
    (draw, law), relative = noise(rng, level), bool(rng.integers(2))

    def disturbed(value):
        return value * (1 + draw()) if relative else value + size * draw()

    def change(values):
        return np.array([*values[:exact_ones], *map(disturbed, values[exact_ones:])])

    spread = np.array([level * (abs(part(x)) if relative else size) for part in parts])
    spread[:exact_ones] = 1e-15 * size
    parameters = {"level": level, "law": law, "relative": relative, "scales": scales}
    if outputs == 1:
        spread = float(spread[0])
        made = of_smooth(parts[0], x, disturbed, 8 * spread, deriv, **parameters)
    else:
        made = of_smooth(parts, x, change, 8 * spread, **parameters)
    return hidden(made, spread)


@family("noise")
def noisy_value(rng):
    return noisy(rng)


@family("noise")
def noisy_value_of_one_coordinate(rng):
    return noisy(rng, most=1)


@family("noise")
def noisy_outputs(rng):
    return noisy(rng, int(rng.integers(2, 6)), most=4)


@family("noise")
def noisy_output_beside_exact_ones(rng):
    outputs = int(rng.integers(2, 6))
    return noisy(rng, outputs, most=4, exact_ones=outputs - 1)
