"""`out=` of every verb that has it: the same numbers however it lies in memory, or one error and nothing written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg

grid = fg.grid
RNG = np.random.default_rng(0)
FIELD = RNG.normal(size=(3, 5, 6, 7))
VALUES = FIELD[0]
POINTS = RNG.normal(size=(9, 4))
SPACING = (0.5, np.cumsum(RNG.uniform(0.5, 1.5, 6)), 2.0)


class Tagged(np.ndarray):
    """A subclass with nothing of its own."""


def unaligned(shape, dtype):
    size = np.dtype(dtype).itemsize * int(np.prod(shape))
    return np.frombuffer(bytearray(size + 8), dtype, offset=3, count=int(np.prod(shape))).reshape(shape)


def shifted_by_four(shape, dtype):
    """As a file with a header of four bytes is mapped."""
    size = int(np.prod(shape))
    return np.frombuffer(bytearray(np.dtype(dtype).itemsize * size + 4), dtype, offset=4).reshape(shape)


LAYOUTS = {
    "plain": lambda shape, dtype: np.empty(shape, dtype),
    "unaligned": unaligned,
    "shifted by four": shifted_by_four,
    "Fortran": lambda shape, dtype: np.empty(shape, dtype, order="F"),
    "backwards": lambda shape, dtype: np.empty(shape, dtype)[::-1, ..., ::-1],
    "every other": lambda shape, dtype: np.empty((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2],
    "a component": lambda shape, dtype: np.empty((*shape, 3), dtype)[..., 1],
    "a field of records": lambda shape, dtype: np.zeros(shape, [("flag", "i1"), ("value", dtype)])["value"],
    "swapped": lambda shape, dtype: np.empty(shape, np.dtype(dtype).newbyteorder()),
    "swapped, unaligned": lambda shape, dtype: unaligned(shape, np.dtype(dtype).newbyteorder()),
    "a subclass": lambda shape, dtype: np.empty(shape, dtype).view(Tagged),
    "part of a larger array": lambda shape, dtype: np.empty([n + 2 for n in shape], dtype)[
        tuple(slice(1, -1) for _ in shape)
    ],
}

CALLS = {
    "gradient": lambda **o: grid.gradient(VALUES, *SPACING, **o),
    "gradient along one axis": lambda **o: grid.gradient(VALUES, SPACING[1], axis=1, order=4, **o),
    "float32": lambda **o: grid.gradient(VALUES.astype("f4"), 0.5, axis=0, **o),
    "complex": lambda **o: grid.gradient(VALUES + 1j * FIELD[1], 0.5, axis=2, **o),
    "float16": lambda **o: grid.gradient(VALUES.astype("f2"), **o),
    "partial": lambda **o: grid.partial(VALUES, (0, 2), 0.5, 2.0, **o),
    "laplacian": lambda **o: grid.laplacian(VALUES, *SPACING, **o),
    "laplacian, NaN": lambda **o: grid.laplacian(np.where(VALUES > 1.5, np.nan, VALUES), boundary="nan", **o),
    "gradient_magnitude": lambda **o: grid.gradient_magnitude(VALUES, *SPACING, **o),
    "divergence": lambda **o: grid.divergence(FIELD, *SPACING, **o),
    "curl": lambda **o: grid.curl(FIELD, *SPACING, **o),
    "batch_gradient": lambda **o: fg.batch_gradient(lambda x: x[0] ** 2 * x[1] + x[3], POINTS, **o),
    "batch_gradient, rows": lambda **o: fg.batch_gradient(
        lambda X: X[:, 0] ** 2 * X[:, 1] + X[:, 3], POINTS, vectorized=True, **o
    ),
    "batch_gradient, adaptive": lambda **o: fg.batch_gradient(
        lambda x: x[0] ** 2 * x[1] + x[3], POINTS, method="adaptive", **o
    ),
}


def as_list(found):
    return list(found) if isinstance(found, tuple | list) else [found]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_results_are_the_same_however_out_lies_in_memory(call, layout):
    wanted = as_list(CALLS[call]())
    out = [LAYOUTS[layout](each.shape, each.dtype) for each in wanted]
    found = as_list(CALLS[call](out=out if len(out) > 1 else out[0]))
    for one, memory, numbers in zip(found, out, wanted, strict=True):
        assert one is memory
        np.testing.assert_array_equal(np.asarray(memory), numbers)


def test_what_lies_around_out_stays():
    memory = np.full((7, 8, 9, 3), 5.0)
    grid.laplacian(VALUES, out=memory[1:-1, 1:-1, 1:-1, 1])
    inside = np.zeros(memory.shape, dtype=bool)
    inside[1:-1, 1:-1, 1:-1, 1] = True
    assert (memory[~inside] == 5.0).all()
    np.testing.assert_array_equal(memory[inside].reshape(VALUES.shape), grid.laplacian(VALUES))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("offset", [1, 2, 4])
def test_large_results_need_no_alignment(dtype, offset):
    """From 16 MB on stores go past the caches, which needs whole lines."""
    size = (17 << 20) // np.dtype(dtype).itemsize
    values = np.arange(size, dtype=dtype) % 1000
    out = np.frombuffer(bytearray(values.nbytes + offset), dtype, offset=offset)
    grid.gradient(values, out=out)
    np.testing.assert_array_equal(out, np.gradient(values))


def test_values_need_no_alignment():
    for values in (unaligned(VALUES.shape, "f8"), unaligned(VALUES.shape, "f4")):
        values[...] = VALUES
        for one, other in zip(grid.gradient(values), grid.gradient(values.copy()), strict=True):
            np.testing.assert_array_equal(one, other)
    field = [unaligned(VALUES.shape, "f8") for _ in range(3)]
    for part, component in zip(field, FIELD, strict=True):
        part[...] = component
    np.testing.assert_array_equal(grid.divergence([FIELD[0], *field[1:]]), grid.divergence(FIELD))
    x = unaligned((5,), "f8")
    x[...] = np.arange(5.0) ** 2
    np.testing.assert_array_equal(grid.gradient(VALUES, x, axis=0), grid.gradient(VALUES, x.copy(), axis=0))


def test_a_mapped_file_takes_results(tmp_path):
    for offset in (0, 4):
        out = np.memmap(tmp_path / f"{offset}", "f8", "w+", offset=offset, shape=POINTS.shape)
        assert fg.batch_gradient(lambda X: X[:, 0] ** 2, POINTS, vectorized=True, out=out) is out
        np.testing.assert_allclose(np.asarray(out)[:, 0], 2 * POINTS[:, 0], rtol=1e-8)


def test_several_results_may_be_one_array():
    out = np.empty((3, *VALUES.shape))
    for one, part, wanted in zip(grid.gradient(VALUES, out=out), out, np.gradient(VALUES), strict=True):
        assert np.shares_memory(one, part)
        np.testing.assert_array_equal(part, wanted)


def read_only(shape, dtype):
    found = np.zeros(shape, dtype)
    found.flags.writeable = False
    return found


UNFIT = {
    "another shape": (lambda shape, dtype: np.zeros((*shape, 1), dtype), "of shape"),
    "a shape that would be spread": (lambda shape, dtype: np.zeros(shape[1:], dtype), "of shape|arrays"),
    "integers": (lambda shape, dtype: np.zeros(shape, "i8"), "int64"),
    "other floats": (lambda shape, dtype: np.zeros(shape, "f4" if dtype != "f4" else "f8"), "float"),
    "objects": (lambda shape, dtype: np.zeros(shape, object), "object"),
    "read-only": (read_only, "read-only"),
    "one number for all": (lambda shape, dtype: strided(np.zeros(1, dtype), shape, (0,) * len(shape)), "itself"),
    "one row for all": (lambda shape, dtype: strided(np.zeros(shape[1:], dtype), shape), "itself"),
    "windows": (lambda shape, dtype: strided(np.zeros(999, dtype), shape, (8,) * len(shape)), "itself"),
    "masked": (lambda shape, dtype: np.ma.zeros(shape, dtype), "mask"),
    "a list": (lambda shape, dtype: np.zeros(shape, dtype).tolist(), "arrays|list"),
    "a number": (lambda shape, dtype: 3.0, "float"),
    "an array without axes": (lambda shape, dtype: np.array(3.0), r"shape \(\)|0-d"),
}


def strided(memory, shape, strides=None):
    strides = (0, *memory.strides) if strides is None else strides
    return np.lib.stride_tricks.as_strided(memory, shape, strides, writeable=True)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", UNFIT)
def test_an_out_that_does_not_fit_is_an_error(call, name):
    make, match = UNFIT[name]
    wanted = as_list(CALLS[call]())
    out = [make(each.shape, each.dtype) for each in wanted]
    with pytest.raises((ValueError, TypeError), match=match):
        CALLS[call](out=out if len(out) > 1 else out[0])
    for each in out:
        assert not np.asarray(each).any() or name in ("a number", "an array without axes")


def test_out_of_a_grid_may_not_overlap_what_is_read():
    values, x = VALUES.copy(), np.arange(6.0) ** 2
    line = RNG.normal(size=6)
    field, coordinates = FIELD.copy(), grid.Coordinates(x)
    before = [each.copy() for each in (values, x, line, field)]
    for call, match in (
        (lambda: grid.gradient(values, axis=0, out=values), "values"),
        (lambda: grid.gradient(values, axis=0, out=values[::-1]), "values"),
        (lambda: grid.gradient(line, x, out=x), "coordinates"),
        (lambda: grid.gradient(line, x, out=x[::-1], order=4), "coordinates"),
        (lambda: grid.gradient(line, coordinates, out=coordinates.x), "read-only"),
        (lambda: grid.gradient(memoryview(line), out=line), "values"),
        (lambda: grid.divergence(field, out=field[2]), "values"),
        (lambda: grid.curl(list(field), out=[np.empty(VALUES.shape), field[1], field[0]]), "values"),
        (lambda: grid.gradient(values, axis=(0, 1), out=[field[0], field[0][::-1]]), r"out\[1\] overlaps another"),
        (lambda: grid.gradient(VALUES.astype("f2"), axis=(0, 1), out=[np.empty(VALUES.shape, "f2")] * 2), "another"),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    for each, kept in zip((values, x, line, field), before, strict=True):
        np.testing.assert_array_equal(each, kept)


def test_masks_are_neither_lost_nor_hide_results():
    masked = np.ma.array([1.0, 2.0, 99.0, 4.0, 7.0], mask=[0, 0, 1, 0, 0])
    with pytest.raises(ValueError, match="masks would be lost"):
        grid.gradient(masked, out=np.zeros(5))
    hard = np.ma.array(np.zeros(5), mask=[1, 0, 0, 0, 0], hard_mask=True)
    with pytest.raises(ValueError, match="hard mask"):
        grid.gradient(masked, out=hard)
    out = np.ma.array(np.zeros(5), mask=[1, 0, 0, 0, 0])
    assert grid.gradient(masked, out=out) is out
    assert out.tolist() == np.gradient(masked).tolist()


def square(x, *args):
    return float(x @ x)


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 5), st.data())
def test_a_batch_may_go_where_its_points_are(b, n, data):
    """Any two windows of the same memory, in any direction."""
    memory = np.random.default_rng(b).normal(size=(3 * b + 3, 2 * n + 2))

    def window():
        row, column = data.draw(st.integers(0, b)), data.draw(st.integers(0, n))
        down, across = data.draw(st.sampled_from([-2, -1, 1, 2])), data.draw(st.sampled_from([-1, 1]))
        rows = np.arange(memory.shape[0])[row : row + b * abs(down) : abs(down)][:: 1 if down > 0 else -1]
        last = row + (b - 1) * abs(down)
        first, step = (row, abs(down)) if down > 0 else (last, down)
        end = first + b * step
        found = memory[first : end if end >= 0 else None : step, column : column + n][:, ::across]
        assert found.shape == (b, n) == (len(rows), n)
        return found

    points, out = window(), window()
    wanted = 2 * points.copy()
    assert fg.batch_gradient(square, points, out=out) is out
    np.testing.assert_allclose(out, wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_batch_of_many_blocks_may_go_where_its_points_are(vectorized, monkeypatch):
    monkeypatch.setattr("fastgrad.verbs.gradients._CHUNK", 8)
    f = (lambda X: (X**2).sum(axis=1)) if vectorized else square
    for turned in (slice(None), slice(None, None, -1)):
        points = POINTS.copy()
        fg.batch_gradient(f, points, vectorized=vectorized, out=points[turned])
        np.testing.assert_allclose(points[turned], 2 * POINTS, rtol=1e-8)


def test_a_batch_may_go_where_arguments_and_options_are(monkeypatch):
    monkeypatch.setattr("fastgrad.verbs.gradients._CHUNK", 4)
    weights = np.full(POINTS.shape, 3.0)
    wanted = np.full(POINTS.shape, 27.0)
    total = lambda x, held: held["of f"][0].sum() * x.sum() / 4  # noqa: E731
    found = fg.batch_gradient(total, POINTS, args=({"of f": [weights]},), out=weights)
    np.testing.assert_allclose(found, wanted, rtol=1e-8)
    for name in ("step", "typical_x"):
        sizes = np.full(POINTS.shape, 1e-5 if name == "step" else 1.0)
        fg.batch_gradient(square, POINTS, out=sizes, **{name: sizes[0]})
        np.testing.assert_allclose(sizes, 2 * POINTS, rtol=1e-7, atol=1e-7)
    bounds = np.full((2, *POINTS.shape), [[[-9.0]], [[9.0]]])
    fg.batch_gradient(square, POINTS, out=bounds[1], bounds=(bounds[0][0], bounds[1][0]))
    np.testing.assert_allclose(bounds[1], 2 * POINTS, rtol=1e-7, atol=1e-7)


def test_points_are_as_they_were_if_f_fails_half_way(monkeypatch):
    monkeypatch.setattr("fastgrad.verbs.gradients._CHUNK", 4)
    points, calls = POINTS.copy(), []

    def f(x):
        calls.append(1)
        if len(calls) > 40:
            raise RuntimeError("no more")
        return square(x)

    with pytest.raises(RuntimeError, match="no more"):
        fg.batch_gradient(f, points, out=points)
    np.testing.assert_array_equal(points, POINTS)


def test_coordinates_are_a_copy():
    t = np.array([0.0, 1.0, 2.0, 4.0, 7.0, 11.0, 16.0])
    v, kept = t**2, t.copy()
    coordinates = grid.Coordinates(t)
    for order in (2, 4):
        t[:] = kept
        wanted = grid.gradient(v, kept, order=order, edge_order=2)
        np.testing.assert_array_equal(grid.gradient(v, coordinates, order=order, edge_order=2), wanted)
        t *= 1000
        np.testing.assert_array_equal(grid.gradient(v, coordinates, order=order, edge_order=2), wanted)
    with pytest.raises(ValueError, match="read-only"):
        coordinates.x[0] = 5.0
    with pytest.raises(AttributeError):
        coordinates.x = kept
    with pytest.raises(ValueError, match="WRITEABLE"):
        coordinates.x.flags.writeable = True
