/* Derivatives from the values of a stencil. */
#include "numbers.h"
#include "stencil.h"

#include <string.h>

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

/* The three forms, for one output of consecutive components: plain loops over components, which the
 * compiler vectorises. x, h and d are (count,); values are `stride` apart from one component to the
 * next, f(x) `next`. */
static inline void combine_imaginary(ptrdiff_t count, const double *h, const double *values,
                                     ptrdiff_t stride, double *d)
{
    for (ptrdiff_t a = 0; a < count; a++)
        d[a] = values[a * stride] / h[a];
}

static inline void add_pair(ptrdiff_t count, double coefficient, double right, double left,
                            const double *x, const double *h, const double *at_right,
                            const double *at_left, ptrdiff_t stride, double *d)
{
    for (ptrdiff_t a = 0; a < count; a++) {
        const double distance = (x[a] + right * h[a]) - (x[a] + left * h[a]);
        d[a] += coefficient * ((at_right[a * stride] - at_left[a * stride]) / distance);
    }
}

static inline void add_difference(ptrdiff_t count, double coefficient, double offset,
                                  const double *x, const double *h, const double *values,
                                  ptrdiff_t stride, const double *base, ptrdiff_t next, double *d)
{
    for (ptrdiff_t a = 0; a < count; a++) {
        const double distance = (x[a] + offset * h[a]) - x[a];
        d[a] += coefficient * ((values[a * stride] - base[a * next]) / distance);
    }
}

/* `count` components, coordinates x on; the values for one offset lie `apart` from those for the
 * next. */
static inline void combine_run(const fg_stencil *st, ptrdiff_t count, const double *x,
                               const double *h, const double *values, ptrdiff_t stride,
                               ptrdiff_t apart, const double *base, ptrdiff_t next, double *d)
{
    if (st->form == FG_IMAGINARY) {
        combine_imaginary(count, h, values, stride, d);
        return;
    }
    for (ptrdiff_t a = 0; a < count; a++)
        d[a] = 0.0;
    if (st->form == FG_PAIRS)
        for (ptrdiff_t j = 0; j < st->width; j += 2)
            add_pair(count, st->coefficients[j], st->offsets[j], st->offsets[j + 1], x, h,
                     values + j * apart, values + (j + 1) * apart, stride, d);
    else
        for (ptrdiff_t j = 0; j < st->width; j++)
            add_difference(count, st->coefficients[j], st->offsets[j], x, h, values + j * apart,
                           stride, base, next, d);
}

/* All outputs of one component at x: the same arithmetic, over consecutive outputs. values (width,
 * outputs). */
static inline void combine_outputs(const fg_stencil *st, ptrdiff_t outputs, double x, double h,
                                   const double *values, const double *base, double *d)
{
    if (st->form == FG_IMAGINARY) {
        for (ptrdiff_t q = 0; q < outputs; q++)
            d[q] = values[q] / h;
        return;
    }
    memset(d, 0, (size_t)outputs * sizeof *d);
    for (ptrdiff_t j = 0; j < st->width; j += st->form == FG_PAIRS ? 2 : 1) {
        const double *const left = st->form == FG_PAIRS ? values + (j + 1) * outputs : base;
        const double coefficient = st->coefficients[j];
        const double end = st->form == FG_PAIRS ? x + st->offsets[j + 1] * h : x;
        const double distance = (x + st->offsets[j] * h) - end;
        const double *const right = values + j * outputs;
        for (ptrdiff_t q = 0; q < outputs; q++)
            d[q] += coefficient * ((right[q] - left[q]) / distance);
    }
}

FG_CLONES void fg_combine_columns(const fg_stencil *st, ptrdiff_t count, const double *x,
                                  const double *h, const double *values, const double *base,
                                  double *derivatives, int *seen)
{
    combine_run(st, count, x, h, values, 1, count, base, 1, derivatives);
    if (seen)
        *seen |= look_at(count * st->width, values, count, derivatives);
}

FG_CLONES int fg_combine(const fg_stencil *st, const fg_shifts *s, ptrdiff_t outputs,
                         const double *values, const double *base, double *derivatives)
{
    for (ptrdiff_t a = 0, run; a < s->count; a += run) {
        const ptrdiff_t c = fg_component_of(s, a);
        const ptrdiff_t left = s->n - c % s->n;
        const double *const at_x = base ? base + c / s->n * outputs : NULL;
        if (outputs != 1) {
            run = 1;
            combine_outputs(st, outputs, s->x[c], s->h[a], values + a * st->width * outputs, at_x,
                            derivatives + a * outputs);
            continue;
        }
        /* Where f(x) is not needed, all the points are one run. */
        run = s->components ? 1 : base && left < s->count - a ? left : s->count - a;
        combine_run(st, run, s->x + c, s->h + a, values + a * st->width, st->width, 1, at_x, 0,
                    derivatives + a);
    }
    return look_at(s->count * st->width * outputs, values, s->count * outputs, derivatives);
}
