/* The runs to be joined: opening them, and whether they belong together. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/agree.h"
#include "base/memory.h"
#include "merge/internal.h"
#include "run/config.h"
#include "run/folder.h"
#include "run/lock.h"

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

void chi_merge_sort_names(char **name, int64_t *n)
{
  int64_t kept = 0;
  if (*n > 0) qsort(name, (size_t)*n, sizeof *name, by_name);
  for (int64_t i = 0; i < *n; i++)
    if (i == 0 || strcmp(name[i], name[kept - 1]) != 0) name[kept++] = name[i];
  *n = kept;
}

const chi_fit_table *chi_merge_fit_table(const chi_part *part, const char *alignment, int32_t *at)
{
  for (*at = 0; *at < part->n_tables; (*at)++)
    if (strcmp(part->tables[*at].alignment, alignment) == 0) return &part->tables[*at];
  return NULL;
}

static bool same_folder(const char *a, const char *b)
{
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Rank 0: no folder is named twice, none is being written; then nobody may begin to. */
static chi_status take_parts(const chi_merging *m)
{
  const chi_merge_options *o = m->options;
  for (int i = 0; i < o->n_parts; i++) {
    if (same_folder(o->part[i], o->run))
      return chi_fail(CHI_ERR_USAGE,
                      "%s: is one of the runs to be joined; choose another folder for -o", o->run);
    for (int j = 0; j < i; j++)
      if (same_folder(o->part[i], o->part[j]))
        return chi_fail(CHI_ERR_USAGE, "%s: is the same run as %s", o->part[i], o->part[j]);
    if (!chi_run_folder_has(o->part[i], "fit.h5"))
      return chi_fail(CHI_ERR_USAGE, "%s: holds no fit.h5: no run, or not begun", o->part[i]);
    CHI_TRY(chi_lock_reading(o->part[i], &m->part[i].lock));
  }
  return chi_run_check(o->run, o->mode);
}

static chi_status list_models(chi_part *part)
{
  int64_t room = 0;
  for (int32_t a = 0; a < part->n_tables; a++) room += part->tables[a].n_spaces;
  CHI_TRY(chi_alloc(room, sizeof *part->model, "models", &part->model));
  for (int32_t a = 0; a < part->n_tables; a++)
    for (int64_t f = 0; f < part->tables[a].n_spaces; f++)
      part->model[part->n_models++] = part->tables[a].model[f];
  chi_merge_sort_names(part->model, &part->n_models);
  if (part->n_models > 0) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s/fit.h5: holds no models", part->run);
}

static chi_status open_bootstrap(const chi_merging *m, chi_part *part)
{
  if (!chi_run_folder_has(part->run, "bootstrap.h5")) return CHI_OK;
  CHI_TRY(chi_bootstrap_file_open(part->run, &part->boot_file, &part->boot_tables, &part->n_boot));
  CHI_TRY(chi_run_read_file_text(part->run, "bootstrap.h5", "config", &part->boot_config));
  CHI_TRY(chi_run_read_file_text(part->run, "bootstrap.h5", "run_blas_kernel", &part->boot_kernel));
  if (!chi_bootstrap_file_keeps(part->boot_file))
    return chi_fail(
        CHI_ERR_USAGE,
        "%s/bootstrap.h5: its replicates were dropped (--no-keep-replicates), and which "
        "of them are kept depends on all models; make it again with chiasm bootstrap "
        "%s --overwrite and keep them, or remove it to join the fits alone",
        part->run, part->run);
  const bool of_fit = strncmp(part->boot_config, part->config, strlen(part->config)) == 0 &&
                      strcmp(chi_bootstrap_file_checksum(part->boot_file), part->checksum) == 0;
  if (!of_fit)
    return chi_fail(CHI_ERR_USAGE,
                    "%s/bootstrap.h5: is of another fit than fit.h5 beside it; chiasm bootstrap %s "
                    "--overwrite makes it again",
                    part->run, part->run);
  return chi_bootstrap_open_read(part->run, part->boot_tables, part->n_boot, m->rank, m->size,
                                 &part->boot);
}

static chi_status open_part(const chi_merging *m, chi_part *part)
{
  CHI_TRY(chi_run_read_tables(part->run, &part->tables, &part->n_tables));
  CHI_TRY(chi_run_read_text(part->run, "study", &part->study));
  CHI_TRY(chi_run_read_text(part->run, "config", &part->config));
  CHI_TRY(chi_run_read_text(part->run, "study_checksum", &part->checksum));
  CHI_TRY(chi_run_read_text(part->run, "run_blas_kernel", &part->kernel));
  CHI_TRY(list_models(part));
  CHI_TRY(chi_run_open_read(part->run, part->tables, part->n_tables, m->rank, m->size, &part->fit));
  return open_bootstrap(m, part);
}

/* Whether a part goes with the first one. */
static chi_status compare(const chi_part *a, const chi_part *b)
{
  const char *advice = "only runs of the same options can be joined";
  if (strcmp(a->study, b->study) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s is a run of the study %s, %s of %s; only runs of one study can be joined",
                    a->run, a->study, b->run, b->study);
  CHI_TRY(chi_config_compare_runs(a->run, a->config, b->run, b->config, "models", advice));
  const bool both = a->boot != NULL && b->boot != NULL;
  if (both)
    CHI_TRY(
        chi_config_compare_runs(a->run, a->boot_config, b->run, b->boot_config, "models", advice));
  const bool fit = strcmp(a->kernel, b->kernel) != 0;
  if (fit || (both && strcmp(a->boot_kernel, b->boot_kernel) != 0))
    return chi_fail(
        CHI_ERR_USAGE,
        "%s was made with the BLAS kernel %s, %s with %s, whose numbers differ in their "
        "last digit; make one of them again with OPENBLAS_CORETYPE set to the other's",
        a->run, fit ? a->kernel : a->boot_kernel, b->run, fit ? b->kernel : b->boot_kernel);
  return CHI_OK;
}

static chi_status open_all(chi_merging *m)
{
  int64_t room = 0;
  for (int i = 0; i < m->options->n_parts; i++) {
    CHI_TRY(open_part(m, &m->part[i]));
    room += m->part[i].n_models;
  }
  for (int i = 1; i < m->options->n_parts; i++) CHI_TRY(compare(&m->part[0], &m->part[i]));
  CHI_TRY(chi_alloc(room, sizeof *m->model, "models", &m->model));
  for (int i = 0; i < m->options->n_parts; i++)
    for (int64_t k = 0; k < m->part[i].n_models; k++) m->model[m->n_models++] = m->part[i].model[k];
  chi_merge_sort_names(m->model, &m->n_models);
  return CHI_OK;
}

chi_status chi_merge_open_parts(chi_merging *m)
{
  chi_status s = chi_alloc(m->options->n_parts, sizeof *m->part, "runs", &m->part);
  for (int i = 0; i < m->options->n_parts && s == CHI_OK; i++)
    m->part[i] = (chi_part){.run = m->options->part[i], .lock = -1};
  CHI_TRY(chi_agree(m->comm, s));
  CHI_TRY(chi_agree(m->comm, m->rank == 0 ? take_parts(m) : CHI_OK));
  return chi_agree(m->comm, open_all(m));
}

void chi_merge_close_parts(chi_merging *m)
{
  for (int i = 0; m->part != NULL && i < m->options->n_parts; i++) {
    chi_part *p = &m->part[i];
    chi_run_close(&p->fit);
    chi_bootstrap_close(&p->boot);
    chi_bootstrap_file_close(&p->boot_file);
    chi_fit_tables_free(&p->tables, p->n_tables);
    char *texts[] = {p->study, p->config, p->checksum, p->kernel, p->boot_config, p->boot_kernel};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) chi_free(texts[k]);
    chi_free(p->model);
    chi_lock_release(&p->lock);
  }
  chi_free(m->part);
  chi_free(m->model);
  m->part = NULL;
  m->model = NULL;
}
