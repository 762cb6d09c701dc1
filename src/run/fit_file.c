#include "run/fit_file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "h5/labelled.h"
#include "h5/whole.h"

#ifndef CHIASM_GIT_REVISION
#define CHIASM_GIT_REVISION "unknown"
#endif

static int64_t label_bytes(const chi_study *study, const chi_alignment *al)
{
  int64_t bytes = 1 << 15;
  for (int64_t f = 0; f < al->n_spaces; f++) {
    const chi_feature_space *space = &al->space[f];
    bytes += 2 * (chi_labelled_text_bytes(space->model) + chi_labelled_text_bytes(space->layer)) +
             chi_labelled_text_bytes(space->network) + chi_labelled_text_bytes(space->modality) +
             chi_labelled_text_bytes(space->training) + 4 * al->n_datasets;
  }
  return bytes + chi_labelled_site_bytes(study, al) + 8 * al->n_times;
}

int64_t chi_fit_file_bytes(const chi_study *study, const chi_provenance *provenance)
{
  int64_t bytes = (1 << 17) + (int64_t)strlen(provenance->config);
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    bytes += al->n_spaces * al->n_sites * (12 * al->n_times + 9) + label_bytes(study, al);
  }
  return bytes;
}

static herr_t attribute_int(hid_t file, const char *name, int32_t value)
{
  return chi_h5_put_int32(file, name, -1, &value);
}

/* Where the study lies is kept from the root on, since a run outlives the folder it was started in.
 */
herr_t chi_fit_file_attributes(hid_t file, const chi_study *study, const chi_provenance *provenance,
                               int ranks)
{
  char created[32], host[128] = "", *real = realpath(study->path, NULL);
  chi_clock_iso8601(created, sizeof created);
  gethostname(host, sizeof host - 1);
  const struct {
    const char *name, *value;
  } texts[] = {{"config", provenance->config},
               {"study", real != NULL ? real : study->path},
               {"study_checksum", provenance->study_checksum},
               {"run_version", CHIASM_VERSION},
               {"run_git_revision", CHIASM_GIT_REVISION},
               {"run_created", created},
               {"run_blas_kernel", provenance->blas_kernel},
               {"run_libraries", provenance->libraries},
               {"run_host", host}};
  herr_t failed = attribute_int(file, "chiasm_format", CHI_FIT_FORMAT);
  for (size_t i = 0; i < sizeof texts / sizeof *texts && failed >= 0; i++)
    failed = chi_h5_put_text(file, texts[i].name, texts[i].value);
  if (failed >= 0) failed = attribute_int(file, "run_mpi_ranks", ranks);
  if (failed >= 0)
    failed = attribute_int(file, "run_threads_per_rank", provenance->threads_per_rank);
  free(real);
  return failed;
}

/* What chi_fit_file_create hands to write_contents. */
typedef struct fit_contents {
  const chi_study *study;
  const chi_provenance *provenance;
  int ranks;
} fit_contents;

static chi_status write_contents(hid_t file, void *context, const char **what)
{
  const fit_contents *c = context;
  *what = "an attribute";
  if (chi_fit_file_attributes(file, c->study, c->provenance, c->ranks) < 0) return CHI_ERR_IO;
  const int32_t n = c->study->n_alignments;
  int32_t begun = 0;
  chi_labelled *l;
  CHI_TRY(chi_alloc(n, sizeof *l, "labels", &l));
  chi_status s = CHI_OK;
  /* All else stands before the tables' numbers: a file whose end is lost can still be read. */
  for (; begun < n && s == CHI_OK; begun++) {
    *what = c->study->alignments[begun].name;
    s = chi_fit_file_labels(file, c->study, &c->study->alignments[begun], &l[begun]);
  }
  for (int32_t a = 0; a < n && s == CHI_OK; a++) s = chi_fit_file_tables(&l[a]);
  for (int32_t a = 0; a < n && s == CHI_OK; a++) s = chi_labelled_fill(&l[a]);
  for (int32_t a = 0; a < begun; a++) {
    const chi_status ended = chi_labelled_end(&l[a]);
    if (s == CHI_OK) s = ended;
  }
  chi_free(l);
  return s;
}

chi_status chi_fit_file_create(const char *run, const chi_study *study,
                               const chi_provenance *provenance, int ranks)
{
  fit_contents c = {study, provenance, ranks};
  return chi_h5_make(run, "fit.h5", chi_fit_file_bytes(study, provenance), write_contents, &c);
}
