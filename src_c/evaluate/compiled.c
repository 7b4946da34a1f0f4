/* Values of compiled functions: no Python, no copies of whole points beyond a few. */
#include "compiled.h"

#include <string.h>

enum { COPIES = 8, LEAST_N = 4, MOST_N = 4096, LEAST_COLUMNS = 32, NEAR = 1024, BLOCK = 131072 };

/* A processor that reads a vector across a number just written waits for it. Several copies of the
 * point, written some calls ahead, avoid that; at n < 4, where f reads numbers one by one, copies
 * cost more than they save, and with very many coordinates the wait is nothing beside f. */
static ptrdiff_t copies_of(ptrdiff_t n) { return n < LEAST_N || n > MOST_N ? 1 : COPIES; }

/* Points a call of the form with columns: a block of them stays in the nearest cache, or at least
 * within a MiB. A multiple of what SIMD takes at a time, where it can be. */
static ptrdiff_t columns_of(ptrdiff_t n)
{
    const ptrdiff_t near = NEAR / n / LEAST_COLUMNS * LEAST_COLUMNS, fit = BLOCK / n;
    if (near >= LEAST_COLUMNS)
        return near < FG_MOST_COLUMNS ? near : FG_MOST_COLUMNS;
    return fit < 1 ? 1 : fit < LEAST_COLUMNS ? fit : LEAST_COLUMNS;
}

ptrdiff_t fg_compiled_scratch(const fg_compiled *f, ptrdiff_t n)
{
    return n * (f->columns ? columns_of(n) : copies_of(n));
}

/* Whether copies of the point x are still copies. */
static int looked_at(const double *copies, ptrdiff_t count, ptrdiff_t n, const double *x)
{
    for (ptrdiff_t k = 0; k < count; k++)
        if (memcmp(copies + k * n, x, (size_t)n * sizeof *x) != 0)
            return FG_EWRITTEN;
    return FG_OK;
}

/* One copy of the point. */
static int in_place(const fg_compiled *f, const fg_shifts *s, double *values)
{
    const ptrdiff_t n = s->n, width = s->width;
    double *const point = f->scratch;
    ptrdiff_t low = -1; /* flat index of the point that is copied */
    for (ptrdiff_t a = 0; a < s->count; a++) {
        const ptrdiff_t c = fg_component_of(s, a);
        const double unmoved = s->x[c], h = s->h[a];
        if (low < 0 || c < low || c >= low + n) {
            low = low >= 0 && c == low + n ? c : c - c % n;
            for (ptrdiff_t i = 0; i < n; i++)
                point[i] = s->x[low + i];
        }
        for (ptrdiff_t j = 0; j < width; j++) {
            const double moved = unmoved + s->offsets[j] * h;
            point[c - low] = moved;
            values[a * width + j] = f->scalar((int)n, point, f->data);
            if (point[c - low] != moved)
                return FG_EWRITTEN;
        }
        point[c - low] = unmoved;
    }
    return low < 0 ? FG_OK : looked_at(point, 1, n, s->x + low);
}

/* Sets one coordinate of each copy: coordinates of components a .. a + count, moved by the stencil
 * times h, or unmoved. */
static void set_copies(double *copies, const fg_shifts *s, ptrdiff_t a, ptrdiff_t count,
                       ptrdiff_t low, int moved)
{
    for (ptrdiff_t k = a; k < a + count; k++) {
        const ptrdiff_t c = fg_component_of(s, k);
        const double x = s->x[c], h = moved ? s->h[k] : 0.0;
        for (ptrdiff_t j = 0; j < s->width; j++, copies += s->n)
            copies[c - low] = moved ? x + s->offsets[j] * h : x;
    }
}

/* Several copies, in each of which another coordinate moves. */
static int in_copies(const fg_compiled *f, const fg_shifts *s, double *values)
{
    const ptrdiff_t n = s->n, most = COPIES / s->width;
    ptrdiff_t low = -1;
    for (ptrdiff_t a = 0, count; a < s->count; a += count) {
        const ptrdiff_t c = fg_component_of(s, a);
        if (low < 0 || c < low || c >= low + n) {
            low = low >= 0 && c == low + n ? c : c - c % n;
            for (ptrdiff_t k = 0; k < COPIES; k++)
                for (ptrdiff_t i = 0; i < n; i++)
                    f->scratch[k * n + i] = s->x[low + i];
        }
        for (count = 1; count < most && a + count < s->count; count++)
            if (fg_component_of(s, a + count) < low || fg_component_of(s, a + count) >= low + n)
                break;
        set_copies(f->scratch, s, a, count, low, 1);
        for (ptrdiff_t k = 0; k < count * s->width; k++)
            values[a * s->width + k] = f->scalar((int)n, f->scratch + k * n, f->data);
        set_copies(f->scratch, s, a, count, low, 0);
    }
    return low < 0 ? FG_OK : looked_at(f->scratch, COPIES, n, s->x + low);
}

/* Calls the form with columns; what it returned is kept. */
static inline int block(fg_compiled *f, ptrdiff_t count, ptrdiff_t n, double *values)
{
    f->returned = f->columns((int)count, (int)n, f->scratch, values, f->data);
    return f->returned ? FG_ECALLBACK : FG_OK;
}

/* Whether a block still holds rows [begin, end) of the shifts. */
static int block_looked_at(const double *columns, const fg_shifts *s, ptrdiff_t begin,
                           ptrdiff_t end)
{
    for (ptrdiff_t r = begin; r < end; r++) {
        const ptrdiff_t a = r / s->width, c = fg_component_of(s, a), low = c - c % s->n;
        for (ptrdiff_t i = 0; i < s->n; i++) {
            const double x = s->x[low + i];
            const double filled = low + i == c ? x + s->offsets[r % s->width] * s->h[a] : x;
            if (columns[i * (end - begin) + (r - begin)] != filled)
                return FG_EWRITTEN;
        }
    }
    return FG_OK;
}

static int in_columns(fg_compiled *f, const fg_shifts *s, double *values)
{
    const ptrdiff_t most = columns_of(s->n), rows = s->count * s->width;
    int status = FG_OK;
    for (ptrdiff_t r = 0; r < rows && !status; r += most) {
        const ptrdiff_t stop = rows - r < most ? rows : r + most;
        fg_fill_columns(s, r, stop, f->scratch);
        status = block(f, stop - r, s->n, values + r);
        if (!status && r == 0)
            status = block_looked_at(f->scratch, s, r, stop);
    }
    return status;
}

/* Whether a block still holds points (count, n). */
static int transpose_looked_at(const double *columns, ptrdiff_t count, ptrdiff_t n,
                               const double *points)
{
    for (ptrdiff_t k = 0; k < count; k++)
        for (ptrdiff_t i = 0; i < n; i++)
            if (columns[i * count + k] != points[k * n + i])
                return FG_EWRITTEN;
    return FG_OK;
}

int fg_compiled_at_shifts(void *compiled, const fg_shifts *s, double *values)
{
    fg_compiled *const f = compiled;
    if (f->columns)
        return in_columns(f, s, values);
    const int alone = copies_of(s->n) == 1 || s->width > COPIES;
    return alone ? in_place(f, s, values) : in_copies(f, s, values);
}

int fg_compiled_at_points(void *compiled, ptrdiff_t count, ptrdiff_t n, const double *points,
                          double *values)
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
        if (k == 0 && transpose_looked_at(f->scratch, part, n, points))
            return FG_EWRITTEN;
    }
    return FG_OK;
}

ptrdiff_t fg_columns_block(ptrdiff_t n) { return columns_of(n); }

ptrdiff_t fg_columns_scratch(ptrdiff_t n, ptrdiff_t width)
{
    return columns_of(n) * (n + 2 + width);
}

FG_CLONES int fg_columns_slopes(fg_compiled *f, const fg_stencil *st, const fg_step_rule *rule,
                                ptrdiff_t n, ptrdiff_t count, const double *base, double *scratch,
                                double *slopes, int *seen)
{
    double *const at = scratch, *const h = at + count, *const values = h + count;
    for (ptrdiff_t i = 0; i < n; i++) {
        const fg_step_rule own = {rule->relative, rule->absolute ? rule->absolute + i : NULL,
                                  rule->typical ? rule->typical + i : NULL};
        double *const moved = f->scratch + i * count;
        memcpy(at, moved, (size_t)count * sizeof *at);
        fg_steps(&own, 1, at, 0, count, 1, h);
        for (ptrdiff_t j = 0; j < st->width; j++) {
            const double offset = st->offsets[j];
            for (ptrdiff_t k = 0; k < count; k++)
                moved[k] = at[k] + offset * h[k];
            const int status = block(f, count, n, values + j * count);
            if (status)
                return status;
        }
        memcpy(moved, at, (size_t)count * sizeof *at);
        fg_combine_columns(st, count, at, h, values, base, slopes + i * count, seen);
    }
    return FG_OK;
}

int fg_columns_derivatives(fg_compiled *f, const fg_stencil *st, const fg_step_rule *rule,
                           ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                           double *scratch, double *derivatives, int *seen)
{
    const ptrdiff_t most = columns_of(n);
    *seen = 0;
    for (ptrdiff_t k = 0; k < points; k += most) {
        const ptrdiff_t count = points - k < most ? points - k : most;
        fg_transpose(count, n, x + k * n, f->scratch);
        const int status = fg_columns_slopes(f, st, rule, n, count, base ? base + k : NULL,
                                             scratch + n * count, scratch, seen);
        if (status)
            return status;
        fg_transpose(n, count, scratch, derivatives + k * n);
        if (k == 0 && transpose_looked_at(f->scratch, count, n, x))
            return FG_EWRITTEN;
    }
    return FG_OK;
}
