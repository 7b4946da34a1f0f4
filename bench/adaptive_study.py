"""Accuracy, cost and honesty of the adaptive method over tests/problems.py, with and without noise, beside peers.

python bench/adaptive_study.py [--peers] [--verbose]
"""

import argparse
import math
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from problems import PROBLEMS

import fastgrad as fg


class Float32:
    """Elementary functions in float32, for `Problem.formula`."""

    pi = np.float32(np.pi)

    def __getattr__(self, name):
        function = getattr(np, {"atan": "arctan"}.get(name, name))
        return lambda v: function(np.float32(v))


def exact(problem):
    """The function as it is."""
    return problem.f


def noisy(level):
    """The function with relative, normally distributed noise."""

    def make(problem):
        rng = np.random.default_rng(5)
        return lambda x: problem.f(x) * (1 + level * rng.standard_normal())

    return make


def narrow(problem):
    """The function computed in float32, where its numbers fit, and returned as a Python float."""
    if any(v and not 1e-6 < abs(v) < 1e6 for v in problem.x) or "scale" in problem.name or "1e200" in problem.name:
        return None
    m = Float32()
    return lambda x: float(problem.formula([np.float32(v) for v in x], m))


KINDS = {"exact": exact, "1e-10": noisy(1e-10), "1e-6": noisy(1e-6), "1e-3": noisy(1e-3), "float32": narrow}


def adaptive(f, x):
    """Value, error, whether flagged, evaluations a component."""
    d = fg.differentiate(f, x)
    return d.value, d.error, d.flags != "", d.nfev / x.size


def with_jacobi(f, x):
    import jacobi

    calls = [0]

    def counted(y):
        calls[0] += 1
        return f(y)

    value, error = jacobi.jacobi(counted, x)
    return np.ravel(value), np.ravel(error), np.zeros(x.size, bool), calls[0] / x.size


METHODS = {"fastgrad": adaptive}
PEERS = {"jacobi": with_jacobi}


def digits(value, exact, error):
    """Correct digits of each component; where the exact derivative is 0, those of a bar that holds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -np.log10(np.abs(value - exact) / np.abs(exact))
    found = np.where(exact == 0, np.where(np.abs(value - exact) <= error, 16.0, 0.0), found)
    return np.clip(np.nan_to_num(found, nan=0.0), 0.0, 16.0)


def study(make, method, verbose=False):
    """One row of the table: a dict of figures."""
    all_digits, worst, nfev, covered, ratios, silent = [], [], [], [], [], 0
    for problem in PROBLEMS:
        f = make(problem)
        if f is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value, error, flagged, cost = method(f, problem.point)
        except (ArithmeticError, ValueError, IndexError):
            value = np.full(problem.point.size, np.nan)
            error, flagged, cost = np.full_like(value, np.inf), np.ones(value.size, bool), math.nan
        true = np.abs(value - problem.gradient)
        own = digits(value, problem.gradient, error)
        holds = (true <= error) | np.isinf(error)
        all_digits.extend(own)
        worst.append(own.min())
        nfev.extend([cost] * own.size)
        covered.extend(holds)
        usable = (true > 0) & np.isfinite(error)
        ratios.extend((error / np.where(usable, true, 1.0))[usable])
        silent += int(((own < 3) & ~flagged & ~(error > 1e-3 * np.abs(value))).sum())
        if verbose and not holds.all():
            for i in np.flatnonzero(~holds):
                print(f"  {problem.name}[{i}]: {value[i]:.8g}, exact {problem.gradient[i]:.8g}, bar {error[i]:.1e}")
    return {
        "digits": np.median(all_digits),
        "worst, p10": np.percentile(worst, 10),
        "evaluations": np.nanmedian(nfev),
        "most": np.nanmax(nfev),
        "covered": np.mean(covered),
        "bar / error": np.median(ratios),
        "silent": silent / len(covered),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="also jacobi")
    parser.add_argument("--verbose", action="store_true", help="components whose bar does not hold")
    options = parser.parse_args()
    methods = METHODS | (PEERS if options.peers else {})
    heading = None
    for kind, make in KINDS.items():
        for name, method in methods.items():
            row = study(make, method, options.verbose)
            if heading is None:
                heading = f"{'noise':<8} {'':<13}" + "".join(f"{key:>13}" for key in row)
                print(heading)
            print(f"{kind:<8} {name:<13}" + "".join(f"{value:>13.4g}" for value in row.values()))


if __name__ == "__main__":
    main()
