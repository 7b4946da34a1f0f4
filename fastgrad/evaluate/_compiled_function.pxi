# A function that is a C pointer. Part of border.pyx.

cdef struct Work:
    # What is asked of components, points or starts, [0, count): values at shifts, at points, descents, or else derivatives.
    const fg_shifts *shifts
    const double *points
    const fg_stencil *stencil
    const fg_step_rule *rule
    const double *x
    Py_ssize_t n
    Py_ssize_t first
    const double *base
    double *out
    const fg_starts *starts
    Py_ssize_t count
    Py_ssize_t each            # evaluations for one of them; descents count their own


ctypedef int (*at_shifts_of_python)(void *, const fg_shifts *, double *) except -1
ctypedef int (*at_points_of_python)(void *, ptrdiff_t, ptrdiff_t, const double *, double *) except -1


@cython.final
cdef class CompiledFunction(Function):
    """double f(int n, double *x, void *data), or with points in columns int f(int k, int n, X, out, data).

    Runs without the GIL, in parts of some milliseconds, so that Ctrl-C is seen; threads take parts in turn.
    Which part a component is in changes nothing in its result.
    """
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
                  Py_ssize_t count, const double *base, double *out) except -1:
        self.work = Work(shifts=NULL, points=NULL, starts=NULL, stencil=stencil, rule=rule, x=x, n=self.n, first=first, base=base,
                         out=out, count=count, each=stencil.width)
        self.turn(stencil.form == FG_IMAGINARY)
        self.run()
        self.seen.wide |= (self.noticed & FG_SEEN_DOUBLE) != 0
        self.seen.differs |= (self.noticed & FG_SEEN_CHANGE) != 0
        return self.noticed

    def descend(self, Direction direction, Scheme scheme, double relative, x, last, memory, status, njev, rates,
                Py_ssize_t iteration, double gtol, absolute=None, typical=None, bounds=None):
        """Iterations of many starts x (starts, n), with given rates; arrays as in ``fg_starts``, changed in place."""
        cdef double[:, ::1] x_ = x, last_ = last
        cdef double[::1] memory_ = memory, rates_ = rates
        cdef int[::1] status_ = status
        cdef Py_ssize_t[::1] njev_ = njev
        cdef fg_step_rule rule
        cdef object kept = fill_rule(&rule, relative, absolute, typical, self.n)
        cdef fg_starts s
        cdef cnp.ndarray low, high
        if not x_.shape[0] or not rates_.shape[0]:
            return
        if (x_.shape[1] != self.n or last_.shape[0] != x_.shape[0] or last_.shape[1] != self.n
                or status_.shape[0] != x_.shape[0] or njev_.shape[0] != x_.shape[0]
                or memory_.shape[0] != fg_memory(&direction.how) * x_.shape[0] * self.n):
            raise ValueError("the arrays of the starts do not fit together")
        s.how, s.stencil, s.rule, s.n = &direction.how, &scheme.c, &rule, self.n
        s.begin, s.end, s.rates, s.gtol = iteration, iteration + rates_.shape[0], &rates_[0], gtol
        s.lower = s.upper = NULL
        if bounds is not None:
            low, high = as_doubles(bounds[0]), as_doubles(bounds[1])
            s.lower, s.upper = doubles(low), doubles(high)
        s.x, s.last, s.memory = &x_[0, 0], &last_[0, 0], NULL if not memory_.shape[0] else &memory_[0]
        s.status, s.njev = &status_[0], <ptrdiff_t *>&njev_[0]
        self.work = Work(shifts=NULL, points=NULL, starts=&s, stencil=NULL, rule=NULL, x=NULL, n=self.n, first=0,
                         base=NULL, out=NULL, count=x_.shape[0], each=0)
        self.run()

    cdef int run(self) except -1:
        """Does the work, with helping threads where it is long."""
        cdef list helpers = []
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
        cdef Py_ssize_t own = fg_compiled_scratch(&f, self.n), size = self.own_scratch(), begin, end
        cdef Py_ssize_t shown = self.nfev
        cdef double started, spent
        cdef int seen = 0, status
        f.scratch = <double *>PyMem_RawMalloc((own + size) * sizeof(double))
        if f.scratch is NULL:
            raise MemoryError()
        try:
            while True:
                with self.lock:
                    begin = self.begin
                    end = self.part_end(begin)
                    self.begin = end
                if begin == end or self.stopped:
                    return 0
                started = _now()
                with nogil:
                    status = part(&self.work, &f, begin, end, f.scratch + own, size, &seen)
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

    cdef Py_ssize_t own_scratch(self) noexcept:
        cdef Py_ssize_t width = self.work.stencil.width if self.work.stencil is not NULL else 0, size
        if self.work.starts is not NULL:
            return fg_descend_scratch(&self.f_in_c, self.work.starts)
        if self.f_in_c.columns is NULL or not width:
            return SMALL * (1 + width)
        size = fg_columns_scratch(self.n, width)
        return size if size > SMALL * (1 + width) else SMALL * (1 + width)

    cdef Py_ssize_t part_end(self, Py_ssize_t begin) noexcept:
        """Where the part from begin on ends: shares that shrink towards the end, and whole points, as SIMD likes them."""
        cdef Py_ssize_t left = self.work.count - begin, rows = self.rows, least = self.least, share, odd
        cdef Py_ssize_t block = FEW_POINTS * (self.n if self.work.starts is NULL else 1)
        if self.work.points is not NULL:
            block = 1
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


cdef int part(const Work *work, fg_compiled *f, Py_ssize_t begin, Py_ssize_t end, double *scratch, Py_ssize_t size,
              int *seen) noexcept nogil:
    """Components, or points, [begin, end) of the work."""
    cdef fg_shifts shifts
    if work.starts is not NULL:
        return fg_descend(f, work.starts, begin, end, scratch)
    if work.points is not NULL:
        return fg_compiled_at_points(f, end - begin, work.n, work.points + begin * work.n, work.out + begin)
    if work.shifts is not NULL:
        shifts = work.shifts[0]
        if shifts.components is not NULL:
            shifts.components += begin
        shifts.first += begin
        shifts.h += begin
        shifts.count = end - begin
        return fg_compiled_at_shifts(f, &shifts, work.out + begin * shifts.width)
    seen[0] = 0
    if f.columns is NULL or work.stencil.form == FG_IMAGINARY:
        return slopes(work, f, begin, end, scratch, size, seen)
    # Whole points go by columns, if there are enough of them for f to use SIMD.
    cdef Py_ssize_t whole = begin + (work.n - (work.first + begin) % work.n) % work.n
    cdef Py_ssize_t points = (end - whole) // work.n, k = (work.first + whole) // work.n
    cdef int status = 0, more = 0
    if points < FEW_POINTS:
        return slopes(work, f, begin, end, scratch, size, seen)
    status = slopes(work, f, begin, whole, scratch, size, seen)
    if not status:
        status = fg_columns_derivatives(f, work.stencil, work.rule, work.n, work.x + k * work.n, points,
                                        work.base + k if work.base is not NULL else NULL, scratch, work.out + whole,
                                        &more)
    seen[0] |= more
    if not status:
        status = slopes(work, f, whole + points * work.n, end, scratch, size, &more)
    seen[0] |= more
    return status


cdef int slopes(const Work *work, fg_compiled *f, Py_ssize_t begin, Py_ssize_t end, double *scratch, Py_ssize_t size,
                int *seen) noexcept nogil:
    """Derivatives of components [begin, end) of the work, whatever they are."""
    cdef fg_function function
    function.ctx = f
    function.outputs = 1
    function.at_shifts = <at_shifts_of_python>fg_compiled_at_shifts
    function.at_points = <at_points_of_python>fg_compiled_at_points
    return derivatives_in_c(&function, work.stencil, work.rule, work.n, work.x, work.first + begin, end - begin,
                            work.base, scratch, size, work.out + begin, seen)


cdef int compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    cdef CompiledFunction f = <CompiledFunction>ctx
    f.work = Work(shifts=shifts, points=NULL, starts=NULL, stencil=NULL, rule=NULL, x=NULL, n=f.n, first=shifts.first, base=NULL,
                  out=values, count=shifts.count, each=shifts.width)
    f.run()
    return f.look(shifts.count * shifts.width, values)


cdef int compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    cdef CompiledFunction f = <CompiledFunction>ctx
    f.work = Work(shifts=NULL, points=points, starts=NULL, stencil=NULL, rule=NULL, x=NULL, n=n, first=0, base=NULL, out=values,
                  count=count, each=1)
    f.run()
    return f.look(count, values)


def capsule_parts(capsule):
    """Name, address and context of a PyCapsule."""
    cdef const char *name = PyCapsule_GetName(capsule)
    cdef void *address = PyCapsule_GetPointer(capsule, name)
    cdef void *context = PyCapsule_GetContext(capsule)
    return (name.decode() if name is not NULL else ""), <size_t>address, <size_t>context
