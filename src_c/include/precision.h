/* What values tell of their function: whether they are finite, and of which precision. */
#ifndef FG_PRECISION_H
#define FG_PRECISION_H

#include "compiler.h"

/* What fg_combine noticed in passing; bits of *seen. */
#define FG_SEEN_NONFINITE 1 /* a derivative is NaN or infinite */
#define FG_SEEN_DOUBLE 2    /* some value needs more than the 24 bits of a float32 */
#define FG_SEEN_CHANGE 4    /* a derivative is not 0 */

/* What the values of a function say of the precision that it computes in; all 0 at first. */
typedef struct fg_seen {
    double first;
    int any;     /* there was a value that is not NaN: `first` */
    int wide;    /* some value needs more than the 24 bits of a float32 */
    int differs; /* some value differs from the first */
} fg_seen;

/* Looks at values [in] (count,), until both are known. NaN says nothing. *seen [in, out]. */
void fg_look(ptrdiff_t count, const double *values, fg_seen *seen);

/* The index of the first value that is NaN or infinite, or -1.
 * numpy: np.flatnonzero(~np.isfinite(x)) */
ptrdiff_t fg_first_nonfinite(ptrdiff_t n, const double *x);

#endif
