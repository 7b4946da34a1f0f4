"""x of every kind: what f gets, what comes back, and what the coordinates are called."""

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np
import optree
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgrad as fg
from fastgrad.core.layout import ArrayLayout, NumberLayout
from fastgrad.core.matrix_layout import HessianLayout, JacobianLayout
from fastgrad.core.point import Point, as_point, tree_point

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Layer:
    W: object
    b: object = None
    size: int = dataclasses.field(default=0, init=False)


SERIES = pd.Series([1.0, 2.0], index=["a", "b"], name="price")
FRAME = pd.DataFrame({"u": [1.0, 2.0], "v": [3, 4]}, index=["r", "s"])

# name: (x, what f gets)
KINDS = {
    "float": (2.0, 2.0),
    "int": (3, 3.0),
    "bool": (True, 1.0),
    "NumPy scalar": (np.float64(2.0), np.float64(2.0)),
    "NumPy float32": (np.float32(2.0), np.float64(2.0)),
    "NumPy integer": (np.int8(2), np.float64(2.0)),
    "0-d array": (np.array(2.0), np.array(2.0)),
    "array": (np.array([1.0, 2.0]), np.array([1.0, 2.0])),
    "matrix": (np.array([[1, 2], [3, 4]], dtype=">i2"), np.array([[1.0, 2.0], [3.0, 4.0]])),
    "list": ([1.0, 2.0], np.array([1.0, 2.0])),
    "tuple": ((1, np.float32(2.0)), np.array([1.0, 2.0])),
    "nested list": ([(1, 2.0), [3, True]], np.array([[1.0, 2.0], [3.0, 1.0]])),
    "ragged list": ([[1.0, 2.0], [3.0]], [np.array([1.0, 2.0]), np.array([3.0])]),
    "list of arrays": ([np.ones(2), np.ones((1, 2))], [np.ones(2), np.ones((1, 2))]),
    "number and list": ((1.0, [2.0]), (1.0, np.array([2.0]))),
    "dict": ({"b": np.ones(2), "a": 1}, {"b": np.ones(2), "a": 1.0}),
    "dict of lists": ({"w": [1, 2], "t": (0.5,)}, {"w": np.array([1.0, 2.0]), "t": np.array([0.5])}),
    "namedtuple": (Pair(1.0, 2), Pair(1.0, 2.0)),
    "dataclass": (Layer(np.ones((1, 2)), np.float32(2)), Layer(np.ones((1, 2)), np.float64(2))),
    "nested": ({1: [Layer([1.0]), {"p": Pair(1.0, None)}, []]}, {1: [Layer(np.ones(1)), {"p": Pair(1.0, None)}, []]}),
    "Series": (SERIES, SERIES),
    "Series of Int64": (pd.Series([1, 2], index=[5, 7], dtype="Int64"), pd.Series([1.0, 2.0], index=[5, 7])),
    "DataFrame": (FRAME, FRAME.astype(float)),
    "dict of a Series": ({"s": SERIES}, {"s": SERIES}),
    "polars Series": (pl.Series("q", [1, 2]), pl.Series("q", [1.0, 2.0])),
    "polars DataFrame": (pl.DataFrame({"u": [1, 2]}), pl.DataFrame({"u": [1.0, 2.0]})),
}


def described(x):
    """Types, shapes and labels all through x."""
    if isinstance(x, dict):
        return {key: described(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x), [described(part) for part in x]
    if dataclasses.is_dataclass(x):
        return type(x), [described(getattr(x, field.name)) for field in dataclasses.fields(x) if field.init]
    if isinstance(x, pd.Series):
        return pd.Series, x.name, list(x.index), x.dtype
    if isinstance(x, pd.DataFrame):
        return pd.DataFrame, list(x.index), list(x.columns), list(x.dtypes)
    if isinstance(x, pl.Series | pl.DataFrame):
        return type(x), x.shape, getattr(x, "name", None), getattr(x, "columns", None)
    return type(x), getattr(x, "shape", None), getattr(x, "dtype", None)


def numbers(x):
    """All numbers in x, in the order of its coordinates."""
    if x is None:
        return []
    if isinstance(x, dict):
        return [number for key in sorted(x) for number in numbers(x[key])]
    if isinstance(x, list | tuple):
        return [number for part in x for number in numbers(part)]
    if dataclasses.is_dataclass(x):
        return numbers(x.W) + numbers(x.b)
    return np.ravel(x.to_numpy() if isinstance(x, pl.Series | pl.DataFrame) else x).tolist()


def half_squares(x):
    """Its gradient is x itself, its Hessian the identity."""
    return 0.5 * sum(number * number for number in numbers(x))


def squares(x):
    return np.array([number * number for number in numbers(x)])


def itself(x):
    return x


def at(verb, **options):
    return lambda f, x: verb(f, x, **options)


# name: (a call of the verb, the function that it takes)
VERBS = {
    "gradient": (at(fg.gradient), half_squares),
    "gradient, bounds": (at(fg.gradient, bounds=(0.5, 9.0)), half_squares),
    "gradient, forward": (at(fg.gradient, method="forward"), half_squares),
    "gradient, adaptive": (at(fg.gradient, method="adaptive"), half_squares),
    "gradient, summed": (at(fg.gradient, summed=True), lambda x: 0.5 * squares(x)),
    "grad": (lambda f, x: fg.grad(f)(x), half_squares),
    "value_and_grad": (lambda f, x: fg.value_and_grad(f)(x)[1], half_squares),
    "partial": (lambda f, x: fg.partial(f, x, 0), half_squares),
    "second partial": (lambda f, x: fg.partial(f, x, 0, -1), half_squares),
    "directional": (lambda f, x: fg.directional(f, x, x), half_squares),
    "differentiate": (lambda f, x: fg.differentiate(f, x).value, half_squares),
    "differentiate, vector": (at(fg.differentiate), squares),
    "differentiate, second": (at(fg.differentiate, deriv=2), half_squares),
    "noise_level": (at(fg.noise_level), half_squares),
    "jacobian": (at(fg.jacobian), squares),
    "jvp": (lambda f, x: fg.jvp(f, x, x), squares),
    "hessian": (at(fg.hessian), half_squares),
    "hessian of grad": (lambda f, x: fg.hessian(half_squares, x, grad=f), itself),
    "hvp": (lambda f, x: fg.hvp(f, x, x), half_squares),
    "hvp of grad": (lambda f, x: fg.hvp(half_squares, x, x, grad=f), itself),
    "check_grad": (lambda f, x: fg.check_grad(f, itself, x), half_squares),
    "check_grad, grad": (lambda f, x: fg.check_grad(half_squares, f, x), itself),
    "gradient_descent": (lambda f, x: fg.gradient_descent(f, x, maxiter=2).x, half_squares),
    "gradient_descent, grad": (lambda f, x: fg.gradient_descent(half_squares, x, grad=f, maxiter=2).jac, itself),
}
LIKE_X = ("gradient", "grad", "value_and_grad", "differentiate", "hvp", "gradient_descent")


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


def labelled(x):
    return x["a"] ** 2 * x["b"]


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


# --- Matrices ------------------------------------------------------------------------------------------------------

A, B = 1.5, np.array([[1.0, 2.0], [-1.0, 0.5]])


def cubic(p):
    """a² Σ b² + Σ b³."""
    return p["a"] ** 2 * (p["b"] ** 2).sum() + (p["b"] ** 3).sum()


def cubic_gradient(p):
    return {"b": 2 * p["a"] ** 2 * p["b"] + 3 * p["b"] ** 2, "a": 2 * p["a"] * (p["b"] ** 2).sum()}


def cubic_hessian(a, b):
    square = np.diag((2 * a**2 + 6 * b).ravel()).reshape(2, 2, 2, 2)
    return {"a": {"a": 2 * (b**2).sum(), "b": 4 * a * b}, "b": {"a": 4 * a * b, "b": square}}


@pytest.mark.parametrize(
    ("options", "rtol"),
    [({}, 1e-5), ({"method": "forward"}, 1e-3), ({"order": 4}, 1e-7), ({"method": "complex"}, 1e-8),
     ({"grad": cubic_gradient}, 1e-8), ({"bounds": ({"a": A, "b": -9.0}, 9.0)}, 1e-4),
     ({"step": {"a": 1e-3, "b": np.full((2, 2), 1e-3)}}, 1e-4), ({"typical_x": {"a": 2.0, "b": 1.0}}, 1e-5)],
)  # fmt: skip
def test_a_hessian_of_a_dict_is_a_dict_of_dicts(options, rtol):
    found = fg.hessian(cubic, {"a": A, "b": B}, **options)
    exact = cubic_hessian(A, B)
    assert isinstance(found["a"]["a"], float)
    for i in "ab":
        for j in "ab":
            assert np.shape(found[i][j]) == np.shape(exact[i][j])
            np.testing.assert_allclose(found[i][j], exact[i][j], rtol=rtol, atol=30 * rtol)


def outputs(p):
    return np.array([p["a"] ** 2, (p["b"] ** 2).sum(), p["a"] * p["b"][0, 1]])


JACOBIAN = {
    "a": np.array([2 * A, 0.0, B[0, 1]]),
    "b": np.stack([np.zeros((2, 2)), 2 * B, np.array([[0.0, A], [0.0, 0.0]])]),
}


@pytest.mark.parametrize("options", [{}, {"order": 4}, {"method": "complex"}, {"bounds": ({"a": A, "b": -9.0}, 9.0)}])
def test_a_jacobian_of_a_dict_is_a_dict(options):
    found = fg.jacobian(outputs, {"a": A, "b": B}, **options)
    assert found["a"].shape == (3,)
    assert found["b"].shape == (3, 2, 2)
    for key in "ab":
        np.testing.assert_allclose(found[key], JACOBIAN[key], rtol=1e-7, atol=1e-7)
    v = {"a": 2.0, "b": np.array([[1.0, 0.0], [0.5, -1.0]])}
    exact = JACOBIAN["a"] * v["a"] + np.einsum("mij,ij", JACOBIAN["b"], v["b"])
    np.testing.assert_allclose(fg.jvp(outputs, {"a": A, "b": B}, v, **options), exact, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    "options", [{}, {"grad": cubic_gradient}, {"method": "complex"}, {"typical_x": {"a": 1, "b": 2}}]
)
def test_products_with_a_hessian_have_the_structure_of_x(options):
    v = {"a": 2.0, "b": np.array([[1.0, 0.0], [0.5, -1.0]])}
    exact = cubic_hessian(A, B)
    found = fg.hvp(cubic, {"b": B, "a": A}, v, **options)
    assert list(found) == ["b", "a"]
    assert isinstance(found["a"], float)
    assert found["a"] == pytest.approx(exact["a"]["a"] * 2.0 + (exact["a"]["b"] * v["b"]).sum(), rel=1e-6)
    expected = exact["b"]["a"] * 2.0 + np.einsum("ijkl,kl", exact["b"]["b"], v["b"])
    np.testing.assert_allclose(found["b"], expected, rtol=1e-6, atol=1e-6)
    square = fg.hvp(lambda x: (x**3).sum(), B, np.eye(2))
    np.testing.assert_allclose(square, 6 * B * np.eye(2), rtol=1e-6, atol=1e-6)


def test_matrices_with_error_bars():
    jacobian = fg.differentiate(outputs, {"a": A, "b": B})
    hessian = fg.differentiate(cubic, {"a": A, "b": B}, deriv=2)
    exact = cubic_hessian(A, B)
    for i in "ab":
        assert (abs(jacobian.value[i] - JACOBIAN[i]) <= jacobian.error[i]).all()
        assert (jacobian.error[i] < 1e-6).all()
        for j in "ab":
            assert np.all(abs(hessian.value[i][j] - exact[i][j]) <= hessian.error[i][j])
            assert np.shape(hessian.flags[i][j]) == np.shape(exact[i][j])
    assert "J[2, b[0, 1]]" in jacobian.table()
    assert "H[a, b[1, 0]]" in hessian.table()
    number = fg.differentiate(lambda t: np.array([t**2, t**3]), 2.0)
    np.testing.assert_allclose(number.value, [4.0, 12.0], rtol=1e-9)
    assert "J[1]" in number.table()
    second = fg.differentiate(lambda t: t**3, 2.0, deriv=2)
    assert isinstance(second.value, float)
    assert abs(second.value - 12.0) <= second.error < 1e-5


def test_matrices_of_numbers():
    curve = fg.jacobian(lambda t: np.array([t**2, t**3]), 2.0)
    assert curve.shape == (2,)
    np.testing.assert_allclose(curve, [4.0, 12.0], rtol=1e-8)
    assert fg.jacobian(lambda t: t**2, np.array(2.0)).shape == (1,)
    for x, kind in ((2.0, float), (np.float64(2), np.float64), (np.array(2.0), np.ndarray)):
        found = fg.hessian(lambda t: t**3, x)
        assert type(found) is kind
        assert float(found) == pytest.approx(12.0, rel=1e-5)
        product = fg.hvp(lambda t: t**3, x, 3.0)
        assert type(product) is kind
        assert float(product) == pytest.approx(36.0, rel=1e-5)
        assert fg.jvp(lambda t: np.array([t**2, t]), x, 3.0) == pytest.approx([12.0, 3.0])


def test_matrices_of_arrays_are_flat():
    assert fg.jacobian(lambda x: x.ravel()[:3], np.ones((2, 2))).shape == (3, 4)
    assert fg.hessian(lambda x: (x**2).sum(), np.ones((2, 2))).shape == (4, 4)
    assert fg.differentiate(lambda x: x.ravel()[:3], np.ones((2, 2))).value.shape == (3, 4)


def test_matrices_of_labels():
    hessian = fg.hessian(labelled, SERIES)
    assert isinstance(hessian, pd.DataFrame)
    assert list(hessian.index) == list(hessian.columns) == ["a", "b"]
    np.testing.assert_allclose(hessian, [[4.0, 2.0], [2.0, 0.0]], atol=1e-5)
    jacobian = fg.jacobian(lambda s: [s["a"] * s["b"], s["b"] ** 2, 1.0], SERIES)
    assert list(jacobian.columns) == ["a", "b"]
    np.testing.assert_allclose(jacobian, [[2.0, 1.0], [0.0, 4.0], [0.0, 0.0]], atol=1e-8)
    frame = fg.jacobian(lambda d: d["u"] * d["v"], FRAME)
    assert list(frame.columns) == [("r", "u"), ("r", "v"), ("s", "u"), ("s", "v")]
    np.testing.assert_allclose(frame, [[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 4.0, 2.0]], atol=1e-8)
    assert fg.hessian(lambda d: (d["u"] * d["v"]).sum(), FRAME).loc[("r", "u"), ("r", "v")] == pytest.approx(1.0)
    assert type(fg.hessian(lambda s: (s**2).sum(), pl.Series([1.0, 2.0]))) is np.ndarray
    assert "H['a', 'b']" in fg.differentiate(labelled, SERIES, deriv=2).table()
    inner = fg.hessian(lambda p: labelled(p["s"]) * p["t"], {"s": SERIES, "t": 1.0})
    assert inner["s"]["s"].shape == (2, 2)
    np.testing.assert_allclose(inner["s"]["t"], [4.0, 1.0], rtol=1e-5)


def test_sparse_derivatives_take_arrays():
    x = {"a": np.ones(2)}
    calls = (
        lambda: fg.jacobian(lambda p: p["a"], x, sparsity="detect"),
        lambda: fg.plan_jacobian(lambda p: p["a"], x),
        lambda: fg.hessian(lambda p: p["a"].sum(), x, sparsity=np.eye(2)),
        lambda: fg.hessian(lambda p: p["a"].sum(), x, grad=lambda p: p, sparsity="detect"),
        lambda: fg.gradient(lambda p: p["a"], x, summed=True, sparsity="detect"),
    )
    for call in calls:
        with pytest.raises(TypeError, match="x is a pytree, but sparse derivatives take an array"):
            call()
    got = set()

    def f(s):
        got.add(type(s))
        return np.array([s["a"] ** 2, s["b"] ** 2])

    np.testing.assert_allclose(fg.jacobian(f, SERIES, sparsity="detect").toarray(), [[2.0, 0.0], [0.0, 4.0]], rtol=1e-8)
    complex_step = fg.jacobian(f, SERIES, sparsity=np.eye(2), method="complex")
    np.testing.assert_allclose(complex_step.toarray(), [[2.0, 0.0], [0.0, 4.0]], rtol=1e-12)
    summed = fg.gradient(f, SERIES, summed=True, sparsity="detect")
    assert summed.index.tolist() == ["a", "b"]
    assert got == {pd.Series}


def test_a_jacobian_of_labels_is_checked():
    got = set()

    def f(s):
        got.add(type(s))
        return np.array([s["a"] ** 2, s["a"] * s["b"]])

    def jac(s):
        got.add(type(s))
        return [[2 * s["a"], 0.0], [s["b"], 2 * s["a"]]]

    def jvp(s, v):
        got.update((type(s), type(v)))
        return np.array([2 * s["a"] * v["a"], s["b"] * v["a"] + s["a"] * v["b"]])

    check = fg.check_jacobian(f, jac, SERIES)
    assert [row.path for row in check.wrong] == ["J[1, 'b']"]
    assert fg.check_jacobian(f, x=SERIES, jvp=jvp)
    assert fg.check_jacobian(f, x=SERIES, vjp=lambda s, u: [2 * s["a"] * u[0] + s["b"] * u[1], s["a"] * u[1]])
    assert got == {pd.Series}
    with pytest.raises(ValueError, match="x is a pytree; expected an array or Series"):
        fg.check_jacobian(lambda p: p["a"], x={"a": np.ones(2)}, jvp=jvp)


# --- Options and gradients in x's structure --------------------------------------------------------------------------


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
        ({"a": B}, {"a": B.ravel()}, ValueError, r"a of grad's result has shape \(4,\), which does not fit \(2, 2\)"),
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
for other in (collections.OrderedDict(a=1.0), {"a": collections.deque([1.0])}):
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
