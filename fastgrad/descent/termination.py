"""SIGTERM while a run has a checkpoint: as Ctrl-C, and then what would have happened without the run."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

BEFORE, RUNNING, ENDING = range(3)


class Terminated(BaseException):
    """SIGTERM came while iterations were under way."""


class Termination:
    """What SIGTERM does during a run: a context, in the main thread; elsewhere it changes nothing.

    Before there are iterations nothing would be lost, and the signal is passed on at once; while there are,
    `Terminated` breaks them off; from then on it waits until the context ends.

    Parameters
    ----------
    clean_up : callable
        What is to be done before a signal that ends the process.
    """

    def __init__(self, clean_up: Callable[[], None]) -> None:
        self.phase = BEFORE
        self._clean_up = clean_up
        self._came = self._installed = False
        self._previous: Any = None
        self._process = os.getpid()

    def __enter__(self) -> Termination:
        self._previous = signal.getsignal(signal.SIGTERM)
        # A handler of C's (None) could not be put back; who is deaf to SIGTERM stays so.
        passing = self._previous is None or self._previous is signal.SIG_IGN
        if not passing and threading.current_thread() is threading.main_thread():
            # Another interpreter than the first has no signals.
            with contextlib.suppress(ValueError):
                signal.signal(signal.SIGTERM, self._handle)
                self._installed = True
        return self

    def __exit__(self, *exception: object) -> None:
        self.phase = ENDING
        # f may have put its own in place.
        if self._installed and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._previous)
        if self._came:
            signal.raise_signal(signal.SIGTERM)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            # A child that f forked has no part in the run.
            signal.signal(number, self._previous)
            signal.raise_signal(number)
            return
        if self.phase == BEFORE:
            self._pass_on(number, frame)
            return
        self._came = True
        if self.phase == RUNNING:
            self.phase = ENDING
            raise Terminated

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if callable(self._previous):
            self._previous(number, frame)
            return
        self._clean_up()
        signal.signal(number, self._previous)
        signal.raise_signal(number)
