#include "stage/wide.h"

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/spread.h"

enum { ELECTRODES_NAMED = 5 };

/* Flags of one dataset's electrodes. */
static chi_status flag_wide(const chi_study *study, int32_t dataset, int32_t folds, uint8_t *flag)
{
  const chi_dataset *d = &study->datasets[dataset];
  const int64_t n_times = study->alignments[d->alignment].n_times;
  chi_spread spread = {0};
  chi_real exact;
  const chi_status s = chi_spread_read(study, dataset, folds, &spread, &exact);
  for (int64_t t = 0; t < spread.n_targets && s == CHI_OK; t++) {
    double range, shift;
    /* rounded to float32, float64 is taken off its first event (chi_study_read_responses) */
    chi_spread_range(&spread, t, exact == CHI_REAL64, &range, &shift);
    if (chi_wide_target(range, shift)) flag[t / n_times] = 1;
  }
  chi_spread_free(&spread);
  return s == CHI_ERR_MEMORY ? s : CHI_OK;
}

static chi_status list_wide(const chi_dataset *d, const uint8_t *flag, chi_wide *wide)
{
  for (int64_t e = 0; e < d->n_electrodes; e++) {
    if (!flag[e]) continue;
    CHI_TRY(chi_grow(&wide->electrode, &wide->room, wide->n + 1, sizeof *wide->electrode,
                     "electrodes"));
    wide->electrode[wide->n++] = e;
  }
  return CHI_OK;
}

static void log_wide(const chi_study *study, const chi_wide *wide)
{
  chi_text names = {0};
  int64_t n = 0;
  for (int32_t i = 0; i < study->n_datasets; i++)
    for (int64_t k = 0; k < wide[i].n; k++, n++)
      if (n < ELECTRODES_NAMED)
        chi_text_add(&names, "%s%s/%s", n == 0 ? "" : ", ", study->datasets[i].subject,
                     study->datasets[i].electrode[wide[i].electrode[k]]);
  if (n > 0 && names.s != NULL)
    chi_log(CHI_LOG_WARNING,
            "electrodes with numbers that float32 cannot hold: %lld (%s%s); they are fitted in "
            "float64, which takes longer. Artefacts, or a code for missing data? chiasm check %s "
            "names the events that are furthest out",
            (long long)n, names.s, n > ELECTRODES_NAMED ? ", ..." : "", study->path);
  chi_text_free(&names);
}

/* All flags, one dataset after the other. */
static chi_status find_wide(MPI_Comm comm, const chi_study *study, int32_t folds, uint8_t *flags,
                            chi_wide *wide)
{
  int rank, size;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  chi_status s = CHI_OK;
  uint8_t *of = flags;
  for (int32_t i = 0; i < study->n_datasets; i++) {
    if (i % size == rank && s == CHI_OK) s = flag_wide(study, i, folds, of);
    of += study->datasets[i].n_electrodes;
  }
  CHI_TRY(chi_agree(comm, s));
  of = flags;
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const int n = (int)study->datasets[i].n_electrodes; /* below 2^31 (recording.c) */
    MPI_Allreduce(MPI_IN_PLACE, of, n, MPI_UINT8_T, MPI_MAX, comm);
    if (s == CHI_OK) s = list_wide(&study->datasets[i], of, &wide[i]);
    of += n;
  }
  return chi_agree(comm, s);
}

chi_status chi_wide_find(MPI_Comm comm, const chi_study *study, const chi_encode_options *encode,
                         chi_wide **wide)
{
  uint8_t *flags = NULL;
  int64_t n = 0;
  int rank;
  for (int32_t i = 0; i < study->n_datasets; i++) n += study->datasets[i].n_electrodes;
  chi_status s = chi_alloc(study->n_datasets, sizeof **wide, "wide electrodes", wide);
  if (s == CHI_OK) s = chi_alloc(n, 1, "wide electrodes", &flags);
  s = chi_agree(comm, s);
  if (s == CHI_OK && encode->precision == CHI_REAL32)
    s = find_wide(comm, study, encode->folds, flags, *wide);
  MPI_Comm_rank(comm, &rank);
  if (s == CHI_OK && rank == 0) log_wide(study, *wide);
  chi_free(flags);
  return s;
}

void chi_wide_free(const chi_study *study, chi_wide **wide)
{
  for (int32_t i = 0; *wide != NULL && i < study->n_datasets; i++) chi_free((*wide)[i].electrode);
  chi_free(*wide);
  *wide = NULL;
}
