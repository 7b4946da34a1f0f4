"""The chapter's first function: f(x, y) = x²y + 3xy³, whose gradient is (2xy + 3y³, x² + 9xy²)."""

import numpy as np

import fastgrad as fg


def f(x):
    return x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3


x = np.array([1.0, 2.0])
print("gradient        ", fg.gradient(f, x))
print("by hand         ", np.array([2 * x[0] * x[1] + 3 * x[1] ** 3, x[0] ** 2 + 9 * x[0] * x[1] ** 2]))
print("∂f/∂x           ", fg.partial(f, x, 0))
print("∂²f/∂x∂y        ", fg.partial(f, x, 0, 1))
print("steepest ascent ", fg.directional(f, x, fg.gradient(f, x) / np.linalg.norm(fg.gradient(f, x))))
