/* Between the parts of the adaptive method; nothing outside includes it.
 *
 *     estimates.c   what the values of one round say of one component
 *     averaging.c   several rounds of a component as one, and its error bar
 *     rounds.c      which step next
 */
#ifndef FG_ADAPTIVE_INTERNAL_H
#define FG_ADAPTIVE_INTERNAL_H

#include "adaptive.h"
#include "constants.h"
#include "numbers.h"
#include "precision.h"

enum { FG_WIDTH = 6 };

/* Three approximations from the same six shifted values and f(x), of rising order of accuracy. The
 * differences between them estimate the truncation error of the best. */
typedef struct {
    double offsets[FG_WIDTH];
    /* weight times offset, for sum_j coefficient_j (f_j - f(x)) / (t_j - x) */
    double best[FG_WIDTH], middle[FG_WIDTH], low[FG_WIDTH];
    /* deviations of best, middle - best, low - best for h = noise = 1: norms of their weights */
    double best_norm, middle_norm, low_norm;
    int steep; /* orders 2, 4, 6; else 4, 5, 6 */
} fg_approximations;

extern const fg_approximations fg_central, fg_one_sided;

/* What the values of one round say of one component. */
typedef struct {
    double derivative, truncation, deviation; /* the last two without safety factors */
    double size;                              /* of slopes in sight */
    double middle, low;                       /* how far the lesser approximations are off */
    double middle_noise, low_noise;
    double noise;   /* deviation of one value */
    double largest; /* value in sight */
    double h;
    int rough; /* not in the range where the approximations converge */
} fg_verdict;

/* The direction of coordinate i in the line that shows the noise: a sign that depends on nothing
 * else. */
double fg_line_sign(ptrdiff_t i);

/* Machine epsilon of the precision that f computes in. */
double fg_epsilon_of(const fg_noise *noise);

/* Noise relative to the size of the values: what was seen, or rounding at least. */
double fg_relative_noise(const fg_noise *noise);

/* values [in] (FG_WIDTH,) at x + offsets * h, base f(x); all finite. */
fg_verdict fg_examine(const fg_approximations *a, double x, double h, double base,
                      const double *values, const fg_noise *noise);

/* The error of the best approximation if errors fall geometrically with the order, from the slope
 * and the error of the low one: low (low / size)^2 where orders are 2, 4 and 6, else with a root.
 */
double fg_next_error(const fg_approximations *a, double size, double low);

/* Whether the central values go like those of a kink or a jump at x itself. */
int fg_looks_like_kink(const double *values, double base, double noise);

/* The error bar for a truncation error and a deviation by noise. */
double fg_bar(double truncation, double deviation);

/* Sets value, error and step of a component to those of its rounds together, if they are better
 * than what it has. */
void fg_pool(fg_component *c);

/* After the rounds, for the n components of one point: the scatter of the rounds says more of the
 * noise than the few values of its line did; values and errors are set anew by it. Only where noise
 * was estimated (evaluations > 0). */
void fg_calibrate(ptrdiff_t n, const fg_noise *noise, fg_component *work);

#endif
