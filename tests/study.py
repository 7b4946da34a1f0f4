"""How accurate, costly and honest a method with error bars is over a collection of problems, with and without noise."""

import math
import warnings
import zlib
from dataclasses import replace

import numpy as np
from make_problems import exact_gradient
from problems import PROBLEMS

import fastgrad as fg


class Float32:
    """Elementary functions in float32, for `Problem.formula`."""

    pi = np.float32(np.pi)

    def __getattr__(self, name):
        function = getattr(np, {"atan": "arctan", "asin": "arcsin", "acos": "arccos"}.get(name, name), None)
        if function is None:
            return lambda v: np.float32(getattr(math, name)(np.float32(v)))
        return lambda v: function(np.float32(v))


def exact(problem):
    """The function as it is."""
    return problem.f


def noisy(level):
    """The function with relative, normally distributed noise."""

    def make(problem):
        # A stream for each problem: one stream for all would be one draw.
        rng = np.random.default_rng([5, zlib.crc32(problem.name.encode())])

        def f(x):
            value = problem.f(x)
            return value * (1 + level * rng.standard_normal(np.shape(value)))

        return f

    return make


def narrow(problem):
    """The function computed in float32, where its numbers fit, and returned as a Python float."""
    if any(v and not 1e-6 < abs(v) < 1e6 for v in problem.x) or "scale" in problem.name or "1e200" in problem.name:
        return None
    m = Float32()

    def f(x):
        value = np.array(problem.formula([np.float32(v) for v in x], m), float)
        return value if value.ndim else float(value)

    return f


KINDS = {"exact": exact, "1e-10": noisy(1e-10), "1e-6": noisy(1e-6), "1e-3": noisy(1e-3), "float32": narrow}


def adaptive(f, x):
    """Value, error, whether flagged, evaluations a component."""
    d = fg.differentiate(f, x)
    return d.value, d.error, d.flags != "", d.nfev / x.size


def moved(seed):
    """The problems at other points, by up to 15%, with their exact gradients."""
    rng = np.random.default_rng(seed)
    found = []
    for problem in PROBLEMS:
        x = tuple((problem.point * (1 + rng.uniform(-0.15, 0.15, problem.point.size))).tolist())
        gradient = exact_gradient(problem.formula, x)
        found.append(replace(problem, x=x, _exact={problem.name: gradient}))
    return found


def digits(value, exact, error, scale=None):
    """Correct digits of each component; where the exact derivative (or scale) is 0, those of a bar that holds."""
    scale = np.abs(exact) if scale is None else scale
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -np.log10(np.abs(value - exact) / scale)
    found = np.where(scale == 0, np.where(np.abs(value - exact) <= error, 16.0, 0.0), found)
    return np.clip(np.nan_to_num(found, nan=0.0), 0.0, 16.0)


def study(make, method=adaptive, problems=PROBLEMS, verbose=False, zeros=True):
    """One row of the table: a dict of figures. Without ``zeros``, digits are those of derivatives that are not 0.

    A problem may say what its digits are relative to (``relative_to``), if not to its gradient.
    """
    all_digits, worst, nfev, covered, ratios, silent, unknown = [], [], [], [], [], 0, 0
    for problem in problems:
        f = make(problem)
        if f is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value, error, flagged, cost = method(f, problem.point)
        except (ArithmeticError, ValueError, IndexError):
            value = np.full(problem.gradient.size, np.nan)
            error, flagged, cost = np.full_like(value, np.inf), np.ones(value.size, bool), math.nan
        true = np.abs(value - problem.gradient)
        own = digits(value, problem.gradient, error, getattr(problem, "relative_to", None))
        holds = (true <= error) | np.isinf(error)
        counted = own if zeros else own[problem.gradient != 0]
        all_digits.extend(counted)
        worst.extend([counted.min()] if counted.size else [])
        nfev.extend([cost] * own.size)
        covered.extend(holds)
        usable = (true > 0) & np.isfinite(error)
        ratios.extend((error / np.where(usable, true, 1.0))[usable])
        unknown += int(np.isinf(error).sum())
        silent += int(((own < 3) & ~flagged & ~(error > 1e-3 * np.abs(value))).sum())
        if verbose and not holds.all():
            for i in np.flatnonzero(~holds):
                print(f"  {problem.name}[{i}]: {value[i]:.8g}, exact {problem.gradient[i]:.8g}, bar {error[i]:.1e}")
    return {
        "digits": np.median(all_digits),
        "worst": np.percentile(worst, 10),
        "evaluations": np.nanmedian(nfev),
        "most": np.nanmax(nfev),
        "covered": np.mean(covered),
        "bar/error": np.median(ratios) if ratios else math.nan,
        "silent": silent / len(covered),
        "no bar": unknown / len(covered),
    }
