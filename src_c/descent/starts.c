/* Many starts of a compiled function, in blocks. */
#include "descent.h"

#include <float.h>
#include <string.h>

enum { SMALL = 1024 }; /* components whose values are combined at a time */

/* A block of starts, side by side. Arrays are (outer, count, inner), where outer * inner is n: in
 * columns inner is 1, for a function by pointer outer is. Of the memory, outer is fg_memory() times
 * that. */
typedef struct block {
    ptrdiff_t outer, count, inner, more; /* more: outer of the memory */
    ptrdiff_t ended;
    double *x, *last, *g, *d, *memory, *squares, *rest;
    ptrdiff_t start[FG_MOST_COLUMNS]; /* which each is; -1: one that has ended */
} block;

static void read_start(double *all, ptrdiff_t outer, const block *b, ptrdiff_t k, const double *one)
{
    for (ptrdiff_t a = 0; a < outer; a++)
        memcpy(all + (a * b->count + k) * b->inner, one + a * b->inner,
               (size_t)b->inner * sizeof *all);
}

static void write_start(const double *all, ptrdiff_t outer, const block *b, ptrdiff_t k,
                        double *one)
{
    for (ptrdiff_t a = 0; a < outer; a++)
        memcpy(one + a * b->inner, all + (a * b->count + k) * b->inner,
               (size_t)b->inner * sizeof *all);
}

/* Those that have not ended move together, in place. */
static void keep(double *all, ptrdiff_t outer, const block *b)
{
    double *to = all;
    for (ptrdiff_t a = 0; a < outer; a++)
        for (ptrdiff_t k = 0; k < b->count; k++)
            if (b->start[k] >= 0) {
                memmove(to, all + (a * b->count + k) * b->inner, (size_t)b->inner * sizeof *all);
                to += b->inner;
            }
}

/* Start k leaves the block: what is known of it is written. */
static void end_start(block *b, const fg_starts *s, ptrdiff_t k)
{
    const ptrdiff_t p = b->start[k];
    write_start(s->status[p] == FG_NOT_FINITE ? b->last : b->x, b->outer, b, k, s->x + p * s->n);
    write_start(b->last, b->outer, b, k, s->last + p * s->n);
    write_start(b->memory, b->more, b, k, s->memory + p * b->more * b->inner);
    b->start[k] = -1;
    b->ended++;
}

/* Ended starts are still evaluated, until there are many of them. */
static void shrink(block *b)
{
    const ptrdiff_t kept = b->count - b->ended;
    if (b->ended < b->count && b->ended * 8 < b->count)
        return;
    keep(b->x, b->outer, b);
    keep(b->last, b->outer, b);
    keep(b->g, b->outer, b);
    keep(b->memory, b->more, b);
    for (ptrdiff_t k = 0, to = 0; k < b->count; k++)
        if (b->start[k] >= 0)
            b->start[to++] = b->start[k];
    b->count = kept;
    b->ended = 0;
}

static FG_CLONES void square_sums(const block *b)
{
    const double *g = b->g;
    double *const squares = b->squares;
    memset(squares, 0, (size_t)b->count * sizeof *squares);
    for (ptrdiff_t a = 0; a < b->outer; a++) {
        if (b->inner == 1)
            for (ptrdiff_t k = 0; k < b->count; k++)
                squares[k] += g[a * b->count + k] * g[a * b->count + k];
        else
            for (ptrdiff_t k = 0; k < b->count; k++)
                for (ptrdiff_t i = 0; i < b->inner; i++)
                    squares[k] += g[k * b->inner + i] * g[k * b->inner + i];
    }
}

static int gradients(fg_compiled *f, const fg_starts *s, block *b)
{
    if (f->columns)
        return fg_columns_slopes(f, s->stencil, s->rule, s->n, b->count, NULL, b->rest, b->g, NULL);
    const fg_function function = {f, 1, fg_compiled_at_shifts, fg_compiled_at_points};
    int seen;
    return fg_derivatives(&function, s->stencil, s->rule, s->n, b->x, 0, b->count * s->n, NULL,
                          NULL, b->rest, SMALL * (1 + s->stencil->width), b->g, &seen);
}

/* One iteration of a block. */
static int advance(fg_compiled *f, const fg_starts *s, ptrdiff_t iteration, block *b)
{
    const int status = gradients(f, s, b);
    if (status)
        return status;
    f->evaluations += b->count * s->n * s->stencil->width;
    square_sums(b);

    for (ptrdiff_t k = 0; k < b->count; k++) {
        const ptrdiff_t p = b->start[k];
        if (p < 0)
            continue;
        s->njev[p]++;
        if (b->squares[k] > s->gtol * s->gtol && b->squares[k] <= DBL_MAX)
            continue;
        s->status[p] = b->squares[k] <= DBL_MAX ? FG_CONVERGED : FG_NOT_FINITE;
        end_start(b, s, k);
    }
    if (b->ended)
        shrink(b);

    memcpy(b->last, b->x, (size_t)(s->n * b->count) * sizeof *b->x);
    fg_direct(s->how, s->n * b->count, iteration, b->g, b->memory, b->d);
    fg_move(b->outer, b->count, b->inner, s->rates[iteration - s->begin], b->d, s->lower, s->upper,
            b->x);
    return FG_OK;
}

/* The starts from *p on that still run, as many as fit a block. */
static void load(block *b, const fg_starts *s, ptrdiff_t *p, ptrdiff_t end)
{
    const ptrdiff_t most = fg_columns_block(s->n);
    b->count = b->ended = 0;
    for (; *p < end && b->count < most; ++*p)
        if (s->status[*p] == FG_RUNNING)
            b->start[b->count++] = *p;
    for (ptrdiff_t k = 0; k < b->count; k++) {
        const ptrdiff_t q = b->start[k];
        read_start(b->x, b->outer, b, k, s->x + q * s->n);
        read_start(b->last, b->outer, b, k, s->last + q * s->n);
        read_start(b->memory, b->more, b, k, s->memory + q * b->more * b->inner);
    }
}

ptrdiff_t fg_descend_scratch(const fg_compiled *f, const fg_starts *s)
{
    const ptrdiff_t most = fg_columns_block(s->n), width = s->stencil->width;
    const ptrdiff_t rest = f->columns ? most * (2 + width) : SMALL * (1 + width);
    return most * s->n * (4 + fg_memory(s->how)) + most + rest;
}

int fg_descend(fg_compiled *f, const fg_starts *s, ptrdiff_t first, ptrdiff_t end, double *scratch)
{
    const ptrdiff_t memory = fg_memory(s->how), most = fg_columns_block(s->n) * s->n;
    block b = {.outer = 1,
               .inner = s->n,
               .more = memory,
               .x = scratch,
               .last = scratch + most,
               .g = scratch + 2 * most,
               .d = scratch + 3 * most,
               .memory = scratch + 4 * most};
    if (f->columns) {
        b.outer = s->n;
        b.inner = 1;
        b.more = memory * s->n;
        b.x = f->scratch; /* where the function finds them */
    }
    b.squares = b.memory + most * memory;
    b.rest = b.squares + fg_columns_block(s->n);

    for (ptrdiff_t p = first; p < end;) {
        load(&b, s, &p, end);
        for (ptrdiff_t k = s->begin; k < s->end && b.count; k++) {
            const int status = advance(f, s, k, &b);
            if (status)
                return status;
        }
        for (ptrdiff_t k = 0; k < b.count; k++)
            if (b.start[k] >= 0)
                end_start(&b, s, k);
    }
    return FG_OK;
}
