/** \file trigger.h
 * From a film's time to a sample of the recording, by the triggers that the film sent. All local.
 */
#ifndef CHIASM_IMPORT_TRIGGER_H
#define CHIASM_IMPORT_TRIGGER_H

#include <stdint.h>

#include "chiasm/status.h"

/** The triggers of one recording, in the order of the file. Free with chi_triggers_free. */
typedef struct chi_triggers {
  int64_t n;
  double *movie_time; /* n, s */
  double *index;      /* n, samples */
  int64_t n_parts;    /* stretches of the film between pauses */
  int64_t *part;      /* n_parts + 1: part p is rows [part[p], part[p + 1]) */
} chi_triggers;

/** What became of a moment of the film. */
typedef enum chi_trigger_place {
  CHI_TRIGGER_FOUND,
  CHI_TRIGGER_AFTER_END, /* later than the last trigger */
  CHI_TRIGGER_IN_PAUSE   /* between two parts, where the film stood still */
} chi_trigger_place;

/** Read subject_timings/sub_N_trialTTT_timings.csv: columns movie_time, index and, saying of a row
 * that a part begins with it (unpause, beginning), trig_type or type.
 * \return CHI_ERR_INPUT naming file, line and column */
chi_status chi_triggers_read(const char *path, chi_triggers *out);
void chi_triggers_free(chi_triggers *triggers);

/** The sample at a time of the film: round(index + (t - movie_time) rate), halves to even, by the
 * trigger nearest in time, the first of equals, within the part that t belongs to: the first one
 * whose last row is not before t. */
chi_trigger_place chi_triggers_sample(const chi_triggers *triggers, double t, double rate,
                                      int64_t *sample);

#endif
