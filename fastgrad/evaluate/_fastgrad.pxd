# The headers of src_c/include for Cython: same order, same names.
#
# Functions that call back may need the GIL and set a Python exception, with which -1 crosses C unchanged.
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, uint64_t

cdef extern from "function.h":
    int FG_OK
    int FG_ECALLBACK
    int FG_EWRITTEN

    ctypedef struct fg_shifts:
        ptrdiff_t n
        const double *x
        const ptrdiff_t *components
        ptrdiff_t first
        const double *h
        ptrdiff_t count
        const double *offsets
        ptrdiff_t width

    ptrdiff_t fg_component_of(const fg_shifts *shifts, ptrdiff_t a) noexcept nogil

    ctypedef struct fg_function:
        void *ctx
        ptrdiff_t outputs
        int (*at_shifts)(void *ctx, const fg_shifts *shifts, double *values) except -1
        int (*at_points)(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) except -1

    void fg_fill_rows(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *rows) noexcept nogil
    void fg_fill_columns(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *columns) noexcept nogil
    void fg_transpose(ptrdiff_t count, ptrdiff_t n, const double *points, double *columns) noexcept nogil

cdef extern from "precision.h" nogil:
    int FG_SEEN_NONFINITE
    int FG_SEEN_DOUBLE
    int FG_SEEN_CHANGE

    ctypedef struct fg_seen:
        double first
        int any
        int wide
        int differs

    void fg_look(ptrdiff_t count, const double *values, fg_seen *seen) noexcept
    ptrdiff_t fg_first_nonfinite(ptrdiff_t n, const double *x) noexcept

cdef extern from "stencil.h":
    enum fg_form:
        FG_PAIRS
        FG_BASE
        FG_IMAGINARY

    ctypedef struct fg_stencil:
        fg_form form
        ptrdiff_t width
        const double *offsets
        const double *coefficients

    ctypedef struct fg_step_rule:
        double relative
        const double *absolute
        const double *typical

    void fg_steps(const fg_step_rule *rule, ptrdiff_t n, const double *x, ptrdiff_t first, ptrdiff_t count,
                  int exact, double *h) noexcept nogil
    int fg_combine(const fg_stencil *stencil, const fg_shifts *shifts, ptrdiff_t outputs, const double *values,
                   const double *base, double *derivatives) noexcept nogil
    void fg_combine_columns(const fg_stencil *stencil, ptrdiff_t count, const double *x, const double *h,
                            const double *values, const double *base, double *derivatives, int *seen) noexcept nogil
    int fg_derivatives(const fg_function *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                       const double *x, ptrdiff_t first, ptrdiff_t count, const double *base, double *scratch,
                       ptrdiff_t size, double *derivatives, int *seen) except -1

    # The same, where no callback needs the GIL.
    int derivatives_in_c "fg_derivatives"(
        const fg_function *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n, const double *x,
        ptrdiff_t first, ptrdiff_t count, const double *base, double *scratch, ptrdiff_t size, double *derivatives,
        int *seen) noexcept nogil

cdef extern from "compiled.h" nogil:
    ctypedef double (*fg_scalar)(int n, double *x, void *data) noexcept
    ctypedef int (*fg_columns)(int k, int n, const double *X, double *out, void *data) noexcept

    ctypedef struct fg_compiled:
        fg_scalar scalar
        fg_columns columns
        void *data
        double *scratch
        int returned
        ptrdiff_t evaluations

    ptrdiff_t fg_compiled_scratch(const fg_compiled *f, ptrdiff_t n) noexcept
    int fg_compiled_at_shifts(void *ctx, const fg_shifts *shifts, double *values) noexcept
    int fg_compiled_at_points(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values) noexcept
    int fg_columns_derivatives(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                               const double *x, ptrdiff_t points, const double *base, double *scratch,
                               double *derivatives, int *seen) noexcept
    ptrdiff_t fg_columns_scratch(ptrdiff_t n, ptrdiff_t width) noexcept
    ptrdiff_t fg_columns_block(ptrdiff_t n) noexcept
    int fg_columns_slopes(fg_compiled *f, const fg_stencil *stencil, const fg_step_rule *rule, ptrdiff_t n,
                          ptrdiff_t count, const double *base, double *scratch, double *slopes, int *seen) noexcept

cdef extern from "points.h" nogil:
    void fg_line_point(ptrdiff_t n, const double *x, const double *direction, double t, ptrdiff_t begin, ptrdiff_t end,
                       double *out) noexcept
    void fg_random_direction(ptrdiff_t n, uint64_t seed, double scale, double *out) noexcept
    double fg_product_sums(ptrdiff_t n, const double *a, const double *b, double *squares) noexcept

cdef extern from "seven.h" nogil:
    int FG_SEVEN

    ctypedef struct fg_seven:
        ptrdiff_t rows
        ptrdiff_t outputs
        int derivative
        const ptrdiff_t *place
        const double *h

    void fg_seven_values(const fg_seven *s, ptrdiff_t bases, const double *base, const double *others, double epsilon,
                         double *value, double *bar, double *truncation, double *noise) noexcept
    void fg_seven_bars(const fg_seven *s, const double *truncation, const double *noise, double *bar) noexcept

cdef extern from "adaptive.h":
    ctypedef struct fg_noise:
        double level
        double size
        double slope
        double accepted
        double spacing
        int narrow
        int hidden
        int failed
        int grown
        int done
        int evaluations

    int fg_estimate_noise(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                          const double *scale, const double *room, double *scratch, ptrdiff_t size,
                          fg_noise *noise) except -1

    ctypedef struct fg_component:
        double value
        double error
        double step
        double left
        double right
        int flags
        int evaluations

    int fg_adaptive(const fg_function *f, ptrdiff_t n, const double *x, ptrdiff_t points, const double *base,
                    fg_noise *noise, const double *scale, const double *room, fg_component *components,
                    double *scratch, ptrdiff_t size) except -1

cdef extern from "descent.h":
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

    ptrdiff_t fg_memory(const fg_descent *how) noexcept nogil
    void fg_direct(const fg_descent *how, ptrdiff_t count, ptrdiff_t iteration, const double *g, double *memory,
                   double *d) noexcept nogil
    void fg_move(ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, double rate, const double *d,
                 const double *lower, const double *upper, double *x) noexcept nogil
    double fg_norm(ptrdiff_t count, const double *g) noexcept nogil

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

    int fg_follow(fg_path *path, double *scratch) except -1

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

    int fg_descend(fg_compiled *f, const fg_starts *s, ptrdiff_t first, ptrdiff_t end, double *scratch) noexcept nogil
    ptrdiff_t fg_descend_scratch(const fg_compiled *f, const fg_starts *s) noexcept nogil

cdef extern from "sparse.h" nogil:
    ctypedef struct fg_pattern:
        ptrdiff_t m
        ptrdiff_t n
        const int32_t *row_starts
        const int32_t *columns
        const int32_t *column_starts
        const int32_t *rows

    ptrdiff_t fg_colour_columns(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work) noexcept
    void fg_smallest_last(const fg_pattern *p, int32_t *order, int32_t *work) noexcept
    ptrdiff_t fg_colour_star(const fg_pattern *p, const int32_t *order, int32_t *colours, int32_t *work) noexcept
    void fg_gather(ptrdiff_t count, const int32_t *group, const double *x, double *out) noexcept
    void fg_set_group(ptrdiff_t count, const int32_t *group, const double *x, const double *h, double sign,
                      double *point) noexcept
    void fg_inverse_distances(ptrdiff_t n, const double *x, const double *first, const double *second,
                              double *inverse) noexcept
    void fg_scatter_group(ptrdiff_t count, const int32_t *entries, const int32_t *rows, const int32_t *columns,
                          const double *right, const double *left, const double *inverse, double *data) noexcept

cdef extern from "grid.h" nogil:
    enum:
        FG_GRID_PIECE
        FG_GRID_TAPS
        FG_GRID_ODD
        FG_GRID_EVEN
        FG_GRID_THREE
        FG_GRID_TABLE

    ctypedef struct fg_grid_axis:
        ptrdiff_t length, stride
        int kind, half, edge_taps, derivative, around_nan
        double step
        const double *interior
        const double *coordinates
        const double *edge_weights
        const ptrdiff_t *edge_rows

    ctypedef struct fg_grid_term:
        const void *values
        const fg_grid_axis *axis
        double factor

    ctypedef struct fg_grid_output:
        void *out
        const fg_grid_term *terms
        int count, magnitude

    int fg_grid_streams() noexcept
    void fg_weights(double at, const double *x, ptrdiff_t count, int derivative, double *weights,
                    double *work) noexcept
    void fg_weight_table(const double *x, ptrdiff_t length, ptrdiff_t taps, int derivative, double *table,
                         double *work) noexcept
    ptrdiff_t fg_grid(const fg_grid_output *outputs, int count, int single, ptrdiff_t slab, ptrdiff_t begin,
                      ptrdiff_t end, ptrdiff_t tile, int stream, void *scratch) noexcept
