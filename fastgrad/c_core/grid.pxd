cdef extern from "grid.h" nogil:
    enum:
        FG_GRID_PIECE
        FG_GRID_SCRATCH
        FG_GRID_TAPS
        FG_GRID_EDGES
        FG_GRID_HALF
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

    ctypedef struct fg_grid_weights:
        int kind, half, taps, derivative, around_nan
        double interior[4]
        double edge_weights[120]
        ptrdiff_t edge_rows[120]

    ctypedef struct fg_grid_scaled:
        fg_grid_axis axis

    void fg_grid_scale(const fg_grid_weights *weights, ptrdiff_t length, ptrdiff_t stride, double step,
                       fg_grid_scaled *scaled) noexcept

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
                      ptrdiff_t end, ptrdiff_t tile, int stream, double *scratch) noexcept
