"""Bad input ends in an exception that says what, where and what to do."""

import traceback

import numpy as np
import pytest

import fastgrad as fg

X = np.array([1.0, 2.0])


def ok(x):
    return (x**2).sum()


@pytest.mark.parametrize(
    ("result", "error", "text"),
    [
        (None, TypeError, "f returned None.*return statement"),
        (1j, TypeError, "complex"),
        (np.array([1 + 0j]), TypeError, "complex"),
        (np.ones(3), ValueError, r"shape \(3,\).*one number"),
        ("1.0", TypeError, "str '1.0'"),
        (b"1", TypeError, "bytes"),
        ({}, TypeError, "expected a number"),
    ],
)
def test_what_f_returns(result, error, text):
    with pytest.raises(error, match=text) as caught:
        fg.gradient(lambda x: result, X)
    assert "while evaluating f at x[0] + " in caught.value.__notes__[0]
    with pytest.raises(error, match=text):
        fg.gradient(lambda x: result, X, method="forward")


def test_values_of_size_one_are_numbers():
    assert np.allclose(fg.gradient(lambda x: np.array([[x[0] ** 2]]), X), [2, 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_f_not_finite_at_x(bad):
    for options in ({}, {"method": "forward"}, {"order": 8}):
        with pytest.raises(ValueError, match=f"f is {bad} at x itself"):
            fg.gradient(lambda x: bad, X, **options)


def test_f_not_finite_on_either_side_warns():
    with pytest.warns(RuntimeWarning, match=r"not finite on either side of x\[1\]"):
        g = fg.gradient(lambda x: x[0] if x[1] == 2 else np.nan, X)
    assert g[0] == pytest.approx(1)
    assert np.isnan(g[1])


class Boom(Exception):
    pass


@pytest.mark.parametrize("error", [Boom, ValueError, ZeroDivisionError])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_an_exception_comes_out_as_it_is(error, k):
    calls = []
    raised = error("boom")

    def f(x):
        calls.append(1)
        if len(calls) == k + 1:
            raise raised
        return ok(x)

    with pytest.raises(error) as caught:
        fg.gradient(f, X)
    assert caught.value is raised
    sign = "+-"[k % 2]
    assert f"x[{k // 2}] {sign} " in caught.value.__notes__[0]
    assert f"component {k // 2}" in caught.value.__notes__[0]
    assert "raise raised" in "".join(traceback.format_exception(caught.value))


def test_an_exception_in_a_vectorised_f():
    def f(X):
        raise Boom

    with pytest.raises(Boom) as caught:
        fg.gradient(f, X, vectorized=True)
    assert "block of 4 points, from x[0]" in caught.value.__notes__[0]


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_a_vectorised_f_of_the_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"vectorized f returned shape.*expected \(100,\)"):
        fg.batch_gradient(lambda X: np.ones(shape), np.ones((25, 2)), vectorized=True)


@pytest.mark.parametrize("n", [2, 3, 4, 7])
@pytest.mark.parametrize("method", ["central", "forward", "complex"])
@pytest.mark.parametrize("vectorized", ["rows", "columns"])
def test_rows_for_columns_are_never_a_wrong_number(n, method, vectorized):
    """Not even where there are as many points as coordinates: forward and complex steps move each coordinate once."""
    wrong = 0 if vectorized == "rows" else 1

    def f(x):
        return (x**2).sum(axis=wrong)

    with pytest.raises(ValueError, match="vectorized f returned shape"):
        fg.gradient(f, np.ones(n), vectorized=vectorized, method=method)
    with pytest.raises(ValueError, match="vectorized f returned shape"):
        fg.batch_gradient(f, np.ones((n, n)), vectorized=vectorized, method=method)
    assert np.allclose(fg.gradient(f, np.ones(n), vectorized="columns" if wrong == 0 else "rows", method=method), 2)


@pytest.mark.parametrize("kind", ["read-only", "strided", "big-endian", "float32", "integer", "fortran"])
def test_arrays_of_every_kind(kind):
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    given = {
        "read-only": x.copy(),
        "strided": np.repeat(x, 2, axis=1)[:, ::2],
        "big-endian": x.astype(">f8"),
        "float32": x.astype("f4"),
        "integer": x.astype(int),
        "fortran": np.asfortranarray(x),
    }[kind]
    given.flags.writeable = False
    before = given.copy()
    g = fg.gradient(lambda v: (v**2).sum() + v[0, 1], given)
    assert np.allclose(g, 2 * x + [[0, 1], [0, 0]])
    assert (given == before).all()


def test_empty():
    assert fg.gradient(ok, np.empty(0)).shape == (0,)
    assert fg.gradient(ok, np.empty((0, 3))).shape == (0, 3)
    assert fg.gradient(lambda p: 0.0, {}) == {}


@pytest.mark.parametrize(
    ("x", "error", "text"),
    [
        (np.array([1.0, np.nan]), ValueError, r"x\[1\] is nan"),
        (np.array([[1.0, np.inf]]), ValueError, r"x\[0, 1\] is inf"),
        (np.nan, ValueError, "x is nan"),
        ({"w": np.array([0.0, np.nan])}, ValueError, r"w\[1\] is nan"),
        (np.array([1, None]), TypeError, "dtype object"),
        ("abc", TypeError, "dtype"),
        (np.array([1j]), TypeError, "complex"),
        (None, TypeError, "x is of type NoneType; expected a number"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, "masked"),
    ],
)
def test_x(x, error, text):
    with pytest.raises(error, match=text):
        fg.gradient(lambda x: 1.0, x)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bounds": (3.0, 9.0)}, r"x\[0\] = 1.0 is outside its bounds"),
        ({"bounds": ([0, 5], [3, 4])}, r"lower one above the upper one at x\[1\]"),
        ({"bounds": (np.nan, 1)}, "nan in the bounds"),
        ({"bounds": 3}, "pair"),
        ({"step": 0.0}, r"step is 0.0 for x\[0\]"),
        ({"step": np.nan}, "step is nan"),
        ({"step": [1e-5, -1.0]}, r"step is -1.0 for x\[1\]"),
        ({"step": np.ones(3)}, "step has shape"),
        ({"typical_x": 0.0}, "typical_x is 0.0"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"order": 3}, "order 2 or 4 or 6 or 8, not 3"),
        ({"method": "backward"}, "'central', 'forward', 'complex'"),
        ({"method": "forward", "order": 2}, "order 1, not 2"),
        ({"method": "complex", "order": 2}, "no order"),
        ({"vectorized": "both"}, "vectorized"),
    ],
)
def test_options(options, text):
    with pytest.raises(ValueError, match=text):
        fg.gradient(ok, X, **options)


def test_what_cannot_be_called():
    for verb in (fg.gradient, fg.batch_gradient):
        with pytest.raises(TypeError, match="expected a function"):
            verb(3, X)
    with pytest.raises(TypeError, match="expected a function"):
        fg.grad(None)


def test_complex_step_needs_a_function_of_complex_numbers():
    with pytest.raises(TypeError, match='method="central"'):
        fg.gradient(lambda x: float(abs(x[0])), X, method="complex")


@pytest.mark.parametrize("index", [2, -3, (0, 0), "y", "x[5]"])
def test_partial_index(index):
    with pytest.raises(IndexError):
        fg.partial(ok, X, index)


def test_batch_shape():
    with pytest.raises(ValueError, match=r"\(b, n\)"):
        fg.batch_gradient(ok, X)
    with pytest.raises(ValueError, match=r"out is of shape \(3,\) and float64; expected an array of shape \(2, 2\)"):
        fg.batch_gradient(ok, np.ones((2, 2)), out=np.ones(3))


def test_keyboard_interrupt_passes():
    def f(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fg.gradient(f, X)


def test_bounds_as_pairs_for_each_coordinate_get_a_hint():
    """As scipy.optimize.minimize takes them; of two coordinates they have the shape of (lower, upper) too."""
    with pytest.raises(ValueError, match="not a pair for each coordinate"):
        fg.gradient(np.sum, np.array([1.0, 2.0]), bounds=[(0, 3), (0, 3)])
    with pytest.raises(ValueError, match="not a pair for each coordinate"):
        fg.gradient(np.sum, np.ones(3), bounds=[(0, 3), (0, 3), (0, 3)])


@pytest.mark.parametrize("later", [1, 3, 1000])
@pytest.mark.parametrize("first", [0, 2])
@pytest.mark.parametrize("options", [{}, {"method": "forward"}, {"bounds": (0.0, 9.0)}, {"sparsity": "detect"}])
def test_a_number_of_values_that_changes_is_an_error(first, later, options):
    """Also from none to some: what comes later must not be written to where there is no room for it."""
    calls = []

    def f(x):
        calls.append(1)
        return np.ones(first if len(calls) == 1 else later)

    with pytest.raises(ValueError, match=rf"returned {later} values .* after {first} values at first"):
        fg.jacobian(f, X, **options)
    calls.clear()
    if "sparsity" not in options:
        with pytest.raises(ValueError, match=rf"returned {later} values .* after {first} values at first"):
            fg.jvp(f, X, X, **options)


@pytest.mark.parametrize(
    "options", [{}, {"bounds": (0, 1)}, {"typical_x": 2.0}, {"step": 1e-3}, {"method": "adaptive"}]
)
def test_no_coordinates_have_no_derivatives(options):
    for shape in ((0,), (2, 0), (0, 3)):
        assert fg.gradient(lambda x: float(x.sum()), np.zeros(shape), **options).shape == shape
        if len(shape) == 2:
            assert fg.batch_gradient(lambda x: float(x.sum()), np.zeros(shape), **options).shape == shape


def test_patterns_of_nothing():
    pytest.importorskip("scipy")
    for outputs, n in ((0, 0), (3, 0), (0, 3)):
        found = fg.jacobian(lambda x, m=outputs: np.full(m, x.sum()), np.ones(n), sparsity=np.zeros((outputs, n)))
        assert found.shape == (outputs, n)
    assert fg.hessian(lambda x: 0.0, np.zeros(0), grad=lambda x: x, sparsity="detect").shape == (0, 0)
