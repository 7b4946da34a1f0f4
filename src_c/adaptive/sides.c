/* Where the second derivative of f jumps at x, as that of max(0, x)^2 at 0: each side of x alone.
 */
#include "internal.h"

/* How the odd part beyond its slope grows as the distance doubles: 8 times or more where f is
 * smooth, 4 times where its second derivative jumps. 0 where that is not seen. */
static double growth(const fg_window *w)
{
    double beyond[2];
    for (int k = 0; k < 2; k++)
        beyond[k] = 0.5 * (w->y[2 * k + 2] - w->y[2 * k + 3]) - (w->y[2 * k] - w->y[2 * k + 1]);
    return fabs(beyond[0]) > JUMP_DEVIATIONS * w->sigma ? beyond[1] / beyond[0] : 0.0;
}

/* The pairs that make a window on each side, of which most are known. */
static fg_place both(const fg_search *s, ptrdiff_t c, fg_place at)
{
    int known = 0;
    while (known < ONE_SIDED_POINTS && fg_record_at(s, c, fg_distance(s, c, at.level - known), 2))
        known++;
    return (fg_place){(short)(at.level + ONE_SIDED_POINTS - known), ONE_SIDED_POINTS, 0};
}

int fg_want_sides(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w, double least,
                  double most)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    /* So close to x, a power looks like little noise. */
    if (e->sides || w->at.side || (o->noisy && o->relative > FLAG_NOISY) || o->narrow)
        return 0;
    const double grows = growth(w), grew = e->grew;
    const int again =
        grows > SIDES_LEAST && grows < SIDES_MOST && fabs(grows - grew) < SIDES_AGAIN * grows;
    e->grew = grows;
    const fg_place want = both(s, c, w->at);
    if (!((grows > least && grows < most) || again) || want.level > SMALLEST_LEVEL ||
        fg_missing(s, c, want) > fg_room(s, c))
        return 0;
    e->sides = ASKED;
    e->resume = e->phase == FIRST ? w->at : (fg_place){.pairs = 0};
    e->phase = FIRST;
    e->want = want;
    return 1;
}

/* Resolved, or but for noise: where pieces of f meet at x, one of them is off by the rounding of
 * its own coefficients. */
static int is_resolved(const fg_window *w)
{
    return w->finite && !w->rough &&
           (w->ratio * ONE_SIDED_REACH < WORSE_UNRESOLVED ||
            w->noise < SUSPECT * fg_one_sided_norms[0] * w->sigma);
}

/* The slope beside a power of the distance, of the odd part from pair k on (Aitken 1926), in units
 * of the closest distance. */
static double beside_power(const double *odd, const double *beyond, int k)
{
    return ldexp(odd[k] - beyond[k] / (beyond[k + 1] / beyond[k] - 2.0), -k);
}

/* Whether the odd part is a slope and a power of the distance, such as |x|^1.25: then the slope. */
static int take_power(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *right,
                      const fg_window *left)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    double odd[ONE_SIDED_POINTS], beyond[ONE_SIDED_POINTS - 1];
    for (int k = 0; k < ONE_SIDED_POINTS; k++)
        odd[k] = 0.5 * (right->y[k] - left->y[k]);
    for (int k = 0; k < ONE_SIDED_POINTS - 1; k++)
        beyond[k] = odd[k + 1] - 2.0 * odd[k];
    const double grows = beyond[1] / beyond[0], sigma = larger(right->sigma, left->sigma);
    const double even[2] = {right->y[0] + left->y[0], right->y[1] + left->y[1]};
    int alike =
        right->finite && left->finite && grows > SIDES_LEAST && grows < SIDES_MOST &&
        fabs(beyond[0]) > JUMP_DEVIATIONS * sigma &&
        (fabs(even[1]) > SIDES_LEAST * fabs(even[0]) || fabs(even[0]) < JUMP_DEVIATIONS * sigma);
    for (int k = 1; k < ONE_SIDED_POINTS - 2; k++)
        alike &= fabs(beyond[k + 1] / beyond[k] - grows) < POWER_ALIKE * grows;
    if (!alike || (s->wanted->deriv == 2 && grows > 4.0 * (1.0 - POWER_ALIKE)))
        return 0;
    double slopes[3];
    for (int k = 0; k < 3; k++)
        slopes[k] = beside_power(odd, beyond, k);
    /* Of the closest values by rounding: the parts of odd[0] and of both beyond. */
    const double own = 1.0 / (grows - 2.0);
    const double noise = sigma * sqrt(0.5) * (1.0 + 2.3 * own * (1.0 + (grows + 1.0) * own));
    e->value = slopes[0] / right->s;
    e->error = (fabs(slopes[0] - slopes[1]) + 0.25 * fabs(slopes[1] - slopes[2]) +
                DEVIATIONS_OF_ONE * noise) /
               right->s;
    e->step = right->s;
    if (s->wanted->deriv == 2) {
        e->flags |= FG_UNDETERMINED;
        e->value = NAN;
        e->error = INFINITY;
    }
    e->phase = DONE;
    return 1;
}

void fg_judge_sides(const fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    fg_window side[2];
    e->sides = JUDGED;
    for (int k = 0; k < 2; k++)
        fg_look_at(s, c, out, (fg_place){e->want.level, 1, k ? -1 : 1}, side + k);
    const fg_window *const right = side, *const left = side + 1;
    const double bars = right->first_bar + left->first_bar;
    const int jumps = is_resolved(right) && is_resolved(left) &&
                      fabs(right->first - left->first) <= bars &&
                      fabs(right->second - left->second) >
                          CURVATURE_CONTRADICTION * (right->second_bar + left->second_bar);
    if (!jumps && take_power(s, c, out, right, left))
        return;
    if (!jumps) {
        e->want = e->resume;
        e->phase = e->resume.pairs ? FIRST : READY;
        return;
    }
    e->count = 0;
    e->view.pairs = 0;
    e->error = INFINITY;
    e->phase = READY;
    fg_keep(s, c, out, right);
    fg_keep(s, c, out, left);
    if (s->wanted->deriv == 2) {
        e->flags |= FG_UNDETERMINED;
        e->value = NAN;
        e->error = INFINITY;
        e->phase = DONE;
    }
}
