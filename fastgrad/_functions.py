"""Functions of each kind, brought to the border where they are evaluated."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Literal

from . import _kernels
from ._compiled import Compiled, compiled_parts
from ._points import Point, Tree

Vectorized = bool | Literal["rows", "columns"]

_MOST_ARGS = 6


def as_function(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    vectorized: Vectorized = False,
    imaginary: bool = False,
    outputs: int = 1,
) -> _kernels.Function:
    """The function at the border, for one call of one verb.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``.
    point : Point
        A point such as those that f takes.
    vectorized : bool or {"rows", "columns"}
        Whether f takes many points at a time, and how they lie.
    imaginary : bool
        Whether shifts are imaginary and values imaginary parts: the complex step.
    outputs : int
        Values that f returns for a point.
    """
    if not isinstance(f, FunctionType | MethodType):
        compiled = compiled_parts(f)
        if compiled is not None:
            return _as_compiled(f, compiled, args, point, vectorized, imaginary, outputs)
    if len(args) > _MOST_ARGS:
        f, args = _bound(f, args), ()
    if vectorized is False:
        return _kernels.PythonFunction(f, args, point, imaginary, outputs)
    if vectorized not in (True, "rows", "columns"):
        raise ValueError(f'vectorized is False, True ("rows") or "columns", not {vectorized!r}')
    if isinstance(point, Tree) or len(point.shape) > 1:
        raise ValueError(f"a vectorized f takes points of one axis, but x has shape {point.shape}; flatten x")
    return _kernels.VectorizedFunction(f, args, point, imaginary, outputs, vectorized == "columns")


def _as_compiled(
    f: Any,
    compiled: Compiled,
    args: tuple[Any, ...],
    point: Point,
    vectorized: Vectorized,
    imaginary: bool,
    outputs: int,
) -> _kernels.Function:
    if args:
        raise TypeError("a compiled function takes no args=; give it what it needs as its data pointer")
    if vectorized is not False:
        raise TypeError("vectorized= is for Python functions; how a compiled one takes points, its signature says")
    if imaginary:
        raise TypeError('method="complex" calls f with complex numbers, which a compiled function does not take')
    if isinstance(point, Tree):
        raise TypeError("a compiled function takes an array, but x is a pytree")
    if outputs != 1:
        raise TypeError(f"a compiled function has one value, not {outputs}")
    return _kernels.CompiledFunction(f, point, *compiled)


def callable_or_error(f: Any, name: str = "f") -> None:
    """Raise a TypeError unless f can be called."""
    if not callable(f) and compiled_parts(f) is None:
        raise TypeError(f"{name} is {f!r} of type {type(f).__name__}; expected a function")


def _bound(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    @functools.wraps(f, updated=())
    def bound(x: Any) -> Any:
        return f(x, *args)

    return bound
