# Descent: directions, and iterations with a given learning rate. Part of border.pyx.

RUNNING = FG_RUNNING
CONVERGED = FG_CONVERGED
NOT_FINITE = FG_NOT_FINITE

cdef dict DIRECTIONS = {"gd": FG_GRADIENT, "bb": FG_GRADIENT, "momentum": FG_MOMENTUM, "nesterov": FG_NESTEROV,
                        "adam": FG_ADAM}


@cython.final
cdef class Direction:
    """How gradients of `count` coordinates become directions; see ``fg_descent``."""
    cdef fg_descent how
    cdef readonly cnp.ndarray memory  # (fg_memory() * count,)
    cdef cnp.ndarray last_memory      # before the last gradient
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t done     # iterations of the last `follow`, also where it raised

    def __init__(self, str method, Py_ssize_t count, double momentum, double decay, double epsilon):
        self.how = fg_descent(DIRECTIONS[method], momentum, decay, epsilon)
        self.count = count
        self.memory = np.zeros(fg_memory(&self.how) * count)
        self.last_memory = self.memory.copy()

    def back(self):
        """Forgets the last gradient, of an iteration that was broken off."""
        self.memory[:] = self.last_memory

    def of(self, gradient, Py_ssize_t iteration):
        """The direction, which is subtracted from x."""
        cdef cnp.ndarray g = as_doubles(gradient), d = np.empty_like(g)
        if cnp.PyArray_SIZE(g) != self.count:
            raise ValueError("the gradient has another size")
        self.last_memory[:] = self.memory
        fg_direct(&self.how, self.count, iteration, doubles(g), doubles(self.memory), doubles(d))
        return d

    def follow(self, x, gradient, last, last_gradient, rates, Py_ssize_t iteration, double gtol, double ftol, double fun,
               bounds, calls, record, path, best):
        """Iterations with given rates; x, gradient, and where they came from, are changed in place.

        calls: a ``Calls``. record: (rates.size, 4) for f, the gradient's norm, the step and the time of each, or
        None: then f is not called. path: (rates.size, n) for the points, or None. fun: f at x. best: x, and an array of
        f there, for the lowest f seen.
        Returns how they ended; `done` is how many there were. Where that is NOT_FINITE, or f or grad raise, the last
        point is the one that x came from.
        """
        cdef double[::1] x_ = x, g = gradient, last_ = last, last_g = last_gradient, rates_ = rates, best_x = best[0], best_f = best[1]
        cdef double[:, ::1] record_ = record, path_ = path
        cdef cnp.ndarray scratch = np.empty(self.count), lower, upper
        cdef Calls calls_ = calls
        cdef fg_path p
        p.how = &self.how
        p.n, p.begin, p.end = self.count, iteration, iteration + rates_.shape[0]
        p.rates, p.gtol, p.ftol = &rates_[0], gtol, ftol
        p.ctx, p.gradient, p.value = <void *>calls_, call_gradient, NULL
        p.x, p.g, p.memory = &x_[0], &g[0], doubles(self.memory)
        p.last, p.last_g, p.last_memory = &last_[0], &last_g[0], doubles(self.last_memory)
        p.f, p.best_x, p.best_f = fun, &best_x[0], &best_f[0]
        p.lower = p.upper = p.record = p.points = NULL
        if bounds is not None:
            lower, upper = as_doubles(bounds[0]), as_doubles(bounds[1])
            p.lower, p.upper = doubles(lower), doubles(upper)
        if record is not None:
            p.value, p.record, calls_.stamp = call_value, &record_[0, 0], &record_[0, FG_RECORD - 1]
        if path is not None:
            p.points = &path_[0, 0]
        p.done = 0
        try:
            return fg_follow(&p, doubles(scratch))
        finally:
            self.done = p.done
            calls_.stamp = NULL


@cython.final
cdef class Calls:
    """A user's f and gradient at points given as C memory: each gets an array of its own, which it may keep."""
    cdef object f, grad, convert
    cdef tuple args
    cdef cnp.ndarray like      # an array of x's shape
    cdef cnp.ndarray scratch
    cdef readonly Py_ssize_t n_values
    cdef bint count_values     # f is the user's own, and not counted elsewhere
    cdef double *stamp         # where the time of the next gradient goes; NULL: it is not asked for

    def __init__(self, f, grad, tuple args, like, convert, bint count_values=True):
        """convert: makes a flat array of what grad returned, or raises."""
        self.f, self.grad, self.args, self.like, self.convert = f, grad, args, like, convert
        self.count_values = count_values

    cdef object at(self, object function, const double *x):
        if self.scratch is None or Py_REFCNT(<PyObject *>self.scratch) != 1:
            self.scratch = scratch_array(cnp.PyArray_NDIM(self.like), cnp.PyArray_DIMS(self.like), cnp.NPY_DOUBLE)
        memcpy(doubles(self.scratch), x, cnp.PyArray_NBYTES(self.like))
        if self.args:
            return function(self.scratch, *self.args)
        return function(self.scratch)

    cdef double value(self, const double *x) except? -1.0:
        self.n_values += self.count_values
        result = self.at(self.f, x)
        if PyFloat_CheckExact(result) or type(result) is float64:
            return PyFloat_AS_DOUBLE(result)
        return results.as_number(result, False)[0]

    cdef int gradient(self, const double *x, double *g) except -1:
        result = self.at(self.grad, x)
        cdef cnp.ndarray array
        if not (cnp.PyArray_CheckExact(result) and cnp.PyArray_TYPE(<cnp.ndarray>result) == cnp.NPY_DOUBLE
                and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>result)
                and cnp.PyArray_SAMESHAPE(<cnp.ndarray>result, self.like)):
            result = self.convert(result)
        array = <cnp.ndarray>result
        memcpy(g, doubles(array), cnp.PyArray_NBYTES(self.like))
        if self.stamp is not NULL:
            self.stamp[0] = _now()
            self.stamp += FG_RECORD
        return 0


cdef int call_value(void *calls, const double *x, double *f) except -1:
    f[0] = (<Calls>calls).value(x)
    return 0


cdef int call_gradient(void *calls, const double *x, double *g) except -1:
    return (<Calls>calls).gradient(x, g)
