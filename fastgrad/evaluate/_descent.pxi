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
        cdef const double *lower = NULL
        cdef const double *upper = NULL
        cdef Py_ssize_t n = self.count, k, i
        cdef Calls calls_ = calls
        cdef double norm, before, step
        cdef cnp.ndarray d = np.empty(n), low, high
        if bounds is not None:
            low, high = as_doubles(bounds[0]), as_doubles(bounds[1])
            lower, upper = doubles(low), doubles(high)
        self.done = 0
        for k in range(rates_.shape[0]):
            self.done = k
            before = fun
            memcpy(doubles(self.last_memory), doubles(self.memory), cnp.PyArray_NBYTES(self.memory))
            fg_direct(&self.how, n, iteration + k, &g[0], doubles(self.memory), doubles(d))
            memcpy(&last_[0], &x_[0], n * sizeof(double))
            memcpy(&last_g[0], &g[0], n * sizeof(double))
            fg_move(n, 1, 1, rates_[k], doubles(d), lower, upper, &x_[0])
            if record is not None:
                fun = calls_.value(&x_[0])
                if fun - fun != 0.0:
                    return FG_NOT_FINITE
            calls_.gradient(&x_[0], &g[0])
            norm = fg_norm(n, &g[0])
            if not norm <= DBL_MAX:
                return FG_NOT_FINITE
            if record is not None:
                step = 0.0
                for i in range(n):
                    step += (x_[i] - last_[i]) * (x_[i] - last_[i])
                record_[k, 0], record_[k, 1], record_[k, 2], record_[k, 3] = fun, norm, step ** 0.5, _now()
                if fun < best_f[0]:
                    best_f[0] = fun
                    memcpy(&best_x[0], &x_[0], n * sizeof(double))
            if path is not None:
                memcpy(&path_[k, 0], &x_[0], n * sizeof(double))
            self.done = k + 1
            if norm <= gtol or (record is not None and fabs(before - fun) <= ftol * fabs(before) and ftol > 0.0):
                return FG_CONVERGED
        return FG_RUNNING


@cython.final
cdef class Calls:
    """A user's f and gradient at points given as C memory: each gets an array of its own, which it may keep."""
    cdef object f, grad, convert
    cdef tuple args
    cdef cnp.ndarray like      # an array of x's shape
    cdef cnp.ndarray scratch
    cdef readonly Py_ssize_t n_values
    cdef bint count_values     # f is the user's own, and not counted elsewhere

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
        return 0
