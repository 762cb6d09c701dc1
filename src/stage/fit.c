#include "stage/fit.h"

#include "base/agree.h"
#include "base/log.h"
#include "stage/fit_table.h"
#include "stage/fit_units.h"
#include "store/choose.h"
#include "study/layers.h"

typedef struct fit {
  const chi_fit_options *options;
  chi_rows *rows; /* by dataset */
} fit;

/* What would end `run` after hours. */
static chi_status check_bins(const chi_study *study, int64_t min_bins)
{
  int64_t needed;
  for (int32_t a = 0; a < study->n_alignments; a++)
    CHI_TRY(chi_run_bins_needed(min_bins, study->alignments[a].name, study->alignments[a].n_times,
                                &needed));
  return CHI_OK;
}

static chi_status prepare(chi_stage *s)
{
  fit *f = s->own;
  const chi_stage_options *o = s->options;
  CHI_TRY(
      chi_agree(s->comm, s->rank == 0 ? chi_store_look(o->run, &chi_fit_schema, o->mode) : CHI_OK));
  CHI_TRY(chi_layers_open_study(s->comm, f->options->study, &o->selection, &s->study));
  CHI_TRY(check_bins(s->study, f->options->min_bins));
  return chi_agree(s->comm, chi_fit_rows(s->study, &o->encode, &f->rows));
}

static chi_status describe(chi_stage *s, const char **config)
{
  *config = s->options->fit_config;
  CHI_TRY(chi_layers_checksum(s->comm, s->study, s->checksum));
  return chi_agree(s->comm, chi_fit_content(s->study, &s->content));
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

static chi_status compute(chi_stage *s, const chi_stage_unit *unit, const chi_features *features,
                          const chi_responses *responses)
{
  const fit *f = s->own;
  const int64_t n = (unit->end - unit->begin) * responses->n_times;
  for (int k = 0; k < 3; k++) s->result[k] = s->scores + k * n;
  const chi_encode_part part = {.electrode0 = unit->begin,
                                .electrode1 = unit->end,
                                .val_r = s->result[0],
                                .test_r = s->result[1],
                                .alpha = s->result[2]};
  return chi_encode_fit(s->encoder, &f->rows[unit->layer.dataset], features, responses, &part,
                        &s->account.stages);
}

static chi_status report(const chi_stage *s, chi_text *text)
{
  const chi_stage_options *o = s->options;
  return chi_fit_report_table(o->run, o->encode.alphas, o->encode.n_alphas, s->study->path, text);
}

static void free_own(chi_stage *s)
{
  fit *f = s->own;
  chi_fit_rows_free(s->study, &f->rows);
}

static const chi_stage_kind kind = {.schema = &chi_fit_schema,
                                    .cells = "sites",
                                    .prepare = prepare,
                                    .describe = describe,
                                    .list = list,
                                    .compute = compute,
                                    .report = report,
                                    .free = free_own};

chi_status chi_fit(MPI_Comm comm, const chi_fit_options *options, int64_t *failed)
{
  fit f = {.options = options};
  return chi_stage_run(comm, &kind, &options->stage, &f, failed);
}
