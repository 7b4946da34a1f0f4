/* The adaptive method: all of it in turn. */
#include "internal.h"

/* Sums over what is known so far, for the rounding of arguments. */
static void update(const fg_search *s)
{
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            double sum = 0.0;
            for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
                const fg_entry *const e = fg_entry_of(s, c, out);
                const double moved = e->view.pairs ? s->wanted->x[c] * e->slope : 0.0;
                sum += moved * moved;
            }
            s->output[p * s->outputs + out].arguments = sum;
        }
}

/* The window that a column asks for: the first that is wanted, of first ones the closest. */
static void prefer(const fg_entry *e, fg_place *want)
{
    const int closer = e->phase == FIRST && e->want.pairs == want->pairs && !e->want.side &&
                       !want->side && e->want.level > want->level;
    if (!want->pairs || closer)
        *want = e->want;
}

int fg_run(fg_search *s, int (*step)(fg_search *, ptrdiff_t, ptrdiff_t))
{
    fg_place *const want = s->memory->resize(NULL, (size_t)s->columns * sizeof *want);
    int asked = 1, status = want ? FG_OK : FG_EMEMORY;
    while (asked && status == FG_OK) {
        int lines = 0;
        for (ptrdiff_t c = 0; c < s->columns; c++) {
            want[c].pairs = 0;
            for (ptrdiff_t out = 0; out < s->outputs; out++)
                if (step(s, c, out))
                    prefer(fg_entry_of(s, c, out), want + c);
        }
        for (ptrdiff_t k = 0; k < s->columns / s->n * s->outputs; k++)
            lines |= s->output[k].lining;
        if (lines) {
            status = fg_run_lines(s);
            continue;
        }
        status = fg_ask_windows(s, want, &asked);
        if (status == FG_OK)
            status = fg_look_for_grids(s);
        if (status == FG_OK)
            update(s);
    }
    s->memory->release(want);
    return status;
}

/* Values that could be printed with few digits, values that fit a float32, a second difference that
 * no smooth function has so close: what each output starts with. */
static int suspect(fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    const double *const levels = s->wanted->levels;
    if (levels) {
        o->lined = 1;
        o->level = levels[p * s->outputs + out] * o->scale;
        o->relative = o->largest > 0.0 ? o->level / o->largest : 0.0;
        o->noisy = o->relative > NOISY;
        o->line_degrees = MANY_DEGREES;
        if (o->noisy)
            o->deviations = fg_student(o->line_degrees);
        return 0;
    }
    if (!o->finite) {
        if (o->narrow && !o->decimal)
            fg_assume_float32(o);
        return 0;
    }
    if (o->narrow && !o->decimal && o->bits > FEW_BITS)
        fg_want_line(o, FLOAT32_SPACING);
    return !o->lining && s->n >= TWO_FROM && !o->flat && o->second > CURVED * o->largest;
}

/* Twice as far from x as the points close to it: whether their second differences are curvature. */
static int is_curvature(fg_search *s, ptrdiff_t p)
{
    const fg_function *const f = s->wanted->f;
    int status = fg_reserve_values(s, (size_t)(2 * s->outputs));
    if (status != FG_OK)
        return status;
    double *const values = s->values + s->value_count;
    for (int m = 0; m < 2; m++)
        for (ptrdiff_t i = 0; i < s->n; i++)
            s->dense[m * s->n + i] =
                s->wanted->x[p * s->n + i] + (m ? -2 : 2) * s->close[p * s->n + i];
    status = f->at_points(f->ctx, 2, s->n, s->dense, values);
    s->point[p].shared += 2;
    for (ptrdiff_t out = 0; out < s->outputs && status == FG_OK; out++) {
        fg_output *const o = s->output + p * s->outputs + out;
        const double *const near = s->near + p * 4 * s->outputs + out;
        const double second = (near[0] + near[s->outputs]) * o->scale - 2.0 * o->base;
        const double farther = (values[out] + values[s->outputs + out]) * o->scale - 2.0 * o->base;
        if (o->lined || o->noisy || !(o->second > CURVED * o->largest) || o->flat || !o->finite)
            continue;
        if (!(fabs(farther - 4.0 * second) < CURVATURE_ALIKE * fabs(4.0 * second)))
            fg_want_line(o, CLOSE);
        else if (fabs(farther - 4.0 * second) > CURVATURE_REST * o->largest &&
                 o->second < CURVATURE_LARGE * o->largest)
            fg_want_line(o, CLOSE * CLOSER_YET);
    }
    return status;
}

/* Nothing is known yet. */
static void prepare(fg_search *s)
{
    for (ptrdiff_t k = 0; k < s->columns / s->n * s->outputs; k++)
        s->output[k] = (fg_output){.kappa = 1.0,
                                   .unheard = 1.0,
                                   .degrees = 1.0,
                                   .deviations = DEVIATIONS_OF_ONE,
                                   .slope = NAN,
                                   .residual = NAN,
                                   .narrow = 1,
                                   .decimal = 1,
                                   .last_decimal = 400,
                                   .last_bit = 1100,
                                   .divisor = INFINITY,
                                   .least = INFINITY,
                                   .line_degrees = LINE_DEGREES,
                                   .rounds_arguments = 1};
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++) {
        double least = 1.0;
        s->point[p] = (fg_point){.lines = -1, .shared = 1, .largest = 1.0};
        for (ptrdiff_t c = p * s->n; c < p * s->n + s->wanted->axes; c++) {
            least = smaller(least, fabs(s->wanted->x[c]) / s->wanted->sizes[c]);
            s->point[p].largest = larger(s->point[p].largest, s->wanted->sizes[c]);
        }
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            s->output[p * s->outputs + out].rounded = least;
    }
    for (ptrdiff_t c = 0; c < s->columns; c++)
        s->column[c] = (fg_column){
            .unit = ldexp(UNIT, fg_rounded(log2(s->wanted->sizes[c]))),
            .point = c / s->n,
            .last = -1,
            .closest = LOWEST_LEVEL,
        };
    for (ptrdiff_t c = 0; c < s->columns; c++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            fg_entry_of(s, c, out)->climb = NAN;
            fg_entry_of(s, c, out)->flags = 0;
            fg_start(s, c, out, FIRST_LEVEL);
        }
}

/* Before the first windows: what the points close to x say. */
static int begin(fg_search *s)
{
    prepare(s);
    int status = fg_ask_near(s);
    for (ptrdiff_t p = 0; p < s->columns / s->n && status == FG_OK; p++) {
        int unsure = 0;
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            unsure |= suspect(s, p, out);
        if (unsure)
            status = is_curvature(s, p);
    }
    if (status == FG_OK)
        status = fg_run_lines(s);
    for (ptrdiff_t c = 0; c < s->columns && status == FG_OK; c++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            const fg_output *const o = fg_output_of(s, c, out);
            int level = FIRST_LEVEL;
            if (o->noisy)
                level = fg_first_level(o);
            else if (o->hidden > 0.0)
                level = fg_higher(level, fg_rounded(-log2(4.0 * o->hidden)));
            if (level != FIRST_LEVEL)
                fg_start(s, c, out, level);
        }
    return status;
}

/* A function that is not what its first values looked like: computed in float32. */
static int restart_mistaken(fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    if (!(o->assumed && !o->narrow))
        return 0;
    o->assumed = o->noisy = o->lined = 0;
    o->level = o->relative = 0.0;
    o->deviations = DEVIATIONS_OF_ONE;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        fg_start(s, c, out, FIRST_LEVEL);
    return 1;
}

/* What the values of the first windows say of their precision, before anything is believed: values
 * that all fit a float32 have its rounding. */
static int look_at_precision(fg_search *s)
{
    int any = 0;
    for (ptrdiff_t k = 0; k < s->columns / s->n * s->outputs; k++)
        any |= restart_mistaken(s, k / s->outputs, k % s->outputs);
    if (any) {
        const int status = fg_run(s, fg_find_first);
        if (status != FG_OK)
            return status;
        any = 0;
    }
    for (ptrdiff_t c = 0; c < s->columns; c++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            fg_output *const o = fg_output_of(s, c, out);
            if (!o->narrow || o->lined || o->bits <= FEW_BITS ||
                fg_entry_of(s, c, out)->phase == DONE)
                continue;
            fg_want_line(o, FLOAT32_SPACING);
            any = 1;
        }
    if (!any)
        return FG_OK;
    const int status = fg_run_lines(s);
    return status == FG_OK ? fg_run(s, fg_find_first) : status;
}

static int search(fg_search *s)
{
    int status = begin(s), again = 1;
    if (status == FG_OK)
        status = fg_run(s, fg_find_first);
    if (status == FG_OK)
        status = look_at_precision(s);
    for (int pass = 0; pass < 2 && again && status == FG_OK; pass++) {
        status = fg_calibrate(s);
        if (status == FG_OK)
            status = fg_run(s, fg_refine);
        if (status == FG_OK)
            status = fg_calibrate(s);
        again = 0;
        if (status == FG_OK && pass == 0)
            status = fg_second_look(s, &again);
    }
    if (status == FG_OK)
        status = fg_look_inside(s);
    if (status == FG_OK)
        fg_look_at_constants(s);
    if (status == FG_OK)
        status = fg_look_for_steps(s);
    fg_settle_constants(s);
    return status == FG_OK ? fg_average(s) : status;
}

/* Results in the units of f. */
static void read(const fg_search *s, double *found, int *flags, double *levels)
{
    const ptrdiff_t all = s->columns * s->outputs;
    for (ptrdiff_t k = 0; k < all; k++) {
        fg_entry *const e = s->entries + k;
        const fg_output *const o = fg_output_of(s, k / s->outputs, k % s->outputs);
        /* Beside an edge, slopes that never converged are those of an infinite one. */
        if (e->flags & FG_EDGE && !e->view.pairs && e->error == INFINITY)
            e->value = NAN;
        if (isfinite(e->climb) && isfinite(e->value)) {
            e->error = larger(e->error, fabs(e->value - (s->wanted->deriv == 1 ? e->climb : 0.0)));
        } else if (o->stepped && o->noisy && !o->narrow && !o->gridded && isfinite(e->value)) {
            e->flags |= FG_STEPS;
            e->error = larger(e->error, fabs(e->value));
        }
        if (o->gridded == COUNTED && isfinite(e->value)) {
            e->flags |= FG_STEPS;
            e->error += fabs(e->value);
        }
        if (o->noisy && o->relative > FLAG_NOISY && isfinite(e->value))
            e->flags |= FG_NOISY;
        if (!isfinite(e->value) && !(e->flags & (FG_JUMP | FG_EDGE | FG_UNDETERMINED)))
            e->flags |= FG_NONFINITE;
        if (e->view.side && e->flags & FG_EDGE && e->phase != DONE && s->wanted->deriv == 1)
            *(e->view.side > 0 ? &e->right : &e->left) = e->value;
        /* A bar that is not a number, of sums that left the range of numbers, is none. */
        found[k] = isfinite(e->value) ? e->value / o->scale : NAN;
        found[all + k] = isfinite(e->value) && e->error >= 0.0 ? e->error / o->scale : INFINITY;
        found[2 * all + k] = e->step;
        found[3 * all + k] = e->left / o->scale;
        found[4 * all + k] = e->right / o->scale;
        flags[k] = e->flags;
    }
    for (ptrdiff_t k = 0; k < s->columns / s->n * s->outputs; k++)
        levels[k] = larger(s->output[k].level,
                           s->output[k].noisy
                               ? 0.0
                               : s->output[k].kappa * EPSILON * ROUNDING * s->output[k].largest) /
                    s->output[k].scale;
}

/* Memory for the work; whether there is all of it. */
static int open(fg_search *s)
{
    const size_t columns = (size_t)s->columns, outputs = (size_t)s->outputs,
                 points = columns / (size_t)s->n;
    s->entries = s->memory->resize(NULL, columns * outputs * sizeof *s->entries);
    s->column = s->memory->resize(NULL, columns * sizeof *s->column);
    s->output = s->memory->resize(NULL, points * outputs * sizeof *s->output);
    s->point = s->memory->resize(NULL, points * sizeof *s->point);
    s->close = s->memory->resize(NULL, columns * sizeof *s->close);
    s->near = s->memory->resize(NULL, 4 * points * outputs * sizeof *s->near);
    s->moves = s->memory->resize(NULL, ROWS * sizeof *s->moves);
    s->moved = s->memory->resize(NULL, ROWS * sizeof *s->moved);
    const size_t many = 4 * points < DENSE / (size_t)s->n ? 4 * points : DENSE / (size_t)s->n;
    s->dense_room = (ptrdiff_t)(many > MOST_LINE ? many : MOST_LINE);
    s->dense = s->memory->resize(NULL, (size_t)(s->dense_room * s->n) * sizeof *s->dense);
    return s->entries && s->column && s->output && s->point && s->close && s->near && s->moves &&
           s->moved && s->dense;
}

static void close(fg_search *s)
{
    void *const all[] = {s->entries, s->column, s->output, s->point,   s->close, s->near,
                         s->moves,   s->moved,  s->dense,  s->records, s->lines, s->values};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        s->memory->release(all[k]);
}

static fg_search search_of(const fg_wanted *wanted, const fg_allocator *memory)
{
    return (fg_search){
        .wanted = wanted,
        .memory = memory,
        .n = wanted->n,
        .outputs = wanted->f->outputs,
        .columns = wanted->points * wanted->n,
    };
}

int fg_adaptive(const fg_wanted *wanted, const fg_allocator *memory, double *found, int *flags,
                double *levels)
{
    fg_search s = search_of(wanted, memory);
    const int status = open(&s) ? search(&s) : FG_EMEMORY;
    if (status == FG_OK)
        read(&s, found, flags, levels);
    close(&s);
    return status;
}

int fg_noise_levels(const fg_wanted *wanted, const fg_allocator *memory, double *levels)
{
    fg_search s = search_of(wanted, memory);
    const ptrdiff_t count = wanted->points * s.outputs;
    int status = open(&s) ? FG_OK : FG_EMEMORY;
    if (status == FG_OK) {
        prepare(&s);
        for (ptrdiff_t k = 0; k < count; k++) {
            fg_output *const o = s.output + k;
            o->base = wanted->base[k];
            o->scale = 1.0;
            fg_take_note(o, o->base);
            fg_want_line(o, NOISE_SPACING);
        }
        status = fg_run_lines(&s);
    }
    for (ptrdiff_t k = 0; k < count && status == FG_OK; k++)
        levels[k] = s.output[k].level;
    close(&s);
    return status;
}
