"""The verbs against derivatives known by hand, for every shape, structure and kind of function."""

import dataclasses
import math
import threading
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize

import fastgrad as fg
from fastgrad.evaluate import border

X = np.array([0.3, -1.2, 2.5, 0.7])


def f(x):
    return float(np.sum(np.sin(x) * x) + x[0] * x[1] ** 2)


def df(x):
    g = np.sin(x) + x * np.cos(x)
    g[0] += x[1] ** 2
    g[1] += 2 * x[0] * x[1]
    return g


def rows(X):
    return np.sum(np.sin(X) * X, axis=1) + X[:, 0] * X[:, 1] ** 2


def columns(x):
    return np.sum(np.sin(x) * x, axis=0) + x[0] * x[1] ** 2


def analytic(x):
    return np.sum(np.sin(x) * x) + x[0] * x[1] ** 2


METHODS = [
    ({"method": "forward"}, 1e-6),
    ({"order": 2}, 1e-9),
    ({"order": 4}, 1e-11),
    ({"order": 6}, 1e-11),
    ({"order": 8}, 1e-10),
    ({"method": "complex"}, 1e-15),
]


@pytest.mark.parametrize(("options", "tolerance"), METHODS)
@pytest.mark.parametrize(("function", "vectorized"), [(analytic, False), (rows, True), (columns, "columns")])
def test_every_method_and_kind(options, tolerance, function, vectorized):
    g = fg.gradient(function, X, vectorized=vectorized, **options)
    assert g.shape == X.shape
    assert np.abs(g - df(X)).max() < tolerance


@pytest.mark.parametrize(("order", "evaluations"), [(2, 2), (4, 4), (6, 6), (8, 8)])
def test_a_component_costs_its_order(order, evaluations):
    calls = []
    fg.gradient(lambda x: calls.append(1) or f(x), X, order=order)
    assert len(calls) == evaluations * X.size


def test_forward_costs_one_a_component_and_one():
    calls = []
    fg.gradient(lambda x: calls.append(1) or f(x), X, method="forward")
    assert len(calls) == X.size + 1


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_error_falls_with_the_order(order):
    # sin at 1: the error of order p falls by 2**p when the step halves, far above rounding.
    h = {2: 1e-2, 4: 0.1, 6: 0.2, 8: 0.4}[order]
    errors = [abs(fg.gradient(lambda x: math.sin(x), 1.0, order=order, step=s) - math.cos(1)) for s in (h, h / 2)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("side", [(0.0, None), (None, 0.0)])
def test_error_of_one_sided_stencils_falls_with_the_order(order, side):
    h = {2: 1e-2, 4: 0.05, 6: 0.1, 8: 0.1}[order]
    errors = [abs(fg.gradient(lambda x: math.exp(x), 0.0, order=order, step=s, bounds=side) - 1) for s in (h, h / 2)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


def test_a_constant_has_derivative_zero_exactly():
    for c in (0.1, 1e300, -3.7):
        for options, _ in METHODS[:-1]:
            assert not fg.gradient(lambda x, c=c: c, X, **options).any()


def test_a_linear_function_has_its_slope_exactly():
    assert fg.gradient(lambda x: 3.0 * x, 5.0, step=0.25) == 3.0


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (3.0, float),
        (3, float),
        (np.float64(3), np.float64),
        (np.float32(3), np.float64),
        (np.array(3.0), np.ndarray),
        (np.array([3]), np.ndarray),
        (np.array([[3.0, 1.0]]), np.ndarray),
        ([3.0], np.ndarray),
        ((3.0, 1.0), np.ndarray),
        ([[3, 1.0], [2, 2]], np.ndarray),
    ],
)
def test_shape_and_structure_are_kept(x, kind):
    """Numbers give numbers; arrays, and lists of numbers, arrays of their shape."""
    g = fg.gradient(lambda v: float(np.sum(np.asarray(v) ** 2)), x)
    assert type(g) is kind
    assert np.shape(g) == np.shape(x)
    assert np.asarray(g).dtype == np.float64
    assert np.allclose(g, 2 * np.asarray(x, float), rtol=1e-9)


Pair = namedtuple("Pair", "a b")


@dataclasses.dataclass
class Layer:
    W: np.ndarray
    b: np.ndarray
    gain: float = 1.0


def test_pytrees():
    x = {"layer": Layer(np.ones((2, 3)), np.arange(3.0)), "pair": Pair(2.0, [np.array([1.0, 4.0])]), "t": (0.5,)}

    def g(p):
        assert isinstance(p["pair"], Pair)
        assert isinstance(p["t"][0], float)
        layer = p["layer"]
        return (layer.W.sum() * layer.gain + (layer.b**2).sum()) * p["pair"].a + p["pair"].b[0][1] * p["t"][0]

    d = fg.gradient(g, x)
    assert isinstance(d["layer"], Layer)
    assert np.allclose(d["layer"].W, 2.0)
    assert np.allclose(d["layer"].b, 4 * np.arange(3.0))
    assert d["layer"].gain == pytest.approx(12.0)
    assert isinstance(d["pair"], Pair)
    assert d["pair"].a == pytest.approx(11.0)
    assert np.allclose(d["pair"].b[0], [0, 0.5])
    assert d["t"][0] == pytest.approx(4.0)
    assert fg.partial(g, x, "layer.b[2]") == pytest.approx(8.0)
    assert fg.partial(g, x, "t[0]") == pytest.approx(4.0)


def test_a_tree_comes_back_with_its_keys_in_their_order():
    seen = []

    def g(p):
        seen.append(list(p))
        return 2 * p["weight"] + p["bias"]

    assert list(fg.gradient(g, {"weight": 1.0, "bias": 2.0}).items()) == [
        ("weight", pytest.approx(2.0)),
        ("bias", pytest.approx(1.0)),
    ]
    assert all(keys == ["weight", "bias"] for keys in seen)


def test_partial_first_second_and_mixed():
    x = np.array([1.0, 2.0])

    def g(x):
        return x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3

    assert fg.partial(g, x, 0) == pytest.approx(28, rel=1e-9)
    assert fg.partial(g, x, -1) == pytest.approx(37, rel=1e-9)
    assert fg.partial(g, x, 0, 0) == pytest.approx(4, rel=1e-5)
    assert fg.partial(g, x, 0, 1) == pytest.approx(38, rel=1e-6)
    assert fg.partial(g, x, 1, 1) == pytest.approx(36, rel=1e-5)
    assert fg.partial(lambda m: (m**3).sum(), np.ones((2, 2)), (1, 0)) == pytest.approx(3, rel=1e-8)
    assert fg.partial(rows, X, 1, vectorized=True) == fg.gradient(rows, X, vectorized=True)[1]
    assert fg.partial(analytic, X, 1, method="complex") == pytest.approx(df(X)[1], rel=1e-15)


def test_directional():
    v = np.array([1.0, -2.0, 0.0, 3.0])
    for options, tolerance in METHODS:
        assert fg.directional(analytic, X, v, **options) == pytest.approx(v @ df(X), rel=10 * tolerance)
    assert fg.directional(f, X, 0 * v) == 0.0


def test_grad_argnums_args_and_kwargs():
    def g(x, y, z=1.0):
        return z * x * y**2

    assert fg.grad(g)(3.0, 2.0) == pytest.approx(4.0)
    assert fg.grad(g, argnums=1)(3.0, 2.0, z=2.0) == pytest.approx(24.0)
    gx, gy = fg.grad(g, argnums=(0, 1))(3.0, np.array(2.0))
    assert (float(gx), float(gy)) == pytest.approx((4.0, 12.0))
    assert fg.gradient(g, 3.0, args=(2.0,)) == pytest.approx(4.0)
    assert fg.gradient(lambda x, *a: x * sum(a), 3.0, args=tuple(range(10))) == pytest.approx(45.0)
    value, slope = fg.value_and_grad(g)(3.0, 2.0)
    assert value == 12.0
    assert slope == pytest.approx(4.0)


def test_grad_fits_scipy_minimize():
    rosen = optimize.rosen
    found = optimize.minimize(rosen, [1.3, 0.7, 0.8], jac=fg.grad(rosen))
    assert np.allclose(found.x, 1, atol=1e-5)
    found = optimize.minimize(fg.value_and_grad(rosen), [1.3, 0.7, 0.8], jac=True)
    assert np.allclose(found.x, 1, atol=1e-5)


@pytest.mark.parametrize(("function", "vectorized"), [(f, False), (rows, True), (columns, "columns")])
@pytest.mark.parametrize("options", [{}, {"order": 4}, {"method": "forward"}])
def test_batch_is_bit_identical_to_single_points(function, vectorized, options):
    B = np.random.default_rng(0).normal(size=(700, 4))
    G = fg.batch_gradient(function, B, vectorized=vectorized, **options)
    single = [fg.gradient(function, row, vectorized=vectorized, **options) for row in B[:20]]
    if vectorized != "columns":
        assert (G[:20] == single).all()
    assert np.allclose(G, [df(row) for row in B], rtol=1e-5, atol=1e-5)


def test_batch_out_and_layouts():
    B = np.asfortranarray(np.random.default_rng(0).normal(size=(50, 4)))
    out = np.empty((50, 4))
    assert fg.batch_gradient(rows, B, vectorized=True, out=out) is out
    assert (out == fg.batch_gradient(rows, B.copy(order="C"), vectorized=True)).all()
    assert fg.batch_gradient(rows, np.empty((0, 4)), vectorized=True).shape == (0, 4)


def test_batch_memory_is_bounded():
    import tracemalloc

    B = np.zeros((40_000, 50))
    out = np.empty_like(B)
    tracemalloc.start()
    fg.batch_gradient(lambda X: X[:, 0], B, vectorized=True, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@settings(max_examples=60)
@given(
    x=hnp.arrays(
        st.sampled_from(["<f8", ">f8", "<f4", "<i4", "u1"]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
        elements=st.integers(0, 100),
    ),
    order=st.sampled_from("CF"),
    a=st.floats(-3, 3),
)
def test_layouts_and_shapes(x, order, a):
    x = np.asarray(x, order=order)
    found = fg.gradient(lambda v: np.sum(np.cos(v)) + a * np.sum(np.sqrt(v + 1)), x)
    assert np.shape(found) == x.shape
    exact = x.astype(float)
    np.testing.assert_allclose(found, -np.sin(exact) + a * 0.5 / np.sqrt(exact + 1), rtol=1e-6, atol=1e-6)


def test_f_may_keep_its_argument():
    kept = []

    def g(x):
        kept.append(x)
        return (x**2).sum()

    assert np.allclose(fg.gradient(g, X), 2 * X)
    for k, x in enumerate(kept):
        assert (x != X).sum() == 1, f"argument {k} was changed after the call"
    assert len({id(x) for x in kept}) == len(kept)


@pytest.mark.parametrize("kind", ["rows", "columns"])
def test_f_may_keep_its_blocks_of_points(kind):
    """All of them, of many: 2000 points of 8 KB take several calls."""
    x = np.linspace(-1.0, 1.0, 1000)
    kept, copies = [], []

    def g(points):
        kept.append(points)
        copies.append(points.copy())
        return (points**2).sum(axis=0 if kind == "columns" else 1)

    np.testing.assert_allclose(fg.gradient(g, x, vectorized=kind), 2 * x, atol=1e-7)
    assert len(kept) > 4
    assert all(np.array_equal(block, copy) for block, copy in zip(kept, copies, strict=True))


def test_f_may_return_a_view_of_its_argument():
    assert np.allclose(fg.batch_gradient(lambda X: X[:, 1], np.ones((3, 4)), vectorized=True), [0, 1, 0, 0])


@pytest.mark.parametrize("late", [False, True])
def test_f_may_overwrite_its_argument(late):
    def g(x):
        value = float((x**3).sum())
        if not late or x[2] != X[2]:
            x *= 2
        return value

    assert np.allclose(fg.gradient(g, X), 3 * X**2)
    assert X[0] == 0.3


def test_f_may_call_fastgrad():
    # d/dx of sum((d/dx sum x^3)) = 6x
    inner = fg.grad(lambda x: (x**3).sum(), order=4)
    assert np.allclose(fg.gradient(lambda x: inner(x).sum(), X), 6 * X, atol=1e-5)


def test_deep_recursion_is_a_recursion_error():
    def g(x):
        return fg.gradient(g, x)

    with pytest.raises(RecursionError):
        fg.gradient(g, 1.0)


def test_two_threads_may_share_a_gradient():
    g = fg.grad(lambda x: (x**2).sum())
    wrong = []

    def work(k):
        x = np.arange(1.0, 20.0) * k
        for _ in range(100):
            if not np.allclose(g(x), 2 * x):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_float32_functions_get_a_step_that_fits():
    x = np.array([0.5, 1.5, 3.0])
    exact = np.cos(x)
    hidden = fg.gradient(lambda v: float(np.sin(v.astype(np.float32)).sum()), x)
    shown = fg.gradient(lambda v: np.sin(v.astype(np.float32)).sum(), x)
    blocks = fg.gradient(lambda V: np.sin(V.astype(np.float32)).sum(axis=1), x, vectorized=True)
    for g in (hidden, shown, blocks):
        assert np.abs(g - exact).max() < 1e-3


def test_noise_sets_the_step():
    rng = np.random.default_rng(1)
    g = fg.gradient(lambda x: math.sin(x) + 1e-6 * rng.uniform(-1, 1), 1.0, noise=1e-6)
    assert abs(g - math.cos(1)) < 1e-3


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_edges_of_the_domain(order):
    for name in ("nan", "raise"):
        log = math.log if name == "raise" else lambda v: np.log(v) if v > 0 else np.nan
        x = 1e-7
        h = {2: 1e-10, 4: 1e-9, 6: 5e-9, 8: 1e-8}[order]
        g = fg.gradient(lambda v, log=log: log(float(v)), x, order=order, typical_x=x, step=h)
        assert g == pytest.approx(1e7, rel=1e-4)
    # A central stencil at 0 would leave the domain, a one-sided one does not.
    edge = fg.gradient(lambda v: math.exp(v) + math.sqrt(v) * 0, 0.0, order=order)
    assert edge == pytest.approx(1, abs=1e-6)


def test_bounds():
    x = np.array([1.0, 2.0, 3.0])
    seen = []

    def g(v):
        seen.append(v.copy())
        return (v**3).sum()

    d = fg.gradient(g, x, bounds=([1.0, -np.inf, 0.0], [5.0, 2.0, 9.0]))
    assert np.allclose(d, 3 * x**2, rtol=1e-7)
    assert min(v[0] for v in seen) >= 1.0
    assert max(v[1] for v in seen) <= 2.0
    with pytest.warns(RuntimeWarning, match=r"x\[1\] is fixed by its bounds"):
        d = fg.gradient(g, x, bounds=([0, 2, 0], [9, 2, 9]))
    assert np.isnan(d[1])
    assert np.allclose(d[[0, 2]], 3 * x[[0, 2]] ** 2)


@pytest.mark.parametrize(
    ("options", "calls"), [({}, 9), ({"method": "forward"}, 5), ({"noise": 1e-9}, 9), ({"order": 4}, 17)]
)
def test_value_and_grad_evaluates_f_at_x_once(options, calls):
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.sum(x**3))

    x = np.linspace(0.5, 1.5, 4)
    value, slope = fg.value_and_grad(f, check=False, **options)(x)
    assert len(seen) == calls
    assert sum(np.array_equal(point, x) for point in seen) == 1
    assert value == f(x)
    np.testing.assert_allclose(slope, 3 * x**2, rtol=1e-2 if "noise" in options else 1e-6)


@pytest.mark.parametrize("order", [1, 2, 4, 6, 8])
def test_bounds_are_never_crossed_by_a_rounding(order):
    """Where the room limits the step, x + reach * h must not round to beyond the bound."""
    rng = np.random.default_rng(order)
    method = {"method": "forward"} if order == 1 else {"order": order}
    x = rng.uniform(-3, 3, 500)
    lower, upper = x - rng.uniform(0.1, 5, 500), x + rng.uniform(0.1, 5, 500)
    seen = []

    def f(X):
        seen.append((X.min(axis=0), X.max(axis=0)))
        return X.sum(axis=1)

    for bounds in ((lower, upper), (x, upper), (lower, x), (x - 1e-9, upper), (lower, x + 1e-9)):
        seen.clear()
        found = fg.gradient(f, x, bounds=bounds, vectorized=True, step=50.0, **method)
        np.testing.assert_allclose(found, 1.0, rtol=1e-9)
        assert (np.min([low for low, _ in seen], axis=0) >= bounds[0]).all()
        assert (np.max([high for _, high in seen], axis=0) <= bounds[1]).all()


@pytest.mark.parametrize("options", [{}, {"typical": np.full(1000, 0.3)}, {"absolute": np.full(1000, 1e-5)}])
def test_steps_are_what_the_coordinate_moves_by(options):
    """Divided by, a step must be the distance: h = (x + h) - x, also relative to typical sizes and as given."""
    x = np.random.default_rng(0).uniform(-5, 5, 1000)
    h = border.steps(x, 1000, 1e-5, **options)
    np.testing.assert_array_equal((x + h) - x, h)
    sizes = np.maximum(np.abs(x), options.get("typical", 1.0))
    np.testing.assert_allclose(h, options.get("absolute", 1e-5 * sizes), rtol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_terms_in_rows_and_columns_are_summed_along_the_right_axis(n):
    """With as many terms as points a block, either axis has the right length."""
    x = np.linspace(0.5, 1.5, n)
    weights = np.arange(1.0, 2 * n + 1)

    def terms(points):
        """Of points in columns: 2n terms, in columns."""
        return weights[:, None] * np.concatenate([points**2, points**3])

    exact = weights[:n] * 2 * x + weights[n:] * 3 * x**2
    for f, vectorized in (
        (lambda x: terms(x[:, None])[:, 0], False),
        (lambda X: terms(X.T).T, True),
        (terms, "columns"),
    ):
        for options in ({}, {"order": 4}, {"method": "forward"}):
            found = fg.gradient(f, x, summed=True, vectorized=vectorized, **options)
            np.testing.assert_allclose(found, exact, rtol=1e-6)


@pytest.mark.parametrize("order", [10, 12, 14])
def test_any_even_order_is_a_stencil(order):
    """Its weights sum the derivative of a polynomial of its order exactly, but for rounding."""
    from fastgrad.methods.fixed import FixedStep
    from fastgrad.stencils import central

    method = FixedStep(central(order), step=0.25)
    found = method.gradient(lambda x: x[0] ** order + x[1], (), np.array([0.5, 1.0]))[0]
    np.testing.assert_allclose(found, [order * 0.5 ** (order - 1), 1.0], rtol=1e-9)


@pytest.mark.parametrize("method", [{}, {"method": "forward"}, {"order": 4}])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_noise_is_relative_to_the_values(scale, method):
    """Steps follow from the noise over the size of f, whatever its units."""
    seen = []

    def f(x):
        seen.append(abs(float(x[0]) - 0.5))
        return scale * (2.0 + math.sin(x[0]))

    fg.gradient(f, np.array([0.5]), noise=1e-4 * scale, **method)
    stencil = fg.stencils.stencil(method.get("method", "central"), method.get("order"))
    wanted = stencil.relative_step(1e-4 / (2.0 + math.sin(0.5)))
    assert max(seen) == pytest.approx(wanted * stencil.reach, rel=1e-9)


@pytest.mark.parametrize(
    "options", [{}, {"method": "forward"}, {"bounds": (0.0, 9.0)}, {"noise": 1e-9}, {"method": "adaptive"}]
)
def test_f_may_write_to_the_array_that_the_user_holds(options):
    """Derivatives are taken where x was when fastgrad was called."""
    x = np.array([1.0, 2.0, 3.0])

    def f(v):
        x[:] = 7.0
        return float((v**3).sum())

    for call in (fg.gradient, fg.hessian, lambda f, x, **o: fg.jacobian(lambda v: np.array([f(v)]), x, **o)):
        if "adaptive" in options.values() and call is not fg.gradient:
            continue
        x[:] = [1.0, 2.0, 3.0]
        found = call(f, x, **options)
        exact = np.diag([6.0, 12.0, 18.0]) if call is fg.hessian else [3.0, 12.0, 27.0]
        np.testing.assert_allclose(found, np.broadcast_to(exact, found.shape), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("options", [{}, {"order": 4}, {"order": 8}, {"method": "forward"}, {"bounds": (-2.0, 5.0)}])
@pytest.mark.parametrize("side", [-1, 1])
def test_functions_of_one_side(options, side):
    """Defined on the left of 0 alone, or on the right: one-sided differences look there."""
    found = fg.gradient(lambda x: math.exp(x) if side * x >= 0 else math.nan, 0.0, **options)
    assert found == pytest.approx(1.0, abs=1e-5)
    with np.errstate(invalid="ignore"):
        x = np.array([1.0, -1.0])
        found = fg.gradient(lambda v: float(np.where(side * (v - x) >= 0, v**2, np.nan).sum()), x, **options)
    np.testing.assert_allclose(found, [2.0, -2.0], atol=1e-5)
