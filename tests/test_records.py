"""What verbs return holds data: it pickles, copies, compares and unpacks."""

import copy
import copyreg
import dataclasses
import functools
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from makers import (
    HASHED,
    MAKERS,
    ROWS,
    TREE,
    Unpicklable,
    ended_by_an_exception,
    loss,
    of_tree,
    slope,
    vector,
)
from rosenbrock import rosenbrock

import fastgrad as fg
from fastgrad.core.layout import ArrayLayout
from fastgrad.core.matrix_layout import HessianLayout, JacobianLayout
from fastgrad.evaluate.functions import SERIAL
from fastgrad.records.record import same


@pytest.fixture(params=MAKERS)
def name(request):
    return request.param


@pytest.fixture
def record(name):
    return MAKERS[name]()


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickles_to_an_equal_record(record, protocol):
    again = pickle.loads(pickle.dumps(record, protocol))
    assert type(again) is type(record)
    assert again == record
    assert str(again) == str(record)
    assert pickle.dumps(again, protocol) == pickle.dumps(pickle.loads(pickle.dumps(again, protocol)), protocol)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_copies_to_an_equal_record(record, how):
    again = how(record)
    assert again == record
    assert repr(again) == repr(record)


@functools.cache
def one_of_each():
    return [make() for make in MAKERS.values()]


def test_equals_what_is_made_alike_and_nothing_else(name, record):
    assert [record == other for other in one_of_each()] == [name == other for other in MAKERS]
    assert (record == 1) is False
    assert (record != 1) is True
    assert type(record).__eq__(record, 1) is NotImplemented


def test_hash_only_without_arrays(name, record):
    if name in HASHED:
        assert hash(record) == hash(pickle.loads(pickle.dumps(record)))
        assert len({record, MAKERS[name]()}) == 1
    else:
        with pytest.raises(TypeError, match="unhashable"):
            hash(record)


@pytest.mark.parametrize("name", [name for name, make in MAKERS.items() if dataclasses.is_dataclass(make())])
def test_every_field_counts(name):
    record = MAKERS[name]()
    for field in dataclasses.fields(record):
        assert dataclasses.replace(record, **{field.name: "something else"}) != record, field.name


def test_every_number_counts():
    d = MAKERS["derivative at a kink"]()
    for place in np.ndindex(d._numbers.shape):
        other = copy.deepcopy(d)
        other._numbers[place] = 7.0
        assert other != d


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), False),
        (np.ones(2), np.ones((1, 2)), False),
        (np.ones(2), np.ones(2, dtype=np.float32), False),
        (np.array(["a", ""]), np.array(["a", ""]), True),
        (np.array([None, math.nan, "a"]), np.array([None, math.nan, "a"]), True),
        (np.float64("nan"), np.float64("nan"), True),
        (math.nan, float("nan"), True),
        (math.nan, 1.0, False),
        (1, 1.0, False),
        ({"a": [1, (2.0, math.nan)]}, {"a": [1, (2.0, float("nan"))]}, True),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [1], False),
        (ValueError("x"), ValueError("x"), True),
        (ValueError("x"), ValueError("y"), False),
        (pd.Series([1.0, np.nan]), pd.Series([1.0, np.nan]), True),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]}), False),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), True),
        (loss, loss, True),
        (loss, slope, False),
        (object(), object(), False),
        (int, int, True),
        (int, float, False),
    ],
)
def test_same(a, b, answer):
    assert same(a, b) is answer
    assert same([a], [b]) is answer


def test_same_of_users_objects():
    class Plain:
        def __init__(self, values):
            self.values = values

    class Compared(Plain):
        def __eq__(self, other):
            return self.values == other.values

    @dataclasses.dataclass
    class Data:
        values: object

    for kind in (Plain, Compared, Data):
        assert same(kind(np.ones(2)), kind(np.ones(2)))
        assert not same(kind(np.ones(2)), kind(np.zeros(2)))
        assert same(kind(np.array([math.nan])), kind(np.array([math.nan])))
        assert not same(kind(1), Plain if kind is not Plain else Data)
    sparse = pytest.importorskip("scipy.sparse")
    a, b = (sparse.csr_array([[1.0, 0.0], [0.0, 2.0]]) for _ in range(2))
    assert a.has_canonical_format  # which it now knows, and b does not
    assert same(a, b)
    assert not same(a, sparse.csr_array([[1.0, 0.0], [3.0, 2.0]]))


def test_an_exception_that_does_not_pickle_leaves_its_words(monkeypatch):
    # Libraries that other tests load may register a way to pickle every exception.
    monkeypatch.delitem(copyreg.dispatch_table, Unpicklable, raising=False)
    result = ended_by_an_exception()
    assert type(result.exception) is Unpicklable
    again = pickle.loads(pickle.dumps(result))
    assert type(again.exception) is RuntimeError
    assert str(again.exception) == "Unpicklable: beyond 1"
    assert again == result


def test_a_plan_and_a_gradient_work_after_pickling():
    at = np.array([0.5, 1.0, 2.0, 2.5])
    for name in ("plan", "plan within bounds", "plan in float32", "plan of complex steps"):
        plan, again = MAKERS[name](), pickle.loads(pickle.dumps(MAKERS[name]()))
        np.testing.assert_array_equal(again(at).toarray(), plan(at).toarray())
        assert again.nfev == plan.nfev
        assert again == plan
    for name in ("grad", "grad with options", "grad, adaptive", "value_and_grad"):
        g, again = MAKERS[name](), pickle.loads(pickle.dumps(MAKERS[name]()))
        assert repr(again(np.array([1.5, 2.0]))) == repr(g(np.array([1.5, 2.0])))


def test_a_copied_plan_counts_for_itself():
    plan = MAKERS["plan"]()
    again, before = copy.deepcopy(plan), plan.nfev
    again(np.ones(4))
    assert (plan.nfev, again.nfev) == (before, before + again.evaluations + 2)  # two to compare the first with f


def test_a_gradient_takes_the_short_way_after_pickling():
    for g in (pickle.loads(pickle.dumps(fg.grad(rosenbrock))), copy.deepcopy(fg.grad(rosenbrock))):
        assert g._how is SERIAL


def test_pickles_where_f_does_and_says_so_where_not():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(fg.grad(lambda x: x**2))
    pickle.dumps(fg.differentiate(lambda x: x**2, 1.0))
    pickle.dumps(fg.gradient_descent(lambda x: (x**2).sum(), np.ones(2)))
    pickle.dumps(fg.sensitivity(lambda X: X[:, 0], ROWS))


def test_coordinates_after_pickling_weigh_as_before():
    t = fg.grid.Coordinates([1.0, 2.0, 4.0, 5.0])
    before = fg.grid.gradient(np.array([1.0, 4.0, 16.0, 25.0]), t)
    again = pickle.loads(pickle.dumps(t))
    np.testing.assert_array_equal(fg.grid.gradient(np.array([1.0, 4.0, 16.0, 25.0]), again), before)
    assert again == t
    assert t != fg.grid.Coordinates([1.0, 2.0, 4.0, 6.0])


def test_value_and_error_unpack():
    value, error = fg.differentiate(loss, np.zeros(3))
    np.testing.assert_allclose(value, -2.0, atol=float(error.max()))
    assert (error < 1e-9).all()
    value, error = fg.differentiate(math.sin, 1.0)
    assert abs(value - math.cos(1.0)) <= error
    value, error = fg.differentiate(of_tree, TREE)
    assert value.keys() == error.keys() == {"W", "b"}
    value, error = fg.differentiate(vector, np.array([1.0, 2.0]))
    assert value.shape == error.shape == (3, 2)


def test_the_record_does_not_follow_x():
    x = np.array([1.0, 2.0])
    d = fg.differentiate(loss, x)
    x[:] = 7.0
    assert d == fg.differentiate(loss, np.array([1.0, 2.0]))


def test_names_of_a_matrix_need_no_matrix():
    n = 10**7  # n * n float64 would be 800 TB
    of = ArrayLayout((n,))
    assert JacobianLayout(n, of).name(3 * n + 4) == "J[3, 4]"
    assert HessianLayout(of).name(3 * n + 4) == "H[3, 4]"


def test_the_kind_of_frame_is_remembered():
    pandas, polars, array = (MAKERS[f"sensitivity{of}"]() for of in (" of pandas", " of polars", ""))
    assert (pandas.frame, polars.frame, array.frame) == ("pandas", "polars", "")
    assert type(pickle.loads(pickle.dumps(pandas)).to_frame()) is pd.DataFrame
    assert type(pickle.loads(pickle.dumps(polars)).to_frame()) is pl.DataFrame
    assert type(array.to_frame()) is pd.DataFrame
    missing = dataclasses.replace(array, frame="modin")
    with pytest.raises(ImportError, match="to_frame needs modin: pip install modin"):
        missing.to_frame()
