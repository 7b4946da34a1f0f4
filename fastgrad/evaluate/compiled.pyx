"""A function that is a C pointer."""
cimport cython

from ..c_api cimport PyErr_CheckSignals, PyMem_RawFree, PyMem_RawMalloc
from ..c_core.compiled cimport (
    fg_columns, fg_columns_derivatives, fg_columns_scratch, fg_compiled, fg_compiled_at_points, fg_compiled_at_shifts,
    fg_compiled_scratch, fg_scalar,
)
from ..c_core.function cimport FG_EWRITTEN, fg_function, fg_shifts
from ..c_core.precision cimport FG_SEEN_CHANGE, FG_SEEN_DOUBLE
from ..c_core.stencil cimport FG_IMAGINARY, derivatives_in_c, fg_doubt, fg_stencil, fg_step_rule
from .border cimport Function
from .threads cimport joined, leaving, start_helpers

from _thread import allocate_lock
from time import perf_counter as _now

cdef enum:
    # Doubles of scratch a part, for each value of a stencil: they stay in the nearest cache.
    SMALL = 1024
    # Points from which on a function in columns gets one shift of all at a time.
    FEW_POINTS = 32

# Jobs of a CompiledFunction.
cdef struct Values:       # at shifts
    const fg_shifts *shifts
    double *out

cdef struct PointValues:  # at dense points
    const double *points
    Py_ssize_t n
    double *out

cdef struct Slopes:       # derivatives
    const fg_stencil *stencil
    const fg_step_rule *rule
    Py_ssize_t n
    const double *x
    Py_ssize_t first
    const double *base
    const fg_doubt *doubt
    Py_ssize_t scratch
    double *out

ctypedef int (*at_shifts_of_python)(void *, const fg_shifts *, double *) except -1
ctypedef int (*at_points_of_python)(void *, ptrdiff_t, ptrdiff_t, const double *, double *) except -1


@cython.final
cdef class CompiledFunction(Function):
    """double f(int n, double *x, void *data), or with points in columns int f(int k, int n, X, out, data).

    Runs without the GIL, in parts of some milliseconds, so that Ctrl-C is seen; threads take parts in turn.
    Which part a component is in changes nothing in its result.
    """

    def __init__(self, f, point, size_t address, size_t data, bint columns, Py_ssize_t threads=1):
        self.prepare(f, (), point, 1)
        if not address:
            raise ValueError("the compiled function is a null pointer")
        if self.n > 0x7fffffff:
            raise ValueError(f"a compiled function takes an int n, and x has {self.n} coordinates")
        self.f_in_c.scalar = NULL if columns else <fg_scalar><void *>address
        self.f_in_c.columns = <fg_columns><void *>address if columns else NULL
        self.f_in_c.data = <void *>data
        self.threads = threads
        self.rows = self.least = 1
        self.lock = allocate_lock()
        self.c.at_shifts = compiled_at_shifts
        self.c.at_points = compiled_at_points

    cdef int turn(self, bint imaginary) except -1:
        if imaginary:
            raise TypeError('method="complex" calls f with complex numbers, which a compiled function does not take')
        return 0

    cdef int fill(self, const double *x, const fg_stencil *stencil, const fg_step_rule *rule, Py_ssize_t first,
                  Py_ssize_t count, const double *base, const fg_doubt *doubt, double *out) except -1:
        self.turn(stencil.form == FG_IMAGINARY)
        cdef Py_ssize_t scratch = SMALL * (1 + stencil.width)
        if self.f_in_c.columns is not NULL:
            scratch = max(scratch, fg_columns_scratch(self.n, stencil.width))
        cdef Slopes job = Slopes(stencil=stencil, rule=rule, n=self.n, x=x, first=first, base=base, doubt=doubt,
                                scratch=scratch, out=out)
        self.run(Work(part=part_of_slopes, job=&job, count=count, each=stencil.width, scratch=scratch, first=first,
                      block=FEW_POINTS * self.n))
        self.seen.wide |= (self.noticed & FG_SEEN_DOUBLE) != 0
        self.seen.differs |= (self.noticed & FG_SEEN_CHANGE) != 0
        return self.noticed

    cdef int run(self, Work work) except -1:
        """Does the work, with helping threads where it is long."""
        cdef list helpers = []
        self.work = work
        self.begin = self.noticed = self.returned = self.written = self.stopped = 0
        self.error = None
        if self.threads > 1:
            # Helpers start after the first part, which must not be long.
            self.rows = self.least = 1
        try:
            self.parts(helpers)
        finally:
            # The helpers write to memory that is freed after this: nothing may come between.
            self.stopped = True
            joined(helpers)
        if self.error is not None:
            raise self.error
        if self.written:
            raise ValueError("the compiled function writes to its x; it must copy what it changes")
        if self.returned:
            raise RuntimeError(f"the compiled function returned {self.returned}, not 0, for a block of points")
        return 0

    def help(self, ended):
        """What a helping thread does."""
        try:
            self.parts(None)
        except BaseException as error:
            self.error = error
        finally:
            ended.release()

    cdef int parts(self, list helpers) except -1:
        """Takes parts of the work until none is left; helpers is None in a helping thread."""
        cdef fg_compiled f = self.f_in_c
        cdef Py_ssize_t own = fg_compiled_scratch(&f, self.n), begin, end
        cdef Py_ssize_t shown = self.nfev
        cdef double started, spent
        cdef int seen = 0, status
        f.scratch = <double *>PyMem_RawMalloc((own + self.work.scratch) * sizeof(double))
        if f.scratch is NULL:
            raise MemoryError()
        try:
            while helpers is not None or not leaving():
                with self.lock:
                    begin = self.begin
                    end = self.part_end(begin)
                    self.begin = end
                if begin == end or self.stopped:
                    return 0
                started = _now()
                with nogil:
                    status = self.work.part(self.work.job, &f, begin, end, f.scratch + own, &seen)
                spent = _now() - started
                with self.lock:
                    self.nfev += (end - begin) * self.work.each + f.evaluations
                    f.evaluations = 0
                    self.noticed |= seen
                    if status:
                        self.returned = f.returned
                        self.written = self.written or status == FG_EWRITTEN
                        self.stopped = True
                    self.resize(end - begin, spent)
                if helpers is not None:
                    if PyErr_CheckSignals() < 0:
                        return -1
                    if self.progress is not None:
                        self.progress.update(self.nfev - shown)
                        shown = self.nfev
                    if not helpers and self.threads > 1:
                        self.start(helpers, spent / (end - begin) * (self.work.count - end))
        finally:
            PyMem_RawFree(f.scratch)

    cdef Py_ssize_t part_end(self, Py_ssize_t begin) noexcept:
        """Where the part from begin on ends: shares that shrink towards the end, and whole blocks, as SIMD likes them."""
        cdef Py_ssize_t left = self.work.count - begin, rows = self.rows, least = self.least, block = self.work.block
        cdef Py_ssize_t share, odd
        if self.threads > 1:
            # A block of points is the least, unless it takes more than a millisecond.
            if least < block <= 20 * least:
                least = block
            share = left // (2 * self.threads)
            share = share if share > least else least
            rows = rows if rows < share else share
        if rows >= left:
            return self.work.count
        odd = (self.work.first + begin + rows) % block
        return begin + rows - (odd if odd < rows else 0)

    cdef void resize(self, Py_ssize_t rows, double seconds) noexcept:
        """Parts of 5 to 50 ms: so that Ctrl-C is seen, and looking for it costs nothing. Shares from 0.05 ms on."""
        self.least = <Py_ssize_t>(0.00005 / (seconds + 1e-9) * rows) + 1
        if seconds < 0.005 and rows >= self.rows // 2:
            self.rows *= 8 if seconds < 0.0005 else 2
        elif seconds > 0.05 and self.rows > 1:
            self.rows //= 2

    cdef int start(self, list helpers, double left) except -1:
        """Starts the other threads if the work that is left, in seconds, is worth it: one takes some 0.1 ms."""
        if left > 0.0002:
            start_helpers(helpers, self.threads - 1, self.help)
        return 0


cdef int part_of_values(const void *job, fg_compiled *f, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                        int *seen) noexcept nogil:
    cdef const Values *values = <const Values *>job
    cdef fg_shifts shifts = values.shifts[0]
    if shifts.components is not NULL:
        shifts.components += begin
    shifts.first += begin
    shifts.h += begin
    shifts.count = end - begin
    return fg_compiled_at_shifts(f, &shifts, values.out + begin * shifts.width)


cdef int part_of_points(const void *job, fg_compiled *f, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                        int *seen) noexcept nogil:
    cdef const PointValues *at = <const PointValues *>job
    return fg_compiled_at_points(f, end - begin, at.n, at.points + begin * at.n, at.out + begin)


cdef int part_of_slopes(const void *job, fg_compiled *f, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                        int *seen) noexcept nogil:
    cdef const Slopes *s = <const Slopes *>job
    # Whole points go by columns, if there are enough of them for f to use SIMD.
    cdef ptrdiff_t whole = begin + (s.n - (s.first + begin) % s.n) % s.n
    cdef ptrdiff_t points = (end - whole) // s.n, k = (s.first + whole) // s.n
    cdef int status = 0, more = 0
    if f.columns is NULL or points < FEW_POINTS or s.doubt is not NULL:
        return slopes(s, f, begin, end, scratch, seen)
    status = slopes(s, f, begin, whole, scratch, seen)
    if not status:
        status = fg_columns_derivatives(f, s.stencil, s.rule, s.n, s.x + k * s.n, points,
                                        s.base + k if s.base is not NULL else NULL, scratch, s.out + whole, &more)
    seen[0] |= more
    if not status:
        status = slopes(s, f, whole + points * s.n, end, scratch, &more)
    seen[0] |= more
    return status


cdef int slopes(const Slopes *s, fg_compiled *f, ptrdiff_t begin, ptrdiff_t end, double *scratch, int *seen) noexcept nogil:
    """Derivatives of components [begin, end), whatever they are."""
    cdef fg_function function
    function.ctx = f
    function.outputs = 1
    function.at_shifts = <at_shifts_of_python>fg_compiled_at_shifts
    function.at_points = <at_points_of_python>fg_compiled_at_points
    cdef fg_doubt doubt
    if s.doubt is not NULL:
        doubt = s.doubt[0]
        doubt.curved += begin
    return derivatives_in_c(&function, s.stencil, s.rule, s.n, s.x, s.first + begin, end - begin, s.base,
                            NULL if s.doubt is NULL else &doubt, scratch, s.scratch, s.out + begin, seen)


cdef int compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    cdef CompiledFunction f = <CompiledFunction>ctx
    cdef Values job = Values(shifts=shifts, out=values)
    f.run(Work(part=part_of_values, job=&job, count=shifts.count, each=shifts.width, scratch=0, first=shifts.first,
               block=FEW_POINTS * f.n))
    return f.look(shifts.count * shifts.width, values)


cdef int compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    cdef CompiledFunction f = <CompiledFunction>ctx
    cdef PointValues job = PointValues(points=points, n=n, out=values)
    f.run(Work(part=part_of_points, job=&job, count=count, each=1, scratch=0, first=0, block=1))
    return f.look(count, values)
