"""Networks and losses with x exactly at kinks, and claims at and beside the slopes on both sides.

Every claim is between the slopes of each coordinate: either all terms with a kink there switch in the same direction,
or the loss is convex. A network whose units switch in different directions has no such claim.
"""

from dataclasses import replace

import numpy as np
from _check_cases import Case, flat, in_turn, like, one_sided, with_bug


def _step(z, c):
    """The slope of relu, c at 0."""
    return np.where(z > 0, 1.0, np.where(z < 0, 0.0, c))


def _case(f, gradient, x, **more):
    exact = gradient(x)
    return Case(f, exact, x, exact=exact, kinks=True, **more)


def _share(rng):
    """What a framework takes for relu'(0)."""
    return float(rng.choice([0.0, 0.0, 1.0, 0.5]))


def _loss(rng, outputs):
    """A loss of scores (samples, outputs), and its gradient by them."""
    kind = int(rng.integers(3))
    scale = 10 ** rng.uniform(-1, 1)

    def f(z, y):
        if kind == 0:
            return scale * ((z - y) ** 2).sum()
        if kind == 1:
            return scale * (np.logaddexp(0, z) - (y > 0) * z).sum()
        return scale * np.log(np.cosh(z - y)).sum()

    def slope(z, y):
        if kind == 0:
            return 2 * scale * (z - y)
        if kind == 1:
            return scale * (1 / (1 + np.exp(-z)) - (y > 0))
        return scale * np.tanh(z - y)

    return f, slope


def _inputs(rng, samples, inputs):
    """Some rows are padding: zeros."""
    X = rng.normal(size=(samples, inputs))
    X[: int(rng.integers(1, samples))] = 0
    return X


def zero_rows(rng, samples=8, most=5):
    """One hidden layer, zero biases, and rows of zeros among the samples."""
    inputs, units, c = int(rng.integers(1, most)), int(rng.integers(2, most + 1)), _share(rng)
    X, y = _inputs(rng, samples, inputs), rng.normal(size=(samples, 1))
    loss, slope = _loss(rng, 1)
    x = {
        "W": rng.normal(size=(inputs, units)),
        "b": np.zeros(units),
        "u": rng.normal(size=(units, 1)),
        "a": rng.normal(size=1),
    }

    def f(p):
        return loss(np.maximum(X @ p["W"] + p["b"], 0) @ p["u"] + p["a"], y)

    def gradient(p):
        z = X @ p["W"] + p["b"]
        e = slope(np.maximum(z, 0) @ p["u"] + p["a"], y)
        d = e @ p["u"].T * _step(z, c)
        return {"W": X.T @ d, "b": d.sum(axis=0), "u": np.maximum(z, 0).T @ e, "a": e.sum(axis=0)}

    return _case(f, gradient, x)


def two_layers(rng):
    """Two hidden layers with zero biases: of a row of zeros, all units are at their kinks; relu'(0) = 0."""
    inputs, units = int(rng.integers(1, 4)), int(rng.integers(2, 4))
    X, y = _inputs(rng, 6, inputs), rng.normal(size=(6, 1))
    loss, slope = _loss(rng, 1)
    x = {
        "W1": rng.normal(size=(inputs, units)),
        "b1": np.zeros(units),
        "W2": rng.normal(size=(units, units)),
        "b2": np.zeros(units),
        "u": rng.normal(size=(units, 1)),
    }

    def layers(p):
        first = X @ p["W1"] + p["b1"]
        second = np.maximum(first, 0) @ p["W2"] + p["b2"]
        return first, second, np.maximum(second, 0) @ p["u"]

    def gradient(p):
        first, second, z = layers(p)
        e = slope(z, y)
        d2 = e @ p["u"].T * _step(second, 0.0)
        d1 = d2 @ p["W2"].T * _step(first, 0.0)
        return {
            "W1": X.T @ d1,
            "b1": d1.sum(axis=0),
            "W2": np.maximum(first, 0).T @ d2,
            "b2": d2.sum(axis=0),
            "u": np.maximum(second, 0).T @ e,
        }

    return _case(lambda p: loss(layers(p)[2], y), gradient, x)


def zero_weights(rng):
    """Weights and biases of some units are 0, and no input is negative: relu of 0 at every sample."""
    inputs, units, c = int(rng.integers(2, 6)), int(rng.integers(2, 6)), _share(rng)
    X, y = rng.uniform(0, 1, (7, inputs)), rng.normal(size=(7, 1))
    loss, slope = _loss(rng, 1)
    W, b = rng.normal(size=(inputs, units)), rng.normal(size=units)
    W[:, 0] = b[0] = 0
    x = {"W": W, "b": b}
    u = rng.normal(size=(units, 1))

    def f(p):
        return loss(np.maximum(X @ p["W"] + p["b"], 0) @ u, y)

    def gradient(p):
        z = X @ p["W"] + p["b"]
        d = slope(np.maximum(z, 0) @ u, y) @ u.T * _step(z, c)
        return {"W": X.T @ d, "b": d.sum(axis=0)}

    return _case(f, gradient, x)


def black_borders(rng):
    """Images with black borders under a small convolution with relu and zero biases."""
    side, filters, c = 6, int(rng.integers(1, 3)), _share(rng)
    images = np.zeros((4, side, side))
    edge = int(rng.integers(1, 3))
    images[:, edge:-edge, edge:-edge] = rng.uniform(0.1, 1, (4, side - 2 * edge, side - 2 * edge))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2)).reshape(4, side * side, 9)
    y = rng.normal(size=(4, 1))
    loss, slope = _loss(rng, 1)
    x = {"K": rng.normal(size=(9, filters)), "b": np.zeros(filters), "u": rng.normal(size=(filters, 1))}

    def f(p):
        return loss(np.maximum(patches @ p["K"] + p["b"], 0).mean(axis=1) @ p["u"], y)

    def gradient(p):
        z = patches @ p["K"] + p["b"]
        pooled = np.maximum(z, 0).mean(axis=1)
        e = slope(pooled @ p["u"], y)
        d = (e @ p["u"].T)[:, None, :] * _step(z, c) / side**2
        return {"K": np.einsum("spi,spf->if", patches, d), "b": d.sum(axis=(0, 1)), "u": pooled.T @ e}

    return _case(f, gradient, x)


def _tied(rng, size, groups):
    """Windows, (groups, size), many of whose largest values are equal."""
    x = rng.choice([0.0, 0.25, 0.5, 1.0], (groups, size), p=[0.4, 0.2, 0.2, 0.2])
    x[rng.random(groups) < 0.3] = 0
    return x


def _of_largest(x, how):
    """The slopes of the largest of each row: of the first, or of all equally."""
    largest = x == x.max(axis=1, keepdims=True)
    if how:
        return largest / largest.sum(axis=1, keepdims=True)
    return np.where(np.arange(x.shape[1]) == largest.argmax(axis=1)[:, None], 1.0, 0.0)


def max_pool(rng):
    """An image's gradient through max-pooling, with ties, and a layer."""
    groups, how, outputs = int(rng.integers(2, 10)), int(rng.integers(2)), int(rng.integers(1, 4))
    W, y = rng.normal(size=(groups, outputs)), rng.normal(size=(1, outputs))
    loss, slope = _loss(rng, outputs)

    def f(x):
        return loss(x.max(axis=1)[None] @ W, y)

    def gradient(x):
        return (W @ slope(x.max(axis=1)[None] @ W, y)[0])[:, None] * _of_largest(x, how)

    return _case(f, gradient, _tied(rng, 4, groups))


def maxout(rng):
    """Units that are the largest of several linear ones, equal at the start; the loss rises with each."""
    inputs, pieces, how = int(rng.integers(2, 6)), int(rng.integers(2, 4)), int(rng.integers(2))
    X = rng.uniform(0, 1, (6, inputs))
    w = rng.normal(size=inputs)

    def f(p):
        z = (X @ p).max(axis=1)
        return np.exp(0.3 * z).sum() + (p**2).sum()

    def gradient(p):
        z = X @ p
        share = np.zeros(pieces)
        share[:] = 1 / pieces if how else np.arange(pieces) == 0
        return X.T @ (0.3 * np.exp(0.3 * z.max(axis=1))[:, None] * share) + 2 * p

    return _case(f, gradient, np.repeat(w[:, None], pieces, axis=1))


def _dyadic(rng, shape):
    """Numbers whose products are exact."""
    return rng.integers(-8, 9, shape) / 4


def hinge(rng):
    """A support vector machine with samples exactly at the margin."""
    samples, n, c = int(rng.integers(6, 15)), int(rng.integers(2, 10)), _share(rng)
    w, X = _dyadic(rng, n), _dyadic(rng, (samples, n))
    w[0] = rng.choice([-1.0, 1.0])
    y = rng.choice([-1.0, 1.0], samples)
    at = rng.random(samples) < 0.5
    X[at, 0] += (y - X @ w)[at] * w[0]
    weight, penalty = rng.uniform(0.5, 2, samples), 10 ** rng.uniform(-3, 0)

    def f(w):
        return (weight * np.maximum(0, 1 - y * (X @ w))).sum() + penalty / 2 * (w @ w)

    def gradient(w):
        return -(weight * y * _step(1 - y * (X @ w), c)) @ X + penalty * w

    return _case(f, gradient, w)


def quantiles(rng):
    """A quantile regression through some of its samples."""
    samples, n, q = int(rng.integers(6, 15)), int(rng.integers(2, 8)), rng.uniform(0.1, 0.9)
    b, X = _dyadic(rng, n), _dyadic(rng, (samples, n))
    y = X @ b + rng.choice([0.0, 1.0], samples) * rng.normal(size=samples)
    c = rng.uniform(0, 1)

    def f(b):
        r = y - X @ b
        return np.maximum(q * r, (q - 1) * r).sum()

    def gradient(b):
        r = y - X @ b
        return -np.where(r > 0, q, np.where(r < 0, q - 1, q - c)) @ X

    return _case(f, gradient, b)


def lasso(rng):
    """A regression with an L1 penalty, at coefficients of 0; any slope of |0| within ±1."""
    n, size = int(rng.integers(3, 40)), 10 ** rng.uniform(-2, 1)
    A, x = rng.normal(size=(n + 2, n)), rng.normal(size=n) * (rng.random(n) < 0.5)
    y, c = rng.normal(size=n + 2), rng.choice([0.0, 0.0, 1.0, -0.4])

    def f(x):
        r = A @ x - y
        return (r @ r) / 2 + size * np.abs(x).sum()

    def gradient(x):
        return A.T @ (A @ x - y) + size * np.where(x == 0, c, np.sign(x))

    return _case(f, gradient, x)


def total_variation(rng):
    """Denoising, with neighbours that are equal."""
    n, size = int(rng.integers(5, 40)), 10 ** rng.uniform(-2, 1)
    x = np.repeat(rng.normal(size=n), rng.integers(1, 4, n))[:n]
    y = rng.normal(size=n)

    def f(x):
        return ((x - y) ** 2).sum() + size * np.abs(x[1:] - x[:-1]).sum()

    def gradient(x):
        s = np.sign(x[1:] - x[:-1])
        return 2 * (x - y) + size * (np.r_[0, s] - np.r_[s, 0])

    return _case(f, gradient, x)


def clip(rng):
    """Coordinates at the ends of a clip, of curved functions."""
    n, c, end = int(rng.integers(3, 20)), _share(rng), float(rng.choice([1.0, 6.0, 0.2]))
    x = rng.choice([0.0, end, rng.uniform(0.1, 0.9) * end, -0.5 * end, 1.7 * end], n)
    a, g = rng.normal(size=n), rng.normal(size=n)

    def f(x):
        return (a * np.exp(g * np.clip(x, 0, end))).sum() + np.sin(x).sum()

    def gradient(x):
        inside = np.where((x > 0) & (x < end), 1.0, np.where((x == 0) | (x == end), c, 0.0))
        return a * g * np.exp(g * np.clip(x, 0, end)) * inside + np.cos(x)

    return _case(f, gradient, x)


def policy(rng):
    """PPO's clipped objective at ratios of 1 ± 0.25, by log probabilities."""
    n, c = int(rng.integers(3, 15)), _share(rng)
    ratio = rng.choice([0.75, 1.25, 1.0, 0.6, 1.5], n)
    advantage = rng.normal(size=n)

    def f(r):
        return np.minimum(r * advantage, np.clip(r, 0.75, 1.25) * advantage).sum() - 0.1 * (r * np.log(r)).sum()

    def gradient(r):
        free = np.where(advantage > 0, r < 1.25, r > 0.75)
        at = np.where(advantage > 0, r == 1.25, r == 0.75)
        return advantage * np.where(at, c, free) - 0.1 * (np.log(r) + 1)

    return _case(f, gradient, ratio)


def curved(rng):
    """Relu of coordinates at 0, beside a function that curves downwards or upwards."""
    n, c, size = int(rng.integers(1, 12)), _share(rng), 10 ** rng.uniform(-2, 1)
    x, bend = rng.choice([0.0, 0.3, -0.4], n), rng.choice([-1.0, 1.0]) * 10 ** rng.uniform(-1, 1.5)

    def f(x):
        return size * np.maximum(x, 0).sum() + bend * (np.log1p(x) ** 2 + np.log1p(x)).sum()

    def gradient(x):
        return size * _step(x, c) + bend * (2 * np.log1p(x) + 1) / (1 + x)

    return _case(f, gradient, x)


def leaky(rng):
    """Leaky relu of a coordinate's product with positive numbers, and a square."""
    n, samples, low = int(rng.integers(2, 10)), 5, rng.uniform(0.01, 0.3)
    X, x = rng.uniform(0.1, 1, (samples, n)), rng.normal(size=n) * (rng.random(n) < 0.5)
    c = rng.choice([low, 1.0])

    def f(x):
        z = X * x
        return (np.where(z > 0, z, low * z)).sum() ** 2 / 10 + np.cos(x).sum()

    def gradient(x):
        z = X * x
        total = np.where(z > 0, z, low * z).sum()
        return total / 5 * (X * np.where(z > 0, 1.0, np.where(z < 0, low, c))).sum(axis=0) - np.sin(x)

    return _case(f, gradient, x)


FAMILIES = {
    "zero rows": zero_rows,
    "two layers": two_layers,
    "zero weights": zero_weights,
    "black borders": black_borders,
    "max-pool": max_pool,
    "maxout": maxout,
    "hinge": hinge,
    "quantiles": quantiles,
    "lasso": lasso,
    "total variation": total_variation,
    "clip": clip,
    "clipped policy": policy,
    "curved": curved,
    "leaky": leaky,
}


def searched(rng):
    """Beyond 300 entries: the search, at the same kinks."""
    inputs, units, c = int(rng.integers(10, 20)), int(rng.integers(40, 60)), _share(rng)
    X, y = _inputs(rng, 12, inputs), rng.normal(size=(12, 1))
    loss, slope = _loss(rng, 1)
    x = {"W": rng.normal(size=(inputs, units)) / 3, "b": np.zeros(units), "u": rng.normal(size=(units, 1)) / 5}

    def f(p):
        return loss(np.maximum(X @ p["W"] + p["b"], 0) @ p["u"], y)

    def gradient(p):
        z = X @ p["W"] + p["b"]
        e = slope(np.maximum(z, 0) @ p["u"], y)
        d = e @ p["u"].T * _step(z, c)
        return {"W": X.T @ d, "b": d.sum(axis=0), "u": np.maximum(z, 0).T @ e}

    return _case(f, gradient, x)


def _rarely(every=15):
    def made(rng):
        if rng.integers(every):
            return replace(zero_rows(rng), family="zero rows")
        return replace(searched(rng), family="beyond 300 entries")

    return {"zero rows, or beyond 300 entries": made}


def right():
    return in_turn(FAMILIES | _rarely(), "kinks")


def outside():
    """One entry at a kink has a claim beyond both slopes, by a tenth of their difference to once."""

    def made(draw):
        def one(rng):
            at = np.empty(0)
            while not at.size:  # a draw need not have a kink
                case = draw(rng)
                exact = flat(case.exact).astype(float)
                left, right = one_sided(case, np.arange(exact.size))
                gap = np.abs(right - left)
                at = np.flatnonzero(gap > 1e-3 * max(np.abs(exact).max(), 1e-3))
            k = int(rng.choice(at))
            by = gap[k] * rng.choice([0.1, 0.3, 1.0])
            claim = exact.copy()
            claim[k] = max(left[k], right[k]) + by if rng.random() < 0.5 else min(left[k], right[k]) - by
            wrong = like(case.x, claim)
            made = with_bug(case, wrong, "outside")
            return replace(made, changed={k: float(by)}, strict=True)

        return one

    return in_turn({name: made(draw) for name, draw in FAMILIES.items()}, "kinks outside")
