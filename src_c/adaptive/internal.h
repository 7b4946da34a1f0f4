/* Between the parts of the adaptive method; nothing outside includes it.
 *
 *     weights.c      weights of a window of values, exact
 *     window.c       what the values of one window say of one derivative
 *     records.c      values at shifts, asked once and kept
 *     grid.c         values on a grid
 *     near.c         values very close to x: rounding, and whether derivatives add up
 *     line.c         values on a line: the noise of f
 *     first.c        the first window in which a derivative can be seen
 *     flat.c         windows that show a constant, or hardly more than rounding
 *     sides.c        each side alone, where the second derivative jumps at x
 *     refine.c       which window next
 *     calibrate.c    bars, once all derivatives are known
 *     inside.c       rounding inside f that no value shows at x, where f is stationary
 *     second_look.c  derivatives that contradict the values close to x
 *     averaging.c    many pairs as one, under noise
 *     adaptive.c     all of it in turn
 */
#ifndef FG_ADAPTIVE_INTERNAL_H
#define FG_ADAPTIVE_INTERNAL_H

#include "adaptive.h"
#include "constants.h"
#include "numbers.h"

#include <float.h>
#include <math.h>

enum {
    MOST_PAIRS = 4,
    MOST_TERMS = 2 * MOST_PAIRS,
    ONE_SIDED_POINTS = 6,
    ONE_SIDED_REACH = 1 << (ONE_SIDED_POINTS - 1),
    MOST_KEPT = 8,
    MOST_LINE = 8
};

/* Values at some shifts of one component: a pair at x + d and x - d, or x + d alone, d signed. All
 * outputs of one point, then all of the next. */
typedef struct {
    double d;
    ptrdiff_t values; /* where, in the values of the search */
    ptrdiff_t before; /* the record of the component before this one, or -1 */
    int width;        /* 2 or 1 */
    int changes;      /* some output has another value than at x */
} fg_record;

/* A window: `pairs` pairs at distances unit 2^-level, twice that ..., or ONE_SIDED_POINTS values at
 * such distances on one side. */
typedef struct {
    short level;
    signed char pairs; /* 2, 3, 4, or 1: one-sided; 0: none */
    signed char side;  /* 0: central, 1 or -1 */
} fg_place;

/* What the values of a window say of one derivative. */
typedef struct {
    fg_place at;
    int terms;            /* Taylor coefficients */
    double s;             /* the shortest distance, signed; units of the coefficients: f's / s^k */
    double b[MOST_TERMS]; /* coefficients of s, s^2 ... */
    double size[MOST_TERMS]; /* of the coefficients, with their noise: B */
    double y[MOST_TERMS];    /* values less f(x): right and left in turn, from the closest */
    double sigma;            /* noise of a value */
    double slope;            /* the steepest one from x, in units of s */
    double largest;          /* value */
    double ratio;            /* of coefficients two orders apart: its square; rho */
    double top;              /* size of the first one left out, of s^next */
    int next;
    double truncation, noise, bar, derivative;   /* of what is wanted: the last two in units of f */
    double first, first_bar, second, second_bar; /* the first and the second derivative */
    double across;                               /* of the closest pair */
    unsigned seen; /* bits of the coefficients that are above their noise */
    double
        changes[2]; /* one-sided: of the slope from x, between the closest values, the farthest */
    int rough, constant, kink, steep;
    int finite, right, left; /* values are finite: all, those on one side */
} fg_window;

/* Exact weights of a window. */
typedef struct {
    int pairs;
    /* (terms, pairs): of half differences; of half sums over the distance of the pair */
    double odd[MOST_PAIRS][MOST_PAIRS];
    double norms[MOST_TERMS]; /* noise of a coefficient for noise 1 of a value */
    double product;           /* of the squares of the distances */
} fg_weights;

extern const fg_weights fg_two_pairs, fg_three_pairs, fg_four_pairs;

static inline const fg_weights *fg_weights_of(int pairs)
{
    return pairs == 2 ? &fg_two_pairs : pairs == 4 ? &fg_four_pairs : &fg_three_pairs;
}

extern const double fg_one_sided[ONE_SIDED_POINTS][ONE_SIDED_POINTS];
extern const double fg_one_sided_norms[ONE_SIDED_POINTS];
extern const double fg_one_sided_product, fg_one_sided_product_of_second;

enum { FIRST, READY, DONE };
/* Both sides of x, each alone. */
enum { UNASKED, ASKED, JUDGED };

/* One derivative on its way. Numbers are in units of the output's `scale`. */
typedef struct {
    double value, error, left, right;
    double slope, slope_error;         /* the first derivative, where that is not what is wanted */
    double curvature, curvature_error; /* the second */
    double third;
    double size;    /* of derivatives in sight */
    double largest; /* value in sight */
    double tops;    /* squares of top coefficients, in units of the rounding expected: `samples` */
    double step;
    double last; /* f(x + s) - f(x - s) when it last looked like a jump */
    double kink,
        kink_size;   /* distance at which it first looked like a kink; the mean slope there */
    double steep;    /* by how much a slope changed last that seemed to grow without end */
    double constant; /* how far from x f was seen to be constant */
    double height;   /* largest value there */
    double grew;  /* the odd part beyond its slope, as the distance doubled, in the last window */
    double wide;  /* of the last window that was too wide: its top coefficients */
    double climb; /* slope close to x of an f that climbs in steps; NaN: it does not */
    fg_place view, rough, kept[MOST_KEPT], want;
    short nearest; /* the lowest level whose pair may be asked */
    short grow;
    fg_place resume; /* the window to go on with, after both sides */
    unsigned char sides, phase, count, flats, fails, stale, doubted, samples, refinements, waits;
    int flags;
} fg_entry;

/* One component: its records. */
typedef struct {
    double unit;     /* 2^-8 of this is the first distance */
    ptrdiff_t point; /* that it belongs to: divisions are slow */
    ptrdiff_t last;
    int evaluations;
    short closest; /* level that an output whose window was too wide went to */
} fg_column;

/* One line of values at x + m h, m from about -4 to 4, h along all coordinates. Not equally spaced:
 * those may all be rounded alike. */
typedef struct {
    double spacing;
    ptrdiff_t values, before;
} fg_line;

/* Values on a grid: of few digits or bits; of the last bits of larger values; of multiples of
 * something else, which f may climb in steps. */
enum { NO_GRID, STORED, LEFT_OVER, COUNTED };

/* What is known of one output around one point. Values are times `scale`, a power of two. */
typedef struct {
    double scale, base;
    double largest;   /* value close to x */
    double kappa;     /* rounding, of what is expected */
    double unheard;   /* the same of components that show none of it: so many times that */
    double arguments; /* sum of (x_i g_i)^2 of the derivatives that are known */
    double inside;    /* noise where f is stationary, of the root of what curvature changes it by */
    double degrees;   /* of freedom of kappa */
    double deviations;                    /* what the noise counts in a bar */
    double level, relative, line_degrees; /* of noise */
    double slope, bend; /* along the line, NaN: none; how far that of twice as far is from it */
    double accepted;    /* spacing of the line */
    double rounded;     /* least part of a coordinate's size that is rounded: |x|; 0: x is 0 */
    double root;        /* noise of a value that vanishes at x, of its square root; 0: none */
    double hidden;      /* spacing at which f looked like nothing but noise, not closer; or 0 */
    double residual;    /* of the near points' difference; NaN: none */
    double second;      /* difference of the near points, as noise of a value */
    /* Of all values: the first; what differences from it are multiples of, 0: rounding; the
     * smallest and the largest of them. */
    double first, before, divisor, least, most;
    int noted, differences, digits, bits, last_bit,
        confirmed; /* how many; most of a value; its exponent */
    double seen_level, seen_largest, seen_spacing, seen_bit, want; /* of the line under way */
    int seen, attempts, grown, lining, lined;
    int narrow, assumed, gridded, decimal, last_decimal;
    double
        judged[5]; /* kappa, unheard, deviations, sum of arguments, level by which bars were set */
    int finite, flat, rounds_arguments, noisy, stepped;
} fg_output;

/* One point. */
typedef struct {
    ptrdiff_t lines; /* its last line, or -1 */
    double largest;  /* size of a coordinate, 1 at least */
    int shared;      /* evaluations that all components share */
    int near;        /* points close to x: 1, 2 or 4 */
    int renewed;
} fg_point;

/* One call. */
typedef struct {
    const fg_wanted *wanted;
    const fg_allocator *memory;
    ptrdiff_t n, outputs, columns; /* coordinates, outputs; points * n */
    fg_entry *entries;             /* (columns, outputs) */
    fg_column *column;             /* (columns,) */
    fg_output *output;             /* (points, outputs) */
    fg_point *point;               /* (points,) */
    double *close;                 /* (columns,) strides of the points close to x, with signs */
    double *near;                  /* (points, 4, outputs) values there */
    fg_record *records;
    fg_line *lines;
    double *values;
    size_t record_count, record_room, line_count, line_room, value_count, value_room;
    int failed;    /* f was not finite somewhere */
    double *moves; /* [scratch] (ROWS,) */
    ptrdiff_t *moved;
    double *dense; /* [scratch] (dense_room, n) points: MOST_LINE at least */
    ptrdiff_t dense_room;
} fg_search;

enum { ROWS = 4096, DENSE = 1 << 15 };

/* A real number as the integer next to it, within what levels may be. */
static inline int fg_rounded(double x)
{
    const double within = larger(smaller(floor(x + 0.5), 2000.0), -2000.0);
    return (int)within;
}

/* hypot for numbers that do not overflow: values are scaled to about 1. */
static inline double fg_norm(double a, double b) { return sqrt(a * a + b * b); }

static inline double fg_root_of_ratio(double a, double b) { return b > 0.0 ? sqrt(a / b) : 0.0; }

static inline short fg_higher(int a, int b) { return (short)(a > b ? a : b); }

static inline fg_entry *fg_entry_of(const fg_search *s, ptrdiff_t c, ptrdiff_t o)
{
    return s->entries + c * s->outputs + o;
}

/* The output o at the point of column c. */
static inline fg_output *fg_output_of(const fg_search *s, ptrdiff_t c, ptrdiff_t o)
{
    return s->output + s->column[c].point * s->outputs + o;
}

/* Rounding in the values of an entry, of what is expected. */
static inline double fg_kappa(const fg_output *o, const fg_entry *e)
{
    return e->view.pairs && !e->samples ? o->kappa * o->unheard : o->kappa;
}

/* --- records.c --- */

/* The record of column c at distance d, signed where it is one-sided; or NULL. */
const fg_record *fg_record_at(const fg_search *s, ptrdiff_t c, double d, int width);

/* The values (outputs,) at distance d, signed, of a pair or alone; or NULL. */
const double *fg_values_at(const fg_search *s, ptrdiff_t c, double d);

/* Whether some output has another value at distance d than at x, as far as that was asked. */
int fg_changes_at(const fg_search *s, ptrdiff_t c, double d);

/* How many values of a window are not known yet. */
int fg_missing(const fg_search *s, ptrdiff_t c, fg_place at);

/* Asks for what is missing in the windows `want` (columns,) of columns (pairs 0: none). *asked
 * [out]: whether anything was. */
int fg_ask_windows(fg_search *s, const fg_place *want, int *asked);

/* Asks for pairs at distances d of columns, both (count,), and keeps them. */
int fg_ask_pairs(fg_search *s, ptrdiff_t count, const ptrdiff_t *columns, const double *d);

/* Values (count, outputs) at x + h of columns, both (count,): not kept. */
int fg_ask_once(fg_search *s, ptrdiff_t count, const ptrdiff_t *columns, const double *h,
                double *values);

/* Evaluations that component c may still have. */
int fg_room(const fg_search *s, ptrdiff_t c);

/* Whether point p may have so many more that all its components share. */
int fg_affords(const fg_search *s, ptrdiff_t p, int count);

/* What a value says of the precision of its output. */
void fg_take_note(fg_output *o, double value);

int fg_reserve_values(fg_search *s, size_t more);

/* --- window.c --- */

/* The values of a window, all of which are known. */
void fg_look_at(const fg_search *s, ptrdiff_t c, ptrdiff_t o, fg_place at, fg_window *w);

/* How coefficients fall with their order, by what a window shows; infinite where it shows nothing.
 */
double fg_ratio_of(const fg_window *known);

/* The error bar that a window would have, from one that is known and its ratio; infinite where
 * nothing can be said, or where noise alone is more than `most`. */
double fg_forecast(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *known, double rho,
                   fg_place at, double most);

double fg_distance(const fg_search *s, ptrdiff_t c, int level);

/* Size of the derivatives that a window has in sight. */
double fg_size_of(const fg_search *s, const fg_window *w);

/* Noise expected of rounding in a value as large as `largest`, arguments with this sum of (x g)^2.
 */
double fg_rounding(const fg_output *o, double largest, double arguments);

/* --- first.c, refine.c: an entry goes on as far as it can. Returns whether it wants values. --- */
int fg_find_first(fg_search *s, ptrdiff_t c, ptrdiff_t o);
int fg_refine(fg_search *s, ptrdiff_t c, ptrdiff_t o);

/* The relative bar that needs no other window. */
double fg_enough(const fg_search *s);

/* An entry has its value and bar, and asks for no more. */
void fg_finish(fg_entry *e, int flag, double value, double error);

/* --- flat.c --- */
/* Whether f changes along another coordinate than c. */
int fg_others_change(const fg_search *s, ptrdiff_t c, const fg_entry *e);
/* Whether a window shows little beside rounding, so close to x that f may have no other scale there
 * than that of the other coordinates: the entry wants one as far away as those. */
int fg_is_faint(const fg_search *s, ptrdiff_t c, fg_entry *e, const fg_output *o,
                const fg_window *w);
/* All values are the same: farther away, or that is what f is. */
void fg_stay_flat(const fg_search *s, ptrdiff_t c, fg_entry *e, const fg_output *o,
                  const fg_window *w);
/* All values are the same number of a grid: as good a window as any, and farther away. */
void fg_widen(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *w);
/* Whether f is constant nearby, and not as far away as a window: the entry is done. */
int fg_is_constant_nearby(const fg_search *s, fg_entry *e, const fg_output *o, const fg_window *w);
/* What looked constant from farther away than another output's step is looked at as close. */
void fg_look_at_constants(const fg_search *s);
/* Bars of constants once more: values that came later may say more of the precision. */
void fg_settle_constants(const fg_search *s);

/* --- sides.c --- */
/* An entry wants to look at both sides of x if the odd part in a window grows between so much. */
int fg_want_sides(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *w, double least,
                  double most);
/* The better side, where the second derivative jumps; else the entry goes on as it did. */
void fg_judge_sides(const fg_search *s, ptrdiff_t c, ptrdiff_t o);

/* An entry starts, or starts again, with a window at this level. */
void fg_start(const fg_search *s, ptrdiff_t c, ptrdiff_t o, int level);

/* Of a column that moves two axes: the level of the windows that those are looked at from, the
 * closer one. *waits [out]: one of them has none yet. */
int fg_level_of_axes(const fg_search *s, ptrdiff_t c, ptrdiff_t out, int *waits);

/* Whether the window that an entry wants first is rough also for the noise that a line showed,
 * since f changes on a scale far closer: a wider one would be. */
int fg_stays_rough(const fg_search *s, ptrdiff_t c, ptrdiff_t out);

/* An entry has what a window says. */
void fg_believe(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *w);

/* One more window that is believed: the entry has the best of them. */
void fg_keep(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *w);

/* The best of the windows that were kept, judged again. */
void fg_choose(const fg_search *s, ptrdiff_t c, ptrdiff_t o);

/* All entries go on until none wants values. */
int fg_run(fg_search *s, int (*step)(fg_search *, ptrdiff_t, ptrdiff_t));

/* --- grid.c --- */
void fg_note_grid(fg_output *o, double value);
/* The power of two that differences of neighbouring values are multiples of, or 0. */
double fg_shared_bit(const double *values, int count);
/* The smallest change that was seen, if it is a power of two well above rounding: the last bit of
 * what f is left over from, and so it may be constant only as it is rounded; else 0. */
double fg_least_step(const fg_output *o);
/* Noise of a value of this size, by what was seen. */
double fg_noise_of_grid(const fg_output *o, double largest);
/* Outputs whose values turned out to lie on a grid, or not to, start again. */
int fg_look_for_grids(fg_search *s);

/* --- near.c --- */
int fg_ask_near(fg_search *s);
/* A stride of one spacing of numbers at x, where so many fit within the bounds; else 0. */
double fg_next_to(const fg_search *s, ptrdiff_t c, double sign, int most);
/* How steep an output is close to x along all coordinates, of their sizes; 0: not known. */
double fg_slope_close(const fg_search *s, ptrdiff_t p, ptrdiff_t out);
/* Strides are made smaller where steps are; asked again. */
int fg_renew_near(fg_search *s);

/* --- line.c --- */
void fg_want_line(fg_output *o, double spacing);
/* An output that has not looked at a line which another one asked wants to. */
int fg_join_line(const fg_search *s, ptrdiff_t p, fg_output *o);
/* All lines that are under way, to their ends. *noisy [out]: whether any showed noise. */
int fg_run_lines(fg_search *s);
/* Values that fit a float32, where no line can be looked at. */
void fg_assume_float32(fg_output *o);
/* How steep the line is, without sign; 0 where its noise hides that. */
double fg_line_slope(const fg_output *o, double level);
/* Whether rounding the arguments explains the noise of a line, at the slope that it shows. */
int fg_explains_line(const fg_output *o, double level);
int fg_first_level(const fg_output *o);
/* The distance of a first window, of the length over which f changes by its size, for this relative
 * noise. */
double fg_share(double noise);
double fg_line_sign(ptrdiff_t i);
/* How far coordinate c moves from one point of the line to the next. */
double fg_line_stride(const fg_search *s, ptrdiff_t c, double spacing, int one_sided);
double fg_student(double degrees);

/* --- calibrate.c --- */
int fg_calibrate(fg_search *s);
/* --- second_look.c --- */
int fg_second_look(fg_search *s, int *again);
int fg_look_for_steps(fg_search *s);
/* --- inside.c --- */
/* The noise of values where a function of one output is stationary; bars by that. */
int fg_look_inside(fg_search *s);
/* --- averaging.c --- */
int fg_average(fg_search *s);

#endif
