"""25 special and elementary functions of one coordinate, 40 points each; exact derivatives by mpmath in 120 digits."""

import math
from collections.abc import Callable
from typing import NamedTuple

import mpmath
import numpy as np
from _cases import Case
from make_problems import exact_gradient
from scipy import special
from study import exact, study

COUNT = 40


class Function(NamedTuple):
    """A function in float64 and in mpmath, and its points, so many."""

    double: Callable
    exact: Callable
    points: Callable


def even(low, high):
    """Points at equal distances."""
    return lambda count: np.linspace(low, high, count)


def logs(low, high, beyond=0.0):
    """Points at equal ratios, counted from an edge of the domain."""
    return lambda count: beyond + np.geomspace(low, high, count)


def both(low, high):
    """Points at equal ratios on both sides of 0."""
    return lambda count: np.concatenate([-np.geomspace(high, low, count // 2), np.geomspace(low, high, -(-count // 2))])


def within(distance, low=0.0, high=1.0):
    """Points between two edges, half of them towards each, the last so far from it, of their distance."""

    def points(count):
        from_edge = (high - low) * np.geomspace(distance, 0.47, count // 2)
        return np.concatenate([low + from_edge, high - from_edge[::-1], [(low + high) / 2] * (count % 2)])

    return points


FUNCTIONS = {
    "exp": Function(math.exp, mpmath.exp, even(-30, 30)),
    "log": Function(math.log, mpmath.log, logs(1e-8, 1e8)),
    "sin": Function(math.sin, mpmath.sin, both(1e-3, 1e2)),
    "tan": Function(math.tan, mpmath.tan, within(1e-3, -math.pi / 2, math.pi / 2)),
    "atan": Function(math.atan, mpmath.atan, both(1e-3, 1e4)),
    "asin": Function(math.asin, mpmath.asin, within(1e-4, -1.0, 1.0)),
    "acosh": Function(math.acosh, mpmath.acosh, logs(1e-4, 1e4, beyond=1.0)),
    "log1p": Function(math.log1p, mpmath.log1p, logs(1e-4, 1e4, beyond=-1.0)),
    "expm1": Function(math.expm1, mpmath.expm1, both(1e-4, 20.0)),
    "erf": Function(math.erf, mpmath.erf, even(-3, 3)),
    "erfc": Function(math.erfc, mpmath.erfc, even(-4, 10)),
    "gamma": Function(math.gamma, mpmath.gamma, logs(1e-3, 50.0)),
    "log of gamma": Function(math.lgamma, mpmath.loggamma, logs(1e-3, 1e5)),
    "digamma": Function(special.digamma, mpmath.digamma, logs(1e-3, 1e5)),
    "j0": Function(special.j0, lambda v: mpmath.besselj(0, v), logs(1e-2, 1e2)),
    "j1": Function(special.j1, lambda v: mpmath.besselj(1, v), logs(1e-2, 1e2)),
    "y0": Function(special.y0, lambda v: mpmath.bessely(0, v), logs(1e-2, 1e2)),
    "i0e": Function(special.i0e, lambda v: mpmath.besseli(0, v) * mpmath.exp(-v), logs(1e-2, 1e2)),
    "k0": Function(special.k0, lambda v: mpmath.besselk(0, v), logs(1e-3, 10.0)),
    "Airy's Ai": Function(lambda v: special.airy(v)[0], mpmath.airyai, even(-10, 5)),
    "expit": Function(special.expit, lambda v: 1 / (1 + mpmath.exp(-v)), even(-30, 10)),
    "normal distribution": Function(special.ndtr, mpmath.ncdf, even(-8, 4)),
    "Lambert's W": Function(lambda v: special.lambertw(v).real, mpmath.lambertw, logs(1e-3, 1e4, beyond=-math.exp(-1))),
    "zeta": Function(special.zeta, mpmath.zeta, logs(1e-2, 30.0, beyond=1.0)),
    "elliptic K": Function(special.ellipk, mpmath.ellipk, within(1e-4)),
}


def cases(count=COUNT, names=tuple(FUNCTIONS)):
    """The functions (all, or those named), each at so many points."""
    found = []
    for name in names:
        function = FUNCTIONS[name]
        for v in function.points(count):
            gradient = exact_gradient(lambda x, m, exact=function.exact: exact(x[0]), [v])
            f = lambda x, double=function.double: float(double(x[0]))  # noqa: E731
            found.append(Case(f"{name} at {v:.6g}", f, np.array([v]), np.array(gradient)))
    return found


def table(count=COUNT, names=tuple(FUNCTIONS), verbose=False):
    """One row of figures, over all functions."""
    return {"exact": {f"{len(names)} functions": study(exact, problems=cases(count, names), verbose=verbose)}}
