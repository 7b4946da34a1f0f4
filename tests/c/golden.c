/* Bits of what the core computes for fixed inputs, a line a number: the same on every machine and
 * with every compiler, as .ci/portable finds by comparing.
 *
 * f takes +, -, *, / and sqrt alone, which IEEE 754 rounds correctly. Lines of the adaptive method
 * and Adam begin with "libm": they take pow and hypot from the C library, which may round
 * otherwise.
 */
#include "fastgrad.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 6, ROWS = 19, INNER = 70, SIZE = ROWS * INNER };

static const double at[N] = {0.1, 1.7, -2.3, 1e5, -3e-7, 40.0};

static void print(const char *name, ptrdiff_t count, const double *values)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        uint64_t bits;
        memcpy(&bits, values + k, sizeof bits);
        if (isnan(values[k]))
            printf("%s %d nan\n", name, (int)k); /* its sign and payload are nobody's promise */
        else
            printf("%s %d %08lx%08lx\n", name, (int)k, (unsigned long)(bits >> 32),
                   (unsigned long)(bits & 0xffffffffu));
    }
}

/* --- Functions of N coordinates ----------------------------------------------------------------*/

static double smooth(int n, double *x, void *data)
{
    double sum = *(const double *)data;
    for (int i = 0; i < n; i++)
        sum += sqrt(1.0 + x[i] * x[i]) / (i + 1) + x[i] * x[(i + 1) % n] / 7.0;
    return sum;
}

static int in_columns(int k, int n, const double *X, double *out, void *data)
{
    double x[N];
    for (int i = 0; i < k; i++) {
        for (int j = 0; j < n; j++)
            x[j] = X[j * k + i];
        out[i] = smooth(n, x, data);
    }
    return 0;
}

static double offset = 0.25, own_scratch[1 << 14];

static fg_function function_of(fg_compiled *f)
{
    *f = (fg_compiled){smooth, NULL, &offset, own_scratch, 0, 0};
    return (fg_function){f, 1, fg_compiled_at_shifts, fg_compiled_at_points};
}

static const double central_offsets[4] = {1.0, -1.0, 2.0, -2.0};
static const double second_order[2] = {1.0, 0.0}, one[1] = {1.0};
static const double fourth_order[4] = {4.0 / 3.0, 0.0, -1.0 / 3.0, 0.0};
static const fg_stencil stencils[3] = {{FG_PAIRS, 2, central_offsets, second_order},
                                       {FG_PAIRS, 4, central_offsets, fourth_order},
                                       {FG_BASE, 1, one, one}};

static void fixed_steps(void)
{
    static const char *const names[3] = {"central 2", "central 4", "forward"};
    fg_compiled c;
    const fg_function f = function_of(&c);
    const fg_step_rule rule = {7.3e-6, NULL, NULL};
    double x[N], base[1], found[N], scratch[64];
    memcpy(x, at, sizeof x);
    base[0] = smooth(N, x, &offset);
    for (int k = 0; k < 3; k++) {
        int seen = 0;
        fg_derivatives(&f, stencils + k, &rule, N, at, 0, N, base, NULL, scratch, 64, found, &seen);
        print(names[k], N, found);

        fg_compiled columns = {NULL, in_columns, &offset, own_scratch, 0, 0};
        static double room[1 << 14];
        fg_columns_derivatives(&columns, stencils + k, &rule, N, at, 1, base, room, found, &seen);
        print(names[k], N, found);
    }
}

static void adaptive(void)
{
    fg_compiled c;
    const fg_function f = function_of(&c);
    const fg_allocator memory = {realloc, free};
    double x[N], base[1], sizes[N], found[5 * N], level[1];
    int flags[N];
    memcpy(x, at, sizeof x);
    base[0] = smooth(N, x, &offset);
    for (int i = 0; i < N; i++)
        sizes[i] = fabs(at[i]) > 1.0 ? fabs(at[i]) : 1.0;
    fg_wanted wanted = {
        .f = &f, .n = N, .points = 1, .x = at, .base = base, .sizes = sizes, .most = 40, .axes = N};
    for (wanted.deriv = 1; wanted.deriv <= 2; wanted.deriv++) {
        fg_adaptive(&wanted, &memory, found, flags, level);
        print("libm noise", 1, level);
        print("libm adaptive", 5 * N, found);
    }
    fg_noise_levels(&wanted, &memory, level);
    print("libm level", 1, level);
}

/* --- Sampled arrays --------------------------------------------------------------------------- */

static double values[SIZE], out[SIZE], coordinates[ROWS];
static float single_values[SIZE], single_out[SIZE];

static void one_grid(const char *name, const fg_grid_axis *axis, int magnitude)
{
    static double scratch[FG_GRID_SCRATCH];
    for (int single = 0; single < 2; single++) {
        const void *const from = single ? (const void *)single_values : (const void *)values;
        void *const to = single ? (void *)single_out : (void *)out;
        const fg_grid_term terms[2] = {{from, axis, 1.0}, {from, axis, -0.3}};
        const fg_grid_output o = {to, terms, magnitude ? 2 : 1, magnitude};
        fg_grid(&o, 1, single, SIZE, 0, 1, 512, fg_grid_streams(), scratch);
        for (int k = 0; single && k < SIZE; k++)
            out[k] = (double)single_out[k];
        print(name, SIZE, out);
    }
}

static void grids(void)
{
    static double table[(2 * FG_GRID_HALF + 1) * ROWS], work[64];
    double weights[2 * FG_GRID_HALF * 3];
    ptrdiff_t rows[2 * FG_GRID_HALF * 3];
    for (int k = 0; k < SIZE; k++) {
        single_values[k] = (float)sqrt(3.0 + k % 97) / 7.0f;
        values[k] = k % 53 ? sqrt(3.0 + k % 97) / 7.0 : 1e3 / 7.0;
    }
    for (int k = 0; k < ROWS; k++)
        coordinates[k] = k + sqrt(1.0 + k) / 3.0;
    for (int half = 1; half <= FG_GRID_HALF; half++) {
        const double interior[FG_GRID_HALF] = {0.7, -0.1, 1.0 / 30.0, -1.0 / 280.0};
        for (int k = 0; k < 2 * half * 3; k++) {
            const int row = k / 3;
            rows[k] = row < half ? k % 3 : ROWS - 3 + k % 3;
            weights[k] = (k % 3 - 1.1) / 3.0;
        }
        fg_weight_table(coordinates, ROWS, 2 * half + 1, 1, table, work);
        const fg_grid_axis axes[4] = {
            {ROWS, INNER, FG_GRID_ODD, half, 3, 1, 0, 1.0, interior, NULL, weights, rows},
            {ROWS, INNER, FG_GRID_EVEN, half, 3, 2, 0, 1.0, interior, NULL, weights, rows},
            {ROWS, INNER, FG_GRID_TABLE, half, 3, 1, 0, 1.0, table, coordinates, weights, rows},
            {ROWS, INNER, FG_GRID_THREE, 1, 3, 1, 0, 1.0, interior, coordinates, weights, rows}};
        one_grid("grid odd", axes, 0);
        one_grid("grid even", axes + 1, 0);
        one_grid("grid table", axes + 2, 0);
        one_grid("grid magnitude", axes, 1);
        if (half == 1)
            one_grid("grid three", axes + 3, 0);
    }
}

/* --- Descent, sums, sparse -------------------------------------------------------------------- */

static void descents(void)
{
    static const char *const names[4] = {"gradient", "momentum", "nesterov", "libm adam"};
    for (int direction = 0; direction < 4; direction++) {
        const fg_descent how = {(enum fg_direction)direction, 0.9, 0.999, 1e-8};
        double x[N], d[N], g[N], memory[2 * N] = {0.0};
        memcpy(x, at, sizeof x);
        for (int iteration = 0; iteration < 5; iteration++) {
            for (int i = 0; i < N; i++)
                g[i] = x[i] / (i + 1) + 0.1;
            fg_direct(&how, N, iteration, g, memory, d);
            fg_move(1, N, 1, 0.1, d, NULL, NULL, x);
        }
        print(names[direction], N, x);
    }
}

static void sums(void)
{
    double direction[N], inverse[N], squares, found[3];
    fg_random_direction(N, 12345, 1.0, direction);
    print("direction", N, direction);
    found[0] = fg_product_sums(SIZE, values, out, &squares);
    found[1] = squares;
    found[2] = fg_norm(SIZE, values);
    print("sums", 3, found);
    fg_inverse_distances(N, at, direction, NULL, inverse);
    print("inverse", N, inverse);
}

int main(void)
{
    fixed_steps();
    grids();
    descents();
    sums();
    adaptive();
    return 0;
}
