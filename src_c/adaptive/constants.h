/* Every threshold of the adaptive method.
 *
 * Those with a derivation say so. The others were chosen on the functions of tests/problems.py,
 * moved by the seeds 11 to 35, by the figures of `python bench/accuracy.py --moved`;
 * docs/adaptive.md shows the figures of other seeds and other functions. "Deviations" are standard
 * deviations of the noise of a value. */
#ifndef FG_ADAPTIVE_CONSTANTS_H
#define FG_ADAPTIVE_CONSTANTS_H

#include <float.h>

#define EPSILON DBL_EPSILON
static const double EPSILON32 = 0x1p-23;

/* --- The error bar --------------------------------------------------------------------------- */

/* How often the estimated truncation error counts: its 99% quantile, true over estimated, is 3.7.
 */
static const double TRUNCATION_FACTOR = 3.0;
/* Deviations in a bar before rounding was seen in any value. Then Student's factor counts, so many
 * times, as sums of roundings have short tails; how rounding compares with what is expected is
 * known as well as from so many values more. And no fewer than the last. */
static const double DEVIATIONS_OF_ONE = 3.0;
static const double OF_ROUNDING = 0.8;
static const double KNOWN_OF_ROUNDING = 1.0;
static const double LEAST_DEVIATIONS = 2.4;
/* Fewer samples than this, however small, are no sign that rounding is less than expected: as many
 * deviations of that as before any was seen, at least. */
enum { ENOUGH_SAMPLES = 4 };
/* Student's factor of a line counts so many times: its values share what a parabola leaves. */
static const double OF_A_LINE = 1.3;

/* --- Rounding -------------------------------------------------------------------------------- */

/* Of a value, in epsilons: half a spacing of f, and a part of what rounding the arguments does to
 * it, |x df/dx|. Their root mean square is what is expected. */
static const double ROUNDING = 0.5;
static const double ARGUMENTS = 0.15;
/* The least that rounding is of what is expected, however well values agree: samples may all be the
 * same one. 1 / sqrt(12) of a spacing of f, which is ROUNDING at least where f is a power of two.
 */
static const double LEAST_ROUNDING = 0.5;
/* Of values on a grid, those of a float32 too: 1 / sqrt(12) of its spacing, rounded up. */
static const double GRID = 0.3;

/* --- Values on a grid (grid.c) --------------------------------------------------------------- */

/* Noise of what is left over from larger values, in spacings of the grid: they were rounded more
 * than once. */
static const double GRID_LEFT_OVER = 0.5;
/* A grid is seen in no fewer values, and if its spacing is so many epsilons of a value. */
enum { LEAST_NOTED = 8 };
static const double ABOVE_ROUNDING = 8.0;
/* And if it is so many times as far as f moves where x does by one epsilon of it. */
static const double ABOVE_GRID_OF_X = 4.0;
/* Where f vanishes at x, so many epsilons of values farther away: left over from larger ones, a
 * grid has about their epsilon or more; of squares of what is left over, far less, which their
 * rounding hides. */
static const double HIDDEN_GRID = 1e-5;
/* So many values could have shown finer bits: they have that many that are 0. */
enum { LEAST_CONFIRMED = 4, EMPTY_BITS = 3 };
/* Values of so few bits are no float32's. */
enum { FEW_BITS = 16 };
/* A number is a multiple of another, within so much of that; and those that are that many epsilons
 * of a value are not taken for rounding. */
static const double ALIKE = 1e-4;
static const double COARSE = 1e6;
/* A number of 11 digits is a whole number of its last place, but for far less than so much:
 * rounding leaves 3e-5. Said only of numbers of so many places, whose powers of ten are exact. */
static const double APART = 1e-3;
static const double EXACT_PLACES = 12.0;
/* A grid that was seen holds nearby: values so many multiples away say nothing against it. */
static const double FAR_MULTIPLES = 1e4;
/* Where a value makes sure of a grid, of a distance that was seen: no short number. */
static const double IN_BETWEEN = 0.7861513777574233;
/* How many windows are constant, each four times as wide, before f is. */
enum { CONSTANT_WINDOWS = 4 };

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
 * size. It has few bits, so that x + d is exact, but enough of them that distances up to 2^16 are
 * no whole numbers: periods of f often are, of days or hours, where x is a date. It is the number
 * of 16 bits below the root of 3/4, whose multiples are in step with no small fraction. Levels end
 * where distances are rounding; beside an edge of the domain, where numbers end. */
static const double UNIT = 56755.0 / 65536.0;
/* From a window that is too wide the next one is 5 levels closer, then 10, 20 ..., but no more than
 * so many beyond where the slope at x would change f by as much as it changes there; of second
 * derivatives beside an edge always so many, as rounding hides them soon. */
enum { CLOSER_THAN_SLOPE = 5, CLOSER_AT_EDGE = 5 };
/* Where f is finite on one side only, x is not at an edge if f changes so many levels closer. */
enum { CLOSER_THAN_EDGE = 12 };
/* Along two axes at a time no window is so many levels farther than along each: what f does there
 * would not be seen. */
enum { FARTHER_THAN_AXES = 3 };
/* Within bounds a one-sided window starts so many levels closer than a central one. */
enum { ONE_SIDED_FIRST = 2 };
enum { FIRST_LEVEL = 8, LAST_LEVEL = 60, FARTHEST_LEVEL = 900, LOWEST_LEVEL = -2000 };
/* Two pairs are looked at first where a relative error of so much is enough. */
static const double TWO_PAIRS_FROM = 1e-6;
/* A jump: f(x + h) - f(x - h) stays the same, within so much of it, and is so many deviations. */
static const double JUMP_CHANGE = 0.1;
static const double JUMP_DEVIATIONS = 16.0;
/* A window so much closer whose top coefficients are as large, within this part, shows noise, or a
 * jump: a line must tell, where few values are close to x. */
static const double STAYS = 0.5;
/* A kink is looked at from two distances, so far apart, that agree. */
static const double KINK_APART = 4.0;
static const double KINK_ALIKE = 0.2;
/* It is at x if the value next to x is on its side, within so much of it; where no such value
 * tells, if it is there from this level too, or the closest one at which it is so many deviations.
 */
static const double KINK_AT_X = 0.01;
static const double KINK_SURELY = 100.0;
enum { KINK_LEVEL = 28 };
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
/* Relative noise from which a window that is too wide is left for one not much closer. */
static const double DOUBT = 1e-8;
/* Within bounds, central windows are kept while they leave so much of the first one's reach. */
static const double CENTRAL_ROOM = 3.0 / 8.0;

/* --- What looks constant (flat.c) ------------------------------------------------------------ */

/* f was constant nearby: a change of so many deviations within that distance contradicts a window.
 */
static const double FLAT_DEVIATIONS = 8.0;
/* But not where f was only seen to be constant within so much of the window's distance, which it
 * cannot tell from x: 16 epsilons of the size whose part the distance is. */
static const double UNTOLD = 16.0 * 256.0 * EPSILON;
/* A coordinate that is so small beside others, or beside 1, may be 0 but for rounding: where what
 * is seen is below so many deviations, a window as far away as those is looked at too. */
static const double TINY = 1e-6;
static const double FAINT = 1e5;
/* An output changes if it does by so much of its value. */
static const double CHANGES = 1e4 * EPSILON;
/* A constant is looked at again where another output has a step so much shorter. */
static const double MUCH_CLOSER = 8.0;

/* --- The next window (refine.c) -------------------------------------------------------------- */

/* Relative bar that needs no other window: of a single derivative, and of entries of matrices,
 * which share points but want different ones. */
static const double GOOD = 2e-12;
static const double GOOD_OF_MATRICES = 2e-11;
/* What an evaluation must gain, as a factor of the bar: where the bar is good already, relative to
 * the derivative (the same two), where not, and under noise; and what a window must gain. */
static const double WORTH_GOOD = 2.0;
static const double WORTH_GOOD_OF_MATRICES = 3.0;
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
/* A difference of so many deviations tells the slope close to x. */
static const double SLOPE_DEVIATIONS = 30.0;
/* Not close where a step is shorter than so many times that: then at this part of the step. */
static const double CLOSE_TO_STEP = 1.0 / 30.0;
static const double CLOSER_THAN_STEP = 1.0 / 300.0;
/* Too close where a step is so many times that; then at this part of the step, CLOSE of a size. */
static const double FAR = 0x1p20;
static const double CLOSE_OF_STEP = 256.0 * 1.0618e-9;
/* A residual that curvature may explain counts as rounding, up to so many times what is expected.
 */
static const double MOST_OF_BOTH = 30.0;
/* Top coefficients so many times larger than lower ones foretell are samples of rounding. */
static const double UNFORETOLD = 30.0;
/* Where the points close to x are, in strides: as many of them as are asked. */
static const int MULTIPLES[4] = {1, -1, 2, -2};
/* Within bounds, room for so many strides; a stride has so many spacings of numbers at least. */
static const double CLOSE_ROOM = 8.0;
static const double LEAST_SPACINGS = 8.0;
/* A residual says something of rounding where what curvature and bars allow in it is below so much
 * of rounding, or it is so many times that. */
static const double ALLOWANCE = 0.5;
static const double BEYOND_ALLOWANCE = 3.0;
/* Arguments are not rounded where the largest of so many samples, residuals and top coefficients,
 * is so many times below that. */
static const double WITHOUT_ARGUMENTS[5] = {0.0, 30.0, 10.0, 8.0, 6.0};
/* What is unchanged but for so much is the same. */
static const double SAME = 1e-2;
/* Top coefficients below so many expected deviations are samples of rounding too. */
static const double TOP_SAMPLES = 7.0;
/* Rounding so many times what is expected: a line must tell whether it is noise. */
static const double SUSPECT = 100.0;
/* The same of fewer residuals: they may be small by chance. */
static const double SUSPECT_OF_FEW = 4.0;
enum { ENOUGH_RESIDUALS = 4 };
/* The second difference of close values, relative to them, that is either noise or a curvature
 * which the next distance shows again. */
static const double CURVED = 3e-11;
/* That of curvature is four times as large at twice the distance, within so much; what is left
 * then, of f, is noise where the difference itself is no large part of f. */
static const double CURVATURE_ALIKE = 0.2;
static const double CURVATURE_REST = 1e-11;
static const double CURVATURE_LARGE = 0.1;

/* --- Stationary points (inside.c) ------------------------------------------------------------ */

/* A component is stationary where curvature changes f by so many times what the slope does, at a
 * window's shortest distance. */
static const double STATIONARY = 1.0;
/* Values that are looked at again, at least and at most. Fewer are no sample, and no stationary
 * point: a slope may vanish by chance, or as f is even. */
enum { LEAST_INSIDE = 2, MOST_INSIDE = 4 };
/* What is no more than so many deviations of the rounding expected is that. */
static const double EXPECTED_DEVIATIONS = 2.0;

/* --- The line (line.c) ----------------------------------------------------------------------- */

/* Spacing where float32 is suspected, and where noise alone is asked for: above the spacing of
 * float32 numbers. No power of two: roundings would repeat themselves from point to point. */
static const double FLOAT32_SPACING = 1.0618e-6;
static const double NOISE_SPACING = 1.0618033988749895e-6;
/* So many times the rounding of arguments that is expected is still that, and no noise. */
static const double EXPLAINED = 10.0;
/* A kink or a jump at x, no noise: each side alone shows so many times less. Its four values are
 * one sample of noise, and small ones are common. */
static const double BROKEN = 100.0;
/* It bends at x if its steps on both sides differ by so many times what it is off across x. */
static const double BENDS = 2.0;
/* Degrees of freedom that its differences are worth. */
static const double LINE_DEGREES = 5.0;
/* A second line, and a known level, are worth so many more. */
static const double MORE_DEGREES = 3.0;
static const double MANY_DEGREES = 1000.0;
/* Noise above this, of f, may be a function that is rough at that spacing: closer, by the first
 * factor from farther away than FAR_SPACING, else by the second. Where values are not finite, and
 * where f cannot tell the points apart, by these. */
static const double SUSPICIOUS = 1e-12;
static const double FAR_SPACING = 1e-8;
static const double CLOSER = 0x1p-13;
static const double CLOSER_YET = 0x1p-7;
static const double CLOSER_TO_EDGE = 0x1p-10;
static const double FARTHER = 64.0;
/* A closer line shows noise too if it has this part of the first one's, or if that falls more
 * slowly than this power of the spacing, as noise in proportion to an f that vanishes at x, and is
 * above rounding; it replaces the first one's if it has so many times it. */
static const double STILL_NOISY = 0.1;
static const double VANISHING = 1.7;
static const double ABOVE_ALL_ROUNDING = 300.0 * EPSILON;
static const double MORE_NOISY = 3.0;
/* A sum of squares that vanishes at x: there f is below so much of what it is on the line. Its
 * noise is that of its square root if it grows, relative to f, by so many times toward x, as f
 * falls 2^14 times or more. */
static const double VANISHED = 1e-2;
static const double ROOT_GROWTH = 8.0;
/* Relative noise from which a function is noisy; and from which the user should know. */
static const double NOISY = 1e-13;
static const double FLAG_NOISY = 1e-10;

/* --- Second looks (second_look.c) ------------------------------------------------------------ */

/* The slope of the line and the sum of the derivatives may be apart by so many deviations of its
 * noise, and so much of each term; a slope between two close points likewise, which is the
 * derivative, with so much of it as its bar, where no evaluations are left. */
static const double LINE_DEVIATIONS = 10.0;
static const double LINE_RELATIVE = 1e-6;
static const double BLAME_DEVIATIONS = 3.0;
static const double BLAME_RELATIVE = 1e-4;
static const double INSTEAD_RELATIVE = 1e-3;
/* What contradicts it starts again with so many times its distance, if so much is left. */
static const double BLAME_STEP = 4.0;
enum { ROOM_TO_START = 12, ROOM_TO_CLIMB = 8 };
/* Where else slopes are looked at, in steps of the window, or of one that was too wide. */
static const double PLACES_WITHIN[3] = {0.37, -1.63, 1.3};
static const double PLACES_BEYOND[3] = {2.9, -3.1, 1.3};
/* f climbs in steps: a window so many times as far away changes by so much, and so many deviations,
 * beyond the slope close to x; about twice that at twice the distance, and four times at four. The
 * slopes in between are those close to x, within so much. */
static const double CLIMB_APART = 8.0;
static const double CLIMB_PART = 1e-3;
static const double CLIMB_DEVIATIONS = 16.0;
static const double CLIMB_LEAST = 1.3;
static const double CLIMB_MOST = 3.0;
static const double CLIMB_FAR_LEAST = 2.5;
static const double CLIMB_FAR_MOST = 6.0;
static const double CLIMB_ALIKE = 0.1;

/* --- Averaging (averaging.c) ----------------------------------------------------------------- */

/* Weight of all components' noise against a component's own, in degrees of freedom. */
static const double OWN_PRIOR = 3.0;
/* Rounding to float32 is no less than so much of what is expected, however well pairs agree. */
static const double LEAST_OF_FLOAT32 = 0.7;
/* Distances of further pairs, of the shortest. */
static const double REPEATS[3] = {0.75, 1.2, 0.62};
/* Pairs that are fitted: from this part of the shortest distance to so many times it. Most that one
 * component says of the noise of all, in squares of its deviation. */
static const double FIT_FROM = 0.6;
static const double FIT_REACHES[5] = {2.02, 2.9, 4.04, 5.8, 8.1};
static const double OUTLIER_SQUARES = 6.0;
/* A fit that is so many times worse, squared, than all others: nothing is known. */
static const double OUTLYING = 64.0;

#endif
