/* Compiled functions: values, and derivatives of those that take many points in columns. */
#ifndef FG_COMPILED_H
#define FG_COMPILED_H

#include "stencil.h"

/* f at one point; and f at k points in columns (X[j * k + i] is coordinate j of point i), 0 or an
 * error. They may read no more than that, and must not write to x, X: each call of a function below
 * looks once whether they did. */
typedef double (*fg_scalar)(int n, double *x, void *data);
typedef int (*fg_columns)(int k, int n, const double *X, double *out, void *data);

/* A compiled function, the ctx of an fg_function with one output. One thread at a time may use
 * it. */
typedef struct fg_compiled {
    fg_scalar scalar; /* one of these is NULL */
    fg_columns columns;
    void *data;      /* handed to it */
    double *scratch; /* fg_compiled_scratch() doubles */
    int returned;    /* the last that `columns` returned: with FG_ECALLBACK, an error of its own */
    ptrdiff_t evaluations; /* [in, out] fg_descend adds those that it does */
} fg_compiled;

/* Doubles that a compiled function of n coordinates needs as scratch. */
ptrdiff_t fg_compiled_scratch(const fg_compiled *f, ptrdiff_t n);

/* The two operations of fg_function; ctx is an fg_compiled.
 * Return FG_OK, FG_ECALLBACK or FG_EWRITTEN. */
int fg_compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values);
int fg_compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points,
                          double *values);

/* Derivatives [out] (points, n) of a function in columns at whole points x (points, n), as
 * fg_derivatives finds them: steps, values and derivatives lie in columns too, so that all loops
 * are over consecutive numbers.
 * base    [in] (points,) with FG_BASE, else NULL
 * scratch [scratch] fg_columns_scratch() doubles, beside f's own */
int fg_columns_derivatives(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule,
                           ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                           double *scratch, double *derivatives, int *seen);
ptrdiff_t fg_columns_scratch(ptrdiff_t n, ptrdiff_t width);

/* Points in a block of columns, at most; and how many it may be. */
#define FG_MOST_COLUMNS 256
ptrdiff_t fg_columns_block(ptrdiff_t n);

/* The same for one block that lies in columns already, in f->scratch (n, count): it is the same
 * again afterwards.
 * slopes  [out] (n, count)
 * scratch [scratch] (2 + width) * count doubles
 * seen    [in, out], or NULL */
int fg_columns_slopes(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule,
                      ptrdiff_t n, ptrdiff_t count, const double *base, double *scratch,
                      double *slopes, int *seen);

#endif
