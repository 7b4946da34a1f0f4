/* The first window in which a derivative can be seen, closer and closer to x. */
#include "internal.h"

/* The lowest level at which `reach` times the distance is within `room`. */
static int level_within(double unit, double room, double reach)
{
    if (!(room < INFINITY))
        return LOWEST_LEVEL;
    return fg_rounded(ceil(log2(reach * unit / room * (1.0 + 4.0 * EPSILON))));
}

/* The lowest level of a window on one side of x, within bounds. */
static short nearest_on_side(const fg_search *s, ptrdiff_t c, int side)
{
    if (!s->wanted->room)
        return LOWEST_LEVEL;
    const double room = s->wanted->room[side > 0 ? s->columns + c : c];
    return (short)level_within(s->column[c].unit, room, ONE_SIDED_REACH);
}

/* Within bounds: the side, and the level where all fits. */
static void fit(const fg_search *s, ptrdiff_t c, fg_entry *e)
{
    const double *const room = s->wanted->room;
    if (!room)
        return;
    const double unit = s->column[c].unit, down = room[c], up = room[s->columns + c];
    if (down == 0.0 && up == 0.0) {
        e->flags |= FG_EDGE;
        e->phase = DONE;
        return;
    }
    const double nearest = smaller(down, up), wanted = ldexp(unit, 2 - e->want.level);
    if (nearest < CENTRAL_ROOM * wanted) {
        e->flags |= FG_EDGE;
        e->want = (fg_place){(short)(e->want.level + ONE_SIDED_FIRST), 1, up >= down ? 1 : -1};
        e->nearest = nearest_on_side(s, c, e->want.side);
        e->want.level = fg_higher(e->want.level, e->nearest);
    } else {
        e->nearest = (short)level_within(unit, nearest, 1.0);
        e->want.level = fg_higher(e->want.level, e->nearest + 2);
    }
}

void fg_start(const fg_search *s, ptrdiff_t c, ptrdiff_t o, int level)
{
    fg_entry *const e = fg_entry_of(s, c, o);
    const int flags = e->flags & FG_STEPS;
    const double climb = e->climb;
    *e = (fg_entry){.value = NAN, .error = INFINITY, .left = NAN, .right = NAN, .climb = climb};
    e->flags = flags;
    e->want = (fg_place){(short)level, 3, 0};
    e->nearest = LOWEST_LEVEL;
    e->start = (short)level;
    e->grow = 5;
    fit(s, c, e);
}

void fg_believe(fg_entry *e, const fg_window *w)
{
    e->view = w->at;
    e->value = w->derivative;
    e->error = w->bar;
    e->slope = w->first;
    e->slope_error = w->first_bar;
    e->curvature = w->second;
    e->curvature_error = w->second_bar;
    e->step = fabs(w->s);
}

void fg_keep(fg_entry *e, const fg_window *w)
{
    if (e->count < MOST_KEPT)
        e->kept[e->count++] = w->at;
    if (!e->view.pairs || w->bar < e->error) {
        fg_believe(e, w);
    }
}

static void finish(fg_entry *e, int flag, double value, double error)
{
    e->flags |= flag;
    e->value = value;
    e->error = error;
    e->phase = DONE;
}

/* f did not give numbers at all the points: closer; or on one side, where it does. */
static void retreat(const fg_search *s, ptrdiff_t c, fg_entry *e, const fg_window *w)
{
    e->fails++;
    e->flags |= FG_NONFINITE;
    e->nearest = fg_higher(e->nearest, w->at.side ? e->want.level + 1 : e->want.level - 1);
    if (!w->at.side && w->right != w->left) {
        e->want.side = w->right ? 1 : -1;
        e->want.pairs = 1;
        e->flags |= FG_EDGE;
        e->want.level = (short)(e->want.level + ONE_SIDED_POINTS - 3);
        e->nearest = nearest_on_side(s, c, e->want.side);
    } else {
        e->want.level = (short)(e->want.level + (e->fails < 3 ? 3 : 10));
    }
    if (e->want.level > FARTHEST_LEVEL)
        e->phase = READY;
}

/* Noise of a value that is the same all around. */
static double noise_of_constant(const fg_output *o, double largest)
{
    double noise = fg_rounding(o, largest, 0.0);
    if (o->noisy)
        noise += o->level;
    if (o->narrow && !o->printed)
        noise += EPSILON32 * largest;
    if (o->printed && o->decimal)
        noise += o->quantum;
    return noise;
}

/* The derivative of what changes by no more than the noise, as far as it was seen. */
static double bar_of_constant(const fg_search *s, const fg_entry *e, double noise)
{
    return s->wanted->deriv == 1 ? noise / e->constant : 4.0 * noise / (e->constant * e->constant);
}

/* Whether another output changes in the window that an entry looks at: f does depend on the
 * component, and most entries of most Jacobians are 0. */
static int others_change(const fg_search *s, ptrdiff_t c, const fg_entry *e)
{
    const double *const base = s->wanted->base + c / s->n * s->outputs;
    const double d = fg_distance(s, c, e->want.level);
    for (int side = -1; side <= 1; side += 2) {
        const double *const values = side == -e->want.side ? base : fg_values_at(s, c, side * d);
        for (ptrdiff_t k = 0; k < s->outputs; k++)
            if (values[k] != base[k])
                return 1;
    }
    return 0;
}

/* All values are the same: farther away, or that is what f is. */
static void stay_flat(const fg_search *s, ptrdiff_t c, fg_entry *e, const fg_output *o,
                      const fg_window *w)
{
    double largest = 1.0;
    e->flats++;
    e->constant = fabs(w->s) * (w->at.side ? ONE_SIDED_REACH : 1 << (w->at.pairs - 1));
    if (e->flats < 3 && !e->rough.pairs && !others_change(s, c, e)) {
        int level = e->want.level - 10;
        const ptrdiff_t first = c / s->n * s->n;
        for (ptrdiff_t i = first; i < first + s->n; i++)
            largest = larger(largest, s->wanted->sizes[i]);
        if (e->flats == 1 && s->wanted->sizes[c] < 1e-6 * largest)
            level = fg_rounded(log2(s->column[c].unit / largest)) + 8;
        e->want.level = fg_higher(level, e->nearest + 3);
        return;
    }
    finish(e, FG_FLAT, 0.0, bar_of_constant(s, e, noise_of_constant(o, w->largest)));
}

/* Looks at a kink from two distances: the slopes on both sides, once they agree. */
static void judge_kink(const fg_search *s, fg_entry *e, const fg_window *w)
{
    const double mean = fabs(w->y[0] + w->y[1]) / w->s;
    if (e->kink > KINK_APART * w->s && fabs(e->kink_size - mean) < KINK_ALIKE * e->kink_size) {
        const double half = 0.5 * (w->y[0] + w->y[1]) / w->s;
        e->right = w->first + half;
        e->left = w->first - half;
        e->step = w->s;
        if (s->wanted->deriv == 1)
            finish(e, FG_KINK, w->derivative, fabs(half));
        else
            finish(e, FG_KINK, NAN, INFINITY);
        return;
    }
    e->kink = w->s;
    e->kink_size = mean;
    if (!e->rough.pairs)
        e->rough = w->at;
    e->want.level += 5;
}

/* A window that is too wide, or a jump: closer. */
static void shrink(fg_search *s, ptrdiff_t c, fg_entry *e, fg_output *o, const fg_window *w)
{
    if (e->last > 0.0 && fabs(w->across - e->last) < JUMP_CHANGE * e->last &&
        w->across > JUMP_DEVIATIONS * w->sigma) {
        if (++e->stale >= 2) {
            finish(e, FG_JUMP, NAN, INFINITY);
            return;
        }
    } else {
        e->stale = 0;
    }
    e->last = w->at.side ? 0.0 : w->across;
    if (!e->rough.pairs)
        e->rough = w->at;
    e->value = w->derivative;
    e->step = fabs(w->s);
    int step = e->grow;
    if (o->noisy && w->sigma > 1e-8 * w->largest)
        step = 3;
    if (!o->noisy && isfinite(o->slope) && o->accepted < 5e-7 && s->n == 1) {
        const double there = 8.0 * o->accepted * s->wanted->sizes[c];
        step = fg_higher(step, fg_rounded(log2(fabs(w->s) / there)));
    }
    e->want.level = (short)(e->want.level + step);
    e->grow = (short)(e->grow * 2);
    if (w->at.side && s->wanted->deriv == 2 && e->grow > CLOSER_AT_EDGE)
        e->grow = CLOSER_AT_EDGE;
    if (e->want.level > LAST_LEVEL)
        e->phase = READY;
}

/* Whether the line should be asked before a window that is rough is believed to be too wide. */
static int asks_line(const fg_search *s, fg_output *o, const fg_window *w)
{
    const fg_weights *const weights = &fg_three_pairs;
    if (o->lined || o->noisy || isfinite(o->slope) || !o->finite || w->at.side)
        return 0;
    if (o->flat) {
        fg_want_line(o, CLOSE * 64);
        return 1;
    }
    const double *const near = s->near + (o - s->output) / s->outputs * 4 * s->outputs;
    const double moved = fabs(near[(o - s->output) % s->outputs] * o->scale - o->base);
    const double tops =
        larger(fabs(w->b[5]) / weights->norms[5], fabs(w->b[4]) / weights->norms[4]);
    if (s->n >= TWO_FROM || o->narrow || !(moved > 0.003 * tops))
        return 0;
    fg_want_line(o, CLOSE);
    return 1;
}

/* What a window says. Returns whether the entry waits for a line. */
static int judge(fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    fg_output *const o = fg_output_of(s, c, out);
    if (!w->finite) {
        retreat(s, c, e, w);
        return 0;
    }
    e->flags &= ~FG_NONFINITE;
    if (w->constant) {
        stay_flat(s, c, e, o, w);
        return 0;
    }
    const double noise = larger(fg_rounding(o, w->largest, 0.0), o->noisy ? o->level : 0.0);
    const double change =
        fabs(w->first) * e->constant + fabs(w->b[1]) * pow(e->constant / w->s, 2.0);
    if (e->flats && (w->rough || change > FLAT_DEVIATIONS * noise)) {
        /* Constant nearby, not farther away. */
        const double near = fg_rounding(o, w->largest, 0.0);
        finish(e, FG_FLAT, 0.0,
               bar_of_constant(s, e,
                               near + (o->narrow && !o->printed ? EPSILON32 * w->largest : 0.0)));
        e->rough = w->at;
        return 0;
    }
    if (w->kink) {
        judge_kink(s, e, w);
        return 0;
    }
    const int steep = w->steep || (e->steep > 0.0 && w->changes[1] >= STEEP_PART * e->steep);
    if (w->steep)
        e->steep = w->changes[0];
    if (!w->rough && !steep) {
        fg_keep(e, w);
        e->phase = READY;
        return 0;
    }
    if (fg_want_sides(s, c, out, w, SIDES_LEAST_OF_ROUGH, SIDES_MOST_OF_ROUGH))
        return 0;
    if (asks_line(s, o, w))
        return 1;
    shrink(s, c, e, o, w);
    return 0;
}

int fg_find_first(fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    while (e->phase == FIRST && !o->lining) {
        const int missing = fg_missing(s, c, e->want);
        if (missing) {
            if (missing <= fg_room(s, c))
                return 1;
            e->phase = READY;
            if (e->sides == ASKED)
                e->sides = JUDGED;
            return 0;
        }
        if (e->sides == ASKED) {
            fg_judge_sides(s, c, out);
            continue;
        }
        fg_window w;
        fg_look_at(s, c, out, e->want, &w);
        if (judge(s, c, out, &w))
            return 0;
    }
    return 0;
}
