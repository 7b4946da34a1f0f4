"""What means more than its numbers: units, lazy arrays, masks, times; NumPy's business, where it has a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.given import array_of, attribute, said

_ARITHMETIC = ("__getitem__", "__setitem__", "__add__", "__sub__", "__mul__", "__truediv__", "__radd__", "__rmul__")
_MEANINGS = ("__array_function__", "__array_ufunc__", *_ARITHMETIC)
# Bound before anybody can put ours in its place.
_NUMPYS_GRADIENT = np.gradient


def has_own_meaning(value: Any) -> bool:
    """Whether functions and arithmetic of NumPy do something else with a value than with its numbers."""
    kind = type(value)
    if kind is np.ndarray:
        return False
    if isinstance(value, np.ndarray):
        plain = np.memmap if isinstance(value, np.memmap) else np.ndarray
        return any(getattr(kind, name, None) is not getattr(plain, name) for name in _MEANINGS)
    # A class may have any attribute by way of its metaclass.
    return callable(attribute(kind, "__array_function__"))


def has_units(step: Any) -> bool:
    """Whether a spacing makes more than numbers of the results; a mask on it makes nothing that is right."""
    return has_own_meaning(step) and not isinstance(step, np.ma.MaskedArray)


def own_meaning(value: Any, what: str) -> TypeError:
    """What to say of such a value where only numbers will do."""
    kind = type(value)
    hint = "pass its numbers alone: numpy.asarray(...), .magnitude, .value or .compute()"
    return TypeError(f"{what} {kind.__module__.split('.')[0]}'s {kind.__name__}; {hint}")


def unsupported(values: Any, spacing: tuple[Any, ...] = ()) -> TypeError:
    """What to say of values or spacings that only numpy.gradient knows."""
    if isinstance(values, np.ma.MaskedArray):
        return TypeError('values are a masked array; pass values.filled(numpy.nan) and boundary="nan"')
    if has_own_meaning(values):
        return own_meaning(values, "values are")
    for step in spacing:
        if has_units(step):
            return own_meaning(step, "the spacing is")
        if is_complex(step):
            return TypeError('the spacing is complex; only order=2 and boundary="one-sided" take that, as NumPy')
    what = f"values are {type(values).__name__} of {array_of(values, 'values').dtype}"
    return TypeError(f"{what}; this takes plain arrays of float32, float64, complex or integers")


def is_complex(step: Any) -> bool:
    """Whether a spacing is complex, which NumPy divides by."""
    return isinstance(step, complex) or (isinstance(step, np.ndarray) and step.dtype.kind == "c")


def numpys_gradient(values: Any, spacing: tuple[Any, ...], axis: Any, edge_order: int) -> Any:
    """`numpy.gradient`, whose errors are those that ours are."""
    try:
        return _NUMPYS_GRADIENT(values, *spacing, axis=axis, edge_order=edge_order)  # type: ignore[call-overload]
    except (TypeError, ValueError, IndexError, MemoryError):
        raise
    except Exception as error:  # of the objects in an array, say
        raise ValueError(
            f"numpy.gradient, which takes these values, raises {type(error).__name__}: {said(error)}"
        ) from error
