"""Prints the ratios of fastgrad and its peers to the limit; writes results/report.json and, with matplotlib, plots.

python bench/report.py [--quick] [--check] [NAME ...]

--quick   few and short rounds, without peers that are slow
--check   fails if a ratio passes the bound that it kept when last measured (RECORDED), each with three tries
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from _side_by_side import medians, ratios, rosenbrock_rows, rounds_of
from workloads import EXTRA, RECORDED, WORKLOADS

import fastgrad as fg

RESULTS = Path(__file__).with_name("results")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of workload names")
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    parser.add_argument("--check", action="store_true", help="fail where a ratio passes its bound")
    options = parser.parse_args()
    results = {}
    seconds = 0.5 if options.quick or options.check else 4.0
    print(f"{'workload':<34} {'bound':>6} {'fastgrad':>9}  peers, as ratios to the limit")
    for name, (make, bound) in WORKLOADS.items():
        if options.names and not any(part in name for part in options.names):
            continue
        if options.check and bound is None:
            continue
        found, times, absent = measured(make(), seconds)
        if found is None:
            print(f"{name:<34} needs what is absent here")
            continue
        if options.check:
            allowed = RECORDED.get(name, bound)
            for _ in range(2):
                if found["fastgrad"] > allowed:
                    found = min(found, measured(make(), 4 * seconds)[0], key=lambda ratios: ratios["fastgrad"])
            results[name] = {"bound": bound, "allowed": allowed, "ratios": found}
        others = ", ".join(f"{row} {ratio:.3g}" for row, ratio in found.items() if row != "fastgrad")
        others += "".join(f", {row} absent" for row in absent)
        must, took = f"{bound:.3g}" if bound else "", f"{times['fastgrad'] * 1e6:.3g} µs"
        print(f"{name:<34} {must:>6} {found['fastgrad']:>9.3f}  {others}  [{took}]", flush=True)
        if not options.check:
            results[name] = {"bound": bound, "ratios": found, "seconds": times}
    if options.check:
        return verdict(results)
    for name, (make, bound, count) in EXTRA.items():
        if options.names and not any(part in name for part in options.names):
            continue
        rounds = rounds_of(make(), 0.5 if options.quick else 4.0, 7 if options.quick else 41)
        more = {row: extra(rounds, row, count) for row in rounds if row != "limit"}
        print(f"{name:<34} {bound:>6} {more['fastgrad']:>9.3f}  NumPy loop {more['NumPy loop']:.3g}  [µs more each]")
        results[name] = {"bound": bound, "microseconds_more": more}
    if not options.names:
        print(f"import fastgrad beyond NumPy: {import_time():.1f} ms (bound 10)")
        print(f"batch_gradient 1000x1000 beyond input and output: {batch_memory():.1f} MiB (bound 16)")
    RESULTS.mkdir(exist_ok=True)
    machine = {"build": fg.build_info(), "machine": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    machine |= {"system": platform.platform(), "numpy": np.__version__, "quick": options.quick}
    (RESULTS / "report.json").write_text(json.dumps(machine | {"workloads": results}, indent=1))
    plot(results)
    return 0


def measured(rows, seconds):
    """Ratios to the best limit, times, and the names of rows that are absent; no ratios without fastgrad's."""
    absent = [row for row, function in rows.items() if function is None]
    if "fastgrad" in absent:
        return None, None, absent
    present = {k: v for k, v in rows.items() if v is not None}
    quick = seconds < 1.0
    rounds = rounds_of(present, seconds, 7 if quick else 41, 0.02 if quick else None)
    times = medians(rounds)
    limit = min((row for row in times if row.startswith("limit")), key=times.get)
    return {row: ratio for row, ratio in ratios(rounds, limit).items() if row != limit}, times, absent


def verdict(results):
    """Exit code 1 and a line for each ratio that is too large."""
    worse = {name: each for name, each in results.items() if each["ratios"]["fastgrad"] > each["allowed"]}
    for name, each in worse.items():
        print(f"WORSE: {name} takes {each['ratios']['fastgrad']:.3f} of its limit, allowed {each['allowed']:.3f}")
    print(f"{len(results) - len(worse)} of {len(results)} ratios are within what is allowed")
    return 1 if worse else 0


def extra(rounds, row, count):
    """Microseconds that each of so many iterations takes beyond the limit, the median of rounds."""
    differences = (a - b for a, b in zip(rounds[row], rounds["limit"], strict=True))
    return 1e6 * statistics.median(differences) / count


def import_time():
    """Milliseconds, the median of 15 processes."""
    code = "import time, numpy; start = time.perf_counter(); import fastgrad; print(time.perf_counter() - start)"
    command = [sys.executable, "-c", code]
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


def plot(results):
    """Ratios on a log axis; the limit is 1."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("no plot: matplotlib is absent (extra `plot`)")
        return
    names = [name for name in results if "ratios" in results[name]]
    if not names:
        return
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 1.5), layout="constrained")
    peers = ["scipy 3-point", "statsmodels", "optimagic", "jacobi", "numdifftools", "numpy broadcast", "scipy loop"]
    peers += ["numba parallel", "numpy", "findiff", "jax.jit(jax.grad)"]
    # Okabe and Ito's colours can be told apart by all; shapes tell too.
    colours = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"] * 2
    for row, marker, colour in zip(["fastgrad", *peers], "osDX^vP*<>dp", colours, strict=False):
        points = [(results[name]["ratios"][row], k) for k, name in enumerate(names) if row in results[name]["ratios"]]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=colour, label=row)
    axes.axvline(1, color="black", linewidth=1)
    axes.set(xscale="log", yticks=range(len(names)), yticklabels=names, xlabel="time / limit (the bare calls)")
    axes.legend()
    figure.savefig(RESULTS / "report.png", dpi=120)


if __name__ == "__main__":
    sys.exit(main())
