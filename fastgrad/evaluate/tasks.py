"""Evaluations as a worker does them, wherever it is: a task, what comes of it, and how both travel."""

from __future__ import annotations

import functools
import pickle
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.given import said
from ..core.layout import Layout
from ..core.point import Array, Point
from .border import Function
from .results import add_note

if TYPE_CHECKING:
    from .functions import Evaluation

_UNIT = np.ones(1)


class Job(NamedTuple):
    """What all tasks share."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    layout: Layout  # of what f takes
    how: Evaluation  # by whoever has the task, alone
    make: Callable[..., Function]  # brings f to the border: `as_function`


class Task(NamedTuple):
    """Some evaluations: at points x, each with one coordinate moved, or as they are."""

    job: Job | bytes
    outputs: int  # -1: of one point, which tells
    imaginary: bool  # moves are
    tolerant: bool
    stepwise: bool  # point by point, so that what was done before an error is kept
    x: NDArray[Any]
    components: NDArray[np.intp] | None
    moves: Array | None


@dataclass(slots=True)
class Done:
    """What came of a task."""

    values: Array  # as far as they were computed
    seconds: float = 0.0
    nfev: int = 0
    float32: bool = False
    shape: tuple[int, ...] | None = None
    domain_error: BaseException | None = None
    error: BaseException | None = None


def evaluate(task: Task) -> Done:
    """Do a task: what runs on a worker."""
    started = time.perf_counter()
    try:
        job = _unpacked(task.job) if isinstance(task.job, bytes) else task.job
        point = Point(np.zeros(job.layout.shape or 1), job.layout)
        outputs = None if task.outputs < 0 else task.outputs
        with job.make(job.f, job.args, point, job.how, outputs) as function:
            function.tolerate(task.tolerant)
            rows = len(task.x) if task.moves is None else task.moves.size
            parts, problem = [], None
            try:
                for k in range(0, rows, 1 if task.stepwise else rows):
                    parts.append(_values(function, task, slice(k, k + 1) if task.stepwise else slice(None)))
            except Exception as error:
                problem = error
            return Done(
                np.concatenate(parts) if parts else np.empty((0, max(task.outputs, 0))),
                time.perf_counter() - started,
                function.nfev,
                function.float32,
                getattr(function, "shape", None),
                _sendable(function.domain_error, task.job),
                _sendable(problem, task.job),
            )
    except Exception as error:
        return Done(np.empty((0, 1)), error=_sendable(error, task.job))


def _values(function: Function, task: Task, part: slice) -> Array:
    """Values (rows, outputs) of a part of the task."""
    if task.outputs < 0:
        return function.value(task.x[0]).reshape(1, -1)
    if task.components is None or task.moves is None:
        return function.at_points(task.x[part])
    values = function.at_shifts(task.x, task.components[part], task.moves[part], _UNIT, task.imaginary)
    return values.reshape(-1, task.outputs)


@functools.lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> Job:
    """The job, kept from one task to the next: f may be large, or remember what it prepared."""
    try:
        job: Job = pickle.loads(packed)
    except Exception as error:
        raise ImportError(f"a worker could not load f: {type(error).__name__}: {said(error)}") from error
    return job


def packed(job: Job) -> bytes:
    """The job as bytes, by cloudpickle where it is installed: then lambdas and closures travel too."""
    try:
        from cloudpickle import dumps
    except ImportError:
        dumps = pickle.dumps
    try:
        return bytes(dumps(job))
    except Exception as error:
        hint = (
            "what it refers to must be picklable: no open files, locks or pointers"
            if dumps is not pickle.dumps
            else "define it at the top level of a module, or install cloudpickle: pip install 'fastgrad[workers]'"
        )
        raise TypeError(
            f"f cannot be sent to another process: {type(error).__name__}: {said(error)}; {hint}"
        ) from error


def _sendable(error: BaseException | None, job: Job | bytes) -> BaseException | None:
    """The exception, or what stands for it if it could not be unpickled at the other end."""
    if error is None or not isinstance(job, bytes):
        return error
    note = "on a worker:\n" + "".join(traceback.format_exception(error)).rstrip()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        text = f"f raised {type(error).__name__}: {said(error)}"
        for old in getattr(error, "__notes__", ()):
            text += f"\n{old}"
        error = RuntimeError(text)
    add_note(error, note)
    return error
