/** \file raw.h
 * The raw recordings of a subject that are imported, looked through before a signal is read: which
 * electrodes, which events at which samples, and how the signals are treated. All local. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "import/shafts.h"
#include "import/signals.h"
#include "import/treatment.h"
#include "study/write.h"

typedef enum chi_reference {
  CHI_REFERENCE_NONE,
  CHI_REFERENCE_LAPLACIAN, /* less the mean of both neighbours on the shaft */
  CHI_REFERENCE_CAR        /* less the mean over all imported electrodes at each time */
} chi_reference;

/** How signals become responses, in this order; 0: not. */
typedef struct chi_treatment {
  chi_reference reference;
  double notch;     /* line frequency, Hz */
  double high_pass; /* Hz */
  double low, high; /* band, Hz */
  bool envelope, zscore;
  double window_start, window_end, bin, step; /* s */
  const char *units;                          /* of the responses; NULL: uV, or z */
} chi_treatment;

/** What the user says of both kinds of import. Borrowed. */
typedef struct chi_import_options {
  const char *subject, *alignment;
  const char *event_files;   /* comma-separated, one for all recordings or one each; or NULL */
  const char *event_column;  /* of their times; NULL: start, or onset */
  const char *shaft_pattern; /* as of chi_shafts_create */
  chi_treatment treatment;
  /* the Brain Treebank */
  int n_trials;
  const double *trials;
  const char *atlas; /* column of depth-wm.csv; NULL: the first it has of DKT and others */
  /* other recordings */
  double rate;
  const char *dataset, *names, *channels;
  chi_layout layout;
} chi_import_options;

typedef struct chi_channel {
  char *name;
  const char *left_out; /* why, a static text; NULL: it is taken */
  char *region;         /* "" where not known */
  float xyz[3];         /* NaN where not known */
} chi_channel;

/** An electrode that is imported, with its neighbours on the shaft, -1 where not needed. */
typedef struct chi_electrode {
  int64_t channel, before, after;
} chi_electrode;

/** One recording of the subject, which becomes a session of the responses. */
typedef struct chi_session {
  char *path;
  int64_t n_samples;
  int64_t n_events, first_event; /* among all */
  int64_t n_outside, n_in_pause, n_without_start;
} chi_session;

/** Free with chi_raw_destroy. */
typedef struct chi_raw {
  char *subject, *alignment, *source;
  char *object; /* of the signals in each recording's file */
  chi_layout layout;
  double rate; /* Hz */
  chi_treatment treatment;
  chi_bins_form bins;
  int64_t n_channels, channels_room;
  chi_channel *channel; /* in the order of the recordings */
  bool has_regions, has_places;
  int64_t n_electrodes;
  chi_electrode *electrode;
  int64_t n_sessions;
  chi_session *session;
  int64_t n_events, events_room;
  chi_placed_event *event; /* those of the first session come first */
  chi_shafts *shafts;
  chi_text notes; /* for the user, one a line; a warning begins with '!' */
  /* of the electrodes and events, as chi_raw_describe gives them */
  const char **name, **region;
  float *xyz; /* 3 x n_electrodes */
  double *onset;
  int32_t *session_of;
  int64_t *table_row;
} chi_raw;

/** Begin: names and treatment checked, bins made; then the functions below fill in the rest.
 * \param[in] subject  its name in the study
 * \return CHI_ERR_USAGE naming the option */
chi_status chi_raw_create(const chi_import_options *options, const char *subject, double rate,
                          int64_t n_sessions, chi_raw **out);
void chi_raw_destroy(chi_raw **raw);

/** Add the recordings' next channel, of region "" and unknown place. \param[in] name  copied
 * \param[in] left_out  why, static; NULL: it is taken
 * \return CHI_ERR_INPUT naming `where` if it is no electrode's name, or there already */
chi_status chi_raw_add_channel(chi_raw *raw, const char *where, const char *name,
                               const char *left_out);

/** The channel of this name, borrowed; NULL if there is none. */
chi_channel *chi_raw_find_channel(const chi_raw *raw, const char *name);

/** Once channels and paths are set, choose the electrodes (channels that are not left out; for a
 * Laplacian those with both neighbours on their shaft, which are not left out either), note which
 * are left out and why, and, in every recording, look at the datasets that are going to be read:
 * each session's n_samples is found.
 * \param[in] where  names the channels' source in messages
 * \return CHI_ERR_INPUT, also if no electrode is left */
chi_status chi_raw_choose(chi_raw *raw, const char *where);

/** A line for the user; a warning begins with '!'. */
void chi_raw_note(chi_raw *raw, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** All of a response file but its numbers; borrowed from `raw`, which owns the arrays. Once. */
chi_status chi_raw_describe(chi_raw *raw, chi_response_header *out);

/** The Brain Treebank as it is published: one subject's trials, each of which becomes a session.
 *
 * Channel i of /data/electrode_i is label i of electrode_labels.json without '*' and '#', and
 * without any '_' but one that parts two numbers (F3_10). Triggers (DC..., TRIG...) and what
 * corrupted_elec.json lists are left out; datasets beyond the labels too. Regions come by name from
 * localization/sub_N/depth-wm.csv, without the side
 * ("ctx-lh-", "Left-"), coordinates from localization/elec_coords_full.csv. Events are the rows of
 * --event-file, or of transcripts/<movie>/features.csv. \return CHI_ERR_INPUT naming file, object
 * and place; CHI_ERR_USAGE */
chi_status chi_treebank_find(const char *root, const chi_import_options *options, chi_raw **out);

/** A recording in one HDF5 file of any sane layout: its dataset or group options->dataset, names of
 * channels from the dataset options->names (NULL: the names of a group's datasets, else ch0, ch1,
 * ...), those that fit the patterns options->channels, events from options->event_files in seconds
 * of the recording. \return CHI_ERR_INPUT naming file, object and place; CHI_ERR_USAGE */
chi_status chi_plain_find(const char *path, const chi_import_options *options, chi_raw **out);
