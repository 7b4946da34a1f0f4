/* What seven equally spaced values say of a derivative at one of them: docs/adaptive.md. */
#ifndef FG_SEVEN_H
#define FG_SEVEN_H

#include "compiler.h"

#define FG_SEVEN 7

/* Rows of seven points, f having `outputs` values at each. */
typedef struct fg_seven {
    ptrdiff_t rows, outputs;
    int derivative;         /* 1 or 2: the second is known at the middle point only */
    const ptrdiff_t *place; /* (rows,), in 0 ... 6: which of them x is; NULL: the middle one */
    const double *h;        /* (rows,), their distance */
} fg_seven;

/* The derivative at x to order 6, and how far it may be off.
 *
 * base       [in] (bases, outputs): f at x; row r has that of r % bases
 * others     [in] (rows, 6, outputs): f at the other points, from the lowest up
 * epsilon    of the precision that f computes in; 0: float32's if all values fit one and differ
 * value      [out] (rows, outputs)
 * bar        [out] (rows, outputs): its error bar
 * truncation [out] (rows, outputs): what orders 2, 4 and 6 say of the truncation error; where x is
 *            the first or last of the points, orders 4, 5 and 6
 * noise      [out] (rows, outputs): of one value, as the sixth difference shows it, or rounding
 * NaN, infinity, infinity and 0 where a value or the estimate is not finite. */
void fg_seven_values(const fg_seven *s, ptrdiff_t bases, const double *base, const double *others,
                     double epsilon, double *value, double *bar, double *truncation, double *noise);

/* Error bars [out] (rows, outputs) for a truncation error and a noise [in] (rows, outputs) that are
 * known otherwise: seven values tell their noise roughly, many times seven tell it better. */
void fg_seven_bars(const fg_seven *s, const double *truncation, const double *noise, double *bar);

#endif
