/* Values very close to x, where a smooth function is a plane: what rounding does, and whether
 * derivatives add up. */
#include "internal.h"

#include <string.h>

/* What `renewed` of a point says: to be asked on the other side of x; again, closer; that was. */
enum { TURN = 1, RENEW, RENEWED };

double fg_next_to(const fg_search *s, ptrdiff_t c, double sign, int most)
{
    const double x = fabs(s->wanted->x[c]), spacing = nextafter(x, INFINITY) - x;
    const double *const room = s->wanted->room;
    if (room && smaller(room[c], room[s->columns + c]) < most * spacing)
        return 0.0;
    return sign * spacing;
}

/* The stride of column c close to x: representable, along its sign, within its room. */
static double stride(const fg_search *s, ptrdiff_t c, double wanted)
{
    const double x = s->wanted->x[c];
    double sign = fg_line_sign(c % s->n);
    if (c % s->n >= s->wanted->axes)
        return 0.0;
    if (s->wanted->room) {
        const double down = s->wanted->room[c], up = s->wanted->room[s->columns + c];
        if (s->n < TWO_FROM)
            sign = up >= down ? 1.0 : -1.0;
        if ((s->n < TWO_FROM ? larger(down, up) : smaller(down, up)) < CLOSE_ROOM * wanted)
            return 0.0;
    }
    const double there = x + sign * wanted;
    return there == x ? fg_next_to(s, c, sign, 2) : there - x;
}

/* The points close to one point of x. */
static void fill(const fg_search *s, ptrdiff_t p, double *dense)
{
    for (int m = 0; m < s->point[p].near; m++)
        for (ptrdiff_t i = 0; i < s->n; i++)
            dense[m * s->n + i] =
                s->wanted->x[p * s->n + i] + MULTIPLES[m] * s->close[p * s->n + i];
}

/* The points close to x of those from *p on that `renewed` says, as many as `dense` takes; *p: the
 * next. How many there are. */
static ptrdiff_t gather(const fg_search *s, int renewed, ptrdiff_t *p)
{
    ptrdiff_t rows = 0;
    for (; *p < s->columns / s->n && rows + 4 <= s->dense_room; ++*p)
        if (s->point[*p].renewed == renewed) {
            fill(s, *p, s->dense + rows * s->n);
            rows += s->point[*p].near;
        }
    return rows;
}

/* Asks for the points close to x of those that `renewed` says: many at a time. */
static int ask(fg_search *s, int renewed)
{
    const fg_function *const f = s->wanted->f;
    for (ptrdiff_t p = 0; p < s->columns / s->n;) {
        ptrdiff_t k = p;
        const ptrdiff_t rows = gather(s, renewed, &p);
        int status = fg_reserve_values(s, (size_t)(rows * s->outputs));
        const double *values = s->values + s->value_count;
        if (status == FG_OK && rows)
            status = f->at_points(f->ctx, rows, s->n, s->dense, s->values + s->value_count);
        if (status != FG_OK)
            return status;
        for (; k < p; k++) {
            fg_point *const point = s->point + k;
            if (point->renewed != renewed)
                continue;
            const ptrdiff_t count = point->near * s->outputs;
            memcpy(s->near + k * 4 * s->outputs, values, (size_t)count * sizeof *values);
            values += count;
            point->shared += point->near;
            point->renewed = renewed == RENEW ? RENEWED : 0;
        }
    }
    return FG_OK;
}

/* Scale, size and finiteness of an output, from its values close to x. */
static void begin(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    const double *const near = s->near + p * 4 * s->outputs + out;
    const double base = s->wanted->base[p * s->outputs + out];
    const int count = s->point[p].near;
    double largest = fabs(base);
    o->finite = 1;
    o->flat = 1;
    fg_take_note(o, base);
    for (int m = 0; m < count; m++) {
        const double value = near[m * s->outputs];
        fg_take_note(o, value);
        o->finite &= isfinite(value) != 0;
        o->flat &= value == base;
        if (isfinite(value))
            largest = larger(largest, fabs(value));
    }
    o->scale = 1.0;
    if (largest > 0.0)
        o->scale = ldexp(1.0, -fg_rounded(larger(smaller(floor(log2(largest)), 1000.0), -1000.0)));
    o->base = base * o->scale;
    o->largest = largest * o->scale;
    o->second = 0.0;
    if (count > 1 && o->finite)
        o->second = fabs((near[0] + near[s->outputs]) * o->scale - 2.0 * o->base) / sqrt(6.0);
}

/* A single point beyond an edge of the domain of some output goes to the other side of x. */
static int turn(fg_search *s, ptrdiff_t p)
{
    int finite = 1, fits = s->point[p].near == 1;
    for (ptrdiff_t out = 0; out < s->outputs; out++)
        finite &= isfinite(s->near[p * 4 * s->outputs + out]) != 0;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n && s->wanted->room; c++)
        fits &= s->wanted->room[s->close[c] > 0.0 ? c : s->columns + c] >=
                CLOSE_ROOM * fabs(s->close[c]);
    if (finite || !fits)
        return 0;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        s->close[c] = -s->close[c];
    return TURN;
}

int fg_ask_near(fg_search *s)
{
    const int count = s->n >= FOUR_FROM ? 4 : s->n >= TWO_FROM ? 2 : 1;
    for (ptrdiff_t c = 0; c < s->columns; c++)
        s->close[c] = stride(s, c, CLOSE * s->wanted->sizes[c]);
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        s->point[p].near = count;
    int status = ask(s, 0);
    for (ptrdiff_t p = 0; p < s->columns / s->n && status == FG_OK; p++)
        s->point[p].renewed = turn(s, p);
    if (status == FG_OK)
        status = ask(s, TURN);
    if (status == FG_OK)
        for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
            for (ptrdiff_t out = 0; out < s->outputs; out++)
                begin(s, p, out);
    return status;
}

double fg_slope_close(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    const fg_output *const o = s->output + p * s->outputs + out;
    const double *const near = s->near + p * 4 * s->outputs + out;
    if (isfinite(o->slope))
        return fg_line_slope(o, o->level);
    const int both = s->point[p].near > 1;
    const double other = both ? near[s->outputs] * o->scale : o->base;
    const double change = fabs(near[0] * o->scale - other);
    const double noise = larger(fg_rounding(o, o->largest, 0.0), o->level);
    if (!(change > SLOPE_DEVIATIONS * noise))
        return 0.0;
    return change / (both ? 2.0 * CLOSE : CLOSE);
}

/* Smaller strides where a step of some output is not much longer, and longer ones where it is so
 * far away that f cannot tell x from points that are close to it; whether there are any. */
static int renew(const fg_search *s, ptrdiff_t p)
{
    int any = 0;
    if (s->point[p].renewed || !fg_affords(s, p, s->n >= TWO_FROM ? 2 : 1))
        return 0;
    for (ptrdiff_t c = p * s->n; c < p * s->n + s->wanted->axes; c++) {
        double least = INFINITY;
        int flat = 1;
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            flat &= s->output[p * s->outputs + out].flat;
            const fg_entry *const e = fg_entry_of(s, c, out);
            if (e->view.pairs && e->phase != DONE && e->step < least)
                least = e->step;
        }
        if (fabs(s->close[c]) > least * CLOSE_TO_STEP) {
            const double x = fabs(s->wanted->x[c]),
                         spacing = LEAST_SPACINGS * (nextafter(x, INFINITY) - x);
            const double wanted = smaller(larger(fabs(s->close[c]), spacing),
                                          larger(least * CLOSER_THAN_STEP, spacing));
            s->close[c] = stride(s, c, wanted);
            any = 1;
        } else if (flat && least < INFINITY && fabs(s->close[c]) * FAR < CLOSE_OF_STEP * least) {
            s->close[c] = stride(s, c, CLOSE_OF_STEP * least);
            any = 1;
        }
    }
    return any;
}

int fg_renew_near(fg_search *s)
{
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        if (renew(s, p)) {
            s->point[p].renewed = RENEW;
            s->point[p].near = s->n >= TWO_FROM ? 2 : 1;
        }
    const int status = ask(s, RENEW);
    if (status != FG_OK)
        return status;
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs && s->point[p].renewed == RENEWED; out++) {
            fg_output *const o = s->output + p * s->outputs + out;
            o->finite = 1;
            for (int m = 0; m < s->point[p].near; m++)
                o->finite &= isfinite(s->near[(p * 4 + m) * s->outputs + out]) != 0;
        }
    return FG_OK;
}
