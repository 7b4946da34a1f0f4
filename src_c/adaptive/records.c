/* Values at shifts, asked once and kept. */
#include "internal.h"

static const double PAIR[2] = {1.0, -1.0};

const fg_record *fg_record_at(const fg_search *s, ptrdiff_t c, double d, int width)
{
    for (ptrdiff_t r = s->column[c].last; r >= 0; r = s->records[r].before)
        if (s->records[r].d == d && s->records[r].width == width)
            return s->records + r;
    return NULL;
}

const double *fg_values_at(const fg_search *s, ptrdiff_t c, double d)
{
    const fg_record *r = fg_record_at(s, c, d, 1);
    if (r)
        return s->values + r->values;
    r = fg_record_at(s, c, fabs(d), 2);
    return r ? s->values + r->values + (d < 0.0 ? s->outputs : 0) : NULL;
}

int fg_changes_at(const fg_search *s, ptrdiff_t c, double d)
{
    const fg_record *r = fg_record_at(s, c, d, 1);
    if (!r)
        r = fg_record_at(s, c, fabs(d), 2);
    return r && r->changes;
}

double fg_distance(const fg_search *s, ptrdiff_t c, int level)
{
    return scaled(s->column[c].unit, -level);
}

int fg_missing(const fg_search *s, ptrdiff_t c, fg_place at)
{
    int missing = 0;
    const double d = fg_distance(s, c, at.level);
    if (at.side) {
        for (int k = 0; k < ONE_SIDED_POINTS; k++)
            missing += !fg_values_at(s, c, at.side * d * (1 << k));
        return missing;
    }
    for (int k = 0; k < at.pairs; k++)
        missing += fg_record_at(s, c, d * (1 << k), 2) ? 0 : 2;
    return missing;
}

int fg_room(const fg_search *s, ptrdiff_t c)
{
    const double share = (double)s->point[s->column[c].point].shared / (double)s->n;
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

void fg_take_note(fg_output *o, double value)
{
    if (!isfinite(value))
        return;
    if (o->narrow)
        o->narrow = fits_float32(value);
    fg_note_grid(o, value);
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

/* What the values of a record say of its outputs. */
static void take_notes(fg_search *s, ptrdiff_t p, fg_record *r)
{
    const double *const base = s->wanted->base + p * s->outputs, *value = s->values + r->values;
    for (int side = 0; side < r->width; side++)
        for (ptrdiff_t out = 0; out < s->outputs; out++, value++) {
            fg_take_note(s->output + p * s->outputs + out, *value);
            if (isfinite(*value) && fabs(*value - base[out]) > CHANGES * fabs(base[out]))
                r->changes = 1;
            if (!s->failed && !isfinite(*value)) {
                /* The first edge of the domain is made sure of, at that point and at x. */
                s->failed = 1;
                s->point[p].shared += 2;
            }
        }
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
        .offsets = PAIR,
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
        take_notes(s, column->point, s->records + column->last);
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

/* The missing values of a window, behind those that are listed: how many there are then. */
static ptrdiff_t list(const fg_search *s, ptrdiff_t count, ptrdiff_t c, fg_place at)
{
    for (int k = 0; k < (at.side ? ONE_SIDED_POINTS : at.pairs); k++) {
        const double d = fg_distance(s, c, at.level - k) * (at.side ? at.side : 1);
        if (at.side ? !fg_values_at(s, c, d) : !fg_record_at(s, c, d, 2)) {
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
            if (c == s->columns || count + ONE_SIDED_POINTS > ROWS) {
                const int status = ask(s, count, one_sided ? 1 : 2);
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
