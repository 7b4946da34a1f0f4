/* What the values of one round of the adaptive method say of one component. */
#include "internal.h"

#include <float.h>
#include <math.h>

double fg_epsilon_of(const fg_noise *noise) { return noise->narrow ? FLT_EPSILON : DBL_EPSILON; }

/* Noise relative to the size of the values. */
double fg_relative_noise(const fg_noise *noise)
{
    const double least = ROUNDING * fg_epsilon_of(noise);
    return noise->size > 0.0 ? larger(FEW_SAMPLES * noise->level / noise->size, least) : least;
}

/* Whether approximations of order 4 and 6 to the second derivative disagree. It is not wanted, but
 * where it does not converge, the first one may seem to do so by accident, when the step is some
 * period of f. */
static int is_even_part_rough(const double *values, double base, double noise)
{
    double slopes[FG_WIDTH] = {0.0};
    for (int k = 0; k < 3; k++)
        slopes[k] = ((values[2 * k] - base) + (values[2 * k + 1] - base)) / ((k + 1) * (k + 1));
    const fg_verdict v = fg_approximate(&fg_second_derivative, slopes);
    return v.middle > larger(ROUGH_EVEN * v.size, ROUGH_DEVIATIONS * noise);
}

/* Whether a one-sided stencil sees a constant, and f(x) apart from it: a jump, or an edge nearer
 * than the step. */
static int is_step(const double *values, double base, double noise)
{
    double least = values[0], most = values[0];
    for (int j = 1; j < FG_WIDTH; j++) {
        least = smaller(least, values[j]);
        most = larger(most, values[j]);
    }
    const double apart = larger(least - base, base - most);
    return apart > STEP_DEVIATIONS * noise && apart > STEP_RANGES * (most - least);
}

fg_verdict fg_examine(const fg_approximations *a, double x, double h, double base,
                      const double *values, const fg_noise *noise)
{
    double slopes[FG_WIDTH], largest = fabs(base);
    for (int j = 0; j < FG_WIDTH; j++) {
        slopes[j] = (values[j] - base) / ((x + a->offsets[j] * h) - x);
        largest = larger(largest, fabs(values[j]));
    }
    fg_verdict v = fg_approximate(a, slopes);
    v.h = v.unit = fabs(h);
    v.largest = largest;
    const double of_x = ROUNDING * fg_epsilon_of(noise) * fabs(x * v.derivative);
    v.noise = hypot(larger(fg_relative_noise(noise) * largest, FEW_SAMPLES * noise->level), of_x);
    fg_compare(a, &v);
    if (!v.rough)
        v.rough = a == FG_CENTRAL ? is_even_part_rough(values, base, v.noise)
                                  : is_step(values, base, v.noise);
    return v;
}

int fg_looks_like_kink(const double *values, double base, double noise)
{
    double even[3];
    for (int k = 0; k < 3; k++)
        even[k] = (values[2 * k] - base) + (values[2 * k + 1] - base);
    return fabs(even[0]) > KINK_DEVIATIONS * noise && fabs(even[1] / even[0] - 2.0) < KINK_SECOND &&
           fabs(even[2] / even[0] - 3.0) < KINK_THIRD;
}
