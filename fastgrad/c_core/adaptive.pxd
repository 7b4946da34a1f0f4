from .function cimport fg_function

cdef extern from "adaptive.h":
    ctypedef struct fg_noise:
        double level
        double size
        double slope
        double accepted
        double spacing
        int narrow
        int hidden
        int failed
        int grown
        int done
        int evaluations

    int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                          const double *scale, const double *room, double *scratch, ptrdiff_t size,
                          fg_noise *noise) except -1

    void fg_known_noise(ptrdiff_t points, double level, const double *base, fg_noise *noise) noexcept
    void fg_read_levels(ptrdiff_t points, const fg_noise *noise, double *levels) noexcept

    ctypedef struct fg_component:
        double value
        double error
        double step
        double left
        double right
        int flags
        int evaluations

    int fg_adaptive(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                    fg_noise *noise, const double *scale, const double *room, fg_component *components,
                    double *scratch, ptrdiff_t size) except -1
    void fg_read_components(ptrdiff_t count, const fg_component *components, double *found, int *flags) noexcept
