/* Rounding inside f at a stationary point. A sum of squares of residuals r, each with its rounding
 * d, has the noise 2 r d: little at x, where its residuals are as good as they can be or f is as
 * large as they are, and more in every window, in proportion to the distance, as if the minimum
 * were elsewhere. Neither a window shows that, as most roundings are the same all over it, nor do
 * the points close to x. So some values of windows are looked at again with all coordinates moved a
 * little: what these differ by is the noise there, in units of the root of what f changed by. */
#include "internal.h"

static int is_stationary(const fg_search *s, ptrdiff_t c)
{
    const fg_output *const o = fg_output_of(s, c, 0);
    const fg_entry *const e = fg_entry_of(s, c, 0);
    return !o->noisy && !o->narrow && !o->gridded && o->finite && e->phase != DONE &&
           e->view.pairs >= 3 && 0.5 * fabs(e->curvature) * e->step > STATIONARY * fabs(e->slope);
}

/* The stationary column from `first` on, before `end`, whose curvature changes f most; or -1. */
static ptrdiff_t most_curved(const fg_search *s, ptrdiff_t first, ptrdiff_t end)
{
    double most = 0.0;
    ptrdiff_t found = -1;
    for (ptrdiff_t c = first; c < end; c++) {
        const fg_entry *const e = fg_entry_of(s, c, 0);
        const double change = fabs(e->curvature) * e->step * e->step;
        if (is_stationary(s, c) && change > most) {
            most = change;
            found = c;
        }
    }
    return found;
}

/* Values at a distance of a column, with all coordinates moved as the pair close to x
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
static double excess(const fg_search *s, ptrdiff_t c, double d, const double *there)
{
    const fg_output *const o = fg_output_of(s, c, 0);
    const fg_entry *const e = fg_entry_of(s, c, 0);
    const double *const near = s->near + c / s->n * 4;
    const double middle = fg_values_at(s, c, d)[0] * o->scale;
    const double curved = (near[0] + near[1]) * o->scale - 2.0 * o->base;
    const double both = (there[0] + there[1]) * o->scale - 2.0 * middle - curved;
    const double noise = both * both / 6.0;
    const double slope = s->wanted->x[c] * (fabs(e->slope) + fabs(e->curvature * d));
    const double expected =
        EXPECTED_DEVIATIONS * o->kappa *
        fg_rounding(o, larger(fabs(middle), o->largest), o->arguments + slope * slope);
    return noise > expected * expected ? noise / (0.5 * fabs(e->curvature) * d * d) : 0.0;
}

/* Columns of a point to look at, in *columns; how many. */
static int choose(const fg_search *s, ptrdiff_t p, ptrdiff_t columns[MOST_INSIDE])
{
    const ptrdiff_t groups = s->n >= FOUR_FROM ? MOST_INSIDE : 2, first = p * s->n;
    int count = 0;
    for (ptrdiff_t g = 0; g < groups; g++) {
        const ptrdiff_t c =
            most_curved(s, first + g * s->n / groups, first + (g + 1) * s->n / groups);
        if (c >= 0)
            columns[count++] = c;
    }
    return count;
}

static int look(fg_search *s, ptrdiff_t p, int *asked)
{
    ptrdiff_t columns[MOST_INSIDE];
    const int count = choose(s, p, columns);
    double sum = 0.0;
    int status = count < LEAST_INSIDE ? FG_OK : fg_reserve_values(s, 2);
    if (count < LEAST_INSIDE || status != FG_OK || !fg_affords(s, p, 2 * count))
        return status;
    for (int k = 0; k < count && status == FG_OK; k++) {
        const double d = fg_distance(s, columns[k], fg_entry_of(s, columns[k], 0)->view.level);
        double *const values = s->values + s->value_count;
        status = ask(s, columns[k], d, values);
        sum += excess(s, columns[k], d, values);
    }
    s->output[p].inside = sqrt(sum / count) * fg_student(count) / DEVIATIONS_OF_ONE;
    *asked = isfinite(s->output[p].inside) && s->output[p].inside > 0.0;
    return status;
}

int fg_look_inside(fg_search *s)
{
    int status = FG_OK, any = 0;
    for (ptrdiff_t p = 0; p < s->columns / s->n && status == FG_OK; p++)
        if (s->outputs == 1 && s->wanted->deriv == 1 && s->point[p].near > 1)
            status = look(s, p, &any);
    for (ptrdiff_t c = 0; c < s->columns && status == FG_OK && any; c++)
        fg_choose(s, c, 0);
    return status;
}
