"""Functions that are C pointers, in every form they come in."""

import ctypes
import math
import pickle
import re
import signal
import threading
import time
import tracemalloc

import cffi
import numba
import numpy as np
import pytest
import scipy

import fastgrad as fg
from fastgrad.core.point import Point
from fastgrad.evaluate.functions import Evaluation, as_function

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


def of_numbers(x, y, z):
    return math.sin(x) + 2 * math.sin(y) + 3 * math.sin(z)


compiled_sines = fg.compile(of_numbers)


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
    assert fg.gradient_descent(f, x, maxiter=5).fun < in_python(x)


def test_low_level_callable_and_its_data():
    factor = ctypes.c_double(3.0)
    f = scipy.LowLevelCallable(with_data, ctypes.cast(ctypes.pointer(factor), ctypes.c_void_p))
    assert fg.gradient(f, np.array([2.0])) == pytest.approx(12.0)
    plain = scipy.LowLevelCallable(by_pointer)
    x = np.array([0.5, 0.7])
    np.testing.assert_allclose(fg.gradient(plain, x), exact(x), rtol=1e-9)


def test_numba_cfunc():
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


@SCALAR
def overwriting(n, x, data):
    x[n - 1] *= 2.0
    return x[0]


@COLUMNS
def overwriting_columns(k, n, X, out, data):
    for i in range(k):
        out[i] = X[i]
        X[i] = 0.0
    return 0


@pytest.mark.parametrize("f", [overwriting, overwriting_columns], ids=["pointer", "columns"])
@pytest.mark.parametrize("n", [1, 3, 10])
def test_a_function_that_writes_to_its_argument_is_found(f, n):
    x = np.linspace(1.0, 2.0, n)
    for work in (fg.gradient, fg.differentiate):
        with pytest.raises(ValueError, match="writes to its x"):
            work(f, x)
    with pytest.raises(ValueError, match="writes to its x"):
        fg.batch_gradient(f, np.ones((100, n)), workers=2)


def test_ctrl_c_stops_threads_too():
    # It sleeps n microseconds, and what it returns is never used.
    slow = ctypes.cast(ctypes.CDLL(None).usleep, SCALAR)
    points = np.ones((1000, 5000))
    function = as_function(slow, (), Point(points[0]), Evaluation(workers=3))
    timer = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        function.at_points(points)
    count = function.nfev
    assert 3 <= count < 1000
    time.sleep(0.1)  # no thread goes on behind
    assert function.nfev == count


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


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
@pytest.mark.parametrize("f", [by_pointer, by_columns, compiled_sines], ids=["pointer", "columns", "numba"])
def test_threads_change_nothing(f, method):
    # Python callbacks take long enough that the other threads are started.
    X = np.random.default_rng(0).uniform(-1, 1, (300 if f is compiled_sines else 40, 3))
    alone = fg.batch_gradient(f, X, method=method)
    for workers in (2, 3, 8):
        assert (fg.batch_gradient(f, X, method=method, workers=workers) == alone).all()
    assert (fg.gradient(f, X[0], method=method, workers=3) == alone[0]).all()
    # Neither do the points that one is together with.
    assert (fg.batch_gradient(f, X[7:], method=method, workers=2) == alone[7:]).all()


def test_threads_really_share_the_work():
    seen = set()

    @SCALAR
    def slow(n, x, data):
        seen.add(threading.get_ident())
        time.sleep(0.0005)
        return x[0]

    fg.batch_gradient(slow, np.ones((50, 2)), workers=3)
    assert len(seen) > 1  # a loaded machine may start the last one too late


def test_an_error_in_a_thread_stops_all():
    calls = []

    @COLUMNS
    def failing(k, n, X, out, data):
        calls.append(k)
        time.sleep(0.001)
        return 5 if len(calls) > 8 else 0

    with pytest.raises(RuntimeError, match="returned 5"):
        fg.batch_gradient(failing, np.ones((2000, 2)), workers=3)
    assert len(calls) < 20


@pytest.mark.parametrize("f", [by_pointer, by_columns], ids=["pointer", "columns"])
def test_many_coordinates_take_little_memory(f):
    x = np.linspace(0.0, 1.0, 20_000)
    tracemalloc.start()
    value = as_function(f, (), Point(x)).at_points(np.stack([x, x]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value.ravel().tolist() == [in_python(x)] * 2
    assert peak < 4e6


def chapter(x, y):
    return x**2 * y + 3 * x * y**3


def of_an_array(x):
    total = 0.0
    for i in range(x.size):
        total += (i + 1) * x[i] ** 2
    return total


@pytest.mark.parametrize("f", [fg.compile(chapter), fg.compile(lambda x: x[0] ** 2 * x[1] + 3 * x[0] * x[1] ** 3)])
def test_compile(f):
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(fg.gradient(f, x), [28.0, 37.0], rtol=1e-9)
    d = fg.differentiate(f, x)
    assert (np.abs(d.value - [28.0, 37.0]) <= d.error).all()
    assert fg.partial(f, x, 0, 1) == pytest.approx(38.0, rel=1e-5)
    assert fg.check_grad(f, lambda x: np.array([2 * x[0] * x[1] + 3 * x[1] ** 3, x[0] ** 2 + 9 * x[0] * x[1] ** 2]), x)
    assert not fg.check_grad(f, np.array([28.0, 73.0]), x)
    assert fg.gradient_descent(f, x, maxiter=3).fun < 26.0
    np.testing.assert_allclose(fg.batch_gradient(f, [[1.0, 2.0], [0.0, 1.0]]), [[28.0, 37.0], [3.0, 0.0]], atol=1e-9)


def test_a_compiled_function_is_called_and_pickled_like_its_source():
    f = fg.compile(of_an_array)
    assert f(np.array([1.0, 2.0])) == 9.0
    assert fg.compile(chapter)(1.0, 2.0) == 26.0
    again = pickle.loads(pickle.dumps(fg.compile(math_like)))
    np.testing.assert_allclose(fg.gradient(again, np.array([2.0])), [12.0], rtol=1e-9)
    assert "of x, y, compiled" in repr(fg.compile(chapter))


def math_like(x):
    return x[0] ** 3


def test_numbers_compile_to_simd():
    listing = fg.compile(chapter)._cfunc._library.get_asm_str()
    assert re.search(r"\bv?mulpd\b|\bfmul\s+v\d+\.2d", listing)


def test_edges_and_exceptions_of_compiled_code():
    f = fg.compile(lambda x: math.sqrt(x[0]) + 1.0 / x[1])
    np.testing.assert_allclose(fg.gradient(f, np.array([1.0, 2.0])), [0.5, -0.25], rtol=1e-9)
    with pytest.raises(ValueError, match="f is inf at x itself"):
        fg.gradient(f, np.array([1.0, 0.0]), method="forward")

    def raising(x):
        if x[0] > 0:
            raise ValueError("beyond")
        return x[0]

    with pytest.raises(ValueError, match="f is nan at x itself"):
        fg.gradient(fg.compile(raising), np.ones(1))


def test_what_cannot_be_compiled_is_said_with_its_line(monkeypatch):
    def attribute(x):
        first = x[0]
        return first.missing

    line = attribute.__code__.co_firstlineno + 2
    with pytest.raises(TypeError, match=rf"attribute, line {line} of .*'return first.missing': .*missing"):
        fg.compile(attribute)
    with pytest.raises(TypeError, match="expected a real number"):
        fg.compile(lambda x: x)
    with pytest.raises(TypeError, match="takes 2 numbers, but x has 3"):
        fg.gradient(fg.compile(chapter), np.ones(3))
    np.testing.assert_allclose(fg.gradient(fg.compile(chapter), [1.0, 2.0]), [28.0, 37.0], rtol=1e-8)
    with pytest.raises(TypeError, match="x is a pytree: concatenate its leaves"):
        fg.gradient(fg.compile(chapter), {"x": 1.0, "y": 2.0})
    with pytest.raises(TypeError, match="no \\*args"):
        fg.compile(lambda *x: 1.0)
    with pytest.raises(TypeError, match="only Python functions"):
        fg.compile(np.sin)
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    with pytest.raises(ImportError, match=r"fastgrad\[jit\]"):
        fg.compile(lambda x: x[0])
