#include "stage/fit.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "stage/fit_table.h"
#include "stage/fit_units.h"
#include "study/layers.h"

typedef struct fit {
  const chi_fit_options *options;
  chi_rows *rows; /* by dataset */
  chi_run *run;
} fit;

/* The folds of every dataset's events. */
static chi_status make_rows(const chi_study *study, const chi_encode_options *encode,
                            chi_rows **rows)
{
  CHI_TRY(chi_alloc(study->n_datasets, sizeof **rows, "folds", rows));
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_status s = chi_rows_plain(encode, d->n_events, d->onset, d->session, &(*rows)[i]);
    char why[CHI_MESSAGE_MAX];
    snprintf(why, sizeof why, "%s", chi_message());
    if (s != CHI_OK) return chi_fail(s, "%s: %s", d->path, why);
  }
  return CHI_OK;
}

static chi_status prepare(chi_stage *s)
{
  fit *f = s->own;
  const chi_stage_options *o = s->options;
  CHI_TRY(chi_agree(s->comm, s->rank == 0 ? chi_run_check(o->run, o->mode) : CHI_OK));
  CHI_TRY(chi_layers_open_study(s->comm, f->options->study, &o->selection, &s->study));
  return chi_agree(s->comm, make_rows(s->study, &o->encode, &f->rows));
}

static chi_status open_file(chi_stage *s, int64_t *torn)
{
  fit *f = s->own;
  const chi_stage_options *o = s->options;
  CHI_TRY(chi_layers_checksum(s->comm, s->study, s->checksum));
  const chi_provenance provenance = chi_stage_provenance(s, o->fit_config);
  CHI_TRY(chi_run_open(s->comm, o->run, o->mode, s->study, &provenance, &f->run));
  *torn = chi_run_torn(f->run);
  return CHI_OK;
}

static const uint8_t *done_of(const chi_stage *s, int32_t alignment)
{
  return chi_run_done(((const fit *)s->own)->run, alignment);
}

static chi_status list(chi_stage *s, const uint8_t *const *done)
{
  const fit *f = s->own;
  const chi_fit_shares shares = {f->options->electrode_block, s->size};
  int64_t parts;
  CHI_TRY(chi_fit_units(s->study, &s->options->encode, &shares, done, &s->units, &parts));
  if (parts > 0)
    chi_log(CHI_LOG_FILE, "fit: %lld units are parts of layers, so that all ranks have work",
            (long long)parts);
  return CHI_OK;
}

/* The unit's scores, one after the other: val_r, test_r, alpha. */
static chi_encode_part scores_of(const chi_stage *s, const chi_stage_unit *unit)
{
  const int64_t n = (unit->end - unit->begin) * s->study->alignments[unit->alignment].n_times;
  return (chi_encode_part){.electrode0 = unit->begin,
                           .electrode1 = unit->end,
                           .val_r = s->scores,
                           .test_r = s->scores + n,
                           .alpha = s->scores + 2 * n};
}

static chi_status compute(chi_stage *s, const chi_stage_unit *unit, const chi_features *features,
                          const chi_responses *responses)
{
  const fit *f = s->own;
  const chi_encode_part part = scores_of(s, unit);
  return chi_encode_fit(s->encoder, &f->rows[unit->dataset], features, responses, &part,
                        &s->account.stages);
}

static chi_status write_unit(chi_stage *s, const chi_stage_unit *unit, uint8_t done)
{
  const fit *f = s->own;
  const chi_encode_part part = scores_of(s, unit);
  const int64_t site0 = s->study->datasets[unit->dataset].first_site + unit->begin;
  const int64_t n_sites = unit->end - unit->begin;
  if (done == CHI_DONE_FAILED)
    return chi_run_fail(f->run, unit->alignment, unit->space, site0, n_sites);
  return chi_run_write(f->run, unit->alignment, unit->space, site0, n_sites, part.val_r,
                       part.test_r, part.alpha);
}

static chi_status finish(chi_stage *s, chi_status status)
{
  fit *f = s->own;
  chi_kept kept;
  chi_keep(&kept, status);
  return chi_keep_first(&kept, chi_run_close(&f->run));
}

static chi_status describe(const chi_stage *s, chi_text *text)
{
  const chi_stage_options *o = s->options;
  return chi_fit_report_table(o->run, o->encode.alphas, o->encode.n_alphas, text);
}

static void free_own(chi_stage *s)
{
  fit *f = s->own;
  for (int32_t i = 0; f->rows != NULL && i < s->study->n_datasets; i++) chi_rows_free(&f->rows[i]);
  chi_free(f->rows);
}

static const chi_stage_kind kind = {.name = "fit",
                                    .file = "fit.h5",
                                    .what = "scores",
                                    .cells = "sites",
                                    .by_electrodes = true,
                                    .prepare = prepare,
                                    .open = open_file,
                                    .done = done_of,
                                    .list = list,
                                    .compute = compute,
                                    .write = write_unit,
                                    .finish = finish,
                                    .describe = describe,
                                    .free = free_own};

chi_status chi_fit(MPI_Comm comm, const chi_fit_options *options, int64_t *failed)
{
  fit f = {.options = options};
  return chi_stage_run(comm, &kind, &options->stage, &f, failed);
}
