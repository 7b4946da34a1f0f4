/* fastgrad.h: the contract of the C core.
 *
 * A derivative is a weighted sum of function values at shifted points:
 *
 *     x --> stencil --> evaluate --> combine --> derivative
 *
 * Scope      C11 and its standard headers; no allocation, no globals, no I/O, no threads, no Python.
 *            Every function may run in any thread, concurrently, if outputs and scratch do not overlap.
 * Ownership  The caller owns every byte; nothing is kept after a return.
 * Arrays     Row-major, contiguous, `double`. Shapes are written (rows, columns). A size of 0 is legal,
 *            and then no pointer of that size is touched.
 * Arguments  [in], [out], [scratch]. No output may overlap an input unless it says so.
 * Results    Status codes; floating-point values are data, NaN and infinity included.
 * Arithmetic Round to nearest, no contraction, no reassociation. (x + h) - x must not become h.
 */
#ifndef FASTGRAD_H
#define FASTGRAD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__FAST_MATH__) || (defined(_M_FP_FAST) && _M_FP_FAST)
#error "fastgrad cannot be built with fast-math: it turns (x + h) - x into h; remove -ffast-math or /fp:fast"
#endif

/* Loops of plain arithmetic, compiled twice where the loader can choose: for any processor, and for wider vectors. Values
 * are the same, since nothing is contracted or reordered. */
#ifdef FG_CLONES
/* Given to the compiler: ThreadSanitizer cannot start where a loader chooses. */
#elif defined(__GLIBC__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FG_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FG_CLONES
#endif

#define FG_OK 0
/* A callback failed and has told its own language so; the loop stopped at once. */
#define FG_ECALLBACK (-1)
/* A compiled function wrote to its argument: values may be those of other points. */
#define FG_EWRITTEN (-2)

/* What fg_derivatives noticed in passing; bits of *seen. */
#define FG_SEEN_NONFINITE 1 /* a derivative is NaN or infinite */
#define FG_SEEN_DOUBLE 2    /* some value needs more than the 24 bits of a float32 */
#define FG_SEEN_CHANGE 4    /* a derivative is not 0 */

/* Points on the coordinate axes through base points: for a in [0, count), j in [0, width)
 *
 *     x with coordinate c moved to  x[c] + offsets[j] * h[a],   c = components ? components[a] : first + a
 *
 * where c is a flat index into x: point c / n, coordinate c % n. */
typedef struct fg_shifts {
    ptrdiff_t n;                 /* coordinates of a point, > 0 */
    const double *x;             /* (points, n) */
    const ptrdiff_t *components; /* (count,), or NULL */
    ptrdiff_t first;             /* used where components is NULL */
    const double *h;             /* (count,) */
    ptrdiff_t count;
    const double *offsets; /* (width,) */
    ptrdiff_t width;
} fg_shifts;

/* A function of n coordinates with `outputs` values: the border between stencils and evaluation.
 * Each kind of function (Python, vectorised, compiled ...) fills in the two operations.
 *
 * at_shifts  values (count, width, outputs) at the points of `shifts`.
 * at_points  values (count, outputs) at `points` (count, n).
 *
 * They return 0, or FG_ECALLBACK: then values are unspecified. They may re-enter the library with
 * other memory. They must not keep pointers, nor write to what is const. */
typedef struct fg_function {
    void *ctx;
    ptrdiff_t outputs;
    int (*at_shifts)(void *ctx, const fg_shifts *shifts, double *values);
    int (*at_points)(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values);
} fg_function;

/* What the values of a function say of the precision that it computes in; all 0 at first. */
typedef struct fg_seen {
    double first;
    int any;     /* there was a value that is not NaN: `first` */
    int wide;    /* some value needs more than the 24 bits of a float32 */
    int differs; /* some value differs from the first */
} fg_seen;

/* Looks at values [in] (count,), until both are known. NaN says nothing. *seen [in, out]. */
void fg_look(ptrdiff_t count, const double *values, fg_seen *seen);

/* How the values of a stencil combine to a first derivative. With t_j = x + offsets[j] * h as rounded:
 *
 * FG_PAIRS      offsets are s, -s, r, -r, ...:  sum_k coefficients[2k] (f(t_2k) - f(t_2k+1)) / (t_2k - t_2k+1)
 * FG_BASE       f(x) is given:                  sum_j coefficients[j] (f(t_j) - f(x)) / (t_j - x)
 * FG_IMAGINARY  values are Im f(x + i h):       value / h
 *
 * Differences are taken before they are scaled, so that a constant has the derivative 0 exactly, and are
 * divided by the distance really moved. */
enum fg_form { FG_PAIRS, FG_BASE, FG_IMAGINARY };

typedef struct fg_stencil {
    enum fg_form form;
    ptrdiff_t width;
    const double *offsets;      /* (width,) */
    const double *coefficients; /* (width,) weight times offset (FG_PAIRS: of both, at the first of the pair) */
} fg_stencil;

/* How steps are chosen for fg_steps: coordinate by coordinate, the first that is not NULL of
 * `absolute`, or relative * max(|x|, typical), with typical = 1 where NULL. */
typedef struct fg_step_rule {
    double relative;
    const double *absolute; /* (n,) or NULL */
    const double *typical;  /* (n,) or NULL */
} fg_step_rule;

/* Steps for `count` components from `first` on of points x (points, n), made representable at x
 * (h = (x + h) - x) unless `exact` is 0.
 * h [out] (count,).
 * numpy: h = relative * np.maximum(abs(x), typical); h = (x + h) - x */
void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count, int exact,
              double *h);

/* The index of the first value that is NaN or infinite, or -1. numpy: np.flatnonzero(~np.isfinite(x)) */
ptrdiff_t fg_first_nonfinite(ptrdiff_t n, const double *x);

/* Writes the points of shifts, rows [begin, end) of its count * width, as the rows of a matrix.
 * rows [out] (end - begin, n). */
void fg_fill_rows(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *rows);

/* The same, points in columns. columns [out] (n, end - begin). */
void fg_fill_columns(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *columns);

/* points (count, n) -> columns [out] (n, count). numpy: points.T.copy() */
void fg_transpose(ptrdiff_t count, ptrdiff_t n, const double *points, double *columns);

/* Combines values at shifts to derivatives.
 * values [in] (count, width, outputs), base [in] (points, outputs) with FG_BASE, else NULL.
 * derivatives [out] (count, outputs).
 * Returns the FG_SEEN bits of these values. */
int fg_combine(const fg_stencil *stencil, const fg_shifts *shifts, ptrdiff_t outputs, const double *values,
               const double *base, double *derivatives);

/* The same for one output and one coordinate of `count` points: x, h, derivatives (count,), values (width, count),
 * base (count,) with FG_BASE. Every number is the one that fg_combine finds; *seen [in, out], or NULL. */
void fg_combine_columns(const fg_stencil *stencil, ptrdiff_t count, const double *x, const double *h,
                        const double *values, const double *base, double *derivatives, int *seen);

/* First derivatives for the components first .. first + count of points x (points, n).
 *
 * base        [in] (points, outputs) values f(x), only with FG_BASE, else NULL
 * scratch     [scratch] (size,), size >= 1 + width * outputs; longer means larger blocks of evaluations
 * derivatives [out] (count, outputs); on failure those of the first blocks are valid
 * seen        [out] FG_SEEN bits, valid on success
 * Returns FG_OK, or what the function returned.
 * Cost: count * width evaluations. */
int fg_derivatives(const fg_function *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                   const double *x, ptrdiff_t first, ptrdiff_t count, const double *base, double *scratch,
                   ptrdiff_t size, double *derivatives, int *seen);

/* --- Compiled functions --------------------------------------------------------------------------------- */

/* f at one point; and f at k points in columns (X[j * k + i] is coordinate j of point i), 0 or an error. They may read
 * no more than that, and must not write to x, X: each call of a function below looks once whether they did. */
typedef double (*fg_scalar)(int n, double *x, void *data);
typedef int (*fg_columns)(int k, int n, const double *X, double *out, void *data);

/* A compiled function, the ctx of an fg_function with one output. One thread at a time may use it. */
typedef struct fg_compiled {
    fg_scalar scalar;   /* one of these is NULL */
    fg_columns columns;
    void *data;         /* handed to it */
    double *scratch;    /* fg_compiled_scratch() doubles */
    int returned;       /* the last that `columns` returned: an error of its own, with FG_ECALLBACK */
    ptrdiff_t evaluations; /* [in, out] fg_descend adds those that it does */
} fg_compiled;

/* Doubles that a compiled function of n coordinates needs as scratch. */
ptrdiff_t fg_compiled_scratch(const fg_compiled *f, ptrdiff_t n);

/* The two operations of fg_function; ctx is an fg_compiled. Return FG_OK, FG_ECALLBACK or FG_EWRITTEN. */
int fg_compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values);
int fg_compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values);

/* Derivatives [out] (points, n) of a function in columns at whole points x (points, n), as fg_derivatives finds them:
 * steps, values and derivatives lie in columns too, so that all loops are over consecutive numbers.
 * base [in] (points,) with FG_BASE, else NULL; scratch [scratch] fg_columns_scratch() doubles, beside f's own. */
int fg_columns_derivatives(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                           const double *x, ptrdiff_t points, const double *base, double *scratch, double *derivatives,
                           int *seen);
ptrdiff_t fg_columns_scratch(ptrdiff_t n, ptrdiff_t width);

/* Points in a block of columns, at most; and how many it may be. */
#define FG_MOST_COLUMNS 256
ptrdiff_t fg_columns_block(ptrdiff_t n);

/* The same for one block that lies in columns already, in f->scratch (n, count): it is the same again afterwards.
 * slopes [out] (n, count); scratch [scratch] (2 + width) * count doubles; *seen [in, out], or NULL. */
int fg_columns_slopes(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n, ptrdiff_t count,
                      const double *base, double *scratch, double *slopes, int *seen);

/* --- Descent ---------------------------------------------------------------------------------------------- */

/* How a gradient g becomes a direction d, which is subtracted: v is the direction's memory.
 *
 * FG_GRADIENT  d = g
 * FG_MOMENTUM  v = momentum v + g, d = v  (Polyak, USSR Comput. Math. 4 (1964) 1-17)
 * FG_NESTEROV  v = momentum v + g, d = g + momentum v  (as Bengio et al., ICASSP 2013, write Nesterov's method)
 * FG_ADAM      (Kingma and Ba, ICLR 2015, algorithm 1; momentum is beta_1, decay beta_2) */
enum fg_direction { FG_GRADIENT, FG_MOMENTUM, FG_NESTEROV, FG_ADAM };

typedef struct fg_descent {
    enum fg_direction direction;
    double momentum, decay, epsilon;
} fg_descent;

/* Numbers of memory for each coordinate: 0 to 2; they are 0 at first. */
ptrdiff_t fg_memory(const fg_descent *how);

/* g [in], d [out] (count,); memory [in, out] (fg_memory(), count); iteration: from 0 on. */
void fg_direct(const fg_descent *how, ptrdiff_t count, ptrdiff_t iteration, const double *g, double *memory, double *d);

/* x [in, out] (outer, count, inner) -= rate * d; then into lower, upper [in] (outer, inner), or NULL. */
void fg_move(ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, double rate, const double *d, const double *lower,
             const double *upper, double *x);

/* The Euclidean norm, without overflow. numpy: np.linalg.norm(g) */
double fg_norm(ptrdiff_t count, const double *g);

#define FG_RUNNING 0
#define FG_CONVERGED 1  /* the gradient's norm is at most gtol */
#define FG_NOT_FINITE 2 /* the gradient is not finite: x is the last point where it was */

/* Many starts of one descent with given rates, for iterations [begin, end). */
typedef struct fg_starts {
    const fg_descent *how;
    const fg_stencil *stencil;
    const fg_step_rule *rule;
    ptrdiff_t n, begin, end;
    const double *rates; /* (end - begin,) */
    double gtol;
    const double *lower, *upper; /* (n,), or NULL */
    double *x, *last;    /* [in, out] (starts, n): where they are, and where they came from */
    double *memory;      /* [in, out] (starts, fg_memory() * n) */
    int *status;         /* [in, out] (starts,); others than FG_RUNNING are left alone */
    ptrdiff_t *njev;     /* [in, out] (starts,) gradients taken */
} fg_starts;

/* Starts [first, end) of s; scratch [scratch] fg_descend_scratch() doubles, beside f's own.
 * Returns FG_OK, or what f returned. */
int fg_descend(fg_compiled *f, const fg_starts *s, ptrdiff_t first, ptrdiff_t end, double *scratch);
ptrdiff_t fg_descend_scratch(const fg_compiled *f, const fg_starts *s);

/* A point of a line on which only coordinates [begin, end) move: out = x, then out[begin:end] += t * direction[begin:end].
 * x, direction [in] (n,), out [out] (n,), no overlap. */
void fg_line_point(ptrdiff_t n, const double *x, const double *direction, double t, ptrdiff_t begin, ptrdiff_t end,
                   double *out);

/* Pseudo-random numbers of both signs and sizes from scale / 2 to 3/2 scale: so that equal and opposite errors do
 * not cancel. Element i follows from seed and i alone. out [out] (n,). */
void fg_random_direction(ptrdiff_t n, uint64_t seed, double scale, double *out);

/* The sum of a[i] * b[i]; *squares [out]: of their squares. Block by block: rounding grows like sqrt(n) at most.
 * a, b [in] (n,). numpy: t = a * b; t.sum(), (t * t).sum() */
double fg_product_sums(ptrdiff_t n, const double *a, const double *b, double *squares);

#define FG_SEVEN 7

/* Derivatives at one of seven equally spaced points, from the value there and the six others, for each of `rows` points
 * and `outputs` values; docs/sensitivity.md.
 * place     [in] (rows,): which of the seven points x is, in 0 ... 6
 * base      [in] (rows, outputs): f there
 * others    [in] (rows, 6, outputs): f at the others, from the lowest up
 * h         their distance
 * weights   [in] (7, 3, 7): for each place, weights of differences of orders 2, 4 and 6 in units of 1 / h
 * epsilon   the precision that f computes in
 * derivative, truncation, noise  [out] (rows, outputs), `stride` numbers from one to the next: of order 6; how far off it
 *           may be; the noise that the sixth difference shows, 0 where it is not finite */
void fg_seven_points(ptrdiff_t rows, ptrdiff_t outputs, const ptrdiff_t *place, const double *base, const double *others,
                     double h, const double *weights, double epsilon, ptrdiff_t stride, double *derivative,
                     double *truncation, double *noise);

/* --- Sparse Jacobians and Hessians -------------------------------------------------------------------------- */

/* A pattern of m rows and n columns, both < 2^31, by rows and by columns: the columns of row i are
 * columns[row_starts[i]] ..., the rows of column j are rows[column_starts[j]] ... */
typedef struct fg_pattern {
    ptrdiff_t m, n;
    const int32_t *row_starts, *columns;
    const int32_t *column_starts, *rows;
} fg_pattern;

/* Colours [out] (n,) for the columns: those that share a row differ (Curtis, Powell and Reid, IMA J. Appl. Math. 13
 * (1974) 117-119; Coleman and More, SIAM J. Numer. Anal. 20 (1983) 187-209). Each in turn takes the least that is free.
 * order [in] (n,), or NULL: natural; work [scratch] (n,). Returns how many there are. */
ptrdiff_t fg_colour_columns(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work);

/* The order that takes last the column with the fewest neighbours among those not yet placed (Matula and Beck, J. ACM 30
 * (1983) 417-427). order [out] (n,); work [scratch] (5 * n,). */
void fg_smallest_last(const fg_pattern *p, int32_t *order, int32_t *work);

/* The same for a symmetric pattern of which only rows are looked at: neighbours differ, and no path of four has but two
 * colours (star colouring: Gebremedhin, Manne and Pothen, SIAM Rev. 47 (2005) 629-705). */
ptrdiff_t fg_colour_star(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work);

/* out [out] (count,) = x[group]. */
void fg_gather(ptrdiff_t count, const int32_t *group, const double *x, double *out);

/* Coordinates of a group [in] (count,) of point [in, out] (n,): to x + sign * h, or to x itself with sign 0.
 * x, h [in] (count,): gathered. */
void fg_set_group(ptrdiff_t count, const int32_t *group, const double *x, const double *h, double sign, double *point);

/* inverse [out] (n,): one over the distance from x + second to x + first. */
void fg_inverse_distances(ptrdiff_t n, const double *x, const double *first, const double *second, double *inverse);

/* data[entries[a]] [out] = (right[rows[a]] - left[rows[a]]) * inverse[columns[a]], for a in [0, count). A division here took
 * longer than all else. */
void fg_scatter_group(ptrdiff_t count, const int32_t *entries, const int32_t *rows, const int32_t *columns,
                      const double *right, const double *left, const double *inverse, double *data);

/* --- The adaptive method: see docs/adaptive.md ----------------------------------------------------------- */

/* What is known of the noise of f around one point. */
typedef struct fg_noise {
    double level; /* standard deviation of one evaluation's error */
    double size;  /* largest |f| among the values that it was seen in */
    double slope; /* of f along the line x + t * sign_i * scale_i that was looked at; NaN: none */
    double accepted; /* the spacing in t at which it was found */
    double spacing;  /* the next spacing */
    int narrow;      /* every value fits a float32 */
    int hidden;      /* at the first spacing, f looked like nothing but noise */
    int failed, grown, done;
    int evaluations;
} fg_noise;

/* The standard deviation of the noise in `count` >= 4 equally spaced values, from their differences of order
 * 3 and up (More and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314, eq. 2.4).
 * values [in, scratch] (count,): overwritten by differences. *zeros [out]: first differences that are 0. */
double fg_difference_noise(ptrdiff_t count, double *values, ptrdiff_t *zeros);

/* The direction of coordinate i in lines: a sign that depends on nothing else. */
double fg_line_sign(ptrdiff_t i);

/* The noise of f around each of `points` points x (points, n).
 * base    [in] (points,) values f(x)
 * scale   [in] (points, n) sizes of the coordinates
 * room    [in] (2, points * n) how far each may move down and up, or NULL; with it, lines start at x
 * scratch [scratch] (size,), size >= points * 8 + n
 * noise   [out] (points,)
 * Returns FG_OK, or what the function returned. Cost: 4 to 8 evaluations a point, 24 at most. */
int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                      const double *scale, const double *room, double *scratch, ptrdiff_t size, fg_noise *noise);

#define FG_KINK 1
#define FG_JUMP 2
#define FG_FLAT 4
#define FG_NOISY 8
#define FG_EDGE 16
#define FG_NONFINITE 32

#define FG_ROUNDS 6

/* One component on its way through the rounds. Set by fg_adaptive; the caller gives memory and reads results. */
typedef struct fg_component {
    double value, error, step; /* result: NaN, infinity where there is none */
    double left, right;        /* one-sided slopes at a kink, else NaN */
    int flags;
    int evaluations;

    int side; /* 0: central stencil, 1 or -1: one-sided */
    int done, paused, rounds, shrinks, failures, flats, stale, kept, doubted;
    double h;           /* the next step, signed as `side` */
    double jump, kink;  /* f(x+h) - f(x-h), and the step, when they first looked like a jump, a kink */
    double constant;    /* how far from x f was seen to be constant */
    double estimates[FG_ROUNDS], truncations[FG_ROUNDS], deviations[FG_ROUNDS], steps[FG_ROUNDS];
} fg_component;

/* Derivatives for all components of points x (points, n), each with a step of its own and an error bar.
 *
 * base    [in] (points,) values f(x), finite
 * noise   [in, out] (points,); `narrow` is taken back where a value tells
 * scale   [in] (points, n) sizes of the coordinates, > 0
 * room    [in] (2, points * n) how far each may move down and up, or NULL
 * work    [out] (points * n,)
 * scratch [scratch] (size,), size >= 16: components go through a round in blocks of size / 16
 * Returns FG_OK, or what the function returned. Cost: FG_ROUNDS * 6 + 2 evaluations a component at most. */
int fg_adaptive(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                fg_noise *noise, const double *scale, const double *room, fg_component *work, double *scratch,
                ptrdiff_t size);

/* --- Sampled arrays: see docs/grid.md ------------------------------------------------------------------- */

enum { FG_GRID_PIECE = 1024, FG_GRID_TAPS = 12 };

/* How rows in the interior of an axis get their derivative. */
enum {
    FG_GRID_ODD,   /* even spacing, interior [in] (4,): weights of f(row + k) - f(row - k), k = 1 ... half, 0 beyond */
    FG_GRID_EVEN,  /* the same of f(row + k) - 2 f(row) + f(row - k) */
    FG_GRID_THREE, /* from coordinates, first derivative, half = 1 */
    FG_GRID_TABLE  /* interior [in] (2 * half + 1, length): weights of f(row - half + k) - f(row) */
};

/* An axis of a dense array, and a derivative along it. A row is one position on the axis: `stride` numbers that lie together,
 * again and again after length * stride numbers.
 * length >= 2 * half; edge_taps <= FG_GRID_TAPS.
 * edge_rows, edge_weights [in] (2 * half, edge_taps): the first rows, then the last, get the sum of weight * (f(edge_row) - f(row))
 * coordinates [in] (length,), or NULL: even ones, `step` apart
 * around_nan: where a stencil meets NaN, take rows that are numbers, as many as an edge takes; its taps are adjacent. */
typedef struct fg_grid_axis {
    ptrdiff_t length, stride;
    int kind, half, edge_taps, derivative, around_nan;
    double step;
    const double *interior, *coordinates, *edge_weights;
    const ptrdiff_t *edge_rows;
} fg_grid_axis;

/* A derivative of values [in] (size,) along an axis, times a factor. */
typedef struct fg_grid_term {
    const void *values;
    const fg_grid_axis *axis;
    double factor;
} fg_grid_term;

/* out [out] (size,): the sum of the terms; or with `magnitude` the root of the sum of their squares. */
typedef struct fg_grid_output {
    void *out;
    const fg_grid_term *terms;
    int count, magnitude;
} fg_grid_output;

/* Whether stores that go past the caches pay here: 0 no, else how, as `stream` of fg_grid. */
int fg_grid_streams(void);

/* Weights [out] (count,) of the values at x [in] (count,) in a derivative at a point: exact for polynomials up to degree
 * count - 1 (Fornberg, Math. Comp. 51 (1988) 699-706). work [scratch] ((derivative + 1) * count,). */
void fg_weights(double at, const double *x, ptrdiff_t count, int derivative, double *weights, double *work);

/* Weights of the taps (odd) around each interior row. table [out] (taps, length); work [scratch] ((derivative + 2) * taps,). */
void fg_weight_table(const double *x, ptrdiff_t length, ptrdiff_t taps, int derivative, double *table, double *work);

/* All outputs at slabs [begin, end): a slab is `slab` numbers that lie together. Each number is read from memory once, if what
 * 2 * half + 1 tiles hold stays in cache. float if single, else double. Inputs and outputs must not overlap.
 * scratch [scratch] 2 * FG_GRID_PIECE numbers. Returns how many coordinates of FG_GRID_THREE are out of order. */
ptrdiff_t fg_grid(const fg_grid_output *outputs, int count, int single, ptrdiff_t slab, ptrdiff_t begin, ptrdiff_t end,
                  ptrdiff_t tile, int stream, void *scratch);

#endif
