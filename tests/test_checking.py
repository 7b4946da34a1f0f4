"""Checks of gradients: right ones pass, wrong ones are named; the command line and the test helper."""

import json
import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad._cli import main

X = {"W": np.array([[1.0, -2.0], [0.5, 3.0]]), "b": np.array([0.1, 0.2])}


def f(p):
    return float(np.sum(np.tanh(p["W"]) ** 2) + np.sum(p["b"] ** 3))


def g(p):
    t = np.tanh(p["W"])
    return {"W": 2 * t * (1 - t**2), "b": 3 * p["b"] ** 2}


def broken(change):
    def wrong(p):
        d = g(p)
        change(d)
        return d

    return wrong


def test_right():
    check = fg.check_grad(f, g, X)
    assert check
    assert check.verdict == "right"
    assert check.n_compared == 6
    assert check.nfev == 25
    assert not check.wrong


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        (lambda d: d["W"].__setitem__((1, 0), -d["W"][1, 0]), {"W[1, 0]"}),
        (lambda d: d["b"].__imul__(2), {"b[0]", "b[1]"}),
        (lambda d: d["W"].__setitem__((0, 1), d["W"][0, 1] * (1 + 1e-4)), {"W[0, 1]"}),
        (lambda d: d["b"].__setitem__(1, 0.0), {"b[1]"}),
        (lambda d: d["W"].__setitem__((0, 0), np.nan), {"W[0, 0]"}),
        (lambda d: d.__setitem__("W", d["W"].T.copy()), {"W[0, 1]", "W[1, 0]"}),
    ],
)
def test_wrong_entries_are_named(change, paths):
    check = fg.check_grad(f, broken(change), X)
    assert check.verdict == "wrong"
    assert {m.path for m in check.wrong} == paths
    assert all(fg.partial(f, X, m.path) == pytest.approx(m.numeric, abs=1e-6) for m in check.wrong)


@pytest.mark.parametrize(
    ("f", "g", "x"),
    [
        (lambda x: (x**2).sum(), lambda x: 2 * x, np.zeros(4)),
        (lambda x: 1e-12 * np.sin(x).sum(), lambda x: 1e-12 * np.cos(x), np.array([1.0, 2.0])),
        (lambda x: 1e12 * np.sin(x).sum(), lambda x: 1e12 * np.cos(x), np.array([1.0, 2.0])),
        (lambda x: np.float32(np.sin(x).sum()), np.cos, np.array([1.0, 2.0])),
        (lambda x: np.exp(x).sum(), lambda x: np.exp(x).astype("f4"), np.array([0.1, -5.3])),
        (lambda x: np.abs(x).sum(), lambda x: np.array([0.3, 1.0]), np.array([0.0, 2.0])),
        (lambda x: np.log(x).sum(), lambda x: 1 / x, np.array([1e-4, 3.0])),
        (lambda x: np.sin(x / 1e-8).sum(), lambda x: np.cos(x / 1e-8) / 1e-8, np.array([0.0])),
        (lambda x: x[0] ** 2, lambda x: np.array([2 * x[0], 0.0]), np.array([3.0, 4.0])),
    ],
)
def test_a_right_gradient_is_never_called_wrong(f, g, x):
    with np.errstate(invalid="ignore", divide="ignore"):
        assert fg.check_grad(f, g, x).verdict != "wrong"


def test_noise_that_hides_the_answer_is_undecided():
    rng = np.random.default_rng(0)
    check = fg.check_grad(lambda x: float(x + 1e-3 * rng.normal()), lambda x: 1.0, 2.0)
    assert check.verdict == "undecided"
    # A scale that a step of 1e-3 cannot see.
    check = fg.check_grad(lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), 0.0)
    assert check.verdict == "undecided"
    assert (
        fg.check_grad(lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), 0.0, typical_x=1e-6).verdict
        == "right"
    )


def test_report():
    check = fg.check_grad(f, broken(lambda d: d["b"].__imul__(2)), X)
    text = str(check)
    assert text.startswith("gradient is WRONG: 2 of 6 entries are wrong, the worst b[")
    assert len(text.splitlines()) <= 13
    assert json.loads(json.dumps(check.to_dict()))["wrong"][0]["path"].startswith("b[")


@pytest.mark.parametrize(
    ("gradient", "error", "text"),
    [
        (lambda p: None, TypeError, "grad returned None"),
        (lambda p: np.ones(6), ValueError, "x is a pytree"),
        (lambda p: {"W": np.ones((2, 2))}, ValueError, "1 leaves, but x has 2"),
        (lambda p: {"W": np.ones((2, 2)), "b": np.ones(3)}, ValueError, r"b of shape \(3,\)"),
    ],
)
def test_bad_gradients(gradient, error, text):
    with pytest.raises(error, match=text):
        fg.check_grad(f, gradient, X)
    with pytest.raises(ValueError, match="shape"):
        fg.check_grad(lambda x: x.sum(), lambda x: np.ones((2, 1)), np.ones(2))
    with pytest.raises(ValueError, match="nothing to compare"):
        fg.check_grad(lambda x: 0.0, lambda x: x, np.empty(0))


def test_assert_grad():
    fg.testing.assert_grad(f, g, X)
    with pytest.raises(AssertionError, match=r"WRONG: 1 of 6 entry is wrong, the worst b\[1\]"):
        fg.testing.assert_grad(f, broken(lambda d: d["b"].__setitem__(1, 9.0)), X)


MODULE = """
import numpy as np
def f(x): return (x ** 3).sum()
def g(x): return 3 * x ** 2
def bad(x): return 3 * x
def h(x, y): return x ** 2 * y
def dh(x, y): return 2 * x * y, x ** 2
x0 = np.array([1.5, -2.0])
"""


def test_command_line(tmp_path, capsys):
    path = tmp_path / "model_of_test.py"
    path.write_text(MODULE)
    np.save(tmp_path / "x.npy", np.array([1.0, 3.0]))
    assert main(["check", f"{path}:f", "--grad", f"{path}:g", "--at", f"{path}:x0"]) == 0
    assert "gradient is RIGHT" in capsys.readouterr().out
    assert main(["check", f"{path}:f", "--grad", f"{path}:bad", "--at", str(tmp_path / "x.npy"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["wrong"][0]["path"] == "x[1]"
    assert main(["check", f"{path}:h", "--grad", f"{path}:dh", "--at", "x=1,y=2"]) == 0
    for arguments in (
        [f"{path}:none", "--grad", f"{path}:g", "--at", f"{path}:x0"],
        ["nothing", "--grad", f"{path}:g", "--at", f"{path}:x0"],
        [f"{tmp_path}/no.py:f", "--grad", f"{path}:g", "--at", f"{path}:x0"],
        [f"{path}:f", "--grad", f"{path}:g", "--at", "3"],
    ):
        assert main(["check", *arguments]) == 3
    assert "fastgrad: " in capsys.readouterr().err


def test_module_runs(tmp_path):
    # Elsewhere, since Python would take an unbuilt source tree in the current folder for the package.
    command = [sys.executable, "-m", "fastgrad", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == f"fastgrad {fg.__version__}"
