"""One run at a time for a file.

The system's own locks, on a file beside it: they end with their process, however that ends, so that no lock of a dead
process is ever in the way. A file that is there or not, with a process's number in it, would be: numbers are used
again, and in containers they are all alike. POSIX locks rather than flock: a child that was forked does not keep them,
and network file systems have them. They do not tell threads apart, hence the table of this process's own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from ..core.warnings import warn

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_HELD: dict[str, Lock] = {}
"""The locks of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_HELD.clear)


class Lock:
    """The right to write a file.

    Parameters
    ----------
    target : Path
        The file, as it is called whoever asks: with no links in its path.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".lock")
        self._key = os.path.normcase(target)
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is this run's."""
        return self._handle is not None

    def take(self) -> None:
        """Get it, or raise.

        Raises
        ------
        ValueError
            Another run has it.
        OSError
            No file can be made there.
        """
        import socket  # loaded when used: most descents have no checkpoint

        if _HELD.setdefault(self._key, self) is not self:
            raise self._refusal("another run of this process")
        try:
            while self._handle is None:
                self._handle = self._opened()
            os.ftruncate(self._handle, 0)
            os.write(self._handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        except BaseException:
            self.release()
            raise

    def _opened(self) -> int | None:
        """The open file, locked; None where it was taken away meanwhile, by the run that had it."""
        handle = os.open(self.path, _FLAGS, 0o666)
        try:
            if not _locked(handle):
                owner = os.read(handle, 200).decode("utf-8", "replace")
                raise self._refusal(" ".join(owner.split()) or "another process")
            if self._is(handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        return None

    def _is(self, handle: int) -> bool:
        """Whether an open file is still the one that others will open."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _refusal(self, owner: str) -> ValueError:
        return ValueError(
            f"the checkpoint {self.target} is in use by {owner}; let that run end first, or give another path"
        )

    def release(self) -> None:
        """Give it back, and take the file away; once more does nothing, as in a child that was forked."""
        if _HELD.get(self._key) is not self:
            return
        handle, self._handle = self._handle, None
        if handle is not None:
            # Where open files can be removed, before another run can get this one; elsewhere it may have it then.
            with contextlib.suppress(OSError):
                if os.name != "nt" and self._is(handle):
                    os.unlink(self.path)
            os.close(handle)
            with contextlib.suppress(OSError):
                if os.name == "nt":
                    os.unlink(self.path)
        del _HELD[self._key]


def _locked(handle: int) -> bool:
    """Whether this process has the lock of an open file now; a system without any is warned about."""
    try:
        _lock(handle)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        warn(f"two runs with one checkpoint would not be noticed: its file system has no locks ({error.strerror})")
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        """Lock a byte far behind what is written, which others may read."""
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        """Lock the file, if that is possible at once."""
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
