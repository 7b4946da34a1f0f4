"""Which coordinates x has, what they are called, and how x is made from their values."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from . import pytrees

Array = NDArray[np.float64]
Leaf = tuple[str, slice, tuple[int, ...]]


class Layout(ABC):
    """What x is like, without its values: it pickles, copies and compares.

    Attributes
    ----------
    shape : tuple of int
        The shape of x, () for a number; (n,) for a pytree.
    n : int
        How many coordinates x has.
    is_tree : bool
        Whether x is a pytree.
    """

    __slots__ = ()

    is_tree: ClassVar[bool] = False

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

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """A matrix (m, n), a column a coordinate, with the structure of x in the place of its columns."""
        return matrix

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """A matrix (n, n) with the structure of x in the place of its rows, and of its columns."""
        return matrix

    def label(self, component: int) -> str:
        """What stands in brackets in a coordinate's name, such as ``3, 2``; "" where x has one coordinate only."""
        return ", ".join(map(str, np.unravel_index(component, self.shape))) if self.shape else ""

    def name(self, component: int) -> str:
        """The name of a coordinate, such as ``x[3]``; of a flat index over several points, without the point."""
        return "x" + _bracketed(self.label(component % self.n))

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
            return int(np.ravel_multi_index(_wrapped(index, self.shape), self.shape)) if self.shape else 0
        return _wrapped((_as_index(index),), (self.n,))[0]

    def _named(self, name: str) -> int:
        wanted = name.replace(" ", "")
        for component in range(self.n):
            if self.name(component).replace(" ", "") == wanted:
                return component
        raise IndexError(f"x has no coordinate named {name!r}" + (f"; the first is {self.name(0)!r}" if self.n else ""))

    def where(self, component: int, shift: float, imaginary: bool) -> str:
        """A shift in words."""
        unit = "i" if imaginary else ""
        sign = "-" if shift < 0 else "+"
        return f"{self.name(component)} {sign} {abs(shift):.3g}{unit} (component {component})"

    def leaves(self) -> list[Leaf]:
        """Names of the leaves of x, where they stand among the coordinates, and their shapes."""
        return [("x", slice(0, self.n), self.shape)]

    def flat_values(self, value: Any, name: str, exact: bool = False) -> Array:
        """An option given as one number or in the shape or structure of x, as one value a coordinate.

        With `exact`, one number does not stand for all of an array.

        Raises
        ------
        ValueError
            It does not fit; the error calls it `name`.
        """
        try:
            array = np.asarray(value, dtype=np.float64)
            if exact and array.shape != self.shape and not array.size == self.n == 1:
                raise ValueError
            return np.ascontiguousarray(np.broadcast_to(array, self.shape or (1,))).ravel()
        except (TypeError, ValueError) as error:
            shape = getattr(value, "shape", None) or np.shape(value)
            raise ValueError(f"{name} has shape {shape}, which does not fit {self.shape}, that of x") from error

    def gradient_values(self, result: Any) -> Array:
        """What a user's gradient returned, flat.

        Raises
        ------
        TypeError
            It is not real numbers.
        ValueError
            It is not of x's shape and structure.
        """
        if result is None:
            raise TypeError("grad returned None; does it lack a return statement?")
        array = np.asarray(result)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"grad returned dtype {array.dtype}; expected real numbers")
        if array.shape != self.shape and not array.size == self.n == 1:
            raise ValueError(f"grad returned shape {array.shape}, but x has shape {self.shape}")
        return np.ascontiguousarray(array, dtype=np.float64).ravel()


@dataclass(frozen=True, slots=True)
class ArrayLayout(Layout):
    """x is an array, of any shape."""

    shape: tuple[int, ...]

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`."""
        return values.reshape(self.shape)

    def maker(self) -> Callable[[NDArray[Any]], Any] | None:
        """As for `Layout`: f takes the array itself, unless it has no axis."""
        return None if self.shape else self.restore

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: the matrix itself, whose columns count x's entries in C order; (m,) where x has no axis."""
        return matrix if self.shape else matrix[:, 0]

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: the matrix itself; () where x has no axis."""
        return matrix if self.shape else matrix.reshape(())


_item = methodcaller("item")


@dataclass(frozen=True, slots=True)
class NumberLayout(Layout):
    """x is a number: of Python, or of NumPy (then float64)."""

    of_numpy: bool

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

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: (m,)."""
        return matrix[:, 0]

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: a number."""
        return self.restore(matrix)


@dataclass(frozen=True, slots=True)
class TreeLayout(Layout):
    """x is a pytree.

    Attributes
    ----------
    structure : Node
    paths : tuple of str
        Names of the leaves.
    parts : tuple of Layout
        The leaves.
    ends : tuple of int
        Where the coordinates of each leaf end.
    """

    is_tree: ClassVar[bool] = True

    structure: pytrees.Node
    paths: tuple[str, ...]
    parts: tuple[Layout, ...]
    ends: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """All coordinates in one axis."""
        return (self.ends[-1] if self.ends else 0,)

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`; arrays are views of the values."""
        flat = values.ravel()
        places = zip(self.parts, (0, *self.ends), self.ends, strict=False)
        return pytrees.rebuild(self.structure, [part.restore(flat[start:end]) for part, start, end in places])

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: leaves (m, *shape of the leaf)."""
        found = [matrix[:, place].reshape(len(matrix), *shape) for _, place, shape in self.leaves()]
        return pytrees.rebuild(self.structure, found)

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: a pytree of pytrees, with leaves (*shape of the one leaf, *shape of the other)."""
        rows = []
        for (_, place, shape), part in zip(self.leaves(), self.parts, strict=True):
            blocks = (matrix[place, other].reshape(shape + inner) for _, other, inner in self.leaves())
            row = [block if block.shape else part.restore(block) for block in blocks]
            rows.append(pytrees.rebuild(self.structure, row))
        return pytrees.rebuild(self.structure, rows)

    def name(self, component: int) -> str:
        """As for `Layout`, such as ``W1[3, 2]``."""
        component %= self.n
        k = bisect_right(self.ends, component)
        return self.paths[k] + _bracketed(self.parts[k].label(component - (self.ends[k] - self.parts[k].n)))

    def column(self, component: int) -> str:
        """As for `Layout`: its name."""
        return self.name(component)

    def component(self, index: Any) -> int:
        """As for `Layout`, but for tuples."""
        if isinstance(index, tuple):
            raise IndexError(f"x is a pytree: name its coordinate by a path such as {self.name(0)!r}, not {index}")
        return Layout.component(self, index)

    def leaves(self) -> list[Leaf]:
        """As for `Layout`."""
        return [
            (path, slice(end - part.n, end), part.shape)
            for path, part, end in zip(self.paths, self.parts, self.ends, strict=True)
        ]

    def flat_values(self, value: Any, name: str, exact: bool = False) -> Array:
        """As for `Layout`: one number, or a pytree of the same paths, with one number or an array for each leaf."""
        if np.isscalar(value) and not exact:
            return Layout.flat_values(self, value, name)
        if not pytrees.is_container(value):
            raise ValueError(f"{name} is {type(value).__name__}, but x is a pytree; give it x's structure")
        leaves, paths, _ = pytrees.flatten(value)
        if len(leaves) != len(self.parts):
            raise ValueError(f"{name} has {len(leaves)} leaves, but x has {len(self.parts)}")
        found = []
        for leaf, path, own, part in zip(leaves, map(named, paths), self.paths, self.parts, strict=True):
            if path != own:
                raise ValueError(f"{name} has {path} where x has {own}")
            found.append(part.flat_values(leaf, f"{path} of {name}", exact))
        return np.concatenate(found) if found else np.empty(0)

    def gradient_values(self, result: Any) -> Array:
        """As for `Layout`."""
        if result is None:
            raise TypeError("grad returned None; does it lack a return statement?")
        if np.isscalar(result) or isinstance(result, np.ndarray):
            raise ValueError(f"grad returned {type(result).__name__}, but x is a pytree; return x's structure")
        return self.flat_values(result, "grad's result", exact=True)


@dataclass(frozen=True, slots=True)
class JacobianLayout(Layout):
    """The entries of a Jacobian: values of f by coordinates of x."""

    outputs: int
    of: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, n), or (m,) where x is a number."""
        return (self.outputs, self.of.n) if self.of.shape else (self.outputs,)

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`: with the structure of x in the place of the columns."""
        return self.of.restore_columns(values.reshape(self.outputs, self.of.n))

    def name(self, component: int) -> str:
        """Such as ``J[0, 3]`` or ``J[0, W1[3, 2]]``."""
        i, j = divmod(component, self.of.n)
        return f"J[{_joined(str(i), self.of.column(j))}]"

    def component(self, index: Any) -> int:
        """As for `Layout`; of a tuple, the second may be the name of a coordinate."""
        if not isinstance(index, tuple):
            return Layout.component(self, index)
        i, j = _pair(index, "J", self.shape)
        return _wrapped((i,), (self.outputs,))[0] * self.of.n + self.of.component(j)

    def leaves(self) -> list[Leaf]:
        """As for `Layout`."""
        return [("J", slice(0, self.n), self.shape)]


@dataclass(frozen=True, slots=True)
class HessianLayout(Layout):
    """The entries of a Hessian: coordinates of x by coordinates of x."""

    of: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, n), or () where x is a number."""
        return (self.of.n, self.of.n) if self.of.shape else ()

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`: with the structure of x in the place of the rows, and of the columns."""
        return self.of.restore_square(values.reshape(self.of.n, self.of.n))

    def name(self, component: int) -> str:
        """Such as ``H[0, 3]`` or ``H[a[0], b]``."""
        i, j = divmod(component, self.of.n)
        return "H" + _bracketed(_joined(self.of.column(i), self.of.column(j)))

    def component(self, index: Any) -> int:
        """As for `Layout`; of a tuple, both may be names of coordinates."""
        if not isinstance(index, tuple):
            return Layout.component(self, index)
        i, j = _pair(index, "H", self.shape)
        return self.of.component(i) * self.of.n + self.of.component(j)

    def leaves(self) -> list[Leaf]:
        """As for `Layout`."""
        return [("H", slice(0, self.n), self.shape)]


def _pair(index: tuple[Any, ...], letter: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Row and column, from an index tuple of a matrix."""
    if len(index) != len(shape):
        raise IndexError(f"index {index} has {len(index)} entries, but {letter} has shape {shape}")
    row, column = (*index, 0, 0)[:2]
    return row, column


def _joined(*labels: str) -> str:
    return ", ".join(filter(None, labels))


def _bracketed(label: str) -> str:
    return f"[{label}]" if label else ""


def named(path: str) -> str:
    """The name of a leaf, from its path."""
    return path.removeprefix(".") if path.startswith(".") else f"x{path}"


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
