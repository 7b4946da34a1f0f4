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

/* The noise in `count` equally spaced values, by their differences of order 3 and up (More and
 * Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314, eq. 2.4). values [in, scratch] */
static double noise_in(int count, double *values)
{
    double gamma = 1.0, sum = 0.0;
    int orders = 0;
    for (int k = 1; k < count; k++) {
        double mean = 0.0;
        gamma *= (double)k / (double)(2 * (2 * k - 1));
        for (int i = 0; i + k < count; i++) {
            values[i] = values[i + 1] - values[i];
            mean += values[i] * values[i] / (count - k);
        }
        if (k >= 3) {
            sum += gamma * mean;
            orders++;
        }
    }
    return sqrt(sum / orders);
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

/* Whether rounding the arguments explains the noise of a line, at the slope that it shows. */
static int is_rounding(const fg_output *o)
{
    const double slope = fg_line_slope(o);
    return !o->narrow && o->level < EXPLAINED * fg_rounding(o, 0.0, pow(o->rounded * slope, 2.0));
}

double fg_line_slope(const fg_output *o)
{
    const double slope = fabs(o->slope);
    return slope * o->accepted > SLOPE_DEVIATIONS * o->level ? slope : 0.0;
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
    o->noisy = o->relative > NOISY && o->hidden == 0.0 && !is_rounding(o);
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
    o->noisy = !is_rounding(o);
    if (o->noisy)
        o->deviations = fg_student(o->line_degrees);
}

/* Where point m of a line is, in spacings beyond m: nowhere where all is on one side of x. */
static double out_of_step(int m, double spacing, int one_sided)
{
    return one_sided || m == 0 || spacing > FAR_SPACING
               ? 0.0
               : OUT_OF_STEP[m < 0 ? m + HALF : m + HALF - 1];
}

/* Slope and half the second derivative of a parabola through three points. */
static void parabola(const double *t, const double *v, double found[2])
{
    const double first = (v[1] - v[0]) / (t[1] - t[0]), second = (v[2] - v[1]) / (t[2] - t[1]);
    found[1] = (second - first) / (t[2] - t[0]);
    found[0] = first - found[1] * (t[0] + t[1]);
}

/* Values of a line that is out of step as if it were not, by a parabola through x, or one on each
 * side of it. seen, values (2 HALF + 1,) */
static void straighten(double spacing, const double *seen, int apart, double *values)
{
    static const int whole[3] = {-HALF, 0, HALF}, halves[2][3] = {{-4, -2, -1}, {1, 2, 4}};
    for (int m = -HALF; m <= HALF; m++) {
        const double off = out_of_step(m, spacing, 0);
        double t[3], v[3], found[2];
        for (int k = 0; k < 3; k++) {
            const int at = apart ? halves[m > 0][k] : whole[k];
            t[k] = at + out_of_step(at, spacing, 0);
            v[k] = seen[HALF + at];
        }
        parabola(t, v, found);
        values[HALF + m] = seen[HALF + m] - off * (found[0] + found[1] * (2 * m + off));
    }
}

/* The noise of a line; of both sides of x, each alone, where that is far less: a kink or a jump at
 * x is no noise. values (2 HALF + 1,) */
static double noise_of_line(const fg_output *o, const double *values)
{
    double all[2 * HALF + 1], left[HALF], right[HALF];
    for (int m = 0; m <= 2 * HALF; m++)
        all[m] = values[m];
    for (int m = 0; m < HALF; m++) {
        left[m] = values[m];
        right[m] = values[HALF + 1 + m];
    }
    const double level = noise_in(2 * HALF + 1, all);
    const double sides = larger(noise_in(HALF, left), noise_in(HALF, right));
    return level > BROKEN * sides && !o->narrow ? sides : level;
}

/* What a line of values says; it sets what is wanted next, or ends. values (2 HALF + 1,), finite.
 */
static void judge(fg_output *o, const double *seen, int one_sided)
{
    double values[2 * HALF + 1], apart[2 * HALF + 1], largest = 0.0;
    int zeros = 0;
    for (int m = 0; m <= 2 * HALF; m++) {
        values[m] = seen[m];
        largest = larger(largest, fabs(seen[m]));
        zeros += m > 0 && seen[m] == seen[m - 1];
    }
    double level = INFINITY;
    if (!one_sided && o->want <= FAR_SPACING) {
        straighten(o->want, seen, 0, values);
        straighten(o->want, seen, 1, apart);
        level = noise_of_line(o, apart);
    }
    level = smaller(level, noise_of_line(o, values));
    const double slope = (values[HALF + 1] - values[HALF - 1]) / (2.0 * o->want);
    const double farther = (values[HALF + 2] - values[HALF - 2]) / (4.0 * o->want);
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
        const double bit = fg_shared_bit(seen, 2 * HALF + 1);
        if (bit > o->seen_level)
            level = larger(level, GRID_LEFT_OVER * bit);
        compare(o, level, largest, slope, fabs(farther - slope));
        return;
    }
    o->seen = 1;
    o->seen_level = level;
    o->seen_largest = largest;
    o->seen_spacing = o->accepted = o->want;
    o->slope = slope;
    o->bend = fabs(farther - slope);
    if (level <= SUSPICIOUS * largest || o->grown)
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
    const double grain = GRAIN * (nextafter(fabs(x), INFINITY) - fabs(x));
    if (wanted > GRAINS * grain && EPSILON * wanted < grain && spacing <= FAR_SPACING)
        return sign * grain * floor(wanted / grain);
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
            const int m = one_sided ? k + 1 : k < HALF ? k - HALF : k - HALF + 1;
            s->dense[k * s->n + i] = s->wanted->x[p * s->n + i] +
                                     (m + out_of_step(m, spacing, one_sided)) *
                                         fg_line_stride(s, p * s->n + i, spacing, one_sided);
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
            judge(o, values, one_sided);
        else
            o->want *= CLOSER_TO_EDGE;
        if (one_sided)
            o->slope = NAN;
    }
    return FG_OK;
}

/* Every entry of an output that is not done starts again. */
static void restart(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    const int level = fg_first_level(o);
    o->deviations = fg_student(o->line_degrees);
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        if (fg_entry_of(s, c, out)->phase != DONE && !fg_stays_rough(s, c, out))
            fg_start(s, c, out, level);
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
