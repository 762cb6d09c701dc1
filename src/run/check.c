/* Whether the fit.h5 that is there is the one that this fit would make. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "run/config.h"
#include "run/fit_file.h"
#include "run/folder.h"

static chi_status read_texts(const char *path, char **config, char **checksum, char **kernel)
{
  hid_t file;
  CHI_TRY(chi_h5_open_read(path, path, &file));
  chi_status s = chi_h5_attribute_text(file, path, "/", "config", config);
  if (s == CHI_OK) s = chi_h5_attribute_text(file, path, "/", "study_checksum", checksum);
  if (s == CHI_OK) s = chi_h5_attribute_text(file, path, "/", "run_blas_kernel", kernel);
  if (s == CHI_OK && (*config == NULL || *checksum == NULL || *kernel == NULL))
    s = chi_fail(CHI_ERR_INPUT, "%s: does not say how it was made", path);
  H5Fclose(file);
  return s;
}

/* Options first: another selection also makes another checksum, and says less. */
chi_status chi_fit_file_check_texts(const char *run, const char *name,
                                    const chi_provenance *provenance)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, run, name));
  char *config = NULL, *checksum = NULL, *kernel = NULL;
  chi_h5_lock();
  chi_status s = read_texts(path, &config, &checksum, &kernel);
  chi_h5_unlock();
  if (s == CHI_OK) s = chi_config_compare(run, config, provenance->config);
  if (s == CHI_OK && strcmp(checksum, provenance->study_checksum) != 0)
    s = chi_fail(CHI_ERR_USAGE,
                 "%s: the study has changed since this run was made (checksum %s then, %s now); "
                 "put the old files back, or --overwrite the run",
                 run, checksum, provenance->study_checksum);
  if (s == CHI_OK && provenance->blas_kernel != NULL &&
      strcmp(kernel, provenance->blas_kernel) != 0)
    s = chi_fail(CHI_ERR_USAGE,
                 "%s: was begun with the BLAS kernel %s, this is %s, whose scores differ in their "
                 "last digit; go on with OPENBLAS_CORETYPE=%s in the environment, or --overwrite",
                 run, kernel, provenance->blas_kernel, kernel);
  chi_free(config);
  chi_free(checksum);
  chi_free(kernel);
  return s;
}

static chi_status differ(const char *path, const char *alignment, const char *what, long long there,
                         long long here)
{
  return chi_fail(CHI_ERR_USAGE,
                  "%s: /%s has %lld %s, the study now %lld; put the old study back, or --overwrite "
                  "the run",
                  path, alignment, there, what, here);
}

static chi_status check_names(const char *path, const chi_study *study, const chi_alignment *al,
                              const chi_fit_table *t)
{
  const char *message =
      "%s: /%s: %s is not what the study has there; put the old study back, or "
      "--overwrite the run";
  char name[1024];
  for (int64_t f = 0; f < t->n_spaces; f++) {
    snprintf(name, sizeof name, "%s/%s", al->space[f].model, al->space[f].layer);
    if (strcmp(name, t->space[f]) != 0)
      return chi_fail(CHI_ERR_USAGE, message, path, t->alignment, t->space[f]);
  }
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    for (int64_t e = 0; e < set->n_electrodes; e++) {
      const int64_t site = set->first_site + e;
      if (strcmp(set->subject, t->subject[site]) != 0 ||
          strcmp(set->electrode[e], t->electrode[site]) != 0)
        return chi_fail(CHI_ERR_USAGE, message, path, t->alignment, t->site[site]);
    }
  }
  return CHI_OK;
}

static chi_status check_table(const char *path, const chi_study *study, const chi_alignment *al,
                              const chi_fit_table *t)
{
  if (strcmp(al->name, t->alignment) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: holds the alignment %s where the study has %s; put the old study back, or "
                    "--overwrite the run",
                    path, t->alignment, al->name);
  if (t->n_spaces != al->n_spaces)
    return differ(path, al->name, "feature spaces", t->n_spaces, al->n_spaces);
  if (t->n_sites != al->n_sites) return differ(path, al->name, "sites", t->n_sites, al->n_sites);
  if (t->n_times != al->n_times)
    return differ(path, al->name, "time bins", t->n_times, al->n_times);
  return check_names(path, study, al, t);
}

chi_status chi_fit_file_check(const char *run, const chi_study *study,
                              const chi_provenance *provenance)
{
  char path[PATH_MAX];
  chi_fit_table *tables = NULL;
  int32_t n = 0;
  CHI_TRY(chi_path_join(path, run, "fit.h5"));
  chi_status s = chi_run_read_tables(run, &tables, &n);
  if (s == CHI_OK) s = chi_fit_file_check_texts(run, "fit.h5", provenance);
  if (s == CHI_OK && n != study->n_alignments)
    s = chi_fail(
        CHI_ERR_USAGE,
        "%s: holds %d alignments, the study %d; put the old study back, or --overwrite the run",
        path, n, study->n_alignments);
  for (int32_t a = 0; a < n && s == CHI_OK; a++)
    s = check_table(path, study, &study->alignments[a], &tables[a]);
  chi_fit_tables_free(&tables, n);
  return s;
}
