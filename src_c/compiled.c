/* Values of compiled functions: no Python, no copies of whole points beyond a few. */
#include "fastgrad.h"

#include <string.h>

enum { COPIES = 16, LEAST_N = 4, MOST_N = 4096, MOST_COLUMNS = 256, BLOCK = 131072, FEW_POINTS = 16 };

/* A processor that reads a vector across a number just written waits for it. Several copies of the point, written some
 * calls ahead, avoid that; at n < 4, where f reads numbers one by one, copies cost more than they save, and with very
 * many coordinates the wait is nothing beside f. */
static ptrdiff_t copies_of(ptrdiff_t n) { return n < LEAST_N || n > MOST_N ? 1 : COPIES; }

/* Points a call of the form with columns: a block of them stays within a MiB. */
static ptrdiff_t columns_of(ptrdiff_t n)
{
    const ptrdiff_t fit = BLOCK / n;
    return fit > MOST_COLUMNS ? MOST_COLUMNS : fit > 1 ? fit : 1;
}

ptrdiff_t fg_compiled_scratch(const fg_compiled *f, ptrdiff_t n)
{
    return n * (f->columns ? columns_of(n) : copies_of(n));
}

static ptrdiff_t component_of(const fg_shifts *s, ptrdiff_t a) { return s->components ? s->components[a] : s->first + a; }

/* One copy of the point. */
static void in_place(const fg_compiled *f, const fg_shifts *s, double *values)
{
    const ptrdiff_t n = s->n, width = s->width;
    double *const point = f->scratch;
    ptrdiff_t low = -1; /* flat index of the point that is copied */
    for (ptrdiff_t a = 0; a < s->count; a++) {
        const ptrdiff_t c = component_of(s, a);
        const double unmoved = s->x[c], h = s->h[a];
        if (low < 0 || c < low || c >= low + n) {
            low = low >= 0 && c == low + n ? c : c - c % n;
            for (ptrdiff_t i = 0; i < n; i++)
                point[i] = s->x[low + i];
        }
        for (ptrdiff_t j = 0; j < width; j++) {
            point[c - low] = unmoved + s->offsets[j] * h;
            values[a * width + j] = f->scalar((int)n, point, f->data);
        }
        point[c - low] = unmoved;
    }
}

/* Several copies, in each of which another coordinate moves. */
static void in_copies(const fg_compiled *f, const fg_shifts *s, double *values)
{
    const ptrdiff_t n = s->n, rows = s->count * s->width;
    ptrdiff_t a = 0, j = 0, low = -1;
    double *moved[COPIES]; /* the coordinate that moves in each copy, and where it stood */
    double unmoved[COPIES];
    for (ptrdiff_t r = 0, count; r < rows; r += count) {
        for (count = 0; count < COPIES && r + count < rows; count++) {
            const ptrdiff_t c = component_of(s, a);
            if (low < 0 || c < low || c >= low + n) {
                if (count)
                    break;
                low = low >= 0 && c == low + n ? c : c - c % n;
                for (ptrdiff_t k = 0; k < COPIES; k++)
                    for (ptrdiff_t i = 0; i < n; i++)
                        f->scratch[k * n + i] = s->x[low + i];
            }
            moved[count] = f->scratch + count * n + (c - low);
            unmoved[count] = s->x[c];
            *moved[count] = s->x[c] + s->offsets[j] * s->h[a];
            if (++j == s->width) {
                j = 0;
                a++;
            }
        }
        for (ptrdiff_t k = 0; k < count; k++)
            values[r + k] = f->scalar((int)n, f->scratch + k * n, f->data);
        for (ptrdiff_t k = 0; k < count; k++)
            *moved[k] = unmoved[k];
    }
}

/* Calls the form with columns; what it returned is kept. */
static int block(fg_compiled *f, ptrdiff_t count, ptrdiff_t n, double *values)
{
    f->returned = f->columns((int)count, (int)n, f->scratch, values, f->data);
    return f->returned ? FG_ECALLBACK : FG_OK;
}

/* Rows [begin, end) of the shifts, whatever they are. */
static int any_rows(fg_compiled *f, const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *values)
{
    const ptrdiff_t most = columns_of(s->n);
    for (ptrdiff_t r = begin; r < end; r += most) {
        const ptrdiff_t stop = end - r < most ? end : r + most;
        fg_fill_columns(s, r, stop, f->scratch);
        const int status = block(f, stop - r, s->n, values + r);
        if (status)
            return status;
    }
    return FG_OK;
}

/* All shifts of `count` <= columns_of(n) points from x on, with steps h: the points lie in columns, and for each shift one
 * coordinate of all of them moves, so that only one number is written for a value. */
static int whole_points(fg_compiled *f, const fg_shifts *s, ptrdiff_t count, const double *x, const double *h,
                        double *values)
{
    const ptrdiff_t n = s->n, width = s->width;
    double out[MOST_COLUMNS];
    fg_transpose(count, n, x, f->scratch);
    for (ptrdiff_t i = 0; i < n; i++) {
        double *const moved = f->scratch + i * count;
        for (ptrdiff_t j = 0; j < width; j++) {
            for (ptrdiff_t k = 0; k < count; k++)
                moved[k] = x[k * n + i] + s->offsets[j] * h[k * n + i];
            const int status = block(f, count, n, out);
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

static int in_columns(fg_compiled *f, const fg_shifts *s, double *values)
{
    const ptrdiff_t rows = s->n * s->width, total = s->count * s->width; /* of a point; of all */
    const ptrdiff_t before = s->first % s->n * s->width; /* rows of the first point that are not asked for */
    const ptrdiff_t first = (before + rows - 1) / rows, last = (total + before) / rows, most = columns_of(s->n);
    if (s->components || most < FEW_POINTS || last - first < FEW_POINTS)
        return any_rows(f, s, 0, total, values);
    const ptrdiff_t whole = first * rows - before, rest = last * rows - before;
    int status = any_rows(f, s, 0, whole, values);
    for (ptrdiff_t r = whole; r < rest && !status; r += most * rows) {
        const ptrdiff_t count = (rest - r) / rows < most ? (rest - r) / rows : most, a = r / s->width;
        status = whole_points(f, s, count, s->x + s->first + a, s->h + a, values + r);
    }
    return status ? status : any_rows(f, s, rest, total, values);
}

int fg_compiled_at_shifts(void *compiled, const fg_shifts *s, double *values)
{
    fg_compiled *const f = compiled;
    if (f->columns)
        return in_columns(f, s, values);
    if (copies_of(s->n) == 1)
        in_place(f, s, values);
    else
        in_copies(f, s, values);
    return FG_OK;
}

int fg_compiled_at_points(void *compiled, ptrdiff_t count, ptrdiff_t n, const double *points, double *values)
{
    fg_compiled *const f = compiled;
    const ptrdiff_t most = f->columns ? columns_of(n) : 1;
    for (ptrdiff_t k = 0; k < count; k += most) {
        const ptrdiff_t part = count - k < most ? count - k : most;
        fg_transpose(part, n, points + k * n, f->scratch);
        if (!f->columns)
            values[k] = f->scalar((int)n, f->scratch, f->data);
        else if (block(f, part, n, values + k))
            return FG_ECALLBACK;
    }
    return FG_OK;
}
