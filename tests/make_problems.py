"""Makes problems.json: exact gradients, by central differences of the formulas in 120 digits (mpmath)."""

import json

import mpmath
from problems import HERE, PROBLEMS


def exact_gradient(formula, x):
    """∂f/∂x_i to more than 60 digits, rounded: the error of a step of 1e-40 times the scale is 1e-80."""
    gradient = []
    with mpmath.workdps(120):
        for i in range(len(x)):
            values = []
            for h in (mpmath.mpf(10) ** -40, -(mpmath.mpf(10) ** -40)):
                moved = [mpmath.mpf(v) for v in x]
                moved[i] += h
                values.append(formula(moved, mpmath))
            gradient.append(float((values[0] - values[1]) / (2 * mpmath.mpf(10) ** -40)))
    return gradient


if __name__ == "__main__":
    exact = {p.name: exact_gradient(p.formula, p.x) for p in PROBLEMS}
    (HERE / "problems.json").write_text(json.dumps(exact, indent=0) + "\n")
