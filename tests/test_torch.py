"""Tensors of PyTorch: what f gets, what it may return, and what comes back."""

import copy
import pickle
import subprocess
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg

torch = pytest.importorskip("torch")

X = torch.tensor([0.5, -1.2, 2.0], dtype=torch.float64)
DTYPES = {"float32": (torch.float32, 1e-4), "float64": (torch.float64, 1e-8)}
KINDS = {
    "plain": lambda x: x.clone(),
    "requires grad": lambda x: x.clone().requires_grad_(),
    "parameter": lambda x: torch.nn.Parameter(x.clone()),
    "frozen parameter": lambda x: torch.nn.Parameter(x.clone(), requires_grad=False),
}


class Cube(torch.autograd.Function):
    """x³, with a backward by hand."""

    factor = 3.0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @classmethod
    def backward(cls, ctx, above):
        (x,) = ctx.saved_tensors
        return above * cls.factor * x**2


class WrongCube(Cube):
    factor = 2.0

    @staticmethod
    def backward(ctx, above):
        (x,) = ctx.saved_tensors
        return above * 2 * x**2


def cubes(x):
    return (x**3).sum()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_f_gets_what_x_is(kind, dtype):
    dtype, tolerance = DTYPES[dtype]
    x, seen = KINDS[kind](X.to(dtype)), []

    def f(y):
        seen.append(y)
        return cubes(y)

    found = fg.gradient(f, x)
    for y in seen:
        assert type(y) is type(x)
        assert (y.dtype, y.shape, y.requires_grad) == (x.dtype, x.shape, x.requires_grad)
    assert len({tuple(y.tolist()) for y in seen}) == len(seen)  # those that f kept are as they were
    assert type(found) is torch.Tensor
    assert (found.dtype, found.requires_grad) == (dtype, False)
    torch.testing.assert_close(found.double(), 3 * X**2, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["requires grad", "parameter"])
def test_a_backward_by_hand(kind, dtype):
    x = KINDS[kind](X.to(DTYPES[dtype][0]))
    for function, verdict in ((Cube, "right"), (WrongCube, "wrong")):

        def loss(x, function=function):
            return function.apply(x).sum()

        check = fg.check_grad(loss, lambda x, loss=loss: torch.autograd.grad(loss(x), x)[0], x, near=2)
        assert check.verdict == verdict, str(check)
        assert len(check.wrong) == (3 if verdict == "wrong" else 0)
        assert any("float32" in note for note in check.notes) == (dtype == "float32")


def network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    inputs, targets = torch.randn(20, 4), torch.randn(20, 1)

    def loss(p):
        return torch.nn.functional.mse_loss(torch.func.functional_call(model, p, inputs), targets)

    return model, loss


@pytest.mark.parametrize("taken", ["state_dict", "named_parameters"])
def test_parameters_of_a_module(taken):
    model, loss = network()
    x = model.state_dict() if taken == "state_dict" else dict(model.named_parameters())
    right = torch.func.grad_and_value(loss)  # (gradient, value)
    assert fg.check_grad(loss, right, x).verdict == "right"
    assert fg.check_grad(loss, torch.func.grad(loss), x).verdict == "right"

    def wrong(p):
        found = torch.func.grad(loss)(p)
        found["2.weight"] = -found["2.weight"]
        return found

    check = fg.check_grad(loss, wrong, x)
    assert check.verdict == "wrong"
    assert {row.path.partition("][")[0] for row in check.wrong} == {"x['2.weight'"}
    found = fg.gradient(loss, x, method="adaptive")  # fixed steps warn: float32 leaves them few digits
    assert type(found) is type(x)
    assert list(found) == list(x)
    for name, exact in torch.func.grad(loss)(x).items():
        torch.testing.assert_close(found[name], exact, rtol=1e-3, atol=1e-4)


def test_gradients_in_a_dict_of_another_order():
    x = OrderedDict(b=X.clone(), a=torch.ones(2, dtype=torch.float64))
    grad = lambda p: {"a": 2 * p["a"], "b": 3 * p["b"] ** 2}  # noqa: E731
    assert fg.check_grad(lambda p: cubes(p["b"]) + (p["a"] ** 2).sum(), grad, x)


def test_gradients_through_a_graph_need_no_detach():
    x = X.clone().requires_grad_()
    check = fg.check_grad(cubes, lambda x: (cubes(x), torch.autograd.grad(cubes(x), x, create_graph=True)[0]), x)
    assert check
    assert check.notes == []
    for refused in (lambda x: [x[0] * 2, x[1]], lambda x: (x[0], x[1])):
        with pytest.raises(TypeError, match=r"requires grad: call \.detach\(\)"):
            fg.jacobian(refused, x)


def test_a_gradient_that_writes_to_x_is_noted():
    def grad(x):
        x.mul_(x).mul_(3)
        return x

    for dtype in (torch.float32, torch.float64):
        check = fg.check_grad(cubes, grad, X.to(dtype))
        assert check
        assert "grad overwrites its argument" in check.notes


def test_float32_points_of_an_f_in_float64():
    """Steps for float64 would be rounded away."""
    x = X.float()
    exact = 3 * x.double() ** 2
    f = lambda x: (x.double() ** 3).sum()  # noqa: E731
    torch.testing.assert_close(fg.gradient(f, x).double(), exact, rtol=1e-4, atol=0)
    found = fg.differentiate(f, x)
    assert (abs(np.asarray(found.value) - exact.numpy()) <= np.asarray(found.error) + 2e-7 * exact.numpy()).all()
    assert fg.check_grad(f, lambda x: 3 * x**2, x)
    torch.testing.assert_close(fg.gradient(f, x, workers=ThreadPoolExecutor(2)).double(), exact, rtol=1e-4, atol=0)


def test_verbs_take_tensors():
    vector = lambda x: torch.stack([x[0] * x[1], x[2].exp()])  # noqa: E731
    jacobian = fg.jacobian(vector, X)
    assert jacobian.dtype == torch.float64
    torch.testing.assert_close(jacobian, torch.func.jacrev(vector)(X), rtol=1e-8, atol=1e-8)
    assert fg.check_jacobian(vector, torch.func.jacrev(vector), X)
    torch.testing.assert_close(fg.hessian(cubes, X), torch.diag(6 * X), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fg.hvp(cubes, X, torch.ones(3)), 6 * X, rtol=1e-5, atol=1e-5)
    assert fg.partial(cubes, X, 1) == pytest.approx(3 * 1.44)
    value, slope = fg.value_and_grad(cubes)(X)
    assert value == pytest.approx(cubes(X).item())
    torch.testing.assert_close(slope, 3 * X**2, rtol=1e-8, atol=0)
    torch.testing.assert_close(fg.gradient(cubes, X, method="complex"), 3 * X**2, rtol=1e-14, atol=0)
    ended = fg.gradient_descent(lambda x: ((x - 1) ** 2).sum(), X)
    torch.testing.assert_close(ended.x, torch.ones_like(X), rtol=1e-6, atol=0)
    number = fg.gradient(lambda x: x**3, torch.tensor(2.0, dtype=torch.float64))
    assert number.shape == ()
    assert number.item() == pytest.approx(12.0)
    whole = fg.gradient(cubes, torch.arange(1, 4))
    assert whole.dtype == torch.float64
    tree = fg.hessian(lambda p: p["a"].sum() ** 2 * p["b"], {"a": X, "b": torch.tensor(2.0)})
    assert tree["a"]["a"].shape == (3, 3)
    assert isinstance(tree["a"]["a"], torch.Tensor)


@pytest.mark.parametrize("vectorized", [False, True])
def test_many_points(vectorized):
    def f(x):
        assert isinstance(x, torch.Tensor)
        return (x**3).sum(-1)

    points = torch.stack([X, 2 * X])
    np.testing.assert_allclose(fg.batch_gradient(f, points, vectorized=vectorized), 3 * points.numpy() ** 2, rtol=1e-8)


def test_what_tensors_are_refused():
    for coarse in (torch.bfloat16, torch.float16):
        with pytest.raises(TypeError, match="too coarse for differences"):
            fg.gradient(cubes, X.to(coarse))
    with pytest.raises(TypeError, match="is complex"):
        fg.gradient(cubes, X.to(torch.complex128))
    with pytest.raises(TypeError, match="of type Tensor"):
        fg.gradient(cubes, torch.ones(2, device="meta"))
    with pytest.raises(ValueError, match=r"x\[1\] is nan"):
        fg.gradient(cubes, torch.tensor([1.0, float("nan")]))
    with pytest.raises(ValueError, match="shape"):
        fg.check_grad(cubes, lambda x: 3 * x[:, None] ** 2, X)


def test_records_hold_tensors():
    found = fg.differentiate(lambda p: cubes(p["a"]), {"a": X.clone().requires_grad_()})
    assert pickle.loads(pickle.dumps(found)) == found == copy.deepcopy(found)


def test_a_right_gradient_of_many():
    check = fg.check_grad(lambda x: x.sin().sum(), torch.cos, torch.ones(100_000, dtype=torch.float64))
    assert check.verdict == "right"
    assert check.nfev <= 10


def test_the_example(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    import torch_function

    assert torch_function.check(torch_function.Swish)
    assert torch_function.check(torch_function.Careless).verdict == "wrong"


def test_nothing_is_imported_for_others():
    code = "import sys, fastgrad as fg; fg.check_grad(lambda p: p['a']**2, lambda p: {'a': 2*p['a']}, {'a': 1.0}); "
    code += "print([m for m in ('torch', 'jax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
