"""f that writes to the arrays that the user holds: derivatives are those of what was given when fastgrad was called."""

import numpy as np
import pytest

import fastgrad as fg

X = np.array([1.0, 2.0, 3.0])
V = np.array([1.0, -1.0, 0.5])
SLOPE, BENDS = 3 * X**2, np.diag(6 * X)


class Held:
    """Arrays that the user holds, and functions that overwrite them all when they are called."""

    def __init__(self):
        self.x, self.v, self.points = X.copy(), V.copy(), np.stack([X, X])
        self.lower, self.upper = X - 1.0, X + 1.0
        self.step, self.sizes, self.claim = np.full(3, 1e-4), np.ones(3), SLOPE.copy()
        self.matrix = np.diag(SLOPE)

    def spoil(self):
        for array in vars(self).values():
            array[...] = 7.5

    def f(self, x):
        self.spoil()
        return float((x**3).sum())

    def vector(self, x):
        self.spoil()
        return x**3

    def grad(self, x):
        """In an array of its own that f overwrites."""
        self.claim[...] = 3 * x**2
        return self.claim

    def jac(self, x):
        self.matrix[...] = np.diag(3 * x**2)
        return self.matrix

    @property
    def bounds(self):
        return self.lower, self.upper


VERBS = {
    "gradient": (lambda h, **o: fg.gradient(h.f, h.x, **o), SLOPE),
    "grad": (lambda h, **o: fg.grad(h.f, **o)(h.x), SLOPE),
    "value_and_grad": (lambda h, **o: fg.value_and_grad(h.f, **o)(h.x)[1], SLOPE),
    "partial": (lambda h, **o: fg.partial(h.f, h.x, 1, **o), SLOPE[1]),
    "batch_gradient": (lambda h, **o: fg.batch_gradient(h.f, h.points, **o), np.stack([SLOPE, SLOPE])),
    "jacobian": (lambda h, **o: fg.jacobian(h.vector, h.x, **o), np.diag(SLOPE)),
    "batch_jacobian": (lambda h, **o: fg.batch_jacobian(h.vector, h.points, **o), np.stack([np.diag(SLOPE)] * 2)),
    "sparse": (lambda h, **o: fg.jacobian(h.vector, h.x, sparsity=np.eye(3), **o).toarray(), np.diag(SLOPE)),
    "plan": (lambda h, **o: fg.plan_jacobian(h.vector, h.x, sparsity=np.eye(3), **o)(X).toarray(), np.diag(SLOPE)),
    "hessian": (lambda h, **o: fg.hessian(h.f, h.x, **o), BENDS),
}
OPTIONS = {
    "none": lambda h: {},
    "order": lambda h: {"order": 4},
    "forward": lambda h: {"method": "forward"},
    "step": lambda h: {"step": h.step},
    "typical": lambda h: {"typical_x": h.sizes},
    "bounds": lambda h: {"bounds": h.bounds},
    "forward step": lambda h: {"method": "forward", "step": h.step},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_verbs(verb, options):
    held = Held()
    call, exact = VERBS[verb]
    found = call(held, **OPTIONS[options](held))
    tolerance = 1e-3 if "forward" in options or verb == "hessian" else 1e-5
    np.testing.assert_allclose(found, exact, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("options", ["none", "bounds", "typical"])
def test_verbs_with_error_bars(options):
    held = Held()
    found = fg.differentiate(held.f, held.x, **OPTIONS[options](held))
    assert (np.abs(found.value - SLOPE) <= found.error).all()
    assert (found.error < 1e-8).all()
    held = Held()
    found = fg.differentiate(held.vector, held.x, **({} if options == "bounds" else OPTIONS[options](held)))
    np.testing.assert_allclose(found.value, np.diag(SLOPE), rtol=1e-9, atol=1e-9)


def test_verbs_along_directions():
    held = Held()
    np.testing.assert_allclose(fg.directional(held.f, held.x, held.v), SLOPE @ V, rtol=1e-8)
    held = Held()
    np.testing.assert_allclose(fg.jvp(held.vector, held.x, held.v), SLOPE * V, rtol=1e-8)
    held = Held()
    np.testing.assert_allclose(fg.hvp(held.f, held.x, held.v), BENDS @ V, rtol=1e-4)


@pytest.mark.parametrize("options", ["none", "bounds", "typical"])
def test_checks(options):
    held = Held()
    assert fg.check_grad(held.f, held.grad, held.x, **OPTIONS[options](held)).verdict == "right"
    if options == "none":
        held = Held()
        assert fg.check_jacobian(held.vector, held.jac, held.x).verdict == "right"
        held = Held()
        assert fg.check_jacobian(held.vector, held.matrix, held.x).verdict == "right"


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "adam", "bb"])
@pytest.mark.parametrize("rate", ["auto", 0.02])
@pytest.mark.parametrize("bounded", [False, True])
def test_descents(method, rate, bounded):
    """Those of a quadratic whose gradient is kept in an array that f overwrites."""

    class Quadratic(Held):
        def f(self, x):
            self.spoil()
            return float(((x - 0.5) ** 2).sum())

        def grad(self, x):
            self.claim[...] = 2 * (x - 0.5)
            return self.claim

    def run(held, f, grad):
        bounds = {"bounds": (held.lower - 5, held.upper)} if bounded else {}
        return fg.gradient_descent(f, held.x, grad=grad, method=method, learning_rate=rate, maxiter=40, **bounds)

    held = Quadratic()
    found = run(held, held.f, held.grad)
    clean = run(Held(), lambda x: float(((x - 0.5) ** 2).sum()), lambda x: 2 * (x - 0.5))
    np.testing.assert_array_equal(found.history["fun"], clean.history["fun"])
    np.testing.assert_array_equal(found.x, clean.x)
