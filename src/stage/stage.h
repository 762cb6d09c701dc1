/** \file stage.h
 * A stage of a run: a list of units, each of them one layer of one recording, computed by all ranks
 * into one results file. Everything that stages share stands here once: opening the study, planning
 * memory, sharing out the units, reading ahead, the account of the time, the report. A stage is a
 * chi_stage_kind: what differs. */
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/influence.h"
#include "chiasm/run.h"
#include "chiasm/study.h"
#include "stage/account.h"
#include "stage/reader.h"
#include "stage/response_supply.h"
#include "stage/room.h"
#include "stage/units.h"
#include "stage/wide.h"
#include "store/store.h"

/** What every stage is told. All borrowed. */
typedef struct chi_stage_options {
  const char *run;
  chi_run_mode mode;
  chi_selection selection; /* of the fit, as `encode` */
  chi_encode_options encode;
  int64_t memory_per_rank;  /* bytes; 0: what the node has, shared by its ranks */
  const char *fit_config;   /* the fit's section of config.yaml */
  const char *other_config; /* what else config.yaml gets: of the fit, the sections of stages to
                               follow (NULL: none); of another stage, its own */
  const char *blas_kernel, *libraries;
  const char *again; /* the command that goes on with a run that was stopped */
} chi_stage_options;

/** One stage at work on one rank. */
typedef struct chi_stage {
  const struct chi_stage_kind *kind;
  const chi_stage_options *options;
  void *own; /* the stage's own part */
  MPI_Comm comm;
  int rank, size;

  chi_study *study;
  char checksum[17];  /* of the study */
  chi_picked *picked; /* by layer number: the electrodes that take part; NULL: all, always */
  int32_t replicates; /* of which a unit holds the scores together; 0: it is a plain fit */
  int32_t *blocks;    /* by dataset: of its events, at most; NULL: it is no influence pass */
  chi_residual residual;
  uint8_t *real;  /* by layer number: chi_real of its features in memory */
  chi_wide *wide; /* by dataset: electrodes that float32 cannot hold */
  chi_room room;
  chi_response_supply responses;
  chi_content content; /* of the results file */
  chi_store *store;
  chi_unit_list units;
  int64_t failed; /* units */

  chi_reader *reader;
  chi_encoder *encoder;
  float *scores; /* room.scores bytes: the stage's, for the results of a unit */
  /* what to write of the unit, by field of the file's first record: (electrode, place of the block,
   * bin); within `scores` */
  float *result[CHI_SCHEMA_FIELDS];
  chi_account account;
  chi_watch watch;
} chi_stage;

/** What differs between stages. The functions are collective on the stage's comm unless they say
 * otherwise; each finds what came before it. */
typedef struct chi_stage_kind {
  const chi_schema *schema; /* of its results file; its name is the command's */
  const char *cells;        /* "sites": what may be cut short in it when a job is killed */
  /** Open the study and find what decides the memory: study, checksum, picked, replicates or
   * blocks.
   */
  chi_status (*prepare)(chi_stage *s);
  /** Say what the results file is to hold: content; and with which options it is made.
   * \param[out] config  as in config.yaml; borrowed until the stage's end */
  chi_status (*describe)(chi_stage *s, const char **config);
  /** List the units that are left. Local.
   * \param[in] done  by alignment: the flags of the file's first record */
  chi_status (*list)(chi_stage *s, const uint8_t *const *done);
  /** Compute one unit into `scores` and set `result`. Local.
   * \param[in] responses  of the electrodes that take part in its layer */
  chi_status (*compute)(chi_stage *s, const chi_stage_unit *unit, const chi_features *features,
                        const chi_responses *responses);
  /** What is to be done once all units are, before the file is closed, and after; NULL: nothing. */
  chi_status (*complete)(MPI_Comm comm, const chi_content *content, chi_store *store);
  chi_status (*closed)(chi_stage *s);
  /** Say what was found. Local; rank 0. */
  chi_status (*report)(const chi_stage *s, chi_text *text);
  /** Free the own part. Local. */
  void (*free)(chi_stage *s);
} chi_stage_kind;

/** Do all of a stage and print its report. Collective on comm.
 * \param[in]  own     borrowed; for the kind's functions
 * \param[out] failed  units that could not be done
 * \return CHI_OK (also where units failed), CHI_STOPPED, or an error before the first unit */
chi_status chi_stage_run(MPI_Comm comm, const chi_stage_kind *kind,
                         const chi_stage_options *options, void *own, int64_t *failed);

/** Have the responses at hand, if they are not yet: for what needs them before the first unit.
 * Collective. */
chi_status chi_stage_need_responses(chi_stage *s);

/** What the results file says of itself. All borrowed.
 * \param[in] config  its options, as in config.yaml */
chi_provenance chi_stage_provenance(const chi_stage *s, const char *config);
