/* Every threshold of the adaptive method, the noise estimate and the estimate of seven values.
 *
 * Values with a derivation say so. The others were chosen on the functions of tests/problems.py, by
 * the figures of `python bench/accuracy.py`, and nothing else is behind them: docs/adaptive.md
 * shows the figures, and those of the same functions at other points. "Deviations" are standard
 * deviations of the noise. */
#ifndef FG_CONSTANTS_H
#define FG_CONSTANTS_H

/* --- The error bar --------------------------------------------------------------------------- */

/* How often the estimated truncation error, and the deviation by noise, count in a bar. */
static const double TRUNCATION_FACTOR = 4.0;
static const double DEVIATIONS = 2.0;

/* The noise counts as so many times what was seen: its estimate has few samples. */
static const double FEW_SAMPLES = 1.5;

/* --- Rounding -------------------------------------------------------------------------------- */

/* Deviation of a correctly rounded value, in epsilons: 1 / sqrt(12) of a spacing, rounded up. */
static const double ROUNDING = 0.3;
/* The most that it is off, in epsilons: half a spacing. */
static const double LARGEST_ROUNDING = 0.5;

/* --- Truncation, from approximations of rising order (estimates.c) --------------------------- */

/* The error of the best is taken as so many times the next member of a geometric sequence: of the
 * differences to it of the low and the middle one, or of the slope and the difference of the low
 * one. The second guards against a middle one that is small by accident: it counts so many times
 * more, where the low one's difference is so many deviations. */
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
/* The same for the second derivative, whose orders 4 and 6 are compared. */
static const double ROUGH_EVEN = 0.08;

/* A step at the edge of a one-sided stencil: f(x) is apart from the other values by so many
 * deviations, and so many times their range. */
static const double STEP_DEVIATIONS = 8.0;
static const double STEP_RANGES = 2.0;

/* A kink or a jump: the even part at h is so many deviations, and those at 2h and 3h are 2 and 3
 * times it, within so much. */
static const double KINK_DEVIATIONS = 16.0;
static const double KINK_SECOND = 0.2;
static const double KINK_THIRD = 0.3;

/* --- The next step (next_step.c) ------------------------------------------------------------- */

/* Order of the best approximations: the step that balances their truncation, ~ h^6, against their
 * noise, ~ 1 / h, is the seventh root of a ratio. How far the stencils reach, in steps. */
static const double ORDER = 6.0;
static const double BALANCE = 1.0 / 7.0;
static const double REACH = 3.0;
static const double ONE_SIDED_REACH = 6.0;

/* The first step is (FIRST_STEP noise)^(1/7) of the coordinate's size. The two parts of the bar of
 * the central stencil balance at DEVIATIONS / TRUNCATION_FACTOR * norm * 140 / 6 = 12.6 where the
 * seventh derivative is as large as f: its error is h^6 f^(7) / 140, its norm is 1.0819. It is
 * rounded. */
static const double FIRST_STEP = 12.0;

/* ... and where noise hides the truncation: 140 / 6 times the sum of the sizes of the weights,
 * which is 110 / 60, as Stencil.relative_step balances any stencil; rounded. The seventh derivative
 * is then taken from the slope and its length scale. */
static const double HIDDEN_BALANCE = 42.8;

/* From one round to the next, the step changes by at most this factor. */
static const double LARGEST_CHANGE = 1e3;
/* A difference between orders is truncation if it is so many deviations. */
static const double SEEN_DEVIATIONS = 3.0;

/* Relative error bar that needs no further round; predicted gain that is worth one; a bar below
 * this part of the last one is progress, and rounds without it that end the search. */
static const double GOOD = 3e-10;
static const double WORTH = 6.0;
static const double PROGRESS = 0.3;
static const int STALE_ROUNDS = 2;

/* The most evaluations of a component, with its part of those that all share: wanted was "never
 * above 40". */
static const int EVALUATIONS = 40;

/* Relative noise from which repeating rounds pays, and how many; and from which the user should
 * know of it. */
static const double NOISY = 1e-13;
static const int REPEATS = 4;
static const double FLAG_NOISY = 1e-10;

/* Repeated rounds take other points: steps a little longer and shorter in turn. The second one's is
 * the golden section of the first, which no period of f fits that the first one fitted. */
static const double LONGER = 1.13;
static const double SHORTER = 0.89;
static const double SECOND = 0.618;

/* Two rounds contradict each other if they are apart by so many times both bars. */
static const double CONTRADICTION = 2.0;
/* Relative noise from which, after a contradiction, one round proves nothing. */
static const double DOUBT = 1e-8;

/* --- Where f is not smooth (next_step.c) ----------------------------------------------------- */

/* Where values are not finite, the step is divided: the first so many times, and from then on. */
static const int NEAR_RETREATS = 2;
static const double RETREAT = 8.0;
static const double FAR_RETREAT = 1000.0;

/* Where the approximations do not converge, it is divided: at first, under noise (above DOUBT) or
 * not, and from then on. */
static const double SHRINK_NOISY = 8.0;
static const double SHRINK = 32.0;
static const double SHRINK_AGAIN = 1024.0;

/* A jump: f(x + h) - f(x - h) stays the same, within so much of it, so many times in a row, and is
 * so many deviations. */
static const double JUMP_CHANGE = 0.1;
static const double JUMP_DEVIATIONS = 16.0;
static const int JUMP_LOOKS = 2;

/* A kink is looked at again with the step divided by so much; two looks differ so much. */
static const double KINK_SHRINK = 32.0;
static const double KINK_APART = 4.0;

/* Where all values are equal, f is looked at again farther away, so many times in all; a slope that
 * changes f by so many deviations within the distance where it was constant contradicts that. */
static const double FLAT_GROW = 10.0;
static const int FLAT_LOOKS = 2;
static const double FLAT_DEVIATIONS = 8.0;

/* Within bounds, the central stencil is kept while they leave it so much of its step. */
static const double CENTRAL_ROOM = 3.0 / 8.0;

/* --- The line of the noise against the derivatives (second_look.c) --------------------------- */

/* Rounds without an estimate, before the line is asked where f is smooth. */
static const int PATIENCE = 3;
/* The slope of the line, and the sum of the derivatives, may be apart by so many levels of noise;
 * where that is a larger part of the slope than this, it says nothing. */
static const double LINE_DEVIATIONS = 10.0;
static const double LINE_UNCLEAR = 0.1;
/* What the line's own truncation may be, relative to each term. */
static const double LINE_RELATIVE = 1e-6;
/* The same for the difference that looks for the component to blame. */
static const double BLAME_DEVIATIONS = 3.0;
static const double BLAME_RELATIVE = 1e-4;
/* Those to blame start again with so many times the spacing of the line. */
static const double BLAME_STEP = 4.0;

/* In one dimension, a line that is nothing but noise at its first spacing, but not at one below
 * this, gives the first step: so many times its spacing. */
static const double HIDDEN_SPACING = 5e-7;
static const double HIDDEN_STEP = 32.0;

/* --- Several rounds as one (averaging.c) ----------------------------------------------------- */

/* Rounds count if their bar is at most so many times the best one's. */
static const double ABOUT_AS_GOOD = 4.0;
/* Most that one round, in squares of its deviation, says of the noise of all. */
static const double OUTLIER = 6.0;
/* Weight of all components' noise against a component's own, in rounds. */
static const double PRIOR = 3.0;
/* Over degrees of freedom: bars grow by so much, since the noise is itself an estimate. */
static const double TAIL = 3.0;

/* --- The noise of a line (noise.c) ----------------------------------------------------------- */

/* Spacing of the first line, relative to the scale of the coordinates: far above the spacing of
 * float64 numbers, some way above that of float32, and so small that smooth functions have third
 * differences below their rounding. No power of two: roundings would repeat themselves from point
 * to point. */
static const double FIRST_SPACING = 1.0618033988749895e-6;

/* Values to each side of x: 2, 3 or 4 for as few coordinates, since few share their cost. */
enum { LEAST_HALF = 2, MOST_HALF = 4, FEW_COORDINATES = 4, MANY_COORDINATES = 8 };
/* Lines of a point, at most. */
enum { NOISE_LINES = 3 };

/* Noise above this, relative to the values, may yet be a function that is rough at the spacing:
 * look closer, by this factor. */
static const double SUSPICIOUS = 1e-12;
static const double CLOSER = 0x1p-13;
/* Where values are not finite: closer by this factor. */
static const double CLOSER_TO_EDGE = 0x1p-10;
/* Where f cannot tell the points apart: farther by this factor. */
static const double FARTHER = 64.0;

/* A kink or a jump at x, no noise: each side alone shows so many times less. */
static const double BROKEN = 10.0;
/* A closer line shows noise if it has at least this part of the first one's; it replaces the first
 * one's level if it has so many times it. */
static const double STILL_NOISY = 0.1;
static const double MORE_NOISY = 3.0;
/* Relative noise from which a first line looks like nothing but noise. */
static const double ALL_NOISE = 0.01;

#endif
