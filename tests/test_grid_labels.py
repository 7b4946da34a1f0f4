"""xarray's DataArrays: derivatives along coordinates by name, equal to xarray's own."""

import numpy as np
import pytest

import fastgrad as fg

xr = pytest.importorskip("xarray")
RNG = np.random.default_rng(0)


def field(**dtype):
    values = RNG.normal(size=(6, 9, 10)).astype(**dtype) if dtype else RNG.normal(size=(6, 9, 10))
    return xr.DataArray(
        values,
        dims=("time", "lat", "lon"),
        coords={
            "time": np.array("2000-01-01", "M8[ns]") + np.cumsum(RNG.integers(1, 9, 6)) * np.timedelta64(6, "h"),
            "lat": np.linspace(60.0, -60.0, 9),
            "lon": np.cumsum(RNG.uniform(0.5, 1.5, 10)),
            "height": ("lat", RNG.uniform(1, 2, 9).cumsum()),
            "mask": (("lat", "lon"), RNG.uniform(size=(9, 10)) > 0.5),
            "level": 850,
        },
        name="temperature",
        attrs={"units": "K"},
    )


@pytest.mark.parametrize("name", ["time", "lat", "lon", "height"])
@pytest.mark.parametrize("edge_order", [1, 2])
def test_it_is_what_xarray_makes(name, edge_order):
    for array in (field(), field(dtype="f4"), field(dtype="i4"), field().transpose("lon", ...)):
        wanted = array.differentiate(name, edge_order)
        found = fg.grid.differentiate(array, name, edge_order)
        xr.testing.assert_allclose(found, wanted, rtol=1e-4 if array.dtype == "f4" else 1e-11)
        xr.testing.assert_identical(found.copy(data=wanted.values), wanted)
        assert found.dtype == wanted.dtype
        assert "units" not in found.attrs
        assert array.attrs == {"units": "K"}


def test_units_of_time():
    array = field()
    for unit in ("D", "h", "s", None):
        wanted = array.differentiate("time", datetime_unit=unit)
        xr.testing.assert_allclose(fg.grid.differentiate(array, "time", datetime_unit=unit), wanted, rtol=1e-12)
    times = array.time.astype("M8[ns]")
    found = fg.grid.differentiate(times, "time", datetime_unit="h")
    np.testing.assert_allclose(found, times.differentiate("time", datetime_unit="h"), rtol=1e-12)
    np.testing.assert_allclose(found, 1.0, rtol=1e-12)


def test_what_xarray_does_not_have():
    array = field()
    array[2, 3, 4] = np.nan
    for options in ({"order": 4}, {"boundary": "nan"}, {"workers": 2}):
        found = fg.grid.differentiate(array, "lon", **options)
        np.testing.assert_array_equal(found.values, fg.grid.gradient(array.values, array.lon.values, axis=2, **options))
        assert found.dims == array.dims
        assert found.name == array.name
        xr.testing.assert_identical(found.coords.to_dataset(), array.coords.to_dataset())
    across = xr.DataArray(np.sin(np.linspace(0, 6, 30)), dims="x")
    np.testing.assert_array_equal(
        fg.grid.differentiate(across, "x", boundary="reflect"), fg.grid.gradient(across.values, boundary="reflect")
    )


def test_dask_stays_lazy():
    dask = pytest.importorskip("dask.array")
    lazy = field().chunk({"lat": 3, "lon": 5})
    found = fg.grid.differentiate(lazy, "lon")
    assert isinstance(found.data, dask.Array)
    xr.testing.assert_allclose(found.compute(scheduler="sync"), lazy.differentiate("lon").compute(scheduler="sync"))
    with pytest.raises(TypeError, match="dask's Array"):
        fg.grid.differentiate(lazy, "lon", order=4)


def test_bad_input():
    array = field()
    for given, name, error, match in (
        (array.values, "lat", TypeError, "array is ndarray; expected an xarray.DataArray"),
        (array.to_dataset(), "lat", TypeError, "array is Dataset"),
        (array, "depth", ValueError, "'depth' is no coordinate; this array has 'time', 'lat', 'lon', 'height'"),
        (array, "mask", ValueError, "'mask' has 2 axes"),
        (array, "level", ValueError, "'level' has 0 axes"),
        (array, [1], (TypeError, ValueError), "coordinate|hash"),
        (array.isel(lat=[0, 1, 1, 2]), "lat", ValueError, "increase or decrease"),
    ):
        with pytest.raises(error, match=match):
            fg.grid.differentiate(given, name)
