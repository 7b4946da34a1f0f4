# Sparse Jacobians: colours, and values of f where groups of coordinates move. Part of border.pyx.

cdef int32_t *ints(cnp.ndarray x) noexcept:
    return <int32_t *>cnp.PyArray_DATA(x)


cdef cnp.ndarray as_ints(object x):
    return np.ascontiguousarray(x, dtype=np.int32)


@cython.final
cdef class Pattern:
    """Where a matrix may not be zero, by rows (CSR) and by columns (CSC)."""
    cdef fg_pattern c
    cdef readonly cnp.ndarray row_starts, columns, column_starts, rows

    def __init__(self, Py_ssize_t m, Py_ssize_t n, row_starts, columns, column_starts, rows):
        self.row_starts, self.columns = as_ints(row_starts), as_ints(columns)
        self.column_starts, self.rows = as_ints(column_starts), as_ints(rows)
        if (self.row_starts.size != m + 1 or self.column_starts.size != n + 1
                or self.columns.size != self.row_starts[m] or self.rows.size != self.column_starts[n]):
            raise ValueError("the pattern's arrays do not fit together")
        self.c.m, self.c.n = m, n
        self.c.row_starts, self.c.columns = ints(self.row_starts), ints(self.columns)
        self.c.column_starts, self.c.rows = ints(self.column_starts), ints(self.rows)

    def colours(self, bint smallest_last=False, bint star=False):
        """The colours of the columns, and how many there are."""
        cdef cnp.ndarray found = np.empty(self.c.n, dtype=np.int32)
        cdef cnp.ndarray work = np.empty((6 if smallest_last else 1) * self.c.n + 1, dtype=np.int32)
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
    cdef readonly cnp.ndarray groups, group_starts, entries, entry_starts, entry_rows, entry_columns
    cdef readonly Py_ssize_t count
    cdef list spare  # room for work, (3n,), that no call uses at the moment

    def __init__(self, row_starts, columns, colours, Py_ssize_t count):
        """row_starts, columns: of the matrix, as CSR has them; colours: (n,), one a column."""
        self.spare = []
        colour, columns = np.asarray(colours), np.asarray(columns)
        rows = np.repeat(np.arange(len(row_starts) - 1, dtype=np.int32), np.diff(row_starts))
        self.count = count
        self.groups = as_ints(np.argsort(colour, kind="stable"))
        self.group_starts = np.searchsorted(colour[self.groups], np.arange(count + 1)).astype(np.int32)
        of_entry = colour[columns]
        self.entries = as_ints(np.argsort(of_entry, kind="stable"))
        self.entry_starts = np.searchsorted(of_entry[self.entries], np.arange(count + 1)).astype(np.int32)
        self.entry_rows, self.entry_columns = as_ints(rows[self.entries]), as_ints(columns[self.entries])

    def moved(self, x, moves):
        """Points (count, n): in each, the columns of one colour are moved."""
        points = np.tile(x, (self.count, 1))
        for c in range(self.count):
            group = self.groups[self.group_starts[c]:self.group_starts[c + 1]]
            points[c, group] += moves[group]
        return points

    def scatter(self, rights, lefts, x, first, second, data):
        """Writes the entries, differences of values (count, m) at x + first and x + second, to data."""
        cdef const double[:, ::1] right_ = rights, left_ = lefts
        cdef const double[::1] x_ = x, first_ = first, second_ = second
        cdef double[::1] data_ = data
        cdef double[::1] inverse = np.empty(x_.shape[0])
        cdef Py_ssize_t c
        fg_inverse_distances(x_.shape[0], &x_[0], &first_[0], &second_[0], &inverse[0])
        for c in range(self.count):
            self.write(c, &right_[c, 0], &left_[c, 0], &inverse[0], &data_[0])

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
    cdef double[::1] x_ = x, h_ = h, data_ = data
    cdef Py_ssize_t n = x_.shape[0], c, k
    cdef int32_t begin, count
    cdef cnp.ndarray right, left
    f.turn(False)
    if n != f.n or h_.shape[0] != n:
        raise ValueError("x, its steps and f do not fit together")
    cdef cnp.ndarray room
    try:
        room = by.spare.pop()
    except IndexError:
        room = np.empty(3 * n)
    cdef double *work = doubles(room)
    cdef double *moves = work + n
    cdef double *inverse = work + 2 * n
    try:
        for k in range(n):
            moves[k] = -h_[k]
        fg_inverse_distances(n, &x_[0], &h_[0], moves, inverse)
        # In the order of the groups.
        fg_gather(n, ints(by.groups), &x_[0], work)
        fg_gather(n, ints(by.groups), &h_[0], moves)
        f.load(&x_[0])
        for c in range(by.count):
            begin = ints(by.group_starts)[c]
            count = ints(by.group_starts)[c + 1] - begin
            for k in range(2):
                if f.restores or Py_REFCNT(<PyObject *>f.scratch) != 1:
                    f.load(&x_[0])
                fg_set_group(count, ints(by.groups) + begin, work + begin, moves + begin, -1.0 if k else 1.0, f.data)
                try:
                    if k == 0:
                        right = f.vector()
                        f.look(f.c.outputs, doubles(right))
                    else:
                        left = f.vector()
                        f.look(f.c.outputs, doubles(left))
                except Exception as error:
                    results.add_note(error, f"while evaluating f with {count} coordinates moved, "
                                            f"the first {f.named().name(int(by.groups[begin]))}")
                    raise
            if Py_REFCNT(<PyObject *>f.scratch) != 1:
                f.load(&x_[0])
            fg_set_group(count, ints(by.groups) + begin, work + begin, moves + begin, 0.0, f.data)
            if not f.restores and (c == 0 or c + 1 == by.count) and not f.intact(&x_[0]):
                # f overwrites its argument: all again, with the whole point restored before each call.
                f.restores = True
                return compressed(f, by, x, h, data)
            by.write(c, doubles(right), doubles(left), inverse, &data_[0])
    finally:
        by.spare.append(room)
