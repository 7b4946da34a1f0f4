"""A run's state in a file, written so that a crash at any moment leaves the old one or the new one."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

_OPTIONS = "options"


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
        self.path = Path(path)
        self.every = every
        self.due = time.monotonic() + every

    def load(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The state and the options of the run, or None if there is no file.

        Raises
        ------
        ValueError
            The file is no checkpoint of fastgrad.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                state = {name: file[name] for name in file.files}
            options = json.loads(str(state.pop(_OPTIONS)))
        except Exception as error:
            raise ValueError(f"{self.path} is no checkpoint of a descent: {error}; remove it to start anew") from error
        return {name: value.item() if value.ndim == 0 else value for name, value in state.items()}, options

    def save(self, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Write the state; the file is replaced at once."""
        started = time.monotonic()
        folder = self.path.parent
        handle, name = tempfile.mkstemp(dir=folder, prefix=self.path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **state, **{_OPTIONS: np.array(json.dumps(options))})
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        # However long a history takes to write, that stays a twentieth of the time.
        now = time.monotonic()
        self.due = now + max(self.every, 20 * (now - started))
