"""x as a pytree: containers taken apart into leaves, and put together again around other values."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from bisect import bisect_right
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .given import DEPTH, words
from .layout import Array, Layout, Leaf, bracketed

_NUMBERS = (int, float, complex, np.number, np.bool_)
_KNOWN_TO_OPTREE = (defaultdict, deque)


@dataclass(frozen=True, slots=True)
class Node:
    """A container without what is in it.

    Attributes
    ----------
    kind : type, or a treespec of optree
        What the container is.
    keys : tuple
        Of its children: keys of a dict, sorted; names of fields; empty for a list or tuple.
    children : tuple of Node or None
        None is a leaf.
    order : tuple
        The keys of a dict in the order of their insertion.
    """

    kind: Any
    keys: tuple[Any, ...]
    children: tuple[Node | None, ...]
    order: tuple[Any, ...] = field(default=(), compare=False)


def flatten(x: Any) -> tuple[list[Any], list[str], Node]:
    """The leaves of a container, their paths, and the container without them.

    Returns
    -------
    leaves : list
        In the order of the coordinates: keys of a dict are sorted.
    paths : list of str
        Such as ``".W1"`` or ``".layers[0].b"``.
    structure : Node

    Raises
    ------
    TypeError
        x is no container.
    """
    leaves: list[Any] = []
    paths: list[str] = []
    structure = _taken_apart(x, "", leaves, paths, whole=True)
    if structure is None:
        raise TypeError(f"expected a container, not {type(x).__name__}")
    return leaves, paths, structure


def builder(structure: Node, parts: Iterable[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """A function that makes the container, around what each of the parts makes of the same argument."""
    return _builder(structure, iter(parts))


def _builder(node: Node, parts: Iterator[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    # Functions made once, not a walk along the structure: f's argument is made for each evaluation.
    kind = node.kind
    inner = [next(parts) if child is None else _builder(child, parts) for child in node.children]
    if kind is dict:
        made = dict(zip(node.keys, inner, strict=True))
        items = [(key, made[key]) for key in node.order]
        return lambda values: {key: make(values) for key, make in items}
    if kind is OrderedDict:
        pairs = list(zip(node.keys, inner, strict=True))
        return lambda values: OrderedDict([(key, make(values)) for key, make in pairs])
    if kind is list:
        return lambda values: [make(values) for make in inner]
    if kind is tuple:
        return lambda values: tuple([make(values) for make in inner])
    if kind is NoneType:
        return lambda values: None
    if isinstance(kind, type):
        fields = list(zip(node.keys, inner, strict=True))
        return lambda values: kind(**{name: make(values) for name, make in fields})
    return lambda values: kind.unflatten([make(values) for make in inner])


def is_container(x: Any) -> bool:
    """Whether x is to be taken apart; a list or tuple of numbers is an array, and is not."""
    return _opened(x, whole=False) is not None


def array_shape(x: Any, depth: int = 0) -> tuple[int, ...] | None:
    """The shape of a list or tuple of numbers, nested or not; None where it is ragged or holds other things."""
    kinds = set(map(type, x))
    if all(issubclass(kind, _NUMBERS) for kind in kinds):
        return (len(x),)
    if not kinds <= {list, tuple} or depth == DEPTH:
        return None
    shapes = {array_shape(part, depth + 1) for part in x}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(x), *inner)


def _taken_apart(
    x: Any, path: str, leaves: list[Any], paths: list[str], whole: bool = False, depth: int = 0
) -> Node | None:
    """The structure of x, whose leaves are appended; None where x is a leaf itself."""
    if depth > DEPTH:
        raise TypeError(f"a container is nested more than {DEPTH} deep, or contains itself")
    opened = _opened(x, whole)
    if opened is None:
        leaves.append(x)
        paths.append(path)
        return None
    kind, keys, steps, parts = opened
    children = [
        _taken_apart(part, path + step, leaves, paths, depth=depth + 1) for step, part in zip(steps, parts, strict=True)
    ]
    return Node(kind, keys, tuple(children), tuple(x) if kind is dict else ())


_Opened = tuple[Any, tuple[Any, ...], list[str], list[Any]]


def _opened(x: Any, whole: bool) -> _Opened | None:
    """Kind, keys, steps of the path and parts of a container; whole: also where a list of numbers is one."""
    kind = type(x)
    if kind is dict:
        keys = _sorted(x)
        return dict, tuple(keys), list(map(_step, keys)), [x[key] for key in keys]
    if kind is OrderedDict:  # a state_dict of PyTorch
        return OrderedDict, tuple(x), list(map(_step, x)), list(x.values())
    if kind is list or kind is tuple:
        # What holds no number at all is a container inside of others.
        if not whole and 0 not in (array_shape(x) or (0,)):
            return None
        return kind, (), [f"[{k}]" for k in range(len(x))], list(x)
    if x is None:
        return NoneType, (), [], []
    if isinstance(x, tuple) and hasattr(kind, "_fields"):
        return kind, kind._fields, [f".{name}" for name in kind._fields], list(x)
    if dataclasses.is_dataclass(kind):
        names = [entry.name for entry in dataclasses.fields(x) if entry.init]
        return kind, tuple(names), [f".{name}" for name in names], [getattr(x, name) for name in names]
    return _opened_by_optree(x)


def _opened_by_optree(x: Any) -> _Opened | None:
    """As `_opened`, for classes that optree knows: its own, or those that were registered with it."""
    if isinstance(x, _KNOWN_TO_OPTREE):
        # Nothing else loads optree: other classes are registered with it by those who have loaded it.
        try:
            importlib.import_module("optree")
        except ImportError as error:
            what = f"x has a {type(x).__name__}, which needs optree: pip install 'fastgrad[pytrees]'"
            raise ImportError(f"{what}; or pass a dict or list") from error
    optree = sys.modules.get("optree")
    if optree is None or optree.tree_is_leaf(x):
        return None
    entries, parts, spec = optree.tree_flatten_with_accessor(x, is_leaf=lambda part: part is not x)
    names = [getattr(entry[0], "field", entry[0].entry) for entry in entries]
    return spec, (), list(map(_step, names)), parts


def _step(key: Any) -> str:
    return f".{str.__str__(key)}" if isinstance(key, str) and key.isidentifier() else f"[{words(key)}]"


def _sorted(keys: Iterable[Any]) -> list[Any]:
    """Keys in order; those of several types by type, and as they come where nothing orders them."""
    keys = list(keys)
    try:
        return sorted(keys)
    except Exception:
        pass
    try:
        return sorted(keys, key=lambda key: (type(key).__module__, type(key).__qualname__, key))
    except Exception:
        return keys


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

    __slots__ = ("ends", "parts", "paths", "structure")

    is_tree: ClassVar[bool] = True

    def __init__(
        self, structure: Node, paths: tuple[str, ...], parts: tuple[Layout, ...], ends: tuple[int, ...]
    ) -> None:
        self.structure = structure
        self.paths = paths
        self.parts = parts
        self.ends = ends

    @property
    def shape(self) -> tuple[int, ...]:
        """All coordinates in one axis."""
        return (self.ends[-1] if self.ends else 0,)

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`; arrays are views of the values."""
        places = zip(self.parts, self.ends, strict=True)
        # What f gets is not always what a result is.
        return builder(self.structure, [Layout.taker(part, end - part.n) for part, end in places])(values.ravel())

    @property
    def narrow(self) -> bool:
        """As for `Layout`."""
        return any(part.narrow for part in self.parts)

    def maker(self) -> Callable[[NDArray[Any]], Any]:
        """As for `Layout`."""
        places = zip(self.parts, self.ends, strict=True)
        return builder(self.structure, [part.taker(end - part.n) for part, end in places])

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: leaves (m, *shape of the leaf)."""
        return self._of_columns(matrix, (len(matrix),))

    def columns_of(self, value: Any, rows: int, name: str) -> Array:
        """As for `Layout`: of leaves (rows, *shape of the leaf), or of the matrix itself."""
        if isinstance(value, np.ndarray):
            return Layout.columns_of(self, value, rows, name)
        leaves, paths, _ = flatten(value)
        if [named(path) for path in paths] != list(self.paths):
            raise ValueError(f"{name} has the leaves {', '.join(map(named, paths))}; expected {', '.join(self.paths)}")
        parts = zip(self.parts, leaves, self.paths, strict=True)
        blocks = [part.columns_of(leaf, rows, f"{path} of {name}") for part, leaf, path in parts]
        return np.concatenate(blocks, axis=1) if blocks else np.empty((rows, 0))

    def _of_columns(self, matrix: NDArray[Any], rows: tuple[int, ...]) -> Any:
        """A pytree of arrays (*rows, *shape of the leaf)."""

        def taker(part: Layout, end: int) -> Callable[[NDArray[Any]], Any]:
            def take(matrix: NDArray[Any]) -> Any:
                block = matrix[:, end - part.n : end].reshape(rows + part.shape)
                return part.block(block) if block.shape else part.restore(block)

            return take

        return builder(self.structure, map(taker, self.parts, self.ends))(matrix)

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: a pytree of pytrees, with leaves (*shape of the one leaf, *shape of the other)."""

        def taker(part: Layout, end: int) -> Callable[[NDArray[Any]], Any]:
            return lambda matrix: self._of_columns(matrix[end - part.n : end], part.shape)

        return builder(self.structure, map(taker, self.parts, self.ends))(matrix)

    def name(self, component: int) -> str:
        """As for `Layout`, such as ``W1[3, 2]``."""
        if not self.n:
            return self.letter
        component %= self.n
        k = bisect_right(self.ends, component)
        return self.paths[k] + bracketed(self.parts[k].label(component - (self.ends[k] - self.parts[k].n)))

    def candidates(self, name: str) -> Iterator[int]:
        """As for `Layout`: of the leaves whose path begins the name."""
        for path, part, end in zip(self.paths, self.parts, self.ends, strict=True):
            if name.startswith(path.replace(" ", "")):
                yield from (end - part.n + component for component in part.candidates(name))

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

    def flat_values(self, value: Any, name: str, exact: bool = False, absent: Collection[str] = ()) -> Array:
        """As for `Layout`: one number, or a pytree of the same paths, with one number or an array for each leaf.

        Leaves named in `absent` need not be there, and are 0.
        """
        if np.isscalar(value) and not exact:
            return Layout.flat_values(self, value, name)
        try:
            leaves, paths, _ = flatten(value)
        except TypeError as error:
            raise ValueError(f"{name} is {type(value).__name__}, but x is a pytree; give it x's structure") from error
        given = set(map(named, paths))
        for path, part in zip(self.paths, self.parts, strict=True):
            if path in absent and path not in given:
                leaves.append(np.zeros(part.shape))
                paths.append(path)
        if len(leaves) != len(self.parts):
            raise ValueError(f"{name} has {len(leaves)} leaves, but x has {len(self.parts)}")
        found = []
        for leaf, path, part in zip(self._in_order(leaves, paths, name), self.paths, self.parts, strict=True):
            found.append(part.flat_values(leaf, f"{path} of {name}", exact))
        return np.concatenate(found) if found else np.empty(0)

    def product_values(self, result: Any, name: str) -> Array:
        """As for `Layout`."""
        return self.flat_values(result, name, exact=True)

    def _in_order(self, leaves: list[Any], paths: list[str], name: str) -> list[Any]:
        """As many leaves as x has, in the order of its own: not every kind of dict is sorted."""
        given = [path if path in self.paths else named(path) for path in paths]
        by_path = dict(zip(given, leaves, strict=True))
        if len(by_path) == len(leaves) and all(path in by_path for path in self.paths):
            return [by_path[path] for path in self.paths]
        for path, own in zip(given, self.paths, strict=True):
            if path != own:
                raise ValueError(f"{name} has {path} where x has {own}")
        return leaves

    def gradient_values(self, result: Any, absent: Collection[str] = ()) -> Array:
        """As for `Layout`."""
        if result is None:
            raise TypeError("grad returned None; does it lack a return statement?")
        if np.isscalar(result) or isinstance(result, np.ndarray):
            raise ValueError(f"grad returned {type(result).__name__}, but x is a pytree; return x's structure")
        return self.flat_values(result, "grad's result", exact=True, absent=absent)


def named(path: str) -> str:
    """The name of a leaf, from its path."""
    return path.removeprefix(".") if path.startswith(".") else f"x{path}"
