from .function cimport fg_shifts
from .stencil cimport fg_stencil, fg_step_rule

cdef extern from "compiled.h" nogil:
    ctypedef double (*fg_scalar)(int n, double *x, void *data) noexcept
    ctypedef int (*fg_columns)(int k, int n, const double *X, double *out, void *data) noexcept

    ctypedef struct fg_compiled:
        fg_scalar scalar
        fg_columns columns
        void *data
        double *scratch
        int returned
        ptrdiff_t evaluations

    ptrdiff_t fg_compiled_scratch(const fg_compiled *f, ptrdiff_t n) noexcept
    int fg_compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) noexcept
    int fg_compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) noexcept
    int fg_columns_derivatives(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                               const double *x, ptrdiff_t points, const double *base, double *scratch,
                               double *derivatives, int *seen) noexcept
    ptrdiff_t fg_columns_scratch(ptrdiff_t n, ptrdiff_t width) noexcept
    ptrdiff_t fg_columns_block(ptrdiff_t n) noexcept
    int fg_columns_slopes(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                          ptrdiff_t count, const double *base, double *scratch, double *slopes, int *seen) noexcept
