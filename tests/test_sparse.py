"""Sparse Jacobians and Hessians: patterns found, colours valid, entries exact, wrong patterns caught."""

import ctypes
import math
import tracemalloc
import warnings

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosenbrock import rosenbrock, rosenbrock_gradient
from scipy import integrate, optimize, sparse
from sparse_examples import jacobian_of_tridiagonal, patterns, tridiagonal, weighted

import fastgrad as fg
from fastgrad.sparse.patterns import as_kernel, coloured, detected

matplotlib.use("Agg")


def laplacian(side):
    line = sparse.diags_array([np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1])
    eye = sparse.eye_array(side)
    return sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line)).astype(bool)


@given(patterns())
@settings(max_examples=200)
def test_columns_of_a_colour_share_no_row(pattern):
    kernel = as_kernel(sparse.csr_array(pattern))
    for smallest_last in (False, True):
        colours, count = kernel.colours(smallest_last)
        assert colours.min() >= 0
        assert set(colours.tolist()) == set(range(count))
        for c in range(count):
            assert pattern[:, colours == c].sum(axis=1).max() <= 1


@given(patterns(square=True))
@settings(max_examples=200)
def test_star_colours(pattern):
    pattern = pattern | pattern.T | np.eye(len(pattern), dtype=bool)
    n = len(pattern)
    for smallest_last in (False, True):
        colours, _ = as_kernel(sparse.csr_array(pattern)).colours(smallest_last, star=True)
        # No edge, and no path of four, has only one, or two, colours.
        for v in range(n):
            for w in np.flatnonzero(pattern[v]):
                if w != v:
                    assert colours[v] != colours[w]
                    for y in np.flatnonzero(pattern[w]):
                        if y not in (v, w):
                            for z in np.flatnonzero(pattern[y]):
                                if z not in (v, w, y):
                                    assert len({colours[v], colours[w], colours[y], colours[z]}) > 2


def test_colours_are_few():
    n = 1000
    band = jacobian_of_tridiagonal(np.ones(n)).astype(bool)
    assert coloured(as_kernel(band))[1] == 3
    grid = laplacian(30)
    ours = coloured(as_kernel(grid))[1]
    assert 5 <= ours <= optimize._numdiff.group_columns(grid).max() + 1
    # A crown graph: two colours are enough, and the natural order takes eight.
    crown = np.zeros((64, 16), dtype=bool)
    for row, (i, j) in enumerate((i, j) for i in range(8) for j in range(8) if i != j):
        crown[row, [2 * i, 2 * j + 1]] = True
    assert coloured(as_kernel(sparse.csr_array(crown)))[1] == 2
    assert coloured(as_kernel(grid), star=True)[1] <= ours
    assert coloured(as_kernel(sparse.eye_array(50, dtype=bool).tocsr()))[1] == 1


@given(patterns(), st.booleans())
@settings(max_examples=150)
def test_random_patterns_are_found_exactly(pattern, nan):
    weights = np.where(pattern, 1.5, 0.0)
    rows = [np.flatnonzero(row) for row in pattern]

    def f(x):
        return np.array([np.sin(x[columns]) @ weights[i, columns] for i, columns in enumerate(rows)])

    x = np.linspace(0.3, 1.1, pattern.shape[1])
    assert (detected(f, x, nan=nan).toarray() == pattern).all()


@pytest.mark.parametrize("n", [1, 2, 3, 1000, 100_000])
def test_a_band_takes_a_few_hundred_evaluations(n):
    calls = []

    def f(x):
        calls.append(1)
        return tridiagonal(x)

    found = detected(f, np.linspace(-1, 1, n))
    assert len(calls) < 300
    assert (found != jacobian_of_tridiagonal(np.linspace(-1, 1, n)).astype(bool)).nnz == 0


def test_a_zero_by_chance_is_not_lost():
    found = detected(lambda x: np.array([(x[0] - 1) ** 2 * x[1], x[1]]), np.array([1.0, 0.0]))
    assert found.toarray().tolist() == [[True, True], [False, True]]


def test_noise_has_no_pattern():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="not deterministic"):
        fg.plan_jacobian(lambda x: x + rng.standard_normal(x.size), np.ones(3))


@given(patterns())
@settings(max_examples=60)
def test_compressed_jacobians_are_the_dense_ones(pattern):
    f, exact = weighted(pattern)
    x = np.linspace(0.3, 1.1, pattern.shape[1])
    for method, atol in (("central", 1e-9), ("forward", 1e-6)):
        found = fg.jacobian(f, x, sparsity=pattern, method=method)
        np.testing.assert_allclose(found.toarray(), exact(x), atol=atol)


@pytest.mark.parametrize("sparsity", ["detect", "nan", "pattern"])
def test_many_points_and_a_plan(sparsity):
    n, calls = 200, []

    def f(x):
        calls.append(1)
        return tridiagonal(x)

    pattern = jacobian_of_tridiagonal(np.ones(n)) if sparsity == "pattern" else sparsity
    plan = fg.plan_jacobian(f, np.linspace(-1, 1, n), sparsity=pattern)
    assert "3 colours, 6 evaluations instead of 400" in str(plan)
    assert plan.nfev == len(calls)
    plan(np.ones(n))
    for x, compared in ((np.linspace(0.9, 1, n), 0), (np.linspace(3, 2, n), 2)):
        calls.clear()
        found = plan(x)
        assert plan.evaluations == 6
        assert len(calls) == 6 + compared  # where x has jumped
        assert isinstance(found, sparse.csr_array)
        np.testing.assert_allclose(found.toarray(), jacobian_of_tridiagonal(x).toarray(), atol=1e-8)
    axes = plan.plot()
    assert len(axes.collections[0].get_offsets()) == 3 * n - 2


def test_every_kind_of_function():
    x = np.linspace(-1, 1, 30)
    expected = jacobian_of_tridiagonal(x).toarray()

    def rows(block):
        r = 3 * block - 2 * block**2 + 1
        r[:, 1:] -= block[:, :-1]
        r[:, :-1] -= 2 * block[:, 1:]
        return r

    local = lambda x: 3 * x - 2 * x**2 + 1 - np.append(0, x[:-1]) - 2 * np.append(x[1:], 0)  # noqa: E731
    for f, options in (
        (rows, {"vectorized": True}),
        (lambda block: rows(block.T).T, {"vectorized": "columns"}),
        (local, {"workers": 2}),
        (lambda x, k: k * local(x), {"args": (1.0,)}),
    ):
        np.testing.assert_allclose(fg.jacobian(f, x, sparsity="detect", **options).toarray(), expected, atol=1e-8)


def test_f_may_overwrite_keep_and_reuse():
    x = np.linspace(-1, 1, 30)
    expected = jacobian_of_tridiagonal(x).toarray()
    kept, buffer = [], np.empty(30)

    def overwriting(x):
        r = tridiagonal(x)
        x[:] = 99.0
        return r

    def keeping(x):
        kept.append(x)
        return tridiagonal(x)

    def reusing(x):
        buffer[:] = tridiagonal(x)
        return buffer

    for f in (overwriting, keeping, reusing, lambda x: reusing(x)[:], lambda x: tridiagonal(x).tolist()):
        found = fg.jacobian(f, x, sparsity=jacobian_of_tridiagonal(x))
        np.testing.assert_allclose(found.toarray(), expected, atol=1e-8)
    assert (tridiagonal(kept[0]) == tridiagonal(x)).all()


@pytest.mark.parametrize("vectorized", [False, True, "columns"])
def test_the_complex_step_is_exact(vectorized):
    x = np.linspace(-1, 1, 30)

    def f(x):
        by_row = np.atleast_2d(x.T if vectorized == "columns" else x)
        r = np.exp(by_row) - 2 * by_row**2
        r[:, 1:] -= by_row[:, :-1]
        return {False: r[0], True: r, "columns": r.T}[vectorized]

    exact = np.diag(np.exp(x) - 4 * x) - np.diag(np.ones(29), -1)
    plan = fg.plan_jacobian(f, x, method="complex", vectorized=vectorized)
    assert plan.evaluations == 2
    # A step of 1e-3 is seen: the imaginary part of exp(x + ih) is sin(h) exp(x).
    coarse = fg.jacobian(f, x, method="complex", vectorized=vectorized, sparsity=plan.pattern, step=1e-3)
    np.testing.assert_allclose(coarse.diagonal(), np.exp(x) * np.sin(1e-3) / 1e-3 - 4 * x, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(plan(x).toarray(), exact, rtol=1e-14, atol=1e-15)


def test_bounds_are_kept():
    x = np.array([0.0, 1.0, 0.5, 1.0, 0.0])
    inside = []

    def f(x):
        inside.append(x.copy())
        return tridiagonal(x)

    for method, atol in (("central", 1e-6), ("forward", 1e-6)):
        for pattern in ("detect", jacobian_of_tridiagonal(x)):
            found = fg.jacobian(f, x, sparsity=pattern, bounds=(0.0, 1.0), method=method)
            np.testing.assert_allclose(found.toarray(), jacobian_of_tridiagonal(x).toarray(), atol=atol)
    assert np.min(inside) >= 0.0
    assert np.max(inside) <= 1.0


@pytest.mark.parametrize("method", ["central", "forward"])
def test_a_coordinate_that_its_bounds_fix_has_no_derivative(method):
    """NaN, also where f is noisy: a difference of two values at the same point, over 0, would be infinite."""
    x, rng = np.linspace(0.5, 1.5, 30), np.random.default_rng(0)
    pattern = np.eye(30, dtype=bool)
    pattern[:, 0] = True
    lower, upper = np.full(30, -2.0), np.full(30, 2.0)
    lower[0] = upper[0] = x[0]

    def f(x):
        return x[0] * np.arange(1.0, 31.0) + x**2 + 1e-14 * rng.normal(size=30)

    found = fg.jacobian(f, x, sparsity=pattern, bounds=(lower, upper), method=method).toarray()
    assert np.isnan(found[:, 0]).all()
    np.testing.assert_allclose(found[:, 1:], np.diag(2 * x)[:, 1:], atol=1e-5)


def test_float32_takes_a_longer_step():
    x = np.linspace(0.2, 1, 20)
    found = fg.jacobian(lambda x: tridiagonal(x.astype(np.float32)), x, sparsity="detect")
    np.testing.assert_allclose(found.toarray(), jacobian_of_tridiagonal(x).toarray(), atol=1e-2)


def test_a_wrong_pattern_is_an_error_never_a_wrong_number():
    x = np.linspace(-1, 1, 10)
    lacking = jacobian_of_tridiagonal(x).tolil()
    lacking[4, 5] = 0
    with pytest.raises(ValueError, match=r"pattern is wrong: f\[4\] depends on x\[5\]"):
        fg.jacobian(tridiagonal, x, sparsity=lacking)
    with pytest.raises(ValueError, match=r"shape \(3, 3\); expected \(10, 10\)"):
        fg.jacobian(tridiagonal, x, sparsity=np.eye(3))
    with pytest.raises(ValueError, match="sparsity is 'auto'"):
        fg.jacobian(tridiagonal, x, sparsity="auto")
    with pytest.raises(TypeError, match="two axes"):
        fg.jacobian(tridiagonal, x, sparsity=[True])
    with pytest.raises(ValueError, match="takes functions of many values"):
        fg.jacobian(tridiagonal, x, sparsity="detect", method="adaptive")
    with pytest.raises(TypeError, match="computes with complex numbers"):
        fg.jacobian(lambda x: tridiagonal(x.real), x, sparsity="detect", method="complex")
    plan = fg.plan_jacobian(tridiagonal, x)
    with pytest.raises(ValueError, match="9 coordinates, but the plan is for 10"):
        plan(np.ones(9))
    with pytest.raises(ValueError, match=r"x\[0\] is nan"):
        plan(np.full(10, np.nan))

    def failing(x):
        if x[3] != x_bad[3]:
            raise RuntimeError("no")
        return tridiagonal(x)

    x_bad = x
    with pytest.raises(RuntimeError, match="no") as caught:
        fg.jacobian(failing, x, sparsity=jacobian_of_tridiagonal(x))
    assert "coordinates moved, the first x[0]" in caught.value.__notes__[0]


@pytest.mark.filterwarnings("ignore:fixed steps do not fit")
def test_a_right_pattern_is_never_refused():
    """However far a row of the Jacobian is off: near an edge, at its minimum, within narrow bounds, in float32."""
    rng = np.random.default_rng(0)
    functions = [
        (lambda x: np.log(x + 1e-5), 0.0, 1.0),
        (lambda x: x**2, -1.0, 1.0),
        (lambda x: np.cos(1e3 * x), 0.0, 1.0),
        (lambda x: np.tanh(x.astype(np.float32) * np.float32(3)), -1.0, 1.0),
        (lambda x: np.exp(30 * x) + np.roll(x, 1), 0.0, 1.0),
    ]
    for f, low, high in functions:
        for method in ("central", "forward"):
            for _ in range(20):
                x = rng.uniform(low, high, 6) * rng.choice([0.0, 1e-4, 1.0], 6)
                below, above = 10.0 ** rng.uniform(-9, 0, (2, 6))
                bounds = (np.maximum(x - below, low), np.minimum(x + above, high))
                fg.jacobian(f, x, sparsity=np.eye(6) + np.roll(np.eye(6), 1, axis=0), bounds=bounds, method=method)
                fg.jacobian(f, x, sparsity="detect", bounds=bounds, method=method)


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_a_plan_in_a_fit_within_bounds(method):
    """The points of a fit come close to bounds, of which one holds at the solution."""
    x = np.full(12, 0.4)
    bounds = (np.full(12, -1.0), np.where(np.arange(12) == 5, 0.5, 2.0))

    def f(x):
        return np.concatenate([x**2 - 0.49, [3 * (x[5] - 0.9)]])

    plan = fg.plan_jacobian(f, x, bounds=bounds)
    found = optimize.least_squares(f, x, jac=plan, bounds=bounds, method=method)
    np.testing.assert_allclose(found.x, np.where(np.arange(12) == 5, 0.5, 0.7), atol=1e-6)


def upwind(u):
    """Differences on the side that the wind comes from."""
    return -np.where(u > 0, u * (u - np.roll(u, 1)), u * (np.roll(u, -1) - u))


@pytest.mark.parametrize("sparsity", ["detect", "nan"])
def test_a_pattern_that_was_found_grows_where_f_branches(sparsity):
    u = 1 + 0.1 * np.sin(np.arange(30))
    plan = fg.plan_jacobian(upwind, u, sparsity=sparsity)
    plan(u)
    entries = plan.pattern.nnz
    with pytest.warns(RuntimeWarning, match=r"f\[\d+\] depends on x\[\d+\] here.*entries are added"):
        found = plan(-u)
    np.testing.assert_allclose(found.toarray(), jacobian_of_upwind(-u), atol=1e-7)
    assert plan.pattern.nnz > entries
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(plan(u).toarray(), jacobian_of_upwind(u), atol=1e-7)


def jacobian_of_upwind(u):
    n = u.size
    found = np.zeros((n, n))
    for i in range(n):
        left, right = (i - 1) % n, (i + 1) % n
        if u[i] > 0:
            found[i, i], found[i, left] = -(2 * u[i] - u[left]), u[i]
        else:
            found[i, i], found[i, right] = -(u[right] - 2 * u[i]), -u[i]
    return found


def test_a_pattern_that_was_given_is_compared_where_x_jumps():
    u = 1 + 0.1 * np.sin(np.arange(30))
    plan = fg.plan_jacobian(upwind, u, sparsity=jacobian_of_upwind(u) != 0)
    plan(u)
    for _ in range(2):
        with pytest.raises(ValueError, match="pattern is wrong"):
            plan(-u)


def test_comparisons_cost_a_twentieth():
    calls = []
    x = np.linspace(1, 2, 50)
    plan = fg.plan_jacobian(lambda x: calls.append(1) or tridiagonal(x), x)
    calls.clear()
    for k in range(100):
        plan(x + 1e-3 * k)
    assert 600 + 2 < len(calls) <= 1.05 * 600 + 2


def test_edges_of_the_domain_beside_where_a_pattern_is_found():
    def f(x):
        return np.array([math.log(v) for v in x]) + np.roll(x, 1)

    x = np.array([1e-5, 1.0, 2e-5, 3.0])
    found = fg.plan_jacobian(f, x).pattern.toarray()
    assert found.tolist() == (np.eye(4) + np.roll(np.eye(4), 1, axis=0) > 0).tolist()


def test_memory_stays_with_the_entries():
    n = 100_000
    x = np.linspace(-1, 1, n)
    plan = fg.plan_jacobian(tridiagonal, x, sparsity=jacobian_of_tridiagonal(x))
    plan(x)
    tracemalloc.start()
    plan(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * n * 8


def test_scipy_takes_plans():
    n = 50
    x = np.full(n, -1.0)
    plan = fg.plan_jacobian(tridiagonal, x)
    found = optimize.least_squares(tridiagonal, x, jac=plan)
    assert np.abs(tridiagonal(found.x)).max() < 1e-6
    assert found.nfev < 20

    def heat(t, u):
        flow = np.diff(u)
        return 100.0 * (np.append(flow, 0) - np.append(0, flow))

    cooling = fg.plan_jacobian(lambda u: heat(0.0, u), np.linspace(0, 1, n))
    end = integrate.solve_ivp(
        heat, (0, 100.0), np.linspace(0, 1, n), method="BDF", jac=lambda t, u: sparse.csc_array(cooling(u)), rtol=1e-8
    )
    assert end.success
    np.testing.assert_allclose(end.y[:, -1], 0.5, atol=1e-3)
    zero = optimize.root(tridiagonal, x, jac=plan.dense)
    assert zero.success


def test_the_gradient_of_a_sum_takes_a_few_evaluations():
    n, calls = 100_000, []

    def terms(x):
        calls.append(1)
        return 100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2

    x = np.linspace(-1.0, 1.0, n)
    pattern = sparse.diags_array([np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1], shape=(n - 1, n))
    found = fg.gradient(terms, x, summed=True, sparsity=pattern)
    np.testing.assert_allclose(found, rosenbrock_gradient(x), atol=1e-5)
    assert len(calls) <= 2 * 2 + 5
    np.testing.assert_allclose(fg.gradient(terms, x, summed=True, sparsity="detect"), rosenbrock_gradient(x), atol=1e-5)
    small = x[:: n // 20]
    np.testing.assert_allclose(fg.gradient(terms, small, summed=True), rosenbrock_gradient(small), rtol=1e-7, atol=1e-7)
    with pytest.raises(ValueError, match="needs summed=True"):
        fg.gradient(rosenbrock, small, sparsity="detect")


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("vectorized", [False, True])
def test_every_order_within_bounds(order, bounded, vectorized):
    x = np.linspace(-1.0, 1.0, 12)
    bounds = (-1.0, np.where(np.arange(12) == 5, x, 1.0)) if bounded else None
    seen = []

    def f(x):
        seen.append(x.copy())
        return np.exp(0.3 * x) + np.sin(np.roll(x, 1, axis=-1)) * x

    exact = np.diag(0.3 * np.exp(0.3 * x) + np.sin(np.roll(x, 1)))
    exact[np.arange(12), np.arange(12) - 1] += np.cos(np.roll(x, 1)) * x
    options = {"order": order, "bounds": bounds, "vectorized": vectorized}
    plan = fg.plan_jacobian(f, x, sparsity=exact != 0, **options)
    before = plan.nfev
    found = plan(x)
    assert plan.nfev - before == plan.evaluations + 2 == order * plan.n_colours + bounded + 2
    np.testing.assert_allclose(found.toarray(), exact, atol={2: 3e-8, 4: 1e-9, 6: 1e-10, 8: 1e-10}[order])
    if bounded:
        points = np.concatenate([p.reshape(-1, 12) for p in seen])
        assert (points >= bounds[0]).all()
        assert (points <= bounds[1]).all()
    np.testing.assert_allclose(
        fg.gradient(f, x, summed=True, sparsity=exact != 0, **options), exact.sum(axis=0), atol=1e-7
    )


def test_a_plan_allocates_its_result_steps_its_own_point_and_that_which_f_gets():
    n = 100_000
    x, held = np.linspace(-1.0, 1.0, n), np.empty(n)

    def f(x):
        return np.multiply(x, 2.0, out=held).copy()

    plan = fg.plan_jacobian(f, x, sparsity=sparse.eye_array(n))
    plan(x)
    tracemalloc.start()
    plan(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    values = 2 * 8 * n  # of f, of one colour
    assert peak < values + 8 * plan.pattern.nnz + 3 * 8 * n + 20_000


def test_a_compiled_functions_evaluations_are_counted():
    """It has one value, which needs no call to be seen."""
    calls = []

    @ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)
    def f(n, x, data):
        calls.append(1)
        return x[0] ** 2 + x[1]

    plan = fg.plan_jacobian(f, np.array([1.0, 2.0, 3.0]), sparsity=np.array([[1, 1, 0]]))
    assert plan.nfev == len(calls) == 0
    np.testing.assert_allclose(plan([1.0, 2.0, 3.0]).toarray(), [[2.0, 1.0, 0.0]], atol=1e-9)
    assert plan.nfev == len(calls)


@pytest.mark.parametrize("n", [1, 5])
def test_a_plan_that_is_wrong_is_looked_at_as_a_dense_jacobian(n):
    """Dates: a step is longer than a period. No entry is lacking, but f disagrees."""
    x = 60000.0 + 0.1 * np.arange(1, n + 1)

    def f(x):
        return np.sin(2 * np.pi * (x - 60000.0) / 1.3)

    exact = 2 * np.pi / 1.3 * np.cos(2 * np.pi * (x - 60000.0) / 1.3)
    plan = fg.plan_jacobian(f, x, sparsity=np.eye(n))
    with pytest.warns(RuntimeWarning, match="fixed steps do not fit f along x"):
        found = plan(x)
    np.testing.assert_allclose(found.toarray(), np.diag(exact), rtol=1e-6)
    with pytest.warns(RuntimeWarning, match="fixed steps do not fit f along x"):
        fg.jacobian(f, x, sparsity="detect")


def test_a_plan_by_complex_steps_says_where_they_are_wrong():
    x = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"the complex step is wrong at x\[0\], x\[1\], x\[2\]"):
        fg.jacobian(lambda x: x * np.conj(x), x, sparsity=np.eye(3), method="complex")
