cdef extern from "function.h":
    int FG_OK
    int FG_ECALLBACK
    int FG_EWRITTEN

    ctypedef struct fg_shifts:
        ptrdiff_t n
        const double *x
        const ptrdiff_t *components
        ptrdiff_t first
        const double *h
        ptrdiff_t count
        const double *offsets
        ptrdiff_t width

    ptrdiff_t fg_component_of(const fg_shifts *shifts, ptrdiff_t a) noexcept nogil

    ctypedef struct fg_function:
        void *ctx
        ptrdiff_t outputs
        int (*at_shifts)(void *ctx, const fg_shifts *shifts, double *values) except -1
        int (*at_points)(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1

    void fg_fill_rows(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *rows) noexcept nogil
    void fg_fill_columns(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *columns) noexcept nogil
    void fg_fill_imaginary(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, int columns,
                           double *out) noexcept nogil
    void fg_to_complex(ptrdiff_t n, const double *x, double *out) noexcept nogil
    int fg_equals_complex(ptrdiff_t n, const double *x, const double *z) noexcept nogil
    void fg_fill_nan(ptrdiff_t count, double *values) noexcept nogil
    void fg_transpose(ptrdiff_t count, ptrdiff_t n, const double *points, double *columns) noexcept nogil
