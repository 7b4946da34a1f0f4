"""What can be told of an executor, whoever made it."""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from threading import Thread


def are_threads(workers: int | Executor) -> bool:
    """Whether its workers share this memory."""
    return isinstance(workers, ThreadPoolExecutor) and "Interpreter" not in type(workers).__name__


def width(executor: Executor) -> int:
    """How many tasks it does at a time, as far as it tells."""
    client = getattr(executor, "_client", None)  # Dask's
    if client is not None and hasattr(client, "ncores"):
        return max(1, sum(int(count) for count in client.ncores().values()))
    for name in ("_max_workers", "num_workers"):
        count = getattr(executor, name, None)
        if isinstance(count, int) and count > 0:
            return count
    return os.cpu_count() or 1


def refuse_inherited(executor: Executor) -> None:
    """Raise for one that came by a fork: its threads stayed in the other process, and tasks would wait for ever."""
    flags = getattr(executor, "_flags", None)  # loky's
    names = ("_shutdown", "_shutdown_thread", "_broken")
    closed = any(getattr(executor, name, False) for name in names) or getattr(flags, "shutdown", False)
    threads = [*getattr(executor, "_threads", ()), getattr(executor, "_executor_manager_thread", None)]
    if not closed and any(isinstance(each, Thread) and not each.is_alive() for each in threads):
        raise RuntimeError(
            "the executor was made before this process was forked from another, which has its workers; make a new one"
        )
