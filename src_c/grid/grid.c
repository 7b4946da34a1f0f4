/* Derivatives of sampled arrays: one pass over memory, whatever the axes. */
#include "grid.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define FG_STREAMS

/* Stores that go past the caches: whole lines, or they cost more than they save. */
__attribute__((target("avx"))) static void stream_half_lines(const char *in, size_t bytes,
                                                             char *out)
{
    for (size_t k = 0; k < bytes; k += 64) {
        _mm256_stream_ps((float *)(out + k), _mm256_loadu_ps((const float *)(in + k)));
        _mm256_stream_ps((float *)(out + k + 32), _mm256_loadu_ps((const float *)(in + k + 32)));
    }
}

__attribute__((target("avx512f"))) static void stream_lines(const char *in, size_t bytes, char *out)
{
    for (size_t k = 0; k < bytes; k += 64)
        _mm512_stream_ps((float *)(out + k), _mm512_loadu_ps((const float *)(in + k)));
}

int fg_grid_streams(void)
{
    return __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx2") ? 1 : 0;
}

static void streamed(int stream, const char *in, size_t bytes, char *out)
{
    size_t head = (64 - (size_t)((uintptr_t)out & 63)) & 63;
    if (head > bytes)
        head = bytes;
    const size_t whole = (bytes - head) & ~(size_t)63;
    memcpy(out, in, head);
    if (stream == 2)
        stream_lines(in + head, whole, out + head);
    else
        stream_half_lines(in + head, whole, out + head);
    memcpy(out + head + whole, in + head + whole, bytes - head - whole);
}

static void fence(void) { _mm_sfence(); }
#else
int fg_grid_streams(void) { return 0; }

static void streamed(int stream, const char *in, size_t bytes, char *out)
{
    (void)stream;
    memcpy(out, in, bytes);
}

static void fence(void) {}
#endif

/* Whether distances are of one sign. */
static inline int is_ordered(double left, double right)
{
    return (left > 0.0 && right > 0.0) || (left < 0.0 && right < 0.0);
}

/* Between these sizes, products of three distances keep all digits. */
#define FG_NEAR 0x1p-300
#define FG_FAR 0x1p300

/* The same, and of such a size. */
static inline int is_near(double left, double right)
{
    return left * right > 0.0 && fabs(left) > FG_NEAR && fabs(left) < FG_FAR &&
           fabs(right) > FG_NEAR && fabs(right) < FG_FAR;
}

/* Whether weights like this one are no comfortable floats: digits or products would be lost. */
static inline int is_wide(double weight)
{
    return !(fabs(weight) > 0x1p-100 && fabs(weight) < 0x1p100);
}

/* Whether all arrays are aligned to numbers of this size. */
static int is_aligned(const fg_grid_output *outputs, int count, size_t item)
{
    uintptr_t beyond = 0;
    for (int k = 0; k < count; k++) {
        beyond |= (uintptr_t)outputs[k].out;
        for (int t = 0; t < outputs[k].count; t++)
            beyond |= (uintptr_t)outputs[k].terms[t].values;
    }
    return beyond % item == 0;
}

#define REAL double
#define MOST DBL_MAX
#define COUNT int64_t
#define NAME(f) f##_double
#include "kernels.h"

#define REAL float
#define MOST FLT_MAX
#define COUNT int32_t
#define NAME(f) f##_float
#include "kernels.h"

ptrdiff_t fg_grid(const fg_grid_output *outputs, int count, int single, ptrdiff_t slab,
                  ptrdiff_t begin, ptrdiff_t end, ptrdiff_t tile, int stream, double *scratch)
{
    if (!is_aligned(outputs, count, single ? sizeof(float) : sizeof(double)))
        return -1;
    const ptrdiff_t wrong =
        single ? tiles_float(outputs, count, slab, begin, end, tile, stream, (void *)scratch)
               : tiles_double(outputs, count, slab, begin, end, tile, stream, scratch);
    if (stream)
        fence();
    return wrong;
}
