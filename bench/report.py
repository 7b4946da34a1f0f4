"""Prints the ratios of fastgrad and its peers to the limit; writes results/report.json and, with matplotlib, a plot.

python bench/report.py [--quick] [NAME ...]
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _side_by_side import medians, ratios, rounds_of
from workloads import WORKLOADS

import fastgrad as fg

RESULTS = Path(__file__).with_name("results")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of workload names")
    parser.add_argument("--quick", action="store_true", help="shorter rounds")
    options = parser.parse_args()
    results = {}
    print(f"{'workload':<34} {'bound':>6} {'fastgrad':>9}  peers, as ratios to the limit")
    for name, (make, bound) in WORKLOADS.items():
        if options.names and not any(part in name for part in options.names):
            continue
        rows = make()
        absent = [row for row, function in rows.items() if function is None]
        rounds = rounds_of({k: v for k, v in rows.items() if v is not None}, 0.5 if options.quick else 4.0)
        times = medians(rounds)
        limit = min((row for row in times if row.startswith("limit")), key=times.get)
        found = {row: ratio for row, ratio in ratios(rounds, limit).items() if not row.startswith("limit")}
        others = ", ".join(f"{row} {ratio:.3g}" for row, ratio in found.items() if row != "fastgrad")
        others += "".join(f", {row} absent" for row in absent)
        print(f"{name:<34} {bound or '':>6} {found['fastgrad']:>9.3f}  {others}  [{times['fastgrad'] * 1e6:.3g} µs]")
        results[name] = {"bound": bound, "ratios": found, "seconds": times}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "report.json").write_text(json.dumps({"build": fg.build_info(), "workloads": results}, indent=1))
    plot(results)


def plot(results):
    """Ratios on a log axis; the limit is 1."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("no plot: matplotlib is absent (extra `plot`)")
        return
    names = list(results)
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 1.5), layout="constrained")
    names_of_rows = ["fastgrad", "scipy 3-point", "statsmodels", "jacobi", "numdifftools", "numpy broadcast"]
    markers = dict(zip(names_of_rows, "osD^vP", strict=True))
    for row, marker in markers.items():
        points = [(results[name]["ratios"][row], k) for k, name in enumerate(names) if row in results[name]["ratios"]]
        if points:
            axes.plot(*zip(*points, strict=True), marker, label=row)
    axes.axvline(1, color="black", linewidth=1)
    axes.set(xscale="log", yticks=range(len(names)), yticklabels=names, xlabel="time / limit (the bare calls)")
    axes.legend()
    figure.savefig(RESULTS / "report.png", dpi=120)


if __name__ == "__main__":
    main()
