"""Functions that are C pointers, in every form they come in."""

import ctypes
import math
import tracemalloc

import numpy as np
import pytest

import fastgrad as fg
from fastgrad._functions import as_function
from fastgrad._points import Point

SCALAR = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)
COLUMNS = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_double),
    ctypes.POINTER(ctypes.c_double),
    ctypes.c_void_p,
)


@SCALAR
def by_pointer(n, x, data):
    return sum(math.sin(x[i]) * (i + 1) for i in range(n))


@COLUMNS
def by_columns(k, n, X, out, data):
    for i in range(k):
        out[i] = sum(math.sin(X[j * k + i]) * (j + 1) for j in range(n))
    return 0


@SCALAR
def with_data(n, x, data):
    return ctypes.cast(data, ctypes.POINTER(ctypes.c_double))[0] * x[0] ** 2


def in_python(x):
    return by_pointer(x.size, x.ctypes.data_as(ctypes.POINTER(ctypes.c_double)), None)


def exact(x):
    return np.cos(x) * np.arange(1, x.shape[-1] + 1)


def capsule(function, signature):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.cast(function, ctypes.c_void_p), signature, None)


NAME = b"double (int, double *, void *)"


@pytest.mark.parametrize(
    "f", [by_pointer, by_columns, capsule(by_pointer, NAME)], ids=["pointer", "columns", "capsule"]
)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 40])
def test_every_verb_takes_them(f, n):
    x = np.linspace(-1.0, 1.3, n)
    for method in ("central", "forward", "adaptive"):
        np.testing.assert_allclose(fg.gradient(f, x, method=method), exact(x), rtol=1e-5, atol=1e-5)
    assert (fg.gradient(f, x) == fg.gradient(in_python, x)).all()
    X = np.random.default_rng(n).uniform(-1, 1, (50, n))
    assert (fg.batch_gradient(f, X) == fg.batch_gradient(in_python, X)).all()
    assert fg.differentiate(f, x).nfev == fg.differentiate(in_python, x).nfev
    assert fg.partial(f, x, n - 1) == pytest.approx(exact(x)[-1])
    assert fg.check_grad(f, exact(x), x)
    assert fg.grad(f)(x) == pytest.approx(exact(x))
    assert fg.gradient_descent(f, x, maxiter=5).fun <= in_python(x)


def test_low_level_callable_and_its_data():
    scipy = pytest.importorskip("scipy")
    factor = ctypes.c_double(3.0)
    f = scipy.LowLevelCallable(with_data, ctypes.cast(ctypes.pointer(factor), ctypes.c_void_p))
    assert fg.gradient(f, np.array([2.0])) == pytest.approx(12.0)
    plain = scipy.LowLevelCallable(by_pointer)
    x = np.array([0.5, 0.7])
    np.testing.assert_allclose(fg.gradient(plain, x), exact(x), rtol=1e-9)


def test_numba_cfunc():
    numba = pytest.importorskip("numba")
    types = numba.types

    @numba.cfunc(types.float64(types.intc, types.CPointer(types.float64), types.voidptr))
    def f(n, x, data):
        return x[0] ** 2 * x[1]

    np.testing.assert_allclose(fg.gradient(f, np.array([3.0, 4.0])), [24.0, 9.0], rtol=1e-9)

    @numba.cfunc(types.float64(types.float64))
    def wrong(x):
        return x

    with pytest.raises(TypeError, match=r"signature.*expected double f\(int n, double \*x, void \*data\)"):
        fg.gradient(wrong, np.ones(2))


def test_cffi_pointer():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    address = ctypes.cast(by_pointer, ctypes.c_void_p).value
    f = ffi.cast("double (*)(int, double *, void *)", address)
    x = np.array([0.5, 0.7])
    np.testing.assert_allclose(fg.gradient(f, x), exact(x), rtol=1e-9)
    with pytest.raises(TypeError, match="signature"):
        fg.gradient(ffi.cast("double (*)(double)", address), x)


def test_what_does_not_fit_is_said():
    x = np.ones(2)
    untyped = ctypes.CDLL(None).abs
    with pytest.raises(TypeError, match="has no argtypes; set them"):
        fg.gradient(untyped, x)
    with pytest.raises(TypeError, match=r"signature 'int \(int\)'; expected double f\(int n"):
        fg.gradient(capsule(by_pointer, b"int (int)"), x)
    with pytest.raises(ValueError, match="null pointer"):
        fg.gradient(ctypes.cast(None, SCALAR), x)
    with pytest.raises(TypeError, match="no args="):
        fg.gradient(by_pointer, x, args=(1,))
    with pytest.raises(TypeError, match="vectorized= is for Python"):
        fg.gradient(by_pointer, x, vectorized=True)
    with pytest.raises(TypeError, match="complex"):
        fg.gradient(by_pointer, x, method="complex")
    failing = COLUMNS(lambda k, n, X, out, data: 7)
    with pytest.raises(RuntimeError, match="returned 7, not 0"):
        fg.gradient(failing, x)


def test_ctrl_c_stops_a_long_run():
    # What Ctrl-C does, as a C function that may be called without the GIL; its value is never used.
    interrupt = ctypes.cast(ctypes.pythonapi.PyErr_SetInterrupt, SCALAR)
    function = as_function(interrupt, (), Point(np.ones(3)))
    with pytest.raises(KeyboardInterrupt):
        function.at_points(np.ones((100_000, 3)))
    assert function.nfev < 10
    with pytest.raises(KeyboardInterrupt):
        fg.batch_gradient(interrupt, np.ones((1000, 3)))
    np.testing.assert_allclose(fg.gradient(by_pointer, np.zeros(3)), [1.0, 2.0, 3.0], rtol=1e-9)


@pytest.mark.parametrize("f", [by_pointer, by_columns], ids=["pointer", "columns"])
def test_many_coordinates_take_little_memory(f):
    x = np.linspace(0.0, 1.0, 20_000)
    tracemalloc.start()
    value = as_function(f, (), Point(x)).at_points(np.stack([x, x]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value.ravel().tolist() == [in_python(x)] * 2
    assert peak < 4e6
