/* Values of compiled functions: no Python, no copies of whole points beyond a few. */
#include "fastgrad.h"

#include <string.h>

enum { MOST_COPIES = 16, LEAST_N = 4, MOST_N = 4096, MOST_COLUMNS = 256, BLOCK = 131072, FEW_POINTS = 16 };

/* A processor that reads a vector across a number just written waits for it. Several copies of the point, written some
 * calls ahead, avoid that; at n < 4, where f reads numbers one by one, copies cost more than they save, and with very
 * many coordinates the wait is nothing beside f. */
static ptrdiff_t copies_of(ptrdiff_t n) { return n < LEAST_N || n > MOST_N ? 1 : MOST_COPIES; }

/* Points a call of the form with columns: a block of them stays within a MiB. */
static ptrdiff_t columns_of(ptrdiff_t n)
{
    const ptrdiff_t fit = BLOCK / n;
    return fit > MOST_COLUMNS ? MOST_COLUMNS : fit > 1 ? fit : 1;
}

ptrdiff_t fg_compiled_scratch(ptrdiff_t n, int columns) { return n * (columns ? columns_of(n) : copies_of(n)); }

static ptrdiff_t component_of(const fg_shifts *s, ptrdiff_t a) { return s->components ? s->components[a] : s->first + a; }

void fg_scalar_at_shifts(fg_scalar f, void *data, const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                         double *values)
{
    const ptrdiff_t n = s->n, copies = copies_of(n);
    ptrdiff_t a = begin / s->width, j = begin % s->width, low = -1;
    double *moved[MOST_COPIES]; /* the coordinate that moves in each copy, and where it stood */
    double unmoved[MOST_COPIES];
    for (ptrdiff_t r = begin; r < end;) {
        ptrdiff_t count = 0;
        for (; count < copies && r + count < end; count++) {
            const ptrdiff_t c = component_of(s, a);
            if (low < 0 || c < low || c >= low + n) {
                if (count)
                    break;
                low = low >= 0 && c == low + n ? c : c - c % n;
                for (ptrdiff_t k = 0; k < copies; k++)
                    for (ptrdiff_t i = 0; i < n; i++)
                        scratch[k * n + i] = s->x[low + i];
            }
            moved[count] = scratch + count * n + (c - low);
            unmoved[count] = s->x[c];
            *moved[count] = s->x[c] + s->offsets[j] * s->h[a];
            if (++j == s->width) {
                j = 0;
                a++;
            }
        }
        for (ptrdiff_t k = 0; k < count; k++)
            values[r - begin + k] = f((int)n, scratch + k * n, data);
        for (ptrdiff_t k = 0; k < count; k++)
            *moved[k] = unmoved[k];
        r += count;
    }
}

void fg_scalar_at_points(fg_scalar f, void *data, ptrdiff_t count, ptrdiff_t n, const double *points, double *scratch,
                         double *values)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        memcpy(scratch, points + k * n, (size_t)n * sizeof(double));
        values[k] = f((int)n, scratch, data);
    }
}

/* Rows of the shifts, whatever they are. */
static int any_rows(fg_columns f, void *data, const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                    double *values)
{
    const ptrdiff_t most = columns_of(s->n);
    for (ptrdiff_t r = begin; r < end; r += most) {
        const ptrdiff_t stop = end - r < most ? end : r + most;
        fg_fill_columns(s, r, stop, scratch);
        const int status = f((int)(stop - r), (int)s->n, scratch, values + (r - begin), data);
        if (status)
            return status;
    }
    return FG_OK;
}

/* All shifts of `count` <= columns_of(n) points from x on, with steps h: the points lie in columns, and for each shift one
 * coordinate of all of them moves, so that only one number is written for a value. */
static int whole_points(fg_columns f, void *data, const fg_shifts *s, ptrdiff_t count, const double *x, const double *h,
                        double *scratch, double *values)
{
    const ptrdiff_t n = s->n, width = s->width;
    double out[MOST_COLUMNS];
    fg_transpose(count, n, x, scratch);
    for (ptrdiff_t i = 0; i < n; i++) {
        double *const moved = scratch + i * count;
        for (ptrdiff_t j = 0; j < width; j++) {
            for (ptrdiff_t k = 0; k < count; k++)
                moved[k] = x[k * n + i] + s->offsets[j] * h[k * n + i];
            const int status = f((int)count, (int)n, scratch, out, data);
            if (status)
                return status;
            for (ptrdiff_t k = 0; k < count; k++)
                values[(k * n + i) * width + j] = out[k];
        }
        for (ptrdiff_t k = 0; k < count; k++)
            moved[k] = x[k * n + i];
    }
    return FG_OK;
}

int fg_columns_at_shifts(fg_columns f, void *data, const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *scratch,
                         double *values)
{
    const ptrdiff_t rows = s->n * s->width, shift = s->first % s->n * s->width; /* rows of a point; of the first, before */
    const ptrdiff_t first = (begin + shift + rows - 1) / rows, last = (end + shift) / rows;
    const ptrdiff_t most = columns_of(s->n);
    if (s->components || most < FEW_POINTS || last - first < FEW_POINTS)
        return any_rows(f, data, s, begin, end, scratch, values);
    const ptrdiff_t whole = first * rows - shift, rest = last * rows - shift;
    int status = any_rows(f, data, s, begin, whole, scratch, values);
    for (ptrdiff_t r = whole; r < rest && !status; r += most * rows) {
        const ptrdiff_t count = (rest - r) / rows < most ? (rest - r) / rows : most, a = r / s->width;
        status = whole_points(f, data, s, count, s->x + s->first + a, s->h + a, scratch, values + (r - begin));
    }
    return status ? status : any_rows(f, data, s, rest, end, scratch, values + (rest - begin));
}

int fg_columns_at_points(fg_columns f, void *data, ptrdiff_t count, ptrdiff_t n, const double *points, double *scratch,
                         double *values)
{
    const ptrdiff_t most = columns_of(n);
    for (ptrdiff_t k = 0; k < count; k += most) {
        const ptrdiff_t part = count - k < most ? count - k : most;
        fg_transpose(part, n, points + k * n, scratch);
        const int status = f((int)part, (int)n, scratch, values + k, data);
        if (status)
            return status;
    }
    return FG_OK;
}
