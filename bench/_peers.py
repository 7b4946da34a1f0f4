"""The libraries that fastgrad is compared with, each as far as it is installed."""

import numpy as np


def scipy_3_point():
    from scipy.optimize._numdiff import approx_derivative

    return lambda f, x: (approx_derivative(f, x, method="3-point"), None)


def scipy_differentiate():
    from scipy.differentiate import jacobian

    def verb(f, x):
        def columns(X):
            """Points in columns, as scipy asks for; f takes one."""
            points = X.reshape(x.size, -1)
            return np.array([f(points[:, k].copy()) for k in range(points.shape[1])]).reshape(X.shape[1:])

        found = jacobian(columns, x)
        return found.df, found.error

    return verb


def statsmodels():
    from statsmodels.tools.numdiff import approx_fprime

    return lambda f, x: (approx_fprime(x, f, centered=True), None)


def optimagic():
    import optimagic

    return lambda f, x: (optimagic.first_derivative(f, x).derivative, None)


def jacobi():
    import jacobi

    return lambda f, x: jacobi.jacobi(f, x)


def numdifftools():
    import numdifftools

    return lambda f, x: (numdifftools.Gradient(f)(x), None)


MAKERS = {
    "scipy 3-point": scipy_3_point,
    "scipy.differentiate": scipy_differentiate,
    "statsmodels": statsmodels,
    "optimagic": optimagic,
    "jacobi": jacobi,
    "numdifftools": numdifftools,
}
SLOW = {"scipy.differentiate", "jacobi", "numdifftools", "optimagic"}


def gradients():
    """Name: verb(f, x), giving the gradient and its error or None; None for what is not installed."""
    return {name: if_installed(make) for name, make in MAKERS.items()}


def if_installed(make, *args):
    """What make() gives; None where it cannot import what it needs."""
    try:
        return make(*args)
    except ImportError:
        return None


def scipy_loop(f, X):
    """A gradient a row."""
    verb = scipy_3_point()
    return lambda: [verb(f, x) for x in X]


def numba_parallel(X, out):
    """Central differences with Rosenbrock inlined, by Numba in two threads."""
    import numba

    @numba.njit
    def f(x):
        total = 0.0
        for i in range(x.size - 1):
            a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            total += 100.0 * a * a + b * b
        return total

    @numba.njit(parallel=True)
    def gradients(X, out):
        for row in numba.prange(X.shape[0]):
            x = X[row].copy()
            for i in range(x.size):
                at = x[i]
                h = 6.0554544523933395e-06 * max(abs(at), 1.0)
                x[i] = at + h
                right = f(x)
                x[i] = at - h
                out[row, i] = (right - f(x)) / ((at + h) - (at - h))
                x[i] = at

    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    return lambda: gradients(X, out)


def findiff(values):
    """The derivatives of an array along all axes."""
    import findiff

    derivatives = [findiff.Diff(axis, 1.0) for axis in range(values.ndim)]
    return lambda: [derivative(values) for derivative in derivatives]


def jax_rosenbrock(x):
    """Rosenbrock's gradient by JAX's reverse mode."""
    import jax

    jax.config.update("jax_enable_x64", True)
    total = jax.jit(jax.grad(lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()))
    return lambda: np.asarray(total(x))
