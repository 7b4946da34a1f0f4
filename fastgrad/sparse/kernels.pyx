"""Sparse Jacobians: colours, and values of f where groups of coordinates move."""
cimport cython

from ..c_api cimport NPY_INT32, PyArray_SIZE, PyObject, Py_REFCNT, _import_array, int32_t, ndarray
from ..c_core.sparse cimport (
    fg_colour_columns, fg_colour_star, fg_gather, fg_inverse_distances, fg_pattern, fg_scatter_group, fg_set_group,
    fg_smallest_last,
)
from ..evaluate.arrays cimport as_doubles, dense, doubles, empty, ints, written
from ..evaluate.python cimport PythonFunction

import numpy as np

from ..evaluate import results

_import_array()


cdef ndarray as_ints(object x):
    return dense(x, NPY_INT32)


@cython.final
cdef class Pattern:
    """Where a matrix may not be zero, by rows (CSR) and by columns (CSC)."""
    cdef fg_pattern c
    cdef readonly ndarray row_starts, columns, column_starts, rows

    def __init__(self, Py_ssize_t m, Py_ssize_t n, row_starts, columns, column_starts, rows):
        self.row_starts, self.columns = as_ints(row_starts), as_ints(columns)
        self.column_starts, self.rows = as_ints(column_starts), as_ints(rows)
        self.c.m, self.c.n = m, n
        self.c.row_starts, self.c.columns = ints(self.row_starts), ints(self.columns)
        self.c.column_starts, self.c.rows = ints(self.column_starts), ints(self.rows)
        if (PyArray_SIZE(self.row_starts) != m + 1 or PyArray_SIZE(self.column_starts) != n + 1
                or PyArray_SIZE(self.columns) != self.c.row_starts[m]
                or PyArray_SIZE(self.rows) != self.c.column_starts[n]):
            raise ValueError("the pattern's arrays do not fit together")

    def colours(self, bint smallest_last=False, bint star=False):
        """The colours of the columns, and how many there are."""
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
    cdef readonly Py_ssize_t count
    cdef list spare  # room for work, (3n,), that no call uses at the moment

    def __init__(self, groups, group_starts, entries, entry_starts, entry_rows, entry_columns):
        """Columns (n,) colour by colour, and where each colour starts; so the entries, their rows and columns."""
        self.spare = []
        self.groups, self.group_starts = as_ints(groups), as_ints(group_starts)
        self.entries, self.entry_starts = as_ints(entries), as_ints(entry_starts)
        self.entry_rows, self.entry_columns = as_ints(entry_rows), as_ints(entry_columns)
        self.count = PyArray_SIZE(self.group_starts) - 1
        if (PyArray_SIZE(self.entry_starts) != self.count + 1 or PyArray_SIZE(self.entry_rows) != PyArray_SIZE(self.entries)
                or PyArray_SIZE(self.entry_columns) != PyArray_SIZE(self.entries)):
            raise ValueError("the groups and their entries do not fit together")

    def scatter(self, rights, lefts, x, first, second, data):
        """Writes the entries, differences of values (count, m) at x + first and x + second, to data."""
        cdef ndarray right = as_doubles(rights), left = as_doubles(lefts), x_ = as_doubles(x)
        cdef ndarray first_ = as_doubles(first), second_ = as_doubles(second)
        cdef Py_ssize_t c, m, n = PyArray_SIZE(self.groups), columns = max(self.count, 1)
        cdef ndarray inverse = empty(n)
        cdef double *out = written(data, PyArray_SIZE(self.entries))
        if (PyArray_SIZE(x_) != n or PyArray_SIZE(first_) != n or PyArray_SIZE(second_) != n
                or PyArray_SIZE(right) != PyArray_SIZE(left) or PyArray_SIZE(right) % columns):
            raise ValueError("the points and the values there do not fit together")
        m = PyArray_SIZE(right) // columns
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
    if PyArray_SIZE(x_) != f.n or PyArray_SIZE(h_) != f.n or PyArray_SIZE(by.groups) != f.n:
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
