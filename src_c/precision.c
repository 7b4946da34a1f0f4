/* Whether a function computes in float32: its values show it. */
#include "fastgrad.h"

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
        seen->wide |= (double)(float)value != value;
        seen->differs |= value != seen->first;
    }
}
