"""f that gives the array that it was called with other memory, another shape, strides or type: an error."""

import contextlib

import numpy as np
import pytest

import fastgrad as fg

N = 30
X = np.linspace(1.0, 2.0, N)


def smaller(x):
    x.resize((1,), refcheck=False)


def larger(x):
    x.resize((40_000,), refcheck=False)


def moved(x):
    """The same shape as before, somewhere else in memory."""
    shape, kept = x.shape, x.copy()
    x.resize((1_000_000,), refcheck=False)
    np.empty(N)
    x.resize(shape, refcheck=False)
    x[...] = kept


def reshaped(x):
    x.shape = (*x.shape, 1)


def retyped(x):
    x.dtype = np.int8


def swapped(x):
    x.dtype = x.dtype.newbyteorder()


def strided(x):
    x.strides = (0,) * x.ndim


CHANGES = [smaller, larger, reshaped, retyped, swapped, strided]
VERBS = {
    "gradient": lambda f, v: fg.gradient(f, X),
    "forward": lambda f, v: fg.gradient(f, X, method="forward"),
    "adaptive": lambda f, v: fg.gradient(f, X, method="adaptive"),
    "differentiate": lambda f, v: fg.differentiate(f, X),
    "batch_gradient": lambda f, v: fg.batch_gradient(f, [X, X]),
    "partial": lambda f, v: fg.partial(f, X, 3),
    "directional": lambda f, v: fg.directional(f, X, X),
    "hessian": lambda f, v: fg.hessian(f, X),
    "hvp": lambda f, v: fg.hvp(f, X, X),
    "grad": lambda f, v: fg.grad(f)(X),
    "value_and_grad": lambda f, v: fg.value_and_grad(f)(X),
    "noise_level": lambda f, v: fg.noise_level(f, X),
    "check_grad": lambda f, v: fg.check_grad(f, lambda x: 2 * x, X),
    "gradient_descent": lambda f, v: fg.gradient_descent(f, X, maxiter=5),
    "jacobian": lambda f, v: fg.jacobian(v, X),
    "batch_jacobian": lambda f, v: fg.batch_jacobian(v, [X, X]),
    "jvp": lambda f, v: fg.jvp(v, X, X),
    "sparse jacobian": lambda f, v: fg.jacobian(v, X, sparsity=np.eye(N)),
    "detected": lambda f, v: fg.jacobian(v, X, sparsity="detect"),
    "plan": lambda f, v: fg.plan_jacobian(v, X, sparsity=np.eye(N)),
    "differentiate a vector": lambda f, v: fg.differentiate(v, X),
    "check_jacobian": lambda f, v: fg.check_jacobian(v, lambda x: np.diag(2 * x), X),
}


# NumPy deprecates setting strides and shapes in place, and goes on doing it.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("verb", VERBS)
def test_what_f_does_to_its_argument_is_said(verb, change):
    def f(x):
        value = float((x**2).sum())
        change(x)
        return value

    def v(x):
        values = x**2
        change(x)
        return values

    with pytest.raises(TypeError, match="f gave the array that it was called with another shape, strides or type"):
        VERBS[verb](f, v)
    assert X.shape == (N,)
    assert X[-1] == 2.0


@pytest.mark.parametrize("verb", ["gradient", "forward", "hessian", "gradient_descent"])
def test_an_argument_moved_in_memory_is_no_crash(verb):
    """Freed memory may come back, or not: what f is called with next is either noticed or the same array."""

    def f(x):
        value = float((x**2).sum())
        moved(x)
        return value

    with contextlib.suppress(TypeError):
        VERBS[verb](f, None)


def test_an_argument_made_read_only_is_fine():
    def f(x):
        x.setflags(write=False)
        return float((x**3).sum())

    np.testing.assert_allclose(fg.gradient(f, X), 3 * X**2, rtol=1e-8)
