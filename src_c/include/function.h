/* A function, and the points that it is asked at: the border between stencils and evaluation. */
#ifndef FG_FUNCTION_H
#define FG_FUNCTION_H

#include "compiler.h"

#define FG_OK 0
/* A callback failed and has told its own language so; the loop stopped at once. */
#define FG_ECALLBACK (-1)
/* A compiled function wrote to its argument: values may be those of other points. */
#define FG_EWRITTEN (-2)

/* Points on the coordinate axes through base points: for a in [0, count), j in [0, width)
 *
 *     x with coordinate c moved to  x[c] + offsets[j] * h[a],   c = fg_component_of(shifts, a)
 *
 * where c is a flat index into x: point c / n, coordinate c % n. */
typedef struct fg_shifts {
    ptrdiff_t n;                 /* coordinates of a point, > 0 */
    const double *x;             /* (points, n) */
    const ptrdiff_t *components; /* (count,), or NULL */
    ptrdiff_t first;             /* used where components is NULL */
    const double *h;             /* (count,) */
    ptrdiff_t count;
    const double *offsets; /* (width,) */
    ptrdiff_t width;
} fg_shifts;

/* Which component moves in the points a * width ... of the shifts. */
static inline ptrdiff_t fg_component_of(const fg_shifts *shifts, ptrdiff_t a)
{
    return shifts->components ? shifts->components[a] : shifts->first + a;
}

/* A function of n coordinates with `outputs` values. Each kind of function (Python, vectorised,
 * compiled ...) fills in the two operations.
 *
 * at_shifts  values (count, width, outputs) at the points of `shifts`.
 * at_points  values (count, outputs) at `points` (count, n).
 *
 * They return 0, or FG_ECALLBACK: then values are unspecified. They may re-enter the library with
 * other memory. They must not keep pointers, nor write to what is const. */
typedef struct fg_function {
    void *ctx;
    ptrdiff_t outputs;
    int (*at_shifts)(void *ctx, const fg_shifts *shifts, double *values);
    int (*at_points)(void *ctx, ptrdiff_t count, ptrdiff_t n, const double *points, double *values);
} fg_function;

/* Writes the points of shifts, rows [begin, end) of its count * width, as the rows of a matrix.
 * rows [out] (end - begin, n). */
void fg_fill_rows(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *rows);

/* The same, points in columns. columns [out] (n, end - begin). */
void fg_fill_columns(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, double *columns);

/* The same for imaginary shifts: complex numbers, each a real part and an imaginary part.
 * Coordinate c of a base point gets the imaginary part offsets[j] * h[a].
 * out [out] (end - begin, n) complex numbers, or with `columns` (n, end - begin). */
void fg_fill_imaginary(const fg_shifts *shifts, ptrdiff_t begin, ptrdiff_t end, int columns,
                       double *out);

/* x (n,) as complex numbers, out [out] (n,); and whether complex numbers z (n,) are just x. */
void fg_to_complex(ptrdiff_t n, const double *x, double *out);
int fg_equals_complex(ptrdiff_t n, const double *x, const double *z);

/* The values [out] (count,) of a function where it has none: NaN. */
void fg_fill_nan(ptrdiff_t count, double *values);

/* points (count, n) -> columns [out] (n, count). numpy: points.T.copy() */
void fg_transpose(ptrdiff_t count, ptrdiff_t n, const double *points, double *columns);

#endif
