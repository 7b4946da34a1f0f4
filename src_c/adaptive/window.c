/* What the values of one window say of one derivative. */
#include "internal.h"

#include <stdlib.h>

double fg_rounding(const fg_output *o, double largest, double arguments)
{
    const double inside = o->rounds_arguments ? ARGUMENTS * sqrt(arguments) : 0.0;
    return EPSILON * fg_norm(ROUNDING * largest, inside);
}

static const double HALVES[MOST_PAIRS] = {1.0, 0.5, 0.25, 0.125};

/* The noise of the values of a window. */
static double noise_of(const fg_search *s, ptrdiff_t c, ptrdiff_t out, const fg_window *w)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const fg_entry *const e = fg_entry_of(s, c, out);
    const int is_axis = c - s->column[c].point * s->n < s->wanted->axes;
    const double x = is_axis ? s->wanted->x[c] : s->wanted->sizes[c], own = x * w->slope / w->s;
    const double mine = is_axis && e->view.pairs ? x * e->slope : 0.0;
    const double others = larger(o->arguments - mine * mine, 0.0);
    double sigma = fg_kappa(o, e) * fg_rounding(o, w->largest, own * own + others);
    if (o->narrow && !o->gridded)
        sigma = fg_norm(larger(sigma, GRID * EPSILON32 * w->largest),
                        GRID * EPSILON32 * fabs(x * w->b[0] / w->s));
    if (o->noisy)
        sigma = larger(sigma, larger(o->relative * w->largest, o->level));
    if (o->root > 0.0)
        sigma = larger(sigma, o->root * sqrt(w->largest));
    if (o->gridded)
        sigma =
            larger(fg_rounding(o, w->largest, own * own + others), fg_noise_of_grid(o, w->largest));
    return sigma;
}

static double power(double base, int exponent)
{
    double found = 1.0;
    for (int k = abs(exponent); k; k >>= 1, base *= base)
        if (k & 1)
            found *= base;
    return exponent < 0 ? 1.0 / found : found;
}

/* Whether a coefficient is a large part of what is seen at the outermost values, 2^doublings times
 * as far as the closest. */
static int is_large(const fg_window *w, const double *norms, int k, int doublings)
{
    const double reach = 1 << doublings, there = 1 << (doublings * (k + 1));
    return fabs(w->b[k]) * there >
           larger(ROUGH_PART * w->slope * reach, ROUGH_DEVIATIONS * norms[k] * w->sigma * there);
}

/* An error of a coefficient of distance d as that of a derivative. */
static double of_derivative(double error, double d, int deriv)
{
    return deriv == 1 ? error / d : 2.0 * error / (d * d);
}

static double bar_of(const fg_output *o, const fg_window *w, double truncation, double noise,
                     int deriv)
{
    const double all =
        TRUNCATION_FACTOR * truncation + o->deviations * noise + EPSILON * fabs(w->b[deriv - 1]);
    return of_derivative(all, fabs(w->s), deriv);
}

/* Two pairs show too little of how coefficients fall: their error is that of the order below. */
static double between_orders(const fg_window *w) { return fg_norm(w->size[2], w->size[3]); }

/* The second derivative, by the noise of a value, from what was found for the first. */
static void judge_second(const fg_search *s, ptrdiff_t c, ptrdiff_t out, fg_window *w, double noise)
{
    const int n = w->terms, central = !w->at.side;
    const fg_weights *const weights = fg_weights_of(w->at.pairs);
    double truncation = w->truncation, top = w->top;
    if (central) {
        const double reach = 1 << (w->at.pairs - 1);
        top = w->ratio * fg_norm(w->size[n - 1] * w->ratio, w->size[n - 2] * w->ratio * w->ratio);
        truncation = weights->product * top;
        if (w->ratio * reach > WORSE_UNRESOLVED && w->seen >> (n - 2))
            truncation = larger(truncation, weights->product / (reach * reach) * fabs(w->b[n - 1]));
        if (w->at.pairs == 2)
            truncation = larger(truncation, between_orders(w));
        if (w->rough)
            truncation = larger(truncation, larger(weights->product * fabs(w->b[n - 1]), w->slope));
    } else {
        truncation *= fg_one_sided_product_of_second / fg_one_sided_product;
    }
    const double own = (central ? weights->norms[1] : fg_one_sided_norms[1]) * noise;
    w->second_bar = bar_of(fg_output_of(s, c, out), w, truncation, own, 2);
    w->second = 2.0 * w->b[1] / (w->s * w->s);
    if (s->wanted->deriv == 1)
        return;
    w->next = central ? n + 2 : n + 1;
    w->top = top;
    w->truncation = truncation;
    w->noise = own;
    w->derivative = w->second;
    w->bar = w->second_bar;
}

/* Whether the slope from x grows without end toward x, as that of a square root at 0. */
static int is_steep(fg_window *w)
{
    double last = 0.0;
    int steep = 1;
    for (int k = ONE_SIDED_POINTS - 2; k >= 0; k--) {
        const double change = ldexp(w->y[k], -k) - ldexp(w->y[k + 1], -k - 1);
        steep &= ldexp(fabs(change), k) > STEEP_DEVIATIONS * w->sigma && change * last >= 0.0 &&
                 fabs(change) >= STEEP_PART * fabs(last);
        last = change;
        if (k == 0 || k == ONE_SIDED_POINTS - 2)
            w->changes[k > 0] = fabs(change / w->s);
    }
    return steep;
}

/* The ratio of neighbouring coefficients. Where both top ones are seen, theirs too: what grows fast
 * may be hidden, in lower ones, by what is large and slow. It may also be that those of one parity
 * vanish: no more than what can be resolved. */
static double ratio_of(const fg_window *w)
{
    const int n = w->terms;
    const double *const size = w->size;
    const double neighbours = size[n - 2] > 0.0 ? size[n - 1] / size[n - 2] : 0.0;
    const double most = UNRESOLVED / (1 << (w->at.pairs - 1));
    const double ratio = larger(fg_root_of_ratio(size[n - 2], size[n - 4]),
                                fg_root_of_ratio(size[n - 1], size[n - 3]));
    if (w->at.side)
        return larger(ratio, UNRESOLVED * neighbours);
    return w->seen >> (n - 2) == 3 ? larger(ratio, smaller(neighbours, most)) : ratio;
}

/* What the values show without their coefficients: a constant, a kink, a step, values far off the
 * others. */
static void judge_shape(fg_window *w)
{
    double near = 0.0, far = 0.0, low = w->y[0], high = w->y[0];
    w->constant = 1;
    for (int k = 0; k < w->terms; k++) {
        const double y = w->y[k];
        if (k < 4)
            near = larger(near, fabs(y));
        if (k >= 4)
            far = larger(far, fabs(y));
        low = smaller(low, y);
        high = larger(high, y);
        w->constant &= y == 0.0;
    }
    w->kink = 0;
    if (!w->at.side) {
        const double even = w->y[0] + w->y[1];
        w->across = fabs(w->y[0] - w->y[1]);
        w->rough |= near > 0.0 && far > OUTLIER_RANGE * near;
        w->kink = w->terms > 4 && fabs(even) > KINK_DEVIATIONS * w->sigma &&
                  fabs((w->y[2] + w->y[3]) / even - 2.0) < KINK_PART * 2.0 &&
                  fabs((w->y[4] + w->y[5]) / even - 4.0) < KINK_PART * 4.0;
    } else {
        const double apart = larger(low, -high);
        w->across = NAN;
        w->rough |= apart > STEP_DEVIATIONS * w->sigma && apart > STEP_RANGES * (high - low);
        w->steep = is_steep(w);
        w->rough |= w->steep;
    }
}

/* Truncation, noise and bar of a window whose coefficients are known. */
static void judge(const fg_search *s, ptrdiff_t c, ptrdiff_t out, fg_window *w)
{
    const int one_sided = w->at.side != 0, n = w->terms;
    const fg_weights *const weights = fg_weights_of(w->at.pairs);
    const double *const norms = one_sided ? fg_one_sided_norms : weights->norms;
    const double product = one_sided ? fg_one_sided_product : weights->product;
    const int doublings = one_sided ? ONE_SIDED_POINTS - 1 : w->at.pairs - 1;
    const double reach = 1 << doublings;
    const double *const b = w->b;
    double *const size = w->size;

    w->sigma = noise_of(s, c, out, w);
    w->seen = 0;
    for (int k = 0; k < n; k++) {
        size[k] = fg_norm(b[k], norms[k] * w->sigma);
        if (fabs(b[k]) > SEEN * norms[k] * w->sigma)
            w->seen |= 1u << k;
    }
    w->ratio = ratio_of(w);
    w->next = n + 1;
    w->top = fg_norm(size[n - 2] * w->ratio * w->ratio, size[n - 1] * w->ratio);
    w->truncation = product * w->top;
    double noise = w->sigma;

    const int top_seen = (w->seen >> (n - 2)) != 0;
    if (w->ratio * reach > WORSE_UNRESOLVED && top_seen)
        w->truncation = larger(w->truncation, product / (reach * reach) * fabs(b[n - 2]));
    if (w->at.pairs == 2)
        w->truncation = larger(w->truncation, between_orders(w));
    if (w->ratio * reach > UNRESOLVED && top_seen)
        noise =
            larger(noise, fg_norm(b[n - 2] / norms[n - 2], b[n - 1] / norms[n - 1]) * sqrt(0.5));
    w->noise = norms[0] * fg_norm(noise, fg_output_of(s, c, out)->inside * sqrt(fabs(b[1])));
    w->rough = is_large(w, norms, n - 1, doublings) || is_large(w, norms, n - 2, doublings) ||
               !isfinite(w->truncation + w->noise + w->slope * reach);

    judge_shape(w);
    if (w->rough)
        w->truncation = larger(w->truncation,
                               larger(product * larger(fabs(b[n - 1]), fabs(b[n - 2])), w->slope));
    w->first_bar = w->bar = bar_of(fg_output_of(s, c, out), w, w->truncation, w->noise, 1);
    w->first = w->derivative = b[0] / w->s;
    judge_second(s, c, out, w, noise);
}

double fg_size_of(const fg_search *s, const fg_window *w)
{
    double curvature = 0.0;
    if (s->wanted->deriv == 1)
        return w->slope / fabs(w->s);
    for (int k = 0; k < w->at.pairs; k++)
        curvature =
            larger(curvature, fabs(w->y[2 * k] + w->y[2 * k + 1]) * (HALVES[k] * HALVES[k]));
    return w->at.side ? 2.0 * w->slope / (w->s * w->s) : curvature / (w->s * w->s);
}

/* The values of a central window, and their coefficients. */
static void interpolate(const fg_search *s, ptrdiff_t c, ptrdiff_t out, fg_window *w)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const int pairs = w->at.pairs;
    const fg_weights *const weights = fg_weights_of(pairs);
    const double x = s->wanted->x[c], d = fg_distance(s, c, w->at.level);
    w->terms = 2 * pairs;
    w->left = w->right = 1;
    for (int k = 0; k < pairs; k++) {
        const fg_record *const r = fg_record_at(s, c, d * (1 << k), 2);
        for (int side = 0; side < 2; side++) {
            const double value = s->values[r->values + side * s->outputs + out] * o->scale;
            const double y = w->y[2 * k + side] = value - o->base;
            *(side ? &w->left : &w->right) &= isfinite(value) != 0;
            w->largest = larger(w->largest, fabs(value));
            w->slope = larger(w->slope, fabs(y) * HALVES[k]);
        }
    }
    const double right = x + d, left = x - d;
    w->s = right - x == x - left ? right - x : d;
    for (int i = 0; i < pairs; i++) {
        double odd = 0.0, even = 0.0;
        for (int k = 0; k < pairs; k++) {
            odd += weights->odd[i][k] * (0.5 * (w->y[2 * k] - w->y[2 * k + 1]));
            even += weights->odd[i][k] * HALVES[k] * (0.5 * (w->y[2 * k] + w->y[2 * k + 1]));
        }
        w->b[2 * i] = odd;
        w->b[2 * i + 1] = even;
    }
}

/* The same on one side. */
static void extrapolate(const fg_search *s, ptrdiff_t c, ptrdiff_t out, fg_window *w)
{
    const fg_output *const o = fg_output_of(s, c, out);
    const double x = s->wanted->x[c], d = w->at.side * fg_distance(s, c, w->at.level),
                 there = x + d;
    w->terms = ONE_SIDED_POINTS;
    w->s = there - x;
    w->right = w->left = 1;
    for (int k = 0; k < ONE_SIDED_POINTS; k++) {
        const double *const values = fg_values_at(s, c, ldexp(d, k));
        const double value = values[out] * o->scale;
        w->y[k] = value - o->base;
        w->right &= isfinite(value) != 0;
        w->largest = larger(w->largest, fabs(value));
        w->slope = larger(w->slope, ldexp(fabs(w->y[k]), -k));
    }
    for (int i = 0; i < ONE_SIDED_POINTS; i++) {
        w->b[i] = 0.0;
        for (int k = 0; k < ONE_SIDED_POINTS; k++)
            w->b[i] += fg_one_sided[i][k] * w->y[k];
    }
}

void fg_look_at(const fg_search *s, ptrdiff_t c, ptrdiff_t o, fg_place at, fg_window *w)
{
    w->at = at;
    w->steep = 0;
    w->changes[0] = w->changes[1] = 0.0;
    w->largest = fabs(fg_output_of(s, c, o)->base);
    w->slope = 0.0;
    if (at.side)
        extrapolate(s, c, o, w);
    else
        interpolate(s, c, o, w);
    w->finite = w->left && w->right;
    if (w->finite)
        judge(s, c, o, w);
}

/* Of which coefficients of one parity are seen: the highest, or -1. */
static int highest(const fg_window *w, int parity)
{
    for (int k = w->terms - 2 + parity; k >= 0; k -= 2)
        if (w->seen >> k & 1)
            return k;
    return -1;
}

/* The ratio of coefficients where the top ones are hidden; infinite where nothing is seen. */
static double hidden_ratio(const fg_window *w)
{
    const int odd = highest(w, 0), even = highest(w, 1);
    double rho = INFINITY;
    for (int parity = 0; parity < 2; parity++) {
        const int r = parity ? even : odd;
        if (r >= 0 && r + 2 < w->terms)
            rho = smaller(rho, sqrt(w->size[r + 2] / w->size[r]));
    }
    if (rho < INFINITY && odd == 0 && even < 0)
        for (int r = 1; r < w->terms; r++)
            rho = r == 1 ? w->size[1] / w->size[0]
                         : smaller(rho, pow(w->size[r] / w->size[0], 1.0 / r));
    return rho;
}

/* The first coefficient left out of a window of `terms` terms, whose steps are q of the known
 * one's, where the top coefficients are hidden. */
static double hidden_top(const fg_window *w, int terms, double q, double rho)
{
    double found = 0.0;
    for (int parity = 0; parity < 2; parity++) {
        const int r = highest(w, parity);
        if (r >= 0)
            found = fg_norm(found, w->size[r] * power(q, r + 1) * power(q * rho, terms - r - 1));
    }
    return found;
}

/* Whether the highest coefficients of a window are above their noise, or it goes by them anyway. */
static int shows_top(const fg_window *w) { return w->at.side || w->seen >> (w->terms - 2); }

double fg_ratio_of(const fg_window *w) { return shows_top(w) ? w->ratio : hidden_ratio(w); }

static double noise_norm(const fg_search *s, fg_place at)
{
    const double *const norms = at.side ? fg_one_sided_norms : fg_weights_of(at.pairs)->norms;
    return norms[s->wanted->deriv - 1];
}

double fg_forecast(const fg_search *s, ptrdiff_t c, ptrdiff_t o, const fg_window *v, double rho,
                   fg_place at, double most)
{
    const double d = fg_distance(s, c, at.level), q = d / fabs(v->s);
    const double reach = at.side ? ONE_SIDED_REACH : (double)(1 << (at.pairs - 1));
    const int deriv = s->wanted->deriv, shows = shows_top(v);
    if (rho == INFINITY || q * rho * reach > (shows ? FORECAST_SEEN : FORECAST_HIDDEN))
        return INFINITY;
    const double noise = fg_output_of(s, c, o)->deviations * noise_norm(s, at) * v->sigma;
    if (of_derivative(noise, d, deriv) > most)
        return INFINITY;
    const fg_weights *const weights = fg_weights_of(at.pairs);
    const double product = !at.side     ? weights->product
                           : deriv == 1 ? fg_one_sided_product
                                        : fg_one_sided_product_of_second;
    /* The first coefficient left out is that of s^terms. */
    const int terms = at.side ? ONE_SIDED_POINTS + 1 : 2 * at.pairs + deriv, known = v->next;
    double top;
    if (!shows)
        top = hidden_top(v, terms, q, rho);
    else if (terms >= known)
        top = v->top * power(q, known) * power(q * rho, terms - known);
    else
        top = v->top * power(q, terms) / power(larger(rho, 1e-9), known - terms);
    const double all = TRUNCATION_FACTOR * product * top + noise +
                       EPSILON * fabs(v->b[deriv - 1]) * power(q, deriv);
    return of_derivative(all, d, deriv);
}
