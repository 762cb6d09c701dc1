#include "stage/later.h"

#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "stage/draws.h"
#include "store/config.h"
#include "store/internal.h"
#include "study/layers.h"

enum { LENGTHS_SHOWN = 8 };

/* A text attribute of fit.h5, read by rank 0. */
static chi_status shared_text(const chi_stage *s, const char *name, char **text)
{
  CHI_TRY(
      chi_agree(s->comm, s->rank == 0 ? chi_run_read_text(s->options->run, name, text) : CHI_OK));
  return chi_bcast_text(s->comm, text);
}

/* Rank 0: that fit.h5 is of these options and this study. */
static chi_status check_fit(const chi_stage *s)
{
  chi_content content = {0};
  chi_provenance provenance = chi_stage_provenance(s, s->options->fit_config);
  unsigned variants;
  provenance.blas_kernel = NULL;
  chi_status status = chi_fit_content(s->study, &content);
  if (status == CHI_OK) status = chi_store_check(s->options->run, &content, &provenance, &variants);
  chi_content_free(&content);
  return status;
}

chi_status chi_later_open(chi_stage *s, chi_later *later)
{
  const chi_stage_options *o = s->options;
  CHI_TRY(shared_text(s, "study", &later->study_path));
  CHI_TRY(shared_text(s, "study_checksum", &later->checksum));
  CHI_TRY(chi_layers_open_study(s->comm, later->study_path, &o->selection, &s->study));
  CHI_TRY(chi_layers_checksum(s->comm, s->study, s->checksum));
  if (strcmp(s->checksum, later->checksum) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: the study %s has changed since the fit (checksum %s then, %s now); put "
                    "the old files back, or fit again",
                    o->run, later->study_path, later->checksum, s->checksum);
  return chi_agree(s->comm, s->rank == 0 ? check_fit(s) : CHI_OK);
}

void chi_later_free(chi_later *later)
{
  chi_free(later->study_path);
  chi_free(later->checksum);
  *later = (chi_later){0};
}

/* How many events of a recording go together. */
static chi_status find_length(chi_stage *s, int64_t block, int32_t dataset, int64_t *length)
{
  const chi_dataset *set = &s->study->datasets[dataset];
  chi_responses responses;
  *length = block;
  if (*length > set->n_events)
    return chi_fail(CHI_ERR_USAGE, "--block %lld: %s has only %lld events", (long long)*length,
                    set->path, (long long)set->n_events);
  if (*length > 0) return CHI_OK;
  CHI_TRY(chi_response_supply_borrow(&s->responses, dataset, &responses));
  const chi_status status =
      chi_draws_length(s->study, set, &responses, s->options->encode.threads, length);
  chi_response_supply_return(&s->responses);
  return status;
}

chi_status chi_later_lengths(chi_stage *s, int64_t block, int32_t **length)
{
  const int32_t n = s->study->n_datasets;
  CHI_TRY(chi_stage_need_responses(s));
  chi_status status = chi_alloc(n, sizeof **length, "blocks", length);
  for (int32_t d = s->rank; d < n && status == CHI_OK; d += s->size) {
    int64_t own;
    status = find_length(s, block, d, &own);
    if (status == CHI_OK) (*length)[d] = (int32_t)own;
  }
  CHI_TRY(chi_agree(s->comm, status));
  MPI_Allreduce(MPI_IN_PLACE, *length, n, MPI_INT32_T, MPI_MAX, s->comm);
  return CHI_OK;
}

void chi_later_log_lengths(const chi_stage *s, const int32_t *length, const char *what)
{
  chi_text text = {0};
  for (int32_t d = 0; d < s->study->n_datasets && d < LENGTHS_SHOWN; d++) {
    const chi_dataset *set = &s->study->datasets[d];
    chi_text_add(&text, "%s%s.%s %d", d == 0 ? "" : ", ", set->subject,
                 s->study->alignments[set->alignment].name, (int)length[d]);
  }
  if (s->study->n_datasets > LENGTHS_SHOWN) chi_text_add(&text, ", ...");
  if (!text.failed)
    chi_log(CHI_LOG_INFO, "%s: %s in blocks of so many: %s", s->kind->schema->stage, what, text.s);
  chi_text_free(&text);
}

chi_status chi_later_option(const char *run, const chi_schema *schema, const char *section,
                            const char *name, char **value)
{
  char key[64];
  snprintf(key, sizeof key, "%s.%s", schema->stage, name);
  CHI_TRY(chi_config_value(run, section, key, value));
  if (*value != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: the %ss do not say their option %s", run, schema->stage, key);
}

/* --layer-selection as config.yaml has it. */
static chi_layer_selection selection_of(const char *name)
{
  return strcmp(name, "all") == 0     ? CHI_LAYERS_ALL
         : strcmp(name, "final") == 0 ? CHI_LAYERS_FINAL
                                      : CHI_LAYERS_SITE;
}

chi_status chi_later_joined(MPI_Comm comm, const char *run, const chi_study *study,
                            const chi_schema *schema, const char *section, chi_chosen **rows,
                            bool *by_space)
{
  char *layers = NULL, *models = NULL;
  chi_status s = chi_later_option(run, schema, section, "layer-selection", &layers);
  if (s == CHI_OK) s = chi_later_option(run, schema, section, "models", &models);
  s = chi_agree(comm, s);
  if (s == CHI_OK) {
    const chi_layer_selection selection = selection_of(layers);
    *by_space = selection == CHI_LAYERS_ALL;
    s = chi_chosen_find(comm, run, study, selection, models, rows);
  }
  chi_free(layers);
  chi_free(models);
  return s;
}
