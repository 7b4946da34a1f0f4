/* What seven equally spaced values say of a derivative at one of them. */
#include "seven.h"
#include "internal.h"

#include <float.h>

enum { MIDDLE = FG_SEVEN / 2 };

/* Which approximations belong to a place of x, and whether mirrored. */
static const fg_approximations *approximations(int derivative, ptrdiff_t place, double *sign)
{
    *sign = place > MIDDLE ? -1.0 : 1.0;
    if (derivative == 2)
        return &fg_second_derivative;
    return &fg_first_derivative[place > MIDDLE ? FG_SEVEN - 1 - place : place];
}

/* Derivative, size, middle and low, from slopes [in] (FG_WIDTH,). */
static fg_verdict approximate(const fg_approximations *a, const double *slopes)
{
    fg_verdict v = {.derivative = 0.0};
    double middle = 0.0, low = 0.0;
    for (int j = 0; j < FG_WIDTH; j++) {
        v.derivative += a->best[j] * slopes[j];
        middle += a->middle[j] * slopes[j];
        low += a->low[j] * slopes[j];
        v.size = larger(v.size, fabs(slopes[j]));
    }
    v.size = larger(v.size, fabs(v.derivative));
    v.middle = fabs(middle - v.derivative);
    v.low = fabs(low - v.derivative);
    return v;
}

/* The error bar for a truncation error and a deviation by noise. */
static double bar_of(double truncation, double deviation)
{
    return TRUNCATION_FACTOR * truncation + DEVIATIONS * deviation;
}

/* The noise that a sixth difference shows (More and Wild, SIAM J. Sci. Comput. 33 (2011)
 * 1292-1314), or rounding. Of values of deviation 1, it has the deviation sqrt(12!) / 6!. */
static double noise_of(const double *values, double epsilon)
{
    static const double weights[FG_SEVEN] = {1, -6, 15, -20, 15, -6, 1};
    double difference = 0.0, largest = 0.0;
    for (int k = 0; k < FG_SEVEN; k++) {
        difference += weights[k] * values[k];
        largest = larger(fabs(values[k]), largest);
    }
    return larger(fabs(difference) / sqrt(924.0), LARGEST_ROUNDING * epsilon * largest);
}

/* The derivative at x, which is value number `place`. */
static fg_verdict look(int derivative, ptrdiff_t place, double h, const double *values,
                       double noise)
{
    double sign, slopes[FG_WIDTH] = {0.0};
    const fg_approximations *const a = approximations(derivative, place, &sign);
    const double *const at = values + place;
    if (derivative == 2)
        for (int k = 1; k <= MIDDLE; k++)
            slopes[k - 1] = ((at[k] - at[0]) + (at[-k] - at[0])) / (k * k * h * h);
    else
        for (int j = 0; j < FG_WIDTH; j++) {
            const double offset = sign * a->offsets[j];
            slopes[j] = (at[(ptrdiff_t)offset] - at[0]) / (offset * h);
        }
    fg_verdict v = approximate(a, slopes);
    v.noise = FEW_SAMPLES * noise;
    v.unit = derivative == 2 ? h * h : h;
    fg_compare(a, &v);
    return v;
}

/* Epsilon of the precision that values show. */
static double epsilon_of(ptrdiff_t bases, const double *base, ptrdiff_t count, const double *others)
{
    fg_seen seen = {0};
    fg_look(bases, base, &seen);
    fg_look(count, others, &seen);
    return !seen.wide && seen.differs ? FLT_EPSILON : DBL_EPSILON;
}

void fg_seven_values(const fg_seven *s, ptrdiff_t bases, const double *base, const double *others,
                     double epsilon, double *value, double *bar, double *truncation, double *noise)
{
    const ptrdiff_t outputs = s->outputs, before = FG_SEVEN - 1;
    if (epsilon == 0.0)
        epsilon = epsilon_of(bases * outputs, base, s->rows * before * outputs, others);
    for (ptrdiff_t row = 0; row < s->rows; row++) {
        const ptrdiff_t place = s->place ? s->place[row] : MIDDLE;
        for (ptrdiff_t output = 0; output < outputs; output++) {
            const ptrdiff_t at = row * outputs + output;
            const double *const other = others + row * before * outputs + output;
            double values[FG_SEVEN];
            for (int k = 0; k < FG_SEVEN; k++)
                values[k] = k == place ? base[row % bases * outputs + output]
                                       : other[(k - (k > place)) * outputs];

            const double seen = noise_of(values, epsilon);
            const fg_verdict v = look(s->derivative, place, s->h[row], values, seen);
            const int known = isfinite(v.derivative + v.truncation + seen);
            value[at] = known ? v.derivative : NAN;
            truncation[at] = known ? v.truncation : INFINITY;
            noise[at] = known ? seen : 0.0;
            bar[at] = known ? bar_of(v.truncation, v.deviation) : INFINITY;
        }
    }
}

void fg_seven_bars(const fg_seven *s, const double *truncation, const double *noise, double *bar)
{
    for (ptrdiff_t row = 0; row < s->rows; row++) {
        double sign;
        const ptrdiff_t place = s->place ? s->place[row] : MIDDLE;
        const double norm = approximations(s->derivative, place, &sign)->best_norm;
        const double unit = s->derivative == 2 ? s->h[row] * s->h[row] : s->h[row];
        for (ptrdiff_t at = row * s->outputs; at < (row + 1) * s->outputs; at++)
            bar[at] = bar_of(truncation[at], norm * (FEW_SAMPLES * noise[at]) / unit);
    }
}
