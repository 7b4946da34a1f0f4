/* The adaptive method: see docs/adaptive.md. */
#ifndef FG_ADAPTIVE_H
#define FG_ADAPTIVE_H

#include "function.h"

/* What is known of the noise of f around one point. */
typedef struct fg_noise {
    double level; /* standard deviation of one evaluation's error */
    double size;  /* largest |f| among the values that it was seen in */
    double slope; /* of f along the line x + t * sign_i * scale_i that was looked at; NaN: none */
    double accepted; /* the spacing in t at which it was found */
    double spacing;  /* the next spacing */
    int narrow;      /* every value fits a float32 */
    int hidden;      /* at the first spacing, f looked like nothing but noise */
    int failed, grown, done;
    int evaluations;
} fg_noise;

/* The noise of f around each of `points` points x (points, n).
 * base    [in] (points,) values f(x)
 * scale   [in] (points, n) sizes of the coordinates
 * room    [in] (2, points * n) how far each may move down and up, or NULL; if given, lines start
 *         at x
 * scratch [scratch] (size,), size >= points * 8 + n
 * noise   [out] (points,)
 * Returns FG_OK, or what the function returned. Cost: 4 to 8 evaluations a point, 24 at most. */
int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points,
                      const double *base, const double *scale, const double *room, double *scratch,
                      ptrdiff_t size, fg_noise *noise);

/* The same where the level is known. noise [out] (points,). */
void fg_known_noise(ptrdiff_t points, double level, const double *base, fg_noise *noise);

/* levels [out] (points,): those of noise. */
void fg_read_levels(ptrdiff_t points, const fg_noise *noise, double *levels);

#define FG_KINK 1
#define FG_JUMP 2
#define FG_FLAT 4
#define FG_NOISY 8
#define FG_EDGE 16
#define FG_NONFINITE 32

#define FG_ROUNDS 6

/* One component on its way through the rounds. Set by fg_adaptive; the caller gives memory and
 * reads results. */
typedef struct fg_component {
    double value, error, step; /* result: NaN, infinity where there is none */
    double left, right;        /* one-sided slopes at a kink, else NaN */
    int flags;
    int evaluations;

    int side; /* 0: central stencil, 1 or -1: one-sided */
    int done, paused, rounds, shrinks, failures, flats, stale, kept, doubted;
    double h;        /* the next step, signed as `side` */
    double jump;     /* f(x+h) - f(x-h) when it first looked like a jump */
    double kink;     /* the step when it first looked like a kink */
    double constant; /* how far from x f was seen to be constant */
    double estimates[FG_ROUNDS], truncations[FG_ROUNDS], deviations[FG_ROUNDS], steps[FG_ROUNDS];
} fg_component;

/* Derivatives for all components of points x (points, n), each with a step of its own and an error
 * bar.
 *
 * base       [in] (points,) values f(x), finite
 * noise      [in, out] (points,); `narrow` is taken back where a value tells
 * scale      [in] (points, n) sizes of the coordinates, > 0
 * room       [in] (2, points * n) how far each may move down and up, or NULL
 * components [out] (points * n,)
 * scratch    [scratch] (size,), size >= 16: components go through a round in blocks of size / 16
 * Returns FG_OK, or what the function returned.
 * Cost: FG_ROUNDS * 6 + 2 evaluations a component at most. */
int fg_adaptive(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points,
                const double *base, fg_noise *noise, const double *scale, const double *room,
                fg_component *components, double *scratch, ptrdiff_t size);

/* found [out] (5, count): value, error, step, left and right of each component; flags [out]
 * (count,). */
void fg_read_components(ptrdiff_t count, const fg_component *components, double *found, int *flags);

#endif
