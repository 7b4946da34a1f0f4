"""Evaluations of a function split among workers: threads, processes or machines, by any executor."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.given import shown
from ..core.point import Array, Point
from .executors import are_threads, refuse_inherited, width
from .jobs import Delivery, Job
from .processes import Processes, give_back, take
from .results import add_note
from .tasks import Done, Task, above, evaluate

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
        self.job = job
        self.owned = isinstance(workers, int)
        own_threads = self.owned and job.how.vectorized is not False
        threads = own_threads or are_threads(workers)
        self.delivery = None if threads else Delivery(job)
        self.processes: Processes | None = None
        self.executor: Executor
        if not isinstance(workers, int):
            refuse_inherited(workers)
            self.executor, self.width = workers, width(workers)
        elif own_threads:
            self.executor, self.width = ThreadPoolExecutor(workers), workers
        else:
            self.processes, self.width = take(workers), workers
            self.executor = self.processes.executor
        self.above = above(self.executor) if threads else ()
        self.numbers = itertools.count()
        self.heard = False  # anything from the processes that there are now
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

        def task(number: int, begin: int, end: int) -> Task:
            part = moved[begin:end]
            low, high = int(part.min()) // n, int(part.max()) // n + 1
            return self._task(number, x[low:high], part - low * n, moves[begin:end])

        def where(row: int) -> str:
            return self.point.where(int(moved[row]), float(moves[row]), self.imaginary)

        return _Request(self, moved.size, task, where).run()

    def points(self, x: NDArray[Any]) -> Array:
        """Values (count, outputs) at points x (count, n); at complex ones, their imaginary parts."""

        def task(number: int, begin: int, end: int) -> Task:
            return self._task(number, x[begin:end], None, None)

        return _Request(self, len(x), task, lambda row: self.point.at(x[row])).run()

    def _task(self, number: int, x: NDArray[Any], components: NDArray[np.intp] | None, moves: Array | None) -> Task:
        job = self.job if self.delivery is None else self.delivery.along(number)
        stepwise = self.retries > 0
        return Task(
            number, job, self.above, self.outputs, self.imaginary, self.tolerant, stepwise, x, components, moves
        )

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

    def start_again(self) -> bool:
        """New processes in the place of those that died; whether that was before this call got anything from them."""
        assert self.processes is not None
        idle = self.processes.kept and not self.heard
        self.processes.start_again()
        self.executor, self.heard = self.processes.executor, False
        return idle

    def close(self, interrupted: bool = False) -> None:
        """Give back what belongs to this pool."""
        if self.processes is None:
            if self.owned:
                self.executor.shutdown(wait=True, cancel_futures=True)
        elif interrupted or not self.processes.lives():
            self.processes.end()
        else:
            give_back(self.processes)


class _Asked(NamedTuple):
    """A task under way: of which rows, and its number."""

    first: int
    last: int
    number: int


class _Request:
    """Values of some rows: which tasks are under way, which must be done again, and what is done."""

    def __init__(
        self, pool: Pool, rows: int, task: Callable[[int, int, int], Task], where: Callable[[int], str]
    ) -> None:
        self.pool, self.rows, self.task, self.where = pool, rows, task, where
        self.values = np.empty((rows, max(pool.outputs, 0)))
        self.begin = self.done = self.deaths = 0
        self.again: list[tuple[int, int]] = []
        self.pending: dict[Future[Done], _Asked] = {}
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
            asked = _Asked(*self.again[-1], next(self.pool.numbers))
            future = self.pool.executor.submit(evaluate, self.task(asked.number, asked.first, asked.last))
            if not isinstance(future, Future):
                raise TypeError(f"submit() of the executor gave {shown(future)}; expected a concurrent.futures.Future")
            self.pending[future] = asked
            self.again.pop()

    def _collect(self) -> None:
        """The results that are there, and where a task failed what is to be done again."""
        for future in sorted(wait(self.pending, return_when=FIRST_COMPLETED).done, key=self.pending.__getitem__):
            first, last, number = self.pending[future]
            result = _result(future, number)
            del self.pending[future]
            self.pool.heard = True
            if self.pool.delivery is not None:
                self.pool.delivery.ended(number, result.lacking)
            if result.lacking is not None:
                self.again.append((first, last))
                continue
            first += self._keep(first, last, number, result)
            if result.error is None:
                continue
            self.failures[first] = self.failures.get(first, 0) + 1
            if self.failures[first] > self.pool.retries:
                note = f"{self._task_at(first, last)}; {self.done} of {self.rows} values done"
                add_note(result.error, note)
                raise result.error
            self.again.append((first, last))

    def _keep(self, first: int, last: int, number: int, result: Done) -> int:
        """Takes the values of a result; returns how many there are."""
        self._check(first, last, number, result)
        count = len(result.values)
        if count:
            if self.pool.outputs < 0:
                self.values = np.empty((self.rows, result.values.shape[1]))
            self.values[first : first + count] = result.values
            self.done += count
            self.pool.learn(result, count)
        return count

    def _check(self, first: int, last: int, number: int, result: Done) -> None:
        """Refuse what an executor made of a result: nothing that it did not compute may be taken for a value."""
        shape, outputs = np.shape(result.values), self.pool.outputs
        complete = len(shape) == 2 and (outputs < 0 or shape[1] == outputs)
        if result.number != number:
            problem = "the result of another task"
        elif result.error is None and not (complete and shape[0] == last - first):
            problem = f"values of shape {shape} for {last - first} points, and no error,"
        elif result.error is not None and shape[0] >= last - first:
            problem = f"an error, and values of shape {shape} for {last - first} points,"
        else:
            return
        name = type(self.pool.executor).__name__
        raise RuntimeError(f"the executor ({name}) gave {problem} {self._task_at(first, last)}; use another one")

    def _start_again(self, error: BrokenExecutor) -> None:
        """New processes for what was under way when some died, if that is allowed once more."""
        self.deaths += 1
        for future in [known for known in self.pending if _succeeded(known)]:
            self._keep(*self.pending.pop(future), future.result())
        self.again = [*((asked.first, asked.last) for asked in self.pending.values()), *self.again]
        self.pending = {}
        if self.pool.processes is None:
            raise self._died(error) from error
        # Those that died between two calls did so for no fault of f.
        idle = self.pool.start_again()
        self.deaths -= idle
        if self.deaths > self.pool.retries:
            raise self._died(error) from error

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


def _result(future: Future[Done], number: int) -> Done:
    """What came of a task; what the executor itself raised is an error of the task, unless the pool died."""
    try:
        result = future.result()
    except BrokenExecutor:
        raise
    except Exception as error:
        return Done(number, np.empty((0, 1)), error=error)
    if not isinstance(result, Done):
        raise TypeError(f"a future of the executor gave {shown(result)}; expected the result of its task")
    return result


def _succeeded(future: Future[Done]) -> bool:
    """Whether a task was done, though its pool has died since."""
    if not future.done() or future.cancelled() or future.exception():
        return False
    result = future.result()
    return isinstance(result, Done) and result.error is None and result.lacking is None
