"""A maker of each record that verbs return."""

import dataclasses
import math
import re

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
from rosenbrock import rosenbrock

import fastgrad as fg

matplotlib.use("Agg")

HOSTILE = ("a\x1b[31mred", "line\rover", "two\nlines", "\u202egnp.exe", "\u200fmark", "\x9b2J", "<b>&\"'", "nul\x00")


def loss(x):
    return float(((x - 1) ** 2).sum())


def parabola(x):
    return (x - 1) ** 2


def slope(x):
    return 2 * (x - 1)


def wrong_slope(x):
    return 2 * (x - 1) + np.array([0.0, 1.0, np.nan])[: x.size]


def kinked(x):
    return float(abs(x[0]) + x[1] ** 2)


def of_tree(p):
    return float((p["W"] ** 2).sum() + p["b"] ** 3)


def of_series(s):
    return float((s**2).sum())


def of_tree_slope(p):
    return {"W": 2 * p["W"], "b": 3 * p["b"] ** 2}


def vector(x):
    return np.array([x[0] * x[1], np.sin(x[1]), x[0]])


def named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length(x):
    return x**2


named_at_length = (
    named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length_named_at_length
)


def chain(x):
    return np.concatenate([[x[0] - 1], x[1:] - x[:-1] ** 2])


def chain32(x):
    return chain(x.astype(np.float32))


def raises_later(x):
    if x[0] > 0.05:
        raise Unpicklable("beyond", 1)
    return loss(x)


class Unpicklable(Exception):
    def __init__(self, what, code):
        super().__init__(f"{what} {code}")


ROWS = np.random.default_rng(0).normal(size=(9, 2))
TREE = {"W": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 0.5}


def two_columns(X):
    return np.column_stack([X[:, 0] ** 2, X[:, 1]])


def of_pandas(F):
    return F.to_numpy() @ [1.0, -2.0]


def called(plan):
    plan(np.full(4, 3.0))
    return plan


def ended_by_an_exception():
    return fg.gradient_descent(raises_later, np.zeros(2), grad=slope, learning_rate=0.1, maxiter=50)


MAKERS = {
    "derivative": lambda: fg.differentiate(loss, np.zeros(3)),
    "derivative of a number": lambda: fg.differentiate(math.sin, 1.0),
    "derivative of a matrix": lambda: fg.differentiate(loss, np.ones((2, 3))),
    "derivative of a pytree": lambda: fg.differentiate(of_tree, TREE),
    "derivative of a Series": lambda: fg.differentiate(of_series, pd.Series([1.0, 2.0], index=["a\x1b[31m", "$b"])),
    "derivative at a kink": lambda: fg.differentiate(kinked, np.array([0.0, 1.0])),
    "derivative of nothing": lambda: fg.differentiate(loss, np.zeros(0)),
    "Hessian of nothing": lambda: fg.differentiate(loss, np.zeros(0), deriv=2),
    "Jacobian": lambda: fg.differentiate(vector, np.array([1.0, 2.0])),
    "Hessian": lambda: fg.differentiate(loss, np.zeros(3), deriv=2),
    "check": lambda: fg.check_grad(loss, slope, np.zeros(3)),
    "check of a wrong gradient": lambda: fg.check_grad(loss, wrong_slope, np.zeros(3)),
    "check of a pytree": lambda: fg.check_grad(of_tree, of_tree_slope, TREE),
    "check by a search": lambda: fg.check_grad(loss, slope, np.arange(500.0)),
    "check of a Hessian": lambda: fg.check_hessian(loss, np.zeros((3, 3)), np.zeros(3)),
    "check of a Jacobian": lambda: fg.check_jacobian(vector, np.zeros((3, 2)), np.array([1.0, 2.0])),
    "mismatch": lambda: fg.check_grad(loss, wrong_slope, np.zeros(3)).wrong[0],
    "descent": lambda: without_time(fg.gradient_descent(loss, np.zeros(2))),
    "descent by a gradient": lambda: without_time(fg.gradient_descent(loss, np.zeros(3), grad=slope)),
    "descent of a pytree": lambda: without_time(fg.gradient_descent(of_tree, TREE, maxiter=3)),
    "descent of a number": lambda: fg.gradient_descent(parabola, 0.0, history=False),
    "descent that raised": lambda: without_time(ended_by_an_exception()),
    "descents": lambda: fg.gradient_descent(loss, np.zeros((3, 2)), batch=True),
    "sensitivity": lambda: fg.sensitivity(two_columns, ROWS, outputs=["u", "v"]),
    "sensitivity of pandas": lambda: fg.sensitivity(of_pandas, pd.DataFrame(ROWS, columns=["a", "b"])),
    "sensitivity of polars": lambda: fg.sensitivity(of_pandas, pl.DataFrame(ROWS, schema=["a", "b"])),
    "plan": lambda: fg.plan_jacobian(chain, np.ones(4)),
    "plan within bounds": lambda: called(fg.plan_jacobian(chain, np.ones(4), bounds=(0, 3), order=4)),
    "plan in float32": lambda: called(fg.plan_jacobian(chain32, np.ones(4))),
    "plan of complex steps": lambda: called(fg.plan_jacobian(chain, np.ones(4), method="complex")),
    "grad": lambda: fg.grad(rosenbrock),
    "grad with options": lambda: fg.grad(rosenbrock, method="forward", step=[1e-6, 2e-6], bounds=([0, 0], [3, 3])),
    "grad, adaptive": lambda: fg.grad(rosenbrock, argnums=(0,), method="adaptive", typical_x=(np.ones(2),)),
    "value_and_grad": lambda: fg.value_and_grad(rosenbrock, order=4),
    "coordinates": lambda: fg.grid.Coordinates([1.0, 2.0, 4.0]),
}
SHOWN = [name for name in MAKERS if not re.match("mismatch|grad|value_and_grad|coordinates", name)]
HASHED = ("mismatch", "grad", "grad with options", "grad, adaptive", "value_and_grad")


def without_time(result):
    """A descent whose loss curve does not tell how long it took."""
    history = {name: values for name, values in result.history.items() if name != "time"}
    return dataclasses.replace(result, history=history)
