/* What seven equally spaced values say of a derivative. */
#ifndef FG_SEVEN_H
#define FG_SEVEN_H

#include "compiler.h"

#define FG_SEVEN 7

/* Derivatives at one of seven equally spaced points, from the value there and the six others, for
 * each of `rows` points and `outputs` values; docs/sensitivity.md.
 * place     [in] (rows,): which of the seven points x is, in 0 ... 6
 * base      [in] (rows, outputs): f there
 * others    [in] (rows, 6, outputs): f at the others, from the lowest up
 * h         their distance
 * weights   [in] (7, 3, 7): for each place, weights of differences of orders 2, 4 and 6 in units of
 *           1 / h
 * epsilon   the precision that f computes in
 * derivative, truncation, noise  [out] (rows, outputs), `stride` numbers from one to the next: of
 *           order 6; how far off it may be; the noise that the sixth difference shows, 0 where it
 * is not finite */
void fg_seven_points(ptrdiff_t rows, ptrdiff_t outputs, const ptrdiff_t *place, const double *base,
                     const double *others, double h, const double *weights, double epsilon,
                     ptrdiff_t stride, double *derivative, double *truncation, double *noise);

#endif
