"""Functions that compute in float32, however they return it: every verb and option is as accurate as that allows."""

import ctypes
import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

import fastgrad as fg

# Six tanh units, two or three of five inputs each: the Jacobian is a band.
WEIGHTS = np.array([
    [1.1, -0.7, 0.4, 0.0, 0.0, 0.0],
    [0.0, 0.6, 0.9, -1.2, 0.0, 0.0],
    [0.0, 0.0, -0.5, 0.8, 0.7, 0.0],
    [0.0, 0.0, 0.0, 0.3, -1.0, 0.9],
    [0.6, 0.0, 0.0, 0.0, 0.5, -0.8],
])  # fmt: skip
OUT = np.array([0.9, -1.1, 0.7, 1.3, -0.6, 0.8])
X = np.array([0.35, -0.8, 0.55, 1.2, -0.45])
V = np.array([1.0, -0.5, 2.0, 0.3, -1.0])
POINTS = np.stack([X, X - 0.1, 0.5 * X])
FAR = (-100.0, 100.0)
BESIDE = (X - [0.0, 9.0, 9.0, 9.0, 1e-5], np.add(X, [9.0, 9.0, 0.0, 1e-5, 9.0]))


def units(x):
    return np.tanh(x @ WEIGHTS)


def exact_gradient(x):
    return WEIGHTS @ (OUT * (1 - units(x) ** 2))


def exact_jacobian(x):
    return (WEIGHTS * (1 - units(x) ** 2)).T


def exact_hessian(x):
    h = units(x)
    return (WEIGHTS * (-2 * OUT * h * (1 - h**2))) @ WEIGHTS.T


GRADIENT, JACOBIAN, HESSIAN = exact_gradient(X), exact_jacobian(X), exact_hessian(X)


def made(kind, vectorized, returned, dtype=np.float32):
    """A function of a kind, "scalar", "vector" or "gradient" (the exact one), that computes in a precision."""
    weights, out = WEIGHTS.astype(dtype), OUT.astype(dtype)

    def f(x):
        x = np.asarray(x).astype(dtype)
        h = np.tanh((x.T if vectorized == "columns" else x) @ weights)
        value = {"scalar": lambda: h @ out, "vector": lambda: h, "gradient": lambda: (out * (1 - h**2)) @ weights.T}
        found = value[kind]()
        return returned(found.T if vectorized == "columns" and kind != "scalar" else found)

    return f


ONE_NUMBER = {
    "np.float32": lambda v: v,
    "0-d array": np.asarray,
    "array of one": lambda v: np.reshape(v, 1),
    ".item()": lambda v: v.item(),
    "float()": float,
    "list of one float": lambda v: [float(v)],
}
NUMBERS = {
    "float32 array": lambda v: v,
    "float64 array": lambda v: v.astype(np.float64),
    "list of np.float32": list,
    "list of floats": lambda v: v.tolist(),
}


class Accuracy(NamedTuple):
    """The error, relative to the largest entry, that computing in these precisions allows."""

    float32: float
    float64: float


FIRST = Accuracy(1e-3, 1e-8)
FORWARD = Accuracy(1e-2, 1e-6)
LONG = Accuracy(1e-2, 1e-8)  # in float32 its steps reach as far as tanh bends
SIDED = Accuracy(1e-2, 1e-7)
SECOND = Accuracy(2e-2, 1e-5)
SECOND_SIDED = Accuracy(0.1, 1e-4)
SECOND_FORWARD = Accuracy(0.15, 1e-3)
NESTED = Accuracy(5e-2, 1e-5)

COMMON = {
    "": ({}, FIRST),
    "bounds": ({"bounds": FAR}, FIRST),
    "beside bounds": ({"bounds": BESIDE}, SIDED),
    "typical_x": ({"typical_x": 0.5}, FIRST),
    "order 4": ({"order": 4}, FIRST),
    "order 8": ({"order": 8}, LONG),
    "order 4, bounds": ({"order": 4, "bounds": FAR}, FIRST),
    "order 4 beside bounds": ({"order": 4, "bounds": BESIDE}, SIDED),
    "forward": ({"method": "forward"}, FORWARD),
    "forward, bounds": ({"method": "forward", "bounds": FAR}, FORWARD),
    "noise": ({"noise": 1e-7}, Accuracy(1e-3, 1e-3)),
    "noise, bounds": ({"noise": 1e-7, "bounds": FAR}, Accuracy(1e-3, 1e-3)),
}
KINDS = {
    "rows": ({"vectorized": True}, FIRST),
    "columns": ({"vectorized": "columns"}, FIRST),
    "rows, bounds": ({"vectorized": True, "bounds": FAR}, FIRST),
    "workers": ({"workers": 2}, FIRST),
    "workers, bounds": ({"workers": 2, "bounds": FAR}, FIRST),
    "workers, rows": ({"workers": 2, "vectorized": True}, FIRST),
}
ADAPTIVE = {
    "adaptive": ({"method": "adaptive"}, FIRST),
    "adaptive, bounds": ({"method": "adaptive", "bounds": FAR}, FIRST),
    "adaptive, rows": ({"method": "adaptive", "vectorized": True}, FIRST),
}
SPARSE = {
    f"{pattern}, {name}": ({"sparsity": JACOBIAN != 0 if pattern == "pattern" else pattern, **options}, accuracy)
    for pattern in ("pattern", "detect")
    for name, (options, accuracy) in {**COMMON, **KINDS}.items()
}


def with_second(options, accuracy=SECOND):
    """Options of second derivatives from values, with the accuracy of those."""
    accuracies = {"forward": SECOND_FORWARD, "forward, bounds": SECOND_FORWARD, "noise": Accuracy(2e-2, 2e-2)}
    accuracies |= {"beside bounds": SECOND_SIDED, "order 4 beside bounds": SECOND_SIDED}
    accuracies["noise, bounds"] = accuracies["noise"]
    return {name: (chosen, accuracies.get(name, accuracy)) for name, (chosen, _) in options.items()}


SECOND_PARTIALS = {name: row for name, row in COMMON.items() if "order" not in name and "forward" not in name}
DIRECTIONS = {name: row for name, row in COMMON.items() if "beside" not in name} | {
    "within bounds on one side": ({"bounds": (X - 9.0, X + np.where(V > 0, 0.0, 9.0))}, SIDED)
}
NO_BOUNDS = {name: row for name, row in {**COMMON, **KINDS}.items() if "bounds" not in name and "noise" not in name}
HVP = {name: (options, NESTED) for name, (options, _) in NO_BOUNDS.items() if name != "forward"}


def called_twice(make):
    """A gradient as an object: the first call and the second."""

    def call(f, **options):
        g = make(f, **options)
        return np.stack([g(X), g(X)])

    return call


def planned(f, **options):
    plan = fg.plan_jacobian(f, X, **options)
    return np.stack([plan(X).toarray(), plan.dense(X)])


def dense(found):
    return found.toarray() if hasattr(found, "toarray") else found


# verb: (call, kind of function, exact derivative, options with their accuracy)
VERBS = {
    "gradient": (lambda f, **o: fg.gradient(f, X, **o), "scalar", GRADIENT, COMMON | KINDS | ADAPTIVE),
    "grad": (called_twice(fg.grad), "scalar", GRADIENT, COMMON | KINDS | ADAPTIVE),
    "value_and_grad": (
        called_twice(lambda f, **o: lambda x: fg.value_and_grad(f, **o)(x)[1]), "scalar", GRADIENT, COMMON | KINDS,
    ),
    "value_and_grad, kept": (
        called_twice(lambda f, **o: (lambda g: lambda x: g(x)[1])(fg.value_and_grad(f, **o))),
        "scalar", GRADIENT, COMMON | KINDS,
    ),
    "partial": (lambda f, **o: fg.partial(f, X, 3, **o), "scalar", GRADIENT[3], COMMON | KINDS | ADAPTIVE),
    "partial i, i": (
        lambda f, **o: fg.partial(f, X, 1, 1, **o), "scalar", HESSIAN[1, 1], with_second(SECOND_PARTIALS | KINDS),
    ),
    "partial i, j": (
        lambda f, **o: fg.partial(f, X, 1, 2, **o), "scalar", HESSIAN[1, 2], with_second(SECOND_PARTIALS | KINDS),
    ),
    "directional": (lambda f, **o: fg.directional(f, X, V, **o), "scalar", GRADIENT @ V, DIRECTIONS | KINDS),
    "batch_gradient": (
        lambda f, **o: fg.batch_gradient(f, POINTS, **o), "scalar",
        np.stack([exact_gradient(x) for x in POINTS]),
        {name: row for name, row in (COMMON | KINDS | ADAPTIVE).items() if "beside" not in name},
    ),
    "jacobian": (lambda f, **o: fg.jacobian(f, X, **o), "vector", JACOBIAN, COMMON | KINDS),
    "jacobian, sparse": (lambda f, **o: fg.jacobian(f, X, **o), "vector", JACOBIAN, SPARSE),
    "plan": (planned, "vector", np.stack([JACOBIAN, JACOBIAN]), SPARSE),
    "batch_jacobian": (
        lambda f, **o: fg.batch_jacobian(f, POINTS, **o), "vector", np.stack([exact_jacobian(x) for x in POINTS]),
        {name: row for name, row in (COMMON | KINDS).items() if "beside" not in name},
    ),
    "jvp": (lambda f, **o: fg.jvp(f, X, V, **o), "vector", JACOBIAN @ V, DIRECTIONS | KINDS),
    "summed": (
        lambda f, **o: fg.gradient(f, X, summed=True, **o), "vector", JACOBIAN.sum(axis=0), COMMON | KINDS | ADAPTIVE,
    ),
    "summed, sparse": (lambda f, **o: fg.gradient(f, X, summed=True, **o), "vector", JACOBIAN.sum(axis=0), SPARSE),
    "hessian": (lambda f, **o: fg.hessian(f, X, **o), "scalar", HESSIAN, with_second(COMMON | KINDS)),
    "hessian, sparse": (
        lambda f, **o: fg.hessian(f, X, sparsity=HESSIAN != 0, **o), "scalar", HESSIAN, with_second(COMMON | KINDS),
    ),
    "hessian of grad": (
        lambda g, **o: fg.hessian(made("scalar", False, float), X, grad=g, **o), "gradient", HESSIAN, COMMON | KINDS,
    ),
    "hessian of grad, sparse": (
        lambda g, **o: fg.hessian(made("scalar", False, float), X, grad=g, sparsity=HESSIAN != 0, **o),
        "gradient", HESSIAN, COMMON | KINDS,
    ),
    "hvp": (lambda f, **o: fg.hvp(f, X, V, **o), "scalar", HESSIAN @ V, HVP),
    "hvp of grad": (
        lambda g, **o: fg.hvp(made("scalar", False, float), X, V, grad=g, **o), "gradient", HESSIAN @ V,
        DIRECTIONS | KINDS,
    ),
}  # fmt: skip


def error_of(verb, name, returned, dtype=np.float32):
    """The error relative to the largest entry, and that which is allowed."""
    call, kind, exact, all_options = VERBS[verb]
    options, accuracy = all_options[name]
    f = made(kind, options.get("vectorized", False), returned, dtype)
    if "workers" in options:
        with ThreadPoolExecutor(options["workers"]) as executor:
            found = dense(call(f, **{**options, "workers": executor}))
    else:
        found = dense(call(f, **options))
    size = np.abs(HESSIAN).max() if verb.startswith("partial i") else np.abs(exact).max()
    allowed = accuracy.float32 if dtype is np.float32 else accuracy.float64
    return np.abs(np.asarray(found) - exact).max() / size, allowed


# Forward differences of these float32 functions have fewer than three digits, which is said.
@pytest.mark.filterwarnings("ignore:fixed steps do not fit")
@pytest.mark.parametrize("verb", VERBS)
def test_float32_is_noticed_however_it_is_returned(verb):
    _, kind, _, all_options = VERBS[verb]
    wrong = []
    for name, (options, _) in all_options.items():
        for way, returned in (ONE_NUMBER if kind == "scalar" and "vectorized" not in options else NUMBERS).items():
            try:
                error, allowed = error_of(verb, name, returned)
            except Exception as problem:
                wrong.append(f"{name or 'no option'}, {way}: {type(problem).__name__}: {str(problem)[:80]}")
                continue
            if not error <= allowed:
                wrong.append(f"{name or 'no option'}, {way}: off by {error:.1e}, allowed {allowed:.0e}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("verb", VERBS)
def test_float64_is_not_taken_for_it(verb):
    wrong = []
    for name in VERBS[verb][3]:
        error, allowed = error_of(verb, name, lambda v: v, np.float64)
        if not error <= allowed:
            wrong.append(f"{name or 'no option'}: off by {error:.1e}, allowed {allowed:.0e}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore:fixed steps do not fit")
@pytest.mark.parametrize("way", ["np.float32", ".item()"])
@pytest.mark.parametrize("options", [{}, {"order": 4}, {"method": "forward"}, {"bounds": FAR}])
def test_gradients_as_objects_remember_it(way, options):
    """The second call takes the right steps at once: it costs what one of a float64 function does."""
    narrow, calls = made("scalar", False, ONE_NUMBER[way]), []
    wide = made("scalar", False, float, np.float64)
    counts = []
    for f in (narrow, wide):
        g = fg.grad(lambda x, f=f: calls.append(1) or f(x), **options)
        g(X)
        calls.clear()
        g(X)
        counts.append(len(calls))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("way", ["np.float32", "float()"])
@pytest.mark.parametrize(
    "options", [{"step": 2.0**-9}, {"step": 2.0**-9, "order": 4}, {"step": 2.0**-9, "bounds": FAR}]
)
def test_steps_that_are_given_are_kept(way, options):
    f, seen = made("scalar", False, ONE_NUMBER[way]), []
    for call in (
        lambda f: fg.gradient(f, X, **options),
        lambda f: fg.partial(f, X, 2, **options),
        lambda f: fg.hessian(f, X, check=False, **options),
    ):
        seen.clear()
        call(lambda x: seen.append(x.copy()) or f(x))
        moves = np.abs(np.array(seen) - X)
        assert set(np.unique(moves.round(12))) <= {0.0, 2.0**-9, 2.0**-8}
        # Another look would see the same.
        count = len(seen)
        seen.clear()
        call(lambda x: seen.append(x.copy()) or made("scalar", False, float, np.float64)(x))
        assert count == len(seen)


@pytest.mark.parametrize("returned", ONE_NUMBER.values(), ids=ONE_NUMBER)
@pytest.mark.parametrize("options", [{}, {"bounds": FAR}, {"workers": 2}, {"exhaustive": False}])
def test_checks(returned, options):
    """A right gradient is right, one that is off by 2% of its largest entry wrong."""
    f = made("scalar", False, returned)
    with ThreadPoolExecutor(2) as executor:
        given = {**options, "workers": executor} if "workers" in options else options
        assert fg.check_grad(f, GRADIENT, X, **given).verdict == "right"
        spoiled = GRADIENT.copy()
        spoiled[np.argmax(np.abs(spoiled))] *= 1.02
        assert fg.check_grad(f, spoiled, X, **given).verdict == "wrong"


@pytest.mark.parametrize("returned", NUMBERS.values(), ids=NUMBERS)
def test_checks_of_jacobians(returned):
    f = made("vector", False, returned)
    assert fg.check_jacobian(f, JACOBIAN, X).verdict == "right"
    spoiled = JACOBIAN.copy()
    spoiled[2, 1] *= 1.02
    check = fg.check_jacobian(f, spoiled, X)
    assert check.verdict == "wrong"
    assert [m.path for m in check.wrong] == ["J[2, 1]"]


@pytest.mark.parametrize("returned", ONE_NUMBER.values(), ids=ONE_NUMBER)
def test_error_bars_hold(returned):
    f = made("scalar", False, returned)
    for options in ({}, {"bounds": FAR}, {"typical_x": 0.5}):
        d = fg.differentiate(f, X, **options)
        assert (np.abs(d.value - GRADIENT) <= d.error).all()
        assert (d.error < 1e-2).all()
        assert (d.flags == "noisy").all()
    d = fg.differentiate(f, X, deriv=2)
    assert (np.abs(d.value - HESSIAN) <= d.error).all()
    assert np.median(d.error) < 0.1


@pytest.mark.parametrize("returned", NUMBERS.values(), ids=NUMBERS)
def test_error_bars_of_jacobians_hold(returned):
    d = fg.differentiate(made("vector", False, returned), X)
    assert (np.abs(d.value - JACOBIAN) <= d.error).all()
    assert np.median(d.error) < 1e-2


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("returned", [ONE_NUMBER["np.float32"], ONE_NUMBER[".item()"]], ids=["np.float32", ".item()"])
def test_descents_come_as_near_as_float32_allows(returned, batch):
    def f(x):
        return returned((((np.asarray(x).astype(np.float32) - np.float32([1, 2])) ** 2) * np.float32([1, 10])).sum())

    x0 = np.zeros(2)
    found = fg.gradient_descent(f, x0[None] if batch else x0, batch=batch, gtol=1e-3)
    np.testing.assert_allclose(np.reshape(found.x, 2), [1, 2], atol=1e-2)


def beside_an_edge(x):
    """Computed in float32, and NaN below 1 by the first coordinate."""
    return float(np.float32(x[0]) + np.sin(np.float32(x[1]))) if x[0] >= 1.0 else math.nan


def test_float32_is_noticed_beside_nan():
    """What is not a number says nothing of the precision of those that are."""
    x, exact = np.array([1.0, 0.5]), np.array([1.0, math.cos(0.5)])
    d = fg.differentiate(beside_an_edge, x)
    assert (np.abs(d.value - exact) <= d.error).all()
    assert (d.error > 1e-8).all()
    assert (d.error < 1e-3).all()
    long = bool((d.error >= 1e-4).any())
    POINTER = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)
    pointer = POINTER(lambda n, x, data: beside_an_edge(x))
    np.testing.assert_allclose(fg.gradient(pointer, x), exact, atol=1e-4)
    if long:
        pytest.xfail(f"one-sided bars in float32 are not averaged: {d.error.max():.1e}, 1e-4 wanted")
