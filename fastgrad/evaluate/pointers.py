"""Pointer functions: recognised by type, their signatures checked, brought down to an address."""

from __future__ import annotations

import re
import sys
from typing import Any, NamedTuple, cast

from .border import capsule_parts

EXPECTED = (
    "double f(int n, double *x, void *data), or, with points in columns, "
    "int f(int k, int n, const double *X, double *out, void *data)"
)

_SCALAR = re.compile(r"double\(int,double\*(,void\*)?\)")
_COLUMNS = re.compile(r"int\(int,int,double\*,double\*(,void\*)?\)")
_NUMBA_NAMES = {"float64": "double", "int32": "int", "intc": "int", "none*": "void*", "voidptr": "void*"}


class Pointer(NamedTuple):
    """Where a compiled function is, and what it takes."""

    address: int
    data: int
    columns: bool
    n: int | None = None  # coordinates, where the function has so many


def compiled_parts(f: Any) -> Pointer | None:
    """The parts of f if it is a compiled function, else None.

    Raises
    ------
    TypeError
        f is compiled, but has another signature than fastgrad calls.
    """
    kind = type(f)
    module, name = kind.__module__, kind.__name__
    if module == "fastgrad.evaluate.compiling":
        return cast(Pointer, f.pointer)
    if name == "PyCapsule":
        return _from_capsule(f)
    if name == "LowLevelCallable" and module.startswith("scipy."):
        return _from_capsule(tuple.__getitem__(f, 0))
    if type(kind).__name__ == "PyCFuncPtrType":
        return _from_ctypes(f)
    if module == "numba.core.ccallback":
        return Pointer(int(f.address), 0, _is_columns(_numba_signature(str(f._sig))))
    if module == "_cffi_backend" and name.startswith(("CData", "_CData", "__CData")):
        return _from_cffi(f)
    return None


def _from_capsule(capsule: Any) -> Pointer:
    signature, address, data = capsule_parts(capsule)
    return Pointer(address, data, _is_columns(signature))


def _from_ctypes(f: Any) -> Pointer:
    import ctypes

    if f.argtypes is None:
        raise TypeError(f"the ctypes function has no argtypes; set them and restype as in {EXPECTED}")
    names = {ctypes.c_double: "double", ctypes.c_int: "int", ctypes.c_void_p: "void*"}
    names[ctypes.POINTER(ctypes.c_double)] = "double*"
    arguments = ",".join(names.get(a, getattr(a, "__name__", str(a))) for a in f.argtypes)
    result = names.get(f.restype, getattr(f.restype, "__name__", str(f.restype)))
    address = ctypes.cast(f, ctypes.c_void_p).value or 0
    return Pointer(address, 0, _is_columns(f"{result}({arguments})"))


def _from_cffi(f: Any) -> Pointer:
    ffi = sys.modules["_cffi_backend"].FFI()
    columns = _is_columns(ffi.typeof(f).cname.replace("(*)", ""))
    return Pointer(int(ffi.cast("uintptr_t", f)), 0, columns)


def _numba_signature(signature: str) -> str:
    """``(int32, float64*, none*) -> float64`` as C writes it."""
    arguments, _, result = signature.rpartition("->")
    for theirs, ours in _NUMBA_NAMES.items():
        arguments, result = arguments.replace(theirs, ours), result.replace(theirs, ours)
    return result.strip() + arguments.strip()


def _is_columns(signature: str) -> bool:
    """Whether a signature is that of the form with points in columns."""
    plain = re.sub(r"\bconst\b|\s", "", signature)
    if _SCALAR.fullmatch(plain):
        return False
    if _COLUMNS.fullmatch(plain):
        return True
    raise TypeError(f"the compiled function has the signature {signature!r}; expected {EXPECTED}")
