"""Timing side by side: interleaved rounds in one process, medians, ratios."""

import os
import statistics
import time

# The idle BLAS thread of NumPy's OpenBLAS takes a share of a small machine; no workload uses it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Else the threads of Numba's OpenMP spin on the cores that others are timed on.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def rounds_of(functions, seconds=0.4, rounds=41, slowest=None):
    """Seconds a call of each function in each of many short, interleaved rounds.

    About `seconds` in all; fewer rounds, but 5, where a round alone takes long. Peers of which a call takes longer than
    `slowest` are left out.
    """
    once = {}
    for name, function in list(functions.items()):
        once[name] = max(seconds_of(function), 1e-7)
        if slowest and once[name] > slowest and not name.startswith(("limit", "fastgrad")):
            functions = {other: f for other, f in functions.items() if other != name}
            del once[name]
        elif once[name] < (slowest or 1.0):
            # The first call finds nothing warm.
            once[name] = max(seconds_of(function), 1e-7)
    rounds = max(min(5, rounds), min(rounds, int(2 * seconds / sum(once.values()))))
    repeats = {name: max(1, int(seconds / len(functions) / rounds / each)) for name, each in once.items()}
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds_of(function, repeats[name]))
    return times


def seconds_of(function, count=1):
    """Seconds of one of so many calls."""
    started = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - started) / count


def medians(times):
    """The median time of each function."""
    return {name: statistics.median(values) for name, values in times.items()}


def ratios(times, limit):
    """The median of each function's ratio to the limit in the same round: slow spells of a machine cancel."""
    return {
        name: statistics.median(a / b for a, b in zip(values, times[limit], strict=True))
        for name, values in times.items()
    }
