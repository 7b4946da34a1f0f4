"""Gradient descent ends where the minimum is known to be, and its loss curve falls."""

import json

import numpy as np
import pytest

import fastgrad as fg


def f(x):
    return float((x[0] - 1) ** 2 + 10 * (x[1] + 2) ** 2)


@pytest.mark.parametrize("learning_rate", ["auto", 0.05])
@pytest.mark.parametrize("grad", [None, lambda x: np.array([2 * (x[0] - 1), 20 * (x[1] + 2)])])
def test_finds_the_minimum(learning_rate, grad):
    result = fg.gradient_descent(f, np.zeros(2), grad=grad, learning_rate=learning_rate)
    assert result.success, result
    assert np.allclose(result.x, [1, -2], atol=1e-5)
    fun = result.history["fun"]
    assert (np.diff(fun) <= 0).all()
    assert len(fun) == result.nit + 1
    assert fun[-1] == result.fun == f(result.x)
    json.dumps(result.to_dict())


def test_pytrees_and_numbers():
    result = fg.gradient_descent(lambda p: (p["a"] - 3) ** 2 + (p["b"] ** 2).sum(), {"a": 0.0, "b": np.ones(2)})
    assert result.x["a"] == pytest.approx(3, abs=1e-5)
    assert fg.gradient_descent(lambda x: (x - 2) ** 2, 0.0).x == pytest.approx(2, abs=1e-6)


def test_endings():
    assert fg.gradient_descent(f, np.zeros(2), maxiter=1).status == 1
    with np.errstate(over="ignore", invalid="ignore"):
        diverged = fg.gradient_descent(lambda x: float(x[0] ** 2), np.array([3.0]), learning_rate=10.0)
    assert diverged.status == 3
    assert np.isfinite(diverged.fun)
    with pytest.raises(ValueError, match="learning_rate"):
        fg.gradient_descent(f, np.zeros(2), learning_rate=0)
