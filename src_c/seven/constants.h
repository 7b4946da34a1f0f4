/* Every threshold of the estimate of seven values.
 *
 * Values with a derivation say so. The others were chosen on the functions of tests/problems.py, by
 * the figures of `python bench/accuracy.py`, and nothing else is behind them. "Deviations" are
 * standard deviations of the noise. */
#ifndef FG_SEVEN_CONSTANTS_H
#define FG_SEVEN_CONSTANTS_H

/* How often the estimated truncation error, and the deviation by noise, count in a bar. */
static const double TRUNCATION_FACTOR = 4.0;
static const double DEVIATIONS = 2.0;

/* The noise counts as so many times what was seen: its estimate has few samples. */
static const double FEW_SAMPLES = 1.5;

/* The most that a correctly rounded value is off, in epsilons: half a spacing. */
static const double LARGEST_ROUNDING = 0.5;

/* The error of the best approximation is taken as so many times the next member of a geometric
 * sequence: of the differences to it of the low and the middle one, or of the slope and the
 * difference of the low one. The second guards against a middle one that is small by accident: it
 * counts so many times more, where the low one's difference is so many deviations. */
static const double GEOMETRIC_FACTOR = 3.0;
static const double GUARD = 3.0;
static const double GUARD_DEVIATIONS = 2.0;

/* The approximations do not converge where a difference between two of them is above so many
 * deviations, and so large a part of the steepest slope in sight: the middle one's, the low one's;
 * or a smaller low one's where the middle one is no smaller than a part of it. */
static const double ROUGH_DEVIATIONS = 6.0;
static const double ROUGH_MIDDLE = 0.1;
static const double ROUGH_LOW = 0.3;
static const double SLOW_LOW = 0.02;
static const double SLOW_MIDDLE = 0.2; /* of the low one */

#endif
