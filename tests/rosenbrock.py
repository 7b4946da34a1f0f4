"""The chained Rosenbrock function, with its exact derivatives (Rosenbrock, Computer J. 3 (1960) 175-184)."""

import numpy as np


def rosenbrock(x):
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rosenbrock_gradient(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def rosenbrock_hessian(x):
    h = np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)
    h[np.arange(x.size - 1), np.arange(x.size - 1)] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    h[np.arange(1, x.size), np.arange(1, x.size)] += 200
    return h
