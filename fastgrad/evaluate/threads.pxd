cdef int start_helpers(list helpers, Py_ssize_t count, help) except -1
cdef int joined(list helpers) except -1
