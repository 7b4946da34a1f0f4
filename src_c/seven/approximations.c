/* Approximations of rising order from the same seven values, and what their differences say. */
#include "internal.h"

#include <math.h>

/* Weights: Fornberg, Math. Comp. 51 (1988) 699-706. Norms to the digits that are given;
 * tests/c/fuzz.c computes both. */
const fg_approximations fg_first_derivative[] = {
    /* x is the first of the points: from 5, 6 and 7 of them */
    {
        .offsets = {1, 2, 3, 4, 5, 6},
        .best = {360. / 60, -900. / 60, 1200. / 60, -900. / 60, 360. / 60, -60. / 60},
        .middle = {300. / 60, -600. / 60, 600. / 60, -300. / 60, 60. / 60, 0},
        .low = {48. / 12, -72. / 12, 48. / 12, -12. / 12, 0, 0},
        .best_norm = 12.579,  /* sqrt(147^2 + 360^2 + 450^2 + 400^2 + 225^2 + 72^2 + 10^2) / 60 */
        .middle_norm = 5.066, /* sqrt(12!) / 6! / 6, that of a sixth difference over 6 */
        .low_norm = 8.158,    /* sqrt(22^2 + 120^2 + 270^2 + 320^2 + 210^2 + 72^2 + 10^2) / 60 */
        .steep = 0,
    },
    /* the second: from the nearest 3, 5 and all 7 */
    {
        .offsets = {1, -1, 2, 3, 4, 5},
        .best = {150. / 60, 10. / 60, -200. / 60, 150. / 60, -60. / 60, 10. / 60},
        .middle = {18. / 12, 3. / 12, -12. / 12, 3. / 12, 0, 0},
        .low = {1. / 2, 1. / 2, 0, 0, 0, 0},
        .best_norm = 3.3853,   /* sqrt(10^2 + 77^2 + 150^2 + 100^2 + 50^2 + 15^2 + 2^2) / 60 */
        .middle_norm = 1.7879, /* sqrt(5^2 + 27^2 + 60^2 + 70^2 + 45^2 + 15^2 + 2^2) / 60 */
        .low_norm = 3.0486,    /* sqrt(20^2 + 77^2 + 120^2 + 100^2 + 50^2 + 15^2 + 2^2) / 60 */
        .steep = 1,
    },
    /* the third: likewise */
    {
        .offsets = {1, -1, 2, -2, 3, 4},
        .best = {80. / 60, 24. / 60, -60. / 60, -4. / 60, 24. / 60, -4. / 60},
        .middle = {8. / 12, 8. / 12, -2. / 12, -2. / 12, 0, 0},
        .low = {1. / 2, 1. / 2, 0, 0, 0, 0},
        .best_norm = 1.5960,   /* sqrt(2^2 + 24^2 + 35^2 + 80^2 + 30^2 + 8^2 + 1^2) / 60 */
        .middle_norm = 1.0247, /* sqrt(3^2 + 16^2 + 35^2 + 40^2 + 25^2 + 8^2 + 1^2) / 60 */
        .low_norm = 1.1462,    /* sqrt(2^2 + 6^2 + 35^2 + 50^2 + 30^2 + 8^2 + 1^2) / 60 */
        .steep = 1,
    },
    /* the middle one: likewise */
    {
        .offsets = {1, -1, 2, -2, 3, -3},
        .best = {45. / 60, 45. / 60, -18. / 60, -18. / 60, 3. / 60, 3. / 60},
        .middle = {8. / 12, 8. / 12, -2. / 12, -2. / 12, 0, 0},
        .low = {1. / 2, 1. / 2, 0, 0, 0, 0},
        .best_norm = 1.0819,   /* sqrt(2 (45^2 + 9^2 + 1^2)) / 60 */
        .middle_norm = 0.1528, /* sqrt(2 (5^2 + 4^2 + 1^2)) / 60 */
        .low_norm = 0.4130,    /* sqrt(2 (15^2 + 9^2 + 1^2)) / 60 */
        .steep = 1,
    },
};

const fg_approximations fg_second_derivative = {
    .offsets = {1, 2, 3},
    .best = {270. / 180, -108. / 180, 18. / 180},
    .middle = {16. / 12, -4. / 12, 0},
    .low = {1, 0, 0},
    .best_norm = 3.4577,   /* sqrt(490^2 + 2 (270^2 + 27^2 + 2^2)) / 180 */
    .middle_norm = 0.3377, /* sqrt(40^2 + 2 (30^2 + 12^2 + 2^2)) / 180 */
    .low_norm = 1.0329,    /* sqrt(130^2 + 2 (90^2 + 27^2 + 2^2)) / 180 */
    .steep = 1,
};

/* The error of the best approximation if errors fall geometrically with the order, from the slope
 * and the error of the low one: low (low / size)^2, or with orders 4, 5, 6 low (low / size)^(1/2).
 */
static double next_error(const fg_approximations *a, double size, double low)
{
    const double ratio = low / size;
    return low * (a->steep ? ratio * ratio : sqrt(ratio));
}

/* Whether the approximations differ by more than noise, and too much for one that converges. */
static int is_rough(const fg_verdict *v)
{
    if (v->middle > larger(ROUGH_MIDDLE * v->size, ROUGH_DEVIATIONS * v->middle_noise) ||
        v->low > larger(ROUGH_LOW * v->size, ROUGH_DEVIATIONS * v->low_noise))
        return 1;
    return v->low > larger(SLOW_LOW * v->size, ROUGH_DEVIATIONS * v->low_noise) &&
           v->middle > SLOW_MIDDLE * v->low;
}

void fg_compare(const fg_approximations *a, fg_verdict *v)
{
    v->deviation = a->best_norm * v->noise / v->unit;
    v->middle_noise = a->middle_norm * v->noise / v->unit;
    v->low_noise = a->low_norm * v->noise / v->unit;
    v->rough = is_rough(v);
    if (v->rough) {
        v->truncation = v->middle + v->low;
        return;
    }
    /* Truncation falls by the same factor from low to middle and from middle to best where
     * derivatives grow geometrically; the second guess guards against a middle one that is small by
     * accident. */
    double guess = v->middle * (v->middle + v->middle_noise) / (v->low + v->low_noise);
    if (v->low > GUARD_DEVIATIONS * v->low_noise && v->size > 0.0)
        guess = larger(guess, GUARD * next_error(a, v->size, v->low));
    const int known = v->low + v->low_noise > 0.0;
    v->truncation = known ? smaller(v->middle, GEOMETRIC_FACTOR * guess) : 0.0;
}
