"""Gradients of compiled functions."""

import ctypes

import numpy as np
from _limits import build_compiled
from _peers import if_installed, numba_parallel

import fastgrad as fg


def compiled(b, n, in_columns, threads=1):
    """By one thread: against the hand-written loops by pointer. By several: against one."""
    pointer, columns, loops = build_compiled()
    X = np.random.default_rng(0).uniform(-1.5, 1.5, (b, n))
    out, other = np.empty_like(X), np.empty_like(X)
    f = columns if in_columns else pointer
    address = ctypes.cast(pointer, ctypes.c_void_p)
    rows = {"fastgrad": lambda: fg.batch_gradient(f, X, out=out, workers=threads)}
    if threads == 1:
        for name, loop in loops.items():
            if name == "limit in place" or (name == "limit copies" and not in_columns):
                rows[name] = lambda loop=loop: loop(address, b, n, X.ctypes.data, other.ctypes.data)
    else:
        rows["limit one thread"] = lambda: fg.batch_gradient(f, X, out=other)
        rows["numba parallel"] = if_installed(numba_parallel, X, other)
    rows["fastgrad"]()
    for name, function in rows.items():
        if function is not None and name != "fastgrad":
            function()
            assert np.allclose(out, other, rtol=1e-5, atol=1e-6), name
    return rows
