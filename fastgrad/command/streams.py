"""Where the command writes to, whatever the files that it runs do to sys.stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TextIO


class Streams(NamedTuple):
    """For the report, and for what is said besides."""

    out: TextIO
    err: TextIO


@contextmanager
def own_streams() -> Iterator[Streams]:
    """Streams that nobody else can close; sys.stdout is stderr until the end, so that the report stands alone."""
    before = sys.stdout, sys.stderr
    streams = Streams(_another(sys.stdout), _another(sys.stderr))
    sys.stdout, sys.stderr = _another(before[1]), _another(before[1])
    theirs = sys.stdout, sys.stderr
    try:
        yield streams
    finally:
        for stream in {*theirs, *streams} - {*before}:
            with suppress(OSError, ValueError):  # who reads may have gone away
                stream.close()
        sys.stdout, sys.stderr = before


def _another(stream: Any) -> Any:
    """A second stream to the same file; the same one where it is no file, as in a notebook."""
    try:
        return open(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors=stream.errors, buffering=1)
    except (AttributeError, OSError, ValueError):
        return stream
