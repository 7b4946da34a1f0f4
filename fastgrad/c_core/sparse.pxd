from ..c_api cimport int32_t

cdef extern from "sparse.h" nogil:
    ctypedef struct fg_pattern:
        ptrdiff_t m
        ptrdiff_t n
        const int32_t *row_starts
        const int32_t *columns
        const int32_t *column_starts
        const int32_t *rows

    int fg_starts_fit(ptrdiff_t count, const int32_t *starts, ptrdiff_t size) noexcept
    int fg_indices_fit(ptrdiff_t count, const int32_t *indices, ptrdiff_t limit) noexcept
    void fg_by_columns(ptrdiff_t m, ptrdiff_t n, const int32_t *row_starts, const int32_t *columns,
                       int32_t *column_starts, int32_t *rows) noexcept
    ptrdiff_t fg_colour_columns(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work) noexcept
    void fg_smallest_last(const fg_pattern *p, int32_t *order, int32_t *work) noexcept
    ptrdiff_t fg_colour_star(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work) noexcept
    void fg_gather(ptrdiff_t count, const int32_t *group, const double *x, double *out) noexcept
    void fg_set_group(ptrdiff_t count, const int32_t *group, const double *x, const double *h, double sign,
                      double *point) noexcept
    void fg_inverse_distances(ptrdiff_t n, const double *x, const double *first, const double *second,
                              double *inverse) noexcept
    void fg_scatter_group(ptrdiff_t count, const int32_t *entries, const int32_t *rows, const int32_t *columns,
                          const double *right, const double *left, const double *inverse, double *data) noexcept
