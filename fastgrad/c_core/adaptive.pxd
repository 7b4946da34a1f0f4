from .function cimport fg_function

cdef extern from "adaptive.h":
    enum:
        FG_EMEMORY

    ctypedef struct fg_allocator:
        void *(*resize)(void *memory, size_t bytes) noexcept nogil
        void (*release)(void *memory) noexcept nogil

    ctypedef struct fg_wanted:
        const fg_function *f
        ptrdiff_t n
        ptrdiff_t points
        const double *x
        const double *base
        const double *sizes
        const double *room
        const double *levels
        int deriv
        double tolerance
        int most

    int fg_adaptive(const fg_wanted *wanted, const fg_allocator *memory, double *found, int *flags,
                    double *levels) except -1
    int fg_noise_levels(const fg_wanted *wanted, const fg_allocator *memory, double *levels) except -1
