"""Timing side by side: interleaved rounds in one process, medians, ratios."""

import ctypes
import functools
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The idle BLAS thread of NumPy's OpenBLAS takes a share of a small machine; no workload uses it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Else the threads of Numba's OpenMP spin on the cores that others are timed on.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np


@functools.cache
def built(name, *flags):
    """A C file of this folder, compiled: the path of the shared library."""
    source = Path(__file__).with_name(name)
    target = Path(tempfile.mkdtemp()) / "built.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    include = sysconfig.get_paths()["include"]
    extra = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    command = [*compiler, "-O3", *flags, "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(target), *extra]
    subprocess.run(command, check=True)
    return str(target)


def build_limit():
    """The bare C loop of calls: ``limit(f, x, count)``."""
    limit = ctypes.PyDLL(built("limits.c")).limit_calls
    limit.argtypes = [ctypes.py_object, ctypes.py_object, ctypes.c_ssize_t]
    return limit


def build_compiled():
    """Rosenbrock by pointer and in columns, and the hand-written loops of differences: (pointer, columns, loops)."""
    library = ctypes.CDLL(built("compiled.c", "-march=native"))
    array = ctypes.POINTER(ctypes.c_double)
    pointer, columns = library.rosenbrock, library.rosenbrock_columns
    pointer.restype, pointer.argtypes = ctypes.c_double, [ctypes.c_int, array, ctypes.c_void_p]
    columns.restype = ctypes.c_int
    columns.argtypes = [ctypes.c_int, ctypes.c_int, array, array, ctypes.c_void_p]
    loops = {}
    for name in ("limit_in_place", "limit_copies", "limit_descent_in_place", "limit_descent_copies"):
        loop = getattr(library, name)
        loop.restype = None
        rest = [ctypes.c_int, ctypes.c_double] if "descent" in name else [ctypes.c_void_p]
        loop.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, *rest]
        loops[name.replace("_", " ")] = loop
    return pointer, columns, loops


def bandwidth_limit(shape, dtype, outputs):
    """One read and so many writes of an array, in two threads, at the speed of memory."""
    library = ctypes.CDLL(built("bandwidth.c", "-march=native"))
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize // 128 * 128
    # Whole lines, on their boundaries; written once, or all reads would go to the system's one page of zeros.
    arrays = [np.ones(size + 64, dtype=np.int8) for _ in range(outputs + 1)]
    starts = [array.ctypes.data + -array.ctypes.data % 64 for array in arrays]
    targets = (ctypes.c_void_p * outputs)(*starts[1:])
    pool = ThreadPoolExecutor(2)

    def half(which):
        begin, end = which * size // 2, (which + 1) * size // 2
        library.limit_bandwidth(
            ctypes.c_void_p(starts[0]), targets, outputs, ctypes.c_ssize_t(begin), ctypes.c_ssize_t(end)
        )
        return arrays  # kept as long as this function

    return lambda: list(pool.map(half, range(2)))


def numba_parallel(X, out):
    """Central differences with Rosenbrock inlined, by Numba in two threads; None where it is not installed."""
    try:
        import numba
    except ImportError:
        return None

    @numba.njit
    def f(x):
        total = 0.0
        for i in range(x.size - 1):
            a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            total += 100.0 * a * a + b * b
        return total

    @numba.njit(parallel=True)
    def gradients(X, out):
        for row in numba.prange(X.shape[0]):
            x = X[row].copy()
            for i in range(x.size):
                at = x[i]
                h = 6.0554544523933395e-06 * max(abs(at), 1.0)
                x[i] = at + h
                right = f(x)
                x[i] = at - h
                out[row, i] = (right - f(x)) / ((at + h) - (at - h))
                x[i] = at

    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    return lambda: gradients(X, out)


def rounds_of(functions, seconds=0.4, rounds=41, slowest=None):
    """Seconds a call of each function in each of many short, interleaved rounds; peers too slow are left out."""
    once = {}
    for name, function in list(functions.items()):
        started = time.perf_counter()
        function()
        once[name] = max(time.perf_counter() - started, 1e-7)
        if slowest and once[name] > slowest and not name.startswith(("limit", "fastgrad")):
            functions = {other: f for other, f in functions.items() if other != name}
            del once[name]
        elif not slowest or once[name] < slowest:
            # The first call finds nothing warm.
            started = time.perf_counter()
            function()
            once[name] = max(time.perf_counter() - started, 1e-7)
    if slowest and sum(once.values()) * rounds > 2 * seconds:
        rounds = max(3, int(2 * seconds / sum(once.values())))
    repeats = {name: max(1, int(seconds / len(functions) / rounds / each)) for name, each in once.items()}
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
