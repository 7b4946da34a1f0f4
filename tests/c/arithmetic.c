/* Prints what fg_arithmetic finds of the compiler and the flags that it is built with. */
#include "arithmetic.h"

#include <stdio.h>

int main(void)
{
    printf("%d\n", fg_arithmetic());
    return 0;
}
