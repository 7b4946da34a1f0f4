/* One descent with given rates, of a function and a gradient that are called back. */
#include "descent.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void copy(ptrdiff_t count, const double *from, double *to)
{
    memcpy(to, from, (size_t)count * sizeof *to);
}

/* From x along the direction of its gradient; where it came from is kept. */
static void move(const fg_path *p, ptrdiff_t k, double *d)
{
    copy(fg_memory(p->how) * p->n, p->memory, p->last_memory);
    fg_direct(p->how, p->n, p->begin + k, p->g, p->memory, d);
    copy(p->n, p->x, p->last);
    copy(p->n, p->g, p->last_g);
    fg_move(p->n, 1, 1, p->rates[k], d, p->lower, p->upper, p->x);
}

/* What is known of iteration k, at its end. */
static void note(const fg_path *p, ptrdiff_t k, double norm)
{
    if (p->points)
        copy(p->n, p->x, p->points + k * p->n);
    if (!p->value)
        return;
    p->record[k * FG_RECORD] = p->f;
    p->record[k * FG_RECORD + 1] = norm;
    p->record[k * FG_RECORD + 2] = fg_norm_of_difference(p->n, p->x, p->last);
    if (p->f < *p->best_f) {
        *p->best_f = p->f;
        copy(p->n, p->x, p->best_x);
    }
}

int fg_follow(fg_path *p, double *scratch)
{
    for (p->done = 0; p->done < p->end - p->begin;) {
        const double before = p->f;
        move(p, p->done, scratch);
        if (p->value && p->value(p->ctx, p->x, &p->f) != FG_OK)
            return FG_ECALLBACK;
        if (p->value && !isfinite(p->f))
            return FG_NOT_FINITE;

        if (p->gradient(p->ctx, p->x, p->g) != FG_OK)
            return FG_ECALLBACK;
        const double norm = fg_norm(p->n, p->g);
        if (!(norm <= DBL_MAX))
            return FG_NOT_FINITE;

        note(p, p->done, norm);
        p->done++;
        const int settled =
            p->value && p->ftol > 0.0 && fabs(before - p->f) <= p->ftol * fabs(before);
        if (norm <= p->gtol || settled)
            return FG_CONVERGED;
    }
    return FG_RUNNING;
}
