"""The border between Python and the C core: arrays in, calls out, errors raised.

A ``Function`` is a function at one kind of border: it gives values at shifts of a base point and at
dense points, and knows nothing of derivatives. ``src_c/include/fastgrad.h`` is the contract of what it drives.
"""
from ..c_api cimport (
    NPY_BOOL, NPY_CDOUBLE, NPY_DOUBLE, NPY_INT, NPY_INTP, PyArray_Check, PyArray_CheckExact, PyArray_DATA, PyArray_DIM,
    PyArray_DIMS, PyArray_EMPTY, PyArray_ISCARRAY, PyArray_ISCARRAY_RO, PyArray_NDIM, PyArray_SAMESHAPE, PyArray_SIZE,
    PyArray_TYPE, PyCapsule_GetContext, PyCapsule_GetName, PyCapsule_GetPointer, PyFunction_Check, PyMem_Free,
    PyMem_Malloc, PyMem_RawFree, PyMem_RawRealloc, PyMethod_Check, PyObject, _import_array, ndarray, npy_intp,
)
from ..c_core.adaptive cimport fg_adaptive, fg_allocator, fg_noise_levels, fg_wanted
from ..c_core.arithmetic cimport fg_arithmetic
from ..c_core.function cimport fg_shifts
from ..c_core.points cimport fg_line_point, fg_product_sums, fg_random_direction
from ..c_core.precision cimport FG_SEEN_CHANGE, FG_SEEN_DOUBLE, FG_SEEN_NONFINITE, fg_first_nonfinite
from ..c_core.stencil cimport (
    FG_BASE, FG_IMAGINARY, FG_PAIRS, fg_combine, fg_derivatives, fg_doubt, fg_stencil, fg_step_rule, fg_steps, fg_sizes,
)
from .arrays cimport as_doubles, dense, doubles, empty, written

import numpy as np

from . import results

_import_array()

cdef tuple DOMAIN_ERRORS = results.DOMAIN_ERRORS

cdef extern from *:
    """
    #ifndef FG_BUILD_FLAGS
    #define FG_BUILD_FLAGS "unknown"
    #endif
    #ifndef FG_BUILD_VERSION
    #define FG_BUILD_VERSION "unknown"
    #endif
    #if defined(__clang__)
    #define FG_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define FG_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #define FG_STRING2(x) #x
    #define FG_STRING(x) FG_STRING2(x)
    #define FG_COMPILER "msvc " FG_STRING(_MSC_VER)
    #else
    #define FG_COMPILER "unknown"
    #endif
    """
    const char *FG_BUILD_FLAGS
    const char *FG_BUILD_VERSION
    const char *FG_COMPILER

SEEN_NONFINITE = FG_SEEN_NONFINITE
SEEN_DOUBLE = FG_SEEN_DOUBLE
SEEN_CHANGE = FG_SEEN_CHANGE

cdef fg_allocator MEMORY = fg_allocator(resize=PyMem_RawRealloc, release=PyMem_RawFree)


def build():
    """Compiler, flags and version that the extension was built with."""
    return FG_COMPILER.decode(), FG_BUILD_FLAGS.decode(), FG_BUILD_VERSION.decode()


def arithmetic():
    """What the compiler changed of arithmetic: the FG_ bits of ``arithmetic.h``, 0 where nothing."""
    return fg_arithmetic()


def capsule_parts(capsule):
    """Name, address and context of a PyCapsule."""
    cdef const char *name = PyCapsule_GetName(capsule)
    cdef void *address = PyCapsule_GetPointer(capsule, name)
    cdef void *context = PyCapsule_GetContext(capsule)
    return (name.decode() if name is not NULL else ""), <size_t>address, <size_t>context


cdef class Scheme:
    """A stencil as C reads it: the offsets without 0, and the coefficients of ``enum fg_form``."""

    def __init__(self, str form, offsets, coefficients):
        if len(offsets) > MAX_WIDTH:
            raise ValueError(f"a stencil has at most {MAX_WIDTH} offsets, not {len(offsets)}")
        self.c.form = {"pairs": FG_PAIRS, "base": FG_BASE, "imaginary": FG_IMAGINARY}[form]
        self.c.width = len(offsets)
        for j in range(self.c.width):
            self.offsets[j] = offsets[j]
            self.coefficients[j] = coefficients[j]
        self.c.offsets = self.offsets
        self.c.coefficients = self.coefficients

    @property
    def width(self):
        return self.c.width

    @property
    def needs_base(self):
        return self.c.form == FG_BASE


cdef class Doubt:
    """What second differences may be beside first ones, and components whose are larger: a mask, once it is filled in."""

    def __init__(self, double span, double least):
        self.c.span, self.c.least = span, least

    cdef int take(self, Py_ssize_t count) except -1:
        """Memory for the mask of so many components."""
        cdef npy_intp size = count
        self.mask = PyArray_EMPTY(1, &size, NPY_BOOL, 0)
        self.c.curved = <unsigned char *>PyArray_DATA(self.mask)
        return 0


def is_plain(x):
    """Whether x is an array that can be read as it is, with all its values finite."""
    return (PyArray_CheckExact(x) and PyArray_TYPE(<ndarray>x) == NPY_DOUBLE
            and PyArray_ISCARRAY_RO(<ndarray>x)
            and fg_first_nonfinite(PyArray_SIZE(<ndarray>x), doubles(<ndarray>x)) < 0)


def steps(x, Py_ssize_t n, double relative, absolute=None, typical=None):
    """The steps that ``Function.derivatives`` would take at x (points, n), an array of x's shape."""
    cdef ndarray points = as_doubles(x)
    cdef ndarray h = PyArray_EMPTY(PyArray_NDIM(points), PyArray_DIMS(points), NPY_DOUBLE, 0)
    cdef fg_step_rule rule
    cdef object kept = fill_rule(&rule, relative, absolute, typical, n)
    fg_steps(&rule, n, doubles(points), 0, PyArray_SIZE(points), 1, doubles(h))
    return h


def sizes(x, Py_ssize_t n, typical=None):
    """The sizes of coordinates of points x (points, n), an array of x's shape: |x|, at least typical (n,); 1 for 0."""
    cdef ndarray points = as_doubles(x), t = None if typical is None else as_doubles(typical)
    cdef ndarray found = PyArray_EMPTY(PyArray_NDIM(points), PyArray_DIMS(points), NPY_DOUBLE, 0)
    if t is not None:
        expect("typical sizes for the coordinates of a point", PyArray_SIZE(t), n)
    fg_sizes(n, PyArray_SIZE(points), doubles(points), NULL if t is None else doubles(t), doubles(found))
    return found


cdef object fill_rule(fg_step_rule *rule, double relative, object absolute, object typical, Py_ssize_t n):
    """Fills in rule; returns what must be kept alive while it is used."""
    rule.relative = relative
    rule.absolute = NULL
    rule.typical = NULL
    if absolute is None and typical is None:
        return None
    cdef ndarray a, t
    kept = []
    if absolute is not None:
        a = as_doubles(absolute)
        expect("steps for the coordinates of a point", PyArray_SIZE(a), n)
        rule.absolute = doubles(a)
        kept.append(a)
    if typical is not None:
        t = as_doubles(typical)
        expect("typical sizes for the coordinates of a point", PyArray_SIZE(t), n)
        rule.typical = doubles(t)
        kept.append(t)
    return kept


def product_sums(a, b):
    """The sum of a * b, and of its squares."""
    cdef ndarray a_ = as_doubles(a), b_ = as_doubles(b)
    cdef double squares
    expect("numbers of b for those of a", PyArray_SIZE(b_), PyArray_SIZE(a_))
    cdef double total = fg_product_sums(PyArray_SIZE(a_), doubles(a_), doubles(b_), &squares)
    return total, squares


def random_direction(ndarray out, unsigned long long seed, double scale):
    """Fills out: numbers of both signs, of sizes from half the scale to three halves."""
    cdef Py_ssize_t size = PyArray_SIZE(out)
    fg_random_direction(size, seed, scale, written(out, size))


cdef class Function:
    """A function at the border: values at shifts of points, and at points.

    Belongs to one call of one verb, so that threads and re-entrant calls never share one.
    """
    cdef int prepare(self, object f, tuple args, object point, Py_ssize_t outputs) except -1:
        """point: a ``Point``, for the length, shape and names of coordinates; or the array, if x is one.

        outputs: values that f has; -1: not known before `value` was asked for.
        """
        if len(args) > MAX_ARGS:
            raise ValueError("too many args at the border")
        self.f = f
        self.args = args
        self.n_args = 1 + len(args)
        for j in range(len(args)):
            self.argv[j + 2] = <PyObject *>args[j]
        self.point = point
        self.domain_errors = DOMAIN_ERRORS
        self.n = PyArray_SIZE(<ndarray>point) if PyArray_CheckExact(point) else point.n
        self.c.ctx = <void *>self
        self.unknown = outputs < 0
        self.c.outputs = 0 if self.unknown else outputs
        # Python functions look for signals themselves; C functions, such as a ufunc, may not.
        self.looks = not (PyFunction_Check(f) or PyMethod_Check(f))
        return 0

    cdef object named(self):
        """The point with the names of its coordinates."""
        if PyArray_CheckExact(self.point):
            self.point = self.as_point(self.point)
        return self.point

    @property
    def outputs(self):
        """Values that f has; None before that is known."""
        return None if self.unknown else self.c.outputs

    @property
    def sees_double(self):
        """Whether some value of f needs more than the 24 bits of a float32."""
        return bool(self.seen.wide)

    @property
    def sees_change(self):
        """Whether two values of f differ."""
        return bool(self.seen.differs)

    cdef int turn(self, bint imaginary) except -1:
        """From now on, shifts are imaginary and values imaginary parts; or not."""
        self.imaginary = imaginary
        return 0

    def value(self, x):
        """f at the point x, (outputs,); how many values f has is known from then on."""
        cdef ndarray at = as_doubles(x)
        expect("coordinates of x", PyArray_SIZE(at), self.n)
        self.turn(False)
        if not self.unknown:
            return self.at_points(at.reshape(1, -1))[0]
        cdef ndarray values = self.first_values(at)
        self.c.outputs = PyArray_SIZE(values)
        self.unknown = False
        self.look(self.c.outputs, doubles(values))
        return values

    cdef ndarray first_values(self, ndarray x):
        """f at x, (outputs,), where it is not known how many there are."""
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.progress is not None:
            self.progress.close()

    def show(self, progress):
        """From now on, evaluations are shown; see ``Progress``."""
        self.progress = progress

    cdef int show_done(self, Py_ssize_t rows) except -1:
        self.progress.update(rows)
        return 0

    def expect(self, count):
        """So many evaluations will be done."""
        if self.progress is not None:
            self.progress.expect(count)

    def tolerate(self, bint tolerant):
        """From now on, domain errors of f at shifted points are NaN values; the first is kept."""
        self.tolerant = tolerant

    def derivatives(self, x, Scheme scheme, double relative, absolute=None, typical=None, base=None,
                    Py_ssize_t first=0, Py_ssize_t count=-1, ndarray out=None, Doubt doubt=None):
        """First derivatives (count, outputs) for components of the points x, and the SEEN bits.

        With one output and all components, the result has x's shape. It is written to out, if given. With a doubt and
        f at the points, the doubt's mask of the components is filled in.
        """
        cdef ndarray points = as_doubles(x)
        cdef fg_step_rule rule
        cdef object kept = fill_rule(&rule, relative, absolute, typical, self.n)
        cdef Py_ssize_t total = PyArray_SIZE(points)
        cdef double *values_at_base = NULL
        if base is not None:
            values_at_base = doubles(<ndarray?>base)
        if count < 0:
            count = total - first
        if doubt is not None:
            expect("values of f, at all points,", 0 if base is None else PyArray_SIZE(<ndarray>base),
                   total // max(self.n, 1) * self.c.outputs)
            doubt.take(count)
        if out is not None:
            written(out, count * self.c.outputs)
        elif self.c.outputs == 1 and count == total:
            out = PyArray_EMPTY(PyArray_NDIM(points), PyArray_DIMS(points), NPY_DOUBLE, 0)
        else:
            out = empty(count, self.c.outputs)
        return out, self.fill(doubles(points), &scheme.c, &rule, first, count, values_at_base,
                              NULL if doubt is None else &doubt.c, doubles(out))

    cdef int fill(self, const double *x, const fg_stencil *stencil, const fg_step_rule *rule, Py_ssize_t first,
                  Py_ssize_t count, const double *base, const fg_doubt *doubt, double *out) except -1:
        """Writes derivatives to out; returns the SEEN bits."""
        cdef int seen = 0
        cdef double stack[STACK]
        self.turn(stencil.form == FG_IMAGINARY)
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
            fg_derivatives(&self.c, stencil, rule, self.n, x, first, count, base, doubt, scratch, size, out, &seen)
        finally:
            if scratch is not stack:
                PyMem_Free(scratch)
        return seen

    def differences(self, x, Scheme scheme, components, h, base=None):
        """Derivatives (count, outputs) by a stencil with signed steps h (count,) of some components of the points x.

        base (points, outputs) is f there, for stencils that take it.
        """
        cdef ndarray points = as_doubles(x), c = as_indices(components, PyArray_SIZE(points)), h_ = as_doubles(h)
        cdef ndarray at_x = None if base is None else as_doubles(base)
        cdef Py_ssize_t count = PyArray_SIZE(c)
        cdef ndarray values = empty(count, scheme.c.width, self.c.outputs), out = empty(count, self.c.outputs)
        expect("steps for components", PyArray_SIZE(h_), count)
        if scheme.c.form == FG_BASE:
            expect("values of f, at all points,", 0 if base is None else PyArray_SIZE(at_x),
                   PyArray_SIZE(points) // max(self.n, 1) * self.c.outputs)
        cdef fg_shifts shifts = fg_shifts(n=self.n, x=doubles(points), components=<const ptrdiff_t *>PyArray_DATA(c),
                                          first=0, h=doubles(h_), count=count, offsets=scheme.c.offsets,
                                          width=scheme.c.width)
        self.turn(scheme.c.form == FG_IMAGINARY)
        if count:
            self.c.at_shifts(self.c.ctx, &shifts, doubles(values))
            fg_combine(&scheme.c, &shifts, self.c.outputs, doubles(values),
                       doubles(at_x) if scheme.c.form == FG_BASE else NULL, doubles(out))
        return out

    cdef Py_ssize_t scratch_size(self, Py_ssize_t all) noexcept:
        return STACK

    def adaptive(self, x, base, sizes, room=None, levels=None, int deriv=1, double tolerance=0.0, int most=40, axes=None):
        """Derivatives of all outputs at the points x (points, n), each with its own step and error bar.

        base (points, outputs) is f(x), sizes (points, n) those of the coordinates, room (2, points * n) how far each
        may move, levels (points, outputs) the noise of f where it is known; coordinates beyond the first ``axes`` move
        several of those at a time. Returns, output by output, arrays (5, outputs * points * n):
        value, error, step, left and right slopes; flags (outputs * points * n,); and the noise (points * outputs,).
        """
        cdef fg_wanted wanted
        cdef object kept = self.want(&wanted, x, base, sizes, room, levels)
        cdef Py_ssize_t total = wanted.points * self.n
        cdef npy_intp entries = total * self.c.outputs
        cdef ndarray found = empty(5, entries), noise = empty(wanted.points * self.c.outputs)
        cdef ndarray flags = PyArray_EMPTY(1, &entries, NPY_INT, 0)
        wanted.deriv, wanted.tolerance, wanted.most = deriv, tolerance, most
        if axes is not None:
            wanted.axes = axes
        if entries and fg_adaptive(&wanted, &MEMORY, doubles(found), <int *>PyArray_DATA(flags), doubles(noise)):
            raise MemoryError()
        if self.c.outputs > 1:
            found = found.reshape(5, total, self.c.outputs).transpose(0, 2, 1).reshape(5, entries)
            flags = flags.reshape(total, self.c.outputs).T.reshape(entries)
        return found, flags, noise

    def noise(self, x, base, sizes, room=None):
        """The noise of each output (points, outputs) around the points x (points, n), as for `adaptive`."""
        cdef fg_wanted wanted
        cdef object kept = self.want(&wanted, x, base, sizes, room, None)
        cdef ndarray levels = empty(wanted.points, self.c.outputs)
        if fg_noise_levels(&wanted, &MEMORY, doubles(levels)):
            raise MemoryError()
        return levels

    cdef object want(self, fg_wanted *wanted, object x, object base, object sizes, object room, object levels):
        """Fills in wanted, but for its options; returns what must be kept alive while it is used."""
        cdef ndarray points = as_doubles(x), base_ = as_doubles(base), sizes_ = as_doubles(sizes), room_ = None, levels_ = None
        cdef Py_ssize_t total = PyArray_SIZE(points), count = total // max(self.n, 1)
        expect("coordinates of points", total, count * self.n)
        expect("sizes of coordinates", PyArray_SIZE(sizes_), total)
        expect("values of f", PyArray_SIZE(base_), count * self.c.outputs)
        wanted[0] = fg_wanted(f=&self.c, n=self.n, points=count, x=doubles(points), base=doubles(base_), sizes=doubles(sizes_),
                              room=NULL, levels=NULL, deriv=1, tolerance=0.0, most=40, axes=self.n)
        if room is not None:
            room_ = as_doubles(room)
            expect("bounds of coordinates", PyArray_SIZE(room_), 2 * total)
            wanted.room = doubles(room_)
        if levels is not None:
            levels_ = as_doubles(levels)
            expect("noise levels", PyArray_SIZE(levels_), count * self.c.outputs)
            wanted.levels = doubles(levels_)
        self.turn(False)
        return points, base_, sizes_, room_, levels_

    def at_shifts(self, x, components, h, offsets, bint imaginary=False):
        """Values (count, width, outputs) at the shifts of points x, as ``fg_shifts`` describes them."""
        cdef ndarray points = as_doubles(x), h_ = as_doubles(h), s = as_doubles(offsets)
        cdef Py_ssize_t total = PyArray_SIZE(points)
        cdef ndarray c = as_indices(components, total)
        cdef Py_ssize_t count = PyArray_SIZE(c)
        cdef ndarray values = empty(count, PyArray_SIZE(s), self.c.outputs)
        cdef fg_shifts shifts
        expect("steps for components", PyArray_SIZE(h_), count)
        self.turn(imaginary)
        shifts.n = self.n
        shifts.x = doubles(points)
        shifts.components = <const ptrdiff_t *>PyArray_DATA(c)
        shifts.first = 0
        shifts.h = doubles(h_)
        shifts.count = count
        shifts.offsets = doubles(s)
        shifts.width = PyArray_SIZE(s)
        if count and shifts.width:
            self.c.at_shifts(self.c.ctx, &shifts, doubles(values))
        return values

    def on_line(self, x, direction, Py_ssize_t begin, Py_ssize_t end, double t):
        """The value at x + t * direction, where only coordinates [begin, end) move. For one output."""
        cdef ndarray x_ = as_doubles(x), direction_ = as_doubles(direction)
        cdef double value
        expect("coordinates of x", PyArray_SIZE(x_), self.n)
        expect("coordinates of the direction", PyArray_SIZE(direction_), self.n)
        expect("values of f", self.c.outputs, 1)
        if not 0 <= begin <= end <= self.n:
            raise IndexError(f"the part that moves must be in 0 ... {self.n}")
        self.turn(False)
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
        """Values (count, outputs) at dense points (count, n); at complex ones, their imaginary parts."""
        cdef bint imaginary = PyArray_Check(points) and PyArray_TYPE(<ndarray>points) == NPY_CDOUBLE
        # A complex point is a row of 2n numbers.
        cdef ndarray p = as_doubles(np.ascontiguousarray(points).view(np.float64) if imaginary else points)
        if PyArray_NDIM(p) != 2 or PyArray_DIM(p, 1) != (2 * self.n if imaginary else self.n):
            raise ValueError(f"points have shape {np.shape(points)}; expected (count, {self.n})")
        if self.unknown:
            raise ValueError("how many values f has is not known yet: ask for its value first")
        self.turn(imaginary)
        cdef Py_ssize_t count = PyArray_DIM(p, 0)
        cdef ndarray values = empty(count, self.c.outputs)
        if count:
            self.c.at_points(self.c.ctx, count, self.n, doubles(p), doubles(values))
        return values


cdef int expect(str what, Py_ssize_t size, Py_ssize_t expected) except -1:
    """Raises unless there are as many as expected."""
    if size != expected:
        raise ValueError(f"{size} {what} where {expected} are expected")
    return 0


cdef ndarray as_indices(object components, Py_ssize_t total):
    """Flat indices into the coordinates of points, checked."""
    cdef ndarray c = dense(components, NPY_INTP)
    if PyArray_SIZE(c) and not (0 <= np.min(c) and np.max(c) < total):
        raise IndexError(f"components must be in 0 ... {total - 1}")
    return c
