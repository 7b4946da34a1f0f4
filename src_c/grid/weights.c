/* Weights of stencils between any points. */
#include "grid.h"

#include <float.h>
#include <math.h>
#include <string.h>

void fg_grid_scale(const fg_grid_weights *w, ptrdiff_t length, ptrdiff_t stride, double step,
                   fg_grid_scaled *scaled)
{
    const double square = step * step;
    const double scale = w->derivative == 1     ? 1.0 / step
                         : square >= DBL_MIN    ? 1.0 / square
                                                : 1.0 / step / step;
    scaled->axis = (fg_grid_axis){.length = length,
                                  .stride = stride,
                                  .kind = w->kind,
                                  .half = w->half,
                                  .edge_taps = w->taps,
                                  .derivative = w->derivative,
                                  .around_nan = w->around_nan,
                                  .step = step,
                                  .interior = scaled->interior,
                                  .edge_weights = scaled->edge_weights,
                                  .edge_rows = scaled->edge_rows};
    for (int k = 0; k < FG_GRID_HALF; k++)
        scaled->interior[k] = w->interior[k] * scale;
    for (int k = 0; k < 2 * w->half * w->taps; k++) {
        scaled->edge_weights[k] = w->edge_weights[k] * scale;
        scaled->edge_rows[k] = w->edge_rows[k] < 0 ? length + w->edge_rows[k] : w->edge_rows[k];
    }
}

/* A power of two that makes the largest distance from a point about 1: products of many distances
 * then stay in range, and no digit changes. */
static double unit_of(double at, const double *x, ptrdiff_t count)
{
    double largest = 0.0;
    int exponent = 0;
    for (ptrdiff_t i = 0; i < count; i++)
        if (fabs(x[i] - at) > largest)
            largest = fabs(x[i] - at);
    if (isfinite(largest))
        (void)frexp(largest, &exponent);
    return ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
}

void fg_weights(double at, const double *x, ptrdiff_t count, int derivative, double *weights,
                double *work)
{
    /* work[k * count + j]: the weight of point j in the k-th derivative, from the points so far. */
    const double unit = unit_of(at, x, count);
    double product = 1.0;
    memset(work, 0, (size_t)(derivative + 1) * (size_t)count * sizeof *work);
    work[0] = 1.0;
    for (ptrdiff_t i = 1; i < count; i++) {
        double next = 1.0;
        const int most = i < derivative ? (int)i : derivative;
        for (ptrdiff_t j = 0; j < i; j++) {
            const double distance = (x[i] - x[j]) * unit;
            next *= distance;
            if (j == i - 1)
                for (int k = most; k >= 0; k--)
                    work[k * count + i] = product *
                                          ((k ? k * work[(k - 1) * count + i - 1] : 0.0) -
                                           (x[i - 1] - at) * unit * work[k * count + i - 1]) /
                                          next;
            for (int k = most; k >= 0; k--)
                work[k * count + j] = ((x[i] - at) * unit * work[k * count + j] -
                                       (k ? k * work[(k - 1) * count + j] : 0.0)) /
                                      distance;
        }
        product = next;
    }
    for (ptrdiff_t j = 0; j < count; j++) {
        weights[j] = work[derivative * count + j];
        for (int k = 0; k < derivative; k++)
            weights[j] *= unit;
    }
}

void fg_weight_table(const double *x, ptrdiff_t length, ptrdiff_t taps, int derivative,
                     double *table, double *work)
{
    double *const weights = work, *const rest = work + taps;
    for (ptrdiff_t row = taps / 2; row < length - taps / 2; row++) {
        fg_weights(x[row], x + row - taps / 2, taps, derivative, weights, rest);
        for (ptrdiff_t k = 0; k < taps; k++)
            table[k * length + row] = weights[k];
    }
}
