# Functions made of another: along a line, and the sum of its values. Part of border.pyx.

@cython.final
cdef class LineFunction(Function):
    """t -> f(x + t v): a function of one coordinate, whose values are those of another at dense points."""
    cdef Function inner
    cdef cnp.ndarray x, direction

    def __init__(self, Function inner, x, direction, point):
        """point: of one coordinate, for the name of t."""
        self.prepare(None, (), point, inner.c.outputs)
        self.inner, self.x, self.direction = inner, as_doubles(x), as_doubles(direction)
        if self.n != 1 or cnp.PyArray_SIZE(self.x) != inner.n or cnp.PyArray_SIZE(self.direction) != inner.n:
            raise ValueError("x, the direction and f do not fit together")
        self.c.at_shifts = line_at_shifts
        self.c.at_points = line_at_points

    def tolerate(self, bint tolerant):
        self.inner.tolerate(tolerant)

    cdef int learn(self) except -1:
        """What the function itself saw."""
        self.nfev, self.float32, self.domain_error = self.inner.nfev, self.inner.float32, self.inner.domain_error
        self.seen = self.inner.seen
        return 0

    cdef cnp.ndarray first_values(self, cnp.ndarray t):
        cdef cnp.ndarray found = self.inner.value(self.moved(np.asarray(t)))
        self.learn()
        return found

    cdef object moved(self, t):
        """Points (count, n) at t (count,)."""
        return np.asarray(self.x).ravel() + np.multiply.outer(t.ravel(), np.asarray(self.direction).ravel())

    cdef int evaluate(self, object t, double *values) except -1:
        cdef cnp.ndarray found
        cdef Py_ssize_t block = max(1, LAST_BLOCK // (8 * max(1, self.inner.n))), begin
        for begin in range(0, len(t), block):
            found = self.inner.at_points(self.moved(t[begin:begin + block]))
            memcpy(values + begin * self.c.outputs, doubles(found), cnp.PyArray_NBYTES(found))
        return self.learn()


cdef int line_at_shifts(void *ctx, const fg_shifts *s, double *values) except -1:
    cdef LineFunction f = <LineFunction>ctx
    cdef Py_ssize_t a, j
    # One coordinate: a component is a point.
    at = np.array([s.x[fg_component_of(s, a)] for a in range(s.count)])
    moves = np.multiply.outer([s.h[a] for a in range(s.count)], [s.offsets[j] for j in range(s.width)])
    return f.evaluate((at[:, None] + (1j * moves if f.imaginary else moves)).ravel(), values)


cdef int line_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    cdef LineFunction f = <LineFunction>ctx
    return f.evaluate(np.array([points[k] for k in range(count)]), values)


@cython.final
cdef class SumFunction(Function):
    """x -> the sum of the values of f at x; its precision is that of the terms."""
    cdef Function inner

    def __init__(self, Function inner, point):
        self.prepare(None, (), point, 1)
        self.inner = inner
        self.c.at_shifts = sum_at_shifts
        self.c.at_points = sum_at_points

    def tolerate(self, bint tolerant):
        self.inner.tolerate(tolerant)

    cdef int learn(self) except -1:
        """What the function itself saw."""
        self.nfev, self.float32, self.domain_error = self.inner.nfev, self.inner.float32, self.inner.domain_error
        self.seen = self.inner.seen
        return 0

    cdef Py_ssize_t rows_of_block(self, Py_ssize_t each) noexcept:
        """Rows of terms that are held at a time."""
        return max(1, LAST_BLOCK // (8 * each * max(1, self.inner.c.outputs)))

    cdef int shifts(self, const fg_shifts *s, double *values) except -1:
        cdef fg_shifts part = s[0]
        cdef Py_ssize_t begin, count, block = self.rows_of_block(s.width)
        cdef cnp.ndarray terms
        self.inner.turn(self.imaginary)
        for begin in range(0, s.count, block):
            count = min(block, s.count - begin)
            terms = np.empty((count * s.width, self.inner.c.outputs))
            part.count, part.h, part.first = count, s.h + begin, s.first + begin
            part.components = NULL if s.components is NULL else s.components + begin
            self.inner.c.at_shifts(self.inner.c.ctx, &part, doubles(terms))
            terms = terms.sum(axis=1)
            memcpy(values + begin * s.width, doubles(terms), cnp.PyArray_NBYTES(terms))
        return self.learn()

    cdef int points(self, Py_ssize_t count, const double *points, double *values) except -1:
        cdef Py_ssize_t begin, rows, width = 2 * self.n if self.imaginary else self.n, block = self.rows_of_block(1)
        cdef cnp.ndarray terms
        self.inner.turn(self.imaginary)
        for begin in range(0, count, block):
            rows = min(block, count - begin)
            terms = np.empty((rows, self.inner.c.outputs))
            self.inner.c.at_points(self.inner.c.ctx, rows, self.n, points + begin * width, doubles(terms))
            terms = terms.sum(axis=1)
            memcpy(values + begin, doubles(terms), cnp.PyArray_NBYTES(terms))
        return self.learn()


cdef int sum_at_shifts(void *ctx, const fg_shifts *s, double *values) except -1:
    return (<SumFunction>ctx).shifts(s, values)


cdef int sum_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1:
    return (<SumFunction>ctx).points(count, points, values)
