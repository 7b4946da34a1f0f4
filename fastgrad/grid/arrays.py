"""Sampled arrays in and out: what the kernels take, in which layout, and where results go."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.given import DEPTH, array_of, attribute, number, shown
from ..core.options import names, threads, whole, whole_or_none
from ..core.outputs import is_direct, memory_of, overlap
from . import kernels
from .axes import Coordinates, Scheme, TooShortError, as_coordinates, check_order, even_axis, uneven_axis
from .foreign import has_own_meaning, has_units, numpys_gradient, own_meaning, unsupported
from .times import all_in_units

_TYPES = frozenset(np.dtype(name) for name in ("f4", "f8", "c8", "c16"))
MANY: Any = tuple if np.lib.NumpyVersion(np.__version__) >= "2.0.0.dev0" else list
"""What several results come in, as NumPy's do."""

# --- Values in ---------------------------------------------------------------------------------------------------


def supported(values: Any) -> NDArray[Any] | None:
    """Values in a type that the kernels know; None if they are NumPy's business."""
    if type(values) is not np.ndarray and has_own_meaning(values):
        return None
    array = np.asarray(values) if isinstance(values, np.ndarray) else array_of(values, "values")
    if array.dtype in _TYPES:
        return array
    native = array.dtype.newbyteorder("=")
    if native in _TYPES:
        return array.astype(native)
    return array.astype(np.float64) if array.dtype.kind in "iu" else None


def needed(values: Any) -> NDArray[Any]:
    """Values in a type that the kernels know, or an error."""
    array = supported(values)
    if array is None:
        raise unsupported(values)
    return array


def components_of(components: Any) -> list[NDArray[Any]]:
    """The components of a vector field, of one shape and type."""
    arrays = [needed(component) for component in names("a field", components)]
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
        """An array as it is if it is aligned and dense, with axes in any order, else a copy."""
        if not array.flags.aligned:
            return cls.of(array.copy())
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
        if array.strides == self.array.strides and array.dtype == self.array.dtype and array.flags.aligned:
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
    for each in _each_axis(axis):
        a = whole("axis", each)
        if not -count <= a < count:
            raise np.exceptions.AxisError(a, count)
        found.append(a % count)
    if not repeated and len(set(found)) < len(found):
        raise ValueError(f"repeated axis in {shown(axis)}")
    return tuple(found)


def _each_axis(axis: Any) -> Sequence[Any]:
    """What is given as `axis` one by one; NumPy takes anything that can be gone through."""
    if whole_or_none(axis) is not None:
        return (axis,)
    try:
        return tuple(islice(axis, DEPTH + 1))
    except Exception:
        return (axis,)


def spacings(
    spacing: tuple[Any, ...], axes: Sequence[int], shape: tuple[int, ...], datetime_unit: str | None = None
) -> list[Any]:
    """For each axis a float, an array of coordinates, or Coordinates."""
    spacing = all_in_units(spacing, datetime_unit)
    if not spacing:
        return [1.0] * len(axes)
    spacing = tuple(step if isinstance(step, Coordinates) else _spacing(step) for step in spacing)
    if len(spacing) == 1 and type(spacing[0]) is float:
        spacing *= len(axes)
    if len(spacing) != len(axes):
        raise TypeError(
            f"invalid number of arguments: {len(spacing)} spacings for {len(axes)} axes; expected none, one number, or "
            "one number or array of coordinates for each"
        )
    found: list[Any] = []
    for a, step in zip(axes, spacing, strict=True):
        if type(step) is not float:
            if len(step) != shape[a]:
                raise ValueError(
                    f"when 1d, distances must match the axis: axis {a} has {shape[a]} rows, not {len(step)}"
                )
        elif step == 0.0 or not np.isfinite(step):
            raise ValueError(f"the spacing of axis {a} is {step}; expected a finite number other than 0")
        found.append(step)
    return found


def _spacing(step: Any) -> Any:
    """A number as a float; else coordinates."""
    if has_units(step):
        raise own_meaning(step, "the spacing is")
    if type(step) is float or isinstance(step, int | np.number) or array_of(step, "the spacing").ndim == 0:
        return number(step, "the spacing")
    return as_coordinates(step)


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


def _given(out: Any, count: int) -> list[Any]:
    """What was given as `out`, one thing for each result: several may be one array, (count, ...)."""
    if not isinstance(out, (np.ndarray, list, tuple)):
        raise TypeError(f"out is {type(out).__name__}; expected an array, or a sequence of {count}")
    one = isinstance(out, np.ndarray) and (count == 1 or not out.ndim)
    given = [out] if one else names("out", out)
    if len(given) != count:
        raise ValueError(f"out has {len(given)} arrays, but {count} are written")
    return given


def _name(k: int, count: int) -> str:
    return f"out[{k}]" if count > 1 else "out"


def _memories(given: list[Any], like: NDArray[Any], values: Any, coordinates: list[Any]) -> list[NDArray[Any]]:
    """The memory of arrays to write to, each of which is fit for it and overlaps nothing that is still to be read."""
    found: list[NDArray[Any]] = []
    for k, each in enumerate(given):
        name = _name(k, len(given))
        memory = memory_of(name, each, like.shape, like.dtype)
        if overlap(memory, values):
            raise ValueError(f"{name} overlaps the values; derivatives need them until the end")
        if overlap(memory, coordinates):
            raise ValueError(f"{name} overlaps the coordinates; derivatives need them until the end")
        if overlap(memory, found):
            raise ValueError(f"{name} overlaps another array of out")
        found.append(memory)
    return found


def _returned(results: list[NDArray[Any]], values: Any) -> list[NDArray[Any]]:
    """New results in the byte order of the values, and of their class."""
    kind = attribute(values, "dtype")
    if isinstance(kind, np.dtype) and not kind.isnative and kind.newbyteorder("=") in _TYPES:
        results = [each.astype(kind) for each in results]
    if isinstance(values, np.ndarray) and type(values) is not np.ndarray:
        results = [np.ndarray.__array_wrap__(values, each) for each in results]
    return results


def _all_missing(array: NDArray[Any]) -> NDArray[Any]:
    """A complex number of which a part is missing is missing."""
    missing = np.isnan(array)
    if missing.any():
        array = array.copy(order="K")
        array[missing] = complex(np.nan, np.nan)
    return array


def combined(
    values: Any,
    layout: Layout,
    outputs: list[list[tuple[NDArray[Any], int, Any, float]]],
    chosen: dict[int, Scheme],
    out: Any,
    workers: int | None,
    magnitude: bool = False,
) -> Any:
    """Each output the sum of factor times the derivative, for its (array, axis, spacing, factor)."""
    if workers is not None:
        workers = threads("workers", workers)
    if not outputs:
        return MANY([] if out is None else _given(out, 0))
    steps = {a: step for terms in outputs for _, a, step, _ in terms}
    axes = {a: _axis(layout, a, step, chosen[a]) for a, step in steps.items()}
    if any(each.around_nan for each in chosen.values()) and layout.array.dtype.kind == "c":
        whole = {id(array): _all_missing(array) for terms in outputs for array, *_ in terms}
        outputs = [[(whole[id(array)], *others) for array, *others in terms] for terms in outputs]
    if out is None:
        memories = outs = [np.empty_like(layout.array) for _ in outputs]
    else:
        given, read = _given(out, len(outputs)), [array for terms in outputs for array, *_ in terms]
        memories = _memories(given, layout.array, [values, *read], list(steps.values()))
        fits = [each.strides == layout.array.strides and is_direct(each) for each in memories]
        outs = [each if fit else np.empty_like(layout.array) for each, fit in zip(memories, fits, strict=True)]
    work = [(o, [(v, axes[a], factor) for v, a, _, factor in terms]) for o, terms in zip(outs, outputs, strict=True)]
    if layout.array.size and kernels.Outputs(work, layout.slab, magnitude).write(workers or 1):
        for a, step in steps.items():
            if isinstance(step, np.ndarray):
                check_order(step, f"the coordinates of axis {a}")
        raise ValueError("coordinates were out of order when they were read, but no longer are")
    for memory, written in zip(memories, outs, strict=True):
        if memory is not written:
            memory[...] = written
    results = _returned(outs, values) if out is None else given
    return results[0] if len(outputs) == 1 else MANY(results)


def by_numpy(
    values: Any, spacing: tuple[Any, ...], axis: Any, edge_order: int, out: Any, datetime_unit: str | None
) -> Any:
    """What the kernels do not know, by NumPy."""
    plain = tuple(step.x if isinstance(step, Coordinates) else step for step in all_in_units(spacing, datetime_unit))
    found = numpys_gradient(values, plain, axis, edge_order)
    if out is None:
        return found
    results = list(found) if isinstance(found, (list, tuple)) else [found]
    for result in results:
        if not isinstance(result, np.ndarray | np.generic):
            raise own_meaning(result, "out= takes plain results, but NumPy's are")
    given = _given(out, len(results))
    for k, (each, result) in enumerate(zip(given, results, strict=True)):
        _check_assigned(_name(k, len(given)), each, result)
        if overlap(each, given[:k]):
            raise ValueError(f"{_name(k, len(given))} overlaps another array of out")
    for each, result in zip(given, results, strict=True):
        each[...] = result
    return out


def _check_assigned(name: str, out: Any, result: Any) -> None:
    """A ValueError unless `out` holds all of NumPy's result when that is assigned to it."""
    if not isinstance(out, np.ma.MaskedArray) and not isinstance(result, np.ma.MaskedArray):
        memory_of(name, out, result.shape, result.dtype)
        return
    if not isinstance(out, np.ma.MaskedArray) or not isinstance(result, np.ma.MaskedArray):
        kinds = type(out).__name__, type(result).__name__
        raise ValueError(f"{name} is {kinds[0]}, but the result {kinds[1]}: masks would be lost, or hide it")
    memory_of(f"{name}.data", out.data, result.shape, result.dtype)
    if out.hardmask and np.ma.is_masked(out):
        raise ValueError(f"{name} has a hard mask, below which nothing can be written")
