/* Where a second difference of f says that the steps of the first are too long. */
#include "stencil.h"

#include <math.h>

void fg_mark_curved(const fg_doubt *doubt, ptrdiff_t width, const fg_shifts *shifts,
                    ptrdiff_t outputs, const double *values, const double *base,
                    unsigned char *curved)
{
    const double span = 0.5 * doubt->span, least = doubt->least;
    for (ptrdiff_t a = 0; a < shifts->count; a++) {
        const double *const up = values + a * width * outputs, *const down = up + outputs;
        const double *const at = base + fg_component_of(shifts, a) / shifts->n * outputs;
        int marked = 0;
        for (ptrdiff_t k = 0; k < outputs; k++)
            marked |= fabs((up[k] - at[k]) + (down[k] - at[k])) >
                      span * fabs(up[k] - down[k]) + least * fabs(at[k]);
        curved[a] = (unsigned char)marked;
    }
}
