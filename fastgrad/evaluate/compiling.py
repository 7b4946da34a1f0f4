"""Compiled functions from Python code, through Numba."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.given import attribute, shown
from .pointers import Pointer

__all__ = ["CompiledCode", "compile"]

_PLACE = re.compile(r"([\w./\\<> -]+)(?:\", line (\d+)| \((\d+)\))")


class CompiledCode:
    """A Python function compiled for every verb of fastgrad; made by `compile`.

    Attributes
    ----------
    function : callable
        What was compiled.
    names : tuple of str or None
        The coordinates' names, for a function of scalars; None for one of an array.
    """

    __slots__ = ("_cfunc", "_jitted", "function", "names")

    def __init__(self, function: Callable[..., Any], names: tuple[str, ...] | None) -> None:
        self.function = function
        self.names = names
        self._jitted, self._cfunc = _in_columns(function, names) if names else _by_pointer(function)

    def __call__(self, *args: Any) -> float:
        """What the function itself returns."""
        return float(self._jitted(*args))

    def __repr__(self) -> str:
        form = f"of {', '.join(self.names)}" if self.names else "of an array"
        return f"<{getattr(self.function, '__qualname__', self.function)} {form}, compiled>"

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledCode, (self.function, self.names)

    @property
    def pointer(self) -> Pointer:
        """Where the compiled code is."""
        return Pointer(self._cfunc.address, 0, self.names is not None, len(self.names) if self.names else None)


def compile(f: Callable[..., Any]) -> CompiledCode:
    """Compile a Python function, so that its derivatives run in C, without the GIL and in threads.

    Parameters
    ----------
    f : callable
        ``f(x) -> float`` of an array, or ``f(x, y, ...) -> float`` of two or more numbers, as a textbook writes it.
        Values from around it are frozen in.

    Returns
    -------
    compiled : CompiledCode
        A function for every verb: of an array x, whose coordinates are the numbers in the second case. It can be
        called like f, and pickled if f can.

    Raises
    ------
    ImportError
        Numba is missing (extra ``jit``).
    TypeError
        Numba cannot compile f: which line, and why.

    Notes
    -----
    A function of numbers becomes a loop over many points that lie in columns, which LLVM vectorises. Division by zero
    gives an infinity; an exception inside f gives NaN, as beyond the edge of a domain.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = fg.compile(lambda x, y: x**2 * y + 3 * x * y**3)
    >>> fg.gradient(f, np.array([1.0, 2.0])).round(6)
    array([28., 37.])
    """
    function = attribute(f, "py_func") or f
    if not inspect.isfunction(function):
        raise TypeError(f"f is {shown(f)} of type {type(f).__name__}; only Python functions can be compiled")
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) or not parameters:
        raise TypeError("f must take an array, or numbers, by position; no *args and no keyword-only parameters")
    names = tuple(p.name for p in parameters if p.default is p.empty)
    return CompiledCode(function, names if len(names) > 1 else None)


def _by_pointer(function: Callable[..., Any]) -> tuple[Any, Any]:
    numba = _numba()
    types = numba.types
    jitted = _jitted(function, (types.float64[::1],))
    carray, nan = numba.carray, float("nan")

    def pointer(n, x, data):  # type: ignore[no-untyped-def]
        try:
            return float(jitted(carray(x, (n,))))
        except Exception:
            return nan

    signature = types.float64(types.intc, types.CPointer(types.float64), types.voidptr)
    return jitted, numba.cfunc(signature, error_model="numpy")(pointer)


_COLUMNS = """
def columns(k, n, X, out, data):
    points, values = carray(X, (n, k)), carray(out, (k,))
    for i in range(k):
        values[i] = jitted({coordinates})
    return 0
"""


def _in_columns(function: Callable[..., Any], names: tuple[str, ...]) -> tuple[Any, Any]:
    numba = _numba()
    types = numba.types
    jitted = _jitted(function, (types.float64,) * len(names))
    scope = {"carray": numba.carray, "jitted": jitted}
    exec(_COLUMNS.format(coordinates=", ".join(f"points[{j}, i]" for j in range(len(names)))), scope)
    pointer = types.CPointer(types.float64)
    signature = types.intc(types.intc, types.intc, pointer, pointer, types.voidptr)
    return jitted, numba.cfunc(signature, error_model="numpy")(scope["columns"])


def _jitted(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """The function compiled for these types; what Numba cannot do is said with its line."""
    numba = _numba()
    jitted = numba.njit(error_model="numpy")(function)
    try:
        jitted.compile(arguments)
        result = jitted.overloads[arguments].signature.return_type
    except numba.core.errors.NumbaError as error:
        raise TypeError(_explained(function, error)) from error
    if not isinstance(result, numba.types.Number | numba.types.Boolean) or isinstance(result, numba.types.Complex):
        raise TypeError(f"{function.__qualname__} returns {result}; expected a real number")
    return jitted


def _explained(function: Callable[..., Any], error: Any) -> str:
    """One line: which of the function's lines, and what Numba says first."""
    text = str(error)
    lines = (line.strip() for line in text.splitlines())
    reason = next((line for line in lines if line and not line.startswith("Failed in nopython mode")), text)
    file = function.__code__.co_filename
    # Numba's own position may be deep inside Numba; its message names the way there.
    passed = [a or b for path, a, b in _PLACE.findall(text) if Path(path).name == Path(file).name]
    if getattr(getattr(error, "loc", None), "filename", None) == file:
        passed.append(str(error.loc.line))
    if not passed:
        return f"Numba cannot compile {function.__qualname__}: {reason}"
    source = linecache.getline(file, int(passed[-1])).strip()
    return (
        f"Numba cannot compile {function.__qualname__}, line {passed[-1]} of {file}: {source!r}: {reason.rstrip(':')}"
    )


def _numba() -> Any:
    try:
        import numba
    except ImportError as error:
        raise ImportError("fastgrad.compile needs Numba: pip install 'fastgrad[jit]'") from error
    return numba
