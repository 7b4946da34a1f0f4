"""Options in x's structure; what x may not be; containers of other libraries."""

import copy
import pickle
import subprocess
import sys
from collections import OrderedDict, defaultdict, deque

import numpy as np
import optree
import pandas as pd
import polars as pl
import pytest
from kinds import (
    SERIES,
    Layer,
    half_squares,
    labelled,
)

import fastgrad as fg
from fastgrad.core.layout import ArrayLayout
from fastgrad.core.point import Point, as_point


@pytest.mark.parametrize(
    ("x", "v", "text"),
    [
        ({"a": np.ones(2), "b": 1.0}, {"a": np.ones(2)}, "v has 1 leaves, but x has 2"),
        ({"a": np.ones(2)}, {"c": np.ones(2)}, "v has c where x has a"),
        ({"a": np.ones(2)}, {"a": np.ones(3)}, r"a of v has shape \(3,\), which does not fit \(2,\), that of x"),
        ({"a": np.ones(2)}, np.ones(2), "v is ndarray, but x is a pytree"),
        (np.ones(2), np.ones(3), r"v has shape \(3,\), which does not fit \(2,\), that of x"),
        (SERIES, SERIES[::-1], "v has other labels than x, or in another order"),
        (SERIES, pd.Series([1.0, 2.0], index=["a", "c"]), "v has other labels than x"),
    ],
)
def test_directions_that_do_not_fit(x, v, text):
    with pytest.raises(ValueError, match=text):
        fg.directional(half_squares, x, v)


@pytest.mark.parametrize(
    ("x", "gradient", "error", "text"),
    [
        (np.ones(2), None, TypeError, "grad returned None; does it lack a return"),
        ({"a": 1.0}, None, TypeError, "grad returned None; does it lack a return"),
        (np.ones(2), np.ones(3), ValueError, r"grad returned shape \(3,\), but x has shape \(2,\)"),
        (np.ones(2), 1.0, ValueError, r"grad returned shape \(\), but x has shape \(2,\)"),
        (np.ones(2), np.array(["a", "b"]), TypeError, "grad returned dtype <U1"),
        ({"a": np.ones(2)}, 1.0, ValueError, "grad returned float, but x is a pytree"),
        ({"a": np.ones(2)}, np.ones(2), ValueError, "grad returned ndarray, but x is a pytree"),
        ({"a": np.ones(2)}, {"a": 1.0}, ValueError, r"a of grad's result has shape \(\), which does not fit \(2,\)"),
        (
            {"a": np.ones((2, 2))},
            {"a": np.ones(4)},
            ValueError,
            r"a of grad's result has shape \(4,\), which does not fit \(2, 2\)",
        ),
        (SERIES, SERIES[::-1], ValueError, "grad's result has other labels than x"),
        (SERIES, np.ones(3), ValueError, r"grad returned shape \(3,\)"),
    ],
)
def test_gradients_that_do_not_fit(x, gradient, error, text):
    def grad(x):
        return gradient

    calls = [lambda: fg.check_grad(half_squares, grad, x), lambda: fg.gradient_descent(half_squares, x, grad=grad)]
    if not isinstance(x, np.ndarray):
        calls += [lambda: fg.hessian(half_squares, x, grad=grad), lambda: fg.hvp(half_squares, x, x, grad=grad)]
    for call in calls:
        with pytest.raises(error, match=text):
            call()


def test_options_in_the_structure_of_x():
    x = {"a": np.array([1.0, 2.0]), "b": 3.0}
    for step, wanted in (
        ({"a": [1e-4, 1e-5], "b": 1e-4}, {0.0, 1e-4, 1e-5}),
        ({"a": 1e-4, "b": 1e-4}, {0.0, 1e-4}),
        (1e-4, {0.0, 1e-4}),
    ):
        shifts = set()

        def f(p, shifts=shifts):
            shifts.update(np.round(np.abs([*(p["a"] - x["a"]), p["b"] - x["b"]]), 9).tolist())
            return half_squares(p)

        fg.gradient(f, x, step=step)
        assert shifts == wanted
    both = fg.grad(lambda x, y: x**2 * y, argnums=(0, 1), step=(1e-3, 1e-2))(2.0, 3.0)
    assert both == pytest.approx((12.0, 4.0))
    lists = fg.directional(half_squares, [np.ones(2), np.ones(2)], [[1.0, 2.0], [3.0, 4.0]])
    assert lists == pytest.approx(10.0)
    with pytest.raises(ValueError, match=r"step is -1.0 for a\[1\]"):
        fg.gradient(half_squares, x, step={"a": [1e-4, -1.0], "b": 1e-4})
    with pytest.raises(ValueError, match=r"above the upper one at x\['b'\]"):
        fg.gradient(labelled, SERIES, bounds=(pd.Series([0.0, 5.0], index=["a", "b"]), 4.0))


# --- What x may not be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (None, TypeError, "^x is of type NoneType; expected a number, an array, a list or tuple of numbers"),
        ({1.0, 2.0}, TypeError, "^x is of type set; expected a number"),
        (len, TypeError, "^x is of type builtin_function_or_method; expected"),
        (object(), TypeError, "^x is of type object; expected"),
        (Layer, TypeError, "^x is of type type; expected"),
        ({"a": object()}, TypeError, "^a is of type object; expected"),
        ("1.0", TypeError, "^x has dtype <U3; expected real numbers"),
        ([1.0, "a"], TypeError, r"^x\[1\] has dtype <U1"),
        ({"w": ["a"]}, TypeError, r"^w\[0\] has dtype <U1"),
        (np.array([1.0, None]), TypeError, "^x has dtype object"),
        (np.array(["2020-01-01"], dtype="M8[D]"), TypeError, "^x has dtype datetime64"),
        (1j, TypeError, "^x is complex"),
        ([1.0, 2j], TypeError, "^x is complex"),
        ({"a": np.ones(2) * 1j}, TypeError, r"^a is complex \(complex128\)"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), TypeError, "^x has masked entries"),
        ([1.0, np.nan], ValueError, r"^x\[1\] is nan; derivatives need finite"),
        (np.inf, ValueError, "^x is inf; derivatives need finite"),
        ({"W": [[1.0, 2.0], [3.0, -np.inf]]}, ValueError, r"^W\[1, 1\] is -inf"),
        (np.float32("nan"), ValueError, "^x is nan"),
        (10**400, ValueError, "^x is too large for float64"),
        ([1, 10**400], ValueError, r"^x\[1\] is too large for float64"),
        ({"a": [[10**400]]}, ValueError, r"^a\[0, 0\] is too large for float64"),
        (np.array([1, "1e4000"], dtype=np.longdouble), ValueError, r"^x\[1\] is too large for float64"),
        (np.longdouble("1e4000"), ValueError, "^x is too large for float64"),
        (pd.Series(["a"]), TypeError, "^x has dtype (str|object)"),
        (pd.Series([1.0, np.nan], index=["a", "b"]), ValueError, r"^x\['b'\] is nan"),
        (pd.Series([1, None], dtype="Int64"), ValueError, r"^x\[1\] is nan"),
        (pd.DataFrame({"u": [1.0], "v": ["a"]}), TypeError, "^column 'v' of x has dtype (str|object)"),
        (pd.DataFrame({"u": [1.0], "v": [np.inf]}, index=["r"]), ValueError, r"^x\['r', 'v'\] is inf"),
        (pd.Series([1j]), TypeError, "^x has dtype complex128"),
        ({"s": pd.Series(["a"])}, TypeError, "^s has dtype"),
        (pl.Series(["a"]), TypeError, "^x has dtype String"),
        (pl.Series([1.0, None]), ValueError, r"^x\[1\] is nan"),
        (pl.DataFrame({"u": [1.0], "v": ["a"]}), TypeError, "^column 'v' of x has dtype String"),
    ],
)  # fmt: skip
def test_what_x_may_not_be(x, error, text):
    for verb in (fg.gradient, fg.jacobian, fg.hessian, fg.differentiate, fg.gradient_descent):
        if verb is fg.gradient_descent and x is None:
            continue
        with pytest.raises(error, match=text):
            verb(lambda x: 0.0, x)


def test_numbers_that_numpy_has_no_type_for():
    assert as_point(10**30).flat.tolist() == [1e30]
    assert as_point([2**63, -1, 10**30]).flat.tolist() == [2.0**63, -1.0, 1e30]
    assert as_point(np.array([1.25], dtype=np.longdouble)).flat.tolist() == [1.25]
    assert as_point(range(3)).flat.tolist() == [0.0, 1.0, 2.0]


def test_what_has_no_entries():
    for x, kind in (([], np.ndarray), ((), np.ndarray), ([[], []], np.ndarray), ({}, dict), ({"a": None}, dict)):
        found = fg.gradient(lambda x: 0.0, x)
        assert type(found) is kind
        assert as_point(x).n == 0
    assert fg.gradient(lambda x: 0.0, [[], []]).shape == (2, 0)


def test_points_pass_through():
    point = as_point({"a": 1.0})
    assert as_point(point) is point
    plain = Point(np.ones(3))
    assert plain.layout == ArrayLayout((3,))
    assert plain.layout is plain.layout
    assert not plain.is_tree
    assert point.is_tree


# --- Other containers, and no libraries ------------------------------------------------------------------------------


class Registered:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias


optree.register_pytree_node(
    Registered,
    lambda x: ((x.weight, x.bias), None, ("weight", "bias")),
    lambda _, parts: Registered(*parts),
    namespace=optree.registry.__GLOBAL_NAMESPACE,
)


def test_containers_that_optree_knows():
    x = OrderedDict(b=[1.0, 2.0], a=defaultdict(float, {"c": 3.0}))
    found = fg.gradient(lambda p: (p["b"] ** 2).sum() * p["a"]["c"], x)
    assert type(found) is OrderedDict
    assert list(found) == ["b", "a"]
    assert type(found["a"]) is defaultdict
    np.testing.assert_allclose(found["b"], [6.0, 12.0], rtol=1e-8)
    assert as_point(x).name(2) == "a.c"
    layout = as_point(x).layout
    assert pickle.loads(pickle.dumps(layout)) == layout == copy.deepcopy(layout)
    queue = fg.gradient(lambda p: p[0] * p[1], deque([2.0, 3.0], maxlen=5))
    assert queue == deque([pytest.approx(3.0), pytest.approx(2.0)], maxlen=5)
    assert queue.maxlen == 5
    own = fg.gradient(lambda p: p.weight[0] * p.bias, Registered([2.0], 3.0))
    assert type(own) is Registered
    assert (own.weight[0], own.bias) == pytest.approx((3.0, 2.0))
    assert as_point(Registered([2.0], 3.0)).name(0) == "weight[0]"
    inside = fg.gradient(lambda p: p["q"][0] * p["q"][1].W, {"q": deque([2.0, Layer(3.0)])})
    np.testing.assert_allclose(inside["q"][1].W, 2.0, rtol=1e-8)


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("optree", "pandas", "polars", "narwhals"):
            raise ImportError(name)
sys.meta_path.insert(0, Missing())
import dataclasses, collections
import numpy as np, fastgrad as fg
Pair = collections.namedtuple("Pair", "left right")
@dataclasses.dataclass
class Layer:
    W: object
    b: object
x = {"layers": [Layer(np.ones((2, 2)), 1.0), None], "pair": Pair(2.0, (np.float64(3.0), [1.0, 2.0]))}
f = lambda p: p["layers"][0].W.sum() * p["layers"][0].b * p["pair"].left * p["pair"].right[0] * p["pair"].right[1].sum()
found = fg.gradient(f, x)
assert abs(found["layers"][0].W - 18).max() < 1e-6 and abs(found["pair"].right[1] - 24).max() < 1e-6, found
assert abs(fg.hessian(f, x)["pair"].left["layers"][0].b - 36) < 1e-4
assert fg.gradient_descent(lambda p: (p["a"] - 1.0) ** 2, {"a": 0.0}).success
assert fg.gradient(lambda x: x.sum(), [1.0, 2.0]).shape == (2,)
assert fg.gradient(lambda p: p["b"] * p["a"], collections.OrderedDict(b=2.0, a=3.0)) == dict(b=3.0, a=2.0)
for other in (collections.defaultdict(float, a=1.0), {"a": collections.deque([1.0])}):
    try:
        fg.gradient(lambda p: 0.0, other)
    except ImportError as error:
        assert "needs optree: pip install 'fastgrad[pytrees]'" in str(error), error
    else:
        raise AssertionError(other)
"""


def test_the_usual_containers_need_no_library():
    done = subprocess.run([sys.executable, "-P", "-c", WITHOUT], capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_nothing_is_imported_for_an_x_that_does_not_need_it():
    code = (
        "import sys, fastgrad as fg; fg.gradient(lambda p: p['a'], {'a': 1.0}); fg.gradient(lambda x: x[0], [1, 2]); "
        "fg.hessian(lambda x: x**2, 2.0); "
        "print([m for m in ('optree', 'pandas', 'polars', 'narwhals', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
