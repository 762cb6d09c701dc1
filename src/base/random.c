#include "base/random.h"

#include <math.h>

/* Random123's header is not written for our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

uint64_t chi_random_hash(const char *text)
{
  uint64_t hash = UINT64_C(14695981039346656037);
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
    hash = (hash ^ *c) * UINT64_C(1099511628211);
  return hash;
}

chi_random_key chi_random_make_key(uint64_t seed, const char *stream)
{
  return (chi_random_key){seed, chi_random_hash(stream)};
}

void chi_random_bits(chi_random_key key, uint64_t c0, uint64_t c1, uint64_t c2, uint64_t c3,
                     uint64_t bits[4])
{
  const philox4x64_ctr_t counter = {{c0, c1, c2, c3}};
  const philox4x64_key_t k = {{key.seed, key.stream}};
  const philox4x64_ctr_t words = philox4x64_R(10, counter, k);
  for (int i = 0; i < 4; i++) bits[i] = words.v[i];
}

uint64_t chi_random_below(uint64_t bits, uint64_t n)
{
  return (uint64_t)(((unsigned __int128)bits * n) >> 64);
}

double chi_random_unit(uint64_t bits) { return (double)((bits >> 11) + 1) * 0x1p-53; }

void chi_random_uniforms(chi_random_key key, uint64_t c1, uint64_t c2, uint64_t c3, int64_t n,
                         double *out)
{
  uint64_t bits[4];
  for (int64_t i = 0; i < n; i += 4) {
    chi_random_bits(key, (uint64_t)i / 4, c1, c2, c3, bits);
    for (int64_t j = i; j < n && j < i + 4; j++) out[j] = chi_random_unit(bits[j - i]);
  }
}

void chi_random_normals(chi_random_key key, uint64_t c1, uint64_t c2, uint64_t c3, int64_t n,
                        double *out)
{
  const double two_pi = 6.283185307179586476925287;
  uint64_t bits[4];
  for (int64_t i = 0; i < n; i += 4) {
    chi_random_bits(key, (uint64_t)i / 4, c1, c2, c3, bits);
    for (int64_t j = i; j < n && j < i + 4; j += 2) {
      const double radius = sqrt(-2 * log(chi_random_unit(bits[j - i])));
      const double angle = two_pi * chi_random_unit(bits[j - i + 1]);
      out[j] = radius * cos(angle);
      if (j + 1 < n) out[j + 1] = radius * sin(angle);
    }
  }
}
