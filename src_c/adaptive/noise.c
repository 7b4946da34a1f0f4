/* The noise of a function, from the differences of equally spaced values. */
#include "internal.h"

#include <float.h>
#include <math.h>

static double largest_of(ptrdiff_t count, const double *values)
{
    double size = 0.0;
    for (ptrdiff_t i = 0; i < count; i++)
        size = larger(fabs(values[i]), size);
    return size;
}

/* The standard deviation of the noise in `count` >= 4 equally spaced values, from their differences
 * of order 3 and up (More and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314, eq. 2.4).
 * values [in, scratch] (count,): overwritten by differences. *zeros [out]: first differences that
 * are 0. */
static double difference_noise(ptrdiff_t count, double *values, ptrdiff_t *zeros)
{
    const double size = largest_of(count, values);
    double gamma = 1.0, sum = 0.0;
    *zeros = 0;
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
    return splitmix64((uint64_t)i + SPLITMIX64_STEP) & 1 ? 1.0 : -1.0;
}

/* The noise in a line of values. A kink or a jump at x itself is no noise: where each side alone
 * shows far less, that counts, and *broken is set. */
static double level_of(int half, int one_sided, double *values, ptrdiff_t *zeros, int *broken)
{
    double left[MOST_HALF], right[MOST_HALF]; /* without f(x), which at a jump belongs to either */
    ptrdiff_t ignored;
    for (int k = 0; k < half; k++) {
        left[k] = values[k];
        right[k] = values[half + 1 + k];
    }
    const double level = difference_noise(2 * half + 1, values, zeros);
    if (one_sided || half < MOST_HALF)
        return level;
    const double of_left = difference_noise(half, left, &ignored);
    const double of_right = difference_noise(half, right, &ignored);
    const double of_sides = of_left > of_right ? of_left : of_right;
    *broken = level > BROKEN * of_sides;
    return *broken ? of_sides : level;
}

/* What one line of values says. Returns whether another one, with another spacing, is needed. */
static int judge(fg_noise *noise, int half, int one_sided, double *values)
{
    const int count = 2 * half + 1, seen = noise->accepted > 0.0;
    ptrdiff_t zeros;
    int broken = 0;
    noise->evaluations += 2 * half;
    for (int k = 0; k < count; k++)
        noise->narrow &= fits_float32(values[k]);
    if (fg_first_nonfinite(count, values) >= 0) {
        noise->spacing *= CLOSER_TO_EDGE;
        return !noise->failed++;
    }

    const double largest = largest_of(count, values);
    const double slope = (values[half + 1] - values[half - 1]) / (2.0 * noise->spacing);
    const double level = level_of(half, one_sided, values, &zeros, &broken);
    if (2 * zeros > count - 1) { /* too close for f to tell the points apart */
        if (seen)
            return 0;
        noise->size = largest;
        noise->grown = 1;
        noise->spacing *= FARTHER;
        return 1;
    }
    if (seen && level > STILL_NOISY * noise->level) { /* closer points do not help: it is noise */
        const double pooled = hypot(level, noise->level) * sqrt(0.5);
        noise->level = level > MORE_NOISY * noise->level ? level : pooled;
        return 0;
    }

    noise->level = level;
    noise->size = largest;
    noise->slope = one_sided || broken ? NAN : slope;
    noise->hidden |= !seen && level > ALL_NOISE * largest;
    noise->accepted = noise->spacing;
    if (level <= SUSPICIOUS * largest || noise->grown)
        return 0;
    noise->spacing *= CLOSER;
    return 1;
}

/* How far coordinate c moves from one point of the line to the next: within room, if given. */
static double stride(const fg_noise *noise, ptrdiff_t n, const double *scale, const double *room,
                     ptrdiff_t total, ptrdiff_t c)
{
    const double wanted = noise->spacing * scale[c];
    if (!room)
        return fg_line_sign(c % n) * wanted;
    const double most = larger(room[c], room[total + c]) / (2 * MOST_HALF + 1);
    return (room[total + c] >= room[c] ? 1.0 : -1.0) * smaller(most, wanted);
}

/* Values (open lines, 2 * half) at the points of all lines that are not done. x itself is in the
 * middle of its line, or within bounds the first point. */
static int evaluate(const fg_function *f, ptrdiff_t n, const double *x, const double *scale,
                    const double *room, const fg_noise *noise, int half, ptrdiff_t points,
                    double *rows, ptrdiff_t capacity, double *values)
{
    ptrdiff_t filled = 0, first = 0, row = 0;
    for (ptrdiff_t p = 0; p < points; p++) {
        for (int k = 0; k < 2 * half && !noise[p].done; k++) {
            const int steps = room ? k + 1 : k - half + (k >= half);
            for (ptrdiff_t i = 0; i < n; i++) {
                const ptrdiff_t c = p * n + i;
                rows[filled * n + i] =
                    x[c] + steps * stride(noise + p, n, scale, room, points * n, c);
            }
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

/* How many points to each side: few where there are few components to share their cost, more where
 * the first look was suspicious. */
static int half_of(ptrdiff_t n, int attempt)
{
    if (attempt || n >= MANY_COORDINATES)
        return MOST_HALF;
    return n < FEW_COORDINATES ? LEAST_HALF : LEAST_HALF + 1;
}

/* Judges the lines that are not done, of values [in] (lines, 2 * half). Returns how many go on. */
static ptrdiff_t judge_all(ptrdiff_t points, int half, int one_sided, const double *base,
                           const double *values, fg_noise *noise)
{
    const int middle = one_sided ? 0 : half;
    ptrdiff_t open = 0;
    for (ptrdiff_t p = 0; p < points; p++) {
        double line[2 * MOST_HALF + 1];
        if (noise[p].done)
            continue;
        for (int k = 0; k < 2 * half; k++)
            line[k + (k >= middle)] = values[k];
        line[middle] = base[p];
        values += 2 * half;
        noise[p].done = !judge(noise + p, half, one_sided, line);
        open += !noise[p].done;
    }
    return open;
}

int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points,
                      const double *base, const double *scale, const double *room, double *scratch,
                      ptrdiff_t size, fg_noise *noise)
{
    double *const values = scratch, *const rows = scratch + points * 2 * MOST_HALF;
    const ptrdiff_t capacity = (size - points * 2 * MOST_HALF) / n;
    ptrdiff_t open = points;
    for (ptrdiff_t p = 0; p < points; p++)
        noise[p] =
            (fg_noise){.size = fabs(base[p]), .slope = NAN, .narrow = 1, .spacing = FIRST_SPACING};

    for (int attempt = 0; attempt < NOISE_LINES && open; attempt++) {
        const int half = half_of(n, attempt);
        const int status =
            evaluate(f, n, x, scale, room, noise, half, points, rows, capacity, values);
        if (status != FG_OK)
            return status;
        open = judge_all(points, half, room != NULL, base, values, noise);
    }

    /* A few values of a function that computes in float32 may lie on a line by accident. */
    for (ptrdiff_t p = 0; p < points; p++)
        if (noise[p].narrow && noise[p].accepted > 0.0 &&
            noise[p].level < ROUNDING * FLT_EPSILON * noise[p].size)
            noise[p].level = ROUNDING * FLT_EPSILON * noise[p].size;
    return FG_OK;
}

void fg_known_noise(ptrdiff_t points, double level, const double *base, fg_noise *noise)
{
    for (ptrdiff_t p = 0; p < points; p++)
        noise[p] = (fg_noise){.level = level, .size = fabs(base[p]), .slope = NAN, .done = 1};
}

void fg_read_levels(ptrdiff_t points, const fg_noise *noise, double *levels)
{
    for (ptrdiff_t p = 0; p < points; p++)
        levels[p] = noise[p].level;
}
