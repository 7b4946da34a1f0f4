/* Points on lines, and sums over very many coordinates. */
#include "points.h"
#include "numbers.h"

#include <math.h>
#include <string.h>

void fg_line_point(ptrdiff_t n, const double *x, const double *direction, double t, ptrdiff_t begin,
                   ptrdiff_t end, double *out)
{
    memcpy(out, x, (size_t)begin * sizeof(double));
    for (ptrdiff_t i = begin; i < end; i++)
        out[i] = x[i] + t * direction[i];
    memcpy(out + end, x + end, (size_t)(n - end) * sizeof(double));
}

void fg_line_points(ptrdiff_t n, const double *x, const double *direction, double origin,
                    ptrdiff_t count, const double *t, int complex_t, double *out)
{
    for (ptrdiff_t k = 0; k < count && !complex_t; k++)
        fg_line_point(n, x, direction, t[k] - origin, 0, n, out + k * n);
    for (ptrdiff_t k = 0; k < count && complex_t; k++)
        for (ptrdiff_t i = 0; i < n; i++) {
            out[2 * (k * n + i)] = x[i] + (t[2 * k] - origin) * direction[i];
            out[2 * (k * n + i) + 1] = t[2 * k + 1] * direction[i];
        }
}

void fg_random_direction(ptrdiff_t n, uint64_t seed, double scale, double *out)
{
    for (ptrdiff_t i = 0; i < n; i += 4) {
        /* 16 bits an element. */
        const uint64_t z = splitmix64(seed + (uint64_t)(i + 4) * SPLITMIX64_STEP);
        const ptrdiff_t count = n - i < 4 ? n - i : 4;
        for (ptrdiff_t k = 0; k < count; k++) {
            const double part =
                0x1p-15 * ((double)(int)(z >> (16 * k) & 0xffff) - 32767.5); /* in (-1, 1) */
            out[i + k] = scale * (part + copysign(0.5, part));
        }
    }
}

void fg_pair_points(ptrdiff_t n, const double *x, ptrdiff_t lines, const ptrdiff_t *pairs,
                    const double *moves, const double *origin, ptrdiff_t count, const double *t,
                    double *out)
{
    for (ptrdiff_t row = 0; row < count; row++, out += n, t += lines) {
        memcpy(out, x, (size_t)n * sizeof *x);
        for (ptrdiff_t k = 0; k < 2 * lines; k++)
            if (t[k / 2] != origin[k / 2] && pairs[k] >= 0)
                out[pairs[k]] += (t[k / 2] - origin[k / 2]) * moves[k];
    }
}

double fg_product_sums(ptrdiff_t n, const double *a, const double *b, double *squares)
{
    enum { BLOCK = 512 };
    double total = 0.0;
    *squares = 0.0;
    for (ptrdiff_t begin = 0; begin < n; begin += BLOCK) {
        const ptrdiff_t end = n - begin < BLOCK ? n : begin + BLOCK;
        double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0, q0 = 0.0, q1 = 0.0, q2 = 0.0, q3 = 0.0;
        ptrdiff_t i = begin;
        for (; i + 4 <= end; i += 4) {
            const double t0 = a[i] * b[i], t1 = a[i + 1] * b[i + 1];
            const double t2 = a[i + 2] * b[i + 2], t3 = a[i + 3] * b[i + 3];
            s0 += t0, s1 += t1, s2 += t2, s3 += t3;
            q0 += t0 * t0, q1 += t1 * t1, q2 += t2 * t2, q3 += t3 * t3;
        }
        for (; i < end; i++) {
            s0 += a[i] * b[i];
            q0 += a[i] * b[i] * (a[i] * b[i]);
        }
        total += (s0 + s1) + (s2 + s3);
        *squares += (q0 + q1) + (q2 + q3);
    }
    return total;
}
