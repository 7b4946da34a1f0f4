"""The benchmark problems of optimagic, sums of squares, at three kinds of points; exact gradients by complex steps.

The gradients come from the problems' own code, run with the 80 bits of complex long doubles: a function is made again
from its code, with a `numpy` whose float64 is that type. A gradient that another step along one line contradicts is not
believed, and its problem is left out.
"""

import functools
import inspect
import types
import warnings
from dataclasses import replace

import numpy as np
from _cases import Case, remembered
from study import adaptive, exact, study

SETS = ("more_wild", "cartis_roberts")
POINTS = ("starts", "moved", "solutions")
OF_CURVATURE = "  of curvature"
"""The row of solutions, where gradients themselves are rounding: digits relative to what `exact_gradient` says."""
_STEP = np.longdouble("1e-300")


class _Wide:
    """numpy, where float64 is a complex long double and nothing breaks the complex plane."""

    float64 = np.clongdouble

    def __getattr__(self, name):
        return getattr(np, name)

    def zeros(self, shape, dtype=np.clongdouble):
        return np.zeros(shape, dtype)

    def empty(self, shape, dtype=np.clongdouble):
        return np.empty(shape, dtype)

    def ones(self, shape, dtype=np.clongdouble):
        return np.ones(shape, dtype)

    def full(self, shape, value):
        return np.full(shape, value, np.clongdouble)

    def sign(self, z):
        return np.sign(np.real(z))

    def abs(self, z):
        return z * self.sign(z)


def bare(function):
    """The function as it was written: neither marked, nor compiled by Numba, with the arguments that it was given."""
    if isinstance(function, functools.partial):
        return functools.partial(bare(function.func), *function.args, **function.keywords)
    function = inspect.unwrap(function)
    return getattr(function, "py_func", function)


@functools.cache
def _wide_globals(module):
    """The globals of a module, with the functions of optimagic made again."""
    found = dict(vars(module)) | {"np": _Wide()}
    for name, value in found.items():
        if callable(value) and str(getattr(value, "__module__", "")).startswith("optimagic.benchmarking"):
            found[name] = _again(bare(value), found)
    return found


def _again(function, its_globals):
    return types.FunctionType(function.__code__, its_globals, function.__name__, function.__defaults__)


def wide(function):
    """The function made again, for complex long doubles."""
    if isinstance(function, functools.partial):
        return functools.partial(wide(function.func), *function.args, **function.keywords)
    return _again(function, _wide_globals(inspect.getmodule(function)))


def squares(residuals):
    """The sum of squares, as a function."""
    return lambda x: np.square(residuals(x)).sum()


def exact_gradient(residuals, x):
    """The gradient of the sum of squares, rounded, by complex steps in 80 bits, and what its digits are relative to.

    That is the gradient itself or, where it is larger, the curvature of Gauss and Newton times the coordinate: errors
    relative to it are relative errors of the place of the minimum. None where no gradient can be had.
    """
    again, at = wide(residuals), x.astype(np.clongdouble)

    def moved(move):
        return np.square(again(at + move)).sum()

    try:
        with np.errstate(all="ignore"):
            values = np.real(again(at))
            slopes = np.array([again(at + 1j * _STEP * unit).imag / _STEP for unit in np.eye(x.size)])
            gradient = 2 * slopes @ values
            believed = np.isfinite(gradient).all() and _agrees(gradient, moved, x)
    except (TypeError, ValueError, ArithmeticError):
        return None
    curvature = 2 * np.square(slopes).sum(axis=1)
    scale = np.maximum(np.abs(gradient), curvature * np.abs(x))
    return (gradient.astype(float), scale.astype(float)) if believed else None


def _agrees(gradient, moved, x):
    """Whether real differences along one line say the same: a function that is not analytic has other ones."""
    line = np.where(x == 0, 1.0, x) * np.random.default_rng(x.size).uniform(0.5, 1.5, x.size)
    h = np.longdouble(1e-7)
    near, far = _differences(moved, line, h), _differences(moved, line, 2 * h)
    slope, bent = (4 * near[0] - far[0]) / 3, abs(near[1])
    rounding = 100 * np.finfo(np.longdouble).eps * abs(moved(0 * line)) / h
    return abs(slope - gradient @ line) <= 1e-6 * (np.abs(gradient * line).sum() + bent) + rounding


def _differences(moved, line, h):
    """The first difference over 2h, the second over h: both slopes."""
    right, middle, left = (moved(t * line).real for t in (h, 0 * h, -h))
    return (right - left) / (2 * h), (right - 2 * middle + left) / h


def solution(problem, residuals):
    """The known solution; else what scipy's least squares find from the start."""
    known = np.asarray(problem["solution"]["params"], float)
    if np.isfinite(known).all():
        return known
    from scipy.optimize import least_squares

    return least_squares(residuals, start(problem), max_nfev=20).x


def start(problem):
    return np.array(problem["inputs"]["params"], float)


def point(problem, residuals, which, seed):
    """The point of a problem that is asked for."""
    if which == "solutions":
        return solution(problem, residuals)
    x = start(problem)
    if which == "moved":
        x = x * (1 + np.random.default_rng([seed, x.size]).uniform(-0.15, 0.15, x.size))
    return x


def cases(which, seed=1, names=None):
    """The problems (all, or those named) at one kind of points, and the names of those left out."""
    from optimagic.benchmarking.get_benchmark_problems import get_benchmark_problems

    found, left_out = [], []
    problems = {name: problem for each in SETS for name, problem in get_benchmark_problems(each).items()}
    for name in names or problems:
        residuals = bare(problems[name]["noise_free_fun"])
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            x = point(problems[name], residuals, which, seed)
            truth = exact_gradient(residuals, x)
        if truth is None:
            left_out.append(name)
        else:
            gradient, scale = truth
            found.append((Case(name, squares(residuals), x, gradient), scale))
    return found, left_out


def table(points=POINTS, seed=1, names=None, verbose=False):
    """Rows of figures, {kind of points: figures}, with a row of all of them; {kind of points: names left out}."""
    method, rows, left_out, everything = remembered(adaptive), {}, {}, []
    for which in points:
        found, left_out[which] = cases(which, seed, names)
        own = [case for case, _ in found]
        rows[which] = study(exact, method, own, verbose)
        everything += own
        if which == "solutions":
            scaled = [replace(case, relative_to=scale) for case, scale in found]
            rows[OF_CURVATURE] = study(exact, method, scaled)
    if len(points) > 1:
        rows["all"] = study(exact, method, everything)
    return {"exact": rows}, left_out
