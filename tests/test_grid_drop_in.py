"""`numpy.gradient = fg.grid.gradient`: what NumPy takes, and what it makes of it."""

import datetime
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg

grid = fg.grid
NUMPYS = np.gradient
LINE = np.array([1.0, 4.0, 9.0, 11.0, 25.0, 36.0, 49.0])
UNEVEN = np.array([0.0, 1.0, 3.0, 4.0, 7.0, 7.5, 9.0])


def _assert_same(found, wanted):
    assert type(found) is type(wanted)
    many = isinstance(wanted, (tuple, list))
    for x, y in zip(found if many else [found], wanted if many else [wanted], strict=True):
        assert type(x) is type(y)
        assert x.dtype == y.dtype
        if y.dtype.kind == "m":
            np.testing.assert_array_equal(x, y)  # differences of times are whole
        else:
            np.testing.assert_allclose(np.ma.filled(x, -1), np.ma.filled(y, -1), rtol=1e-13)


@pytest.mark.parametrize(
    "values",
    [
        np.float16([1, 2, 4]),
        np.ma.array([1.0, 2, 4], mask=[0, 1, 0]),
        np.array(["2000-01-01", "2000-01-03", "2000-01-04"], "M8[D]"),
        np.array([1, 2, 4], "m8[s]"),
        np.longdouble([1, 2, 4]),
        np.array([1, 2, 4], object),
        np.array([[1.0, 2], [4, 8]]).view(np.matrix),
        LINE,
    ],
    ids=lambda values: f"{type(values).__name__} {values.dtype}",
)
def test_it_takes_numpys_place(monkeypatch, values):
    wanted = NUMPYS(values)
    monkeypatch.setattr(np, "gradient", grid.gradient)
    _assert_same(grid.gradient(values), wanted)
    _assert_same(np.gradient(f=values), wanted)


@pytest.mark.parametrize(
    "axis",
    [
        np.int64(1), np.uint8(0), np.array(1), np.array([0, 1]), np.array([0]), range(2), range(1, -1, -1), (1,),
        [np.int32(-1)], (), [], np.array([], int), {0: "x"},
    ],
    ids=repr,
)  # fmt: skip
def test_axes_are_whatever_numpy_goes_through(axis):
    values = np.arange(12.0).reshape(3, 4) ** 2
    _assert_same(grid.gradient(values, axis=axis), NUMPYS(values, axis=axis))
    _assert_same(grid.gradient(values.astype("f2"), axis=axis), NUMPYS(values.astype("f2"), axis=axis))
    _assert_same(grid.gradient(values, 2.0, axis=axis, workers=np.int64(2)), NUMPYS(values, 2.0, axis=axis))


def test_axes_may_come_one_by_one():
    values = np.arange(12.0).reshape(3, 4) ** 2
    _assert_same(grid.gradient(values, axis=(a for a in (1, 0))), NUMPYS(values, axis=(1, 0)))
    np.testing.assert_array_equal(grid.partial(values, range(2)), grid.partial(values, (0, 1)))
    np.testing.assert_array_equal(grid.partial(values, np.array([1])), grid.partial(values, 1))
    assert grid.gradient(values, axis=(), order=4) == type(NUMPYS(values))()
    assert grid.gradient(values, axis=(), out=[]) == type(NUMPYS(values))()


def test_an_order_is_a_whole_number():
    grid.gradient(LINE, order=4)
    for order in (4.0, np.float64(4), "4", True):
        for call in (grid.gradient, grid.laplacian, grid.gradient_magnitude):
            with pytest.raises(TypeError, match="order is"):
                call(LINE, order=order)
    np.testing.assert_array_equal(grid.gradient(LINE, order=np.int8(4)), grid.gradient(LINE, order=4))
    with pytest.raises(ValueError, match="workers is -3"):
        grid.gradient(LINE.astype("f2"), workers=-3)


VERBS = {
    "gradient": lambda v, **o: grid.gradient(v, 0.5, axis=0, **o),
    "laplacian": grid.laplacian,
    "partial": lambda v, **o: grid.partial(v, 0, UNEVEN, **o),
    "magnitude": grid.gradient_magnitude,
    "divergence": lambda v, **o: grid.divergence(np.stack([v, v]), **o),
    "curl": lambda v, **o: grid.curl([v, v], **o),
}


class Tagged(np.ndarray):
    """A subclass that has a name besides its numbers."""

    def __array_finalize__(self, other):
        self.name = getattr(other, "name", None)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("options", [{}, {"order": 4}, {"boundary": "periodic"}], ids=str)
def test_files_swapped_bytes_and_subclasses_go_the_same_way(verb, options, tmp_path, monkeypatch):
    if verb == "partial" and "boundary" in options:
        pytest.skip("coordinates have no period")
    values = np.random.default_rng(0).normal(size=(7, 8))
    wanted = VERBS[verb](values, **options)
    np.save(tmp_path / "values.npy", values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    shifted = np.memmap(tmp_path / "raw", "f8", "w+", offset=4, shape=(7, 8))
    shifted[:] = values
    # None of them is NumPy's business.
    monkeypatch.setattr("fastgrad.grid.foreign._NUMPYS_GRADIENT", None)
    for values_too in (mapped, shifted, values.astype(">f8"), values.view(Tagged)):
        np.testing.assert_array_equal(VERBS[verb](values_too, **options), wanted)


def test_results_are_of_the_class_that_numpys_are(tmp_path):
    mapped = np.memmap(tmp_path / "raw", "f8", "w+", shape=(7,))
    mapped[:] = LINE
    tagged = LINE.view(Tagged)
    tagged.name = "depth"
    for values in (mapped, tagged, LINE.astype(">f8"), LINE.astype(">f4")):
        _assert_same(grid.gradient(values, UNEVEN), NUMPYS(values, UNEVEN))
    assert grid.laplacian(tagged).name == NUMPYS(tagged).name == "depth"
    assert not np.shares_memory(grid.gradient(mapped), mapped)


@settings(max_examples=200)
@given(
    shape=st.sampled_from([(7,), (5, 4), (4, 7), (4, 3, 5)]),
    where=st.lists(st.tuples(st.integers(0, 59), st.sampled_from([np.inf, -np.inf, np.nan])), min_size=1, max_size=5),
    kind=st.sampled_from(["step", "even", "uneven", "descending"]),
    edge_order=st.sampled_from([1, 2]),
    dtype=st.sampled_from(["f4", "f8"]),
    fortran=st.booleans(),
    axis=st.integers(0, 2),
)
def test_infinities_and_nan_are_where_numpy_has_them(shape, where, kind, edge_order, dtype, fortran, axis):
    values = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)
    for at, what in where:
        values.reshape(-1)[at % values.size] = what
    if fortran:
        values = np.asfortranarray(values)
    axis %= len(shape)
    n = shape[axis]
    x = {"step": 0.5, "even": np.arange(n) * 0.5, "uneven": UNEVEN[:n], "descending": UNEVEN[:n][::-1]}[kind]
    with np.errstate(all="ignore"):
        wanted = NUMPYS(values, x, axis=axis, edge_order=edge_order)
    for spacing in (x, grid.Coordinates(x)) if np.ndim(x) else (x,):
        found = grid.gradient(values, spacing, axis=axis, edge_order=edge_order)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
        np.testing.assert_allclose(found, wanted, rtol=1e-5 if dtype == "f4" else 1e-12, atol=1e-5)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("deriv", [1, 2])
@pytest.mark.parametrize("boundary", ["one-sided", "reflect", "nan"])
def test_an_infinite_number_makes_no_nan_of_its_own_row(order, deriv, boundary):
    """Except where its weight is 0: there it does not count."""
    for x, row in itertools.product((0.5, np.arange(12.0) ** 1.5), (0, 1, 5, 11)):
        unit, infinite = np.zeros(12), np.zeros(12)
        unit[row], infinite[row] = 1, np.inf
        weights = grid.partial(unit, 0, x, deriv=deriv, order=order, boundary=boundary)
        found = grid.partial(infinite, 0, x, deriv=deriv, order=order, boundary=boundary)
        clear = np.abs(weights[row]) > 1e-9
        assert found[row] == (np.sign(weights[row]) * np.inf if clear else found[row])
        assert not np.isnan(found[row]) or not clear


def test_even_coordinates_are_a_step():
    """NumPy's formula for them does not look at the row itself."""
    values = LINE.copy()
    values[3] = np.nan
    x = np.arange(-3.0, 4.0)
    np.testing.assert_array_equal(grid.gradient(values, x), NUMPYS(values, x))
    np.testing.assert_array_equal(grid.gradient(values, grid.Coordinates(x)), NUMPYS(values, x))
    np.testing.assert_array_equal(grid.gradient(values, x[::-1]), NUMPYS(values, x[::-1]))
    np.testing.assert_array_equal(grid.laplacian(LINE, x, order=4), grid.laplacian(LINE, 1.0, order=4))


def test_half_a_complex_number_is_none():
    values = np.array([1 + 1j, 2 + 2j, complex(np.nan, 3), 4 + 4j, 5 + 5j, 6 + 6j])
    found = grid.gradient(values, boundary="nan")
    assert np.isnan(found.real).tolist() == np.isnan(found.imag).tolist() == [False, False, True, False, False, False]
    np.testing.assert_array_equal(found[~np.isnan(found)], 1 + 1j)
    assert values[2].imag == 3


# --- Times ------------------------------------------------------------------------------------------------------------

DAYS = np.array(["2000-01-01", "2000-01-02", "2000-01-04", "2000-01-05", "2000-01-09"], "M8[D]")
SQUARES = np.arange(5.0) ** 2


@pytest.mark.parametrize("own", ["D", "h", "s", "us", "ns"])
@pytest.mark.parametrize("unit", ["W", "D", "h", "s", "ns"])
def test_times_are_counted_in_the_unit_that_is_named(own, unit):
    t = DAYS.astype(f"M8[{own}]")
    days = (DAYS - DAYS[0]).astype(float)
    a_day = np.timedelta64(1, "D") / np.timedelta64(1, unit)
    for spacing in (t, t - t[0], grid.Coordinates(days * a_day)):
        found = grid.gradient(SQUARES, spacing, datetime_unit=unit)
        np.testing.assert_allclose(found * a_day, NUMPYS(SQUARES, days), rtol=1e-13)
    found = grid.gradient(SQUARES.astype("f2"), t, datetime_unit=unit)
    np.testing.assert_allclose(found.astype("f8") * a_day, NUMPYS(SQUARES, days), rtol=2e-3, atol=1e-2 * a_day)


def test_times_have_no_unit_of_their_own():
    for spacing in (DAYS, np.timedelta64(2, "D"), datetime.timedelta(2)):
        with pytest.raises(TypeError):
            NUMPYS(SQUARES, spacing)
        for call in (grid.gradient, grid.laplacian, lambda v, x: grid.partial(v, 0, x)):
            with pytest.raises(TypeError):
                call(SQUARES, spacing)
    with pytest.raises(TypeError, match="datetime64"):
        grid.Coordinates(DAYS)
    # Differences of times are whole numbers to NumPy: of whatever unit they have.
    for since in ((DAYS - DAYS[0]), (DAYS - DAYS[0]).astype("m8[h]"), (DAYS.astype("M8[M]") - DAYS.astype("M8[Y]"))):
        since = since + (np.arange(5) ** 2).astype(since.dtype)
        np.testing.assert_allclose(grid.gradient(SQUARES, since), NUMPYS(SQUARES, since), rtol=1e-14)
        np.testing.assert_array_equal(grid.Coordinates(since).x, since.astype(float))
        with pytest.raises(ValueError, match="number 4 is NaT"):
            grid.gradient(SQUARES, np.where(np.arange(5) == 4, np.array("NaT", since.dtype), since))
    with pytest.raises(ValueError, match="datetime_unit='Y' is not one of"):
        grid.gradient(SQUARES, DAYS, datetime_unit="Y")
    with pytest.raises(ValueError, match="number 1 is NaT"):
        grid.gradient(SQUARES, np.where(np.arange(5) == 1, np.array("NaT", DAYS.dtype), DAYS), datetime_unit="D")
    with pytest.raises(TypeError, match="months or years"):
        grid.gradient(SQUARES, np.timedelta64(1, "M"), datetime_unit="D")


def test_times_are_as_exact_as_their_differences():
    t = np.datetime64("2026-01-01", "ns") + np.arange(50) ** 2 * np.timedelta64(1000, "ns")
    found = grid.gradient(np.arange(50.0) ** 2, t, datetime_unit="us")
    np.testing.assert_allclose(found, 1.0, rtol=1e-15)
    assert grid.gradient(SQUARES, datetime.timedelta(hours=12), datetime_unit="D")[0] == 2.0
    assert grid.laplacian(SQUARES, np.timedelta64(12, "h"), datetime_unit="D")[0] == 8.0
    months = np.array(["2001-01", "2001-02", "2001-03", "2001-04"], "M8[M]")
    np.testing.assert_allclose(grid.gradient(np.array([0.0, 31, 59, 90]), months, datetime_unit="D"), 1.0, rtol=1e-14)
    far = np.array(["-90000-01-01", "2000-01-01", "90000-01-01"], "M8[D]")
    assert np.all(grid.gradient(np.arange(3.0), far, datetime_unit="ns") > 0)
    with pytest.raises(TypeError, match="expected a number"):
        grid.gradient(LINE, "2", datetime_unit="s")


def test_pandas_times():
    pandas = pytest.importorskip("pandas")
    wanted = NUMPYS(SQUARES, (DAYS - DAYS[0]).astype(float))
    for t in (pandas.DatetimeIndex(DAYS), pandas.Series(DAYS.astype("M8[ns]"))):
        np.testing.assert_allclose(grid.gradient(SQUARES, t, datetime_unit="D"), wanted, rtol=1e-14)
    found = grid.gradient(SQUARES, pandas.Timedelta("2s"), datetime_unit="ms")
    np.testing.assert_array_equal(found, NUMPYS(SQUARES, 2000.0))


# --- What means more than its numbers ---------------------------------------------------------------------------------


class Metres:
    """Numbers with a unit, as NumPy lets a class say."""

    def __init__(self, numbers):
        self.numbers = np.asarray(numbers)

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the unit would be lost")

    def __array_function__(self, function, types, args, kwargs):
        assert function is NUMPYS
        bare = [each.numbers if isinstance(each, Metres) else each for each in args]
        return "in metres", function(*bare, **kwargs)


def test_units_are_numpys_business():
    for values, step in ((Metres(LINE), 2.0), (LINE, Metres(2.0)), (Metres(LINE), UNEVEN), (LINE, Metres(UNEVEN))):
        unit, found = grid.gradient(values, step, edge_order=2)
        assert unit == "in metres"
        bare = [each.numbers if isinstance(each, Metres) else each for each in (values, step)]
        np.testing.assert_array_equal(found, NUMPYS(*bare, edge_order=2))
        for call in (
            lambda v=values, s=step: grid.gradient(v, s, order=4),
            lambda v=values, s=step: grid.gradient(v, s, boundary="nan"),
            lambda v=values, s=step: grid.laplacian(v, s),
            lambda v=values, s=step: grid.partial(v, 0, s),
            lambda v=values, s=step: grid.divergence([v], s),
            lambda v=values, s=step: grid.gradient(v, s, out=np.empty(7)),
        ):
            with pytest.raises(TypeError, match=r"Metres|plain results"):
                call()


def test_pint_and_astropy():
    pint, units = pytest.importorskip("pint"), pytest.importorskip("astropy.units")
    Q = pint.UnitRegistry().Quantity
    for values, step in (
        (Q(LINE, "K"), Q(UNEVEN, "km")),
        (Q(LINE, "K"), 2.0),
        (LINE, Q(2.0, "km")),
        (LINE, UNEVEN * units.km),
        (LINE, 2 * units.km),
        (LINE * units.K, UNEVEN * units.km),
    ):
        found, wanted = grid.gradient(values, step), NUMPYS(values, step)
        assert type(found) is type(wanted)
        assert str(getattr(found, "units", None) or found.unit) == str(getattr(wanted, "units", None) or wanted.unit)
        np.testing.assert_array_equal(getattr(found, "magnitude", found), getattr(wanted, "magnitude", wanted))
        with pytest.raises(TypeError, match=r"(pint|astropy)'s .*Quantity; pass its numbers alone"):
            grid.gradient(values, step, order=4)
        with pytest.raises(TypeError, match="Quantity"):
            grid.laplacian(values, step)


def test_dask_stays_lazy(monkeypatch):
    dask = pytest.importorskip("dask.array")
    values = np.random.default_rng(0).normal(size=(20, 12))
    wanted = NUMPYS(values)
    monkeypatch.setattr(np, "gradient", grid.gradient)
    for lazy, one in zip(grid.gradient(dask.from_array(values, chunks=5)), wanted, strict=True):
        assert isinstance(lazy, dask.Array)
        np.testing.assert_allclose(lazy.compute(scheduler="sync"), one, rtol=1e-13)
    with pytest.raises(TypeError, match="dask's Array"):
        grid.laplacian(dask.from_array(values, chunks=5))


def test_masks_on_coordinates_are_refused():
    """NumPy forgets the mask on the way, and what lies under it gets into the numbers."""
    with pytest.raises(TypeError, match="masked entries"):
        grid.gradient(LINE, np.ma.array(UNEVEN, mask=UNEVEN == 4))
    np.testing.assert_array_equal(grid.gradient(LINE, np.ma.array(UNEVEN)), grid.gradient(LINE, UNEVEN))


def test_complex_spacings_are_numpys():
    _assert_same(grid.gradient(LINE + 0j, 1j), NUMPYS(LINE + 0j, 1j))
    _assert_same(grid.gradient(LINE + 0j, UNEVEN * 1j), NUMPYS(LINE + 0j, UNEVEN * 1j))
    with pytest.raises(TypeError, match="spacing is complex"):
        grid.gradient(LINE + 0j, 1j, order=4)
