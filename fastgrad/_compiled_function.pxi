# A function that is a C pointer. Part of _kernels.pyx.

@cython.final
cdef class CompiledFunction(Function):
    """double f(int n, double *x, void *data), or with points in columns int f(int k, int n, X, out, data).

    Runs without the GIL, in parts of some milliseconds, so that Ctrl-C is seen.
    """
    cdef void *address
    cdef void *data
    cdef bint columns
    cdef Py_ssize_t rows       # evaluations between two looks for Ctrl-C

    def __init__(self, f, point, size_t address, size_t data, bint columns):
        self.prepare(f, (), point, False, 1)
        if not address:
            raise ValueError("the compiled function is a null pointer")
        if self.n > 0x7fffffff:
            raise ValueError(f"a compiled function takes an int n, and x has {self.n} coordinates")
        self.address = <void *>address
        self.data = <void *>data
        self.columns = columns
        self.rows = 1
        self.c.at_shifts = compiled_at_shifts
        self.c.at_points = compiled_at_points

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        return all if all < HEAP else HEAP

    cdef int run(self, const fg_shifts *s, Py_ssize_t count, const double *points, double *values) except -1:
        """Values at count rows of the shifts, or at count points if s is NULL."""
        cdef double *scratch = <double *>PyMem_Malloc(fg_compiled_scratch(self.n, self.columns) * sizeof(double))
        cdef Py_ssize_t begin = 0, end
        cdef int status
        cdef double started, spent
        if scratch is NULL:
            raise MemoryError()
        try:
            while begin < count:
                end = begin + self.rows if self.rows < count - begin else count
                started = _now()
                with nogil:
                    status = self.part(s, begin, end, points, scratch, values + begin)
                spent = _now() - started
                self.nfev += end - begin
                if status:
                    raise RuntimeError(f"the compiled function returned {status}, not 0, in a block of points from "
                                       f"evaluation {begin} of {count} on")
                if spent < 0.005 and end - begin == self.rows:
                    self.rows *= 8 if spent < 0.0005 else 2
                elif spent > 0.05 and self.rows > 1:
                    self.rows //= 2
                if PyErr_CheckSignals() < 0:
                    return -1
                begin = end
        finally:
            PyMem_Free(scratch)
        return 0

    cdef int part(self, const fg_shifts *s, Py_ssize_t begin, Py_ssize_t end, const double *points, double *scratch,
                  double *values) noexcept nogil:
        if s is NULL and self.columns:
            return fg_columns_at_points(<fg_columns>self.address, self.data, end - begin, self.n,
                                        points + begin * self.n, scratch, values)
        if s is NULL:
            fg_scalar_at_points(<fg_scalar>self.address, self.data, end - begin, self.n, points + begin * self.n,
                                scratch, values)
            return 0
        if self.columns:
            return fg_columns_at_shifts(<fg_columns>self.address, self.data, s, begin, end, scratch, values)
        fg_scalar_at_shifts(<fg_scalar>self.address, self.data, s, begin, end, scratch, values)
        return 0


cdef int compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    return (<CompiledFunction>ctx).run(shifts, shifts.count * shifts.width, NULL, values)


cdef int compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<CompiledFunction>ctx).run(NULL, count, points, values)


def capsule_parts(capsule):
    """Name, address and context of a PyCapsule."""
    cdef const char *name = PyCapsule_GetName(capsule)
    cdef void *address = PyCapsule_GetPointer(capsule, name)
    cdef void *context = PyCapsule_GetContext(capsule)
    return (name.decode() if name is not NULL else ""), <size_t>address, <size_t>context
