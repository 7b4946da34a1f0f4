"""What a function returned, as numbers; or an exception that says what was wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.given import array_of, attribute, floats, shown, words

DOMAIN_ERRORS: tuple[type[Exception], ...] = (ValueError, ArithmeticError)
"""What functions raise outside their domain (``math.log(-1)``, ``1/0``, ``Decimal(-1).sqrt()``), unless told others."""


class ReturnedShapeError(ValueError):
    """f returned an array of another shape than it should."""


def is_domain_error(error: BaseException, domain_errors: tuple[type[Exception], ...] = DOMAIN_ERRORS) -> bool:
    """Whether an exception may be f's way to say that a point is outside its domain."""
    return isinstance(error, domain_errors) and not isinstance(error, ReturnedShapeError)


_NARROW = frozenset({"float16", "bfloat16", "float32", "complex64"})


def add_note(error: BaseException, note: str) -> None:
    """Append a PEP 678 note, once."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def note_shift(error: BaseException, point: Any, component: int, shift: float, imaginary: bool) -> None:
    """Say where f raised: at a `Point` with one coordinate moved."""
    add_note(error, f"while evaluating f at {point.where(component, shift, imaginary)}{point.hint(error)}")


def note_point(error: BaseException, point: Any, x: NDArray[Any], k: int, count: int) -> None:
    """Say where f raised: at x, the k-th of so many points; `point` has the names of their coordinates."""
    where = point.at(x.real)
    add_note(error, f"while evaluating f at {f'point {k} of {count}: ' if count > 1 else ''}{where}{point.hint(error)}")


def note_block(error: BaseException, rows: int, point: Any = None, *shift: Any) -> None:
    """Say where f raised: at a block of so many points, the first of them shifted."""
    start = "" if point is None else f", from {point.where(*shift)} on"
    add_note(error, f"while evaluating f at a block of {rows} points{start}")


def refuse_new_shape(argument: NDArray[Any]) -> None:
    """Raise: f changed the shape, strides or type of the array that it was called with."""
    raise TypeError(
        f"f gave the array that it was called with another shape, strides or type: it is now {argument.shape} "
        f"of {argument.dtype}, strides {argument.strides}; let f change a copy of it"
    )


def fits_float32(values: NDArray[np.float64]) -> bool:
    """Whether every value is a float32 number."""
    with np.errstate(all="ignore"):
        # The first few tell nearly always, and spare a pass over very many.
        first = values.ravel()[:16]
        return bool((first == first.astype(np.float32)).all() and (values == values.astype(np.float32)).all())


def is_narrow(value: object) -> bool:
    """Whether value has a dtype of at most float32 precision (NumPy's, JAX's or PyTorch's)."""
    kind = attribute(value, "dtype")
    return kind is not None and words(kind, str).rpartition(".")[2] in _NARROW


def as_number(value: Any, imaginary: bool) -> tuple[float, bool, tuple[int, ...]]:
    """The one number that value stands for (its imaginary part), whether it is narrow, and value's shape."""
    if isinstance(value, np.float32) and not imaginary:
        return float(value), True, ()
    array = _array(value)
    if array.size != 1:
        raise ReturnedShapeError(
            f"f returned an array of shape {array.shape}; expected one number. "
            "Sum or average it, or use fastgrad.jacobian for a vector-valued f"
        )
    return _real(array.reshape(()), imaginary).item(), is_narrow(value), array.shape


def as_vector(value: Any, imaginary: bool, outputs: int | None) -> tuple[NDArray[np.float64], bool, tuple[int, ...]]:
    """The numbers of a vector-valued function, flat, whether they are narrow, and value's shape.

    outputs: how many there are; None: however many.
    """
    array = _array(value)
    if outputs is not None and array.size != outputs:
        raise ReturnedShapeError(
            f"f returned {array.size} values (shape {array.shape}) after {outputs} values at first"
        )
    return np.ascontiguousarray(_real(array, imaginary)).ravel(), is_narrow(value), array.shape


def as_block(
    value: Any, rows: int, outputs: int | None, columns: bool, imaginary: bool, n: int
) -> tuple[NDArray[np.float64], bool]:
    """The values (rows, outputs) of a vectorised function, and whether they are narrow; outputs: None if not known."""
    array = _array(value)
    given = (n, rows) if columns else (rows, n)
    if outputs is None:
        outputs = array.size
    if outputs == 1:
        accepted = [(rows,), (1, rows) if columns else (rows, 1)]
    else:
        accepted = [(outputs, rows) if columns else (rows, outputs)]
    if array.shape not in accepted:
        hint = ""
        if outputs == 1:
            hint = (
                ": one value a column"
                if columns
                else ': one value a row; vectorized="columns" gives f points in columns'
            )
        raise ReturnedShapeError(
            f"vectorized f returned shape {array.shape} for X of shape {given}; expected {accepted[0]}{hint}"
        )
    real = _real(array, imaginary)
    if columns and outputs > 1:
        real = real.T
    return np.ascontiguousarray(real), is_narrow(value)


def _array(value: Any) -> NDArray[Any]:
    """What f returned as an array, of real or complex numbers or of objects that may be some."""
    if value is None:
        raise TypeError("f returned None; expected a number. Does it lack a return statement?")
    if isinstance(value, (str, bytes)):
        raise TypeError(f"f returned the {type(value).__name__} {shown(value)}; expected a number")
    try:
        array = array_of(value, "what f returned")
    except ValueError as error:  # which f may raise beyond the edge of its domain
        raise TypeError(str(error)) from error
    if array.dtype.kind not in "fiubcO":
        raise TypeError(f"f returned {shown(value)} of dtype {array.dtype}; expected a number")
    return array


def _real(array: NDArray[Any], imaginary: bool) -> NDArray[np.float64]:
    """Float64 values: the imaginary part for the complex step, else the values themselves."""
    if imaginary:
        if array.dtype.kind != "c":
            raise TypeError(
                f'f returned {array.dtype} for a complex x, but method="complex" needs a function that computes '
                'with complex numbers (analytic, without abs, max, real or float()); use method="central"'
            )
        return np.asarray(array.imag, dtype=np.float64)
    if array.dtype.kind == "c":
        raise TypeError(
            f"f returned a complex value ({array.dtype}); expected a real number. Return its real part or modulus"
        )
    return floats(array, "what f returned")
