/** \file random.h
 * Random numbers by Philox4x64-10 (Random123): pure functions of (key, counter), so that any rank,
 * thread or block can make any piece of them, in any order. All local. */
#pragma once

#include <stdint.h>

/** What tells one stream of numbers from another. */
typedef struct chi_random_key {
  uint64_t seed, stream;
} chi_random_key;

/** FNV-1a, 64 bits, of a string's bytes. */
uint64_t chi_random_hash(const char *text);

/** The key (seed, hash of the stream's name). */
chi_random_key chi_random_make_key(uint64_t seed, const char *stream);

/** The four random words at a counter. */
void chi_random_bits(chi_random_key key, uint64_t c0, uint64_t c1, uint64_t c2, uint64_t c3,
                     uint64_t bits[4]);

/** A random word as floor(bits n / 2^64): uniform on 0..n-1. */
uint64_t chi_random_below(uint64_t bits, uint64_t n);

/** A random word as a number above 0 and up to 1, one of 2^53 equally likely ones. */
double chi_random_unit(uint64_t bits);

/** Uniform numbers on (0, 1]: number i is word i % 4 at the counter (i / 4, c1, c2, c3).
 * \param[out] out  n of them */
void chi_random_uniforms(chi_random_key key, uint64_t c1, uint64_t c2, uint64_t c3, int64_t n,
                         double *out);

/** Standard normal numbers, from the same words by pairs (Box-Muller). */
void chi_random_normals(chi_random_key key, uint64_t c1, uint64_t c2, uint64_t c3, int64_t n,
                        double *out);
