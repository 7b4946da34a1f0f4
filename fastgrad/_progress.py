"""Evaluations of a function shown on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def shown_on_terminal(f: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """F, its evaluations counted by a bar on standard error if that is a terminal and tqdm is installed."""
    if not sys.stderr.isatty():
        yield f
        return
    try:
        from tqdm import tqdm
    except ImportError:
        print("fastgrad: no progress bar; it needs tqdm: pip install 'fastgrad[progress]'", file=sys.stderr)
        yield f
        return
    with tqdm(unit=" evaluations", leave=False) as bar:

        def counted(*args: Any, **named: Any) -> Any:
            bar.update()
            return f(*args, **named)

        yield counted
