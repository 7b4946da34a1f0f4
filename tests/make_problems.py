"""Makes problems.json and hessians.json: exact derivatives, by differences of the formulas in 120 digits (mpmath)."""

import json

import mpmath
from problems import HERE, PROBLEMS

_MOST = 12  # coordinates of a problem whose Hessian is kept


def _at(formula, x, moves):
    """The formula where some coordinates are moved."""
    moved = [mpmath.mpf(v) for v in x]
    for i, h in moves:
        moved[i] += h
    return formula(moved, mpmath)


def exact_gradient(formula, x):
    """∂f/∂x_i to more than 60 digits, rounded: the error of a step of 1e-40 is 1e-80."""
    with mpmath.workdps(120):
        h = mpmath.mpf(10) ** -40
        return [float((_at(formula, x, [(i, h)]) - _at(formula, x, [(i, -h)])) / (2 * h)) for i in range(len(x))]


def exact_hessian(formula, x):
    """∂²f/∂x_i∂x_j to more than 30 digits, rounded: rounding of 1e-120 over the square of the step, 1e-80."""
    n = len(x)
    hessian = [[0.0] * n for _ in range(n)]
    with mpmath.workdps(120):
        h = mpmath.mpf(10) ** -40
        for i in range(n):
            for j in range(i + 1):
                corners = [_at(formula, x, [(i, a), (j, b)]) for a, b in ((h, h), (h, -h), (-h, h), (-h, -h))]
                second = float((corners[0] - corners[1] - corners[2] + corners[3]) / (4 * h * h))
                hessian[i][j] = hessian[j][i] = second
    return hessian


if __name__ == "__main__":
    gradients = {p.name: exact_gradient(p.formula, p.x) for p in PROBLEMS}
    (HERE / "problems.json").write_text(json.dumps(gradients, indent=0) + "\n")
    hessians = {p.name: exact_hessian(p.formula, p.x) for p in PROBLEMS if len(p.x) <= _MOST}
    (HERE / "hessians.json").write_text(json.dumps(hessians) + "\n")
