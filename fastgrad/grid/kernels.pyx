"""The border between Python and the C core of sampled arrays: axes, outputs, threads."""
cimport cython

from ..c_api cimport (
    DBL_MAX, DBL_MIN, NPY_ARRAY_CARRAY_RO, NPY_DOUBLE, NPY_FLOAT, NPY_INTP, PyArray_CHKFLAGS, PyArray_CheckExact, PyArray_DATA,
    PyArray_DIM, PyArray_DIMS, PyArray_EMPTY, PyArray_ISBEHAVED, PyArray_ISBEHAVED_RO, PyArray_ISNOTSWAPPED, PyArray_NBYTES, PyArray_NDIM, PyArray_SIZE,
    PyArray_TYPE, PyErr_CheckSignals, PyMem_Free, PyMem_Malloc, _import_array, fabs, memcpy, memset, ndarray,
)
from ..c_core.grid cimport (
    FG_GRID_EDGES, FG_GRID_EVEN, FG_GRID_HALF, FG_GRID_ODD, FG_GRID_SCRATCH, FG_GRID_TABLE, FG_GRID_TAPS, FG_GRID_THREE,
    fg_grid, fg_grid_output, fg_grid_scale, fg_grid_scaled, fg_grid_streams, fg_grid_term, fg_grid_weights,
    fg_weight_table, fg_weights,
)
from ..evaluate.arrays cimport as_doubles, dense, doubles, empty
from ..evaluate.threads cimport joined, leaving, start_helpers

from _thread import allocate_lock

import numpy as np

_import_array()

_KINDS = {"odd": FG_GRID_ODD, "even": FG_GRID_EVEN, "three": FG_GRID_THREE, "table": FG_GRID_TABLE}
STREAMS = fg_grid_streams()

cdef enum:
    MOST_AXES = 4
    # Numbers below which nothing but the fixed cost of a call counts.
    SMALL = 1 << 15
    # Numbers between two looks for Ctrl-C, some 10 ms.
    PART = 1 << 22
    # Bytes that the rows a stencil needs at once may take of a cache.
    NEAR = 1 << 19
    # From so many numbers on a second thread pays: its start takes 0.1 ms.
    THREADED = 1 << 18
    # From so many bytes of output on, stores go past the caches.
    STREAMED = 1 << 24


@cython.final
cdef class Weights:
    """The weights of one kind of axis: of rows in its interior, and of those at its edges."""
    cdef fg_grid_weights c
    cdef readonly Py_ssize_t least

    def __init__(self, str kind, int derivative, Py_ssize_t least, interior, edge_rows, edge_weights, bint around_nan):
        """For the step 1; least: the shortest axis that they fit; rows count from the end if they are negative."""
        cdef ndarray inner = as_doubles(interior), rows = dense(edge_rows, NPY_INTP), weights = as_doubles(edge_weights)
        cdef Py_ssize_t edges = PyArray_DIM(rows, 0), taps = PyArray_DIM(rows, 1)
        if (edges > FG_GRID_EDGES or taps > FG_GRID_TAPS or PyArray_SIZE(weights) != edges * taps
                or PyArray_SIZE(inner) > FG_GRID_HALF):
            raise ValueError("the weights do not fit together")
        memset(&self.c, 0, sizeof(fg_grid_weights))
        self.c.kind, self.c.derivative, self.c.around_nan = _KINDS[kind], derivative, around_nan
        self.c.half, self.c.taps = <int>(edges // 2), <int>taps
        self.least = least
        memcpy(self.c.interior, doubles(inner), PyArray_NBYTES(inner))
        memcpy(self.c.edge_rows, PyArray_DATA(rows), PyArray_NBYTES(rows))
        memcpy(self.c.edge_weights, doubles(weights), PyArray_NBYTES(weights))


@cython.final
cdef class Axis:
    """An axis of a dense array and a derivative along it."""
    cdef fg_grid_scaled scaled
    cdef ndarray table, coordinates  # what it points to

    def __init__(self, Weights w, Py_ssize_t length, Py_ssize_t stride, double step, coordinates=None, table=None):
        if length < 2 * w.c.half:
            raise ValueError("the axis does not fit its weights")
        fg_grid_scale(&w.c, length, stride, step, &self.scaled)
        if coordinates is not None:
            self.coordinates = as_doubles(coordinates)
            if PyArray_SIZE(self.coordinates) != length:
                raise ValueError("the axis does not fit its coordinates")
            self.scaled.axis.coordinates = doubles(self.coordinates)
        if table is not None:
            self.table = as_doubles(table)
            if PyArray_SIZE(self.table) != (2 * w.c.half + 1) * length:
                raise ValueError("the axis does not fit its table of weights")
            self.scaled.axis.interior = doubles(self.table)


@cython.final
cdef class Outputs:
    """Arrays to write, each a sum of derivatives of arrays, all of one size and layout."""
    cdef fg_grid_output *outputs
    cdef fg_grid_term *terms
    cdef int count
    cdef list owners
    cdef bint single
    cdef Py_ssize_t size, slab, reach, begin, part, wrong
    cdef object lock, error
    cdef int stream

    def __cinit__(self, list outputs, Py_ssize_t slab, bint magnitude=False):
        """outputs: of (out, [(values, axis, factor), ...]); slab: numbers that the slowest axis steps by."""
        cdef Py_ssize_t many = 0, k = 0
        cdef ndarray out, values
        cdef Axis axis
        for _, terms in outputs:
            many += len(terms)
        if not many:
            raise ValueError("there is nothing to write")
        self.outputs = <fg_grid_output *>PyMem_Malloc(len(outputs) * sizeof(fg_grid_output))
        self.terms = <fg_grid_term *>PyMem_Malloc(many * sizeof(fg_grid_term))
        if self.outputs is NULL or self.terms is NULL:
            raise MemoryError()
        self.owners = [outputs]
        cdef ndarray first = outputs[0][0]
        item = 4 if first.dtype.char in "fF" else 8
        self.single, self.size, self.slab = item == 4, first.nbytes // item, slab
        for out, terms in outputs:
            if PyArray_TYPE(out) != PyArray_TYPE(first) or not PyArray_ISBEHAVED(out):
                raise ValueError("an array to write to is of another type, read-only, swapped or not aligned")
            self.outputs[self.count].out = PyArray_DATA(out)
            self.outputs[self.count].terms = self.terms + k
            self.outputs[self.count].count = <int>len(terms)
            self.outputs[self.count].magnitude = magnitude
            self.count += 1
            for values, axis, factor in terms:
                if PyArray_NBYTES(values) != PyArray_NBYTES(out) or PyArray_NBYTES(out) != self.size * item:
                    raise ValueError("the arrays are of different sizes")
                if PyArray_TYPE(values) != PyArray_TYPE(first) or not PyArray_ISBEHAVED_RO(values):
                    raise ValueError("the arrays are of different types, swapped or not aligned")
                self.terms[k].values, self.terms[k].axis = PyArray_DATA(values), &axis.scaled.axis
                self.terms[k].factor = factor
                self.reach = max(self.reach, axis.scaled.axis.half)
                k += 1

    def __dealloc__(self):
        PyMem_Free(self.outputs)
        PyMem_Free(self.terms)

    def write(self, Py_ssize_t threads):
        """Writes all outputs; returns how many coordinates are out of order."""
        cdef list helpers = []
        cdef Py_ssize_t item = 4 if self.single else 8, slabs = self.size // self.slab
        cdef double scratch[FG_GRID_SCRATCH]
        if self.size <= SMALL:
            self.wrong = fg_grid(self.outputs, self.count, self.single, self.slab, 0, slabs, self.slab, 0, scratch)
            return self.wrong
        self.begin = self.wrong = 0
        self.stream = STREAMS if self.size * item * self.count >= STREAMED else 0
        self.lock = allocate_lock()
        self.part = max(1, PART // self.slab)
        if threads > 1 and self.size >= THREADED:
            self.part = max(1, min(self.part, slabs // (4 * threads)))
            start_helpers(helpers, threads - 1, self.help)
        try:
            self.parts(True)
        finally:
            # The helpers write to arrays that may be freed after this.
            with self.lock:
                self.begin = slabs
            joined(helpers)
        if self.error is not None:
            raise self.error
        return self.wrong

    def help(self, ended):
        """What a helping thread does."""
        try:
            self.parts(False)
        except BaseException as error:
            self.error = error
        finally:
            ended.release()

    cdef int parts(self, bint main) except -1:
        """Takes slabs in turn until none is left."""
        cdef Py_ssize_t begin, end, wrong, slabs = self.size // self.slab
        cdef Py_ssize_t tile = NEAR // ((2 * self.reach + 1) * (4 if self.single else 8))
        cdef double scratch[FG_GRID_SCRATCH]
        while main or not leaving():
            with self.lock:
                begin = self.begin
                end = min(slabs, begin + self.part)
                self.begin = end
            if begin == end:
                return 0
            with nogil:
                wrong = fg_grid(self.outputs, self.count, self.single, self.slab, begin, end, tile, self.stream, scratch)
            with self.lock:
                self.wrong += wrong
            if main and PyErr_CheckSignals() < 0:
                return -1
        return 0


def small_gradient(values, tuple spacing, Weights w):
    """The gradient of a small plain array by steps, on the shortest way; None if it is not that."""
    cdef fg_grid_scaled axes[MOST_AXES]
    cdef fg_grid_term terms[MOST_AXES]
    cdef fg_grid_output outputs[MOST_AXES]
    cdef double scratch[FG_GRID_SCRATCH]
    cdef ndarray array, out
    cdef Py_ssize_t stride = 1, steps = len(spacing), length
    cdef int a, count, kind
    if not PyArray_CheckExact(values) or w is None:
        return None
    array = values
    count, kind = PyArray_NDIM(array), PyArray_TYPE(array)
    if not (0 < count <= MOST_AXES and (kind == NPY_DOUBLE or kind == NPY_FLOAT) and steps in (0, 1, count)
            and PyArray_SIZE(array) <= SMALL and PyArray_CHKFLAGS(array, NPY_ARRAY_CARRAY_RO)
            and PyArray_ISNOTSWAPPED(array)):
        return None
    for step in spacing:
        if not isinstance(step, (float, int)) or step == 0 or not -DBL_MAX <= step <= DBL_MAX:
            return None
    found = [None] * count
    for a in range(count - 1, -1, -1):
        length = PyArray_DIM(array, a)
        if length < w.least:
            return None
        fg_grid_scale(&w.c, length, stride, 1.0 if steps == 0 else <double>spacing[a if steps == count else 0], &axes[a])
        stride *= length
        out = PyArray_EMPTY(count, PyArray_DIMS(array), kind, 0)
        found[a] = out
        terms[a].values, terms[a].axis, terms[a].factor = PyArray_DATA(array), &axes[a].axis, 1.0
        outputs[a].out, outputs[a].terms, outputs[a].count, outputs[a].magnitude = PyArray_DATA(out), &terms[a], 1, 0
    fg_grid(outputs, count, kind == NPY_FLOAT, stride, 0, 1, stride, 0, scratch)
    return found[0] if count == 1 else found


def even_step(x):
    """The distance between neighbours if it is the same number everywhere, as NumPy looks at it; else 0."""
    cdef ndarray x_ = as_doubles(x)
    cdef const double *at = doubles(x_)
    cdef Py_ssize_t i, count = PyArray_SIZE(x_)
    cdef double step = at[1] - at[0] if count > 1 else 0.0
    if not -DBL_MAX <= step <= DBL_MAX:
        return 0.0
    with nogil:
        for i in range(2, count):
            if at[i] - at[i - 1] != step:
                step = 0.0
                break
    return step


cdef int check_range(const double *weights, Py_ssize_t count, Py_ssize_t apart) except -1:
    """A ValueError unless weights are finite and one has full precision."""
    cdef double largest = 0.0
    cdef Py_ssize_t k
    for k in range(count):
        if not fabs(weights[k * apart]) <= DBL_MAX:
            largest = 0.0
            break
        largest = max(largest, fabs(weights[k * apart]))
    if largest < DBL_MIN:
        raise ValueError("the coordinates are beyond what float64 can divide by; take another unit of length")
    return 0


def weights(double at, x, int derivative):
    """Weights of values at x in a derivative at a point."""
    cdef ndarray x_ = as_doubles(x)
    cdef Py_ssize_t count = PyArray_SIZE(x_)
    cdef ndarray found = empty(count), work = empty((derivative + 1) * count)
    fg_weights(at, doubles(x_), count, derivative, doubles(found), doubles(work))
    check_range(doubles(found), count, 1)
    return found


def weight_table(x, Py_ssize_t taps, int derivative):
    """Weights (taps, length) of the rows around each interior row."""
    cdef ndarray x_ = as_doubles(x)
    cdef ndarray table = np.zeros((taps, PyArray_SIZE(x_))), work = empty((derivative + 2) * taps)
    cdef Py_ssize_t length = PyArray_SIZE(x_), row
    cdef const double *at = doubles(x_)
    cdef double *out = doubles(table)
    cdef double *scratch = doubles(work)
    with nogil:
        fg_weight_table(at, length, taps, derivative, out, scratch)
    for row in range(taps // 2, length - taps // 2):
        check_range(out + row, taps, length)
    return table
