"""A function of one point at a time."""
cimport cython

from ..c_api cimport (
    NPY_ARRAY_OWNDATA, NPY_CDOUBLE, NPY_CORDER, NPY_DOUBLE, PyArray_CHKFLAGS, PyArray_CheckExact, PyArray_DESCR, PyArray_DIMS,
    PyArray_EMPTY, PyArray_ISCARRAY_RO, PyArray_NDIM, PyArray_NewCopy, PyArray_SIZE, PyArray_TYPE, PyFloat_AS_DOUBLE,
    PyFloat_CheckExact, PyFunction_Check, PyMem_Free, PyMem_Malloc, PyMethod_Check, PyObject, Py_DECREF, Py_REFCNT, _import_array, memchr,
    memcmp, memcpy, ndarray, npy_intp,
)
from ..c_core.function cimport fg_component_of, fg_equals_complex, fg_fill_nan, fg_shifts, fg_to_complex
from ..c_core.points cimport fg_line_point
from ..c_core.precision cimport FG_SEEN_DOUBLE, FG_SEEN_NONFINITE
from ..c_core.stencil cimport fg_doubt, fg_step_rule
from .arrays cimport doubles, empty, is_as_given
from .border cimport Doubt, Function, MAX_ARGS, STACK, Scheme, fill_rule, owned

import numpy as np

from . import results
from .border import is_plain

_import_array()

cdef object float64 = np.float64

cdef enum:
    FEW = 128    # coordinates of a point that is held on the stack
    BLOCKS = 16  # of components, in which derivatives are taken where there are many


@cython.final
cdef class PythonFunction(Function):
    """f(x) of one point at a time, shifted in place in one scratch array.

    The array is replaced when f kept it (its reference count says so). That f overwrites its argument is
    found by comparing; then the work is done again, restoring the whole point before each call.
    """

    def __init__(self, f, tuple args, point, Py_ssize_t outputs=1):
        self.begin(f, args, point, outputs)

    cdef int begin(self, f, tuple args, object point, Py_ssize_t outputs) except -1:
        cdef ndarray flat
        self.prepare(f, args, point, outputs)
        self.c.at_shifts = python_at_shifts
        self.c.at_points = python_at_points
        if PyArray_CheckExact(point):
            flat, self.make = <ndarray>point, None
        else:
            flat, self.make = point.flat, point.make
        self.ndim = PyArray_NDIM(flat)
        if self.ndim > MAX_DIMS:
            raise ValueError(f"x has {self.ndim} axes; at most {MAX_DIMS} are possible")
        memcpy(self.dims, PyArray_DIMS(flat), self.ndim * sizeof(npy_intp))
        self.scalar = outputs == 1
        return 0

    cdef int turn(self, bint imaginary) except -1:
        if imaginary != self.imaginary:
            self.imaginary = imaginary
            self.scratch = None  # of another type
        self.scalar = self.c.outputs == 1 and not imaginary
        return 0

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        # The whole point is copied and compared once a block: with few blocks, that is nothing beside f's calls.
        return max(STACK, min(all // BLOCKS, self.n))

    @property
    def overwrites(self):
        """Whether f was found to write to its argument."""
        return self.restores

    cdef int load(self, const double *x) except -1:
        """Puts the point x into the scratch array: a new one if f may hold the old."""
        self.take_scratch()
        if self.imaginary:
            fg_to_complex(self.n, x, self.data)
        else:
            memcpy(self.data, x, self.n * sizeof(double))
        return 0

    cdef inline int take_scratch(self) except -1:
        """A scratch array that f does not hold."""
        if self.scratch is None or Py_REFCNT(<PyObject *>self.scratch) != 1 or self.reshaped():
            self.scratch = PyArray_EMPTY(self.ndim, self.dims, NPY_CDOUBLE if self.imaginary else NPY_DOUBLE, 0)
            self.data = doubles(self.scratch)
            self.descr = PyArray_DESCR(self.scratch)
        return 0

    cdef inline bint reshaped(self) noexcept:
        """Whether f gave the scratch array, which C writes to next, other memory, another shape, strides or type."""
        return not is_as_given(<PyObject *>self.scratch, self.data, self.descr, self.ndim, self.dims)

    cdef int same_shape(self) except -1:
        """Raises unless the scratch array is laid out as it was."""
        if self.reshaped():
            results.refuse_new_shape(self.scratch)
        return 0

    cdef bint intact(self, const double *x) noexcept:
        """Whether the scratch array holds the point x."""
        if self.imaginary:
            return fg_equals_complex(self.n, x, self.data)
        return memcmp(self.data, x, self.n * sizeof(double)) == 0

    cdef inline int value(self, double *out) except -1:
        """f at the point in the scratch array. What is rare is not here, so that this is inlined."""
        cdef PyObject *result = self.call(<PyObject *>self.scratch) if self.make is None else self.call_made()
        if self.scalar and (PyFloat_CheckExact(<object>result) or type(<object>result) is float64):
            out[0] = PyFloat_AS_DOUBLE(<object>result)
            Py_DECREF(result)
        else:
            self.convert(result, out)
        if self.reshaped():
            self.same_shape()
        return self.done(1)

    cdef PyObject *call_made(self) except NULL:
        """f's result, a new reference, where f takes what is made of the scratch array."""
        cdef object argument = self.make(self.scratch)
        return self.call(<PyObject *>argument)

    cdef ndarray vector(self):
        """f's values at the point in the scratch array: an array that f will not write to again."""
        cdef object argument = self.scratch if self.make is None else self.make(self.scratch)
        cdef object result = owned(self.call(<PyObject *>argument))
        argument = None
        self.same_shape()
        self.done(1)
        if is_plain_array(result) and PyArray_SIZE(<ndarray>result) == self.c.outputs:
            if Py_REFCNT(<PyObject *>result) == 1 and PyArray_CHKFLAGS(<ndarray>result, NPY_ARRAY_OWNDATA):
                return <ndarray>result
            return PyArray_NewCopy(<ndarray>result, NPY_CORDER)
        cdef tuple found = results.as_vector(result, False, self.c.outputs)
        self.float32 = self.float32 or found[1]
        return PyArray_NewCopy(<ndarray?>found[0], NPY_CORDER)

    cdef int convert(self, PyObject *returned, double *out) except -1:
        """Writes what f returned, whose reference it takes, to out, in whatever form it is."""
        cdef object result = owned(returned)
        cdef tuple found
        if self.c.outputs != 1 and is_plain_array(result) and PyArray_SIZE(<ndarray>result) == self.c.outputs and not self.imaginary:
            memcpy(out, doubles(<ndarray>result), self.c.outputs * sizeof(double))
            return 0
        if self.c.outputs == 1:
            found = results.as_number(result, self.imaginary)
            out[0] = found[0]
        else:
            found = results.as_vector(result, self.imaginary, self.c.outputs)
            memcpy(out, doubles(<ndarray?>found[0]), self.c.outputs * sizeof(double))
        self.float32 = self.float32 or found[1]
        self.shape = found[2]
        return 0

    cdef ndarray first_values(self, ndarray x):
        cdef object result, argument
        cdef ndarray values
        cdef tuple found
        self.load(doubles(x))
        try:
            argument = self.scratch if self.make is None else self.make(self.scratch)
            result = owned(self.call(<PyObject *>argument))
            argument = None
            self.same_shape()
            self.done(1)
            if PyFloat_CheckExact(result) or type(result) is float64:
                values = empty(1)
                doubles(values)[0] = PyFloat_AS_DOUBLE(result)
                return values
            if is_plain_array(result):
                self.shape = result.shape
                return result.flatten()
            found = results.as_vector(result, False, None)
        except Exception as error:
            results.note_point(error, self.named(), self.scratch, 0, 1)
            raise
        self.float32 = self.float32 or found[1]
        self.shape = found[2]
        return PyArray_NewCopy(<ndarray?>found[0], NPY_CORDER)

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        if self.all_rows(s, values) and not self.restores:
            self.restores = True
            self.all_rows(s, values)
        return 0

    cdef bint all_rows(self, const fg_shifts *s, double *values) except -1:
        """All values; 1 as soon as f is seen to overwrite its argument."""
        cdef Py_ssize_t row = 0
        self.low = -1
        while row < s.count * s.width:
            try:
                if self.rows(s, &row, values):
                    return True
            except Exception as error:
                self.failed(error, s, row, values + row * self.c.outputs)
                self.low = -1
                row += 1
        return self.low >= 0 and not self.restores and not self.intact(s.x + self.low)

    cdef bint rows(self, const fg_shifts *s, Py_ssize_t *row, double *values) except -1:
        """Values from *row on, which is left at the row where f raised; 1 if f overwrites its argument."""
        cdef Py_ssize_t a = row[0] // s.width, j = row[0] % s.width, c
        cdef const double *x
        cdef double *place
        cdef double unmoved
        cdef double *out = values + row[0] * self.c.outputs
        while a < s.count:
            c = fg_component_of(s, a)
            if self.low < 0 or c < self.low or c >= self.low + self.n:
                if self.low >= 0 and not self.restores and not self.intact(s.x + self.low):
                    return True
                self.low = c - c % self.n
                self.load(s.x + self.low)
            x = s.x + self.low
            c -= self.low
            unmoved = 0.0 if self.imaginary else x[c]
            place = self.data + (2 * c + 1 if self.imaginary else c)
            if place[0] != unmoved and not self.restores:
                return True
            while j < s.width:
                if self.restores:
                    self.load(x)
                    place = self.data + (2 * c + 1 if self.imaginary else c)
                place[0] = unmoved + s.offsets[j] * s.h[a]
                self.value(out)
                out += self.c.outputs
                row[0] += 1
                j += 1
                if Py_REFCNT(<PyObject *>self.scratch) == 1:
                    place[0] = unmoved
                else:
                    self.load(x)
                    place = self.data + (2 * c + 1 if self.imaginary else c)
                if row[0] == 1 and not self.restores and not self.intact(x):
                    return True
            a += 1
            j = 0
        return False

    cdef int failed(self, object error, const fg_shifts *s, Py_ssize_t row, double *value) except -1:
        """f raised at a shift: NaN where that is the edge of its domain, else the exception with a note."""
        cdef Py_ssize_t c = fg_component_of(s, row // s.width)
        cdef double shift = s.offsets[row % s.width] * s.h[row // s.width]
        results.note_shift(error, self.named(), c, shift, self.imaginary)
        if not (self.tolerant and results.is_domain_error(error, self.domain_errors)):
            raise error
        if self.domain_error is None:
            if not self.is_edge(s.x + (c - c % self.n), c % self.n, shift, value):
                raise error
            self.domain_error = error
        fg_fill_nan(self.c.outputs, value)
        return 0

    cdef bint is_edge(self, const double *x, Py_ssize_t i, double shift, double *value) except -1:
        """Whether f raises again at the same shift, and not at x itself: the mark of an edge."""
        self.load(x)
        try:
            self.value(value)
        except Exception:
            return False
        self.load(x)
        if self.imaginary:
            self.data[2 * i + 1] = shift
        else:
            self.data[i] = x[i] + shift
        try:
            self.value(value)
        except self.domain_errors:
            return True
        return False

    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1:
        cdef Py_ssize_t k, width = 2 * self.n if self.imaginary else self.n
        for k in range(count):
            self.take_scratch()
            memcpy(self.data, points + k * width, width * sizeof(double))
            self.tolerant_value(values + k * self.c.outputs, k, count)
        return 0

    cdef int tolerant_value(self, double *out, Py_ssize_t k, Py_ssize_t count) except -1:
        """f at point k of count, which is in the scratch array; NaN beyond the edge of its domain."""
        try:
            self.value(out)
        except Exception as error:
            if self.tolerant and results.is_domain_error(error, self.domain_errors):
                self.domain_error = self.domain_error or error
                fg_fill_nan(self.c.outputs, out)
                return 0
            results.note_point(error, self.named(), self.scratch, k, count)
            raise
        return 0

    cdef int line_value(self, const double *x, const double *direction, double t, Py_ssize_t begin, Py_ssize_t end,
                        double *value) except -1:
        # Without a copy of the point: at a million coordinates each pass over memory counts.
        self.take_scratch()
        fg_line_point(self.n, x, direction, t, begin, end, self.data)
        self.low = -1
        self.tolerant_value(value, 0, 1)
        return self.look(1, value)


cdef inline bint is_plain_array(object x) noexcept:
    """Whether x is an array of float64 that can be read as it is."""
    return PyArray_CheckExact(x) and PyArray_TYPE(<ndarray>x) == NPY_DOUBLE and PyArray_ISCARRAY_RO(<ndarray>x)


def at_array(f, tuple args, x, Scheme scheme, double relative, as_point, double least=0.0, value=None, Doubt doubt=None):
    """First derivatives of a Python function at a plain array x, in the shortest time.

    Returns the derivatives; where something unusual was seen, (function, point, derivatives); where x is no
    plain array, or has a coordinate that is not 0 but smaller than least, None, with nothing done. as_point makes a
    ``Point`` of x, to name its coordinates in an error. value: f at x, which the doubt is for.
    """
    # Other callables may be compiled functions: their kind is recognised in Python.
    if not ((PyFunction_Check(f) or PyMethod_Check(f)) and PyArray_CheckExact(x)
            and PyArray_NDIM(<ndarray>x) > 0 and is_plain(x) and len(args) <= MAX_ARGS):
        return None
    if value is None and has_small(PyArray_SIZE(<ndarray>x), doubles(<ndarray>x), least):
        return None
    cdef ndarray point = <ndarray>x, out = PyArray_EMPTY(PyArray_NDIM(point), PyArray_DIMS(point), NPY_DOUBLE, 0)
    cdef PythonFunction function = PythonFunction.__new__(PythonFunction)
    cdef fg_step_rule rule
    cdef double few[FEW]
    cdef double *held = few
    cdef int seen
    cdef double base = 0.0 if value is None else value
    cdef fg_doubt *doubted = NULL
    fill_rule(&rule, relative, None, None, 0)
    function.begin(f, args, point, 1)
    function.as_point = as_point
    function.tolerant = True
    if doubt is not None and value is not None:
        doubt.take(function.n)
        doubted = &doubt.c
    if function.n > FEW:
        held = <double *>PyMem_Malloc(function.n * sizeof(double))
        if held is NULL:
            raise MemoryError()
    try:
        # f may write to the array that the user holds: the point is a copy.
        memcpy(held, doubles(point), function.n * sizeof(double))
        seen = function.fill(held, &scheme.c, &rule, 0, function.n, &base, doubted, doubles(out))
        if (seen & (FG_SEEN_DOUBLE | FG_SEEN_NONFINITE)) == FG_SEEN_DOUBLE and not function.float32 and (
                doubted is NULL or memchr(doubted.curved, 1, function.n) is NULL):
            return out
        point = PyArray_EMPTY(PyArray_NDIM(point), PyArray_DIMS(point), NPY_DOUBLE, 0)
        memcpy(doubles(point), held, function.n * sizeof(double))
    finally:
        if held is not few:
            PyMem_Free(held)
    return function, point, out


cdef inline bint has_small(Py_ssize_t n, const double *x, double least) noexcept:
    """Whether a coordinate that is not 0 is smaller than least."""
    cdef Py_ssize_t i
    cdef bint found = False
    for i in range(n):
        found |= -least < x[i] < least and x[i] != 0.0
    return found


cdef int python_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    cdef PythonFunction f = <PythonFunction>ctx
    f.shifts(shifts, values)
    return f.look(shifts.count * shifts.width * f.c.outputs, values)


cdef int python_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    cdef PythonFunction f = <PythonFunction>ctx
    f.points(count, points, values)
    return f.look(count * f.c.outputs, values)
