"""The border between Python and the C core: arrays in, calls out, errors raised.

A ``Function`` is a function at one kind of border: it gives values at shifts of a base point and at
dense points, and knows nothing of derivatives. ``src_c/include/fastgrad.h`` is the contract of what it drives.
"""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.float cimport DBL_MAX
from libc.math cimport NAN, fabs
from libc.stddef cimport ptrdiff_t
from libc.string cimport memcmp, memcpy
cimport numpy as cnp

from ._fastgrad cimport *

from time import perf_counter as _now

import numpy as np

from . import results

cnp.import_array()

cdef object float64 = np.float64

cdef extern from "Python.h":
    PyObject *PyObject_Vectorcall(PyObject *callable, PyObject **args, size_t nargs, PyObject *names)
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    Py_ssize_t Py_REFCNT(PyObject *o)
    void Py_DECREF(PyObject *o)
    int PyErr_CheckSignals()
    bint PyFunction_Check(object o)
    bint PyMethod_Check(object o)
    void *PyMem_RawMalloc(size_t n)
    void PyMem_RawFree(void *p)
    const char *PyCapsule_GetName(object capsule) except? NULL
    void *PyCapsule_GetPointer(object capsule, const char *name) except? NULL
    void *PyCapsule_GetContext(object capsule) except? NULL

cdef extern from *:
    """
    #ifndef FG_BUILD_FLAGS
    #define FG_BUILD_FLAGS "unknown"
    #endif
    #ifndef FG_BUILD_VERSION
    #define FG_BUILD_VERSION "unknown"
    #endif
    #if defined(__clang__)
    #define FG_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define FG_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #define FG_STRING2(x) #x
    #define FG_STRING(x) FG_STRING2(x)
    #define FG_COMPILER "msvc " FG_STRING(_MSC_VER)
    #else
    #define FG_COMPILER "unknown"
    #endif
    """
    const char *FG_BUILD_FLAGS
    const char *FG_BUILD_VERSION
    const char *FG_COMPILER



SEEN_NONFINITE = FG_SEEN_NONFINITE
SEEN_DOUBLE = FG_SEEN_DOUBLE
SEEN_CHANGE = FG_SEEN_CHANGE

cdef enum:
    MAX_WIDTH = 8
    MAX_ARGS = 6
    MAX_DIMS = 32
    # Doubles on the C stack a gradient: little, since f may call fastgrad again, many levels deep.
    STACK = 512
    # The same for functions that take blocks of points: on the heap.
    HEAP = 65536
    # The same for compiled functions: it stays in the nearest cache.
    SMALL = 1024
    # Points from which on a function in columns gets one shift of all at a time.
    FEW_POINTS = 32
    # Components that go through a round of the adaptive method together.
    ROUND = 16384
    # Bytes of points a call of a vectorised function: the first size, and the sizes that the search for
    # the best stays within.
    FIRST_BLOCK = 262144
    LEAST_BLOCK = 32768
    LAST_BLOCK = 1048576


def build():
    """Compiler, flags and version that the extension was built with."""
    return FG_COMPILER.decode(), FG_BUILD_FLAGS.decode(), FG_BUILD_VERSION.decode()


cdef class Scheme:
    """A stencil as C reads it: the offsets without 0, and the coefficients of ``enum fg_form``."""
    cdef fg_stencil c
    cdef double offsets[MAX_WIDTH]
    cdef double coefficients[MAX_WIDTH]

    def __init__(self, str form, offsets, coefficients):
        if len(offsets) > MAX_WIDTH:
            raise ValueError(f"a stencil has at most {MAX_WIDTH} offsets, not {len(offsets)}")
        self.c.form = {"pairs": FG_PAIRS, "base": FG_BASE, "imaginary": FG_IMAGINARY}[form]
        self.c.width = len(offsets)
        for j in range(self.c.width):
            self.offsets[j] = offsets[j]
            self.coefficients[j] = coefficients[j]
        self.c.offsets = self.offsets
        self.c.coefficients = self.coefficients

    @property
    def width(self):
        return self.c.width

    @property
    def needs_base(self):
        return self.c.form == FG_BASE


cdef cnp.ndarray as_doubles(object x):
    """x itself if it is a C-contiguous, aligned, native float64 array; else a copy that is."""
    if (cnp.PyArray_CheckExact(x) and cnp.PyArray_TYPE(<cnp.ndarray>x) == cnp.NPY_DOUBLE
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>x)):
        return <cnp.ndarray>x
    return np.ascontiguousarray(x, dtype=np.float64).reshape(np.shape(x))


cdef double *doubles(cnp.ndarray x) noexcept:
    return <double *>cnp.PyArray_DATA(x)


def is_plain(x):
    """Whether x is an array that can be read as it is, with all its values finite."""
    return (cnp.PyArray_CheckExact(x) and cnp.PyArray_TYPE(<cnp.ndarray>x) == cnp.NPY_DOUBLE
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>x)
            and fg_first_nonfinite(cnp.PyArray_SIZE(<cnp.ndarray>x), doubles(<cnp.ndarray>x)) < 0)


def steps(x, Py_ssize_t n, double relative, absolute=None, typical=None):
    """The steps that ``Function.derivatives`` would take at x (points, n), an array of x's shape."""
    cdef cnp.ndarray points = as_doubles(x)
    cdef cnp.ndarray h = np.empty_like(points)
    cdef fg_step_rule rule
    cdef object kept = fill_rule(&rule, relative, absolute, typical, n)
    fg_steps(&rule, n, doubles(points), 0, cnp.PyArray_SIZE(points), 1, doubles(h))
    return h


cdef object fill_rule(fg_step_rule *rule, double relative, object absolute, object typical, Py_ssize_t n):
    """Fills in rule; returns what must be kept alive while it is used."""
    rule.relative = relative
    rule.absolute = NULL
    rule.typical = NULL
    if absolute is None and typical is None:
        return None
    cdef cnp.ndarray a, t
    kept = []
    if absolute is not None:
        a = as_doubles(absolute)
        if cnp.PyArray_SIZE(a) != n:
            raise ValueError(f"steps of {cnp.PyArray_SIZE(a)} coordinates for points of {n}")
        rule.absolute = doubles(a)
        kept.append(a)
    if typical is not None:
        t = as_doubles(typical)
        if cnp.PyArray_SIZE(t) != n:
            raise ValueError(f"typical sizes of {cnp.PyArray_SIZE(t)} coordinates for points of {n}")
        rule.typical = doubles(t)
        kept.append(t)
    return kept


def product_sums(a, b):
    """The sum of a * b, and of its squares."""
    cdef cnp.ndarray a_ = as_doubles(a), b_ = as_doubles(b)
    cdef double squares
    if cnp.PyArray_SIZE(a_) != cnp.PyArray_SIZE(b_):
        raise ValueError("a and b differ in size")
    cdef double total = fg_product_sums(cnp.PyArray_SIZE(a_), doubles(a_), doubles(b_), &squares)
    return total, squares


cdef object seven_rows(fg_seven *rows, object h, object place, int deriv, Py_ssize_t outputs):
    """Fills in rows; returns what must be kept alive while they are used."""
    cdef cnp.ndarray h_ = as_doubles(h), place_ = None
    rows.rows, rows.outputs, rows.derivative = cnp.PyArray_SIZE(h_), outputs, deriv
    rows.h, rows.place = doubles(h_), NULL
    if deriv not in (1, 2) or (deriv == 2 and place is not None):
        raise ValueError("seven values give first derivatives, and second ones at the middle point")
    if place is not None:
        place_ = np.ascontiguousarray(place, dtype=np.intp)
        if cnp.PyArray_SIZE(place_) != rows.rows:
            raise ValueError(f"{cnp.PyArray_SIZE(place_)} places for {rows.rows} rows")
        if rows.rows and not (0 <= place_.min() and place_.max() < FG_SEVEN):
            raise IndexError(f"a place is in 0 ... {FG_SEVEN - 1}")
        rows.place = <const ptrdiff_t *>cnp.PyArray_DATA(place_)
    return h_, place_


def seven_values(base, others, h, place=None, int deriv=1, double epsilon=0.0):
    """Derivatives from seven equally spaced values, as ``fg_seven_values`` finds them.

    base: (points, outputs), f at x; rows take these in turn. others: (rows, 6, outputs), f at the other points, from the
    lowest up. h: (rows,), their distance. place: (rows,), which of the points x is; None: the middle one. deriv: 1 or 2.
    epsilon: of the precision that f computes in; 0: as the values show it.
    Returns an array (4, rows, outputs): values, error bars, truncation errors, and the noise of f.
    """
    cdef cnp.ndarray base_ = as_doubles(base), others_ = as_doubles(others)
    cdef fg_seven rows
    if base_.ndim != 2 or others_.ndim != 3 or others_.shape[1] != FG_SEVEN - 1 or base_.shape[1] != others_.shape[2]:
        raise ValueError(f"values of shapes {np.shape(base)} and {np.shape(others)} do not fit together")
    cdef object kept = seven_rows(&rows, h, place, deriv, base_.shape[1])
    if rows.rows != others_.shape[0] or (rows.rows and not base_.shape[0]):
        raise ValueError(f"{rows.rows} steps for values of shape {np.shape(others)}, f at x of shape {np.shape(base)}")
    cdef cnp.ndarray found = np.empty((4, rows.rows, rows.outputs))
    cdef double *out = doubles(found)
    cdef Py_ssize_t size = rows.rows * rows.outputs
    fg_seven_values(&rows, base_.shape[0], doubles(base_), doubles(others_), epsilon, out, out + size, out + 2 * size,
                    out + 3 * size)
    return found


def seven_bars(truncation, noise, h, place=None, int deriv=1):
    """Error bars (rows, outputs) as those of `seven_values`, for a truncation error and a noise known otherwise."""
    cdef cnp.ndarray truncation_ = as_doubles(truncation), noise_ = as_doubles(noise)
    cdef fg_seven rows
    if truncation_.ndim != 2 or not cnp.PyArray_SAMESHAPE(truncation_, noise_):
        raise ValueError(f"truncation {np.shape(truncation)} and noise {np.shape(noise)} do not fit together")
    cdef object kept = seven_rows(&rows, h, place, deriv, truncation_.shape[1])
    if rows.rows != truncation_.shape[0]:
        raise ValueError(f"{rows.rows} steps for {truncation_.shape[0]} rows")
    cdef cnp.ndarray bars = np.empty_like(truncation_)
    fg_seven_bars(&rows, doubles(truncation_), doubles(noise_), doubles(bars))
    return bars


def random_direction(double[::1] out, unsigned long long seed, double scale):
    """Fills out: numbers of both signs, of sizes from half the scale to three halves."""
    if out.shape[0]:
        fg_random_direction(out.shape[0], seed, scale, &out[0])


# What functions are to C, and their kinds, a file each; textually here, so that C can inline a call through `Function`.
include "_threads.pxi"
include "_function.pxi"
include "_python_function.pxi"
include "_vectorized_function.pxi"
include "_compiled_function.pxi"
include "_pooled_function.pxi"
include "_line_function.pxi"
include "_descent.pxi"
include "_sparse.pxi"
