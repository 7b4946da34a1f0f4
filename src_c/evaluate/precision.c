/* What values tell: whether they are finite. */
#include "precision.h"

#include <math.h>

FG_CLONES ptrdiff_t fg_first_nonfinite(ptrdiff_t n, const double *x)
{
    /* v * 0 is 0 for a finite v, and NaN else: sums without branches, so many that none waits for
     * the last. */
    enum { SUMS = 16 };
    double sums[SUMS] = {0.0}, all = 0.0;
    ptrdiff_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (int k = 0; k < SUMS; k++)
            sums[k] += x[i + k] * 0.0;
    for (; i < n; i++)
        all += x[i] * 0.0;
    for (int half = SUMS / 2; half; half /= 2)
        for (int k = 0; k < half; k++)
            sums[k] += sums[k + half];
    if (all + sums[0] == 0.0)
        return -1;
    for (i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return i;
    return -1;
}
