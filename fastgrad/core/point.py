"""The point x at which a derivative is taken: a flat float64 array, whatever the user passed.

A ``Point`` leads from x to its flat coordinates and back, for numbers, arrays of any shape and pytrees,
and knows the coordinates' names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..evaluate import border

Array = NDArray[np.float64]


class Point:
    """x as an array of float64.

    Attributes
    ----------
    flat : ndarray
        The coordinates, C-contiguous; of x's shape where x is an array, else 1-D.
    make : callable or None
        Makes what f takes from an array like `flat`; None where f takes that array itself.
    """

    __slots__ = ("flat", "make", "n", "shape")

    def __init__(self, flat: Array, make: Callable[[NDArray[Any]], Any] | None = None) -> None:
        self.flat = flat
        self.shape = flat.shape
        self.n = flat.size
        self.make = make

    def restore(self, values: NDArray[Any]) -> Any:
        """Values of the coordinates in the shape and structure of x."""
        return values.reshape(self.shape)

    def name(self, component: int) -> str:
        """The name of a coordinate, such as ``x[3]``; of a flat index over several points, without the point."""
        index = np.unravel_index(component % self.n, self.shape) if self.shape else ()
        return "x" + (f"[{', '.join(map(str, index))}]" if index else "")

    def component(self, index: Any) -> int:
        """The flat index of a coordinate, from a flat index, an index tuple or a name."""
        if isinstance(index, str):
            return self._named(index)
        if isinstance(index, tuple):
            if len(index) != len(self.shape):
                raise IndexError(f"index {index} has {len(index)} entries, but x has shape {self.shape}")
            return int(np.ravel_multi_index(_wrapped(index, self.shape), self.shape))
        return _wrapped((_as_index(index),), (self.n,))[0]

    def _named(self, name: str) -> int:
        wanted = name.replace(" ", "")
        for component in range(self.n):
            if self.name(component).replace(" ", "") == wanted:
                return component
        raise IndexError(f"x has no coordinate named {name!r}; the first is {self.name(0)!r}")

    def where(self, component: int, shift: float, imaginary: bool) -> str:
        """A shift in words."""
        unit = "i" if imaginary else ""
        sign = "-" if shift < 0 else "+"
        return f"{self.name(component)} {sign} {abs(shift):.3g}{unit} (component {component})"

    def at(self, point: NDArray[Any]) -> str:
        """A point in words."""
        return f"x = {np.array2string(point, threshold=6, edgeitems=3, precision=6)}"

    def hint(self, error: BaseException) -> str:
        """What x's structure may have to do with an exception in f; "" where nothing is to be said."""
        return ""


class Scalar(Point):
    """x as a Python number; f gets a number."""

    __slots__ = ("_array",)

    def __init__(self, value: float, array: bool) -> None:
        super().__init__(np.array([value]), None if array else _number)
        self._array = array
        if array:
            self.shape = ()

    def restore(self, values: NDArray[Any]) -> Any:
        return values.reshape(()) if self._array else values.item()

    def name(self, component: int) -> str:
        return "x"


class Tree(Point):
    """x as a pytree of arrays and numbers; f gets the same structure around views of the coordinates."""

    __slots__ = ("_ends", "_leaves", "_names", "_numbers", "_rebuild")

    def __init__(self, x: Any) -> None:
        leaves, paths, self._rebuild = _flatten(x)
        self._names = names = list(map(_named, paths))
        self._leaves = [_Leaf(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
        # "list" or "tuple" where x is one of numbers alone, which many mean as an array.
        self._numbers = (
            type(x).__name__ if type(x) in (list, tuple) and all(leaf.is_number for leaf in self._leaves) else ""
        )
        self._ends = np.cumsum([leaf.size for leaf in self._leaves], dtype=np.intp)
        parts = [leaf.values.ravel() for leaf in self._leaves]
        super().__init__(np.concatenate(parts) if parts else np.empty(0), self._make)

    def _make(self, flat: NDArray[Any]) -> Any:
        start, leaves = 0, []
        for leaf in self._leaves:
            stop = start + leaf.size
            leaves.append(flat.item(start) if leaf.is_number else flat[start:stop].reshape(leaf.shape))
            start = stop
        return self._rebuild(leaves)

    def restore(self, values: NDArray[Any]) -> Any:
        return self._make(values.ravel())

    def name(self, component: int) -> str:
        component %= self.n
        k = int(np.searchsorted(self._ends, component, side="right"))
        leaf = self._leaves[k]
        if not leaf.shape:
            return self._names[k]
        index = np.unravel_index(component - (int(self._ends[k]) - leaf.size), leaf.shape)
        return f"{self._names[k]}[{', '.join(map(str, index))}]"

    def component(self, index: Any) -> int:
        if isinstance(index, tuple):
            raise IndexError(f"x is a pytree: name its coordinate by a path such as {self.name(0)!r}, not {index}")
        return super().component(index)

    def hint(self, error: BaseException) -> str:
        if not self._numbers or not isinstance(error, TypeError | AttributeError):
            return ""
        return f"; x is a {self._numbers}, so f gets one: pass np.array(x) if f takes an array"

    def leaf_slices(self) -> list[tuple[str, slice]]:
        """Names of the leaves, and where they stand among the coordinates."""
        return [(name, where) for name, where, _ in self.leaf_shapes()]

    def leaf_shapes(self) -> list[tuple[str, slice, tuple[int, ...]]]:
        """Names, places and shapes of the leaves."""
        return [
            (name, slice(int(end) - leaf.size, int(end)), leaf.shape)
            for name, end, leaf in zip(self._names, self._ends, self._leaves, strict=True)
        ]


class _Leaf:
    __slots__ = ("is_number", "shape", "size", "values")

    def __init__(self, leaf: Any, name: str) -> None:
        self.is_number = isinstance(leaf, (int, float)) and not isinstance(leaf, np.generic)
        self.values = as_array(leaf, name)
        self.shape = self.values.shape
        self.size = self.values.size


def as_point(x: Any) -> Point:
    """x, checked and flattened.

    Raises
    ------
    TypeError
        x, or a leaf of it, is not real numbers.
    ValueError
        A coordinate is NaN or infinite.
    """
    if border.is_plain(x) and x.ndim:
        return Point(x)
    if isinstance(x, (dict, list, tuple)) or dataclasses.is_dataclass(x):
        return Tree(x)
    if isinstance(x, (int, float)) and not isinstance(x, np.generic):
        return Scalar(as_array(x, "x").item(), array=False)
    if x is not None and not hasattr(x, "__array__") and _is_registered(x):
        return Tree(x)
    flat = as_array(x, "x")
    return Scalar(flat.item(), array=True) if flat.ndim == 0 else Point(flat)


def array_point(x: ArrayLike) -> Point:
    """X as an array, whatever it is."""
    flat = as_array(x, "x")
    return Point(flat if flat.ndim else flat.reshape(1))


def as_array(x: Any, name: str) -> Array:
    """X as a C-contiguous float64 array with finite values; errors name it `name`."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(f"{name} has masked entries; fill them or pass only the others")
    array = np.asarray(x)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex ({array.dtype}); derivatives are taken at real points")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    flat = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    if not np.isfinite(flat).all():
        first = np.argwhere(~np.isfinite(flat))[0]
        where = f"{name}[{', '.join(map(str, first))}]" if flat.ndim else name
        raise ValueError(f"{where} is {flat[tuple(first)]}; derivatives need finite coordinates")
    return flat


def per_coordinate(value: Any, point: Point, name: str) -> Array | None:
    """An option given as one number or in x's shape or structure, as one value a coordinate."""
    if value is None:
        return None
    if isinstance(point, Tree) and not np.isscalar(value):
        leaves, paths, _ = _flatten(value)
        names = list(map(_named, paths))
        own = point.leaf_slices()
        if len(leaves) != len(own):
            raise ValueError(f"{name} has {len(leaves)} leaves, but x has {len(own)}")
        parts = []
        for leaf, path, (own_path, where) in zip(leaves, names, own, strict=True):
            values = np.asarray(leaf, dtype=np.float64)
            if path != own_path or values.size not in (1, where.stop - where.start):
                raise ValueError(f"{name} has {path} of shape {values.shape}, which does not fit {own_path} of x")
            parts.append(np.broadcast_to(values.ravel(), (where.stop - where.start,)))
        return np.concatenate(parts)
    try:
        array = np.asarray(value, dtype=np.float64)
        return np.ascontiguousarray(np.broadcast_to(array, point.shape or (1,))).ravel()
    except (TypeError, ValueError) as error:
        shape = getattr(value, "shape", None) or np.shape(value)
        raise ValueError(f"{name} has shape {shape}, which does not fit x of shape {point.shape}") from error


def _number(flat: NDArray[Any]) -> Any:
    return flat.item()


def _as_index(index: Any) -> int:
    try:
        return int(index.__index__())
    except AttributeError:
        raise TypeError(f"a coordinate is named by an integer, a tuple or a path, not {index!r}") from None


def _wrapped(index: Sequence[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Index with negative entries counted from the end."""
    result = []
    for axis, (i, size) in enumerate(zip(map(_as_index, index), shape, strict=True)):
        if not -size <= i < size:
            along = f" along axis {axis}" if len(shape) > 1 else ""
            raise IndexError(f"coordinate {i} is out of range: x has {size} coordinates{along}")
        result.append(i % size)
    return tuple(result)


# Pytrees. optree knows dict, list, tuple, namedtuple and registered classes; dataclasses are added here
# as leaves that are flattened in turn, so that no class is registered in a process-wide table.


def _optree() -> Any:
    try:
        import optree
    except ImportError as error:
        raise ImportError("x is a pytree, which needs optree: pip install optree") from error
    return optree


def _is_registered(x: Any) -> bool:
    """Whether x is an instance of a class that its owner registered with optree."""
    import sys

    optree = sys.modules.get("optree")
    return optree is not None and not optree.tree_is_leaf(x)


def _is_dataclass(x: Any) -> bool:
    return dataclasses.is_dataclass(x) and not isinstance(x, type)


def _flatten(x: Any) -> tuple[list[Any], list[str], Callable[[list[Any]], Any]]:
    """Leaves, their paths (".W1", ".layers[0].b") and what rebuilds the tree from as many leaves."""
    if _is_dataclass(x):
        fields = {field.name: getattr(x, field.name) for field in dataclasses.fields(x) if field.init}
        parts = {name: _flatten(value) for name, value in fields.items()}
        leaves = [leaf for part in parts.values() for leaf in part[0]]
        paths = [f".{name}{path}" for name, part in parts.items() for path in part[1]]

        def replace(leaves: list[Any]) -> Any:
            left = iter(leaves)
            changes = {name: part[2]([next(left) for _ in part[0]]) for name, part in parts.items()}
            return dataclasses.replace(x, **changes)

        return leaves, paths, replace
    optree = _optree()
    accessors, tops, spec = optree.tree_flatten_with_accessor(x, is_leaf=_is_dataclass)
    paths = ["".join(map(_key, accessor)) for accessor in accessors]
    if not any(map(_is_dataclass, tops)):
        return tops, paths, spec.unflatten
    inner = [_flatten(top) if _is_dataclass(top) else ([top], [""], _only) for top in tops]
    leaves = [leaf for part in inner for leaf in part[0]]
    names = [path + name for path, part in zip(paths, inner, strict=True) for name in part[1]]

    def rebuild(leaves: list[Any]) -> Any:
        left = iter(leaves)
        return spec.unflatten(part[2]([next(left) for _ in part[0]]) for part in inner)

    return leaves, names, rebuild


def _only(leaves: list[Any]) -> Any:
    return leaves[0]


def _key(entry: Any) -> str:
    key = getattr(entry, "field", entry.entry)
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _named(path: str) -> str:
    return path.removeprefix(".") if path.startswith(".") else f"x{path}"
