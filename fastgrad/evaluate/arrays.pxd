# NumPy arrays as C reads them: the part of NumPy's C interface that is used here, and conversions.
#
# Declared here and not by `cimport numpy`, which each module would translate in whole, and whose types it would look up
# when it is imported.
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.stdint cimport int32_t

cdef extern from "numpy/arrayobject.h":
    ctypedef Py_ssize_t npy_intp

    ctypedef class numpy.ndarray [object PyArrayObject, check_size ignore]:
        pass

    enum:
        NPY_INT, NPY_INT32, NPY_INTP, NPY_FLOAT, NPY_DOUBLE, NPY_CDOUBLE
        NPY_ARRAY_CARRAY, NPY_ARRAY_CARRAY_RO, NPY_ARRAY_ENSUREARRAY, NPY_ARRAY_FORCECAST, NPY_ARRAY_OWNDATA

    enum NPY_ORDER:
        NPY_CORDER

    int _import_array() except -1
    bint PyArray_Check(object x)
    bint PyArray_CheckExact(object x)
    bint PyArray_CHKFLAGS(ndarray x, int flags)
    bint PyArray_ISCARRAY(ndarray x)
    bint PyArray_ISCARRAY_RO(ndarray x)
    bint PyArray_ISNOTSWAPPED(ndarray x)
    bint PyArray_SAMESHAPE(ndarray x, ndarray y)
    int PyArray_TYPE(ndarray x)
    int PyArray_NDIM(ndarray x)
    npy_intp *PyArray_DIMS(ndarray x)
    npy_intp PyArray_DIM(ndarray x, int axis)
    npy_intp PyArray_SIZE(ndarray x)
    npy_intp PyArray_NBYTES(ndarray x)
    npy_intp PyArray_MultiplyList(npy_intp *dims, int ndim)
    void *PyArray_DATA(ndarray x)
    ndarray PyArray_EMPTY(int ndim, npy_intp *dims, int kind, int fortran)
    ndarray PyArray_ZEROS(int ndim, npy_intp *dims, int kind, int fortran)
    ndarray PyArray_NewCopy(ndarray x, NPY_ORDER order)
    ndarray PyArray_SimpleNewFromData(int ndim, npy_intp *dims, int kind, void *data)
    ndarray PyArray_FROM_OTF(object x, int kind, int flags)
    int PyArray_SetBaseObject(ndarray x, PyObject *base) except -1

cdef extern from "Python.h":
    void Py_INCREF(PyObject *x)


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


cdef inline ndarray empty(Py_ssize_t size):
    """A new float64 array (size,)."""
    return PyArray_EMPTY(1, &size, NPY_DOUBLE, 0)


cdef inline ndarray scratch_array(int ndim, npy_intp *dims, int kind):
    """A new array for f to read, and C to write: it does not own its memory, so that f cannot resize it."""
    cdef Py_ssize_t item = 16 if kind == NPY_CDOUBLE else 8
    cdef object memory = PyBytes_FromStringAndSize(NULL, item * PyArray_MultiplyList(dims, ndim))
    cdef ndarray array = PyArray_SimpleNewFromData(ndim, dims, kind, PyBytes_AS_STRING(memory))
    Py_INCREF(<PyObject *>memory)
    PyArray_SetBaseObject(array, <PyObject *>memory)  # takes the reference
    return array
