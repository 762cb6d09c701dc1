#include "plan/stages.h"

#include <math.h>

#include "base/memory.h"
#include "plan/cost.h"
#include "plan/spread.h"
#include "stage/bootstrap_units.h"
#include "stage/fit_units.h"
#include "study/layers.h"

/* The real coordinator sleeps 0.1 to 1 ms between looks at what has come, and so do ranks that
 * wait. */
static const double poll_s = 5e-4;

/* By unit of a stage: what a simulation wants. */
typedef struct tables {
  double *seconds, *bytes; /* units */
  double *group_bytes;     /* recordings */
} tables;

static chi_status tables_make(const chi_stages_options *o, int64_t n, tables *t)
{
  CHI_TRY(chi_alloc(n, sizeof *t->seconds, "times of units", &t->seconds));
  CHI_TRY(chi_alloc(n, sizeof *t->bytes, "sizes of layers", &t->bytes));
  CHI_TRY(chi_alloc(o->study->n_datasets, sizeof *t->group_bytes, "sizes of recordings",
                    &t->group_bytes));
  for (int32_t i = 0; i < o->study->n_datasets; i++) {
    const chi_dataset *d = &o->study->datasets[i];
    t->group_bytes[i] = (double)d->n_events * (double)d->n_electrodes *
                        (double)o->study->alignments[d->alignment].n_times * sizeof(float);
  }
  return CHI_OK;
}

static void tables_free(tables *t)
{
  chi_free(t->seconds);
  chi_free(t->bytes);
  chi_free(t->group_bytes);
}

static int64_t features_of(const chi_study *study, int32_t dataset, int64_t space)
{
  const chi_dataset *d = &study->datasets[dataset];
  return study->alignments[d->alignment].space[space].n_features[d->subject_index];
}

static double layer_bytes(const chi_stages_options *o, int32_t dataset, int64_t space)
{
  const chi_dataset *d = &o->study->datasets[dataset];
  const int64_t layer = chi_layer_number(o->study, d->alignment, space, d->subject_index);
  return (double)d->n_events * (double)features_of(o->study, dataset, space) * o->real[layer];
}

/* How much of a node's other cores is at work. */
static double busy_of(const chi_stages_options *o, const chi_run_plan *plan)
{
  const double used = (double)plan->ranks_per_node * o->encode.threads;
  if (o->cores_per_node < 2) return used > 1 ? 1 : 0;
  return fmin(1, (used - 1) / (o->cores_per_node - 1));
}

static chi_status simulate(const chi_stages_options *o, const chi_run_plan *plan,
                           const chi_unit *units, int64_t n, const tables *t,
                           chi_sim_result *result)
{
  const chi_sim_machine machine = {.ranks = o->ranks,
                                   .ranks_per_node = plan->ranks_per_node,
                                   .message_s = o->machine->message_s,
                                   .latency_s = o->latency_s,
                                   .poll_s = poll_s,
                                   .rank_bandwidth = o->rank_bandwidth,
                                   .total_bandwidth = o->total_bandwidth};
  const chi_sim_work work = {.units = units,
                             .n = n,
                             .seconds = t->seconds,
                             .bytes = t->bytes,
                             .n_groups = o->study->n_datasets,
                             .group_bytes = t->group_bytes};
  return chi_sim_run(&machine, &work, result);
}

/* Before the units: the catalog, on rank 0; all files for the checksum, which ranks share. */
static void prepare(const chi_stages_options *o, double base_s, chi_stage_plan *stage)
{
  const double bandwidth = fmin(o->total_bandwidth, o->ranks * o->rank_bandwidth);
  stage->study_bytes = o->study_bytes;
  stage->prepare_s =
      base_s + o->machine->layer_s * (double)chi_layer_count(o->study) + o->study_bytes / bandwidth;
}

/* The memory of a stage, if it suffices. */
static chi_status find_room(const chi_stages_options *o, const chi_run_plan *plan,
                            const chi_room_demand *demand, chi_room *room)
{
  chi_room_need(demand, room);
  room->program = chi_memory_peak();
  room->ranks = plan->ranks_per_node;
  room->limit = o->memory_per_node > 0 ? o->memory_per_node : INT64_MAX;
  if (o->memory_per_rank > 0 && o->memory_per_rank <= room->limit / room->ranks)
    room->limit = o->memory_per_rank * room->ranks;
  return chi_room_fit(demand, o->memory_per_rank, room);
}

static void fit_unit(const chi_stages_options *o, const chi_fit_unit *u, double busy,
                     chi_stage_plan *stage, double *seconds)
{
  const chi_dataset *d = &o->study->datasets[u->dataset];
  const int64_t times = o->study->alignments[u->alignment].n_times;
  const chi_cost_shape shape = {.rows = d->n_events,
                                .features = features_of(o->study, u->dataset, u->space),
                                .electrodes = d->n_electrodes,
                                .times = times,
                                .targets = (u->electrode1 - u->electrode0) * times};
  const double bytes = 3 * sizeof(float) * (double)shape.targets;
  stage->flops += chi_cost_flops(&o->encode, &shape);
  stage->written_bytes += bytes;
  *seconds = chi_cost_seconds(o->machine, &o->encode, &shape, busy) + o->machine->unit_s +
             bytes / o->machine->write_bandwidth;
}

static chi_status make_fit_plan(const chi_stages_options *o, chi_fit_plan *fit)
{
  const chi_study *study = o->study;
  uint8_t **done;
  CHI_TRY(chi_alloc(study->n_alignments, sizeof *done, "flags", &done));
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++)
    s = chi_alloc(study->alignments[a].n_spaces * study->alignments[a].n_sites, 1, "flags",
                  &done[a]);
  if (s == CHI_OK)
    s = chi_fit_plan_make(study, &o->encode, 0, (const uint8_t *const *)done, o->ranks, fit);
  for (int32_t a = 0; a < study->n_alignments; a++) chi_free(done[a]);
  chi_free(done);
  return s;
}

static chi_status plan_fit(const chi_stages_options *o, chi_run_plan *plan)
{
  chi_fit_plan fit = {0};
  tables t = {0};
  chi_stage_plan *stage = &plan->fit;
  chi_status s = make_fit_plan(o, &fit);
  if (s == CHI_OK) s = tables_make(o, fit.n, &t);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < fit.n; i++) {
    fit_unit(o, &fit.what[i], busy_of(o, plan), stage, &t.seconds[i]);
    t.bytes[i] = layer_bytes(o, fit.what[i].dataset, fit.what[i].space);
  }
  stage->units = fit.n;
  stage->models = fit.models;
  prepare(o, o->machine->fit_s, stage);
  s = simulate(o, plan, fit.unit, fit.n, &t, &stage->sweep);
  const chi_room_demand demand = {o->study, &o->encode, o->real, NULL, 0};
  if (s == CHI_OK) s = find_room(o, plan, &demand, &plan->fit_room);
cleanup:
  tables_free(&t);
  chi_fit_plan_free(&fit);
  return s;
}

static void bootstrap_unit(const chi_stages_options *o, const chi_boot_layer *l, int64_t replicates,
                           double busy, chi_stage_plan *stage, double *seconds)
{
  const chi_dataset *d = &o->study->datasets[l->dataset];
  const int64_t times = o->study->alignments[l->alignment].n_times;
  const chi_cost_shape shape = {.rows = (int64_t)(0.63 * (double)d->n_events),
                                .features = features_of(o->study, l->dataset, l->space),
                                .electrodes = l->n_electrodes,
                                .times = times,
                                .targets = l->n_electrodes * times};
  const double n = (double)replicates, bytes = 2 * sizeof(float) * n * (double)shape.targets;
  stage->flops += n * chi_cost_flops(&o->encode, &shape);
  stage->written_bytes += bytes;
  *seconds = n * chi_cost_seconds(o->machine, &o->encode, &shape, busy) * o->machine->replicate +
             o->machine->unit_s + bytes / o->machine->write_bandwidth;
}

/* Every unit of a bootstrap that has not begun. */
static chi_status make_boot_plan(const chi_stages_options *o, const chi_bootstrap_rows *rows,
                                 chi_boot_plan *boot)
{
  const chi_study *study = o->study;
  const int64_t blocks = (o->replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  uint8_t **done;
  CHI_TRY(chi_boot_plan_layers(study, rows, boot));
  CHI_TRY(chi_alloc(study->n_alignments, sizeof *done, "flags", &done));
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++)
    s = chi_alloc(rows[a].n_rows * study->alignments[a].n_sites * blocks, 1, "flags", &done[a]);
  if (s == CHI_OK)
    s = chi_boot_plan_units(study, &o->encode, o->replicates, (const uint8_t *const *)done, boot);
  for (int32_t a = 0; a < study->n_alignments; a++) chi_free(done[a]);
  chi_free(done);
  return s;
}

/* Scores of all replicates: val_r and test_r. */
static double scores_of(const chi_stages_options *o, const chi_bootstrap_rows *rows)
{
  double values = 0;
  for (int32_t a = 0; a < o->study->n_alignments; a++)
    values += 2.0 * (double)rows[a].n_rows * (double)o->study->alignments[a].n_sites *
              (double)o->study->alignments[a].n_times * (double)o->replicates;
  return values;
}

/* After the units every score is read for the summaries, by all ranks; then by `sites`, on one,
 * whose own work beside that is too little to be measured (under 1 ns for a score). */
static void finish(const chi_stages_options *o, double values, chi_run_plan *plan)
{
  const double bandwidth = fmin(o->total_bandwidth, o->ranks * o->rank_bandwidth);
  const double bytes = sizeof(float) * values;
  plan->bootstrap.finish_s = values * o->machine->summary_s / o->ranks + bytes / bandwidth;
  plan->sites_s = o->machine->sites_s + bytes / fmin(o->total_bandwidth, o->rank_bandwidth);
}

static chi_status plan_bootstrap(const chi_stages_options *o, chi_run_plan *plan)
{
  chi_bootstrap_rows *rows = NULL;
  chi_boot_plan boot = {0};
  tables t = {0};
  chi_stage_plan *stage = &plan->bootstrap;
  chi_status s = chi_spread_layers(o->study, o->layers, &rows);
  if (s == CHI_OK) s = make_boot_plan(o, rows, &boot);
  if (s == CHI_OK) s = tables_make(o, boot.n, &t);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < boot.n; i++) {
    const chi_boot_layer *l = &boot.layer[boot.of[i]];
    const int64_t left = o->replicates - boot.block[i] * CHI_REPLICATE_BLOCK;
    bootstrap_unit(o, l, left < CHI_REPLICATE_BLOCK ? left : CHI_REPLICATE_BLOCK, busy_of(o, plan),
                   stage, &t.seconds[i]);
    t.bytes[i] = layer_bytes(o, l->dataset, l->space);
  }
  stage->units = boot.n;
  stage->models = boot.models;
  prepare(o, o->machine->bootstrap_s, stage);
  finish(o, scores_of(o, rows), plan);
  s = simulate(o, plan, boot.unit, boot.n, &t, &stage->sweep);
  const chi_room_demand demand = {o->study, &o->encode, o->real, boot.electrodes,
                                  CHI_REPLICATE_BLOCK};
  if (s == CHI_OK) s = find_room(o, plan, &demand, &plan->bootstrap_room);
cleanup:
  tables_free(&t);
  chi_boot_plan_free(&boot);
  if (rows != NULL) chi_choose_free(o->study, &rows);
  return s;
}

double chi_stage_seconds(const chi_stage_plan *stage)
{
  return stage->prepare_s + stage->sweep.wall_s + stage->finish_s;
}

chi_status chi_stages_plan(const chi_stages_options *o, chi_run_plan *plan)
{
  *plan = (chi_run_plan){.start_s = o->machine->start_s + o->start_rank_s * (o->ranks - 1)};
  const int32_t fit_on_node = o->cores_per_node / o->encode.threads;
  plan->ranks_per_node = fit_on_node < 1 ? 1 : fit_on_node < o->ranks ? fit_on_node : o->ranks;
  plan->nodes = (o->ranks + plan->ranks_per_node - 1) / plan->ranks_per_node;
  CHI_TRY(plan_fit(o, plan));
  CHI_TRY(plan_bootstrap(o, plan));
  plan->total_s = plan->start_s + chi_stage_seconds(&plan->fit) +
                  chi_stage_seconds(&plan->bootstrap) + plan->sites_s;
  return CHI_OK;
}
