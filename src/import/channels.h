/** \file channels.h
 * The channels of a recording: their names, which are electrodes worth having, who is whose
 * neighbour on the shaft. All local. */
#ifndef CHIASM_IMPORT_CHANNELS_H
#define CHIASM_IMPORT_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/status.h"

typedef struct chi_channel {
  char *name;
  bool left_out; /* a trigger, corrupted, or not chosen */
  char *region;  /* "" where not known */
  float xyz[3];  /* NaN where not known */
} chi_channel;

/** All channels in the order of the recording. Start as {0}; free with chi_channels_free. */
typedef struct chi_channels {
  int64_t n, room;
  chi_channel *item;
} chi_channels;

/** An electrode that is imported, with its neighbours on the shaft, -1 where not needed. */
typedef struct chi_electrode {
  int64_t channel, before, after;
} chi_electrode;

/** Add the recording's next channel, of region "" and unknown place. \param[in] name  copied
 * \return CHI_ERR_INPUT naming `where` if it is no electrode's name, or there already */
chi_status chi_channels_add(chi_channels *channels, const char *where, const char *name,
                            bool left_out);
void chi_channels_free(chi_channels *channels);

/** The channel of this name, or -1. */
int64_t chi_channels_find(const chi_channels *channels, const char *name);

/** Take the electrodes that are not left out; with `laplacian` those with both neighbours: names of
 * the same letters with numbers one lower and one higher, which are not left out either. Trailing
 * non-letters are the number.
 * \param[out] out  n electrodes in the order of the channels; free with chi_free
 * \return CHI_ERR_INPUT naming `where` if none is left */
chi_status chi_channels_choose(const chi_channels *channels, bool laplacian, const char *where,
                               int64_t *n, chi_electrode **out);

#endif
