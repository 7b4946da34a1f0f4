"""Checks of single options: each returns the value as it is used, or says in a sentence what was expected."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from itertools import islice
from operator import index
from typing import Any

import numpy as np

from .given import DEPTH, array_of, attribute, held, shown

Check = Callable[[str, Any], Any]
"""Takes an option's name and value."""


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise TypeError(f"{name} is {shown(value)}; expected True or False")


def optional(check: Check) -> Check:
    """None, or what another check accepts."""
    return lambda name, value: None if value is None else check(name, value)


def one_of(*allowed: str) -> Check:
    """One of some words."""

    def check(name: str, value: Any) -> str:
        if isinstance(value, str) and value in allowed:
            return str(value)
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{name}={shown(value)} is not one of {', '.join(map(repr, allowed))}")

    return check


def whole_or_none(value: Any) -> int | None:
    """A whole number as an int; None for anything else, True and 2.0 too."""
    if type(value) is int:
        return value
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return index(value)
    except Exception:
        return None


def _whole(expected: str, least: float) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        found = whole_or_none(value)
        if found is None or found < least:
            raise (TypeError if found is None else ValueError)(f"{name} is {shown(value)}; expected {expected}")
        return found

    return check


whole = _whole("a whole number", -math.inf)
count = _whole("a whole number, 0 or more", 0)
threads = _whole("a number of threads, 1 or more", 1)


def among(name: str, value: Any, allowed: tuple[int, ...], hint: str = "") -> int:
    """One of some whole numbers."""
    found = whole_or_none(value)
    if found is None or found not in allowed:
        kind = TypeError if found is None else ValueError
        listed = f"{', '.join(map(str, allowed[:-1]))} or {allowed[-1]}"
        raise kind(f"{name} is {shown(value)}; expected {listed}{hint}")
    return found


def real_or_none(value: Any) -> float | None:
    """A real number as a float; None for anything else, True and "1.0" too."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "fiu":
        value = value.item()
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except Exception:
        return None


def _number(expected: str, fits: Callable[[float], bool]) -> Check:
    def check(name: str, value: Any) -> float:
        found = real_or_none(value)
        if found is None:
            raise TypeError(f"{name} is {shown(value)}; expected {expected}")
        if not fits(found):
            raise ValueError(f"{name} is {found}; expected {expected}")
        return found

    return check


positive = _number("a positive, finite number", lambda value: 0 < value < math.inf)
nonnegative = _number("a finite number, 0 or more", lambda value: 0 <= value < math.inf)

share = _number("a number from 0 to below 1", lambda value: 0 <= value < 1)
limit = _number("a number, 0 or more; inf is no limit", lambda value: value >= 0)
noise = _number("a positive number, the absolute noise of f", lambda value: 0 < value < math.inf)


def tolerance(name: str, value: Any) -> Any:
    """A number as for `nonnegative`, or one for each coordinate: whether they fit x is seen where it is known."""
    if isinstance(value, Mapping | Sequence | np.ndarray) and not isinstance(value, str | bytes):
        return sizes(name, value)
    return nonnegative(name, value)


def coordinates(name: str, value: Any) -> list[Any] | None:
    """Names of leaves or coordinates, or indices of coordinates: one, or several; None for none."""
    if value is None:
        return None
    given = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    for each in given:
        if not isinstance(each, str) and whole_or_none(each) is None:
            raise TypeError(f"{name} has {shown(each)}; expected names of leaves or coordinates")
    return given


def arguments(args: Any) -> None:
    """Further arguments of f."""
    if isinstance(args, tuple):
        return
    hint = f"args=tuple({shown(args)})" if isinstance(args, list) else f"args=({shown(args)},)"
    raise TypeError(f"args is {shown(args)}; expected a tuple of f's further arguments: {hint}")


def exceptions(name: str, value: Any) -> tuple[type[Exception], ...]:
    """Classes of exceptions."""
    classes = value if isinstance(value, tuple) else (value,)
    right = all(isinstance(found, type) and issubclass(found, Exception) for found in classes)
    if right and isinstance(value, tuple):
        return value
    hint = f": ({value.__name__},)" if right else ""
    raise TypeError(f"{name} is {shown(value)}; expected a tuple of classes of exceptions{hint}")


def sizes(name: str, value: Any, depth: int = 0) -> Any:
    """Numbers for coordinates, one or of x's structure; which coordinate has a wrong one is seen where x is known."""
    kind = value.dtype.kind if isinstance(value, np.ndarray | np.generic) else ""
    if isinstance(value, str | bytes | bool | complex | set) or callable(value) or kind not in "fiuO":
        raise TypeError(f"{name} is {shown(value)}; expected numbers: one, or of x's shape")
    if isinstance(value, list | tuple):
        if depth == DEPTH:
            raise TypeError(f"{name} is nested more than {DEPTH} deep, or contains itself")
        for each in value:
            sizes(name, each, depth + 1)
    return value if depth else held(value)


def bounds(name: str, value: Any) -> Any:
    """A pair (lower, upper), or scipy's Bounds."""
    try:
        lower, upper = ends_of(value)
    except Exception as error:
        expected = "a pair (lower, upper), each a number or of x's shape; None is no bound"
        if isinstance(value, list | tuple) and all(isinstance(each, list | tuple) and len(each) == 2 for each in value):
            expected = "a pair (lower, upper), not a pair for each coordinate"
        raise ValueError(f"{name} is {shown(value)}; expected {expected}") from error
    ends = zip(("lower", "upper"), (lower, upper), strict=True)
    return tuple(limits if limits is None else sizes(f"the {side} end of {name}", limits) for side, limits in ends)


def ends_of(value: Any) -> tuple[Any, Any]:
    """Both ends of bounds: of a pair, or of scipy's Bounds."""
    lower, upper = (value.lb, value.ub) if attribute(value, "lb") is not None else value
    return lower, upper


def names(name: str, value: Any) -> list[Any]:
    """Several names, or places."""
    listed = isinstance(value, Sequence | Set | Mapping | np.ndarray) or (
        attribute(value, "__array__") is not None and isinstance(value, Collection)
    )
    if listed and not isinstance(value, str | bytes):
        try:
            found = list(islice(value, len(value) + 1))
            if len(found) == len(value):
                return found
        except Exception as error:
            raise TypeError(f"{name} is {shown(value)}; expected a list") from error
    raise TypeError(f"{name} is {shown(value)}; expected a list")


def vectorized(name: str, value: Any) -> Any:
    """Whether f takes blocks of points, and how they lie."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str) and value in ("rows", "columns"):
        return value
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f'{name} is {shown(value)}; expected False, True ("rows") or "columns"')


def workers(name: str, value: Any) -> Any:
    """A number of workers, or an executor; one worker is as none."""
    # Dask's client has a submit() too, but of futures of another kind.
    is_client = attribute(value, "get_executor") is not None
    if attribute(value, "submit") is not None and not is_client:
        return value
    found = whole_or_none(value)
    if found is None:
        hint = "; pass its get_executor()" if is_client else ""
        raise TypeError(f"{name} is {shown(value)}; expected a number or a concurrent.futures.Executor{hint}")
    if found < 1:
        raise ValueError(f"{name} is {found}; expected 1 or more")
    return None if found == 1 else found


def sparsity(name: str, value: Any) -> Any:
    """A word for how the pattern is found, or a pattern; its shape is compared where f's values are known."""
    if attribute(value, "tocsr") is not None or (isinstance(value, str) and value in ("detect", "nan")):
        return value
    kind = ValueError if isinstance(value, str) else TypeError
    if kind is TypeError:
        pattern = array_of(value, name)
        if pattern.ndim == 2 and pattern.dtype.kind in "biuf":
            return pattern
    expected = '"detect", "nan", or a pattern: scipy.sparse or an array with two axes'
    raise kind(f"{name} is {shown(value)}; expected {expected}")
