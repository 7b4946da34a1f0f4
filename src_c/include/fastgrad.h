/* fastgrad.h: the contract of the C core. Each header below has one job.
 *
 * A derivative is a weighted sum of function values at shifted points:
 *
 *     x --> stencil --> evaluate --> combine --> derivative
 *
 * Scope      C11 and its standard headers; no allocation but by what the caller passes
 *            (fg_allocator), no globals, no I/O, no threads, no Python. Every function may run in
 *            any thread, concurrently, if outputs and scratch do not overlap.
 * Ownership  The caller owns every byte; nothing is kept after a return.
 * Arrays     Row-major, contiguous, `double`. Shapes are written (rows, columns). A size of 0 is
 *            legal, and then no pointer of that size is touched.
 * Arguments  [in], [out], [scratch]. No output may overlap an input unless it says so.
 * Results    Status codes; floating-point values are data, NaN and infinity included.
 * Arithmetic Round to nearest, no contraction, no reassociation. (x + h) - x must not become h.
 */
#ifndef FASTGRAD_H
#define FASTGRAD_H

#include "arithmetic.h"  /* what a compiler made of arithmetic */
#include "function.h"    /* a function, and the points that it is asked at */
#include "precision.h"   /* what values tell of it */
#include "stencil.h"     /* steps, and derivatives from values */
#include "compiled.h"    /* functions that are compiled */
#include "points.h"      /* points on lines */
#include "adaptive.h"    /* the adaptive method, and the noise of a function */
#include "descent.h"     /* gradient descent */
#include "sparse.h"      /* colours, and groups of coordinates that move together */
#include "grid.h"        /* sampled arrays */

#endif
