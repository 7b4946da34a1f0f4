/* Derivatives that contradict the values close to x. */
#include "internal.h"

enum { PLACES = 3 };

/* One entry that is looked at again: slopes between places at - u and at + u from x. */
typedef struct {
    ptrdiff_t c, out;
    int places;
    double u, at[PLACES], slopes[PLACES];
    double slope, bar; /* the one at x */
} look;

/* The slopes of looks, in the units of their outputs: asked in blocks, not kept. */
static int ask_slopes(fg_search *s, ptrdiff_t count, look *looks)
{
    for (ptrdiff_t first = 0, end; first < count; first = end) {
        ptrdiff_t rows = 0;
        for (end = first; end < count && rows + 2 * PLACES <= ROWS; end++)
            for (int k = 0; k < 2 * looks[end].places; k++) {
                const double x = s->wanted->x[looks[end].c], there = x + looks[end].at[k / 2];
                s->moved[rows] = looks[end].c;
                s->moves[rows++] = (k % 2 ? there - looks[end].u : there + looks[end].u) - x;
            }
        int status = fg_reserve_values(s, (size_t)(rows * s->outputs));
        double *const values = s->values + s->value_count;
        if (status == FG_OK)
            status = fg_ask_once(s, rows, s->moved, s->moves, values);
        if (status != FG_OK)
            return status;
        rows = 0;
        for (ptrdiff_t i = first; i < end; i++)
            for (int k = 0; k < looks[i].places; k++, rows += 2) {
                const double x = s->wanted->x[looks[i].c],
                             scale = fg_output_of(s, looks[i].c, looks[i].out)->scale;
                const double *const both = values + rows * s->outputs + looks[i].out;
                looks[i].slopes[k] = (both[0] - both[s->outputs]) * scale /
                                     ((x + s->moves[rows]) - (x + s->moves[rows + 1]));
            }
    }
    return FG_OK;
}

/* f climbs in steps: what its smooth part is off by, is their noise. */
static void climb(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    double sum = 0.0, largest = 0.0;
    int count = 0;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
        const fg_entry *const e = fg_entry_of(s, c, out);
        if (!isfinite(e->climb))
            continue;
        fg_window w;
        fg_look_at(s, c, out, e->rough, &w);
        const double *const norms = fg_weights_of(w.at.pairs)->norms;
        for (int k = w.terms - 2; k < w.terms; k++, count++)
            sum += w.b[k] / norms[k] * (w.b[k] / norms[k]);
        largest = larger(largest, w.largest);
    }
    if (!count)
        return;
    o->noisy = o->lined = 1;
    o->level = sqrt(sum / count);
    o->relative = o->level / largest;
    o->line_degrees = count;
    o->deviations = fg_student(count);
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
        fg_entry *const e = fg_entry_of(s, c, out);
        if (e->phase == DONE || !isfinite(e->climb))
            continue;
        e->flags |= FG_STEPS;
        fg_start(s, c, out, fg_first_level(o));
    }
}

static void climb_all(const fg_search *s)
{
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            if (!s->output[p * s->outputs + out].noisy)
                climb(s, p, out);
}

/* Noise of a value close to x. */
static double noise_close(const fg_output *o)
{
    return larger(o->level, o->kappa * EPSILON * 0.5 * o->largest);
}

/* Whether the derivatives of an output do not add up to the slope of its line. */
static int disagrees(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    const fg_output *const o = s->output + p * s->outputs + out;
    if (o->noisy || o->narrow || !isfinite(o->residual) || !isfinite(o->slope))
        return 0;
    double slack = LINE_DEVIATIONS * noise_close(o) / o->accepted + o->bend, total = 0.0;
    for (ptrdiff_t c = p * s->n; c < p * s->n + s->wanted->axes; c++) {
        const fg_entry *const e = fg_entry_of(s, c, out);
        slack += s->wanted->sizes[c] * (e->slope_error + LINE_RELATIVE * fabs(e->slope));
        /* The coordinates of the line are rounded. */
        slack += EPSILON * fabs(s->wanted->x[c] * e->slope) / o->accepted;
        total += fg_line_stride(s, c, o->accepted, 0) / o->accepted * e->slope;
    }
    return !(fabs(o->slope - total) <= slack);
}

/* An entry of an output whose derivatives do not add up; whether it is looked at. */
static int suspect(const fg_search *s, ptrdiff_t c, ptrdiff_t out, look *l)
{
    fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    const double x = s->wanted->x[c], there = x + o->accepted * s->wanted->sizes[c];
    const double *const room = s->wanted->room;
    if (e->phase == DONE || e->flags & (FG_KINK | FG_JUMP))
        return 0;
    /* Within bounds, the places must fit on both sides. */
    if (room && smaller(room[c], room[s->columns + c]) < 2.0 * (e->step + (there - x)))
        return 0;
    if (fg_room(s, c) < 2) {
        e->error = INFINITY;
        e->flags |= FG_UNDETERMINED;
        return 0;
    }
    *l = (look){.c = c, .out = out, .places = 1, .u = there - x};
    return 1;
}

/* Whether the slope at the spacing of the line contradicts an entry, so that it must be looked at
 * from other places. */
static int is_contradicted(const fg_search *s, look *l)
{
    fg_entry *const e = fg_entry_of(s, l->c, l->out);
    const fg_output *const o = fg_output_of(s, l->c, l->out);
    const double noise = noise_close(o), slope = l->slopes[0];
    l->slope = slope;
    l->bar = BLAME_DEVIATIONS * noise / l->u + BLAME_RELATIVE * fabs(slope) +
             o->bend / s->wanted->sizes[l->c];
    if (!isfinite(slope) || fabs(slope - e->slope) <= e->slope_error + l->bar)
        return 0;
    if (fg_room(s, l->c) < ROOM_TO_START) {
        e->value = s->wanted->deriv == 1 ? slope : NAN;
        e->error = s->wanted->deriv == 1
                       ? BLAME_DEVIATIONS * noise / l->u + INSTEAD_RELATIVE * fabs(slope)
                       : INFINITY;
        e->phase = DONE;
        return 0;
    }
    l->places = PLACES;
    for (int k = 0; k < PLACES; k++)
        l->at[k] = PLACES_WITHIN[k] * e->step;
    return 1;
}

/* The same slope everywhere: f climbs in steps; else its period fits the steps, and it is looked at
 * closer to x. */
static void decide(const fg_search *s, const look *l)
{
    fg_entry *const e = fg_entry_of(s, l->c, l->out);
    int alike = 1;
    for (int k = 0; k < PLACES; k++)
        alike &=
            fabs(l->slopes[k] - l->slope) < CLIMB_ALIKE * fabs(e->slope - l->slope) + 2.0 * l->bar;
    if (alike) {
        e->climb = l->slope;
        e->rough = e->view;
    } else {
        fg_start(s, l->c, l->out, fg_rounded(log2(s->column[l->c].unit / (BLAME_STEP * l->u))));
    }
}

/* What moves an axis that starts again, with another one, does too. */
static void restart_pairs(const fg_search *s)
{
    for (ptrdiff_t c = 0; c < s->columns; c++)
        for (ptrdiff_t out = 0; out < s->outputs && c % s->n >= s->wanted->axes; out++) {
            int waits;
            fg_level_of_axes(s, c, out, &waits);
            if (waits)
                fg_start(s, c, out, FIRST_LEVEL);
        }
}

static int look_again(fg_search *s, look *looks, int *again)
{
    ptrdiff_t count = 0, kept = 0;
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            if (disagrees(s, p, out))
                for (ptrdiff_t c = p * s->n; c < p * s->n + s->wanted->axes; c++)
                    count += suspect(s, c, out, looks + count);
    int status = ask_slopes(s, count, looks);
    for (ptrdiff_t k = 0; k < count && status == FG_OK; k++)
        if (is_contradicted(s, looks + k))
            looks[kept++] = looks[k];
    if (status == FG_OK)
        status = ask_slopes(s, kept, looks);
    for (ptrdiff_t k = 0; k < kept && status == FG_OK; k++)
        decide(s, looks + k);
    restart_pairs(s);
    *again = kept > 0;
    if (status == FG_OK)
        climb_all(s);
    return status;
}

int fg_second_look(fg_search *s, int *again)
{
    int any = 0;
    *again = 0;
    for (ptrdiff_t k = 0; k < s->columns / s->n * s->outputs && !any; k++)
        any = disagrees(s, k / s->outputs, k % s->outputs);
    if (!any)
        return FG_OK;
    look *const looks = s->memory->resize(NULL, (size_t)(s->columns * s->outputs) * sizeof *looks);
    const int status = looks ? look_again(s, looks, again) : FG_EMEMORY;
    s->memory->release(looks);
    return status == FG_OK && *again ? fg_run(s, fg_find_first) : status;
}

/* Where an entry that is smooth close to x was rough: the distance 16 times as far, at which steps
 * would go on; or 0. beyond [out]: what f changes by beyond the slope close to x. */
static double far_from(const fg_search *s, ptrdiff_t c, ptrdiff_t out, double beyond[3])
{
    const fg_entry *const e = fg_entry_of(s, c, out);
    fg_window w;
    double last = 0.0;
    if (e->phase == DONE || !e->view.pairs || e->rough.pairs < 3 || e->view.side || e->rough.side ||
        fg_room(s, c) < ROOM_TO_CLIMB)
        return 0.0;
    fg_look_at(s, c, out, e->rough, &w);
    const double far = fabs(w.s), d = fg_distance(s, c, w.at.level - 4);
    if (far < CLIMB_APART * e->step)
        return 0.0;
    for (int k = 0; k < 3; k++) {
        last = 0.5 * (w.y[2 * k] - w.y[2 * k + 1]);
        beyond[k] = last - e->slope * ldexp(far, k);
        if (!isfinite(beyond[k]))
            return 0.0;
    }
    /* A single jump does not grow with distance. */
    if (fabs(beyond[2]) < CLIMB_PART * fabs(last) || fabs(beyond[2]) < CLIMB_DEVIATIONS * w.sigma ||
        !(beyond[2] / beyond[1] > CLIMB_LEAST && beyond[2] / beyond[1] < CLIMB_MOST))
        return 0.0;
    if (s->wanted->room && d > smaller(s->wanted->room[c], s->wanted->room[s->columns + c]))
        return 0.0;
    return d;
}

/* Whether the change goes on 16 times as far; then slopes at places in between tell. */
static int goes_on(const fg_search *s, ptrdiff_t c, ptrdiff_t out, look *l)
{
    const fg_entry *const e = fg_entry_of(s, c, out);
    double beyond[3];
    const double d = far_from(s, c, out, beyond), far = d / 16.0;
    if (d == 0.0)
        return 0;
    const double *const pair = s->values + fg_record_at(s, c, d, 2)->values + out;
    const double last =
        0.5 * (pair[0] - pair[s->outputs]) * fg_output_of(s, c, out)->scale - e->slope * d;
    if (!(last / beyond[2] > CLIMB_FAR_LEAST && last / beyond[2] < CLIMB_FAR_MOST))
        return 0;
    *l = (look){.c = c,
                .out = out,
                .places = PLACES,
                .u = e->step,
                .bar = CLIMB_ALIKE * fabs(beyond[2] / (4.0 * far))};
    for (int k = 0; k < PLACES; k++)
        l->at[k] = PLACES_BEYOND[k] * far;
    return 1;
}

/* The pairs that `far_from` names. */
static int ask_far(fg_search *s)
{
    ptrdiff_t count = 0, columns[64];
    double far[64], beyond[3];
    for (ptrdiff_t k = 0; k <= s->columns * s->outputs; k++) {
        if (count == 64 || (k == s->columns * s->outputs && count)) {
            const int status = fg_ask_pairs(s, count, columns, far);
            if (status != FG_OK)
                return status;
            count = 0;
        }
        if (k == s->columns * s->outputs)
            break;
        const ptrdiff_t c = k / s->outputs;
        const fg_output *const o = fg_output_of(s, c, k % s->outputs);
        const double d = o->noisy || o->narrow ? 0.0 : far_from(s, c, k % s->outputs, beyond);
        if (d == 0.0 || fg_record_at(s, c, d, 2) ||
            (count && columns[count - 1] == c && far[count - 1] == d))
            continue;
        columns[count] = c;
        far[count++] = d;
    }
    return FG_OK;
}

static int look_for_steps(fg_search *s, look *looks, int *any)
{
    ptrdiff_t count = 0;
    int status = ask_far(s);
    for (ptrdiff_t k = 0; k < s->columns * s->outputs && status == FG_OK; k++) {
        const fg_output *const o = fg_output_of(s, k / s->outputs, k % s->outputs);
        if (!o->noisy && !o->narrow)
            count += goes_on(s, k / s->outputs, k % s->outputs, looks + count);
    }
    if (status == FG_OK)
        status = ask_slopes(s, count, looks);
    for (ptrdiff_t k = 0; k < count && status == FG_OK; k++) {
        fg_entry *const e = fg_entry_of(s, looks[k].c, looks[k].out);
        int alike = 1;
        for (int place = 0; place < PLACES; place++)
            alike &= fabs(looks[k].slopes[place] - e->slope) < looks[k].bar;
        if (alike) {
            e->climb = e->slope;
            *any = 1;
        }
    }
    if (*any)
        climb_all(s);
    return status;
}

int fg_look_for_steps(fg_search *s)
{
    double beyond[3];
    int any = 0;
    for (ptrdiff_t k = 0; k < s->columns * s->outputs && !any; k++)
        any = far_from(s, k / s->outputs, k % s->outputs, beyond) > 0.0;
    if (!any)
        return FG_OK;
    any = 0;
    look *const looks = s->memory->resize(NULL, (size_t)(s->columns * s->outputs) * sizeof *looks);
    int status = looks ? look_for_steps(s, looks, &any) : FG_EMEMORY;
    s->memory->release(looks);
    if (any && status == FG_OK)
        status = fg_run(s, fg_find_first);
    return any && status == FG_OK ? fg_run(s, fg_refine) : status;
}
