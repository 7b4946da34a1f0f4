/* The adaptive method: each component looks for its own step, a round of all unfinished components
 * at a time. */
#include "internal.h"

#include <float.h>
#include <math.h>

/* Tuned by bench/accuracy.py over tests/problems.py; see docs/adaptive.md. */
static const double SECOND =
    0.618; /* of the first step, under noise: in step with no period of f that the first was */
static const double GOOD = 3e-10;       /* relative error bar that needs no further round */
static const double WORTH = 6.0;        /* predicted gain that is worth another round */
static const double NOISY = 1e-13;      /* relative noise from which repeating rounds pays */
static const double FLAG_NOISY = 1e-10; /* and from which the user should know */
static const int REPEATS = 4;
static const int PATIENCE =
    3; /* rounds without an estimate, before the line of the noise is asked where f is smooth */
static const int EVALUATIONS = 40; /* a component at most, with its part of those that all share */

/* Next round with step h, or none. */
static void go_on(fg_component *c, double h) { c->h = c->side < 0 ? -fabs(h) : fabs(h); }
static void finish(fg_component *c) { c->done = 1; }

/* A step was too large, and a smaller one is known that was not: near that again, where averaging
 * pays. */
static void step_back(fg_component *c, int noisy)
{
    if (noisy && c->kept < REPEATS)
        go_on(c, c->step * (c->kept % 2 ? 0.89 : 1.13));
    else
        finish(c);
}

/* f did not give numbers at all the points: closer; and to the side where it does, if the edge is
 * nearer than h. */
static void retreat(fg_component *c, const double *values)
{
    int finite[2] = {0, 0};
    const double h = c->h;
    go_on(c, h / (c->failures < 2 ? 8.0 : 1000.0));
    c->failures++;
    c->flags |= FG_NONFINITE;
    for (int j = 0; j < FG_WIDTH; j++)
        finite[j % 2] += isfinite(values[j]) != 0;
    if (c->side == 0 && (finite[0] == 3) != (finite[1] == 3) &&
        !(isfinite(values[0]) && isfinite(values[1]))) {
        c->side = finite[0] == 3 ? 1 : -1;
        c->flags |= FG_EDGE;
        go_on(c, h / 8.0);
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
        c->flats && (v->rough || fabs(v->derivative) * c->constant > 8.0 * v->noise);
    if (equal < FG_WIDTH && !near && !contradiction)
        return 0;
    if (equal == FG_WIDTH)
        c->constant = larger(c->constant, 3.0 * v->h);
    if (equal == FG_WIDTH && c->flats < 2 && c->shrinks == 0) {
        c->flats++;
        go_on(c, 10.0 * c->h);
        return 1;
    }
    c->flags |= FG_FLAT;
    c->value = 0.0;
    c->error = v->noise / larger(c->constant, v->h);
    c->step = larger(c->constant / 3.0, DBL_MIN);
    finish(c);
    return 1;
}

/* Where the approximations do not converge: a much smaller step, unless the smaller one showed a
 * jump. */
static void shrink(fg_component *c, const fg_verdict *v, const double *values)
{
    const double across = c->side ? NAN : fabs(values[0] - values[1]);
    if (c->shrinks && fabs(across - c->jump) < 0.1 * c->jump && across > 16.0 * v->noise) {
        if (++c->stale >= 2) {
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
    go_on(c, c->h / (c->shrinks == 1 ? (v->noise > FG_DOUBT * v->largest ? 8.0 : 32.0) : 1024.0));
}

/* The factor to the step that balances truncation against noise. Where noise hides the truncation,
 * the largest that the values allow. */
static double balanced(const fg_approximations *a, const fg_verdict *v)
{
    const int seen = v->low > 3 * v->low_noise;
    double factor = 1e3;
    if (seen) {
        const double hidden = v->low * pow(v->low / v->size, a->ratio_power);
        const double truncation = v->middle > 3 * v->middle_noise ? v->truncation : hidden;
        factor =
            pow(fg_bar(0.0, v->deviation) / (6 * fg_bar(larger(truncation, DBL_MIN), 0.0)), 1. / 7);
    } else if (v->size > 0.0) {
        const double scale = sqrt(larger(v->size / (6 * larger(v->low, v->low_noise)), 1.0));
        factor = larger(
            scale * smaller(1.0, pow(42.8 * v->noise / (v->size * scale * v->h), 1. / 7)), 1.0);
    }
    return smaller(larger(factor, 1e-3), 1e3);
}

/* Another round where it pays. */
static void refine(fg_component *c, const fg_verdict *v, double before)
{
    const double own = fg_bar(v->truncation, v->deviation);
    const double factor = balanced(c->side ? &fg_one_sided : &fg_central, v);
    if (c->rounds > 1 && !(c->error < 0.3 * before) && ++c->stale > 1) {
        finish(c);
        return;
    }
    if (own * factor >= WORTH * fg_bar(0.0, v->deviation) * 7. / 6) {
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
    if (!(c->kink > 4.0 * v->h)) {
        c->kink = v->h;
        go_on(c, c->h / 32.0);
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
        fg_examine(c->side ? &fg_one_sided : &fg_central, x, c->h, base, values, noise);
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
    if (c->kept && (v.rough || fabs(v.derivative - c->value) > 2 * (own + c->error))) {
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
    if (c->side == 0 && 3.0 * wanted > nearest) {
        if (8.0 * nearest >= 3.0 * wanted) {
            c->h = nextafter(nearest / 3.0, 0.0);
        } else {
            c->side = up >= down ? 1 : -1;
            c->flags |= FG_EDGE;
        }
    }
    if (c->side)
        go_on(c, smaller(wanted, nextafter((c->side > 0 ? up : down) / 6.0, 0.0)));
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
    const fg_approximations *a = one_sided ? &fg_one_sided : &fg_central;
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
    double sum = 0.0, tolerance = 10.0 * level / noise->accepted;
    if (!isfinite(noise->slope) || tolerance > 0.1 * fabs(noise->slope))
        return 1;
    for (ptrdiff_t i = 0; i < n; i++) {
        sum += fg_line_sign(i) * scale[i] * work[i].value;
        tolerance += scale[i] * (work[i].error + 1e-6 * fabs(work[i].value));
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
            const double error = 3.0 * level / h[k] + 1e-4 * fabs(slope);
            own->evaluations += 2;
            if (isfinite(slope) && !(fabs(slope - own->value) <= own->error + error)) {
                start(own, 4.0 * h[k]);
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
        start(work + c, scale[c] * smaller(pow(12 * fg_relative_noise(own), 1. / 7), 1.0));
        if (n == 1 && own->hidden && own->accepted < 5e-7)
            work[c].h = smaller(work[c].h, 32.0 * own->accepted * scale[c]);
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
