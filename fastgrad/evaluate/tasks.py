"""Evaluations as a worker does them, wherever it is: a task, what comes of it, and what f may ask for meanwhile."""

from __future__ import annotations

import pickle
import threading
import time
import traceback
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.given import said
from ..core.point import Array, Point
from .border import Function
from .jobs import Job, Packed, Worker, this_worker, unpacked
from .processes import end_with
from .results import add_note

_UNIT = np.ones(1)


class Task(NamedTuple):
    """Some evaluations: at points x, each with one coordinate moved, or as they are."""

    number: int
    job: Job | Packed
    above: tuple[Executor, ...]  # threads that wait for it, from the first to the one that does it
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

    number: int  # the task's
    values: Array  # as far as they were computed
    seconds: float = 0.0
    nfev: int = 0
    float32: bool = False
    shape: tuple[int, ...] | None = None
    domain_error: BaseException | None = None
    error: BaseException | None = None
    lacking: Worker | None = None  # this one, which needs f first


class _Here(threading.local):
    """What this thread is doing."""

    above: tuple[Executor, ...] = ()
    sent = False  # a task of another process


_here = _Here()


def above(executor: Executor | None = None) -> tuple[Executor, ...]:
    """Whose tasks wait for this thread; and for this executor's threads, then."""
    return _here.above if executor is None else (*_here.above, executor)


def alone(workers: int | Executor) -> bool:
    """Whether f is to be evaluated by this thread itself: those workers may all be waiting for it."""
    return _here.sent or any(workers is executor for executor in _here.above)


def evaluate(task: Task) -> Done:
    """Do a task: what runs on a worker."""
    before = _here.above, _here.sent
    _here.above, _here.sent = task.above, isinstance(task.job, Packed)
    try:
        return _evaluated(task)
    except Exception as error:
        return Done(task.number, np.empty((0, 1)), error=_sendable(error, task.job))
    finally:
        _here.above, _here.sent = before


def _evaluated(task: Task) -> Done:
    started = time.perf_counter()
    job = task.job
    if isinstance(job, Packed):
        end_with(job.sender)
        found = unpacked(job)
        if found is None:
            return Done(task.number, np.empty((0, 1)), lacking=this_worker())
        job = found
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
            task.number,
            np.concatenate(parts) if parts else np.empty((0, max(task.outputs, 0))),
            time.perf_counter() - started,
            function.nfev,
            function.float32,
            getattr(function, "shape", None),
            _sendable(function.domain_error, task.job),
            _sendable(problem, task.job),
        )


def _values(function: Function, task: Task, part: slice) -> Array:
    """Values (rows, outputs) of a part of the task."""
    if task.outputs < 0:
        return function.value(task.x[0]).reshape(1, -1)
    if task.components is None or task.moves is None:
        return function.at_points(task.x[part])
    values = function.at_shifts(task.x, task.components[part], task.moves[part], _UNIT, task.imaginary)
    return values.reshape(-1, task.outputs)


def _sendable(error: BaseException | None, job: Job | Packed) -> BaseException | None:
    """The exception, or what stands for it if it could not be unpickled at the other end."""
    if error is None or not isinstance(job, Packed):
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
