"""The tour that `fastgrad demo` gives: each use once, in some seconds, with NumPy alone."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import fastgrad as fg

from ..core.point import Array


def _title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if _colours() else f"\n{text}")


def _colours() -> bool:
    import sys

    return sys.stdout.isatty()


def _f(x: Array) -> float:
    return float(x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3)


def _partials() -> None:
    _title("1. Partial derivatives: f(x, y) = x²y + 3xy³ at (1, 2); by hand (28, 37)")
    x = np.array([1.0, 2.0])
    print(f"fg.gradient(f, x)       {fg.gradient(_f, x)}")
    print(f"fg.partial(f, x, 0, 1)  {fg.partial(_f, x, 0, 1):.6f}  (by hand 38)")
    print(fg.differentiate(_f, x))


def _noise() -> None:
    _title("2. Honest error bars: the same f, with noise of 1e-6 added")
    rng = np.random.default_rng(0)
    print(fg.differentiate(lambda x: _f(x) + 1e-6 * rng.standard_normal(), np.array([1.0, 2.0])))


def _network() -> tuple[Any, Any, dict[str, Array]]:
    rng = np.random.default_rng(0)
    data, labels = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    weights = {"W1": 0.5 * rng.normal(size=(3, 4)), "b1": np.zeros(4), "W2": rng.normal(size=4)}

    def forward(p: dict[str, Array]) -> tuple[Array, Array]:
        hidden = np.tanh(data @ p["W1"] + p["b1"])
        return hidden, 1 / (1 + np.exp(-hidden @ p["W2"]))

    def loss(p: dict[str, Array]) -> float:
        _, y = forward(p)
        return float(-np.mean(np.log(np.where(labels == 1, y, 1 - y))))

    def backprop(p: dict[str, Array]) -> dict[str, Array]:
        hidden, y = forward(p)
        delta = (y - labels) / len(labels)
        back = np.outer(delta, p["W2"]) * (1 - hidden**2)
        return {"W1": data.T @ back, "b1": back.mean(axis=0), "W2": hidden.T @ delta}  # wrong: b1 takes the sum

    return loss, backprop, weights


def _check() -> None:
    _title("3. A wrong hand-coded derivative: backpropagation of a small network with one slip")
    loss, backprop, weights = _network()
    print(fg.check_grad(loss, backprop, weights))


def _descent() -> None:
    _title("4. Gradient descent, no tuning: the network learns")
    loss, _, weights = _network()
    result = fg.gradient_descent(loss, weights, maxiter=200)
    print(f"loss {loss(weights):.4f} -> {result.fun:.4f}; {result.message}")


def _arrays() -> None:
    _title("5. Sampled arrays: numpy.gradient's results, a million numbers")
    values = np.sin(np.arange(1_000_000) / 1000).reshape(1000, 1000)
    times = []
    for gradient in (np.gradient, fg.grid.gradient):
        started = time.perf_counter()
        for _ in range(5):
            found = gradient(values)
        times.append(time.perf_counter() - started)
    same = all(np.array_equal(a, b) for a, b in zip(np.gradient(values), found, strict=True))
    print(f"the same bits: {same}; {times[0] / times[1]:.1f} times as fast, in one thread")


def main() -> None:
    """The tour."""
    started = time.perf_counter()
    for part in (_partials, _noise, _check, _descent, _arrays):
        part()
    print(f"\n{time.perf_counter() - started:.1f} s. More: docs/index.md, examples/")
