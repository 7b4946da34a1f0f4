"""What a check accepts, which leaves it compares, and what it says at minima and of float32."""

import numpy as np
import pytest

import fastgrad as fg

RNG = np.random.default_rng(0)
X = {"W": RNG.normal(size=(4, 5)), "b": RNG.normal(size=5), "table": RNG.normal(size=(30, 20))}


def f(p):
    return float(np.sin(p["table"]).sum() + np.sum((p["b"] + p["W"].sum(axis=0)) ** 3))


def gradient(p):
    inner = 3 * (p["b"] + p["W"].sum(axis=0)) ** 2
    return {"W": np.tile(inner, (4, 1)), "b": inner, "table": np.cos(p["table"])}


def spoiled(p):
    return gradient(p) | {"table": 1.1 * np.cos(p["table"])}


@pytest.mark.parametrize("exhaustive", [True, False])
def test_what_is_accepted_of_one_leaf_is_not_of_another(exhaustive):
    def verdict(**accepted):
        return fg.check_grad(f, spoiled, X, exhaustive=exhaustive, **accepted).verdict

    assert verdict() == "wrong"
    assert verdict(rtol={"table": 0.2}) == "right"
    assert verdict(atol={"table": 0.2}) == "right"
    assert verdict(rtol={"W": 0.2}) == "wrong"
    assert verdict(atol={"table": 1e-4}) == "wrong"
    assert verdict(rtol=0.2) == "right"
    assert verdict(rtol={"W": 0.0, "b": np.zeros(5), "table": np.full((30, 20), 0.2)}) == "right"


def test_tolerances_that_do_not_fit_are_errors():
    for bad in (np.ones(3), {"W": -0.1}, {"b": np.nan}, {"c": 0.1}):
        with pytest.raises((ValueError, TypeError)):
            fg.check_grad(f, gradient, X, rtol=bad)


@pytest.mark.parametrize("exhaustive", [True, False])
def test_leaves_that_are_skipped_may_be_absent(exhaustive):
    def trained(p):
        return {name: each for name, each in gradient(p).items() if name != "table"}

    assert fg.check_grad(f, trained, X, skip="table", exhaustive=exhaustive)
    assert fg.check_grad(f, trained, X, only=["W", "b"], exhaustive=exhaustive)
    assert fg.check_grad(f, lambda p: gradient(p) | {"table": None}, X, skip=["table"], exhaustive=exhaustive)
    assert fg.check_grad(f, spoiled, X, skip="table", exhaustive=exhaustive).n_compared == 25
    wrong = fg.check_grad(f, lambda p: trained(p) | {"b": np.zeros(5)}, X, skip="table", exhaustive=exhaustive)
    assert {row.path for row in wrong.wrong} == {f"b[{k}]" for k in range(5)}
    with pytest.raises(ValueError, match="2 leaves, but x has 3"):
        fg.check_grad(f, trained, X, exhaustive=exhaustive)


def test_single_coordinates_are_skipped():
    def wrong(x):
        return 3 * x**2 * [1, 2, 1]

    x = np.array([1.0, 2.0, 3.0])
    assert fg.check_grad(lambda x: np.sum(x**3), wrong, x, skip="x[1]")
    assert fg.check_grad(lambda x: np.sum(x**3), wrong, x, skip=[1])
    assert [row.path for row in fg.check_grad(lambda x: np.sum(x**3), wrong, x, only=1).wrong] == ["x[1]"]


def test_names_of_no_leaf_are_errors():
    for given, error in (
        ({"skip": "c"}, IndexError),
        ({"only": 1.5}, TypeError),
        ({"skip": ["W", "b", "table"]}, ValueError),
    ):
        with pytest.raises(error):
            fg.check_grad(f, gradient, X, **given)
    with pytest.raises(ValueError, match="exclude each other"):
        fg.check_grad(f, gradient, X, skip="W", only="b")


@pytest.mark.parametrize("rtol", [0.0, 1e-4, 3e-4, 1e-2])
def test_a_float32_network_is_right_to_the_digits_that_it_has(rtol):
    """A larger tolerance decides more, not less."""
    rng = np.random.default_rng(1)
    inputs, target = rng.normal(size=(32, 8)).astype(np.float32), rng.normal(size=32).astype(np.float32)
    x = {"W": (rng.normal(size=(8, 6)) / 3).astype(np.float32), "v": (rng.normal(size=6) / 3).astype(np.float32)}

    def loss(p):
        W, v = np.float32(p["W"]), np.float32(p["v"])
        return np.mean((np.tanh(inputs @ W) @ v - target) ** 2, dtype=np.float32)

    def slopes(p):
        W, v = np.float32(p["W"]), np.float32(p["v"])
        hidden = np.tanh(inputs @ W)
        off = 2 * (hidden @ v - target) / 32
        return {"W": inputs.T @ (np.outer(off, v) * (1 - hidden**2)), "v": hidden.T @ off}

    assert fg.check_grad(loss, slopes, x, rtol=rtol).verdict == "right"
    wrong = fg.check_grad(loss, lambda p: {"W": -slopes(p)["W"], "v": slopes(p)["v"]}, x, rtol=rtol)
    assert wrong.verdict == "wrong"
    assert "W has the wrong sign" in wrong.explanation


# --- Minima --------------------------------------------------------------------------------------------------------


def rosenbrock(x):
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rosenbrock_gradient(x):
    off = x[1:] - x[:-1] ** 2
    found = np.zeros_like(x)
    found[:-1] = -400 * off * x[:-1] - 2 * (1 - x[:-1])
    found[1:] += 200 * off
    return found


@pytest.mark.parametrize("n", [2, 10, 1000])
def test_a_right_gradient_is_right_at_the_minimum(n):
    assert fg.check_grad(rosenbrock, rosenbrock_gradient, np.ones(n)).verdict == "right"
    rng = np.random.default_rng(n)
    A, noise = rng.normal(size=(n + 20, min(n, 10))), rng.normal(size=n + 20)
    best = np.linalg.lstsq(A, noise, rcond=None)[0]
    check = fg.check_grad(lambda x: float(np.sum((A @ x - noise) ** 2)), lambda x: 2 * A.T @ (A @ x - noise), best)
    assert check.verdict == "right"


def test_where_slopes_are_hidden_it_says_that_the_point_is_stationary():
    """x^8 at 0: its derivative is 0 within errors that no second derivative makes small."""
    check = fg.check_grad(lambda x: 1.0 + float(np.sum((x - 1) ** 8)), lambda x: 8 * (x - 1) ** 7 + 1e-13, np.ones(2))
    assert check.verdict in ("right", "undecided")
    assert "noise, a kink" not in check.explanation


def test_rounding_of_the_claim_beside_larger_entries_is_no_accusation():
    x = np.array([1.0, 2.0, 3.0])
    check = fg.check_grad(lambda x: float(x[0] ** 2 + x[1] ** 3), np.array([2.0, 12.0, -1e-15]), x)
    assert check.verdict == "right"


def test_how_well_a_claim_is_conditioned_is_asked_of_it():
    """The gradient of log(sigmoid(20)): 1 - p has lost eight digits; f as it is written has not."""
    x = np.array([20.0])
    check = fg.check_grad(lambda x: -np.log1p(np.exp(-x[0])), lambda x: 1 - 1 / (1 + np.exp(-x)), x)
    assert check.verdict == "right"
