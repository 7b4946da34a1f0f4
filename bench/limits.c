/* What no Python differentiator can beat: the bare calls, without a difference taken. For bench/ only. */
#include <Python.h>

/* count calls f(x); 0, or -1 with a Python exception set. */
int limit_calls(PyObject *f, PyObject *x, Py_ssize_t count)
{
    for (Py_ssize_t k = 0; k < count; k++) {
        PyObject *value = PyObject_CallOneArg(f, x);
        if (!value)
            return -1;
        Py_DECREF(value);
    }
    return 0;
}
