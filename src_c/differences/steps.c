/* Steps: how far each coordinate moves. */
#include "numbers.h"
#include "stencil.h"

#include <float.h>
#include <math.h>

FG_CLONES void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first,
                        ptrdiff_t count, int exact, double *h)
{
    const double relative =
        rule->relative; /* a copy: h might be where the rule is, for all that the compiler knows */
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
        } else if (!rule->absolute && at != 0.0) {
            h[a] = smaller(h[a], larger(FG_LONGEST_IMAGINARY * fabs(at), DBL_MIN));
        }
    }
}

void fg_sizes(ptrdiff_t n, ptrdiff_t count, const double *x, const double *typical, double *sizes)
{
    for (ptrdiff_t a = 0, c = 0; a < count; a++, c = c + 1 < n ? c + 1 : 0) {
        const double size = larger(fabs(x[a]), typical ? typical[c] : 0.0);
        sizes[a] = size > 0.0 ? size : 1.0;
    }
}
