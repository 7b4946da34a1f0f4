"""Sparse Hessians: from differences of a gradient, by star colouring, and from values."""

import numpy as np
import pytest
from hypothesis import given, settings
from rosenbrock import rosenbrock, rosenbrock_gradient, rosenbrock_hessian
from scipy import sparse
from sparse_examples import patterns

import fastgrad as fg


@pytest.mark.parametrize("n", [2, 5, 40])
def test_sparse_hessians(n):
    x = np.linspace(-1.0, 1.3, n)
    exact = rosenbrock_hessian(x)
    calls = []

    def gradient(x):
        calls.append(1)
        return rosenbrock_gradient(x)

    for sparsity in (exact != 0, sparse.csr_array(exact), "detect"):
        calls.clear()
        found = fg.hessian(rosenbrock, x, grad=gradient, sparsity=sparsity)
        assert (found != found.T).nnz == 0
        np.testing.assert_allclose(found.toarray(), exact, rtol=1e-6, atol=1e-4)
        if not isinstance(sparsity, str):
            assert len(calls) <= 2 * 3 + 6
    found = fg.hessian(rosenbrock, x, sparsity=exact != 0)
    assert (found != found.T).nnz == 0
    np.testing.assert_allclose(found.toarray(), exact, rtol=2e-5, atol=2e-2)


@given(patterns(square=True))
@settings(max_examples=60)
def test_star_colours_recover_every_entry(pattern):
    pattern = np.triu(pattern) | np.triu(pattern).T
    weights = np.where(pattern, np.random.default_rng(1).uniform(0.5, 2.0, pattern.shape), 0.0)
    weights = weights + weights.T
    x = np.linspace(0.3, 1.1, len(pattern))
    found = fg.hessian(lambda x: 0.5 * x @ weights @ x, x, grad=lambda x: weights @ x, sparsity=pattern)
    np.testing.assert_allclose(found.toarray(), weights, atol=1e-8)


def test_wrong_hessian_patterns_are_errors():
    x = np.linspace(-1.0, 1.3, 6)
    with pytest.raises(ValueError, match="pattern is wrong"):
        fg.hessian(rosenbrock, x, grad=rosenbrock_gradient, sparsity=np.eye(6))
    with pytest.raises(ValueError, match="needs grad="):
        fg.hessian(rosenbrock, x, sparsity="detect")
    with pytest.raises(ValueError, match="a Hessian is square"):
        fg.hessian(rosenbrock, x, grad=lambda x: x[:3], sparsity="detect")


@pytest.mark.parametrize(
    "options", [{"order": 6}, {"method": "forward"}, {"method": "complex"}, {"bounds": (-1.0, 1.3)}]
)
def test_sparse_hessians_by_every_method(options):
    x = np.linspace(-1.0, 1.3, 9)
    found = fg.hessian(rosenbrock, x, grad=rosenbrock_gradient, sparsity="detect", **options)
    assert (found != found.T).nnz == 0
    loose = {"rtol": 1e-4, "atol": 1e-4} if "method" in options else {"rtol": 1e-7, "atol": 1e-6}
    np.testing.assert_allclose(found.toarray(), rosenbrock_hessian(x), **loose)
