"""Timing side by side: interleaved rounds in one process, medians, ratios."""

import os
import statistics
import time

# The idle BLAS thread of NumPy's OpenBLAS takes a share of a small machine; no workload uses it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Else the threads of Numba's OpenMP spin on the cores that others are timed on.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


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
