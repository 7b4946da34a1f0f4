# What the modules use of NumPy, Python and the C library.
#
# Declared here, not cimported from `numpy`, `cpython` and `libc`: each module would translate those in whole, a third of
# the time that Cython takes, and look up all types of NumPy when it is imported.

cdef extern from "numpy/arrayobject.h":
    ctypedef Py_ssize_t npy_intp

    ctypedef class numpy.ndarray [object PyArrayObject, check_size ignore]:
        pass

    enum:
        NPY_BOOL, NPY_INT, NPY_INT32, NPY_INTP, NPY_FLOAT, NPY_DOUBLE, NPY_CDOUBLE
        NPY_ARRAY_CARRAY, NPY_ARRAY_CARRAY_RO, NPY_ARRAY_ENSUREARRAY, NPY_ARRAY_FORCECAST, NPY_ARRAY_OWNDATA

    enum NPY_ORDER:
        NPY_CORDER

    int _import_array() except -1
    bint PyArray_Check(object x)
    bint PyArray_CheckExact(object x)
    bint PyArray_CHKFLAGS(ndarray x, int flags)
    bint PyArray_ISCARRAY(ndarray x)
    bint PyArray_ISCARRAY_RO(ndarray x)
    bint PyArray_IS_C_CONTIGUOUS(ndarray x)
    bint PyArray_ISBEHAVED(ndarray x)
    bint PyArray_ISBEHAVED_RO(ndarray x)
    bint PyArray_ISNOTSWAPPED(ndarray x)
    bint PyArray_SAMESHAPE(ndarray x, ndarray y)
    int PyArray_TYPE(ndarray x)
    void *PyArray_DESCR(ndarray x)
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
    ctypedef struct PyObject:
        pass

    Py_ssize_t Py_REFCNT(PyObject *x)
    void Py_INCREF(PyObject *x)
    void Py_DECREF(PyObject *x)
    PyObject *PyObject_Vectorcall(PyObject *callable, PyObject **args, size_t nargs, PyObject *names)
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    bint PyFunction_Check(object x)
    bint PyMethod_Check(object x)
    bint PyFloat_CheckExact(object x)
    double PyFloat_AS_DOUBLE(object x)
    object PyBytes_FromStringAndSize(const char *text, Py_ssize_t size)
    char *PyBytes_AS_STRING(object x)
    const char *PyCapsule_GetName(object capsule) except? NULL
    void *PyCapsule_GetPointer(object capsule, const char *name) except? NULL
    void *PyCapsule_GetContext(object capsule) except? NULL
    int PyErr_CheckSignals()
    void *PyMem_Malloc(size_t size)
    void PyMem_Free(void *memory)
    void *PyMem_RawMalloc(size_t size)
    void *PyMem_RawRealloc(void *memory, size_t size) noexcept nogil
    void PyMem_RawFree(void *memory) noexcept nogil

cdef extern from "<stdint.h>":
    const int INT32_MAX
    ctypedef int int32_t
    ctypedef unsigned long long uint64_t

cdef extern from "<string.h>" nogil:
    void *memcpy(void *to, const void *source, size_t size)
    void *memset(void *to, int value, size_t size)
    int memcmp(const void *a, const void *b, size_t size)
    void *memchr(const void *a, int byte, size_t size)

cdef extern from "<float.h>":
    const double DBL_MAX
    const double DBL_MIN

cdef extern from "<math.h>" nogil:
    double fabs(double x)
