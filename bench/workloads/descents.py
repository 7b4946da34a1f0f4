"""Descents: of many starts, in C; and what an iteration of one costs."""

import ctypes

import numpy as np
from _limits import build_compiled, build_limit

import fastgrad as fg


def many_starts(n, in_columns, threads=1, starts=10_000, iterations=100, rate=1e-4):
    """Many starts, a fixed rate: against the hand-written loops by pointer; several threads against one."""
    pointer, columns, loops = build_compiled()
    X = np.random.default_rng(0).uniform(-1.2, 1.2, (starts, n))
    f = columns if in_columns else pointer
    address = ctypes.cast(pointer, ctypes.c_void_p)

    def ours(workers):
        options = {"learning_rate": rate, "maxiter": iterations, "gtol": 0.0, "workers": workers}
        return fg.gradient_descent(f, X, batch=True, **options).x

    def limit(loop):
        x = X.copy()
        loop(address, starts, n, x.ctypes.data, iterations, rate)
        return x

    rows = {"fastgrad": lambda: ours(threads)}
    if threads > 1:
        rows["limit one thread"] = lambda: ours(1)
    else:
        for name in ("limit descent in place", "limit descent copies"):
            if "place" in name or not in_columns:
                rows[name] = lambda loop=loops[name]: limit(loop)
    for name, function in rows.items():
        assert np.allclose(function(), ours(1), rtol=1e-8, atol=1e-8), name
    return rows


def iterations(n, history, count):
    """So many iterations with a fixed rate, against bare calls of the gradient (and of f, where the curve is kept)."""
    limit, x = build_limit(), np.linspace(0.5, 1.5, n)

    def gradient(x):
        return 2.0 * x

    def f(x):
        return x.dot(x)

    options = {"grad": gradient, "learning_rate": 1e-6, "maxiter": count, "gtol": 0.0, "history": history}

    def bare():
        limit(gradient, x, count + 1)
        if history:
            limit(f, x, count + 1)

    def loop():
        at, curve = x.copy(), []
        for _ in range(count):
            if history:
                curve.append(f(at))
            at = at - 1e-6 * gradient(at)

    assert fg.gradient_descent(f, x, **options).nit == count
    return {"fastgrad": lambda: fg.gradient_descent(f, x, **options), "limit": bare, "NumPy loop": loop}
