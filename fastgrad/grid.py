"""Derivatives of sampled arrays, at the speed of memory: numpy.gradient's signature, and more."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _grid_kernels
from ._grid_axes import (
    Coordinates,
    Scheme,
    TooShortError,
    as_coordinates,
    check_order,
    even_axis,
    even_weights,
    scheme,
    uneven_axis,
)

__all__ = ["Coordinates", "curl", "divergence", "gradient", "gradient_magnitude", "laplacian", "partial"]

_TYPES = frozenset(np.dtype(name) for name in ("f4", "f8", "c8", "c16"))
_MANY: Any = tuple if np.lib.NumpyVersion(np.__version__) >= "2.0.0.dev0" else list

_DEFAULT = {edge_order: even_weights(scheme(1, 2, "one-sided", edge_order)) for edge_order in (1, 2)}


def gradient(
    values: ArrayLike,
    *spacing: Any,
    axis: int | Sequence[int] | None = None,
    edge_order: int = 1,
    order: int = 2,
    boundary: str = "one-sided",
    out: Any = None,
    workers: int | None = None,
) -> Any:
    """Derivatives of a sampled array along its axes: `numpy.gradient`, in one pass over memory.

    Parameters
    ----------
    values : array_like
        Samples, of any shape. float32, float64 and complex keep their type, integers become float64; what
        `numpy.gradient` takes beyond that (masked arrays, other subclasses, float16, times) goes to it, with the
        default options.
    *spacing : number, array_like or Coordinates, optional
        Nothing: 1. One number: for all axes. Or one for each axis, a number or coordinates (n,).
    axis : int or tuple of int, optional
        Which axes; all by default.
    edge_order : {1, 2}, optional
        Order of accuracy at the edges, with ``order=2``.
    order : {2, 4, 6, 8}, optional
        Order of accuracy in the interior. From 4 on edges have the same.
    boundary : {"one-sided", "periodic", "reflect", "nan"}, optional
        Edges are one-sided; or the array goes on periodically (the row after the last is the first); or it is mirrored
        at its first and last rows; or "nan": one-sided at the edges and beside every NaN, which is missing.
    out : ndarray or sequence of ndarray, optional
        Where to write, one array for each axis, of values' shape and the result's type. That coordinates are out of
        order may be noticed on the way; then they hold nothing of use.
    workers : int, optional
        So many threads.

    Returns
    -------
    derivative : ndarray, or a tuple of them (a list with NumPy 1)
        One for each axis, of values' shape.

    Raises
    ------
    ValueError
        Too few points for the order; coordinates that neither increase nor decrease; `out` does not fit, or overlaps
        values; an option is wrong.
    TypeError
        Spacings do not fit the axes; the type of values has no derivatives.

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
    if axis is out is workers is None and order == 2 and boundary == "one-sided":
        quick = _grid_kernels.small_gradient(values, spacing, _DEFAULT.get(edge_order))
        if quick is not None:
            return _MANY(quick) if type(quick) is list else quick
    array = _supported(values)
    if array is None or array.ndim == 0 or axis == ():
        if order != 2 or boundary != "one-sided":
            raise _unsupported(values)
        return _numpys(values, spacing, axis, edge_order, out)
    axes = _axes(axis, array.ndim)
    layout = _Layout.of(array)
    chosen = scheme(1, order, boundary, edge_order)
    spacings = _spacings(spacing, axes, array.shape)
    terms = [_axis(layout, a, step, chosen) for a, step in zip(axes, spacings, strict=True)]
    outs, results = _outputs(out, array, layout, len(axes), values)
    work = [(o, [(layout.array, term, 1.0)]) for o, term in zip(outs, terms, strict=True)]
    _write(work, layout, workers, axes, spacings)
    return _returned(results, outs, out, values, len(axes) == 1)


def partial(
    values: ArrayLike,
    axis: int | Sequence[int],
    *spacing: Any,
    deriv: int = 1,
    order: int = 2,
    boundary: str = "one-sided",
    out: NDArray[Any] | None = None,
    workers: int | None = None,
) -> NDArray[Any]:
    """One derivative of a sampled array: first, second, or mixed.

    Parameters
    ----------
    values, boundary, workers
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
    if deriv not in (1, 2):
        raise ValueError(f"deriv is 1 or 2, not {deriv!r}; the k-th derivative is one of another")
    array = _needed(values)
    axes = _axes(axis, array.ndim, repeated=True)
    if not axes or (deriv == 2 and len(axes) > 1):
        raise ValueError("axis names one axis, or with deriv=1 those of a mixed derivative")
    layout, chosen = _Layout.of(array), scheme(deriv, order, boundary)
    spacings = _spacings(spacing, axes, array.shape)
    for a, step in list(zip(axes, spacings, strict=True))[:0:-1]:
        array = _combined(array, array, layout, [[(layout.array, a, step, 1.0)]], chosen, None, workers)
        layout = _Layout.of(array)
    last = [[(layout.array, axes[0], spacings[0], 1.0)]]
    found: NDArray[Any] = _combined(values, array, layout, last, chosen, out, workers)
    return found


def laplacian(
    values: ArrayLike,
    *spacing: Any,
    order: int = 2,
    boundary: str = "one-sided",
    out: NDArray[Any] | None = None,
    workers: int | None = None,
) -> NDArray[Any]:
    """Sum of the second derivatives along all axes, without temporary arrays.

    Parameters
    ----------
    values, *spacing, order, boundary, out, workers
        As for `partial`; spacings for all axes.

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
    array, layout, chosen, axes, spacings = _field(values, spacing, 2, order, boundary)
    terms = [(layout.array, a, step, 1.0) for a, step in zip(axes, spacings, strict=True)]
    found: NDArray[Any] = _combined(values, array, layout, [terms], chosen, out, workers)
    return found


def gradient_magnitude(
    values: ArrayLike,
    *spacing: Any,
    order: int = 2,
    boundary: str = "one-sided",
    out: NDArray[Any] | None = None,
    workers: int | None = None,
) -> NDArray[Any]:
    """Length of the gradient, without temporary arrays: the steepness of a terrain, the edges of a picture.

    Parameters
    ----------
    values, *spacing, order, boundary, out, workers
        As for `partial`; spacings for all axes. values are real.

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
    array, layout, chosen, axes, spacings = _field(values, spacing, 1, order, boundary)
    if array.dtype.kind == "c":
        raise TypeError("a complex gradient has no one magnitude; take that of abs(values), or of its parts")
    terms = [(layout.array, a, step, 1.0) for a, step in zip(axes, spacings, strict=True)]
    found: NDArray[Any] = _combined(values, array, layout, [terms], chosen, out, workers, magnitude=True)
    return found


def divergence(
    components: Any,
    *spacing: Any,
    order: int = 2,
    boundary: str = "one-sided",
    out: NDArray[Any] | None = None,
    workers: int | None = None,
) -> NDArray[Any]:
    """Divergence of a vector field, without temporary arrays.

    Parameters
    ----------
    components : sequence of array_like, or ndarray
        One array for each axis, all of one shape; or stacked, (axes, ...).
    *spacing, order, boundary, out, workers
        As for `partial`; spacings for all axes.

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
    arrays = _components(components)
    _, layout, chosen, axes, spacings = _field(arrays[0], spacing, 1, order, boundary)
    if len(arrays) != len(axes):
        raise ValueError(f"a field on {len(axes)} axes has {len(axes)} components, not {len(arrays)}")
    terms = [(layout.like(c), a, step, 1.0) for c, a, step in zip(arrays, axes, spacings, strict=True)]
    found: NDArray[Any] = _combined(components, arrays[0], layout, [terms], chosen, out, workers)
    return found


def curl(
    components: Any,
    *spacing: Any,
    order: int = 2,
    boundary: str = "one-sided",
    out: Any = None,
    workers: int | None = None,
) -> Any:
    """Curl of a vector field in two or three dimensions, without temporary arrays.

    Parameters
    ----------
    components, *spacing, order, boundary, workers
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
    arrays = _components(components)
    _, layout, chosen, axes, spacings = _field(arrays[0], spacing, 1, order, boundary)
    if len(axes) not in (2, 3) or len(arrays) != len(axes):
        raise ValueError(f"a curl needs 2 components on 2 axes or 3 on 3, not {len(arrays)} on {len(axes)}")
    like = [layout.like(component) for component in arrays]
    pairs = [(0, 1)] if len(axes) == 2 else [(1, 2), (2, 0), (0, 1)]
    terms = [[(like[b], a, spacings[a], 1.0), (like[a], b, spacings[b], -1.0)] for a, b in pairs]
    return _combined(components, arrays[0], layout, terms, chosen, out, workers)


# --- Values in ---------------------------------------------------------------------------------------------------


def _supported(values: Any) -> NDArray[Any] | None:
    """Values in a type that the kernels know; None if they are NumPy's business."""
    if type(values) is not np.ndarray:
        if isinstance(values, np.ndarray):
            return None
        values = np.asanyarray(values)
        if type(values) is not np.ndarray:
            return None
    if values.dtype in _TYPES:
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    return values.astype(np.float64) if values.dtype.kind in "iu" else None


def _unsupported(values: Any) -> TypeError:
    if isinstance(values, np.ma.MaskedArray):
        return TypeError('values are a masked array; pass values.filled(numpy.nan) and boundary="nan"')
    kind = values.dtype if hasattr(values, "dtype") else np.asarray(values).dtype
    what = f"values are {type(values).__name__} of {kind}"
    return TypeError(f"{what}; this takes plain arrays of float32, float64, complex or integers")


def _needed(values: Any) -> NDArray[Any]:
    array = _supported(values)
    if array is None:
        raise _unsupported(values)
    return array


def _components(components: Any) -> list[NDArray[Any]]:
    arrays = [_needed(component) for component in components]
    if not arrays:
        raise ValueError("a field has one component for each axis, not none")
    kind = np.result_type(*arrays)
    for k, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(f"component {k} has shape {array.shape}, but component 0 has {arrays[0].shape}")
    return [array.astype(kind, copy=False) for array in arrays]


def _field(
    values: Any, spacing: tuple[Any, ...], derivative: int, order: int, boundary: str
) -> tuple[NDArray[Any], _Layout, Scheme, tuple[int, ...], list[Any]]:
    array = _needed(values)
    if array.ndim == 0:
        raise ValueError("values are one number; a derivative needs an axis")
    axes = tuple(range(array.ndim))
    return array, _Layout.of(array), scheme(derivative, order, boundary), axes, _spacings(spacing, axes, array.shape)


class _Layout(NamedTuple):
    """A dense array, and how far apart its rows lie."""

    array: NDArray[Any]
    strides: tuple[int, ...]  # in numbers: a complex one is two

    @classmethod
    def of(cls, array: NDArray[Any]) -> _Layout:
        """An array as it is if it is dense, with axes in any order, else a copy."""
        shape, by = array.shape, range(array.ndim)
        if not array.flags.c_contiguous:
            by = sorted(by, key=lambda a: -abs(array.strides[a]))  # type: ignore[assignment]
        strides, step = [0] * array.ndim, 1
        for a in reversed(by):
            strides[a] = step
            step *= shape[a]
        if not array.flags.c_contiguous and any(
            strides[a] * array.itemsize != array.strides[a] for a in by if shape[a] > 1
        ):
            return cls.of(np.ascontiguousarray(array))
        numbers = 2 if array.dtype.kind == "c" else 1
        return cls(array, tuple(numbers * stride for stride in strides))

    def like(self, array: NDArray[Any]) -> NDArray[Any]:
        """Another array of the same shape, in this layout."""
        if array.strides == self.array.strides and array.dtype == self.array.dtype:
            return array
        same = np.empty_like(self.array)
        same[...] = array
        return same

    @property
    def slab(self) -> int:
        """How many numbers lie between two rows of the slowest axes, of which there are enough to share out."""
        rows, stride = 1, 1
        for length, step in sorted(zip(self.array.shape, self.strides, strict=True), key=lambda pair: -pair[1]):
            rows, stride = rows * length, step
            if rows >= 16:
                break
        return stride


def _axes(axis: Any, count: int, repeated: bool = False) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(count))
    found = []
    for a in axis if isinstance(axis, (tuple, list)) else (axis,):
        if not -count <= index(a) < count:
            raise np.exceptions.AxisError(index(a), count)
        found.append(index(a) % count)
    if not repeated and len(set(found)) < len(found):
        raise ValueError(f"repeated axis in {axis!r}")
    return tuple(found)


def _spacings(spacing: tuple[Any, ...], axes: tuple[int, ...], shape: tuple[int, ...]) -> list[Any]:
    """For each axis a float, an array of coordinates, or Coordinates."""
    if not spacing:
        return [1.0] * len(axes)
    if len(spacing) == 1 and not isinstance(spacing[0], Coordinates) and np.ndim(spacing[0]) == 0:
        spacing *= len(axes)
    if len(spacing) != len(axes):
        raise TypeError(
            f"invalid number of arguments: {len(spacing)} spacings for {len(axes)} axes; expected none, one number, or "
            "one number or array of coordinates for each"
        )
    found: list[Any] = []
    for a, step in zip(axes, spacing, strict=True):
        if isinstance(step, Coordinates) or np.ndim(step) > 0:
            step = step if isinstance(step, Coordinates) else as_coordinates(step)
            if len(step) != shape[a]:
                raise ValueError(
                    f"when 1d, distances must match the axis: axis {a} has {shape[a]} rows, not {len(step)}"
                )
        else:
            step = float(step)
            if step == 0.0 or not np.isfinite(step):
                raise ValueError(f"the spacing of axis {a} is {step}; expected a finite number other than 0")
        found.append(step)
    return found


def _axis(layout: _Layout, a: int, step: Any, chosen: Scheme) -> _grid_kernels.Axis:
    length, stride = layout.array.shape[a], layout.strides[a]
    try:
        if type(step) is float:
            return even_axis(chosen, length, stride, step)
        return uneven_axis(chosen, stride, step)
    except TooShortError as error:
        raise ValueError(
            f"axis {a} has {length} points, too few: order {chosen.order} with these edges needs at least {error.least}"
        ) from None


# --- Results out -------------------------------------------------------------------------------------------------


def _outputs(
    out: Any, array: NDArray[Any], layout: _Layout, count: int, values: Any
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Arrays to write to, in the layout of the input; and those to return, which may be others."""
    if out is None:
        outs = [np.empty_like(layout.array) for _ in range(count)]
        return outs, outs
    given = [out] if isinstance(out, np.ndarray) else list(out)
    if len(given) != count:
        raise ValueError(f"out has {len(given)} arrays, but {count} are written")
    for k, each in enumerate(given):
        name = f"out[{k}]" if count > 1 else "out"
        if not isinstance(each, np.ndarray) or each.shape != array.shape or each.dtype.newbyteorder("=") != array.dtype:
            what = f"of shape {each.shape} and {each.dtype}" if isinstance(each, np.ndarray) else type(each).__name__
            raise ValueError(f"{name} is {what}; expected an array of shape {array.shape} and {array.dtype}")
        if not each.flags.writeable:
            raise ValueError(f"{name} is read-only")
        inputs = [values] if isinstance(values, np.ndarray) else [v for v in values if isinstance(v, np.ndarray)]
        if any(np.may_share_memory(each, other) for other in inputs):
            raise ValueError(f"{name} overlaps the values; derivatives need them until the end")
        if any(np.may_share_memory(each, other) for other in given[:k]):
            raise ValueError(f"{name} overlaps another array of out")
    fits = [each.strides == layout.array.strides and each.dtype.isnative for each in given]
    outs = [each if fit else np.empty_like(layout.array) for each, fit in zip(given, fits, strict=True)]
    return outs, given


def _returned(results: list[NDArray[Any]], outs: list[NDArray[Any]], out: Any, values: Any, single: bool) -> Any:
    kind = getattr(values, "dtype", None)
    if out is None and isinstance(kind, np.dtype) and kind in _TYPES and not kind.isnative:
        results = [each.astype(kind) for each in outs]
    for result, written in zip(results, outs, strict=True):
        if out is not None and result is not written:
            result[...] = written
    return results[0] if single else _MANY(results)


def _write(
    work: list[Any],
    layout: _Layout,
    workers: int | None,
    axes: tuple[int, ...],
    spacings: list[Any],
    magnitude: bool = False,
) -> None:
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise ValueError(f"workers is {workers!r}; expected a number of threads, 1 or more")
    if not layout.array.size:
        return
    if _grid_kernels.Outputs(work, layout.slab, magnitude).write(workers or 1):
        for a, step in zip(axes, spacings, strict=True):
            if isinstance(step, np.ndarray):
                check_order(step, f"the coordinates of axis {a}")


def _combined(
    values: Any,
    array: NDArray[Any],
    layout: _Layout,
    outputs: list[list[tuple[NDArray[Any], int, Any, float]]],
    chosen: Scheme,
    out: Any,
    workers: int | None,
    magnitude: bool = False,
) -> Any:
    """Each output a sum of (array, axis, spacing, factor)."""
    axes = {a: (_axis(layout, a, step, chosen), step) for terms in outputs for _, a, step, _ in terms}
    outs, results = _outputs(out, array, layout, len(outputs), values)
    work = [(o, [(v, axes[a][0], factor) for v, a, _, factor in terms]) for o, terms in zip(outs, outputs, strict=True)]
    _write(work, layout, workers, tuple(axes), [step for _, step in axes.values()], magnitude)
    return _returned(results, outs, out, values, len(outputs) == 1)


def _numpys(values: Any, spacing: tuple[Any, ...], axis: Any, edge_order: int, out: Any) -> Any:
    """What the kernels do not know, by NumPy."""
    plain = [step.x if isinstance(step, Coordinates) else step for step in spacing]
    found = np.gradient(values, *plain, axis=axis, edge_order=edge_order)  # type: ignore[call-overload]
    if out is None:
        return found
    many = isinstance(found, (list, tuple))
    for each, result in zip(out if many else [out], found if many else [found], strict=True):
        each[...] = result
    return out
