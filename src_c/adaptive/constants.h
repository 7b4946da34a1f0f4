/* Every threshold of the adaptive method. Those with a derivation say so; the others were chosen on the
 * functions of tests/problems.py, by the figures of `python bench/accuracy.py`: docs/adaptive.md.
 * "Deviations" are standard deviations of the noise. */
#ifndef FG_ADAPTIVE_CONSTANTS_H
#define FG_ADAPTIVE_CONSTANTS_H

#define EPSILON DBL_EPSILON
static const double EPSILON32 = 0x1p-23;

/* --- The error bar --- */
static const double TRUNCATION_FACTOR = 3.0;
/* Deviations in a bar, with one residual of the points close to x, and with more. */
static const double DEVIATIONS_OF_ONE = 3.0, DEVIATIONS_OF_MORE = 2.8;
/* What Student's factor of a line is multiplied by: a level is found in correlated differences. */
static const double OF_A_LINE = 1.3;

/* --- Rounding: epsilon * hypot(ROUNDING |f|, ARGUMENTS |x g|) --- */
static const double ROUNDING = 0.5, ARGUMENTS = 0.15;
/* Of a float32, and of values on a grid: 1 / sqrt(12) of the spacing, rounded up. */
static const double GRID = 0.3;

/* --- A window --- */
static const double SEEN = 3.0;               /* deviations of a coefficient that is seen */
static const double UNRESOLVED = 0.7, WORSE_UNRESOLVED = 0.9; /* ratio at the outermost pair */
static const double ROUGH_PART = 0.1, ROUGH_DEVIATIONS = 6.0;
static const double OUTLIER_RANGE = 1e8;
static const double KINK_DEVIATIONS = 16.0, KINK_PART = 0.1;
static const double STEP_DEVIATIONS = 8.0, STEP_RANGES = 2.0;

/* --- The first window --- */
enum { FIRST_LEVEL = 8, LAST_LEVEL = 60, FARTHEST_LEVEL = 900 };
static const double UNIT = 55.0 / 64.0;
static const double JUMP_CHANGE = 0.1, JUMP_DEVIATIONS = 16.0;
static const double FLAT_DEVIATIONS = 8.0;
static const double KINK_APART = 4.0, KINK_ALIKE = 0.2;
static const double CENTRAL_ROOM = 3.0 / 8.0;

/* --- The next window --- */
static const double GOOD = 2e-11;
static const double WORTH_GOOD = 3.0, WORTH_BAD = 1.2, WORTH_NOISY = 1.12, BAD = 1e-8;
#ifndef BAD2
#define BAD2 1e-11
#endif
static const double BAD_SECOND = BAD2;
static const double LEAST_GAIN = 1.5, LEAST_GAIN_NOISY = 1.2;
#ifndef NOISY_REACH
#define NOISY_REACH -1
#endif
enum { LEVELS_UP = 14, LEVELS_DOWN = 9, SMALLEST_LEVEL = 48, REFINEMENTS = 8 };
static const double FORECAST_SEEN = 0.5, FORECAST_HIDDEN = 1.0;
static const double CONTRADICTION = 2.0, PROGRESS = 0.6;

/* --- Points close to x --- */
static const double CLOSE = 1.0618e-9;
enum { TWO_FROM = 4, FOUR_FROM = 8 };
static const double CLOSE_TO_STEP = 1.0 / 30.0, CLOSER_THAN_STEP = 1.0 / 300.0;
#ifndef TOPS
#define TOPS 7.0
#endif
static const double SUSPECT = 100.0;
static const double CURVED = 3e-11;

/* --- The line --- */
static const double FLOAT32_SPACING = 1.0618e-6;
/* Of the line for noise alone: far above the spacing of float32 numbers. No power of two: roundings would repeat
 * themselves from point to point. */
static const double NOISE_SPACING = 1.0618033988749895e-6;
static const double LINE_DEGREES = 5.0;
static const double NOISY = 1e-13, FLAG_NOISY = 1e-10;

/* --- Averaging --- */
static const double OWN_PRIOR = 3.0, LEAST_OF_FLOAT32 = 0.8;
static const double REPEATS[3] = {0.75, 1.2, 0.62};
#ifndef OUT
#define OUT 64.0
#endif
static const double OUTLYING = OUT;

#endif
