"""Makes problems.json: exact gradients, by central differences of the formulas in 120 digits (mpmath)."""

import json

import mpmath
from problems import HERE, PROBLEMS

mpmath.mp.dps = 120


def partial(problem, i):
    """∂f/∂x_i to more than 60 digits: the error of a step of 1e-40 times the scale is 1e-80."""
    h = mpmath.mpf(10) ** -40
    values = []
    for sign in (1, -1):
        x = [mpmath.mpf(v) for v in problem.x]
        x[i] += sign * h
        values.append(problem.formula(x, mpmath))
    return float((values[0] - values[1]) / (2 * h))


if __name__ == "__main__":
    exact = {p.name: [partial(p, i) for i in range(len(p.x))] for p in PROBLEMS}
    (HERE / "problems.json").write_text(json.dumps(exact, indent=0) + "\n")
