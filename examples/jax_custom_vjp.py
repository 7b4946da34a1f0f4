"""A hand-written derivative of JAX, checked: what f and grad get are arrays of JAX, in any pytree."""

import sys

import fastgrad as fg

try:
    import jax
    import jax.numpy as jnp
except ImportError:
    sys.exit("this example needs JAX: pip install 'fastgrad[jax]'")


def softplus(slope):
    """log(1 + exp(x)) without overflow, with a hand-written slope."""

    @jax.custom_vjp
    def value(x):
        return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))

    value.defvjp(lambda x: (value(x), x), lambda x, above: (above * slope(x),))
    return value


def check(slope):
    """Whether the gradient of a small model with this slope is right."""
    activation = softplus(slope)
    inputs = jax.random.normal(jax.random.key(0), (20, 3))

    def loss(p):
        return (activation(inputs @ p["w"] + p["b"]) ** 2).mean()

    x = {"w": jnp.array([0.5, -1.0, 2.0]), "b": jnp.array(0.1)}
    return fg.check_grad(jax.jit(loss), jax.jit(jax.value_and_grad(loss)), x)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)  # float32 works too, with fewer digits
    print(check(jax.nn.sigmoid))
    print(check(lambda x: jax.nn.sigmoid(-x)))  # a sign lost
