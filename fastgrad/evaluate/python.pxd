cimport cython

from ..c_api cimport PyObject, ndarray, npy_intp
from ..c_core.function cimport fg_shifts
from .border cimport Function

cdef enum:
    MAX_DIMS = 32


@cython.final
cdef class PythonFunction(Function):
    cdef ndarray scratch
    cdef double *data
    cdef void *descr              # its type, as NumPy describes it
    cdef npy_intp dims[MAX_DIMS]  # the shape of the scratch array
    cdef int ndim
    cdef object make              # flat array -> what f takes, or None: the array itself
    cdef bint scalar              # one real value, the usual case
    cdef readonly object shape    # of the last result that was no float; None: none
    cdef bint restores            # f overwrites its argument: the point is restored before each call
    cdef Py_ssize_t low           # flat index of the point in the scratch array; -1: none

    cdef int begin(self, f, tuple args, object point, Py_ssize_t outputs) except -1
    cdef int load(self, const double *x) except -1
    cdef int take_scratch(self) except -1
    cdef bint reshaped(self) noexcept
    cdef int same_shape(self) except -1
    cdef bint intact(self, const double *x) noexcept
    cdef int value(self, double *out) except -1
    cdef PyObject *call_made(self) except NULL
    cdef ndarray vector(self)
    cdef int convert(self, PyObject *returned, double *out) except -1
    cdef int shifts(self, const fg_shifts *s, double *values) except -1
    cdef bint all_rows(self, const fg_shifts *s, double *values) except -1
    cdef bint rows(self, const fg_shifts *s, Py_ssize_t *row, double *values) except -1
    cdef int failed(self, object error, const fg_shifts *s, Py_ssize_t row, double *value) except -1
    cdef bint is_edge(self, const double *x, Py_ssize_t i, double shift, double *value) except -1
    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1
    cdef int tolerant_value(self, double *out, Py_ssize_t k, Py_ssize_t count) except -1
