/* Helpers for single numbers, of the core's own sources: fastgrad.h does not include them. */
#ifndef FG_NUMBERS_H
#define FG_NUMBERS_H

#include "compiler.h"

#include <math.h>
#include <string.h>

/* Not fmax and fmin, which are library calls or stop vectorisation without -ffinite-math-only.
 * NaN in a gives b. */
static inline double larger(double a, double b) { return a > b ? a : b; }
static inline double smaller(double a, double b) { return a < b ? a : b; }

/* Whether a value could come from a function that computes in float32; NaN always could. */
static inline int fits_float32(double value)
{
    return (double)(float)value == value || value != value;
}

/* ldexp, which is two calls, where 2^k is a normal number: the same result. */
static inline double scaled(double x, int k)
{
    const uint64_t bits = (uint64_t)(k + 1023) << 52;
    double power;
    if (k < -1022 || k > 1023)
        return ldexp(x, k);
    memcpy(&power, &bits, sizeof power);
    return x * power;
}

/* Pseudo-random bits from z. A stream of them takes z = seed + k * SPLITMIX64_STEP, k = 1, 2, ...
 * (Steele, Lea and Flood, OOPSLA 2014, 453-472). */
#define SPLITMIX64_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t splitmix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
