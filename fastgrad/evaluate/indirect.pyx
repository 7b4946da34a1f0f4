"""Functions whose values come from elsewhere: from workers, or from another function."""
cimport cython

from ..c_api cimport NPY_INTP, PyArray_DATA, PyArray_NBYTES, PyArray_SIZE, PyMem_Free, PyMem_Malloc, _import_array, memcpy, ndarray
from ..c_core.function cimport fg_fill_imaginary, fg_fill_rows, fg_shifts
from ..c_core.points cimport fg_line_point, fg_line_points, fg_pair_points
from .arrays cimport as_doubles, dense, doubles, empty
from .border cimport Function

import numpy as np

_import_array()

cdef enum:
    # Bytes of points, or of values, that are asked of another function at a time.
    BLOCK = 1048576
    # Doubles of values that workers are asked for at a time.
    SHARED = 524288


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
        # Whatever ends more than this call: Ctrl-C, or a signal's handler that exits.
        self.pool.close(error is not None and not isinstance(error, Exception))
        Function.__exit__(self, kind, error, trace)

    def show(self, progress):
        self.progress = progress
        self.pool.update = progress.update

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        return all if all < SHARED else SHARED

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


cdef class ComposedFunction(Function):
    """A function that asks another."""
    cdef Function inner

    def tolerate(self, bint tolerant):
        self.inner.tolerate(tolerant)

    cdef int learn(self) except -1:
        """What the other function saw."""
        self.nfev, self.float32, self.domain_error = self.inner.nfev, self.inner.float32, self.inner.domain_error
        self.seen = self.inner.seen
        return 0


@cython.final
cdef class LineFunction(ComposedFunction):
    """t -> f(x + (t - t0) v): a function of one coordinate, whose values are those of another at dense points."""
    cdef ndarray x, direction
    cdef double origin

    def __init__(self, Function inner, x, direction, point):
        """point: of one coordinate, t0."""
        self.prepare(None, (), point, inner.c.outputs)
        self.inner, self.x, self.direction = inner, as_doubles(x), as_doubles(direction)
        if self.n != 1 or PyArray_SIZE(self.x) != inner.n or PyArray_SIZE(self.direction) != inner.n:
            raise ValueError("x, the direction and f do not fit together")
        self.origin = point.flat.item()
        self.c.at_shifts = line_at_shifts
        self.c.at_points = line_at_points

    cdef ndarray first_values(self, ndarray t):
        cdef ndarray point = empty(self.inner.n)
        fg_line_point(self.inner.n, doubles(self.x), doubles(self.direction), doubles(t)[0] - self.origin, 0,
                      self.inner.n, doubles(point))
        cdef ndarray found = self.inner.value(point)
        self.learn()
        return found

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        cdef Py_ssize_t count = s.count * s.width
        # A shift of one coordinate is a point.
        cdef double *t = <double *>PyMem_Malloc(count * 2 * sizeof(double))
        if t is NULL:
            raise MemoryError()
        try:
            if self.imaginary:
                fg_fill_imaginary(s, 0, count, False, t)
            else:
                fg_fill_rows(s, 0, count, t)
            self.points(count, t, values)
        finally:
            PyMem_Free(t)
        return 0

    cdef int points(self, Py_ssize_t count, const double *t, double *values) except -1:
        cdef Py_ssize_t n = self.inner.n, width = 2 if self.imaginary else 1, begin, rows
        cdef Py_ssize_t block = max(1, min(count, BLOCK // (8 * max(1, n))))
        cdef double *points = <double *>PyMem_Malloc(block * n * width * sizeof(double))
        if points is NULL:
            raise MemoryError()
        self.inner.turn(self.imaginary)
        try:
            for begin in range(0, count, block):
                rows = min(block, count - begin)
                fg_line_points(n, doubles(self.x), doubles(self.direction), self.origin, rows, t + begin * width,
                               self.imaginary, points)
                self.inner.c.at_points(self.inner.c.ctx, rows, n, points, values + begin * self.c.outputs)
        finally:
            PyMem_Free(points)
        return self.learn()


@cython.final
cdef class PairsFunction(ComposedFunction):
    """t -> f(x + the sum of (t_k - t0_k) v_k), each v_k moving one coordinate, or two."""
    cdef ndarray x, pairs, moves, origin

    def __init__(self, Function inner, x, pairs, moves, point):
        """pairs (lines, 2): the coordinates of each direction, the second -1 for one; moves (lines, 2): how far; point: t0."""
        self.prepare(None, (), point, inner.c.outputs)
        self.inner, self.x, self.pairs, self.moves = inner, as_doubles(x), dense(pairs, NPY_INTP), as_doubles(moves)
        if not (PyArray_SIZE(self.x) == inner.n and PyArray_SIZE(self.pairs) == PyArray_SIZE(self.moves) == 2 * self.n):
            raise ValueError("x, the directions and f do not fit together")
        if self.n and not (-1 <= np.min(self.pairs) and np.max(self.pairs) < inner.n):
            raise IndexError(f"coordinates are in 0 ... {inner.n - 1}")
        self.origin = as_doubles(point.flat)
        self.c.at_shifts = pairs_at_shifts
        self.c.at_points = pairs_at_points

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        cdef Py_ssize_t begin, rows, count = s.count * s.width, block = max(1, min(count, BLOCK // (8 * self.n)))
        cdef double *t = <double *>PyMem_Malloc(block * self.n * sizeof(double))
        if t is NULL:
            raise MemoryError()
        try:
            for begin in range(0, count, block):
                rows = min(block, count - begin)
                fg_fill_rows(s, begin, begin + rows, t)
                self.points(rows, t, values + begin * self.c.outputs)
        finally:
            PyMem_Free(t)
        return 0

    cdef int points(self, Py_ssize_t count, const double *t, double *values) except -1:
        cdef Py_ssize_t n = self.inner.n, begin, rows, block = max(1, min(count, BLOCK // (8 * max(1, n))))
        cdef double *points = <double *>PyMem_Malloc(block * n * sizeof(double))
        if points is NULL:
            raise MemoryError()
        self.inner.turn(False)
        try:
            for begin in range(0, count, block):
                rows = min(block, count - begin)
                fg_pair_points(n, doubles(self.x), self.n, <const ptrdiff_t *>PyArray_DATA(self.pairs), doubles(self.moves),
                               doubles(self.origin), rows, t + begin * self.n, points)
                self.inner.c.at_points(self.inner.c.ctx, rows, n, points, values + begin * self.c.outputs)
        finally:
            PyMem_Free(points)
        return self.learn()


@cython.final
cdef class SumFunction(ComposedFunction):
    """x -> the sum of the values of f at x; its precision is that of the terms."""

    def __init__(self, Function inner, point):
        self.prepare(None, (), point, 1)
        self.inner = inner
        self.c.at_shifts = sum_at_shifts
        self.c.at_points = sum_at_points

    cdef Py_ssize_t rows_of_block(self, Py_ssize_t each) noexcept:
        """Rows of terms that are held at a time."""
        return max(1, BLOCK // (8 * each * max(1, self.inner.c.outputs)))

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        cdef fg_shifts part = s[0]
        cdef Py_ssize_t begin, count, block = self.rows_of_block(s.width)
        cdef ndarray terms
        self.inner.turn(self.imaginary)
        for begin in range(0, s.count, block):
            count = min(block, s.count - begin)
            terms = empty(count * s.width, self.inner.c.outputs)
            part.count, part.h, part.first = count, s.h + begin, s.first + begin
            if s.components is not NULL:
                part.components = s.components + begin
            self.inner.c.at_shifts(self.inner.c.ctx, &part, doubles(terms))
            write_sums(terms, values + begin * s.width)
        return self.learn()

    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1:
        cdef Py_ssize_t begin, rows, width = 2 * self.n if self.imaginary else self.n, block = self.rows_of_block(1)
        cdef ndarray terms
        self.inner.turn(self.imaginary)
        for begin in range(0, count, block):
            rows = min(block, count - begin)
            terms = empty(rows, self.inner.c.outputs)
            self.inner.c.at_points(self.inner.c.ctx, rows, self.n, points + begin * width, doubles(terms))
            write_sums(terms, values + begin)
        return self.learn()


cdef int write_sums(ndarray terms, double *values) except -1:
    """Sums of the rows of terms."""
    cdef ndarray sums = np.sum(terms, axis=1)
    memcpy(values, doubles(sums), PyArray_NBYTES(sums))
    return 0


cdef int line_at_shifts(void *ctx, const fg_shifts *s, double *values) except -1:
    return (<LineFunction>ctx).shifts(s, values)


cdef int line_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<LineFunction>ctx).points(count, points, values)


cdef int pairs_at_shifts(void *ctx, const fg_shifts *s, double *values) except -1:
    return (<PairsFunction>ctx).shifts(s, values)


cdef int pairs_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<PairsFunction>ctx).points(count, points, values)


cdef int sum_at_shifts(void *ctx, const fg_shifts *s, double *values) except -1:
    return (<SumFunction>ctx).shifts(s, values)


cdef int sum_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<SumFunction>ctx).points(count, points, values)


cdef int pooled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    return (<PooledFunction>ctx).shifts(shifts, values)


cdef int pooled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<PooledFunction>ctx).points(count, points, values)
