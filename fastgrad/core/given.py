"""What users give, asked so that all it can end in is a TypeError or ValueError that names it; and its words.

Objects may lie about their length, raise when they are asked for numbers, or have words that a terminal obeys.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tensors import as_numpy, library_of

Array = NDArray[np.float64]

DEPTH = 64
"""Containers in containers are looked into so far: NumPy's arrays have no more axes."""

_NUMBERS = frozenset({bool, int, float, complex})


# --- Words --------------------------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Text in which what a terminal or a page would obey stands as an escape: controls, directions, invisible signs."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def words(value: object, says: Any = repr) -> str:
    """What a value says of itself, printable; its type, where it cannot."""
    try:
        return printable(str.__str__(says(value)))
    except Exception:
        return f"<{type(value).__name__}>"


def shown(value: object) -> str:
    """A value as an error message shows it: on one line, and not at any length."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"<{type(value).__name__}>"
    text = printable(text)
    return text if len(text) <= 80 else f"{text[:77]}..."


def said(error: BaseException) -> str:
    """What an exception says, as it stands."""
    try:
        return str(error)
    except Exception:
        return "(it cannot say what it is)"


def held(value: Any) -> Any:
    """A copy of an option, which f cannot write to; numbers and functions as they are, and what cannot be copied."""
    if value is None or callable(value) or isinstance(value, int | float | np.generic):
        return value
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def attribute(value: Any, name: str) -> Any:
    """An attribute; None where there is none, or it raises."""
    try:
        return getattr(value, name, None)
    except Exception:
        return None


# --- Numbers ------------------------------------------------------------------------------------------------------


def array_of(value: Any, what: str) -> NDArray[Any]:
    """An array of what was given, of whatever type of numbers.

    Raises
    ------
    TypeError
        It is masked, or gives no array; the error calls it `what`.
    ValueError
        The rows of a list differ in length.
    """
    kind = type(value)
    if kind is np.ndarray:
        found: NDArray[Any] = value
        return found
    if kind not in _NUMBERS and not issubclass(kind, np.generic):
        _refuse_endless(value, what)
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise TypeError(f"{what} has masked entries; fill them or pass only the others")
    try:
        return np.asarray(as_numpy(value))
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, ValueError) and kind in (list, tuple):
            raise ValueError(f"{what} is ragged: its rows differ in length") from error
        if kind in (list, tuple) and any(getattr(each, "requires_grad", False) for each in value):
            why = "a tensor in it requires grad: call .detach() on it, or give torch.stack of them"
            raise TypeError(f"{what} is of type {kind.__name__}; expected numbers, but {why}") from error
        why = f"it raises {type(error).__name__} when it is asked for them"
        raise TypeError(f"{what} is of type {kind.__name__}; expected numbers, but {why}") from error


def _refuse_endless(value: Any, what: str, depth: int = 0) -> None:
    """Raise for what NumPy would take entry by entry, without knowing that it ends; also in lists."""
    kind = type(value)
    if kind in (list, tuple):
        if depth == DEPTH:
            raise TypeError(f"{what} is nested more than {DEPTH} deep, or contains itself")
        others = set(map(type, value)) - _NUMBERS
        if others:
            for each in value:
                if type(each) in others:
                    _refuse_endless(each, what, depth + 1)
    elif hasattr(kind, "__getitem__") and not _ends(value):
        raise TypeError(f"{what} is of type {kind.__name__}; expected numbers")


def _ends(value: Any) -> bool:
    """Whether NumPy takes a value as a whole, or it is a sequence by its class."""
    if isinstance(value, Sequence | np.ndarray | np.generic | dict):
        return True
    if attribute(value, "__array__") is not None or attribute(value, "__array_interface__") is not None:
        return True
    try:
        memoryview(value)
    except Exception:
        return False
    return True


def floats(value: Any, what: str) -> Array:
    """What was given in float64; errors as for `array_of`.

    Raises
    ------
    TypeError
        It is not real numbers.
    ValueError
        A number is too large.
    """
    given = array_of(value, what)
    if given.dtype.kind == "O":
        found = np.empty(given.shape)
        for index, entry in np.ndenumerate(given):
            found[index] = number(entry, f"{what}[{', '.join(map(str, index))}]" if index else what)
        return found
    if given.dtype.kind not in "fiub":
        raise TypeError(f"{what} has dtype {given.dtype}; expected real numbers")
    if given.dtype.itemsize <= 8:
        return np.asarray(given, dtype=np.float64)
    with np.errstate(all="ignore"):
        return np.asarray(given, dtype=np.float64)


def number(value: Any, what: str) -> float:
    """One number as a float, also a Decimal or Fraction, or an array of one.

    Raises
    ------
    TypeError
        It is no real number; the error calls it `what`.
    ValueError
        It is too large.
    """
    if type(value) is float:
        return value
    if isinstance(value, np.ndarray) or library_of(value):
        given = floats(value, what)
        if given.size != 1:
            raise ValueError(f"{what} has shape {given.shape}; expected one number")
        return given.item()
    if value is None or isinstance(value, str | bytes | bytearray | np.datetime64 | np.timedelta64):
        raise TypeError(f"{what} is {shown(value)}; expected a number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(f"{what} is too large for float64") from error
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"{what} is {shown(value)} of type {type(value).__name__}; expected a number") from error
