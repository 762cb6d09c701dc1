#include "study/layers.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"

enum { WARNINGS_SHOWN = 20 };

/* Layers of the alignments before this one. */
static int64_t layers_before(const chi_study *study, int32_t alignment)
{
  int64_t n = 0;
  for (int32_t a = 0; a < alignment; a++)
    n += study->alignments[a].n_spaces * study->alignments[a].n_datasets;
  return n;
}

chi_layer chi_layer_of(const chi_study *study, int32_t dataset, int64_t space)
{
  const chi_dataset *d = &study->datasets[dataset];
  const chi_alignment *a = &study->alignments[d->alignment];
  return (chi_layer){
      .number = layers_before(study, d->alignment) + space * a->n_datasets + d->subject_index,
      .alignment = d->alignment,
      .dataset = dataset,
      .space = space,
      .n_features = a->space[space].n_features[d->subject_index]};
}

int64_t chi_layer_count(const chi_study *study)
{
  return layers_before(study, study->n_alignments);
}

static void log_findings(const char *path, const chi_findings *findings)
{
  int64_t shown = 0, more = 0;
  for (int64_t i = 0; i < findings->n; i++) {
    if (findings->item[i].error) continue;
    if (shown++ < WARNINGS_SHOWN)
      chi_log(CHI_LOG_WARNING, "%s", findings->item[i].text);
    else
      more++;
  }
  if (more > 0)
    chi_log(CHI_LOG_WARNING, "%lld more warnings: chiasm check %s shows them", (long long)more,
            path);
}

/* Rank 0 reads the catalog. */
static chi_status open_study(const char *path, const chi_selection *selection, chi_study **study)
{
  chi_findings findings = {0};
  chi_status s = chi_study_open(path, selection, &findings, study);
  if (s != CHI_OK && findings.n_errors > 1)
    s = chi_fail(s, "%s (chiasm check shows this and %lld more problems)", chi_message(),
                 (long long)findings.n_errors - 1);
  log_findings(path, &findings);
  chi_findings_free(&findings);
  int64_t models = 0;
  for (int32_t a = 0; s == CHI_OK && a < (*study)->n_alignments; a++)
    models += (*study)->alignments[a].n_spaces * (*study)->alignments[a].n_sites;
  if (s == CHI_OK && models == 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: nothing to fit: no model fits the selection", path);
  return s;
}

chi_status chi_layers_open_study(MPI_Comm comm, const char *path, const chi_selection *selection,
                                 chi_study **study)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  *study = NULL;
  CHI_TRY(chi_agree(comm, rank == 0 ? open_study(path, selection, study) : CHI_OK));
  return chi_study_bcast(comm, 0, study);
}

chi_status chi_layers_reals_part(const chi_study *study, int part, int n_parts, uint8_t **real)
{
  CHI_TRY(chi_alloc(chi_layer_count(study), 1, "layers", real));
  for (int32_t i = 0; i < study->n_datasets; i++)
    for (int64_t k = 0; k < study->alignments[study->datasets[i].alignment].n_spaces; k++) {
      const chi_layer l = chi_layer_of(study, i, k);
      if (l.n_features == 0 || l.number % n_parts != part) continue;
      chi_real held;
      CHI_TRY(chi_study_features_real(study, l.alignment, k, i, &held));
      (*real)[l.number] = (uint8_t)held;
    }
  return CHI_OK;
}

chi_status chi_layers_reals(MPI_Comm comm, const chi_study *study, uint8_t **real)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  const int64_t n = chi_layer_count(study);
  CHI_TRY(chi_agree(comm, chi_layers_reals_part(study, rank, size, real)));
  const int64_t piece = 1 << 30;
  for (int64_t at = 0; at < n; at += piece)
    MPI_Allreduce(MPI_IN_PLACE, *real + at, chi_int_cast(n - at < piece ? n - at : piece),
                  MPI_UINT8_T, MPI_MAX, comm);
  return CHI_OK;
}

chi_status chi_layers_file_checksums(MPI_Comm comm, const chi_study *study, uint64_t **sums)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  chi_status s = chi_agree(comm, chi_alloc(study->n_files, sizeof **sums, "checksums", sums));
  if (s != CHI_OK) return s;
  chi_log(CHI_LOG_INFO, "reading %lld files for the checksum of the study",
          (long long)study->n_files);
  for (int64_t i = rank; i < study->n_files && s == CHI_OK; i += size)
    s = chi_study_file_checksum(study, i, &(*sums)[i]);
  CHI_TRY(chi_agree(comm, s));
  MPI_Allreduce(MPI_IN_PLACE, *sums, chi_int_cast(study->n_files), MPI_UINT64_T, MPI_SUM, comm);
  return CHI_OK;
}

void chi_layers_checksum_text(uint64_t sum, char checksum[17])
{
  snprintf(checksum, 17, "%016llx", (unsigned long long)sum);
}

chi_status chi_layers_checksum(MPI_Comm comm, const chi_study *study, char checksum[17])
{
  uint64_t *sums = NULL, sum = 0;
  const chi_status s = chi_layers_file_checksums(comm, study, &sums);
  for (int64_t i = 0; i < study->n_files && s == CHI_OK; i++) sum += sums[i];
  chi_layers_checksum_text(sum, checksum);
  chi_free(sums);
  return s;
}
