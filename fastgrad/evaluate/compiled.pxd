cimport cython

from ..c_core.compiled cimport fg_compiled
from .border cimport Function

# Does [begin, end) of a job; scratch is the work's, beside f's own. Returns a status, and FG_SEEN bits.
ctypedef int (*Part)(const void *job, fg_compiled *f, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                    int *seen) noexcept nogil

cdef struct Work:
    Part part
    const void *job
    Py_ssize_t count    # components, points or starts
    Py_ssize_t each     # evaluations for one of them; descents count their own
    Py_ssize_t scratch  # doubles that a part needs
    Py_ssize_t first    # parts end at multiples of `block`, counted from so many before the work
    Py_ssize_t block


@cython.final
cdef class CompiledFunction(Function):
    cdef fg_compiled f_in_c
    cdef Py_ssize_t threads
    cdef Py_ssize_t rows       # components, or points, of a part
    cdef Py_ssize_t least      # the same, the least that a thread should take
    cdef Work work
    cdef Py_ssize_t begin      # of the next part
    cdef int noticed           # SEEN bits
    cdef int returned          # by f, where that is an error
    cdef bint written          # by f, to its argument
    cdef bint stopped          # no part is begun any more
    cdef object lock
    cdef object error          # of a helping thread

    cdef int run(self, Work work) except -1
    cdef int parts(self, list helpers) except -1
    cdef Py_ssize_t part_end(self, Py_ssize_t begin) noexcept
    cdef void resize(self, Py_ssize_t rows, double seconds) noexcept
    cdef int start(self, list helpers, double left) except -1
