/** \file digest.h
 * XXH3-64 over bytes that come bit by bit. All local; the state is the caller's, on the stack. */
#pragma once

#include <stdint.h>
#define XXH_STATIC_LINKING_ONLY /* the state's size */
#include <xxhash.h>

typedef XXH3_state_t chi_digest;

enum { CHI_DIGEST_TEXT = 17 }; /* 16 hex digits and their end */

void chi_digest_begin(chi_digest *digest);
void chi_digest_add(chi_digest *digest, const void *data, int64_t bytes);

/** Add n texts, each with its end. */
void chi_digest_add_texts(chi_digest *digest, const char *const *text, int64_t n);

uint64_t chi_digest_value(const chi_digest *digest);

/** The value as 16 hex digits. */
void chi_digest_print(const chi_digest *digest, char out[CHI_DIGEST_TEXT]);
