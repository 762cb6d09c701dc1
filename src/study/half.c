#include "study/half.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

/* One number, by its bits: sign, 5 bits of exponent, 10 of fraction. */
static float widen(uint16_t half)
{
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  uint32_t exponent = (half >> 10) & 31u, fraction = half & 0x3ffu, bits;
  if (exponent == 31) { /* Inf, NaN */
    bits = sign | 0x7f800000u | fraction << 13;
  } else if (exponent == 0 && fraction == 0) {
    bits = sign;
  } else {
    if (exponent == 0) { /* subnormal: move the leading bit to its place */
      exponent = 1;
      while ((fraction & 0x400u) == 0) {
        fraction <<= 1;
        exponent--;
      }
      fraction &= 0x3ffu;
    }
    bits = sign | (exponent + 112u) << 23 | fraction << 13;
  }
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Numbers [i, n). Reading runs ahead of writing in the buffer: it never meets what is not yet read.
 */
static void widen_from(int64_t i, int64_t n, chi_real real, unsigned char *numbers)
{
  const unsigned char *halves = numbers + n * (int64_t)(real - 2);
  for (; i < n; i++) {
    uint16_t half;
    memcpy(&half, halves + 2 * i, sizeof half);
    const float value = widen(half);
    const double wide = value;
    if (real == CHI_REAL32)
      memcpy(numbers + 4 * i, &value, sizeof value);
    else
      memcpy(numbers + 8 * i, &wide, sizeof wide);
  }
}

void chi_half_widen_portable(int64_t n, chi_real real, void *numbers)
{
  widen_from(0, n, real, numbers);
}

#if defined(__x86_64__)
/* The compilers' own question knows f16c in gcc only; AVX needs the system's consent too. */
static bool has_instructions(void)
{
  unsigned eax, ebx, ecx = 0, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0 &&
         __builtin_cpu_supports("avx");
}

/* Eight at a time; what a step writes ends where the next one reads, or before. */
__attribute__((target("f16c,avx"))) static int64_t widen_fast(int64_t n, chi_real real,
                                                              unsigned char *numbers)
{
  const unsigned char *halves = numbers + n * (int64_t)(real - 2);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m128i half;
    memcpy(&half, halves + 2 * i, sizeof half);
    const __m256 value = _mm256_cvtph_ps(half);
    if (real == CHI_REAL32) {
      memcpy(numbers + 4 * i, &value, sizeof value);
    } else {
      const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(value));
      const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(value, 1));
      memcpy(numbers + 8 * i, &low, sizeof low);
      memcpy(numbers + 8 * i + 32, &high, sizeof high);
    }
  }
  return i;
}
#endif

void chi_half_widen(int64_t n, chi_real real, void *numbers)
{
  int64_t done = 0;
#if defined(__x86_64__)
  if (has_instructions()) done = widen_fast(n, real, numbers);
#endif
  widen_from(done, n, real, numbers);
}
