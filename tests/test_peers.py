"""Other libraries' own tests, run with fastgrad in the place of what they test."""

import functools

import numpy as np
import pytest

import fastgrad as fg

_METHODS = {"2-point": "forward", "3-point": "central", "cs": "complex"}


def approx_derivative(
    fun, x0, method="3-point", rel_step=None, abs_step=None, f0=None, bounds=(-np.inf, np.inf), sparsity=None,
    as_linear_operator=False, args=(), kwargs=None, workers=None,
):  # fmt: skip
    """`scipy.optimize._numdiff.approx_derivative` by fastgrad. Maps as workers are left out: ours are executors."""
    if method not in _METHODS:
        raise ValueError(f"Unknown method {method!r}")
    f = functools.partial(fun, **(kwargs or {}))
    step = abs_step
    if rel_step is not None and abs_step is None:
        step = np.abs(rel_step) * np.maximum(np.abs(x0), 1e-3)
    options = {"args": args, "method": _METHODS[method], "step": step}
    if method != "cs":
        options["bounds"] = bounds
    if as_linear_operator:
        return _Products(f, np.atleast_1d(np.asarray(x0, dtype=float)), options)
    if isinstance(sparsity, tuple):
        sparsity = sparsity[0]
    # Theirs gives f an array, also where x is a number.
    found = fg.jacobian(f, np.atleast_1d(x0), sparsity=sparsity, **options)
    return found[0] if sparsity is None and len(found) == 1 else found


class _Products:
    def __init__(self, f, x, options):
        self.f, self.x, self.options = f, x, options

    def dot(self, v):
        return fg.jvp(self.f, self.x, v, **self.options)


_APART = {
    "test_scalar_scalar_abs_step": "1e-9 asked for of a step at which rounding alone may be 1e-8",
    "test_vector_scalar_abs_step": "likewise",
    "test_vector_scalar": "1e-7 asked for of sin(100 x): our default step, 1.4 of theirs, gives 1.3e-7",
    "test_workers_evaluations_and_nfev": "its map-like workers and its count of evaluations",
    "test_wrong_dimensions": "functions of any shape are taken here, entries in C order",
    "test_fp": "x is float64 here, whatever it is given as; precision is noticed from values",
    "test_check_dtype": "derivatives are float64 here, whatever x is",
    "test_exception": "its linear operators have no bounds; ours have",
}


def _scipys():
    try:
        from scipy.optimize.tests import test__numdiff as theirs
    except ImportError:
        return []
    classes = (
        theirs.TestApproxDerivativesDense,
        theirs.TestApproxDerivativeSparse,
        theirs.TestApproxDerivativeLinearOperator,
    )
    return [
        pytest.param(theirs, cls, name, id=f"{cls.__name__}.{name}")
        for cls in classes
        for name in dir(cls)
        if name.startswith("test_") and name not in _APART
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("module", "cls", "name"), _scipys())
def test_scipys_tests_of_approx_derivative(module, cls, name, monkeypatch):
    monkeypatch.setattr(module, "approx_derivative", approx_derivative)
    tests = cls()
    if hasattr(tests, "setup_method"):
        tests.setup_method()
    getattr(tests, name)()


def _numpys():
    try:
        from numpy.lib.tests import test_function_base as theirs
    except ImportError:
        return []
    names = [name for name in dir(theirs.TestGradient) if name.startswith("test_")]
    cases = []
    for name in names:
        test = getattr(theirs.TestGradient, name)
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        for value in marks[0].args[1] if marks else [None]:
            given = () if value is None else (value,)
            cases.append(pytest.param(theirs, name, given, id="-".join([name, *(v.__name__ for v in given)])))
    return cases


def test_theirs_are_there():
    """Without them, what follows would be skipped without a word."""
    assert len(_scipys()) > 15
    assert len(_numpys()) > 15


@pytest.mark.parametrize(("module", "name", "given"), _numpys())
def test_numpys_tests_of_gradient(module, name, given, monkeypatch):
    monkeypatch.setattr(module, "gradient", fg.grid.gradient)
    monkeypatch.setattr(np, "gradient", _without_going_in_circles(np.gradient))
    getattr(module.TestGradient(), name)(*given)


def _without_going_in_circles(numpys):
    """`numpy.gradient` replaced; what fastgrad leaves to NumPy reaches NumPy."""
    inside = []

    def gradient(*args, **kwargs):
        if inside:
            return numpys(*args, **kwargs)
        inside.append(True)
        try:
            return fg.grid.gradient(*args, **kwargs)
        finally:
            inside.pop()

    return gradient
