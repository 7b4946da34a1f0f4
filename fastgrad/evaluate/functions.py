"""Functions of each kind, brought to the border where they are evaluated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..core.given import shown
from ..core.layout import Layout
from ..core.options import arguments
from ..core.point import Array, Point
from . import border
from .pointers import Pointer, compiled_parts
from .python import PythonFunction
from .results import DOMAIN_ERRORS

Vectorized = bool | Literal["rows", "columns"]

# concurrent.futures takes half as long to import as all the rest of fastgrad.
if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .compiled import CompiledFunction
    from .vectorized import VectorizedFunction

    Workers: TypeAlias = int | Executor | None
else:
    Workers = Any

_MOST_ARGS = 6
_OF_PYTHON = (FunctionType, MethodType)


class Evaluation(NamedTuple):
    """How a function is evaluated: options that every verb has, see `gradient`."""

    vectorized: Vectorized = False
    workers: Workers = None
    progress: bool = False
    retries: int = 0
    domain_errors: tuple[type[Exception], ...] = DOMAIN_ERRORS

    def __reduce__(self) -> tuple[Any, ...]:
        return evaluation, (self._asdict(),)  # so that `SERIAL` stays the one object that it is


SERIAL = Evaluation()


def evaluation(options: Mapping[str, Any]) -> Evaluation:
    """What checked options say of it; `SERIAL` itself where nothing is asked for."""
    found = tuple(map(options.__getitem__, Evaluation._fields))
    return SERIAL if found == SERIAL else Evaluation(*found)


def as_function(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    how: Evaluation = SERIAL,
    outputs: int | None = 1,
) -> border.Function:
    """The function at the border, for one call of one verb; a context, which ends what belongs to it.

    Parameters
    ----------
    f : callable
        ``f(x, *args)``.
    point : Point
        A point such as those that f takes.
    how : Evaluation
    outputs : int, optional
        Values that f returns for a point; with None, its first `value` tells.
    """
    if how.workers is not None:
        how = _without_deadlock(how)
    function = _function(f, args, point, how, -1 if outputs is None else outputs)
    function.domain_errors = how.domain_errors
    if point.make is not None and point.layout.narrow:
        function.float32 = True  # however f computes: it gets rounded points
    if how.progress:
        from .progress import Progress

        function.show(Progress())
    return function


def _function(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    how: Evaluation,
    outputs: int,
) -> border.Function:
    if not isinstance(f, _OF_PYTHON):
        compiled = compiled_parts(f)
        if compiled is not None:
            return _as_compiled(f, compiled, args, point, how, outputs)
    if how.vectorized is not False and (point.is_tree or len(point.shape) > 1):
        what = "is a pytree" if point.is_tree else f"has shape {point.shape}"
        raise ValueError(f"a vectorized f takes points of one axis, but x {what}; flatten x")
    if how.workers is not None:
        return _pooled(f, args, point, how, outputs)
    if len(args) > _MOST_ARGS:
        f, args = _bound(f, args), ()
    if how.vectorized is False:
        return PythonFunction(f, args, point, outputs)
    if point.make is not None:
        f = point.layout.of_blocks(f)
    return _vectorized_function()(f, args, point, outputs, how.vectorized == "columns")


# Loaded when first used; an import inside a function takes 0.3 µs each time.
@functools.cache
def _vectorized_function() -> type[VectorizedFunction]:
    from .vectorized import VectorizedFunction

    return VectorizedFunction


@functools.cache
def _compiled_function() -> type[CompiledFunction]:
    from .compiled import CompiledFunction

    return CompiledFunction


def _without_deadlock(how: Evaluation) -> Evaluation:
    """Without workers that may be waiting for what is evaluated: where f, on one of them, uses them too."""
    from .tasks import alone

    assert how.workers is not None
    return how._replace(workers=None, retries=0) if alone(how.workers) else how


def _pooled(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    point: Point,
    how: Evaluation,
    outputs: int,
) -> border.Function:
    from .indirect import PooledFunction
    from .jobs import Job
    from .pool import Pool

    assert how.workers is not None
    alone = how._replace(workers=None, progress=False, retries=0)
    job = Job(f, args, point.layout, alone, as_function)
    return PooledFunction(point, Pool(job, point, how.workers, how.retries, outputs), outputs)


def _as_compiled(
    f: Any,
    compiled: Pointer,
    args: tuple[Any, ...],
    point: Point,
    how: Evaluation,
    outputs: int,
) -> border.Function:
    if args:
        raise TypeError("a compiled function takes no args=; give it what it needs as its data pointer")
    if how.vectorized is not False:
        raise TypeError("vectorized= is for Python functions; how a compiled one takes points, its signature says")
    if point.is_tree:
        raise TypeError("a compiled function takes an array, but x is a pytree: concatenate its leaves")
    if compiled.n not in (None, point.n):
        raise TypeError(f"the compiled function takes {compiled.n} numbers, but x has {point.n} coordinates")
    if outputs > 1:
        raise TypeError(f"a compiled function has one value, not {outputs}")
    if how.workers is not None and not isinstance(how.workers, int):
        return _pooled(f, args, point, how, 1)
    return _compiled_function()(f, point, *compiled[:3], how.workers or 1)


def callable_or_error(f: Any, args: Any = (), name: str = "f") -> None:
    """Raise a TypeError unless f can be called, and args is a tuple."""
    if not callable(f) and compiled_parts(f) is None:
        raise TypeError(f"{name} is {shown(f)} of type {type(f).__name__}; expected a function")
    if not isinstance(args, tuple):
        arguments(args)


def by_some(function: border.Function, x: Array, coordinates: NDArray[np.intp]) -> border.Function:
    """The function of some coordinates of a point x, (n,), alone: the others stay where they are."""
    # Loaded when used: most derivatives are taken by all.
    from .indirect import PairsFunction

    # Moved from 0, a coordinate is what it is asked to be, to the bit.
    start, pairs = x.copy(), np.stack([coordinates, np.full_like(coordinates, -1)], axis=1)
    start[coordinates] = 0.0
    return PairsFunction(function, start, pairs, np.ones(pairs.shape), Point(np.zeros(coordinates.size)))


class _FlatGradient:
    """A gradient whose results are flat."""

    def __init__(self, grad: Callable[..., Any], layout: Layout) -> None:
        self.grad = grad
        self.layout = layout

    def __call__(self, x: Any, *args: Any) -> Any:
        return self.layout.gradient_values(self.grad(x, *args))


def flat_gradient(grad: Callable[..., Any], point: Point, how: Evaluation) -> Callable[..., Any]:
    """A user's gradient, whose results are made flat where they have a structure."""
    return grad if point.make is None or how.vectorized is not False else _FlatGradient(grad, point.layout)


def _bound(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    @functools.wraps(f, updated=())
    def bound(x: Any) -> Any:
        return f(x, *args)

    return bound
