# A function of one point at a time. Part of border.pyx.

@cython.final
cdef class PythonFunction(Function):
    """f(x) of one point at a time, shifted in place in one scratch array.

    The array is replaced when f kept it (its reference count says so). That f overwrites its argument is
    found by comparing; then the work is done again, restoring the whole point before each call.
    """
    cdef cnp.ndarray scratch
    cdef double *data
    cdef object make   # flat array -> what f takes, or None: the array itself
    cdef bint scalar           # one real value, the usual case
    cdef readonly object shape # of the last result that was no float; None: none
    cdef bint restores         # f overwrites its argument: the point is restored before each call
    cdef Py_ssize_t low        # flat index of the point in the scratch array; -1: none

    def __init__(self, f, tuple args, point, bint imaginary=False, Py_ssize_t outputs=1):
        self.begin(f, args, point, imaginary, outputs)

    cdef int begin(self, f, tuple args, object point, bint imaginary, Py_ssize_t outputs) except -1:
        self.prepare(f, args, point, imaginary, outputs)
        self.c.at_shifts = python_at_shifts
        self.c.at_points = python_at_points
        self.make = None if cnp.PyArray_CheckExact(point) else point.make
        self.scalar = outputs == 1 and not imaginary
        return 0

    @property
    def overwrites(self):
        """Whether f was found to write to its argument."""
        return self.restores

    cdef int load(self, const double *x) except -1:
        """Puts the point x into the scratch array: a new one if f may hold the old."""
        cdef Py_ssize_t i
        if self.scratch is None or Py_REFCNT(<PyObject *>self.scratch) != 1:
            self.scratch = self.empty()
            self.data = doubles(self.scratch)
        if self.imaginary:
            for i in range(self.n):
                self.data[2 * i] = x[i]
                self.data[2 * i + 1] = 0.0
        else:
            memcpy(self.data, x, self.n * sizeof(double))
        return 0

    cdef cnp.ndarray empty(self):
        """An array of x's shape."""
        if not cnp.PyArray_CheckExact(self.point):
            return np.empty(self.point.shape, dtype=np.complex128 if self.imaginary else np.float64)
        cdef cnp.ndarray x = <cnp.ndarray>self.point
        return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x),
                                 cnp.NPY_CDOUBLE if self.imaginary else cnp.NPY_DOUBLE, 0)

    cdef bint intact(self, const double *x) noexcept:
        """Whether the scratch array holds the point x."""
        cdef Py_ssize_t i
        if not self.imaginary:
            return memcmp(self.data, x, self.n * sizeof(double)) == 0
        for i in range(self.n):
            if self.data[2 * i] != x[i] or self.data[2 * i + 1] != 0.0:
                return False
        return True

    cdef inline int value(self, double *out) except -1:
        """f at the point in the scratch array."""
        cdef PyObject *result
        cdef object argument
        if self.make is None:
            result = self.call(<PyObject *>self.scratch)
        else:
            argument = self.make(self.scratch)
            result = self.call(<PyObject *>argument)
        if self.scalar and (PyFloat_CheckExact(<object>result) or type(<object>result) is float64):
            out[0] = PyFloat_AS_DOUBLE(<object>result)
            Py_DECREF(result)
        else:
            self.convert(owned(result), out)
        return self.done(1)

    cdef cnp.ndarray vector(self):
        """f's values at the point in the scratch array: an array that f will not write to again."""
        cdef object argument = self.scratch if self.make is None else self.make(self.scratch)
        cdef object result
        cdef cnp.ndarray values
        result = owned(self.call(<PyObject *>argument))
        argument = None
        self.done(1)
        if (cnp.PyArray_CheckExact(result) and cnp.PyArray_TYPE(<cnp.ndarray>result) == cnp.NPY_DOUBLE
                and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>result)
                and cnp.PyArray_SIZE(<cnp.ndarray>result) == self.c.outputs):
            if Py_REFCNT(<PyObject *>result) == 1 and cnp.PyArray_CHKFLAGS(<cnp.ndarray>result, cnp.NPY_ARRAY_OWNDATA):
                return <cnp.ndarray>result
            return result.copy()
        values, float32 = results.as_vector(result, False, self.c.outputs)
        if float32:
            self.float32 = True
        return values.copy()

    cdef int convert(self, object result, double *out) except -1:
        cdef cnp.ndarray values
        if self.c.outputs == 1:
            number, float32 = results.as_number(result, self.imaginary)
            out[0] = number
            self.shape = getattr(result, "shape", ())
        else:
            values, float32 = results.as_vector(result, self.imaginary, self.c.outputs)
            memcpy(out, doubles(values), self.c.outputs * sizeof(double))
        if float32:
            self.float32 = True
        return 0

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
        cdef Py_ssize_t k, c = fg_component_of(s, row // s.width)
        cdef double shift = s.offsets[row % s.width] * s.h[row // s.width]
        results.add_note(error, f"while evaluating f at {self.named().where(c, shift, self.imaginary)}"
                         + self.named().hint(error))
        if not (self.tolerant and results.is_domain_error(error)):
            raise error
        if self.domain_error is None:
            if not self.is_edge(s.x + (c - c % self.n), c % self.n, shift, value):
                raise error
            self.domain_error = error
        fill_nan(self.c.outputs, value)
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
        except results.DOMAIN_ERRORS:
            return True
        return False

    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1:
        cdef Py_ssize_t k
        for k in range(count):
            self.load(points + k * self.n)
            self.tolerant_value(values + k * self.c.outputs, k, count)
        return 0

    cdef int tolerant_value(self, double *out, Py_ssize_t k, Py_ssize_t count) except -1:
        """f at point k of count, which is in the scratch array; NaN beyond the edge of its domain."""
        try:
            self.value(out)
        except Exception as error:
            if self.tolerant and results.is_domain_error(error):
                fill_nan(self.c.outputs, out)
                return 0
            results.add_note(error, (f"while evaluating f at point {k} of {count}: {self.named().at(self.scratch)}"
                                     if count > 1 else f"while evaluating f at {self.named().at(self.scratch)}")
                             + self.named().hint(error))
            raise
        return 0

    cdef int line_value(self, const double *x, const double *direction, double t, Py_ssize_t begin, Py_ssize_t end,
                        double *value) except -1:
        # Without a copy of the point: at a million coordinates each pass over memory counts.
        if self.scratch is None or Py_REFCNT(<PyObject *>self.scratch) != 1:
            self.load(x)
        fg_line_point(self.n, x, direction, t, begin, end, self.data)
        self.low = -1
        self.tolerant_value(value, 0, 1)
        return 0


def at_array(f, tuple args, x, Scheme scheme, double relative):
    """First derivatives of a Python function at a plain array x, in the shortest time.

    Returns the derivatives; where something unusual was seen, (function, derivatives, seen); where x is no
    plain array, None, with nothing done.
    """
    # Other callables may be compiled functions: their kind is recognised in Python.
    if not ((PyFunction_Check(f) or PyMethod_Check(f)) and cnp.PyArray_CheckExact(x)
            and cnp.PyArray_NDIM(<cnp.ndarray>x) > 0 and is_plain(x) and len(args) <= MAX_ARGS):
        return None
    cdef cnp.ndarray points = <cnp.ndarray>x
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(points), cnp.PyArray_DIMS(points), cnp.NPY_DOUBLE, 0)
    cdef PythonFunction function = PythonFunction.__new__(PythonFunction)
    cdef fg_step_rule rule
    fill_rule(&rule, relative, None, None, 0)
    function.begin(f, args, points, False, 1)
    function.tolerant = True
    cdef int seen = function.fill(doubles(points), &scheme.c, &rule, 0, function.n, NULL, doubles(out))
    if (seen & (FG_SEEN_DOUBLE | FG_SEEN_NONFINITE)) == FG_SEEN_DOUBLE and not function.float32:
        return out
    return function, out, seen


cdef int python_at_shifts(void *ctx, const fg_shifts *shifts, double *values) except -1:
    return (<PythonFunction>ctx).shifts(shifts, values)


cdef int python_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<PythonFunction>ctx).points(count, points, values)
