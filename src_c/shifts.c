/* Shifts as dense points: for functions that take many points in one call. */
#include "fastgrad.h"

#include <string.h>

static ptrdiff_t component_of(const fg_shifts *s, ptrdiff_t a)
{
    return s->components ? s->components[a] : s->first + a;
}

void fg_fill_rows(const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *rows)
{
    ptrdiff_t a = begin / s->width, j = begin % s->width;
    for (ptrdiff_t r = begin; r < end; a++, j = 0) {
        const ptrdiff_t c = component_of(s, a), i = c % s->n;
        const double *base = s->x + (c - i);
        for (; j < s->width && r < end; j++, r++, rows += s->n) {
            memcpy(rows, base, (size_t)s->n * sizeof *rows);
            rows[i] = base[i] + s->offsets[j] * s->h[a];
        }
    }
}

void fg_fill_columns(const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *columns)
{
    const ptrdiff_t rows = end - begin;
    /* Runs of shifts of one base point: every coordinate is constant along a run but for one entry a column. */
    for (ptrdiff_t r = begin; r < end;) {
        const ptrdiff_t point = component_of(s, r / s->width) / s->n;
        ptrdiff_t stop = (r / s->width + 1) * s->width;
        while (stop < end && component_of(s, stop / s->width) / s->n == point)
            stop += s->width;
        if (stop > end)
            stop = end;
        for (ptrdiff_t i = 0; i < s->n; i++) {
            const double value = s->x[point * s->n + i];
            double *line = columns + i * rows - begin;
            for (ptrdiff_t k = r; k < stop; k++)
                line[k] = value;
        }
        for (; r < stop; r++) {
            const ptrdiff_t a = r / s->width, c = component_of(s, a);
            columns[(c % s->n) * rows + (r - begin)] = s->x[c] + s->offsets[r % s->width] * s->h[a];
        }
    }
}

void fg_transpose(ptrdiff_t count, ptrdiff_t n, const double *points, double *columns)
{
    for (ptrdiff_t k = 0; k < count; k++)
        for (ptrdiff_t i = 0; i < n; i++)
            columns[i * count + k] = points[k * n + i];
}
