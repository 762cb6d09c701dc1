/** \file bootstrap_worker.h
 * Doing one unit of the bootstrap: refit one layer on a block of replicates. */
#ifndef CHIASM_STAGE_BOOTSTRAP_WORKER_H
#define CHIASM_STAGE_BOOTSTRAP_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "chiasm/encode.h"
#include "run/bootstrap_file.h"
#include "stage/account.h"
#include "stage/bootstrap_units.h"
#include "stage/draws.h"
#include "stage/reader.h"
#include "stage/response_supply.h"
#include "stage/watch.h"

/** What one rank needs to do units; the context of the sweep. All but the last group is borrowed.
 */
typedef struct chi_boot_worker {
  const chi_study *study;
  const chi_encode_options *encode;
  const chi_boot_plan *plan;
  const uint8_t *real;    /* by layer number: chi_real of its features */
  const chi_draws *draws; /* by dataset */
  int64_t n_replicates;
  chi_bootstrap *bootstrap;
  chi_response_supply *responses;
  chi_watch *watch;

  chi_reader *reader;
  chi_encoder *encoder;
  int64_t gathered_layer; /* whose responses are in `gathered`; -1: none */
  chi_responses gathered; /* of the layer's electrodes alone */
  void *y;                /* gathered.y */
  uint8_t *missing;       /* gathered.missing */
  int64_t *event;         /* a replicate's draws */
  float *fit;             /* 3 x targets: one replicate */
  float *val_r, *test_r;  /* (electrode, replicate of the block, time) */
  chi_account account;
} chi_boot_worker;

/** Get what the borrowed parts leave open. Local.
 * \param[in] feature_bytes, work_bytes  of the largest layer
 * \param[in] gathered_bytes             of the responses of the electrodes of a layer, the most */
chi_status chi_boot_worker_start(chi_boot_worker *worker, int64_t feature_bytes, int64_t work_bytes,
                                 int64_t gathered_bytes);
void chi_boot_worker_end(chi_boot_worker *worker);

/** The three functions that chi_sweep_run wants; `context` is a chi_boot_worker. */
chi_status chi_boot_do_unit(void *context, int64_t i, int64_t next);
void chi_boot_unit_failed(void *context, int64_t i, const char *message);
void chi_boot_progress(void *context, const chi_sweep_progress *progress);

#endif
