"""What all records have in common: they hold data, and are equal where their data are."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", covariant=True, default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T", covariant=True)


class Record:
    """Equal where the data are that pickle and copy take; without a hash, since most hold arrays."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return same(self.__getstate__(), other.__getstate__())


def same(a: Any, b: Any) -> bool:
    """Whether two values hold the same: of one type, and arrays of one dtype and shape; NaN is the same as NaN."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, BaseException):
        return same(a.args, b.args)
    if dataclasses.is_dataclass(type(a)):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(a))
    if hasattr(a, "equals"):  # columns and tables of pandas and polars
        return bool(a.equals(b))
    if hasattr(a, "__array__"):
        return _same_entries(np.asarray(a), np.asarray(b))
    if hasattr(a, "tocoo"):  # sparse matrices of scipy, which keep what they found out about themselves
        return a.shape == b.shape and same(*((m.row, m.col, m.data) for m in (a.tocoo(), b.tocoo())))
    return _same_objects(a, b)


def _same_entries(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype == object:
        return same(a.tolist(), b.tolist())
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fcmM")


def _same_objects(a: Any, b: Any) -> bool:
    """By their own comparison; by their state where they have none, or none that says yes or no."""
    comparison: Any = type(a).__eq__
    if callable(a) or comparison is not object.__eq__:
        try:
            answer = a == b
        except ValueError:  # arrays in it have more than one answer
            answer = None
        if isinstance(answer, bool):
            return answer or (a != a and b != b)
    state = None if callable(a) else a.__getstate__()
    return state is not None and same(state, b.__getstate__())
