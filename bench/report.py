"""Prints the ratios of fastgrad and its peers to the limit; writes results/report.json and, with matplotlib, a plot.

python bench/report.py [--quick] [--check] [NAME ...]

NAME      only workloads whose name contains it
--quick   a minute: short rounds, without what is large or slow
--check   only fastgrad's bounds; exit code 1 where a ratio passes what is allowed, each with three tries
"""

import argparse
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import _timing
import accuracy
import interrupts
import numpy as np
from _functions import rosenbrock_rows
from workloads import DESCENTS, ITERATIONS, WORKLOADS

import fastgrad as fg

RESULTS = Path(__file__).with_name("results")
FULL, QUICK, TRIES = (3.0, 41, None), (0.25, 5, 0.02), 3
"""Seconds, rounds, and how long a peer's call may take."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of workload names")
    parser.add_argument("--quick", action="store_true", help="a minute")
    parser.add_argument("--check", action="store_true", help="fail where a ratio passes its bound")
    options = parser.parse_args()
    started = time.perf_counter()
    if options.check:
        return check(options.names)
    found = {"workloads": speeds(options), "descents": descents(options)}
    if not options.names:
        found |= {"import_milliseconds": import_time(), "batch_mebibytes": batch_memory()}
        print(f"import fastgrad beyond NumPy: {found['import_milliseconds']:.1f} ms (bound {MOST_IMPORT})")
        print(f"batch_gradient 1000x1000 beyond its output: {found['batch_mebibytes']:.1f} MiB (bound {MOST_MEMORY})")
        found["accuracy"] = accuracies(options.quick)
    RESULTS.mkdir(exist_ok=True)
    machine = {"build": fg.build_info(), "machine": processor(), "cores": os.cpu_count(), "quick": options.quick}
    machine |= {"system": platform.platform(), "numpy": np.__version__}
    (RESULTS / "report.json").write_text(json.dumps(machine | found, indent=1))
    try:
        import _plots
    except ImportError:
        print("no plot: matplotlib is absent (extra `plot`)")
    else:
        _plots.ratios(found["workloads"], RESULTS / "report.png")
    print(f"{time.perf_counter() - started:.0f} s; results are in {RESULTS}")
    return 0


def chosen(table, names, quick=False):
    """Name and workload of what is asked for."""
    of_names = {k: v for k, v in table.items() if not names or any(part in k for part in names)}
    return {k: v for k, v in of_names.items() if not (quick and v.large and not names)}


# --- Speed -------------------------------------------------------------------------------------------------------


def speeds(options):
    """The table of ratios, printed as it grows."""
    found = {}
    print(f"{'time over the limit':<38} {'bound':>6} {'fastgrad':>9}  peers")
    for name, workload in chosen(WORKLOADS, options.names, options.quick).items():
        ratios, times, absent = measured(workload, *(QUICK if options.quick else FULL))
        if ratios is None:
            print(f"{name:<38} absent: {', '.join(row for row in absent if row != 'fastgrad')}")
            continue
        others = ", ".join(f"{row} {ratio:.3g}" for row, ratio in ratios.items() if row != "fastgrad")
        others += "".join(f", {row} absent" for row in absent)
        bound = "" if workload.bound is None else f"{workload.bound:.3g}"
        others += f"  [{times['fastgrad'] * 1e6:.3g} µs]"
        print(f"{name:<38} {bound:>6} {ratios['fastgrad']:>9.3f}  {others}", flush=True)
        found[name] = {"bound": workload.bound, "ratios": ratios, "seconds": times, "absent": absent}
    if options.quick and not options.names:
        print("left out: " + ", ".join(name for name, workload in WORKLOADS.items() if workload.large))
    return found


def measured(workload, seconds, rounds, slowest):
    """Ratios to the best limit, times, and the names of rows that are absent; no ratios without fastgrad's."""
    rows = workload.make()
    absent = [row for row, function in rows.items() if function is None]
    if "fastgrad" in absent:
        return None, None, absent
    present = {k: v for k, v in rows.items() if v is not None}
    timed = _timing.rounds_of(present, seconds, rounds, slowest)
    times = _timing.medians(timed)
    limit = min((row for row in times if row.startswith("limit")), key=times.get)
    return {row: ratio for row, ratio in _timing.ratios(timed, limit).items() if row != limit}, times, absent


def descents(options):
    """Microseconds that an iteration takes beyond the bare calls."""
    found = {}
    for name, workload in chosen(DESCENTS, options.names).items():
        more = iteration(workload, *(QUICK if options.quick else FULL))
        others = f"NumPy loop {more['NumPy loop']:.3g}  [µs more each]"
        print(f"{name:<38} {workload.bound:>6} {more['fastgrad']:>9.3f}  {others}")
        found[name] = {"bound": workload.bound, "microseconds_more": more}
    return found


def iteration(workload, seconds, rounds, _slowest):
    """Microseconds more than the limit, an iteration; the median of rounds."""
    timed = _timing.rounds_of(workload.make(), seconds, rounds)
    return {
        row: 1e6 / ITERATIONS * statistics.median(a - b for a, b in zip(timed[row], timed["limit"], strict=True))
        for row in timed
        if row != "limit"
    }


# --- The guard ---------------------------------------------------------------------------------------------------


def check(names):
    """Exit code 1, and a line for each figure that is too large at the third try too."""
    figures = {
        name: (workload, lambda w=workload: (measured(w, *QUICK)[0] or {}).get("fastgrad"))
        for name, workload in chosen(WORKLOADS, names).items()
        if workload.bound is not None
    }
    figures |= {
        name: (workload, lambda w=workload: iteration(w, *QUICK)["fastgrad"])
        for name, workload in chosen(DESCENTS, names).items()
    }
    bounds = {name: workload.allowed or workload.bound for name, (workload, _) in figures.items()}
    measures = {name: measure for name, (_, measure) in figures.items()}
    if not names:
        measures |= {"import, ms": import_time, "batch's memory, MiB": batch_memory}
        bounds |= {"import, ms": MOST_IMPORT, "batch's memory, MiB": MOST_MEMORY}
        for kind in interrupts.KINDS:
            measures[f"Ctrl-C waits, {kind}, s"] = functools.partial(interrupts.longest, kind)
            bounds[f"Ctrl-C waits, {kind}, s"] = interrupts.MOST_WAIT
    worse = 0
    for name, measure in measures.items():
        for _ in range(TRIES):
            figure = measure()
            if figure is None or figure <= bounds[name]:
                break
        text = "absent" if figure is None else f"{figure:.3f}"
        failed = figure is not None and figure > bounds[name]
        worse += failed
        print(f"{'WORSE' if failed else 'ok':<6} {name:<38} {text:>9}, allowed {bounds[name]:.3g}", flush=True)
    print(f"{len(measures) - worse} of {len(measures)} figures are within what is allowed")
    return 1 if worse else 0


# --- What else is measured ---------------------------------------------------------------------------------------

MOST_IMPORT, MOST_MEMORY = 10, 16


def import_time():
    """Milliseconds, the median of 15 processes."""
    code = "import time, numpy; start = time.perf_counter(); import fastgrad; print(time.perf_counter() - start)"
    # -P: else an unbuilt source tree in the current folder is taken for the package.
    command = [sys.executable, "-P", "-c", code]
    times = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(16)]
    return 1e3 * statistics.median(times[1:])


def batch_memory():
    """MiB at the peak, as Python's and NumPy's allocations count; f's temporaries of one block included."""
    X = np.ones((1000, 1000))
    out = np.empty_like(X)
    tracemalloc.start()
    fg.batch_gradient(rosenbrock_rows, X, vectorized=True, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def accuracies(quick):
    """Digits, evaluations and error bars beside time, over the collection of tests/problems.py."""
    methods = accuracy.methods()
    present = {name: method for name, method in methods.items() if method is not None}
    found = accuracy.table(present, ("exact", "1e-6") if quick else tuple(accuracy.KINDS))
    print("\nOver the problems of tests/problems.py (bench/accuracy.py says what the columns are):")
    print(accuracy.shown(found, [name for name, method in methods.items() if method is None]))
    return found


def processor():
    """The processor's name, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
