"""Infinite slopes at an edge, and finite ones there."""

from dataclasses import replace

import numpy as np
from _smooth import M, drawn, numbers, point, rounded
from scipy.special import xlogy

from .cases import Case, family, of_smooth, size_of

ROOTS = {
    "root": (lambda d, p: d**p, lambda d, p: d**p, 1),
    "x log x": (lambda d, p: -xlogy(d, d), lambda d, p: -d * M.log(d) if d else M.mpf(0), 1),
    "arc cosine": (lambda d, p: np.arccos(1 - d), lambda d, p: M.acos(1 - d), 1),
}


def steep(rng, n):
    """A steep function of x0 - e at e, and a smooth one of all coordinates: f, what is meant, x, exact slopes."""
    name = str(rng.choice(list(ROOTS)))
    function, many, sign = ROOTS[name]
    p, weight = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.3, 3) * rng.choice([-1, 1]))
    smooth, x = drawn(rng, n, size=0.5), point(rng, n)
    x[0] = edge = float(rng.choice([0.0, 0.0, 1.0]))
    exact = smooth.gradient(x)
    exact[0] = sign * weight * np.inf
    return (
        lambda v: float(weight * function(v[0] - edge, p)) + smooth(v),
        lambda v: weight * many(v[0] - M.mpf(edge), M.mpf(p)) + smooth.exactly(v),
        x, exact, smooth, {"name": name, "p": p, "edge": edge},
    )  # fmt: skip


@family("infinite-slope")
def within_bounds(rng):
    n = size_of(rng, 3)
    f, meant, x, exact, smooth, parameters = steep(rng, n)
    bounds = (np.append(x[0], np.full(n - 1, -np.inf)), np.append(x[0] + 1, np.full(n - 1, np.inf)))
    return Case(f, x, exact, smooth.lengths, meant, 1e-13, fair=np.isinf(exact), options={"bounds": bounds},
                parameters=parameters)  # fmt: skip


@family("infinite-slope")
def without_bounds(rng):
    f, meant, x, exact, smooth, parameters = steep(rng, size_of(rng, 3))
    return Case(f, x, exact, smooth.lengths, meant, 1e-13, fair=np.isinf(exact), parameters=parameters)


@family("infinite-slope")
def entropy(rng):
    """Of chances some of which are zero."""
    n = int(rng.integers(1, 5))
    x = rng.uniform(0.05, 0.9, n)
    x[: rng.integers(1, n + 1)] = 0.0
    exact = np.where(x == 0, np.inf, rounded([-M.log(v) - 1 if v else M.mpf(0) for v in numbers(x)]))
    return Case(lambda p: float(-xlogy(p, p).sum()), x, exact, np.full(n, 0.02),
                lambda p: -M.fsum(v * M.log(v) if v else M.mpf(0) for v in p), 1e-14, fair=x == 0,
                options={"bounds": (0.0, 1.0)})  # fmt: skip


@family("infinite-slope")
def among_outputs(rng):
    n = size_of(rng, 3)
    f, meant, x, exact, smooth, parameters = steep(rng, n)
    other = drawn(rng, n)
    exact = np.array([exact, other.gradient(x)])
    return Case(lambda v: np.array([f(v), other(v)]), x, exact, smooth.lengths, lambda v: [meant(v), other.exactly(v)],
                1e-13, fair=np.isinf(exact), parameters=parameters)  # fmt: skip


@family("infinite-slope")
def finite_slopes_at_an_edge(rng):
    """What has no infinite slope must not be taken for it."""
    n = size_of(rng, 3)
    smooth, x = drawn(rng, n), point(rng, n)
    made = of_smooth(smooth, x, float, 1e-13)
    return replace(made, options={"bounds": (x, x + 1)})
