"""How cost grows: time of a gradient against n, and of many against their number, beside the bare calls.

python bench/scaling.py     writes results/scaling.json and, with matplotlib, results/scaling.png
"""

import contextlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import _timing
import numpy as np
from _functions import rosenbrock, rosenbrock_rows
from _limits import build_limit
from _peers import gradients

import fastgrad as fg

RESULTS = Path(__file__).with_name("results")
LARGEST = {"scipy 3-point": 1000, "statsmodels": 1000}


class EnoughError(Exception):
    """So many calls were made."""


class Few:
    """Rosenbrock's function, for so many calls."""

    def __init__(self, calls):
        self.left = calls

    def __call__(self, x):
        self.left -= 1
        if self.left < 0:
            raise EnoughError
        return rosenbrock(x)


def begun(x, calls):
    """A gradient, broken off after so many calls."""
    with contextlib.suppress(EnoughError):
        fg.gradient(Few(calls).__call__, x)


def of_size():
    """Seconds of one gradient of a NumPy function, n from 10 to 10^6; from 10^4 on of some of its components."""
    limit, found = build_limit(), {}
    for n in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        x = np.linspace(0.5, 1.5, n)
        rows = {"limit": lambda x=x, n=n: limit(rosenbrock, x, 2 * n)}
        if n <= 1000:
            rows["fastgrad"] = lambda x=x: fg.gradient(rosenbrock, x)
            for name, verb in gradients().items():
                if verb and n <= LARGEST.get(name, 10):
                    rows[name] = lambda x=x, verb=verb: verb(rosenbrock, x)
            found[n] = _timing.medians(_timing.rounds_of(rows, 1.0, 7))
        else:
            # A full gradient of 10^6 numbers takes hours of calls: it is broken off after some components, and scaled.
            some = max(20, 20_000 // (n // 1000))
            terms = {
                "limit": lambda x=x, some=some: limit(Few(2 * some), x, 2 * some),
                "fastgrad": lambda x=x, some=some: begun(x, 2 * some),
            }
            found[n] = {row: t * n / some for row, t in _timing.medians(_timing.rounds_of(terms, 1.0, 7)).items()}
    return found


def of_number():
    """Seconds of B gradients of a vectorised function of 10 variables."""
    found = {}
    for b in (1, 10, 100, 1000, 10_000, 100_000):
        X = np.random.default_rng(0).uniform(0.5, 1.5, (b, 10))
        block = np.tile(X[:1], (min(20 * b, 20_000), 1))

        def alone(b=b, block=block):
            for _ in range(20 * b // len(block)):
                rosenbrock_rows(block)

        rows = {"limit": alone, "fastgrad": lambda X=X: fg.batch_gradient(rosenbrock_rows, X, vectorized=True)}
        found[b] = _timing.medians(_timing.rounds_of(rows, 0.6, 7))
    return found


def main():
    results = {"n": of_size(), "B": of_number()}
    for what, found in results.items():
        for size, times in found.items():
            rest = ", ".join(f"{row} {t / times['limit']:.2f}" for row, t in times.items() if row != "limit")
            print(f"{what} = {size:<8} limit {times['limit']:.3g} s; of it: {rest}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scaling.json").write_text(json.dumps({"build": fg.build_info()} | results, indent=1))
    try:
        import _plots
    except ImportError:
        print("no plot: matplotlib is absent (extra `plot`)")
    else:
        _plots.scaling(results, RESULTS / "scaling.png")


if __name__ == "__main__":
    main()
