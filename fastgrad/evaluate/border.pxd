# What functions are to C. Their kinds are built on this; what runs once an evaluation is here to be inlined.
from ..c_api cimport (
    PY_VECTORCALL_ARGUMENTS_OFFSET, PyErr_CheckSignals, PyObject, PyObject_Vectorcall, Py_DECREF, ndarray,
)
from ..c_core.adaptive cimport fg_wanted
from ..c_core.function cimport fg_function
from ..c_core.precision cimport fg_look, fg_seen
from ..c_core.stencil cimport fg_doubt, fg_stencil, fg_step_rule

cdef enum:
    MAX_WIDTH = 16
    MAX_ARGS = 6
    # Doubles on the C stack a gradient: little, since f may call fastgrad again, many levels deep.
    STACK = 512


cdef class Scheme:
    cdef fg_stencil c
    cdef double offsets[MAX_WIDTH]
    cdef double coefficients[MAX_WIDTH]


cdef class Doubt:
    cdef fg_doubt c
    cdef readonly ndarray mask

    cdef int take(self, Py_ssize_t count) except -1


cdef class Function:
    cdef fg_function c
    cdef PyObject *argv[MAX_ARGS + 2]  # [0] is Python's, [1] the point, then args: all borrowed
    cdef size_t n_args
    cdef object f
    cdef tuple args
    cdef object point                  # a Point; or an array, until its names are needed
    cdef object as_point               # makes a Point of an array
    cdef readonly Py_ssize_t n
    cdef readonly Py_ssize_t nfev
    cdef bint unknown                  # how many values f has
    cdef bint imaginary                # whether shifts are imaginary, and values imaginary parts
    cdef bint tolerant
    cdef bint looks                    # whether f's caller must look for Ctrl-C
    cdef object progress               # None: evaluations are not shown
    cdef public bint float32           # f returned, or gets, a dtype of at most float32 precision
    cdef fg_seen seen                  # what its values say of its precision
    cdef readonly object domain_error
    cdef public tuple domain_errors    # what f raises where it is not defined

    cdef int prepare(self, object f, tuple args, object point, Py_ssize_t outputs) except -1
    cdef object named(self)
    cdef int turn(self, bint imaginary) except -1
    cdef ndarray first_values(self, ndarray x)
    cdef int fill(self, const double *x, const fg_stencil *stencil, const fg_step_rule *rule, Py_ssize_t first,
                  Py_ssize_t count, const double *base, const fg_doubt *doubt, double *out) except -1
    cdef object want(self, fg_wanted *wanted, object x, object base, object sizes, object room, object levels)
    cdef int show_done(self, Py_ssize_t rows) except -1
    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept
    cdef int line_value(self, const double *x, const double *direction, double t, Py_ssize_t begin, Py_ssize_t end,
                        double *value) except -1

    cdef inline PyObject *call(self, PyObject *argument) except NULL:
        """f(argument, *args), a new reference."""
        self.argv[1] = argument
        self.nfev += 1
        cdef PyObject *result = PyObject_Vectorcall(
            <PyObject *>self.f, &self.argv[1], self.n_args | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL)
        if result is not NULL and self.looks and PyErr_CheckSignals() < 0:
            Py_DECREF(result)
            return NULL
        return result

    cdef inline int done(self, Py_ssize_t rows) except -1:
        """So many more evaluations were done."""
        return 0 if self.progress is None else self.show_done(rows)

    cdef inline int look(self, Py_ssize_t count, const double *values) except -1:
        """Notes what values of f say of its precision."""
        if not (self.seen.wide and self.seen.differs):
            fg_look(count, values, &self.seen)
        return 0


cdef object fill_rule(fg_step_rule *rule, double relative, object absolute, object typical, Py_ssize_t n)


cdef inline object owned(PyObject *result):
    """A new reference as an object."""
    cdef object value = <object>result
    Py_DECREF(result)
    return value
