"""Patterns and functions that tests of sparse derivatives share."""

import numpy as np
from hypothesis import strategies as st
from scipy import sparse


def tridiagonal(x):
    """Broyden's function (Math. Comput. 19 (1965) 577-593)."""
    r = 3 * x - 2 * x**2 + 1
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def jacobian_of_tridiagonal(x):
    n = x.size
    return sparse.diags_array([-np.ones(n - 1), 3 - 4 * x, -2 * np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()


@st.composite
def patterns(draw, square=False):
    m, n = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    m = n if square else m
    bits = draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n))
    return np.array(bits).reshape(m, n)


def weighted(pattern):
    """A function whose Jacobian has this pattern, and that Jacobian."""
    weights = np.where(pattern, np.random.default_rng(0).uniform(0.5, 2.0, pattern.shape), 0.0)
    return (lambda x: weights @ np.sin(x)), (lambda x: weights * np.cos(x))
