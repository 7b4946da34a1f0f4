/* The adaptive method: what a component does after a round. */
#include "internal.h"

#include <float.h>

/* A step was too large, and a smaller one is known that was not: near that again, where averaging
 * pays. */
static void step_back(fg_component *c, int noisy)
{
    if (noisy && c->kept < REPEATS)
        fg_go_on(c, c->step * (c->kept % 2 ? SHORTER : LONGER));
    else
        fg_finish(c);
}

/* f did not give numbers at all the points: closer; and to the side where it does, if the edge is
 * nearer than h. */
static void retreat(fg_component *c, const double *values)
{
    int finite[2] = {0, 0};
    const double h = c->h;
    fg_go_on(c, h / (c->failures < NEAR_RETREATS ? RETREAT : FAR_RETREAT));
    c->failures++;
    c->flags |= FG_NONFINITE;
    for (int j = 0; j < FG_WIDTH; j++)
        finite[j % 2] += isfinite(values[j]) != 0;
    if (c->side == 0 && (finite[0] == 3) != (finite[1] == 3) &&
        !(isfinite(values[0]) && isfinite(values[1]))) {
        c->side = finite[0] == 3 ? 1 : -1;
        c->flags |= FG_EDGE;
        fg_go_on(c, h / RETREAT);
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
        fg_go_on(c, FLAT_GROW * c->h);
        return 1;
    }

    c->flags |= FG_FLAT;
    c->value = 0.0;
    c->error = v->noise / larger(c->constant, v->h);
    c->step = larger(c->constant / REACH, DBL_MIN);
    fg_finish(c);
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
            fg_finish(c);
            return;
        }
    } else {
        c->stale = 0;
    }
    c->jump = across;
    c->shrinks++;
    const double first = v->noise > DOUBT * v->largest ? SHRINK_NOISY : SHRINK;
    fg_go_on(c, c->h / (c->shrinks == 1 ? first : SHRINK_AGAIN));
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
        fg_finish(c);
        return;
    }
    if (own * factor >= WORTH * fg_bar(0.0, v->deviation) * (ORDER + 1) / ORDER) {
        fg_go_on(c, c->h * factor);
    } else if (v->noise > NOISY * v->largest && c->kept < REPEATS) {
        /* Noise: average, once with a smaller step, which would show that the first one passed over
         * something. */
        c->stale = 0;
        fg_go_on(c, c->h * (c->kept == 1 ? SECOND * smaller(factor, 1.0)
                                         : factor * (c->kept % 2 ? LONGER : SHORTER)));
    } else {
        fg_finish(c);
    }
}

/* Looks at a kink from two distances: the slopes on both sides, once they agree. */
static void judge_kink(fg_component *c, double base, const double *values, const fg_verdict *v)
{
    if (!(c->kink > KINK_APART * v->h)) {
        c->kink = v->h;
        fg_go_on(c, c->h / KINK_SHRINK);
        return;
    }
    const double half = 0.5 * ((values[0] - base) + (values[1] - base)) / v->h;
    c->flags |= FG_KINK;
    c->value = v->derivative;
    c->error = fabs(half);
    c->step = v->h;
    c->right = v->derivative + half;
    c->left = v->derivative - half;
    fg_finish(c);
}

/* Keeps the estimate of a round, and looks for the next. before: the error bar until now. */
static void keep(fg_component *c, const fg_verdict *v, double before)
{
    c->estimates[c->kept] = v->derivative;
    c->truncations[c->kept] = v->truncation;
    c->deviations[c->kept] = v->deviation;
    c->steps[c->kept++] = v->h;
    fg_pool(c);

    if (fg_bar(v->truncation, v->deviation) <= GOOD * v->size)
        fg_finish(c);
    else
        refine(c, v, before);
}

/* Two steps that contradict each other: the larger one has passed over something. Returns whether
 * that was this one. */
static int contradicts(fg_component *c, const fg_verdict *v)
{
    const double bars = fg_bar(v->truncation, v->deviation) + c->error;
    if (!c->kept || !(v->rough || fabs(v->derivative - c->value) > CONTRADICTION * bars))
        return 0;
    if (v->h > c->step) {
        step_back(c, v->noise > NOISY * v->largest);
        return 1;
    }
    c->kept = 0;
    c->doubted = 1;
    c->error = INFINITY;
    return 0;
}

/* A component whose values are numbers, after a round. */
static void judge(fg_component *c, double base, const double *values, const fg_verdict *v)
{
    const double before = c->error;
    c->flags &= ~FG_NONFINITE;
    if (is_flat(c, base, values, v))
        return;
    if (c->side == 0 && fg_looks_like_kink(values, base, v->noise)) {
        judge_kink(c, base, values, v);
        return;
    }
    if (contradicts(c, v))
        return;
    if (!v->rough) {
        keep(c, v, before);
        return;
    }

    if (!c->kept) { /* nothing better is known; the bar stays infinite */
        c->value = v->derivative;
        c->step = v->h;
    }
    shrink(c, v, values);
}

void fg_judge(fg_component *c, double x, double base, const double *values, const fg_noise *noise)
{
    int finite = 1;
    c->rounds++;
    c->evaluations += FG_WIDTH;
    for (int j = 0; j < FG_WIDTH; j++)
        finite &= isfinite(values[j]) != 0;
    if (!finite && c->kept && fabs(c->h) > c->step) {
        step_back(c, fg_relative_noise(noise) > NOISY);
        return;
    }

    const fg_approximations *const a = c->side ? FG_ONE_SIDED : FG_CENTRAL;
    const fg_verdict v = fg_examine(a, x, c->h, base, values, noise);
    if (finite && isfinite(v.size + v.truncation + v.deviation))
        judge(c, base, values, &v);
    else
        retreat(c, values);
}
