"""What needs f takes it: records hold none."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from makers import TREE, loss, of_tree, vector
from rosenbrock import rosenbrock

import fastgrad as fg


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
