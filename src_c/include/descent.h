/* Descent: directions from gradients, moves, and many starts of a compiled function. */
#ifndef FG_DESCENT_H
#define FG_DESCENT_H

#include "compiled.h"

/* How a gradient g becomes a direction d, which is subtracted: v is the direction's memory.
 *
 * FG_GRADIENT  d = g
 * FG_MOMENTUM  v = momentum v + g, d = v  (Polyak, USSR Comput. Math. 4 (1964) 1-17)
 * FG_NESTEROV  v = momentum v + g, d = g + momentum v  (Nesterov's method as Bengio et al., ICASSP
 *              2013, write it)
 * FG_ADAM      (Kingma and Ba, ICLR 2015, algorithm 1; momentum is beta_1, decay beta_2) */
enum fg_direction { FG_GRADIENT, FG_MOMENTUM, FG_NESTEROV, FG_ADAM };

typedef struct fg_descent {
    enum fg_direction direction;
    double momentum, decay, epsilon;
} fg_descent;

/* Numbers of memory for each coordinate: 0 to 2; they are 0 at first. */
ptrdiff_t fg_memory(const fg_descent *how);

/* g [in], d [out] (count,); memory [in, out] (fg_memory(), count); iteration: from 0 on. */
void fg_direct(const fg_descent *how, ptrdiff_t count, ptrdiff_t iteration, const double *g,
               double *memory, double *d);

/* x [in, out] (outer, count, inner) -= rate * d; then into bounds lower, upper [in] (outer, inner),
 * unless they are NULL. */
void fg_move(ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, double rate, const double *d,
             const double *lower, const double *upper, double *x);

/* The Euclidean norm, without overflow. numpy: np.linalg.norm(g) */
double fg_norm(ptrdiff_t count, const double *g);

/* How far x is from y. numpy: np.sqrt(((x - y) ** 2).sum()) */
double fg_norm_of_difference(ptrdiff_t count, const double *x, const double *y);

#define FG_RUNNING 0
#define FG_CONVERGED 1  /* the gradient's norm is at most gtol */
#define FG_NOT_FINITE 2 /* the gradient is not finite: x is the last point where it was */

/* One descent with given rates, for iterations [begin, end), of a function that is called back.
 *
 * value     f [out] at x; NULL: f is not called, and nothing is recorded
 * gradient  g [out] (n,) at x
 *
 * They return 0, or FG_ECALLBACK. An iteration moves x along its gradient, then asks for f and the
 * gradient there. */
#define FG_RECORD 4

typedef struct fg_path {
    const fg_descent *how;
    ptrdiff_t n, begin, end;
    const double *rates;         /* (end - begin,) */
    double gtol, ftol;           /* ftol: relative change of f that ends the descent, or 0 */
    const double *lower, *upper; /* (n,), or NULL */
    void *ctx;
    int (*value)(void *ctx, const double *x, double *f);
    int (*gradient)(void *ctx, const double *x, double *g);
    double *x, *g, *memory;              /* [in, out] where it is */
    double *last, *last_g, *last_memory; /* [out] where it came from */
    double f;                            /* [in, out] at x */
    double *best_x, *best_f;             /* [in, out] the lowest f, and where it was */
    double *record; /* [out] (end - begin, FG_RECORD): f, norm of g, distance moved; one is free */
    double *points; /* [out] (end - begin, n), or NULL */
    ptrdiff_t done; /* [out] iterations */
} fg_path;

/* scratch [scratch] (n,). Returns FG_RUNNING, FG_CONVERGED, FG_NOT_FINITE or FG_ECALLBACK; with the
 * last two, the last good point is where x came from. */
int fg_follow(fg_path *path, double *scratch);

/* Many starts of one descent with given rates, for iterations [begin, end). */
typedef struct fg_starts {
    const fg_descent *how;
    const fg_stencil *stencil;
    const fg_step_rule *rule;
    ptrdiff_t n, begin, end;
    const double *rates; /* (end - begin,) */
    double gtol;
    const double *lower, *upper; /* (n,), or NULL */
    double *x, *last; /* [in, out] (starts, n): where they are, and where they came from */
    double *memory;   /* [in, out] (starts, fg_memory() * n) */
    int *status;      /* [in, out] (starts,); others than FG_RUNNING are left alone */
    ptrdiff_t *njev;  /* [in, out] (starts,) gradients taken */
} fg_starts;

/* Starts [first, end) of s; scratch [scratch] fg_descend_scratch() doubles, beside f's own.
 * Returns FG_OK, or what f returned. */
int fg_descend(fg_compiled *f, const fg_starts *s, ptrdiff_t first, ptrdiff_t end, double *scratch);
ptrdiff_t fg_descend_scratch(const fg_compiled *f, const fg_starts *s);

#endif
