#include "stage/bootstrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "stage/bootstrap_table.h"
#include "stage/draws.h"
#include "stage/later.h"
#include "stage/picked_units.h"
#include "stage/summary.h"
#include "store/drop.h"

enum { LENGTHS_SHOWN = 8 };

typedef struct boot {
  const chi_bootstrap_options *options;
  chi_later later;
  chi_chosen *rows; /* by alignment */
  int32_t *length;  /* by dataset: events drawn together */
  chi_draws *draws; /* by dataset */
  int64_t *event;   /* those of a replicate, for the longest recording */
  chi_text config;
} boot;

/* ---- before the first unit ---- */

static chi_status prepare(chi_stage *s)
{
  boot *b = s->own;
  const chi_bootstrap_options *o = b->options;
  CHI_TRY(chi_later_open(s, &b->later));
  CHI_TRY(chi_chosen_find(s->comm, s->options->run, s->study, o->layers, o->models, &b->rows));
  s->replicates = CHI_REPLICATE_BLOCK;
  return chi_agree(s->comm, chi_chosen_pick(s->study, b->rows, &s->picked));
}

static chi_status create_draws(const chi_stage *s)
{
  boot *b = s->own;
  int64_t most_events = 0;
  for (int32_t d = 0; d < s->study->n_datasets; d++) {
    const chi_dataset *set = &s->study->datasets[d];
    if (set->subject_index == 0) b->rows[set->alignment].block_length = &b->length[d];
    if (set->n_events > most_events) most_events = set->n_events;
    CHI_TRY(chi_draws_create(set, s->study->alignments[set->alignment].name, b->options->seed,
                             b->length[d], &b->draws[d]));
  }
  return chi_alloc(most_events, sizeof *b->event, "drawn events", &b->event);
}

/* The length of every recording's blocks; then the draws. */
static chi_status make_draws(chi_stage *s)
{
  boot *b = s->own;
  CHI_TRY(chi_later_lengths(s, b->options->block_length, &b->length));
  const chi_status status = chi_alloc(s->study->n_datasets, sizeof *b->draws, "draws", &b->draws);
  return chi_agree(s->comm, status == CHI_OK ? create_draws(s) : status);
}

static chi_status describe(chi_stage *s, const char **config)
{
  boot *b = s->own;
  const chi_bootstrap_options *o = b->options;
  CHI_TRY(make_draws(s));
  chi_text_add(&b->config, "%s%s", s->options->fit_config, s->options->other_config);
  *config = b->config.s;
  chi_status status = chi_bootstrap_content(s->study, b->rows, o->replicates, o->seed,
                                            o->layers == CHI_LAYERS_ALL, &s->content);
  if (status == CHI_OK && b->config.failed)
    status = chi_fail(CHI_ERR_MEMORY, "no memory for options");
  return chi_agree(s->comm, status);
}

/* Rank 0: where the means over folds lack some in replicates. */
static chi_status warn_short(const chi_stage *s)
{
  const boot *b = s->own;
  chi_text text = {0};
  int32_t n = 0;
  chi_status status = s->rank == 0 ? CHI_OK : CHI_STOPPED;
  for (int32_t d = 0; d < s->study->n_datasets && status == CHI_OK; d++) {
    const chi_dataset *set = &s->study->datasets[d];
    int64_t count;
    status = chi_draws_count_short(&b->draws[d], &s->options->encode, set, b->options->replicates,
                                   &count);
    if (status != CHI_OK || count == 0 || n++ >= LENGTHS_SHOWN) continue;
    chi_text_add(&text, "%s%s.%s %lld", n == 1 ? "" : ", ", set->subject,
                 s->study->alignments[set->alignment].name, (long long)count);
  }
  if (n > 0 && !text.failed)
    chi_log(CHI_LOG_WARNING,
            "bootstrap: in some of the %lld replicates (%s%s) a half of a fold repeats one event: "
            "it is left out of their means over folds; fewer --folds in the fit avoid that",
            (long long)b->options->replicates, text.s, n > LENGTHS_SHOWN ? ", ..." : "");
  chi_text_free(&text);
  return status == CHI_STOPPED ? CHI_OK : status;
}

static chi_status list(chi_stage *s, const uint8_t *const *done)
{
  const boot *b = s->own;
  char what[64];
  snprintf(what, sizeof what, "%lld replicates; events are drawn",
           (long long)b->options->replicates);
  chi_later_log_lengths(s, b->length, what);
  CHI_TRY(warn_short(s));
  return chi_bootstrap_units(s->study, &s->options->encode, b->options->replicates, s->picked, done,
                             &s->units);
}

/* ---- one unit ---- */

/* Fit one replicate, `r` of the unit's, and put its scores among the unit's, which are by
 * (electrode, replicate, bin). What cannot be calculated is NaN. */
static chi_status fit_replicate(chi_stage *s, const chi_stage_unit *unit,
                                const chi_features *features, const chi_responses *responses,
                                int64_t r)
{
  const boot *b = s->own;
  const chi_dataset *d = &s->study->datasets[unit->layer.dataset];
  const int64_t n_times = responses->n_times, targets = responses->n_electrodes * n_times;
  const chi_encode_part part = {.electrode1 = responses->n_electrodes,
                                .val_r = s->scores,
                                .test_r = s->scores + targets,
                                .alpha = s->scores + 2 * targets};
  chi_rows rows;
  chi_draws_make(&b->draws[unit->layer.dataset], unit->begin + r, b->event);
  chi_status status =
      chi_rows_drawn(&s->options->encode, d->n_events, b->event, d->onset, d->session, &rows);
  if (status == CHI_OK)
    status = chi_encode_fit(s->encoder, &rows, features, responses, &part, &s->account.stages);
  chi_rows_free(&rows);
  if (status == CHI_ERR_INPUT || status == CHI_ERR_NUMERIC) {
    chi_log(CHI_LOG_FILE, "%s: %s: replicate %lld: %s", d->path,
            s->study->alignments[d->alignment].space[unit->layer.space].model,
            (long long)(unit->begin + r), chi_message());
    for (int64_t i = 0; i < 2 * targets; i++) s->scores[i] = NAN;
    status = CHI_OK;
  }
  for (int half = 0; half < 2; half++)
    for (int64_t k = 0; k < responses->n_electrodes; k++)
      memcpy(s->result[half] + (k * (unit->end - unit->begin) + r) * n_times,
             s->scores + half * targets + k * n_times, (size_t)n_times * sizeof *s->scores);
  return status;
}

static chi_status compute(chi_stage *s, const chi_stage_unit *unit, const chi_features *features,
                          const chi_responses *responses)
{
  const int64_t targets = responses->n_electrodes * responses->n_times;
  s->result[0] = s->scores + 3 * targets; /* after what one replicate needs */
  s->result[1] = s->result[0] + (unit->end - unit->begin) * targets;
  for (int64_t r = 0; r < unit->end - unit->begin; r++)
    CHI_TRY(fit_replicate(s, unit, features, responses, r));
  return CHI_OK;
}

/* ---- after the last unit ---- */

/* Without its replicates, if they are not to be kept and none is still to be made. */
static chi_status closed(chi_stage *s)
{
  const boot *b = s->own;
  if (b->options->keep) return CHI_OK;
  if (s->failed > 0) {
    chi_log(CHI_LOG_INFO,
            "bootstrap: the replicates are kept, since --resume needs them to do what failed");
    return CHI_OK;
  }
  const chi_provenance provenance = chi_stage_provenance(s, b->config.s);
  return chi_agree(s->comm, s->rank == 0
                                ? chi_store_drop(s->options->run, &s->content, &provenance, s->size)
                                : CHI_OK);
}

static chi_status report(const chi_stage *s, chi_text *text)
{
  const boot *b = s->own;
  return chi_bootstrap_report_table(s->options->run, b->options->min_bins, text);
}

static void free_own(chi_stage *s)
{
  boot *b = s->own;
  for (int32_t d = 0; b->draws != NULL && d < s->study->n_datasets; d++)
    chi_draws_free(&b->draws[d]);
  chi_free(b->draws);
  chi_free(b->length);
  chi_free(b->event);
  if (s->study != NULL) {
    chi_chosen_free(s->study, &b->rows);
    chi_chosen_unpick(s->study, &s->picked);
  }
  chi_text_free(&b->config);
  chi_later_free(&b->later);
}

static const chi_stage_kind kind = {.schema = &chi_bootstrap_schema,
                                    .cells = "blocks of replicates",
                                    .prepare = prepare,
                                    .describe = describe,
                                    .list = list,
                                    .compute = compute,
                                    .complete = chi_summarise_all,
                                    .closed = closed,
                                    .report = report,
                                    .free = free_own};

chi_status chi_bootstrap_stage(MPI_Comm comm, const chi_bootstrap_options *options, int64_t *failed)
{
  boot b = {.options = options};
  return chi_stage_run(comm, &kind, &options->stage, &b, failed);
}

/* ---- joining runs ---- */

/* Lengths of blocks depend on the recordings alone. */
static chi_status take_lengths(const chi_study *study, const chi_content *like, chi_chosen *rows)
{
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    int32_t at;
    const chi_group_content *g = chi_content_find(like, al->name, &at);
    if (g == NULL || g->n_subjects != al->n_datasets)
      return chi_fail(CHI_ERR_INPUT, "bootstrap.h5: /%s is not of the sizes of its fit.h5",
                      al->name);
    rows[a].block_length = g->block_length;
  }
  return CHI_OK;
}

static chi_status describe_joined(MPI_Comm comm, const char *run, const chi_study *study,
                                  const char *section, const chi_content *like, chi_content *out)
{
  chi_chosen *rows = NULL;
  char *seed = NULL;
  bool by_space;
  chi_status s =
      chi_agree(comm, chi_later_option(run, &chi_bootstrap_schema, section, "seed", &seed));
  if (s == CHI_OK)
    s = chi_later_joined(comm, run, study, &chi_bootstrap_schema, section, &rows, &by_space);
  if (s == CHI_OK) s = take_lengths(study, like, rows);
  if (s == CHI_OK)
    s = chi_bootstrap_content(study, rows, like->group[0].length[CHI_REPLICATE],
                              strtoull(seed, NULL, 10), by_space, out);
  s = chi_agree(comm, s);
  chi_chosen_free(study, &rows);
  chi_free(seed);
  return s;
}

const chi_merge_stage chi_bootstrap_merge = {
    .schema = &chi_bootstrap_schema, .describe = describe_joined, .complete = chi_summarise_all};
