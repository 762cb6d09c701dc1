#include "plan/stages.h"

#include <math.h>

#include "base/memory.h"
#include "stage/fit_units.h"
#include "stage/influence.h"
#include "stage/picked_units.h"
#include "study/layers.h"

/* The real coordinator sleeps 0.1 to 1 ms between looks at what has come, and so do ranks that
 * wait. */
static const double poll_s = 5e-4;

/* How much of a node's other cores is at work. */
static double busy_of(const chi_stages_options *o, const chi_run_plan *plan)
{
  const double used = (double)plan->ranks_per_node * o->encode.threads;
  if (o->cores_per_node < 2) return used > 1 ? 1 : 0;
  return fmin(1, (used - 1) / (o->cores_per_node - 1));
}

/* The units of a stage, as a simulation wants them. */
typedef struct tables {
  double *seconds, *bytes; /* units; bytes: of the layer */
  double *group_bytes;     /* recordings */
} tables;

static chi_status tables_alloc(int64_t n, int64_t n_groups, tables *t)
{
  CHI_TRY(chi_alloc(n, sizeof *t->seconds, "times of units", &t->seconds));
  CHI_TRY(chi_alloc(n, sizeof *t->bytes, "sizes of layers", &t->bytes));
  return chi_alloc(n_groups, sizeof *t->group_bytes, "sizes of recordings", &t->group_bytes);
}

/* What a unit of a stage is to a fit, or to a pass. \param[in] fits  of the unit */
static chi_fit_shape shape_of(const chi_stages_options *o, int stage, const chi_stage_unit *u,
                              const int32_t *blocks, int64_t targets)
{
  const chi_dataset *d = &o->study->datasets[u->layer.dataset];
  const int64_t times = o->study->alignments[u->layer.alignment].n_times;
  return (chi_fit_shape){
      .rows = stage == CHI_OF_BOOTSTRAP ? chi_bootstrap_distinct(d->n_events) : d->n_events,
      .blocks = stage == CHI_OF_INFLUENCE ? blocks[u->layer.dataset] : 0,
      .residual = o->residual,
      .features = u->layer.n_features,
      .electrodes = stage == CHI_OF_FIT ? d->n_electrodes : targets / times,
      .times = times,
      .targets = targets};
}

/* A unit of so many encoding models: add it to the stage, and say how long it takes. Every
 * replicate is a fit, which keeps no alpha. */
static double add_unit(const chi_stages_options *o, int stage, const chi_stage_unit *u,
                       const int32_t *blocks, int64_t models, double busy, chi_stage_plan *plan)
{
  const int64_t fits = stage == CHI_OF_BOOTSTRAP ? u->end - u->begin : 1, targets = models / fits;
  const chi_fit_shape shape = shape_of(o, stage, u, blocks, targets);
  const double scores = stage == CHI_OF_FIT         ? 3
                        : stage == CHI_OF_INFLUENCE ? 2.0 * shape.blocks
                                                    : 2;
  const double bytes = scores * sizeof(float) * (double)models;
  double flops;
  const double one = chi_machine_seconds(o->machine, &o->encode, &shape, busy, &flops);
  plan->written_bytes += bytes;
  plan->flops += (double)fits * flops;
  return (double)fits * one * (stage == CHI_OF_BOOTSTRAP ? o->machine->replicate : 1) +
         o->machine->unit_s + bytes / o->machine->write_bandwidth;
}

static void fill_tables(const chi_stages_options *o, int stage, const chi_unit_list *units,
                        const int32_t *blocks, double busy, chi_stage_plan *plan, tables *t)
{
  const chi_study *study = o->study;
  for (int64_t i = 0; i < units->n; i++) {
    const chi_stage_unit *u = &units->what[i];
    const chi_dataset *d = &study->datasets[u->layer.dataset];
    t->seconds[i] = add_unit(o, stage, u, blocks, units->unit[i].models, busy, plan);
    t->bytes[i] = (double)d->n_events * (double)u->layer.n_features * o->real[u->layer.number];
  }
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    t->group_bytes[i] = (double)d->n_events * (double)d->n_electrodes *
                        (double)study->alignments[d->alignment].n_times * sizeof(float);
  }
}

/* Before the units: the catalog, on rank 0; all files for the checksum, which ranks share. Then the
 * units. */
static chi_status plan_units(const chi_stages_options *o, int stage, const chi_unit_list *units,
                             const int32_t *blocks, chi_run_plan *run)
{
  const chi_machine *m = o->machine;
  const double own_s[CHI_N_RESULTS] = {[CHI_OF_FIT] = m->fit_s,
                                       [CHI_OF_INFLUENCE] = m->influence_s,
                                       [CHI_OF_BOOTSTRAP] = m->bootstrap_s};
  chi_stage_plan *plan = &run->stage[stage];
  tables t = {0};
  plan->units = units->n;
  plan->models = units->models;
  plan->study_bytes = o->study_bytes;
  plan->prepare_s = own_s[stage] + m->layer_s * (double)chi_layer_count(o->study) +
                    o->study_bytes / fmin(o->total_bandwidth, o->ranks * o->rank_bandwidth);
  chi_status s = tables_alloc(units->n, o->study->n_datasets, &t);
  if (s == CHI_OK) {
    fill_tables(o, stage, units, blocks, busy_of(o, run), plan, &t);
    const chi_sim_machine machine = {.ranks = o->ranks,
                                     .ranks_per_node = run->ranks_per_node,
                                     .message_s = m->message_s,
                                     .latency_s = o->latency_s,
                                     .poll_s = poll_s,
                                     .rank_bandwidth = o->rank_bandwidth,
                                     .total_bandwidth = o->total_bandwidth};
    const chi_sim_work work = {.units = units->unit,
                               .n = units->n,
                               .seconds = t.seconds,
                               .bytes = t.bytes,
                               .n_groups = o->study->n_datasets,
                               .group_bytes = t.group_bytes};
    s = chi_sim_run(&machine, &work, &plan->sweep);
  }
  chi_free(t.seconds);
  chi_free(t.bytes);
  chi_free(t.group_bytes);
  return s;
}

/* The memory of a stage, if it suffices. */
static chi_status find_room(const chi_stages_options *o, int stage, const chi_room_demand *demand,
                            chi_run_plan *plan)
{
  chi_room *room = &plan->stage[stage].room;
  chi_room_need(demand, room);
  room->program = chi_memory_peak();
  room->ranks = plan->ranks_per_node;
  room->limit = o->memory_per_node > 0 ? o->memory_per_node : INT64_MAX;
  if (o->memory_per_rank > 0 && o->memory_per_rank <= room->limit / room->ranks)
    room->limit = o->memory_per_rank * room->ranks;
  return chi_room_fit(demand, o->memory_per_rank, room);
}

static chi_status plan_fit(const chi_stages_options *o, chi_run_plan *plan)
{
  const chi_fit_shares shares = {.n_ranks = o->ranks};
  const chi_room_demand demand = {.study = o->study, .encode = &o->encode, .real = o->real};
  chi_unit_list units = {0};
  int64_t parts;
  chi_status s = chi_fit_units(o->study, &o->encode, &shares, NULL, &units, &parts);
  if (s == CHI_OK) s = plan_units(o, CHI_OF_FIT, &units, NULL, plan);
  if (s == CHI_OK) s = find_room(o, CHI_OF_FIT, &demand, plan);
  chi_unit_list_free(&units);
  return s;
}

/* Which layers will be taken where, as far as that can be said before a fit: for `site` the
 * electrodes of a recording have the layers of each model in turn, for `final` all the deepest. */
static chi_status spread_layers(const chi_stages_options *o, const chi_alignment *a,
                                chi_chosen *rows)
{
  int64_t *has;
  CHI_TRY(chi_alloc(a->n_spaces, sizeof *has, "layers", &has));
  for (int64_t row = 0; row < rows->n_rows; row++) {
    const int64_t end = row + 1 < rows->n_rows ? rows->label[row + 1] : a->n_spaces;
    for (int32_t i = 0; i < a->n_datasets; i++) {
      const chi_dataset *d = &o->study->datasets[a->dataset[i]];
      int64_t n = 0, *space = rows->space + row * a->n_sites + d->first_site;
      for (int64_t f = rows->label[row]; f < end; f++)
        if (a->space[f].n_features[i] > 0) has[n++] = f;
      for (int64_t e = 0; e < d->n_electrodes; e++)
        space[e] = n == 0 ? -1 : has[o->layers == CHI_LAYERS_FINAL ? n - 1 : e % n];
    }
  }
  chi_free(has);
  return CHI_OK;
}

/* The numbers (of val_r and test_r) that the stages after the fit write for one (row, site, bin).
 */
static double numbers_of(const chi_stages_options *o, const chi_chosen *rows, double each)
{
  double values = 0;
  for (int32_t a = 0; a < o->study->n_alignments; a++)
    values += 2 * each * (double)rows[a].n_rows * (double)o->study->alignments[a].n_sites *
              (double)o->study->alignments[a].n_times;
  return values;
}

static double most_blocks(const chi_stages_options *o, const int32_t *blocks)
{
  double most = 0;
  for (int32_t i = 0; i < o->study->n_datasets; i++) most = fmax(most, blocks[i]);
  return most;
}

/* After the units every score is read again: a bootstrap's for the summaries, by all ranks,
 * influences for the table, by one; then by `sites`, on one, whose own work beside that is too
 * little to be measured. */
static void finish(const chi_stages_options *o, int stage, const chi_chosen *rows,
                   const int32_t *blocks, chi_run_plan *plan)
{
  const bool influence = stage == CHI_OF_INFLUENCE;
  const double one = fmin(o->total_bandwidth, o->rank_bandwidth);
  const double all = fmin(o->total_bandwidth, o->ranks * o->rank_bandwidth);
  const double values =
      numbers_of(o, rows, influence ? most_blocks(o, blocks) : (double)o->replicates);
  const double bytes = sizeof(float) * values;
  plan->stage[stage].finish_s =
      influence ? bytes / one : values * o->machine->summary_s / o->ranks + bytes / all;
  if (influence || !o->planned[CHI_OF_INFLUENCE]) plan->sites_s = o->machine->sites_s + bytes / one;
}

/* A stage after the fit. */
static chi_status plan_later(const chi_stages_options *o, int stage, chi_run_plan *plan)
{
  const bool influence = stage == CHI_OF_INFLUENCE;
  chi_chosen *rows = NULL;
  chi_picked *picked = NULL;
  chi_unit_list units = {0};
  int32_t *blocks = NULL;
  chi_status s = chi_alloc(o->study->n_datasets, sizeof *blocks, "blocks", &blocks);
  if (s == CHI_OK && influence) s = chi_influence_most_blocks(o->study, blocks);
  if (s == CHI_OK) s = chi_chosen_list(o->study, o->layers, NULL, &rows);
  for (int32_t a = 0; a < o->study->n_alignments && s == CHI_OK; a++)
    s = spread_layers(o, &o->study->alignments[a], &rows[a]);
  if (s == CHI_OK) s = chi_chosen_pick(o->study, rows, &picked);
  if (s == CHI_OK)
    s = influence
            ? chi_influence_units(o->study, &o->encode, o->residual, blocks, picked, NULL, &units)
            : chi_bootstrap_units(o->study, &o->encode, o->replicates, picked, NULL, &units);
  if (s == CHI_OK) s = plan_units(o, stage, &units, blocks, plan);
  if (s == CHI_OK) {
    const chi_room_demand demand = {.study = o->study,
                                    .encode = &o->encode,
                                    .real = o->real,
                                    .picked = picked,
                                    .replicates = influence ? 0 : CHI_REPLICATE_BLOCK,
                                    .blocks = influence ? blocks : NULL,
                                    .residual = o->residual};
    finish(o, stage, rows, blocks, plan);
    s = find_room(o, stage, &demand, plan);
  }
  chi_unit_list_free(&units);
  chi_chosen_unpick(o->study, &picked);
  chi_chosen_free(o->study, &rows);
  chi_free(blocks);
  return s;
}

double chi_stage_seconds(const chi_stage_plan *stage)
{
  return stage->prepare_s + stage->sweep.wall_s + stage->finish_s;
}

chi_status chi_stages_plan(const chi_stages_options *o, chi_run_plan *plan)
{
  *plan = (chi_run_plan){.start_s = o->machine->start_s + (o->ranks > 1 ? o->machine->job_s : 0) +
                                    o->start_rank_s * (o->ranks - 1)};
  const int32_t fit_on_node = o->cores_per_node / o->encode.threads;
  plan->ranks_per_node = fit_on_node < 1 ? 1 : fit_on_node < o->ranks ? fit_on_node : o->ranks;
  plan->nodes = (o->ranks + plan->ranks_per_node - 1) / plan->ranks_per_node;
  CHI_TRY(plan_fit(o, plan));
  for (int i = CHI_OF_FIT + 1; i < CHI_N_RESULTS; i++)
    if (o->planned[i]) CHI_TRY(plan_later(o, i, plan));
  plan->total_s = plan->start_s + plan->sites_s;
  for (int i = 0; i < CHI_N_RESULTS; i++) plan->total_s += chi_stage_seconds(&plan->stage[i]);
  return CHI_OK;
}

/* The most of any stage. */
static int64_t most_of(const chi_run_plan *plan, int64_t (*bytes)(const chi_room *room))
{
  int64_t most = 0;
  for (int i = 0; i < CHI_N_RESULTS; i++) {
    const int64_t one = bytes(&plan->stage[i].room);
    if (one > most) most = one;
  }
  return most;
}

int64_t chi_run_plan_rank(const chi_run_plan *plan) { return most_of(plan, chi_room_rank); }

int64_t chi_run_plan_node(const chi_run_plan *plan) { return most_of(plan, chi_room_node); }
