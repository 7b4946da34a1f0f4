"""Which coordinates x has, what they are called, and how x is made from their values."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter, methodcaller
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .given import array_of, floats, shown

Array = NDArray[np.float64]
Leaf = tuple[str, slice, tuple[int, ...]]


class Layout(ABC):
    """What x is like, without its values: it pickles, copies and compares by what its slots hold.

    Attributes
    ----------
    shape : tuple of int
        The shape of x, () for a number; (n,) for a pytree.
    n : int
        How many coordinates x has.
    is_tree : bool
        Whether x is a pytree.
    """

    __slots__: tuple[str, ...] = ()

    is_tree: ClassVar[bool] = False
    letter: ClassVar[str] = "x"

    # Written by hand: a dataclass takes a millisecond or two of each import.
    def _data(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._data() == other._data()

    def __hash__(self) -> int:
        return hash((type(self), self._data()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._data()}"

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of x."""

    @property
    def n(self) -> int:
        """How many coordinates x has."""
        return math.prod(self.shape)

    @abstractmethod
    def restore(self, values: NDArray[Any]) -> Any:
        """Values of the coordinates in the shape and structure of x."""

    def maker(self) -> Callable[[NDArray[Any]], Any] | None:
        """What makes f's argument from an array of x's shape; None where f takes that array itself."""
        return self.restore

    def taker(self, start: int) -> Callable[[NDArray[Any]], Any]:
        """As `restore`, from the values of a pytree of which x is a leaf, whose coordinates begin at `start`."""
        stop = start + self.n
        return lambda values: self.restore(values[start:stop])

    @property
    def narrow(self) -> bool:
        """Whether f gets numbers of less than float64."""
        return False

    def of_blocks(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """A vectorised f, as it is called with arrays of points."""
        return f

    def block(self, values: NDArray[Any]) -> Any:
        """Values of any shape as the kind of array that x is."""
        return values

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """A matrix (m, n), a column a coordinate, with the structure of x in the place of its columns."""
        return matrix

    def columns_of(self, value: Any, rows: int, name: str) -> Array:
        """The matrix (rows, n) of what `restore_columns` makes of one.

        Raises
        ------
        ValueError
            It has another shape or structure; the error calls it `name`.
        """
        found = floats(value, name)
        if found.shape not in ((rows, self.n), (rows, *self.shape)) and not found.size == rows * self.n == 1:
            raise ValueError(f"{name} has shape {found.shape}; expected {(rows, self.n)}: outputs by coordinates")
        return found.reshape(rows, self.n)

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """A matrix (n, n) with the structure of x in the place of its rows, and of its columns."""
        return matrix

    def label(self, component: int) -> str:
        """What stands in brackets in a coordinate's name, such as ``3, 2``; "" where x has one coordinate only."""
        return ", ".join(map(str, np.unravel_index(component, self.shape))) if self.shape else ""

    def name(self, component: int) -> str:
        """The name of a coordinate, such as ``x[3]``; of a flat index over several points, without the point."""
        return self.letter + bracketed(self.label(component % self.n)) if self.n else self.letter

    def column(self, component: int) -> str:
        """What a coordinate is called in the name of an entry of a matrix: by default its flat index."""
        return str(component) if self.shape else ""

    def component(self, index: Any) -> int:
        """The flat index of a coordinate, from a flat index, an index tuple or a name.

        Raises
        ------
        IndexError
            There is no such coordinate.
        TypeError
            The index is none of these.
        """
        if isinstance(index, str):
            return self._named(index)
        if isinstance(index, tuple):
            if len(index) != len(self.shape):
                raise IndexError(f"index {index} has {len(index)} entries, but x has shape {self.shape}")
            return int(np.ravel_multi_index(self.wrapped(index, self.shape), self.shape)) if self.shape else 0
        return self.wrapped((index,), (self.n,))[0]

    def wrapped(self, index: Sequence[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
        """Index with negative entries counted from the end."""
        result = []
        for axis, (entry, size) in enumerate(zip(index, shape, strict=True)):
            i = _as_index(entry)
            if not -size <= i < size:
                along = f" along axis {axis}" if len(shape) > 1 else ""
                raise IndexError(f"index {i} is out of range: {self.letter} has {size} entries{along}")
            result.append(i % size)
        return tuple(result)

    def _named(self, name: str) -> int:
        wanted = name.replace(" ", "")
        for component in self.candidates(wanted):
            if self.name(component).replace(" ", "") == wanted:
                return component
        first = f"; the first is {self.name(0)!r}" if self.n else ""
        raise IndexError(f"{self.letter} has no entry named {name!r}{first}")

    def candidates(self, name: str) -> Iterable[int]:
        """Coordinates that may have a name, among them the one that has it; the name has no spaces."""
        return range(self.n)

    def where(self, component: int, shift: float, imaginary: bool) -> str:
        """A shift in words."""
        unit = "i" if imaginary else ""
        sign = "-" if shift < 0 else "+"
        return f"{self.name(component)} {sign} {abs(shift):.3g}{unit} (component {component})"

    def leaves(self) -> list[Leaf]:
        """Names of the leaves of x, where they stand among the coordinates, and their shapes."""
        return [(self.letter, slice(0, self.n), self.shape)]

    def flat_values(self, value: Any, name: str, exact: bool = False) -> Array:
        """An option given as one number or in the shape or structure of x, as one value a coordinate.

        With `exact`, one number does not stand for all of an array.

        Raises
        ------
        ValueError
            It does not fit; the error calls it `name`.
        """
        array = floats(value, name)
        try:
            if exact and array.shape != self.shape and not array.size == self.n == 1:
                raise ValueError
            # A copy: f may write to what the user holds.
            if array.shape != self.shape:
                array = np.broadcast_to(array, self.shape or (1,))
            return np.array(array, order="C").ravel()
        except ValueError as error:
            raise ValueError(f"{name} has shape {array.shape}, which does not fit {self.shape}, that of x") from error

    def product_values(self, result: Any, name: str) -> Array:
        """What a user's vjp returned, flat.

        Raises
        ------
        ValueError
            It is not of x's shape; the error calls it `name`.
        """
        found = floats(result, name)
        if found.shape != self.shape:
            raise ValueError(f"{name.removeprefix('what ')} shape {found.shape}; expected {self.shape}, that of x")
        return found.ravel()

    def gradient_values(self, result: Any, absent: Collection[str] = ()) -> Array:
        """What a user's gradient returned, flat; 0 in leaves of a pytree that may be absent, and are.

        Raises
        ------
        TypeError
            It is not real numbers.
        ValueError
            It is not of x's shape and structure.
        """
        if result is None:
            raise TypeError("grad returned None; does it lack a return statement?")
        array = array_of(result, "grad's result")
        if array.dtype.kind not in "fiub":
            raise TypeError(f"grad returned dtype {array.dtype}; expected real numbers")
        if array.shape != self.shape and not array.size == self.n == 1:
            raise ValueError(f"grad returned shape {array.shape}, but x has shape {self.shape}")
        return np.ascontiguousarray(floats(array, "grad's result")).ravel()


class ArrayLayout(Layout):
    """x is an array, of any shape."""

    __slots__ = ("_shape",)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape

    @property
    def shape(self) -> tuple[int, ...]:
        """As for `Layout`."""
        return self._shape

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`."""
        return values.reshape(self.shape)

    def maker(self) -> Callable[[NDArray[Any]], Any] | None:
        """As for `Layout`: f takes the array itself, unless it has no axis."""
        return None if self.shape else self.restore

    def taker(self, start: int) -> Callable[[NDArray[Any]], Any]:
        """As for `Layout`: a view."""
        place, shape = slice(start, start + self.n), self.shape
        return itemgetter(place) if len(shape) == 1 else lambda values: values[place].reshape(shape)

    def candidates(self, name: str) -> Iterable[int]:
        """As for `Layout`: the entry whose index ends the name, if there is one; x may have very many."""
        index = tuple(map(int, re.findall(r"[0-9]+", name[name.rfind("[") + 1 :]))) if self.shape else ()
        if len(index) != len(self.shape) or any(i >= size for i, size in zip(index, self.shape, strict=True)):
            return ()
        return (int(np.ravel_multi_index(index, self.shape)),) if self.shape else (0,)

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: the matrix itself, whose columns count x's entries in C order; (m,) where x has no axis."""
        return matrix if self.shape else matrix[:, 0]

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: the matrix itself; () where x has no axis."""
        return matrix if self.shape else matrix.reshape(())


_item = methodcaller("item")


class NumberLayout(Layout):
    """x is a number: of Python, or of NumPy (then float64)."""

    __slots__ = ("of_numpy",)

    def __init__(self, of_numpy: bool) -> None:
        self.of_numpy = of_numpy

    @property
    def shape(self) -> tuple[int, ...]:
        """As for `Layout`."""
        return ()

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`."""
        return values.reshape(())[()] if self.of_numpy else values.item()

    def maker(self) -> Callable[[NDArray[Any]], Any]:
        """As for `Layout`."""
        return self.restore if self.of_numpy else _item

    def taker(self, start: int) -> Callable[[NDArray[Any]], Any]:
        """As for `Layout`."""
        return itemgetter(start) if self.of_numpy else methodcaller("item", start)

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: (m,)."""
        return matrix[:, 0]

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: a number."""
        return self.restore(matrix)


def bracketed(label: str) -> str:
    """A label as it ends a name."""
    return f"[{label}]" if label else ""


def _as_index(index: Any) -> int:
    try:
        return int(index.__index__())
    except Exception:
        raise TypeError(f"a coordinate is named by an integer, a tuple or a path, not {shown(index)}") from None
