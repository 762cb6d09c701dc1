#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "study/half.h"

enum { N = 65536 };

/* The value of a float16 by the definition of the format. */
static double defined_value(uint16_t half)
{
  const int exponent = (half >> 10) & 31, fraction = half & 1023;
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * ldexp(fraction, -24);
  return sign * ldexp(1024 + fraction, exponent - 25);
}

static void check_all(chi_real real)
{
  unsigned char *bytes;
  assert_int_equal(chi_alloc(N, (int64_t)real, "test", &bytes), CHI_OK);
  for (int64_t i = 0; i < N; i++) {
    const uint16_t half = (uint16_t)i;
    memcpy(bytes + N * (real - 2) + 2 * i, &half, 2);
  }
  chi_half_widen(N, real, bytes);
  for (int64_t i = 0; i < N; i++) {
    const double expected = defined_value((uint16_t)i);
    const double value =
        real == CHI_REAL32 ? ((float *)(void *)bytes)[i] : ((double *)(void *)bytes)[i];
    if (isnan(expected))
      assert_true(isnan(value));
    else
      assert_true(value == expected && !signbit(value) == !signbit(expected));
  }
  chi_free(bytes);
}

static void every_value(void **state)
{
  (void)state;
  check_all(CHI_REAL32);
  check_all(CHI_REAL64);
}

/* The buffer is widened in place: no length may write over what is not yet read. */
static void every_length(void **state)
{
  (void)state;
  const chi_real reals[] = {CHI_REAL32, CHI_REAL64};
  for (int r = 0; r < 2; r++)
    for (int64_t n = 0; n <= 40; n++) {
      const chi_real real = reals[r];
      unsigned char *bytes;
      assert_int_equal(chi_alloc(n, (int64_t)real, "test", &bytes), CHI_OK);
      for (int64_t i = 0; i < n; i++) {
        const uint16_t half = (uint16_t)(0x3c00 + i);
        memcpy(bytes + n * (int64_t)(real - 2) + 2 * i, &half, 2);
      }
      chi_half_widen(n, real, bytes);
      for (int64_t i = 0; i < n; i++) {
        const double value =
            real == CHI_REAL32 ? ((float *)(void *)bytes)[i] : ((double *)(void *)bytes)[i];
        assert_true(value == defined_value((uint16_t)(0x3c00 + i)));
      }
      chi_free(bytes);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_value), cmocka_unit_test(every_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
