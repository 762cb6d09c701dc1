/** \file shafts.h
 * Which channels are neighbours on a shaft, by their names. All local. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

/** Where a channel is by its name. */
typedef struct chi_contact {
  const char *stem; /* of its shaft: n_stem bytes of the name; borrowed */
  int32_t n_stem;
  bool prime;     /* an apostrophe behind the number: another shaft */
  int64_t number; /* on the shaft */
} chi_contact;

/** A nomenclature. */
typedef struct chi_shafts chi_shafts;

/** \param[in]  pattern  a POSIX extended regular expression whose first two groups are the shaft
 * and the number; NULL: the usual ones. A1, A'1, A1', G_1, LTG-1, F3_10: what is before the last
 * digits is the shaft. EEG or POL before a name, -Ref and the like behind it, and * or # at its end
 * are no part of it. \param[out] out      free with chi_shafts_destroy \return CHI_ERR_USAGE: no
 * such expression */
chi_status chi_shafts_create(const char *pattern, chi_shafts **out);
void chi_shafts_destroy(chi_shafts **shafts);

/** Part a name. \return whether it tells a shaft and a number */
bool chi_shafts_part(const chi_shafts *shafts, const char *name, chi_contact *out);

/** Whether one contact is next to another, `step` further on its shaft. */
bool chi_contact_next(const chi_contact *a, const chi_contact *b, int64_t step);
