/* From function to derivatives: steps, evaluation and combination, a block of components at a time.
 */
#include "stencil.h"

int fg_derivatives(const fg_function *f, const fg_stencil *st, const fg_step_rule *rule,
                   ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count,
                   const double *base, const fg_doubt *doubt, double *scratch, ptrdiff_t size,
                   double *derivatives, int *seen)
{
    const ptrdiff_t block = size / (1 + st->width * f->outputs);
    double *const values = scratch + block;
    *seen = 0;
    for (ptrdiff_t done = 0; done < count;) {
        const ptrdiff_t now = count - done < block ? count - done : block;
        fg_shifts shifts = {.n = n,
                            .x = x,
                            .first = first + done,
                            .h = scratch,
                            .count = now,
                            .offsets = st->offsets,
                            .width = st->width};
        fg_steps(rule, n, x, first + done, now, st->form != FG_IMAGINARY, scratch);
        const int status = f->at_shifts(f->ctx, &shifts, values);
        if (status != FG_OK)
            return status;
        *seen |= fg_combine(st, &shifts, f->outputs, values, base, derivatives + done * f->outputs);
        if (doubt)
            fg_mark_curved(doubt, st->width, &shifts, f->outputs, values, base,
                           doubt->curved + done);
        done += now;
    }
    return FG_OK;
}
