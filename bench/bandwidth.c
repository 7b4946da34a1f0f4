/* The least traffic of a gradient of samples: each number read once, each output written once, past the caches. */
#include <stddef.h>
#ifdef __AVX__
#include <immintrin.h>
#endif

void limit_bandwidth(const char *in, char **outputs, int count, ptrdiff_t begin, ptrdiff_t end)
{
#if defined(__AVX512F__)
    for (ptrdiff_t k = begin; k < end; k += 64) {
        const __m512 line = _mm512_loadu_ps((const float *)(in + k));
        for (int i = 0; i < count; i++)
            _mm512_stream_ps((float *)(outputs[i] + k), line);
    }
#elif defined(__AVX__)
    for (ptrdiff_t k = begin; k < end; k += 64) {
        const __m256 low = _mm256_loadu_ps((const float *)(in + k)), high = _mm256_loadu_ps((const float *)(in + k + 32));
        for (int i = 0; i < count; i++) {
            _mm256_stream_ps((float *)(outputs[i] + k), low);
            _mm256_stream_ps((float *)(outputs[i] + k + 32), high);
        }
    }
#else
    for (ptrdiff_t k = begin; k < end; k += 64)
        for (int i = 0; i < count; i++)
            __builtin_memcpy(outputs[i] + k, in + k, 64);
#endif
}
