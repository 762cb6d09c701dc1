#include "base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void chi_digest_begin(chi_digest *digest) { XXH3_64bits_reset(digest); }

void chi_digest_add(chi_digest *digest, const void *data, int64_t bytes)
{
  if (bytes > 0) XXH3_64bits_update(digest, data, (size_t)bytes);
}

void chi_digest_add_texts(chi_digest *digest, const char *const *text, int64_t n)
{
  for (int64_t i = 0; i < n; i++) XXH3_64bits_update(digest, text[i], strlen(text[i]) + 1);
}

uint64_t chi_digest_value(const chi_digest *digest) { return XXH3_64bits_digest(digest); }

void chi_digest_print(const chi_digest *digest, char out[CHI_DIGEST_TEXT])
{
  snprintf(out, CHI_DIGEST_TEXT, "%016" PRIx64, chi_digest_value(digest));
}
