/* Outputs that a window shows to be constant, or hardly more than rounding: how far from x that is
 * to be believed, and the bars of what is. */
#include "internal.h"

/* Noise of a value that is the same all around. */
static double noise_of_constant(const fg_output *o, double largest)
{
    double noise = fg_rounding(o, largest, 0.0) + fg_least_step(o);
    if (o->noisy)
        noise += o->level;
    if (o->narrow && !o->gridded)
        noise += EPSILON32 * largest;
    return noise;
}

/* The derivative of what changes by no more than the noise, as far as it was seen. */
static double bar_of_constant(const fg_search *s, const fg_entry *e, double noise)
{
    return s->wanted->deriv == 1 ? noise / e->constant : 4.0 * noise / (e->constant * e->constant);
}

/* Whether another output changes in the window that an entry looks at: f does depend on the
 * component, and most entries of most Jacobians are 0. */
int fg_others_change(const fg_search *s, ptrdiff_t c, const fg_entry *e)
{
    const double d = fg_distance(s, c, e->want.level);
    return fg_changes_at(s, c, e->want.side ? e->want.side * d : d);
}

/* The first level at which a coordinate moves as far as the largest one, or 1, would; of one that
 * is tiny beside that, so that its size may be no scale: else `otherwise`. */
static int level_of_largest(const fg_search *s, ptrdiff_t c, int otherwise)
{
    const double largest = s->point[s->column[c].point].largest;
    if (!(s->wanted->sizes[c] < TINY * largest))
        return otherwise;
    return fg_rounded(log2(s->column[c].unit / largest)) + FIRST_LEVEL;
}

/* Whether a window shows little beside rounding, so close to x that f may have no other scale there
 * than that of the other coordinates: the entry wants one as far away as those. */
int fg_is_faint(const fg_search *s, ptrdiff_t c, fg_entry *e, const fg_output *o,
                const fg_window *w)
{
    if (o->noisy || o->narrow || e->flats || e->rough.pairs || !(w->slope < FAINT * w->sigma))
        return 0;
    const int level = fg_higher(level_of_largest(s, c, e->want.level), e->nearest + 3);
    if (level >= e->want.level)
        return 0;
    e->flats = 1;
    e->want.level = (short)level;
    return 1;
}

/* All values are the same: farther away, or that is what f is. */
void fg_stay_flat(const fg_search *s, ptrdiff_t c, fg_entry *e, const fg_output *o,
                  const fg_window *w)
{
    e->flats++;
    e->constant = fabs(w->s) * (w->at.side ? ONE_SIDED_REACH : 1 << (w->at.pairs - 1));
    if (e->flats < 3 && !e->rough.pairs && !fg_others_change(s, c, e)) {
        int level = e->want.level - 10;
        if (e->flats == 1)
            level = level_of_largest(s, c, level);
        e->want.level = fg_higher(level, e->nearest + 3);
        return;
    }
    e->height = larger(w->largest, DBL_MIN);
    fg_finish(e, FG_FLAT, 0.0, bar_of_constant(s, e, noise_of_constant(o, w->largest)));
}

/* All values are the same number of a grid: as good a window as any, and farther away. */
void fg_widen(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    fg_keep(s, c, out, w);
    e->want.level = fg_higher(e->want.level - 2, e->nearest + (w->at.side ? 0 : 2));
    if (++e->flats == CONSTANT_WINDOWS || e->want.level == w->at.level) {
        e->flags |= FG_FLAT;
        e->phase = READY;
    }
}

/* Whether a window contradicts that f was constant nearby, at all that was asked there: then it is
 * constant nearby, and not farther away. */
int fg_is_constant_nearby(const fg_search *s, fg_entry *e, const fg_output *o, const fg_window *w)
{
    if (!(e->constant > UNTOLD * fabs(w->s)) || o->gridded)
        return 0;
    const double noise = larger(fg_rounding(o, w->largest, 0.0), o->noisy ? o->level : 0.0);
    const double change =
        fabs(w->first) * e->constant + fabs(w->b[1]) * pow(e->constant / w->s, 2.0);
    if (!w->rough && !(change > FLAT_DEVIATIONS * noise))
        return 0;
    const double near = fg_rounding(o, w->largest, 0.0) + fg_least_step(o);
    const double single = o->narrow ? EPSILON32 * w->largest : 0.0;
    fg_finish(e, FG_FLAT, 0.0, bar_of_constant(s, e, near + single));
    e->rough = w->at;
    return 1;
}

void fg_settle_constants(const fg_search *s)
{
    for (ptrdiff_t c = 0; c < s->columns; c++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            fg_entry *const e = fg_entry_of(s, c, out);
            const fg_output *const o = fg_output_of(s, c, out);
            if (e->height > 0.0)
                e->error = bar_of_constant(s, e, noise_of_constant(o, e->height));
        }
}

/* The window closest to x of those that other outputs look from in this column, if that is much
 * closer than where an entry was constant. */
static const fg_entry *closest(const fg_search *s, ptrdiff_t c, const fg_entry *constant)
{
    const fg_entry *found = NULL;
    for (ptrdiff_t out = 0; out < s->outputs; out++) {
        const fg_entry *const e = fg_entry_of(s, c, out);
        if (e->view.pairs && e->step < (found ? found->step : constant->constant / MUCH_CLOSER))
            found = e;
    }
    return found;
}

void fg_look_at_constants(const fg_search *s)
{
    for (ptrdiff_t k = 0; k < s->columns * s->outputs && s->outputs > 1; k++) {
        const ptrdiff_t c = k / s->outputs, out = k % s->outputs;
        fg_entry *const e = fg_entry_of(s, c, out);
        const fg_output *const o = fg_output_of(s, c, out);
        const fg_entry *const other =
            e->flags & FG_FLAT && e->value == 0.0 && e->constant > 0.0 ? closest(s, c, e) : NULL;
        fg_window w;
        if (!other)
            continue;
        fg_look_at(s, c, out, other->view, &w);
        if (w.constant) {
            e->constant = fabs(w.s) * (w.at.side ? ONE_SIDED_POINTS : 1 << (w.at.pairs - 1));
            e->error = bar_of_constant(s, e, noise_of_constant(o, w.largest));
        } else if (w.finite && !w.rough) {
            e->flags &= ~FG_FLAT;
            fg_believe(s, c, out, &w);
        }
    }
}
