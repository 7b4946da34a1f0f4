"""xarray's DataArrays: which axis and coordinates a name means, and results with all labels."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..core.given import shown
from .times import all_in_units


def axis_named(array: Any, name: Any) -> tuple[int, Any]:
    """The axis that a coordinate or dimension names, and the coordinates along it.

    Raises
    ------
    TypeError
        It is no DataArray.
    ValueError
        It has no such coordinate, or one that has not one axis.
    """
    # Whoever has one has loaded xarray.
    xarray = sys.modules.get("xarray")
    if xarray is None or not isinstance(array, xarray.DataArray):
        raise TypeError(
            f"array is {type(array).__name__}; expected an xarray.DataArray (of plain arrays: fg.grid.partial)"
        )
    if name not in array.coords and name not in array.dims:
        names = ", ".join(map(repr, (*array.dims, *(each for each in array.coords if each not in array.dims))))
        raise ValueError(f"{shown(name)} is no coordinate; this array has {names}")
    coordinates = array[name].variable
    if coordinates.ndim != 1:
        raise ValueError(f"{shown(name)} has {coordinates.ndim} axes; expected a coordinate with one")
    return array.get_axis_num(coordinates.dims[0]), coordinates.values


def numbers_of(values: Any, unit: str | None) -> tuple[Any, str | None]:
    """Coordinates or data that may be times as numbers, in a unit or else their own, as xarray takes them."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "mM":
        unit = np.datetime_data(values.dtype)[0] if unit is None else unit
        return all_in_units((values,), unit)[0], unit
    return values, unit


def with_labels(array: Any, found: Any) -> Any:
    """Results with the labels of what they are derivatives of; its attributes, a unit say, are not theirs."""
    return type(array)(found, coords=array.coords, dims=array.dims, name=array.name)
