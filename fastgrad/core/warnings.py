"""Warnings that name the user's line."""

from __future__ import annotations

import sys
import warnings


def warn(message: str, category: type[Warning] = RuntimeWarning) -> None:
    """Warn at the innermost line of code that is not fastgrad's: of whoever called it, on whatever way."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_PACKAGE = warn.__code__.co_filename.removesuffix("warnings.py").rstrip("/\\").removesuffix("core")
"""The folder of fastgrad, as its code objects spell it."""
