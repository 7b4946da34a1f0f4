"""A NIST regression, to its certified digits, by descent.

python examples/fit.py

Misra1a, of NIST's Statistical Reference Datasets (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml):
monomolecular adsorption y = b1 (1 - exp(-b2 x)), 14 observations, from NIST's first start (500, 0.0001).
"""

import numpy as np

import fastgrad as fg

X = np.array([77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0])
Y = np.array([10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78])
CERTIFIED = np.array([2.3894212918e02, 5.5015643181e-04])
CERTIFIED_SQUARES = 1.2455138894e-01
UNITS = np.array([100.0, 1e-4])
"""Descent takes coordinates as equally long: parameters are counted in units of about their size."""


def squares(scaled):
    """The sum of the squared residuals."""
    b1, b2 = scaled * UNITS
    return np.sum((Y + b1 * np.expm1(-b2 * X)) ** 2)


def fit():
    """From NIST's start: backtracking comes near; where f itself can no longer tell, exact gradients find the rest."""
    near = fg.gradient_descent(squares, np.array([500.0, 1e-4]) / UNITS, method="bb", gtol=1e-3, maxiter=5000)
    return near, fg.gradient_descent(
        squares, near.x, grad="complex", method="bb", learning_rate=1e-5, gtol=1e-11, maxiter=500
    )


def main():
    near, result = fit()
    print(f"near: {near}\nthere: {result}")
    for name, found, certified in zip(("b1", "b2"), result.x * UNITS, CERTIFIED, strict=True):
        digits = -np.log10(max(abs(found / certified - 1), 1e-16))
        print(f"{name} = {found:.10e}  certified {certified:.10e}  {digits:.1f} digits")
    print(f"residual sum of squares {result.fun:.10e}  certified {CERTIFIED_SQUARES:.10e}")


if __name__ == "__main__":
    main()
