"""Jacobians and Hessians in x's structure."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from kinds import FRAME, SERIES, labelled

import fastgrad as fg

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
    assert fg.check_jacobian(lambda p: p["a"], x={"a": np.ones(2)}, jvp=lambda p, v: v["a"])
