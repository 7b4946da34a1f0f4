"""Worker processes of our own: kept for a minute from one call to the next; they end with the process that has them."""

from __future__ import annotations

import atexit
import os
import threading
import time
from concurrent.futures import Executor
from typing import Any

_IDLE_SECONDS = 60
_MOST_IDLE = 2
_LOOK_SECONDS = 0.5


class Processes:
    """Some worker processes, which belong to one call at a time."""

    def __init__(self, count: int) -> None:
        self.count, self.parent = count, os.getpid()
        self.executor = _started(count)
        self.kept = False  # from an earlier call, so that they may have died since

    def start_again(self) -> None:
        """New processes in the place of those that died."""
        self.end()
        self.executor, self.kept = _started(self.count), False

    def end(self) -> None:
        """End the processes now, whatever they are doing."""
        self.executor.shutdown(wait=False, kill_workers=True)  # type: ignore[call-arg]

    def lives(self) -> bool:
        """Whether none has died, as far as is known."""
        flags, processes = getattr(self.executor, "_flags", None), getattr(self.executor, "_processes", None) or {}
        ended = getattr(flags, "broken", None) or getattr(flags, "shutdown", False)
        return not ended and all(process.exitcode is None for process in list(processes.values()))


_idle: list[Processes] = []


def take(count: int) -> Processes:
    """So many processes: idle ones if there are, else new ones."""
    for found in _idle.copy():
        # Those of another process stay in the list that was forked with them: ending them here would end them there.
        if found.count == count and found.parent == os.getpid() and _taken(found):
            if found.lives():
                found.kept = True
                return found
            found.end()
    return Processes(count)


def give_back(processes: Processes) -> None:
    """Keep processes for the next call that wants so many."""
    _idle.append(processes)
    here = [found for found in _idle.copy() if found.parent == os.getpid()]
    for oldest in here[: max(0, len(here) - _MOST_IDLE)]:
        if _taken(oldest):
            oldest.end()


def _taken(processes: Processes) -> bool:
    """Whether it was this thread that took them from the list."""
    try:
        _idle.remove(processes)
    except ValueError:
        return False
    return True


@atexit.register
def _forget() -> None:
    # While all that loky needs for it is there still; it has ended its processes by now.
    for found in _idle.copy():
        if found.parent == os.getpid():
            _taken(found)


def _started(count: int) -> Executor:
    # Not loky's reusable executor: there is one for all, which the user may have too.
    try:
        from loky import ProcessPoolExecutor
    except ImportError as error:
        raise ImportError(
            f"workers={count} for a Python function needs loky: pip install 'fastgrad[workers]'"
        ) from error
    executor: Executor = ProcessPoolExecutor(max_workers=count, timeout=_IDLE_SECONDS)
    return executor


# --- On a worker --------------------------------------------------------------------------------------------------

_watching = 0  # the process that does, of those forked from each other


def end_with(sender: int) -> None:
    """Let this process end with the one that sends it tasks, if that has started it: pools leave orphans behind."""
    global _watching
    if _watching == os.getpid():
        return
    _watching = os.getpid()
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None and parent.pid == sender:
        # A process started by a server has another parent for the system, and a sentinel; one of loky's has none.
        system = sender if parent.sentinel is None else os.getppid()
        threading.Thread(target=_watch, args=(system, parent.sentinel), daemon=True).start()


def _watch(parent: int, sentinel: Any) -> None:
    from multiprocessing.connection import wait

    while os.getppid() == parent:
        if sentinel is None:
            time.sleep(_LOOK_SECONDS)
        elif wait([sentinel], _LOOK_SECONDS):
            break
    os._exit(1)
