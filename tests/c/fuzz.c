/* Random inputs for the C core: each is checked against the plainest loop that gives the same.
 *
 * fuzz COUNT [SEED]      so many inputs; prints the first that fails and exits with 1
 * With -DFG_LIBFUZZER    LLVMFuzzerTestOneInput instead of main
 * fuzz threads           shared inputs, outputs of their own: for ThreadSanitizer
 */
#include "../../src_c/include/numbers.h"
#include "fastgrad.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *bytes;
static size_t left;

static unsigned below(unsigned most)
{
    unsigned value = 0;
    for (int k = 0; k < 2 && left; k++, left--)
        value = value << 8 | *bytes++;
    return value % most;
}

static double number(void) { return ((double)below(20001) - 10000.0) / 100.0; }

#define REQUIRE(what)                                                                              \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void *room(size_t size) /* exactly so much, so that a sanitizer sees one byte beyond */
{
    void *found = malloc(size ? size : 1);
    REQUIRE(found);
    return found;
}

static int near(double a, double b, double size)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-9 * (1 + size);
}

/* --- Colours --------------------------------------------------------------------------------- */

static void check_colours(const fg_pattern *p, const int32_t *colours, ptrdiff_t count)
{
    for (ptrdiff_t j = 0; j < p->n; j++)
        REQUIRE(colours[j] >= 0 && colours[j] < count);
    for (ptrdiff_t i = 0; i < p->m; i++)
        for (ptrdiff_t a = p->row_starts[i]; a < p->row_starts[i + 1]; a++)
            for (ptrdiff_t b = a + 1; b < p->row_starts[i + 1]; b++)
                REQUIRE(colours[p->columns[a]] != colours[p->columns[b]]);
}

static void check_star(const fg_pattern *p, const char *at, const int32_t *colours)
{
    const ptrdiff_t n = p->n;
    for (ptrdiff_t a = 0; a < n; a++)
        for (ptrdiff_t b = 0; b < n; b++) {
            if (a == b || !at[a * n + b])
                continue;
            REQUIRE(colours[a] != colours[b]);
            for (ptrdiff_t c = 0; c < n; c++)
                for (ptrdiff_t d = 0; d < n && c != a && c != b && at[b * n + c]; d++)
                    if (d != a && d != b && d != c && at[c * n + d])
                        REQUIRE(colours[a] != colours[c] || colours[b] != colours[d]);
        }
}

/* Index arrays that are right pass, and each wrong one is seen; by columns they are those here. */
static void check_indices(ptrdiff_t m, ptrdiff_t n, int32_t *row_starts, int32_t *columns,
                          const int32_t *column_starts, const int32_t *rows)
{
    const ptrdiff_t entries = row_starts[m];
    REQUIRE(fg_starts_fit(m, row_starts, entries) && fg_indices_fit(entries, columns, n));
    int32_t *const starts = room((size_t)(n + 1) * 4), *const found = room((size_t)entries * 4);
    fg_by_columns(m, n, row_starts, columns, starts, found);
    REQUIRE(!memcmp(starts, column_starts, (size_t)(n + 1) * 4));
    REQUIRE(!memcmp(found, rows, (size_t)entries * 4));
    free(starts), free(found);

    int32_t *const start = row_starts + below(m + 1), kept = *start;
    *start = below(2) ? -1 - (int32_t)below(9) : (int32_t)(entries + 1 + below(9));
    REQUIRE(!fg_starts_fit(m, row_starts, entries));
    *start = kept;
    REQUIRE(!fg_starts_fit(m, row_starts, entries + 1));
    if (!entries)
        return;
    int32_t *const index = columns + below(entries), column = *index;
    *index = below(2) ? -1 - (int32_t)below(9) : (int32_t)(n + below(9));
    REQUIRE(!fg_indices_fit(entries, columns, n));
    *index = column;
}

static void patterns(void)
{
    const int symmetric = (int)below(2);
    const ptrdiff_t n = 1 + below(12), m = symmetric ? n : (ptrdiff_t)below(12);
    char *const at = room((size_t)(m * n));
    for (ptrdiff_t k = 0; k < m * n; k++)
        at[k] = below(4) == 0;
    for (ptrdiff_t i = 0; symmetric && i < n; i++)
        for (ptrdiff_t j = 0; j <= i; j++)
            at[i * n + j] = at[j * n + i] = at[i * n + j] || i == j;
    ptrdiff_t entries = 0;
    for (ptrdiff_t k = 0; k < m * n; k++)
        entries += at[k];
    int32_t *const row_starts = room((size_t)(m + 1) * 4);
    int32_t *const columns = room((size_t)entries * 4);
    int32_t *const column_starts = room((size_t)(n + 1) * 4);
    int32_t *const rows = room((size_t)entries * 4);
    int32_t *const colours = room((size_t)n * 4);
    int32_t *const order = room((size_t)n * 4);
    int32_t *const work = room((size_t)n * 20);
    ptrdiff_t k = 0;
    for (ptrdiff_t i = 0; i <= m; i++) {
        row_starts[i] = (int32_t)k;
        for (ptrdiff_t j = 0; i < m && j < n; j++)
            if (at[i * n + j])
                columns[k++] = (int32_t)j;
    }
    k = 0;
    for (ptrdiff_t j = 0; j <= n; j++) {
        column_starts[j] = (int32_t)k;
        for (ptrdiff_t i = 0; j < n && i < m; i++)
            if (at[i * n + j])
                rows[k++] = (int32_t)i;
    }
    check_indices(m, n, row_starts, columns, column_starts, rows);
    const fg_pattern p = {m, n, row_starts, columns, column_starts, rows};
    check_colours(&p, colours, fg_colour_columns(&p, NULL, colours, work));
    fg_smallest_last(&p, order, work);
    memset(work, 0, (size_t)n * 4);
    for (ptrdiff_t j = 0; j < n; j++) {
        REQUIRE(order[j] >= 0 && order[j] < n && !work[order[j]]);
        work[order[j]] = 1;
    }
    check_colours(&p, colours, fg_colour_columns(&p, order, colours, work));
    if (symmetric) {
        fg_colour_star(&p, below(2) ? order : NULL, colours, work);
        check_star(&p, at, colours);
    }
    free(at), free(row_starts), free(columns), free(column_starts), free(rows), free(colours),
        free(order), free(work);
}

/* --- Sampled arrays -------------------------------------------------------------------------- */

enum { MOST_ROWS = 8 };

/* The derivative at one number, from the weights of its row: of differences to `here`, which is its
 * own value or 0. */
static double from_differences(const fg_grid_axis *a, const double *f, ptrdiff_t at, double here)
{
    const ptrdiff_t s = a->stride, n = a->length, row = at / s % n, half = a->half,
                    from = at - row * s;
    double sum = 0.0, own = 0.0;
    int looks_at_itself = a->kind == FG_GRID_TABLE;
    if (row < half || row >= n - half) {
        const ptrdiff_t which = (row < half ? row : row - n + 2 * half) * a->edge_taps;
        looks_at_itself = 0;
        for (int t = 0; t < a->edge_taps; t++)
            if (a->edge_rows[which + t] == row) {
                own += a->edge_weights[which + t];
                looks_at_itself = 1;
            } else
                sum += a->edge_weights[which + t] * (f[from + a->edge_rows[which + t] * s] - here);
    } else if (a->kind == FG_GRID_ODD || a->kind == FG_GRID_EVEN)
        for (ptrdiff_t k = 1; k <= half; k++) {
            const double up = f[at + k * s], down = f[at - k * s];
            sum += a->interior[k - 1] *
                   (a->kind == FG_GRID_ODD ? up - down : (up - here) + (down - here));
            own -= a->kind == FG_GRID_ODD ? 0.0 : 2.0 * a->interior[k - 1];
        }
    else if (a->kind == FG_GRID_TABLE)
        for (ptrdiff_t k = 0; k <= 2 * half; k++)
            if (k == half)
                own = a->interior[k * n + row];
            else
                sum += a->interior[k * n + row] * (f[at + (k - half) * s] - here);
    else {
        const double l = a->coordinates[row] - a->coordinates[row - 1];
        const double r = a->coordinates[row + 1] - a->coordinates[row];
        sum = (l * l * (f[at + s] - here) + r * r * (here - f[at - s])) / (l * r * (l + r)) +
              (here == f[at] ? 0.0 : (r - l) / (l * r) * f[at]);
    }
    if (looks_at_itself && isinf(here))
        return NAN;
    return sum + (here == f[at] || own == 0.0 ? 0.0 : own * f[at]);
}

static double plainly(const fg_grid_axis *a, const double *f, ptrdiff_t at)
{
    const double sum = from_differences(a, f, at, f[at]);
    return isnan(sum) && isinf(f[at]) ? from_differences(a, f, at, 0.0) : sum;
}

static void grids(void)
{
    const int kind = (int)below(4);
    const int half = kind == FG_GRID_THREE ? 1 : 1 + (int)below(4);
    const int single = (int)below(2);
    const ptrdiff_t n = 2 * half + below(3 * (unsigned)half);
    const ptrdiff_t inner = 1 + below(below(3) ? 5 : 700);
    const ptrdiff_t outer = 1 + below(4);
    const ptrdiff_t size = n * inner * outer;
    const ptrdiff_t taps = 1 + below((unsigned)(n < FG_GRID_TAPS ? n : FG_GRID_TAPS));
    double *const f = room((size_t)size * 8);
    double *const x = room((size_t)n * 8);
    /* Anywhere between two lines of the cache. */
    const size_t beyond = below(8);
    double *const all_out = room(((size_t)size + beyond) * 8), *const out = all_out + beyond;
    double *const interior = room((size_t)((2 * half + 1) * n + 4) * 8);
    double *const weights = room((size_t)(2 * half * taps) * 8);
    ptrdiff_t *const rows = room((size_t)(2 * half * taps) * sizeof *rows);
    float *const f4 = room((size_t)size * 4), *const all_out4 = room(((size_t)size + beyond) * 4);
    float *const out4 = all_out4 + beyond;
    double *const scratch = room(FG_GRID_SCRATCH * 8), size_of_f = 100.0;
    for (ptrdiff_t k = 0; k < size; k++) {
        f4[k] = below(2000) != 7 ? (float)number() : below(2) ? INFINITY : -INFINITY;
        f[k] = f4[k];
    }
    int wrong = 0;
    for (ptrdiff_t k = 0; k < n; k++)
        x[k] = (k ? x[k - 1] : 0.0) + 0.5 + below(8) * 0.25 - (below(400) == 0 ? 9.0 : 0.0);
    for (ptrdiff_t k = 1; k < n - 1; k++)
        wrong += (x[k] - x[k - 1]) * (x[k + 1] - x[k]) > 0.0 ? 0 : 1;
    for (ptrdiff_t k = 0; k < (2 * half + 1) * n + 4; k++)
        interior[k] = number() / 100;
    for (ptrdiff_t k = 0; k < 2 * half * taps; k++) {
        weights[k] = number() / 100;
        rows[k] = below((unsigned)n);
    }
    const fg_grid_axis axis = {n,       inner, kind, half,     (int)taps,
                               1,       0,     1.0,  interior, kind >= FG_GRID_THREE ? x : NULL,
                               weights, rows};
    const double factor = below(2) ? 1.0 : -0.5;
    const fg_grid_term terms[2] = {{single ? (void *)f4 : (void *)f, &axis, factor},
                                   {single ? (void *)f4 : (void *)f, &axis, 1.0}};
    const fg_grid_output o = {single ? (void *)out4 : (void *)out, terms, 1 + (int)below(2),
                              (int)below(2)};
    const ptrdiff_t slab = below(2) ? inner : n * inner, tile = 1 + below((unsigned)slab),
                    slabs = size / slab;
    const int streams = below(2) ? fg_grid_streams() : 0;
    const ptrdiff_t cut = below((unsigned)slabs + 1);
    ptrdiff_t seen = fg_grid(&o, 1, single, slab, 0, cut, tile, streams, scratch);
    seen += fg_grid(&o, 1, single, slab, cut, slabs, tile, streams, scratch);
    REQUIRE(kind == FG_GRID_THREE || seen == 0);
    REQUIRE(kind != FG_GRID_THREE || (seen > 0) == (wrong > 0));
    for (ptrdiff_t k = 0; k < size && !wrong; k++) {
        const double slope = plainly(&axis, f, k), twice = o.count == 2 ? slope : 0.0;
        const double wanted =
            o.magnitude ? sqrt(slope * slope + twice * twice) : factor * slope + twice;
        REQUIRE(single ? near(out4[k], wanted, 1e7 * (1 + fabs(wanted)))
                       : near(out[k], wanted, 12 * size_of_f));
    }
    free(f), free(x), free(all_out), free(interior), free(weights), free(rows), free(f4),
        free(all_out4),
        free(scratch);
}

/* Numbers that are missing: no stencil may read beyond the array, and the rest stays right. */
static void gaps(void)
{
    const ptrdiff_t n = 2 + below(12), inner = 1 + below(3), size = n * inner;
    double *const f = room((size_t)size * 8);
    double *const out = room((size_t)size * 8);
    double *const scratch = room(FG_GRID_SCRATCH * 8);
    for (ptrdiff_t k = 0; k < size; k++)
        f[k] = below(3) ? 3.0 * (double)(k / inner) + 1.0 : NAN; /* a straight line, with gaps */
    const double interior[4] = {0.5, 0, 0, 0}, weights[4] = {-1, 1, -1, 1};
    const ptrdiff_t rows[4] = {0, 1, n - 2, n - 1};
    const fg_grid_axis axis = {n, inner, FG_GRID_ODD, 1,    2,       1,
                               1, 1.0,   interior,    NULL, weights, rows};
    const fg_grid_term term = {f, &axis, 1.0};
    const fg_grid_output o = {out, &term, 1, 0};
    fg_grid(&o, 1, 0, size, 0, 1, size, 0, scratch);
    for (ptrdiff_t k = 0; k < size; k++) {
        const int alone =
            (k < inner || isnan(f[k - inner])) && (k >= size - inner || isnan(f[k + inner]));
        REQUIRE(isnan(f[k]) || alone ? isnan(out[k]) : near(out[k], 3.0, 10.0));
    }
    free(f), free(out), free(scratch);
}

/* Arrays that are not aligned to their type are refused, before anything is read or written. */
static void unaligned(void)
{
    const ptrdiff_t n = 2 + below(3000);
    const int single = (int)below(2);
    const size_t item = single ? 4 : 8, in = below(8), at = below(8), size = (size_t)n * item;
    char *const f = room(size + in), *const out = room(size + at);
    double *const scratch = room(FG_GRID_SCRATCH * 8);
    memset(f, 0, size + in);
    memset(out, 1, size + at);
    const double interior[4] = {0.5, 0, 0, 0}, weights[4] = {-1, 1, -1, 1};
    const ptrdiff_t rows[4] = {0, 1, n - 2, n - 1};
    const fg_grid_axis axis = {n, 1,   FG_GRID_ODD, 1,    2,       1,
                               0, 1.0, interior,    NULL, weights, rows};
    const fg_grid_term term = {f + in, &axis, 1.0};
    const fg_grid_output o = {out + at, &term, 1, 0};
    const ptrdiff_t found = fg_grid(&o, 1, single, n, 0, 1, n, fg_grid_streams(), scratch);
    REQUIRE(found == ((in % item || at % item) ? -1 : 0));
    for (size_t k = at; k < size + at; k++)
        REQUIRE(out[k] == (found ? 1 : 0));
    free(f), free(out), free(scratch);
}

static void weights_of_polynomials(void)
{
    const ptrdiff_t count = 2 + below(8);
    const int derivative = 1 + (int)below(2);
    double *const x = room((size_t)count * 8);
    double *const w = room((size_t)count * 8);
    double *const work = room((size_t)count * 24);
    for (ptrdiff_t k = 0; k < count; k++)
        x[k] = (k ? x[k - 1] : -2.0) + 0.25 + below(4) * 0.25;
    const double at = x[below((unsigned)count)];
    const double unit = ldexp(1.0, (int)below(900) - 450);
    for (ptrdiff_t k = 0; k < count; k++)
        x[k] *= unit;
    fg_weights(at * unit, x, count, derivative, w, work);
    for (ptrdiff_t k = 0; k < count; k++) {
        x[k] /= unit;
        w[k] *= derivative == 2 ? unit * unit : unit;
    }
    for (int degree = 0; degree < count; degree++) {
        double sum = 0.0, size = 0.0, exact = degree == 0 ? 0.0 : degree * pow(at, degree - 1);
        if (derivative == 2)
            exact = degree < 2 ? 0.0 : degree * (degree - 1) * pow(at, degree - 2);
        for (ptrdiff_t k = 0; k < count; k++) {
            sum += w[k] * pow(x[k], degree);
            size += fabs(w[k] * pow(x[k], degree));
        }
        REQUIRE(fabs(sum - (derivative < count ? exact : 0.0)) <= 1e-9 * (1 + size));
    }
    free(x), free(w), free(work);
}

/* --- Compiled functions ---------------------------------------------------------------------- */

static double squares(int n, double *x, void *data)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += (i + 1) * x[i] * x[i];
    return sum + *(const double *)data;
}

static void compiled(void)
{
    const ptrdiff_t n = 1 + below(20);
    const ptrdiff_t points = 1 + below(4);
    const ptrdiff_t count = below((unsigned)(n * points) + 1);
    double data = 0.25;
    double *const x = room((size_t)(n * points) * 8);
    double *const h = room((size_t)count * 8);
    const double offsets[2] = {1.0, -1.0};
    fg_compiled f = {squares, NULL, &data, NULL, 0, 0};
    f.scratch = room((size_t)fg_compiled_scratch(&f, n) * 8);
    double *const values = room((size_t)(2 * count) * 8), *const point = room((size_t)n * 8);
    ptrdiff_t *const components = room((size_t)count * sizeof *components);
    for (ptrdiff_t k = 0; k < n * points; k++)
        x[k] = number();
    for (ptrdiff_t a = 0; a < count; a++) {
        components[a] = below((unsigned)(n * points));
        h[a] = 0.125 * (1 + below(5));
    }
    const int listed = (int)below(2);
    const fg_shifts s = {n, x, listed ? components : NULL, 0, h, count, offsets, 2};
    REQUIRE(fg_compiled_at_shifts(&f, &s, values) == FG_OK);
    for (ptrdiff_t a = 0; a < count; a++)
        for (int j = 0; j < 2; j++) {
            const ptrdiff_t c = listed ? components[a] : a;
            memcpy(point, x + c / n * n, (size_t)n * 8);
            point[c % n] += offsets[j] * h[a];
            REQUIRE(values[2 * a + j] == squares((int)n, point, &data));
        }
    free(x), free(h), free(f.scratch), free(values), free(point), free(components);
}

/* --- The adaptive method --------------------------------------------------------------------- */

/* Memory that is counted; the request number `refused` is refused. */
static long requests, refused, given;

static void *resize(void *memory, size_t bytes)
{
    if (requests++ == refused)
        return NULL;
    given += memory ? 0 : 1;
    void *const found = realloc(memory, bytes);
    REQUIRE(found);
    return found;
}

static void release(void *memory)
{
    given -= memory ? 1 : 0;
    free(memory);
}

static const fg_allocator counted = {resize, release};

enum { MOST_INPUTS = 10, MOST_OUTPUTS = 3 };
enum { SMOOTH, SAME, NOISE, KINK, JUMP, CONSTANT, HALF, NARROW, PRINTED, STAIRS, KINDS };

/* Outputs of several kinds, as functions of sums of smooth functions of the coordinates. */
typedef struct {
    ptrdiff_t n, outputs, points;
    int kinds[MOST_OUTPUTS];
    double weights[MOST_INPUTS], rates[MOST_INPUTS], level, offset;
    const double *x, *lower, *upper; /* (points, n); the latter two or NULL */
    long asked, calls, fails;        /* points; calls, of which that number fails */
} several;

/* Uniform in (-1, 1), by all coordinates. */
static double draw(ptrdiff_t n, const double *x)
{
    uint64_t z = SPLITMIX64_STEP, bits;
    for (ptrdiff_t i = 0; i < n; i++) {
        memcpy(&bits, x + i, sizeof bits);
        z = splitmix64(z + bits);
    }
    return ldexp((double)(splitmix64(z) >> 11), -52) - 1.0;
}

static double output_of(const several *f, const double *base, const double *x, int kind)
{
    double sum = f->offset, from = 0.0;
    for (ptrdiff_t i = 0; i < f->n; i++) {
        sum += f->weights[i] * sin(f->rates[i] * x[i]);
        from += f->weights[i] * (x[i] - base[i]);
    }
    switch (kind) {
    case NOISE:
        return sum + f->level * draw(f->n, x);
    case KINK:
        return sum + fabs(from);
    case JUMP:
        return sum + (from > 0.0 ? 1.0 : 0.0);
    case CONSTANT:
        return f->offset;
    case HALF:
        return from < 0.0 ? (f->level > 1e-6 ? INFINITY : NAN) : sum;
    case NARROW:
        return (double)(float)sum;
    case PRINTED:
        return nearbyint(sum * 1e4) / 1e4;
    case STAIRS:
        return floor(sum * 1e3) / 1e3;
    default:
        return sum;
    }
}

static void values_at(several *f, ptrdiff_t point, const double *x, double *values)
{
    for (ptrdiff_t i = 0; f->lower && i < f->n; i++) {
        REQUIRE(x[i] >= f->lower[point * f->n + i]);
        REQUIRE(x[i] <= f->upper[point * f->n + i]);
    }
    for (ptrdiff_t o = 0; o < f->outputs; o++)
        values[o] = output_of(f, f->x + point * f->n, x, f->kinds[o]);
    f->asked++;
}

static int several_at_shifts(void *ctx, const fg_shifts *s, double *values)
{
    several *const f = ctx;
    double x[MOST_INPUTS];
    REQUIRE(s->n == f->n && s->count > 0 && s->width > 0);
    if (f->calls++ == f->fails)
        return FG_ECALLBACK;
    for (ptrdiff_t a = 0; a < s->count; a++)
        for (ptrdiff_t j = 0; j < s->width; j++, values += f->outputs) {
            const ptrdiff_t c = fg_component_of(s, a), point = c / f->n;
            REQUIRE(c >= 0 && point < f->points);
            memcpy(x, s->x + point * f->n, (size_t)f->n * 8);
            x[c % f->n] += s->offsets[j] * s->h[a];
            values_at(f, point, x, values);
        }
    return FG_OK;
}

/* Dense points are close to the point that they belong to, which is the nearest. */
static int several_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points,
                             double *values)
{
    several *const f = ctx;
    REQUIRE(n == f->n && count > 0);
    if (f->calls++ == f->fails)
        return FG_ECALLBACK;
    for (ptrdiff_t k = 0; k < count; k++, points += n, values += f->outputs) {
        ptrdiff_t nearest = 0;
        double least = INFINITY;
        for (ptrdiff_t p = 0; p < f->points; p++) {
            double apart = 0.0;
            for (ptrdiff_t i = 0; i < n; i++)
                apart += fabs(points[i] - f->x[p * n + i]);
            if (apart < least) {
                least = apart;
                nearest = p;
            }
        }
        values_at(f, nearest, points, values);
    }
    return FG_OK;
}

/* How many bars there were for derivatives that are known, and how many held. */
static long bars, bars_that_held, wide;

static void check_entry(const several *f, const double *x, ptrdiff_t i, int kind, int deriv,
                        const double *found, ptrdiff_t all, int flags)
{
    const double value = found[0], bar = found[all], *const w = f->weights, *const r = f->rates;
    REQUIRE(isfinite(value) ? bar >= 0.0 : isnan(value) && bar == INFINITY);
    REQUIRE(found[2 * all] >= 0.0 && flags >= 0 && flags < 2 * FG_UNDETERMINED);
    REQUIRE(isfinite(value) || flags);
    REQUIRE(kind != CONSTANT || value == 0.0 || isnan(value));
    if ((kind != SMOOTH && kind != SAME && kind != NOISE) || !isfinite(value))
        return;
    const double size = fabs(w[i] * r[i]) * (deriv == 1 ? 1.0 : fabs(r[i]));
    const double exact =
        deriv == 1 ? w[i] * r[i] * cos(r[i] * x[i]) : -w[i] * r[i] * r[i] * sin(r[i] * x[i]);
    bars++;
    bars_that_held += fabs(value - exact) <= bar;
    wide += kind != NOISE && bar > 1e-4 * size;
}

/* All coordinates; or, now and then, those whose pairs are the others. */
static ptrdiff_t axes_of(ptrdiff_t n)
{
    for (ptrdiff_t axes = 2; axes * (axes + 1) / 2 <= n; axes++)
        if (axes * (axes + 1) / 2 == n && below(2))
            return axes;
    return n;
}

/* A function as f is, of points whose numbers have few digits, with bounds or without. */
static several random_function(double *x, double *sizes, double *lower, double *upper, double *room)
{
    several f = {.n = 1 + below(MOST_INPUTS), .outputs = 1 + below(MOST_OUTPUTS), .fails = -1};
    f.points = 1 + below(3);
    f.level = pow(10.0, -3.0 - below(9));
    f.offset = number();
    for (int o = 0; o < MOST_OUTPUTS; o++)
        f.kinds[o] = (int)below(3) ? SMOOTH : (int)below(KINDS);
    for (ptrdiff_t i = 0; i < f.n; i++) {
        f.weights[i] = 1.0 + below(8) * 0.25;
        f.rates[i] = 0.25 * (1 + below(8));
    }
    const ptrdiff_t all = f.points * f.n;
    for (ptrdiff_t k = 0; k < all; k++) {
        x[k] = below(8) ? number() / 50.0 : 0.0;
        if (k % f.n == 0) /* no two points are near each other: values tell them apart by that */
            x[k] += 16.0 * (double)(k / f.n);
        sizes[k] = fabs(x[k]) > 0.0 ? fabs(x[k]) : 1.0;
        const unsigned kind = below(6);
        lower[k] = kind == 0 || kind == 5 ? x[k] : kind == 1 ? -INFINITY : x[k] - 0.5 - below(4);
        upper[k] = kind == 2 || kind == 5 ? x[k] : kind == 3 ? INFINITY : x[k] + 0.01 * below(99);
        room[k] = x[k] - lower[k];
        room[all + k] = upper[k] - x[k];
    }
    f.x = x;
    if (below(2)) {
        f.lower = lower;
        f.upper = upper;
    }
    return f;
}

/* Derivatives of several outputs at several points: bars, bounds and what is spent; callbacks and
 * requests for memory that fail give all back. */
static void adaptive(void)
{
    enum { ALL = 3 * MOST_INPUTS };
    double x[ALL], sizes[ALL], lower[ALL], upper[ALL], space[2 * ALL];
    several f = random_function(x, sizes, lower, upper, space);
    const ptrdiff_t entries = f.points * f.n * f.outputs, levels_count = f.points * f.outputs;
    const fg_function function = {&f, f.outputs, several_at_shifts, several_at_points};
    const size_t all_levels = (size_t)levels_count * 8, all_found = (size_t)(5 * entries) * 8;
    double *const base = room(all_levels), *const known = room(all_levels);
    double *const levels = room(all_levels);
    double *const found = room(all_found), *const again = room(all_found);
    int *const flags = room((size_t)entries * sizeof *flags);
    for (ptrdiff_t p = 0; p < f.points; p++)
        values_at(&f, p, x + p * f.n, base + p * f.outputs);
    for (ptrdiff_t k = 0; k < levels_count; k++)
        known[k] = f.kinds[k % f.outputs] == NOISE ? f.level : 0.0;
    fg_wanted wanted = {.f = &function,
                        .n = f.n,
                        .points = f.points,
                        .x = x,
                        .base = base,
                        .sizes = sizes,
                        .room = f.lower ? space : NULL,
                        .levels = below(4) ? NULL : known,
                        .deriv = 1 + (int)below(2),
                        .tolerance = below(3) ? 0.0 : 1e-4,
                        .most = below(3) ? 40 : 1 + (int)below(20),
                        .axes = axes_of(f.n)};
    requests = given = f.asked = 0;
    refused = -1;
    REQUIRE(fg_adaptive(&wanted, &counted, found, flags, levels) == FG_OK && given == 0);
    /* Points close to x, and whether their differences are curvature, are not asked about. */
    REQUIRE(f.asked <= f.points * (f.n * wanted.most + 8));
    for (ptrdiff_t k = 0; k < levels_count; k++)
        REQUIRE(levels[k] >= 0.0 && isfinite(levels[k]));
    for (ptrdiff_t k = 0; k < entries; k++) {
        const ptrdiff_t c = k / f.outputs;
        check_entry(&f, x + c / f.n * f.n, c % f.n, f.kinds[k % f.outputs], wanted.deriv, found + k,
                    entries, flags[k]);
    }

    const long all = requests, calls = f.calls;
    f.calls = 0;
    REQUIRE(fg_adaptive(&wanted, &counted, again, flags, levels) == FG_OK && f.calls == calls);
    REQUIRE(memcmp(found, again, all_found) == 0);
    requests = f.calls = 0;
    f.fails = below((unsigned)calls);
    REQUIRE(fg_adaptive(&wanted, &counted, again, flags, levels) == FG_ECALLBACK);
    REQUIRE(f.calls == f.fails + 1 && given == 0);
    requests = f.calls = 0;
    f.fails = -1;
    refused = below((unsigned)all);
    REQUIRE(fg_adaptive(&wanted, &counted, again, flags, levels) == FG_EMEMORY && given == 0);
    REQUIRE(requests >= refused + 1);
    free(base), free(known), free(found), free(again), free(levels), free(flags);
}

/* The noise alone: that of a noisy output, rounding of a smooth one; failures give all back. */
static void noise_levels(void)
{
    enum { ALL = 3 * MOST_INPUTS };
    double x[ALL], sizes[ALL], lower[ALL], upper[ALL], space[2 * ALL], base[9], levels[9];
    several f = random_function(x, sizes, lower, upper, space);
    const fg_function function = {&f, f.outputs, several_at_shifts, several_at_points};
    for (ptrdiff_t p = 0; p < f.points; p++)
        values_at(&f, p, x + p * f.n, base + p * f.outputs);
    const fg_wanted wanted = {.f = &function,
                              .n = f.n,
                              .points = f.points,
                              .x = x,
                              .base = base,
                              .sizes = sizes,
                              .room = f.lower ? space : NULL,
                              .deriv = 1,
                              .most = 24 + 1,
                              .axes = f.n};
    requests = given = f.asked = 0;
    refused = -1;
    REQUIRE(fg_noise_levels(&wanted, &counted, levels) == FG_OK && given == 0);
    REQUIRE(f.asked <= 24 * f.points * f.outputs);
    int moves = 0; /* one coordinate of each point that is free on both sides, at least */
    for (ptrdiff_t p = 0; p < f.points; p++) {
        int free_ones = 0;
        for (ptrdiff_t c = p * f.n; c < (p + 1) * f.n; c++)
            free_ones |= !f.lower || smaller(space[c], space[f.points * f.n + c]) > 0.0;
        moves += free_ones;
    }
    for (ptrdiff_t k = 0; k < f.points * f.outputs; k++) {
        REQUIRE(levels[k] >= 0.0 && isfinite(levels[k]));
        if (moves < f.points)
            continue;
        if (f.kinds[k % f.outputs] == NOISE)
            REQUIRE(levels[k] > f.level / 10.0 && levels[k] < 3.0 * f.level);
        if (f.kinds[k % f.outputs] == SMOOTH)
            REQUIRE(levels[k] < 1e-11 * (1.0 + fabs(base[k])));
        if (f.kinds[k % f.outputs] == CONSTANT)
            REQUIRE(levels[k] == 0.0);
    }
    const long all = requests, calls = f.calls;
    f.calls = 0;
    f.fails = below((unsigned)calls);
    REQUIRE(fg_noise_levels(&wanted, &counted, levels) == FG_ECALLBACK && given == 0);
    REQUIRE(f.calls == f.fails + 1);
    f.fails = -1;
    requests = 0;
    refused = below((unsigned)all);
    REQUIRE(fg_noise_levels(&wanted, &counted, levels) == FG_EMEMORY && given == 0);
}

/* Each point from the definition; what is not named does not move, however little it would. */
static void pair_points(void)
{
    const ptrdiff_t n = 1 + below(6), lines = 1 + below(8), count = below(5);
    double *const x = room((size_t)n * 8), *const moves = room((size_t)(2 * lines) * 8);
    double *const t = room((size_t)(count * lines) * 8), *const out = room((size_t)(count * n) * 8);
    double *const point = room((size_t)n * 8), *const origin = room((size_t)lines * 8);
    ptrdiff_t *const pairs = room((size_t)(2 * lines) * sizeof *pairs);
    for (ptrdiff_t i = 0; i < n; i++)
        x[i] = below(9) ? number() : INFINITY;
    for (ptrdiff_t k = 0; k < lines; k++) {
        pairs[2 * k] = below((unsigned)n);
        pairs[2 * k + 1] = (ptrdiff_t)below((unsigned)n + 1) - 1;
        moves[2 * k] = number();
        moves[2 * k + 1] = pairs[2 * k + 1] < 0 ? NAN : number();
        origin[k] = below(2) ? 0.0 : number();
    }
    for (ptrdiff_t k = 0; k < count * lines; k++)
        t[k] = below(3) ? origin[k % lines] : number();
    fg_pair_points(n, x, lines, pairs, moves, origin, count, t, out);
    for (ptrdiff_t row = 0; row < count; row++) {
        for (ptrdiff_t i = 0; i < n; i++)
            point[i] = x[i];
        for (ptrdiff_t k = 0; k < lines; k++) {
            const double moved = t[row * lines + k] - origin[k];
            point[pairs[2 * k]] += moved * moves[2 * k];
            if (pairs[2 * k + 1] >= 0)
                point[pairs[2 * k + 1]] += moved * moves[2 * k + 1];
        }
        for (ptrdiff_t i = 0; i < n; i++)
            REQUIRE(point[i] == out[row * n + i]);
    }
    free(x), free(moves), free(t), free(out), free(point), free(pairs), free(origin);
}

/* --- Descent --------------------------------------------------------------------------------- */

typedef struct bowl { /* sum of (i + 1) x_i^2; the call number `fails` fails */
    ptrdiff_t n;
    int calls, fails, infinite;
} bowl;

static int bowl_value(void *ctx, const double *x, double *f)
{
    bowl *const b = ctx;
    *f = b->calls == b->infinite ? INFINITY : 0.0;
    for (ptrdiff_t i = 0; i < b->n; i++)
        *f += (double)(i + 1) * x[i] * x[i];
    return b->calls++ == b->fails ? FG_ECALLBACK : FG_OK;
}

static int bowl_gradient(void *ctx, const double *x, double *g)
{
    bowl *const b = ctx;
    for (ptrdiff_t i = 0; i < b->n; i++)
        g[i] = b->calls == b->infinite ? NAN : (double)(2 * (i + 1)) * x[i];
    return b->calls++ == b->fails ? FG_ECALLBACK : FG_OK;
}

/* A path is that of one iteration after the other; if it ends early, where x came from is kept. */
static void follow(void)
{
    const ptrdiff_t n = 1 + below(4), most = below(12);
    const fg_descent how = {(enum fg_direction)below(4), 0.5, 0.9, 1e-8};
    const size_t size = (size_t)n * 8, memory = (size_t)fg_memory(&how) * size;
    const int valued = (int)below(2), bounded = (int)below(2);
    double *const all[] = {room(size), room(size),   room(memory), room(size),
                           room(size), room(memory), room(size),   room(size),
                           room(size), room(size),   room(memory), room(size)};
    double *const x = all[0], *const g = all[1], *const d = all[8], *const y = all[9];
    double *const rates = room((size_t)most * 8), *const points = room((size_t)most * size);
    double *const record = room((size_t)most * FG_RECORD * 8), lowest = INFINITY;
    bowl b = {n, 0, below(3) ? -1 : (int)below(24), below(3) ? -1 : (int)below(24)};
    for (ptrdiff_t i = 0; i < n; i++) {
        y[i] = x[i] = number() / 100;
        all[6][i] = -0.5; /* bounds */
        all[7][i] = 0.5;
        g[i] = (double)(2 * (i + 1)) * x[i];
    }
    for (ptrdiff_t k = 0; k < most; k++)
        rates[k] = 0.01 * (1 + below(9));
    memset(all[2], 0, memory);
    memset(all[10], 0, memory);
    fg_path p = {.how = &how, .n = n, .end = most, .rates = rates, .gtol = below(2) * 0.1};
    p.lower = bounded ? all[6] : NULL;
    p.upper = bounded ? all[7] : NULL;
    p.ctx = &b;
    p.value = valued ? bowl_value : NULL;
    p.gradient = bowl_gradient;
    p.x = x, p.g = g, p.memory = all[2], p.last = all[3], p.last_g = all[4], p.last_memory = all[5];
    p.best_f = &lowest, p.best_x = all[11], p.record = record, p.points = points;
    double *const scratch = room(size);
    const int status = fg_follow(&p, scratch);
    const int calls =
        (int)p.done * (1 + valued) + (status == FG_ECALLBACK || status == FG_NOT_FINITE);
    REQUIRE(status == FG_RUNNING ? p.done == most : p.done <= most);
    REQUIRE(b.calls == calls ||
            (valued && b.calls == calls + (status < 0 || status == FG_NOT_FINITE)));
    REQUIRE(status != FG_ECALLBACK || b.calls == b.fails + 1);
    for (ptrdiff_t k = 0; k < p.done; k++) {
        for (ptrdiff_t i = 0; i < n; i++)
            g[i] = (double)(2 * (i + 1)) * y[i];
        fg_direct(&how, n, k, g, all[10], d);
        fg_move(n, 1, 1, rates[k], d, p.lower, p.upper, y);
        REQUIRE(memcmp(y, points + k * n, size) == 0);
        REQUIRE(!valued || lowest <= record[k * FG_RECORD]);
    }
    const int good = status == FG_RUNNING || status == FG_CONVERGED;
    REQUIRE(most == 0 || memcmp(y, good ? x : p.last, size) == 0);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free(rates), free(points), free(record), free(scratch);
}

static void one(const uint8_t *input, size_t size)
{
    static void (*const all[])(void) = {patterns,  grids,
                                        gaps,      weights_of_polynomials,
                                        compiled,  follow,
                                        adaptive,  noise_levels,
                                        unaligned, pair_points};
    bytes = input;
    left = size;
    all[below(sizeof all / sizeof *all)]();
}

#ifdef FG_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    one(input, size);
    return 0;
}
#else
enum { SHARED = 200000, THREADS = 4 };
static double shared_in[SHARED], shared_out[SHARED];

static void *share(void *which)
{
    static const double interior[4] = {0.5, 0, 0, 0}, weights[4] = {-1, 1, -1, 1};
    static const ptrdiff_t rows[4] = {0, 1, SHARED - 2, SHARED - 1};
    const fg_grid_axis axis = {SHARED, 1,   FG_GRID_ODD, 1,    2,       1,
                               0,      1.0, interior,    NULL, weights, rows};
    const fg_grid_term term = {shared_in, &axis, 1.0};
    const fg_grid_output o = {shared_out, &term, 1, 0};
    double scratch[FG_GRID_SCRATCH];
    const ptrdiff_t begin = SHARED / THREADS * *(const int *)which;
    fg_grid(&o, 1, 0, 1, begin, begin + SHARED / THREADS, 1 << 16, fg_grid_streams(), scratch);
    /* A compiled function at shares of the same points, scratch and values of its own. */
    static double data = 0.25;
    enum { N = 10, SHARE = 2000 };
    const double offsets[2] = {1.0, -1.0};
    double own[8 * N], h[SHARE], values[2 * SHARE];
    fg_compiled f = {squares, NULL, &data, own, 0, 0};
    REQUIRE(fg_compiled_scratch(&f, N) <= 8 * N);
    for (int k = 0; k < SHARE; k++)
        h[k] = 0.5;
    const fg_shifts s = {N, shared_in, NULL, begin, h, SHARE, offsets, 2};
    REQUIRE(fg_compiled_at_shifts(&f, &s, values) == FG_OK);
    return NULL;
}

static int threads(void)
{
    pthread_t helpers[THREADS];
    int numbers[THREADS];
    for (int k = 0; k < SHARED; k++)
        shared_in[k] = (double)k;
    for (int k = 0; k < THREADS; k++) {
        numbers[k] = k;
        REQUIRE(pthread_create(helpers + k, NULL, share, numbers + k) == 0);
    }
    for (int k = 0; k < THREADS; k++)
        pthread_join(helpers[k], NULL);
    for (int k = 0; k < SHARED; k++)
        REQUIRE(shared_out[k] == 1.0);
    return 0;
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "threads") == 0)
        return threads();
    const long many = count > 1 ? atol(arguments[1]) : 20000;
    uint64_t state = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    static uint8_t input[16384];
    for (long k = 0; k < many; k++) {
        for (size_t i = 0; i < sizeof input; i += 8) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            const uint64_t mixed = (state >> 29) ^ state;
            memcpy(input + i, &mixed, 8);
        }
        one(input, sizeof input);
    }
    printf("%ld inputs; %ld of %ld error bars hold, %ld are wide\n", many, bars_that_held, bars,
           wide);
    REQUIRE(bars < 1000 || bars_that_held > 0.97 * (double)bars);
    return 0;
}
#endif
