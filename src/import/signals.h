/** \file signals.h
 * A recording in HDF5 that is read in pieces: a group with one dataset per channel, or one dataset
 * of channels and samples. Serial HDF5; all local; they take chi_h5_lock inside. */
#pragma once

#include <stdint.h>

#include "chiasm/status.h"

typedef enum chi_layout {
  CHI_LAYOUT_AUTO, /* of a dataset: the longer dimension is that of samples */
  CHI_LAYOUT_CHANNEL_SAMPLE,
  CHI_LAYOUT_SAMPLE_CHANNEL
} chi_layout;

/** A recording open for reading. */
typedef struct chi_signals chi_signals;

/** Open a recording and look what channels it has. Close with chi_signals_close.
 * \param[in] object  path in the file of the dataset, or of the group that holds a dataset per
 *                    channel
 * \return CHI_ERR_INPUT naming file and object */
chi_status chi_signals_open(const char *path, const char *object, chi_layout layout,
                            chi_signals **out);
void chi_signals_close(chi_signals **signals);

int64_t chi_signals_n_channels(const chi_signals *signals);

/** The name of a channel's own dataset, in the order of names with numbers by size (a2 before a10);
 * NULL where all lie in one dataset. Borrowed. */
const char *chi_signals_name(const chi_signals *signals, int64_t channel);

/** Choose the channels that are going to be read; the samples of all of them are counted.
 * \param[in] channel  n of them, ascending, at least one
 * \param[in] piece    most samples read at a time
 * \return CHI_ERR_INPUT naming file and object: what is no signal, or lengths that differ */
chi_status chi_signals_choose(chi_signals *signals, int64_t n, const int64_t *channel,
                              int64_t piece, int64_t *n_samples);

/** Read n samples of each chosen channel, from `first` on.
 * \param[out] out  chosen channels x stride: channel i at out + i * stride
 * \return CHI_ERR_INPUT naming file, object and place: unreadable, or a NaN or infinity */
chi_status chi_signals_read(chi_signals *signals, int64_t first, int64_t n, int64_t stride,
                            double *out);
