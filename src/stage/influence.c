#include "stage/influence.h"

#include <math.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "stage/draws.h"
#include "stage/fit_units.h"
#include "stage/influence_table.h"
#include "stage/later.h"
#include "stage/picked_units.h"
#include "store/influence_read.h"

/* The blocks of every recording's events. */
typedef struct event_blocks {
  int32_t *length, *n; /* by dataset: events of a block, blocks */
  int32_t **of;        /* by dataset: n_events: the block of each */
} event_blocks;

typedef struct influences {
  const chi_influence_options *options;
  chi_later later;
  chi_chosen *rows; /* by alignment */
  chi_rows *folds;  /* by dataset */
  event_blocks blocks;
  chi_fit_table *fit; /* by alignment */
  int32_t n_fit;
  chi_text config;
} influences;

/* ---- blocks ---- */

static int64_t least_length(const chi_dataset *d)
{
  return (d->n_events + CHI_MOST_BLOCKS - 1) / CHI_MOST_BLOCKS;
}

chi_status chi_influence_most_blocks(const chi_study *study, int32_t *blocks)
{
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    int32_t most = 0;
    for (int32_t i = 0; i < al->n_datasets; i++) {
      const chi_dataset *d = &study->datasets[al->dataset[i]];
      int32_t n;
      CHI_TRY(chi_draws_blocks(d, least_length(d), NULL, &n));
      if (n > most) most = n;
    }
    for (int32_t i = 0; i < al->n_datasets; i++) blocks[al->dataset[i]] = most;
  }
  return CHI_OK;
}

/* \param[in,out] b  its lengths are those that the recordings call for, and become those of blocks
 */
static chi_status cut_blocks(const chi_study *study, event_blocks *b)
{
  CHI_TRY(chi_alloc(study->n_datasets, sizeof *b->n, "blocks", &b->n));
  CHI_TRY(chi_alloc(study->n_datasets, sizeof *b->of, "blocks", &b->of));
  for (int32_t d = 0; d < study->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[d];
    if (b->length[d] < least_length(set)) b->length[d] = (int32_t)least_length(set);
    CHI_TRY(chi_alloc(set->n_events, sizeof *b->of[d], "blocks", &b->of[d]));
    CHI_TRY(chi_draws_blocks(set, b->length[d], b->of[d], &b->n[d]));
  }
  return CHI_OK;
}

static void free_blocks(const chi_study *study, event_blocks *b)
{
  for (int32_t d = 0; b->of != NULL && d < study->n_datasets; d++) chi_free(b->of[d]);
  chi_free(b->of);
  chi_free(b->n);
  chi_free(b->length);
}

/* Datasets of an alignment follow each other, in the order of its subjects. */
static void give_blocks(const chi_study *study, const event_blocks *b, chi_chosen *rows)
{
  for (int32_t d = 0; d < study->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[d];
    if (set->subject_index != 0) continue;
    rows[set->alignment].block_length = &b->length[d];
    rows[set->alignment].n_blocks = &b->n[d];
  }
}

static void warn_few(const chi_stage *s)
{
  const influences *w = s->own;
  for (int32_t d = 0; d < s->study->n_datasets && s->rank == 0; d++)
    if (w->blocks.n[d] < CHI_FEW_BLOCKS)
      chi_log(
          CHI_LOG_WARNING,
          "%s: only %d blocks of %d events: chiasm sites needs %d to tell a spread, and gives no "
          "p there; a smaller --block makes more, if the events' memory is that short",
          s->study->datasets[d].path, (int)w->blocks.n[d], (int)w->blocks.length[d],
          CHI_FEW_BLOCKS);
}

/* ---- before the first unit ---- */

static chi_status prepare(chi_stage *s)
{
  influences *w = s->own;
  const chi_influence_options *o = w->options;
  CHI_TRY(chi_later_open(s, &w->later));
  CHI_TRY(chi_chosen_find(s->comm, s->options->run, s->study, o->layers, o->models, &w->rows));
  s->residual = o->residual;
  chi_status status = chi_fit_rows(s->study, &s->options->encode, &w->folds);
  if (status == CHI_OK) status = chi_run_read_tables(s->options->run, &w->fit, &w->n_fit);
  if (status == CHI_OK)
    status = chi_alloc(s->study->n_datasets, sizeof *s->blocks, "blocks", &s->blocks);
  if (status == CHI_OK) status = chi_influence_most_blocks(s->study, s->blocks);
  if (status == CHI_OK) status = chi_chosen_pick(s->study, w->rows, &s->picked);
  return chi_agree(s->comm, status);
}

static chi_status describe(chi_stage *s, const char **config)
{
  influences *w = s->own;
  const chi_influence_options *o = w->options;
  CHI_TRY(chi_later_lengths(s, o->block_length, &w->blocks.length));
  CHI_TRY(chi_agree(s->comm, cut_blocks(s->study, &w->blocks)));
  give_blocks(s->study, &w->blocks, w->rows);
  chi_text_add(&w->config, "%s%s", s->options->fit_config, s->options->other_config);
  *config = w->config.s;
  chi_status status =
      chi_influence_content(s->study, w->rows, o->layers == CHI_LAYERS_ALL, &s->content);
  if (status == CHI_OK && w->config.failed)
    status = chi_fail(CHI_ERR_MEMORY, "no memory for options");
  return chi_agree(s->comm, status);
}

static chi_status list(chi_stage *s, const uint8_t *const *done)
{
  const influences *w = s->own;
  chi_later_log_lengths(s, w->blocks.length, "events go together");
  warn_few(s);
  return chi_influence_units(s->study, &s->options->encode, w->options->residual, s->blocks,
                             s->picked, done, &s->units);
}

/* ---- one unit ---- */

/* The alphas of the unit's electrodes, from fit.h5. \param room  CHI_N_SCORES tables of the
 * alignment's sites */
static chi_status read_alphas(const chi_stage *s, const chi_stage_unit *unit, float *alpha,
                              float *room)
{
  const influences *w = s->own;
  const chi_fit_table *t = &w->fit[unit->layer.alignment];
  const chi_picked *picked = &s->picked[unit->layer.number];
  const int64_t n_times = t->n_times, scores = t->n_sites * n_times;
  const int64_t site0 = s->study->datasets[unit->layer.dataset].first_site;
  float *const out[] = {room, room + scores, room + 2 * scores};
  const chi_status status = chi_run_read_scores(s->options->run, t, unit->layer.space, out);
  if (status != CHI_OK)
    return status == CHI_ERR_INPUT ? chi_fail(CHI_ERR_IO, "%s", chi_message()) : status;
  for (int64_t k = 0; k < picked->n; k++)
    memcpy(alpha + k * n_times, out[CHI_ALPHA] + (site0 + picked->electrode[k]) * n_times,
           (size_t)n_times * sizeof *alpha);
  return CHI_OK;
}

static chi_status compute(chi_stage *s, const chi_stage_unit *unit, const chi_features *features,
                          const chi_responses *responses)
{
  const influences *w = s->own;
  const int32_t d = unit->layer.dataset;
  const int64_t electrodes = responses->n_electrodes, n_times = responses->n_times;
  /* a recording of fewer blocks than others has NaN in the rest of theirs */
  const int64_t n_blocks = s->content.group[unit->layer.alignment].length[CHI_EVENT_BLOCK];
  const int64_t n = electrodes * n_blocks * n_times, own = w->blocks.n[d];
  s->result[0] = s->scores;
  s->result[1] = s->scores + n;
  float *alpha = s->scores + 2 * n;
  CHI_TRY(read_alphas(s, unit, alpha, alpha + electrodes * n_times));
  const chi_influence what = {.alpha = alpha,
                              .n_blocks = (int32_t)n_blocks,
                              .block = w->blocks.of[d],
                              .val_r = s->result[0],
                              .test_r = s->result[1]};
  CHI_TRY(chi_encode_influence(s->encoder, w->options->residual, &w->folds[d], features, responses,
                               &what, &s->account.stages));
  for (int half = 0; half < 2; half++)
    for (int64_t e = 0; e < electrodes; e++)
      for (int64_t i = own * n_times; i < n_blocks * n_times; i++)
        s->result[half][e * n_blocks * n_times + i] = NAN;
  return CHI_OK;
}

static chi_status report(const chi_stage *s, chi_text *text)
{
  const influences *w = s->own;
  return chi_influence_report_table(s->options->run, w->options->min_bins, text);
}

static void free_own(chi_stage *s)
{
  influences *w = s->own;
  if (s->study != NULL) {
    free_blocks(s->study, &w->blocks);
    chi_fit_rows_free(s->study, &w->folds);
    chi_chosen_free(s->study, &w->rows);
    chi_chosen_unpick(s->study, &s->picked);
  }
  chi_fit_tables_free(&w->fit, w->n_fit);
  chi_later_free(&w->later);
  chi_text_free(&w->config);
}

static const chi_stage_kind kind = {.schema = &chi_influence_schema,
                                    .cells = "sites",
                                    .prepare = prepare,
                                    .describe = describe,
                                    .list = list,
                                    .compute = compute,
                                    .report = report,
                                    .free = free_own};

chi_status chi_influence_stage(MPI_Comm comm, const chi_influence_options *options, int64_t *failed)
{
  influences w = {.options = options};
  return chi_stage_run(comm, &kind, &options->stage, &w, failed);
}

/* ---- joining runs ---- */

/* Blocks depend on the recordings alone. */
static chi_status take_blocks(const chi_study *study, const chi_content *like, chi_chosen *rows)
{
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    int32_t at;
    const chi_group_content *g = chi_content_find(like, al->name, &at);
    if (g == NULL || g->length[CHI_BLOCK_SUBJECT] != al->n_datasets)
      return chi_fail(CHI_ERR_INPUT, "influence.h5: /%s is not of the sizes of its fit.h5",
                      al->name);
    rows[a].block_length = g->label[CHI_INFLUENCE_BLOCK_LENGTH];
    rows[a].n_blocks = g->label[CHI_INFLUENCE_N_BLOCKS];
  }
  return CHI_OK;
}

static chi_status describe_joined(MPI_Comm comm, const char *run, const chi_study *study,
                                  const char *section, const chi_content *like, chi_content *out)
{
  chi_chosen *rows = NULL;
  bool by_space;
  chi_status s =
      chi_later_joined(comm, run, study, &chi_influence_schema, section, &rows, &by_space);
  if (s == CHI_OK) s = take_blocks(study, like, rows);
  if (s == CHI_OK) s = chi_influence_content(study, rows, by_space, out);
  s = chi_agree(comm, s);
  chi_chosen_free(study, &rows);
  return s;
}

const chi_merge_stage chi_influence_merge = {.schema = &chi_influence_schema,
                                             .describe = describe_joined};
