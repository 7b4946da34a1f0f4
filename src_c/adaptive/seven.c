/* What seven equally spaced values say of a derivative. */
#include "seven.h"

#include <math.h>

/* Truncation from how the orders differ: geometric from order to order, with a guard against one
 * that is small by accident; docs/adaptive.md. */
static double truncation_of(double second, double fourth, double sixth, double size)
{
    const double middle = fabs(fourth - sixth), low = fabs(second - sixth);
    if (low > 0.2 * size)
        return 4.0 * (middle + low);
    const double geometric = middle * middle / low, guarded = low * (low / size) * (low / size);
    const double guess = 3.0 * (geometric > guarded ? geometric : guarded);
    return 4.0 * (guess < middle ? guess : middle);
}

void fg_seven_points(ptrdiff_t rows, ptrdiff_t outputs, const ptrdiff_t *place, const double *base,
                     const double *others, double h, const double *weights, double epsilon,
                     ptrdiff_t stride, double *derivative, double *truncation, double *noise)
{
    /* The deviation of a sixth difference of numbers with deviation 1 is sqrt(12! / 6!^2). */
    static const double sixth_difference[FG_SEVEN] = {1, -6, 15, -20, 15, -6, 1},
                        deviation = 30.397368307141328;
    for (ptrdiff_t row = 0; row < rows; row++) {
        const double *w = weights + 3 * FG_SEVEN * place[row];
        for (ptrdiff_t output = 0; output < outputs; output++) {
            const ptrdiff_t at = row * outputs + output;
            const double *other = others + 6 * row * outputs + output;
            double slopes[3] = {0.0, 0.0, 0.0}, difference = 0.0, largest = 0.0, least = 0.0,
                   most = 0.0;
            for (int k = 0; k < FG_SEVEN; k++) {
                const int is_base = k == place[row];
                const double value = is_base ? base[at] : other[(k - (k > place[row])) * outputs];
                const double rise = value - base[at];
                for (int order = 0; order < 3; order++)
                    slopes[order] += w[order * FG_SEVEN + k] * rise;
                difference += sixth_difference[k] * value;
                largest = fabs(value) > largest ? fabs(value) : largest;
                least = rise < least ? rise : least;
                most = rise > most ? rise : most;
            }
            for (int order = 0; order < 3; order++)
                slopes[order] /= h;
            const double range = (most - least) / (3.0 * h),
                         size = fabs(slopes[2]) > range ? fabs(slopes[2]) : range;
            const double seen = fabs(difference) / deviation, rounding = 0.5 * epsilon * largest;
            derivative[at * stride] = slopes[2];
            truncation[at * stride] = truncation_of(slopes[0], slopes[1], slopes[2], size);
            noise[at * stride] = isfinite(seen) ? (seen > rounding ? seen : rounding) : 0.0;
        }
    }
}
