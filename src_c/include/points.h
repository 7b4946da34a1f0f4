/* Points on lines, for checks that move very many coordinates at once, and sums over them. */
#ifndef FG_POINTS_H
#define FG_POINTS_H

#include "compiler.h"

/* A point of a line on which only coordinates [begin, end) move:
 * out = x, then out[begin:end] += t * direction[begin:end].
 * x, direction [in] (n,), out [out] (n,), no overlap. */
void fg_line_point(ptrdiff_t n, const double *x, const double *direction, double t, ptrdiff_t begin,
                   ptrdiff_t end, double *out);

/* Points x + (t[k] - origin) * direction, out [out] (count, n); with `complex_t`, t (count,) and
 * the points are complex numbers. */
void fg_line_points(ptrdiff_t n, const double *x, const double *direction, double origin,
                    ptrdiff_t count, const double *t, int complex_t, double *out);

/* Points x + sum over k of (t[k] - origin[k]) * (moves[k, 0] e_i + moves[k, 1] e_j), i, j =
 * pairs[k]; j < 0: without the latter. moves, pairs [in] (lines, 2), origin [in] (lines,), t [in]
 * (count, lines), out [out] (count, n). */
void fg_pair_points(ptrdiff_t n, const double *x, ptrdiff_t lines, const ptrdiff_t *pairs,
                    const double *moves, const double *origin, ptrdiff_t count, const double *t,
                    double *out);

/* Pseudo-random numbers of both signs and sizes from scale / 2 to 3/2 scale: so that equal and
 * opposite errors do not cancel. Element i follows from seed and i alone. out [out] (n,). */
void fg_random_direction(ptrdiff_t n, uint64_t seed, double scale, double *out);

/* The sum of a[i] * b[i]; *squares [out]: of their squares. Block by block: rounding grows like
 * sqrt(n) at most.
 * a, b [in] (n,). numpy: t = a * b; t.sum(), (t * t).sum() */
double fg_product_sums(ptrdiff_t n, const double *a, const double *b, double *squares);

#endif
