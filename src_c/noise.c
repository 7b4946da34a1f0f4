/* The noise of a function, from the differences of equally spaced values. */
#include "fastgrad.h"

#include <math.h>
#include <stdint.h>

enum { MOST_HALF = 4 };

/* Spacing of the first line, relative to the scale of the coordinates: far above the spacing of float64 numbers,
 * some way above that of float32, and so small that smooth functions have third differences below their rounding.
 * No power of two: roundings would repeat themselves from point to point. */
static const double FIRST_SPACING = 1.0618033988749895e-6;
/* Noise above this, relative to the values, may yet be a function that is rough at the spacing: look closer. */
static const double SUSPICIOUS = 1e-12;

double fg_difference_noise(ptrdiff_t count, double *values, ptrdiff_t *zeros)
{
    double gamma = 1.0, sum = 0.0, size = 0.0;
    *zeros = 0;
    for (ptrdiff_t i = 0; i < count; i++)
        size = fabs(values[i]) > size ? fabs(values[i]) : size;
    if (size == 0.0) {
        *zeros = count - 1;
        return 0.0;
    }
    for (ptrdiff_t k = 1; k < count; k++) {
        double mean = 0.0;
        gamma *= (double)k / (double)(2 * (2 * k - 1));
        for (ptrdiff_t i = 0; i + k < count; i++) {
            const double first = k == 1 ? values[i] / size : values[i];
            values[i] = (k == 1 ? values[i + 1] / size : values[i + 1]) - first;
            *zeros += k == 1 && values[i] == 0.0;
            mean += values[i] * values[i] / (double)(count - k);
        }
        if (k >= 3)
            sum += gamma * mean;
    }
    return size * sqrt(sum / (double)(count - 3));
}

double fg_line_sign(ptrdiff_t i)
{
    uint64_t z = (uint64_t)i + UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((z ^ (z >> 31)) & 1) ? 1.0 : -1.0;
}

static int fits_float32(ptrdiff_t count, const double *values)
{
    for (ptrdiff_t k = 0; k < count; k++)
        if ((double)(float)values[k] != values[k])
            return 0;
    return 1;
}

/* What one line of values says. Returns whether another one, with another spacing, is needed. */
static int judge(fg_noise *noise, int half, double *values)
{
    const int count = 2 * half + 1;
    double largest = 0.0;
    ptrdiff_t zeros;
    noise->evaluations += 2 * half;
    noise->narrow &= fits_float32(count, values);
    for (int k = 0; k < count; k++)
        largest = !(fabs(values[k]) <= largest) ? fabs(values[k]) : largest;
    if (!isfinite(largest)) {
        noise->spacing *= 0x1p-10;
        return 1;
    }
    const double slope = (values[half + 1] - values[half - 1]) / (2.0 * noise->spacing);
    const double level = fg_difference_noise(count, values, &zeros);
    const int seen = isfinite(noise->slope);
    if (2 * zeros >= count - 1) { /* too close for f to tell the points apart */
        if (seen)
            return 0;
        noise->size = largest;
        noise->level = level;
        noise->grown = 1;
        noise->spacing *= 64.0;
        return 1;
    }
    if (seen && level > 0.1 * noise->level) { /* closer points do not help: it is noise */
        const double pooled = hypot(level, noise->level) * 0.70710678118654752;
        noise->level = level > 3.0 * noise->level ? level : pooled;
        return 0;
    }
    noise->level = level;
    noise->size = largest;
    noise->slope = slope;
    noise->accepted = noise->spacing;
    if (level <= SUSPICIOUS * largest || noise->grown)
        return 0;
    noise->spacing *= 0x1p-13;
    return 1;
}

/* Values (open lines, 2 * half) at the points of all lines that are not done, f(x) in the middle left out. */
static int evaluate(const fg_function *f, ptrdiff_t n, const double *x, const double *scale, const fg_noise *noise,
                    int half, ptrdiff_t points, double *rows, ptrdiff_t capacity, double *values)
{
    ptrdiff_t filled = 0, first = 0;
    for (ptrdiff_t p = 0, row = 0; p < points; p++) {
        for (int k = -half; k <= half && !noise[p].done; k++) {
            if (k == 0)
                continue;
            double *out = rows + filled * n;
            const double shift = k * noise[p].spacing;
            for (ptrdiff_t i = 0; i < n; i++)
                out[i] = x[p * n + i] + shift * fg_line_sign(i) * scale[p * n + i];
            row++;
            if (++filled == capacity) {
                const int status = f->at_points(f->ctx, filled, n, rows, values + first);
                if (status != FG_OK)
                    return status;
                first = row;
                filled = 0;
            }
        }
    }
    return filled ? f->at_points(f->ctx, filled, n, rows, values + first) : FG_OK;
}

int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                      const double *scale, double *scratch, ptrdiff_t size, fg_noise *noise)
{
    const int half = n < 4 ? 2 : n < 8 ? 3 : MOST_HALF;
    double *const values = scratch, *const rows = scratch + points * 2 * half;
    const ptrdiff_t capacity = (size - points * 2 * half) / n;
    ptrdiff_t open = points;
    for (ptrdiff_t p = 0; p < points; p++)
        noise[p] = (fg_noise){.size = fabs(base[p]), .slope = NAN, .narrow = 1, .spacing = FIRST_SPACING};
    for (int attempt = 0; attempt < 3 && open; attempt++) {
        const int status = evaluate(f, n, x, scale, noise, half, points, rows, capacity, values);
        if (status != FG_OK)
            return status;
        const double *next = values;
        for (ptrdiff_t p = 0; p < points; p++) {
            double line[2 * MOST_HALF + 1];
            if (noise[p].done)
                continue;
            for (int k = 0; k < half; k++) {
                line[k] = next[k];
                line[half + 1 + k] = next[half + k];
            }
            line[half] = base[p];
            next += 2 * half;
            noise[p].done = !judge(noise + p, half, line);
            open -= noise[p].done;
        }
    }
    return FG_OK;
}
