/* What the values of one round of the adaptive method say of one component. */
#include "internal.h"

#include <float.h>
#include <math.h>

/* Weights: Fornberg, Math. Comp. 51 (1988), tables 1 and 3. Central: orders 6, 4, 2; one-sided: 6,
 * 5, 4. Norms to the digits that are given; tests/c/fuzz.c computes them. */
const fg_approximations fg_central = {
    .offsets = {1, -1, 2, -2, 3, -3},
    .best = {45. / 60, 45. / 60, -18. / 60, -18. / 60, 3. / 60, 3. / 60},
    .middle = {8. / 12, 8. / 12, -2. / 12, -2. / 12, 0, 0},
    .low = {1. / 2, 1. / 2, 0, 0, 0, 0},
    .best_norm = 1.0819,   /* sqrt(2 (45^2 + 9^2 + 1^2)) / 60 */
    .middle_norm = 0.1528, /* sqrt(2 (5^2 + 4^2 + 1^2)) / 60 */
    .low_norm = 0.4130,    /* sqrt(2 (15^2 + 9^2 + 1^2)) / 60 */
    .steep = 1,
};
const fg_approximations fg_one_sided = {
    .offsets = {1, 2, 3, 4, 5, 6},
    .best = {360. / 60, -900. / 60, 1200. / 60, -900. / 60, 360. / 60, -60. / 60},
    .middle = {300. / 60, -600. / 60, 600. / 60, -300. / 60, 60. / 60, 0},
    .low = {48. / 12, -72. / 12, 48. / 12, -12. / 12, 0, 0},
    .best_norm = 12.579,  /* sqrt(147^2 + 360^2 + 450^2 + 400^2 + 225^2 + 72^2 + 10^2) / 60 */
    .middle_norm = 5.066, /* sqrt(12!) / 6! / 6, that of a sixth difference over 6 */
    .low_norm = 8.158,    /* sqrt(22^2 + 120^2 + 270^2 + 320^2 + 210^2 + 72^2 + 10^2) / 60 */
    .steep = 0,
};

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
    double even[3], size = 0.0;
    for (int k = 0; k < 3; k++) {
        even[k] = (values[2 * k] - base) + (values[2 * k + 1] - base);
        size = larger(size, fabs(even[k]) / ((k + 1) * (k + 1)));
    }
    const double fourth = (16 * even[0] - even[1]) / 12;
    const double sixth = (270 * even[0] - 27 * even[1] + 2 * even[2]) / 180;
    return fabs(fourth - sixth) > larger(ROUGH_EVEN * size, ROUGH_DEVIATIONS * noise);
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

double fg_next_error(const fg_approximations *a, double size, double low)
{
    const double ratio = low / size;
    return low * (a->steep ? ratio * ratio : sqrt(ratio));
}

fg_verdict fg_examine(const fg_approximations *a, double x, double h, double base,
                      const double *values, const fg_noise *noise)
{
    fg_verdict v = {.h = fabs(h)};
    double middle = 0.0, low = 0.0;
    v.largest = fabs(base);
    for (int j = 0; j < FG_WIDTH; j++) {
        const double slope = (values[j] - base) / ((x + a->offsets[j] * h) - x);
        v.derivative += a->best[j] * slope;
        middle += a->middle[j] * slope;
        low += a->low[j] * slope;
        v.size = larger(v.size, fabs(slope));
        v.largest = larger(v.largest, fabs(values[j]));
    }
    v.size = larger(v.size, fabs(v.derivative));
    v.middle = fabs(middle - v.derivative);
    v.low = fabs(low - v.derivative);
    const double of_x = ROUNDING * fg_epsilon_of(noise) * fabs(x * v.derivative);
    v.noise = hypot(larger(fg_relative_noise(noise) * v.largest, FEW_SAMPLES * noise->level), of_x);
    v.deviation = a->best_norm * v.noise / v.h;
    v.middle_noise = a->middle_norm * v.noise / v.h;
    v.low_noise = a->low_norm * v.noise / v.h;
    v.rough = v.middle > larger(ROUGH_MIDDLE * v.size, ROUGH_DEVIATIONS * v.middle_noise) ||
              v.low > larger(ROUGH_LOW * v.size, ROUGH_DEVIATIONS * v.low_noise) ||
              (v.low > larger(SLOW_LOW * v.size, ROUGH_DEVIATIONS * v.low_noise) &&
               v.middle > SLOW_MIDDLE * v.low) ||
              (a == &fg_central ? is_even_part_rough(values, base, v.noise)
                                : is_step(values, base, v.noise));
    if (v.rough) {
        v.truncation = larger(v.middle, v.low);
        return v;
    }
    /* Truncation falls by the same factor from low to middle and from middle to best where
     * derivatives grow geometrically; the second guess guards against a middle one that is small by
     * accident. */
    double guess = v.middle * (v.middle + v.middle_noise) / (v.low + v.low_noise);
    if (v.low > GUARD_DEVIATIONS * v.low_noise && v.size > 0.0)
        guess = larger(guess, GUARD * fg_next_error(a, v.size, v.low));
    v.truncation = v.low + v.low_noise > 0.0 ? smaller(v.middle, GEOMETRIC_FACTOR * guess) : 0.0;
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
