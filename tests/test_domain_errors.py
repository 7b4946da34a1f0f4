"""Exceptions of f that mark the edge of its domain, and those that come out: `domain_errors`."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import numpy as np
import pytest

import fastgrad as fg


class OutOfRangeError(Exception):
    pass


def limited(x):
    if np.max(x) > 2:
        raise OutOfRangeError(f"{x} is beyond 2")
    return (x**3).sum()


def limited_rows(X):
    return np.array([limited(row) for row in X])


X = np.array([1.0, 2.0])
V = np.array([1.0, -1.0])
SLOPES = 3 * X**2
ONE_SIDED = {
    "gradient": (lambda **o: fg.gradient(limited, X, **o), SLOPES),
    "order 6": (lambda **o: fg.gradient(limited, X, order=6, **o), SLOPES),
    "forward": (lambda **o: fg.gradient(limited, X, method="forward", **o), SLOPES),
    "adaptive": (lambda **o: fg.gradient(limited, X, method="adaptive", **o), SLOPES),
    "rows": (lambda **o: fg.gradient(limited_rows, X, vectorized=True, **o), SLOPES),
    "grad": (lambda **o: fg.grad(limited, **o)(X), SLOPES),
    "value_and_grad": (lambda **o: fg.value_and_grad(limited, **o)(X)[1], SLOPES),
    "partial": (lambda **o: fg.partial(limited, X, 1, **o), 12),
    "directional": (lambda **o: fg.directional(limited, X, V, **o), -9),
    "batch_gradient": (lambda **o: fg.batch_gradient(limited, X[None], **o), SLOPES[None]),
    "jacobian": (lambda **o: fg.jacobian(limited, X, **o), SLOPES[None]),
    "batch_jacobian": (lambda **o: fg.batch_jacobian(limited, X[None], **o), SLOPES[None, None]),
    "jvp": (lambda **o: fg.jvp(limited, X, V, **o), [-9]),
    "summed": (lambda **o: fg.gradient(lambda x: limited(x) / 2 * np.ones(2), X, summed=True, **o), SLOPES),
    "differentiate": (lambda **o: fg.differentiate(limited, X, **o).value, SLOPES),
}


@pytest.mark.parametrize("name", ONE_SIDED)
def test_exceptions_of_f_that_are_edges_of_its_domain(name):
    call, exact = ONE_SIDED[name]
    assert call(domain_errors=(KeyError, OutOfRangeError)) == pytest.approx(np.array(exact), rel=1e-5)
    with pytest.raises(OutOfRangeError, match="beyond 2"):
        call()
    with pytest.raises(OutOfRangeError, match="beyond 2"):
        call(domain_errors=(KeyError,))


def test_edges_in_workers():
    with ThreadPoolExecutor(2) as pool:
        found = fg.gradient(limited, X, workers=pool, domain_errors=(OutOfRangeError,))
        assert found == pytest.approx(SLOPES, rel=1e-5)
        with pytest.raises(OutOfRangeError):
            fg.gradient(limited, X, workers=pool)


def test_edges_in_checks_and_descents():
    edges = {"domain_errors": (OutOfRangeError,)}
    assert fg.check_grad(limited, lambda x: 3 * x**2, X, **edges).verdict == "right"
    assert fg.check_grad(limited, lambda x: 2 * x**2, X, **edges).verdict == "wrong"
    with pytest.raises(OutOfRangeError):
        fg.check_grad(limited, lambda x: 3 * x**2, X)
    found = fg.gradient_descent(lambda x: 0 * limited(x) + ((x - 1.5) ** 2).sum(), X, **edges)
    assert found.x == pytest.approx([1.5, 1.5], abs=1e-5)


def test_which_exceptions_are_edges_by_default():
    """Decimal's exceptions are ArithmeticErrors."""

    def root(x):
        return float(x[0] + float(Decimal(x[0] - 1).sqrt() ** 4))

    assert fg.gradient(root, np.array([1.0])) == pytest.approx([1], abs=1e-7)
    with pytest.raises(ArithmeticError):
        fg.gradient(root, np.array([1.0]), domain_errors=(ValueError,))
