"""Jacobians, sparse and dense, and colourings."""

import numpy as np
from _functions import rosenbrock_gradient
from _peers import if_installed, jax_rosenbrock

import fastgrad as fg


def tridiagonal(x):
    """Broyden's function, and transcendental terms: three entries a row."""
    r = np.exp(0.1 * x) - 2 * x * x + np.sin(x)
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def cheap_tridiagonal(x):
    r = 3 * x - 2 * x * x + 1
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def compressed(f, n):
    """A planned sparse Jacobian against its evaluations."""
    x = np.linspace(-1.0, 1.0, n)
    plan = fg.plan_jacobian(f, x)
    v = np.random.default_rng(0).standard_normal(n)
    assert np.allclose(plan(x) @ v, fg.jvp(f, x, v, order=6), atol=1e-6)
    return {"fastgrad": lambda: plan(x), "limit": lambda: [f(x) for _ in range(plan.evaluations)]}


def dense_jacobian(n):
    """The Jacobian of a vectorised function against f alone on as many points."""

    def f(X):
        R = np.exp(0.1 * X) - 2 * X * X + np.sin(X)
        R[:, 1:] -= X[:, :-1]
        return R

    x = np.linspace(-1.0, 1.0, n)
    blocks = [np.tile(x, (rows, 1)) for rows in (2 * n, max(1, 32768 // n), max(1, 16384 // n))]

    def alone(block):
        for _ in range(-(-2 * n // len(block))):
            f(block)

    rows = {"fastgrad": lambda: fg.jacobian(f, x, vectorized=True)}
    return rows | {f"limit {len(block)} rows": (lambda block=block: alone(block)) for block in blocks}


def colouring(side):
    """Colours of a five-point Laplacian against scipy's, which has no two orders to choose from."""
    from scipy import sparse
    from scipy.optimize._numdiff import group_columns

    from fastgrad.sparse.patterns import as_kernel, coloured

    line = sparse.diags_array([np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1])
    eye = sparse.eye_array(side)
    pattern = sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line)).astype(bool)
    kernel = as_kernel(pattern)
    assert coloured(kernel)[1] <= group_columns(pattern).max() + 1
    return {"fastgrad": lambda: coloured(kernel), "limit scipy": lambda: group_columns(pattern)}


def sum_of_terms(n):
    """The gradient of a sum of local terms, with its pattern known, against its evaluations and JAX's reverse mode."""
    x = np.linspace(-1.0, 1.0, n)

    def terms(x):
        return 100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2

    plan = fg.plan_jacobian(terms, x)

    def gradient():
        return plan(x).sum(axis=0)

    assert np.allclose(gradient(), rosenbrock_gradient(x), atol=1e-4)
    return {
        "fastgrad": gradient,
        "limit": lambda: [terms(x) for _ in range(plan.evaluations)],
        "jax.jit(jax.grad)": if_installed(jax_rosenbrock, x),
    }
