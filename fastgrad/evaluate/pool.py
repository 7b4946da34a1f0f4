"""Evaluations of a function split among workers: threads, processes or machines, by any executor."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array, Point
from .results import add_note
from .tasks import Done, Job, Task, evaluate, packed

_TASK_SECONDS = 0.1


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
    outputs : int
        Values that f returns for a point; -1 if that is not known yet.
    """

    def __init__(self, job: Job, point: Point, workers: int | Executor, retries: int, outputs: int) -> None:
        self.point = point
        self.outputs = outputs  # -1: not known yet
        self.imaginary = False
        self.retries = retries
        self.processes = workers if isinstance(workers, int) and job.how.vectorized is False else 0
        self.owned = isinstance(workers, int)
        if not isinstance(workers, int):
            self.executor, self.width = workers, _width(workers)
        else:
            self.executor = _processes(workers) if self.processes else ThreadPoolExecutor(workers)
            self.width = workers
        threads = isinstance(self.executor, ThreadPoolExecutor) and "Interpreter" not in type(self.executor).__name__
        self.job: Job | bytes = job if threads else packed(job)
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
            return self._task(x[low:high], part - low * n, moves[begin:end])

        def where(row: int) -> str:
            return self.point.where(int(moved[row]), float(moves[row]), self.imaginary)

        return _Request(self, moved.size, task, where).run()

    def points(self, x: NDArray[Any]) -> Array:
        """Values (count, outputs) at points x (count, n); at complex ones, their imaginary parts."""

        def task(begin: int, end: int) -> Task:
            return self._task(x[begin:end], None, None)

        return _Request(self, len(x), task, lambda row: self.point.at(x[row])).run()

    def _task(self, x: NDArray[Any], components: NDArray[np.intp] | None, moves: Array | None) -> Task:
        stepwise = self.retries > 0
        return Task(self.job, self.outputs, self.imaginary, self.tolerant, stepwise, x, components, moves)

    def learn(self, result: Done, rows: int) -> None:
        """What a result says of f, and of how long it takes."""
        each = result.seconds / rows
        self.seconds = 0.5 * (self.seconds + each) if self.seconds else each
        self.nfev += result.nfev
        self.float32 |= result.float32
        self.shape = result.shape or self.shape
        self.domain_error = self.domain_error or result.domain_error
        self.update(rows)

    def share(self, left: int) -> int:
        """Evaluations of the next task: about a tenth of a second, less where workers would stay idle."""
        if not self.seconds:
            return 1
        return max(1, min(int(_TASK_SECONDS / self.seconds), -(-left // (2 * self.width))))

    def start_again(self) -> None:
        """New processes in the place of those that died."""
        self.executor = _processes(self.processes)

    def close(self, interrupted: bool = False) -> None:
        """Give back what belongs to this pool."""
        if isinstance(self.executor, ThreadPoolExecutor) and self.owned:
            self.executor.shutdown(wait=True, cancel_futures=True)
        elif self.processes and interrupted:
            self.executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]


class _Request:
    """Values of some rows: which tasks are under way, which must be done again, and what is done."""

    def __init__(self, pool: Pool, rows: int, task: Callable[[int, int], Task], where: Callable[[int], str]) -> None:
        self.pool, self.rows, self.task, self.where = pool, rows, task, where
        self.values = np.empty((rows, max(pool.outputs, 0)))
        self.begin = self.done = self.deaths = 0
        self.again: list[tuple[int, int]] = []
        self.pending: dict[Future[Done], tuple[int, int]] = {}
        self.failures: dict[int, int] = {}  # by row

    def run(self) -> Array:
        """All values, (rows, outputs)."""
        try:
            while self.begin < self.rows or self.again or self.pending:
                try:
                    self._submit()
                    self._collect()
                except BrokenExecutor as error:
                    self._start_again(error)
        finally:
            for future in self.pending:
                future.cancel()
        return self.values

    def _submit(self) -> None:
        """As many tasks as keep the workers busy."""
        while (self.again or self.begin < self.rows) and len(self.pending) < 2 * self.pool.width:
            if not self.again:
                end = self.begin + self.pool.share(self.rows - self.begin)
                self.again.append((self.begin, end))
                self.begin = end
            # Left there until it is taken: the pool may be dead.
            part = self.again[-1]
            self.pending[self.pool.executor.submit(evaluate, self.task(*part))] = part
            self.again.pop()

    def _collect(self) -> None:
        """The results that are there, and where a task failed what is to be done again."""
        for future in sorted(wait(self.pending, return_when=FIRST_COMPLETED).done, key=self.pending.__getitem__):
            first, last = self.pending[future]
            result = _result(future)
            del self.pending[future]
            first += self._keep(first, result)
            if result.error is None:
                continue
            self.failures[first] = self.failures.get(first, 0) + 1
            if self.failures[first] > self.pool.retries:
                note = f"{self._task_at(first, last)}; {self.done} of {self.rows} values done"
                add_note(result.error, note)
                raise result.error
            self.again.append((first, last))

    def _keep(self, first: int, result: Done) -> int:
        """Takes the values of a result; returns how many there are."""
        count = len(result.values)
        if count:
            if self.pool.outputs < 0:
                self.values = np.empty((self.rows, result.values.shape[1]))
            self.values[first : first + count] = result.values
            self.done += count
            self.pool.learn(result, count)
        return count

    def _start_again(self, error: BrokenExecutor) -> None:
        """New processes for what was under way when some died, if that is allowed once more."""
        self.deaths += 1
        for future in [known for known in self.pending if _succeeded(known)]:
            self._keep(self.pending.pop(future)[0], future.result())
        self.again = [*self.pending.values(), *self.again]
        self.pending = {}
        if not self.pool.processes or self.deaths > self.pool.retries:
            raise self._died(error) from error
        self.pool.start_again()

    def _task_at(self, first: int, last: int) -> str:
        if last - first == 1:
            return f"in the task that evaluates f at {self.where(first)}"
        return f"in the task that evaluates f at {self.where(first)} and the next {last - first - 1} points"

    def _died(self, error: BaseException) -> RuntimeError:
        hint = (
            "retries= starts new processes and keeps the values that are done"
            if self.pool.processes
            else "the executor is yours: make a new one; workers=4, an int, can retry"
        )
        return RuntimeError(
            f"a worker died ({type(error).__name__}) with {len(self.again)} tasks under way, the first "
            f"{self._task_at(*min(self.again))}; {self.done} of {self.rows} values done; {hint}"
        )


def _result(future: Future[Done]) -> Done:
    """What came of a task; what the executor itself raised is an error of the task, unless the pool died."""
    try:
        return future.result()
    except BrokenExecutor:
        raise
    except Exception as error:
        return Done(np.empty((0, 1)), error=error)


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
