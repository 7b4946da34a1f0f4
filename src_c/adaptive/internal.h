/* Between the parts of the adaptive method; nothing outside includes it.
 *
 *     approximations.c   approximations of rising order, and what their differences say
 *     estimates.c        what the values of one round say of one component
 *     averaging.c        several rounds of a component as one, and its error bar
 *     next_step.c        which step next
 *     second_look.c      derivatives against the line of the noise
 *     rounds.c           all components, a round at a time
 */
#ifndef FG_ADAPTIVE_INTERNAL_H
#define FG_ADAPTIVE_INTERNAL_H

#include "adaptive.h"
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
#define FG_ONE_SIDED (&fg_first_derivative[0])
#define FG_CENTRAL (&fg_first_derivative[3])

/* At the middle one. */
extern const fg_approximations fg_second_derivative;

/* What seven values say of a derivative. */
typedef struct {
    double derivative, truncation, deviation; /* the last two without safety factors */
    double size;                              /* of slopes in sight */
    double middle, low;                       /* how far the lesser approximations are off */
    double middle_noise, low_noise;
    double noise;   /* deviation of one value */
    double largest; /* value in sight */
    double h,
        unit;  /* the step, and what the noise is divided by: h, or h^2 for second derivatives */
    int rough; /* not in the range where the approximations converge */
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

/* One call of fg_adaptive. */
typedef struct {
    const fg_function *f;
    ptrdiff_t n, total; /* coordinates of a point; components */
    const double *x, *base, *scale, *room;
    fg_noise *noise;
    fg_component *components;
    /* [scratch] values, steps and numbers of the components that are asked for, at most `block` */
    double *values, *h;
    ptrdiff_t *moved;
    ptrdiff_t block;
} fg_search;

/* Values at `width` offsets for the first `count` of `moved` and `h`. */
int fg_ask(const fg_search *s, ptrdiff_t count, const double *offsets, ptrdiff_t width);

/* Whether component c may have so many more evaluations. */
int fg_can_afford(const fg_search *s, ptrdiff_t c, int more);

/* Before the first round, or again: nothing is known but how many evaluations there were. */
void fg_start(fg_component *c, double h);

/* The next round has step h; or there is none. */
static inline void fg_go_on(fg_component *c, double h) { c->h = c->side < 0 ? -fabs(h) : fabs(h); }
static inline void fg_finish(fg_component *c) { c->done = 1; }

/* A component after a round: values [in] (FG_WIDTH,), its next step, or what it found. */
void fg_judge(fg_component *c, double x, double base, const double *values, const fg_noise *noise);

/* The components of point p that contradict a difference at the spacing of the line start again, if
 * the derivatives do not add up to its slope. *again [in, out]: whether any did. */
int fg_look_again(const fg_search *s, ptrdiff_t p, int *again);

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
 * and the error of the low one: low (low / size)^2, or with orders 4, 5, 6 low (low / size)^(1/2).
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
