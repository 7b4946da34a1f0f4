"""A function along a line."""
cimport cython
from libc.stddef cimport ptrdiff_t
from libc.string cimport memcpy

from .arrays cimport PyArray_NBYTES, PyArray_SIZE, _import_array, as_doubles, doubles, ndarray
from .border cimport Function
from ..c_core cimport fg_component_of, fg_shifts

import numpy as np

_import_array()

cdef enum:
    # Bytes of points that are asked for together.
    BLOCK = 1048576


@cython.final
cdef class LineFunction(Function):
    """t -> f(x + t v): a function of one coordinate, whose values are those of another at dense points."""
    cdef Function inner
    cdef ndarray x, direction

    def __init__(self, Function inner, x, direction, point):
        """point: of one coordinate, for the name of t."""
        self.prepare(None, (), point, inner.c.outputs)
        self.inner, self.x, self.direction = inner, as_doubles(x), as_doubles(direction)
        if self.n != 1 or PyArray_SIZE(self.x) != inner.n or PyArray_SIZE(self.direction) != inner.n:
            raise ValueError("x, the direction and f do not fit together")
        self.c.at_shifts = line_at_shifts
        self.c.at_points = line_at_points

    def tolerate(self, bint tolerant):
        self.inner.tolerate(tolerant)

    cdef int learn(self) except -1:
        """What the function itself saw."""
        self.nfev, self.float32, self.domain_error = self.inner.nfev, self.inner.float32, self.inner.domain_error
        self.seen = self.inner.seen
        return 0

    cdef ndarray first_values(self, ndarray t):
        cdef ndarray found = self.inner.value(self.moved(np.asarray(t)))
        self.learn()
        return found

    cdef object moved(self, t):
        """Points (count, n) at t (count,)."""
        return np.asarray(self.x).ravel() + np.multiply.outer(t.ravel(), np.asarray(self.direction).ravel())

    cdef int evaluate(self, object t, double *values) except -1:
        cdef ndarray found
        cdef Py_ssize_t block = max(1, BLOCK // (8 * max(1, self.inner.n))), begin
        for begin in range(0, len(t), block):
            found = self.inner.at_points(self.moved(t[begin:begin + block]))
            memcpy(values + begin * self.c.outputs, doubles(found), PyArray_NBYTES(found))
        return self.learn()


cdef int line_at_shifts(void *ctx, const fg_shifts *s, double *values) except -1:
    cdef LineFunction f = <LineFunction>ctx
    cdef Py_ssize_t a, j
    # One coordinate: a component is a point.
    at = np.array([s.x[fg_component_of(s, a)] for a in range(s.count)])
    moves = np.multiply.outer([s.h[a] for a in range(s.count)], [s.offsets[j] for j in range(s.width)])
    return f.evaluate((at[:, None] + (1j * moves if f.imaginary else moves)).ravel(), values)


cdef int line_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    cdef LineFunction f = <LineFunction>ctx
    return f.evaluate(np.array([points[k] for k in range(count)]), values)
