"""x of every kind: what f gets, what comes back, and what the coordinates are called."""

import copy
import dataclasses
import pickle

import numpy as np
import optree
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import (
    FRAME,
    KINDS,
    LIKE_X,
    SERIES,
    VERBS,
    Layer,
    Pair,
    described,
    half_squares,
    labelled,
    numbers,
    squares,
)

import fastgrad as fg
from fastgrad.core.layout import ArrayLayout, NumberLayout
from fastgrad.core.matrix_layout import HessianLayout, JacobianLayout
from fastgrad.core.point import as_point, tree_point


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_f_gets_and_what_comes_back(verb, kind):
    x, expected = KINDS[kind]
    call, function = VERBS[verb]
    got = []

    def f(x):
        got.append(described(x))
        return function(x)

    result = call(f, x)
    assert got
    assert all(each == described(expected) for each in got)
    if verb.partition(",")[0].removesuffix(" of grad") in LIKE_X and "vector" not in verb and "second" not in verb:
        assert described(result) == described(expected)
        # The gradient of half the squares is x; descents end near 0.
        if "descent" not in verb:
            np.testing.assert_allclose(numbers(result), numbers(expected), rtol=1e-6)
    if "check" in verb:
        assert result.verdict == "right"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("float", "int", "bool")])
def test_the_complex_step(kind):
    """The argument of f is complex, and as it is otherwise."""
    x, expected = KINDS[kind]
    for verb in (fg.gradient, fg.hessian):
        found = verb(half_squares, x, method="complex")
        if verb is fg.gradient:
            assert described(found) == described(expected)
            np.testing.assert_allclose(numbers(found), numbers(expected), rtol=1e-12)
    product = fg.hvp(half_squares, x, x, method="complex")
    np.testing.assert_allclose(numbers(product), numbers(expected), rtol=1e-8)
    np.testing.assert_allclose(fg.jvp(squares, x, x, method="complex"), 2 * np.square(numbers(expected)), rtol=1e-12)


def test_arguments_of_their_own():
    """A tuple of argnums is no array: f gets its arguments one by one."""
    got = []

    def f(x, y, z):
        got.append((described(x), described(y)))
        return x * y.sum() + z

    dx, dy = fg.grad(f, argnums=(0, 1))(2.0, [3.0, 4.0], 1.0)
    assert set(map(repr, got)) == {repr((described(1.0), described(np.ones(2))))}
    assert isinstance(dx, float)
    assert dx == pytest.approx(7.0)
    np.testing.assert_allclose(dy, [2.0, 2.0], rtol=1e-8)
    both = fg.grad(lambda x, y: x**2 * y, argnums=(0, 1))(2.0, 3.0)
    assert type(both) is tuple
    assert both == pytest.approx((12.0, 4.0))


def test_workers_get_the_same_kinds():
    # Defined here they travel by value: a worker cannot import this file.
    def product(x, y):
        return x * y["b"].sum()

    def of_labels(x):
        return x["a"] ** 2 * x["b"]

    dx, dy = fg.grad(product, argnums=(0, 1), workers=2)(2.0, {"b": [3.0, 4.0]})
    assert dx == pytest.approx(7.0)
    np.testing.assert_allclose(dy["b"], [2.0, 2.0], rtol=1e-8)
    np.testing.assert_allclose(fg.gradient(of_labels, SERIES, workers=2), [4.0, 1.0], rtol=1e-8)


# --- Round trips ---------------------------------------------------------------------------------------------------

finite = st.floats(-1e6, 1e6)
arrays = st.lists(st.integers(1, 3), max_size=3).map(lambda shape: np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
leaves = st.one_of(finite, finite.map(np.float64), arrays, finite.map(lambda v: pd.Series([v, 1.0], index=["a", "b"])))
keys = st.one_of(st.text(max_size=3), st.integers(-2, 2), st.booleans(), st.tuples(st.integers(0, 1)))


def containers(parts):
    return st.one_of(
        st.dictionaries(keys, parts, max_size=3),
        st.lists(parts, max_size=3),
        st.lists(parts, max_size=3).map(tuple),
        st.builds(Pair, parts, parts),
        st.builds(Layer, parts, parts),
        st.none(),
    )


trees = containers(st.recursive(leaves, containers, max_leaves=8)).filter(lambda x: x is not None)


def arranged(x):
    """Lists and tuples of numbers as arrays: what f gets."""
    if isinstance(x, dict):
        return {key: arranged(value) for key, value in x.items()}
    if isinstance(x, Pair):
        return Pair(*map(arranged, x))
    if dataclasses.is_dataclass(x):
        return Layer(arranged(x.W), arranged(x.b))
    if isinstance(x, list | tuple):
        return np.array(x) if 0 not in shape_of_lists(x) else type(x)(map(arranged, x))
    return x


def shape_of_lists(x):
    """The shape of numbers in lists and tuples; (0,) for anything else."""
    if isinstance(x, float):
        return ()
    if type(x) not in (list, tuple) or len({shape_of_lists(part) for part in x}) != 1:
        return (0,)
    return (len(x), *shape_of_lists(x[0]))


@given(trees)
@settings(deadline=None)
def test_round_trip(x):
    point = tree_point(x)
    expected = type(x)(map(arranged, x)) if type(x) in (list, tuple) else arranged(x)
    layout, values = point.layout, point.flat.copy()
    assert described(point.restore(values)) == described(expected)
    assert described(point.argument(values)) == described(expected)
    again = tree_point(point.restore(values))
    assert again.layout == layout
    np.testing.assert_array_equal(again.flat, values)
    for other in (pickle.loads(pickle.dumps(layout)), copy.copy(layout), copy.deepcopy(layout)):
        assert other == layout
        assert hash(other) == hash(layout)
        assert described(other.restore(values)) == described(expected)
    assert layout.n == values.size
    places = [place for _, place, _ in layout.leaves()]
    assert [k for place in places for k in range(place.start, place.stop)] == list(range(layout.n))
    assert [np.prod(shape, dtype=int) for *_, shape in layout.leaves()] == [p.stop - p.start for p in places]
    np.testing.assert_array_equal(layout.flat_values(point.restore(values), "x", exact=True), values)


@given(trees)
@settings(deadline=None)
def test_leaves_are_in_the_order_of_optree(x):
    # optree takes dataclasses for leaves.
    if "Layer" not in repr(x):
        expected = [np.ravel(leaf) for leaf in optree.tree_leaves(x)]
        np.testing.assert_array_equal(tree_point(x).flat, np.concatenate(expected) if expected else [])


@pytest.mark.parametrize("kind", KINDS)
def test_names_lead_back(kind):
    layout = as_point(KINDS[kind][0]).layout
    names = [layout.name(k) for k in range(layout.n)]
    assert len(set(names)) == layout.n
    for shown in (layout, JacobianLayout(3, layout), HessianLayout(layout)):
        names = [shown.name(k) for k in range(shown.n)]
        assert len(set(names)) == shown.n
        assert [shown.component(name) for name in names] == list(range(shown.n))
        assert [shown.component(k - shown.n) for k in range(shown.n)] == list(range(shown.n))
        assert shown.restore(np.arange(float(shown.n))) is not None
        assert pickle.loads(pickle.dumps(shown)) == shown


def test_names():
    x = {"W1": np.ones((4, 3)), "layers": [Layer(1.0, np.ones(2))], 3: Pair(1.0, [1.0, 2.0]), "a b": 1.0}
    layout = as_point(x).layout
    names = {layout.name(k) for k in range(layout.n)}
    assert names >= {"W1[3, 2]", "layers[0].W", "layers[0].b[1]", "x[3].left", "x[3].right[1]", "x['a b']"}
    assert [as_point([[1.0, 2.0]]).name(k) for k in range(2)] == ["x[0, 0]", "x[0, 1]"]
    assert as_point(2.0).name(0) == as_point(np.float64(2)).name(0) == as_point(np.array(2.0)).name(0) == "x"
    assert [as_point(SERIES).name(k) for k in range(2)] == ["x['a']", "x['b']"]
    assert as_point(FRAME).name(1) == "x['r', 'v']"
    times = pd.Series(1.0, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    assert as_point(times).name(1) == "x['b', 2]"
    assert as_point({"s": SERIES}).name(1) == "s['b']"
    assert JacobianLayout(2, layout).name(layout.n + layout.component("W1[3, 2]")) == "J[1, W1[3, 2]]"
    assert HessianLayout(as_point({"a": [1.0, 2.0], "b": 1.0}).layout).name(2) == "H[a[0], b]"
    assert HessianLayout(as_point(np.ones((2, 2))).layout).name(6) == "H[1, 2]"
    assert JacobianLayout(2, NumberLayout(of_numpy=False)).name(1) == "J[1]"
    assert HessianLayout(NumberLayout(of_numpy=False)).name(0) == "H"
    assert JacobianLayout(1, as_point(FRAME).layout).name(3) == "J[0, ('s', 'v')]"


def test_components():
    frame, series = as_point(FRAME).layout, as_point(SERIES).layout
    assert frame.component(("s", "u")) == frame.component((1, 0)) == frame.component((-1, "u")) == 2
    assert series.component("b") == series.component("x['b']") == series.component(-1) == series.component(("b",)) == 1
    assert fg.partial(labelled, SERIES, "b") == pytest.approx(1.0)
    hessian = HessianLayout(as_point({"a": [1.0, 2.0], "b": 1.0}).layout)
    assert hessian.component(("a[1]", "b")) == hessian.component("H[a[1], b]") == hessian.component((1, 2)) == 5
    assert JacobianLayout(4, ArrayLayout((3,))).component((-1, -1)) == 11
    assert JacobianLayout(4, NumberLayout(of_numpy=False)).component((2,)) == 2


@pytest.mark.parametrize(
    ("x", "index", "error", "text"),
    [
        (np.ones(2), 2, IndexError, "index 2 is out of range: x has 2 entries"),
        (np.ones((2, 3)), (0, 3), IndexError, "index 3 is out of range: x has 3 entries along axis 1"),
        (np.ones(2), (0, 0), IndexError, r"has 2 entries, but x has shape \(2,\)"),
        (np.ones(2), "y", IndexError, r"x has no entry named 'y'; the first is 'x\[0\]'"),
        (np.ones(2), 0.5, TypeError, "an integer, a tuple or a path, not 0.5"),
        ({"a": 1.0}, (0,), IndexError, "name its coordinate by a path such as 'a'"),
        (SERIES, "c", IndexError, "no entry named 'c'"),
        (FRAME, ("r", "w"), IndexError, "no label 'w' along axis 1"),
        (FRAME, ("r", "u", 0), IndexError, "has 3 entries"),
        ({}, "a", IndexError, "x has no entry named 'a'$"),
    ],
)
def test_no_such_component(x, index, error, text):
    with pytest.raises(error, match=text):
        as_point(x).component(index)


def test_no_such_entry_of_a_matrix():
    jacobian = JacobianLayout(2, ArrayLayout((3,)))
    with pytest.raises(IndexError, match="index 2 is out of range: J has 2 entries"):
        jacobian.component((2, 0))
    with pytest.raises(IndexError, match=r"has 1 entries, but J has shape \(2, 3\)"):
        jacobian.component((2,))


def test_layouts_differ():
    xs = [x for x, _ in KINDS.values()]
    layouts = [as_point(x).layout for x in xs]
    same = [(i, k) for i in range(len(xs)) for k in range(i) if layouts[i] == layouts[k]]
    names = list(KINDS)
    assert {frozenset((names[i], names[k])) for i, k in same} == {
        frozenset(pair)
        for pair in (
            ("float", "int"), ("float", "bool"), ("int", "bool"), ("NumPy scalar", "NumPy float32"),
            ("NumPy scalar", "NumPy integer"), ("NumPy float32", "NumPy integer"), ("array", "list"),
            ("array", "tuple"), ("list", "tuple"), ("matrix", "nested list"),
        )
    }  # fmt: skip
    assert as_point({"a": 1.0, "b": 2.0}).layout == as_point({"b": 1.0, "a": 2.0}).layout
    renamed = SERIES.rename_axis("letter")
    assert as_point(renamed).layout != as_point(SERIES).layout
    assert as_point(SERIES[::-1]).layout != as_point(SERIES).layout


def test_a_dict_keeps_its_order():
    found = fg.gradient(lambda p: p["b"] * 2 + p["a"], {"b": 1.0, "a": 2.0})
    assert list(found) == ["b", "a"]
    assert as_point({"b": 1.0, "a": 2.0}).flat.tolist() == [2.0, 1.0]
    # Keys that have no order stay as they come.
    mixed = {Pair: 1.0, "a": 2.0, 3: 3.0}
    assert list(fg.gradient(lambda p: p[3], mixed)) == [Pair, "a", 3]


def test_f_may_keep_and_overwrite_what_it_gets():
    kept = []

    def f(p):
        kept.append(p)
        value = (p["a"] ** 2).sum() * p["s"]["b"]
        p["a"][:] = np.nan
        p["s"]["a"] = np.nan
        return value

    found = fg.gradient(f, {"a": np.ones(2), "s": SERIES})
    np.testing.assert_allclose(found["a"], [4.0, 4.0], rtol=1e-8)
    np.testing.assert_allclose(found["s"], [0.0, 2.0], rtol=1e-8)
    kept.clear()

    def g(x):
        kept.append(x)
        return x["a"] ** 2 * x["b"]

    fg.gradient(g, SERIES)
    shifted = {(series["a"] != 1.0, series["b"] != 2.0) for series in kept}
    assert shifted == {(True, False), (False, True)}
    kept.clear()

    def h(x):
        kept.append(x)
        return x[0] ** 2 * x[1]

    fg.gradient(h, pl.Series([1.0, 2.0]))
    assert {(series[0] != 1.0, series[1] != 2.0) for series in kept} == {(True, False), (False, True)}
