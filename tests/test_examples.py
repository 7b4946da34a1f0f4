"""The examples' outcomes on real data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return __import__(name)

    return load


def test_regression_reaches_the_certified_digits(example):
    fit = example("fit")
    near, result = fit.fit()
    assert near.success
    assert result.success
    np.testing.assert_allclose(result.x * fit.UNITS, fit.CERTIFIED, rtol=1e-10)
    assert result.fun == pytest.approx(fit.CERTIFIED_SQUARES, rel=1e-10)


def test_losses_fall_and_models_learn(example, tmp_path, monkeypatch):
    descent = example("descent")
    logistic, right = descent.train_logistic()
    assert logistic.success
    assert (np.diff(logistic.history["fun"]) <= 0).all()
    assert logistic.history["fun"][0] == pytest.approx(np.log(2))
    assert right > 0.98
    network, correct = descent.train_network()
    assert network.fun < 0.1 * network.history["fun"][0]
    assert correct > 0.97
    picture = tmp_path / "curves.png"
    monkeypatch.setattr(sys, "argv", ["descent.py", str(picture)])
    descent.main()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_hyperparameters_are_at_the_minimum(example):
    hyperparameters = example("hyperparameters")
    features, outcome = hyperparameters.load_patients()
    ridge, rbf = hyperparameters.tune()
    assert ridge.success
    assert rbf.success
    loss = hyperparameters.make_ridge(features, outcome)
    grid = np.linspace(-3, 4, 29)
    values = [loss(log) for log in grid]
    assert ridge.fun <= min(values)
    assert abs(ridge.x - grid[np.argmin(values)]) < 0.3
    # Ridge regression has a closed form: the linear kernel gives the same predictions.
    assert rbf.fun < ridge.fun
    loss = hyperparameters.make_rbf(features, outcome)
    for step in ([0.1, 0.0], [-0.1, 0.0], [0.0, 0.05], [0.0, -0.05]):
        assert loss(rbf.x + step) > rbf.fun


def test_sparse_jacobians_in_scipy(example):
    examples = example("sparse_jacobians")
    plan, fitted, solved = examples.solve_equations()
    assert plan.n_colours == 3
    assert np.abs(fitted.fun).max() < 1e-8
    assert np.abs(solved.fun).max() < 1e-6
    plan, moved = examples.move_front()
    assert plan.n_colours == 3
    assert moved.success
    # A travelling front: all values between the two states, falling along the line.
    assert (np.diff(moved.y[:, -1]) <= 1e-6).all()
    assert moved.y[100, -1] > 0.99


def test_a_killed_worker_changes_no_bit():
    pytest.importorskip("distributed")
    command = [sys.executable, str(EXAMPLES / "distributed.py"), "--parameters", "8"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("the same to the last bit: True") == 2


def test_slopes_of_a_terrain(example, tmp_path, monkeypatch, capsys):
    picture = tmp_path / "slope.png"
    monkeypatch.setattr(sys, "argv", ["grid.py", str(picture)])
    example("grid").main()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert " 0 slopes lost" in capsys.readouterr().out


def test_features_of_diabetes(example):
    found = example("sensitivity").diabetes()
    trees = found["boosted trees"]
    assert trees.piecewise_constant
    assert not found["network"].piecewise_constant
    # Body mass and a blood value lead in every model; sex is one of two numbers.
    for result in found.values():
        assert {"bmi", "s5"} == set(result.ranking[:2])
        assert result.kinds[result.features.index("sex")] == "unit step"


@pytest.mark.parametrize("name", ["torch_function", "jax_custom_vjp"])
def test_examples_of_what_is_not_installed_say_so(name):
    code = (
        "import sys, runpy; sys.modules['torch'] = sys.modules['jax'] = None; "
        f"runpy.run_path({str(EXAMPLES / f'{name}.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"pip install 'fastgrad[{name.partition('_')[0]}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
