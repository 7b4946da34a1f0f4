"""Whatever is given to a verb, what comes out is a result, f's own exception, or an error of the fitting type."""

import fractions
import warnings
from decimal import Decimal

import hostile
import numpy as np
import pandas as pd
import polars as pl
import pytest

import fastgrad as fg

X = np.array([1.0, 2.0])


def squares(x):
    return float(np.sum(np.square(x)))


@pytest.mark.parametrize("block", range(10))
def test_every_verb_with_everything(block):
    """Of many more the command is ``python tests/hostile.py 100000``."""
    findings = [finding for finding in map(hostile.call, range(50 * block, 50 * block + 50)) if finding[1]]
    assert not findings


def test_the_calls_reach_every_verb_and_end_both_ways():
    """A generator of which every call fails at once would show nothing."""
    ended = {True: 0, False: 0}

    def judged(error, *given):
        ended[False] += 1

    own, hostile.judged = hostile.judged, judged
    try:
        said = [hostile.call(number)[0] for number in range(300)]
    finally:
        hostile.judged = own
    ended[True] = 300 - ended[False]
    assert min(ended.values()) > 75
    verbs = {text.partition(": ")[2].rpartition(" at ")[0].partition(" at ")[0] for text in said}
    assert len(verbs) > 0.9 * len(hostile.CALLS)
    named = {name.split(",")[0].split(" of ")[0] for name in hostile.CALLS}
    missing = (
        set(fg.__all__)
        - named
        - {"grid", "stencils", "testing"}
        - {type(make()).__name__ for make in hostile.RECORDS.values()}
    )
    assert missing <= {"Mismatch"}
    assert {f"grid.{name}" for name in fg.grid.__all__} - named <= {"grid.Coordinates", "grid.gradient_magnitude"}


@pytest.mark.parametrize("error", [OverflowError("large"), ZeroDivisionError("by zero"), OSError("no file")])
def test_what_was_not_promised_is_a_finding(error, monkeypatch):
    def verb(f, x, source):
        raise error

    monkeypatch.setattr(hostile, "CALLS", {"verb": (verb, "scalar")})
    assert type(error).__name__ in hostile.call(1)[1]
    monkeypatch.setattr(hostile, "CALLS", {"verb": (lambda f, x, source: np.full(3, hostile.POISON), "scalar")})
    assert hostile.call(1)[1] == "a number that nobody has written"


# --- What was found ----------------------------------------------------------------------------------------------

HUGE = 10**400


@pytest.mark.parametrize("value", [HUGE, fractions.Fraction(HUGE, 3)], ids=["int", "fraction"])
@pytest.mark.parametrize("option", ["step", "typical_x", "noise", "bounds"])
def test_numbers_that_are_too_large_for_an_option(option, value):
    for given in (value, [1.0, value]) if option in ("step", "typical_x") else (value,):
        with pytest.raises(ValueError, match=r"too large|noise is inf"):
            fg.gradient(squares, X, **{option: (given, None) if option == "bounds" else given})


def test_numbers_that_are_too_large_elsewhere():
    for verb in (fg.jvp, fg.directional):
        with pytest.raises(ValueError, match=r"v\[1\] is too large"):
            verb(squares, X, [1.0, HUGE])
    ended = fg.gradient_descent(squares, X, grad=lambda x: 2 * x, learning_rate=lambda k: HUGE)
    assert ended.message == "ended by ValueError: learning_rate at iteration 0 is too large for float64"
    with pytest.raises(ValueError, match=r"the coordinates\[1\] is too large"):
        fg.grid.gradient(np.ones(3), [0, HUGE, 1])
    with pytest.raises(ValueError, match="the spacing is too large"):
        fg.grid.gradient(np.ones(3), HUGE)
    with pytest.raises(ValueError, match="the value beside the gradient is too large"):
        fg.check_grad(squares, lambda x: (HUGE, 2 * x), X)


@pytest.mark.parametrize("wrapped", [lambda y: y, lambda y: [y], lambda y: np.array(y, dtype=object)])
@pytest.mark.parametrize("value", [HUGE, fractions.Fraction(HUGE, 3)], ids=["int", "fraction"])
def test_numbers_that_are_too_large_from_f(value, wrapped):
    value = wrapped(value)
    with pytest.raises(ValueError, match=r"what f returned.* is too large for float64"):
        fg.gradient(lambda x: value, X)
    with pytest.raises(ValueError, match=r"what f returned.* is too large for float64"):
        fg.jacobian(lambda x: value, X)


def test_numbers_of_other_types_from_f_are_numbers():
    """Decimals and fractions in whatever they come in: to rounding, these have the derivative 2 x."""
    for make in (Decimal, fractions.Fraction):
        for wrapped in (lambda y: y, lambda y: [y], lambda y: np.array(y, dtype=object)):
            found = fg.gradient(lambda x, w=wrapped, m=make: w(sum(m(float(each)) ** 2 for each in x)), X)
            np.testing.assert_allclose(found, 2 * X, rtol=1e-8)


NO_NUMBERS = {
    "texts": np.array(["1.5", "2.5"]),
    "objects of texts": np.array(["1.5", "2.5"], dtype=object),
    "list of texts": ["1.5", "2.5"],
    "dates": np.array(["2020-01-01", "2021-01-01"], dtype="M8[D]"),
    "times": np.array([1, 2], dtype="m8[s]"),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "the masked": np.ma.masked,
    "missing": np.array([None, 1.0]),
    "records": np.ones(2, dtype=[("a", "f8")]),
    "ragged": [[1.0, 2.0], [3.0]],
    "endless": hostile.VALUES["huge length"](),
    "raising": hostile.VALUES["raising"](),
    "raising ValueError": hostile.VALUES["raising ValueError"](),
}


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_numbers_is_never_made_some(value):
    """NumPy makes 1.5 of "1.5", days of a date, NaN of None, and of what is masked what lies below."""
    value = NO_NUMBERS[value]
    for verb in (fg.gradient, fg.jacobian, fg.hessian, fg.differentiate, fg.noise_level, fg.gradient_descent):
        with pytest.raises((TypeError, ValueError)):
            verb(lambda x: value, X)
        with pytest.raises((TypeError, ValueError)):
            verb(squares, value)
    for vectorized in (True, "columns"):
        with pytest.raises((TypeError, ValueError)):
            fg.gradient(lambda X: value, X, vectorized=vectorized)
    for name in ("step", "typical_x"):
        with pytest.raises((TypeError, ValueError)):
            fg.gradient(squares, X, **{name: value})
    with pytest.raises((TypeError, ValueError)):
        fg.directional(squares, X, value)
    with pytest.raises((TypeError, ValueError)):
        fg.check_grad(squares, lambda x: value, X)
    with pytest.raises((TypeError, ValueError)):
        fg.check_jacobian(np.square, x=X, jvp=lambda x, v: value)
    with pytest.raises((TypeError, ValueError)):
        fg.gradient_descent(squares, X, grad=lambda x: value)
    with pytest.raises((TypeError, ValueError)):
        fg.batch_gradient(squares, value)
    with pytest.raises((TypeError, ValueError)):
        fg.sensitivity(lambda X: value, np.random.default_rng(0).normal(size=(2, 2)))
    if getattr(value, "dtype", None) != "m8[s]":  # numbers of their own unit there, as to NumPy
        with pytest.raises((TypeError, ValueError)):
            fg.grid.Coordinates(value)


def test_results_that_are_no_numbers_are_no_edge_of_the_domain():
    """What NumPy raises for a ragged list is a ValueError, as of a function beyond its domain."""
    for value in ([[1.0], [1.0, 2.0]], hostile.VALUES["raising ValueError"]()):
        with pytest.raises(TypeError, match="what f returned is"):
            fg.gradient(lambda x, value=value: value if x[0] > 1 else squares(x), X)


def test_containers_that_contain_themselves():
    for make in (lambda: [], lambda: {}, lambda: [[1.0], 2.0]):
        x = make()
        x.append(x) if isinstance(x, list) else x.update(a=x)
        with pytest.raises(TypeError, match="nested more than 64 deep, or contains itself"):
            fg.gradient(squares, x)
        with pytest.raises(TypeError, match=r"nested more than 64 deep, or contains itself|expected a number"):
            fg.gradient(squares, X, step=x)


def test_nothing_to_vary():
    """Not a division by zero."""
    for X_ in (np.empty((3, 0)), pd.DataFrame({"a": list("abc")}), pd.DataFrame(index=range(3))):
        with pytest.raises(ValueError, match="X has no numeric columns"):
            fg.sensitivity(lambda X: np.zeros(len(X)), X_)
    with pytest.raises(ValueError, match="features is empty"):
        fg.sensitivity(lambda X: np.zeros(len(X)), np.arange(6.0).reshape(3, 2), features=[])


@pytest.mark.parametrize(
    "x", [np.empty(0), {}, [], (), {"a": np.empty(0)}, pd.Series([], dtype=float), np.empty((0, 2))]
)
def test_no_coordinate_has_a_name_where_there_is_none(x):
    for index in ("x[0]", "x", "a[0]", 0, -1, (0,), (0, 0)):
        with pytest.raises(IndexError):
            fg.partial(lambda x: 1.0, x, index)


def test_lists_of_names_that_lie():
    for value in ("raising length", "negative length", "huge length", "iterator"):
        for name in ("features", "outputs"):
            with pytest.raises(TypeError, match=f"{name} is .*; expected a list"):
                fg.sensitivity(lambda X: X[:, 0], np.eye(3), **{name: hostile.VALUES[value]()})


def test_records_say_what_they_were_asked_with():
    found = fg.sensitivity(lambda X: X[:, 0], np.arange(6.0).reshape(3, 2) ** 1.1)
    derivative = fg.differentiate(squares, X)
    for most, kind in (("2", TypeError), (1.5, TypeError), (None, TypeError), (-1, ValueError)):
        with pytest.raises(kind, match="most is"):
            derivative.table(most)
        with pytest.raises(kind, match="most is"):
            found.plot([None, None], most=most)
    for output, kind in ((1, ValueError), (-2, ValueError), (1.0, TypeError), (None, TypeError)):
        with pytest.raises(kind, match="output is"):
            found.plot([None, None], output=output)


def test_options_that_compare_in_ways_of_their_own():
    frame = pl.DataFrame({"a": ["x"]})
    for name in ("order", "boundary", "edge_order", "axis", "workers"):
        for value in (frame, np.ones(2), hostile.VALUES["words that raise"]()):
            with pytest.raises(TypeError, match=f"{name} is|{name}="):
                fg.grid.gradient(np.ones(5), **{name: value})


class Stop(BaseException):
    pass


ERRORS = [
    Stop,
    SystemExit,
    KeyboardInterrupt,
    GeneratorExit,
    StopIteration,
    RecursionError,
    MemoryError,
    AssertionError,
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("options", [{}, {"method": "adaptive"}, {"vectorized": True}, {"bounds": (0, 9)}])
def test_an_exception_of_any_kind_comes_out_as_it_is(error, options):
    raised, calls, at = error("mine"), [], 1 if "vectorized" in options else 2

    def f(x):
        calls.append(1)
        if len(calls) == at:
            raise raised
        return np.sum(np.square(x), axis=-1)

    with pytest.raises(error) as caught:
        fg.gradient(f, X, **options)
    assert caught.value is raised


def test_no_warnings_and_errors_of_numpy_besides_those_of_f():
    """Numbers at the ends of their range, where NumPy was told to raise; an exact derivative stays exact."""
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in ([1e-310], [1e-200, 1e-200], [1e300, -1e300]):
            np.testing.assert_allclose(fg.gradient(lambda x: 3.0 * x[0], np.array(x))[0], 3.0, rtol=1e-7)
            assert fg.check_grad(lambda x: 3.0 * x[0], [3.0] + [0.0] * (len(x) - 1), np.array(x)).verdict == "right"
            found = fg.plan_jacobian(lambda x: 1.0 * x, np.array(x))(x).toarray()
            np.testing.assert_allclose(found, np.eye(len(x)), rtol=1e-7)
        fg.check_jacobian(lambda x: np.array([1e308, -1e308]), np.full((2, 2), 1e308), X)
        fg.differentiate(lambda x: 1e-310, 1e-310, deriv=2)
        fg.grid.Coordinates([-1.7e308, 1e307, 1.7e308])
        fg.sensitivity(lambda X: np.zeros(len(X)), np.array([[1e300, -1e300], [1e-300, 2.0], [1e308, 1.0]]))
