/* Several rounds of a component as one, and its error bar. */
#include "internal.h"

#include <math.h>

double fg_bar(double truncation, double deviation)
{
    return TRUNCATION_FACTOR * truncation + DEVIATIONS * deviation;
}

/* The rounds of a component that are about as good as its best, as one. */
typedef struct {
    double value, truncation, deviation, step;
    int rounds;
} average;

static double bar_of(const fg_component *c, int k, double factor)
{
    return fg_bar(c->truncations[k], factor * c->deviations[k]);
}

/* The round with the smallest bar, if the noise is `factor` times what was thought. */
static int best_of(const fg_component *c, double factor)
{
    int best = 0;
    for (int k = 1; k < c->kept; k++)
        if (bar_of(c, k, factor) < bar_of(c, best, factor))
            best = k;
    return best;
}

static int counts(const fg_component *c, int k, int best, double factor)
{
    return !(bar_of(c, k, factor) > ABOUT_AS_GOOD * bar_of(c, best, factor));
}

/* The mean of the rounds, weighted by their errors. */
static average mean_of(const fg_component *c, double factor)
{
    const int best = best_of(c, factor);
    const double unit = c->kept ? bar_of(c, best, factor) : 0.0;
    average m = {.step = c->kept ? c->steps[best] : 0.0};
    double sum = 0.0, variance = 0.0;
    for (int k = 0; k < c->kept; k++) {
        if (!counts(c, k, best, factor))
            continue;
        const double t = unit > 0.0 ? TRUNCATION_FACTOR * c->truncations[k] / unit : 0.0;
        const double s = unit > 0.0 ? factor * c->deviations[k] / unit : 1.0;
        const double weight = 1.0 / (t * t + s * s), ratio = weight / (sum += weight);
        m.value = m.rounds++ ? m.value + ratio * (c->estimates[k] - m.value) : c->estimates[k];
        m.truncation += ratio * (c->truncations[k] - m.truncation);
        variance = variance * (1.0 - ratio) * (1.0 - ratio) + ratio * ratio * s * s;
    }
    m.deviation = unit * sqrt(variance);
    return m;
}

/* The sum of squares of (estimate - mean) / deviation over the rounds that count. */
static double scatter_of(const fg_component *c, double mean)
{
    const int best = best_of(c, 1.0);
    double scatter = 0.0;
    for (int k = 0; k < c->kept; k++) {
        const double off = (c->estimates[k] - mean) / c->deviations[k];
        if (c->deviations[k] > 0.0 && counts(c, k, best, 1.0))
            scatter += off * off;
    }
    return scatter;
}

void fg_pool(fg_component *c)
{
    const average m = mean_of(c, 1.0);
    const double error = fg_bar(m.truncation, m.deviation);
    if (error <= c->error) {
        c->value = m.value;
        c->error = error;
        c->step = m.step;
    }
}

/* Whether a component has rounds that can be averaged: not so at kinks, jumps and where f is
 * constant. */
static int is_averaged(const fg_component *c)
{
    return c->kept && !(c->flags & (FG_KINK | FG_JUMP | FG_FLAT));
}

static void rescale(fg_component *c, double all, double freedom, int is_noisy)
{
    const average m = mean_of(c, 1.0);
    if (is_noisy && c->doubted &&
        m.rounds < 2) { /* the last word may be as wrong as the one before */
        c->error = INFINITY;
        return;
    }
    const double own = (PRIOR * all + scatter_of(c, m.value)) / (PRIOR + m.rounds - 1);
    const average corrected = mean_of(c, sqrt(larger(own, all)));
    c->value = corrected.value;
    c->step = corrected.step;
    c->error = fg_bar(corrected.truncation, (1.0 + TAIL / freedom) * corrected.deviation);
}

void fg_calibrate(ptrdiff_t n, const fg_noise *noise, fg_component *work)
{
    double freedom = 0.5 * noise->evaluations, scatter = freedom / (FEW_SAMPLES * FEW_SAMPLES);
    for (ptrdiff_t c = 0; c < n; c++) {
        if (!is_averaged(work + c))
            continue;
        const average m = mean_of(work + c, 1.0);
        scatter += smaller(scatter_of(work + c, m.value), OUTLIER * (m.rounds - 1));
        freedom += m.rounds - 1;
    }
    for (ptrdiff_t c = 0; c < n; c++)
        if (is_averaged(work + c))
            rescale(work + c, scatter / freedom, freedom, noise->level > DOUBT * noise->size);
}
