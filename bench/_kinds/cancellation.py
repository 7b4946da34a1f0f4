"""Values that are small by cancellation."""

import math
from dataclasses import replace

import numpy as np
from _smooth import M, drawn, logistic, numbers, point, power_of_ten, rounded

from .cases import Case, family, hidden, of_separate, of_smooth, size_of, spacing


@family("cancellation")
def constant_and_back(rng):
    n, constant = size_of(rng), power_of_ten(rng, 0, 8)
    scales = power_of_ten(rng, -3, 3)
    smooth = drawn(rng, n, scales, size=power_of_ten(rng, -3, 2))
    quantum = spacing(2 * constant)
    made = of_smooth(smooth, point(rng, n, scales), lambda v: (constant + v) - constant, quantum, constant=constant)
    return hidden(replace(made, parameters={"constant": constant, "scales": scales}), quantum)


@family("cancellation")
def constant_and_back_of_one_coordinate(rng):
    constant, x = power_of_ten(rng, 0, 8), rng.uniform(0.2, 3, 1)
    name, g, many, slope = [
        ("sine", math.sin, M.sin, M.cos),
        ("exponential", math.exp, M.exp, M.exp),
        ("square", lambda v: v * v, lambda v: v * v, lambda v: 2 * v),
        ("root", math.sqrt, M.sqrt, lambda v: 1 / (2 * M.sqrt(v))),
    ][rng.integers(4)]
    made = of_separate([(lambda v: (constant + g(v)) - constant, many, slope)], x, x / 3, spacing(2 * constant))
    return hidden(replace(made, parameters={"constant": constant, "g": name}), spacing(2 * constant))


@family("cancellation")
def just_above_one(rng):
    n, size = size_of(rng), power_of_ten(rng, -11, -5)
    made = of_smooth(drawn(rng, n, size=size), point(rng, n), lambda v: (1.0 + v) - 1.0, 2.0**-52, size=size)
    return hidden(made, 2.0**-53)


def softmax_slopes(x, winner):
    shares = [M.exp(v) for v in numbers(x)]
    total = M.fsum(shares)
    return rounded([share / total - (k == winner) for k, share in enumerate(shares)])


def certain(rng):
    """Logits of which one is well above the rest."""
    n = int(rng.integers(2, 7))
    x, winner = rng.normal(size=n), int(rng.integers(n))
    x[winner] = x.max() + rng.uniform(8, 34)
    return x, winner, lambda p: M.log(M.fsum(M.exp(v - p[winner]) for v in p))


@family("cancellation")
def log_softmax(rng):
    x, winner, meant = certain(rng)

    def f(p):
        shares = np.exp(p - p.max())
        return float(-np.log(shares[winner] / shares.sum()))

    return hidden(Case(f, x, softmax_slopes(x, winner), np.ones(x.size), meant, 2.0**-51), 2.0**-53)


@family("cancellation")
def log_sum_less_logit(rng):
    x, winner, meant = certain(rng)
    quantum = spacing(2 * x.max())
    exact = softmax_slopes(x, winner)
    made = Case(lambda p: float(np.log(np.exp(p).sum()) - p[winner]), x, exact, np.ones(x.size), meant, 4 * quantum)
    return hidden(made, quantum)


@family("cancellation")
def log_of_sigmoid(rng):
    x = np.array([rng.uniform(5, 35)])
    return hidden(Case(
        lambda p: float(-np.log(1 / (1 + np.exp(-p[0])))), x, rounded([-logistic(-v) for v in numbers(x)]), np.ones(1),
        lambda p: M.log1p(M.exp(-p[0])), 2.0**-51,
    ), 2.0**-53)  # fmt: skip


@family("cancellation")
def trained_loss(rng):
    """Cross-entropy of a logistic model that knows all its data."""
    n = int(rng.integers(2, 6))
    X, w = rng.normal(size=(int(rng.integers(8, 21)), n)), rng.normal(size=n)
    X = X * np.sign(X @ w)[:, None]
    w = w * rng.uniform(6, 20) / (X @ w).min()
    rows = [numbers(row) for row in X]
    chances = [logistic(-M.fdot(zip(row, numbers(w), strict=True))) for row in rows]
    exact = rounded([-M.fdot(zip(chances, column, strict=True)) / len(X) for column in zip(*rows, strict=True)])
    return hidden(Case(
        lambda p: float(np.mean(-np.log(1 / (1 + np.exp(-(X @ p)))))), w, exact, 1 / np.abs(X).max(axis=0),
        lambda p: M.fsum(M.log1p(M.exp(-M.fdot(zip(row, p, strict=True)))) for row in rows) / len(X), 2.0**-51,
        parameters={"loss": float(max(chances))},
    ), 2.0**-53)  # fmt: skip


@family("cancellation")
def expanded_squares(rng):
    """|y - X b|² multiplied out, near the fit."""
    n = size_of(rng)
    X, x = rng.normal(size=(12, n)), point(rng, n)
    y = X @ x + power_of_ten(rng, -6, -2) * rng.normal(size=12)
    G, v, yy = X.T @ X, X.T @ y, float(y @ y)
    rows, vector = [numbers(row) for row in G], numbers(v)

    def meant(p):
        return M.mpf(yy) + M.fsum(p[i] * (M.fdot(zip(rows[i], p, strict=True)) - 2 * vector[i]) for i in range(n))

    exact = rounded([2 * (M.fdot(zip(row, numbers(x), strict=True)) - w) for row, w in zip(rows, vector, strict=True)])
    grain = 20 * spacing(yy)
    made = Case(lambda p: yy - 2 * float(v @ p) + float(p @ G @ p), x, exact, np.sqrt(yy / np.diag(G)), meant, grain)
    return hidden(replace(made, parameters={"yy": yy}), grain)
