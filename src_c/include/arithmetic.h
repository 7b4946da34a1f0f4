/* What a compiler made of arithmetic, where no macro tells compiler.h. */
#ifndef FG_ARITHMETIC_H
#define FG_ARITHMETIC_H

#include "compiler.h"

#define FG_REORDERED 1   /* (a + b) - a is not rounded twice */
#define FG_RECIPROCAL 2  /* a / b is a * (1 / b) */
#define FG_SIGNLESS 4    /* -0 + 0 is -0 */
#define FG_FINITE_ONLY 8 /* NaN or infinity is taken for a number */
#define FG_CONTRACTED 16 /* a * b - c is rounded once */

/* Which of these hold in this build of the core: none, where it computes as fastgrad.h says. */
int fg_arithmetic(void);

#endif
