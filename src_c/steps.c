/* Steps: how far each coordinate moves. */
#include "fastgrad.h"

#include <math.h>

/* fmax and fabs-with-branches are library calls or stop vectorisation without -ffinite-math-only. */
static double larger(double a, double b) { return a > b ? a : b; }

FG_CLONES void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count, int exact,
              double *h)
{
    const double relative = rule->relative; /* a copy: h might be where the rule is, for all that the compiler knows */
    if (!rule->absolute && !rule->typical && exact) {
        for (ptrdiff_t a = 0; a < count; a++) {
            const double at = x[first + a], moved = at + relative * larger(fabs(at), 1.0);
            h[a] = moved - at;
        }
        return;
    }
    for (ptrdiff_t a = 0, c = n ? first % n : 0; a < count; a++, c = c + 1 < n ? c + 1 : 0) {
        const double at = x[first + a], typical = rule->typical ? rule->typical[c] : 1.0;
        h[a] = rule->absolute ? rule->absolute[c] : relative * larger(fabs(at), typical);
        if (exact) {
            const double moved = at + h[a];
            h[a] = moved - at;
        }
    }
}

FG_CLONES ptrdiff_t fg_first_nonfinite(ptrdiff_t n, const double *x)
{
    /* v * 0 is 0 for a finite v, and NaN else: sums without branches, so many that none waits for the last. */
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
