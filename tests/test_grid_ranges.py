"""Sampled arrays in any unit, and in any layout: the same digits."""

import numpy as np
import pytest

import fastgrad as fg

grid = fg.grid
RNG = np.random.default_rng(0)
X = np.cumsum(RNG.uniform(0.5, 1.5, 24))


@pytest.mark.parametrize("unit", [1e-110, 1e-60, 1e-40, 1e31, 1e60, 1e105, -1e105])
@pytest.mark.parametrize(("order", "deriv"), [(2, 1), (4, 1), (8, 1), (2, 2), (8, 2)])
@pytest.mark.parametrize("shape", [(24,), (24, 3)])
def test_coordinates_in_any_unit(unit, order, deriv, shape):
    values = X.reshape(24, *[1] * (len(shape) - 1)) ** 2 * np.ones(shape)
    wanted = grid.partial(values, 0, X, order=order, deriv=deriv)
    found = grid.partial(values, 0, X * unit, order=order, deriv=deriv)
    np.testing.assert_allclose(found * unit * (unit if deriv == 2 else 1), wanted, rtol=1e-9)
    kept = grid.partial(values, 0, grid.Coordinates(X * unit), order=order, deriv=deriv)
    np.testing.assert_array_equal(kept, found)
    if order == 2 and deriv == 1:
        reference = np.gradient(values, X * unit, axis=0)
        np.testing.assert_allclose(grid.gradient(values, X * unit, axis=0), reference, rtol=1e-11)


def test_coordinates_of_very_different_distances():
    x = np.geomspace(1e-170, 1e150, 40)
    for values in (x, np.stack([x, x], axis=1)):
        np.testing.assert_allclose(grid.gradient(values, x, axis=0), 1.0, rtol=1e-12)
        np.testing.assert_array_equal(grid.gradient(np.ones_like(values), x, axis=0), 0.0)
    x[20] = x[19]
    with pytest.raises(ValueError, match="increase or decrease"):
        grid.gradient(np.ones(40), x)


@pytest.mark.parametrize("magnitude", [1e-38, 1e-30, 1e-20, 1e20, 1e30])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_magnitudes_whose_squares_are_out_of_range(magnitude, dtype):
    r = np.linspace(0, 1, 201)
    field = (1 - r[:, None] ** 2) * (1 - r[None, :] ** 2)
    field[50:60, 50:60] = 0.5  # flat: no slope at all
    if dtype == "f8":
        magnitude = magnitude**8
    values = (field * magnitude).astype(dtype)
    parts = [grid.partial(values, axis, 5e-3) for axis in (0, 1)]
    found = grid.gradient_magnitude(values, 5e-3)
    np.testing.assert_allclose(found, np.hypot(*parts), rtol=1e-6 if dtype == "f4" else 1e-14, atol=0)
    assert found.dtype == dtype
    assert not found[52:58, 52:58].any()
    three = np.stack([values[:40, :40]] * 4, axis=2)
    np.testing.assert_allclose(grid.gradient_magnitude(three, 5e-3, 5e-3, 1.0)[..., 1], np.hypot(
        *(grid.partial(values[:40, :40], axis, 5e-3) for axis in (0, 1))
    ), rtol=1e-6 if dtype == "f4" else 1e-14, atol=0)  # fmt: skip


def test_magnitudes_of_numbers_that_are_none():
    values = np.zeros((5, 6))
    values[0, 0], values[4, 5] = np.inf, np.nan
    found = grid.gradient_magnitude(values)
    assert found[0, 1] == np.inf
    assert np.isnan(found[4, 4])
    np.testing.assert_array_equal(grid.gradient_magnitude(np.array([3.0, 1.0, -1e200, 0.0])), [
        *np.abs(grid.partial(np.array([3.0, 1.0, -1e200, 0.0]), 0))
    ])  # fmt: skip


@pytest.mark.parametrize("h", [1e-18, 3.0857e18, 1e22, 3.0857e24, 1e30])
@pytest.mark.parametrize("order", [2, 4, 8])
def test_float32_of_weights_that_are_no_floats(h, order):
    """A potential in CGS on a grid of parsecs: 1/h² is no float, the Laplacian is one."""
    n = np.arange(64.0)
    scale = 1e14 if h > 1 else 1e-20
    values = (scale * (n[:, None] ** 2 + n**2)).astype("f4")
    if 4 * scale / h**2 > 1e-36:
        wanted = grid.laplacian(values.astype("f8"), h, order=order)
        np.testing.assert_allclose(grid.laplacian(values, h, order=order), wanted, rtol=1e-6)
    slopes = (scale * n**2).astype("f4") * np.float32(1e6 if h > 1 else 1)
    wanted = grid.gradient(slopes.astype("f8"), h, order=order)
    np.testing.assert_allclose(grid.gradient(slopes, h, order=order), wanted, rtol=1e-5, atol=1e-6 * wanted.max())
    np.testing.assert_allclose(grid.gradient(1e20 * n.astype("f4"), 1e24, order=order), 1e-4, rtol=1e-4)
    steep = grid.gradient(np.linspace(0, 1e-12, 64, dtype="f4"), 1e-45, order=order)
    np.testing.assert_allclose(steep, 1e-12 / 63 / 1e-45, rtol=1e-3)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_layouts_change_no_bit_between_coordinates(order, dtype):
    values = RNG.normal(size=(60, 50)).astype(dtype)
    x = np.cumsum(RNG.uniform(0.5, 1.5, 60))
    for unit in (1.0, 1e-105):
        with np.errstate(over="ignore"):
            plain = grid.gradient(values * unit**2, x * unit, axis=0, order=order)
        turned = np.ascontiguousarray((values * unit**2).T)
        np.testing.assert_array_equal(grid.gradient(turned.T, x * unit, axis=0, order=order), plain)
        np.testing.assert_array_equal(grid.gradient(turned, x * unit, axis=1, order=order).T, plain)
        for k in range(50):
            np.testing.assert_array_equal(grid.gradient(turned[k], x * unit, order=order), plain[:, k])


CALLS = {
    "gradient": grid.gradient,
    "order 4": lambda v, **o: grid.gradient(v, order=4, **o),
    "uneven": lambda v, **o: grid.gradient(v, np.arange(v.size) ** 1.01, **o),
    "laplacian": grid.laplacian,
    "periodic": lambda v, **o: grid.partial(v, 0, boundary="periodic", **o),
    "nan": lambda v, **o: grid.gradient(v, boundary="nan", **o),
    "magnitude": grid.gradient_magnitude,
    "divergence": lambda v, **o: grid.divergence([v], **o),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", [1000, 2_200_000])
def test_unaligned_memory_is_as_good_as_any(call, size):
    """A file with a header of four bytes, mapped: 16 MB are stored past the caches."""
    values = np.random.default_rng(1).normal(size=size)
    wanted = CALLS[call](values)
    for offset in (4, 1):
        out, given = (np.frombuffer(bytearray(8 * size + offset), "f8", offset=offset) for _ in range(2))
        given[:] = values
        assert not given.flags.aligned
        assert CALLS[call](given, out=out, workers=2) is out
        np.testing.assert_array_equal(out, wanted)
        np.testing.assert_array_equal(given, values)
