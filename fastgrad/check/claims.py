"""The values of a user's gradient, and notes about it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.given import array_of, number
from ..core.layout import Layout
from ..core.point import Array, Point
from ..evaluate.problem import Problem
from ..evaluate.results import fits_float32
from ..stencils import FLOAT32, FLOAT64

_ROUNDINGS = 64.0  # of a leaf's largest entry: threads that sum in another order may change entries by this


class Claim(NamedTuple):
    """A gradient as claimed, flat, and notes on what is unusual about it."""

    values: Array
    notes: list[str]


def considered(skip: Any, only: Any, layout: Layout) -> NDArray[np.intp] | None:
    """The coordinates that are compared, by names of leaves or coordinates; None: all of them.

    Raises
    ------
    IndexError
        x has no such leaf or coordinate.
    ValueError
        Both skip and only are given, or nothing is left.
    """
    if skip is None and only is None:
        return None
    if skip is not None and only is not None:
        raise ValueError("skip= and only= exclude each other; give one of them")
    named = np.zeros(layout.n, dtype=bool)
    leaves = {leaf: where for leaf, where, _ in layout.leaves()}
    given = skip if only is None else only
    for name in given:
        named[leaves[name] if isinstance(name, str) and name in leaves else layout.component(name)] = True
    found = np.flatnonzero(named if only is not None else ~named)
    if not found.size:
        raise ValueError(f"{'only' if skip is None else 'skip'}={given!r} leaves no entries to compare")
    return found


def claimed_gradient(grad: Any, problem: Problem, args: tuple[Any, ...], absent: Collection[str] = ()) -> Claim:
    """The gradient that a user claims: an array or pytree, or the result of a function, which is called twice.

    absent: leaves that it may omit, since they are not compared.

    Raises
    ------
    TypeError
        It does not consist of real numbers.
    ValueError
        Its shape or structure is not that of x.
    """
    point, base = problem.point, problem.values.item()
    notes: list[str] = []
    if not callable(grad):
        return Claim(_taken(grad, point.layout, base, notes, absent), notes)
    argument = point.argument(problem.x.ravel().copy())
    values = _taken(grad(argument, *args), point.layout, base, notes, absent)
    if _overwritten(argument, point, problem.x.ravel()):
        notes.append("grad overwrites its argument")
    again = _taken(grad(point.argument(problem.x.ravel().copy()), *args), point.layout, base, [], absent)
    apart = _farthest_apart(values, again, point.layout)
    if apart is not None:
        first, second = values[apart].item(), again[apart].item()
        what = f"{point.name(apart)} was {first:.7g}, then {second:.7g}"
        notes.append(f"grad is not deterministic: {what} at the same x; dropout, or another random sample?")
    return Claim(values, notes)


def claimed_at(
    grad: Any, problem: Problem, args: tuple[Any, ...], absent: Collection[str] = ()
) -> Callable[[Array], Array] | None:
    """A function that gives the claimed gradient (1, n) at other points; None where it is known at x only."""
    if not callable(grad):
        return None
    layout, base = problem.point.layout, problem.values.item()
    return lambda x: _taken(grad(problem.point.argument(x), *args), layout, base, [], absent).reshape(1, -1)


def _taken(result: Any, layout: Layout, base: float, notes: list[str], absent: Collection[str]) -> Array:
    """The flat values of a gradient, or of the one in a pair with f(x), in either order; that f(x) is compared."""
    # A tuple of two may be the gradient itself: x may have two entries, or be a tuple.
    pairs = _pairs(result)
    try:
        return layout.gradient_values(result, absent).copy()  # f may write to it
    except (TypeError, ValueError):
        if not pairs:
            raise
    for value, gradient in pairs:
        try:
            values = layout.gradient_values(gradient, absent).copy()
        except (TypeError, ValueError):
            if len(pairs) == 1:
                raise
            continue
        found = number(array_of(value, "the value beside the gradient"), "the value beside the gradient")
        if not abs(found - base) <= 1e-6 * abs(base) + 1e-12:
            notes.append(f"f(x) is {base:.10g}, but the value beside the gradient is {found:.10g}")
        return values
    return layout.gradient_values(result, absent)  # two numbers that do not fit x: this raises the error that says so


def _pairs(result: Any) -> list[tuple[Any, Any]]:
    """How a result may be read as a value and a gradient: in the order of JAX, or of `torch.func.grad_and_value`."""
    if type(result) is not tuple or len(result) != 2:
        return []
    return [pair for pair in (result, result[::-1]) if _is_number(pair[0])]


def _is_number(value: Any) -> bool:
    if isinstance(value, int | float):
        return True
    try:
        found = array_of(value, "the value beside the gradient")
    except (TypeError, ValueError):
        return False
    return found.shape == () and found.dtype.kind in "fiub"


def _overwritten(argument: Any, point: Point, x: Array) -> bool:
    """Whether grad has changed the argument that it was called with."""
    layout = point.layout
    try:
        now = layout.flat_values(argument, "x", exact=True)
    except (TypeError, ValueError):  # a leaf is gone, or has another shape
        return True
    before = layout.flat_values(point.argument(x.copy()), "x", exact=True)
    return not np.array_equal(now, before, equal_nan=True)


@np.errstate(all="ignore")
def _farthest_apart(first: Array, second: Array, layout: Layout) -> int | None:
    """The entry that differs most between two calls; None if none differs by more than rounding."""
    if np.array_equal(first, second, equal_nan=True):
        return None
    rounding = FLOAT32 if fits_float32(first) else FLOAT64
    worst, found = 1.0, None
    for _, where, _ in layout.leaves():
        one, other = first[where], second[where]
        size = np.abs(one[np.isfinite(one)]).max(initial=0.0)
        apart = np.abs(other - one) / (_ROUNDINGS * rounding * size)
        apart[(one == other) | (np.isnan(one) & np.isnan(other))] = 0.0
        apart[np.isnan(apart)] = np.inf
        if apart.size and apart.max() > worst:
            k = int(np.argmax(apart))
            worst, found = float(apart[k]), where.start + k
    return found
