#include "arithmetic.h"

#include <math.h>
#include <string.h>

/* A value that the compiler cannot compute with: it would do that right. */
static double unknown(double value)
{
    const volatile double hidden = value;
    return hidden;
}

/* The sign as it is stored: signbit is a comparison where signs of zero are of no interest. */
static int is_signed(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 != 0;
}

int fg_arithmetic(void)
{
    const double one = unknown(1.0), tiny = unknown(0x1p-60);
    const double five = unknown(5.0), three = unknown(3.0), negative_zero = unknown(-0.0);
    const double factor = unknown(1.0 + 0x1p-30), square = unknown(1.0 + 0x1p-29);
    int found = 0;

    if ((one + tiny) - one != 0.0)
        found |= FG_REORDERED;
    if (five / 3.0 != five / three)
        found |= FG_RECIPROCAL;
    if (is_signed(negative_zero + 0.0))
        found |= FG_SIGNLESS;
    if (!isnan(unknown((double)NAN)) || !isinf(unknown((double)INFINITY)))
        found |= FG_FINITE_ONLY;
    if (factor * factor - square != 0.0)
        found |= FG_CONTRACTED;
    return found;
}
