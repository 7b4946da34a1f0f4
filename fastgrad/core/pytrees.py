"""Containers taken apart into leaves, and put together again: dict, list, tuple, namedtuple, dataclass, None."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import numpy as np

_NUMBERS = (int, float, complex, np.number, np.bool_)
_KNOWN_TO_OPTREE = (OrderedDict, defaultdict, deque)


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

    def build(self, parts: list[Any]) -> Any:
        """The container, around its parts."""
        if self.kind is dict:
            return dict.fromkeys(self.order) | dict(zip(self.keys, parts, strict=True))
        if self.kind is list:
            return parts
        if self.kind is tuple:
            return tuple(parts)
        if self.kind is NoneType:
            return None
        if isinstance(self.kind, type):
            return self.kind(**dict(zip(self.keys, parts, strict=True)))
        return self.kind.unflatten(parts)


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


def rebuild(structure: Node, leaves: Iterable[Any]) -> Any:
    """The container, around other leaves."""
    return _rebuilt(structure, iter(leaves))


def _rebuilt(node: Node, leaves: Iterator[Any]) -> Any:
    return node.build([next(leaves) if child is None else _rebuilt(child, leaves) for child in node.children])


def is_container(x: Any) -> bool:
    """Whether x is to be taken apart; a list or tuple of numbers is an array, and is not."""
    return _opened(x, whole=False) is not None


def array_shape(x: Any) -> tuple[int, ...] | None:
    """The shape of a list or tuple of numbers, nested or not; None where it is ragged or holds other things."""
    kinds = set(map(type, x))
    if all(issubclass(kind, _NUMBERS) for kind in kinds):
        return (len(x),)
    if not kinds <= {list, tuple}:
        return None
    shapes = {array_shape(part) for part in x}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(x), *inner)


def _taken_apart(x: Any, path: str, leaves: list[Any], paths: list[str], whole: bool = False) -> Node | None:
    """The structure of x, whose leaves are appended; None where x is a leaf itself."""
    opened = _opened(x, whole)
    if opened is None:
        leaves.append(x)
        paths.append(path)
        return None
    kind, keys, steps, parts = opened
    children = [_taken_apart(part, path + step, leaves, paths) for step, part in zip(steps, parts, strict=True)]
    return Node(kind, keys, tuple(children), tuple(x) if kind is dict else ())


_Opened = tuple[Any, tuple[Any, ...], list[str], list[Any]]


def _opened(x: Any, whole: bool) -> _Opened | None:
    """Kind, keys, steps of the path and parts of a container; whole: also where a list of numbers is one."""
    kind = type(x)
    if kind is dict:
        keys = _sorted(x)
        return dict, tuple(keys), list(map(_step, keys)), [x[key] for key in keys]
    if kind is list or kind is tuple:
        if x and not whole and array_shape(x) is not None:
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
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _sorted(keys: Iterable[Any]) -> list[Any]:
    """Keys in order; those of several types by type, and as they come where nothing orders them."""
    keys = list(keys)
    try:
        return sorted(keys)
    except TypeError:
        pass
    try:
        return sorted(keys, key=lambda key: (type(key).__module__, type(key).__qualname__, key))
    except TypeError:
        return keys
