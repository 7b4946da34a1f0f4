/* The adaptive method: see docs/adaptive.md. */
#ifndef FG_ADAPTIVE_H
#define FG_ADAPTIVE_H

#include "function.h"

/* There was no memory for the work. */
#define FG_EMEMORY (-3)

#define FG_KINK 1
#define FG_JUMP 2
#define FG_FLAT 4
#define FG_NOISY 8
#define FG_EDGE 16
#define FG_NONFINITE 32
#define FG_STEPS 64
#define FG_UNDETERMINED 128

/* Memory, as realloc and free give and take it. */
typedef struct fg_allocator {
    void *(*resize)(void *memory, size_t bytes);
    void (*release)(void *memory);
} fg_allocator;

/* What is wanted: the derivatives of all outputs by all coordinates of some points. */
typedef struct fg_wanted {
    const fg_function *f;
    ptrdiff_t n, points;
    const double *x;      /* (points, n) */
    const double *base;   /* (points, outputs) values f(x), finite */
    const double *sizes;  /* (points, n) of the coordinates, > 0 */
    const double *room;   /* (2, points * n) how far each may move down and up, or NULL */
    const double *levels; /* (points, outputs) the noise of a value where it is known, or NULL */
    int deriv;            /* 1 or 2 */
    double tolerance;     /* relative error that is enough; 0: as good as pays */
    int most;             /* evaluations a component, with its part of those that all share */
    ptrdiff_t axes; /* coordinates that values close to x move: the first so many. n is axes, or
                       axes (axes + 1) / 2: those beyond move two of them at a time, a size of
                       each: those of an upper triangle, row by row */
} fg_wanted;

/* Derivatives, each with an error bar.
 *
 * found  [out] (5, points * n * outputs): value, error, step, left and right slope of each; NaN and
 *        infinity where there is none
 * flags  [out] (points * n * outputs,)
 * levels [out] (points, outputs): the noise of a value
 * Returns FG_OK, FG_EMEMORY, or what the function returned. */
int fg_adaptive(const fg_wanted *wanted, const fg_allocator *memory, double *found, int *flags,
                double *levels);

/* The noise of f around each point alone. levels [out] (points, outputs): the standard deviation of
 * one value's error. Cost: 8 evaluations a point, 24 at most. */
int fg_noise_levels(const fg_wanted *wanted, const fg_allocator *memory, double *levels);

#endif
