"""Edges of an axis and of a side, and sums along some axes only."""

import itertools

import numpy as np
import pytest

import fastgrad as fg

grid = fg.grid
VALUES = np.random.default_rng(0).normal(size=(12, 11, 13))
X = np.arange(12.0) ** 1.2


@pytest.mark.parametrize("order", [2, 4])
def test_each_axis_has_its_own(order):
    kinds = ("one-sided", "periodic", "reflect")
    wanted = [grid.partial(VALUES, a, 0.5, order=order, boundary=kind) for a, kind in enumerate(kinds)]
    for boundary in (kinds, {1: "periodic", -1: "reflect"}, {0: "one-sided", 2: "reflect", 1: "periodic"}):
        found = grid.gradient(VALUES, 0.5, order=order, edge_order=2, boundary=boundary)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one, other)
        total = grid.divergence([VALUES] * 3, 0.5, order=order, boundary=boundary)
        np.testing.assert_allclose(total, sum(wanted), rtol=1e-12, atol=1e-12)
        mixed = grid.partial(VALUES, (0, 1, 2), 0.5, order=order, boundary=boundary)
        by_hand = VALUES
        for a in (2, 1, 0):
            by_hand = grid.partial(by_hand, a, 0.5, order=order, boundary=kinds[a])
        np.testing.assert_array_equal(mixed, by_hand)
    np.testing.assert_array_equal(
        grid.gradient(VALUES, axis=(2, 0), boundary=("reflect", "one-sided"))[0],
        grid.gradient(VALUES, axis=2, boundary="reflect"),
    )


@pytest.mark.parametrize("spacing", [0.5, X])
@pytest.mark.parametrize("deriv", [1, 2])
@pytest.mark.parametrize("order", [2, 4, 8])
def test_each_side_has_its_own(spacing, deriv, order):
    options = {"deriv": deriv, "order": order}
    found = {
        kind: grid.partial(VALUES, 0, spacing, **options, boundary=kind) for kind in ("one-sided", "reflect")
    }  # fmt: skip
    for first, last in itertools.product(found, repeat=2):
        both = grid.partial(VALUES, 0, spacing, **options, boundary=((first, last),))
        np.testing.assert_array_equal(both[:6], found[first][:6])
        np.testing.assert_array_equal(both[6:], found[last][6:])
        np.testing.assert_array_equal(grid.partial(VALUES, 0, spacing, **options, boundary={0: (first, last)}), both)
    # An infinite number at an edge that was filled up is as infinite.
    infinite = np.where(np.arange(12) == 0, np.inf, 0.0)
    one, other = (
        grid.partial(infinite, 0, spacing, **options, boundary=b) for b in ("one-sided", (("one-sided", "reflect"),))
    )
    np.testing.assert_array_equal(one[:6], other[:6])


@pytest.mark.parametrize("order", [2, 4, 8])
@pytest.mark.parametrize("deriv", [1, 2])
@pytest.mark.parametrize("descending", [False, True])
def test_uneven_coordinates_with_a_period(order, deriv, descending):
    rng = np.random.default_rng(1)
    lon = np.cumsum(rng.uniform(3, 9, 55))[:: -1 if descending else 1]
    period = 360.0
    assert abs(lon[-1] - lon[0]) < period
    wave = np.sin(np.radians(lon)) + np.cos(np.radians(2 * lon))
    # Three turns in a row, of which the one in the middle has no edge.
    turn = np.copysign(period, lon[-1] - lon[0])
    wanted = grid.partial(np.tile(wave, 3), 0, np.concatenate([lon - turn, lon, lon + turn]), deriv=deriv, order=order)
    options = {"deriv": deriv, "order": order, "boundary": "periodic", "period": period}
    for x in (lon, grid.Coordinates(lon)):
        found = grid.partial(wave, 0, x, **options)
        np.testing.assert_allclose(found, wanted[55:110], rtol=1e-9, atol=1e-12)
    # Even ones are a step, but not if the period is longer than they are.
    even = np.arange(0.0, 360.0, 6.0)
    values = np.sin(np.radians(even))
    one = grid.partial(values, 0, 6.0, **(options | {"period": None}))
    np.testing.assert_array_equal(grid.partial(values, 0, even, **options), one)
    np.testing.assert_array_equal(grid.partial(values, 0, 6.0, **options), one)
    gap = grid.partial(values[:-5], 0, even[:-5], **options)
    turns = np.concatenate([even[:-5] - 360, even[:-5], even[:-5] + 360])
    wanted = grid.partial(np.tile(values[:-5], 3), 0, turns, deriv=deriv, order=order)
    np.testing.assert_allclose(gap, wanted[55:110], rtol=1e-9, atol=1e-12)
    field = np.stack([values[:-5]] * 12)
    found = grid.gradient(field, 1.0, even[:-5], order=order, boundary={1: "periodic"}, period={1: period})
    np.testing.assert_array_equal(
        found[1][3], grid.gradient(values[:-5], even[:-5], order=order, boundary="periodic", period=period)
    )
    found = grid.gradient(field, 1.0, even[:-5], order=order, boundary=("one-sided", "periodic"), period=period)
    assert not found[0].any()


def test_sums_along_some_axes():
    """Fields of (time, y, x)."""
    u, v = VALUES, VALUES[::-1]
    for axis in ((1, 2), range(1, 3), (-2, -1), np.array([1, 2])):
        for k in (0, 5):
            np.testing.assert_array_equal(
                grid.laplacian(VALUES, 0.5, 2.0, axis=axis)[k], grid.laplacian(VALUES[k], 0.5, 2.0)
            )
            np.testing.assert_array_equal(
                grid.gradient_magnitude(VALUES, 0.5, 2.0, axis=axis)[k], grid.gradient_magnitude(VALUES[k], 0.5, 2.0)
            )
            np.testing.assert_array_equal(
                grid.divergence([u, v], 0.5, 2.0, axis=axis)[k], grid.divergence([u[k], v[k]], 0.5, 2.0)
            )
            np.testing.assert_array_equal(grid.curl([u, v], 0.5, 2.0, axis=axis)[k], grid.curl([u[k], v[k]], 0.5, 2.0))
    np.testing.assert_array_equal(
        grid.divergence([v, u], 2.0, 0.5, axis=(2, 1)), grid.divergence([u, v], 0.5, 2.0, axis=(1, 2))
    )
    np.testing.assert_array_equal(
        grid.curl([v, u], 2.0, 0.5, axis=(2, 1)), -grid.curl([u, v], 0.5, 2.0, axis=(1, 2))
    )  # fmt: skip
    np.testing.assert_array_equal(grid.laplacian(VALUES, X, axis=0), grid.partial(VALUES, 0, X, deriv=2))


def test_bad_input():
    for call, error, match in (
        (lambda: grid.gradient(VALUES, boundary=("reflect", "nan")), ValueError, "boundary has 2 entries for 3 axes"),
        (lambda: grid.partial(VALUES, 0, boundary=("reflect", "nan")), ValueError, "a pair in it"),
        (lambda: grid.partial(VALUES, 0, boundary=(("reflect", "nan"),)), ValueError, "of both sides"),
        (lambda: grid.partial(VALUES, 0, boundary=(("periodic", "one-sided"),)), ValueError, "of both sides"),
        (lambda: grid.partial(VALUES, 0, boundary=["nan"]), TypeError, "is not one of"),
        (lambda: grid.partial(VALUES, 0, boundary=("wrap",)), ValueError, "boundary='wrap' is not one of"),
        (lambda: grid.gradient(VALUES, axis=0, boundary={1: "nan"}), ValueError, "boundary names axis 1"),
        (lambda: grid.gradient(VALUES, boundary={3: "nan"}), ValueError, "boundary names axis 3"),
        (lambda: grid.gradient(VALUES, boundary={"lat": "nan"}), TypeError, "an axis of boundary is 'lat'"),
        (lambda: grid.gradient(VALUES, boundary={0: None}), TypeError, "boundary=None is not one of"),
        (lambda: grid.gradient(VALUES.astype("f2"), boundary={0: "nan"}), TypeError, "float16"),
        (lambda: grid.partial(VALUES, 0, X, boundary="periodic"), ValueError, "even spacing, or period="),
        (lambda: grid.partial(VALUES, 0, X, boundary="periodic", period=5), ValueError, "leave out a last row"),
        (lambda: grid.partial(VALUES, 0, 1.0, boundary="periodic", period=13), ValueError, "12 rows 1.0 apart"),
        (lambda: grid.partial(VALUES, 0, 1.0, period=12), ValueError, 'but boundary is not "periodic"'),
        (lambda: grid.gradient(VALUES, period={4: 1.0}), ValueError, "period names axis 4"),
        (lambda: grid.laplacian(VALUES, axis=()), ValueError, "axis names no axis"),
        (lambda: grid.laplacian(VALUES, axis=(0, 0)), ValueError, "repeated axis"),
        (lambda: grid.divergence([VALUES] * 3, axis=(0, 1)), ValueError, "on 2 axes has 2 components, not 3"),
        (lambda: grid.curl([VALUES] * 2, axis=0), ValueError, "2 components on 2 axes"),
    ):
        with pytest.raises(error, match=match):
            call()
