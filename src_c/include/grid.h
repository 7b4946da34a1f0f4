/* Derivatives of sampled arrays: see docs/grid.md. */
#ifndef FG_GRID_H
#define FG_GRID_H

#include "compiler.h"

enum {
    FG_GRID_PIECE = 1024,
    FG_GRID_SCRATCH = 2 * FG_GRID_PIECE,
    FG_GRID_TAPS = 12,
    FG_GRID_EDGES = 10,
    FG_GRID_HALF = 4
};

/* How rows in the interior of an axis get their derivative. */
enum {
    /* even spacing; interior [in] (4,): weights of f(row + k) - f(row - k), k = 1 ... 4 */
    FG_GRID_ODD,
    /* the same of f(row + k) - 2 f(row) + f(row - k) */
    FG_GRID_EVEN,
    /* from coordinates, first derivative, half = 1 */
    FG_GRID_THREE,
    /* interior [in] (2 * half + 1, length): weights of f(row - half + k) - f(row) */
    FG_GRID_TABLE
};

/* An axis of a dense array, and a derivative along it. A row is one position on the axis: `stride`
 * numbers that lie together, again and again after length * stride numbers.
 * length >= 2 * half; edge_taps <= FG_GRID_TAPS.
 * edge_rows, edge_weights [in] (2 * half, edge_taps): the first rows, then the last, get the sum of
 *   weight * (f(edge_row) - f(row))
 * coordinates [in] (length,), or NULL: even ones, `step` apart
 * around_nan: where a stencil meets NaN, take rows that are numbers, as many as an edge takes; its
 *   taps are adjacent. */
typedef struct fg_grid_axis {
    ptrdiff_t length, stride;
    int kind, half, edge_taps, derivative, around_nan;
    double step;
    const double *interior, *coordinates, *edge_weights;
    const ptrdiff_t *edge_rows;
} fg_grid_axis;

/* The weights of one kind of axis, for the step 1: those that fg_grid_axis points to. Edge rows
 * count from the end of the axis where they are negative. */
typedef struct fg_grid_weights {
    int kind, half, taps, derivative, around_nan;
    double interior[FG_GRID_HALF], edge_weights[FG_GRID_EDGES * FG_GRID_TAPS];
    ptrdiff_t edge_rows[FG_GRID_EDGES * FG_GRID_TAPS];
} fg_grid_weights;

/* An axis with weights of its own. */
typedef struct fg_grid_scaled {
    fg_grid_axis axis;
    double interior[FG_GRID_HALF], edge_weights[FG_GRID_EDGES * FG_GRID_TAPS];
    ptrdiff_t edge_rows[FG_GRID_EDGES * FG_GRID_TAPS];
} fg_grid_scaled;

/* The axis [out] with these weights, scaled for its step. It points into itself: it must not be
 * moved. */
void fg_grid_scale(const fg_grid_weights *weights, ptrdiff_t length, ptrdiff_t stride, double step,
                   fg_grid_scaled *scaled);

/* A derivative of values [in] (size,) along an axis, times a factor. */
typedef struct fg_grid_term {
    const void *values;
    const fg_grid_axis *axis;
    double factor;
} fg_grid_term;

/* out [out] (size,): the sum of the terms; or with `magnitude` the root of the sum of their
 * squares. */
typedef struct fg_grid_output {
    void *out;
    const fg_grid_term *terms;
    int count, magnitude;
} fg_grid_output;

/* Whether stores that go past the caches pay here: 0 no, else how, as `stream` of fg_grid. */
int fg_grid_streams(void);

/* Weights [out] (count,) of the values at x [in] (count,) in a derivative at a point: exact for
 * polynomials up to degree count - 1 (Fornberg, Math. Comp. 51 (1988) 699-706), in any unit.
 * work [scratch] ((derivative + 1) * count,). */
void fg_weights(double at, const double *x, ptrdiff_t count, int derivative, double *weights,
                double *work);

/* Weights of the taps (odd) around each interior row.
 * table [out] (taps, length); work [scratch] ((derivative + 2) * taps,). */
void fg_weight_table(const double *x, ptrdiff_t length, ptrdiff_t taps, int derivative,
                     double *table, double *work);

/* All outputs at slabs [begin, end): a slab is `slab` numbers that lie together. Each number is
 * read from memory once, if what 2 * half + 1 tiles hold stays in cache. float if single, else
 * double. Inputs and outputs must not overlap.
 * scratch [scratch] (FG_GRID_SCRATCH,) doubles.
 * Returns how many coordinates of FG_GRID_THREE are out of order; -1, and writes nothing, where an
 * input or output is not aligned to its type. */
ptrdiff_t fg_grid(const fg_grid_output *outputs, int count, int single, ptrdiff_t slab,
                  ptrdiff_t begin, ptrdiff_t end, ptrdiff_t tile, int stream, double *scratch);

#endif
