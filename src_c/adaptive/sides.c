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
    if (e->sides || w->at.side || o->noisy || o->narrow)
        return 0;
    const double grows = growth(w);
    const fg_place want = both(s, c, w->at);
    if (!(grows > least && grows < most) || want.level > SMALLEST_LEVEL ||
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
    if (!jumps) {
        e->want = e->resume;
        e->phase = e->resume.pairs ? FIRST : READY;
        return;
    }
    e->count = 0;
    e->view.pairs = 0;
    e->error = INFINITY;
    e->phase = READY;
    fg_keep(e, right);
    fg_keep(e, left);
    if (s->wanted->deriv == 2) {
        e->flags |= FG_UNDETERMINED;
        e->value = NAN;
        e->phase = DONE;
    }
}
