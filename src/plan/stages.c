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

/* What the features of a unit's layer take. */
static double layer_bytes(const chi_stages_options *o, const chi_stage_unit *unit)
{
  const chi_dataset *d = &o->study->datasets[unit->dataset];
  const int64_t layer = chi_layer_number(o->study, unit->alignment, unit->space, d->subject_index);
  return (double)d->n_events * (double)chi_unit_features(o->study, unit) * o->real[layer];
}

/* How much of a node's other cores is at work. */
static double busy_of(const chi_stages_options *o, const chi_run_plan *plan)
{
  const double used = (double)plan->ranks_per_node * o->encode.threads;
  if (o->cores_per_node < 2) return used > 1 ? 1 : 0;
  return fmin(1, (used - 1) / (o->cores_per_node - 1));
}

static chi_status simulate(const chi_stages_options *o, const chi_run_plan *plan,
                           const chi_unit_list *units, const tables *t, chi_sim_result *result)
{
  const chi_sim_machine machine = {.ranks = o->ranks,
                                   .ranks_per_node = plan->ranks_per_node,
                                   .message_s = o->machine->message_s,
                                   .latency_s = o->latency_s,
                                   .poll_s = poll_s,
                                   .rank_bandwidth = o->rank_bandwidth,
                                   .total_bandwidth = o->total_bandwidth};
  const chi_sim_work work = {.units = units->unit,
                             .n = units->n,
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

static void fit_unit(const chi_stages_options *o, const chi_stage_unit *u, double busy,
                     chi_stage_plan *stage, double *seconds)
{
  const chi_dataset *d = &o->study->datasets[u->dataset];
  const int64_t times = o->study->alignments[u->alignment].n_times;
  const chi_cost_shape shape = {.rows = d->n_events,
                                .features = chi_unit_features(o->study, u),
                                .electrodes = d->n_electrodes,
                                .times = times,
                                .targets = (u->end - u->begin) * times};
  const double bytes = 3 * sizeof(float) * (double)shape.targets;
  stage->flops += chi_cost_flops(&o->encode, &shape);
  stage->written_bytes += bytes;
  *seconds = chi_cost_seconds(o->machine, &o->encode, &shape, busy) + o->machine->unit_s +
             bytes / o->machine->write_bandwidth;
}

static chi_status plan_fit(const chi_stages_options *o, chi_run_plan *plan)
{
  const chi_fit_shares shares = {.n_ranks = o->ranks};
  chi_unit_list units = {0};
  int64_t parts;
  tables t = {0};
  chi_stage_plan *stage = &plan->fit;
  chi_status s = chi_fit_units(o->study, &o->encode, &shares, NULL, &units, &parts);
  if (s == CHI_OK) s = tables_make(o, units.n, &t);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < units.n; i++) {
    fit_unit(o, &units.what[i], busy_of(o, plan), stage, &t.seconds[i]);
    t.bytes[i] = layer_bytes(o, &units.what[i]);
  }
  stage->units = units.n;
  stage->models = units.models;
  prepare(o, o->machine->fit_s, stage);
  s = simulate(o, plan, &units, &t, &stage->sweep);
  const chi_room_demand demand = {o->study, &o->encode, o->real, NULL, 0};
  if (s == CHI_OK) s = find_room(o, plan, &demand, &plan->fit_room);
cleanup:
  tables_free(&t);
  chi_unit_list_free(&units);
  return s;
}

static void bootstrap_unit(const chi_stages_options *o, const chi_stage_unit *u, int64_t targets,
                           double busy, chi_stage_plan *stage, double *seconds)
{
  const int64_t times = o->study->alignments[u->alignment].n_times;
  const chi_cost_shape shape = {
      .rows = chi_bootstrap_distinct(o->study->datasets[u->dataset].n_events),
      .features = chi_unit_features(o->study, u),
      .electrodes = targets / times,
      .times = times,
      .targets = targets};
  const double n = (double)(u->end - u->begin), bytes = 2 * sizeof(float) * n * (double)targets;
  stage->flops += n * chi_cost_flops(&o->encode, &shape);
  stage->written_bytes += bytes;
  *seconds = n * chi_cost_seconds(o->machine, &o->encode, &shape, busy) * o->machine->replicate +
             o->machine->unit_s + bytes / o->machine->write_bandwidth;
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
  chi_picked *picked = NULL;
  chi_unit_list units = {0};
  tables t = {0};
  chi_stage_plan *stage = &plan->bootstrap;
  chi_status s = chi_spread_layers(o->study, o->layers, &rows);
  if (s == CHI_OK) s = chi_bootstrap_pick(o->study, rows, &picked);
  if (s == CHI_OK)
    s = chi_bootstrap_units(o->study, &o->encode, o->replicates, picked, NULL, &units);
  if (s == CHI_OK) s = tables_make(o, units.n, &t);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < units.n; i++) {
    const chi_stage_unit *u = &units.what[i];
    bootstrap_unit(o, u, units.unit[i].models / (u->end - u->begin), busy_of(o, plan), stage,
                   &t.seconds[i]);
    t.bytes[i] = layer_bytes(o, u);
  }
  stage->units = units.n;
  stage->models = units.models;
  prepare(o, o->machine->bootstrap_s, stage);
  finish(o, scores_of(o, rows), plan);
  s = simulate(o, plan, &units, &t, &stage->sweep);
  const chi_room_demand demand = {o->study, &o->encode, o->real, picked, CHI_REPLICATE_BLOCK};
  if (s == CHI_OK) s = find_room(o, plan, &demand, &plan->bootstrap_room);
cleanup:
  tables_free(&t);
  chi_unit_list_free(&units);
  chi_bootstrap_unpick(o->study, &picked);
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
