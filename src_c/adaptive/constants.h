/* Every threshold of the adaptive method.
 *
 * Those with a derivation say so. The others were chosen on the functions of tests/problems.py,
 * moved by the seeds 11 to 35, by the figures of `python bench/accuracy.py --moved`;
 * docs/adaptive.md shows the figures of other seeds and other functions. "Deviations" are standard
 * deviations of the noise of a value. */
#ifndef FG_ADAPTIVE_CONSTANTS_H
#define FG_ADAPTIVE_CONSTANTS_H

#define EPSILON DBL_EPSILON
static const double EPSILON32 = 0x1p-23;

/* --- The error bar --------------------------------------------------------------------------- */

/* How often the estimated truncation error counts: its 99% quantile, true over estimated, is 3.7.
 */
static const double TRUNCATION_FACTOR = 3.0;
/* Deviations in a bar, where rounding was seen in fewer than two values, and in more. */
static const double DEVIATIONS_OF_ONE = 3.0;
static const double DEVIATIONS_OF_MORE = 2.8;
/* Student's factor of a line counts so many times: its differences are correlated. */
static const double OF_A_LINE = 1.3;

/* --- Rounding -------------------------------------------------------------------------------- */

/* Of a value, in epsilons: half a spacing of f, and a part of what rounding the arguments does to
 * it, |x df/dx|. Their root mean square is what is expected. */
static const double ROUNDING = 0.5;
static const double ARGUMENTS = 0.15;
/* Of values on a grid, those of a float32 too: 1 / sqrt(12) of its spacing, rounded up. */
static const double GRID = 0.3;

/* --- A window (window.c) --------------------------------------------------------------------- */

/* A coefficient is seen if it is so many deviations. */
static const double SEEN = 3.0;
/* Where terms grow so fast that they are about as large at the outermost values: the top
 * coefficients are noise, and from the second on truncation. */
static const double UNRESOLVED = 0.7;
static const double WORSE_UNRESOLVED = 0.9;
/* Too wide for the polynomial: a top term is so large a part of what is seen at the outermost
 * values, and so many deviations; or those are so many times the others. */
static const double ROUGH_PART = 0.1;
static const double ROUGH_DEVIATIONS = 6.0;
static const double OUTLIER_RANGE = 1e8;
/* A kink at x: the even part is so many deviations, and doubles with the distance, within so much.
 */
static const double KINK_DEVIATIONS = 16.0;
static const double KINK_PART = 0.1;
/* A step at the edge of a one-sided window: f(x) is apart from the other values by so many
 * deviations, and so many times their range. */
static const double STEP_DEVIATIONS = 8.0;
static const double STEP_RANGES = 2.0;
/* Without end: toward x, the slope from x to the values of a one-sided window changes from distance
 * to distance by at least this part of its last change, each time by so many deviations; and closer
 * to x it still does. Of x^p the part is 2^(1 - p), of x log x 1, of smooth functions 1/2. */
static const double STEEP_PART = 0.9;
static const double STEEP_DEVIATIONS = 16.0;

/* --- The first window (first.c) -------------------------------------------------------------- */

/* The closest pair of a window is at UNIT 2^-level times the power of two next to the coordinate's
 * size. 55/64 has few bits, so that x + d is exact, and fits no decimal lattice. Levels end where
 * distances are rounding; beside an edge of the domain, where numbers end. */
static const double UNIT = 55.0 / 64.0;
/* From a window that is too wide the next one is 5 levels closer, then 10, 20 ...; of second
 * derivatives beside an edge always so many, as rounding hides them soon. */
enum { CLOSER_AT_EDGE = 5 };
/* Within bounds a one-sided window starts so many levels closer than a central one. */
enum { ONE_SIDED_FIRST = 2 };
enum { FIRST_LEVEL = 8, LAST_LEVEL = 60, FARTHEST_LEVEL = 900, LOWEST_LEVEL = -2000 };
/* A jump: f(x + h) - f(x - h) stays the same, within so much of it, and is so many deviations. */
static const double JUMP_CHANGE = 0.1;
static const double JUMP_DEVIATIONS = 16.0;
/* A kink is looked at from two distances, so far apart, that agree. */
static const double KINK_APART = 4.0;
static const double KINK_ALIKE = 0.2;
/* f was constant nearby: a change of so many deviations within that distance contradicts a window.
 */
static const double FLAT_DEVIATIONS = 8.0;
/* Each side is looked at alone where the odd part beyond its slope grows from this on, as the
 * distance doubles, to this: of smooth functions 8 times and more; where the second derivative
 * jumps, 4; of a power p, 2^p. Closer to 4 where the window is too wide, as any may grow,
 * or where the last one grew alike, within so much. */
static const double SIDES_AGAIN = 0.05;
static const double SIDES_LEAST = 2.25;
static const double SIDES_MOST = 7.2;
static const double SIDES_LEAST_OF_ROUGH = 3.4;
static const double SIDES_MOST_OF_ROUGH = 5.0;
/* That is a power of the distance if it grows alike from distance to distance, within so much. */
static const double POWER_ALIKE = 0.02;
/* Within bounds, central windows are kept while they leave so much of the first one's reach. */
static const double CENTRAL_ROOM = 3.0 / 8.0;

/* --- The next window (refine.c) -------------------------------------------------------------- */

/* Relative bar that needs no other window. */
static const double GOOD = 2e-11;
/* What an evaluation must gain, as a factor of the bar: where the bar is good already, relative to
 * the derivative, where not, and under noise; and what a window must gain at least. */
static const double WORTH_GOOD = 3.0;
static const double WORTH_BAD = 1.2;
static const double WORTH_NOISY = 1.12;
static const double BAD = 1e-8;
static const double BAD_SECOND = 1e-11; /* of second derivatives */
static const double LEAST_GAIN = 1.5;
static const double LEAST_GAIN_NOISY = 1.2;
/* Windows that are thought of: so many levels farther, and closer, than the best one. */
enum { LEVELS_UP = 14, LEVELS_DOWN = 9, SMALLEST_LEVEL = 48, REFINEMENTS = 8 };
/* Under noise no value lies farther away than twice the coordinate's size: what f does there is no
 * secret that noise may keep. */
enum { NOISY_LEVEL = -1 };
/* A forecast holds where terms grow no faster than this at the outermost values. */
static const double FORECAST_SEEN = 0.5;
static const double FORECAST_HIDDEN = 1.0;
/* Two windows contradict each other if their derivatives are apart by so many times both bars, or
 * their second derivatives. */
static const double CONTRADICTION = 2.0;
static const double CURVATURE_CONTRADICTION = 4.0;
/* A bar above this part of the last one is no progress. */
static const double PROGRESS = 0.6;

/* --- Values close to x (near.c, calibrate.c) ------------------------------------------------- */

/* Their distance, of the coordinates' sizes; from how many coordinates on there are two, and four.
 */
static const double CLOSE = 1.0618e-9;
enum { TWO_FROM = 4, FOUR_FROM = 8 };
/* Not close where a step is shorter than so many times that: then at this part of the step. */
static const double CLOSE_TO_STEP = 1.0 / 30.0;
static const double CLOSER_THAN_STEP = 1.0 / 300.0;
/* Top coefficients below so many expected deviations are samples of rounding too. */
static const double TOP_SAMPLES = 7.0;
/* Rounding so many times what is expected: a line must tell whether it is noise. */
static const double SUSPECT = 100.0;
/* The second difference of close values, relative to them, that is either noise or a curvature
 * which the next distance shows again. */
static const double CURVED = 3e-11;

/* --- The line (line.c) ----------------------------------------------------------------------- */

/* Spacing where float32 is suspected, and where noise alone is asked for: above the spacing of
 * float32 numbers. No power of two: roundings would repeat themselves from point to point. */
static const double FLOAT32_SPACING = 1.0618e-6;
static const double NOISE_SPACING = 1.0618033988749895e-6;
/* Degrees of freedom that its differences are worth. */
static const double LINE_DEGREES = 5.0;
/* Relative noise from which a function is noisy; and from which the user should know. */
static const double NOISY = 1e-13;
static const double FLAG_NOISY = 1e-10;

/* --- Averaging (averaging.c) ----------------------------------------------------------------- */

/* Weight of all components' noise against a component's own, in degrees of freedom. */
static const double OWN_PRIOR = 3.0;
/* Rounding to float32 is no less than so much of what is expected, however well pairs agree. */
static const double LEAST_OF_FLOAT32 = 0.7;
/* Distances of further pairs, of the shortest. */
static const double REPEATS[3] = {0.75, 1.2, 0.62};
/* A fit that is so many times worse, squared, than all others: nothing is known. */
static const double OUTLYING = 64.0;

#endif
