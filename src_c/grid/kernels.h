/* The loops of grid.c for one type of number: REAL, its largest finite one, MOST, an integer of its
 * size, COUNT, and NAME(f) to tell its functions from the other type's. */

/* Interior rows of an even axis: differences to both sides, so that a constant has the derivative 0
 * exactly. */
static FG_CLONES void NAME(odd)(ptrdiff_t count, ptrdiff_t s, int half, const double *c,
                                const REAL *in, REAL *restrict out)
{
    const REAL a = (REAL)c[0], b = (REAL)c[1], d = (REAL)c[2], e = (REAL)c[3];
    if (half == 1)
        for (ptrdiff_t j = 0; j < count; j++)
            out[j] = a * (in[j + s] - in[j - s]);
    else if (half == 2)
        for (ptrdiff_t j = 0; j < count; j++)
            out[j] = a * (in[j + s] - in[j - s]) + b * (in[j + 2 * s] - in[j - 2 * s]);
    else if (half == 3)
        for (ptrdiff_t j = 0; j < count; j++)
            out[j] = a * (in[j + s] - in[j - s]) + b * (in[j + 2 * s] - in[j - 2 * s]) +
                     d * (in[j + 3 * s] - in[j - 3 * s]);
    else
        for (ptrdiff_t j = 0; j < count; j++)
            out[j] = a * (in[j + s] - in[j - s]) + b * (in[j + 2 * s] - in[j - 2 * s]) +
                     d * (in[j + 3 * s] - in[j - 3 * s]) + e * (in[j + 4 * s] - in[j - 4 * s]);
}

#ifdef FG_STREAMS
/* The same, with stores that go past the caches: between two of them there is time to compute.
 * `out` at a line's start, whole lines. */
#define FG_STREAM_ODD(name, isa, bytes, store)                                                     \
    static inline __attribute__((always_inline, target(isa))) void NAME(name##_of)(                \
        ptrdiff_t count, ptrdiff_t s, int half, const double *c, const REAL *in, REAL *out)        \
    {                                                                                              \
        typedef REAL vector __attribute__((vector_size(bytes)));                                   \
        typedef REAL anywhere                                                                      \
            __attribute__((vector_size(bytes), aligned(sizeof(REAL)), may_alias));                 \
        for (ptrdiff_t j = 0; j < count; j += (ptrdiff_t)(bytes / sizeof(REAL))) {                 \
            vector sum =                                                                           \
                (REAL)c[0] * (*(const anywhere *)(in + j + s) - *(const anywhere *)(in + j - s));  \
            for (int k = 2; k <= half; k++)                                                        \
                sum = sum + (REAL)c[k - 1] * (*(const anywhere *)(in + j + k * s) -                \
                                              *(const anywhere *)(in + j - k * s));                \
            store;                                                                                 \
        }                                                                                          \
    }                                                                                              \
    static __attribute__((target(isa))) void NAME(name)(                                           \
        ptrdiff_t count, ptrdiff_t s, int half, const double *c, const REAL *in, REAL *out)        \
    {                                                                                              \
        if (half == 1)                                                                             \
            NAME(name##_of)(count, s, 1, c, in, out);                                              \
        else if (half == 2)                                                                        \
            NAME(name##_of)(count, s, 2, c, in, out);                                              \
        else                                                                                       \
            NAME(name##_of)(count, s, half, c, in, out);                                           \
    }

FG_STREAM_ODD(stream_odd_512, "avx512f", 64, _mm512_stream_ps((float *)(out + j), (__m512)sum))
FG_STREAM_ODD(stream_odd_256, "avx2", 32, _mm256_stream_ps((float *)(out + j), (__m256)sum))
#undef FG_STREAM_ODD

static void NAME(stream_odd)(int stream, ptrdiff_t count, ptrdiff_t s, int half, const double *c,
                             const REAL *in, REAL *out)
{
    const ptrdiff_t line = (ptrdiff_t)(64 / sizeof(REAL));
    ptrdiff_t head = (ptrdiff_t)((64 - ((uintptr_t)out & 63)) & 63) / (ptrdiff_t)sizeof(REAL);
    if (head > count)
        head = count;
    const ptrdiff_t whole = (count - head) / line * line, tail = head + whole;
    NAME(odd)(head, s, half, c, in, out);
    (stream == 2 ? NAME(stream_odd_512) : NAME(stream_odd_256))(whole, s, half, c, in + head,
                                                                out + head);
    NAME(odd)(count - tail, s, half, c, in + tail, out + tail);
}
#endif

/* Rows of an even axis whose weights are too large or too small for REAL; results need not be. */
static FG_CLONES void NAME(wide)(ptrdiff_t count, ptrdiff_t s, int half, int kind, const double *c,
                                 const REAL *in, REAL *restrict out)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        double sum = 0.0;
        for (int k = 1; k <= half; k++) {
            const double up = in[j + k * s], down = in[j - k * s], here = in[j];
            sum += c[k - 1] * (kind == FG_GRID_ODD ? up - down : (up - here) + (down - here));
        }
        out[j] = (REAL)sum;
    }
}

static FG_CLONES void NAME(even)(ptrdiff_t count, ptrdiff_t s, int half, const double *c,
                                 const REAL *in, REAL *restrict out)
{
    for (int k = 1; k <= half; k++) {
        const REAL weight = (REAL)c[k - 1];
        const ptrdiff_t step = k * s;
        if (k == 1)
            for (ptrdiff_t j = 0; j < count; j++)
                out[j] = weight * ((in[j + step] - in[j]) + (in[j - step] - in[j]));
        else
            for (ptrdiff_t j = 0; j < count; j++)
                out[j] += weight * ((in[j + step] - in[j]) + (in[j - step] - in[j]));
    }
}

/* One number of the interior between two others, at distances left and right (of one sign) of any
 * size: the slopes to both sides, weighted by the other's distance. */
static REAL NAME(far_between)(double left, double right, double rise, double fall)
{
    const double both = left + right;
    return (REAL)(rise / right * (left / both) + fall / left * (right / both));
}

/* Interior rows of one number each, between coordinates x. Returns how many coordinates are out of
 * order; adds to `unknown` how many results are NaN. */
static FG_CLONES ptrdiff_t NAME(three)(ptrdiff_t count, const double *x, const REAL *in,
                                       REAL *restrict out, int64_t *unknown)
{
    const double last = fabs(x[count] - x[count - 1]);
    int64_t doubtful = last > FG_NEAR && last < FG_FAR ? 0 : 1, missing = 0;
    ptrdiff_t wrong = 0;
    for (ptrdiff_t j = 0; j < count; j++) {
        const double left = x[j] - x[j - 1], right = x[j + 1] - x[j], size = fabs(left);
        const double scale = 1.0 / (left * right * (left + right)), a = left * left * scale,
                     b = right * right * scale;
        const double sum = a * ((double)in[j + 1] - in[j]) + b * ((double)in[j] - in[j - 1]);
        out[j] = (REAL)sum;
        missing += sum != sum ? 1 : 0;
        doubtful += ((left * right > 0.0) & (size > FG_NEAR) & (size < FG_FAR)) ? 0 : 1;
    }
    for (ptrdiff_t j = 0; j < count && doubtful; j++) {
        const double left = x[j] - x[j - 1], right = x[j + 1] - x[j];
        if (!is_near(left, right)) {
            out[j] = NAME(far_between)(left, right, (double)in[j + 1] - in[j],
                                       (double)in[j] - in[j - 1]);
            missing += out[j] != out[j] ? 1 : 0;
            wrong += is_ordered(left, right) ? 0 : 1;
        }
    }
    *unknown += missing;
    return wrong;
}

/* Sums of w_t[j] * (f(row + tap) - f(row)), blocks of numbers at a time. The weights of a tap lie
 * `across` apart; they are the same for all numbers (along = 0), or each number has its own (along
 * = 1). */
static FG_CLONES void NAME(weighted)(ptrdiff_t count, int taps, const ptrdiff_t *shifts,
                                     const double *weights, ptrdiff_t across, int along,
                                     const REAL *in, REAL *restrict out)
{
    enum { BLOCK = 256 };
    double sums[BLOCK];
    for (ptrdiff_t begin = 0; begin < count; begin += BLOCK) {
        const ptrdiff_t some = count - begin < BLOCK ? count - begin : BLOCK;
        memset(sums, 0, (size_t)some * sizeof *sums);
        for (int t = 0; t < taps; t++) {
            const REAL *const f = in + begin, *const other = f + shifts[t];
            const double *const w = weights + t * across;
            if (along)
                for (ptrdiff_t j = 0; j < some; j++)
                    sums[j] += w[begin + j] * ((double)other[j] - f[j]);
            else
                for (ptrdiff_t j = 0; j < some; j++)
                    sums[j] += w[0] * ((double)other[j] - f[j]);
        }
        for (ptrdiff_t j = 0; j < some; j++)
            out[begin + j] = (REAL)sums[j];
    }
}

/* A row between two others, at distances left and right: to the bit what `three` makes of single
 * numbers. Returns how many results are NaN. */
static FG_CLONES int64_t NAME(between)(ptrdiff_t count, ptrdiff_t s, double left, double right,
                                       const REAL *in, REAL *restrict out)
{
    const double scale = 1.0 / (left * right * (left + right)), a = left * left * scale,
                 b = right * right * scale;
    int64_t missing = 0;
    if (is_near(left, right))
        for (ptrdiff_t j = 0; j < count; j++) {
            const double sum = a * ((double)in[j + s] - in[j]) + b * ((double)in[j] - in[j - s]);
            out[j] = (REAL)sum;
            missing += sum != sum ? 1 : 0;
        }
    else
        for (ptrdiff_t j = 0; j < count; j++) {
            out[j] = NAME(far_between)(left, right, (double)in[j + s] - in[j],
                                       (double)in[j] - in[j - s]);
            missing += out[j] != out[j] ? 1 : 0;
        }
    return missing;
}

/* The derivative at the number *in of a row, from the rows around it that are numbers, as many as
 * an edge takes; `unknown` where they are too few. */
static REAL NAME(from_numbers)(const fg_grid_axis *a, ptrdiff_t row, const REAL *in, REAL unknown)
{
    const ptrdiff_t s = a->stride, most = a->edge_taps;
    double x[FG_GRID_TAPS] = {0.0}, weights[FG_GRID_TAPS], work[FG_GRID_TAPS * 3], sum = 0.0;
    ptrdiff_t low = 0, high = 0;
    while (low + 1 < most && row - low > 0 && in[-(low + 1) * s] == in[-(low + 1) * s])
        low++;
    while (high + 1 < most && row + high + 1 < a->length &&
           in[(high + 1) * s] == in[(high + 1) * s])
        high++;

    const ptrdiff_t taps = low + high + 1 < most ? low + high + 1 : most;
    if (taps <= a->derivative)
        return unknown;
    ptrdiff_t first = taps / 2 < low ? taps / 2 : low;
    if (taps - first - 1 > high)
        first = taps - 1 - high;

    for (ptrdiff_t t = 0; t < taps; t++)
        x[t] = a->coordinates ? a->coordinates[row - first + t] : (double)(t - first) * a->step;
    fg_weights(a->coordinates ? a->coordinates[row] : 0.0, x, taps, a->derivative, weights, work);
    for (ptrdiff_t t = 0; t < taps; t++)
        sum += weights[t] * ((double)in[(t - first) * s] - in[0]);
    return (REAL)sum;
}

/* A missing number has no derivative. Where the stencil met one but its own row is a number, others
 * give it. */
static void NAME(beside_nan)(const fg_grid_axis *a, ptrdiff_t count, ptrdiff_t first_row,
                             ptrdiff_t within, const REAL *in, REAL *out)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        if (in[j] != in[j])
            out[j] = in[j];
        else if (out[j] != out[j])
            out[j] = NAME(from_numbers)(a, first_row + (within + j) / a->stride, in + j, out[j]);
    }
}

static FG_CLONES COUNT NAME(unknown)(ptrdiff_t count, const REAL *out)
{
    COUNT found = 0;
    for (ptrdiff_t j = 0; j < count; j++)
        found += out[j] != out[j] ? 1 : 0;
    return found;
}

/* Numbers of one row near the ends of an axis, by that row's own weights. Returns how many results
 * are NaN. */
static int64_t NAME(at_edge)(const fg_grid_axis *a, ptrdiff_t count, ptrdiff_t row, const REAL *in,
                             REAL *to)
{
    const ptrdiff_t which = (row < a->half ? row : row - a->length + 2 * a->half) * a->edge_taps;
    const double *const weights = a->edge_weights + which;
    ptrdiff_t shifts[FG_GRID_TAPS];
    for (int t = 0; t < a->edge_taps; t++)
        shifts[t] = (a->edge_rows[which + t] - row) * a->stride;
    if (count > 1) {
        NAME(weighted)(count, a->edge_taps, shifts, weights, 1, 0, in, to);
        return NAME(unknown)(count, to);
    }
    double sum = 0.0;
    for (int t = 0; t < a->edge_taps; t++)
        sum += weights[t] * ((double)in[shifts[t]] - in[0]);
    to[0] = (REAL)sum;
    return sum != sum ? 1 : 0;
}

/* Numbers of rows in the interior that have one formula. Returns how many coordinates are out of
 * order; adds to `unknown` how many results are NaN, if the formula looks at the row itself. */
static ptrdiff_t NAME(inside)(const fg_grid_axis *a, ptrdiff_t count, ptrdiff_t row, int stream,
                              const REAL *in, REAL *to, int64_t *unknown)
{
    const ptrdiff_t s = a->stride, half = a->half;
    if (a->kind <= FG_GRID_EVEN && sizeof(REAL) < sizeof(double) && is_wide(a->interior[0])) {
        NAME(wide)(count, s, (int)half, a->kind, a->interior, in, to);
        *unknown += a->kind == FG_GRID_EVEN ? NAME(unknown)(count, to) : 0;
        return 0;
    }
    if (a->kind == FG_GRID_ODD) {
#ifdef FG_STREAMS
        if (stream) {
            NAME(stream_odd)(stream, count, s, (int)half, a->interior, in, to);
            return 0;
        }
#endif
        (void)stream;
        NAME(odd)(count, s, (int)half, a->interior, in, to);
        return 0;
    }
    if (a->kind == FG_GRID_EVEN) {
        NAME(even)(count, s, (int)half, a->interior, in, to);
        /* The next neighbours have weights of one sign. */
        *unknown += half > 1 ? NAME(unknown)(count, to) : 0;
        return 0;
    }

    if (a->kind == FG_GRID_TABLE) {
        ptrdiff_t shifts[FG_GRID_TAPS];
        for (ptrdiff_t k = 0; k <= 2 * half; k++)
            shifts[k] = (k - half) * s;
        NAME(weighted)(count, (int)(2 * half + 1), shifts, a->interior + row, a->length, s == 1, in,
                       to);
        *unknown += NAME(unknown)(count, to);
        return 0;
    }
    const double *const x = a->coordinates + row;
    if (s == 1)
        return NAME(three)(count, x, in, to, unknown);
    *unknown += NAME(between)(count, s, x[0] - x[-1], x[1] - x[0], in, to);
    return is_ordered(x[0] - x[-1], x[1] - x[0]) ? 0 : 1;
}

/* The derivative at the number *in of a row, by weights of the numbers themselves: sums of
 * differences to an infinite one would be NaN. */
static double NAME(of_infinite)(const fg_grid_axis *a, ptrdiff_t row, const REAL *in)
{
    const ptrdiff_t s = a->stride, n = a->length, half = a->half;
    double sum = 0.0, own = 0.0;
    if (row < half || row >= n - half) {
        /* A mirrored row may be one more that is there already. */
        const ptrdiff_t which = (row < half ? row : row - n + 2 * half) * a->edge_taps;
        for (ptrdiff_t t = which; t < which + a->edge_taps; t++)
            if (a->edge_rows[t] == row)
                own += a->edge_weights[t];
            else if (a->edge_weights[t] != 0.0)
                sum += a->edge_weights[t] * in[(a->edge_rows[t] - row) * s];
        sum += own != 0.0 ? own * in[0] : 0.0;
    } else if (a->kind == FG_GRID_EVEN) {
        for (ptrdiff_t k = 1; k <= half; k++) {
            sum += a->interior[k - 1] * ((double)in[k * s] + in[-k * s]);
            own -= 2.0 * a->interior[k - 1];
        }
        sum += own * in[0];
    } else if (a->kind == FG_GRID_TABLE) {
        for (ptrdiff_t k = 0; k <= 2 * half; k++)
            if (a->interior[k * n + row] != 0.0)
                sum += a->interior[k * n + row] * in[(k - half) * s];
    } else {
        const double left = a->coordinates[row] - a->coordinates[row - 1];
        const double right = a->coordinates[row + 1] - a->coordinates[row], both = left + right;
        sum = left / both / right * in[s] + (right - left) / left / right * in[0] -
              right / both / left * in[-s];
    }
    return sum;
}

/* Where a row's own number is infinite, the derivative is as infinite as its weight makes it. */
static void NAME(at_infinities)(const fg_grid_axis *a, ptrdiff_t count, ptrdiff_t row,
                                ptrdiff_t within, const REAL *in, REAL *to)
{
    for (ptrdiff_t j = 0; j < count; j++)
        if (in[j] > MOST || in[j] < -MOST)
            to[j] = (REAL)NAME(of_infinite)(a, row + (within + j) / a->stride, in + j);
}

/* The derivative along an axis of numbers [begin, end) of the array. With stream, `out` is not read
 * again soon. Returns how many coordinates are out of order. */
static ptrdiff_t NAME(along)(const fg_grid_axis *a, const REAL *values, ptrdiff_t begin,
                             ptrdiff_t end, int stream, REAL *out)
{
    const ptrdiff_t s = a->stride, n = a->length, half = a->half;
    ptrdiff_t row = begin / s % n, within = begin % s, wrong = 0;
    for (ptrdiff_t p = begin; p < end;) {
        const REAL *const in = values + p;
        REAL *const to = out + (p - begin);
        const int edge = row < half || row >= n - half;
        /* Rows with the same formula go in one run; those whose weights differ only if they are
         * single numbers. */
        const ptrdiff_t rows = edge || (s > 1 && a->kind >= FG_GRID_THREE) ? 1 : n - half - row;
        const ptrdiff_t all = rows * s - within, count = all < end - p ? all : end - p;

        int64_t unknown = 0;
        if (edge)
            unknown = NAME(at_edge)(a, count, row, in, to);
        else
            wrong += NAME(inside)(a, count, row, stream, in, to, &unknown);
        if (unknown)
            NAME(at_infinities)(a, count, row, within, in, to);
        if (a->around_nan)
            NAME(beside_nan)(a, count, row, within, in, to);

        p += count;
        row += rows;
        within = 0;
        if (row >= n)
            row = 0;
    }
    return wrong;
}

static FG_CLONES void NAME(accumulate)(ptrdiff_t count, double factor, const REAL *in,
                                       REAL *restrict out)
{
    for (ptrdiff_t j = 0; j < count; j++)
        out[j] += (REAL)factor * in[j];
}

/* Adds squares to the sum of squares in out, or to the square of out if it is none yet. Returns how
 * many lose digits or overflow. */
static FG_CLONES COUNT NAME(add_squares)(ptrdiff_t count, int first, const REAL *in,
                                         REAL *restrict out)
{
    const REAL small = sizeof(REAL) == sizeof(double) ? (REAL)0x1p-900 : (REAL)0x1p-90;
    const REAL large = sizeof(REAL) == sizeof(double) ? (REAL)0x1p1000 : (REAL)0x1p120;
    COUNT extreme = 0;
    if (first)
        for (ptrdiff_t j = 0; j < count; j++) {
            const REAL sum = out[j] * out[j] + in[j] * in[j];
            extreme += ((sum > large) | ((sum < small) & ((in[j] != 0) | (out[j] != 0)))) ? 1 : 0;
            out[j] = sum;
        }
    else
        for (ptrdiff_t j = 0; j < count; j++) {
            out[j] += in[j] * in[j];
            extreme += ((out[j] > large) | ((out[j] < small) & (in[j] != 0))) ? 1 : 0;
        }
    return extreme;
}

static FG_CLONES void NAME(square_root)(ptrdiff_t count, REAL *out)
{
    for (ptrdiff_t j = 0; j < count; j++)
        out[j] = (REAL)sqrt((double)out[j]);
}

static FG_CLONES void NAME(absolute)(ptrdiff_t count, REAL *out)
{
    for (ptrdiff_t j = 0; j < count; j++)
        out[j] = out[j] < 0 ? -out[j] : out[j];
}

/* The root of the sum of two squares, scaled by the larger. */
static FG_CLONES void NAME(hypotenuse)(ptrdiff_t count, const REAL *in, REAL *restrict out)
{
    for (ptrdiff_t j = 0; j < count; j++) {
        const REAL a = out[j] < 0 ? -out[j] : out[j], b = in[j] < 0 ? -in[j] : in[j];
        const REAL most = b > a ? b : a, least = b > a ? a : b;
        const double ratio = (double)least / (double)(most > 0 ? most : 1);
        out[j] = most > MOST ? most : (REAL)((double)most * sqrt(1.0 + ratio * ratio));
    }
}

/* Numbers [begin, end), at most FG_GRID_PIECE, of an output that is a length. */
static ptrdiff_t NAME(length)(const fg_grid_output *o, ptrdiff_t begin, ptrdiff_t end,
                              REAL *scratch, REAL *out)
{
    REAL *const term = scratch + FG_GRID_PIECE;
    const ptrdiff_t count = end - begin;
    ptrdiff_t wrong = 0;
    COUNT extreme = 0;
    for (int squares = 1; squares >= 0; squares--) {
        wrong = 0;
        for (int k = 0; k < o->count; k++) {
            wrong += NAME(along)(o->terms[k].axis, (const REAL *)o->terms[k].values, begin, end, 0,
                                 k ? term : out);
            if (k && squares)
                extreme += NAME(add_squares)(count, k == 1, term, out);
            else if (k)
                NAME(hypotenuse)(count, term, out);
        }
        if (o->count == 1)
            NAME(absolute)(count, out);
        else if (squares && !extreme)
            NAME(square_root)(count, out);
        if (!extreme)
            break;
    }
    return wrong;
}

/* The same, of an output that is a sum. */
static ptrdiff_t NAME(sum)(const fg_grid_output *o, ptrdiff_t begin, ptrdiff_t end, REAL *scratch,
                           REAL *out)
{
    REAL *const term = scratch + FG_GRID_PIECE;
    const ptrdiff_t count = end - begin;
    const int plain = o->terms[0].factor == 1.0;
    ptrdiff_t wrong = 0;
    if (!plain)
        memset(out, 0, (size_t)count * sizeof *out);
    for (int k = 0; k < o->count; k++) {
        const int first = plain && k == 0;
        wrong += NAME(along)(o->terms[k].axis, (const REAL *)o->terms[k].values, begin, end, 0,
                             first ? out : term);
        if (!first)
            NAME(accumulate)(count, o->terms[k].factor, term, out);
    }
    return wrong;
}

/* Numbers [begin, end), at most FG_GRID_PIECE, of one output. */
static ptrdiff_t NAME(piece)(const fg_grid_output *o, ptrdiff_t begin, ptrdiff_t end, int stream,
                             REAL *scratch)
{
    REAL *const out = (REAL *)o->out + begin, *const to = stream ? scratch : out;
    const fg_grid_axis *const first = o->terms[0].axis;
    /* Short runs would leave parts of lines between them. */
    if (stream && !o->magnitude && o->terms[0].factor == 1.0 && o->count == 1 &&
        first->kind == FG_GRID_ODD && !first->around_nan &&
        first->length * first->stride >= 4 * FG_GRID_PIECE)
        return NAME(along)(first, (const REAL *)o->terms[0].values, begin, end, stream, out);
    const ptrdiff_t wrong =
        (o->magnitude ? NAME(length) : NAME(sum))(o, begin, end, scratch, to);
    if (stream)
        streamed(stream, (const char *)to, (size_t)(end - begin) * sizeof *to, (char *)out);
    return wrong;
}

/* All outputs, a piece at a time, so that each number is read from memory once. */
static ptrdiff_t NAME(run)(const fg_grid_output *outputs, int count, ptrdiff_t begin, ptrdiff_t end,
                           int stream, REAL *scratch)
{
    ptrdiff_t wrong = 0;
    /* Pieces begin with a line of the first output, and as a rule of the others too. */
    const uintptr_t beyond = (uintptr_t)((const REAL *)outputs[0].out + begin) & 63;
    ptrdiff_t size = FG_GRID_PIECE - (ptrdiff_t)(beyond / sizeof(REAL));
    for (ptrdiff_t p = begin; p < end; p += size, size = FG_GRID_PIECE)
        for (int k = 0; k < count; k++)
            wrong += NAME(piece)(outputs + k, p, p + size < end ? p + size : end, stream, scratch);
    return wrong;
}

static ptrdiff_t NAME(tiles)(const fg_grid_output *outputs, int count, ptrdiff_t slab,
                             ptrdiff_t begin, ptrdiff_t end, ptrdiff_t tile, int stream,
                             REAL *scratch)
{
    if (slab <= tile)
        return NAME(run)(outputs, count, begin * slab, end * slab, stream, scratch);
    ptrdiff_t wrong = 0;
    for (ptrdiff_t c = 0; c < slab; c += tile)
        for (ptrdiff_t i = begin; i < end; i++)
            wrong += NAME(run)(outputs, count, i * slab + c,
                               i * slab + (c + tile < slab ? c + tile : slab), stream, scratch);
    return wrong;
}

#undef COUNT
#undef MOST
#undef NAME
#undef REAL
