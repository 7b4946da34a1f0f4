/* Derivatives that contradict the values close to x. */
#include "internal.h"

/* Slopes (count,) between x + at - u and x + at + u of column c, in units of the output; asked once. */
static int slopes_near(fg_search *s, ptrdiff_t c, ptrdiff_t out, double u, int count, const double *at,
                       double *slopes)
{
    const double x = s->wanted->x[c], scale = fg_output_of(s, c, out)->scale;
    ptrdiff_t columns[6];
    double moves[6];
    for (int k = 0; k < 2 * count; k++) {
        const double there = x + at[k / 2];
        columns[k] = c;
        moves[k] = (k % 2 ? there - u : there + u) - x;
    }
    const int status = fg_reserve_values(s, (size_t)(6 * s->outputs));
    if (status != FG_OK)
        return status;
    double *const values = s->values + s->value_count;
    const int done = fg_ask_once(s, 2 * count, columns, moves, values);
    for (int k = 0; k < count && done == FG_OK; k++)
        slopes[k] = (values[2 * k * s->outputs + out] - values[(2 * k + 1) * s->outputs + out]) * scale /
                    ((x + moves[2 * k]) - (x + moves[2 * k + 1]));
    return done;
}

/* f climbs in steps: what its smooth part is off by, is their noise. */
static void climb(fg_search *s, ptrdiff_t p, ptrdiff_t out)
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
        const double *const norms = w.at.pairs == 4 ? fg_four_pairs.norms : fg_three_pairs.norms;
        for (int k = w.terms - 2; k < w.terms; k++, count++)
            sum += w.b[k] / norms[k] * (w.b[k] / norms[k]);
        largest = larger(largest, w.largest);
    }
    o->noisy = o->lined = o->climbs = 1;
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

/* One entry against the slope at the spacing of the line. */
static int compare(fg_search *s, ptrdiff_t c, ptrdiff_t out, double noise, int *again, int *climbs)
{
    static const double places[3] = {0.37, -1.63, 1.3};
    fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    const double x = s->wanted->x[c], there = x + o->accepted * s->wanted->sizes[c], u = there - x;
    const double zero = 0.0;
    double slope, others[3], at[3];
    if (e->phase == DONE || e->flags & (FG_KINK | FG_JUMP))
        return FG_OK;
    if (fg_room(s, c) < 2) {
        e->error = INFINITY;
        e->flags |= FG_UNDETERMINED;
        return FG_OK;
    }
    int status = slopes_near(s, c, out, u, 1, &zero, &slope);
    const double bar = 3.0 * noise / u + 1e-4 * fabs(slope);
    if (status != FG_OK || !isfinite(slope) || fabs(slope - e->slope) <= e->slope_error + bar)
        return status;
    if (fg_room(s, c) < 12) {
        e->value = s->wanted->deriv == 1 ? slope : NAN;
        e->error = s->wanted->deriv == 1 ? 3.0 * noise / u + 1e-3 * fabs(slope) : INFINITY;
        e->phase = DONE;
        return FG_OK;
    }
    for (int k = 0; k < 3; k++)
        at[k] = places[k] * e->step;
    status = slopes_near(s, c, out, u, 3, at, others);
    int alike = 1;
    for (int k = 0; k < 3; k++)
        alike &= fabs(others[k] - slope) < 0.1 * fabs(e->slope - slope) + 2.0 * bar;
    *again = 1;
    if (alike) {
        e->climb = slope;
        e->rough = e->view;
        *climbs = 1;
    } else {
        fg_start(s, c, out, (int)lround(log2(s->column[c].unit / (4.0 * u))));
    }
    return status;
}

int fg_second_look(fg_search *s, int *again)
{
    *again = 0;
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            const fg_output *const o = s->output + p * s->outputs + out;
            if (o->noisy || o->narrow || !isfinite(o->residual) || !isfinite(o->slope))
                continue;
            const double noise = larger(o->level, o->kappa * EPSILON * 0.5 * o->largest);
            double slack = 10.0 * noise / o->accepted, total = 0.0;
            for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
                const fg_entry *const e = fg_entry_of(s, c, out);
                slack += s->wanted->sizes[c] * (e->slope_error + 1e-6 * fabs(e->slope));
                total += fg_line_sign(c % s->n) * s->wanted->sizes[c] * e->slope;
            }
            if (fabs(o->slope - total) <= slack)
                continue;
            int climbs = 0;
            for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
                const int status = compare(s, c, out, noise, again, &climbs);
                if (status != FG_OK)
                    return status;
            }
            if (climbs)
                climb(s, p, out);
        }
    return *again ? fg_run(s, fg_find_first) : FG_OK;
}

/* Whether an entry that is smooth close to x climbs in steps farther away. */
static int climbs_there(fg_search *s, ptrdiff_t c, ptrdiff_t out, int *found)
{
    static const double places[3] = {2.9, -3.1, 1.3};
    fg_entry *const e = fg_entry_of(s, c, out);
    if (e->phase == DONE || !e->view.pairs || !e->rough.pairs || e->view.side || e->rough.side ||
        e->rough.pairs < 3 || fg_room(s, c) < 8)
        return FG_OK;
    fg_window w;
    fg_look_at(s, c, out, e->rough, &w);
    const double far = fabs(w.s);
    if (far < 8.0 * e->step)
        return FG_OK;
    double odd[3], beyond[3], at[3], slopes[3];
    for (int k = 0; k < 3; k++) {
        odd[k] = 0.5 * (w.y[2 * k] - w.y[2 * k + 1]);
        beyond[k] = odd[k] - e->slope * ldexp(far, k);
        if (!isfinite(beyond[k]))
            return FG_OK;
    }
    /* A single jump does not grow with distance. */
    if (fabs(beyond[2]) < 1e-3 * fabs(odd[2]) || fabs(beyond[2]) < 16.0 * w.sigma ||
        !(beyond[2] / beyond[1] > 1.3 && beyond[2] / beyond[1] < 3.0))
        return FG_OK;
    const double d = fg_distance(s, c, w.at.level - 4);
    if (s->wanted->room && d > smaller(s->wanted->room[c], s->wanted->room[s->columns + c]))
        return FG_OK;
    int status = fg_record_at(s, c, d, 2) ? FG_OK : fg_ask_pairs(s, 1, &c, &d);
    if (status != FG_OK)
        return status;
    const double *const pair = s->values + fg_record_at(s, c, d, 2)->values + out;
    const double scale = fg_output_of(s, c, out)->scale;
    const double last = 0.5 * (pair[0] - pair[s->outputs]) * scale - e->slope * 16.0 * far;
    if (!(last / beyond[2] > 2.5 && last / beyond[2] < 6.0))
        return FG_OK;
    for (int k = 0; k < 3; k++)
        at[k] = places[k] * far;
    status = slopes_near(s, c, out, e->step, 3, at, slopes);
    for (int k = 0; k < 3 && status == FG_OK; k++)
        if (!(fabs(slopes[k] - e->slope) < 0.1 * fabs(beyond[2] / (4.0 * far))))
            return FG_OK;
    if (status == FG_OK) {
        e->climb = e->slope;
        *found = 1;
    }
    return status;
}

int fg_look_for_steps(fg_search *s)
{
    int any = 0;
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            const fg_output *const o = s->output + p * s->outputs + out;
            int found = 0;
            if (o->noisy || o->narrow)
                continue;
            for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
                const int status = climbs_there(s, c, out, &found);
                if (status != FG_OK)
                    return status;
            }
            if (found)
                climb(s, p, out);
            any |= found;
        }
    if (!any)
        return FG_OK;
    const int status = fg_run(s, fg_find_first);
    return status == FG_OK ? fg_run(s, fg_refine) : status;
}
