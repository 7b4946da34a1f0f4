/* Colouring: columns that share no row may move together. */
#include "sparse.h"

#include <string.h>

/* Every other column that shares a row with column j, once: mark[k] == stamp. */
#define FOR_NEIGHBOURS(p, j, k, mark, stamp)                                                       \
    for (ptrdiff_t a_ = (p)->column_starts[j]; a_ < (p)->column_starts[(j) + 1]; a_++)             \
        for (ptrdiff_t i_ = (p)->rows[a_], b_ = (p)->row_starts[i_], k;                            \
             b_ < (p)->row_starts[i_ + 1]; b_++)                                                   \
            if ((k = (p)->columns[b_]) != (j) && (mark)[k] != (stamp) && ((mark)[k] = (stamp), 1))

ptrdiff_t fg_colour_columns(const fg_pattern *p, const int32_t *order, int32_t *colours,
                            int32_t *work)
{
    int32_t *const taken = work; /* by whom each colour was last found taken */
    ptrdiff_t count = 0;
    memset(taken, 0xff, (size_t)p->n * sizeof *taken);
    memset(colours, 0xff, (size_t)p->n * sizeof *colours);
    for (ptrdiff_t v = 0; v < p->n; v++) {
        const ptrdiff_t j = order ? order[v] : v;
        for (ptrdiff_t a = p->column_starts[j]; a < p->column_starts[j + 1]; a++) {
            const ptrdiff_t i = p->rows[a];
            for (ptrdiff_t b = p->row_starts[i]; b < p->row_starts[i + 1]; b++) {
                const int32_t colour = colours[p->columns[b]];
                if (colour >= 0)
                    taken[colour] = (int32_t)j;
            }
        }

        int32_t colour = 0;
        while (taken[colour] == (int32_t)j)
            colour++;
        colours[j] = colour;
        if (colour >= count)
            count = colour + 1;
    }
    return count;
}

/* Doubly linked lists of columns by the number of their neighbours that are left. */
typedef struct lists {
    int32_t *head, *next, *previous, *degree;
} lists;

static void take_out(lists *l, int32_t k)
{
    if (l->previous[k] >= 0)
        l->next[l->previous[k]] = l->next[k];
    else
        l->head[l->degree[k]] = l->next[k];
    if (l->next[k] >= 0)
        l->previous[l->next[k]] = l->previous[k];
}

static void put_in(lists *l, int32_t k)
{
    int32_t *const head = l->head + l->degree[k];
    l->next[k] = *head;
    l->previous[k] = -1;
    if (*head >= 0)
        l->previous[*head] = k;
    *head = k;
}

void fg_smallest_last(const fg_pattern *p, int32_t *order, int32_t *work)
{
    const ptrdiff_t n = p->n;
    lists l = {.head = work, .next = work + n, .previous = work + 2 * n, .degree = work + 3 * n};
    int32_t *const mark = work + 4 * n;
    memset(l.head, 0xff, (size_t)n * sizeof *l.head);
    memset(mark, 0xff, (size_t)n * sizeof *mark);
    for (ptrdiff_t j = n; j-- > 0;) {
        int32_t degree = 0;
        FOR_NEIGHBOURS(p, j, k, mark, (int32_t)j)
            degree++;
        l.degree[j] = degree;
        put_in(&l, (int32_t)j);
    }

    memset(mark, 0xff, (size_t)n * sizeof *mark);
    /* Columns leave, that with the fewest neighbours left first; those that have left have degree
     * -1. */
    ptrdiff_t least = 0;
    for (ptrdiff_t left = n; left-- > 0;) {
        while (l.head[least] < 0)
            least++;
        const int32_t j = l.head[least];
        take_out(&l, j);
        l.degree[j] = -1;
        order[left] = j;

        FOR_NEIGHBOURS(p, j, k, mark, j) {
            if (l.degree[k] < 0)
                continue;
            take_out(&l, (int32_t)k);
            l.degree[k]--;
            put_in(&l, (int32_t)k);
        }
        if (least)
            least--;
    }
}

ptrdiff_t fg_colour_star(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work)
{
    int32_t *const taken = work;
    ptrdiff_t count = 0;
    memset(taken, 0xff, (size_t)p->n * sizeof *taken);
    memset(colours, 0xff, (size_t)p->n * sizeof *colours);
    for (ptrdiff_t place = 0; place < p->n; place++) {
        const int32_t v = (int32_t)(order ? order[place] : place);
        for (ptrdiff_t a = p->row_starts[v]; a < p->row_starts[v + 1]; a++) {
            const int32_t w = p->columns[a];
            if (w == v)
                continue;
            if (colours[w] >= 0)
                taken[colours[w]] = v;
            for (ptrdiff_t b = p->row_starts[w]; b < p->row_starts[w + 1]; b++) {
                const int32_t x = p->columns[b];
                /* v - w - x: x's colour is free for v only if w's is neither, lest a path of four
                 * have two colours. */
                if (x != v && x != w && colours[x] >= 0 &&
                    (colours[w] < 0 || colours[x] < colours[w]))
                    taken[colours[x]] = v;
            }
        }

        int32_t colour = 0;
        while (taken[colour] == v)
            colour++;
        colours[v] = colour;
        if (colour >= count)
            count = colour + 1;
    }
    return count;
}
