/* Sparse Jacobians and Hessians: colours of a pattern, and groups of coordinates that move. */
#ifndef FG_SPARSE_H
#define FG_SPARSE_H

#include "compiler.h"

/* A pattern of m rows and n columns, both < 2^31, by rows and by columns: the columns of row i are
 * columns[row_starts[i]] ..., the rows of column j are rows[column_starts[j]] ... */
typedef struct fg_pattern {
    ptrdiff_t m, n;
    const int32_t *row_starts, *columns;
    const int32_t *column_starts, *rows;
} fg_pattern;

/* Whether starts [in] (count + 1,) rise from 0 to size. Everything below relies on it. */
int fg_starts_fit(ptrdiff_t count, const int32_t *starts, ptrdiff_t size);

/* Whether indices [in] (count,) all lie in [0, limit). Everything below relies on it. */
int fg_indices_fit(ptrdiff_t count, const int32_t *indices, ptrdiff_t limit);

/* A pattern by columns from that by rows, whose starts and indices fit; rows ascend in each column.
 * column_starts [out] (n + 1,), rows [out] (row_starts[m],). */
void fg_by_columns(ptrdiff_t m, ptrdiff_t n, const int32_t *row_starts, const int32_t *columns,
                   int32_t *column_starts, int32_t *rows);

/* Colours [out] (n,) for the columns: those that share a row differ (Curtis, Powell and Reid, IMA
 * J. Appl. Math. 13 (1974) 117-119; Coleman and More, SIAM J. Numer. Anal. 20 (1983) 187-209). Each
 * in turn takes the least that is free.
 * order [in] (n,), or NULL: natural; work [scratch] (n,). Returns how many there are. */
ptrdiff_t fg_colour_columns(const fg_pattern *p, const int32_t *order, int32_t *colours,
                            int32_t *work);

/* The order that takes last the column with the fewest neighbours among those not yet placed
 * (Matula and Beck, J. ACM 30 (1983) 417-427). order [out] (n,); work [scratch] (5 * n,). */
void fg_smallest_last(const fg_pattern *p, int32_t *order, int32_t *work);

/* Colours of a symmetric pattern, of which only rows are looked at: neighbours differ, and no path
 * of four has but two colours (star colouring: Gebremedhin, Manne and Pothen, SIAM Rev. 47 (2005)
 * 629-705). Arguments and result as for fg_colour_columns. */
ptrdiff_t fg_colour_star(const fg_pattern *p, const int32_t *order, int32_t *colours,
                         int32_t *work);

/* out [out] (count,) = x[group]. */
void fg_gather(ptrdiff_t count, const int32_t *group, const double *x, double *out);

/* Coordinates of a group [in] (count,) of point [in, out] (n,): to x + sign * h, or to x itself
 * with sign 0. x, h [in] (count,): gathered. */
void fg_set_group(ptrdiff_t count, const int32_t *group, const double *x, const double *h,
                  double sign, double *point);

/* inverse [out] (n,): one over the distance from x + second to x + first; second may be NULL:
 * then it is -first. */
void fg_inverse_distances(ptrdiff_t n, const double *x, const double *first, const double *second,
                          double *inverse);

/* data[entries[a]] [out] = (right[rows[a]] - left[rows[a]]) * inverse[columns[a]], for a in
 * [0, count). A division here took longer than all else. */
void fg_scatter_group(ptrdiff_t count, const int32_t *entries, const int32_t *rows,
                      const int32_t *columns, const double *right, const double *left,
                      const double *inverse, double *data);

#endif
