/* Index arrays from elsewhere: whether they stay within their bounds, and their transposition. */
#include "sparse.h"

#include <string.h>

int fg_starts_fit(ptrdiff_t count, const int32_t *starts, ptrdiff_t size)
{
    int falls = starts[0] != 0 || starts[count] != size;
    for (ptrdiff_t i = 0; i < count; i++)
        falls |= starts[i + 1] < starts[i];
    return !falls;
}

int fg_indices_fit(ptrdiff_t count, const int32_t *indices, ptrdiff_t limit)
{
    int outside = 0;
    for (ptrdiff_t a = 0; a < count; a++)
        outside |= indices[a] < 0 || indices[a] >= limit;
    return !outside;
}

void fg_by_columns(ptrdiff_t m, ptrdiff_t n, const int32_t *row_starts, const int32_t *columns,
                   int32_t *column_starts, int32_t *rows)
{
    memset(column_starts, 0, (size_t)(n + 1) * sizeof *column_starts);
    for (ptrdiff_t a = 0; a < row_starts[m]; a++)
        column_starts[columns[a] + 1]++;
    for (ptrdiff_t j = 0; j < n; j++)
        column_starts[j + 1] += column_starts[j];

    /* Each start runs to the next one's place while its column is filled, and is then put back. */
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t a = row_starts[i]; a < row_starts[i + 1]; a++)
            rows[column_starts[columns[a]]++] = (int32_t)i;
    for (ptrdiff_t j = n; j > 0; j--)
        column_starts[j] = column_starts[j - 1];
    column_starts[0] = 0;
}
