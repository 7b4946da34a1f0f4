"""The pictures: python docs/pictures.py, after python bench/report.py and bench/scaling.py (extra `bench`)."""

import json
import shutil
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastgrad as fg

HERE = Path(__file__).parent
ROOT = HERE.parent
SHOWN = {
    "NumPy f, n=10, gradient()": "gradient, NumPy f, n = 10",
    "NumPy f, n=100, gradient()": "gradient, NumPy f, n = 100",
    "cheap f, n=10, grad()": "gradient, f of 0.1 µs, n = 10",
    "batch 100x100": "100 gradients, n = 100",
    "pointer 10000x10": "10 000 gradients, compiled f",
    "grid 2-D 3000^2 float64": "gradient of an array, 3000²",
}
ROWS = {
    "fastgrad": ("o", "#000000"),
    "scipy 3-point": ("s", "#E69F00"),
    "statsmodels": ("D", "#56B4E9"),
    "optimagic": ("X", "#009E73"),
    "jacobi": ("^", "#0072B2"),
    "numdifftools": ("v", "#D55E00"),
    "scipy loop": ("P", "#E69F00"),
    "numpy broadcast": ("<", "#CC79A7"),
    "limit in place": (">", "#888888"),
    "numpy": ("*", "#CC79A7"),
    "findiff": ("p", "#888888"),
}


def ratios():
    """Time over the limit, from the last report."""
    found = json.loads((ROOT / "bench" / "results" / "report.json").read_text())["workloads"]
    figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
    names = [name for name in SHOWN if name in found]
    names_of = {"limit in place": "plain C loop"}
    for row, (marker, colour) in ROWS.items():
        points = [(found[name]["ratios"][row], k) for k, name in enumerate(names) if row in found[name]["ratios"]]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color=colour, label=names_of.get(row, row))
    axes.axvline(1, color="black", linewidth=1)
    axes.set(xscale="log", yticks=range(len(names)), yticklabels=[SHOWN[name] for name in names])
    axes.set(xlabel="time / limit: the bare calls, or the traffic of memory", ylim=(len(names) - 0.5, -0.5))
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def error_bars():
    """Errors of differentiate against its bars, for functions with more and more noise."""
    figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
    rng = np.random.default_rng(0)
    for noise, colour in ((0.0, "#0072B2"), (1e-8, "#E69F00"), (1e-4, "#D55E00")):
        bars, errors = [], []
        for _ in range(60):
            x = rng.uniform(0.5, 2.0, 3)
            d = fg.differentiate(lambda x, s=noise: np.exp(x).sum() + np.sin(3 * x[0]) + s * rng.standard_normal(), x)
            exact = np.exp(x) + np.array([3 * np.cos(3 * x[0]), 0, 0])
            bars.extend(d.error)
            errors.extend(np.maximum(abs(d.value - exact), 1e-16))
        axes.loglog(bars, errors, ".", color=colour, markersize=3, label=f"noise {noise:g}")
    line = np.array([1e-15, 1e-1])
    axes.loglog(line, line, color="black", linewidth=1)
    axes.set(xlabel="error bar", ylabel="true error", title="below the line: the bar holds")
    axes.legend(fontsize=7)
    return figure


def loss_curve():
    """The falling loss of examples/descent.py's network."""
    sys.path.insert(0, str(ROOT / "examples"))
    import descent

    network, correct = descent.train_network()
    figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
    axes.semilogy(network.history["fun"], color="#0072B2")
    axes.set(xlabel="iteration", ylabel="loss", title=f"iris network: {correct:.0%} right")
    return figure


def check_report():
    """What check_grad says of a wrong derivative."""
    from fastgrad.command import demo

    loss, backprop, weights = demo._network()
    text = str(fg.check_grad(loss, backprop, weights)).split("\n")
    figure = plt.figure(figsize=(6.2, 1.25))
    shown = [text[0].replace("(4 of 4", "\n   (4 of 4"), *text[1:6], "  ..."]
    figure.text(0.01, 0.97, "\n".join(shown), family="monospace", fontsize=8, va="top")
    return figure


if __name__ == "__main__":
    for make in (ratios, error_bars, loss_curve, check_report):
        make().savefig(HERE / "images" / f"{make.__name__}.png", dpi=90)
    shutil.copy(ROOT / "bench" / "results" / "scaling.png", HERE / "images")
