"""Every verb, with a function that it takes: what tests of reliability are run on."""

import numpy as np

import fastgrad as fg

N = 4
X = np.linspace(0.5, 1.5, N)


def smooth(x):
    return float(np.sum(x**3))


def slopes(x):
    return 3 * x**2


def vector(x):
    return x**2 + x


def rows(X):
    return np.sum(X**3, axis=1)


# name: (verb taking a function, that function)
VERBS = {
    "gradient": (lambda f: fg.gradient(f, X), smooth),
    "forward": (lambda f: fg.gradient(f, X, method="forward"), smooth),
    "order 6": (lambda f: fg.gradient(f, X, order=6), smooth),
    "bounds": (lambda f: fg.gradient(f, X, bounds=(0.5, 1.5)), smooth),
    "adaptive": (lambda f: fg.gradient(f, X, method="adaptive"), smooth),
    "grad": (lambda f: fg.grad(f)(X), smooth),
    "value_and_grad": (lambda f: fg.value_and_grad(f)(X), smooth),
    "partial": (lambda f: fg.partial(f, X, 1), smooth),
    "mixed partial": (lambda f: fg.partial(f, X, 0, 1), smooth),
    "directional": (lambda f: fg.directional(f, X, np.ones(N)), smooth),
    "differentiate": (lambda f: fg.differentiate(f, X), smooth),
    "noise_level": (lambda f: fg.noise_level(f, X), smooth),
    "hessian": (lambda f: fg.hessian(f, X), smooth),
    "hvp": (lambda f: fg.hvp(f, X, np.ones(N)), smooth),
    "check_grad": (lambda f: fg.check_grad(f, slopes, X), smooth),
    "check_grad of grad": (lambda g: fg.check_grad(smooth, g, X), slopes),
    "gradient_descent": (lambda f: fg.gradient_descent(f, X, maxiter=3, bounds=(0.1, 2.0)), smooth),
    "jacobian": (lambda f: fg.jacobian(f, X), vector),
    "sparse jacobian": (lambda f: fg.jacobian(f, X, sparsity="detect"), vector),
    "batch_jacobian": (lambda f: fg.batch_jacobian(f, np.stack([X, X])), vector),
    "jvp": (lambda f: fg.jvp(f, X, np.ones(N)), vector),
    "batch_gradient": (lambda f: fg.batch_gradient(f, np.stack([X, X])), smooth),
    "vectorized": (lambda f: fg.batch_gradient(f, np.stack([X, 2 * X]), vectorized=True), rows),
    "sensitivity": (lambda f: fg.sensitivity(f, np.stack([X, 2 * X, 3 * X + 0.1])), rows),
}


class OwnError(Exception):
    pass


def numbers_of(result):
    """All numbers and words of a result, whatever it is: to compare it with another."""
    if isinstance(result, np.ndarray):
        return result.tolist()
    if isinstance(result, tuple):
        return list(map(numbers_of, result))
    if hasattr(result, "toarray"):
        return result.toarray().tolist()
    if hasattr(result, "to_dict"):
        plain = result.to_dict()
        plain.get("history", {}).pop("time", None)
        return plain
    if hasattr(result, "ranking"):
        return [result.values.tolist(), result.error.tolist(), result.ranking, result.kinds]
    assert isinstance(result, float), type(result)
    return result
