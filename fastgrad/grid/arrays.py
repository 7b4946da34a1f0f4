"""Sampled arrays in and out: what the kernels take, in which layout, and where results go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.options import threads, whole
from . import kernels
from .axes import Coordinates, Scheme, TooShortError, as_coordinates, check_order, even_axis, uneven_axis

_TYPES = frozenset(np.dtype(name) for name in ("f4", "f8", "c8", "c16"))
MANY: Any = tuple if np.lib.NumpyVersion(np.__version__) >= "2.0.0.dev0" else list
"""What several results come in, as NumPy's do."""

# --- Values in ---------------------------------------------------------------------------------------------------


def supported(values: Any) -> NDArray[Any] | None:
    """Values in a type that the kernels know; None if they are NumPy's business."""
    if type(values) is not np.ndarray:
        if isinstance(values, np.ndarray):
            return None
        values = np.asanyarray(values)
        if type(values) is not np.ndarray:
            return None
    if values.dtype in _TYPES:
        return values
    native = values.dtype.newbyteorder("=")
    if native in _TYPES:
        return values.astype(native)
    return values.astype(np.float64) if values.dtype.kind in "iu" else None


def unsupported(values: Any) -> TypeError:
    """What to say of values that the kernels do not know."""
    if isinstance(values, np.ma.MaskedArray):
        return TypeError('values are a masked array; pass values.filled(numpy.nan) and boundary="nan"')
    kind = values.dtype if hasattr(values, "dtype") else np.asarray(values).dtype
    what = f"values are {type(values).__name__} of {kind}"
    return TypeError(f"{what}; this takes plain arrays of float32, float64, complex or integers")


def needed(values: Any) -> NDArray[Any]:
    """Values in a type that the kernels know, or an error."""
    array = supported(values)
    if array is None:
        raise unsupported(values)
    return array


def components_of(components: Any) -> list[NDArray[Any]]:
    """The components of a vector field, of one shape and type."""
    arrays = [needed(component) for component in components]
    if not arrays:
        raise ValueError("a field has one component for each axis, not none")
    kind = np.result_type(*arrays)
    for k, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(f"component {k} has shape {array.shape}, but component 0 has {arrays[0].shape}")
    return [array.astype(kind, copy=False) for array in arrays]


class Layout(NamedTuple):
    """A dense array, and how far apart its rows lie."""

    array: NDArray[Any]
    strides: tuple[int, ...]  # in numbers: a complex one is two

    @classmethod
    def of(cls, array: NDArray[Any]) -> Layout:
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


def axes_of(axis: Any, count: int, repeated: bool = False) -> tuple[int, ...]:
    """The axes that a number, several, or None for all, name."""
    if axis is None:
        return tuple(range(count))
    found = []
    for each in axis if isinstance(axis, (tuple, list)) else (axis,):
        a = whole("axis", each)
        if not -count <= a < count:
            raise np.exceptions.AxisError(a, count)
        found.append(a % count)
    if not repeated and len(set(found)) < len(found):
        raise ValueError(f"repeated axis in {axis!r}")
    return tuple(found)


def spacings(spacing: tuple[Any, ...], axes: Sequence[int], shape: tuple[int, ...]) -> list[Any]:
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


def _axis(layout: Layout, a: int, step: Any, chosen: Scheme) -> kernels.Axis:
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


def _outputs(out: Any, layout: Layout, count: int, values: Any) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Arrays to write to, in the layout of the input; and those to return, which may be others."""
    array = layout.array
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
    if out is None and isinstance(kind, np.dtype) and not kind.isnative and kind.newbyteorder("=") in _TYPES:
        results = [each.astype(kind) for each in outs]
    for result, written in zip(results, outs, strict=True):
        if out is not None and result is not written:
            result[...] = written
    return results[0] if single else MANY(results)


def combined(
    values: Any,
    layout: Layout,
    outputs: list[list[tuple[NDArray[Any], int, Any, float]]],
    chosen: Scheme,
    out: Any,
    workers: int | None,
    magnitude: bool = False,
) -> Any:
    """Each output the sum of factor times the derivative, for its (array, axis, spacing, factor)."""
    if workers is not None:
        workers = threads("workers", workers)
    steps = {a: step for terms in outputs for _, a, step, _ in terms}
    axes = {a: _axis(layout, a, step, chosen) for a, step in steps.items()}
    outs, results = _outputs(out, layout, len(outputs), values)
    work = [(o, [(v, axes[a], factor) for v, a, _, factor in terms]) for o, terms in zip(outs, outputs, strict=True)]
    if layout.array.size and kernels.Outputs(work, layout.slab, magnitude).write(workers or 1):
        for a, step in steps.items():
            if isinstance(step, np.ndarray):
                check_order(step, f"the coordinates of axis {a}")
        raise ValueError("some coordinates are too close together: products of their distances are 0 in float64")
    return _returned(results, outs, out, values, len(outputs) == 1)


def by_numpy(values: Any, spacing: tuple[Any, ...], axis: Any, edge_order: int, out: Any) -> Any:
    """What the kernels do not know, by NumPy."""
    plain = [step.x if isinstance(step, Coordinates) else step for step in spacing]
    found = np.gradient(values, *plain, axis=axis, edge_order=edge_order)  # type: ignore[call-overload]
    if out is None:
        return found
    many = isinstance(found, (list, tuple))
    for each, result in zip(out if many else [out], found if many else [found], strict=True):
        each[...] = result
    return out
