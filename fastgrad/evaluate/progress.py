"""Evaluations shown as they are done."""

from __future__ import annotations

import sys
from typing import Any


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError("progress=True needs tqdm: pip install 'fastgrad[progress]'") from error
    return tqdm


class Progress:
    """A bar of evaluations done and time left, on standard error.

    Raises
    ------
    ImportError
        tqdm is missing (extra ``progress``).
    """

    def __init__(self) -> None:
        self._bar: Any = _tqdm()(unit=" evaluations", leave=False)
        self.update = self._bar.update

    def expect(self, count: int) -> None:
        """So many evaluations will be done."""
        self._bar.total = count
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


class Iterations:
    """A bar of iterations, with the loss and the gradient's norm.

    Raises
    ------
    ImportError
        tqdm is missing (extra ``progress``).
    """

    def __init__(self, total: int, done: int) -> None:
        self._bar = _tqdm()(total=total, initial=done, unit=" iterations", leave=False)

    def show(self, iteration: int, fun: float, norm: float) -> None:
        """Where the run is."""
        self._bar.set_postfix(loss=f"{fun:.6g}", gradient=f"{norm:.2g}", refresh=False)
        self._bar.update(iteration - self._bar.n)

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
