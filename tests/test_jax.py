"""Arrays of JAX: what f gets, what it may return, and what comes back."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(params=[False, True], ids=["float32", "float64"])
def precision(request):
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield "float64" if request.param else "float32"
    jax.config.update("jax_enable_x64", before)


def cube(factor):
    @jax.custom_vjp
    def value(x):
        return x**3

    value.defvjp(lambda x: (x**3, x), lambda x, above: (above * factor * x**2,))
    return value


@pytest.mark.parametrize(("factor", "verdict"), [(3.0, "right"), (-3.0, "wrong")])
def test_a_derivative_by_hand(precision, factor, verdict):
    cubed = cube(factor)

    def loss(p):
        assert isinstance(p["a"], jax.Array)
        return cubed(p["a"]).sum() + (p["b"] ** 2).sum()

    x = {"a": jnp.array([0.5, -1.2, 2.0]), "b": jnp.ones((2, 2))}
    for grad in (jax.grad(loss), jax.jit(jax.value_and_grad(loss))):
        check = fg.check_grad(jax.jit(loss), grad, x)
        assert check.verdict == verdict, str(check)
        assert [row.path for row in check.wrong if not row.path.startswith("a[")] == []
        assert any("float32" in note for note in check.notes) == (precision == "float32")


def test_verbs_take_arrays(precision):
    rtol = {"float32": 1e-3, "float64": 1e-5}[precision]
    x = jnp.array([0.5, -1.2, 2.0])

    def f(x):
        assert isinstance(x, jax.Array)
        return (x**3).sum()

    found = fg.gradient(f, x)
    assert isinstance(found, jax.Array)
    assert found.dtype == precision
    np.testing.assert_allclose(found, 3 * x**2, rtol=rtol)
    vector = lambda x: [x[0] * x[1], jnp.exp(x[2])]  # noqa: E731
    np.testing.assert_allclose(fg.jacobian(vector, x), jnp.array(jax.jacobian(vector)(x)), rtol=rtol, atol=1e-5)
    np.testing.assert_allclose(fg.gradient(f, jnp.arange(1, 4)), [3.0, 12.0, 27.0], rtol=rtol)
    if precision == "float64":
        np.testing.assert_allclose(fg.gradient(f, x, method="complex"), 3 * x**2, rtol=1e-14)
    kept = []
    fg.gradient(lambda x: kept.append(x) or (x**3).sum(), x)
    assert len({tuple(y.tolist()) for y in kept}) == len(kept)
    record = fg.differentiate(f, x)
    assert pickle.loads(pickle.dumps(record)) == record
    assert (abs(np.asarray(record.value) - 3 * np.asarray(x) ** 2) <= np.asarray(record.error) + 1e-6).all()


def test_what_arrays_are_refused():
    with pytest.raises(TypeError, match="too coarse for differences"):
        fg.gradient(lambda x: x.sum(), jnp.ones(2, dtype=jnp.bfloat16))
    with pytest.raises(TypeError, match="Tracer"):
        jax.jit(lambda x: fg.gradient(lambda y: y.sum(), x))(jnp.ones(2))


def test_the_example(precision, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    import jax_custom_vjp

    assert jax_custom_vjp.check(jax.nn.sigmoid)
    assert jax_custom_vjp.check(lambda x: jax.nn.sigmoid(-x)).verdict == "wrong"
