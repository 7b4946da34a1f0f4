/* The noise of a function, from the differences of equally spaced values. */
#include "fastgrad.h"

#include <math.h>
#include <stdint.h>

enum { MOST = 8 };

/* Spacing of the first line, relative to the scale of the coordinates: far above the spacing of float64 numbers,
 * some way above that of float32, and so small that smooth functions have third differences below their rounding. */
static const double FIRST_SPACING = 0x1p-20;
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

/* A sign that depends on the coordinate alone, so that results do not depend on order or batch (splitmix64). */
static double sign_of(ptrdiff_t i)
{
    uint64_t z = (uint64_t)i + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z >> 63) ? 1.0 : -1.0;
}

double fg_line_sign(ptrdiff_t i) { return sign_of(i); }

/* f at 2 * half points around x, in order, with f(x) itself in the middle: values (2 * half + 1,). */
static int line(const fg_function *f, ptrdiff_t n, const double *x, const double *scale, double base, double spacing,
                int half, double *scratch, ptrdiff_t size, double *values)
{
    const int block = size / n < 2 * half ? (int)(size / n) : 2 * half;
    double found[2 * MOST];
    for (int done = 0; done < 2 * half; done += block) {
        const int now = 2 * half - done < block ? 2 * half - done : block;
        for (int p = 0; p < now; p++) {
            const int k = done + p - half + (done + p >= half);
            for (ptrdiff_t i = 0; i < n; i++)
                scratch[p * n + i] = x[i] + k * spacing * sign_of(i) * scale[i];
        }
        const int status = f->at_points(f->ctx, now, n, scratch, found + done);
        if (status != FG_OK)
            return status;
    }
    for (int k = 0; k < half; k++) {
        values[k] = found[k];
        values[half + 1 + k] = found[half + k];
    }
    values[half] = base;
    return FG_OK;
}

static int fits_float32(ptrdiff_t count, const double *values)
{
    for (ptrdiff_t k = 0; k < count; k++)
        if ((double)(float)values[k] != values[k])
            return 0;
    return 1;
}

static int estimate(const fg_function *f, ptrdiff_t n, const double *x, double base, const double *scale,
                    double *scratch, ptrdiff_t size, fg_noise *noise)
{
    const int half = n < 4 ? 2 : n < 8 ? 3 : 4;
    double spacing = FIRST_SPACING;
    int found = 0, grown = 0;
    *noise = (fg_noise){.size = fabs(base), .slope = NAN, .narrow = 1};
    for (int attempt = 0; attempt < 3; attempt++) {
        double values[2 * MOST + 1], largest = 0.0;
        ptrdiff_t zeros;
        const int count = 2 * half + 1;
        const int status = line(f, n, x, scale, base, spacing, half, scratch, size, values);
        if (status != FG_OK)
            return status;
        noise->evaluations += 2 * half;
        noise->narrow &= fits_float32(count, values);
        for (int k = 0; k < count; k++)
            largest = !(fabs(values[k]) <= largest) ? fabs(values[k]) : largest;
        if (!isfinite(largest)) {
            spacing *= 0x1p-10;
            continue;
        }
        const double slope = (values[half + 1] - values[half - 1]) / (2.0 * spacing);
        const double level = fg_difference_noise(count, values, &zeros);
        if (2 * zeros >= count - 1) { /* too close for f to tell the points apart */
            if (found)
                break;
            noise->size = largest;
            noise->level = level;
            grown = 1;
            spacing *= 64.0;
            continue;
        }
        if (found && level > 0.1 * noise->level) { /* closer points did not help: it is noise */
            noise->level = level > 3.0 * noise->level ? level : sqrt(0.5 * (level * level + noise->level * noise->level));
            break;
        }
        noise->level = level;
        noise->size = largest;
        noise->slope = slope;
        noise->spacing = spacing;
        found = 1;
        if (level <= SUSPICIOUS * largest || grown)
            break;
        spacing *= 0x1p-13;
    }
    return FG_OK;
}

int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                      const double *scale, double *scratch, ptrdiff_t size, fg_noise *noise)
{
    for (ptrdiff_t p = 0; p < points; p++) {
        const int status = estimate(f, n, x + p * n, base[p], scale + p * n, scratch, size, noise + p);
        if (status != FG_OK)
            return status;
    }
    return FG_OK;
}
