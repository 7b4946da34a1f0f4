"""Points beside an edge of the domain: logs, roots, likelihoods; many outputs and Hessians."""

import math
from dataclasses import replace

import numpy as np
from _smooth import M, drawn, numbers, point, power_of_ten, rounded

from .cases import Case, family, of_smooth, size_of


def raising(f):
    """The function with a ValueError where it would be NaN, as of `math.log`."""

    def strict(p):
        value = f(p)
        if np.isnan(value).any():
            raise ValueError("math domain error")
        return value

    return strict


def edge_mode(rng, made):
    """The case as it is, with NaN beyond the edge, or with an exception there."""
    if not rng.integers(2):
        return made
    return replace(made, f=raising(made.f), parameters=made.parameters | {"raises": True})


def beside_edge(rng, n):
    """Coordinates below their edges, by 1e-6 to 0.3 of them, and their distances."""
    edges = rng.uniform(0.5, 2, n)
    x = edges * (1 - 10.0 ** rng.uniform(-6, -0.5, n))
    return edges, x, edges - x


@family("edges")
def log_barrier(rng):
    n = size_of(rng, 4)
    edges, x, gaps = beside_edge(rng, n)
    a, e = rng.uniform(0.5, 2, n), numbers(edges)
    return edge_mode(rng, Case(
        lambda p: float(a @ np.log(edges - p)), x,
        rounded([-w / (u - v) for w, u, v in zip(numbers(a), e, numbers(x), strict=True)]), gaps / 3,
        lambda p: M.fsum(w * M.log(u - v) for w, u, v in zip(numbers(a), e, p, strict=True)), 1e-9,
        parameters={"gaps": gaps},
    ))  # fmt: skip


@family("edges")
def log_hessian(rng):
    n = size_of(rng, 3)
    edges, x, gaps = beside_edge(rng, n)
    smooth, e = drawn(rng, n), numbers(edges)
    exact = smooth.hessian(x) - np.diag(rounded([1 / (u - v) ** 2 for u, v in zip(e, numbers(x), strict=True)]))
    return edge_mode(rng, Case(
        lambda p: float(np.log(edges - p).sum()) + smooth(p), x, exact, gaps / 3,
        lambda p: M.fsum(M.log(u - v) for u, v in zip(e, p, strict=True)) + smooth.exactly(p), 1e-9, deriv=2,
        parameters={"gaps": gaps},
    ))  # fmt: skip


@family("edges")
def simplex_hessian(rng):
    """Counts times the logs of chances, of which the last is what the others leave."""
    n = int(rng.integers(1, 4))
    x = rng.dirichlet(np.full(n + 1, 0.7))[:n] * 0.999 + 1e-4
    counts = rng.uniform(1, 50, n + 1)
    c, p = numbers(counts), numbers(x)
    rest = 1 - M.fsum(p)
    exact = rounded([[-c[-1] / rest**2 - (i == j) * c[i] / p[i] ** 2 for j in range(n)] for i in range(n)])
    return edge_mode(rng, Case(
        lambda v: float(counts[:n] @ np.log(v) + counts[n] * np.log(1 - v.sum())), x, exact,
        np.minimum(x, float(rest)) / 3,
        lambda v: M.fdot(zip(c[:n], [M.log(q) for q in v], strict=True)) + c[-1] * M.log(1 - M.fsum(v)), 1e-9, deriv=2,
        parameters={"rest": float(rest)},
    ))  # fmt: skip


@family("edges")
def correlation_hessian(rng):
    """The likelihood of a correlation near 1."""
    gap = power_of_ten(rng, -3, -1)
    x, (a, b, d) = np.array([1 - gap]), rng.uniform(100, 300, 3)
    b = min(b, 0.95 * math.sqrt(a * d))
    A, B, r, one = M.mpf(a) + M.mpf(d), M.mpf(b), M.mpf(float(x[0])), M.mpf(1)
    s, top = one - r * r, A - 2 * r * B
    second = -200 * (1 + r * r) / s**2 - 4 * B * r / s**2 + top * (1 + 3 * r * r) / s**3
    return edge_mode(rng, Case(
        lambda p: float(100 * np.log(1 - p[0] ** 2) + (a - 2 * p[0] * b + d) / (2 * (1 - p[0] ** 2))), x,
        rounded([[second]]), np.full(1, gap / 3),
        lambda p: 100 * M.log(1 - p[0] ** 2) + (A - 2 * p[0] * B) / (2 * (1 - p[0] ** 2)), 1e-6, deriv=2,
        parameters={"gap": gap},
    ))  # fmt: skip


@family("edges")
def logs_among_outputs(rng):
    """log(e - x) or a root of it, beside smooth outputs."""
    n = size_of(rng, 4)
    edges, x, gaps = beside_edge(rng, n)
    smooth, e, root = drawn(rng, n), numbers(edges), bool(rng.integers(2))
    rows = [[1 / (u - v) if k == i else M.mpf(0) for k in range(n)] for i, (u, v) in
            enumerate(zip(e, numbers(x), strict=True))]  # fmt: skip
    if root:
        rows = [[-v / 2 * M.sqrt(u - w) for v in row] for row, u, w in zip(rows, e, numbers(x), strict=True)]
    else:
        rows = [[-v for v in row] for row in rows]
    function, many = (np.sqrt, M.sqrt) if root else (np.log, M.log)
    return edge_mode(rng, Case(
        lambda p: np.append(function(edges - p), smooth(p)), x, np.vstack([rounded(rows), smooth.gradient(x)]),
        gaps / 3,
        lambda p: [*(many(u - v) for u, v in zip(e, p, strict=True)), smooth.exactly(p)], 1e-9,
        parameters={"gaps": gaps, "root": root},
    ))  # fmt: skip


@family("edges")
def at_the_edge_of_outputs(rng):
    """Smooth outputs, of which some or all are undefined on one side of x."""
    n, above = size_of(rng, 3), bool(rng.integers(2))
    parts, x = [drawn(rng, n) for _ in range(2)], point(rng, n)
    everywhere = bool(rng.integers(2))
    made = of_smooth(parts, x, np.array, 1e-13, above=above, everywhere=everywhere)

    def f(p):
        values = np.array([part(p) for part in parts])
        if p[0] > x[0] if above else p[0] < x[0]:
            values[: 2 if everywhere else 1] = np.nan
        return values

    return edge_mode(rng, replace(made, f=f))
