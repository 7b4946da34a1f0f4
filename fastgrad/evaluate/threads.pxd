# Threads that help with one piece of work, and end with it.

cdef int start_helpers(list helpers, Py_ssize_t count, object help) except -1
cdef int joined(list helpers) except -1
cdef bint leaving() noexcept
