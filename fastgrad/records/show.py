"""What the records' plots share; Matplotlib (extra ``plot``) is imported when one is drawn."""

from __future__ import annotations

from typing import Any


def axes_or_new(axes: Any, count: int = 1) -> Any:
    """The Matplotlib axes given, or new ones; an error that names the extra if Matplotlib is missing."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("plot needs matplotlib: pip install 'fastgrad[plot]'") from error
    if axes is not None:
        return axes
    return plt.subplots(1, count, figsize=(1.4 + 5 * count, 4.8), layout="constrained")[1]
