from ..c_api cimport uint64_t

cdef extern from "points.h" nogil:
    void fg_line_point(ptrdiff_t n, const double *x, const double *direction, double t, ptrdiff_t begin, ptrdiff_t end,
                       double *out) noexcept
    void fg_line_points(ptrdiff_t n, const double *x, const double *direction, double origin, ptrdiff_t count,
                        const double *t, int complex_t, double *out) noexcept
    void fg_random_direction(ptrdiff_t n, uint64_t seed, double scale, double *out) noexcept
    double fg_product_sums(ptrdiff_t n, const double *a, const double *b, double *squares) noexcept
    void fg_pair_points(ptrdiff_t n, const double *x, ptrdiff_t lines, const ptrdiff_t *pairs, const double *moves,
                        const double *origin, ptrdiff_t count, const double *t, double *out) noexcept
