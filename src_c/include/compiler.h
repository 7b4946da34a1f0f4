/* What the core asks of the compiler. Every other header includes this one. */
#ifndef FG_COMPILER_H
#define FG_COMPILER_H

#include <stddef.h>
#include <stdint.h>

/* What a macro tells; GCC before 12 and clang have none of the middle three: arithmetic.h. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) ||           \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) ||                               \
    defined(__NO_SIGNED_ZEROS__) || (defined(_M_FP_FAST) && _M_FP_FAST)
#error "fast-math turns (x + h) - x into h: remove -ffast-math and its parts, or /fp:fast"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2
#error "x87 arithmetic does not round x + h to a double: add -msse2 -mfpmath=sse"
#endif
_Static_assert(sizeof(1.0) == sizeof(double), "remove -fsingle-precision-constant");

/* Code that is to be compiled for each place that uses it, with what is constant there. */
#if defined(__GNUC__)
#define FG_INLINE inline __attribute__((always_inline))
#else
#define FG_INLINE inline
#endif

/* Loops of plain arithmetic, compiled twice where the loader can choose: for any processor, and for
 * wider vectors. Values are the same, since nothing is contracted or reordered. */
#ifdef FG_CLONES
/* Given to the compiler: ThreadSanitizer cannot start where a loader chooses. */
#elif defined(__GLIBC__) && defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FG_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define FG_CLONES
#endif

#endif
