/* Points on lines, for checks that move very many coordinates at once. */
#include "fastgrad.h"

#include <stdint.h>
#include <string.h>

void fg_line_point(ptrdiff_t n, const double *x, const double *direction, double t, ptrdiff_t begin, ptrdiff_t end,
                   double *out)
{
    memcpy(out, x, (size_t)begin * sizeof(double));
    for (ptrdiff_t i = begin; i < end; i++)
        out[i] = x[i] + t * direction[i];
    memcpy(out + end, x + end, (size_t)(n - end) * sizeof(double));
}

void fg_random_direction(ptrdiff_t n, uint64_t seed, double scale, double *out)
{
    for (ptrdiff_t i = 0; i < n; i += 4) {
        uint64_t z = seed + (uint64_t)(i + 4) * UINT64_C(0x9e3779b97f4a7c15); /* splitmix64: 16 bits an element */
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        for (ptrdiff_t k = i; k < n && k < i + 4; k++, z >>= 16) {
            const double size = 0.5 + 0x1p-15 * (double)(int)((z >> 1) & 0x7fff);
            out[k] = scale * (z & 1 ? size : -size);
        }
    }
}
