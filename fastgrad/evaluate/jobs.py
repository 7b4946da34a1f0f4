"""What all tasks share, f above all, and how it gets to workers in other processes: once to each that lacks it."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..core.given import said
from ..core.layout import Layout
from .border import Function

if TYPE_CHECKING:
    from .functions import Evaluation

Worker: TypeAlias = tuple[str, int]  # machine and process

# Bytes that go along with every task, which costs less than to be asked for them.
_SMALL = 1 << 16
# Jobs that a worker keeps.
_KEPT = 2


class Job(NamedTuple):
    """What all tasks share."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    layout: Layout  # of what f takes
    how: Evaluation  # by whoever has the task, alone
    make: Callable[..., Function]  # brings f to the border: `as_function`


class Packed(NamedTuple):
    """A job on its way."""

    name: bytes  # a digest
    sender: int  # the process
    data: bytes | None  # None: the worker may have it from an earlier task


class Delivery:
    """Which tasks take f along: all where it is small; else as many as there are workers that lack it."""

    def __init__(self, job: Job) -> None:
        data = packed(job)
        self.whole = Packed(hashlib.blake2b(data, digest_size=16).digest(), os.getpid(), data)
        self.bare = self.whole._replace(data=None)
        self.small = len(data) <= _SMALL
        self.owed: set[Worker] = set()
        self.sent: dict[int, Worker] = {}  # by the number of a task that is under way, with f for that worker

    def along(self, number: int) -> Packed:
        """What goes along with the task of that number."""
        if self.small:
            return self.whole
        if not self.owed:
            return self.bare
        self.sent[number] = self.owed.pop()
        return self.whole

    def ended(self, number: int, lacking: Worker | None) -> None:
        """A task came back, perhaps not done by a worker that lacks f; another may have taken what was sent to it."""
        self.sent.pop(number, None)
        if lacking is not None and lacking not in self.sent.values():
            self.owed.add(lacking)


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
            "what it refers to must be picklable: no open files, locks, executors or pointers"
            if dumps is not pickle.dumps
            else "define it at the top level of a module, or install cloudpickle: pip install 'fastgrad[workers]'"
        )
        raise TypeError(
            f"f cannot be sent to another process: {type(error).__name__}: {said(error)}; {hint}"
        ) from error


# --- On a worker --------------------------------------------------------------------------------------------------

_kept: dict[bytes, Job] = {}  # the last used is the last
_lock = threading.Lock()


def unpacked(parcel: Packed) -> Job | None:
    """The job, kept from one task to the next: f may be large, or remember what it prepared; None if it is not here."""
    with _lock:
        job = _kept.pop(parcel.name, None)
        if job is None:
            if parcel.data is None:
                return None
            while len(_kept) >= _KEPT:
                del _kept[next(iter(_kept))]
            try:
                job = pickle.loads(parcel.data)
            except Exception as error:
                raise ImportError(f"a worker could not load f: {type(error).__name__}: {said(error)}") from error
        _kept[parcel.name] = job
        return job


def this_worker() -> Worker:
    """The name of this process, among all workers."""
    return platform.node(), os.getpid()
