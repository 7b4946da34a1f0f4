/* Shifts as dense points: for functions that take many points in one call. */
#include "function.h"

#include <math.h>
#include <string.h>

/* Where the run of rows from `begin` on that share one base point ends, at most `end`. */
static ptrdiff_t run_end(const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end)
{
    ptrdiff_t a = begin / s->width, stop;
    const ptrdiff_t point = fg_component_of(s, a) / s->n;
    if (s->components) {
        while ((stop = ++a * s->width) < end && s->components[a] / s->n == point)
            ;
    } else {
        stop = ((point + 1) * s->n - s->first) * s->width;
    }
    return stop < end ? stop : end;
}

/* The same row `rows` times: copies of what is already written are longer, so cheaper, than single
 * rows. */
static void repeat_row(const double *row, ptrdiff_t n, ptrdiff_t rows, double *out)
{
    const ptrdiff_t most = 1 + 2048 / n;
    memcpy(out, row, (size_t)n * sizeof *out);
    for (ptrdiff_t done = 1, more; done < rows; done += more) {
        more = done < most ? done : most;
        if (more > rows - done)
            more = rows - done;
        memcpy(out + done * n, out, (size_t)(more * n) * sizeof *out);
    }
}

void fg_fill_rows(const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *rows)
{
    for (ptrdiff_t stop; begin < end;) {
        const ptrdiff_t point = fg_component_of(s, begin / s->width) / s->n;
        stop = run_end(s, begin, end);
        repeat_row(s->x + point * s->n, s->n, stop - begin, rows);
        for (ptrdiff_t a = begin / s->width, j = begin % s->width; begin < stop; a++, j = 0) {
            const ptrdiff_t c = fg_component_of(s, a), i = c - point * s->n;
            for (; j < s->width && begin < stop; j++, begin++, rows += s->n)
                rows[i] = s->x[c] + s->offsets[j] * s->h[a];
        }
    }
}

void fg_fill_columns(const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, double *columns)
{
    const ptrdiff_t rows = end - begin;
    /* Every coordinate is constant along a run of one base point, but for one entry a column. */
    for (ptrdiff_t r = begin; r < end;) {
        const ptrdiff_t point = fg_component_of(s, r / s->width) / s->n, stop = run_end(s, r, end);
        for (ptrdiff_t i = 0; i < s->n; i++) {
            const double value = s->x[point * s->n + i];
            double *line = columns + i * rows - begin;
            for (ptrdiff_t k = r; k < stop; k++)
                line[k] = value;
        }
        for (; r < stop; r++) {
            const ptrdiff_t a = r / s->width, c = fg_component_of(s, a);
            columns[(c % s->n) * rows + (r - begin)] = s->x[c] + s->offsets[r % s->width] * s->h[a];
        }
    }
}

void fg_fill_imaginary(const fg_shifts *s, ptrdiff_t begin, ptrdiff_t end, int columns, double *out)
{
    const ptrdiff_t rows = end - begin;
    for (ptrdiff_t r = begin; r < end; r++) {
        const ptrdiff_t a = r / s->width, c = fg_component_of(s, a), i = c % s->n;
        const double *x = s->x + (c - i);
        /* From one coordinate of a point to the next. */
        const ptrdiff_t next = 2 * (columns ? rows : 1);
        double *point = out + 2 * (columns ? r - begin : (r - begin) * s->n);
        for (ptrdiff_t k = 0; k < s->n; k++) {
            point[k * next] = x[k];
            point[k * next + 1] = 0.0;
        }
        point[i * next + 1] = s->offsets[r % s->width] * s->h[a];
    }
}

void fg_to_complex(ptrdiff_t n, const double *x, double *out)
{
    for (ptrdiff_t k = 0; k < n; k++) {
        out[2 * k] = x[k];
        out[2 * k + 1] = 0.0;
    }
}

int fg_equals_complex(ptrdiff_t n, const double *x, const double *z)
{
    for (ptrdiff_t k = 0; k < n; k++)
        if (z[2 * k] != x[k] || z[2 * k + 1] != 0.0)
            return 0;
    return 1;
}

void fg_fill_nan(ptrdiff_t count, double *values)
{
    for (ptrdiff_t k = 0; k < count; k++)
        values[k] = NAN;
}

FG_CLONES void fg_transpose(ptrdiff_t count, ptrdiff_t n, const double *points, double *columns)
{
    ptrdiff_t i = 0;
    /* Two by two, which compilers make two vectors of. */
    for (; i + 2 <= n; i += 2) {
        const double *p = points + i, *q = p + n;
        double *u = columns + i * count, *v = u + count;
        ptrdiff_t k = 0;
        for (; k + 2 <= count; k += 2, p += 2 * n, q += 2 * n) {
            const double a = p[0], b = p[1], c = q[0], d = q[1];
            u[k] = a;
            u[k + 1] = c;
            v[k] = b;
            v[k + 1] = d;
        }
        if (k < count) {
            u[k] = p[0];
            v[k] = p[1];
        }
    }
    for (ptrdiff_t k = 0; i < n && k < count; k++)
        columns[i * count + k] = points[k * n + i];
}
