/* Derivatives from the values of a stencil. */
#include "numbers.h"
#include "stencil.h"

/* What fg_combine noticed: each shows at the first values as a rule, and none depends on how
 * components are split. */
static int look_at(ptrdiff_t n_values, const double *values, ptrdiff_t n_derivatives,
                   const double *derivatives)
{
    ptrdiff_t wide = 0, changed = 0;
    while (wide < n_values && fits_float32(values[wide]))
        wide++;
    while (changed < n_derivatives && derivatives[changed] == 0.0)
        changed++;
    return (wide < n_values ? FG_SEEN_DOUBLE : 0) | (changed < n_derivatives ? FG_SEEN_CHANGE : 0) |
           (fg_first_nonfinite(n_derivatives, derivatives) >= 0 ? FG_SEEN_NONFINITE : 0);
}

/* Where numbers lie: how far apart those of one derivative and the next are. */
typedef struct layout {
    ptrdiff_t point; /* coordinates and steps: 1, or 0 where all derivatives are of one component */
    ptrdiff_t value; /* values for one offset of the stencil */
    ptrdiff_t offset; /* values for one offset and the next, of the same derivative */
    ptrdiff_t base;   /* f(x) */
} layout;

/* d += coefficient * (a difference of values / the distance of their points), for `count`
 * derivatives: a plain loop, which the compiler vectorises. */
static FG_INLINE void add_difference(ptrdiff_t count, double coefficient, double right, double left,
                                     layout by, const double *x, const double *h,
                                     const double *at_right, const double *at_left, ptrdiff_t next,
                                     double *restrict d)
{
    for (ptrdiff_t a = 0; a < count; a++) {
        const double at = x[a * by.point], step = h[a * by.point];
        const double distance = (at + right * step) - (at + left * step);
        d[a] += coefficient * ((at_right[a * by.value] - at_left[a * next]) / distance);
    }
}

/* The three forms. */
static FG_INLINE void combine(const fg_stencil *st, ptrdiff_t count, layout by, const double *x,
                              const double *h, const double *values, const double *base,
                              double *restrict d)
{
    if (st->form == FG_IMAGINARY) {
        for (ptrdiff_t a = 0; a < count; a++)
            d[a] = values[a * by.value] / h[a * by.point];
        return;
    }
    for (ptrdiff_t a = 0; a < count; a++)
        d[a] = 0.0;
    if (st->form == FG_PAIRS)
        for (ptrdiff_t j = 0; j < st->width; j += 2)
            add_difference(count, st->coefficients[j], st->offsets[j], st->offsets[j + 1], by, x, h,
                           values + j * by.offset, values + (j + 1) * by.offset, by.value, d);
    else
        for (ptrdiff_t j = 0; j < st->width; j++)
            add_difference(count, st->coefficients[j], st->offsets[j], 0.0, by, x, h,
                           values + j * by.offset, base, by.base, d);
}

FG_CLONES void fg_combine_columns(const fg_stencil *st, ptrdiff_t count, const double *x,
                                  const double *h, const double *values, const double *base,
                                  double *derivatives, int *seen)
{
    const layout columns = {.point = 1, .value = 1, .offset = count, .base = 1};
    combine(st, count, columns, x, h, values, base, derivatives);
    if (seen)
        *seen |= look_at(count * st->width, values, count, derivatives);
}

FG_CLONES int fg_combine(const fg_stencil *st, const fg_shifts *s, ptrdiff_t outputs,
                         const double *values, const double *base, double *derivatives)
{
    const layout of_outputs = {.point = 0, .value = 1, .offset = outputs, .base = 1};
    const layout of_components = {.point = 1, .value = st->width, .offset = 1, .base = 0};
    for (ptrdiff_t a = 0, run; a < s->count; a += run) {
        const ptrdiff_t c = fg_component_of(s, a), left = s->n - c % s->n;
        const double *const x = s->x + c, *const h = s->h + a;
        const double *const at_x = base ? base + c / s->n * outputs : NULL;
        const double *const own = values + a * st->width * outputs;
        if (outputs != 1) {
            run = 1;
            combine(st, outputs, of_outputs, x, h, own, at_x, derivatives + a * outputs);
            continue;
        }
        /* Where f(x) is not needed, all the points are one run. */
        run = s->components ? 1 : base && left < s->count - a ? left : s->count - a;
        combine(st, run, of_components, x, h, own, at_x, derivatives + a);
    }
    return look_at(s->count * st->width * outputs, values, s->count * outputs, derivatives);
}
