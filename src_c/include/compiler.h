/* What the core asks of the compiler. Every other header includes this one. */
#ifndef FG_COMPILER_H
#define FG_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#if defined(__FAST_MATH__) || (defined(_M_FP_FAST) && _M_FP_FAST)
#error "fast-math turns (x + h) - x into h: to build fastgrad, remove -ffast-math or /fp:fast"
#endif

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
