"""The speed table: each workload with its rows fastgrad, limit and peers. Correctness comes before timing."""

import functools
from typing import Any, NamedTuple

import numpy as np
from _functions import cheap, cheap_gradient, rosenbrock, rosenbrock_gradient

import fastgrad as fg

from .arrays import against_numpy, samples
from .compiled import compiled
from .descents import iterations, many_starts
from .gradients import adaptive, adaptive_gradient, batch, check, looked_at, python_function
from .matrices import cheap_tridiagonal, colouring, compressed, dense_jacobian, sum_of_terms, tridiagonal
from .models import model_rows


class Workload(NamedTuple):
    """What is timed, and what must come out."""

    make: Any
    """A function that gives the rows: name to function, None for what is not installed."""
    bound: float | None
    """The ratio to the limit that must be reached."""
    allowed: float | None = None
    """Where the bound is not reached: the ratio that was, with room for noise, so that it does not get worse unseen."""
    large: bool = False
    """Whether it takes too long for --quick."""


_of = functools.partial

WORKLOADS = {
    "cheap f, n=2, gradient()": Workload(_of(python_function, cheap, cheap_gradient, 2, False), None),
    "cheap f, n=10, grad()": Workload(_of(python_function, cheap, cheap_gradient, 10, True), 1.3),
    "cheap f, n=1000, gradient()": Workload(_of(python_function, cheap, cheap_gradient, 1000, False), 1.10, 1.2),
    "NumPy f, n=10, gradient()": Workload(_of(python_function, rosenbrock, rosenbrock_gradient, 10, False), 1.05),
    "NumPy f, n=100, gradient()": Workload(_of(python_function, rosenbrock, rosenbrock_gradient, 100, False), 1.05),
    "NumPy f, n=1000, gradient()": Workload(
        _of(python_function, rosenbrock, rosenbrock_gradient, 1000, False, False), 1.05
    ),
    "NumPy f, n=20, check=True": Workload(_of(looked_at, rosenbrock, rosenbrock_gradient, 20), 1.1, 1.5),
    "NumPy f, n=100, check=True": Workload(_of(looked_at, rosenbrock, rosenbrock_gradient, 100), 1.06, 1.2),
    "NumPy f, n=1000, check=True": Workload(_of(looked_at, rosenbrock, rosenbrock_gradient, 1000), 1.05, 1.1),
    "1 µs f, n=10, adaptive gradient()": Workload(_of(adaptive, 10, adaptive_gradient), 1.25, 1.6),
    "1 µs f, n=10, differentiate()": Workload(_of(adaptive, 10, fg.differentiate), 1.25, 1.6),
    "f, n=100, differentiate()": Workload(_of(adaptive, 100, fg.differentiate), 1.3),
    "check_grad, n=10^6": Workload(_of(check, 1_000_000), 1.25, 1.6),
    "batch 1000x10": Workload(_of(batch, 1000, 10), 1.15, 1.35),
    "batch 100x100": Workload(_of(batch, 100, 100), 1.15, 1.35),
    "batch 10000x100": Workload(_of(batch, 10000, 100), 1.15, 1.3, large=True),
    "colours, 10^6 x 10^6 Laplacian": Workload(_of(colouring, 1000), 1.0),
    "sparse Jacobian, n=10^5": Workload(_of(compressed, tridiagonal, 100_000), 1.3, 1.6),
    "sparse Jacobian, n=10^5, cheap f": Workload(_of(compressed, cheap_tridiagonal, 100_000), 1.3, 2.6),
    "dense Jacobian, n=200, vectorised f": Workload(_of(dense_jacobian, 200), 1.15, 1.5),
    "sum of terms, n=10^5": Workload(_of(sum_of_terms, 100_000), None),
}

# Points, and the bound in columns and what is allowed there, by one thread and two.
_COMPILED = {(100_000, 2): (0.35, None, 0.9), (10_000, 10): (0.15, 0.2, 0.9), (1000, 100): (0.2, 0.32, None)}
for (_b, _n), (_bound, _allowed, _by_two) in _COMPILED.items():
    _size = f"{_b}x{_n}"
    WORKLOADS |= {
        f"pointer {_size}": Workload(_of(compiled, _b, _n, False), 1.15),
        f"pointer {_size}, 2 threads": Workload(_of(compiled, _b, _n, False, 2), 0.6),
        f"columns {_size}": Workload(_of(compiled, _b, _n, True), _bound, _allowed),
        f"columns {_size}, 2 threads": Workload(_of(compiled, _b, _n, True, 2), 0.6, _by_two),
    }

for _n, _allowed, _by_two in ((2, 0.3, 0.75), (10, 0.18, None)):
    _size = f"10000 starts, n={_n}"
    WORKLOADS |= {
        f"{_size}, pointer": Workload(_of(many_starts, _n, False), 1.15, large=_n > 2),
        f"{_size}, pointer, 2 threads": Workload(_of(many_starts, _n, False, 2), 0.6, large=_n > 2),
        f"{_size}, columns": Workload(_of(many_starts, _n, True), 0.15, _allowed),
        f"{_size}, columns, 2 threads": Workload(_of(many_starts, _n, True, 2), 0.6, _by_two),
    }

for _kind, _allowed in {"linear": 8.5, "network": 1.7, "boosting": 2.6, "Gaussian process": 1.7}.items():
    _slow = _kind == "Gaussian process"
    WORKLOADS[f"sensitivity, {_kind} model"] = Workload(_of(model_rows, _kind), 1.15, _allowed, large=_slow)

# Shapes, and what is allowed for float64, float32, both at order 4, and a new result.
_ARRAYS = {
    "1-D 10^7": ((10_000_000,), None, None, None, None, 0.4),
    "2-D 3000^2": ((3000, 3000), None, None, 1.9, None, None),
    "3-D 256^3": ((256, 256, 256), 1.6, 1.6, 2.1, 2.0, None),
}
for _name, (_shape, _double, _single, _double_4, _single_4, _new) in _ARRAYS.items():
    _large = len(_shape) == 3
    WORKLOADS |= {
        f"grid {_name} float64": Workload(_of(samples, _shape, "float64"), 1.35, _double, _large),
        f"grid {_name} float64, order 4": Workload(_of(samples, _shape, "float64", 4), 1.6, _double_4, _large),
        f"grid {_name} float32": Workload(_of(samples, _shape, "float32"), 1.35, _single, _large),
        f"grid {_name} float32, order 4": Workload(_of(samples, _shape, "float32", 4), 1.6, _single_4, _large),
        f"grid {_name}, fresh, of numpy": Workload(_of(against_numpy, _shape, workers=2), 1 / 3, _new, _large),
    }
WORKLOADS |= {
    "grid 1-D 10^7 uneven, of numpy": Workload(
        lambda: against_numpy((10_000_000,), uneven=True, workers=2, out=np.empty(10_000_000)), 1 / 15
    ),
    "grid 1-D 10^7 uneven fresh, of numpy": Workload(
        _of(against_numpy, (10_000_000,), uneven=True, workers=2), 1 / 15, 0.08
    ),
    "grid 10, of numpy": Workload(_of(against_numpy, (10,)), 1 / 3),
    "grid 1000, of numpy": Workload(_of(against_numpy, (1000,)), 1 / 3),
    "grid 100x100, of numpy": Workload(_of(against_numpy, (100, 100)), 1 / 3),
}

ITERATIONS = 1000
DESCENTS = {
    f"descent, n={n}{', history' if history else ''}": Workload(_of(iterations, n, history, ITERATIONS), bound)
    for history, bound in ((False, 0.3), (True, 1.0))
    for n in (2, 10, 100)
}
"""Bounds are µs that each of so many iterations takes beyond the limit."""
