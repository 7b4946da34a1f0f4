"""Descents from many starts at once: each goes as it would alone."""

import ctypes

import numpy as np
import pytest

import fastgrad as fg

ARRAY = ctypes.POINTER(ctypes.c_double)
POINTER = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ARRAY, ctypes.c_void_p)
STARTS = np.random.default_rng(0).uniform(-1.2, 1.2, (40, 3))


def f(x):
    return float(np.sum(10 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rows(block):
    return np.sum(10 * (block[:, 1:] - block[:, :-1] ** 2) ** 2 + (1 - block[:, :-1]) ** 2, axis=1)


def columns(block):
    return rows(block.T)


def gradient(block):
    g = np.zeros_like(block)
    g[:, :-1] = -40 * block[:, :-1] * (block[:, 1:] - block[:, :-1] ** 2) - 2 * (1 - block[:, :-1])
    g[:, 1:] += 20 * (block[:, 1:] - block[:, :-1] ** 2)
    return g


@POINTER
def pointer(n, x, data):
    total = 0.0
    for i in range(n - 1):
        a, b = x[i + 1] - x[i] * x[i], 1 - x[i]
        total += 10 * a * a + b * b
    return total


compiled = fg.compile(lambda x, y, z: 10 * (y - x**2) ** 2 + (1 - x) ** 2 + 10 * (z - y**2) ** 2 + (1 - y) ** 2)
KINDS = {
    "python": (f, {}),
    "rows": (rows, {"vectorized": True}),
    "columns": (columns, {"vectorized": "columns"}),
    "pointer": (pointer, {}),
    "compiled": (compiled, {}),
    "threads": (compiled, {"workers": 3}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "adam", "bb"])
@pytest.mark.parametrize("rate", [1e-3, lambda k: 1e-3 / (1 + 0.01 * k)], ids=["fixed", "schedule"])
def test_each_goes_as_it_would_alone(kind, method, rate):
    function, options = KINDS[kind]
    options = options | {"method": method, "learning_rate": rate, "maxiter": 30, "gtol": 0.0}
    together = fg.gradient_descent(function, STARTS, batch=True, **options)
    assert together.x.shape == together.jac.shape == STARTS.shape
    assert (together.status == 1).all()
    assert (together.nit == 30).all()
    for k in (0, 7, 39):
        alone = fg.gradient_descent(
            f,
            STARTS[k],
            history=False,
            **{name: options[name] for name in ("method", "learning_rate", "maxiter", "gtol")},
        )
        # Steps of Barzilai and Borwein amplify how f was rounded.
        rtol = 1e-3 if method == "bb" else 1e-6
        np.testing.assert_allclose(together.x[k], alone.x, rtol=rtol, atol=1e-8)
        assert together.fun[k] == pytest.approx(f(together.x[k]), rel=1e-12)
    np.testing.assert_allclose(together.jac, gradient(together.x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["python", "rows", "compiled"])
@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "adam", "bb"])
def test_each_searches_as_it_would_alone(kind, method):
    """The same steps by backtracking, to the rounding of f."""
    function, options = KINDS[kind]
    rules = {"method": method, "maxiter": 8, "gtol": 1e-3}
    together = fg.gradient_descent(function, STARTS, batch=True, **rules, **options)
    for k in range(10):
        alone = fg.gradient_descent(f, STARTS[k], **rules)
        np.testing.assert_allclose(together.x[k], alone.x, rtol=1e-4, atol=1e-6)
        assert together.fun[k] == pytest.approx(alone.fun, rel=1e-4)
        assert (together.nit[k], together.status[k]) == (alone.nit, alone.status)


@pytest.mark.parametrize("kind", ["python", "rows", "compiled"])
@pytest.mark.parametrize("rate", ["auto", 1e-3])
def test_each_ends_where_f_falls_no_more_as_it_would_alone(kind, rate):
    function, options = KINDS[kind]
    rules = {"learning_rate": rate, "maxiter": 60, "gtol": 0.0, "ftol": 0.03}
    together = fg.gradient_descent(function, STARTS, batch=True, **rules, **options)
    assert together.success.any()
    for k in range(10):
        alone = fg.gradient_descent(f, STARTS[k], **rules)
        assert (together.nit[k], together.status[k]) == (alone.nit, alone.status)
        np.testing.assert_allclose(together.x[k], alone.x, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(together.jac, gradient(together.x), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["gd", "bb", "momentum"])
def test_backtracking_finds_the_minimum(kind, method):
    function, options = KINDS[kind]
    found = fg.gradient_descent(function, STARTS[:8], batch=True, method=method, gtol=1e-4, maxiter=3000, **options)
    assert found.success.all(), found
    np.testing.assert_allclose(found.x, 1.0, atol=1e-3)
    assert "8 of 8 starts converged" in str(found)


@pytest.mark.parametrize("kind", ["rows", "pointer", "compiled", "threads"])
def test_ended_starts_leave_the_block(kind):
    function, options = KINDS[kind]
    starts = np.ones((300, 3))
    starts[::3] = STARTS[0]  # the others are at the minimum
    starts[1, 0] = 1e200  # its gradient is not finite
    with np.errstate(over="ignore", invalid="ignore"):
        found = fg.gradient_descent(function, starts, batch=True, learning_rate=1e-3, gtol=1e-5, maxiter=50, **options)
    ended = np.zeros(300, dtype=int)
    ended[::3], ended[1] = 1, 3
    assert (found.status == ended).all()
    assert (found.nit == np.where(ended == 1, 50, 0)).all()
    assert found.x[1, 0] == 1e200
    assert (found.x[2] == 1.0).all()
    assert (found.x[::3] == found.x[0]).all()
    assert "left where f is finite" in str(found)
    # Evaluations of starts that had ended already are few, and counted.
    assert found.nfev < 1.3 * (100 * 51 + 200) * 6 + 2000


@pytest.mark.parametrize("method", ["momentum", "nesterov", "adam"])
@pytest.mark.parametrize("rate", ["auto", 0.05])
def test_starts_keep_their_own_memory_when_others_end(method, rate):
    """The first starts end first: what the method remembers of them goes with them, and changes no other's way."""

    def paraboloid(x):
        return float(np.sum([0.5, 1.0, 2.0] * x**2))

    options = {"grad": lambda x: [1.0, 2.0, 4.0] * x, "method": method, "learning_rate": rate, "gtol": 1e-2}
    starts = np.array([[0.01, -0.01, 0.01], [-0.3, 0.2, 0.1], [3.0, -2.0, 1.0], [-7.0, 5.0, 2.0]])
    together = fg.gradient_descent(paraboloid, starts, batch=True, **options)
    assert together.success.all()
    assert together.nit[0] < together.nit[2]
    for k in range(4):
        alone = fg.gradient_descent(paraboloid, starts[k], **options)
        assert together.nit[k] == alone.nit
        np.testing.assert_allclose(together.x[k], alone.x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["rows", "pointer", "compiled", "threads"])
def test_a_start_that_leaves_ends_at_its_last_finite_point(kind):
    """From 3 to 3 - 6 * 1e100, where the gradient is known, then to 1.2e201 or so, where it is not."""
    valley = fg.compile(lambda x: x[0] ** 2)
    function, options = {
        "rows": (lambda block: block[:, 0] ** 2, {"vectorized": True}),
        "pointer": (POINTER(lambda n, x, data: x[0] * x[0]), {}),
        "compiled": (valley, {}),
        "threads": (valley, {"workers": 2}),
    }[kind]
    starts = np.array([[3.0], [0.0], [-1.5]])
    with np.errstate(over="ignore", invalid="ignore"):
        found = fg.gradient_descent(function, starts, batch=True, learning_rate=1e100, maxiter=9, **options)
    assert found.status.tolist() == [3, 0, 3]
    np.testing.assert_allclose(found.x.ravel(), [-6e100, 0.0, 3e100], rtol=1e-6)
    assert np.isfinite(found.fun).all()


def test_the_number_of_threads_changes_nothing():
    starts = np.random.default_rng(1).uniform(-1.2, 1.2, (3000, 3))
    for function in (pointer, compiled):
        part = starts[:200] if function is pointer else starts
        options = {"batch": True, "learning_rate": 0.02, "method": "adam", "maxiter": 60, "gtol": 0.3}
        one = fg.gradient_descent(function, part, **options)
        two = fg.gradient_descent(function, part, workers=3, **options)
        assert (one.x == two.x).all()
        assert (one.nit == two.nit).all()
        assert len(set(one.nit.tolist())) > 3


def test_the_users_gradient_and_bounds():
    options = {"batch": True, "vectorized": True, "gtol": 1e-6, "maxiter": 5000}
    found = fg.gradient_descent(rows, STARTS[:6], grad=gradient, **options)
    assert found.success.all()
    assert found.nfev > 0
    np.testing.assert_allclose(found.x, 1.0, atol=1e-5)
    inside = []

    def watched(block):
        inside.append(np.abs(block).max())
        return rows(block)

    for rate in ("auto", 1e-2):
        found = fg.gradient_descent(watched, STARTS[:6] / 2, bounds=(-0.7, 0.7), learning_rate=rate, **options)
        assert found.success.all()
        assert max(inside) <= 0.7
        assert np.abs(found.x).max() <= 0.7


def test_limits_and_what_is_wrong():
    found = fg.gradient_descent(rows, STARTS, batch=True, vectorized=True, learning_rate=1e-3, max_evals=3000)
    assert (found.status == 1).all()
    assert found.nfev < 3000 + 40 * 8
    assert fg.gradient_descent(compiled, STARTS, batch=True, learning_rate=1e-3, max_time=0.0).nit.max() == 0
    with pytest.raises(ValueError, match=r"x0 has shape \(3,\)"):
        fg.gradient_descent(f, np.zeros(3), batch=True)
    with pytest.raises(ValueError, match="no checkpoint"):
        fg.gradient_descent(f, STARTS, batch=True, checkpoint="run.npz")
    with pytest.raises(ValueError, match="grad returned shape"):
        fg.gradient_descent(rows, STARTS, batch=True, vectorized=True, grad=lambda block: block[:, :1])
    failing = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ARRAY, ARRAY, ctypes.c_void_p)
    with pytest.raises(RuntimeError, match="returned 3, not 0"):
        fg.gradient_descent(failing(lambda *_: 3), STARTS, batch=True, learning_rate=0.1)


def test_a_fall_must_be_worth_its_step():
    """A fall of 1e-9 where the slope promises 0.1 is too little (Armijo): a shorter step is taken, worth its length."""

    def f(x):
        return 1.0 - 1e-9 if x[0] < 0.93 else float(x[0])

    found = fg.gradient_descent(f, [[1.0]], batch=True, grad=lambda x: np.ones_like(x), maxiter=1)
    assert 0.93 <= found.x[0, 0] < 1.0
    assert found.fun[0] == found.x[0, 0]
    alone = fg.gradient_descent(f, np.array([1.0]), grad=lambda x: np.ones_like(x), maxiter=1)
    assert 0.93 <= alone.x[0] < 1.0


@pytest.mark.parametrize("kind", ["rows", "pointer", "compiled", "threads"])
def test_blocks_shrink_as_starts_end(kind):
    """Most starts end at different times, long before the last: evaluations follow those that run."""
    function, options = KINDS[kind]
    starts = 1.0 + np.random.default_rng(3).uniform(-1, 1, (400, 3)) * np.logspace(-6, -2, 400)[:, None]
    starts[0] = [-1.0, 1.0, 0.5]
    found = fg.gradient_descent(function, starts, batch=True, learning_rate=0.01, gtol=1e-3, maxiter=300, **options)
    assert (found.status == 0).sum() > 200
    assert found.njev.max() == found.njev[0] > 4 * np.median(found.njev)
    # A gradient takes 6 evaluations; an eighth of a block may have ended; f where they start and end, and some more.
    assert found.nfev <= 1.2 * 6 * found.njev.sum() + 10 * len(starts)
