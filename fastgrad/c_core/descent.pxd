from .compiled cimport fg_compiled
from .stencil cimport fg_stencil, fg_step_rule

cdef extern from "descent.h" nogil:
    enum fg_direction:
        FG_GRADIENT
        FG_MOMENTUM
        FG_NESTEROV
        FG_ADAM

    ctypedef struct fg_descent:
        fg_direction direction
        double momentum
        double decay
        double epsilon

    ptrdiff_t fg_memory(const fg_descent *how) noexcept
    void fg_direct(const fg_descent *how, ptrdiff_t count, ptrdiff_t iteration, const double *g, double *memory,
                   double *d) noexcept
    void fg_move(ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, double rate, const double *d,
                 const double *lower, const double *upper, double *x) noexcept
    double fg_norm(ptrdiff_t count, const double *g) noexcept
    double fg_norm_of_difference(ptrdiff_t count, const double *x, const double *y) noexcept

    int FG_RUNNING
    int FG_CONVERGED
    int FG_NOT_FINITE

    int FG_RECORD

    ctypedef struct fg_path:
        const fg_descent *how
        ptrdiff_t n
        ptrdiff_t begin
        ptrdiff_t end
        const double *rates
        double gtol
        double ftol
        const double *lower
        const double *upper
        void *ctx
        int (*value)(void *ctx, const double *x, double *f) except -1
        int (*gradient)(void *ctx, const double *x, double *g) except -1
        double *x
        double *g
        double *memory
        double *last
        double *last_g
        double *last_memory
        double f
        double *best_x
        double *best_f
        double *record
        double *points
        ptrdiff_t done

    ctypedef struct fg_starts:
        const fg_descent *how
        const fg_stencil *stencil
        const fg_step_rule *rule
        ptrdiff_t n
        ptrdiff_t begin
        ptrdiff_t end
        const double *rates
        double gtol
        const double *lower
        const double *upper
        double *x
        double *last
        double *memory
        int *status
        ptrdiff_t *njev

    int fg_descend(fg_compiled *f, const fg_starts *s, ptrdiff_t first, ptrdiff_t end, double *scratch) noexcept
    ptrdiff_t fg_descend_scratch(const fg_compiled *f, const fg_starts *s) noexcept

# It calls back to Python, with whose exceptions -1 crosses C unchanged.
cdef extern from "descent.h":
    int fg_follow(fg_path *path, double *scratch) except -1
