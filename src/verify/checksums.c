/* The checksums of fit.h5 and bootstrap.h5. */
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "run/bootstrap_read.h"
#include "run/config.h"
#include "run/folder.h"
#include "run/stored.h"
#include "verify/internal.h"

enum { PIECE = 1 << 30 };

/* Give every rank the marks that any of them has set. */
static void share_marks(MPI_Comm comm, int64_t n, uint8_t *marks)
{
  for (int64_t at = 0; at < n; at += PIECE)
    MPI_Allreduce(MPI_IN_PLACE, marks + at, chi_int_cast(n - at < PIECE ? n - at : PIECE),
                  MPI_UINT8_T, MPI_MAX, comm);
}

static void note_scores(chi_verifying *v, int32_t a, const uint8_t *done, const uint8_t *torn,
                        int64_t *written)
{
  const chi_fit_table *t = &v->tables[a];
  for (int64_t i = 0; i < t->n_spaces * t->n_sites; i++) {
    const char *space = t->space[i / t->n_sites], *site = t->site[i % t->n_sites];
    *written += done[i] == CHI_DONE_WRITTEN;
    if (done[i] > CHI_DONE_FAILED)
      chi_verify_problem(v, "fit.h5: %s %s at %s: its flag is %d, expected 0, 1 or 2", t->alignment,
                         space, site, done[i]);
    if (torn[i] != 0)
      chi_verify_problem(v, "fit.h5: %s %s at %s: the scores do not fit their checksum",
                         t->alignment, space, site);
    if (done[i] == CHI_DONE_NOT_YET && t->present[i] != 0) v->unfinished = true;
  }
}

chi_status chi_verify_fit(chi_verifying *v)
{
  const int64_t before = v->n_problems;
  int64_t written = 0;
  chi_run *run = NULL;
  chi_status s =
      chi_agree(v->comm, chi_run_open_read(v->run, v->tables, v->n, v->rank, v->size, &run));
  for (int32_t a = 0; a < v->n && s == CHI_OK; a++) {
    const int64_t n = v->tables[a].n_spaces * v->tables[a].n_sites;
    uint8_t *torn = NULL;
    s = chi_alloc(n, 1, "flags", &torn);
    if (s == CHI_OK) s = chi_run_check_share(run, a, torn);
    s = chi_agree(v->comm, s);
    if (s == CHI_OK) {
      share_marks(v->comm, n, torn);
      note_scores(v, a, chi_run_done(run, a), torn, &written);
    }
    chi_free(torn);
  }
  chi_run_close(&run);
  if (s == CHI_OK) chi_verify_row(v, "fit.h5", written, "scores", before);
  return s;
}

/* ---- bootstrap.h5 ---- */

static void note_blocks(chi_verifying *v, const chi_bootstrap_table *t, const uint8_t *done,
                        const uint8_t *torn, int64_t *written)
{
  const int64_t n_blocks = (t->n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  for (int64_t i = 0; i < t->n_rows * t->n_sites * n_blocks; i++) {
    const int64_t at = i / n_blocks;
    *written += done[i] == CHI_DONE_WRITTEN;
    if (torn[i] == 0 && done[i] <= CHI_DONE_FAILED) continue;
    chi_verify_problem(v, "bootstrap.h5: %s %s/%s at %s: block %lld of the replicates %s",
                       t->alignment, t->model[at / t->n_sites], t->layer[at],
                       t->site[at % t->n_sites], (long long)(i % n_blocks),
                       torn[i] != 0 ? "does not fit its checksum" : "has no flag of 0, 1 or 2");
  }
}

static chi_status check_replicates(chi_verifying *v, const chi_bootstrap_table *tables, int32_t n,
                                   int64_t *written)
{
  chi_bootstrap *b = NULL;
  chi_status s =
      chi_agree(v->comm, chi_bootstrap_open_read(v->run, tables, n, v->rank, v->size, &b));
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    const int64_t n_blocks =
        (tables[a].n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
    const int64_t n_flags = tables[a].n_rows * tables[a].n_sites * n_blocks;
    uint8_t *torn = NULL;
    s = chi_alloc(n_flags, 1, "flags", &torn);
    if (s == CHI_OK) s = chi_bootstrap_check_share(b, a, torn);
    s = chi_agree(v->comm, s);
    if (s == CHI_OK) {
      share_marks(v->comm, n_flags, torn);
      note_blocks(v, &tables[a], chi_bootstrap_done(b, a), torn, written);
    }
    chi_free(torn);
  }
  chi_bootstrap_close(&b);
  return s;
}

/* Whether it belongs to fit.h5 beside it. */
static void check_labels(chi_verifying *v, const chi_bootstrap_file *file,
                         const chi_bootstrap_table *tables, int32_t n)
{
  char *config = NULL;
  if (strcmp(chi_bootstrap_file_checksum(file), v->checksum) != 0 ||
      chi_run_read_file_text(v->run, "bootstrap.h5", "config", &config) != CHI_OK ||
      strncmp(config, v->config, strlen(v->config)) != 0 || n != v->n)
    chi_verify_problem(v, "bootstrap.h5: is of another fit than fit.h5");
  for (int32_t a = 0; a < n && a < v->n; a++) {
    const chi_fit_table *t = &v->tables[a];
    bool same = strcmp(t->alignment, tables[a].alignment) == 0 && t->n_sites == tables[a].n_sites &&
                t->n_times == tables[a].n_times;
    for (int64_t i = 0; same && i < t->n_sites; i++)
      same = strcmp(t->site[i], tables[a].site[i]) == 0;
    if (!same)
      chi_verify_problem(v, "bootstrap.h5: /%s: its sites and bins are not those of fit.h5",
                         tables[a].alignment);
    if (tables[a].left > 0 || tables[a].n_left > 0) v->unfinished = true;
  }
  chi_free(config);
}

chi_status chi_verify_bootstrap(chi_verifying *v)
{
  const int64_t before = v->n_problems;
  int64_t written = 0;
  chi_bootstrap_file *file = NULL;
  const chi_bootstrap_table *tables = NULL;
  int32_t n = 0;
  bool there = chi_run_folder_has(v->run, "bootstrap.h5"), keeps = true;
  MPI_Bcast(&there, 1, MPI_C_BOOL, 0, v->comm);
  if (!there) return CHI_OK;
  chi_status s = chi_agree(v->comm, chi_bootstrap_file_open(v->run, &file, &tables, &n));
  if (s == CHI_OK) {
    check_labels(v, file, tables, n);
    keeps = chi_bootstrap_file_keeps(file);
    if (keeps) s = check_replicates(v, tables, n, &written);
  }
  if (s == CHI_ERR_INPUT || s == CHI_ERR_IO) {
    chi_verify_problem(v, "%s", chi_message());
    s = CHI_OK;
  }
  chi_bootstrap_file_close(&file);
  chi_verify_row(v, "bootstrap.h5", written,
                 keeps ? "blocks of replicates" : "blocks: the replicates were dropped", before);
  return s;
}
