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
    /* No window on one side reaches farther than the room there. */
    const double nearest = smaller(down, up);
    const double wanted = smaller(ldexp(unit, 2 - e->want.level), larger(down, up));
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
    e->want = (fg_place){(short)level, s->wanted->tolerance >= TWO_PAIRS_FROM ? 2 : 3, 0};
    e->nearest = LOWEST_LEVEL;
    e->grow = 5;
    fit(s, c, e);
}

/* The size of a top coefficient, by how the lower ones fall. */
static double foretold(const fg_window *w, int k)
{
    double ratio = w->size[1] * w->size[1] / (w->size[0] * w->size[0]);
    for (int low = 0; low + 4 < w->terms; low++)
        ratio = larger(ratio, w->size[low + 2] / w->size[low]);
    return w->size[k - 2] * ratio;
}

/* Top coefficients that are about as small as rounding, or larger than lower ones let expect, are
 * samples of it. */
static void sample(const fg_output *o, fg_entry *e, const fg_window *w)
{
    const double *const norms = w->at.side ? fg_one_sided_norms : fg_weights_of(w->at.pairs)->norms;
    const double kappa = fg_kappa(o, e);
    e->tops = 0.0;
    e->samples = 0;
    for (int k = w->terms - 2; k < w->terms; k++) {
        const double z = w->b[k] * kappa / (norms[k] * w->sigma);
        if (fabs(z) < TOP_SAMPLES || (!w->at.side && fabs(w->b[k]) > UNFORETOLD * foretold(w, k))) {
            e->tops += z * z;
            e->samples++;
        }
    }
}

void fg_believe(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, o);
    sample(fg_output_of(s, c, o), e, w);
    e->largest = w->largest;
    e->size = fg_size_of(s, w);
    e->view = w->at;
    e->value = w->derivative;
    e->error = w->bar;
    e->slope = w->first;
    e->slope_error = w->first_bar;
    e->curvature = w->second;
    e->third = 6.0 * w->b[2] / (w->s * w->s * w->s);
    e->curvature_error = w->second_bar;
    e->step = fabs(w->s);
}

void fg_keep(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, o);
    if (e->count < MOST_KEPT)
        e->kept[e->count++] = w->at;
    if (!e->view.pairs || w->bar < e->error) {
        fg_believe(s, c, o, w);
    }
}

void fg_finish(fg_entry *e, int flag, double value, double error)
{
    e->flags |= flag;
    e->value = value;
    e->error = error;
    e->phase = DONE;
}

/* How much closer than a window that is too wide f changes by as much as it does there, at the
 * slope that it has close to x; in levels, 0 where that slope is not known. Noise leaves less room.
 * Where f is not finite there, by as much as f is. */
static int levels_to_scale(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    const fg_output *const o = fg_output_of(s, c, out);
    double range = 0.0;
    const double slope = fg_slope_close(s, c / s->n, out) / s->wanted->sizes[c];
    for (int k = 0; k < w->terms; k++)
        range = larger(range, fabs(w->y[k]));
    if (!w->finite)
        range = o->largest;
    if (!(slope > 0.0 && range > 0.0))
        return 0;
    const double noise = larger(fg_rounding(o, o->largest, 0.0), o->level) / range;
    return fg_rounded(log2(fabs(w->s) * slope / (range * fg_share(noise))));
}

/* f did not give numbers at all the points: closer; or on one side, where it does, unless f changes
 * so much closer to x that this is no edge, but where it overflows. */
static void retreat(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const int levels = w->at.side ? 0 : levels_to_scale(s, c, out, w);
    e->fails++;
    e->flags |= FG_NONFINITE;
    e->nearest = fg_higher(e->nearest, w->at.side ? e->want.level + 1 : e->want.level - 1);
    if (levels > CLOSER_THAN_EDGE) {
        e->want.level = (short)(e->want.level + levels);
    } else if (!w->at.side && w->right != w->left) {
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

int fg_stays_rough(const fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    const fg_entry *const e = fg_entry_of(s, c, out);
    fg_window w;
    if (e->phase != FIRST || fg_missing(s, c, e->want))
        return 0;
    fg_look_at(s, c, out, e->want, &w);
    return w.finite && w.rough && levels_to_scale(s, c, out, &w) > e->grow;
}

/* A window that is too wide, or a jump: closer. */
static void shrink(fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    if (e->last > 0.0 && fabs(w->across - e->last) < JUMP_CHANGE * e->last &&
        w->across > JUMP_DEVIATIONS * w->sigma) {
        if (++e->stale >= 2) {
            fg_finish(e, FG_JUMP, NAN, INFINITY);
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
    if (o->noisy && w->sigma > DOUBT * w->largest)
        step = 3;
    /* No closer than the slope at x tells, by much, which is small by accident there, unless what
     * is seen may be a jump. */
    const int levels = fg_higher(levels_to_scale(s, c, out, w), 0);
    if (!e->stale && step > levels + CLOSER_THAN_SLOPE)
        step = levels + CLOSER_THAN_SLOPE;
    step = fg_higher(step, levels);
    e->want.level = (short)(e->want.level + step);
    e->grow = (short)(e->grow * 2);
    if (w->at.side && s->wanted->deriv == 2 && e->grow > CLOSER_AT_EDGE)
        e->grow = CLOSER_AT_EDGE;
    s->column[c].closest = fg_higher(s->column[c].closest, e->want.level);
    if (e->want.level > LAST_LEVEL)
        e->phase = READY;
}

/* Whether the kink that a window shows can be at x, by the point close to x where one coordinate
 * alone moves there: f has the slope of that side. Else it is a smooth bend, seen from afar. */
static int is_at_x(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const double h = s->close[c], half = 0.5 * (w->y[0] + w->y[1]) / w->s;
    const double change = s->near[s->column[c].point * 4 * s->outputs + out] * o->scale - o->base;
    if (s->n > 1 || h == 0.0 || !isfinite(change))
        return 1;
    const double bend = fabs(half * h), off = fabs(change - (w->first * h + half * fabs(h)));
    return !(off > KINK_AT_X * bend && off > KINK_DEVIATIONS * w->sigma);
}

/* How close to x a kink is looked at to be sure that it is there, where other coordinates move at
 * the points close to x: as close as it can be seen. */
static int level_of_sure(const fg_search *s, ptrdiff_t c, const fg_window *w)
{
    const double half = 0.5 * fabs(w->y[0] + w->y[1]) / w->s;
    const int seen = fg_rounded(log2(s->column[c].unit * half / (KINK_SURELY * w->sigma)));
    return s->n == 1 ? w->at.level : seen < KINK_LEVEL ? seen : KINK_LEVEL;
}

/* Looks at a kink from two distances: the slopes on both sides, once they agree. */
static void judge_kink(fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const double mean = fabs(w->y[0] + w->y[1]) / w->s;
    if (!is_at_x(s, c, out, w)) {
        shrink(s, c, out, w);
        return;
    }
    if (e->kink > KINK_APART * w->s && fabs(e->kink_size - mean) < KINK_ALIKE * e->kink_size) {
        const int sure = level_of_sure(s, c, w);
        if (sure > w->at.level + 2 && fg_room(s, c) >= 2 * 3) {
            e->want.level = (short)sure;
            return;
        }
        const double half = 0.5 * (w->y[0] + w->y[1]) / w->s;
        e->right = w->first + half;
        e->left = w->first - half;
        e->step = w->s;
        if (s->wanted->deriv == 1)
            fg_finish(e, FG_KINK, w->derivative, fabs(half));
        else
            fg_finish(e, FG_KINK, NAN, INFINITY);
        return;
    }
    e->kink = w->s;
    e->kink_size = mean;
    if (!e->rough.pairs)
        e->rough = w->at;
    e->want.level += 5;
}

/* Whether the line should be asked before a window that is rough is believed to be too wide. */
static int asks_line(const fg_search *s, fg_entry *e, fg_output *o, const fg_window *w)
{
    const fg_weights *const weights = &fg_three_pairs;
    if (o->lined || o->noisy || isfinite(o->slope) || !o->finite || w->at.side)
        return 0;
    const double *const near = s->near + (o - s->output) / s->outputs * 4 * s->outputs;
    const double moved = fabs(near[(o - s->output) % s->outputs] * o->scale - o->base);
    const double tops =
        larger(fabs(w->b[5]) / weights->norms[5], fabs(w->b[4]) / weights->norms[4]);
    const int stays = s->n < TWO_FROM && e->wide > 0.0 && tops > STAYS * e->wide;
    e->wide = tops;
    if (o->flat && !stays) {
        fg_want_line(o, CLOSE * FARTHER);
        return 1;
    }
    if (!stays && (s->n >= TWO_FROM || o->narrow || !(moved > 0.003 * tops)))
        return 0;
    fg_want_line(o, CLOSE);
    return 1;
}

/* Whether two pairs are enough: not where the points close to x, or the digits of values, say that
 * their rounding may be another than that of float64, as so few do not show it. */
static int are_enough(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const int exact =
        o->finite && !o->flat && !o->noisy && !o->narrow && !o->gridded && !o->decimal;
    if (!exact || !w->finite || w->constant)
        return exact && w->finite && fg_others_change(s, c, fg_entry_of(s, c, out));
    return !w->rough && w->slope > FAINT * w->sigma && w->bar <= fg_enough(s) * fg_size_of(s, w);
}

/* What a window says. Returns whether the entry waits for a line. */
static int judge(fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    fg_output *const o = fg_output_of(s, c, out);
    if (w->at.pairs == 2 && !are_enough(s, c, out, w)) {
        e->want.pairs = 3;
        return 0;
    }
    if (!w->finite) {
        retreat(s, c, out, w);
        return 0;
    }
    e->flags &= ~FG_NONFINITE;
    if (w->constant && o->gridded) {
        fg_widen(s, c, out, w);
        return 0;
    }
    if (w->constant) {
        fg_stay_flat(s, c, e, o, w);
        return 0;
    }
    if (w->rough && o->gridded && e->view.pairs) {
        e->phase = READY;
        return 0;
    }
    if (fg_is_constant_nearby(s, e, o, w))
        return 0;
    if (fg_is_faint(s, c, e, o, w))
        return 0;
    if (w->kink) {
        judge_kink(s, c, out, w);
        return 0;
    }
    const int steep = w->steep || (e->steep > 0.0 && w->changes[1] >= STEEP_PART * e->steep);
    if (w->steep)
        e->steep = w->changes[0];
    if (!w->rough && !steep) {
        fg_keep(s, c, out, w);
        e->phase = READY;
        return 0;
    }
    if (fg_want_sides(s, c, out, w, SIDES_LEAST_OF_ROUGH, SIDES_MOST_OF_ROUGH))
        return 0;
    if (asks_line(s, e, o, w))
        return 1;
    shrink(s, c, out, w);
    return 0;
}

int fg_level_of_axes(const fg_search *s, ptrdiff_t c, ptrdiff_t out, int *waits)
{
    const ptrdiff_t first = c / s->n * s->n, axes = s->wanted->axes;
    ptrdiff_t row = 0, column = c - first - axes;
    int level = LOWEST_LEVEL;
    for (; column >= axes - 1 - row; row++)
        column -= axes - 1 - row;
    const ptrdiff_t both[2] = {first + row, first + row + 1 + column};
    *waits = 0;
    for (int k = 0; k < 2; k++) {
        const fg_entry *const e = fg_entry_of(s, both[k], out);
        *waits |= e->phase == FIRST;
        if (e->view.pairs)
            level = fg_higher(level, fg_rounded(log2(s->column[both[k]].unit / e->step)));
    }
    return level;
}

int fg_find_first(fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    fg_output *const o = fg_output_of(s, c, out);
    int waits = 0, level = LOWEST_LEVEL;
    if (e->phase == FIRST && c % s->n >= s->wanted->axes)
        level = fg_level_of_axes(s, c, out, &waits);
    if (waits)
        return 0;
    while (e->phase == FIRST && !o->lining) {
        e->want.level = fg_higher(e->want.level, level - FARTHER_THAN_AXES);
        const int missing = fg_missing(s, c, e->want);
        if (missing && e->rough.pairs && fg_join_line(s, c / s->n, o))
            return 0;
        if (missing && e->rough.pairs && !e->want.side && s->column[c].closest > e->want.level) {
            /* What is too wide for another output too has the scale that the other one has. */
            e->want.level = s->column[c].closest;
            continue;
        }
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
