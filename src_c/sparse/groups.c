/* Groups of coordinates that move together. */
#include "sparse.h"

void fg_gather(ptrdiff_t count, const int32_t *group, const double *x, double *out)
{
    for (ptrdiff_t a = 0; a < count; a++)
        out[a] = x[group[a]];
}

void fg_set_group(ptrdiff_t count, const int32_t *group, const double *x, const double *h,
                  double sign, double *point)
{
    if (sign == 0.0)
        for (ptrdiff_t a = 0; a < count; a++)
            point[group[a]] = x[a];
    else
        for (ptrdiff_t a = 0; a < count; a++)
            point[group[a]] = x[a] + sign * h[a];
}

FG_CLONES void fg_inverse_distances(ptrdiff_t n, const double *x, const double *first,
                                    const double *second, double *inverse)
{
    if (second)
        for (ptrdiff_t j = 0; j < n; j++)
            inverse[j] = 1.0 / ((x[j] + first[j]) - (x[j] + second[j]));
    else
        for (ptrdiff_t j = 0; j < n; j++)
            inverse[j] = 1.0 / ((x[j] + first[j]) - (x[j] - first[j]));
}

void fg_scatter_group(ptrdiff_t count, const int32_t *entries, const int32_t *rows,
                      const int32_t *columns, const double *right, const double *left,
                      const double *inverse, double *data)
{
    for (ptrdiff_t a = 0; a < count; a++)
        data[entries[a]] = (right[rows[a]] - left[rows[a]]) * inverse[columns[a]];
}
