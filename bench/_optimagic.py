"""The benchmark problems of optimagic, sums of squares, at three kinds of points; exact gradients by complex steps.

The gradients come from the problems' own code, run with the 80 bits of complex long doubles: a function is made again
from its code, with a `numpy` whose float64 is that type. A gradient that another step along one line contradicts is not
believed, and its problem is left out.
"""

import functools
import inspect
import types
import warnings

import numpy as np
from _cases import Case

SETS = ("more_wild", "cartis_roberts")
POINTS = ("starts", "moved", "solutions")
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
    """The gradient of the sum of squares, rounded, by complex steps in 80 bits; None where it cannot be had."""
    f, at = squares(wide(residuals)), x.astype(np.clongdouble)

    def moved(move):
        return f(at + move)

    try:
        with np.errstate(all="ignore"):
            gradient = np.array([moved(1j * _STEP * unit).imag / _STEP for unit in np.eye(x.size)])
            believed = np.isfinite(gradient).all() and _agrees(gradient, moved, x)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return gradient.astype(float) if believed else None


def _agrees(gradient, moved, x):
    """Whether real differences along one line say the same: a function that is not analytic has other ones."""
    line = np.where(x == 0, 1.0, x) * np.random.default_rng(x.size).uniform(0.5, 1.5, x.size)
    h = np.longdouble(1e-5)
    near, far, bent = _differences(moved, line, h), _differences(moved, line, 2 * h), 0
    slope, bent = (4 * near[0] - far[0]) / 3, abs(near[1])
    return abs(slope - gradient @ line) <= 1e-6 * (np.abs(gradient * line).sum() + bent)


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

    return least_squares(residuals, start(problem), max_nfev=50).x


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
            gradient = exact_gradient(residuals, x)
        if gradient is None:
            left_out.append(name)
        else:
            found.append(Case(name, squares(residuals), x, gradient))
    return found, left_out
