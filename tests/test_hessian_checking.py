"""Checks of Hessians: against second derivatives of f, and as Jacobians of a gradient."""

import numpy as np
import pytest
from scipy import sparse

import fastgrad as fg

A = np.random.default_rng(0).normal(size=(4, 4))
X = np.array([0.7, 1.1, 1.6, 0.4])


def f(x):
    return float(np.exp(0.3 * np.sin(A @ x)).sum() + np.sum(x**3))


def gradient(x):
    s = A @ x
    return A.T @ (0.3 * np.cos(s) * np.exp(0.3 * np.sin(s))) + 3 * x**2


def hessian(x):
    s = A @ x
    d = (0.09 * np.cos(s) ** 2 - 0.3 * np.sin(s)) * np.exp(0.3 * np.sin(s))
    return A.T @ (d[:, None] * A) + np.diag(6 * x)


@pytest.mark.parametrize("grad", [None, gradient])
def test_right_and_wrong_entries(grad):
    assert fg.check_hessian(f, hessian, X, grad=grad)
    assert fg.check_hessian(f, x=X, hvp=lambda x, v: hessian(x) @ v, grad=grad)
    assert fg.check_hessian(f, sparse.csr_array(hessian(X)), X, grad=grad)
    wrong = hessian(X)
    wrong[2, 1] *= 1.01
    check = fg.check_hessian(f, wrong, X, grad=grad)
    assert [row.path for row in check.wrong] == ["H[2, 1]"]
    assert str(check).startswith("Hessian is WRONG: 1 of 16 entries is wrong: H[2, 1] ")
    check = fg.check_hessian(f, lambda x: 2 * hessian(x), X, grad=grad)
    assert len(check.wrong) == 16
    assert "2.000 times too large" in check.explanation
    assert check.what == "Hessian"


def test_an_asymmetric_claim_is_noted():
    wrong = hessian(X)
    wrong[0, 3] += 1
    assert any("not symmetric: H[0, 3]" in note for note in fg.check_hessian(f, wrong, X).notes)


def test_large_hessians_need_a_gradient():
    x = np.linspace(0.5, 1.5, 400)
    diagonal = sparse.diags_array(-np.sin(x)).tocsr()
    with pytest.raises(ValueError, match="needs grad="):
        fg.check_hessian(lambda x: np.sin(x).sum(), diagonal, x)
    assert fg.check_hessian(lambda x: np.sin(x).sum(), diagonal, x, grad=np.cos)
    diagonal[77, 77] = 0.0
    check = fg.check_hessian(lambda x: np.sin(x).sum(), diagonal, x, grad=np.cos)
    assert [row.path for row in check.wrong] == ["H[77, 77]"]


def test_numbers_and_pytrees():
    assert fg.check_hessian(np.sin, lambda x: -np.sin(x), 0.7)
    assert not fg.check_hessian(np.sin, lambda x: np.sin(x), 0.7)
    x = {"a": 1.5, "b": np.array([0.5, 2.0])}

    def g(p):
        return p["a"] ** 2 * p["b"][0] + p["b"][1] ** 3

    exact = np.array([[1.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 12.0]])
    assert fg.check_hessian(g, exact, x)
    exact[1, 0] = 0.0
    assert [row.path for row in fg.check_hessian(g, exact, x).wrong] == ["H[b[0], a]"]


def test_what_is_asked_is_checked():
    with pytest.raises(TypeError, match="one of hess and hvp"):
        fg.check_hessian(f, x=X)
    with pytest.raises(ValueError, match=r"shape \(3, 3\); expected \(4, 4\)"):
        fg.check_hessian(f, np.eye(3), X)
    near = fg.check_hessian(f, hessian, X, grad=gradient, near=2)
    assert near
    assert any("point 2 of 2" in note for note in near.notes)
