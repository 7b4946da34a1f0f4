# What all kinds of function share: derivatives, noise and lines by the two operations of `fg_function`.

cdef void fill_nan(Py_ssize_t count, double *values) noexcept:
    cdef Py_ssize_t k
    for k in range(count):
        values[k] = NAN


cdef class Function:
    """A function at the border: values at shifts of points, and at points.

    Belongs to one call of one verb, so that threads and re-entrant calls never share one.
    """
    cdef fg_function c
    cdef PyObject *argv[MAX_ARGS + 2]  # [0] is Python's, [1] the point, then args: all borrowed
    cdef size_t n_args
    cdef object f
    cdef tuple args
    cdef object point          # a Point; or an array, until its names are needed
    cdef readonly Py_ssize_t n
    cdef readonly Py_ssize_t nfev
    cdef bint imaginary
    cdef bint tolerant
    cdef bint looks            # whether f's caller must look for Ctrl-C
    cdef object progress       # None: evaluations are not shown
    cdef readonly bint float32
    cdef readonly bint narrow  # every value that `adaptive` saw fits a float32
    cdef readonly object domain_error

    cdef int prepare(self, object f, tuple args, object point, bint imaginary, Py_ssize_t outputs) except -1:
        """point: a ``Point``, for the length, shape and names of coordinates; or the array, if x is one."""
        if len(args) > MAX_ARGS:
            raise ValueError(f"at most {MAX_ARGS} args at the border")
        self.f = f
        self.args = args
        self.n_args = 1 + len(args)
        for j in range(len(args)):
            self.argv[j + 2] = <PyObject *>args[j]
        self.point = point
        self.n = cnp.PyArray_SIZE(<cnp.ndarray>point) if cnp.PyArray_CheckExact(point) else point.n
        self.imaginary = imaginary
        self.c.ctx = <void *>self
        self.c.outputs = outputs
        # Python functions look for signals themselves; C functions, such as a ufunc, may not.
        self.looks = not (PyFunction_Check(f) or PyMethod_Check(f))
        return 0

    cdef object named(self):
        """The point with the names of its coordinates."""
        if cnp.PyArray_CheckExact(self.point):
            from ..core.point import Point
            self.point = Point(self.point)
        return self.point

    @property
    def outputs(self):
        return self.c.outputs

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.progress is not None:
            self.progress.close()

    def show(self, progress):
        """From now on, evaluations are shown; see ``Progress``."""
        self.progress = progress

    def expect(self, count):
        """So many evaluations will be done."""
        if self.progress is not None:
            self.progress.expect(count)

    cdef inline int done(self, Py_ssize_t rows) except -1:
        """So many more evaluations were done."""
        if self.progress is not None:
            self.progress.update(rows)
        return 0

    def tolerate(self, bint tolerant):
        """From now on, domain errors of f at shifted points are NaN values; the first is kept."""
        self.tolerant = tolerant

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

    def derivatives(self, x, Scheme scheme, double relative, absolute=None, typical=None, base=None,
                    Py_ssize_t first=0, Py_ssize_t count=-1, cnp.ndarray out=None):
        """First derivatives (count, outputs) for components of the points x, and the SEEN bits.

        With one output and all components, the result has x's shape. It is written to out, if given.
        """
        cdef cnp.ndarray points = as_doubles(x)
        cdef fg_step_rule rule
        cdef object kept = fill_rule(&rule, relative, absolute, typical, self.n)
        cdef Py_ssize_t total = cnp.PyArray_SIZE(points)
        cdef double *values_at_base = NULL
        if base is not None:
            values_at_base = doubles(<cnp.ndarray?>base)
        if count < 0:
            count = total - first
        if out is not None:
            if not cnp.PyArray_ISCARRAY(out) or cnp.PyArray_TYPE(out) != cnp.NPY_DOUBLE or out.size != count * self.c.outputs:
                raise ValueError("out does not fit")
        elif self.c.outputs == 1 and count == total:
            out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(points), cnp.PyArray_DIMS(points), cnp.NPY_DOUBLE, 0)
        else:
            out = np.empty((count, self.c.outputs))
        return out, self.fill(doubles(points), &scheme.c, &rule, first, count, values_at_base, doubles(out))

    cdef int fill(self, const double *x, const fg_stencil *stencil, const fg_step_rule *rule, Py_ssize_t first,
                  Py_ssize_t count, const double *base, double *out) except -1:
        """Writes derivatives to out; returns the SEEN bits."""
        cdef int seen = 0
        cdef double stack[STACK]
        cdef double *scratch = stack
        cdef Py_ssize_t least = 1 + stencil.width * self.c.outputs, size
        if count == 0:
            return 0
        size = self.scratch_size(least * count)
        if size < least:
            size = least
        if size > STACK:
            scratch = <double *>PyMem_Malloc(size * sizeof(double))
            if scratch is NULL:
                raise MemoryError()
        try:
            fg_derivatives(&self.c, stencil, rule, self.n, x, first, count, base, scratch, size, out, &seen)
        finally:
            if scratch is not stack:
                PyMem_Free(scratch)
        return seen

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        return STACK

    def adaptive(self, x, base, scale, room=None, level=None):
        """Derivatives of the points x (points, n), each component with its own step and error bar.

        base (points,) is f(x), scale (points, n) the sizes of coordinates, room (2, points * n) how far each may
        move, level the noise of f where it is known. Returns arrays (points * n,): value, error, step, left and
        right slopes, flags; and the noise (points,).
        """
        cdef cnp.ndarray points = as_doubles(x), base_ = as_doubles(base), scale_ = as_doubles(scale)
        cdef cnp.ndarray room_ = None if room is None else as_doubles(room)
        cdef Py_ssize_t total = cnp.PyArray_SIZE(points), count = cnp.PyArray_SIZE(base_), k
        cdef cnp.npy_intp shape[2]
        shape[0], shape[1] = 5, total
        cdef cnp.ndarray found = cnp.PyArray_EMPTY(2, shape, cnp.NPY_DOUBLE, 0)
        cdef cnp.ndarray flags = cnp.PyArray_EMPTY(1, &shape[1], cnp.NPY_INT, 0)
        cdef cnp.ndarray levels = cnp.PyArray_ZEROS(1, <cnp.npy_intp *>&count, cnp.NPY_DOUBLE, 0)
        if not total:
            return found, flags, levels
        if count * self.n != total or cnp.PyArray_SIZE(scale_) != total or self.c.outputs != 1:
            raise ValueError("base, scale and x do not fit together")
        if room is not None and cnp.PyArray_SIZE(room_) != 2 * total:
            raise ValueError("room and x do not fit together")
        cdef Py_ssize_t size = 16 * (total if total < ROUND else ROUND)
        if size < count * 8 + 8 * self.n:
            size = count * 8 + 8 * self.n
        cdef fg_component *work = <fg_component *>PyMem_Malloc(
            total * sizeof(fg_component) + count * sizeof(fg_noise) + size * sizeof(double))
        if work is NULL:
            raise MemoryError()
        cdef fg_noise *noise = <fg_noise *>(work + total)
        cdef double *scratch = <double *>(noise + count)
        try:
            if level is None:
                fg_estimate_noise(&self.c, self.n, doubles(points), count, doubles(base_), doubles(scale_),
                                  doubles(room_) if room is not None else NULL, scratch, size, noise)
            else:
                for k in range(count):
                    known_noise(noise + k, level, doubles(base_)[k])
            fg_adaptive(&self.c, self.n, doubles(points), count, doubles(base_), noise, doubles(scale_),
                        doubles(room_) if room is not None else NULL, work, scratch, size)
            read_components(work, total, doubles(found), <int *>cnp.PyArray_DATA(flags))
            self.narrow = True
            for k in range(count):
                doubles(levels)[k] = noise[k].level
                self.narrow = self.narrow and noise[k].narrow
        finally:
            PyMem_Free(work)
        return found, flags, levels

    def noise(self, x, base, scale):
        """The noise of f around each of the points x (points, n)."""
        cdef cnp.ndarray points = as_doubles(x), base_ = as_doubles(base), scale_ = as_doubles(scale)
        cdef Py_ssize_t count = cnp.PyArray_SIZE(base_), k, size = count * 8 + 8 * self.n
        if count * self.n != cnp.PyArray_SIZE(points) or cnp.PyArray_SIZE(scale_) != count * self.n:
            raise ValueError("base, scale and x do not fit together")
        cdef cnp.ndarray levels = np.empty(count)
        cdef fg_noise *noise = <fg_noise *>PyMem_Malloc(count * sizeof(fg_noise) + size * sizeof(double))
        if noise is NULL:
            raise MemoryError()
        try:
            fg_estimate_noise(&self.c, self.n, doubles(points), count, doubles(base_), doubles(scale_), NULL,
                              <double *>(noise + count), size, noise)
            for k in range(count):
                doubles(levels)[k] = noise[k].level
        finally:
            PyMem_Free(noise)
        return levels

    def at_shifts(self, x, components, h, offsets):
        """Values (count, width, outputs) at the shifts of points x, as ``fg_shifts`` describes them."""
        cdef cnp.ndarray points = as_doubles(x), h_ = as_doubles(h), s = as_doubles(offsets)
        cdef cnp.ndarray c = np.ascontiguousarray(components, dtype=np.intp)
        cdef Py_ssize_t total = cnp.PyArray_SIZE(points), count = cnp.PyArray_SIZE(c)
        cdef cnp.ndarray values = np.empty((count, cnp.PyArray_SIZE(s), self.c.outputs))
        cdef fg_shifts shifts
        if cnp.PyArray_SIZE(h_) != count:
            raise ValueError(f"{cnp.PyArray_SIZE(h_)} steps for {count} components")
        if count and not (0 <= c.min() and c.max() < total):
            raise IndexError(f"components must be in 0 ... {total - 1}")
        shifts.n = self.n
        shifts.x = doubles(points)
        shifts.components = <const ptrdiff_t *>cnp.PyArray_DATA(c)
        shifts.first = 0
        shifts.h = doubles(h_)
        shifts.count = count
        shifts.offsets = doubles(s)
        shifts.width = cnp.PyArray_SIZE(s)
        if count and shifts.width:
            self.c.at_shifts(self.c.ctx, &shifts, doubles(values))
        return values

    def on_line(self, x, direction, Py_ssize_t begin, Py_ssize_t end, double t):
        """The value at x + t * direction, where only coordinates [begin, end) move. For one output."""
        cdef cnp.ndarray x_ = as_doubles(x), direction_ = as_doubles(direction)
        cdef double value
        if (cnp.PyArray_SIZE(x_) != self.n or cnp.PyArray_SIZE(direction_) != self.n or self.c.outputs != 1
                or self.imaginary or not 0 <= begin <= end <= self.n):
            raise ValueError("x, direction and the part that moves do not fit together")
        self.line_value(doubles(x_), doubles(direction_), t, begin, end, &value)
        return value

    cdef int line_value(self, const double *x, const double *direction, double t, Py_ssize_t begin, Py_ssize_t end,
                        double *value) except -1:
        cdef double *moved = <double *>PyMem_Malloc(self.n * sizeof(double))
        if moved is NULL:
            raise MemoryError()
        try:
            fg_line_point(self.n, x, direction, t, begin, end, moved)
            self.c.at_points(self.c.ctx, 1, self.n, moved, value)
        finally:
            PyMem_Free(moved)
        return 0

    def at_points(self, points):
        """Values (count, outputs) at dense points (count, n)."""
        cdef cnp.ndarray p = as_doubles(points)
        if p.ndim != 2 or p.shape[1] != self.n:
            raise ValueError(f"points have shape {np.shape(points)}; expected (count, {self.n})")
        cdef cnp.ndarray values = np.empty((p.shape[0], self.c.outputs))
        if p.shape[0]:
            self.c.at_points(self.c.ctx, p.shape[0], self.n, doubles(p), doubles(values))
        return values


cdef void known_noise(fg_noise *noise, double level, double base) noexcept:
    """Noise that need not be looked for."""
    noise.level = level
    noise.size = base if base >= 0 else -base
    noise.slope = NAN
    noise.accepted = noise.spacing = 0.0
    noise.narrow = noise.hidden = noise.failed = noise.grown = noise.evaluations = 0
    noise.done = 1


cdef void read_components(const fg_component *work, Py_ssize_t total, double *found, int *flags) noexcept:
    """value, error, step, left, right: rows of found."""
    cdef Py_ssize_t c
    for c in range(total):
        found[c] = work[c].value
        found[total + c] = work[c].error
        found[2 * total + c] = work[c].step
        found[3 * total + c] = work[c].left
        found[4 * total + c] = work[c].right
        flags[c] = work[c].flags


cdef object owned(PyObject *result):
    """A new reference as an object."""
    cdef object value = <object>result
    Py_DECREF(result)
    return value
