"""What verbs return holds data: it pickles, copies, compares and unpacks; and it is safe to print and to show."""

import copy
import copyreg
import dataclasses
import functools
import html.parser
import math
import pickle
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from rosenbrock import rosenbrock

import fastgrad as fg
from fastgrad.core.layout import ArrayLayout
from fastgrad.core.matrix_layout import HessianLayout, JacobianLayout
from fastgrad.evaluate.functions import SERIAL
from fastgrad.records.record import same
from fastgrad.records.show import _BACKGROUND, label, printable, shortened

matplotlib.use("Agg")

HOSTILE = ("a\x1b[31mred", "line\rover", "two\nlines", "\u202egnp.exe", "\u200fmark", "\x9b2J", "<b>&\"'", "nul\x00")


def loss(x):
    return float(((x - 1) ** 2).sum())


def parabola(x):
    return (x - 1) ** 2


def slope(x):
    return 2 * (x - 1)


def wrong_slope(x):
    return 2 * (x - 1) + np.array([0.0, 1.0, np.nan])[: x.size]


def kinked(x):
    return float(abs(x[0]) + x[1] ** 2)


def of_tree(p):
    return float((p["W"] ** 2).sum() + p["b"] ** 3)


def of_series(s):
    return float((s**2).sum())


def of_tree_slope(p):
    return {"W": 2 * p["W"], "b": 3 * p["b"] ** 2}


def vector(x):
    return np.array([x[0] * x[1], np.sin(x[1]), x[0]])


def named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length(x):
    return x**2


named_at_length = (
    named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length
)


def chain(x):
    return np.concatenate([[x[0] - 1], x[1:] - x[:-1] ** 2])


def chain32(x):
    return chain(x.astype(np.float32))


def raises_later(x):
    if x[0] > 0.05:
        raise Unpicklable("beyond", 1)
    return loss(x)


class Unpicklable(Exception):
    def __init__(self, what, code):
        super().__init__(f"{what} {code}")


ROWS = np.random.default_rng(0).normal(size=(9, 2))
TREE = {"W": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 0.5}


def two_columns(X):
    return np.column_stack([X[:, 0] ** 2, X[:, 1]])


def of_pandas(F):
    return F.to_numpy() @ [1.0, -2.0]


def called(plan):
    plan(np.full(4, 3.0))
    return plan


def ended_by_an_exception():
    return fg.gradient_descent(raises_later, np.zeros(2), grad=slope, learning_rate=0.1, maxiter=50)


MAKERS = {
    "derivative": lambda: fg.differentiate(loss, np.zeros(3)),
    "derivative of a number": lambda: fg.differentiate(math.sin, 1.0),
    "derivative of a matrix": lambda: fg.differentiate(loss, np.ones((2, 3))),
    "derivative of a pytree": lambda: fg.differentiate(of_tree, TREE),
    "derivative of a Series": lambda: fg.differentiate(of_series, pd.Series([1.0, 2.0], index=["a\x1b[31m", "$b"])),
    "derivative at a kink": lambda: fg.differentiate(kinked, np.array([0.0, 1.0])),
    "derivative of nothing": lambda: fg.differentiate(loss, np.zeros(0)),
    "Hessian of nothing": lambda: fg.differentiate(loss, np.zeros(0), deriv=2),
    "Jacobian": lambda: fg.differentiate(vector, np.array([1.0, 2.0])),
    "Hessian": lambda: fg.differentiate(loss, np.zeros(3), deriv=2),
    "check": lambda: fg.check_grad(loss, slope, np.zeros(3)),
    "check of a wrong gradient": lambda: fg.check_grad(loss, wrong_slope, np.zeros(3)),
    "check of a pytree": lambda: fg.check_grad(of_tree, of_tree_slope, TREE),
    "check by a search": lambda: fg.check_grad(loss, slope, np.arange(500.0)),
    "check of a Jacobian": lambda: fg.check_jacobian(vector, np.zeros((3, 2)), np.array([1.0, 2.0])),
    "mismatch": lambda: fg.check_grad(loss, wrong_slope, np.zeros(3)).wrong[0],
    "descent": lambda: without_time(fg.gradient_descent(loss, np.zeros(2))),
    "descent by a gradient": lambda: without_time(fg.gradient_descent(loss, np.zeros(3), grad=slope)),
    "descent of a pytree": lambda: without_time(fg.gradient_descent(of_tree, TREE, maxiter=3)),
    "descent of a number": lambda: fg.gradient_descent(parabola, 0.0, history=False),
    "descent that raised": lambda: without_time(ended_by_an_exception()),
    "descents": lambda: fg.gradient_descent(loss, np.zeros((3, 2)), batch=True),
    "sensitivity": lambda: fg.sensitivity(two_columns, ROWS, outputs=["u", "v"]),
    "sensitivity of pandas": lambda: fg.sensitivity(of_pandas, pd.DataFrame(ROWS, columns=["a", "b"])),
    "sensitivity of polars": lambda: fg.sensitivity(of_pandas, pl.DataFrame(ROWS, schema=["a", "b"])),
    "plan": lambda: fg.plan_jacobian(chain, np.ones(4)),
    "plan within bounds": lambda: called(fg.plan_jacobian(chain, np.ones(4), bounds=(0, 3), order=4)),
    "plan in float32": lambda: called(fg.plan_jacobian(chain32, np.ones(4))),
    "plan of complex steps": lambda: called(fg.plan_jacobian(chain, np.ones(4), method="complex")),
    "grad": lambda: fg.grad(rosenbrock),
    "grad with options": lambda: fg.grad(rosenbrock, method="forward", step=[1e-6, 2e-6], bounds=([0, 0], [3, 3])),
    "grad, adaptive": lambda: fg.grad(rosenbrock, argnums=(0,), method="adaptive", typical_x=(np.ones(2),)),
    "value_and_grad": lambda: fg.value_and_grad(rosenbrock, order=4),
    "coordinates": lambda: fg.grid.Coordinates([1.0, 2.0, 4.0]),
}
SHOWN = [name for name in MAKERS if not re.match("mismatch|grad|value_and_grad|coordinates", name)]
HASHED = ("mismatch", "grad", "grad with options", "grad, adaptive", "value_and_grad")


def without_time(result):
    """A descent whose loss curve does not tell how long it took."""
    history = {name: values for name, values in result.history.items() if name != "time"}
    return dataclasses.replace(result, history=history)


@pytest.fixture(params=MAKERS)
def name(request):
    return request.param


@pytest.fixture
def record(name):
    return MAKERS[name]()


# --- Data ---------------------------------------------------------------------------------------------------------


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


# --- Shown --------------------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Fails unless every tag is closed, in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.cells, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert tag in ("p", "b", "table", "thead", "tbody", "tr", "th", "td")
        self.open.append(tag)
        if tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_repr_is_short(record):
    assert repr(record).isprintable()
    assert len(repr(record)) <= 120


@pytest.mark.parametrize(
    "text",
    [
        lambda: repr(
            fg.Mismatch("layers[0].weights" * 9 + "[12345678, 12345678]", 10**15, -1e-300 / 3, 1e300 / 7, 1e-300)
        ),
        lambda: repr(fg.sensitivity(of_pandas, pd.DataFrame(ROWS, columns=["a" * 500, "b" * 500]))),
        lambda: repr(fg.grad(named_at_length)),
        lambda: repr(fg.GradientCheck("undecided", [], "why " * 100, 10**9, 10**9, 1e-300)),
    ],
)
def test_repr_is_short_whatever_is_in_it(text):
    assert len(text()) <= 130


@pytest.mark.parametrize("name", SHOWN)
def test_html_is_well_formed_and_says_what_str_says(name):
    record = MAKERS[name]()
    page = Page(record._repr_html_())
    assert len(set(page.cells)) <= 1  # as many cells in each row
    for number in re.findall(r"\d\.\d{3,}", str(record)):
        assert number in page.text


def test_html_has_no_colours_but_of_verdicts():
    for name in SHOWN:
        text = MAKERS[name]()._repr_html_()
        assert set(re.findall("#[0-9a-f]{6}", text)) <= {*_BACKGROUND.values(), "#ffffff"}
        assert text.count("style=") <= 1
    for colour in _BACKGROUND.values():
        assert 1.05 / (luminance(colour) + 0.05) > 5  # of white on it


def luminance(colour):
    """The relative luminance of WCAG 2.1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def safe(text):
    """Whether nothing in a text is obeyed by a terminal."""
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_reach_no_terminal_and_no_page(hostile):
    frame = pd.DataFrame(ROWS, columns=[hostile, "plain"])
    found = fg.sensitivity(lambda F: two_columns(F.to_numpy()), frame, outputs=[hostile, "v"])
    tree = {hostile: np.ones(2), "b": 0.5}

    def f(p):
        return float((p[hostile] ** 2).sum() + p["b"])

    wrong = {hostile: np.ones(2), "b": 1.0}
    check = fg.check_grad(f, wrong, tree)
    check.notes.append(hostile)
    said = dataclasses.replace(check, explanation=hostile)
    ended = dataclasses.replace(MAKERS["descent"](), message=hostile)
    for record in (found, fg.differentiate(f, tree), check, said, ended):
        assert safe(str(record))
        assert safe(repr(record))
        page = Page(record._repr_html_())
        assert page.text.isprintable()
        assert "<b>&" not in record._repr_html_()
    assert found.features == [hostile, "plain"]  # the data are as they were
    lines = str(found).split("\n")
    assert len(lines) == 5
    assert printable(hostile) in lines[1] + lines[2]


def test_printable():
    assert printable("Ωμέγα x̄ 温度 [0]") == "Ωμέγα x̄ 温度 [0]"
    assert printable("\x1b[2J\u202e\r\n\u2028\ud800") == r"\x1b[2J\u202e\r\n\u2028\ud800"
    assert shortened("a" * 20 + "b" * 80) == "a" * 18 + "..." + "b" * 18
    assert shortened("\x1b" * 100) == r"\x1b\x1b\x1b\x1b\x" + "..." + r"1b\x1b\x1b\x1b\x1b"[-18:]
    assert len(shortened("x" * 41)) <= 40 == len(shortened("x" * 40))


def drawn(axes):
    """The texts of a figure, after it was drawn."""
    figure = np.ravel(axes)[0].figure
    figure.canvas.draw()
    plt.close(figure)
    return [text.get_text() for each in figure.axes for text in each.findobj(matplotlib.text.Text)]


def test_hostile_names_in_plots():
    names = ["$", "$x$", r"$\frac{", r"a\$b", "$$", "_private", "%{}^_", *HOSTILE]
    rows = np.random.default_rng(0).normal(size=(9, len(names)))
    frame = pd.DataFrame(rows, columns=names)
    outputs = fg.sensitivity(lambda F: two_columns(F.to_numpy()), frame, outputs=["$u$", "v"])
    texts = drawn(outputs.plot())
    assert {*map(label, names), "change of \\$u\\$ for one spread, each row"} <= set(texts)
    tree = dict.fromkeys(names, 0.5)

    def f(p):
        return sum(p[name] ** 2 for name in names)

    drawn(fg.check_grad(f, dict.fromkeys(names, 2.0), tree).plot())
    hidden = fg.check_grad(lambda p: p["_a"] ** 2, {"_a": 2.0}, {"_a": 1.0})
    assert " _a" in drawn(hidden.plot())  # in the legend
    two = dict.fromkeys(names[:2], 0.5)

    def f_of_two(p):
        return sum(p[name] ** 2 for name in names[:2])

    drawn(fg.differentiate(f_of_two, two).plot(f_of_two, components=[0, 1]))
    texts = drawn(fg.gradient_descent(f_of_two, two, maxiter=5).plot())
    assert {r"x['\$']", r"x['\$x\$']"} <= set(texts)


def test_dollars_are_shown_as_they_are():
    text = matplotlib.text.Text(text=label("a $5 b $6"))
    figure = plt.figure()
    figure.add_artist(text)
    assert text._preprocess_math(text.get_text()) == ("a $5 b $6", False)
    plt.close(figure)


def test_nothing_to_plot_in_a_check_of_no_entries():
    axes = MAKERS["check of a Jacobian"]().plot()
    assert len(drawn(axes))
    drawn(fg.check_jacobian(vector, lambda x: [[x[1], x[0]], [0.0, np.cos(x[1])], [1.0, 0.0]], np.ones(2)).plot())


# --- What needs f takes it ----------------------------------------------------------------------------------------


class Counted:
    def __init__(self, f):
        self.f, self.n = f, 0

    def __call__(self, x, *args):
        self.n += 1
        return self.f(x, *args)


@pytest.mark.filterwarnings("ignore:Data has no positive values")
def test_plot_of_a_derivative_asks_f_that_it_is_given():
    f = Counted(lambda x, a: a * float(np.sin(x).sum()))
    d = fg.differentiate(f, np.ones(3), args=(2.0,))
    assert f.n == d.nfev
    f.n = 0
    axes = d.plot(f, components=[0, (1,), "x[2]"], args=(2.0,))
    assert f.n == 3 * 73 * 6
    assert len(axes.lines) == 3 * 4
    errors = axes.lines[1].get_ydata()  # of order 6
    assert np.nanmin(errors) < 1e-10
    one = fg.differentiate(loss, np.ones(2))
    curve = one.plot(loss).lines[0]
    # Central differences are exact for a parabola: only rounding, about 1e-16 / step, is left.
    assert (curve.get_ydata() <= 1e-15 / curve.get_xdata() + 1e-12).all()
    plt.close("all")


def test_plot_of_a_derivative_of_a_vectorized_f():
    rows = []

    def f(X):
        rows.append(X.shape)
        return np.sin(X).sum(axis=1)

    d = fg.differentiate(f, np.ones(2), vectorized=True)
    rows.clear()
    d.plot(f, vectorized=True)
    assert sum(shape[0] for shape in rows) == 73 * 6
    plt.close("all")


def test_plot_of_a_derivative_gives_f_what_it_takes():
    seen = []

    def f(p):
        seen.append(p)
        return of_tree(p)

    fg.differentiate(of_tree, TREE).plot(f, components=["b", "W[1, 0]"])
    assert all(p.keys() == {"W", "b"} and p["W"].shape == (2, 2) for p in seen)
    seen.clear()
    fg.differentiate(math.sin, 1.0).plot(lambda x: seen.append(x) or math.sin(x))
    assert {type(x) for x in seen} == {float}
    seen.clear()
    fg.differentiate(loss, np.ones((2, 3))).plot(lambda x: seen.append(x.shape) or loss(x), components=[(1, 2)])
    assert set(seen) == {(2, 3)}
    plt.close("all")


def test_plot_of_a_derivative_without_f():
    d = fg.differentiate(loss, np.ones(2))
    with pytest.raises(TypeError, match=r"the record holds no function: pass it, as in d\.plot\(f\)"):
        d.plot()
    with pytest.raises(TypeError, match="f is \\[0, 1\\] of type list; expected a function"):
        d.plot([0, 1])
    with pytest.raises(IndexError, match="out of range"):
        d.plot(loss, components=[2])
    assert not plt.get_fignums()  # nothing was begun
    for matrix in (fg.differentiate(vector, np.ones(2)), fg.differentiate(loss, np.ones(2), deriv=2)):
        with pytest.raises(TypeError, match="differentiate one row of the matrix as a scalar function, and plot that"):
            matrix.plot(vector)


def test_plot_of_a_descent_asks_f_only_where_it_is_given():
    f = Counted(rosenbrock)
    result = fg.gradient_descent(f, np.zeros(2), maxiter=20)
    assert f.n == result.nfev
    f.n = 0
    _, path = result.plot()
    assert f.n == 0
    assert len(path.collections) == 0
    np.testing.assert_array_equal(path.lines[0].get_xydata(), result.history["x"])
    _, path = result.plot(f=f)
    assert f.n == 60 * 60
    assert len(path.collections) == 1
    assert (path.get_xlabel(), path.get_ylabel()) == ("x[0]", "x[1]")
    one = plt.figure().subplots()
    assert result.plot(one, f) == [one]
    assert f.n == 60 * 60  # there is no place for a path
    with pytest.raises(TypeError, match="f is 1 of type int"):
        result.plot(f=1)
    plt.close("all")


def test_contours_of_a_descent_are_of_f():
    """Contours of x[0] + 10 x[1] are straight, with the slope -1/10; beyond its domain they are white."""

    def f(p, a):
        if p["u"] > 1.01:
            raise ValueError("outside")
        return p["u"] + a * p["v"] + (p["u"] ** 2 + p["v"] ** 2) * 1e-12

    result = fg.gradient_descent(f, {"u": 1.0, "v": 0.0}, args=(10.0,), learning_rate=0.01, maxiter=10)
    _, path = result.plot(f=f, args=(10.0,))
    (contours,) = path.collections
    segments = [part for line in contours.get_paths() for part in line.to_polygons(closed_only=False)]
    assert segments
    assert max(segment[:, 0].max() for segment in segments) <= 1.01
    for segment in segments:
        rise = np.diff(segment, axis=0)
        assert np.abs(rise @ [1.0, 10.0]).max() < 1e-6
    assert (path.get_xlabel(), path.get_ylabel()) == ("u", "v")
    plt.close("all")


def test_plot_of_a_descent_of_rows():
    rows = []

    def f(X):
        rows.append(len(X))
        return ((X - 1) ** 2).sum(axis=1)

    result = fg.gradient_descent(f, np.zeros(2), vectorized=True)
    rows.clear()
    result.plot(f=f, vectorized=True)
    assert sum(rows) == 3600
    plt.close("all")
