"""Evaluations shown as they are done."""

from __future__ import annotations

import sys
from typing import Any


class Progress:
    """A bar of evaluations done and time left, on standard error.

    Raises
    ------
    ImportError
        tqdm is missing (extra ``progress``).
    """

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError("progress=True needs tqdm: pip install 'fastgrad[progress]'") from error
        self._bar: Any = tqdm(unit=" evaluations", leave=False)
        self.update = self._bar.update

    def expect(self, count: int) -> None:
        """So many evaluations will be done."""
        self._bar.total = count
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def for_terminal() -> bool:
    """Whether a command should show progress: on a terminal; says what is missing there."""
    if not sys.stderr.isatty():
        return False
    try:
        import tqdm  # noqa: F401
    except ImportError:
        print("fastgrad: no progress bar; it needs tqdm: pip install 'fastgrad[progress]'", file=sys.stderr)
        return False
    return True
