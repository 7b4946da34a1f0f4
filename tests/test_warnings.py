"""Warnings name the line that called fastgrad, on every way through it."""

import inspect
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgrad as fg

X = np.array([1.0, 2.0])
FIXED = ([0.0, 2.0], [9.0, 2.0])  # x[1] has no room


def smooth(x):
    return (x**3).sum()


def vector(x):
    return x**2


def isolated(x):
    """A number only where x[1] is 2."""
    return x[0] if x[1] == 2.0 else np.nan


def isolated_vector(x):
    return x if x[1] == 2.0 else x * np.nan


CALLS = {
    "gradient": lambda: fg.gradient(smooth, X, bounds=FIXED),
    "gradient of order 4": lambda: fg.gradient(smooth, X, order=4, bounds=FIXED),
    "gradient of rows": lambda: fg.gradient(lambda X: (X**3).sum(axis=1), X, bounds=FIXED, vectorized=True),
    "gradient by workers": lambda: fg.gradient(smooth, X, bounds=FIXED, workers=ThreadPoolExecutor(2)),
    "gradient at an edge": lambda: fg.gradient(isolated, X),
    "gradient at an edge, order 4": lambda: fg.gradient(isolated, X, order=4),
    "gradient at an edge, typical_x": lambda: fg.gradient(isolated, X, typical_x=2.0),
    "adaptive": lambda: fg.gradient(smooth, X, method="adaptive", bounds=FIXED),
    "grad": lambda: fg.grad(smooth, bounds=FIXED)(X),
    "grad at an edge": lambda: fg.grad(isolated)(X),
    "grad, adaptive": lambda: fg.grad(smooth, method="adaptive", bounds=FIXED)(X),
    "value_and_grad": lambda: fg.value_and_grad(smooth, bounds=FIXED)(X),
    "partial": lambda: fg.partial(smooth, X, 1, bounds=FIXED),
    "batch_gradient": lambda: fg.batch_gradient(smooth, X[None], bounds=FIXED),
    "batch_gradient, adaptive": lambda: fg.batch_gradient(smooth, X[None], method="adaptive", bounds=FIXED),
    "jacobian": lambda: fg.jacobian(vector, X, bounds=FIXED),
    "jacobian at an edge": lambda: fg.jacobian(isolated_vector, X),
    "batch_jacobian": lambda: fg.batch_jacobian(vector, X[None], bounds=FIXED),
    "hessian": lambda: fg.hessian(smooth, X, bounds=FIXED),
    "hessian of grad": lambda: fg.hessian(smooth, X, grad=lambda x: 3 * x**2, bounds=FIXED),
    "hessian at an edge": lambda: fg.hessian(isolated, X),
    "hessian with a pattern": lambda: fg.hessian(isolated, X, sparsity=np.eye(2)),
    "summed": lambda: fg.gradient(vector, X, summed=True, bounds=FIXED),
    "grad by name": lambda: fg.grad(isolated, argnums="x")(X),
    "gradient_descent": lambda: fg.gradient_descent(smooth, X, bounds=FIXED, maxiter=2),
    "gradient_descent from many points": lambda: fg.gradient_descent(
        smooth, X[None], bounds=FIXED, maxiter=2, batch=True
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_line_is_the_callers(name):
    call = CALLS[name]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    assert seen
    for warning in seen:
        assert (warning.filename, warning.lineno) == (__file__, inspect.getsourcelines(call)[1])
        assert issubclass(warning.category, RuntimeWarning)


def test_once_a_line():
    """The usual filter shows a warning once for each line of the user's: not once for all of fastgrad."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            fg.gradient(smooth, X, bounds=FIXED)
        fg.gradient(smooth, X, bounds=FIXED)
    assert len({warning.lineno for warning in seen}) == len(seen) == 2


def test_a_gradient_that_another_library_calls():
    """The line is that library's: it called."""
    optimize = pytest.importorskip("scipy.optimize")
    g = fg.grad(smooth, bounds=FIXED)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        optimize.approx_fprime(X, lambda x: g(X)[0])
        optimize.minimize(smooth, X, jac=g, options={"maxiter": 1})
    files = {warning.filename for warning in seen if "fixed by its bounds" in str(warning.message)}
    assert __file__ in files
    assert any("scipy" in name for name in files)
    assert not any("fastgrad/verbs" in name for name in files)
