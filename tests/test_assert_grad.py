"""What a failing test says: the report of the check, whole, at the user's line."""

import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.testing import assert_grad

SUITE = """
import numpy as np
import fastgrad as fg
from fastgrad.testing import assert_grad

X = {"W": np.arange(1.0, 13.0).reshape(3, 4), "b": np.arange(1.0, 21.0)}

def loss(p):
    return float((p["W"] ** 3).sum() + (p["b"] ** 2).sum())

def slope(p):
    found = {"W": 3 * p["W"] ** 2, "b": 2 * p["b"]}
    found["W"][2, 1] *= -1
    found["b"][3:] *= 0.5
    return found

def test_slope():
    assert_grad(loss, slope, X)

def test_right():
    assert_grad(loss, lambda p: {"W": 3 * p["W"] ** 2, "b": 2 * p["b"]}, X)
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "test_of_user.py"
    path.write_text(SUITE)
    names = {}
    exec(SUITE, names)
    return path, str(fg.check_grad(names["loss"], names["slope"], names["X"]))


def test_the_error_is_the_report(suite):
    names = {}
    exec(SUITE, names)
    with pytest.raises(AssertionError) as caught:
        names["test_slope"]()
    report = suite[1]
    assert str(caught.value) == report
    lines = report.splitlines()
    first = lines[0]
    head, worst = lines[next(k for k, line in enumerate(lines) if line.startswith("  entry ")) :][:2]
    assert first.startswith("gradient is WRONG: 18 of 32 entries are wrong: ")
    assert head.split()[:3] == ["entry", "claimed", "numeric"]
    assert worst.rstrip().endswith("wrong")


@pytest.mark.parametrize(
    "options", [["-vv"], ["-v"], [], ["-q", "--tb=short"], ["-vv", "--assert=plain"]], ids=" ".join
)
def test_pytest_shows_all_of_it(suite, options):
    path, report = suite
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *options, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "1 failed, 1 passed" in done.stdout
    said = [line.removeprefix("E").strip() for line in done.stdout.splitlines() if line.startswith("E  ")]
    assert said == [line.strip() for line in f"AssertionError: {report}".splitlines()]
    assert "assert_grad(loss, slope, X)" in done.stdout
    assert "fastgrad/testing.py:" not in done.stdout.split("short test summary")[0].split("AssertionError")[0]
    # Continuous integration often shows nothing but the summary.
    summary = done.stdout.split("short test summary")[1]
    assert "test_of_user.py::test_slope - AssertionError: gradient is WRONG: " in summary
    if "-vv" in options:
        assert report.splitlines()[0] in summary


def test_an_undecided_gradient_fails_and_says_what_to_do():
    rng = np.random.default_rng(0)
    with pytest.raises(
        AssertionError, match=r"^gradient is UNDECIDED: .* would decide\n  note: f is not deterministic"
    ):
        assert_grad(lambda x: float(x @ x) + rng.normal(), lambda x: 2 * x, np.ones(2))
