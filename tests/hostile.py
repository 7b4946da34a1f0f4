"""Every public verb with points, functions and options that lie, raise and change.

``python tests/hostile.py CALLS [SEED]``. A call is right if it gives a result, or raises a TypeError, ValueError,
IndexError or MemoryError, or what f itself raised, the same object. Calls are made in processes of 2000, so that a
crash, or a call of more than 5 s, is seen with its number: ``call(number)`` makes it again.
"""

import collections
import contextlib
import dataclasses
import datetime
import faulthandler
import fractions
import os
import random
import subprocess
import sys
import tempfile
import traceback
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl

import fastgrad as fg
from fastgrad.testing import assert_grad

FOLDER = os.getcwd()
POISON = -7.3156e187  # what memory holds that nothing was written to
EXPECTED = (TypeError, ValueError, IndexError, MemoryError)


class Own(Exception):
    """What f raises."""


class Stop(BaseException):
    """What ends a process as a rule."""


# --- Values -----------------------------------------------------------------------------------------------------


class Lies:
    """An object that claims to be numbers: each way of asking does something else."""

    def __init__(self, **ways):
        self.ways, self.asked = ways, 0

    def _say(self, way):
        self.asked += 1
        answer = self.ways[way]
        if isinstance(answer, BaseException):
            raise answer
        return answer(self.asked) if callable(answer) else answer


def lying(*names, base=Lies):
    """A class with these special methods."""

    def method(name):
        return lambda self, *args, **kwargs: self._say(name)

    return type("Lies", (base,), {name: method(name) for name in names})


class Holds(np.ndarray):
    """A subclass of arrays whose sums are its own."""

    def __array_ufunc__(self, *args, **kwargs):
        raise Own("no ufunc of mine")


class Wrong(float):
    def __float__(self):
        raise RuntimeError("no float of mine")

    def __repr__(self):
        raise RuntimeError("no words of mine")


class Named(str):
    def __repr__(self):
        return "\x1b[2J"

    __str__ = __repr__


def array_that(answer):
    return lying("__array__")(__array__=answer)


def unequal(shape):
    """Views of one array that overlap."""
    return np.lib.stride_tricks.as_strided(np.arange(1.0, 9.0), shape, (8,) * len(shape))


def memmap():
    with tempfile.TemporaryFile() as file:
        found = np.memmap(file, dtype=float, shape=(3,))
    found[:] = 2.0
    return found


def named(names):
    return pd.DataFrame(np.arange(3.0 * len(names)).reshape(3, -1) ** 1.1, columns=names)


VALUES = {
    "number": lambda: 1.5,
    "array": lambda: np.array([0.5, 1.5, 2.5]),
    "matrix": lambda: np.array([[0.5, 1.5], [2.5, 3.0], [1.0, 2.0]]),
    "10 by 12": lambda: np.arange(120.0).reshape(10, 12) % 7,
    "list": lambda: [1.0, 2.0],
    "dict": lambda: {"a": 1.0, "b": np.ones(2)},
    "empty": lambda: np.empty(0),
    "empty matrix": lambda: np.empty((0, 3)),
    "columns without rows": lambda: np.empty((3, 0)),
    "empty list": list,
    "nested empties": lambda: [[], [[]], {}],
    "empty dict": dict,
    "empty tuple": tuple,
    "0-d": lambda: np.array(1.5),
    "1e308": lambda: np.array([1e308, -1e308, 1.7e308]),
    "10**400": lambda: 10**400,
    "list of 10**400": lambda: [1, 10**400],
    "dict of 10**400": lambda: {"a": 10**400},
    "array of 10**400": lambda: np.array([1, 10**400], dtype=object),
    "2**64": lambda: [2**64, -(2**70)],
    "uint64": lambda: np.array([2**64 - 1], dtype=np.uint64),
    "longdouble": lambda: np.array([1e300], dtype=np.longdouble) ** 2,
    "denormal": lambda: np.array([5e-324, -5e-324, 1e-310]),
    "float16": lambda: np.array([1.5, 6e4], dtype=np.float16),
    "structured": lambda: np.ones(2, dtype=[("a", "f8"), ("b", "i4")]),
    "void": lambda: np.zeros(2, dtype="V8"),
    "memmap": memmap,
    "overlapping": lambda: unequal((3, 2)),
    "no strides": lambda: np.broadcast_to(1.5, (3, 2)),
    "huge strides": lambda: np.ones((3, 4096))[:, 17],
    "negative strides": lambda: np.arange(1.0, 7.0)[::-2],
    "read-only": lambda: np.broadcast_to(np.array([1.0, 2.0]), (2,)),
    "byte-swapped": lambda: np.array([1.0, 2.0], dtype=">f8"),
    "unaligned": lambda: np.frombuffer(b"\0" + np.ones(2).tobytes(), dtype="u1")[1:].view("f8"),
    "many axes": lambda: np.ones((1,) * 32),
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "ragged tree": lambda: [[1.0], {"a": [2.0, [3.0]]}],
    "datetime64": lambda: np.array(["2020-01-01", "2021-01-01"], dtype="M8[D]"),
    "timedelta64": lambda: np.array([1, 2], dtype="m8[s]"),
    "NaT": lambda: np.datetime64("NaT"),
    "datetime": lambda: datetime.datetime(2020, 1, 1),
    "text": lambda: "1.5",
    "texts": lambda: ["1.5", "2"],
    "array of texts": lambda: np.array(["1.5", "2"]),
    "objects of texts": lambda: np.array(["1.5", "2"], dtype=object),
    "bytes": lambda: b"1.5",
    "None": lambda: None,
    "Nones": lambda: [None, 1.0],
    "array of None": lambda: np.array([None, None]),
    "nan": lambda: float("nan"),
    "nans": lambda: np.array([1.0, np.nan]),
    "inf": lambda: [np.inf, 1.0],
    "set": lambda: {1.0, 2.0},
    "generator": lambda: (k for k in (1.0, 2.0)),
    "range": lambda: range(1, 4),
    "deque": lambda: collections.deque([1.0]),
    "ordered": lambda: collections.OrderedDict(a=1.0),
    "bool": lambda: True,
    "bools": lambda: np.array([True, False]),
    "complex": lambda: 1 + 2j,
    "complexes": lambda: np.array([1.0, 2j]),
    "Decimal": lambda: Decimal("1.5"),
    "Decimals": lambda: [Decimal("1.5"), Decimal("sNaN")],
    "Fraction": lambda: fractions.Fraction(3, 2),
    "huge Fraction": lambda: fractions.Fraction(10**400, 3),
    "masked": lambda: np.ma.array([1.0, 2.0], mask=[True, False]),
    "not masked": lambda: np.ma.array([1.0, 2.0], mask=False),
    "the masked": lambda: np.ma.masked,
    "all masked": lambda: np.ma.array([[1.0]], mask=True),
    "matrix of NumPy": lambda: np.asmatrix([[1.0, 2.0]]),
    "a subclass": lambda: np.array([1.0, 2.0]).view(Holds),
    "a float of its own": lambda: Wrong(1.5),
    "a NumPy float": lambda: np.float32(1.5),
    "a function": lambda: len,
    "a type": lambda: float,
    "an object": object,
    "a module": lambda: np,
    "itself": lambda: (lambda found: (found.append(found), found)[1])([]),
    "itself in a dict": lambda: (lambda found: (found.update(a=found), found)[1])({}),
    "deep": lambda: (lambda deep: [deep := [deep] for _ in range(3000)][-1])(1.0),
    "wrong shape": lambda: array_that(lambda k: np.ones(k % 5)),
    "wrong dtype": lambda: array_that(lambda k: np.array("abc")),
    "raising": lambda: array_that(RuntimeError("no array")),
    "raising ValueError": lambda: array_that(ValueError("no array")),
    "raising Own": lambda: array_that(Own("no array")),
    "None for an array": lambda: array_that(lambda k: None),
    "itself for an array": lambda: array_that(lambda k: array_that(lambda k: None)),
    "length": lambda: lying("__len__", "__getitem__")(__len__=3, __getitem__=lambda k: 1.0),
    "negative length": lambda: lying("__len__", "__getitem__")(__len__=-1, __getitem__=1.0),
    "huge length": lambda: lying("__len__", "__getitem__")(__len__=10**18, __getitem__=lambda k: 1.0),
    "raising length": lambda: lying("__len__", "__iter__")(__len__=OSError("no length"), __iter__=OSError("no items")),
    "iterator": lambda: lying("__iter__")(__iter__=lambda k: iter([1.0, 2.0])),
    "float": lambda: lying("__float__")(__float__=lambda k: float(k)),
    "float of text": lambda: lying("__float__")(__float__="1.0"),
    "raising float": lambda: lying("__float__", "__index__")(__float__=OSError("no float"), __index__=OSError("none")),
    "dtype": lambda: lying("dtype", "shape", "ndim")(),
    "attributes that raise": lambda: lying("__getattr__")(__getattr__=OSError("no attribute")),
    "words that raise": lambda: lying("__repr__", "__str__")(__repr__=OSError("no words"), __str__=OSError("none")),
    "a liar about its class": lambda: type("Liar", (), {"__class__": property(lambda self: float)})(),
    "hostile words": lambda: {Named("a"): 1.0, "b\x1b[2J\u202e$": 2.0},
    "a Series": lambda: pd.Series([1.0, 2.0], index=["a\r", "b"]),
    "Series of objects": lambda: pd.Series([1, "a", None]),
    "an empty Series": lambda: pd.Series([], dtype=float),
    "a frame": lambda: named(["a", "$b\x1b["]),
    "frame without columns": lambda: pd.DataFrame(index=range(3)),
    "frame without numbers": lambda: pd.DataFrame({"a": list("abc")}),
    "frame of doubles of a name": lambda: named(["a", "a"]),
    "frame of odd names": lambda: named([0, None]),
    "frame of polars": lambda: pl.DataFrame({"a": [1.0, 2.0, 4.0], "b": ["x", "y", "z"]}),
    "polars without columns": pl.DataFrame,
    "missing": lambda: pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64")}),
}


# --- Functions --------------------------------------------------------------------------------------------------


def numbers(x):
    """Some numbers of x, whatever it is."""
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, list | tuple):
        return np.concatenate([numbers(part) for part in x]) if x else np.zeros(1)
    if isinstance(x, pl.DataFrame):
        x = x.select(pl.selectors.numeric())
    if isinstance(x, pd.DataFrame):
        x = x.select_dtypes("number")
    return np.ravel(np.asarray(x, dtype=complex if np.iscomplexobj(x) else float))


def scalar(x):
    return (numbers(x) ** 2).sum()[()]


def vector(x):
    return numbers(x) ** 2


def rows(X):
    return (np.asarray(X) ** 2).sum(axis=1)


def one(x):
    return float(np.sum(np.real(numbers(x)) ** 2))


def slope(x):
    if isinstance(x, dict):
        return {key: slope(value) for key, value in x.items()}
    return 2 * x if isinstance(x, float | np.ndarray) else 2 * np.asarray(x)


def diagonal(x):
    return np.diag(2 * numbers(x))


GOOD = {"scalar": scalar, "vector": vector, "rows": rows, "one": one, "slope": slope, "diagonal": diagonal}


class Broken:
    """A function that does something else at some calls, from the k-th on or at it alone."""

    def __init__(self, f, instead, k, once):
        self.f, self.instead, self.k, self.once, self.calls, self.raised = f, instead, k, once, 0, []

    def __call__(self, x, *args):
        self.calls += 1
        if self.calls == self.k or (self.calls > self.k and not self.once):
            return self.instead(self, x)
        return self.f(x)


def raising(make):
    def instead(self, x):
        error = make()
        self.raised.append(error)
        raise error

    return instead


def returning(name):
    return lambda self, x: VALUES[name]()


def of_changing_shape(self, x):
    return np.ones(self.calls % 4)


def deeper(self, x):
    return self(x) if self.calls % 2 else self.f(x)


def endless(self, x):
    return endless(self, x)


def again(self, x):
    if self.calls < 40:
        fg.gradient(scalar, np.ones(2))
        fg.differentiate(vector, np.ones(2))
        fg.check_grad(scalar, vector, np.ones(2))
    return self.f(x)


def after(change):
    """f, once the change is made."""

    def instead(self, x):
        change()
        return self.f(x)

    return instead


def shrink(self, x):
    x.resize((1,), refcheck=False)
    return self.f(x)


def reshape(self, x):
    x.shape = (1, *x.shape)
    return self.f(x)


def retype(self, x):
    x.dtype = np.int64
    return 1.0


def overwrite(self, x):
    found = self.f(x)
    x[...] = np.nan
    return found


def freeze(self, x):
    x.flags.writeable = False
    return self.f(x)


def keep(self, x):
    self.kept = [*getattr(self, "kept", [])[-5:], x]
    return self.f(x)


def close_generator(self, x):
    def items():
        try:
            yield self.f(x)
        finally:
            fg.gradient(scalar, np.ones(2))

    found = items()
    value = next(found)
    found.close()
    return value


INSTEAD = {
    **{f"returns {name}": returning(name) for name in VALUES},
    **{
        f"raises {kind.__name__}": raising(lambda kind=kind: kind("mine"))
        for kind in (
            *(Own, Stop, ValueError, ZeroDivisionError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration),
            *(RecursionError, MemoryError, OverflowError, FloatingPointError, AttributeError, KeyError, AssertionError),
            *(StopAsyncIteration, OSError, Warning, IndexError, UnicodeError),
        )
    },
    "changes its shape": of_changing_shape,
    "calls itself": deeper,
    "recurses": endless,
    "calls verbs": again,
    "shrinks x": shrink,
    "reshapes x": reshape,
    "retypes x": retype,
    "overwrites x": overwrite,
    "freezes x": freeze,
    "keeps x": keep,
    "closes a generator": close_generator,
    "np.seterr": after(lambda: np.seterr(all="raise")),
    "seeds": after(lambda: (np.random.seed(0), random.seed(0))),  # noqa: NPY002
    "recursion limit": after(lambda: sys.setrecursionlimit(len(traceback.extract_stack()) + 60)),
    "settrace": after(lambda: sys.settrace(lambda *args: None)),
    "warnings": after(lambda: warnings.simplefilter("error")),
    "chdir": after(lambda: os.chdir("/")),
}
# After these, what comes out may be an exception of Python's or NumPy's own.
THEIR_OWN = {
    "recurses": RecursionError,
    "recursion limit": RecursionError,
    "warnings": Warning,
    "returns itself": RecursionError,
}


# --- Verbs ------------------------------------------------------------------------------------------------------


class Source:
    """Random choices for one call, of which some are of what does not fit."""

    def __init__(self, number):
        self.rng = np.random.default_rng(number)
        # As a rule one thing is wrong, so that the rest of the call is reached.
        self.wrong = self.of("x", "f", "others", "others", "all", "none")

    def of(self, *values):
        return values[self.rng.integers(len(values))]

    def chance(self, share):
        return self.rng.random() < share

    def other(self, *fitting):
        """One of what fits, or anything."""
        if self.wrong in ("others", "all") and self.chance(0.5):
            return VALUES[self.of(*VALUES)]()
        return self.of(*fitting)

    def options(self, **given):
        """Some options of gradients and matrices."""
        if self.chance(0.3):
            return given
        method = self.of({}, {"method": "forward"}, {"method": "complex"}, {"method": "adaptive"}, {"order": 4})
        return {**given, **method, **self.small()}

    def small(self, *without):
        """An option, of those that most verbs have."""
        if self.chance(0.5):
            return {}
        fitting = {
            "step": (1e-5, 1e-3),
            "typical_x": (1.0, 1e3),
            "noise": (1e-9, 1e-3),
            "bounds": ((-9.0, 9.0), (None, 9.0), (0.5, None)),
            "order": (2, 4),
            "vectorized": (False,),
            "args": ((),),
            "domain_errors": ((ValueError,),),
        }
        name = self.of(*(name for name in fitting if name not in without))
        if name == "bounds" and self.chance(0.5):
            return {name: (self.other(-9.0), self.other(9.0))}
        return {name: self.other(*fitting[name])}


def planned(f, x, rng):
    plan = fg.plan_jacobian(f, x, sparsity=rng.other("detect", "nan"), **rng.options())
    return plan(x), plan(rng.other(x)), str(plan), repr(plan), plan._repr_html_()


def through_grad(f, x, rng):
    """A function that calls the same gradient again."""
    inside = []

    def outer(x):
        if len(inside) < 3:
            inside.append(1)
            g(x)
        return f(x)

    g = fg.grad(outer, rng.other(0, 0, (0,)), **rng.options())
    return g(x)


# name: a call of (f, x, a source of random numbers), and the kind of function that it takes
CALLS = {
    "gradient": (lambda f, x, r: fg.gradient(f, x, **r.options()), "scalar"),
    "gradient, summed": (lambda f, x, r: fg.gradient(f, x, summed=True, **r.options()), "vector"),
    "gradient, sparse": (lambda f, x, r: fg.gradient(f, x, summed=True, sparsity="detect", **r.options()), "vector"),
    "gradient, rows": (lambda f, x, r: fg.gradient(f, x, vectorized=True), "rows"),
    "grad": (through_grad, "scalar"),
    "value_and_grad": (lambda f, x, r: fg.value_and_grad(f, **r.options())(x), "scalar"),
    "partial": (lambda f, x, r: fg.partial(f, x, r.other(0, -1), **r.options()), "scalar"),
    "second partial": (lambda f, x, r: fg.partial(f, x, r.other(0, "x[0]"), 0, **r.options()), "scalar"),
    "directional": (lambda f, x, r: fg.directional(f, x, r.other(x), **r.options()), "scalar"),
    "batch_gradient": (lambda f, x, r: fg.batch_gradient(f, x, **r.options()), "scalar"),
    "batch_gradient, rows": (lambda f, x, r: fg.batch_gradient(f, x, vectorized=True, out=r.other(None)), "rows"),
    "batch_jacobian": (lambda f, x, r: fg.batch_jacobian(f, x, **r.options()), "vector"),
    "jacobian": (lambda f, x, r: fg.jacobian(f, x, **r.options()), "vector"),
    "jacobian, sparse": (
        lambda f, x, r: fg.jacobian(f, x, sparsity=r.other("detect", "nan"), **r.options()),
        "vector",
    ),
    "plan_jacobian": (planned, "vector"),
    "hessian": (lambda f, x, r: fg.hessian(f, x, **r.options()), "scalar"),
    "hessian of grad": (lambda f, x, r: fg.hessian(scalar, x, grad=f, **r.options()), "slope"),
    "hessian, sparse": (
        lambda f, x, r: fg.hessian(scalar, x, grad=f, sparsity=r.other("detect"), **r.options()),
        "slope",
    ),
    "hvp": (lambda f, x, r: fg.hvp(f, x, r.other(x), **r.options()), "scalar"),
    "hvp of grad": (lambda f, x, r: fg.hvp(scalar, x, r.other(x), grad=f, **r.options()), "slope"),
    "jvp": (lambda f, x, r: fg.jvp(f, x, r.other(x), **r.options()), "vector"),
    "differentiate": (lambda f, x, r: fg.differentiate(f, x, **r.small("step", "order", "vectorized")), "scalar"),
    "differentiate, vector": (
        lambda f, x, r: fg.differentiate(f, x, **r.small("step", "order", "bounds", "noise")),
        "vector",
    ),
    "differentiate, deriv": (lambda f, x, r: fg.differentiate(f, x, deriv=r.other(2, 2)), "scalar"),
    "noise_level": (lambda f, x, r: fg.noise_level(f, x, **r.small("step", "order", "bounds", "noise")), "scalar"),
    "check_grad": (lambda f, x, r: fg.check_grad(f, r.other(slope), x, **checking(r)), "scalar"),
    "check_grad of grad": (lambda f, x, r: fg.check_grad(one, f, x, **checking(r)), "slope"),
    "assert_grad": (lambda f, x, r: assert_grad(f, r.other(slope), x, **checking(r)), "scalar"),
    "check_jacobian": (
        lambda f, x, r: fg.check_jacobian(
            f, r.other(diagonal), x, **r.small("step", "order", "bounds", "noise", "typical_x", "vectorized")
        ),
        "vector",
    ),
    "check_jacobian of jac": (
        lambda f, x, r: fg.check_jacobian(
            vector, f, x, **r.small("step", "order", "bounds", "noise", "typical_x", "vectorized")
        ),
        "diagonal",
    ),
    "check_hessian": (
        lambda f, x, r: fg.check_hessian(
            f, r.other(diagonal), x, **r.small("step", "order", "bounds", "noise", "typical_x", "vectorized")
        ),
        "scalar",
    ),
    "check_hessian of hess": (lambda f, x, r: fg.check_hessian(one, f, x, **r.small("bounds", "noise")), "diagonal"),
    "check_hessian of grad": (lambda f, x, r: fg.check_hessian(one, diagonal, x, grad=f), "slope"),
    "check_jacobian of jvp": (lambda f, x, r: fg.check_jacobian(vector, x=x, jvp=lambda x, v: f(x)), "vector"),
    "check_jacobian of vjp": (lambda f, x, r: fg.check_jacobian(vector, x=x, vjp=lambda x, v: f(x)), "vector"),
    "gradient_descent": (lambda f, x, r: fg.gradient_descent(f, x, maxiter=3, **descending(r)), "one"),
    "descent by grad": (lambda f, x, r: fg.gradient_descent(one, x, grad=f, maxiter=3, **descending(r)), "slope"),
    "descents": (lambda f, x, r: fg.gradient_descent(f, x, maxiter=3, batch=True, **r.small("step", "order")), "one"),
    "sensitivity": (lambda f, x, r: fg.sensitivity(f, x, **of_models(r)), "rows"),
    "compile": (lambda f, x, r: fg.compile(x), "scalar"),
    "stencil": (lambda f, x, r: fg.stencils.stencil(r.of("central", x), r.other(2)), "scalar"),
    "weights": (
        lambda f, x, r: fg.stencils.exact_weights(*r.of((0, x, 1), (r.other(1), [0, 1], 1), (0, [0, 1], r.other(1)))),
        "one",
    ),
    "build_info": (lambda f, x, r: fg.build_info(), "scalar"),
    "Coordinates": (lambda f, x, r: fg.grid.Coordinates(x), "scalar"),
    "grid.gradient": (lambda f, x, r: fg.grid.gradient(x, *spaced(r), **of_grids(r)), "scalar"),
    "grid.partial": (lambda f, x, r: fg.grid.partial(x, r.other(0, (0, 0)), **of_grids(r)), "scalar"),
    "grid.differentiate": (lambda f, x, r: fg.grid.differentiate(x, r.other(0, "lat")), "scalar"),
    "grid.laplacian": (lambda f, x, r: fg.grid.laplacian(x, *spaced(r), **of_grids(r)), "scalar"),
    "grid.divergence": (lambda f, x, r: fg.grid.divergence(r.of(x, [x], [x, x]), *spaced(r), **of_grids(r)), "one"),
    "grid.curl": (lambda f, x, r: fg.grid.curl(r.of(x, [x, x], [x, x], [x] * 3), *spaced(r), **of_grids(r)), "one"),
    "grid.magnitude": (lambda f, x, r: fg.grid.gradient_magnitude(x, *spaced(r), **of_grids(r)), "scalar"),
    "records": (lambda f, x, r: asked(f, x, r), "scalar"),
}


def checking(rng):
    found = {"exhaustive": rng.of(None, True, False)}
    if rng.chance(0.5):
        name = rng.of("rtol", "seed", "near", "max_evals", "exhaustive", "bounds", "typical_x", "args")
        found[name] = rng.other((-9.0, 9.0) if name == "bounds" else () if name == "args" else 2)
    return found


def descending(rng):
    found = {"method": rng.of("gd", "adam", "bb", "momentum"), "learning_rate": rng.of("auto", 0.1)}
    if rng.chance(0.5):
        name = rng.of("bounds", "typical_x", "momentum", "gtol", "ftol", "max_evals", "learning_rate", "callback")
        answer = rng.other(0.1)
        found[name] = (
            (-9.0, 9.0) if name == "bounds" else rng.other(0.1) if name != "callback" else lambda result: answer
        )
        if name == "learning_rate":
            found[name] = rng.of(found[name], lambda iteration: answer)
    return found


def of_models(rng):
    fitting = {"features": ([0],), "outputs": (["a"],), "step": ("sd", "auto", 0.1), "reference": (None,)}
    name = rng.of(*fitting, "extrapolate")
    return {} if rng.chance(0.3) else {name: rng.other(*fitting.get(name, (True, False)))}


def spaced(rng):
    return rng.of((), (), (rng.other(0.5),), (rng.other(0.5), rng.other(0.5)))


def of_grids(rng):
    fitting = {"order": (2, 4), "boundary": ("periodic", "nan", "reflect"), "out": (None,), "workers": (1, 2)}
    name = rng.of(*fitting)
    return {} if rng.chance(0.5) else {name: rng.other(*fitting[name])}


FLAT, ROWS = ("array", "list", "byte-swapped", "read-only"), ("matrix", "overlapping", "no strides")
FITTING = {
    **dict.fromkeys(
        ("gradient, sparse", "gradient, rows", "jacobian, sparse", "plan_jacobian", "hessian, sparse"), FLAT
    ),
    **dict.fromkeys((name for name in CALLS if "check_jacobian" in name or "check_hessian" in name), FLAT),
    **dict.fromkeys(("batch_gradient", "batch_gradient, rows", "batch_jacobian", "descents"), ROWS),
    **dict.fromkeys(("sensitivity",), (*ROWS, "a frame")),
    **dict.fromkeys((name for name in CALLS if name.startswith("grid.")), ("matrix", *["10 by 12"] * 5)),
    "Coordinates": FLAT,
    "weights": ("range",),
    "records": ("number", "array"),
}


RECORDS = {
    "Derivative": lambda: fg.differentiate(one, {"a\x1b": 1.0, "b": np.ones(2)}),
    "Derivative of nothing": lambda: fg.differentiate(one, np.empty(0)),
    "Jacobian": lambda: fg.differentiate(vector, np.ones(2)),
    "GradientCheck": lambda: fg.check_grad(one, vector, np.ones(2)),
    "DescentResult": lambda: fg.gradient_descent(one, np.ones(2), maxiter=2),
    "DescentResult of many": lambda: fg.gradient_descent(one, np.ones((2, 2)), maxiter=2, batch=True),
    "Sensitivity": lambda: fg.sensitivity(rows, np.arange(6.0).reshape(3, 2) ** 1.1),
    "JacobianPlan": lambda: fg.plan_jacobian(vector, np.ones(3)),
}


def asked(f, x, rng):
    """A method of a record with arguments of any kind; without plots, which take long."""
    record = RECORDS[rng.of(*RECORDS)]()
    found = [str(record), repr(record), record._repr_html_(), record == x, record != record]
    if isinstance(record, fg.Derivative):
        found.append(record.table(x))
        found.append(record.plot(f, x, axes=Axes()) if rng.chance(0.5) else record.to_dict())
    elif isinstance(record, fg.Sensitivity):
        found.append(record.plot([Axes(), Axes()], most=x))
    elif hasattr(record, "dense"):
        found.append(record.dense(x))
    elif isinstance(record, fg.DescentResult):
        found.append(record.plot([Axes(), Axes()], f=rng.of(f, x)))
    return found


class Axes:
    """Stands for those of Matplotlib."""

    def __getattr__(self, name):
        if name.startswith("__") or name == "tocsr":
            raise AttributeError(name)
        return lambda *args, **kwargs: self


# --- One call ---------------------------------------------------------------------------------------------------


def poison():
    """Fills what NumPy keeps of freed memory: an entry that nothing is written to shows."""
    for size in (1, 2, 3, 4, 6, 9, 12, 16, 18, 24, 36):
        _ = [np.full(size, POISON) for _ in range(7)]


def all_numbers(found, depth=0):
    """The numbers in a result."""
    if depth > 6:
        return
    if isinstance(found, float):
        yield found
    elif isinstance(found, np.ndarray) and found.dtype.kind in "fc":
        yield from np.abs(found).ravel().tolist()
        yield from np.real(found).ravel().tolist()
    elif isinstance(found, dict):
        for each in found.values():
            yield from all_numbers(each, depth + 1)
    elif isinstance(found, list | tuple):
        for each in found:
            yield from all_numbers(each, depth + 1)
    elif hasattr(found, "tocsr"):
        yield from all_numbers(found.toarray())
    elif dataclasses.is_dataclass(found):
        yield from all_numbers([getattr(found, field.name) for field in dataclasses.fields(found)], depth + 1)


@contextlib.contextmanager
def restored():
    """What functions change is put back."""
    limit, trace, errors, folder = sys.getrecursionlimit(), sys.gettrace(), np.geterr(), os.getcwd()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            yield heard
        finally:
            sys.setrecursionlimit(limit)
            sys.settrace(trace)
            np.seterr(**errors)
            os.chdir(folder)


def call(number):
    """The call of a number: what it is, and what is wrong with how it ended, if anything is."""
    rng = Source(number)
    verb = rng.of(*CALLS)
    run, kind = CALLS[verb]
    name = rng.of(
        *(VALUES if rng.wrong in ("x", "all") else FITTING.get(verb, ("array", "matrix", "number", "list", "dict")))
    )
    behaviour = rng.of(*INSTEAD) if rng.wrong in ("f", "all") else "good"
    what = f"call {number}: {verb} at {name}, f {behaviour}"
    f = GOOD[kind]
    if behaviour != "good":
        f = Broken(f, INSTEAD[behaviour], rng.of(1, 1, 2, 3, 5, 9, 14), rng.chance(0.5))
    poison()
    error = None
    with restored() as heard:
        x = VALUES[name]()
        if number % 10 == 0:
            np.seterr(all="raise")
        try:
            found = run(f, x, rng)
        except BaseException as caught:
            error = caught
    if error is not None:
        return what, judged(error, f, behaviour, name, verb)
    if any(number in (POISON, -POISON) for number in all_numbers(found)):
        return what, "a number that nobody has written"
    for warning in heard:
        if "encountered in" in str(warning.message) and f"fastgrad{os.sep}" in warning.filename:
            return what, f"{warning.filename}:{warning.lineno}: {warning.message}"
    return what, None


def judged(error, f, behaviour, name, verb):
    """What is wrong with an exception; None where it is what was promised."""
    if any(error is each for each in getattr(f, "raised", ())):
        return None
    if isinstance(error, (*EXPECTED, THEIR_OWN.get(behaviour, Own))):
        return None
    if verb == "assert_grad" and isinstance(error, AssertionError):
        return None
    # What NumPy or a subclass of arrays raises in f itself.
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == __file__ and frame.name in ("__call__", *GOOD):
            return None
    return "".join(traceback.format_exception(error, limit=-6))


def some(first, count):
    """So many calls; those that ended wrongly are printed."""
    faulthandler.enable()
    wrong = 0
    for number in range(first, first + count):
        faulthandler.dump_traceback_later(5, exit=True)
        with open(os.environ["FASTGRAD_HOSTILE"], "w") as file:
            file.write(str(number))
        what, finding = call(number)
        faulthandler.cancel_dump_traceback_later()
        if finding:
            wrong += 1
            print(f"--- {what}\n{finding}", flush=True)
    return 1 if wrong else 0


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    findings, first, end = 0, seed, seed + count
    with tempfile.NamedTemporaryFile("r+") as last:
        while first < end:
            code = f"import sys, hostile; sys.exit(hostile.some({first}, {min(2000, end - first)}))"
            environment = os.environ | {"FASTGRAD_HOSTILE": last.name}
            done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=os.path.dirname(__file__) or ".")
            findings += done.returncode != 0
            first = min(first + 2000, end)
            if done.returncode not in (0, 1):
                last.seek(0)
                number = int(last.read())
                print(f"--- call {number}: ended with {done.returncode}", flush=True)
                first = number + 1
    print(f"{count} calls from {seed} on: {findings or 'no'} parts with findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
