/** \file reader.h
 * Reading features ahead: a thread that fills one buffer while the other is in use. Local; called
 * by one thread. */
#pragma once

#include <stdint.h>

#include "chiasm/encode.h"
#include "study/layers.h"

typedef struct chi_reader chi_reader;

/** Start a reader with two buffers of `bytes`. Destroy with chi_reader_destroy, which waits for
 * what is being read.
 * \param[in] study, real  borrowed; real: by layer number, chi_real of its features in memory */
chi_status chi_reader_create(const chi_study *study, const uint8_t *real, int64_t bytes,
                             chi_reader **out);
void chi_reader_destroy(chi_reader **reader);

/** Read this layer next, into the buffer that the last chi_reader_get did not give. Does not
 * wait, but for an earlier layer that is still being read. Nothing happens if it is there already.
 */
void chi_reader_ahead(chi_reader *reader, const chi_layer *layer);

/** The features of a layer: from its buffer, or read now.
 * \param[out] features  valid until the next get of another layer
 * \return what chi_study_read_features did, with its message */
chi_status chi_reader_get(chi_reader *reader, const chi_layer *layer, chi_features *features);
