"""Checks of gradients: right ones pass, wrong ones are named; the command line and the test helper."""

import json
import math
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from problems import PROBLEMS
from study import KINDS

import fastgrad as fg
from fastgrad.command.cli import main

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
    assert check.nfev <= 6 * 10
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
def test_a_right_gradient_is_right(f, g, x):
    with np.errstate(invalid="ignore", divide="ignore"):
        check = fg.check_grad(f, g, x)
    assert check.verdict == "right", str(check)


def test_noise_that_hides_the_answer_is_undecided():
    rng = np.random.default_rng(0)
    check = fg.check_grad(lambda x: float(x + 0.1 * rng.normal()), lambda x: 1.0, 2.0)
    assert check.verdict == "undecided"
    # What is not known to be right passes no test.
    assert not check
    # A scale that no step relative to x = 0 could guess.
    assert fg.check_grad(lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), 0.0)
    assert fg.check_grad(lambda x: np.sin(1e6 * x), lambda x: 1e3, 0.0).verdict == "wrong"


def test_report():
    check = fg.check_grad(f, broken(lambda d: d["b"].__imul__(2)), X)
    text = str(check)
    assert text.startswith("gradient is WRONG: 2 of 6 entries are wrong: b is 2.000 times too large (2 of 2 entries)")
    assert len(text.splitlines()) <= 13
    assert json.loads(json.dumps(check.to_dict()))["wrong"][0]["path"].startswith("b[")


@pytest.mark.parametrize(
    ("gradient", "error", "text"),
    [
        (lambda p: None, TypeError, "grad returned None"),
        (lambda p: np.ones(6), ValueError, "x is a pytree"),
        (lambda p: {"W": np.ones((2, 2))}, ValueError, "1 leaves, but x has 2"),
        (lambda p: {"W": np.ones((2, 2)), "b": np.ones(3)}, ValueError, r"b of grad's result has shape \(3,\)"),
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
    with pytest.raises(AssertionError, match=r"WRONG: 1 of 6 entries is wrong: b\[1\] has 75 times"):
        fg.testing.assert_grad(f, broken(lambda d: d["b"].__setitem__(1, 9.0)), X)


MODULE = """
import matplotlib
import numpy as np
def f(x): return (x ** 3).sum()
def g(x): return 3 * x ** 2
def bad(x): return 3 * x
def h(x, y): return x ** 2 * y
def dh(x, y): return 2 * x * y, x ** 2
x0 = np.array([1.5, -2.0])
"""


# What is wrong, in one sentence.

RNG = np.random.default_rng(7)
NET = {"W1": RNG.normal(size=(4, 4)), "b": RNG.normal(size=6), "W2": RNG.normal(size=(3, 5))}
LAMBDA = 0.1


def loss(p):
    return float(
        sum(np.sum(np.sin(v) * np.arange(1, v.size + 1).reshape(v.shape)) for v in p.values())
        + 0.5 * LAMBDA * sum(np.sum(v**2) for v in p.values())
    )


def loss_gradient(p):
    return {k: np.cos(v) * np.arange(1, v.size + 1).reshape(v.shape) + LAMBDA * v for k, v in p.items()}


def spoiled(change):
    def gradient(p):
        d = loss_gradient(p)
        result = change(d, p)
        return d if result is None else result

    return gradient


def put(d, key, index, value):
    d[key][index] = value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda d, p: {k: 50 * v for k, v in d.items()},
            "all of it is 50.000 times too large (37 of 37 entries): a sum, not a mean, over 50?",
        ),
        (lambda d, p: {k: -v for k, v in d.items()}, "all of it has the wrong sign"),
        (lambda d, p: put(d, "W1", slice(None), 2 * d["W1"]), "W1 is 2.000 times too large (16 of 16 entries)"),
        (lambda d, p: put(d, "b", slice(None), -d["b"]), "b has the wrong sign"),
        (lambda d, p: put(d, "b", [3, 4], d["b"][[4, 3]]), "b[3] and b[4] are exchanged"),
        (lambda d, p: put(d, "W1", slice(None), d["W1"].T.copy()), "W1 looks transposed"),
        (lambda d, p: put(d, "W1", slice(None), d["W1"] - LAMBDA * p["W1"]), "the term 0.1·W1 is missing from W1"),
        (lambda d, p: put(d, "b", 2, 0.0), "b[2] is zero, but f depends on it"),
        (lambda d, p: put(d, "b", slice(None), np.roll(d["b"], 1)), "b is shifted by one entry"),
        (lambda d, p: loss_gradient({k: v - 0.1 * d[k] for k, v in p.items()}), "right at x - 0.1·gradient"),
        (lambda d, p: put(d, "W2", (1, 2), d["W2"][1, 2] * (1 + 1e-4)), "W2[1, 2] is too large by 0.0001 of its value"),
        # No 3 by 5 matrix is the transpose of another one.
        (lambda d, p: put(d, "W2", slice(None), d["W2"].T.reshape(3, 5)), "W2 looks transposed and reshaped"),
        (lambda d, p: put(d, "W2", slice(None), d["W2"].reshape(5, 3).T), "W2 looks transposed and reshaped"),
    ],
)
def test_explanations(change, sentence):
    check = fg.check_grad(loss, spoiled(change), NET)
    assert check.verdict == "wrong"
    assert sentence in check.explanation


# Checks of f, and of other points.


def test_notes():
    rng = np.random.default_rng(0)
    check = fg.check_grad(lambda x: float(x @ x + 1e-9 * rng.normal()), lambda x: 2 * x, np.ones(2))
    assert any("not deterministic" in note for note in check.notes)
    check = fg.check_grad(lambda x: x @ x, lambda x: (float(x @ x) + 1, 2 * x), np.ones(2))
    assert any("beside the gradient" in note for note in check.notes)

    check = fg.check_grad(lambda x: np.array([x @ x]), lambda x: 2 * x, np.ones(2))
    assert check
    assert any("f returns shape (1,)" in note for note in check.notes)

    def overwriting(x):
        x *= x
        return x.sum()

    check = fg.check_grad(overwriting, lambda x: 2 * x, np.array([1.0, 2.0]))
    assert check
    assert "f overwrites its argument" in check.notes


@pytest.mark.parametrize("exhaustive", [True, False])
def test_float32_hidden_in_f_is_noted(exhaustive):
    def f(x):
        return float(np.sum(np.sin(x.astype(np.float32))))

    check = fg.check_grad(f, np.cos, np.linspace(0.2, 1.2, 20), exhaustive=exhaustive)
    assert check
    assert any("it computes in float32" in note for note in check.notes)


def test_near_finds_what_x_hides():
    # At x = 0 both are 0.
    check = fg.check_grad(lambda x: (x**2).sum(), lambda x: 3 * x, np.zeros(2), near=3)
    assert check.verdict == "wrong"
    assert "near x" in check.notes[-1]
    with pytest.raises(TypeError, match="near="):
        fg.check_grad(lambda x: (x**2).sum(), np.zeros(2), np.zeros(2), near=1)


def test_kinks_accept_subgradients():
    for claimed in (-1.0, 0.0, 0.7, 1.0):
        assert fg.check_grad(abs, claimed, 0.0)
    assert fg.check_grad(abs, 1.5, 0.0).verdict == "wrong"


def test_bounds_hold_for_every_evaluation():
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.exp(x).sum())

    x, bounds = np.array([1.0, 2.0, 3.0]), ([1.0, 0.0, 2.999], [9.0, 9.0, 3.001])
    assert fg.check_grad(f, np.exp, x, bounds=bounds)
    wrong = np.exp(x) * [1.0, 2.0, -1.0]
    assert {m.index for m in fg.check_grad(f, wrong, x, bounds=bounds).wrong} == {1, 2}
    assert (np.array(seen) >= bounds[0]).all()
    assert (np.array(seen) <= bounds[1]).all()
    with pytest.raises(ValueError, match="exhaustive=True"):
        fg.check_grad(f, np.exp, x, bounds=bounds, exhaustive=False)


def test_scale_of_f_does_not_change_the_verdict():
    # scipy's check_grad scores the first 7e-9 ("fine") and the second 0.10.
    assert fg.check_grad(lambda x: 1e-9 * np.sin(x), lambda x: -1e-9 * np.cos(x), 1.0).verdict == "wrong"
    assert fg.check_grad(lambda x: 1e6 * np.sin(x), lambda x: 1e6 * np.cos(x), 1.0).verdict == "right"


@pytest.mark.parametrize(("f", "exact"), [(math.exp, math.exp(0.7)), (lambda x: x**5, 5 * 0.7**4)])
def test_what_is_five_error_bars_off_is_wrong(f, exact):
    # How long the bar is shows where the claim is far off.
    bar = fg.check_grad(f, 4.0, 0.7).wrong[0].error
    for sign in (-1, 1):
        assert fg.check_grad(f, exact + sign * bar, 0.7).verdict == "right"
        assert fg.check_grad(f, exact + sign * 5 * bar, 0.7).verdict == "wrong"


def test_what_a_second_look_does_not_confirm_is_not_wrong():
    """Noise allows steps as long as a period of f, where bars may be too short: a right gradient gets another look."""

    def f(x):
        noise = zlib.crc32(struct.pack("<d", x)) / 2**32 - 0.5  # another one at each x, and always the same
        return x + 0.1 * math.sin(20 * x) + 1e-4 * noise

    points = np.linspace(0.5, 2.5, 201).tolist()
    verdicts = [fg.check_grad(f, 1 + 2 * math.cos(20 * x), x).verdict for x in points]
    assert verdicts.count("wrong") == 0
    # 85 are known to be right, 8 of them by the second look only.
    assert verdicts.count("right") >= 82


@pytest.mark.parametrize("exhaustive", [True, False])
def test_what_rtol_accepts_is_right(exhaustive):
    x = np.linspace(0.5, 1.5, 20)
    claimed = np.cos(x) * (1 + 1e-4)
    for rtol, verdict in ((2e-4, "right"), (1e-5, "wrong"), (0.0, "wrong")):
        check = fg.check_grad(lambda x: np.sin(x).sum(), claimed, x, rtol=rtol, exhaustive=exhaustive)
        assert check.verdict == verdict


def test_points_near_x_are_within_bounds():
    x, seen = np.array([1.0, 2.0]), []
    bounds = (np.array([1.0, 1.999]), np.array([1.001, 2.0]))

    def gradient(x):
        seen.append(x.copy())
        return 3 * x**2

    assert fg.check_grad(lambda x: np.sum(x**3), gradient, x, near=4, bounds=bounds).verdict == "right"
    assert len({point.tobytes() for point in seen}) > 1
    assert (np.array(seen) >= bounds[0]).all()
    assert (np.array(seen) <= bounds[1]).all()


def test_a_second_look_that_says_nothing_clears_nobody():
    """An entry that is off by many error bars under noise is wrong, or undecided: never right."""
    x = np.array([0.3, -0.7, 1.1, 0.5])
    verdicts = {bars: [] for bars in (10, 30, 100)}
    for seed in range(4):
        rng = np.random.default_rng(seed)

        def f(x, rng=rng):
            return float(np.sum(np.exp(x))) * (1 + 1e-6 * rng.standard_normal())

        bar = fg.differentiate(f, x).error[1]
        assert fg.check_grad(f, np.exp(x), x).verdict == "right"
        for bars, found in verdicts.items():
            claimed = np.exp(x)
            claimed[1] += bars * bar
            found.append(fg.check_grad(f, claimed, x).verdict)
    assert all("right" not in found for found in verdicts.values())
    assert verdicts[100] == ["wrong"] * 4


def test_html_and_plot():
    check = fg.check_grad(f, broken(lambda d: d["b"].__imul__(2)), X)
    assert "<table>" in check._repr_html_()
    matplotlib.use("Agg")
    assert check.plot().get_xlabel() == "numeric"


def test_command_line(tmp_path, capsys):
    path = tmp_path / "model_of_test.py"
    path.write_text(MODULE)
    np.save(tmp_path / "x.npy", np.array([1.0, 3.0]))
    assert main(["check", f"{path}:f", "--grad", f"{path}:g", "--at", f"{path}:x0"]) == 0
    assert "gradient is RIGHT" in capsys.readouterr().out
    assert main(["check", f"{path}:f", "--grad", f"{path}:bad", "--at", str(tmp_path / "x.npy"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["wrong"][0]["path"] == "x[1]"
    report = ["check", f"{path}:f", "--grad", f"{path}:bad", "--at", f"{path}:x0"]
    assert main([*report, "--html", "--exhaustive", "--points", "2", "--seed", "3"]) == 1
    assert "<table>" in capsys.readouterr().out
    assert main(["check", f"{path}:h", "--grad", f"{path}:dh", "--at", "x=1,y=2"]) == 0
    for arguments in (
        [f"{path}:none", "--grad", f"{path}:g", "--at", f"{path}:x0"],
        ["nothing", "--grad", f"{path}:g", "--at", f"{path}:x0"],
        [f"{tmp_path}/no.py:f", "--grad", f"{path}:g", "--at", f"{path}:x0"],
        [f"{path}:f", "--grad", f"{path}:g", "--at", "3"],
    ):
        assert main(["check", *arguments]) == 3
    assert "fastgrad: " in capsys.readouterr().err


def test_the_command_says_where_f_failed(tmp_path, capsys):
    """The error's notes too: at which point f was."""
    path = tmp_path / "model_that_fails.py"
    path.write_text(MODULE + "def failing(x):\n    if x[1] != -2.0: raise RuntimeError('no mesh')\n    return f(x)\n")
    assert main(["check", f"{path}:failing", "--grad", f"{path}:g", "--at", f"{path}:x0"]) == 3
    error, note, *_ = capsys.readouterr().err.splitlines()
    assert error == "fastgrad: RuntimeError: no mesh"
    assert note.startswith("  while evaluating f at ")


def test_command_line_shows_progress_on_a_terminal_only(tmp_path, capsys, monkeypatch):
    path = tmp_path / "model_of_progress.py"
    path.write_text(MODULE)
    command = ["check", f"{path}:f", "--grad", f"{path}:g", "--at", f"{path}:x0"]
    assert main(command) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(command) == 0
    assert "evaluations" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert main(command) == 0
    assert "fastgrad[progress]" in capsys.readouterr().err


def test_module_runs(tmp_path):
    # Elsewhere, since Python would take an unbuilt source tree in the current folder for the package.
    command = [sys.executable, "-m", "fastgrad", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == f"fastgrad {fg.__version__}"


def test_bugs_of_the_digits_example(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    import digits

    x = digits.start()
    sentences = {
        "right": "agree",
        "sum for mean": "a sum, not a mean, over 64?",
        "penalty forgotten": "the term 0.01·W1 is missing from W1",
        "penalty twice": "a term 0.01·W1 too much",
        "wrong sign": "b2 has the wrong sign",
        "dead unit": "b1[3] is zero",
        "stale point": "",  # by search its place is found, the reason only by exhaustive=True
    }
    for name, (f, gradient) in digits.BUGS.items():
        check = fg.check_grad(f, gradient, x)
        assert check.verdict == ("right" if name == "right" else "wrong"), name
        assert sentences[name] in check.explanation, name


# Shares of the collection that a search calls right.
SEARCHED = {"exact": 0.9, "1e-10": 0.5, "float32": 0.5}


# Over the collection of problems: no false alarm, and every bug in the largest entry is named.


@pytest.mark.parametrize("exhaustive", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_right_gradients_of_the_collection_are_never_wrong(exhaustive, kind):
    verdicts = []
    for problem in PROBLEMS:
        f = KINDS[kind](problem)
        if f is not None:
            with np.errstate(over="ignore"):
                verdicts.append(fg.check_grad(f, problem.gradient, problem.point, exhaustive=exhaustive).verdict)
    assert "wrong" not in verdicts
    assert len(verdicts) > 40
    least = {"exact": 0.97, "1e-10": 0.85, "float32": 0.9} if exhaustive else SEARCHED
    assert verdicts.count("right") >= least.get(kind, 0) * len(verdicts)


@pytest.mark.parametrize("change", [-1.0, 2.0, 0.5, 1.01, 1.0001, 0.0])
def test_wrong_gradients_of_the_collection_are_found(change):
    for problem in PROBLEMS:
        claimed = problem.gradient.copy()
        worst = int(np.argmax(np.abs(claimed)))
        if claimed[worst] == 0:
            continue
        claimed[worst] *= change
        check = fg.check_grad(problem.f, claimed, problem.point)
        assert [m.index for m in check.wrong] == [worst], problem.name


def test_a_small_factor_is_said_as_a_difference():
    """Not as 1 times its value."""
    x = np.array([1.0, 2.0, 3.0])
    found = fg.check_grad(lambda x: np.sum(x**4), 4 * x**3 * [1, 1, 1 + 1e-5], x).explanation
    assert found == "1 of 3 entries is wrong: x[2] is too large by 1e-05 of its value"
    found = fg.check_grad(lambda x: np.sum(x**4), 4 * x**3 * (1 - 1e-5), x).explanation
    assert found == "3 of 3 entries are wrong: x is too small by 1e-05 of its value: a constant factor?"


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    """As in ``fastgrad check ... | head -1``."""
    (tmp_path / "m.py").write_text(
        "def f(x):\n    return sum(x['a'] ** 3)\ndef g(x):\n    return {'a': 3 * x['a'] ** 2}\n"
    )
    (tmp_path / "at.py").write_text("import numpy\nx = {'a': numpy.ones(3)}\n")
    command = [sys.executable, "-m", "fastgrad", "check", "m.py:f", "--grad", "m.py:g", "--at", "at.py:x"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(writing)
    assert done.stderr == ""


def test_entries_that_noise_hides_say_nothing_of_a_factor():
    """Five derivatives of some 1e-15 beside a rounding of 1e-14 of f: claimed as 0, they are right, and no evidence."""
    x, hidden = np.linspace(0.5, 1.2, 8), np.arange(8) < 5
    rates = np.where(hidden, 1e-15, [0, 0, 0, 0, 0, 1.0, -2.0, 3.0])
    check = fg.check_grad(
        lambda x: 100.0 + float(rates @ np.where(hidden, np.sin(x), x)), np.where(hidden, 0.0, 2 * rates), x
    )
    assert {m.index for m in check.wrong} == {5, 6, 7}
    assert check.explanation == "3 of 8 entries are wrong: x is 2.000 times too large: a missing ½?"


def test_what_is_only_like_a_penalty_is_not_called_one():
    """The error is 0.1 x, give or take 20%; a penalty's is it to rounding."""
    x = np.array([1.0, -2.0, 0.5, 3.0, -1.5])
    exact = np.cos(x) * np.arange(1.0, 6.0)

    def f(x):
        return float(np.sin(x) @ np.arange(1.0, 6.0))

    loose = fg.check_grad(f, exact + 0.1 * x * [1.2, 0.8, 1.2, 0.8, 1.1], x)
    assert loose.verdict == "wrong"
    assert "regularisation" not in loose.explanation
    assert "a term 0.1·x too much in x: regularisation?" in fg.check_grad(f, exact + 0.1 * x, x).explanation


@pytest.mark.parametrize("exhaustive", [True, False])
def test_a_gradient_is_float32_only_if_all_of_it_is(exhaustive):
    """Sixteen entries fit a float32; another, off by 1e-7 of itself, has no excuse."""
    rates = np.append(np.full(40, 0.5), [1 / 3, 1 / 7])
    claimed = rates.copy()
    claimed[-2] *= 1 + 1e-7
    x = np.linspace(0.5, 1.5, rates.size)
    check = fg.check_grad(lambda x: float(rates @ x), claimed, x, exhaustive=exhaustive)
    assert [m.index for m in check.wrong] == [40]
    assert fg.check_grad(lambda x: float(rates @ x), rates, x, exhaustive=exhaustive).verdict == "right"
