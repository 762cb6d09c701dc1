#include "stage/summary.h"

#include <math.h>
#include <stdlib.h>

#include "base/agree.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "base/stop.h"

static const double most_missing = 0.05, lower_share = 0.025, upper_share = 0.975;

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void chi_summarise(int64_t n, double *values, double summary[3])
{
  int64_t finite = 0;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(values[i])) continue;
    sum += values[i];
    values[finite++] = values[i];
  }
  summary[0] = summary[1] = summary[2] = NAN;
  if (finite == 0 || (double)(n - finite) > most_missing * (double)n) return;
  qsort(values, (size_t)finite, sizeof *values, ascending);
  summary[0] = sum / (double)finite;
  summary[1] = chi_percentile(finite, values, lower_share);
  summary[2] = chi_percentile(finite, values, upper_share);
}

/* Room for one row and site. */
typedef struct summary_room {
  float *val_r, *test_r; /* replicate x time */
  float *summary;        /* CHI_N_SUMMARIES x time */
  double *values;        /* replicate */
} summary_room;

static chi_status room_create(int64_t n_replicates, int64_t n_times, summary_room *room)
{
  const int64_t n = n_replicates * n_times;
  CHI_TRY(chi_alloc(n, sizeof *room->val_r, "replicates", &room->val_r));
  CHI_TRY(chi_alloc(n, sizeof *room->test_r, "replicates", &room->test_r));
  CHI_TRY(chi_alloc(CHI_N_SUMMARIES * n_times, sizeof *room->summary, "summaries", &room->summary));
  return chi_alloc(n_replicates, sizeof *room->values, "replicates", &room->values);
}

static void room_free(summary_room *room)
{
  chi_free(room->val_r);
  chi_free(room->test_r);
  chi_free(room->summary);
  chi_free(room->values);
}

static chi_status summarise_site(chi_bootstrap *bootstrap, int32_t alignment, int64_t row,
                                 int64_t site, int64_t n_replicates, int64_t n_times,
                                 summary_room *room)
{
  if (chi_stop_asked())
    return chi_fail(CHI_STOPPED, "bootstrap: stopped by a signal while summarising the replicates");
  CHI_TRY(chi_bootstrap_read(bootstrap, alignment, row, site, room->val_r, room->test_r));
  for (int v = 0; v < 2; v++) {
    const float *r = v == 0 ? room->val_r : room->test_r;
    for (int64_t b = 0; b < n_times; b++) {
      double three[3];
      for (int64_t i = 0; i < n_replicates; i++) room->values[i] = (double)r[i * n_times + b];
      chi_summarise(n_replicates, room->values, three);
      for (int k = 0; k < 3; k++) room->summary[(3 * v + k) * n_times + b] = (float)three[k];
    }
  }
  return chi_bootstrap_write_summary(bootstrap, alignment, row, site, room->summary);
}

chi_status chi_summarise_all(MPI_Comm comm, const chi_study *study, const chi_bootstrap_rows *rows,
                             int64_t n_replicates, chi_bootstrap *bootstrap)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < study->n_alignments && s == CHI_OK; a++) {
    const chi_alignment *al = &study->alignments[a];
    summary_room room = {0};
    s = room_create(n_replicates, al->n_times, &room);
    for (int64_t i = rank; i < rows[a].n_rows * al->n_sites && s == CHI_OK; i += size)
      if (rows[a].space[i] >= 0)
        s = summarise_site(bootstrap, a, i / al->n_sites, i % al->n_sites, n_replicates,
                           al->n_times, &room);
    room_free(&room);
  }
  return chi_agree(comm, s);
}
