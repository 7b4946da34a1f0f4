"""Derivatives of sampled arrays, at the speed of memory: numpy.gradient's signature, and more."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, SupportsIndex

from numpy.typing import ArrayLike, NDArray

from ..core.options import among, threads
from . import kernels
from .arrays import (
    MANY,
    Layout,
    axes_of,
    by_numpy,
    combined,
    components_of,
    needed,
    spacings,
    supported,
)
from .axes import Coordinates, even_weights, scheme, schemes
from .foreign import has_units, is_complex, unsupported
from .labelled import axis_named, numbers_of, with_labels

__all__ = [
    "Coordinates",
    "curl",
    "differentiate",
    "divergence",
    "gradient",
    "gradient_magnitude",
    "laplacian",
    "partial",
]

_DEFAULT = {edge_order: even_weights(scheme(1, 2, "one-sided", edge_order)) for edge_order in (1, 2)}


def gradient(
    f: ArrayLike,
    *spacing: Any,
    axis: SupportsIndex | Iterable[SupportsIndex] | None = None,
    edge_order: int = 1,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    out: Any = None,
    workers: int | None = None,
    datetime_unit: str | None = None,
) -> Any:
    """Derivatives of a sampled array along its axes: `numpy.gradient`, in one pass over memory.

    Parameters
    ----------
    f : array_like
        Samples, of any shape. float32, float64 and complex keep their type, integers become float64; what
        `numpy.gradient` takes beyond that (masked arrays, units, lazy arrays, float16, times) goes to it, with the
        default options.
    *spacing : number, array_like or Coordinates, optional
        Nothing: 1. One number: for all axes. Or one for each axis, a number or coordinates (n,).
    axis : int or iterable of int, optional
        Which axes; all by default.
    edge_order : {1, 2}, optional
        Order of accuracy at the edges, with ``order=2``.
    order : {2, 4, 6, 8}, optional
        Order of accuracy in the interior. From 4 on edges have the same.
    boundary : {"one-sided", "periodic", "reflect", "nan"}, optional
        Edges are one-sided; or the array goes on periodically (the row after the last is the first); or it is mirrored
        at its first and last rows; or "nan": one-sided at the edges and beside every NaN, which is missing. Of several
        axes: a tuple with one for each, or a dict by axis, ``{1: "periodic"}``, of which the others are one-sided. Each
        may be a pair for the first rows and the last, ``("reflect", "one-sided")``.
    period : float or dict, optional
        How long the period is, of periodic axes with coordinates: 360 of longitudes. A dict by axis for several.
    out : ndarray or sequence of ndarray, optional
        Where to write, one array for each axis, or one with the axes in front, of f's shape and the result's type,
        however it lies in memory. That coordinates are out of order may be noticed on the way; then it holds nothing
        of use.
    workers : int, optional
        So many threads.
    datetime_unit : {"W", "D", "h", "m", "s", "ms", "us", "ns"}, optional
        Unit of coordinates that are datetime64 or timedelta64: derivatives are for each of it. Without it datetime64
        is an error, and timedelta64 are numbers of their own unit, as in NumPy.

    Returns
    -------
    derivative : ndarray, or a tuple of them (a list with NumPy 1)
        One for each axis, of f's shape.

    Raises
    ------
    ValueError
        Too few points for the order; coordinates that neither increase nor decrease; `out` does not fit, is read-only,
        or overlaps f, coordinates or itself; an option is wrong.
    TypeError
        Spacings do not fit the axes; the type of f has no derivatives.

    See Also
    --------
    partial : one derivative, second and mixed ones too.

    Notes
    -----
    Results are those of `numpy.gradient` to rounding, to the bit where the spacing is a power of two. Between
    coordinates, the weights of order 2 are NumPy's; higher ones follow B. Fornberg, Math. Comp. 51 (1988) 699-706.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> fg.grid.gradient(np.array([1.0, 2, 4, 7, 11]))
    array([1. , 1.5, 2.5, 3.5, 4. ])
    >>> angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    >>> error = fg.grid.gradient(np.sin(angle), angle[1], order=8, boundary="periodic") - np.cos(angle)
    >>> bool(abs(error).max() < 1e-12)
    True
    """
    # Types before values: what is no option may compare in any way.
    usual = type(order) is type(edge_order) is int and order == 2 and type(boundary) is str and boundary == "one-sided"
    if usual and axis is out is workers is period is None and datetime_unit is None:
        quick = kernels.small_gradient(f, spacing, _DEFAULT.get(edge_order))
        if quick is not None:
            return MANY(quick) if type(quick) is list else quick
    # Of which axes it is, is known later.
    scheme(1, order, "one-sided" if isinstance(boundary, dict | tuple) else boundary, edge_order)
    workers = workers if workers is None else threads("workers", workers)
    array = None if any(has_units(step) or is_complex(step) for step in spacing) else supported(f)
    if array is None or array.ndim == 0:
        if order != 2 or period is not None or not isinstance(boundary, str) or boundary != "one-sided":
            raise unsupported(f, spacing)
        return by_numpy(f, spacing, axis, edge_order, out, datetime_unit)
    axes = axes_of(axis, array.ndim)
    chosen = schemes(1, order, boundary, period, axes, array.ndim, edge_order)
    layout, steps = Layout.of(array), spacings(spacing, axes, array.shape, datetime_unit)
    outputs = [[(layout.array, a, step, 1.0)] for a, step in zip(axes, steps, strict=True)]
    return combined(f, layout, outputs, chosen, out, workers)


def partial(
    values: ArrayLike,
    axis: SupportsIndex | Iterable[SupportsIndex],
    *spacing: Any,
    deriv: int = 1,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    out: NDArray[Any] | None = None,
    workers: int | None = None,
    datetime_unit: str | None = None,
) -> NDArray[Any]:
    """One derivative of a sampled array: first, second, or mixed.

    Parameters
    ----------
    values, boundary, period, workers, datetime_unit
        As for `gradient`.
    axis : int or tuple of int
        Along which axis; of several, one derivative along each in turn: a mixed one.
    *spacing : number, array_like or Coordinates, optional
        As for `gradient`: one for each axis that is named.
    deriv : {1, 2}, optional
        Which derivative, along one axis.
    order : {2, 4, 6, 8}, optional
        Order of accuracy, at the edges too.
    out : ndarray, optional
        Where to write.

    Returns
    -------
    derivative : ndarray
        Of values' shape.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> x = np.arange(5.0)
    >>> fg.grid.partial(x**2, 0, deriv=2)
    array([2., 2., 2., 2., 2.])
    >>> fg.grid.partial(x[:, None] * x**2, (0, 1))[2]
    array([0., 2., 4., 6., 8.])
    """
    deriv = among("deriv", deriv, (1, 2), "; the k-th derivative is one of another")
    array = needed(values)
    axes = axes_of(axis, array.ndim, repeated=True)
    if not axes or (deriv == 2 and len(axes) > 1):
        raise ValueError("axis names one axis, or with deriv=1 those of a mixed derivative")
    chosen = schemes(deriv, order, boundary, period, axes, array.ndim)
    first, *others = zip(axes, spacings(spacing, axes, array.shape, datetime_unit), strict=True)
    layout = Layout.of(array)
    for a, step in reversed(others):
        layout = Layout.of(combined(array, layout, [[(layout.array, a, step, 1.0)]], chosen, None, workers))
    found: NDArray[Any] = combined(values, layout, [[(layout.array, *first, 1.0)]], chosen, out, workers)
    return found


def differentiate(
    array: Any,
    coord: Hashable,
    edge_order: int = 1,
    datetime_unit: str | None = None,
    *,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    workers: int | None = None,
) -> Any:
    """Derivative of an xarray DataArray along one of its coordinates, with dims, coordinates and name kept.

    Parameters
    ----------
    array : xarray.DataArray
        Dask arrays stay lazy, and units units, with the default options.
    coord : hashable
        Name of a coordinate with one axis, or of a dimension.
    edge_order, datetime_unit
        As for `xarray.DataArray.differentiate`: without it, times are counted in their own unit.
    order, boundary, period, workers
        As for `gradient`.

    Returns
    -------
    derivative : xarray.DataArray
        With the default options that of `xarray.DataArray.differentiate`.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; no DataArray; no such coordinate.

    See Also
    --------
    gradient : of plain arrays.

    Examples
    --------
    >>> import fastgrad as fg, xarray as xr  # doctest: +SKIP
    >>> field = xr.DataArray([[0.0, 1.0, 4.0, 9.0]], dims=("lat", "lon"))  # doctest: +SKIP
    >>> fg.grid.differentiate(field, "lon").values  # doctest: +SKIP
    array([[1., 2., 4., 5.]])
    """
    axis, coordinates = axis_named(array, coord)
    coordinates, datetime_unit = numbers_of(coordinates, datetime_unit)
    values, _ = numbers_of(array.data, datetime_unit)
    found = gradient(
        values,
        coordinates,
        axis=axis,
        edge_order=edge_order,
        order=order,
        boundary=boundary,
        period=period,
        workers=workers,
    )
    return with_labels(array, found)


def laplacian(
    values: ArrayLike,
    *spacing: Any,
    axis: SupportsIndex | Iterable[SupportsIndex] | None = None,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    out: NDArray[Any] | None = None,
    workers: int | None = None,
    datetime_unit: str | None = None,
) -> NDArray[Any]:
    """Sum of the second derivatives along all axes, without temporary arrays.

    Parameters
    ----------
    values, *spacing, order, boundary, period, out, workers, datetime_unit
        As for `partial`; spacings for all axes.
    axis : int or iterable of int, optional
        Only along these, of a field that has others too, as time; all by default.

    Returns
    -------
    laplacian : ndarray

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> x, y = np.meshgrid(np.arange(4.0), np.arange(5.0), indexing="ij")
    >>> fg.grid.laplacian(x**2 + 3 * y**2)[0]
    array([8., 8., 8., 8., 8.])
    """
    array = needed(values)
    found: NDArray[Any] = _over_axes(
        values, array, None, spacing, (2, order, boundary, period), axis, out, workers, datetime_unit
    )
    return found


def gradient_magnitude(
    values: ArrayLike,
    *spacing: Any,
    axis: SupportsIndex | Iterable[SupportsIndex] | None = None,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    out: NDArray[Any] | None = None,
    workers: int | None = None,
    datetime_unit: str | None = None,
) -> NDArray[Any]:
    """Length of the gradient, without temporary arrays: the steepness of a terrain, the edges of a picture.

    Parameters
    ----------
    values, *spacing, order, boundary, period, out, workers, datetime_unit
        As for `partial`; spacings for all axes. values are real.
    axis : int or iterable of int, optional
        As for `laplacian`.

    Returns
    -------
    magnitude : ndarray

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(3.0), indexing="ij")
    >>> fg.grid.gradient_magnitude(3 * x + 4 * y)[1]
    array([5., 5., 5.])
    """
    array = needed(values)
    if array.dtype.kind == "c":
        raise TypeError("a complex gradient has no one magnitude; take that of abs(values), or of its parts")
    found: NDArray[Any] = _over_axes(
        values, array, None, spacing, (1, order, boundary, period), axis, out, workers, datetime_unit, True
    )
    return found


def divergence(
    components: Any,
    *spacing: Any,
    axis: SupportsIndex | Iterable[SupportsIndex] | None = None,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    out: NDArray[Any] | None = None,
    workers: int | None = None,
    datetime_unit: str | None = None,
) -> NDArray[Any]:
    """Divergence of a vector field, without temporary arrays.

    Parameters
    ----------
    components : sequence of array_like, or ndarray
        One array for each axis, all of one shape; or stacked, (axes, ...). The first is along the first axis, as
        ``numpy.meshgrid(x, y, indexing="ij")`` has it; of (y, x) fields, u and v are ``[v, u]``.
    *spacing, order, boundary, period, out, workers, datetime_unit
        As for `partial`; spacings for all axes.
    axis : int or iterable of int, optional
        The axes that the components are along, in their order; all by default.

    Returns
    -------
    divergence : ndarray
        Of one component's shape.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`; components that do not fit together.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    >>> fg.grid.divergence([2 * x, 3 * y])[1]
    array([5., 5., 5., 5.])
    """
    arrays = components_of(components)
    count = len(axes_of(axis, arrays[0].ndim))
    if len(arrays) != count:
        raise ValueError(f"a field on {count} axes has {count} components, not {len(arrays)}")
    found: NDArray[Any] = _over_axes(
        components, arrays[0], arrays, spacing, (1, order, boundary, period), axis, out, workers, datetime_unit
    )
    return found


def curl(
    components: Any,
    *spacing: Any,
    axis: SupportsIndex | Iterable[SupportsIndex] | None = None,
    order: int = 2,
    boundary: Any = "one-sided",
    period: Any = None,
    out: Any = None,
    workers: int | None = None,
    datetime_unit: str | None = None,
) -> Any:
    """Curl of a vector field in two or three dimensions, without temporary arrays.

    Parameters
    ----------
    components, *spacing, axis, order, boundary, period, workers, datetime_unit
        As for `divergence`.
    out : ndarray or sequence of three, optional
        Where to write.

    Returns
    -------
    curl : ndarray, or a tuple of three
        In two dimensions ∂F₁/∂x₀ - ∂F₀/∂x₁; in three the vector's components.

    Raises
    ------
    TypeError, ValueError
        As for `divergence`; a field of another dimension.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    >>> fg.grid.curl([-y, x])[1]
    array([2., 2., 2., 2.])
    """
    arrays = components_of(components)
    axes = axes_of(axis, arrays[0].ndim)
    if len(axes) not in (2, 3) or len(arrays) != len(axes):
        raise ValueError(f"a curl needs 2 components on 2 axes or 3 on 3, not {len(arrays)} on {len(axes)}")
    layout, steps = Layout.of(arrays[0]), spacings(spacing, axes, arrays[0].shape, datetime_unit)
    like = [layout.like(component) for component in arrays]
    pairs = [(0, 1)] if len(axes) == 2 else [(1, 2), (2, 0), (0, 1)]
    outputs = [[(like[b], axes[a], steps[a], 1.0), (like[a], axes[b], steps[b], -1.0)] for a, b in pairs]
    return combined(
        components, layout, outputs, schemes(1, order, boundary, period, axes, arrays[0].ndim), out, workers
    )


def _over_axes(
    values: Any,
    array: NDArray[Any],
    along: Sequence[NDArray[Any]] | None,
    spacing: tuple[Any, ...],
    options: tuple[int, int, Any, Any],
    axis: Any,
    out: Any,
    workers: int | None,
    datetime_unit: str | None,
    magnitude: bool = False,
) -> Any:
    """The sum of derivatives along some axes, of `array` or one of `along` each; or the root of their squares' sum."""
    if array.ndim == 0:
        raise ValueError("values are one number; a derivative needs an axis")
    layout, axes = Layout.of(array), axes_of(axis, array.ndim)
    if not axes:
        raise ValueError("axis names no axis; a sum of derivatives needs one")
    steps = spacings(spacing, axes, array.shape, datetime_unit)
    each = [layout.array] * len(axes) if along is None else [layout.like(component) for component in along]
    terms = [(values, a, step, 1.0) for values, a, step in zip(each, axes, steps, strict=True)]
    chosen = schemes(*options, axes, array.ndim)
    return combined(values, layout, [terms], chosen, out, workers, magnitude)
