"""Gradients of Python and vectorised functions, adaptive ones, and their checks."""

import numpy as np
from _functions import cubes, rosenbrock, rosenbrock_gradient, rosenbrock_rows
from _limits import build_limit
from _peers import SLOW, gradients, if_installed, scipy_loop

import fastgrad as fg


def python_function(f, exact, n, prepared, with_peers=True):
    limit = build_limit()
    x = np.linspace(0.5, 1.5, n)
    g = fg.grad(f)
    rows = {
        "fastgrad": (lambda: g(x)) if prepared else (lambda: fg.gradient(f, x)),
        "limit": lambda: limit(f, x, 2 * n),
    }
    if with_peers:
        for name, verb in gradients().items():
            if n <= 100 or name not in SLOW:
                rows[name] = verb and (lambda verb=verb: verb(f, x))
    assert np.allclose(rows["fastgrad"](), exact(x), rtol=1e-6, atol=1e-6)
    return rows


def looked_at(f, exact, n):
    """A gradient with check=True, of two evaluations more, against the bare calls of both and the same without."""
    limit = build_limit()
    x = np.linspace(0.5, 1.5, n)
    rows = {
        "fastgrad": lambda: fg.gradient(f, x, check=True),
        "limit": lambda: limit(f, x, 2 * n),
        "check=False": lambda: fg.gradient(f, x, check=False),
        "2n + 2 calls": lambda: limit(f, x, 2 * n + 2),
    }
    assert np.allclose(rows["fastgrad"](), exact(x), rtol=1e-6, atol=1e-6)
    return rows


def batch(b, n):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 1.5, (b, n))
    # The limit: f alone on as many rows, in its best block.
    total = 2 * b * n
    blocks = [rng.uniform(0.5, 1.5, (max(1, size // (8 * n)), n)) for size in (32768, 65536, 131072, 262144, 524288)]

    def alone(block):
        for _ in range(total // len(block)):
            rosenbrock_rows(block)
        if total % len(block):
            rosenbrock_rows(block[: total % len(block)])

    out = np.empty_like(X)

    def broadcast():
        h = 6e-6 * np.maximum(np.abs(X), 1)
        steps = h[:, :, None] * np.eye(n)
        up = rosenbrock_rows((X[:, None, :] + steps).reshape(-1, n)).reshape(b, n)
        down = rosenbrock_rows((X[:, None, :] - steps).reshape(-1, n)).reshape(b, n)
        return (up - down) / (2 * h)

    rows = {"fastgrad": lambda: fg.batch_gradient(rosenbrock_rows, X, vectorized=True, out=out)}
    rows |= {f"limit {len(block)} rows": (lambda block=block: alone(block)) for block in blocks}
    if b * n * n <= 10**7:
        rows["numpy broadcast"] = broadcast
        rows["scipy loop"] = if_installed(scipy_loop, rosenbrock, X)
    assert np.allclose(rows["fastgrad"](), [rosenbrock_gradient(x) for x in X], rtol=1e-6, atol=1e-4)
    return rows


def adaptive(n, verb):
    limit = build_limit()
    x = np.linspace(0.5, 1.5, n)
    count = fg.differentiate(cubes, x).nfev
    assert np.allclose(fg.differentiate(cubes, x).value, 3 * x**2, rtol=1e-10)
    return {"fastgrad": lambda: verb(cubes, x), "limit": lambda: limit(cubes, x, count)}


def adaptive_gradient(f, x):
    return fg.gradient(f, x, method="adaptive")


def check(n):
    x = np.random.default_rng(0).uniform(0.5, 1.5, n)
    claimed = rosenbrock_gradient(x)
    count = fg.check_grad(rosenbrock, claimed, x).nfev
    return {
        "fastgrad": lambda: fg.check_grad(rosenbrock, claimed, x),
        "limit": lambda: [rosenbrock(x) for _ in range(count)],
        "limit and two evaluations": lambda: [rosenbrock(x) for _ in range(count + 2)],
    }
