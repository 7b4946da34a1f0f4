# NumPy arrays as C reads them.
from ..c_api cimport (
    NPY_ARRAY_CARRAY_RO, NPY_ARRAY_ENSUREARRAY, NPY_ARRAY_FORCECAST, NPY_DOUBLE, PyArray_CheckExact, PyArray_DATA,
    PyArray_DESCR, PyArray_DIMS, PyArray_EMPTY, PyArray_FROM_OTF, PyArray_ISCARRAY, PyArray_ISCARRAY_RO, PyArray_IS_C_CONTIGUOUS, PyArray_NDIM, PyArray_SIZE,
    PyArray_TYPE, PyObject, int32_t, memcmp, ndarray, npy_intp,
)


cdef inline ndarray dense(object x, int kind):
    """x itself if it is a C-contiguous, aligned, native array of this kind of number; else a copy that is."""
    if PyArray_CheckExact(x) and PyArray_TYPE(<ndarray>x) == kind and PyArray_ISCARRAY_RO(<ndarray>x):
        return <ndarray>x
    return PyArray_FROM_OTF(x, kind, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_ENSUREARRAY | NPY_ARRAY_FORCECAST)


cdef inline ndarray as_doubles(object x):
    return dense(x, NPY_DOUBLE)


cdef inline double *doubles(ndarray x) noexcept:
    return <double *>PyArray_DATA(x)


cdef inline int32_t *ints(ndarray x) noexcept:
    return <int32_t *>PyArray_DATA(x)


cdef inline void *memory_of(object x, Py_ssize_t size, int kind) except NULL:
    """The memory of an array that C writes to: so many numbers of a kind, contiguous."""
    if not (PyArray_CheckExact(x) and PyArray_TYPE(<ndarray>x) == kind and PyArray_ISCARRAY(<ndarray>x)
            and PyArray_SIZE(<ndarray>x) == size):
        raise ValueError(f"expected a writable, contiguous array of {size} numbers of type {kind}")
    return PyArray_DATA(<ndarray>x)


cdef inline double *written(object x, Py_ssize_t size) except NULL:
    return <double *>memory_of(x, size, NPY_DOUBLE)


cdef inline ndarray empty(Py_ssize_t rows, Py_ssize_t columns=-1, Py_ssize_t layers=-1):
    """A new float64 array (rows,), (rows, columns), or (rows, columns, layers)."""
    cdef npy_intp shape[3]
    shape[0], shape[1], shape[2] = rows, columns, layers
    return PyArray_EMPTY(1 if columns < 0 else 2 if layers < 0 else 3, shape, NPY_DOUBLE, 0)


cdef inline bint is_as_given(PyObject *x, const void *data, const void *descr, int ndim, const npy_intp *dims) noexcept:
    """Whether an array that f was given is still what it was: f may have moved, reshaped or retyped it."""
    # A pointer, since an object would be counted up and down at each evaluation.
    return (PyArray_DATA(<ndarray>x) == data and PyArray_DESCR(<ndarray>x) == descr
            and PyArray_IS_C_CONTIGUOUS(<ndarray>x) and PyArray_NDIM(<ndarray>x) == ndim
            and (PyArray_DIMS(<ndarray>x)[0] == dims[0] if ndim == 1 else
                 memcmp(PyArray_DIMS(<ndarray>x), dims, ndim * sizeof(npy_intp)) == 0))
