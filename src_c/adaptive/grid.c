/* Values on a grid: printed with few digits, stored in few bits, left over from larger ones, or
 * counted. Their rounding is that of the grid. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

/* Whether a value is well apart from all numbers of 11 digits: printing is slow. */
static int is_long(double value)
{
    const double place = floor(log10(value));
    if (!(fabs(place) < EXACT_PLACES))
        return 0;
    const double whole = value * pow(10.0, 10.0 - place);
    return fabs(whole - floor(whole + 0.5)) > APART;
}

/* Whether a value could be printed with few digits; how many, and the place of its last one. */
static int is_short(double value, int *count, int *last)
{
    char text[40];
    if (is_long(value))
        return 0;
    snprintf(text, sizeof text, "%.10e", value);
    if (strtod(text, NULL) != value)
        return 0;
    int digits = 12;
    while (digits > 2 && text[digits - 1] == '0')
        digits--;
    *count = digits > 2 ? digits - 1 : 1;
    *last = atoi(text + 13) - *count + 1;
    return 1;
}

/* What all values are multiples of, of decimal digits. */
static void note_digits(fg_output *o, double size)
{
    int count, last;
    if (!o->decimal)
        return;
    if (!is_short(size, &count, &last)) {
        o->decimal = 0;
        return;
    }
    o->last_decimal = last < o->last_decimal ? last : o->last_decimal;
    o->digits = count > o->digits ? count : o->digits;
}

/* The bits of a positive number; its exponent as of frexp, which is a call. */
static uint64_t bits_of(double size, int *exponent)
{
    const uint64_t first = UINT64_C(1) << (DBL_MANT_DIG - 1);
    uint64_t all;
    if (size < DBL_MIN)
        return (uint64_t)scaled(frexp(size, exponent), DBL_MANT_DIG);
    memcpy(&all, &size, sizeof all);
    *exponent = (int)(all >> (DBL_MANT_DIG - 1)) - 1022;
    return (all & (first - 1)) | first;
}

/* The same of bits. */
static void note_bits(fg_output *o, double size)
{
    int exponent, bits = DBL_MANT_DIG;
    uint64_t whole = bits_of(size, &exponent);
    for (; !(whole & 1); whole >>= 1)
        bits--;
    o->bits = bits > o->bits ? bits : o->bits;
    if (exponent - bits < o->last_bit) {
        o->last_bit = exponent - bits;
        o->confirmed = 0;
    } else if (exponent - DBL_MANT_DIG + EMPTY_BITS <= o->last_bit && size != o->before) {
        o->confirmed++;
    }
    o->before = size;
}

/* The largest number that two are multiples of, but for a small part of it (Euclid). */
static double common(double a, double b)
{
    double high = larger(a, b), low = smaller(a, b);
    for (double rest; low > 0.0; high = low, low = rest) {
        rest = fmod(high, low);
        rest = smaller(rest, low - rest);
        if (rest < ALIKE * low)
            return low;
    }
    return high;
}

/* What all differences from the first value are multiples of, if that is well above rounding. */
static void note_difference(fg_output *o, double value)
{
    const double difference = fabs(value - o->first), largest = larger(fabs(value), fabs(o->first));
    const int several = o->divisor > 0.0 && o->divisor < INFINITY;
    if (difference == 0.0 || (o->gridded && several && difference > FAR_MULTIPLES * o->divisor))
        return;
    o->least = smaller(o->least, difference);
    o->most = larger(o->most, difference);
    o->differences++;
    if (o->divisor == 0.0)
        return;
    o->divisor = o->divisor < INFINITY ? common(o->divisor, difference) : difference;
    o->divisor = o->most / floor(o->most / o->divisor + 0.5);
    if (o->divisor < COARSE * EPSILON * largest)
        o->divisor = 0.0;
}

void fg_note_grid(fg_output *o, double value)
{
    if (!o->noted++)
        o->first = value;
    note_difference(o, value);
    if (value == 0.0)
        return;
    note_bits(o, fabs(value));
    note_digits(o, fabs(value));
}

/* Distance of neighbouring values of this size, from what was seen. */
static double quantum(const fg_output *o, double largest)
{
    const double size = largest / o->scale;
    double found = 0.0;
    if (!(size > 0.0) || !(size < INFINITY) || !o->bits)
        return 0.0;
    if (o->decimal)
        found = pow(10.0, larger(o->last_decimal, floor(log10(size)) - o->digits + 1));
    else
        found = larger(ldexp(1.0, o->last_bit), ldexp(1.0, ilogb(size) - o->bits + 1));
    if (o->divisor < INFINITY)
        found = larger(found, o->divisor);
    return found * o->scale;
}

/* 1 - c is a multiple of a power of two where c rounds to 1, and its logarithm nearly is. */
static int is_power_of_two(double x)
{
    int exponent;
    const double part = 2.0 * frexp(x, &exponent);
    return part < 1.0 + ALIKE || part > 2.0 - ALIKE;
}

double fg_shared_bit(const double *values, int count)
{
    double found = 0.0;
    for (int k = 1; k < count; k++)
        found = common(found, fabs(values[k] - values[k - 1]));
    return found > 0.0 && is_power_of_two(found) ? found : 0.0;
}

double fg_least_step(const fg_output *o)
{
    const double least = o->least * o->scale;
    return o->differences && least > ABOVE_ROUNDING * EPSILON * fabs(o->base) &&
                   is_power_of_two(o->least)
               ? least
               : 0.0;
}

/* What the values say of a grid that is coarser than float64's, if f changes at all. That of x, as
 * f moves it, is no grid of f. */
static int grid_of(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    const fg_output *const o = s->output + p * s->outputs + out;
    const double of_x = ABOVE_GRID_OF_X * EPSILON * o->rounded * fg_slope_close(s, p, out);
    const int few = o->decimal ? o->digits > 1 : o->bits <= FEW_BITS && o->bits > 3;
    const double most = o->most * o->scale, spacing = quantum(o, o->largest);
    if (o->noted < LEAST_NOTED || !o->differences ||
        !(spacing > larger(ABOVE_ROUNDING * EPSILON * o->largest, of_x)))
        return NO_GRID;
    if (!o->gridded && fabs(o->base) < VANISHED * most && spacing < HIDDEN_GRID * EPSILON * most)
        return NO_GRID;
    if (o->least == o->most && !(o->flat && few))
        return NO_GRID;
    if (few || o->decimal)
        return STORED;
    if (o->narrow && o->bits > FEW_BITS)
        return NO_GRID;
    if (o->confirmed >= LEAST_CONFIRMED || o->bits <= FEW_BITS)
        return LEFT_OVER;
    if (!(o->divisor > 0.0 && o->divisor < INFINITY && o->least < o->most))
        return NO_GRID;
    return is_power_of_two(o->divisor) ? LEFT_OVER : COUNTED;
}

/* Noise of a value on a grid. */
double fg_noise_of_grid(const fg_output *o, double largest)
{
    return (o->gridded == LEFT_OVER ? GRID_LEFT_OVER : GRID) * quantum(o, largest);
}

/* A coordinate that changes an output, or -1: what it does not depend on says nothing of its grid.
 */
static ptrdiff_t coordinate_of(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    const fg_output *const o = s->output + p * s->outputs + out;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        if (s->column[c].last >= 0) {
            const fg_record *const r = s->records + s->column[c].last;
            for (int k = 0; k < r->width; k++)
                if (s->values[r->values + k * s->outputs + out] * o->scale != o->base)
                    return c;
        }
    return -1;
}

/* One more value of a coordinate, where no shift has few bits: a grid that it does not lie on is
 * none. */
static int make_sure(fg_search *s, ptrdiff_t c)
{
    const double h = s->records[s->column[c].last].d * IN_BETWEEN;
    const int status = fg_reserve_values(s, (size_t)s->outputs);
    if (status != FG_OK)
        return status;
    double *const values = s->values + s->value_count;
    const int done = fg_ask_once(s, 1, &c, &h, values);
    for (ptrdiff_t out = 0; out < s->outputs && done == FG_OK; out++)
        fg_take_note(s->output + c / s->n * s->outputs + out, values[out]);
    return done;
}

static void start_all(const fg_search *s, ptrdiff_t p, ptrdiff_t out, int level)
{
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        fg_start(s, c, out, level);
}

/* The rounding of a grid as noise; of none where it is no longer one. */
static void adopt(const fg_search *s, ptrdiff_t p, ptrdiff_t out)
{
    fg_output *const o = s->output + p * s->outputs + out;
    const int before = o->gridded;
    o->gridded = grid_of(s, p, out);
    if (o->gridded) {
        o->level = fg_noise_of_grid(o, o->largest);
        o->relative = o->level / o->largest;
    }
    if ((before != NO_GRID) == (o->gridded != NO_GRID))
        return;
    o->noisy = o->lined = o->gridded != NO_GRID;
    o->assumed = 0;
    o->line_degrees = LINE_DEGREES;
    o->deviations = o->noisy ? fg_student(LINE_DEGREES) : DEVIATIONS_OF_ONE;
    if (!o->noisy)
        o->level = o->relative = 0.0;
    start_all(s, p, out, o->noisy ? fg_first_level(o) : FIRST_LEVEL);
}

int fg_look_for_grids(fg_search *s)
{
    if (s->wanted->levels)
        return FG_OK;
    for (ptrdiff_t p = 0; p < s->columns / s->n; p++) {
        for (ptrdiff_t out = 0; out < s->outputs; out++) {
            if (s->output[p * s->outputs + out].gridded || grid_of(s, p, out) == NO_GRID)
                continue;
            const ptrdiff_t c = coordinate_of(s, p, out);
            const int status = c < 0 ? FG_OK : make_sure(s, c);
            if (status != FG_OK)
                return status;
        }
        for (ptrdiff_t out = 0; out < s->outputs; out++)
            adopt(s, p, out);
    }
    return FG_OK;
}
