"""Evaluations of a function split among workers: threads, processes or machines, by any executor."""

from __future__ import annotations

import functools
import os
import pickle
import time
import traceback
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._functions import Evaluation, Vectorized, as_function
from ._kernels import Function
from ._points import Array, Point, as_point
from ._values import add_note

_TASK_SECONDS = 0.1
_UNIT = np.ones(1)


class Job(NamedTuple):
    """What all tasks share."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    example: Any  # what f takes
    vectorized: Vectorized
    imaginary: bool
    outputs: int


class Task(NamedTuple):
    """Some evaluations: at points x, each with one coordinate moved, or as they are."""

    job: Job | bytes
    tolerant: bool
    stepwise: bool  # point by point, so that what was done before an error is kept
    x: Array
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
        point = as_point(job.example)
        with as_function(job.f, job.args, point, Evaluation(job.vectorized), job.imaginary, job.outputs) as function:
            function.tolerate(task.tolerant)
            rows = len(task.x) if task.moves is None else task.moves.size
            parts, problem = [], None
            try:
                for k in range(0, rows, 1 if task.stepwise else rows):
                    parts.append(_values(function, task, slice(k, k + 1) if task.stepwise else slice(None)))
            except Exception as error:
                problem = error
            return Done(
                np.concatenate(parts) if parts else np.empty((0, job.outputs)),
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
    if task.components is None or task.moves is None:
        return function.at_points(task.x[part])
    values = function.at_shifts(task.x, task.components[part], task.moves[part], _UNIT)
    return values.reshape(-1, function.outputs)


@functools.lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> Job:
    """The job, kept from one task to the next: f may be large, or remember what it prepared."""
    try:
        job: Job = pickle.loads(packed)
    except Exception as error:
        raise ImportError(f"a worker could not load f: {type(error).__name__}: {error}") from error
    return job


def _packed(job: Job) -> bytes:
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
        raise TypeError(f"f cannot be sent to another process: {type(error).__name__}: {error}; {hint}") from error


def _sendable(error: BaseException | None, job: Job | bytes) -> BaseException | None:
    """The exception, or what stands for it if it could not be unpickled at the other end."""
    if error is None or not isinstance(job, bytes):
        return error
    note = "on a worker:\n" + "".join(traceback.format_exception(error)).rstrip()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        text = f"f raised {type(error).__name__}: {error}"
        for old in getattr(error, "__notes__", ()):
            text += f"\n{old}"
        error = RuntimeError(text)
    add_note(error, note)
    return error


class Pool:
    """The workers of one function.

    Parameters
    ----------
    job : Job
    point : Point
        Gives the names of coordinates.
    workers : int or Executor
        Threads for a vectorised f, processes for others; or what runs the tasks.
    retries : int
        How often a task that failed is done again.
    """

    def __init__(self, job: Job, point: Point, workers: int | Executor, retries: int) -> None:
        self.point = point
        self.outputs = job.outputs
        self.imaginary = job.imaginary
        self.retries = retries
        self.processes = workers if isinstance(workers, int) and not job.vectorized else 0
        self.owned = isinstance(workers, int)
        if not isinstance(workers, int):
            self.executor, self.width = workers, _width(workers)
        else:
            self.executor = _processes(workers) if self.processes else ThreadPoolExecutor(workers)
            self.width = workers
        threads = isinstance(self.executor, ThreadPoolExecutor) and "Interpreter" not in type(self.executor).__name__
        self.job: Job | bytes = job if threads else _packed(job)
        self.seconds = 0.0  # of one evaluation
        self.tolerant = False
        self.nfev = 0
        self.float32 = False
        self.shape: tuple[int, ...] | None = None
        self.domain_error: BaseException | None = None
        self.update: Callable[[int], object] = lambda count: None

    def shifts(self, x: Array, components: NDArray[np.intp], h: Array, offsets: Array) -> Array:
        """Values (count * width, outputs) at the shifts of points x (points, n)."""
        moves = np.multiply.outer(h, offsets).ravel()
        moved = np.repeat(components, offsets.size)
        n = x.shape[1]

        def task(begin: int, end: int) -> Task:
            part = moved[begin:end]
            low, high = int(part.min()) // n, int(part.max()) // n + 1
            return Task(self.job, self.tolerant, self.retries > 0, x[low:high], part - low * n, moves[begin:end])

        def where(row: int) -> str:
            return self.point.where(int(moved[row]), float(moves[row]), self.imaginary)

        return self._run(moved.size, task, where)

    def points(self, x: Array) -> Array:
        """Values (count, outputs) at points x (count, n)."""
        return self._run(
            len(x),
            lambda begin, end: Task(self.job, self.tolerant, self.retries > 0, x[begin:end], None, None),
            lambda row: self.point.at(x[row]),
        )

    def _run(self, rows: int, task: Callable[[int, int], Task], where: Callable[[int], str]) -> Array:
        values = np.empty((rows, self.outputs))
        failures: dict[int, int] = {}  # by row
        again: list[tuple[int, int]] = []
        pending: dict[Future[Done], tuple[int, int]] = {}
        begin, done, broken = 0, 0, 0
        try:
            while begin < rows or again or pending:
                try:
                    while (again or begin < rows) and len(pending) < 2 * self.width:
                        part = again.pop() if again else (begin, begin + self._share(rows - begin))
                        pending[self._submit(task(*part), part, again)] = part
                        begin = max(begin, part[1])
                    for future in sorted(wait(pending, return_when=FIRST_COMPLETED).done, key=pending.__getitem__):
                        first, last = pending[future]
                        result = self._result(future)
                        del pending[future]
                        count = len(result.values)
                        if count:
                            values[first : first + count] = result.values
                            first, done = first + count, done + count
                            self._learn(result, count)
                        if result.error is None:
                            continue
                        failures[first] = failures.get(first, 0) + 1
                        if failures[first] > self.retries:
                            add_note(result.error, f"{self._task_at(where, first, last)}; {done} of {rows} values done")
                            raise result.error
                        again.append((first, last))
                except BrokenExecutor as error:
                    broken += 1
                    for future in [known for known in pending if _succeeded(known)]:
                        first, last = pending.pop(future)
                        values[first:last] = future.result().values
                        done += last - first
                        self._learn(future.result(), last - first)
                    parts = [*pending.values(), *again]
                    if not self.processes or broken > self.retries:
                        raise self._died(error, parts, where, done, rows) from error
                    self.executor = _processes(self.processes)
                    again, pending = parts, {}
        finally:
            for future in pending:
                future.cancel()
        return values

    def _submit(self, task: Task, part: tuple[int, int], again: list[tuple[int, int]]) -> Future[Done]:
        try:
            return self.executor.submit(evaluate, task)
        except BrokenExecutor:
            again.append(part)
            raise

    @staticmethod
    def _result(future: Future[Done]) -> Done:
        """What came of a task; what the executor itself raised is an error of the task, unless the pool died."""
        try:
            return future.result()
        except BrokenExecutor:
            raise
        except Exception as error:
            return Done(np.empty((0, 1)), error=error)

    def _learn(self, result: Done, rows: int) -> None:
        each = result.seconds / rows
        self.seconds = 0.5 * (self.seconds + each) if self.seconds else each
        self.nfev += result.nfev
        self.float32 |= result.float32
        self.shape = result.shape or self.shape
        self.domain_error = self.domain_error or result.domain_error
        self.update(rows)

    def _share(self, left: int) -> int:
        """Evaluations of the next task: about a tenth of a second, less where workers would stay idle."""
        if not self.seconds:
            return 1
        return max(1, min(int(_TASK_SECONDS / self.seconds), -(-left // (2 * self.width))))

    @staticmethod
    def _task_at(where: Callable[[int], str], first: int, last: int) -> str:
        if last - first == 1:
            return f"in the task that evaluates f at {where(first)}"
        return f"in the task that evaluates f at {where(first)} and the next {last - first - 1} points"

    def _died(
        self,
        error: BaseException,
        parts: list[tuple[int, int]],
        where: Callable[[int], str],
        done: int,
        rows: int,
    ) -> RuntimeError:
        first, last = min(parts)
        hint = (
            "retries= starts new processes and keeps the values that are done"
            if self.processes
            else "the executor is yours: make a new one; workers=4, an int, can retry"
        )
        return RuntimeError(
            f"a worker died ({type(error).__name__}) with {len(parts)} tasks under way, the first "
            f"{self._task_at(where, first, last)}; {done} of {rows} values done; {hint}"
        )

    def close(self, interrupted: bool = False) -> None:
        """Give back what belongs to this pool."""
        if isinstance(self.executor, ThreadPoolExecutor) and self.owned:
            self.executor.shutdown(wait=True, cancel_futures=True)
        elif self.processes and interrupted:
            self.executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]


def _succeeded(future: Future[Done]) -> bool:
    """Whether a task was done, though its pool has died since."""
    return future.done() and not future.cancelled() and not future.exception() and future.result().error is None


def _processes(count: int) -> Executor:
    """Worker processes, kept by loky for a minute from one call to the next."""
    try:
        from loky import get_reusable_executor
    except ImportError as error:
        raise ImportError(
            f"workers={count} for a Python function needs loky: pip install 'fastgrad[workers]'"
        ) from error
    executor: Executor = get_reusable_executor(max_workers=count, timeout=60)
    return executor


def _width(executor: Executor) -> int:
    """How many tasks an executor does at a time, as far as it tells."""
    client = getattr(executor, "_client", None)  # Dask's
    if client is not None and hasattr(client, "ncores"):
        return max(1, sum(int(count) for count in client.ncores().values()))
    for name in ("_max_workers", "num_workers"):
        count = getattr(executor, name, None)
        if isinstance(count, int) and count > 0:
            return count
    return os.cpu_count() or 1
