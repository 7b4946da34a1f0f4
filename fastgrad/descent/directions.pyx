"""Descent: directions, and iterations with given learning rates."""
cimport cython

from ..c_api cimport (
    DBL_MAX, NPY_DOUBLE, NPY_INT, NPY_INTP, PyArray_CheckExact, PyArray_DESCR, PyArray_DIM, PyArray_DIMS, PyArray_EMPTY,
    PyArray_ISCARRAY_RO, PyArray_NBYTES, PyArray_NDIM, PyArray_SAMESHAPE, PyArray_SIZE, PyArray_TYPE,
    PyFloat_AS_DOUBLE, PyFloat_CheckExact, PyObject, Py_REFCNT, _import_array, fabs, memcpy, ndarray,
)
from ..c_core.compiled cimport fg_compiled
from ..c_core.descent cimport (
    FG_ADAM, FG_CONVERGED, FG_GRADIENT, FG_MOMENTUM, FG_NESTEROV, FG_NOT_FINITE, FG_RECORD, FG_RUNNING, fg_descend,
    fg_descend_scratch, fg_descent, fg_direct, fg_follow, fg_memory, fg_norm, fg_path, fg_starts,
)
from ..c_core.stencil cimport fg_step_rule
from ..evaluate.arrays cimport as_doubles, doubles, empty, is_as_given, memory_of, written
from ..evaluate.border cimport Scheme, fill_rule
from ..evaluate.compiled cimport CompiledFunction, Work

from time import perf_counter as _now

import numpy as np

from ..evaluate import results

_import_array()

cdef object float64 = np.float64

cdef enum:
    # Starts that stay together where threads share the work, as SIMD likes them.
    BLOCK = 32

RUNNING = FG_RUNNING
CONVERGED = FG_CONVERGED
NOT_FINITE = FG_NOT_FINITE

cdef dict DIRECTIONS = {"gd": FG_GRADIENT, "bb": FG_GRADIENT, "momentum": FG_MOMENTUM, "nesterov": FG_NESTEROV,
                        "adam": FG_ADAM}


def norm(gradient):
    """The Euclidean norm, also where squares are too large or too small for a float64."""
    cdef ndarray g = as_doubles(gradient)
    return fg_norm(PyArray_SIZE(g), doubles(g))


@cython.final
cdef class Direction:
    """How gradients of `count` coordinates become directions; see ``fg_descent``."""
    cdef fg_descent how
    cdef readonly ndarray memory      # (fg_memory() * count,)
    cdef ndarray last_memory          # before the last gradient
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t done     # iterations of the last `follow`, also where it raised
    cdef readonly bint whole          # whether the last of them was not broken off

    def __init__(self, str method, Py_ssize_t count, double momentum, double decay, double epsilon):
        self.how = fg_descent(DIRECTIONS[method], momentum, decay, epsilon)
        self.count = count
        self.memory = np.zeros(fg_memory(&self.how) * count)
        self.last_memory = np.copy(self.memory)

    def keep(self):
        """From now on `back` leads to what is remembered now."""
        np.copyto(self.last_memory, self.memory)

    def back(self):
        """Forgets the last gradient, of an iteration that was broken off."""
        np.copyto(self.memory, self.last_memory)

    def of(self, gradient, Py_ssize_t iteration):
        """The direction, which is subtracted from x."""
        cdef ndarray g = as_doubles(gradient), d = np.empty_like(g)
        if PyArray_SIZE(g) != self.count:
            raise ValueError("the gradient has another size")
        fg_direct(&self.how, self.count, iteration, doubles(g), doubles(self.memory), doubles(d))
        return d

    def follow(self, x, gradient, last, last_gradient, rates, Py_ssize_t iteration, double gtol, double ftol, double fun,
               bounds, Calls calls, record, path, best):
        """Iterations with given rates; x, gradient, and where they came from, are changed in place.

        record: (rates.size, 4) for f, the gradient's norm, the step and the time of each, or None: then f is not called.
        path: (rates.size, n) for the points, or None. fun: f at x. best: x, and an array of f there, for the lowest f
        seen. Returns how they ended; `done` is how many there were. Where that is NOT_FINITE, or f or grad raise, the
        last point is the one that x came from, and `whole` is false.
        """
        cdef Py_ssize_t n = self.count, count
        cdef ndarray rates_ = as_doubles(rates), scratch = empty(n), lower, upper
        cdef fg_path p
        count = PyArray_SIZE(rates_)
        p.how, p.n, p.begin, p.end = &self.how, n, iteration, iteration + count
        p.rates, p.gtol, p.ftol, p.f = doubles(rates_), gtol, ftol, fun
        p.ctx, p.gradient, p.value = <void *>calls, call_gradient, NULL
        p.x, p.g, p.memory = written(x, n), written(gradient, n), doubles(self.memory)
        p.last, p.last_g, p.last_memory = written(last, n), written(last_gradient, n), doubles(self.last_memory)
        p.best_x, p.best_f = written(best[0], n), written(best[1], 1)
        p.lower = p.upper = p.record = p.points = NULL
        p.done = 0
        if bounds is not None:
            lower, upper = as_doubles(bounds[0]), as_doubles(bounds[1])
            p.lower, p.upper = doubles(lower), doubles(upper)
        if record is not None:
            p.value, p.record = call_value, written(record, FG_RECORD * count)
            calls.stamp = p.record + FG_RECORD - 1
        if path is not None:
            p.points = written(path, n * count)
        self.whole = False
        try:
            status = fg_follow(&p, doubles(scratch))
            self.whole = status != FG_NOT_FINITE
            return status
        finally:
            self.done = p.done
            calls.stamp = NULL


@cython.final
cdef class Calls:
    """A user's f and gradient at points given as C memory: each gets an array of its own, which it may keep."""
    cdef object f, grad, convert
    cdef tuple args
    cdef ndarray like          # an array of x's shape
    cdef ndarray scratch
    cdef void *descr           # its type, as NumPy describes it
    cdef readonly Py_ssize_t n_values
    cdef bint count_values     # f is the user's own, and not counted elsewhere
    cdef double *stamp         # where the time of the next gradient goes; NULL: it is not asked for

    def __init__(self, f, grad, tuple args, ndarray like, convert, bint count_values=True):
        """convert: makes a flat array of what grad returned, or raises."""
        self.f, self.grad, self.args, self.like, self.convert = f, grad, args, like, convert
        self.count_values = count_values

    cdef object at(self, object function, const double *x):
        if (self.scratch is None or Py_REFCNT(<PyObject *>self.scratch) != 1
                or not is_as_given(<PyObject *>self.scratch, doubles(self.scratch), self.descr,
                                   PyArray_NDIM(self.like), PyArray_DIMS(self.like))):
            self.scratch = PyArray_EMPTY(PyArray_NDIM(self.like), PyArray_DIMS(self.like), NPY_DOUBLE, 0)
            self.descr = PyArray_DESCR(self.scratch)
        memcpy(doubles(self.scratch), x, PyArray_NBYTES(self.like))
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
        cdef ndarray array
        if not (PyArray_CheckExact(result) and PyArray_TYPE(<ndarray>result) == NPY_DOUBLE
                and PyArray_ISCARRAY_RO(<ndarray>result) and PyArray_SAMESHAPE(<ndarray>result, self.like)):
            result = self.convert(result)
        array = <ndarray>result
        memcpy(g, doubles(array), PyArray_NBYTES(self.like))
        if self.stamp is not NULL:
            self.stamp[0] = _now()
            self.stamp += FG_RECORD
        return 0


cdef int call_value(void *calls, const double *x, double *f) except -1:
    f[0] = (<Calls>calls).value(x)
    return 0


cdef int call_gradient(void *calls, const double *x, double *g) except -1:
    return (<Calls>calls).gradient(x, g)


def descend(CompiledFunction f, Direction direction, Scheme scheme, double relative, ndarray x, last, memory, status, njev,
            rates, Py_ssize_t iteration, double gtol, absolute=None, typical=None, bounds=None):
    """Iterations of many starts x (starts, n), with given rates; arrays as in ``fg_starts``, changed in place."""
    cdef ndarray rates_ = as_doubles(rates), low, high
    cdef Py_ssize_t count = PyArray_DIM(x, 0), steps = PyArray_SIZE(rates_)
    cdef fg_step_rule rule
    cdef object kept = fill_rule(&rule, relative, absolute, typical, f.n)
    cdef fg_starts s
    s.how, s.stencil, s.rule, s.n = &direction.how, &scheme.c, &rule, f.n
    s.begin, s.end, s.rates, s.gtol = iteration, iteration + steps, doubles(rates_), gtol
    s.lower = s.upper = NULL
    if bounds is not None:
        low, high = as_doubles(bounds[0]), as_doubles(bounds[1])
        s.lower, s.upper = doubles(low), doubles(high)
    s.x, s.last = written(x, count * f.n), written(last, count * f.n)
    s.memory = written(memory, fg_memory(&direction.how) * count * f.n)
    s.status = <int *>memory_of(status, count, NPY_INT)
    s.njev = <ptrdiff_t *>memory_of(njev, count, NPY_INTP)
    if count and steps:
        f.run(Work(part=part_of_starts, job=&s, count=count, each=0, scratch=fg_descend_scratch(&f.f_in_c, &s), first=0,
                   block=BLOCK))


cdef int part_of_starts(const void *job, fg_compiled *f, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                        int *seen) noexcept nogil:
    return fg_descend(f, <const fg_starts *>job, begin, end, scratch)
