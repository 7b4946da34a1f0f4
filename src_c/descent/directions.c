/* Directions from gradients, and moves along them. */
#include "descent.h"

#include <math.h>
#include <string.h>

FG_CLONES void fg_direct(const fg_descent *how, ptrdiff_t count, ptrdiff_t iteration,
                         const double *g, double *memory, double *d)
{
    const double keep = how->momentum;
    double *const second = memory + count;
    switch (how->direction) {
    case FG_GRADIENT:
        memcpy(d, g, (size_t)count * sizeof *d);
        break;
    case FG_MOMENTUM:
        for (ptrdiff_t k = 0; k < count; k++)
            d[k] = memory[k] = keep * memory[k] + g[k];
        break;
    case FG_NESTEROV:
        for (ptrdiff_t k = 0; k < count; k++) {
            memory[k] = keep * memory[k] + g[k];
            d[k] = g[k] + keep * memory[k];
        }
        break;
    case FG_ADAM: {
        const double first_share = 1.0 - pow(keep, (double)(iteration + 1));
        const double second_share = 1.0 - pow(how->decay, (double)(iteration + 1));
        for (ptrdiff_t k = 0; k < count; k++) {
            memory[k] = keep * memory[k] + (1.0 - keep) * g[k];
            second[k] = how->decay * second[k] + (1.0 - how->decay) * g[k] * g[k];
        }
        for (ptrdiff_t k = 0; k < count; k++)
            d[k] = (memory[k] / first_share) / (sqrt(second[k] / second_share) + how->epsilon);
        break;
    }
    }
}

ptrdiff_t fg_memory(const fg_descent *how)
{
    return how->direction == FG_ADAM ? 2 : how->direction == FG_GRADIENT ? 0 : 1;
}

FG_CLONES void fg_move(ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, double rate,
                       const double *d, const double *lower, const double *upper, double *x)
{
    for (ptrdiff_t k = 0; k < outer * count * inner; k++)
        x[k] -= rate * d[k];
    if (!lower)
        return;
    for (ptrdiff_t a = 0; a < outer; a++)
        for (ptrdiff_t k = 0; k < count; k++)
            for (ptrdiff_t b = 0; b < inner; b++, x++)
                *x = *x < lower[a * inner + b]   ? lower[a * inner + b]
                     : *x > upper[a * inner + b] ? upper[a * inner + b]
                                                 : *x;
}

double fg_norm_of_difference(ptrdiff_t count, const double *x, const double *y)
{
    double squares = 0.0;
    for (ptrdiff_t k = 0; k < count; k++)
        squares += (x[k] - y[k]) * (x[k] - y[k]);
    return sqrt(squares);
}

double fg_norm(ptrdiff_t count, const double *g)
{
    double squares = 0.0, largest = 0.0;
    for (ptrdiff_t k = 0; k < count; k++)
        squares += g[k] * g[k];
    if (squares < 1e300 && squares > 1e-280)
        return sqrt(squares);
    /* Too large or small to be squared, or not finite. */
    for (ptrdiff_t k = 0; k < count; k++) {
        const double size = fabs(g[k]);
        if (!(size <= largest))
            largest = size;
    }
    if (largest == 0.0 || !isfinite(largest))
        return largest;
    squares = 0.0;
    for (ptrdiff_t k = 0; k < count; k++)
        squares += g[k] / largest * (g[k] / largest);
    return largest * sqrt(squares);
}
