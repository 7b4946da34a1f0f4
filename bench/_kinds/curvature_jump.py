"""A second derivative that jumps at x."""

from dataclasses import replace

import numpy as np
from _smooth import M, drawn, numbers, point, power_of_ten, rounded
from scipy.interpolate import Akima1DInterpolator, PchipInterpolator

from .cases import Case, family, of_smooth, size_of


def positive(v):
    return v if v > 0 else v * 0


@family("curvature-jump")
def two_curvatures(rng):
    """A smooth function and a max(0, x - x0)², at x0."""
    scale = power_of_ten(rng, -3, 3)
    smooth, x = drawn(rng, 1, scale, rng.choice([0.01, 1.0, 10.0])), point(rng, 1, scale)
    a = rng.normal() / scale**2
    made = of_smooth(smooth, x, float, 1e-13, a=a, scale=scale)
    return replace(made, f=lambda p: smooth(p) + a * max(0.0, p[0] - x[0]) ** 2,
                   meant=lambda p: smooth.exactly(p) + a * positive(p[0] - M.mpf(x[0])) ** 2)  # fmt: skip


@family("curvature-jump")
def other_powers(rng):
    """A line beside a max(0, x - x0)^p: the second derivative is infinite at x0, or the third jumps."""
    p, (x, a, b) = float(rng.choice([1.25, 1.5, 2.5, 3.0])), rng.normal(size=3)
    return Case(
        lambda v: b * v[0] + a * max(0.0, v[0] - x) ** p, np.array([x]), np.array([b]), np.ones(1),
        lambda v: b * v[0] + a * positive(v[0] - M.mpf(x)) ** p, 1e-14, parameters={"p": p, "a": a, "b": b},
    )  # fmt: skip


def of_residuals(rng, n, loss, slope, corner):
    """A sum of losses of y - X b and a little of |b|², of which one residual is at the corner."""
    X, x = rng.normal(size=(int(rng.integers(1, 15)), n)), point(rng, n)
    y = X @ x + 2 * rng.normal(size=len(X))
    y[0] = X[0] @ x + corner
    rows, ridge = [numbers(row) for row in X], power_of_ten(rng, -3, 0)
    pairs = list(zip(rows, numbers(y), strict=True))

    def residuals(p):
        return [(row, t - M.fdot(zip(row, p, strict=True))) for row, t in pairs]

    slopes = [(row, slope(r)) for row, r in residuals(numbers(x))]
    exact = rounded([2 * M.mpf(ridge) * v - M.fsum(s * row[i] for row, s in slopes) for i, v in enumerate(numbers(x))])
    return Case(
        lambda p: float(np.sum(loss(y - X @ p)) + ridge * (p @ p)), x, exact, 0.1 / np.abs(X).max(axis=0),
        lambda p: M.fsum(loss(r) for _, r in residuals(p)) + ridge * M.fsum(v * v for v in p), 1e-11,
        parameters={"ridge": ridge, "rows": len(X)},
    )  # fmt: skip


@family("curvature-jump")
def hinge_squared(rng):
    loss = lambda r: np.maximum(r, 0.0) ** 2 if isinstance(r, np.ndarray) else positive(r) ** 2  # noqa: E731
    return of_residuals(rng, size_of(rng, 5), loss, lambda r: 2 * positive(r), 0.0)


@family("curvature-jump")
def huber(rng):
    def loss(r):
        if isinstance(r, np.ndarray):
            return np.where(np.abs(r) <= 1, r * r / 2, np.abs(r) - 0.5)
        return r * r / 2 if abs(r) <= 1 else abs(r) - 0.5

    return of_residuals(
        rng, size_of(rng, 5), loss, lambda r: r if abs(r) <= 1 else M.sign(r), float(rng.choice([-1, 1]))
    )


@family("curvature-jump")
def contact(rng):
    """The energy of a spring, and of a wall that it touches: k d² / 2, or Hertz's 2 k d^2.5 / 5."""
    x, (soft, hertz) = point(rng, 1), (float(rng.uniform(0.5, 2)), bool(rng.integers(2)))
    hard, p, rest = power_of_ten(rng, 0, 4), 2.5 if hertz else 2.0, float(rng.normal())
    factor = hard * (0.4 if hertz else 0.5)
    return Case(
        lambda v: soft * (v[0] - rest) ** 2 + factor * max(0.0, v[0] - x[0]) ** p, x,
        rounded([2 * M.mpf(soft) * (v - M.mpf(rest)) for v in numbers(x)]), np.full(1, 0.1),
        lambda v: soft * (v[0] - M.mpf(rest)) ** 2 + factor * positive(v[0] - M.mpf(x[0])) ** p, 1e-12 * (1 + hard),
        parameters={"hard": hard, "hertz": hertz},
    )  # fmt: skip


def at_knot(rng, interpolator):
    """An interpolating cubic in pieces, at one of its knots."""
    knots = np.cumsum(rng.uniform(0.2, 1.5, 12)) - 5
    spline = interpolator(knots, rng.normal(size=12))
    at = float(knots[rng.integers(2, 9)])
    places, heights, slopes = (numbers(v) for v in (knots, spline(knots), spline(knots, 1)))

    def meant(p):
        """Hermite's form, whose pieces meet exactly: those of float64 do but for rounding."""
        k = next(k for k in range(10, -1, -1) if k == 0 or p[0] >= places[k])
        width = places[k + 1] - places[k]
        t = (p[0] - places[k]) / width
        return (
            heights[k] * (1 + 2 * t) * (1 - t) ** 2
            + heights[k + 1] * t * t * (3 - 2 * t)
            + width * t * (1 - t) * (slopes[k] * (1 - t) - slopes[k + 1] * t)
        )

    exact = np.array([float(spline(at, 1))])
    return Case(lambda p: float(spline(p[0])), np.array([at]), exact, np.full(1, 0.05), meant, 1e-13)


@family("curvature-jump")
def pchip_knot(rng):
    return at_knot(rng, PchipInterpolator)


@family("curvature-jump")
def akima_knot(rng):
    return at_knot(rng, Akima1DInterpolator)
