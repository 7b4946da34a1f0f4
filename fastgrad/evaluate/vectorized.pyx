"""A function of many points at a time."""
cimport cython

from ..c_api cimport (
    NPY_CDOUBLE, NPY_DOUBLE, PyArray_CheckExact, PyArray_DIM, PyArray_EMPTY, PyArray_ISCARRAY, PyArray_ISCARRAY_RO,
    PyArray_NDIM, PyArray_SIZE, PyArray_TYPE, PyMem_Free, PyMem_Malloc, PyMem_RawFree, PyMem_RawMalloc, PyObject,
    Py_REFCNT, _import_array, memcpy, ndarray, npy_intp,
)
from ..c_core.function cimport (
    fg_component_of, fg_fill_columns, fg_fill_imaginary, fg_fill_nan, fg_fill_rows, fg_shifts, fg_transpose,
)
from .arrays cimport doubles
from .border cimport Function, owned

from time import perf_counter as _now

import numpy as np

from . import results

_import_array()

cdef enum:
    # Doubles of values a block of evaluations: on the heap.
    HEAP = 65536
    # Bytes of points a call: the first size, and the sizes that the search for the best stays within.
    FIRST_BLOCK = 262144
    LEAST_BLOCK = 32768
    LAST_BLOCK = 1048576


@cython.final
cdef class VectorizedFunction(Function):
    """f(X) of many points at a time: rows (k, n), or columns (n, k).

    Blocks are filled anew for each call, so f may keep or overwrite what it gets.
    """
    cdef bint columns
    cdef ndarray buffer    # the block of the last call
    cdef Py_ssize_t block      # points a call
    cdef double best           # seconds a point of the best block so far; 0: not yet measured
    cdef bint grows            # whether the search goes to larger blocks
    cdef bint settled
    cdef int calls             # with the present block

    def __init__(self, f, tuple args, point, Py_ssize_t outputs=1, bint columns=False):
        self.prepare(f, args, point, outputs)
        self.c.at_shifts = vectorized_at_shifts
        self.c.at_points = vectorized_at_points
        self.columns = columns
        self.grows = True
        self.block = max(1, FIRST_BLOCK // (8 * max(1, self.n)))
        # glibc gives freed memory back, and pays page faults for it anew, until it has seen a larger piece
        # freed (mallopt(3), M_MMAP_THRESHOLD); f's temporaries of block size would cost 1.5 times.
        PyMem_RawFree(PyMem_RawMalloc(4 * LAST_BLOCK))

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        return all if all < HEAP else HEAP

    cdef ndarray empty(self, Py_ssize_t rows):
        """A block to fill: the last one, unless f kept it; fresh memory costs page faults."""
        cdef npy_intp shape[2]
        cdef int kind = NPY_CDOUBLE if self.imaginary else NPY_DOUBLE
        shape[0], shape[1] = (self.n, rows) if self.columns else (rows, self.n)
        cdef ndarray last = self.buffer
        self.buffer = None
        if (last is None or Py_REFCNT(<PyObject *>last) != 1 or not PyArray_ISCARRAY(last) or PyArray_TYPE(last) != kind
                or PyArray_NDIM(last) != 2 or PyArray_DIM(last, 0) != shape[0] or PyArray_DIM(last, 1) != shape[1]):
            last = PyArray_EMPTY(2, shape, kind, 0)
        self.buffer = last
        return last

    cdef ndarray first_values(self, ndarray x):
        cdef ndarray block = self.empty(1)
        cdef tuple found
        memcpy(doubles(block), doubles(x), self.n * sizeof(double))
        try:
            result = owned(self.call(<PyObject *>block))
            found = results.as_block(result, 1, None, self.columns, False, self.n)
        except Exception as error:
            results.note_point(error, self.named(), x, 0, 1)
            raise
        self.done(1)
        self.float32 = self.float32 or found[1]
        return np.ravel(found[0])

    cdef Py_ssize_t rows_of_block(self, Py_ssize_t left) noexcept:
        cdef Py_ssize_t rows = self.block if self.block < left else left
        # A square block would hide that f mixes up rows and columns: its result has the right shape.
        if rows == self.n and rows > 1:
            rows -= 1
        return rows

    cdef int tune(self, Py_ssize_t rows, double seconds) except -1:
        """Doubles or halves the block while that pays: what fits the cache depends on f's own temporaries."""
        cdef double each
        cdef Py_ssize_t bytes_, next
        if self.settled or rows < self.block:
            return 0
        self.calls += 1
        if self.calls == 1:
            # The first call of a size pays for memory that f's temporaries take for the first time.
            return 0
        each = seconds / rows
        next = self.block * 2 if self.grows else self.block // 2
        if self.best != 0.0 and each > 0.95 * self.best:
            next = self.block // 2 if self.grows else self.block * 2
            # Twice the first size does not pay: perhaps half of it does.
            self.settled = not self.grows or self.block * self.n * 8 > 2 * FIRST_BLOCK
            if not self.settled:
                next //= 2
            self.grows = False
        else:
            self.best = each
        bytes_ = next * self.n * 8
        if not self.settled and not LEAST_BLOCK <= bytes_ <= LAST_BLOCK:
            self.settled = True
            return 0
        self.block = next
        self.calls = 0
        return 0

    cdef int evaluate(self, ndarray block, Py_ssize_t rows, double *values) except -1:
        """f at a block of points."""
        cdef double started = _now()
        cdef object result = owned(self.call(<PyObject *>block))
        self.nfev += rows - 1
        self.tune(rows, _now() - started)
        self.done(rows)
        cdef tuple found
        if (self.c.outputs == 1 and PyArray_CheckExact(result) and not self.imaginary
                and PyArray_TYPE(<ndarray>result) == NPY_DOUBLE
                and PyArray_ISCARRAY_RO(<ndarray>result)
                and PyArray_NDIM(<ndarray>result) == 1 and PyArray_SIZE(<ndarray>result) == rows):
            memcpy(values, doubles(<ndarray>result), rows * sizeof(double))
            return 0
        found = results.as_block(result, rows, self.c.outputs, self.columns, self.imaginary, self.n)
        memcpy(values, doubles(<ndarray?>found[0]), rows * self.c.outputs * sizeof(double))
        self.float32 = self.float32 or found[1]
        return 0

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        cdef Py_ssize_t begin = 0, end, total = s.count * s.width
        while begin < total:
            end = begin + self.rows_of_block(total - begin)
            try:
                self.evaluate(self.shifted(s, begin, end), end - begin, values + begin * self.c.outputs)
            except Exception as error:
                self.failed(error, s, begin, end, values + begin * self.c.outputs)
            begin = end
        return 0

    cdef ndarray shifted(self, const fg_shifts *s, Py_ssize_t begin, Py_ssize_t end):
        """The points of rows [begin, end) of the shifts."""
        cdef ndarray block = self.empty(end - begin)
        if self.imaginary:
            fg_fill_imaginary(s, begin, end, self.columns, doubles(block))
        elif self.columns:
            fg_fill_columns(s, begin, end, doubles(block))
        else:
            fg_fill_rows(s, begin, end, doubles(block))
        return block

    cdef int failed(self, object error, const fg_shifts *s, Py_ssize_t begin, Py_ssize_t end,
                    double *values) except -1:
        """f raised for a block: the points one by one, to find those beyond the edge of its domain."""
        cdef Py_ssize_t r, a
        if not (self.tolerant and results.is_domain_error(error, self.domain_errors)):
            a = begin // s.width
            results.note_block(error, end - begin, self.named(), fg_component_of(s, a), s.offsets[begin % s.width] * s.h[a],
                               self.imaginary)
            raise error
        self.settled = True
        for r in range(begin, end):
            try:
                self.evaluate(self.shifted(s, r, r + 1), 1, values + (r - begin) * self.c.outputs)
            except self.domain_errors as another:
                if self.domain_error is None:
                    self.unshifted(s, r)  # raises if x itself is outside
                    self.domain_error = another
                fg_fill_nan(self.c.outputs, values + (r - begin) * self.c.outputs)
        return 0

    cdef int unshifted(self, const fg_shifts *s, Py_ssize_t r) except -1:
        """Evaluates f at the base point of row r."""
        cdef Py_ssize_t a = r // s.width
        cdef double *values = <double *>PyMem_Malloc(self.c.outputs * sizeof(double))
        if values is NULL:
            raise MemoryError()
        cdef fg_shifts unmoved = s[0]
        cdef double zero = 0.0
        unmoved.offsets, unmoved.width = &zero, 1
        try:
            self.evaluate(self.shifted(&unmoved, a, a + 1), 1, values)
        finally:
            PyMem_Free(values)
        return 0

    cdef ndarray filled(self, Py_ssize_t rows, const double *points):
        """A block of dense points."""
        cdef ndarray block
        cdef npy_intp shape[2]
        if self.imaginary:
            shape[0], shape[1] = rows, self.n
            block = PyArray_EMPTY(2, shape, NPY_CDOUBLE, 0)
            memcpy(doubles(block), points, rows * 2 * self.n * sizeof(double))
            return np.ascontiguousarray(np.transpose(block)) if self.columns else block
        block = self.empty(rows)
        if self.columns:
            fg_transpose(rows, self.n, points, doubles(block))
        else:
            memcpy(doubles(block), points, rows * self.n * sizeof(double))
        return block

    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1:
        cdef Py_ssize_t begin = 0, rows, k, width = 2 * self.n if self.imaginary else self.n
        cdef ndarray block
        while begin < count:
            rows = self.rows_of_block(count - begin)
            block = self.filled(rows, points + begin * width)
            try:
                self.evaluate(block, rows, values + begin * self.c.outputs)
            except Exception as error:
                if self.tolerant and results.is_domain_error(error, self.domain_errors):
                    if rows == 1:
                        self.domain_error = self.domain_error or error
                        fg_fill_nan(self.c.outputs, values + begin * self.c.outputs)
                    else:
                        self.settled = True
                        for k in range(begin, begin + rows):
                            self.points(1, points + k * width, values + k * self.c.outputs)
                else:
                    results.note_block(error, rows)
                    raise
            begin += rows
        return 0


cdef int vectorized_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    cdef VectorizedFunction f = <VectorizedFunction>ctx
    f.shifts(shifts, values)
    return f.look(shifts.count * shifts.width * f.c.outputs, values)


cdef int vectorized_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points,
                              double *values) except -1:
    cdef VectorizedFunction f = <VectorizedFunction>ctx
    f.points(count, points, values)
    return f.look(count * f.c.outputs, values)
