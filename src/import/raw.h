/** \file raw.h
 * The raw recordings of a subject that are imported, looked through before a signal is read: which
 * electrodes, which events at which samples, and how the signals are treated. All local. */
#ifndef CHIASM_IMPORT_RAW_H
#define CHIASM_IMPORT_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "import/bins.h"
#include "import/channels.h"
#include "import/signals.h"

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
  const char *event_files; /* comma-separated, one for all recordings or one each; or NULL */
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
  chi_channels channels;
  bool has_regions, has_places;
  int64_t n_electrodes;
  chi_electrode *electrode;
  int64_t n_sessions;
  chi_session *session;
  int64_t n_events, events_room;
  chi_placed_event *event; /* those of the first session come first */
  chi_text notes;          /* for the user, one a line; a warning begins with '!' */
} chi_raw;

/** Samples that are read and treated at a time. */
enum { CHI_IMPORT_PIECE = 1 << 15 };

/** Begin: names and treatment checked, bins made; then origins.h fills in the rest.
 * \param[in] subject  its name in the study
 * \return CHI_ERR_USAGE naming the option */
chi_status chi_raw_create(const chi_import_options *options, const char *subject, double rate,
                          int64_t n_sessions, chi_raw **out);
void chi_raw_destroy(chi_raw **raw);

/** Choose the electrodes and, in every recording, look at the datasets that are going to be read:
 * channels and paths are set, and each session's n_samples is found.
 * \param[in] where  names the channels' source in messages */
chi_status chi_raw_choose(chi_raw *raw, const char *where);

/** A line for the user; a warning begins with '!'. */
void chi_raw_note(chi_raw *raw, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
