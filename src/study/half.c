#include "study/half.h"

#include <string.h>

enum { BLOCK = 512 }; /* loops of a constant length, which compilers make of vector instructions */

/* The bits of a float16 are a sign, 5 of exponent and 10 of fraction. */
static void widen(const uint16_t *half, float *narrow)
{
  uint32_t bits[BLOCK];
  for (int i = 0; i < BLOCK; i++) /* what a subnormal number is */
    narrow[i] = (float)(int32_t)(half[i] & 0x7fffu) * 0x1p-24f;
  memcpy(bits, narrow, sizeof bits);
  for (int i = 0; i < BLOCK; i++) {
    const uint32_t half_bits = half[i], sign = (half_bits & 0x8000u) << 16;
    const uint32_t rest = half_bits & 0x7fffu, moved = rest << 13;
    const uint32_t finite = rest < 0x400u ? bits[i] : moved + (112u << 23);
    bits[i] = sign | (rest < 0x7c00u ? finite : 0x7f800000u | moved); /* else Inf, NaN */
  }
  memcpy(narrow, bits, sizeof bits);
}

/* By blocks through a buffer: what a block writes ends before the next one begins to read. */
void chi_half_widen(int64_t n, chi_real real, void *numbers)
{
  unsigned char *out = numbers;
  const unsigned char *halves = out + n * (int64_t)(real - 2);
  uint16_t half[BLOCK] = {0};
  float narrow[BLOCK];
  double wide[BLOCK];
  for (int64_t i = 0; i < n; i += BLOCK) {
    const size_t m = (size_t)(n - i < BLOCK ? n - i : BLOCK);
    memcpy(half, halves + 2 * i, 2 * m);
    widen(half, narrow);
    for (int j = 0; j < BLOCK && real == CHI_REAL64; j++) wide[j] = narrow[j];
    if (real == CHI_REAL64)
      memcpy(out + 8 * i, wide, 8 * m);
    else
      memcpy(out + 4 * i, narrow, 4 * m);
  }
}
