"""How this fastgrad was built, for bug reports."""

from __future__ import annotations

import sys

from ..evaluate import border


def build_info() -> dict[str, str]:
    """Compiler, flags and versions of this build.

    Returns
    -------
    info : dict
        Text by name: fastgrad, python, numpy, compiler, flags, platform.

    Examples
    --------
    >>> import fastgrad as fg
    >>> sorted(fg.build_info())
    ['compiler', 'fastgrad', 'flags', 'numpy', 'platform', 'python']
    """
    import platform

    import numpy as np

    compiler, flags, version = border.build()
    return {
        "fastgrad": version,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "compiler": compiler,
        "flags": flags,
        "platform": platform.platform(),
    }
