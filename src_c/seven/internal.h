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

/* The rest of a verdict of which noise and unit are known, but not h and largest. */
void fg_compare(const fg_approximations *a, fg_verdict *v);

#endif
