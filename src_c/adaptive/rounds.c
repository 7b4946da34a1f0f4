/* The adaptive method: each component looks for its own step, a round of all unfinished components
 * at a time. */
#include "internal.h"

#include <float.h>
#include <math.h>

/* Next round with step h, or none. */
static void go_on(fg_component *c, double h) { c->h = c->side < 0 ? -fabs(h) : fabs(h); }
static void finish(fg_component *c) { c->done = 1; }

/* A step was too large, and a smaller one is known that was not: near that again, where averaging
 * pays. */
static void step_back(fg_component *c, int noisy)
{
    if (noisy && c->kept < REPEATS)
        go_on(c, c->step * (c->kept % 2 ? SHORTER : LONGER));
    else
        finish(c);
}

/* f did not give numbers at all the points: closer; and to the side where it does, if the edge is
 * nearer than h. */
static void retreat(fg_component *c, const double *values)
{
    int finite[2] = {0, 0};
    const double h = c->h;
    go_on(c, h / (c->failures < NEAR_RETREATS ? RETREAT : FAR_RETREAT));
    c->failures++;
    c->flags |= FG_NONFINITE;
    for (int j = 0; j < FG_WIDTH; j++)
        finite[j % 2] += isfinite(values[j]) != 0;
    if (c->side == 0 && (finite[0] == 3) != (finite[1] == 3) &&
        !(isfinite(values[0]) && isfinite(values[1]))) {
        c->side = finite[0] == 3 ? 1 : -1;
        c->flags |= FG_EDGE;
        go_on(c, h / RETREAT);
    }
}

/* Whether f is constant around x: all the values equal f(x), or those farther away contradict those
 * that did. */
static int is_flat(fg_component *c, double base, const double *values, const fg_verdict *v)
{
    int equal = 0;
    for (int j = 0; j < FG_WIDTH; j++)
        equal += values[j] == base;
    const int near = values[0] == base && values[1] == base && v->rough;
    const int contradiction =
        c->flats && (v->rough || fabs(v->derivative) * c->constant > FLAT_DEVIATIONS * v->noise);
    if (equal < FG_WIDTH && !near && !contradiction)
        return 0;
    if (equal == FG_WIDTH)
        c->constant = larger(c->constant, REACH * v->h);
    if (equal == FG_WIDTH && c->flats < FLAT_LOOKS && c->shrinks == 0) {
        c->flats++;
        go_on(c, FLAT_GROW * c->h);
        return 1;
    }
    c->flags |= FG_FLAT;
    c->value = 0.0;
    c->error = v->noise / larger(c->constant, v->h);
    c->step = larger(c->constant / REACH, DBL_MIN);
    finish(c);
    return 1;
}

/* Where the approximations do not converge: a much smaller step, unless the smaller one showed a
 * jump. */
static void shrink(fg_component *c, const fg_verdict *v, const double *values)
{
    const double across = c->side ? NAN : fabs(values[0] - values[1]);
    if (c->shrinks && fabs(across - c->jump) < JUMP_CHANGE * c->jump &&
        across > JUMP_DEVIATIONS * v->noise) {
        if (++c->stale >= JUMP_LOOKS) {
            c->flags |= FG_JUMP;
            c->value = NAN;
            c->error = INFINITY;
            c->step = v->h;
            finish(c);
            return;
        }
    } else {
        c->stale = 0;
    }
    c->jump = across;
    c->shrinks++;
    const double first = v->noise > DOUBT * v->largest ? SHRINK_NOISY : SHRINK;
    go_on(c, c->h / (c->shrinks == 1 ? first : SHRINK_AGAIN));
}

/* The factor to the step that balances truncation against noise. Where noise hides the truncation,
 * the largest that the values allow. */
static double balanced(const fg_approximations *a, const fg_verdict *v)
{
    const int seen = v->low > SEEN_DEVIATIONS * v->low_noise;
    double factor = LARGEST_CHANGE;
    if (seen) {
        const double hidden = fg_next_error(a, v->size, v->low);
        const double truncation =
            v->middle > SEEN_DEVIATIONS * v->middle_noise ? v->truncation : hidden;
        factor = pow(fg_bar(0.0, v->deviation) / (ORDER * fg_bar(larger(truncation, DBL_MIN), 0.0)),
                     BALANCE);
    } else if (v->size > 0.0) {
        /* low is f''' h^2 / 6: this is f's length scale, in steps. */
        const double scale = sqrt(larger(v->size / (6 * larger(v->low, v->low_noise)), 1.0));
        const double noise = v->noise / (v->size * scale * v->h);
        factor = larger(scale * smaller(1.0, pow(HIDDEN_BALANCE * noise, BALANCE)), 1.0);
    }
    return smaller(larger(factor, 1.0 / LARGEST_CHANGE), LARGEST_CHANGE);
}

/* Another round where it pays. */
static void refine(fg_component *c, const fg_verdict *v, double before)
{
    const double own = fg_bar(v->truncation, v->deviation);
    const double factor = balanced(c->side ? FG_ONE_SIDED : FG_CENTRAL, v);
    if (c->rounds > 1 && !(c->error < PROGRESS * before) && ++c->stale >= STALE_ROUNDS) {
        finish(c);
        return;
    }
    if (own * factor >= WORTH * fg_bar(0.0, v->deviation) * (ORDER + 1) / ORDER) {
        go_on(c, c->h * factor);
    } else if (v->noise > NOISY * v->largest && c->kept < REPEATS) {
        /* Noise: average, once with a smaller step, which would show that the first one passed over
         * something. */
        c->stale = 0;
        go_on(c, c->h * (c->kept == 1 ? SECOND * smaller(factor, 1.0)
                                      : factor * (c->kept % 2 ? 1.13 : 0.89)));
    } else {
        finish(c);
    }
}

/* Looks at a kink from two distances: the slopes on both sides, once they agree. */
static void judge_kink(fg_component *c, double base, const double *values, const fg_verdict *v)
{
    if (!(c->kink > KINK_APART * v->h)) {
        c->kink = v->h;
        go_on(c, c->h / KINK_SHRINK);
        return;
    }
    const double half = 0.5 * ((values[0] - base) + (values[1] - base)) / v->h;
    c->flags |= FG_KINK;
    c->value = v->derivative;
    c->error = fabs(half);
    c->step = v->h;
    c->right = v->derivative + half;
    c->left = v->derivative - half;
    finish(c);
}

/* A component after a round. */
static void judge(fg_component *c, double x, double base, const double *values,
                  const fg_noise *noise)
{
    c->rounds++;
    c->evaluations += FG_WIDTH;
    for (int j = 0; j < FG_WIDTH; j++)
        if (!isfinite(values[j])) {
            if (c->kept && fabs(c->h) > c->step)
                step_back(c, fg_relative_noise(noise) > NOISY);
            else
                retreat(c, values);
            return;
        }
    const fg_verdict v =
        fg_examine(c->side ? FG_ONE_SIDED : FG_CENTRAL, x, c->h, base, values, noise);
    if (!isfinite(v.size + v.truncation + v.deviation)) {
        retreat(c, values);
        return;
    }
    c->flags &= ~FG_NONFINITE;
    if (is_flat(c, base, values, &v))
        return;
    const double before = c->error, own = fg_bar(v.truncation, v.deviation);
    if (c->side == 0 && fg_looks_like_kink(values, base, v.noise)) {
        judge_kink(c, base, values, &v);
        return;
    }
    if (c->kept && (v.rough || fabs(v.derivative - c->value) > CONTRADICTION * (own + c->error))) {
        /* Two steps that contradict each other: the larger one has passed over something. */
        if (v.h > c->step) {
            step_back(c, v.noise > NOISY * v.largest);
            return;
        }
        c->kept = 0;
        c->doubted = 1;
        c->error = INFINITY;
    }
    if (v.rough) {
        if (!c->kept) { /* nothing better is known; the bar stays infinite */
            c->value = v.derivative;
            c->step = v.h;
        }
        shrink(c, &v, values);
        return;
    }
    c->estimates[c->kept] = v.derivative;
    c->truncations[c->kept] = v.truncation;
    c->deviations[c->kept] = v.deviation;
    c->steps[c->kept++] = v.h;
    fg_pool(c);
    if (own <= GOOD * v.size)
        finish(c);
    else
        refine(c, &v, before);
}

/* Keeps the points of the next round within the room that there is. */
static void fit(fg_component *c, double x, double down, double up)
{
    const double wanted = fabs(c->h), nearest = smaller(down, up);
    if (c->side == 0 && REACH * wanted > nearest) {
        if (nearest >= CENTRAL_ROOM * wanted) {
            c->h = nextafter(nearest / REACH, 0.0);
        } else {
            c->side = up >= down ? 1 : -1;
            c->flags |= FG_EDGE;
        }
    }
    if (c->side)
        go_on(c, smaller(wanted, nextafter((c->side > 0 ? up : down) / ONE_SIDED_REACH, 0.0)));
    const double moved = x + c->h;
    c->h = moved - x;
    if (c->h == 0.0)
        finish(c);
}

/* One round for the unfinished components among [begin, end) with a central (or one-sided) stencil.
 */
static int round_of(const fg_function *f, ptrdiff_t n, const double *x, const double *base,
                    fg_noise *noise, fg_component *work, ptrdiff_t begin, ptrdiff_t end,
                    int one_sided, double *scratch, ptrdiff_t block)
{
    const fg_approximations *a = one_sided ? FG_ONE_SIDED : FG_CENTRAL;
    double *const values = scratch, *const h = scratch + block * FG_WIDTH;
    ptrdiff_t *const components = (ptrdiff_t *)(void *)(h + block);
    ptrdiff_t count = 0;
    for (ptrdiff_t c = begin; c < end; c++)
        if (!work[c].done && (work[c].side != 0) == one_sided) {
            h[count] = work[c].h;
            components[count++] = c;
        }
    if (!count)
        return FG_OK;
    const fg_shifts shifts = {.n = n,
                              .x = x,
                              .components = components,
                              .h = h,
                              .count = count,
                              .offsets = a->offsets,
                              .width = FG_WIDTH};
    const int status = f->at_shifts(f->ctx, &shifts, values);
    if (status != FG_OK)
        return status;
    for (ptrdiff_t k = 0; k < count; k++)
        for (int j = 0; j < FG_WIDTH && noise[components[k] / n].narrow; j++)
            noise[components[k] / n].narrow = fits_float32(values[k * FG_WIDTH + j]);
    for (ptrdiff_t k = 0; k < count; k++) {
        const ptrdiff_t c = components[k];
        judge(work + c, x[c], base[c / n], values + k * FG_WIDTH, noise + c / n);
    }
    return FG_OK;
}

/* A component's part of f(x), two more looks at the first edge of the domain, and those for the
 * noise. */
static double shared_evaluations(ptrdiff_t n, const fg_noise *noise, const fg_component *c)
{
    return (1.0 + (c->failures ? 2.0 : 0.0) + noise->evaluations) / (double)n;
}

/* Rounds until all components in [begin, end) are done, at most as many as the evaluations allow.
 */
static int all_rounds(const fg_function *f, ptrdiff_t n, const double *x, const double *base,
                      fg_noise *noise, const double *room, ptrdiff_t total, fg_component *work,
                      ptrdiff_t begin, ptrdiff_t end, int pass, double *scratch, ptrdiff_t block)
{
    for (int open = 1; open;) {
        open = 0;
        for (ptrdiff_t c = begin; c < end; c++) {
            const double shared = shared_evaluations(n, noise + c / n, work + c);
            if (!work[c].done && (work[c].rounds >= FG_ROUNDS ||
                                  work[c].evaluations + FG_WIDTH + shared > EVALUATIONS))
                finish(work + c);
            if (!work[c].done && pass == 0 && work[c].rounds >= PATIENCE && !work[c].kept &&
                isfinite(noise[c / n].slope))
                work[c].done = work[c].paused = 1;
            if (!work[c].done)
                fit(work + c, x[c], room ? room[c] : INFINITY, room ? room[total + c] : INFINITY);
            open |= !work[c].done;
        }
        /* One-sided first: a component that turns one-sided in this round must be fitted again
         * before the next. */
        for (int one_sided = 1; one_sided >= 0 && open; one_sided--) {
            const int status =
                round_of(f, n, x, base, noise, work, begin, end, one_sided, scratch, block);
            if (status != FG_OK)
                return status;
        }
    }
    return FG_OK;
}

static void start(fg_component *c, double h)
{
    *c = (fg_component){.value = NAN,
                        .error = INFINITY,
                        .step = 0.0,
                        .left = NAN,
                        .right = NAN,
                        .h = h,
                        .evaluations = c->evaluations};
}

/* Components that paused go on. */
static int resume(fg_component *work, ptrdiff_t count)
{
    int any = 0;
    for (ptrdiff_t c = 0; c < count; c++)
        if (work[c].paused) {
            work[c].done = work[c].paused = 0;
            any = 1;
        }
    return any;
}

/* Whether the derivatives of a point add up to the slope of the noise's line, or that slope says
 * nothing. */
static int agrees(ptrdiff_t n, const double *scale, const fg_noise *noise, double level,
                  const fg_component *work)
{
    double sum = 0.0, tolerance = LINE_DEVIATIONS * level / noise->accepted;
    if (!isfinite(noise->slope) || tolerance > LINE_UNCLEAR * fabs(noise->slope))
        return 1;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum += fg_line_sign(i) * scale[i] * work[i].value;
        tolerance += scale[i] * (work[i].error + LINE_RELATIVE * fabs(work[i].value));
    }
    return fabs(noise->slope - sum) <= tolerance;
}

/* The components of point p whose derivative contradicts a difference at the spacing of the noise's
 * line, where f is smooth along all coordinates at once: their step passed over something, such as
 * periods. They start again. */
static int distrust(const fg_function *f, ptrdiff_t n, const double *x, const double *scale,
                    const fg_noise *noise, fg_component *work, ptrdiff_t p, double *scratch,
                    ptrdiff_t block, int *again)
{
    static const double both[2] = {1.0, -1.0};
    const double level = noise->level + fg_epsilon_of(noise) * noise->size, t = noise->accepted;
    double *const values = scratch, *const h = scratch + block * FG_WIDTH;
    ptrdiff_t *const components = (ptrdiff_t *)(void *)(h + block);
    *again |= resume(work + p * n, n);
    if (agrees(n, scale + p * n, noise, level, work + p * n))
        return FG_OK;
    for (ptrdiff_t c = p * n; c < (p + 1) * n;) {
        ptrdiff_t count = 0;
        for (; c < (p + 1) * n && count < block; c++) {
            const double moved = x[c] + t * scale[c];
            const double shared = shared_evaluations(n, noise, work + c);
            if (moved == x[c] || work[c].flags & (FG_KINK | FG_JUMP))
                continue;
            if (work[c].evaluations + 2 + FG_WIDTH + shared >
                EVALUATIONS) { /* one of the suspects, and no way to tell */
                work[c].error = INFINITY;
                work[c].kept = 0;
                continue;
            }
            h[count] = moved - x[c];
            components[count++] = c;
        }
        const fg_shifts shifts = {.n = n,
                                  .x = x,
                                  .components = components,
                                  .h = h,
                                  .count = count,
                                  .offsets = both,
                                  .width = 2};
        const int status = count ? f->at_shifts(f->ctx, &shifts, values) : FG_OK;
        if (status != FG_OK)
            return status;
        for (ptrdiff_t k = 0; k < count; k++) {
            fg_component *const own = work + components[k];
            const double slope = (values[2 * k] - values[2 * k + 1]) / (2.0 * h[k]);
            const double error = BLAME_DEVIATIONS * level / h[k] + BLAME_RELATIVE * fabs(slope);
            own->evaluations += 2;
            if (isfinite(slope) && !(fabs(slope - own->value) <= own->error + error)) {
                start(own, BLAME_STEP * h[k]);
                *again = 1;
            }
        }
    }
    return FG_OK;
}

int fg_adaptive(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points,
                const double *base, fg_noise *noise, const double *scale, const double *room,
                fg_component *work, double *scratch, ptrdiff_t size)
{
    const ptrdiff_t total = points * n, block = size / 16;
    for (ptrdiff_t c = 0; c < total; c++) {
        const fg_noise *own = noise + c / n;
        work[c] = (fg_component){0};
        start(work + c, scale[c] * smaller(pow(FIRST_STEP * fg_relative_noise(own), BALANCE), 1.0));
        if (n == 1 && own->hidden && own->accepted < HIDDEN_SPACING)
            work[c].h = smaller(work[c].h, HIDDEN_STEP * own->accepted * scale[c]);
        if (room && room[c] == 0.0 && room[total + c] == 0.0) {
            work[c].flags = FG_EDGE;
            finish(work + c);
        }
    }
    for (int pass = 0, again = 1; pass < 2 && again; pass++) {
        again = 0;
        for (ptrdiff_t begin = 0; begin < total; begin += block) {
            const ptrdiff_t end = total - begin < block ? total : begin + block;
            const int status = all_rounds(f, n, x, base, noise, room, total, work, begin, end, pass,
                                          scratch, block);
            if (status != FG_OK)
                return status;
        }
        for (ptrdiff_t p = 0; p < points && pass == 0; p++) {
            const int status = distrust(f, n, x, scale, noise + p, work, p, scratch, block, &again);
            if (status != FG_OK)
                return status;
        }
    }
    for (ptrdiff_t p = 0; p < points; p++)
        if (noise[p].level > NOISY * noise[p].size && noise[p].evaluations)
            fg_calibrate(n, noise + p, work + p * n);
    for (ptrdiff_t c = 0; c < total; c++) {
        if (noise[c / n].level > FLAG_NOISY * noise[c / n].size && isfinite(work[c].value))
            work[c].flags |= FG_NOISY;
        if (!isfinite(work[c].value) && !(work[c].flags & (FG_EDGE | FG_JUMP)))
            work[c].flags |= FG_NONFINITE;
    }
    return FG_OK;
}

void fg_read_components(ptrdiff_t count, const fg_component *components, double *found, int *flags)
{
    for (ptrdiff_t c = 0; c < count; c++) {
        found[c] = components[c].value;
        found[count + c] = components[c].error;
        found[2 * count + c] = components[c].step;
        found[3 * count + c] = components[c].left;
        found[4 * count + c] = components[c].right;
        flags[c] = components[c].flags;
    }
}
