/* Many pairs as one, under noise: least squares, and bars by how the pairs scatter around it. */
#include "internal.h"

enum { MOST_FITTED = 20, MOST_ORDERS = 4 };

/* A fit of odd and of even polynomials to pairs, in units of the longest distance. */
typedef struct {
    int orders, count, degrees;
    double s, b[MOST_TERMS], deviation[MOST_TERMS]; /* the latter for noise sigma */
    double rss;                                     /* in units of sigma^2 */
    double product;                                 /* of the first order left out */
    double bar, truncation;
} fit;

typedef struct {
    double distance, odd, even;
} pair;

/* The inverse of a symmetric positive matrix (n, n), in place (Gauss-Jordan); n <= MOST_ORDERS. */
static void invert(int n, double a[MOST_ORDERS][MOST_ORDERS])
{
    for (int k = 0; k < n; k++) {
        const double pivot = a[k][k];
        a[k][k] = 1.0;
        for (int j = 0; j < n; j++)
            a[k][j] /= pivot;
        for (int i = 0; i < n; i++) {
            const double factor = a[i][k];
            if (i == k)
                continue;
            a[i][k] = 0.0;
            for (int j = 0; j < n; j++)
                a[i][j] -= factor * a[k][j];
        }
    }
}

/* Least squares for one parity. Values of pairs have the noise sigma / sqrt(2), and where they are
 * even, that of f(x) too: the inverse of their covariance is 2 (I - 2 / (1 + 2 count) 1 1'). */
static double least_squares(const pair *pairs, int even, int deriv, double sigma, fit *w)
{
    double power[MOST_FITTED][MOST_ORDERS], normal[MOST_ORDERS][MOST_ORDERS], right[MOST_ORDERS];
    double sums[MOST_ORDERS] = {0.0}, total = 0.0, rss = 0.0, left_out = 0.0;
    const double shared = even ? 2.0 / (1.0 + 2.0 * w->count) : 0.0;
    for (int a = 0; a < w->count; a++) {
        const double u = pairs[a].distance / w->s;
        power[a][0] = even ? u * u : u;
        for (int i = 1; i < w->orders; i++)
            power[a][i] = power[a][i - 1] * u * u;
        for (int i = 0; i < w->orders; i++)
            sums[i] += power[a][i];
        total += even ? pairs[a].even : pairs[a].odd;
    }
    for (int i = 0; i < w->orders; i++) {
        right[i] = -shared * sums[i] * total;
        for (int j = 0; j < w->orders; j++)
            normal[i][j] = -shared * sums[i] * sums[j];
        for (int a = 0; a < w->count; a++) {
            right[i] += power[a][i] * (even ? pairs[a].even : pairs[a].odd);
            for (int j = 0; j < w->orders; j++)
                normal[i][j] += power[a][i] * power[a][j];
        }
    }
    invert(w->orders, normal);
    for (int i = 0; i < w->orders; i++) {
        double b = 0.0;
        for (int j = 0; j < w->orders; j++)
            b += normal[i][j] * right[j];
        w->b[2 * i + even] = b;
        w->deviation[2 * i + even] = sigma * sqrt(0.5 * normal[i][i]);
    }
    double rest_sum = 0.0;
    for (int a = 0; a < w->count; a++) {
        double rest = even ? pairs[a].even : pairs[a].odd, weight = 0.0;
        for (int i = 0; i < w->orders; i++) {
            rest -= power[a][i] * w->b[2 * i + even];
            weight += normal[0][i] * power[a][i];
        }
        rss += rest * rest;
        rest_sum += rest;
        left_out += weight * power[a][w->orders - 1] * (pairs[a].distance / w->s) *
                    (pairs[a].distance / w->s);
    }
    if (even == (deriv == 2))
        w->product = fabs(left_out);
    return 2.0 * (rss - shared * rest_sum * rest_sum) / (sigma * sigma);
}

/* The bar of a fit where noise is `factor` times what was thought. */
static void assess(fit *w, int deriv, double factor, double deviations)
{
    const int n = 2 * w->orders;
    double size[MOST_TERMS];
    for (int k = 0; k < n; k++)
        size[k] = hypot(w->b[k], w->deviation[k] * factor);
    const double ratio = larger(fg_root_of_ratio(size[n - 2], size[n - 4]),
                                fg_root_of_ratio(size[n - 1], size[n - 3]));
    const double odd = size[n - 2] * ratio * ratio, even = size[n - 1] * ratio;
    w->truncation = w->product * (deriv == 1 ? hypot(odd, even) : ratio * hypot(odd, even));
    const int seen = fabs(w->b[n - 2]) > SEEN * w->deviation[n - 2] * factor ||
                     fabs(w->b[n - 1]) > SEEN * w->deviation[n - 1] * factor;
    if (ratio > WORSE_UNRESOLVED && seen)
        w->truncation = larger(w->truncation, w->product * fabs(w->b[n - 3 + deriv]));
    w->bar =
        (TRUNCATION_FACTOR * w->truncation + deviations * factor * w->deviation[deriv - 1]) / w->s;
    if (deriv == 2)
        w->bar *= 2.0 / w->s;
}

/* All pairs of an entry between two distances. */
static int collect(const fg_search *s, ptrdiff_t c, ptrdiff_t out, double from, double to,
                   pair *pairs)
{
    const fg_output *const o = fg_output_of(s, c, out);
    int count = 0;
    for (ptrdiff_t r = s->column[c].last; r >= 0 && count < MOST_FITTED; r = s->records[r].before) {
        const fg_record *const record = s->records + r;
        if (record->width != 2 || record->d < from || record->d > to)
            continue;
        const double right = s->values[record->values + out] * o->scale - o->base;
        const double left = s->values[record->values + s->outputs + out] * o->scale - o->base;
        if (isfinite(right) && isfinite(left))
            pairs[count++] = (pair){record->d, 0.5 * (right - left), 0.5 * (right + left)};
    }
    return count;
}

static int distinct(const pair *pairs, int count)
{
    int found = 0;
    for (int a = 0; a < count; a++) {
        int before = 0;
        for (int b = 0; b < a; b++)
            before |= fabs(log2(pairs[a].distance / pairs[b].distance)) < 0.01;
        found += !before;
    }
    return found;
}

/* The fit of one entry with the smallest bar; whether there is one. */
static int best_fit(const fg_search *s, ptrdiff_t c, ptrdiff_t out, fit *best)
{
    const fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    fg_window w;
    double limit = 0.0;
    int any = 0, deriv = s->wanted->deriv;
    fg_look_at(s, c, out, e->view, &w);
    for (int k = 0; k < e->count; k++)
        limit = larger(limit, fg_distance(s, c, e->kept[k].level - e->kept[k].pairs + 1) * 1.01);
    for (int orders = 2; orders <= MOST_ORDERS; orders++)
        for (int k = 0; k < 5; k++) {
            pair pairs[MOST_FITTED];
            fit one = {.orders = orders};
            one.count = collect(s, c, out, FIT_FROM * e->step,
                                smaller(FIT_REACHES[k] * e->step, limit), pairs);
            if (distinct(pairs, one.count) < orders + (orders > 2 ? 1 : 2))
                continue;
            for (int a = 0; a < one.count; a++)
                one.s = larger(one.s, pairs[a].distance);
            one.rss = least_squares(pairs, 0, deriv, w.sigma, &one) +
                      least_squares(pairs, 1, deriv, w.sigma, &one);
            one.degrees = 2 * (one.count - orders);
            const double own = sqrt((OWN_PRIOR + one.rss) / (OWN_PRIOR + one.degrees));
            assess(&one, deriv, larger(own, 1.0), fg_student(o->line_degrees + one.degrees));
            if (isfinite(one.bar) && (!any || one.bar < best->bar)) {
                *best = one;
                any = 1;
            }
        }
    return any;
}

static int takes_part(const fg_search *s, ptrdiff_t c, ptrdiff_t out)
{
    const fg_entry *const e = fg_entry_of(s, c, out);
    const fg_output *const o = fg_output_of(s, c, out);
    return (o->noisy || o->narrow) && e->view.pairs && e->phase != DONE;
}

/* Three more pairs for each component under noise, near the shortest distance that its first such
 * output looks from. */
static int repeat(fg_search *s)
{
    for (int k = 0; k < 3; k++) {
        ptrdiff_t count = 0, columns[64];
        double d[64];
        for (ptrdiff_t c = 0; c <= s->columns; c++) {
            if (c == s->columns || count == 64) {
                const int status = count ? fg_ask_pairs(s, count, columns, d) : FG_OK;
                if (status != FG_OK)
                    return status;
                count = 0;
            }
            for (ptrdiff_t out = 0; c < s->columns && out < s->outputs; out++) {
                const fg_entry *const e = fg_entry_of(s, c, out);
                if (!takes_part(s, c, out) || e->view.side || fg_room(s, c) < 2)
                    continue;
                columns[count] = c;
                d[count++] = REPEATS[k] * e->step;
                break;
            }
        }
    }
    return FG_OK;
}

/* The least that scatter may be, of the rounding that is known: values fall in step with it. */
static double least_factor(const fg_output *o)
{
    if (o->gridded)
        return 1.0;
    return o->narrow ? LEAST_OF_FLOAT32 : 0.0;
}

/* The values and bars of one output of one point, from fits (n,) and whether there are (n,). */
static void settle(fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    double sum = o->line_degrees, degrees = o->line_degrees;
    const int deriv = s->wanted->deriv;
    fit w;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        if (takes_part(s, c, out) && !fg_entry_of(s, c, out)->view.side &&
            best_fit(s, c, out, &w)) {
            sum += smaller(w.rss, OUTLIER_SQUARES * w.degrees);
            degrees += w.degrees;
        }
    const double pooled = sqrt(sum / degrees), deviations = fg_student(degrees);
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
        fg_entry *const e = fg_entry_of(s, c, out);
        if (!takes_part(s, c, out))
            continue;
        if (e->view.side || !best_fit(s, c, out, &w)) {
            fg_window v;
            fg_look_at(s, c, out, e->view, &v);
            e->error = (TRUNCATION_FACTOR * v.truncation +
                        deviations * larger(pooled, o->gridded ? 1.0 : 1e-3) * v.noise) /
                       fabs(v.s);
            if (deriv == 2)
                e->error *= 2.0 / fabs(v.s);
            continue;
        }
        const double own = sqrt((OWN_PRIOR * pooled * pooled + w.rss) / (OWN_PRIOR + w.degrees));
        const double factor = larger(larger(own, pooled), least_factor(o));
        e->value = deriv == 1 ? w.b[0] / w.s : 2.0 * w.b[1] / (w.s * w.s);
        assess(&w, deriv, factor, OF_A_LINE * deviations);
        e->error = w.bar;
        if (e->doubted && w.degrees < 2)
            e->error = INFINITY;
        if (w.degrees >= 4 && w.rss > OUTLYING * w.degrees * pooled * pooled) {
            e->error = INFINITY;
            e->flags |= FG_UNDETERMINED;
        }
    }
}

int fg_average(fg_search *s)
{
    int any = 0;
    for (ptrdiff_t k = 0; k < s->columns / s->n * s->outputs; k++)
        any |= s->output[k].noisy || s->output[k].narrow;
    if (!any)
        return FG_OK;
    const int status = repeat(s);
    for (ptrdiff_t p = 0; p < s->columns / s->n && status == FG_OK; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            if (s->output[p * s->outputs + out].noisy || s->output[p * s->outputs + out].narrow)
                settle(s, p, out);
    return status;
}
