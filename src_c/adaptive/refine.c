/* Which window next: the one that gains most for its evaluations. */
#include "internal.h"

void fg_choose(const fg_search *s, ptrdiff_t c, ptrdiff_t o)
{
    fg_entry *const e = fg_entry_of(s, c, o);
    fg_window w, best = {.s = 0.0};
    double least = INFINITY;
    if (e->phase == DONE || !e->view.pairs)
        return;
    for (int k = 0; k < e->count; k++) {
        fg_look_at(s, c, o, e->kept[k], &w);
        if (k == 0 || w.bar < least) {
            least = w.bar;
            best = w;
        }
    }
    fg_believe(s, c, o, &best);
}

static int is_matrix(const fg_search *s) { return s->outputs > 1 || s->wanted->deriv == 2; }

double fg_enough(const fg_search *s)
{
    if (s->wanted->tolerance > 0.0)
        return s->wanted->tolerance;
    return is_matrix(s) ? GOOD_OF_MATRICES : GOOD;
}

/* Above this a bar is bad. */
static double bad_bar(const fg_search *s, const fg_entry *e)
{
    return (s->wanted->deriv == 1 ? BAD : BAD_SECOND) * e->size;
}

/* The window that gains most, in *at; whether there is one. */
static int next(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *v, fg_place *at)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const fg_entry *const e = fg_entry_of(s, c, out);
    /* Where more is wanted than pays, it may cost. */
    const int close = fg_enough(s) >= GOOD && e->error <= bad_bar(s, e);
    const double good = is_matrix(s) ? WORTH_GOOD_OF_MATRICES : WORTH_GOOD;
    const double worth = log2(o->noisy ? WORTH_NOISY : close ? good : WORTH_BAD);
    const double least = o->noisy ? LEAST_GAIN_NOISY : LEAST_GAIN;
    const int now = fg_rounded(log2(s->column[c].unit / fabs(v->s))), room = fg_room(s, c);
    const double rho = fg_ratio_of(v);
    double best = 0.0;
    for (int pairs = v->at.side ? 1 : 3; pairs <= (v->at.side ? 1 : MOST_PAIRS); pairs++)
        for (int level = now - LEVELS_UP; level <= now + LEVELS_DOWN; level++) {
            const fg_place there = {(short)level, (signed char)pairs, v->at.side};
            if (level > SMALLEST_LEVEL || level - pairs + 1 < e->nearest ||
                (o->noisy && level - pairs + 1 < NOISY_LEVEL))
                continue;
            if (v->at.side && (level < e->nearest || level == now))
                continue;
            if (level == v->at.level && pairs == v->at.pairs)
                continue;
            int known = 0;
            for (int k = 0; k < e->count; k++)
                known |= e->kept[k].level == level && e->kept[k].pairs == pairs;
            if (known)
                continue;
            const double bar = fg_forecast(s, c, out, v, rho, there, e->error / least);
            if (!(bar > 0.0) || e->error < least * bar)
                continue;
            const double gain = log2(e->error / bar);
            if (gain <= best)
                continue;
            const int cost = fg_missing(s, c, there);
            if (cost > room)
                continue;
            const double score = gain - cost * worth;
            if (score > best) {
                best = score;
                *at = there;
            }
        }
    return best > 0.0;
}

/* Whether a window and what is known cannot both be right. */
static int contradicts(const fg_entry *e, const fg_window *w)
{
    return fabs(w->derivative - e->value) > CONTRADICTION * (w->bar + e->error) ||
           fabs(w->second - e->curvature) >
               CURVATURE_CONTRADICTION * (w->second_bar + e->curvature_error);
}

/* What the window that was wanted says. Returns whether there may be another. */
static int judge(const fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const double before = e->error;
    const int farther = fg_distance(s, c, e->want.level) > e->step;
    const int nearest = e->want.side ? e->want.level + 1 : e->want.level - e->want.pairs + 2;
    fg_window w;
    fg_look_at(s, c, out, e->want, &w);
    if (!w.finite) {
        e->nearest = fg_higher(e->nearest, nearest);
        return 1;
    }
    if (w.rough && !farther) {
        /* A window that lies within one that looked smooth, and is not: closer than both. */
        e->count = 0;
        e->view.pairs = 0;
        e->doubted = 1;
        e->error = INFINITY;
        e->phase = FIRST;
        e->want = (fg_place){(short)(e->want.level + 3), e->want.side ? 1 : 3, e->want.side};
        return 1;
    }
    if (w.rough || contradicts(e, &w)) {
        if (farther) {
            e->nearest = fg_higher(e->nearest, nearest);
            if (!e->rough.pairs)
                e->rough = w.at;
            return 1;
        }
        /* A smaller step that contradicts: the larger one passed over something. */
        e->count = 0;
        e->view.pairs = 0;
        e->doubted = 1;
        fg_keep(s, c, out, &w);
        return 1;
    }
    fg_keep(s, c, out, &w);
    return !(e->error > PROGRESS * before);
}

/* Whether a bar is bad still, and the last window shows what no smooth function does. */
static int looks_at_sides(const fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    const fg_entry *const e = fg_entry_of(s, c, out);
    fg_window w;
    if (e->sides || e->phase != READY || !e->view.pairs)
        return 0;
    if (e->error <= bad_bar(s, e))
        return 0;
    fg_look_at(s, c, out, e->want, &w);
    return w.finite && fg_want_sides(s, c, out, &w, SIDES_LEAST, SIDES_MOST);
}

int fg_refine(fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    while (e->refinements < REFINEMENTS) {
        if (e->phase == FIRST && fg_find_first(s, c, out))
            return 1;
        if (e->phase != READY || !e->view.pairs)
            return 0;
        if (!e->waits) {
            fg_window v;
            if (e->error <= fg_enough(s) * e->size)
                break;
            fg_look_at(s, c, out, e->view, &v);
            if (v.at.pairs == 2)
                e->want = (fg_place){v.at.level, 3, 0};
            else if (!next(s, c, out, &v, &e->want)) {
                const fg_place farther = {(short)(v.at.level - 3), 3, 0};
                if (v.seen || v.at.side || fg_room(s, c) < 6 || farther.level - 2 < e->nearest ||
                    (fg_output_of(s, c, out)->noisy && farther.level - 2 < NOISY_LEVEL))
                    break;
                e->want = farther;
            }
            e->waits = 1;
        }
        if (fg_missing(s, c, e->want)) {
            if (fg_missing(s, c, e->want) > fg_room(s, c))
                break;
            return 1;
        }
        e->waits = 0;
        e->refinements++;
        const int goes_on = judge(s, c, out);
        if (!looks_at_sides(s, c, out) && !goes_on)
            break;
    }
    e->refinements = REFINEMENTS;
    return 0;
}
