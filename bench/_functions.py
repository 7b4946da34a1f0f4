"""Functions that are differentiated, with their gradients."""

import numpy as np


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def rosenbrock_rows(X):
    return np.sum(100 * (X[:, 1:] - X[:, :-1] ** 2) ** 2 + (1 - X[:, :-1]) ** 2, axis=1)


def cubes(x):
    """A Python function of about 1 µs."""
    return float((x * x).dot(x))


def cheap(x):
    return x[0] * 2.0


def cheap_gradient(x):
    return np.concatenate([[2.0], np.zeros(x.size - 1)])
