/* Stencils, their steps, and how values combine to derivatives. */
#ifndef FG_STENCIL_H
#define FG_STENCIL_H

#include "function.h"
#include "precision.h"

/* How the values of a stencil combine to a first derivative. With t_j = x + offsets[j] * h as
 * rounded:
 *
 * FG_PAIRS      offsets are s, -s, r, -r, ...:
 *               sum_k coefficients[2k] (f(t_2k) - f(t_2k+1)) / (t_2k - t_2k+1)
 * FG_BASE       f(x) is given:
 *               sum_j coefficients[j] (f(t_j) - f(x)) / (t_j - x)
 * FG_IMAGINARY  values are Im f(x + i h):
 *               value / h
 *
 * Differences are taken before they are scaled, so that a constant has the derivative 0 exactly,
 * and are divided by the distance really moved. */
enum fg_form { FG_PAIRS, FG_BASE, FG_IMAGINARY };

typedef struct fg_stencil {
    enum fg_form form;
    ptrdiff_t width;
    const double *offsets;      /* (width,) */
    const double *coefficients; /* (width,) weight times offset (FG_PAIRS: of both, at the first) */
} fg_stencil;

/* How steps are chosen for fg_steps: coordinate by coordinate, the first that is not NULL of
 * `absolute`, or relative * max(|x|, typical), with typical = 1 where NULL. */
typedef struct fg_step_rule {
    double relative;
    const double *absolute; /* (n,) or NULL */
    const double *typical;  /* (n,) or NULL */
} fg_step_rule;

/* The longest imaginary step beside |x|: f may have an edge at 0, and rounding is no matter. */
#define FG_LONGEST_IMAGINARY 0x1p-30

/* Steps for `count` components from `first` on of points x (points, n), made representable at x
 * (h = (x + h) - x), or where `exact` is 0 and x is not, at most FG_LONGEST_IMAGINARY * |x|,
 * but normal numbers.
 * h [out] (count,).
 * numpy: h = relative * np.maximum(abs(x), typical); h = (x + h) - x */
void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first,
              ptrdiff_t count, int exact, double *h);

/* Sizes of coordinates of points x (count,), n each: |x|, at least typical (n,), if that is not
 * NULL; 1 where that is 0. sizes [out] (count,).
 * numpy: found = np.maximum(abs(x), typical); np.where(found == 0, 1, found) */
void fg_sizes(ptrdiff_t n, ptrdiff_t count, const double *x, const double *typical, double *sizes);

/* Where the steps of a central stencil may be too long: a second difference of f over them is
 * larger than span * (half a first difference) + least * |f(x)|. */
typedef struct fg_doubt {
    double span, least;
    unsigned char *curved; /* (count,) [out] 1 where that is so for any output, else 0 */
} fg_doubt;

/* Marks components by their values, those of fg_combine.
 * base [in] (points, outputs): NaN where it is not known, which marks nothing.
 * curved [out] (shifts->count,): of these components.
 * numpy: abs((up - base) + (down - base)) > span * 0.5 * abs(up - down) + least * abs(base) */
void fg_mark_curved(const fg_doubt *doubt, ptrdiff_t width, const fg_shifts *shifts,
                    ptrdiff_t outputs, const double *values, const double *base,
                    unsigned char *curved);

/* Combines values at shifts to derivatives.
 * values [in] (count, width, outputs), base [in] (points, outputs) with FG_BASE, else NULL.
 * derivatives [out] (count, outputs).
 * Returns the FG_SEEN bits of these values. */
int fg_combine(const fg_stencil *stencil, const fg_shifts *shifts, ptrdiff_t outputs,
               const double *values, const double *base, double *derivatives);

/* The same for one output and one coordinate of `count` points: x, h, derivatives (count,), values
 * (width, count), base (count,) with FG_BASE. Every number is the one that fg_combine finds;
 * *seen [in, out], or NULL. */
void fg_combine_columns(const fg_stencil *stencil, ptrdiff_t count, const double *x,
                        const double *h, const double *values, const double *base,
                        double *derivatives, int *seen);

/* First derivatives for the components first .. first + count of points x (points, n).
 *
 * base        [in] (points, outputs) values f(x), only with FG_BASE or a doubt, else NULL
 * doubt       [in] what is to be marked, with FG_PAIRS and first offsets 1 and -1; or NULL
 * scratch     [scratch] (size,), size >= 1 + width * outputs; longer means larger blocks of
 *             evaluations
 * derivatives [out] (count, outputs); on failure those of the first blocks are valid
 * seen        [out] FG_SEEN bits, valid on success
 * Returns FG_OK, or what the function returned.
 * Cost: count * width evaluations. */
int fg_derivatives(const fg_function *f, const fg_stencil *stencil, const fg_step_rule *rule,
                   ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count,
                   const double *base, const fg_doubt *doubt, double *scratch, ptrdiff_t size,
                   double *derivatives, int *seen);

#endif
