"""Arrays that users want results written to (``out=``): looked at before anything is written."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_WORK = 100_000  # of the exact comparison of two arrays' addresses, some ms


def memory_of(name: str, out: Any, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """The array that results are to be written to, as a plain one of the same memory.

    Raises
    ------
    ValueError
        It is no array of this shape and type (in any byte order), or is read-only, masked or overlaps itself.
    """
    dtype = np.dtype(dtype)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype.newbyteorder("=") != dtype:
        what = f"of shape {out.shape} and {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ValueError(f"{name} is {what}; expected an array of shape {shape} and {dtype}")
    if isinstance(out, np.ma.MaskedArray):
        raise ValueError(f"{name} is a masked array, whose mask would hide results; pass {name}.data")
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only")
    if _overlaps_itself(out):
        raise ValueError(f"{name} overlaps itself: some of its entries are the same memory")
    return np.asarray(out)


def is_direct(out: NDArray[Any]) -> bool:
    """Whether C may write to an array as it lies in memory, whatever its strides."""
    return out.flags.behaved and out.dtype.isnative


def overlap(out: NDArray[Any], *others: Any) -> bool:
    """Whether an array shares memory with others, also in tuples, lists and dicts; what is no array shares none."""
    for other in others:
        if isinstance(other, np.ndarray):
            if np.may_share_memory(out, other) and _share_memory(out, other):
                return True
        elif isinstance(other, dict):
            if overlap(out, *other.values()):
                return True
        elif isinstance(other, (tuple, list)) and overlap(out, *other):
            return True
    return False


def _share_memory(a: NDArray[Any], b: NDArray[Any]) -> bool:
    try:
        return np.shares_memory(a, b, max_work=_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _overlaps_itself(array: NDArray[Any]) -> bool:
    """Whether strides are such that entries may lie on each other: those of slices and transposes never do."""
    reach = array.itemsize
    for stride, length in sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n > 1):
        if stride < reach:
            return array.size > 0
        reach += stride * (length - 1)
    return False
