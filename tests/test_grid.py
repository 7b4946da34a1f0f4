"""Derivatives of sampled arrays: numpy.gradient's results, exact polynomials, and every way to hold an array."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.grid import axes as grid_axes
from fastgrad.grid import kernels as grid_kernels
from fastgrad.stencils import exact_weights

grid = fg.grid
TYPES = ("f4", "f8", "c8", "c16", ">f8", "i4", "u1")


def _layouts(values):
    yield values
    yield np.asfortranarray(values)
    yield np.repeat(values, 2, axis=-1)[..., ::2]
    yield values[::-1][::-1]
    yield np.flip(np.flip(values).copy())
    yield np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 0, -1)), -1, 0)


@settings(max_examples=150)
@given(
    shape=st.lists(st.integers(2, 9), min_size=1, max_size=4),
    dtype=st.sampled_from(TYPES),
    edge_order=st.sampled_from([1, 2]),
    kind=st.sampled_from(["none", "one", "numbers", "coordinates", "mixed", "descending"]),
    layout=st.integers(0, 5),
    axis=st.sampled_from([None, 0, -1]),
    seed=st.integers(0, 100),
)
def test_results_are_numpys(shape, dtype, edge_order, kind, layout, axis, seed):
    rng = np.random.default_rng(seed)
    shape = [max(n, edge_order + 1) for n in shape]
    values = (rng.normal(size=shape) * 100).astype(dtype)
    values = next(itertools.islice(_layouts(values), layout, None))
    lengths = shape if axis is None else [shape[axis]]
    coordinates = [np.cumsum(rng.uniform(0.5, 2.0, n)) for n in lengths]
    spacing = {
        "none": [],
        "one": [0.3],
        "numbers": [0.5 + k for k in range(len(lengths))],
        "coordinates": coordinates,
        "mixed": [0.7, *coordinates[1:]],
        "descending": [x[::-1] for x in coordinates],
    }[kind]
    wanted = np.gradient(values, *spacing, axis=axis, edge_order=edge_order)
    found = grid.gradient(values, *spacing, axis=axis, edge_order=edge_order)
    assert type(found) is type(wanted)
    many = not isinstance(wanted, np.ndarray)
    single = dtype in ("f4", "c8")
    for x, y in zip(wanted if many else [wanted], found if many else [found], strict=True):
        assert x.dtype == y.dtype
        assert x.shape == y.shape
        np.testing.assert_allclose(y, x, rtol=2e-4 if single else 1e-12, atol=2e-3 if single else 1e-10)


@pytest.mark.parametrize("step", [1.0, 0.25, 8.0])
def test_bits_are_numpys_where_the_spacing_is_a_power_of_two(step):
    values = np.random.default_rng(0).normal(size=(40, 50, 30))
    for dtype in ("f4", "f8", "c16"):
        for x, y in zip(
            np.gradient(values.astype(dtype), step), grid.gradient(values.astype(dtype), step), strict=True
        ):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(6, dtype="f2"),
        np.arange(6, dtype=np.longdouble),
        np.arange("2000-01", "2000-07", dtype="M8[M]"),
        np.array([5, 3, 9], dtype="m8[s]"),
        np.ma.array([1.0, 4.0, 9.0, 16.0], mask=[False, True, False, False]),
        np.array([1, 5, 7], dtype=object),
        [[1, 2], [3, 7]],
        7.0,
    ],
    ids=lambda values: str(getattr(values, "dtype", type(values).__name__)),
)
def test_what_no_kernel_knows_is_numpys(values):
    wanted, found = np.gradient(values), grid.gradient(values)
    assert type(found) is type(wanted)
    for x, y in zip(np.ma.filled(wanted, -1), np.ma.filled(found, -1), strict=True):
        np.testing.assert_array_equal(x, y)


def _polynomial(x, degree):
    coefficients = np.random.default_rng(degree).uniform(-1, 1, degree + 1)
    p = np.polynomial.Polynomial(coefficients)
    return p(x), p.deriv(1)(x), p.deriv(2)(x)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("deriv", [1, 2])
@pytest.mark.parametrize("uneven", [False, True, "kept"])
@pytest.mark.parametrize("shape", [(23,), (3, 23), (23, 3), (2, 23, 300)])
def test_exact_for_polynomials_at_the_edges_too(order, deriv, uneven, shape):
    n, axis = 23, shape.index(23)
    x = np.linspace(-1.0, 1.0, n)
    if uneven:
        x = np.sort(np.random.default_rng(1).uniform(-1, 1, n)) + np.linspace(-0.5, 0.5, n)
    value, *slopes = _polynomial(x, order if deriv == 1 else order + 1)
    along = [1] * len(shape)
    along[axis] = n
    values = value.reshape(along) * np.arange(1.0, 1.0 + np.prod(shape) / n).reshape(
        [1 if k == axis else m for k, m in enumerate(shape)]
    )
    exact = values / value.reshape(along) * slopes[deriv - 1].reshape(along)
    spacing = grid.Coordinates(x) if uneven == "kept" else x if uneven else x[1] - x[0]
    found = grid.partial(values, axis, spacing, deriv=deriv, order=order)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-8 * np.abs(exact).max())
    if deriv == 1:
        np.testing.assert_array_equal(grid.gradient(values, spacing, axis=axis, order=order, edge_order=2), found)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("deriv", [1, 2])
def test_order_is_what_it_says(order, deriv):
    errors = []
    for n in (40, 80):
        x = np.linspace(0.0, 3.0, n)
        exact = np.cos(2 * x) * 2 if deriv == 1 else -4 * np.sin(2 * x)
        errors.append(np.abs(grid.partial(np.sin(2 * x), 0, x[1], deriv=deriv, order=order) - exact).max())
    assert np.log2(errors[0] / errors[1]) > order - 0.6


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("deriv", [1, 2])
def test_periodic_and_reflected_edges(order, deriv):
    n = 48
    x = np.linspace(0, 2 * np.pi, n, endpoint=False)
    wave = np.sin(x)
    exact = np.cos(x) if deriv == 1 else -wave
    found = grid.partial(wave, 0, x[1], deriv=deriv, order=order, boundary="periodic")
    np.testing.assert_allclose(found, exact, atol={2: 3e-3, 4: 3e-5, 6: 1e-6, 8: 1e-7}[order])
    # Rotating the samples rotates the result; rows at the ends round otherwise.
    rotated = grid.partial(np.roll(wave, 7), 0, x[1], deriv=deriv, order=order, boundary="periodic")
    np.testing.assert_allclose(rotated, np.roll(found, 7), rtol=0, atol=1e-12)
    rng = np.random.default_rng(0)
    values = rng.normal(size=20)
    mirrored = np.concatenate([values[:0:-1], values, values[-2::-1]])
    wanted = grid.partial(mirrored, 0, 0.5, deriv=deriv, order=order)[19:39]
    found = grid.partial(values, 0, 0.5, deriv=deriv, order=order, boundary="reflect")
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)
    x = np.cumsum(rng.uniform(0.5, 1.5, 20))
    both = np.concatenate([2 * x[0] - x[:0:-1], x, 2 * x[-1] - x[-2::-1]])
    wanted = grid.partial(mirrored, 0, both, deriv=deriv, order=order)[19:39]
    np.testing.assert_allclose(
        grid.partial(values, 0, x, deriv=deriv, order=order, boundary="reflect"), wanted, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("order", [2, 4])
def test_beside_nan(uneven, axis, order):
    n = 40
    x = np.cumsum(np.random.default_rng(3).uniform(0.5, 1.5, n)) / n if uneven else np.linspace(0, 1, n)
    value, slope, _ = _polynomial(x, order)
    values = np.stack([value, 2 * value, 3 * value], axis=1 - axis)
    exact = np.stack([slope, 2 * slope, 3 * slope], axis=1 - axis)
    gaps = np.zeros(n, dtype=bool)
    gaps[[0, 9, 20, 21, 22]] = True
    holes = np.zeros_like(values, dtype=bool)
    holes[(gaps, slice(None)) if axis == 0 else (slice(None), gaps)] = True
    values[holes] = np.nan
    found = grid.partial(values, axis, x if uneven else x[1], order=order, boundary="nan")
    np.testing.assert_array_equal(np.isnan(found), holes)
    np.testing.assert_allclose(found[~holes], exact[~holes], rtol=1e-8, atol=1e-8)
    # A lone number between two NaN has no derivative, two neighbours the slope between them.
    few = np.array([np.nan, 1.0, np.nan, 2.0, 5.0, np.nan])
    assert np.isnan(grid.gradient(few, boundary="nan")).tolist() == [True, True, True, False, False, True]
    assert grid.gradient(few, boundary="nan")[3:5].tolist() == [3.0, 3.0]


def test_fields():
    rng = np.random.default_rng(0)
    steps = (0.5, 0.3, 0.2)
    u, v, w = rng.normal(size=(3, 12, 14, 15))

    def d(f, axis):
        return grid.partial(f, axis, steps[axis])

    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(grid.divergence([u, v, w], *steps), d(u, 0) + d(v, 1) + d(w, 2), **close)
    np.testing.assert_allclose(grid.divergence(np.stack([u, v, w]), *steps), d(u, 0) + d(v, 1) + d(w, 2), **close)
    found = grid.curl([u, v, w], *steps)
    for one, wanted in zip(found, (d(w, 1) - d(v, 2), d(u, 2) - d(w, 0), d(v, 0) - d(u, 1)), strict=True):
        np.testing.assert_allclose(one, wanted, **close)
    np.testing.assert_allclose(
        grid.gradient_magnitude(u, *steps), np.sqrt(d(u, 0) ** 2 + d(u, 1) ** 2 + d(u, 2) ** 2), **close
    )
    second = [grid.partial(u, a, steps[a], deriv=2) for a in range(3)]
    np.testing.assert_allclose(grid.laplacian(u, *steps), sum(second), rtol=1e-10, atol=1e-9)
    # The field of a gradient has no curl, that of a curl no divergence, inside.
    inside = (slice(2, -2),) * 3
    for one in grid.curl(grid.gradient(u, *steps), *steps):
        np.testing.assert_allclose(one[inside], 0, atol=1e-10)
    np.testing.assert_allclose(grid.divergence(found, *steps)[inside], 0, atol=1e-10)


def test_mixed_derivatives():
    x, y = np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 2, 11), indexing="ij")
    values = x**2 * y + 3 * x * y**3
    found = grid.partial(values, (0, 1), 0.125, 0.2, order=4)
    np.testing.assert_allclose(found, 2 * x + 9 * y**2, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(grid.partial(values, (1, 0), 0.2, 0.125, order=4), found, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(3_000_001,), (1300, 1700), (130, 120, 140), (3, 700_000), (60, 3, 9000)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", [2, 4])
def test_large_arrays_tiles_threads_and_streaming_stores_change_no_bit(shape, dtype, order):
    values = np.random.default_rng(0).normal(size=shape).astype(dtype)
    order = 2 if min(shape) < 5 else order
    found = grid.gradient(values, order=order)
    threaded = grid.gradient(values, order=order, workers=3)
    found, threaded = ([f] if len(shape) == 1 else f for f in (found, threaded))
    for axis, (one, other) in enumerate(zip(found, threaded, strict=True)):
        np.testing.assert_array_equal(one, other)
        # Lines on their own are small: neither tiles nor streaming stores.
        pick = [0] * len(shape)
        pick[axis] = slice(None)
        line = values[tuple(pick)]
        if line.size <= 32768:
            np.testing.assert_array_equal(one[tuple(pick)], grid.gradient(line, order=order))
        if order == 2:
            np.testing.assert_array_equal(one, np.gradient(values, axis=axis))


@pytest.mark.parametrize("kind", [">f4", ">f8", ">c8", ">c16"])
def test_the_byte_order_is_kept(kind):
    """As NumPy's result keeps it; by every order, also those that NumPy does not know."""
    values = np.random.default_rng(2).normal(size=(9, 11)).astype(kind)
    native = values.astype(values.dtype.newbyteorder("="))
    for options in ({}, {"order": 4}, {"boundary": "periodic"}):
        for x, y in zip(grid.gradient(values, 0.3, **options), grid.gradient(native, 0.3, **options), strict=True):
            assert x.dtype == values.dtype
            np.testing.assert_array_equal(x, y)
    assert grid.laplacian(values).dtype == values.dtype


def test_results_go_where_they_are_told():
    values = np.random.default_rng(0).normal(size=(8, 9))
    out = [np.empty((8, 9)), np.asfortranarray(np.empty((8, 9)))]
    found = grid.gradient(values, out=out)
    assert found[0] is out[0]
    assert found[1] is out[1]
    for x, y in zip(np.gradient(values), out, strict=True):
        np.testing.assert_array_equal(x, y)
    swapped = np.empty((8, 9), dtype=">f8")
    assert grid.laplacian(values, out=swapped) is swapped
    np.testing.assert_array_equal(swapped, grid.laplacian(values))
    masked = np.ma.array(values, mask=values > 1)
    out = [np.ma.empty((8, 9)) for _ in range(2)]
    assert grid.gradient(masked, out=out) is out
    many = [np.empty((4, 4, 4)) for _ in range(3)]
    field = np.random.default_rng(1).normal(size=(3, 4, 4, 4))
    for x, y in zip(grid.curl(field, out=many), many, strict=True):
        assert x is y


def test_bad_input():
    values = np.arange(20.0).reshape(4, 5)
    for call, error, match in (
        (lambda: grid.gradient(values, order=4), ValueError, "axis 0 has 4 points, too few: order 4"),
        (lambda: grid.gradient(np.ones(1)), ValueError, "axis 0 has 1 points, too few"),
        (lambda: grid.gradient(values, np.array([0, 1, 1, 2.0]), 1.0), ValueError, "axis 0 .* number 1 is 1.0"),
        (lambda: grid.gradient(values, np.array([0, 1, 3, 2.0]), 1.0), ValueError, "increase or decrease"),
        (lambda: grid.gradient(values, np.array([0, np.nan, 3, 5.0]), 1.0), ValueError, "increase or decrease"),
        (lambda: grid.partial(values, 0, np.arange(4.0) ** 2 * 1e-170, deriv=2), ValueError, "beyond what float64"),
        (lambda: grid.laplacian(values, 1e-170), ValueError, "spacing 1e-170 is beyond what float64"),
        (lambda: grid.laplacian(values, 1e170), ValueError, "take another unit"),
        (lambda: grid.gradient(np.ones(2), np.array([1.0, 1.0])), ValueError, "increase or decrease"),
        (lambda: grid.partial(np.ones(9), 0, np.r_[0:8, 3.0], order=4), ValueError, "number 7 is 7.0 and number 8"),
        (lambda: grid.gradient(values, np.ones((2, 2)), 1.0), ValueError, "scalars or 1d"),
        (lambda: grid.gradient(values, np.arange(3.0), 1.0), ValueError, "axis 0 has 4 rows, not 3"),
        (lambda: grid.gradient(values, 1.0, 2.0, 3.0), TypeError, "3 spacings for 2 axes"),
        (lambda: grid.gradient(values, edge_order=3), ValueError, "expected 1 or 2"),
        (lambda: grid.gradient(values, 0.0), ValueError, "spacing of axis 0 is 0.0"),
        (lambda: grid.gradient(values, 1.0, np.float64("inf")), ValueError, "spacing of axis 1 is inf"),
        (lambda: grid.gradient(values, order=3), ValueError, "expected 2, 4, 6 or 8"),
        (lambda: grid.gradient(values, boundary="wrap"), ValueError, "'one-sided', 'periodic', 'reflect', 'nan'"),
        (lambda: grid.gradient(values, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda: grid.gradient(values, axis=(0, 0)), ValueError, "repeated axis"),
        (lambda: grid.gradient(values, axis=0, out=np.empty((5, 4))), ValueError, r"out is of shape \(5, 4\)"),
        (lambda: grid.gradient(values, out=[np.empty((4, 5))]), ValueError, "out has 1 arrays, but 2"),
        (lambda: grid.gradient(values, axis=0, out=values), ValueError, "out overlaps the values"),
        (lambda: grid.gradient(values, out=[np.empty((4, 5))] * 2), ValueError, r"out\[1\] overlaps another"),
        (lambda: grid.gradient(values, axis=0, out=np.empty((4, 5), "f4")), ValueError, "float32"),
        (lambda: grid.gradient(values, axis=0, out=[[1.0]]), ValueError, "out is list"),
        (lambda: grid.gradient(values, workers=0), ValueError, "workers is 0"),
        (lambda: grid.gradient(values, values[:, 0], 1.0, boundary="periodic"), ValueError, "even spacing"),
        (lambda: grid.gradient(np.arange(5, dtype="f2"), order=4), TypeError, "float16"),
        (lambda: grid.laplacian(np.ma.array([1.0, 2.0, 3.0])), TypeError, r"filled\(numpy.nan\)"),
        (lambda: grid.laplacian(3.0), ValueError, "one number"),
        (lambda: grid.gradient_magnitude(values + 0j), TypeError, "complex gradient"),
        (lambda: grid.divergence([values]), ValueError, "2 components, not 1"),
        (lambda: grid.divergence([values, values[:3]]), ValueError, "component 1 has shape"),
        (lambda: grid.divergence([]), ValueError, "not none"),
        (lambda: grid.curl([values[0]]), ValueError, "2 components on 2 axes"),
        (lambda: grid.partial(values, 0, deriv=3), ValueError, "expected 1 or 2"),
        (lambda: grid.partial(values, (0, 1), deriv=2), ValueError, "names one axis"),
        (lambda: grid.Coordinates([1.0, 1.0]), ValueError, "increase or decrease"),
        (lambda: grid.Coordinates(5.0), ValueError, "scalars or 1d"),
        (lambda: grid.Coordinates([]), ValueError, "empty array"),
        (lambda: grid.gradient(values, axis=itertools.count()), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda: grid.gradient(values, axis=True), TypeError, "axis is True"),
        (lambda: grid.gradient(values, axis=[0.0]), TypeError, "axis is 0.0"),
        (lambda: grid.gradient(values, order=2.0), TypeError, "order is 2.0"),
        (lambda: grid.gradient(values, order=np.float64(4)), TypeError, "order is"),
    ):
        with pytest.raises(error, match=match):
            call()
    readonly = np.empty((4, 5))
    readonly.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        grid.gradient(values, axis=0, out=readonly)


def test_weights_of_coordinates_are_kept(monkeypatch):
    t = grid.Coordinates(np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 40)))
    values = np.random.default_rng(1).normal(size=40)
    first = grid.gradient(values, t, order=6)
    monkeypatch.setattr(grid_axes, "_uneven_weights", None)
    np.testing.assert_array_equal(grid.gradient(values, t, order=6), first)


class Tagged(np.ndarray):
    """A subclass."""


def test_subclasses_are_numpys():
    values = np.random.default_rng(0).normal(size=(6, 7)).view(Tagged)
    for wanted, found in zip(np.gradient(values, 2.0), grid.gradient(values, 2.0), strict=True):
        assert type(found) is type(wanted) is Tagged
        np.testing.assert_array_equal(found, wanted)


def test_what_the_user_had_is_left_alone():
    values = np.random.default_rng(0).normal(size=(6, 7))
    kept = values.copy()
    for call in (grid.gradient, grid.laplacian, grid.gradient_magnitude):
        call(values)
    np.testing.assert_array_equal(values, kept)
    assert grid.gradient(np.empty((0, 3)), axis=1).shape == (0, 3)


@settings(max_examples=60)
@given(
    count=st.integers(3, 9),
    derivative=st.sampled_from([1, 2]),
    where=st.integers(0, 8),
    data=st.data(),
)
def test_weights_are_exact(count, derivative, where, data):
    nodes = sorted(data.draw(st.sets(st.integers(-20, 20), min_size=count, max_size=count)))
    at = nodes[where % count]
    numerators, denominator = exact_weights(at, nodes, derivative)
    exact = [Fraction(numerator, denominator) for numerator in numerators]
    x = sympy.Symbol("x")
    wanted = []
    for node in nodes:
        product = sympy.Integer(1)
        for other in nodes:
            if other != node:
                product *= (x - other) / sympy.Integer(node - other)
        wanted.append(sympy.diff(product, x, derivative).subs(x, at))
    assert [sympy.Rational(w.numerator, w.denominator) for w in exact] == wanted
    found = grid_kernels.weights(float(at), np.array(nodes, dtype=float), derivative)
    largest = max(abs(float(w)) for w in exact)
    np.testing.assert_allclose(found, [float(w) for w in exact], rtol=1e-12, atol=1e-13 * largest)


def test_constants_have_no_slope_at_all():
    values = np.full((30, 31), 1 / 3)
    x = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 30))
    for order, boundary in itertools.product((2, 4, 6, 8), ("one-sided", "reflect", "nan")):
        assert not grid.laplacian(values, 0.1, order=order, boundary=boundary).any()
        assert not grid.partial(values, 0, x, order=order, boundary=boundary).any()
