/* Steps: how far each coordinate moves. */
#include "fastgrad.h"

#include <math.h>

/* fmax and fabs-with-branches are library calls or stop vectorisation without -ffinite-math-only. */
static double larger(double a, double b) { return a > b ? a : b; }

void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count, int exact,
              double *h)
{
    const double relative = rule->relative; /* a copy: h might be where the rule is, for all that the compiler knows */
    if (!rule->absolute && !rule->typical) {
        for (ptrdiff_t a = 0; a < count; a++)
            h[a] = relative * larger(fabs(x[first + a]), 1.0);
    } else {
        for (ptrdiff_t a = 0, c = n ? first % n : 0; a < count; a++, c = c + 1 < n ? c + 1 : 0)
            h[a] = rule->absolute ? rule->absolute[c] : relative * larger(fabs(x[first + a]), rule->typical[c]);
    }
    if (!exact)
        return;
    for (ptrdiff_t a = 0; a < count; a++) {
        const double moved = x[first + a] + h[a];
        h[a] = moved - x[first + a];
    }
}

ptrdiff_t fg_first_nonfinite(ptrdiff_t n, const double *x)
{
    /* v * 0 is 0 for a finite v, and NaN else: sums without branches, four so that none waits for the last. */
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    ptrdiff_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            sums[k] += x[i + k] * 0.0;
    for (; i < n; i++)
        sums[0] += x[i] * 0.0;
    if ((sums[0] + sums[1]) + (sums[2] + sums[3]) == 0.0)
        return -1;
    for (i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return i;
    return -1;
}
