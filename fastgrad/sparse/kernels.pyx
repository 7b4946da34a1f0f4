"""Sparse Jacobians: colours, and values of f where groups of coordinates move."""
cimport cython

from ..c_api cimport INT32_MAX, PyArray_SIZE, PyObject, Py_REFCNT, _import_array, int32_t, ndarray
from ..c_core.sparse cimport (
    fg_by_columns, fg_colour_columns, fg_colour_star, fg_gather, fg_indices_fit, fg_inverse_distances, fg_pattern,
    fg_scatter_group, fg_set_group, fg_smallest_last, fg_starts_fit,
)
from ..evaluate.arrays cimport as_doubles, doubles, empty, ints, written
from ..evaluate.python cimport PythonFunction

import numpy as np

from ..evaluate import results

_import_array()


cdef ndarray own_ints(object x):
    """A copy as int32 that nobody else holds: what was checked stays as it is."""
    given = np.asarray(x)
    found = given.astype(np.int32)
    if found.ndim != 1 or not np.array_equal(found, given):
        raise ValueError("expected an array of indices that fit into 32 bits")
    found.flags.writeable = False
    return found


cdef int check_starts(ndarray starts, Py_ssize_t count, Py_ssize_t size) except -1:
    if count < 0 or PyArray_SIZE(starts) != count + 1 or not fg_starts_fit(count, ints(starts), size):
        raise ValueError(f"starts of {count} lists do not rise from 0 to {size}")
    return 0


cdef int check_indices(ndarray indices, Py_ssize_t limit) except -1:
    if not fg_indices_fit(PyArray_SIZE(indices), ints(indices), limit):
        raise ValueError(f"indices lie outside of 0 to {limit - 1}")
    return 0


@cython.final
cdef class Pattern:
    """Where a matrix may not be zero, by rows (CSR) and by columns (CSC)."""
    cdef fg_pattern c
    cdef readonly ndarray row_starts, columns, column_starts, rows

    def __init__(self, Py_ssize_t m, Py_ssize_t n, row_starts, columns):
        """The entries of row i are in columns[row_starts[i]:row_starts[i + 1]]."""
        cdef ndarray starts = own_ints(row_starts), indices = own_ints(columns)
        if not 0 <= n <= INT32_MAX or m > INT32_MAX:
            raise ValueError(f"a pattern of shape {(m, n)} is beyond 32 bits")
        check_starts(starts, m, PyArray_SIZE(indices))
        check_indices(indices, n)
        self.row_starts, self.columns = starts, indices
        self.column_starts, self.rows = np.empty(n + 1, dtype=np.int32), np.empty(PyArray_SIZE(indices), dtype=np.int32)
        fg_by_columns(m, n, ints(starts), ints(indices), ints(self.column_starts), ints(self.rows))
        self.column_starts.flags.writeable = self.rows.flags.writeable = False
        self.c = fg_pattern(m=m, n=n, row_starts=ints(starts), columns=ints(indices),
                            column_starts=ints(self.column_starts), rows=ints(self.rows))

    def colours(self, bint smallest_last=False, bint star=False):
        """The colours of the columns, and how many there are."""
        if star and self.c.m != self.c.n:
            raise ValueError("a star colouring needs a square pattern")
        cdef ndarray found = np.empty(self.c.n, dtype=np.int32)
        cdef ndarray work = np.empty((6 if smallest_last else 1) * self.c.n + 1, dtype=np.int32)
        cdef int32_t *order = NULL
        cdef Py_ssize_t count
        cdef int32_t *colours = ints(found)
        cdef int32_t *scratch = ints(work)
        with nogil:
            if smallest_last:
                order = scratch + 5 * self.c.n
                fg_smallest_last(&self.c, order, scratch)
            if star:
                count = fg_colour_star(&self.c, order, colours, scratch)
            else:
                count = fg_colour_columns(&self.c, order, colours, scratch)
        return found, count


@cython.final
cdef class Compression:
    """Which columns move together, and which entries of a CSR matrix that gives."""
    cdef readonly ndarray groups, group_starts, entries, entry_starts, entry_rows, entry_columns
    cdef readonly Py_ssize_t count, outputs
    cdef list spare  # room for work, (3n,), that no call uses at the moment

    def __init__(self, Py_ssize_t outputs, groups, group_starts, entries, entry_starts, entry_rows, entry_columns):
        """Columns (n,) colour by colour, and where each colour starts; so the entries, their rows and columns."""
        self.spare, self.outputs = [], outputs
        self.groups, self.group_starts = own_ints(groups), own_ints(group_starts)
        self.entries, self.entry_starts = own_ints(entries), own_ints(entry_starts)
        self.entry_rows, self.entry_columns = own_ints(entry_rows), own_ints(entry_columns)
        cdef Py_ssize_t n = PyArray_SIZE(self.groups), size = PyArray_SIZE(self.entries)
        self.count = max(0, PyArray_SIZE(self.group_starts) - 1)
        if PyArray_SIZE(self.entry_rows) != size or PyArray_SIZE(self.entry_columns) != size:
            raise ValueError("the entries and their rows and columns do not fit together")
        check_starts(self.group_starts, self.count, n)
        check_starts(self.entry_starts, self.count, size)
        check_indices(self.groups, n)
        check_indices(self.entries, size)
        check_indices(self.entry_rows, outputs)
        check_indices(self.entry_columns, n)

    def scatter(self, rights, lefts, x, first, second, data):
        """Writes the entries, differences of values (count, m) at x + first and x + second, to data."""
        cdef ndarray right = as_doubles(rights), left = as_doubles(lefts), x_ = as_doubles(x)
        cdef ndarray first_ = as_doubles(first), second_ = as_doubles(second)
        cdef Py_ssize_t c, m = self.outputs, n = PyArray_SIZE(self.groups)
        cdef ndarray inverse = empty(n)
        cdef double *out = written(data, PyArray_SIZE(self.entries))
        if (PyArray_SIZE(x_) != n or PyArray_SIZE(first_) != n or PyArray_SIZE(second_) != n
                or PyArray_SIZE(right) != self.count * m or PyArray_SIZE(left) != self.count * m):
            raise ValueError("the points and the values there do not fit together")
        fg_inverse_distances(n, doubles(x_), doubles(first_), doubles(second_), doubles(inverse))
        for c in range(self.count):
            self.write(c, doubles(right) + c * m, doubles(left) + c * m, doubles(inverse), out)

    cdef void write(self, Py_ssize_t c, const double *right, const double *left, const double *inverse, double *data) noexcept:
        """The entries of colour c."""
        cdef int32_t begin = ints(self.entry_starts)[c], end = ints(self.entry_starts)[c + 1]
        if begin < end:
            fg_scatter_group(end - begin, ints(self.entries) + begin, ints(self.entry_rows) + begin,
                             ints(self.entry_columns) + begin, right, left, inverse, data)


def compressed(PythonFunction f, Compression by, x, h, data):
    """Differences of a Python function's values at x + h and x - h, column groups at a time, as `data`.

    One scratch array is moved in place, and f's own results are read: at many coordinates each copy counts.
    """
    cdef ndarray x_ = as_doubles(x), h_ = as_doubles(h)
    cdef double *out = written(data, PyArray_SIZE(by.entries))
    f.turn(False)
    if PyArray_SIZE(x_) != f.n or PyArray_SIZE(h_) != f.n or PyArray_SIZE(by.groups) != f.n or f.c.outputs != by.outputs:
        raise ValueError("x, its steps and f do not fit together")
    cdef ndarray room
    try:
        room = by.spare.pop()
    except IndexError:
        room = empty(3 * f.n)
    try:
        if all_groups(f, by, doubles(x_), doubles(h_), doubles(room), out):
            # All again, with the whole point restored before each call.
            f.restores = True
            all_groups(f, by, doubles(x_), doubles(h_), doubles(room), out)
    finally:
        by.spare.append(room)


cdef bint all_groups(PythonFunction f, Compression by, const double *x, const double *h, double *work, double *data) except -1:
    """All entries; 1 as soon as f is seen to overwrite its argument. work: (3n,)."""
    cdef double *moves = work + f.n
    cdef double *inverse = work + 2 * f.n
    cdef const int32_t *group
    cdef int32_t begin, count
    cdef Py_ssize_t c
    cdef ndarray right, left
    fg_inverse_distances(f.n, x, h, NULL, inverse)
    # In the order of the groups.
    fg_gather(f.n, ints(by.groups), x, work)
    fg_gather(f.n, ints(by.groups), h, moves)
    f.load(x)
    for c in range(by.count):
        begin = ints(by.group_starts)[c]
        count = ints(by.group_starts)[c + 1] - begin
        group = ints(by.groups) + begin
        right = moved_by(f, x, count, group, work + begin, moves + begin, 1.0)
        left = moved_by(f, x, count, group, work + begin, moves + begin, -1.0)
        if Py_REFCNT(<PyObject *>f.scratch) != 1:
            f.load(x)
        fg_set_group(count, group, work + begin, moves + begin, 0.0, f.data)
        if not f.restores and (c == 0 or c + 1 == by.count) and not f.intact(x):
            return True
        by.write(c, doubles(right), doubles(left), inverse, data)
    return False


cdef ndarray moved_by(PythonFunction f, const double *x, int32_t count, const int32_t *group, const double *gathered,
                      const double *moves, double sign):
    """f's values where a group of coordinates is moved."""
    if f.restores or Py_REFCNT(<PyObject *>f.scratch) != 1:
        f.load(x)
    fg_set_group(count, group, gathered, moves, sign, f.data)
    cdef ndarray values
    try:
        values = f.vector()
    except Exception as error:
        results.add_note(error, f"while evaluating f with {count} coordinates moved, the first {f.named().name(group[0])}")
        raise
    f.look(f.c.outputs, doubles(values))
    return values
