"""Timing side by side: interleaved rounds in one process, medians, ratios."""

import ctypes
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

# The idle BLAS thread of NumPy's OpenBLAS takes a share of a small machine; no workload uses it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np


def build_limit():
    """The bare C loop of calls, compiled from limits.c: ``limit(f, x, count)``."""
    source = Path(__file__).with_name("limits.c")
    target = Path(tempfile.mkdtemp()) / "limits.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    include = sysconfig.get_paths()["include"]
    extra = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    command = [*compiler, "-O3", "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(target), *extra]
    subprocess.run(command, check=True)
    limit = ctypes.PyDLL(str(target)).limit_calls
    limit.argtypes = [ctypes.py_object, ctypes.py_object, ctypes.c_ssize_t]
    return limit


def rounds_of(functions, seconds=0.4, rounds=41):
    """Seconds a call of each function in each of many short, interleaved rounds."""
    repeats = {}
    for name, function in functions.items():
        function()
        started = time.perf_counter()
        function()
        once = max(time.perf_counter() - started, 1e-7)
        repeats[name] = max(1, int(seconds / len(functions) / rounds / once))
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            count = repeats[name]
            started = time.perf_counter()
            for _ in range(count):
                function()
            times[name].append((time.perf_counter() - started) / count)
    return times


def medians(times):
    """The median time of each function."""
    return {name: statistics.median(values) for name, values in times.items()}


def ratios(times, limit):
    """The median of each function's ratio to the limit in the same round: slow spells of a machine cancel."""
    return {
        name: statistics.median(a / b for a, b in zip(values, times[limit], strict=True))
        for name, values in times.items()
    }


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def rosenbrock_rows(X):
    return np.sum(100 * (X[:, 1:] - X[:, :-1] ** 2) ** 2 + (1 - X[:, :-1]) ** 2, axis=1)


def cubes(x):
    """A Python function of about 1 µs."""
    return float((x * x).dot(x))


def cheap(x):
    return x[0] * 2.0


def cheap_gradient(x):
    return np.concatenate([[2.0], np.zeros(x.size - 1)])


def peers(f, x):
    """Gradients of f at x by what is installed; None where it is not."""
    found = {}
    try:
        from scipy.optimize._numdiff import approx_derivative

        found["scipy 3-point"] = lambda: approx_derivative(f, x, method="3-point")
    except ImportError:
        found["scipy 3-point"] = None
    try:
        from statsmodels.tools.numdiff import approx_fprime

        found["statsmodels"] = lambda: approx_fprime(x, f, centered=True)
    except ImportError:
        found["statsmodels"] = None
    try:
        import optimagic

        found["optimagic"] = lambda: optimagic.first_derivative(f, x).derivative
    except ImportError:
        found["optimagic"] = None
    try:
        import jacobi

        found["jacobi"] = lambda: jacobi.jacobi(f, x)[0]
    except ImportError:
        found["jacobi"] = None
    try:
        import numdifftools

        found["numdifftools"] = lambda: numdifftools.Gradient(f)(x)
    except ImportError:
        found["numdifftools"] = None
    return found
