"""The point x at which a derivative is taken: a flat float64 array, whatever the user passed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..evaluate import border
from .given import array_of, attribute, shown
from .layout import ArrayLayout, Layout, NumberLayout
from .tensors import library_of

Array = NDArray[np.float64]

_REAL = (int, float, np.integer, np.floating, np.bool_)
_OF_PYTHON, _OF_NUMPY = NumberLayout(of_numpy=False), NumberLayout(of_numpy=True)
_ACCEPTED = (
    "a number, an array, a list or tuple of numbers, a pandas or polars Series or DataFrame, or a dict, list, tuple, "
    "namedtuple or dataclass of these"
)


class Point:
    """The values of x, and their layout.

    Attributes
    ----------
    flat : ndarray
        The values, C-contiguous; of x's shape where x has axes, else 1-D.
    shape : tuple of int
        The shape of what `make` takes: that of the layout.
    n : int
        How many coordinates x has.
    make : callable or None
        Makes what f takes from an array of that shape; None where f takes the array itself.
    """

    __slots__ = ("_layout", "flat", "make", "n", "shape")

    def __init__(self, flat: Array, layout: Layout | None = None) -> None:
        self.flat = flat
        self.n = flat.size
        self._layout = layout
        if layout is None:
            self.shape = flat.shape
            self.make: Callable[[NDArray[Any]], Any] | None = None
        else:
            self.shape = layout.shape
            self.make = layout.maker()

    @property
    def layout(self) -> Layout:
        """What x is like, without its values."""
        # A plain array gets its own when it is asked for: most calls never do.
        if self._layout is None:
            self._layout = ArrayLayout(self.shape)
        return self._layout

    @property
    def unit(self) -> float | None:
        """The size of coordinates that are 0, where it is known."""
        return None

    @property
    def is_tree(self) -> bool:
        """Whether x is a pytree."""
        return self._layout is not None and self._layout.is_tree

    def argument(self, values: NDArray[Any]) -> Any:
        """What f takes, from values of the coordinates, which f may then keep."""
        shaped = values.reshape(self.shape)
        return shaped if self.make is None else self.make(shaped)

    def restore(self, values: NDArray[Any]) -> Any:
        """As `Layout.restore`."""
        return values.reshape(self.shape) if self._layout is None else self._layout.restore(values)

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As `Layout.restore_columns`."""
        return matrix if self._layout is None else self._layout.restore_columns(matrix)

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As `Layout.restore_square`."""
        return matrix if self._layout is None else self._layout.restore_square(matrix)

    def name(self, component: int) -> str:
        """As `Layout.name`."""
        return self.layout.name(component)

    def component(self, index: Any) -> int:
        """As `Layout.component`."""
        return self.layout.component(index)

    def where(self, component: int, shift: float, imaginary: bool) -> str:
        """As `Layout.where`."""
        return self.layout.where(component, shift, imaginary)

    def at(self, point: NDArray[Any]) -> str:
        """A point in words."""
        return f"x = {np.array2string(point, threshold=6, edgeitems=3, precision=6)}"

    def hint(self, error: BaseException) -> str:
        """What x may have to do with an exception in f: nothing any more."""
        return ""


def as_point(x: Any) -> Point:
    """x, checked and flattened, its values copied: f may write to the array that the user holds.

    Raises
    ------
    TypeError
        x, or a leaf of it, is not real numbers.
    ValueError
        A coordinate is NaN, infinite or too large.
    """
    if border.is_plain(x) and x.ndim:
        return Point(x.copy())
    if isinstance(x, np.ndarray) and x.ndim:
        return Point(as_array(x, "x").copy())
    if isinstance(x, Point):
        return x
    if not isinstance(x, _REAL):
        # Loaded when used: most points are arrays and numbers.
        from . import pytrees

        if type(x) in (list, tuple):
            return tree_point(x) if pytrees.array_shape(x) is None else Point(as_array(x, "x"))
        if x is not None and pytrees.is_container(x):
            return tree_point(x)
    layout, flat = _leaf(x, "x")
    return Point(flat.copy(), layout)


def tree_point(x: Any) -> Point:
    """A container as a pytree, also a list or tuple of numbers."""
    from . import pytrees

    leaves, paths, structure = pytrees.flatten(x)
    names = tuple(map(pytrees.named, paths))
    found = [_leaf(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
    ends = np.cumsum([values.size for _, values in found], dtype=np.intp).tolist()
    flat = np.concatenate([values.ravel() for _, values in found]) if found else np.empty(0)
    return Point(flat, pytrees.TreeLayout(structure, names, tuple(layout for layout, _ in found), tuple(ends)))


def array_point(x: ArrayLike) -> Point:
    """As `as_point`, but for pytrees, of which there are no sparse derivatives."""
    point = as_point(x)
    if point.is_tree:
        raise TypeError("x is a pytree, but sparse derivatives take an array: concatenate its leaves")
    return point


def row_point(X: Any, n: int) -> Point:
    """A point such as the rows of X, (b, n): an array, or a tensor where X is one."""
    if not library_of(X):
        return Point(np.zeros(n))
    from .tensor_layout import layout_of

    return Point(np.zeros(n), layout_of(X, "X", (n,)))


def _leaf(x: Any, name: str) -> tuple[Layout, Array]:
    """The layout and values of what is no container; errors call it `name`."""
    if isinstance(x, _REAL):
        return _OF_NUMPY if isinstance(x, np.generic) else _OF_PYTHON, np.array([_number(x, name, ())])
    if not isinstance(x, np.ndarray):
        from .labelled import is_labelled, read

        if is_labelled(x):
            return read(x, name)
        if library_of(x):
            from .tensor_layout import layout_of

            values = as_array(x, name)
            return layout_of(x, name, values.shape), values.ravel()
    values = as_array(x, name)
    return ArrayLayout(values.shape), values if values.ndim else values.reshape(1)


def _number(x: Any, name: str, index: tuple[int, ...]) -> float:
    """A number as a finite float; errors call it the entry of `name` at an index."""
    try:
        value = float(x)
    except OverflowError as error:
        raise _too_large(name, index) from error
    except Exception as error:
        raise TypeError(f"{_entry(name, index)} is {shown(x)}, which gives no float") from error
    if not math.isfinite(value):
        raise _too_large(name, index) if np.isfinite(x) else _not_finite(name, index, value)
    return value


def as_array(x: Any, name: str) -> Array:
    """Convert x to a C-contiguous float64 array with finite values.

    Raises
    ------
    TypeError
        It is masked, complex or not numeric; the error calls it `name`.
    ValueError
        A value is NaN, infinite or beyond the range of float64; the rows of a list differ in length.
    """
    given = array_of(x, name)
    if given.dtype == object:
        given = _of_objects(x, given, name)
    if given.dtype.kind == "c":
        raise TypeError(f"{name} is complex ({given.dtype}); derivatives are taken at real points")
    if given.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {given.dtype}; expected real numbers")
    if given.dtype.itemsize > 8:
        with np.errstate(all="ignore"):
            flat = _contiguous(given)
    else:
        flat = _contiguous(given)
    if not np.isfinite(flat).all():
        index = tuple(np.argwhere(~np.isfinite(flat))[0].tolist())
        raise _too_large(name, index) if np.isfinite(given[index]) else _not_finite(name, index, flat[index])
    return flat


def _contiguous(given: NDArray[Any]) -> Array:
    # ascontiguousarray gives an array without axes one.
    return np.ascontiguousarray(given, dtype=np.float64).reshape(given.shape)


def _of_objects(x: Any, given: NDArray[Any], name: str) -> Array:
    """Python numbers that NumPy has no type for, such as large integers."""
    if attribute(x, "dtype") is not None:
        raise TypeError(f"{name} has dtype object; expected real numbers")
    values = np.empty(given.shape)
    for index, value in np.ndenumerate(given):
        if not isinstance(value, _REAL):
            raise TypeError(f"{_entry(name, index)} is of type {type(value).__name__}; expected {_ACCEPTED}")
        values[index] = _number(value, name, index)
    return values


def _entry(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _not_finite(name: str, index: tuple[int, ...], value: float) -> ValueError:
    return ValueError(f"{_entry(name, index)} is {value}; derivatives need finite coordinates")


def _too_large(name: str, index: tuple[int, ...]) -> ValueError:
    return ValueError(f"{_entry(name, index)} is too large for float64")


def per_coordinate(value: Any, point: Point, name: str) -> Array | None:
    """An option given as one number or in x's shape or structure, as one value a coordinate; None stays None."""
    return None if value is None else point.layout.flat_values(value, name)
