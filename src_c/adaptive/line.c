/* Values on a line through x: the noise of f. */
#include "internal.h"

enum { HALF = MOST_LINE / 2, LINE_LOOKS = 3 };

double fg_line_sign(ptrdiff_t i)
{
    return splitmix64((uint64_t)i + SPLITMIX64_STEP) & 1 ? 1.0 : -1.0;
}

double fg_student(double degrees)
{
    /* Two-sided 99% quantiles of Student's distribution. */
    static const double at[][2] = {{1, 63.7},  {2, 9.92},  {3, 5.84},  {4, 4.60},   {5, 4.03},
                                   {6, 3.71},  {7, 3.50},  {8, 3.36},  {10, 3.17},  {12, 3.05},
                                   {16, 2.92}, {24, 2.80}, {40, 2.70}, {1000, 2.58}};
    if (degrees <= 1.0)
        return at[0][1];
    for (size_t k = 0; k + 1 < sizeof at / sizeof *at; k++)
        if (degrees <= at[k + 1][0]) {
            const double a = at[k][0], b = at[k + 1][0];
            const double w = (1.0 / a - 1.0 / degrees) / (1.0 / a - 1.0 / b);
            return pow(at[k][1], 1.0 - w) * pow(at[k + 1][1], w);
        }
    return 2.58;
}

void fg_want_line(fg_output *o, double spacing)
{
    o->lining = o->lined = 1;
    o->want = spacing;
    o->attempts = o->seen = o->grown = 0;
    o->slope = NAN;
}

double fg_share(double noise)
{
    return 0.8 * smaller(pow(1.5 * larger(noise, 1e-17), 1.0 / 7.0), 1.0);
}

int fg_first_level(const fg_output *o) { return fg_rounded(-log2(fg_share(o->relative))); }

/* Where the values of a line lie: x in their middle, or first. */
static const double LINE[2 * HALF + 1] = {-4.09, -2.93, -2.03, -1.0, 0.0, 1.0, 1.87, 3.13, 3.89};
static const double SIDE[2 * HALF + 1] = {0.0, 1.0, 1.93, 3.07, 3.96, 5.1, 5.94, 7.03, 8.11};

/* The noise in `count` values at places `at`: what a parabola leaves of them. */
static double noise_in(int count, const double *at, const double *values)
{
    double basis[3][2 * HALF + 1], rest[2 * HALF + 1], sum = 0.0;
    for (int i = 0; i < count; i++)
        rest[i] = values[i] - values[count / 2];
    for (int k = 0; k < 3; k++) {
        double size = 0.0, part = 0.0;
        for (int i = 0; i < count; i++)
            basis[k][i] = k ? at[i] * basis[k - 1][i] : 1.0;
        for (int j = 0; j < k; j++) {
            part = 0.0;
            for (int i = 0; i < count; i++)
                part += basis[k][i] * basis[j][i];
            for (int i = 0; i < count; i++)
                basis[k][i] -= part * basis[j][i];
        }
        for (int i = 0; i < count; i++)
            size += basis[k][i] * basis[k][i];
        part = 0.0;
        for (int i = 0; i < count; i++) {
            basis[k][i] /= sqrt(size);
            part += basis[k][i] * rest[i];
        }
        for (int i = 0; i < count; i++)
            rest[i] -= part * basis[k][i];
    }
    for (int i = 0; i < count; i++)
        sum += rest[i] * rest[i];
    return sqrt(sum / (count - 3));
}

static void found(fg_output *o, double level, double largest, double accepted, double degrees)
{
    o->level = level;
    o->relative = largest > 0.0 ? level / largest : 0.0;
    o->accepted = accepted;
    o->line_degrees = degrees;
    o->lining = 0;
}

/* Values that fit a float32, where no line can be asked: its rounding. */
void fg_assume_float32(fg_output *o)
{
    o->assumed = o->noisy = o->lined = 1;
    o->relative = GRID * EPSILON32;
    o->level = o->relative * o->largest;
    o->deviations = fg_student(o->line_degrees);
}

int fg_explains_line(const fg_output *o, double level)
{
    const double slope = fg_line_slope(o, level);
    return !o->narrow && level < EXPLAINED * ARGUMENTS * EPSILON * o->rounded * slope;
}

double fg_line_slope(const fg_output *o, double level)
{
    const double slope = fabs(o->slope);
    return slope * o->accepted > SLOPE_DEVIATIONS * level ? slope : 0.0;
}

/* The end of a look: the last line that says something. */
static void conclude(fg_output *o, int hidden)
{
    o->lining = 0;
    if (!o->seen && o->narrow && !o->decimal)
        fg_assume_float32(o);
    if (!o->seen)
        return;
    found(o, o->seen_level, o->seen_largest, o->seen_spacing, LINE_DEGREES);
    o->stepped = o->grown;
    if (hidden)
        o->hidden = o->seen_spacing;
    if (o->narrow) {
        o->level = larger(o->level, GRID * EPSILON32 * o->seen_largest);
        o->relative = larger(o->relative, GRID * EPSILON32);
    }
    /* Of an f that vanishes at x, multiples of a power of two are left over from larger values: the
     * same everywhere, and not in proportion to f. */
    const int rest = fabs(o->base) < VANISHED * o->seen_largest && o->seen_bit > o->seen_level;
    o->noisy = o->relative > NOISY && o->hidden == 0.0 && !fg_explains_line(o, o->level) && !rest;
    if (o->noisy)
        o->deviations = fg_student(o->line_degrees);
}

/* Whether a second line, closer, shows the rounding of residuals whose sum of squares f is, and
 * that vanish at x: the noise of f is in proportion to its square root, everywhere. */
static int is_of_root(fg_output *o, double level, double largest)
{
    if (o->narrow || !(fabs(o->base) < VANISHED * largest) ||
        !(level * o->seen_largest > ROOT_GROWTH * o->seen_level * largest))
        return 0;
    o->root = larger(level / sqrt(largest), o->seen_level / sqrt(o->seen_largest));
    found(o, 0.0, o->seen_largest, o->seen_spacing, LINE_DEGREES + MORE_DEGREES);
    return 1;
}

/* A second line, closer: whether it shows the noise of the first. */
static void compare(fg_output *o, double level, double largest, double slope, double bend)
{
    const double shrunk = o->want / o->seen_spacing;
    const int stays = level > STILL_NOISY * o->seen_level;
    if (!stays &&
        !(level > o->seen_level * pow(shrunk, VANISHING) && level > ABOVE_ALL_ROUNDING * largest)) {
        o->seen_level = level;
        o->seen_largest = largest;
        o->seen_spacing = o->want;
        o->slope = slope;
        o->bend = bend;
        conclude(o, 1);
        return;
    }
    if (!stays && is_of_root(o, level, largest))
        return;
    /* Noise, also noise in proportion to an f that vanishes at x. */
    const double first = stays ? o->seen_level : level;
    const double both = level > MORE_NOISY * first ? level : hypot(level, first) * sqrt(0.5);
    found(o, both, stays ? o->seen_largest : largest, o->seen_spacing, LINE_DEGREES + MORE_DEGREES);
    o->noisy = !fg_explains_line(o, o->level);
    if (o->noisy)
        o->deviations = fg_student(o->line_degrees);
}

/* Whether a line is broken at x: it bends there, or jumps by more than a step of it changes. What
 * is less rounds its coordinates, though all values on each side may be rounded alike. */
static int is_broken(const double *at, const double *values)
{
    const double left = (values[HALF - 1] - values[0]) / (at[HALF - 1] - at[0]),
                 right = (values[2 * HALF] - values[HALF + 1]) / (at[2 * HALF] - at[HALF + 1]);
    const double off = fabs(values[HALF + 1] - values[HALF - 1] - (at[HALF] - at[HALF - 1]) * left -
                            (at[HALF + 1] - at[HALF]) * right);
    return fabs(left - right) > BENDS * off || off > larger(fabs(left), fabs(right));
}

/* What a line of values says; it sets what is wanted next, or ends. at, values (2 HALF + 1,),
 * finite. */
static void judge(fg_output *o, const double *at, const double *values)
{
    double largest = fabs(values[0]);
    int zeros = 0;
    for (int m = 1; m <= 2 * HALF; m++) {
        largest = larger(largest, fabs(values[m]));
        zeros += values[m] == values[m - 1];
    }
    double level = noise_in(2 * HALF + 1, at, values);
    const double sides =
        larger(noise_in(HALF, at, values), noise_in(HALF, at + HALF + 1, values + HALF + 1));
    const double slope = (values[HALF + 1] - values[HALF - 1]) / (2.0 * o->want);
    const double farther =
        (values[HALF + 2] - values[HALF - 2]) / ((at[HALF + 2] - at[HALF - 2]) * o->want);
    if (level > BROKEN * sides && is_broken(at, values) && !o->narrow) {
        /* A kink or a jump at x is no noise. */
        level = sides;
    }
    if (2 * zeros > 2 * HALF) { /* too close for f to tell the points apart */
        if (o->seen) {
            conclude(o, 0);
            return;
        }
        o->want *= FARTHER;
        o->grown = 1;
        return;
    }
    if (o->seen) {
        /* So close that values follow each other by single steps of a grid: noise farther away. */
        const double bit = fg_shared_bit(values, 2 * HALF + 1);
        if (bit > o->seen_level)
            level = larger(level, GRID_LEFT_OVER * bit);
        compare(o, level, largest, slope, fabs(farther - slope));
        return;
    }
    o->seen = 1;
    o->seen_level = level;
    o->seen_largest = largest;
    o->seen_bit = fg_shared_bit(values, 2 * HALF + 1);
    o->seen_spacing = o->accepted = o->want;
    o->slope = slope;
    o->bend = fabs(farther - slope);
    if (level <= SUSPICIOUS * largest || o->grown || fg_explains_line(o, level))
        conclude(o, 0);
    else
        o->want *= o->want > FAR_SPACING ? CLOSER : CLOSER_YET;
}

static const fg_line *line_at(const fg_search *s, ptrdiff_t p, double spacing)
{
    for (ptrdiff_t k = s->point[p].lines; k >= 0; k = s->lines[k].before)
        if (s->lines[k].spacing == spacing)
            return s->lines + k;
    return NULL;
}

int fg_join_line(const fg_search *s, ptrdiff_t p, fg_output *o)
{
    if (o->lined || o->noisy || !o->finite || !line_at(s, p, CLOSE))
        return 0;
    fg_want_line(o, CLOSE);
    return 1;
}

/* How far coordinate c moves from one point of the line to the next. */
double fg_line_stride(const fg_search *s, ptrdiff_t c, double spacing, int one_sided)
{
    const double x = s->wanted->x[c], *const room = s->wanted->room;
    double sign = fg_line_sign(c % s->n), wanted = spacing * s->wanted->sizes[c];
    if (c % s->n >= s->wanted->axes)
        return 0.0;
    if (room) {
        const double down = room[c], up = room[s->columns + c];
        if (one_sided)
            sign = up >= down ? 1.0 : -1.0;
        const double most =
            one_sided ? larger(down, up) / (2 * HALF + 1) : smaller(down, up) / (HALF + 1);
        if (most < wanted)
            wanted = one_sided ? most : 0.0;
    }
    if (wanted == 0.0)
        return 0.0;
    const double there = x + sign * wanted;
    return there == x ? fg_next_to(s, c, sign, MOST_LINE) : there - x;
}

/* Whether all coordinates are too near to a bound for a line with x in its middle. */
static int is_cornered(const fg_search *s, ptrdiff_t p, double spacing)
{
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        if (fg_line_stride(s, c, spacing, 0) != 0.0)
            return 0;
    return 1;
}

/* Asks for a line and keeps it. */
static int ask(fg_search *s, ptrdiff_t p, double spacing)
{
    const fg_function *const f = s->wanted->f;
    const int one_sided = is_cornered(s, p, spacing);
    const int status = fg_reserve_values(s, (size_t)(MOST_LINE * s->outputs));
    if (status != FG_OK)
        return status;
    if (s->line_count == s->line_room) {
        const size_t room = 2 * s->line_room + 8;
        fg_line *const moved = s->memory->resize(s->lines, room * sizeof *moved);
        if (!moved)
            return FG_EMEMORY;
        s->lines = moved;
        s->line_room = room;
    }
    for (int k = 0; k < MOST_LINE; k++)
        for (ptrdiff_t i = 0; i < s->n; i++) {
            const double m = one_sided ? SIDE[k + 1] : LINE[k < HALF ? k : k + 1];
            s->dense[k * s->n + i] = s->wanted->x[p * s->n + i] +
                                     m * fg_line_stride(s, p * s->n + i, spacing, one_sided);
        }
    const int done = f->at_points(f->ctx, MOST_LINE, s->n, s->dense, s->values + s->value_count);
    if (done != FG_OK)
        return done;
    s->lines[s->line_count] = (fg_line){spacing, (ptrdiff_t)s->value_count, s->point[p].lines};
    s->point[p].lines = (ptrdiff_t)s->line_count++;
    s->point[p].shared += MOST_LINE;
    for (ptrdiff_t k = 0; k < MOST_LINE * s->outputs; k++)
        fg_take_note(s->output + p * s->outputs + k % s->outputs,
                     s->values[(ptrdiff_t)s->value_count + k]);
    s->value_count += (size_t)(MOST_LINE * s->outputs);
    return FG_OK;
}

/* One output takes the lines that it wants. */
static int look(fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    while (o->lining) {
        double values[2 * HALF + 1];
        int finite = 1;
        const fg_line *line = line_at(s, p, o->want);
        if (o->attempts++ >= LINE_LOOKS || (!line && !fg_affords(s, p, MOST_LINE))) {
            conclude(o, 0);
            break;
        }
        if (!line) {
            const int status = ask(s, p, o->want);
            if (status != FG_OK)
                return status;
            line = line_at(s, p, o->want);
        }
        const int one_sided = is_cornered(s, p, o->want);
        for (int k = 0, m = 0; m <= 2 * HALF; m++) {
            const int middle = one_sided ? 0 : HALF;
            values[m] =
                m == middle ? o->base : s->values[line->values + k++ * s->outputs + out] * o->scale;
            finite &= isfinite(values[m]) != 0;
        }
        if (finite)
            judge(o, one_sided ? SIDE : LINE, values);
        else
            o->want *= CLOSER_TO_EDGE;
        if (one_sided)
            o->slope = NAN;
    }
    return FG_OK;
}

/* Every entry of an output that is not done starts again, or where it has no room for that, is
 * judged again. */
static void restart(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    const int level = fg_first_level(o);
    o->deviations = fg_student(o->line_degrees);
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++) {
        const fg_entry *const e = fg_entry_of(s, c, out);
        if (e->view.pairs && fg_room(s, c) < 2 * 3)
            fg_choose(s, c, out);
        else if (e->phase != DONE && !fg_stays_rough(s, c, out))
            fg_start(s, c, out, level);
    }
}

int fg_run_lines(fg_search *s)
{
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++)
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            fg_output *const o = s->output + p * s->outputs + out;
            if (!o->lining)
                continue;
            const int status = look(s, p, out);
            if (status != FG_OK)
                return status;
            if (o->noisy)
                restart(s, p, out);
        }
    return FG_OK;
}
