"""A run goes on only with the function that it was of; what may differ is noise."""

import numpy as np
import pytest

import fastgrad as fg

X = np.array([4.0, 3.0, -1.0])


def f(x, d=0.0):
    return float(((x - d) ** 2).sum())


def gradient_of_f(x, d=0.0):
    return 2 * (x - d)


@pytest.mark.parametrize("maxiter", [0, 3, 1000])
@pytest.mark.parametrize("method", ["gd", "adam", "bb"])
@pytest.mark.parametrize("learning_rate", ["auto", 0.01])
@pytest.mark.parametrize("grad", [None, gradient_of_f])
@pytest.mark.parametrize("history", [True, False])
def test_another_function_is_refused(maxiter, method, learning_rate, grad, history, tmp_path):
    path, options = tmp_path / "run.npz", {"method": method, "learning_rate": learning_rate, "history": history}
    fg.gradient_descent(f, X, grad=grad, args=(0.0,), maxiter=maxiter, checkpoint=path, **options)
    kept = path.read_bytes()
    for d in (7.0, 0.001):
        with pytest.raises(ValueError, match=r"at its x, (f|the gradient) is .*, but was .*delete the file") as caught:
            fg.gradient_descent(f, X, grad=grad, args=(d,), checkpoint=path, **options)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == kept
    fg.gradient_descent(f, X, grad=grad, args=(0.0,), maxiter=maxiter, checkpoint=path, **options)


def test_both_values_are_in_the_message(tmp_path):
    path = tmp_path / "run.npz"
    fg.gradient_descent(f, X, maxiter=0, checkpoint=path)
    with pytest.raises(ValueError, match=r"f is 126\.0, but was 26\.0"):
        fg.gradient_descent(lambda x: f(x) + 100, X, checkpoint=path)
    with pytest.raises(ValueError, match="f is nan, but was 26"):
        fg.gradient_descent(lambda x: np.nan, X, checkpoint=path)
    with pytest.raises(ZeroDivisionError):
        fg.gradient_descent(lambda x: 1 / 0, X, checkpoint=path)


def test_another_gradient_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    fg.gradient_descent(f, X, grad=gradient_of_f, maxiter=0, checkpoint=path)
    with pytest.raises(ValueError, match=r"the gradient is .* for x\[0\]"):
        fg.gradient_descent(f, X, grad=lambda x: 2.1 * x, checkpoint=path)


@pytest.mark.parametrize("grad", [None, gradient_of_f])
def test_one_evaluation_is_taken_and_counted(grad, tmp_path):
    path, calls = tmp_path / "run.npz", []
    first = fg.gradient_descent(f, X, grad=grad, learning_rate=0.1, maxiter=5, checkpoint=path)
    again = fg.gradient_descent(
        lambda x: calls.append(1) or f(x), X, grad=grad, learning_rate=0.1, maxiter=5, checkpoint=path
    )
    assert len(calls) == 1
    assert again.nfev == first.nfev + 1
    assert again.njev == first.njev + (grad is not None)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("level", [1e-9, 1e-3, 1.0])
@pytest.mark.parametrize("learning_rate", ["auto", 0.02])
def test_a_noisy_function_goes_on(seed, level, learning_rate, tmp_path):
    """The noise is other noise each time."""
    rng, path = np.random.default_rng(seed), tmp_path / "run.npz"

    def noisy(x):
        return f(x) + level * rng.standard_normal()

    options = {"learning_rate": learning_rate, "checkpoint": path, "gtol": 0.0}
    first = fg.gradient_descent(noisy, X, maxiter=20, **options)
    again = fg.gradient_descent(noisy, X, maxiter=25, **options)
    assert again.nit >= first.nit
    # Nor does its noise hide what is far outside it.
    with pytest.raises(ValueError, match="is of another function"):
        fg.gradient_descent(lambda x: noisy(x) + 1000 * level, X, maxiter=25, **options)


def test_a_noisy_gradient_goes_on(tmp_path):
    """Of samples, as in stochastic gradient descent."""
    rng = np.random.default_rng(0)

    def sampled(x):
        return gradient_of_f(x) + 0.1 * rng.standard_normal(x.size)

    options = {"grad": sampled, "learning_rate": 0.02, "history": False, "checkpoint": tmp_path / "run.npz"}
    fg.gradient_descent(f, X, maxiter=20, **options)
    assert fg.gradient_descent(f, X, maxiter=30, **options).nit == 30
    with pytest.raises(ValueError, match="the gradient is"):
        fg.gradient_descent(f, X, maxiter=30, **options | {"grad": lambda x: sampled(x) + 10})


def test_declared_noise_is_believed(tmp_path):
    path = tmp_path / "run.npz"
    options = {"learning_rate": 0.01, "noise": 1e-3, "checkpoint": path}
    fg.gradient_descent(f, X, maxiter=3, **options)
    assert fg.gradient_descent(lambda x: f(x) + 5e-3, X, maxiter=5, **options).nit == 5
    with pytest.raises(ValueError, match="is of another function"):
        fg.gradient_descent(lambda x: f(x) + 0.5, X, maxiter=5, **options)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("maxiter", [3, 1000])
def test_sums_in_another_order_are_the_same_function(dtype, maxiter, tmp_path):
    """As another machine, or another number of threads, takes them."""
    rng, path = np.random.default_rng(0), tmp_path / "run.npz"
    A, b = rng.standard_normal((500, 3)), rng.standard_normal(500)
    order = np.argsort(b)

    def loss(x, rows):
        residuals = (A[rows].astype(dtype) @ x.astype(dtype) - b[rows].astype(dtype)) ** 2
        return np.cumsum(residuals)[-1]

    first = fg.gradient_descent(loss, X, args=(np.arange(500),), maxiter=maxiter, checkpoint=path)
    assert loss(first.x, order) != loss(first.x, np.arange(500))
    again = fg.gradient_descent(loss, X, args=(order,), maxiter=maxiter + 2, checkpoint=path)
    assert again.nit >= first.nit
    b[17] += 0.5
    with pytest.raises(ValueError, match="is of another function"):
        fg.gradient_descent(loss, X, args=(order,), maxiter=maxiter + 2, checkpoint=path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("history", False), ("learning_rate", 0.2), ("momentum", 0.8), ("noise", 1e-9), ("grad", "forward")],
)
def test_other_options_are_refused(name, value, tmp_path):
    path = tmp_path / "run.npz"
    fg.gradient_descent(f, X, method="momentum", learning_rate=0.1, maxiter=2, checkpoint=path)
    with pytest.raises(ValueError, match=f"of a run with {name}=.*pass the same, delete it"):
        fg.gradient_descent(f, X, **{"method": "momentum", "learning_rate": 0.1, name: value}, checkpoint=path)
