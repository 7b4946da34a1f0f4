"""Accuracy, cost and honesty of the adaptive method over tests/problems.py, with and without noise, beside peers.

python bench/adaptive_study.py [--peers] [--moved SEED] [--verbose]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from problems import PROBLEMS
from study import KINDS, adaptive, moved, study


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="also jacobi")
    parser.add_argument("--moved", type=int, metavar="SEED", help="the problems at other points, not those tuned on")
    parser.add_argument("--verbose", action="store_true", help="components whose bar does not hold")
    options = parser.parse_args()
    methods = METHODS | (PEERS if options.peers else {})
    problems = PROBLEMS if options.moved is None else moved(options.moved)
    heading = None
    for kind, make in KINDS.items():
        for name, method in methods.items():
            row = study(make, method, problems, options.verbose)
            if heading is None:
                heading = f"{'noise':<8} {'':<13}" + "".join(f"{key:>13}" for key in row)
                print(heading)
            print(f"{kind:<8} {name:<13}" + "".join(f"{value:>13.4g}" for value in row.values()))


if __name__ == "__main__":
    main()
