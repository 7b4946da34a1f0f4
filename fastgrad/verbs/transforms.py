"""The verbs that return callables: the gradient of a function as a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, Protocol, Unpack, overload

from numpy.typing import NDArray

from ..core.given import shown
from ..core.options import whole_or_none
from ..core.point import Array, tree_point
from ..evaluate.functions import Evaluation, callable_or_error
from ..methods.method import Method
from ..records.record import Record
from ..records.show import shortened
from ..stencils import FLOAT64
from .signatures import Options, choose, with_options

Argument = int | str


class Gradient(Record):
    """The gradient of f as a callable, with its options; made by `grad`. It pickles and compares where f does."""

    __slots__ = ("_argnums", "_chosen", "_f", "_first", "_how", "_noise", "_with_value")

    def __init__(
        self,
        f: Callable[..., Any],
        argnums: int | tuple[int, ...],
        chosen: Method,
        how: Evaluation,
        with_value: bool,
    ) -> None:
        self._f = f
        self._argnums = argnums
        self._how = how
        self._chosen = chosen
        self._noise = FLOAT64
        self._first = True
        self._with_value = with_value

    _STATE = ("_f", "_argnums", "_how", "_chosen", "_with_value")

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._STATE}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name in self._STATE:
            setattr(self, name, state[name])
        self._noise, self._first = FLOAT64, True  # hints, which are found again

    def __hash__(self) -> int:
        return hash((self._f, self._argnums, self._with_value))

    def __repr__(self) -> str:
        name = getattr(self._f, "__qualname__", repr(self._f))
        return f"<{'value and ' if self._with_value else ''}gradient of {shortened(name)}: {self._chosen}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not args:
            raise TypeError("the gradient takes f's arguments, the point first; there is none")
        f = functools.partial(self._f, **kwargs) if kwargs else self._f
        if self._argnums == 0:
            x, args = args[0], args[1:]
        else:
            f, x, args = _placed(f, self._argnums, args)
        # What is learnt of f's precision is kept; a race between threads can only learn it twice.
        if self._with_value:
            value, found, self._noise = self._chosen.value_and_gradient(f, args, x, self._how, self._noise, self._first)
            self._first = False
            return value, found
        found, self._noise = self._chosen.gradient(f, args, x, self._how, self._noise, first=self._first)
        self._first = False
        return found


def _positions(f: Callable[..., Any], argnums: Any) -> int | tuple[int, ...]:
    """The positions that the option argnums names."""
    if not isinstance(argnums, tuple | list):
        return _position(f, argnums)
    found = tuple(_position(f, each) for each in argnums)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"argnums={shown(argnums)} names {'an argument twice' if found else 'no argument'}")
    return found


def _position(f: Callable[..., Any], name: Any) -> int:
    found = whole_or_none(name)
    if found is not None:
        return found
    if not isinstance(name, str):
        raise TypeError(
            f"argnums is {shown(name)}; expected positions or names of arguments of f; a gradient at a point is "
            "fastgrad.gradient(f, x)"
        )
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):
        raise ValueError(f"argnums={shown(name)}: f does not tell its arguments' names; give the position") from None
    places = [each.name for each in parameters.values() if each.kind in (each.POSITIONAL_ONLY, _EITHER)]
    if name not in places:
        raise ValueError(f"argnums={shown(name)} is no positional argument of f; it has {', '.join(map(repr, places))}")
    return places.index(name)


_EITHER = inspect.Parameter.POSITIONAL_OR_KEYWORD


def _placed(
    f: Callable[..., Any], argnums: int | tuple[int, ...], args: tuple[Any, ...]
) -> tuple[Callable[..., Any], Any, tuple[Any, ...]]:
    """F as a function of the chosen positional arguments alone, and their values."""
    wanted = (argnums,) if isinstance(argnums, int) else argnums
    for k in wanted:
        if not -len(args) <= k < len(args):
            raise TypeError(f"argnums names argument {k}, but f was given {len(args)}")
    wanted = tuple(k % len(args) for k in wanted)
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"argnums={argnums} names one of the {len(args)} arguments twice")

    def placed(x: Any) -> Any:
        changed = list(args)
        for k, value in zip(wanted, (x,) if isinstance(argnums, int) else x, strict=True):
            changed[k] = value
        return f(*changed)

    if isinstance(argnums, int):
        return placed, args[wanted[0]], ()
    # A tuple of numbers would be an array, but these are arguments, each for itself.
    return placed, tree_point(tuple(args[k] for k in wanted)), ()


class GradientOfFirst(Protocol):
    """What type checkers see of the gradient by f's first argument."""

    @overload
    def __call__(self, x: float, *args: Any, **kwargs: Any) -> float: ...
    @overload
    def __call__(self, x: NDArray[Any], *args: Any, **kwargs: Any) -> Array: ...
    @overload
    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any: ...


class ValueAndGradientOfFirst(Protocol):
    """What type checkers see of f and its gradient by the first argument."""

    @overload
    def __call__(self, x: float, *args: Any, **kwargs: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: NDArray[Any], *args: Any, **kwargs: Any) -> tuple[float, Array]: ...
    @overload
    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> tuple[float, Any]: ...


@overload
def grad(f: Callable[..., Any], argnums: Literal[0] = 0, **options: Unpack[Options]) -> GradientOfFirst: ...
@overload
def grad(
    f: Callable[..., Any], argnums: Argument | tuple[Argument, ...], **options: Unpack[Options]
) -> Callable[..., Any]: ...
@with_options(Options)
def grad(
    f: Callable[..., Any],
    argnums: Argument | tuple[Argument, ...] = 0,
    **options: Unpack[Options],
) -> Gradient:
    """The gradient of a function, as a function of the same arguments.

    Parameters
    ----------
    f : callable
        ``f(x, *args, **kwargs) -> float``.
    argnums : int, str or tuple of them, optional
        Which positional arguments to differentiate by, by position or name; with a tuple, so is the result.
    **options
        Those of `Options`.

    Returns
    -------
    g : callable
        ``g(x, *args, **kwargs)``, which fits ``jac=`` of `scipy.optimize.minimize`. Threads may share it. It
        remembers whether f computes in float32.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> g = fg.grad(lambda x, y: x**2 * y + 3 * x * y**3, argnums=(0, 1))
    >>> [round(d, 6) for d in g(1.0, 2.0)]
    [28.0, 37.0]
    """
    callable_or_error(f)
    chosen, how = choose(grad, options)
    return Gradient(f, _positions(f, argnums), chosen, how, with_value=False)


@overload
def value_and_grad(
    f: Callable[..., Any], argnums: Literal[0] = 0, **options: Unpack[Options]
) -> ValueAndGradientOfFirst: ...
@overload
def value_and_grad(
    f: Callable[..., Any], argnums: Argument | tuple[Argument, ...], **options: Unpack[Options]
) -> Callable[..., tuple[float, Any]]: ...
@with_options(Options)
def value_and_grad(
    f: Callable[..., Any],
    argnums: Argument | tuple[Argument, ...] = 0,
    **options: Unpack[Options],
) -> Gradient:
    """A function's value and gradient, as a function of the same arguments.

    Parameters
    ----------
    f, argnums
        As for `grad`.
    **options
        Those of `Options`.

    Returns
    -------
    vg : callable
        ``vg(x, *args, **kwargs) -> (value, gradient)``, which fits ``jac=True`` of `scipy.optimize.minimize`.

    Examples
    --------
    >>> import fastgrad as fg
    >>> value, gradient = fg.value_and_grad(lambda x: x**3)(2.0)
    >>> value, round(gradient, 6)
    (8.0, 12.0)
    """
    callable_or_error(f)
    chosen, how = choose(value_and_grad, options)
    return Gradient(f, _positions(f, argnums), chosen, how, with_value=True)
