"""Gradient descent ends where the minimum is known to be, its loss curve falls, and no work is lost."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass

import matplotlib
import numpy as np
import pytest
from rosenbrock import rosenbrock, rosenbrock_gradient

import fastgrad as fg

matplotlib.use("Agg")

METHODS = ("gd", "momentum", "nesterov", "adam", "bb")


def f(x):
    return float((x[0] - 1) ** 2 + 10 * (x[1] + 2) ** 2)


def gradient_of_f(x):
    return np.array([2 * (x[0] - 1), 20 * (x[1] + 2)])


@pytest.mark.parametrize("learning_rate", ["auto", 0.02])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grad", [None, gradient_of_f, "forward", "complex"])
def test_finds_the_minimum(method, learning_rate, grad):
    def g(x):  # for complex numbers too
        return (x[0] - 1) ** 2 + 10 * (x[1] + 2) ** 2

    result = fg.gradient_descent(
        g, np.zeros(2), grad=grad, method=method, learning_rate=learning_rate, maxiter=5000, gtol=1e-5
    )
    assert result.success, result
    np.testing.assert_allclose(result.x, [1, -2], atol=1e-5)
    fun = result.history["fun"]
    if method == "gd":
        assert (np.diff(fun) <= 0).all()
    assert len(fun) == result.nit + 1
    assert result.fun == g(result.x) == pytest.approx(fun.min(), abs=1e-9)
    assert result.history["nfev"][-1] <= result.nfev
    assert (np.diff(result.history["nfev"]) > 0).all()
    assert (np.diff(result.history["time"]) >= 0).all()
    json.dumps(result.to_dict())


def reference(method, x, rate, iterations, momentum=0.9, decay=0.999):
    """The textbook's formulas, one coordinate after the other."""
    v, s = np.zeros_like(x), np.zeros_like(x)
    for k in range(iterations):
        g = rosenbrock_gradient(x)
        if method == "gd":
            d = g
        elif method == "adam":
            v, s = momentum * v + (1 - momentum) * g, decay * s + (1 - decay) * g**2
            d = (v / (1 - momentum ** (k + 1))) / (np.sqrt(s / (1 - decay ** (k + 1))) + 1e-8)
        else:
            v = momentum * v + g
            d = v if method == "momentum" else g + momentum * v
        x = x - rate(k) * d
    return x


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("schedule", [False, True])
def test_directions_are_the_textbooks(method, schedule):
    start = np.array([-1.0, 0.5, 0.3])
    rate = (lambda k: 1e-4 / (1 + k)) if schedule else 1e-5
    rates = rate if schedule else (lambda k: 1e-5)
    for history in (True, False):
        found = fg.gradient_descent(
            rosenbrock, start, grad=rosenbrock_gradient, method=method, learning_rate=rate, maxiter=40, history=history
        )
        np.testing.assert_allclose(found.x, reference(method, start, rates, 40), rtol=1e-12)
        assert found.nit == 40
        assert found.fun == rosenbrock(found.x)
        assert bool(found.history) == history


def test_barzilai_borwein_steps():
    # On a quadratic, the formula gives steps between the inverses of the curvatures.
    result = fg.gradient_descent(
        f, np.array([3.0, 3.0]), grad=gradient_of_f, method="bb", learning_rate=0.01, maxiter=30
    )
    assert result.success
    rates = result.history["step"][2:] / result.history["grad_norm"][1:-1]
    assert (rates >= 1 / 20 - 1e-12).all()
    assert (rates <= 1 / 2 + 1e-12).all()


@dataclass
class Parameters:
    a: float
    b: np.ndarray


def test_pytrees_and_numbers():
    result = fg.gradient_descent(lambda p: (p["a"] - 3) ** 2 + (p["b"] ** 2).sum(), {"a": 0.0, "b": np.ones(2)})
    assert result.x["a"] == pytest.approx(3, abs=1e-5)
    assert fg.gradient_descent(lambda x: (x - 2) ** 2, 0.0).x == pytest.approx(2, abs=1e-6)
    found = fg.gradient_descent(
        lambda p: (p.a - 3) ** 2 + ((p.b - 1) ** 2).sum(),
        Parameters(0.0, np.zeros((2, 2))),
        grad=lambda p: Parameters(2 * (p.a - 3), 2 * (p.b - 1)),
        method="adam",
        learning_rate=0.1,
    )
    np.testing.assert_allclose(found.x.b, 1.0, atol=1e-4)
    shaped = fg.gradient_descent(lambda x: ((x - 1) ** 2).sum(), np.zeros((2, 3)), grad=lambda x: 2 * (x - 1))
    np.testing.assert_allclose(shaped.x, np.ones((2, 3)), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("learning_rate", ["auto", 0.01])
def test_bounds_are_kept(method, learning_rate):
    seen = []

    def g(x):
        seen.append(x.copy())
        return f(x)

    result = fg.gradient_descent(
        g, np.array([0.0, 0.5]), method=method, learning_rate=learning_rate, bounds=([-1.0, 0.0], [0.5, 1.0]),
        maxiter=3000,
    )  # fmt: skip
    assert result.success, result
    np.testing.assert_allclose(result.x, [0.5, 0.0], atol=1e-6)
    assert (np.min(seen, axis=0) >= [-1.0, 0.0]).all()
    assert (np.max(seen, axis=0) <= [0.5, 1.0]).all()
    assert result.history["grad_norm"][-1] <= 1e-6


def test_limits():
    for options, message in (
        ({"maxiter": 1}, "maxiter=1"),
        ({"max_evals": 20}, "max_evals=20"),
        ({"max_time": 0.0}, "max_time=0"),
    ):
        result = fg.gradient_descent(rosenbrock, np.zeros(3), **options)
        assert result.status == 1
        assert message in str(result)
        assert not result.success
    assert fg.gradient_descent(rosenbrock, np.zeros(3), max_evals=100).nfev < 110
    result = fg.gradient_descent(
        rosenbrock, np.zeros(3), grad=rosenbrock_gradient, learning_rate=1e-4, max_evals=100, maxiter=10**6
    )
    assert result.nfev == 100
    assert result.nit == 99
    flat = fg.gradient_descent(rosenbrock, np.zeros(2), learning_rate=1e-3, ftol=1e-3, maxiter=5000)
    assert flat.success
    assert "changes by less" in flat.message


@pytest.mark.parametrize("scale", [2.0**-600, 1.0, 2.0**600])
def test_gradients_whose_squares_overflow_or_vanish_have_a_norm(scale):
    """It is sqrt(2) scale / 2^k after k iterations: below scale / 2^12 for k = 13 first."""
    found = fg.gradient_descent(
        lambda x: float(0.5 * scale * (x @ x)),
        np.ones(2),
        grad=lambda x: scale * x,
        learning_rate=0.5 / scale,
        gtol=scale * 2.0**-12,
    )
    assert (found.status, found.nit, found.x.tolist()) == (0, 13, [2.0**-13, 2.0**-13])
    np.testing.assert_allclose(found.history["grad_norm"], scale * 2.0 ** (0.5 - np.arange(14)), rtol=1e-15)


@pytest.mark.parametrize("scale", [2.0**-40, 1.0, 2.0**40])
def test_ftol_is_relative_to_f(scale):
    """It falls from 1 + 0.5 / 4^k to 1 + 0.5 / 4^(k+1): by less than 0.001 of itself for k = 5 first, in any unit."""

    def f(x):
        return float(scale * (1.0 + 0.5 * x[0] ** 2))

    options = {"grad": lambda x: scale * x, "learning_rate": 0.5 / scale, "gtol": 0.0, "ftol": 1e-3}
    found = fg.gradient_descent(f, np.array([1.0]), **options)
    assert (found.status, found.nit, found.x[0]) == (0, 6, 2.0**-6)
    assert "changes by less than 0.001 of itself" in found.message
    together = fg.gradient_descent(f, np.array([[1.0], [2.0]]), batch=True, **options)
    assert together.status.tolist() == [0, 0]
    assert together.nit.tolist() == [6, 7]


def test_callback_stops_and_sees():
    seen = []

    def callback(result):
        seen.append(result.fun)
        return result.nit == 5

    for rate in ("auto", 0.01):
        seen.clear()
        result = fg.gradient_descent(f, np.zeros(2), callback=callback, learning_rate=rate)
        assert (result.status, result.nit, len(seen)) == (6, 5, 5)
        assert (np.diff(seen) < 0).all()
        assert seen[-1] == result.fun


def test_divergence_returns_the_last_good_point():
    with np.errstate(over="ignore", invalid="ignore"):
        for grad in (None, lambda x: 2 * x):
            diverged = fg.gradient_descent(
                lambda x: float(x[0] ** 2), np.array([3.0]), grad=grad, learning_rate=10.0, maxiter=10**5
            )
            assert diverged.status == 3
            assert diverged.fun == 9.0
            assert "smaller learning_rate" in str(diverged)


def test_exceptions_lose_nothing():
    def fragile(x):
        if x[0] < 1.0:
            raise RuntimeError("the solver diverged")
        return float(x[0] ** 2)

    # At a trial step: the step becomes shorter.
    result = fg.gradient_descent(fragile, np.array([5.0]), grad=lambda x: 2 * x)
    assert 1.0 <= result.x[0] < 1.1
    assert result.status == 4
    assert isinstance(result.exception, RuntimeError)
    # With a given rate: the last good point, and the exception.
    result = fg.gradient_descent(fragile, np.array([5.0]), grad=lambda x: 2 * x, learning_rate=0.1)
    assert 1.0 <= result.x[0] < 1.3
    assert (result.status, str(result.exception)) == (4, "the solver diverged")
    assert result.fun == result.x[0] ** 2 == result.history["fun"][-1]
    assert "RuntimeError: the solver diverged" in str(result)
    json.dumps(result.to_dict())
    # At the start there is nothing to lose.
    with pytest.raises(RuntimeError, match="diverged"):
        fg.gradient_descent(fragile, np.array([0.0]))

    def edge(x):
        return float(np.log(x[0]) ** 2) if x[0] > 0 else float("nan")

    assert fg.gradient_descent(edge, np.array([5.0])).x[0] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("learning_rate", ["auto", 1e-9])
def test_ctrl_c_returns_the_best_point(learning_rate):
    timer = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    result = fg.gradient_descent(
        lambda x: time.sleep(0.002) or rosenbrock(x), np.zeros(5), grad=rosenbrock_gradient,
        learning_rate=learning_rate, maxiter=10**7, gtol=0.0,
    )  # fmt: skip
    assert result.status == 5
    assert "interrupted" in str(result)
    assert result.fun == result.history["fun"].min() == rosenbrock(result.x)


def test_converges_to_the_accuracy_of_its_gradient():
    rng = np.random.default_rng(0)

    def noisy(x):
        return f(x) + 1e-6 * rng.standard_normal()

    for rate in ("auto", 0.02):
        result = fg.gradient_descent(noisy, np.zeros(2), learning_rate=rate, gtol=1e-12, maxiter=20_000)
        assert result.success, result
        assert "accuracy" in result.message
        assert result.nit < 2000
        np.testing.assert_allclose(result.x, [1, -2], atol=0.05)
    # Float32: central differences alone would stop at a gradient that is all error.
    narrow = fg.gradient_descent(lambda x: np.float32(f(x)), np.zeros(2), gtol=1e-12)
    assert narrow.success
    np.testing.assert_allclose(narrow.x, [1, -2], atol=0.01)


def test_forward_differences_are_tightened_near_the_optimum():
    x = np.zeros(2)
    loose = fg.gradient_descent(f, x, grad="forward", method_near_optimum=None, gtol=1e-9)
    tight = fg.gradient_descent(f, x, grad="forward", gtol=1e-9)
    assert np.linalg.norm(gradient_of_f(tight.x)) < 1e-8
    assert np.linalg.norm(gradient_of_f(loose.x)) > 100 * np.linalg.norm(gradient_of_f(tight.x))
    fixed = fg.gradient_descent(f, x, grad="forward", learning_rate=0.04, gtol=1e-9, maxiter=10_000)
    assert fixed.success
    assert np.linalg.norm(gradient_of_f(fixed.x)) < 1e-7


def test_a_wrong_gradient_is_suspected():
    result = fg.gradient_descent(f, np.zeros(2), grad=lambda x: -gradient_of_f(x))
    assert result.status == 2
    assert "check_grad" in str(result)


def test_what_is_wrong_is_said():
    for options, error, match in (
        ({"learning_rate": 0}, ValueError, "learning_rate is 0"),
        ({"learning_rate": "fast"}, ValueError, "learning_rate is 'fast'"),
        ({"learning_rate": lambda k: -1.0}, None, "learning_rate gave -1.0 at iteration 0"),
        ({"learning_rate": lambda k: np.inf}, None, "learning_rate gave inf at iteration 0"),
        ({"method": "sgd"}, ValueError, "'sgd' is not one of 'gd'"),
        ({"method": "central"}, ValueError, "chosen by grad="),
        ({"momentum": 1.0}, ValueError, "momentum is 1.0"),
        ({"grad": "exact"}, ValueError, "grad='exact' is not one of"),
        ({"method_near_optimum": "near"}, ValueError, "'near' is not one"),
        ({"grad": lambda x: None}, TypeError, "return statement"),
        ({"grad": lambda x: x[:1]}, ValueError, r"shape \(1,\)"),
        ({"bounds": (1.0, 2.0)}, ValueError, "outside its bounds"),
        ({"grad": lambda x: x * np.nan}, ValueError, r"gradient is nan at x0, for x\[0\]"),
    ):
        if error is None:
            assert re.search(match, str(fg.gradient_descent(f, np.zeros(2), **options)))
        else:
            with pytest.raises(error, match=match):
                fg.gradient_descent(f, np.zeros(2), **options)
    with pytest.raises(ValueError, match="f is inf at x0"):
        fg.gradient_descent(lambda x: np.inf, np.zeros(2))
    with pytest.raises(TypeError, match="x0 is missing"):
        fg.gradient_descent(f)


def test_functions_of_every_kind():
    pytest.importorskip("numba")
    compiled = fg.compile(lambda x, y: (x - 1) ** 2 + 10 * (y + 2) ** 2)

    def rows(block):
        return (block[:, 0] - 1) ** 2 + 10 * (block[:, 1] + 2) ** 2

    local = lambda x: float((x[0] - 1) ** 2 + 10 * (x[1] + 2) ** 2)  # noqa: E731 workers cannot import a test
    for function, options in ((compiled, {}), (rows, {"vectorized": True}), (local, {"workers": 2})):
        for rate in ("auto", 0.02):
            result = fg.gradient_descent(function, np.zeros(2), learning_rate=rate, **options)
            assert result.success
            np.testing.assert_allclose(result.x, [1, -2], atol=1e-5)


def test_f_and_grad_may_keep_and_overwrite_what_they_get():
    kept = []

    def keeping(x):
        kept.append(x)
        return f(x)

    def overwriting(x):
        g = gradient_of_f(x)
        x[:] = 99.0
        return g

    result = fg.gradient_descent(keeping, np.zeros(2), grad=overwriting, learning_rate=0.02, maxiter=50)
    expected = fg.gradient_descent(f, np.zeros(2), grad=gradient_of_f, learning_rate=0.02, maxiter=50)
    assert (result.x == expected.x).all()
    assert len({id(x) for x in kept}) == len(kept)
    assert f(kept[10]) == expected.history["fun"][10]


def test_progress(monkeypatch):
    import tqdm.auto

    bars = []

    class Bar:
        def __init__(self, **options):
            self.total, self.n, self.closed, self.shown = options["total"], options["initial"], False, {}
            bars.append(self)

        def update(self, count):
            self.n += count

        def set_postfix(self, refresh, **shown):
            self.shown = shown

        def close(self):
            self.closed = True

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    # With a given rate and gradient, many iterations go by between two looks.
    for options in ({}, {"grad": gradient_of_f, "learning_rate": 0.01}):
        bars.clear()
        result = fg.gradient_descent(f, np.zeros(2), progress=True, maxiter=500, **options)
        assert (bars[0].total, bars[0].n, bars[0].closed) == (500, result.nit, True)
        assert set(bars[0].shown) == {"loss", "gradient"}


def test_plot():
    result = fg.gradient_descent(rosenbrock, np.array([0.0, 0.0]), maxiter=200)
    curve, path = result.plot(f=rosenbrock)
    assert curve.get_yscale() == "log"
    assert len(curve.lines[0].get_xdata()) == result.nit + 1
    np.testing.assert_array_equal(path.lines[0].get_xydata(), result.history["x"])
    axes = matplotlib.figure.Figure().subplots()
    assert fg.gradient_descent(rosenbrock, np.zeros(3), maxiter=3).plot(axes) is axes
    with pytest.raises(ValueError, match="no loss curve"):
        fg.gradient_descent(f, np.zeros(2), grad=gradient_of_f, learning_rate=0.01, history=False).plot()


# --- Checkpoints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("learning_rate", ["auto", 1e-3, "schedule"])
@pytest.mark.parametrize("grad", ["forward", rosenbrock_gradient])
def test_a_run_goes_on_to_the_last_bit(method, learning_rate, grad, tmp_path):
    options = {
        "method": method,
        "learning_rate": (lambda k: 1e-3 / (1 + 0.1 * k)) if learning_rate == "schedule" else learning_rate,
        "grad": grad,
        "gtol": 0.0,
    }
    start = np.array([-0.5, 0.3, 0.8])
    path = tmp_path / "run.npz"
    straight = fg.gradient_descent(rosenbrock, start, maxiter=60, **options)
    fg.gradient_descent(rosenbrock, start, maxiter=23, checkpoint=path, **options)
    on = fg.gradient_descent(rosenbrock, checkpoint=path, maxiter=60, **options)
    assert (on.x == straight.x).all()
    assert (on.jac == straight.jac).all()
    assert (on.fun, on.nit, on.status) == (straight.fun, straight.nit, straight.status)
    for name in ("fun", "grad_norm", "step"):
        assert (on.history[name] == straight.history[name]).all()
    assert (np.diff(on.history["nfev"]) > 0).all()
    # A run that is over stays so.
    again = fg.gradient_descent(rosenbrock, start, checkpoint=path, maxiter=60, **options)
    assert (again.x == straight.x).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("learning_rate", ["auto", 1e-3])
@pytest.mark.parametrize("after", [7, 20, 33])
def test_an_interrupted_run_goes_on_to_the_last_bit(method, learning_rate, after, tmp_path):
    start, path, calls = np.array([-0.5, 0.3, 0.8]), tmp_path / "run.npz", []
    options = {"method": method, "learning_rate": learning_rate, "gtol": 0.0, "maxiter": 40}

    def interrupted(x):
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt
        return rosenbrock_gradient(x)

    straight = fg.gradient_descent(rosenbrock, start, grad=rosenbrock_gradient, **options)
    broken = fg.gradient_descent(rosenbrock, start, grad=interrupted, checkpoint=path, **options)
    assert broken.status == 5
    on = fg.gradient_descent(rosenbrock, grad=rosenbrock_gradient, checkpoint=path, **options)
    assert (on.history["fun"] == straight.history["fun"]).all()
    assert (on.x == straight.x).all()


KILLED = """
    import sys, time
    import numpy as np
    import fastgrad as fg

    def slow(x):
        time.sleep(0.0005)
        return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

    fg.gradient_descent(
        slow, np.array([-0.5, 0.3, 0.8]), method="adam", learning_rate=1e-2, maxiter=200, gtol=0.0,
        checkpoint=sys.argv[1], checkpoint_every=0.005,
    )
"""


def test_killed_at_random_moments(tmp_path):
    path = tmp_path / "run.npz"
    options = {"method": "adam", "learning_rate": 1e-2, "gtol": 0.0}
    straight = fg.gradient_descent(rosenbrock, np.array([-0.5, 0.3, 0.8]), maxiter=200, **options)
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(20):
        # Elsewhere: where the tests run, the source may lie beside them.
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), str(path)], cwd=tmp_path)
        deadline = time.monotonic() + 20
        before = path.stat().st_mtime_ns if path.exists() else 0
        # Wait until it works, then a random while.
        while process.poll() is None and time.monotonic() < deadline:
            if path.exists() and path.stat().st_mtime_ns != before:
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.08))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        with np.load(path, allow_pickle=False) as file:
            assert 0 <= int(file["iteration"]) <= 200
    assert kills > 5
    on = fg.gradient_descent(rosenbrock, checkpoint=path, maxiter=200, **options)
    assert (on.x == straight.x).all()
    assert (on.history["fun"] == straight.history["fun"]).all()
    # What a killed run left beside it is gone.
    assert os.listdir(tmp_path) == ["run.npz"]


def test_checkpoints_of_other_runs_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    fg.gradient_descent(rosenbrock, np.zeros(3), maxiter=3, checkpoint=path)
    with pytest.raises(ValueError, match="method='gd', not 'adam'"):
        fg.gradient_descent(rosenbrock, np.zeros(3), method="adam", checkpoint=path)
    with pytest.raises(ValueError, match="the checkpoint is of a run with bounds=None"):
        fg.gradient_descent(rosenbrock, np.zeros(3), bounds=(-1, 1), checkpoint=path)
    with pytest.raises(ValueError, match="3 coordinates, but x0 has 4"):
        fg.gradient_descent(rosenbrock, np.zeros(4), checkpoint=path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="is no checkpoint of a descent"):
        fg.gradient_descent(rosenbrock, np.zeros(3), checkpoint=path)
    np.savez(path, options=np.array({"a": 1}, dtype=object))
    with pytest.raises(ValueError, match="is no checkpoint"):
        fg.gradient_descent(rosenbrock, np.zeros(3), checkpoint=path)
    tree = tmp_path / "tree.npz"
    loss = lambda p: (p["a"] - 1) ** 2 + (p["b"] ** 2).sum()  # noqa: E731
    start = {"a": 0.0, "b": np.ones(2)}
    fg.gradient_descent(loss, start, maxiter=1, checkpoint=tree)
    with pytest.raises(TypeError, match="x0 is missing"):
        fg.gradient_descent(loss, checkpoint=tree)
    assert fg.gradient_descent(loss, start, checkpoint=tree).success
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("grad", ["central", "adaptive", None])
def test_coordinates_that_bounds_fix_stay_and_the_others_converge(grad, batch):
    """x0² + (x1 - 3)² with x1 held at 2: the minimum is (0, 2)."""
    x0 = np.array([[1.0, 2.0]]) if batch else np.array([1.0, 2.0])
    bounds = (np.array([-5.0, 2.0]), np.array([5.0, 2.0]))
    found = fg.gradient_descent(lambda x: x[0] ** 2 + (x[1] - 3) ** 2, x0, grad=grad, bounds=bounds, batch=batch)
    assert np.all(found.success)
    np.testing.assert_allclose(np.ravel(found.x), [0.0, 2.0], atol=1e-6)
