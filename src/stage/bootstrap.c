#include "stage/bootstrap.h"

#include <math.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "run/bootstrap_drop.h"
#include "run/fit_file.h"
#include "stage/bootstrap_table.h"
#include "stage/bootstrap_units.h"
#include "stage/draws.h"
#include "stage/summary.h"
#include "study/layers.h"

enum { LENGTHS_SHOWN = 8 };

typedef struct boot {
  const chi_bootstrap_options *options;
  char *study_path, *checksum; /* as fit.h5 says */
  chi_bootstrap_rows *rows;    /* by alignment */
  chi_draws *draws;            /* by dataset */
  int64_t *event;              /* those of a replicate, for the longest recording */
  chi_text config;
  chi_bootstrap *file;
} boot;

/* ---- before the first unit ---- */

/* A text attribute of fit.h5, read by rank 0. */
static chi_status shared_text(const chi_stage *s, const char *name, char **text)
{
  CHI_TRY(
      chi_agree(s->comm, s->rank == 0 ? chi_run_read_text(s->options->run, name, text) : CHI_OK));
  return chi_bcast_text(s->comm, text);
}

/* The study that was fitted, unchanged. Its scores may have been made by another BLAS kernel. */
static chi_status open_study(chi_stage *s)
{
  boot *b = s->own;
  const chi_stage_options *o = s->options;
  CHI_TRY(shared_text(s, "study", &b->study_path));
  CHI_TRY(shared_text(s, "study_checksum", &b->checksum));
  CHI_TRY(chi_layers_open_study(s->comm, b->study_path, &o->selection, &s->study));
  CHI_TRY(chi_layers_checksum(s->comm, s->study, s->checksum));
  if (strcmp(s->checksum, b->checksum) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: the study %s has changed since the fit (checksum %s then, %s now); put "
                    "the old files back, or fit again",
                    o->run, b->study_path, b->checksum, s->checksum);
  chi_provenance provenance = chi_stage_provenance(s, o->fit_config);
  provenance.blas_kernel = NULL;
  return chi_agree(s->comm,
                   s->rank == 0 ? chi_fit_file_check(o->run, s->study, &provenance) : CHI_OK);
}

static chi_status prepare(chi_stage *s)
{
  boot *b = s->own;
  const chi_bootstrap_options *o = b->options;
  CHI_TRY(open_study(s));
  CHI_TRY(chi_choose_layers(s->comm, s->options->run, s->study, o->layers, o->models, &b->rows));
  s->replicates = CHI_REPLICATE_BLOCK;
  return chi_agree(s->comm, chi_bootstrap_pick(s->study, b->rows, &s->picked));
}

/* The length of every recording's blocks, ranks sharing the recordings. */
static chi_status find_lengths(chi_stage *s, int32_t *length)
{
  const boot *b = s->own;
  const chi_study *study = s->study;
  chi_status status = CHI_OK;
  for (int32_t d = s->rank; d < study->n_datasets && status == CHI_OK; d += s->size) {
    const chi_dataset *set = &study->datasets[d];
    int64_t found = b->options->block_length;
    chi_responses responses;
    if (found > set->n_events)
      status = chi_fail(CHI_ERR_USAGE, "--block %lld: %s has only %lld events", (long long)found,
                        set->path, (long long)set->n_events);
    if (found == 0 && status == CHI_OK) {
      status = chi_response_supply_borrow(&s->responses, d, &responses);
      if (status != CHI_OK) break;
      status = chi_draws_length(study, set, &responses, s->options->encode.threads, &found);
      chi_response_supply_return(&s->responses);
    }
    length[d] = (int32_t)found;
  }
  CHI_TRY(chi_agree(s->comm, status));
  MPI_Allreduce(MPI_IN_PLACE, length, study->n_datasets, MPI_INT32_T, MPI_MAX, s->comm);
  return CHI_OK;
}

static chi_status create_draws(const chi_stage *s, const int32_t *length)
{
  boot *b = s->own;
  int64_t most_events = 0;
  for (int32_t a = 0; a < s->study->n_alignments; a++) {
    const chi_alignment *al = &s->study->alignments[a];
    chi_bootstrap_rows *rows = &b->rows[a];
    CHI_TRY(chi_alloc(al->n_datasets, sizeof *rows->block_length, "blocks", &rows->block_length));
    for (int32_t i = 0; i < al->n_datasets; i++) {
      const int32_t d = al->dataset[i];
      const chi_dataset *set = &s->study->datasets[d];
      if (set->n_events > most_events) most_events = set->n_events;
      rows->block_length[i] = length[d];
      CHI_TRY(chi_draws_create(set, al->name, b->options->seed, length[d], &b->draws[d]));
    }
  }
  return chi_alloc(most_events, sizeof *b->event, "drawn events", &b->event);
}

static chi_status make_draws(chi_stage *s)
{
  boot *b = s->own;
  int32_t *length = NULL;
  CHI_TRY(chi_stage_need_responses(s));
  chi_status status = chi_alloc(s->study->n_datasets, sizeof *length, "blocks", &length);
  if (status == CHI_OK)
    status = chi_alloc(s->study->n_datasets, sizeof *b->draws, "draws", &b->draws);
  status = chi_agree(s->comm, status);
  if (status == CHI_OK) status = find_lengths(s, length);
  if (status == CHI_OK) status = chi_agree(s->comm, create_draws(s, length));
  chi_free(length);
  return status;
}

static chi_bootstrap_content content_of(const boot *b)
{
  return (chi_bootstrap_content){.rows = b->rows,
                                 .n_replicates = b->options->replicates,
                                 .seed = b->options->seed,
                                 .by_space = b->options->layers == CHI_LAYERS_ALL};
}

static chi_status open_file(chi_stage *s, int64_t *torn)
{
  boot *b = s->own;
  const chi_stage_options *o = s->options;
  CHI_TRY(make_draws(s));
  const chi_bootstrap_content content = content_of(b);
  chi_text_add(&b->config, "%s%s", o->fit_config, o->other_config);
  CHI_TRY(chi_agree(s->comm,
                    b->config.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options") : CHI_OK));
  const chi_provenance provenance = chi_stage_provenance(s, b->config.s);
  CHI_TRY(chi_bootstrap_open(s->comm, o->run, o->mode, s->study, &provenance, &content, &b->file));
  *torn = chi_bootstrap_torn(b->file);
  return CHI_OK;
}

static const uint8_t *done_of(const chi_stage *s, int32_t alignment)
{
  return chi_bootstrap_done(((const boot *)s->own)->file, alignment);
}

static void log_lengths(const chi_stage *s)
{
  const boot *b = s->own;
  chi_text text = {0};
  for (int32_t d = 0; d < s->study->n_datasets && d < LENGTHS_SHOWN; d++) {
    const chi_dataset *set = &s->study->datasets[d];
    chi_text_add(&text, "%s%s.%s %d", d == 0 ? "" : ", ", set->subject,
                 s->study->alignments[set->alignment].name,
                 (int)b->rows[set->alignment].block_length[set->subject_index]);
  }
  if (s->study->n_datasets > LENGTHS_SHOWN) chi_text_add(&text, ", ...");
  if (!text.failed)
    chi_log(CHI_LOG_INFO, "bootstrap: %lld replicates; events are drawn in blocks of so many: %s",
            (long long)b->options->replicates, text.s);
  chi_text_free(&text);
}

static chi_status list(chi_stage *s, const uint8_t *const *done)
{
  const boot *b = s->own;
  log_lengths(s);
  if (chi_bootstrap_dropped(b->file)) return CHI_OK;
  return chi_bootstrap_units(s->study, &s->options->encode, b->options->replicates, s->picked, done,
                             &s->units);
}

/* ---- one unit ---- */

static const chi_picked *picked_of(const chi_stage *s, const chi_stage_unit *unit)
{
  return &s->picked[chi_layer_number(s->study, unit->alignment, unit->space,
                                     s->study->datasets[unit->dataset].subject_index)];
}

/* Where a unit's scores stand: those of one replicate, then of all by (electrode, replicate, bin).
 */
typedef struct block {
  int64_t n_electrodes, n_times, size; /* size: replicates */
  chi_encode_part one;
  float *val_r, *test_r;
} block;

static block block_of(const chi_stage *s, const chi_stage_unit *unit)
{
  block b = {.n_electrodes = picked_of(s, unit)->n,
             .n_times = s->study->alignments[unit->alignment].n_times,
             .size = unit->end - unit->begin};
  const int64_t targets = b.n_electrodes * b.n_times;
  b.one = (chi_encode_part){.electrode1 = b.n_electrodes,
                            .val_r = s->scores,
                            .test_r = s->scores + targets,
                            .alpha = s->scores + 2 * targets};
  b.val_r = s->scores + 3 * targets;
  b.test_r = b.val_r + targets * b.size;
  return b;
}

static void fill_with_nan(int64_t n, float *x)
{
  for (int64_t i = 0; i < n; i++) x[i] = NAN;
}

/* Fit one replicate, `r` of the unit's. What cannot be calculated is NaN. */
static chi_status fit_replicate(chi_stage *s, const chi_stage_unit *unit,
                                const chi_features *features, const chi_responses *responses,
                                int64_t r)
{
  const boot *b = s->own;
  const chi_dataset *d = &s->study->datasets[unit->dataset];
  const block at = block_of(s, unit);
  chi_rows rows;
  chi_draws_make(&b->draws[unit->dataset], unit->begin + r, b->event);
  chi_status status =
      chi_rows_drawn(&s->options->encode, d->n_events, b->event, d->onset, d->session, &rows);
  if (status == CHI_OK)
    status = chi_encode_fit(s->encoder, &rows, features, responses, &at.one, &s->account.stages);
  chi_rows_free(&rows);
  const bool undefined = status == CHI_ERR_INPUT || status == CHI_ERR_NUMERIC;
  if (undefined) {
    chi_log(CHI_LOG_FILE, "%s: %s: replicate %lld: %s", d->path,
            s->study->alignments[unit->alignment].space[unit->space].model,
            (long long)(unit->begin + r), chi_message());
    fill_with_nan(2 * at.n_electrodes * at.n_times, at.one.val_r);
  }
  const size_t bytes = (size_t)at.n_times * sizeof *at.val_r;
  for (int64_t k = 0; k < at.n_electrodes; k++) {
    const int64_t to = (k * at.size + r) * at.n_times, from = k * at.n_times;
    memcpy(at.val_r + to, at.one.val_r + from, bytes);
    memcpy(at.test_r + to, at.one.test_r + from, bytes);
  }
  return undefined ? CHI_OK : status;
}

static chi_status compute(chi_stage *s, const chi_stage_unit *unit, const chi_features *features,
                          const chi_responses *responses)
{
  for (int64_t r = 0; r < unit->end - unit->begin; r++)
    CHI_TRY(fit_replicate(s, unit, features, responses, r));
  return CHI_OK;
}

static chi_status write_unit(chi_stage *s, const chi_stage_unit *unit, uint8_t done)
{
  const boot *b = s->own;
  const chi_picked *picked = picked_of(s, unit);
  const block at = block_of(s, unit);
  const int64_t values = at.size * at.n_times;
  const int64_t site0 = s->study->datasets[unit->dataset].first_site;
  if (done == CHI_DONE_FAILED) fill_with_nan(2 * at.n_electrodes * values, at.val_r);
  for (int64_t k = 0; k < at.n_electrodes; k++)
    CHI_TRY(chi_bootstrap_write(b->file, unit->alignment, picked->row, site0 + picked->electrode[k],
                                unit->begin / CHI_REPLICATE_BLOCK, done, at.val_r + k * values,
                                at.test_r + k * values));
  return CHI_OK;
}

/* ---- after the last unit ---- */

static chi_status drop_replicates(const chi_stage *s)
{
  const boot *b = s->own;
  const chi_bootstrap_content content = content_of(b);
  const chi_provenance provenance = chi_stage_provenance(s, b->config.s);
  return chi_bootstrap_drop(s->options->run, s->study, &provenance, &content, s->size);
}

/* Summarise all replicates, so that a summary is never older than these; close the file, without
 * its replicates if they are not to be kept and none is still to be made. */
static chi_status finish(chi_stage *s, chi_status status)
{
  boot *b = s->own;
  const bool dropped = b->file != NULL && chi_bootstrap_dropped(b->file);
  chi_kept kept;
  if (status == CHI_OK && !dropped)
    status = chi_summarise_all(s->comm, s->study, b->rows, b->options->replicates, b->file);
  chi_keep(&kept, status);
  CHI_TRY(chi_keep_first(&kept, chi_bootstrap_close(&b->file)));
  if (b->options->keep || dropped) return CHI_OK;
  if (s->failed > 0) {
    chi_log(CHI_LOG_INFO,
            "bootstrap: the replicates are kept, since --resume needs them to do what failed");
    return CHI_OK;
  }
  return chi_agree(s->comm, s->rank == 0 ? drop_replicates(s) : CHI_OK);
}

static chi_status describe(const chi_stage *s, chi_text *text)
{
  return chi_bootstrap_report_table(s->options->run, text);
}

static void free_own(chi_stage *s)
{
  boot *b = s->own;
  for (int32_t d = 0; b->draws != NULL && d < s->study->n_datasets; d++)
    chi_draws_free(&b->draws[d]);
  chi_free(b->draws);
  chi_free(b->event);
  if (s->study != NULL) {
    chi_choose_free(s->study, &b->rows);
    chi_bootstrap_unpick(s->study, &s->picked);
  }
  chi_text_free(&b->config);
  chi_free(b->study_path);
  chi_free(b->checksum);
}

static const chi_stage_kind kind = {.name = "bootstrap",
                                    .file = "bootstrap.h5",
                                    .what = "replicates",
                                    .cells = "blocks of replicates",
                                    .prepare = prepare,
                                    .open = open_file,
                                    .done = done_of,
                                    .list = list,
                                    .compute = compute,
                                    .write = write_unit,
                                    .finish = finish,
                                    .describe = describe,
                                    .free = free_own};

chi_status chi_bootstrap_stage(MPI_Comm comm, const chi_bootstrap_options *options, int64_t *failed)
{
  boot b = {.options = options};
  return chi_stage_run(comm, &kind, &options->stage, &b, failed);
}
