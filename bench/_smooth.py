"""Smooth functions whose derivatives are known to all digits: sums of c φ(A x + b), in float64 and with mpmath."""

from dataclasses import dataclass

import mpmath
import numpy as np

M = mpmath.mp.clone()
M.dps = 60


def logistic(z):
    return 1 / (1 + M.exp(-z))


# name: φ in float64; φ, φ' and φ'' to many digits.
SHAPES = {
    "sin": (np.sin, M.sin, M.cos, lambda z: -M.sin(z)),
    "exp": (np.exp, M.exp, M.exp, M.exp),
    "tanh": (np.tanh, M.tanh, lambda z: 1 - M.tanh(z) ** 2, lambda z: -2 * M.tanh(z) * (1 - M.tanh(z) ** 2)),
    "arctan": (np.arctan, M.atan, lambda z: 1 / (1 + z * z), lambda z: -2 * z / (1 + z * z) ** 2),
    "bell": (
        lambda z: np.exp(-z * z / 2),
        lambda z: M.exp(-z * z / 2),
        lambda z: -z * M.exp(-z * z / 2),
        lambda z: (z * z - 1) * M.exp(-z * z / 2),
    ),
    "softplus": (
        lambda z: np.logaddexp(0.0, z),
        lambda z: M.log1p(M.exp(z)),
        logistic,
        lambda z: logistic(z) * (1 - logistic(z)),
    ),
}


def numbers(values):
    """Numbers of mpmath, exactly those given."""
    return [v if isinstance(v, M.mpf) else M.mpf(float(v)) for v in np.ravel(values)]


def dot(left, right):
    """The inner product, to many digits."""
    return M.fdot(zip(numbers(left), numbers(right), strict=True))


def rounded(values):
    """Numbers of mpmath in nested lists, as an array of float64."""
    return np.array(values, dtype=object).astype(float)


@dataclass
class Smooth:
    """x -> sum of c φ(A x + b); `shape` names φ."""

    shape: str
    c: np.ndarray
    A: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        return float(self.c @ SHAPES[self.shape][0](self.A @ x + self.b))

    def _terms(self, order, x):
        """The terms c φ(A x + b), c φ' or c φ''."""
        phi = SHAPES[self.shape][1 + order]
        at = [dot(row, x) + shift for row, shift in zip(self.A, numbers(self.b), strict=True)]
        return [c * phi(z) for c, z in zip(numbers(self.c), at, strict=True)]

    def exactly(self, x):
        """The value, to many digits."""
        return M.fsum(self._terms(0, x))

    def gradient(self, x):
        terms = self._terms(1, x)
        return rounded([dot(terms, column) for column in self.A.T])

    def hessian(self, x):
        terms = self._terms(2, x)
        columns = [numbers(column) for column in self.A.T]
        pairs = [[M.fsum(t * p * q for t, p, q in zip(terms, u, v, strict=True)) for v in columns] for u in columns]
        return rounded(pairs)

    @property
    def lengths(self):
        """How far each coordinate moves until the function is another."""
        return 1 / np.abs(self.A).max(axis=0)


def signs(rng, *shape):
    return rng.choice([-1.0, 1.0], shape)


def power_of_ten(rng, low, high):
    """Evenly drawn on a logarithmic scale."""
    return 10.0 ** rng.uniform(low, high)


def drawn(rng, n, scales=1.0, size=1.0, shape=None):
    """A smooth function of n coordinates, whose values are of the size and which changes over the scales."""
    terms = int(rng.integers(1, 4))
    A = signs(rng, terms, n) * rng.uniform(0.3, 1.2, (terms, n)) / np.sqrt(n) / scales
    c = size * signs(rng, terms) * rng.uniform(0.3, 1.5, terms)
    return Smooth(shape or str(rng.choice(list(SHAPES))), c, A, rng.normal(size=terms))


def point(rng, n, scales=1.0):
    """Coordinates of the scales, neither small nor large."""
    return signs(rng, n) * rng.uniform(0.2, 2.0, n) * scales
