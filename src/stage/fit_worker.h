/** \file fit_worker.h
 * Doing one unit of a fit: responses from the node's cache, features from the reader, the fit, the
 * scores into fit.h5. */
#ifndef CHIASM_STAGE_FIT_WORKER_H
#define CHIASM_STAGE_FIT_WORKER_H

#include <stdint.h>

#include "chiasm/encode.h"
#include "chiasm/run.h"
#include "chiasm/study.h"
#include "stage/account.h"
#include "stage/fit_units.h"
#include "stage/reader.h"
#include "stage/response_supply.h"
#include "stage/watch.h"

/** What one rank needs to do units; the context of the sweep. All but the last group is borrowed.
 */
typedef struct chi_fit_worker {
  const chi_study *study;
  const chi_encode_options *encode;
  const chi_fit_plan *plan;
  const uint8_t *real;  /* by layer: chi_real of its features */
  const chi_rows *rows; /* by dataset */
  chi_run *run;
  chi_response_supply *responses;
  chi_watch *watch;

  chi_reader *reader;
  chi_encoder *encoder;
  float *scores; /* 3 x the targets of the largest unit */
  chi_account account;
} chi_fit_worker;

/** Get what the borrowed parts leave open. Local.
 * \param[in] feature_bytes  of the largest layer */
chi_status chi_fit_worker_start(chi_fit_worker *worker, int64_t feature_bytes, int64_t work_bytes);
void chi_fit_worker_end(chi_fit_worker *worker);

/** The three functions that chi_sweep_run wants; `context` is a chi_fit_worker. */
chi_status chi_fit_do_unit(void *context, int64_t i, int64_t next);
void chi_fit_unit_failed(void *context, int64_t i, const char *message);
void chi_fit_progress(void *context, const chi_sweep_progress *progress);

#endif
