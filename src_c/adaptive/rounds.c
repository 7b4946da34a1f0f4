/* The adaptive method: each component looks for its own step, a round of all unfinished components
 * at a time. */
#include "internal.h"

void fg_start(fg_component *c, double h)
{
    const int evaluations = c->evaluations;
    *c = (fg_component){.value = NAN, .error = INFINITY, .left = NAN, .right = NAN, .h = h};
    c->evaluations = evaluations;
}

int fg_can_afford(const fg_search *s, ptrdiff_t c, int more)
{
    /* Its part of f(x), of two more looks at the first edge of the domain, and of the noise. */
    const fg_component *const own = s->components + c;
    const double all = 1.0 + (own->failures ? 2.0 : 0.0) + s->noise[c / s->n].evaluations;
    return own->evaluations + more + all / (double)s->n <= EVALUATIONS;
}

int fg_ask(const fg_search *s, ptrdiff_t count, const double *offsets, ptrdiff_t width)
{
    const fg_shifts shifts = {
        .n = s->n,
        .x = s->x,
        .components = s->moved,
        .h = s->h,
        .count = count,
        .offsets = offsets,
        .width = width,
    };
    return count ? s->f->at_shifts(s->f->ctx, &shifts, s->values) : FG_OK;
}

/* The first step, from the noise. */
static void begin(const fg_search *s, ptrdiff_t c)
{
    const fg_noise *const noise = s->noise + c / s->n;
    fg_component *const own = s->components + c;
    const double share = pow(FIRST_STEP * fg_relative_noise(noise), BALANCE);
    *own = (fg_component){0};
    fg_start(own, s->scale[c] * smaller(share, 1.0));
    if (s->n == 1 && noise->hidden && noise->accepted < HIDDEN_SPACING)
        own->h = smaller(own->h, HIDDEN_STEP * noise->accepted * s->scale[c]);
    if (s->room && s->room[c] == 0.0 && s->room[s->total + c] == 0.0) {
        own->flags = FG_EDGE;
        fg_finish(own);
    }
}

/* Keeps the points of the next round within the room that there is. */
static void fit(fg_component *c, double x, double down, double up)
{
    const double wanted = fabs(c->h), nearest = smaller(down, up);
    if (c->side == 0 && REACH * wanted > nearest) {
        if (nearest >= CENTRAL_ROOM * wanted) {
            c->h = nextafter(nearest / REACH, 0.0);
        } else {
            c->side = up >= down ? 1 : -1;
            c->flags |= FG_EDGE;
        }
    }
    if (c->side)
        fg_go_on(c, smaller(wanted, nextafter((c->side > 0 ? up : down) / ONE_SIDED_REACH, 0.0)));

    const double moved = x + c->h;
    c->h = moved - x;
    if (c->h == 0.0)
        fg_finish(c);
}

/* Whether a component takes part in the next round. */
static int takes_part(const fg_search *s, ptrdiff_t c, int pass)
{
    fg_component *const own = s->components + c;
    if (own->done)
        return 0;
    if (own->rounds >= FG_ROUNDS || !fg_can_afford(s, c, FG_WIDTH)) {
        fg_finish(own);
        return 0;
    }
    if (pass == 0 && own->rounds >= PATIENCE && !own->kept && isfinite(s->noise[c / s->n].slope)) {
        own->done = own->paused = 1;
        return 0;
    }
    fit(own, s->x[c], s->room ? s->room[c] : INFINITY, s->room ? s->room[s->total + c] : INFINITY);
    return !own->done;
}

/* One round for the unfinished components of [first, end) with a central or one-sided stencil. */
static int round_of(const fg_search *s, ptrdiff_t first, ptrdiff_t end, int one_sided)
{
    const fg_approximations *const a = one_sided ? FG_ONE_SIDED : FG_CENTRAL;
    ptrdiff_t count = 0;
    for (ptrdiff_t c = first; c < end; c++)
        if (!s->components[c].done && (s->components[c].side != 0) == one_sided) {
            s->h[count] = s->components[c].h;
            s->moved[count++] = c;
        }
    const int status = fg_ask(s, count, a->offsets, FG_WIDTH);
    if (status != FG_OK)
        return status;

    for (ptrdiff_t k = 0; k < count; k++) {
        fg_noise *const noise = s->noise + s->moved[k] / s->n;
        for (int j = 0; j < FG_WIDTH && noise->narrow; j++)
            noise->narrow = fits_float32(s->values[k * FG_WIDTH + j]);
    }
    for (ptrdiff_t k = 0; k < count; k++) {
        const ptrdiff_t c = s->moved[k], p = c / s->n;
        fg_judge(s->components + c, s->x[c], s->base[p], s->values + k * FG_WIDTH, s->noise + p);
    }
    return FG_OK;
}

/* Rounds until all components in [first, end) are done. */
static int all_rounds(const fg_search *s, ptrdiff_t first, ptrdiff_t end, int pass)
{
    for (int open = 1; open;) {
        open = 0;
        for (ptrdiff_t c = first; c < end; c++)
            open |= takes_part(s, c, pass);
        /* One-sided first: a component that turns one-sided in this round must be fitted again
         * before the next. */
        for (int one_sided = 1; one_sided >= 0 && open; one_sided--) {
            const int status = round_of(s, first, end, one_sided);
            if (status != FG_OK)
                return status;
        }
    }
    return FG_OK;
}

/* Components of [first, end) that paused go on. */
static int resume(const fg_search *s, ptrdiff_t first, ptrdiff_t end)
{
    int any = 0;
    for (ptrdiff_t c = first; c < end; c++)
        if (s->components[c].paused) {
            s->components[c].done = s->components[c].paused = 0;
            any = 1;
        }
    return any;
}

/* All components, a block at a time; then whether some must go on, in another pass. */
static int search(const fg_search *s, int pass, int *again)
{
    *again = 0;
    for (ptrdiff_t first = 0; first < s->total; first += s->block) {
        const ptrdiff_t end = s->total - first < s->block ? s->total : first + s->block;
        const int status = all_rounds(s, first, end, pass);
        if (status != FG_OK)
            return status;
    }

    for (ptrdiff_t p = 0; p < s->total / s->n && pass == 0; p++) {
        *again |= resume(s, p * s->n, (p + 1) * s->n);
        const int status = fg_look_again(s, p, again);
        if (status != FG_OK)
            return status;
    }
    return FG_OK;
}

static void flag(const fg_noise *noise, fg_component *c)
{
    if (noise->level > FLAG_NOISY * noise->size && isfinite(c->value))
        c->flags |= FG_NOISY;
    if (!isfinite(c->value) && !(c->flags & (FG_EDGE | FG_JUMP)))
        c->flags |= FG_NONFINITE;
}

int fg_adaptive(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points,
                const double *base, fg_noise *noise, const double *scale, const double *room,
                fg_component *components, double *scratch, ptrdiff_t size)
{
    fg_search s = {.f = f, .n = n, .total = points * n, .block = size / 16};
    s.x = x, s.base = base, s.noise = noise, s.scale = scale, s.room = room;
    s.components = components;
    s.values = scratch;
    s.h = scratch + s.block * FG_WIDTH;
    s.moved = (ptrdiff_t *)(void *)(s.h + s.block);
    for (ptrdiff_t c = 0; c < s.total; c++)
        begin(&s, c);

    for (int pass = 0, again = 1; pass < 2 && again; pass++) {
        const int status = search(&s, pass, &again);
        if (status != FG_OK)
            return status;
    }

    for (ptrdiff_t p = 0; p < points; p++)
        if (noise[p].level > NOISY * noise[p].size && noise[p].evaluations)
            fg_calibrate(n, noise + p, components + p * n);
    for (ptrdiff_t c = 0; c < s.total; c++)
        flag(noise + c / n, components + c);
    return FG_OK;
}

void fg_read_components(ptrdiff_t count, const fg_component *components, double *found, int *flags)
{
    for (ptrdiff_t c = 0; c < count; c++) {
        found[c] = components[c].value;
        found[count + c] = components[c].error;
        found[2 * count + c] = components[c].step;
        found[3 * count + c] = components[c].left;
        found[4 * count + c] = components[c].right;
        flags[c] = components[c].flags;
    }
}
