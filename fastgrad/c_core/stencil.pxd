from .function cimport fg_function, fg_shifts

cdef extern from "stencil.h":
    enum fg_form:
        FG_PAIRS
        FG_BASE
        FG_IMAGINARY

    ctypedef struct fg_stencil:
        fg_form form
        ptrdiff_t width
        const double *offsets
        const double *coefficients

    ctypedef struct fg_step_rule:
        double relative
        const double *absolute
        const double *typical

    ctypedef struct fg_doubt:
        double span
        double least
        unsigned char *curved

    void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count,
                  int exact, double *h) noexcept nogil
    void fg_sizes(ptrdiff_t n, ptrdiff_t count, const double *x, const double *typical, double *sizes) noexcept nogil
    int fg_combine(const fg_stencil *stencil, const fg_shifts *shifts, ptrdiff_t outputs, const double *values,
                   const double *base, double *derivatives) noexcept nogil
    void fg_combine_columns(const fg_stencil *stencil, ptrdiff_t count, const double *x, const double *h,
                            const double *values, const double *base, double *derivatives, int *seen) noexcept nogil
    int fg_derivatives(const fg_function *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                       const double *x, ptrdiff_t first, ptrdiff_t count, const double *base, const fg_doubt *doubt,
                       double *scratch, ptrdiff_t size, double *derivatives, int *seen) except -1

    # The same, where no callback needs the GIL.
    int derivatives_in_c "fg_derivatives"(
        const fg_function *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n, const double *x,
        ptrdiff_t first, ptrdiff_t count, const double *base, const fg_doubt *doubt, double *scratch, ptrdiff_t size,
        double *derivatives, int *seen) noexcept nogil
