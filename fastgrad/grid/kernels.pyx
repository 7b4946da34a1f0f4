"""The border between Python and the C core of sampled arrays: axes, outputs, threads."""
cimport cython
from libc.float cimport DBL_MAX
from cpython.mem cimport PyMem_Free, PyMem_Malloc
cimport numpy as cnp

from ..evaluate._fastgrad cimport *

import numpy as np

cdef object ndarray = np.ndarray

cnp.import_array()

include "../evaluate/_threads.pxi"

cdef extern from "Python.h":
    int PyErr_CheckSignals()

_KINDS = {"odd": FG_GRID_ODD, "even": FG_GRID_EVEN, "three": FG_GRID_THREE, "table": FG_GRID_TABLE}
STREAMS = fg_grid_streams()

cdef enum:
    MOST_EDGES = 10
    MOST_HALF = 4
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
    cdef int kind, derivative, half, taps
    cdef bint around_nan
    cdef readonly Py_ssize_t least
    cdef double interior[MOST_HALF]
    cdef double edge_weights[MOST_EDGES * FG_GRID_TAPS]
    cdef ptrdiff_t edge_rows[MOST_EDGES * FG_GRID_TAPS]

    def __init__(self, str kind, int derivative, Py_ssize_t least, const double[::1] interior,
                 const Py_ssize_t[:, ::1] edge_rows, const double[:, ::1] edge_weights, bint around_nan):
        """For the step 1; least: the shortest axis that they fit; rows count from the end if they are negative."""
        cdef Py_ssize_t k, rows = edge_rows.shape[0], taps = edge_rows.shape[1]
        if rows > MOST_EDGES or taps > FG_GRID_TAPS or rows != edge_weights.shape[0] or taps != edge_weights.shape[1] \
                or interior.shape[0] > MOST_HALF:
            raise ValueError("the weights do not fit together")
        self.kind, self.derivative = _KINDS[kind], derivative
        self.half, self.taps = <int>(rows // 2), <int>taps
        self.least, self.around_nan = least, around_nan
        for k in range(MOST_HALF):
            self.interior[k] = interior[k] if k < interior.shape[0] else 0.0
        for k in range(rows * taps):
            self.edge_rows[k] = edge_rows[k // taps, k % taps]
            self.edge_weights[k] = edge_weights[k // taps, k % taps]


cdef struct ScaledAxis:
    fg_grid_axis c
    double interior[MOST_HALF]
    double edge_weights[MOST_EDGES * FG_GRID_TAPS]
    ptrdiff_t edge_rows[MOST_EDGES * FG_GRID_TAPS]


cdef void scale_axis(ScaledAxis *axis, Weights w, Py_ssize_t length, Py_ssize_t stride, double step) noexcept:
    """Fills in an axis, which then points into itself."""
    cdef double scale = 1.0 / step if w.derivative == 1 else 1.0 / (step * step)
    cdef Py_ssize_t k, row
    axis.c.kind, axis.c.length, axis.c.stride = w.kind, length, stride
    axis.c.half, axis.c.edge_taps, axis.c.derivative = w.half, w.taps, w.derivative
    axis.c.step, axis.c.around_nan, axis.c.coordinates = step, w.around_nan, NULL
    for k in range(MOST_HALF):
        axis.interior[k] = w.interior[k] * scale
    for k in range(2 * w.half * w.taps):
        row = w.edge_rows[k]
        axis.edge_rows[k] = row if row >= 0 else length + row
        axis.edge_weights[k] = w.edge_weights[k] * scale
    axis.c.interior, axis.c.edge_rows, axis.c.edge_weights = axis.interior, axis.edge_rows, axis.edge_weights


@cython.final
cdef class Axis:
    """An axis of a dense array and a derivative along it."""
    cdef ScaledAxis scaled
    cdef object table, coordinates  # what it points to

    def __init__(self, Weights w, Py_ssize_t length, Py_ssize_t stride, double step, coordinates=None, table=None):
        cdef const double[::1] x
        cdef const double[:, ::1] weights
        if length < 2 * w.half:
            raise ValueError("the axis does not fit its weights")
        scale_axis(&self.scaled, w, length, stride, step)
        if coordinates is not None:
            x = coordinates
            if x.shape[0] != length:
                raise ValueError("the axis does not fit its coordinates")
            self.coordinates, self.scaled.c.coordinates = coordinates, &x[0]
        if table is not None:
            weights = table
            if weights.shape[0] != 2 * w.half + 1 or weights.shape[1] != length:
                raise ValueError("the axis does not fit its table of weights")
            self.table, self.scaled.c.interior = table, &weights[0, 0]


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
        cdef cnp.ndarray out, values
        cdef Axis axis
        for _, terms in outputs:
            many += len(terms)
        self.outputs = <fg_grid_output *>PyMem_Malloc(len(outputs) * sizeof(fg_grid_output))
        self.terms = <fg_grid_term *>PyMem_Malloc(many * sizeof(fg_grid_term))
        if self.outputs is NULL or self.terms is NULL:
            raise MemoryError()
        self.owners = [outputs]
        first = outputs[0][0]
        item = 4 if first.dtype.char in "fF" else 8
        self.single, self.size, self.slab = item == 4, first.nbytes // item, slab
        for out, terms in outputs:
            self.outputs[self.count].out = cnp.PyArray_DATA(out)
            self.outputs[self.count].terms = self.terms + k
            self.outputs[self.count].count = <int>len(terms)
            self.outputs[self.count].magnitude = magnitude
            self.count += 1
            for values, axis, factor in terms:
                if cnp.PyArray_NBYTES(values) != cnp.PyArray_NBYTES(out) or cnp.PyArray_NBYTES(out) != self.size * item:
                    raise ValueError("the arrays are of different sizes")
                self.terms[k].values, self.terms[k].axis = cnp.PyArray_DATA(values), &axis.scaled.c
                self.terms[k].factor = factor
                self.reach = max(self.reach, axis.scaled.c.half)
                k += 1

    def __dealloc__(self):
        PyMem_Free(self.outputs)
        PyMem_Free(self.terms)

    def write(self, Py_ssize_t threads):
        """Writes all outputs; returns how many coordinates are out of order."""
        cdef list helpers = []
        cdef Py_ssize_t item = 4 if self.single else 8, slabs = self.size // self.slab
        cdef char scratch[2 * FG_GRID_PIECE * 8]
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
        cdef char scratch[2 * FG_GRID_PIECE * 8]
        while True:
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


def small_gradient(values, tuple spacing, Weights w):
    """The gradient of a small plain array by steps, on the shortest way; None if it is not that."""
    cdef ScaledAxis axes[MOST_AXES]
    cdef fg_grid_term terms[MOST_AXES]
    cdef fg_grid_output outputs[MOST_AXES]
    cdef char scratch[2 * FG_GRID_PIECE * 8]
    cdef cnp.ndarray array, out
    cdef Py_ssize_t stride = 1, steps = len(spacing)
    cdef int a, count, kind
    if type(values) is not ndarray or w is None:
        return None
    array = values
    count, kind = cnp.PyArray_NDIM(array), cnp.PyArray_TYPE(array)
    if not (0 < count <= MOST_AXES and (kind == cnp.NPY_DOUBLE or kind == cnp.NPY_FLOAT) and steps in (0, 1, count)
            and cnp.PyArray_SIZE(array) <= SMALL and cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY_RO)
            and cnp.PyArray_ISNOTSWAPPED(array)):
        return None
    for step in spacing:
        if not isinstance(step, (float, int)) or step == 0 or not -DBL_MAX <= step <= DBL_MAX:
            return None
    found = [None] * count
    for a in range(count - 1, -1, -1):
        if array.shape[a] < w.least:
            return None
        scale_axis(&axes[a], w, array.shape[a], stride, 1.0 if steps == 0 else <double>spacing[a if steps == count else 0])
        stride *= array.shape[a]
        out = cnp.PyArray_EMPTY(count, array.shape, kind, 0)
        found[a] = out
        terms[a].values, terms[a].axis, terms[a].factor = cnp.PyArray_DATA(array), &axes[a].c, 1.0
        outputs[a].out, outputs[a].terms, outputs[a].count, outputs[a].magnitude = cnp.PyArray_DATA(out), &terms[a], 1, 0
    fg_grid(outputs, count, kind == cnp.NPY_FLOAT, stride, 0, 1, stride, 0, scratch)
    return found[0] if count == 1 else found


def weights(double at, const double[::1] x, int derivative):
    """Weights of values at x in a derivative at a point."""
    cdef double[::1] found = np.empty(x.shape[0]), work = np.empty((derivative + 1) * x.shape[0])
    fg_weights(at, &x[0], x.shape[0], derivative, &found[0], &work[0])
    return found.base


def weight_table(const double[::1] x, Py_ssize_t taps, int derivative):
    """Weights (taps, length) of the rows around each interior row."""
    cdef double[:, ::1] table = np.zeros((taps, x.shape[0]))
    cdef double[::1] work = np.empty((derivative + 2) * taps)
    with nogil:
        fg_weight_table(&x[0], x.shape[0], taps, derivative, &table[0, 0], &work[0])
    return table.base
