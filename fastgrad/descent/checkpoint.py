"""A run's state in a file, written so that a crash at any moment leaves the old one or the new one."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..core.given import shown
from ..core.point import Array
from ..core.warnings import warn
from . import archive
from .archive import Entry
from .lock import Lock
from .termination import Termination

_OPTIONS = {"options": Entry(kind=str)}
_MOST_AXES = 32
_OTHERWISE = "delete it to start anew, or give another path"


class Checkpoint:
    """Where a run's state is kept.

    Parameters
    ----------
    path : str or path-like
        An ``.npz`` file.
    every : float
        Seconds between two writes.
    """

    def __init__(self, path: str | os.PathLike[str], every: float) -> None:
        # f may change the folder; and a file has one lock, whatever it is called.
        self.path = Path(os.path.realpath(path))
        self.every = every
        self.due = time.monotonic() + every
        self.termination = Termination(lambda: None)
        self._has_failed = False
        self._part = self.path.with_name(self.path.name + ".part")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The file is this run's alone, and SIGTERM loses nothing.

        Raises
        ------
        ValueError
            The path is a directory or another thing that is no file, or another run has it.
        OSError
            Nothing can be written there.
        """
        self._check_kind()
        lock = Lock(self.path)

        def clean_up() -> None:
            if lock.is_held:
                self._discard()
            lock.release()

        with Termination(clean_up) as self.termination:
            try:
                with self._writable():
                    lock.take()
                yield
            finally:
                lock.release()

    def _check_kind(self) -> None:
        with self._writable(), contextlib.suppress(FileNotFoundError):
            mode = self.path.stat().st_mode
            if not stat.S_ISREG(mode):
                kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
                raise ValueError(f"checkpoint {self.path} is {kind}; give the path of a file")

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        """An error of the system's says what it is about."""
        try:
            yield
        except OSError as error:
            text = f"no checkpoint can be written ({error.strerror}); give a path in a folder with rights and room"
            raise OSError(error.errno or errno.EIO, text, str(self.path)) from error

    def prepare(self, n: int) -> None:
        """Raise an OSError if there is no room for the state of a run with n coordinates, without its history."""
        with self._writable():
            self._written(lambda file: _fill(file, 64 * n + 4096))
            self._part.unlink()

    # --- Reading -----------------------------------------------------------------------------------------------

    @property
    def is_there(self) -> bool:
        """Whether there is a run to go on from."""
        return self.path.exists()

    def start(self) -> Array | None:
        """X in its shape, or None where it is no array."""
        found, options = self._read(_OPTIONS | {"x": Entry((range(1, archive.MANY),))}, True)
        x: Array = found["x"]
        shape = options.get("shape", "missing")
        if shape is None:
            return None
        whole = isinstance(shape, list) and len(shape) <= _MOST_AXES and all(type(d) is int and d > 0 for d in shape)
        if not whole or math.prod(shape) != x.size:
            text = f"its entry options has the shape {shown(shape)}, but x has {x.size} entries"
            raise ValueError(f"{self.path} is no checkpoint of a descent: {text}; {_OTHERWISE}")
        return x.reshape(shape)

    def load(self, table: Mapping[str, Entry], given: dict[str, Any]) -> dict[str, Any]:
        """The state; given: the options of the run that goes on.

        Raises
        ------
        ValueError
            The file is no checkpoint of fastgrad, or one of another run.
        """
        self._check_options(self._read(_OPTIONS, True)[1], given)
        return self._read(_OPTIONS | dict(table))[0]

    def _read(self, table: Mapping[str, Entry], others: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """The entries of a table, and the options."""
        self._check_kind()
        with self.path.open("rb") as file:
            try:
                found = archive.read(file, table, others)
                options = json.loads(found.pop("options"))
                if not isinstance(options, dict):
                    raise ValueError(f"its entry options is {shown(options)}, expected a JSON object")
            except Exception as error:
                # Whatever zipfile, NumPy and json make of a file that is none of theirs.
                text = " ".join((str if type(error) is ValueError else repr)(error).split())[:300]
                raise ValueError(f"{self.path} is no checkpoint of a descent: {text}; {_OTHERWISE}") from error
        return found, options

    def _check_options(self, kept: dict[str, Any], given: dict[str, Any]) -> None:
        """A run goes on as it began."""
        for name in given | kept:
            if name not in given or name not in kept:
                text = f"its entry options has {'too much' if name in kept else 'no'} {shown(name)}"
                raise ValueError(f"{self.path} is no checkpoint of a descent: {text}; {_OTHERWISE}")
        for name, value in kept.items():
            if given[name] != value:
                one = f"{shown(value)} coordinates, but x0 has {given[name]}"
                other = f"{name}={shown(value)}, not {shown(given[name])}"
                raise ValueError(
                    f"{self.path}: the checkpoint is of a run with {one if name == 'coordinates' else other}; "
                    f"pass the same, {_OTHERWISE}"
                )

    # --- Writing -----------------------------------------------------------------------------------------------

    def save(self, table: Mapping[str, Entry], state: Mapping[str, Any], options: dict[str, Any]) -> None:
        """Write the state; where that fails, the file stays as it was, and the next time is soon enough."""
        started = time.monotonic()
        failure: Exception | None = None
        try:
            values = {"options": json.dumps(options), **state}
            self._written(lambda file: archive.write(file, _OPTIONS | dict(table), values))
            os.replace(self._part, self.path)
        except Exception as error:
            failure = error
            self._discard()
        except BaseException:
            self._discard()
            raise
        # However long a history takes to write, that stays a twentieth of the time.
        now = time.monotonic()
        self.due = now + max(self.every, 20 * (now - started))
        if failure is not None and not self._has_failed:
            self._has_failed = True
            warn(
                f"the checkpoint {self.path} cannot be written ({type(failure).__name__}: {failure}); the run goes on "
                "and tries again when it is due, until then the file stays as it is"
            )

    def _written(self, write: Callable[[IO[bytes]], None]) -> None:
        """A new file beside the checkpoint, with all of it on the disk; one that a crash has left goes."""
        self._discard()
        try:
            handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with open(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            self._discard()
            raise

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self._part.unlink()


def _fill(file: IO[bytes], size: int) -> None:
    """So many bytes."""
    for begin in range(0, size, 1 << 20):
        file.write(bytes(min(size - begin, 1 << 20)))
