/* What compiled functions are measured by: Rosenbrock by pointer and in columns, and hand-written loops of central
 * differences on the same pointer. Compiled for the machine at hand, as a user's own code is. For bench/ only. */
#include <math.h>

typedef double (*function)(int n, double *x, void *data);

double rosenbrock(int n, double *x, void *data)
{
    double sum = 0.0;
    (void)data;
    for (int i = 0; i + 1 < n; i++) {
        const double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        sum += 100.0 * a * a + b * b;
    }
    return sum;
}

#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX512F__)
#define WIDE __attribute__((target("prefer-vector-width=512")))
#else
#define WIDE
#endif

/* Strips of points, so that their sums stay in registers: more of them where the chains of additions are long. */
#define DEFINE_STRIP(NAME, POINTS)                                                                                     \
    WIDE static void NAME(int k, int n, const double *X, double *out)                                                  \
    {                                                                                                                  \
        double sums[POINTS] = {0.0}, u[POINTS];                                                                        \
        for (int t = 0; t < POINTS; t++)                                                                               \
            u[t] = X[t];                                                                                               \
        for (int j = 1; j < n; j++)                                                                                    \
            for (int t = 0; t < POINTS; t++) {                                                                         \
                const double v = X[(long)j * k + t], a = v - u[t] * u[t], b = 1.0 - u[t];                              \
                sums[t] += 100.0 * a * a;                                                                              \
                sums[t] += b * b;                                                                                      \
                u[t] = v;                                                                                              \
            }                                                                                                          \
        for (int t = 0; t < POINTS; t++)                                                                               \
            out[t] = sums[t];                                                                                          \
    }
DEFINE_STRIP(strip_1, 1)
DEFINE_STRIP(strip_4, 4)
DEFINE_STRIP(strip_16, 16)
DEFINE_STRIP(strip_32, 32)

int rosenbrock_columns(int k, int n, const double *X, double *out, void *data)
{
    int i = 0;
    (void)data;
    if (n > 4)
        for (; i + 32 <= k; i += 32)
            strip_32(k, n, X + i, out + i);
    for (; i + 16 <= k; i += 16)
        strip_16(k, n, X + i, out + i);
    for (; i + 4 <= k; i += 4)
        strip_4(k, n, X + i, out + i);
    for (; i < k; i++)
        strip_1(k, n, X + i, out + i);
    return 0;
}

static double step_at(double x)
{
    const double size = fabs(x), h = 6.0554544523933395e-06 * (size > 1.0 ? size : 1.0);
    return (x + h) - x;
}

/* One copy of the point, a coordinate of which moves: what one writes at first. */
void limit_in_place(function f, int points, int n, const double *X, double *gradients)
{
    double x[4096];
    for (long b = 0; b < points; b++) {
        const double *at = X + b * n;
        for (int i = 0; i < n; i++)
            x[i] = at[i];
        for (int i = 0; i < n; i++) {
            const double h = step_at(at[i]);
            x[i] = at[i] + h;
            const double right = f(n, x, 0);
            x[i] = at[i] - h;
            gradients[b * n + i] = (right - f(n, x, 0)) / (2.0 * h);
            x[i] = at[i];
        }
    }
}

/* Sixteen copies of the point, written ahead of the calls: a vector that is read across a number just written waits. */
void limit_copies(function f, int points, int n, const double *X, double *gradients)
{
    enum { COPIES = 16 };
    static _Thread_local double copies[COPIES * 4096];
    double values[COPIES];
    for (long b = 0; b < points; b++) {
        const double *at = X + b * n;
        for (int k = 0; k < COPIES; k++)
            for (int i = 0; i < n; i++)
                copies[k * n + i] = at[i];
        for (int i = 0; i < n; i += COPIES / 2) {
            const int count = n - i < COPIES / 2 ? n - i : COPIES / 2;
            for (int k = 0; k < count; k++) {
                const double h = step_at(at[i + k]);
                copies[2 * k * n + i + k] = at[i + k] + h;
                copies[(2 * k + 1) * n + i + k] = at[i + k] - h;
            }
            for (int k = 0; k < 2 * count; k++)
                values[k] = f(n, copies + k * n, 0);
            for (int k = 0; k < count; k++) {
                gradients[b * n + i + k] = (values[2 * k] - values[2 * k + 1]) / (2.0 * step_at(at[i + k]));
                copies[2 * k * n + i + k] = copies[(2 * k + 1) * n + i + k] = at[i + k];
            }
        }
    }
}

/* The calls alone. */
void limit_calls_by_pointer(function f, int points, int n, const double *X, double *gradients)
{
    for (long b = 0; b < points; b++)
        for (int i = 0; i < n; i++)
            gradients[b * n + i] = f(n, (double *)X + b * n, 0) - f(n, (double *)X + b * n, 0);
}

/* Descents from many starts, with a fixed rate. */
static void descents(function f, int starts, int n, double *X, int iterations, double rate,
                     void (*gradient)(function, int, int, const double *, double *))
{
    double g[4096];
    for (long b = 0; b < starts; b++)
        for (int k = 0; k < iterations; k++) {
            gradient(f, 1, n, X + b * n, g);
            for (int i = 0; i < n; i++)
                X[b * n + i] -= rate * g[i];
        }
}

void limit_descent_in_place(function f, int starts, int n, double *X, int iterations, double rate)
{
    descents(f, starts, n, X, iterations, rate, limit_in_place);
}

void limit_descent_copies(function f, int starts, int n, double *X, int iterations, double rate)
{
    descents(f, starts, n, X, iterations, rate, limit_copies);
}
