"""A function whose evaluations workers do."""
cimport cython
from libc.stddef cimport ptrdiff_t
from libc.string cimport memcpy

from .arrays cimport PyArray_NBYTES, PyArray_SIZE, _import_array, as_doubles, doubles, ndarray
from .border cimport Function
from ..c_core cimport fg_shifts

import numpy as np

_import_array()

cdef enum:
    # Doubles of values a block of evaluations: on the heap.
    HEAP = 524288


@cython.final
cdef class PooledFunction(Function):
    """A function whose values come from a ``Pool`` of workers, in the order they were asked for."""
    cdef object pool

    def __init__(self, point, pool, Py_ssize_t outputs=1):
        self.prepare(None, (), point, outputs)
        self.pool = pool
        self.c.at_shifts = pooled_at_shifts
        self.c.at_points = pooled_at_points

    @property
    def shape(self):
        """Of the last result that was no float; None: none."""
        return self.pool.shape

    def __exit__(self, kind, error, trace):
        self.pool.close(isinstance(error, KeyboardInterrupt))
        Function.__exit__(self, kind, error, trace)

    def show(self, progress):
        self.progress = progress
        self.pool.update = progress.update

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        return all if all < HEAP else HEAP

    cdef ndarray first_values(self, ndarray x):
        cdef ndarray found = self.pool.points(np.array(x).reshape(1, -1)).ravel()
        self.pool.outputs = PyArray_SIZE(found)
        self.learn()
        return found

    cdef int take(self, object found, Py_ssize_t count, double *values) except -1:
        """Copies so many values, and what the workers saw."""
        cdef ndarray array = as_doubles(found)
        if PyArray_SIZE(array) != count:
            raise ValueError(f"the workers gave {PyArray_SIZE(array)} values, not {count}")
        memcpy(values, doubles(array), PyArray_NBYTES(array))
        self.learn()
        return self.look(count, values)

    cdef int learn(self) except -1:
        """What the workers saw."""
        self.nfev, self.float32, self.domain_error = self.pool.nfev, self.pool.float32, self.pool.domain_error
        return 0

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        cdef Py_ssize_t low = s.first // s.n, high, a
        if s.components is NULL:
            components = np.arange(s.first, s.first + s.count, dtype=np.intp)
        else:
            components = array_of(s.components, s.count, sizeof(Py_ssize_t), np.intp)
            low = components.min() // s.n
        high = components.max() // s.n + 1
        x = array_of(s.x + low * s.n, (high - low) * s.n, sizeof(double), np.float64).reshape(-1, s.n)
        h = array_of(s.h, s.count, sizeof(double), np.float64)
        offsets = array_of(s.offsets, s.width, sizeof(double), np.float64)
        self.pool.tolerant, self.pool.imaginary = self.tolerant, self.imaginary
        return self.take(self.pool.shifts(x, components - low * s.n, h, offsets), s.count * s.width * self.c.outputs, values)

    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1:
        self.pool.tolerant, self.pool.imaginary = self.tolerant, self.imaginary
        if self.imaginary:
            x = array_of(points, count * self.n, 2 * sizeof(double), np.complex128).reshape(-1, self.n)
        else:
            x = array_of(points, count * self.n, sizeof(double), np.float64).reshape(-1, self.n)
        return self.take(self.pool.points(x), count * self.c.outputs, values)


cdef object array_of(const void *data, Py_ssize_t count, Py_ssize_t size, dtype):
    """A copy of C memory, which workers may still read when C has gone on."""
    return np.frombuffer((<const char *>data)[:count * size], dtype=dtype)


cdef int pooled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    return (<PooledFunction>ctx).shifts(shifts, values)


cdef int pooled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<PooledFunction>ctx).points(count, points, values)
