#include "stage/summary.h"

#include <math.h>
#include <stdlib.h>

#include "base/agree.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "base/stop.h"

static const double most_missing = 0.05, lower_share = 0.025, upper_share = 0.975;

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
  qsort(values, (size_t)finite, sizeof *values, chi_compare_reals);
  summary[0] = sum / (double)finite;
  summary[1] = chi_percentile(finite, values, lower_share);
  summary[2] = chi_percentile(finite, values, upper_share);
}

/* Room for one row and site. */
typedef struct summary_room {
  int64_t n_replicates, n_times;
  float *numbers;                  /* all of the following */
  float *r[2];                     /* val_r, test_r: replicate x time */
  float *summary[CHI_N_SUMMARIES]; /* time */
  double *values;                  /* replicate */
} summary_room;

static chi_status room_create(int64_t n_replicates, int64_t n_times, summary_room *room)
{
  const int64_t n = n_replicates * n_times;
  *room = (summary_room){.n_replicates = n_replicates, .n_times = n_times};
  CHI_TRY(chi_alloc(2 * n + CHI_N_SUMMARIES * n_times, sizeof *room->numbers, "replicates",
                    &room->numbers));
  for (int v = 0; v < 2; v++) room->r[v] = room->numbers + v * n;
  for (int k = 0; k < CHI_N_SUMMARIES; k++) room->summary[k] = room->numbers + 2 * n + k * n_times;
  return chi_alloc(n_replicates, sizeof *room->values, "replicates", &room->values);
}

/* \param[in] box  of all blocks of a row and site */
static chi_status summarise_site(chi_store *store, chi_box box, summary_room *room)
{
  if (chi_stop_asked())
    return chi_fail(CHI_STOPPED, "bootstrap: stopped by a signal while summarising the replicates");
  int64_t torn;
  CHI_TRY(chi_store_read_whole(store, &box, room->r, &torn));
  if (torn >= 0)
    return chi_fail(CHI_ERR_IO,
                    "bootstrap.h5: replicates were changed after they were written; --resume "
                    "calculates them again");
  for (int v = 0; v < 2; v++)
    for (int64_t b = 0; b < room->n_times; b++) {
      double three[3];
      for (int64_t i = 0; i < room->n_replicates; i++)
        room->values[i] = (double)room->r[v][i * room->n_times + b];
      chi_summarise(room->n_replicates, room->values, three);
      for (int k = 0; k < 3; k++) room->summary[3 * v + k][b] = (float)three[k];
    }
  box.record = CHI_SUMMARIES;
  box.n_blocks = 1;
  return chi_store_write(store, &box, CHI_DONE_WRITTEN, (const float *const *)room->summary);
}

chi_status chi_summarise_all(MPI_Comm comm, const chi_content *content, chi_store *store)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < content->n_groups && s == CHI_OK; a++) {
    const int64_t *length = content->group[a].length;
    summary_room room;
    s = room_create(length[CHI_REPLICATE], length[CHI_TIME], &room);
    for (int64_t i = rank; i < length[CHI_ROW] * length[CHI_SITE] && s == CHI_OK; i += size) {
      const chi_box box = {.group = a,
                           .record = CHI_REPLICATES,
                           .row = i / length[CHI_SITE],
                           .site = i % length[CHI_SITE],
                           .n_sites = 1,
                           .n_blocks = length[CHI_REPLICATE_BLOCKS]};
      if (chi_content_has(content, a, box.row, box.site)) s = summarise_site(store, box, &room);
    }
    chi_free(room.numbers);
    chi_free(room.values);
  }
  return chi_agree(comm, s);
}
