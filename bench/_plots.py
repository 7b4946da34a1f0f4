"""Pictures of a report, readable for colour-blind people: Okabe and Ito's colours, and a shape for each row."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLOURS = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"]
SHAPES = "osDX^vP*<>dphH8"


def ratios(workloads, path: Path):
    """Time over the limit of each workload, a log axis; the limit is 1."""
    names = [name for name, each in workloads.items() if "ratios" in each]
    if not names:
        return
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(names) + 1.5), layout="constrained")
    rows = dict.fromkeys(row for name in names for row in workloads[name]["ratios"] if not row.startswith("limit"))
    for k, row in enumerate(rows):
        points = [(workloads[name]["ratios"].get(row), at) for at, name in enumerate(names)]
        points = [(ratio, at) for ratio, at in points if ratio is not None]
        shape, colour = SHAPES[k % len(SHAPES)], COLOURS[k % len(COLOURS)]
        axes.plot(*zip(*points, strict=True), shape, color=colour, label=row)
    axes.axvline(1, color="black", linewidth=1)
    axes.set(xscale="log", yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    axes.set(xlabel="time / limit: the bare calls, or the traffic of memory")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def scaling(results, path: Path):
    """Seconds against n and B, log axes, with the limit's line."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for each, (what, found) in zip(axes, results.items(), strict=True):
        rows = dict.fromkeys(row for times in found.values() for row in times)
        for k, row in enumerate(rows):
            points = [(size, times[row]) for size, times in found.items() if row in times]
            marker = "" if row == "limit" else SHAPES[k % len(SHAPES)]
            each.plot(*zip(*points, strict=True), marker=marker, color=COLOURS[k % len(COLOURS)], label=row)
        each.set(xscale="log", yscale="log", xlabel=what, ylabel="seconds")
        each.legend()
    axes[0].set_title("one gradient of n variables")
    axes[1].set_title("B gradients of 10 variables, vectorised f")
    figure.savefig(path, dpi=120)
    plt.close(figure)
