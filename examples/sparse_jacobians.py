"""Sparse Jacobians where scipy asks for one: least_squares, solve_ivp, root.

python examples/sparse_jacobians.py    (needs scipy)
"""

import numpy as np

try:
    from scipy import optimize, sparse
    from scipy.integrate import solve_ivp
except ImportError as error:
    raise ImportError("sparse Jacobians, and those who ask for them, are scipy's: pip install scipy") from error

import fastgrad as fg


def broyden(x):
    """Broyden's tridiagonal equations (Math. Comput. 19 (1965) 577-593)."""
    r = (3 - 2 * x) * x + 1
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def reaction(t, u):
    """A front that moves along a line: diffusion and a reaction, at n points."""
    padded = np.concatenate([u[:1], u, u[-1:]])
    return 400.0 * np.diff(padded, n=2) + 25.0 * u**2 * (1 - u)


def solve_equations(n=1000):
    """The same plan in least_squares and, as a dense matrix, in root."""
    start = np.full(n, -1.0)
    plan = fg.plan_jacobian(broyden, start)
    fitted = optimize.least_squares(broyden, start, jac=plan)
    solved = optimize.root(broyden, start[:50], jac=fg.plan_jacobian(broyden, start[:50], sparsity="nan").dense)
    return plan, fitted, solved


def move_front(n=400):
    """A stiff equation by an implicit method."""
    start = np.where(np.arange(n) < n // 10, 1.0, 0.0)
    plan = fg.plan_jacobian(lambda u: reaction(0.0, u), np.linspace(0.1, 0.9, n))
    options = {"method": "BDF", "rtol": 1e-6, "atol": 1e-8}
    return plan, solve_ivp(reaction, (0, 2.0), start, jac=lambda t, u: sparse.csc_array(plan(u)), **options)


def main():
    plan, fitted, solved = solve_equations()
    print(f"equations: {plan}")
    print(f"  least_squares: residual {np.abs(fitted.fun).max():.1e}; root: {np.abs(solved.fun).max():.1e}")
    plan, moved = move_front()
    print(f"front: {plan}")
    middle = int(np.argmin(np.abs(moved.y[:, -1] - 0.5)))
    print(f"  reached point {middle} with {moved.njev} Jacobians, {moved.nfev} calls")


if __name__ == "__main__":
    main()
