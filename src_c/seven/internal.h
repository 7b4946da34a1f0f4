/* Between the parts of the estimate of seven values; nothing outside includes it. */
#ifndef FG_SEVEN_INTERNAL_H
#define FG_SEVEN_INTERNAL_H

#include "constants.h"
#include "numbers.h"
#include "precision.h"

#include <math.h>

enum { FG_WIDTH = 6 };

/* Three approximations of a derivative from the same six shifted values and f(x), of rising order
 * of accuracy: sums of coefficients times slopes. The differences between them estimate the
 * truncation error of the best. With s the offsets, slopes and coefficients are
 *
 * first derivative    (f(x + s h) - f(x)) / (s h)                         weight times s
 * second derivative   (f(x + s h) - f(x) + f(x - s h) - f(x)) / (s h)^2   weight times s^2 */
typedef struct {
    double offsets[FG_WIDTH];
    double best[FG_WIDTH], middle[FG_WIDTH], low[FG_WIDTH];
    /* deviations of best, middle - best, low - best for h = noise = 1: norms of their weights */
    double best_norm, middle_norm, low_norm;
    int steep; /* orders 2, 4, 6; else 4, 5, 6 */
} fg_approximations;

/* At the first, second, third and middle one of seven equally spaced points. */
extern const fg_approximations fg_first_derivative[4];

/* At the middle one. */
extern const fg_approximations fg_second_derivative;

/* What seven values say of a derivative. */
typedef struct {
    double derivative, truncation, deviation; /* the last two without safety factors */
    double size;                              /* of slopes in sight */
    double middle, low;                       /* how far the lesser approximations are off */
    double middle_noise, low_noise;
    double noise; /* deviation of one value */
    double unit;  /* what the noise is divided by: h, or h^2 for second derivatives */
    int rough;    /* not in the range where the approximations converge */
} fg_verdict;

/* Derivative, size, middle and low, from slopes [in] (FG_WIDTH,). */
static inline fg_verdict fg_approximate(const fg_approximations *a, const double *slopes)
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

/* The rest of a verdict of which noise and unit are known, but not h and largest. */
void fg_compare(const fg_approximations *a, fg_verdict *v);

/* The error of the best approximation if errors fall geometrically with the order, from the slope
 * and the error of the low one: low (low / size)^2, or with orders 4, 5, 6 low (low / size)^(1/2).
 */
double fg_next_error(const fg_approximations *a, double size, double low);

/* The error bar for a truncation error and a deviation by noise. */
static inline double fg_bar(double truncation, double deviation)
{
    return TRUNCATION_FACTOR * truncation + DEVIATIONS * deviation;
}

#endif
