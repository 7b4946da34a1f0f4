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
