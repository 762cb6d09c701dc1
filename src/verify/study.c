/* Whether the study is the one that a run was made from. */
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/fit_file.h"
#include "study/layers.h"
#include "verify/internal.h"

/* The models that fit.h5 holds, with commas between, once each: the study may have others now. */
static void list_models(const chi_verifying *v, chi_text *models)
{
  for (int32_t a = 0; a < v->n; a++)
    for (int64_t f = 0; f < v->tables[a].n_spaces; f++)
      if (f == 0 || strcmp(v->tables[a].model[f], v->tables[a].model[f - 1]) != 0)
        chi_text_add(models, "%s%s", models->n > 0 ? "," : "", v->tables[a].model[f]);
}

static chi_status open_study(const chi_verifying *v, chi_study **study)
{
  static const char *const keys[] = {"fit.subjects", "fit.alignments", "fit.layers",
                                     "fit.allow-missing"};
  char *value[4] = {NULL};
  chi_text models = {0};
  chi_status s = CHI_OK;
  for (int i = 0; i < 4 && s == CHI_OK; i++)
    s = chi_config_value(v->run, v->config, keys[i], &value[i]);
  list_models(v, &models);
  if (s == CHI_OK && models.failed) s = chi_fail(CHI_ERR_MEMORY, "no memory for names of models");
  s = chi_agree(v->comm, s);
  const chi_selection selection = {value[0], value[1], models.s, value[2],
                                   value[3] != NULL && strcmp(value[3], "true") == 0};
  if (s == CHI_OK) s = chi_layers_open_study(v->comm, v->study, &selection, study);
  chi_text_free(&models);
  for (int i = 0; i < 4; i++) chi_free(value[i]);
  return s;
}

chi_status chi_verify_study(chi_verifying *v)
{
  const int64_t before = v->n_problems;
  chi_study *study = NULL;
  char checksum[17];
  chi_status s = open_study(v, &study);
  const int64_t n_files = s == CHI_OK ? study->n_files : 0;
  if (s == CHI_OK) s = chi_layers_checksum(v->comm, study, checksum);
  if (s == CHI_ERR_MEMORY) goto cleanup;
  if (s != CHI_OK)
    chi_verify_problem(v, "the study %s: %s", v->study, chi_message());
  else if (strcmp(checksum, v->checksum) != 0)
    chi_verify_problem(v,
                       "the study %s has changed since the run was made (checksum %s then, %s "
                       "now)",
                       v->study, v->checksum, checksum);
  /* Its labels say what has changed, where that is not the numbers alone. */
  const chi_provenance provenance = {.config = v->config, .study_checksum = v->checksum};
  if (s == CHI_OK && v->rank == 0 && chi_fit_file_check(v->run, study, &provenance) != CHI_OK)
    chi_verify_problem(v, "%s", chi_message());
  chi_verify_row(v, "study", n_files, "files", before);
  s = CHI_OK;
cleanup:
  chi_study_destroy(&study);
  return s;
}
