/* Rounding inside f at a stationary point. A sum of squares of residuals r, each with its rounding
 * d, has the noise 2 r d: little at x, where its residuals are as good as they can be or f is as
 * large as they are, and more in every window, in proportion to the distance, as if the minimum were
 * elsewhere. Neither a window shows that, as most roundings are the same all over it, nor do the
 * points close to x. So some values of windows are looked at again with all coordinates moved a
 * little: what these differ by is the noise there, in units of the root of what f changed by. */
#include "internal.h"

static int is_stationary(const fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const fg_entry *const e = fg_entry_of(s, c, out);
    return !o->noisy && !o->narrow && !o->gridded && o->finite && e->phase != DONE &&
           e->view.pairs >= 3 &&
           0.5 * fabs(e->curvature) * e->step > STATIONARY * fabs(e->slope);
}

/* The column from `first` on, before `end`, whose curvature changes an output most; or -1. */
static ptrdiff_t most_curved(const fg_search *s, ptrdiff_t first, ptrdiff_t end)
{
    double most = 0.0;
    ptrdiff_t found = -1;
    for (ptrdiff_t c = first; c < end; c++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            const fg_entry *const e = fg_entry_of(s, c, out);
            const double change = fabs(e->curvature) * e->step * e->step;
            if (is_stationary(s, c, out) && change > most) {
                most = change;
                found = c;
            }
        }
    return found;
}

/* Values (2, outputs) at a distance of a column, with all coordinates moved as the pair close to x
 * is. */
static int ask(fg_search *s, ptrdiff_t c, double d, double *values)
{
    const fg_function *const f = s->wanted->f;
    const ptrdiff_t p = c / s->n;
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const ptrdiff_t k = p * s->n + i;
        const double x = s->wanted->x[k] + (k == c ? d : 0.0);
        s->dense[i] = x + s->close[k];
        s->dense[s->n + i] = x - s->close[k];
    }
    s->point[p].shared += 2;
    return f->at_points(f->ctx, 2, s->n, s->dense, values);
}

/* The square of the noise that values show beyond rounding, of what curvature changed f by. */
static double excess(const fg_search *s, ptrdiff_t c, ptrdiff_t out, double d, const double *there)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const fg_entry *const e = fg_entry_of(s, c, out);
    const double *const near = s->near + c / s->n * 4 * s->outputs + out;
    const double middle = fg_values_at(s, c, d)[out] * o->scale;
    const double curved = (near[0] + near[s->outputs]) * o->scale - 2.0 * o->base;
    const double both = (there[out] + there[s->outputs + out]) * o->scale - 2.0 * middle - curved;
    const double noise = both * both / 6.0;
    const double slope = s->wanted->x[c] * (fabs(e->slope) + fabs(e->curvature * d));
    const double expected =
        o->kappa * fg_rounding(o, larger(fabs(middle), o->largest), o->arguments + slope * slope);
    if (!(noise > EXPECTED_DEVIATIONS * expected * (EXPECTED_DEVIATIONS * expected)))
        return 0.0;
    return noise / (0.5 * fabs(e->curvature) * d * d);
}

static int look(fg_search *s, ptrdiff_t p, int *asked)
{
    const ptrdiff_t groups = s->n >= FOUR_FROM ? MOST_INSIDE : 2, first = p * s->n;
    int status = FG_OK;
    double sums[1] = {0.0};
    int counts[1] = {0};
    for (ptrdiff_t g = 0; g < groups && status == FG_OK && fg_affords(s, p, 2); g++) {
        const ptrdiff_t c =
            most_curved(s, first + g * s->n / groups, first + (g + 1) * s->n / groups);
        if (c < 0)
            continue;
        const double d = fg_distance(s, c, fg_entry_of(s, c, 0)->view.level);
        status = fg_reserve_values(s, (size_t)(2 * s->outputs));
        if (status != FG_OK)
            break;
        double *const values = s->values + s->value_count;
        status = ask(s, c, d, values);
        sums[0] += excess(s, c, 0, d, values);
        counts[0]++;
        *asked = 1;
    }
    if (counts[0])
        s->output[p].inside =
            sqrt(sums[0] / counts[0]) * fg_student(counts[0]) / DEVIATIONS_OF_ONE;
    return status;
}

int fg_look_inside(fg_search *s, int *asked)
{
    int status = FG_OK;
    *asked = 0;
    for (ptrdiff_t p = 0; p < s->columns / s->n && status == FG_OK; p++)
        if (s->outputs == 1 && s->wanted->deriv == 1 && s->point[p].near > 1)
            status = look(s, p, asked);
    return status;
}
