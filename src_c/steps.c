/* Steps: how far each coordinate moves. */
#include "fastgrad.h"

#include <math.h>

/* fmax and fabs-with-branches are library calls or stop vectorisation without -ffinite-math-only. */
static double larger(double a, double b) { return a > b ? a : b; }

void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count, int exact,
              double *h)
{
    ptrdiff_t c = n ? first % n : 0;
    for (ptrdiff_t a = 0; a < count; a++) {
        const double size = fabs(x[first + a]);
        if (rule->absolute)
            h[a] = rule->absolute[c];
        else
            h[a] = rule->relative * larger(size, rule->typical ? rule->typical[c] : 1.0);
        if (++c == n)
            c = 0;
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
    /* v * 0 is 0 for a finite v, and NaN else: one sum, no branches, for the usual answer. */
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < n; i++)
        sum += x[i] * 0.0;
    if (sum == 0.0)
        return -1;
    for (ptrdiff_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return i;
    return -1;
}
