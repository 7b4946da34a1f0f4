/* The adaptive method: derivatives against the slope of the line that showed the noise, where f is
 * smooth along all coordinates at once. What does not fit has passed over something, such as
 * periods. */
#include "internal.h"

/* Whether the derivatives of point p add up to the slope of its line, or it says nothing. */
static int agrees(const fg_search *s, ptrdiff_t p, double level)
{
    const fg_noise *const noise = s->noise + p;
    double sum = 0.0, tolerance = LINE_DEVIATIONS * level / noise->accepted;
    if (!isfinite(noise->slope) || tolerance > LINE_UNCLEAR * fabs(noise->slope))
        return 1;
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const fg_component *const c = s->components + p * s->n + i;
        const double scale = s->scale[p * s->n + i];
        sum += fg_line_sign(i) * scale * c->value;
        tolerance += scale * (c->error + LINE_RELATIVE * fabs(c->value));
    }
    return fabs(noise->slope - sum) <= tolerance;
}

/* Gathers components from *next to `end` that can be asked for a difference at the line's spacing;
 * returns how many. */
static ptrdiff_t gather(const fg_search *s, ptrdiff_t p, ptrdiff_t *next, ptrdiff_t end)
{
    const fg_noise *const noise = s->noise + p;
    ptrdiff_t count = 0;
    for (; *next < end && count < s->block; ++*next) {
        const ptrdiff_t c = *next;
        fg_component *const own = s->components + c;
        const double moved = s->x[c] + noise->accepted * s->scale[c];
        if (moved == s->x[c] || own->flags & (FG_KINK | FG_JUMP))
            continue;
        if (!fg_can_afford(s, c, 2 + FG_WIDTH)) { /* one of the suspects, and no way to tell */
            own->error = INFINITY;
            own->kept = 0;
            continue;
        }
        s->h[count] = moved - s->x[c];
        s->moved[count++] = c;
    }
    return count;
}

int fg_look_again(const fg_search *s, ptrdiff_t p, int *again)
{
    static const double both[2] = {1.0, -1.0};
    const fg_noise *const noise = s->noise + p;
    const double level = noise->level + fg_epsilon_of(noise) * noise->size;
    const ptrdiff_t end = (p + 1) * s->n;
    if (agrees(s, p, level))
        return FG_OK;

    for (ptrdiff_t next = p * s->n; next < end;) {
        const ptrdiff_t count = gather(s, p, &next, end);
        const int status = fg_ask(s, count, both, 2);
        if (status != FG_OK)
            return status;

        for (ptrdiff_t k = 0; k < count; k++) {
            fg_component *const own = s->components + s->moved[k];
            const double h = s->h[k], slope = (s->values[2 * k] - s->values[2 * k + 1]) / (2.0 * h);
            const double error = BLAME_DEVIATIONS * level / h + BLAME_RELATIVE * fabs(slope);
            own->evaluations += 2;
            if (isfinite(slope) && !(fabs(slope - own->value) <= own->error + error)) {
                fg_start(own, BLAME_STEP * h);
                *again = 1;
            }
        }
    }
    return FG_OK;
}
