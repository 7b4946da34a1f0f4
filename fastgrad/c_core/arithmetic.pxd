cdef extern from "arithmetic.h":
    int fg_arithmetic() noexcept
