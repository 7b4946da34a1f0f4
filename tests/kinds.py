"""x of every kind, verbs, and functions that take any x."""

import dataclasses
from collections import namedtuple

import numpy as np
import pandas as pd
import polars as pl

import fastgrad as fg

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Layer:
    W: object
    b: object = None
    size: int = dataclasses.field(default=0, init=False)


SERIES = pd.Series([1.0, 2.0], index=["a", "b"], name="price")
FRAME = pd.DataFrame({"u": [1.0, 2.0], "v": [3, 4]}, index=["r", "s"])

# name: (x, what f gets)
KINDS = {
    "float": (2.0, 2.0),
    "int": (3, 3.0),
    "bool": (True, 1.0),
    "NumPy scalar": (np.float64(2.0), np.float64(2.0)),
    "NumPy float32": (np.float32(2.0), np.float64(2.0)),
    "NumPy integer": (np.int8(2), np.float64(2.0)),
    "0-d array": (np.array(2.0), np.array(2.0)),
    "array": (np.array([1.0, 2.0]), np.array([1.0, 2.0])),
    "matrix": (np.array([[1, 2], [3, 4]], dtype=">i2"), np.array([[1.0, 2.0], [3.0, 4.0]])),
    "list": ([1.0, 2.0], np.array([1.0, 2.0])),
    "tuple": ((1, np.float32(2.0)), np.array([1.0, 2.0])),
    "nested list": ([(1, 2.0), [3, True]], np.array([[1.0, 2.0], [3.0, 1.0]])),
    "ragged list": ([[1.0, 2.0], [3.0]], [np.array([1.0, 2.0]), np.array([3.0])]),
    "list of arrays": ([np.ones(2), np.ones((1, 2))], [np.ones(2), np.ones((1, 2))]),
    "number and list": ((1.0, [2.0]), (1.0, np.array([2.0]))),
    "dict": ({"b": np.ones(2), "a": 1}, {"b": np.ones(2), "a": 1.0}),
    "dict of lists": ({"w": [1, 2], "t": (0.5,)}, {"w": np.array([1.0, 2.0]), "t": np.array([0.5])}),
    "namedtuple": (Pair(1.0, 2), Pair(1.0, 2.0)),
    "dataclass": (Layer(np.ones((1, 2)), np.float32(2)), Layer(np.ones((1, 2)), np.float64(2))),
    "nested": ({1: [Layer([1.0]), {"p": Pair(1.0, None)}, []]}, {1: [Layer(np.ones(1)), {"p": Pair(1.0, None)}, []]}),
    "Series": (SERIES, SERIES),
    "Series of Int64": (pd.Series([1, 2], index=[5, 7], dtype="Int64"), pd.Series([1.0, 2.0], index=[5, 7])),
    "DataFrame": (FRAME, FRAME.astype(float)),
    "dict of a Series": ({"s": SERIES}, {"s": SERIES}),
    "polars Series": (pl.Series("q", [1, 2]), pl.Series("q", [1.0, 2.0])),
    "polars DataFrame": (pl.DataFrame({"u": [1, 2]}), pl.DataFrame({"u": [1.0, 2.0]})),
}


def described(x):
    """Types, shapes and labels all through x."""
    if isinstance(x, dict):
        return {key: described(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x), [described(part) for part in x]
    if dataclasses.is_dataclass(x):
        return type(x), [described(getattr(x, field.name)) for field in dataclasses.fields(x) if field.init]
    if isinstance(x, pd.Series):
        return pd.Series, x.name, list(x.index), x.dtype
    if isinstance(x, pd.DataFrame):
        return pd.DataFrame, list(x.index), list(x.columns), list(x.dtypes)
    if isinstance(x, pl.Series | pl.DataFrame):
        return type(x), x.shape, getattr(x, "name", None), getattr(x, "columns", None)
    return type(x), getattr(x, "shape", None), getattr(x, "dtype", None)


def numbers(x):
    """All numbers in x, in the order of its coordinates."""
    if x is None:
        return []
    if isinstance(x, dict):
        return [number for key in sorted(x) for number in numbers(x[key])]
    if isinstance(x, list | tuple):
        return [number for part in x for number in numbers(part)]
    if dataclasses.is_dataclass(x):
        return numbers(x.W) + numbers(x.b)
    return np.ravel(x.to_numpy() if isinstance(x, pl.Series | pl.DataFrame) else x).tolist()


def half_squares(x):
    """Its gradient is x itself, its Hessian the identity."""
    return 0.5 * sum(number * number for number in numbers(x))


def squares(x):
    return np.array([number * number for number in numbers(x)])


def itself(x):
    return x


def at(verb, **options):
    return lambda f, x: verb(f, x, **options)


# name: (a call of the verb, the function that it takes)
VERBS = {
    "gradient": (at(fg.gradient), half_squares),
    "gradient, bounds": (at(fg.gradient, bounds=(0.5, 9.0)), half_squares),
    "gradient, forward": (at(fg.gradient, method="forward"), half_squares),
    "gradient, adaptive": (at(fg.gradient, method="adaptive"), half_squares),
    "gradient, summed": (at(fg.gradient, summed=True), lambda x: 0.5 * squares(x)),
    "grad": (lambda f, x: fg.grad(f)(x), half_squares),
    "value_and_grad": (lambda f, x: fg.value_and_grad(f)(x)[1], half_squares),
    "partial": (lambda f, x: fg.partial(f, x, 0), half_squares),
    "second partial": (lambda f, x: fg.partial(f, x, 0, -1), half_squares),
    "directional": (lambda f, x: fg.directional(f, x, x), half_squares),
    "differentiate": (lambda f, x: fg.differentiate(f, x).value, half_squares),
    "differentiate, vector": (at(fg.differentiate), squares),
    "differentiate, second": (at(fg.differentiate, deriv=2), half_squares),
    "noise_level": (at(fg.noise_level), half_squares),
    "jacobian": (at(fg.jacobian), squares),
    "jvp": (lambda f, x: fg.jvp(f, x, x), squares),
    "hessian": (at(fg.hessian), half_squares),
    "hessian of grad": (lambda f, x: fg.hessian(half_squares, x, grad=f), itself),
    "hvp": (lambda f, x: fg.hvp(f, x, x), half_squares),
    "hvp of grad": (lambda f, x: fg.hvp(half_squares, x, x, grad=f), itself),
    "check_grad": (lambda f, x: fg.check_grad(f, itself, x), half_squares),
    "check_grad, grad": (lambda f, x: fg.check_grad(half_squares, f, x), itself),
    "gradient_descent": (lambda f, x: fg.gradient_descent(f, x, maxiter=2).x, half_squares),
    "gradient_descent, grad": (lambda f, x: fg.gradient_descent(half_squares, x, grad=f, maxiter=2).jac, itself),
}
LIKE_X = ("gradient", "grad", "value_and_grad", "differentiate", "hvp", "gradient_descent")


def labelled(x):
    return x["a"] ** 2 * x["b"]
