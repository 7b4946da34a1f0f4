/* Once all derivatives of an output are known: rounding by what the points close to x leave, and
 * bars by that. */
#include "internal.h"

enum { MOST_RESIDUALS = 4 };

typedef struct {
    double residual, allowance, variance;
} sample;

/* What curvature allows in a second difference, and what the bars allow in a first. */
typedef struct {
    double curvature, slack, plane[4], bend, bend_error, arguments;
    double tops;    /* squares of coefficients that are about as small as rounding, in its units */
    double largest; /* values of the window that has the smallest ones */
    int complete, count;
} sums;

static sums sum_up(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    const fg_output *const o = s->output + p * s->outputs + out;
    sums all = {.complete = o->finite, .largest = INFINITY};
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
        const fg_entry *const e = fg_entry_of(s, c, out);
        const double x = s->wanted->x[c], h = s->close[c];
        if (!e->view.pairs) {
            all.complete &= h == 0.0;
            continue;
        }
        all.largest = smaller(all.largest, e->largest);
        all.curvature += sqrt(fabs(e->curvature)) * fabs(h);
        all.slack += fabs(h) * (e->slope_error + fabs(e->third) * h * h / 6.0);
        all.bend += 0.5 * e->curvature * h * h;
        all.bend_error += 0.5 * e->curvature_error * h * h;
        all.arguments += x * e->slope * (x * e->slope);
        all.tops += e->tops;
        all.count += e->samples;
        for (int m = 0; m < s->point[p].near; m++)
            all.plane[m] += e->slope * ((x + MULTIPLES[m] * h) - x);
    }
    all.curvature *= all.curvature;
    return all;
}

/* The residuals of the points close to x. */
static int residuals(const fg_search *s, ptrdiff_t p, ptrdiff_t out, const sums *all,
                     sample found[MOST_RESIDUALS])
{
    const fg_output *const o = s->output + p * s->outputs + out;
    const double *const values = s->near + p * 4 * s->outputs + out;
    const int near = s->point[p].near;
    int count = 0;
    for (int m = 0; m + 1 < near; m += 2) {
        const double right = values[m * s->outputs] * o->scale,
                     left = values[(m + 1) * s->outputs] * o->scale;
        const double farther = m ? 2.0 : 1.0;
        found[count++] =
            (sample){right + left - 2.0 * o->base, farther * farther * all->curvature, 6.0};
        found[count++] = (sample){right - left - (all->plane[m] - all->plane[m + 1]),
                                  2.0 * farther * all->slack, 2.0};
    }
    if (near == 1) {
        const double right = values[0] * o->scale;
        const double curved = s->n == 1 ? all->bend_error : 0.5 * all->curvature;
        found[count++] =
            (sample){right - o->base - all->plane[0] - all->bend, curved + all->slack, 2.0};
    }
    return count;
}

/* Rounding of a value, by the residuals that say something of it. */
typedef struct {
    double own[MOST_RESIDUALS];
    int kept;
    double most, least; /* of those; of all, with what curvature and bars allow in them */
} seen;

/* top: the rounding that is expected. */
static seen keep(const sample *found, int count, double top)
{
    seen all = {.least = INFINITY};
    for (int k = 0; k < count; k++) {
        const double root = sqrt(found[k].variance), size = fabs(found[k].residual);
        all.least = smaller(all.least, size / root);
        if (!(found[k].allowance < ALLOWANCE * top * root ||
              size > BEYOND_ALLOWANCE * found[k].allowance))
            continue;
        all.own[all.kept] = larger(size - found[k].allowance, 0.0) / root;
        all.most = larger(all.most, all.own[all.kept++]);
    }
    return all;
}

/* Whether some of the residuals, or of the top coefficients, are no smaller than rounding of the
 * arguments lets expect. top: the rounding with that. */
static int shows_arguments(const sums *all, const seen *near, double top)
{
    const double of_tops = all->count ? sqrt(all->tops / all->count) : 0.0;
    const int samples = near->kept + all->count;
    return !near->kept ||
           !(larger(near->most / top, of_tops) *
                 WITHOUT_ARGUMENTS[samples < ENOUGH_RESIDUALS ? samples : ENOUGH_RESIDUALS] <
             1.0);
}

/* About how many deviations the largest of so many samples is. */
static double largest_of(ptrdiff_t count) { return sqrt(1.0 + 2.0 * log((double)count)); }

/* What the noise counts in a bar, where that is rounding. */
static double deviations_of_rounding(double kappa, double degrees)
{
    const double seen = OF_ROUNDING * fg_student(degrees + KNOWN_OF_ROUNDING),
                 few = degrees < 1.0 + ENOUGH_SAMPLES ? DEVIATIONS_OF_ONE / kappa : 0.0;
    return larger(larger(seen, few), LEAST_DEVIATIONS);
}

/* kappa by the points close to x, whose squares' sum is `sum` and which give o->degrees, and by top
 * coefficients. Those of some components say little of another that shows none: what f rounds as
 * one coordinate moves may stay as it is as another does. */
static void add_tops(fg_output *o, double sum, const sums *all)
{
    const double close = larger(sqrt(sum / o->degrees), LEAST_ROUNDING),
                 deviations = deviations_of_rounding(close, o->degrees);
    o->degrees += all->count;
    o->kappa = larger(sqrt((sum + all->tops) / o->degrees), LEAST_ROUNDING);
    o->unheard =
        larger(1.0, close * deviations / (o->kappa * deviations_of_rounding(o->kappa, o->degrees)));
}

/* kappa and degrees of freedom, from the residuals. Whether a line must say more. */
static int scale_rounding(fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    sums all = sum_up(s, p, out);
    o->degrees = 1.0 + all.count;
    o->kappa = sqrt((1.0 + all.tops) / o->degrees);
    o->unheard = 1.0;
    if (!all.complete)
        return 0;
    sample found[MOST_RESIDUALS] = {{0.0, 0.0, 1.0}};
    const int knew = o->rounds_arguments;
    const int count = residuals(s, p, out, &all, found);
    o->residual = found[s->point[p].near > 1 ? 1 : 0].residual;
    o->arguments = all.arguments;
    o->rounds_arguments = 1;
    /* Near a zero of f, residuals of a sum of squares are rounded: its root. At one, its values say
     * nothing of rounding, those around do. */
    const double root = o->largest > 0.0 ? sqrt(o->largest) * sqrt(all.largest) : all.largest;
    const double largest = larger(o->largest, root);
    const double top = fg_rounding(o, largest, all.arguments);
    if (!knew) /* top coefficients were measured without */
        all.tops *= pow(ROUNDING * EPSILON * largest / top, 2.0);
    const seen near = keep(found, count, top);
    o->rounds_arguments = shows_arguments(&all, &near, top) ||
                          (o->seen && o->level > 0.0 && fg_explains_line(o, o->level));
    const double expected = fg_rounding(o, largest, all.arguments);
    all.tops *= pow(top / expected, 2.0);
    double sum = 1.0;
    for (int k = 0; k < near.kept; k++)
        sum += near.own[k] / expected * (near.own[k] / expected);
    o->degrees = 1.0 + near.kept;
    if (!near.kept && near.least < INFINITY) {
        /* All may be curvature, or rounding: no less than expected, no more than that. */
        sum += pow(larger(1.0, smaller(near.least / expected, MOST_OF_BOTH)), 2.0);
        o->degrees += 1.0;
    }
    add_tops(o, sum, &all);
    if (isfinite(o->slope) || o->seen || o->level > 0.0) {
        o->kappa = larger(1.0, o->level / expected);
        o->degrees = 1.0 + LINE_DEGREES;
        o->unheard = 1.0;
        return 0;
    }
    /* A line on which f cannot tell the points apart says nothing. */
    const double suspect =
        near.kept < ENOUGH_RESIDUALS ? largest_of(s->outputs) * SUSPECT_OF_FEW : SUSPECT;
    if (o->lined || !(o->kappa > suspect))
        return 0;
    o->kappa = o->unheard = 1.0;
    fg_want_line(o, CLOSE * (o->flat ? FARTHER : 1.0));
    return 1;
}

static void rejudge(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    if (o->noisy || o->narrow)
        o->deviations = OF_A_LINE * fg_student(o->line_degrees);
    else if (o->root > 0.0 || (o->lined && o->kappa > SUSPECT_OF_FEW))
        o->deviations = OF_A_LINE * fg_student(LINE_DEGREES);
    else
        o->deviations = deviations_of_rounding(o->kappa, o->degrees);
    const double now[5] = {o->kappa, o->unheard, o->deviations,
                           o->rounds_arguments ? o->arguments : 0.0, o->level};
    int same = 1;
    for (int k = 0; k < 5; k++)
        same &= fabs(now[k] - o->judged[k]) <= SAME * fabs(now[k]);
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n && !same; c++)
        fg_choose(s, c, out);
    for (int k = 0; k < 5 && !same; k++)
        o->judged[k] = now[k];
}

int fg_calibrate(fg_search *s)
{
    int status = fg_renew_near(s), lines = 0;
    if (status != FG_OK)
        return status;
    const ptrdiff_t points = s->columns / s->n;
    for (ptrdiff_t p = 0; p < points; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            fg_output *const o = s->output + p * s->outputs + out;
            /* A line that another output asked costs nothing, and is more values. */
            if (!o->noisy && !o->narrow)
                lines |= fg_join_line(s, p, o) || scale_rounding(s, p, out);
        }
    if (lines) {
        status = fg_run_lines(s);
        if (status == FG_OK)
            status = fg_run(s, fg_find_first);
        if (status != FG_OK)
            return status;
        for (ptrdiff_t p = 0; p < points; p++)
            for (ptrdiff_t out = 0; out < s->outputs; out++) {
                fg_output *const o = s->output + p * s->outputs + out;
                if (o->lined && !o->noisy && !o->narrow)
                    scale_rounding(s, p, out);
            }
    }
    for (ptrdiff_t p = 0; p < points; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            rejudge(s, p, out);
    return FG_OK;
}
