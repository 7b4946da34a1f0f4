/* What values tell of their function: whether they are finite, and of which precision. */
#include "precision.h"
#include "numbers.h"

#include <math.h>

void fg_look(ptrdiff_t count, const double *values, fg_seen *seen)
{
    for (ptrdiff_t k = 0; k < count && !(seen->wide && seen->differs); k++) {
        const double value = values[k];
        if (value != value)
            continue;
        if (!seen->any) {
            seen->any = 1;
            seen->first = value;
        }
        seen->wide |= !fits_float32(value);
        seen->differs |= value != seen->first;
    }
}

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
