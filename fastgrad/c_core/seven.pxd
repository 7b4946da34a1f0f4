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
