/** \file stages.h
 * What the stages of a run consist of, and how long they would take on a machine of any size. All
 * local. */
#pragma once

#include "chiasm/encode.h"
#include "chiasm/study.h"
#include "plan/machine.h"
#include "plan/simulated_sweep.h"
#include "stage/chosen.h"
#include "stage/room.h"
#include "store/schema.h"

/** What is to be run, on what. All borrowed. */
typedef struct chi_stages_options {
  const chi_study *study;
  double study_bytes;  /* of its files */
  const uint8_t *real; /* by layer: chi_real of its features in memory */
  chi_encode_options encode;
  bool planned[CHI_N_RESULTS]; /* the stages, by the file they make: the fit is */
  chi_residual residual;
  int64_t replicates;
  chi_layer_selection layers; /* of the stages after the fit */
  const chi_machine *machine;
  int32_t ranks, cores_per_node;
  double latency_s;                         /* of a message */
  double start_rank_s;                      /* that each rank adds to the start of the job */
  double rank_bandwidth;                    /* bytes per second */
  double total_bandwidth;                   /* of the file system */
  int64_t memory_per_rank, memory_per_node; /* that the plan must fit into; 0: any */
} chi_stages_options;

/** A stage of units; zeros if it is not planned. */
typedef struct chi_stage_plan {
  int64_t units, models; /* models: encoding models, a replicate of one being another */
  double flops;
  double study_bytes;         /* read for the checksum, by all ranks together */
  double written_bytes;       /* scores */
  double prepare_s, finish_s; /* before and after the units */
  chi_sim_result sweep;
  chi_room room; /* `program` is that of this process, without MPI's */
} chi_stage_plan;

/** The whole of it. */
typedef struct chi_run_plan {
  int32_t ranks_per_node, nodes;
  double start_s;
  chi_stage_plan stage[CHI_N_RESULTS]; /* by the file it makes */
  double sites_s;
  double total_s;
} chi_run_plan;

/** Which sites have which layer is known after the fit alone: for `site` they are taken to be
 * spread evenly over each model's layers.
 * \return CHI_ERR_MEMORY; CHI_ERR_USAGE if it does not fit into memory; as chi_fit_plan_make and
 *         chi_boot_plan_units */
chi_status chi_stages_plan(const chi_stages_options *options, chi_run_plan *plan);

/** Seconds of a stage. */
double chi_stage_seconds(const chi_stage_plan *stage);

/** The most that a rank, or a whole node, needs in any stage: bytes. */
int64_t chi_run_plan_rank(const chi_run_plan *plan);
int64_t chi_run_plan_node(const chi_run_plan *plan);
