/* Values at shifts, asked once and kept. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

static const double PAIR[2] = {1.0, -1.0};
static const double SIDE[ONE_SIDED_POINTS] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};

const fg_record *fg_record_at(const fg_search *s, ptrdiff_t c, double d, int width)
{
    for (ptrdiff_t r = s->column[c].last; r >= 0; r = s->records[r].before)
        if (s->records[r].d == d && s->records[r].width == width)
            return s->records + r;
    return NULL;
}

double fg_distance(const fg_search *s, ptrdiff_t c, int level)
{
    return ldexp(s->column[c].unit, -level);
}

int fg_missing(const fg_search *s, ptrdiff_t c, fg_place at)
{
    int missing = 0;
    if (at.side)
        return fg_record_at(s, c, at.side * fg_distance(s, c, at.level), ONE_SIDED_POINTS)
                   ? 0
                   : ONE_SIDED_POINTS;
    const double d = fg_distance(s, c, at.level);
    for (int k = 0; k < at.pairs; k++)
        missing += fg_record_at(s, c, d * (1 << k), 2) ? 0 : 2;
    return missing;
}

int fg_room(const fg_search *s, ptrdiff_t c)
{
    const double share = (double)s->point[c / s->n].shared / (double)s->n;
    return fg_rounded(floor(s->wanted->most - share - s->column[c].evaluations));
}

int fg_affords(const fg_search *s, ptrdiff_t p, int count)
{
    const double all = (double)(s->point[p].shared + count) / (double)s->n;
    for (ptrdiff_t c = p * s->n; c < (p + 1) * s->n; c++)
        if (s->column[c].evaluations + all > s->wanted->most)
            return 0;
    return 1;
}

/* Whether a value could be printed with few digits; its last one. */
static int is_short(double value, int *last)
{
    char text[40];
    snprintf(text, sizeof text, "%.10e", fabs(value));
    if (strtod(text, NULL) != fabs(value))
        return 0;
    int digits = 12, exponent;
    while (digits > 2 && text[digits - 1] == '0')
        digits--;
    exponent = atoi(text + 13);
    *last = exponent - (digits - 2);
    if (text[0] == '0')
        *last = 400;
    else if (digits == 2)
        *last = exponent;
    return 1;
}

void fg_take_note(fg_output *o, double value)
{
    int last;
    if (!isfinite(value))
        return;
    if (o->narrow)
        o->narrow = fits_float32(value);
    if (!o->decimal)
        return;
    if (!is_short(value, &last))
        o->decimal = 0;
    else if (last < o->last_decimal)
        o->last_decimal = last;
}

/* Room for so many more of things of a size, in an array that may move. */
static int reserve(const fg_search *s, void **array, size_t size, size_t count, size_t *room,
                   size_t more)
{
    if (count + more <= *room)
        return FG_OK;
    const size_t wanted = count + more > 2 * *room ? count + more : 2 * *room;
    void *const moved = s->memory->resize(*array, wanted * size);
    if (!moved)
        return FG_EMEMORY;
    *array = moved;
    *room = wanted;
    return FG_OK;
}

int fg_reserve_values(fg_search *s, size_t more)
{
    return reserve(s, (void **)&s->values, sizeof(double), s->value_count, &s->value_room, more);
}

/* Values of the first `count` of moved and moves, kept in records. */
static int ask(fg_search *s, ptrdiff_t count, int width)
{
    const size_t each = (size_t)(width * s->outputs);
    const fg_shifts shifts = {
        .n = s->n,
        .x = s->wanted->x,
        .components = s->moved,
        .h = s->moves,
        .count = count,
        .offsets = width == 2 ? PAIR : SIDE,
        .width = width,
    };
    if (!count)
        return FG_OK;
    int status = fg_reserve_values(s, each * (size_t)count);
    if (status == FG_OK)
        status = reserve(s, (void **)&s->records, sizeof(fg_record), s->record_count,
                         &s->record_room, (size_t)count);
    if (status != FG_OK)
        return status;
    double *const values = s->values + s->value_count;
    status = s->wanted->f->at_shifts(s->wanted->f->ctx, &shifts, values);
    if (status != FG_OK)
        return status;

    for (ptrdiff_t a = 0; a < count; a++) {
        fg_column *const column = s->column + s->moved[a];
        s->records[s->record_count] = (fg_record){
            s->moves[a], (ptrdiff_t)(s->value_count + each * (size_t)a), column->last, width, 0};
        column->last = (ptrdiff_t)s->record_count++;
        column->evaluations += width;
        const double *const base = s->wanted->base + s->moved[a] / s->n * s->outputs;
        for (ptrdiff_t k = 0; k < width * s->outputs; k++) {
            const double value = values[(ptrdiff_t)each * a + k];
            fg_take_note(fg_output_of(s, s->moved[a], k % s->outputs), value);
            if (value != base[k % s->outputs])
                s->records[column->last].changes = 1;
            if (!s->failed && !isfinite(value)) {
                /* The first edge of the domain is made sure of, at that point and at x. */
                s->failed = 1;
                s->point[s->moved[a] / s->n].shared += 2;
            }
        }
    }
    s->value_count += each * (size_t)count;
    return FG_OK;
}

int fg_ask_pairs(fg_search *s, ptrdiff_t count, const ptrdiff_t *columns, const double *d)
{
    for (ptrdiff_t a = 0; a < count; a++) {
        s->moved[a] = columns[a];
        s->moves[a] = d[a];
    }
    return ask(s, count, 2);
}

/* The missing pairs of a window, behind those that are listed: how many there are then. */
static ptrdiff_t list(const fg_search *s, ptrdiff_t count, ptrdiff_t c, fg_place at)
{
    for (int k = 0; k < at.pairs; k++) {
        const double d = fg_distance(s, c, at.level - k) * (at.side ? at.side : 1);
        if (!fg_record_at(s, c, d, at.side ? ONE_SIDED_POINTS : 2)) {
            s->moved[count] = c;
            s->moves[count++] = d;
        }
    }
    return count;
}

int fg_ask_windows(fg_search *s, const fg_place *want, int *asked)
{
    *asked = 0;
    for (int one_sided = 0; one_sided <= 1; one_sided++) {
        ptrdiff_t count = 0;
        for (ptrdiff_t c = 0; c <= s->columns; c++) {
            if (c == s->columns || count + MOST_PAIRS > ROWS) {
                const int status = ask(s, count, one_sided ? ONE_SIDED_POINTS : 2);
                if (status != FG_OK)
                    return status;
                count = 0;
            }
            if (c < s->columns && want[c].pairs && (want[c].side != 0) == one_sided) {
                count = list(s, count, c, want[c]);
                *asked = 1;
            }
        }
    }
    return FG_OK;
}

int fg_ask_once(fg_search *s, ptrdiff_t count, const ptrdiff_t *columns, const double *h,
                double *values)
{
    const double one = 1.0;
    const fg_shifts shifts = {
        .n = s->n,
        .x = s->wanted->x,
        .components = columns,
        .h = h,
        .count = count,
        .offsets = &one,
        .width = 1,
    };
    for (ptrdiff_t a = 0; a < count; a++)
        s->column[columns[a]].evaluations++;
    return count ? s->wanted->f->at_shifts(s->wanted->f->ctx, &shifts, values) : FG_OK;
}
