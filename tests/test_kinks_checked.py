"""Kinks at x: every slope between those on both sides is right, and none beyond."""

import numpy as np
import pytest

import fastgrad as fg


def softplus_of_relu(x):
    return np.maximum(x, 0).sum() + np.log1p(x).sum()


@pytest.mark.parametrize(
    ("slope", "verdict"), [(1.0, "right"), (1.5, "right"), (2.0, "right"), (0.99, "wrong"), (2.01, "wrong")]
)
def test_the_slopes_on_both_sides_of_a_curved_function(slope, verdict):
    check = fg.check_grad(softplus_of_relu, np.full(3, slope), np.zeros(3))
    assert check.verdict == verdict
    if verdict == "wrong":
        assert f"slopes 1 and 2: {slope} is not between them" in check.explanation


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("at_zero", [0.0, 1.0])
def test_networks_with_a_row_of_padding_and_zero_biases(seed, at_zero):
    rng = np.random.default_rng(seed)
    inputs, target = rng.normal(size=(8, 4)), rng.integers(0, 2, 8)
    inputs[-1] = 0.0
    W, v = rng.normal(size=(4, 5)), rng.normal(size=5)

    def loss(b):
        z = np.maximum(inputs @ W + b, 0) @ v
        return np.logaddexp(0, z).sum() - target @ z

    def gradient(b):
        a = inputs @ W + b
        off = 1 / (1 + np.exp(-(np.maximum(a, 0) @ v))) - target
        return (off[:, None] * v * np.where(a == 0, at_zero, a > 0)).sum(axis=0)

    assert fg.check_grad(loss, gradient, np.zeros(5)).verdict == "right"
    assert fg.check_grad(loss, lambda b: gradient(b) + 3.0 * np.eye(5)[2], np.zeros(5)).verdict == "wrong"


def test_lasso_hinge_and_clip():
    rng = np.random.default_rng(3)
    A, y = rng.normal(size=(20, 4)), rng.choice([-1.0, 1.0], 20)
    x = np.array([0.5, 0.0, -1.0, 0.0])
    lasso = fg.check_grad(
        lambda x: np.sum((A @ x - y) ** 2) + 2 * np.abs(x).sum(), lambda x: 2 * A.T @ (A @ x - y) + 2 * np.sign(x), x
    )
    assert lasso.verdict == "right"
    # One sample exactly at the margin.
    w = A[0] / (A[0] @ A[0]) * y[0]
    margins = y * (A @ w)
    margins[0] = 1.0

    def hinge(w):
        return np.maximum(1 - y * (A @ w), 0).sum()

    claimed = -(A * y[:, None])[margins < 1].sum(axis=0)
    assert fg.check_grad(hinge, claimed, w).verdict == "right"
    clip = fg.check_grad(lambda x: np.clip(x, -1, 1).sum(), lambda x: 1.0 * (np.abs(x) < 1), np.array([1.0, 0.2, -1.0]))
    assert clip.verdict == "right"


def test_jacobians_at_kinks():
    x = np.array([0.0, 1.0, -2.0, 0.0])

    def relu(x):
        return np.maximum(x, 0)

    for slope, verdict in ((0.0, "right"), (0.5, "right"), (1.0, "right"), (1.1, "wrong"), (-0.1, "wrong")):
        assert fg.check_jacobian(relu, np.diag([slope, 1, 0, slope]), x).verdict == verdict


def test_a_search_tests_zeros_by_themselves():
    """The 1-norm, a thousand of whose entries are 0: the others are seen as sharply as without it."""
    rng = np.random.default_rng(0)
    x = {"w": rng.normal(size=2000), "b": np.zeros(1000)}

    def f(p):
        return np.sin(p["w"]).sum() + np.exp(p["b"]).sum() + 0.1 * (np.abs(p["w"]).sum() + np.abs(p["b"]).sum())

    exact = {"w": np.cos(x["w"]) + 0.1 * np.sign(x["w"]), "b": np.ones(1000)}
    right = fg.check_grad(f, exact, x)
    assert right.verdict == "right"
    assert right.nfev <= 60
    assert any("kink" in note for note in right.notes)
    assert right.leaves["w"] < 1e-5 < right.leaves["b"]
    exact["w"][77] += 0.01
    assert [row.path for row in fg.check_grad(f, exact, x).wrong] == ["w[77]"]
    exact["w"][77] -= 0.01
    exact["b"][500] += 5.0
    assert fg.check_grad(f, exact, x).verdict == "wrong"


def test_a_million_kinks_do_not_make_a_right_network_undecided():
    rng = np.random.default_rng(0)
    inputs, target = rng.normal(size=(300, 30)), rng.normal(size=300)
    x = {"W": rng.normal(size=(30, 60)) / 5, "v": rng.normal(size=60) / 8}

    def f(p):
        return float(0.5 * np.mean((np.maximum(inputs @ p["W"], 0) @ p["v"] - target) ** 2))

    hidden = inputs @ x["W"]
    off = (np.maximum(hidden, 0) @ x["v"] - target) / 300
    claimed = {"W": inputs.T @ (np.outer(off, x["v"]) * (hidden > 0)), "v": np.maximum(hidden, 0).T @ off}
    for seed in range(8):
        right = fg.check_grad(f, claimed, x, seed=seed)
        assert right.verdict == "right"
        assert right.nfev <= 40
    wrong = fg.check_grad(f, claimed | {"W": -claimed["W"]}, x)
    assert wrong.verdict == "wrong"
    assert "W" in wrong.explanation


def test_a_kink_too_weak_to_be_seen_from_both_sides():
    """The slopes differ by 3e-6 of themselves: the claim is the one on the left."""
    x = np.array([6.0, 1.0])

    def f(x):
        return float(np.sin(x).sum() + 3e-6 * np.maximum(x[0] - 6.0, 0.0))

    assert fg.check_grad(f, np.cos(x), x).verdict == "right"
    assert fg.check_grad(f, np.cos(x) + np.array([3e-6, 0]), x).verdict == "right"
    assert fg.check_grad(f, np.cos(x) + np.array([9e-6, 0]), x).verdict == "wrong"
    assert fg.check_grad(f, np.cos(x) - [6e-6, 0], x).verdict == "wrong"
