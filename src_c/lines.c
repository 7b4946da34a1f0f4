/* Points on lines, for checks that move very many coordinates at once; and what seven values on a line say. */
#include "fastgrad.h"

#include <math.h>
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
        const ptrdiff_t count = n - i < 4 ? n - i : 4;
        for (ptrdiff_t k = 0; k < count; k++) {
            const double part = 0x1p-15 * ((double)(int)(z >> (16 * k) & 0xffff) - 32767.5); /* in (-1, 1) */
            out[i + k] = scale * (part + copysign(0.5, part));
        }
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

/* Truncation from how the orders differ: geometric from order to order, with a guard against one that is small by
 * accident; docs/adaptive.md. */
static double truncation_of(double second, double fourth, double sixth, double size)
{
    const double middle = fabs(fourth - sixth), low = fabs(second - sixth);
    if (low > 0.2 * size)
        return 4.0 * (middle + low);
    const double geometric = middle * middle / low, guarded = low * (low / size) * (low / size);
    const double guess = 3.0 * (geometric > guarded ? geometric : guarded);
    return 4.0 * (guess < middle ? guess : middle);
}

void fg_seven_points(ptrdiff_t rows, ptrdiff_t outputs, const ptrdiff_t *place, const double *base, const double *others,
                     double h, const double *weights, double epsilon, ptrdiff_t stride, double *derivative,
                     double *truncation, double *noise)
{
    /* The deviation of a sixth difference of numbers with deviation 1 is sqrt(12! / 6!^2). */
    static const double sixth_difference[FG_SEVEN] = {1, -6, 15, -20, 15, -6, 1}, deviation = 30.397368307141328;
    for (ptrdiff_t row = 0; row < rows; row++) {
        const double *w = weights + 3 * FG_SEVEN * place[row];
        for (ptrdiff_t output = 0; output < outputs; output++) {
            const ptrdiff_t at = row * outputs + output;
            const double *other = others + 6 * row * outputs + output;
            double slopes[3] = {0.0, 0.0, 0.0}, difference = 0.0, largest = 0.0, least = 0.0, most = 0.0;
            for (int k = 0; k < FG_SEVEN; k++) {
                const int is_base = k == place[row];
                const double value = is_base ? base[at] : other[(k - (k > place[row])) * outputs];
                const double rise = value - base[at];
                for (int order = 0; order < 3; order++)
                    slopes[order] += w[order * FG_SEVEN + k] * rise;
                difference += sixth_difference[k] * value;
                largest = fabs(value) > largest ? fabs(value) : largest;
                least = rise < least ? rise : least;
                most = rise > most ? rise : most;
            }
            for (int order = 0; order < 3; order++)
                slopes[order] /= h;
            const double range = (most - least) / (3.0 * h), size = fabs(slopes[2]) > range ? fabs(slopes[2]) : range;
            const double seen = fabs(difference) / deviation, rounding = 0.5 * epsilon * largest;
            derivative[at * stride] = slopes[2];
            truncation[at * stride] = truncation_of(slopes[0], slopes[1], slopes[2], size);
            noise[at * stride] = isfinite(seen) ? (seen > rounding ? seen : rounding) : 0.0;
        }
    }
}
