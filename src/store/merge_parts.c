/* The runs to be joined: opening them, and whether they belong together. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/agree.h"
#include "base/memory.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/lock.h"
#include "store/merge_internal.h"

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
  return chi_store_look(o->run, &chi_fit_schema, o->mode);
}

static chi_status open_later(chi_part *part, int file)
{
  const chi_content *fit = &part->labels[CHI_OF_FIT];
  const chi_schema *schema = chi_results[file];
  chi_content *labels = &part->labels[file];
  if (!chi_run_folder_has(part->run, schema->file)) return CHI_OK;
  CHI_TRY(chi_store_open_read(part->run, schema, &part->store[file], labels));
  if ((labels->variants & CHI_DROPPED) != 0)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s/bootstrap.h5: its replicates were dropped (--no-keep-replicates), and which "
        "of them are kept depends on all models; make it again with chiasm bootstrap "
        "%s --overwrite and keep them, or remove it to join the fits alone",
        part->run, part->run);
  if (strncmp(labels->config, fit->config, strlen(fit->config)) == 0 &&
      strcmp(labels->study_checksum, fit->study_checksum) == 0)
    return CHI_OK;
  return chi_fail(
      CHI_ERR_USAGE,
      "%s/%s: is of another fit than fit.h5 beside it; chiasm %s %s --overwrite makes it "
      "again",
      part->run, schema->file, schema->stage, part->run);
}

static chi_status open_part(chi_part *part)
{
  CHI_TRY(chi_store_open_read(part->run, &chi_fit_schema, &part->store[CHI_OF_FIT],
                              &part->labels[CHI_OF_FIT]));
  CHI_TRY(chi_content_models(&part->labels[CHI_OF_FIT], &part->model, &part->n_models));
  if (part->n_models == 0) return chi_fail(CHI_ERR_INPUT, "%s/fit.h5: holds no models", part->run);
  for (int file = CHI_OF_FIT + 1; file < CHI_N_RESULTS; file++) CHI_TRY(open_later(part, file));
  return CHI_OK;
}

/* Whether a file of a part goes with that of the first one. */
static chi_status compare(const chi_part *a, const chi_part *b, int file)
{
  const chi_content *x = &a->labels[file], *y = &b->labels[file];
  if (a->store[file] == NULL || b->store[file] == NULL) return CHI_OK;
  if (strcmp(x->study, y->study) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s is a run of the study %s, %s of %s; only runs of one study can be joined",
                    a->run, x->study, b->run, y->study);
  CHI_TRY(chi_config_compare_runs(a->run, x->config, b->run, y->config, "models",
                                  "only runs of the same options can be joined"));
  if (strcmp(x->kernel, y->kernel) != 0)
    return chi_fail(
        CHI_ERR_USAGE,
        "%s was made with the BLAS kernel %s, %s with %s, whose numbers differ in their "
        "last digit; make one of them again with OPENBLAS_CORETYPE set to the other's",
        a->run, x->kernel, b->run, y->kernel);
  for (int32_t g = 0; g < x->n_groups; g++) {
    int32_t at;
    const chi_group_content *p = &x->group[g], *q = chi_content_find(y, p->name, &at);
    bool same = q == NULL ||
                (p->n_subjects == q->n_subjects && p->length[CHI_SITE] == q->length[CHI_SITE] &&
                 p->length[CHI_TIME] == q->length[CHI_TIME]);
    for (int32_t d = 0; q != NULL && same && d < p->n_subjects; d++)
      same = p->block_length[d] == q->block_length[d];
    if (!same)
      return chi_fail(CHI_ERR_USAGE,
                      "%s and %s differ in %s of %s: its sites, bins or events drawn together",
                      a->run, b->run, p->name, x->schema->file);
  }
  return CHI_OK;
}

static chi_status open_all(chi_merging *m)
{
  for (int i = 0; i < m->options->n_parts; i++) {
    CHI_TRY(open_part(&m->part[i]));
    CHI_TRY(chi_content_models(&m->part[i].labels[CHI_OF_FIT], &m->model, &m->n_models));
  }
  for (int i = 1; i < m->options->n_parts; i++)
    for (int file = 0; file < CHI_N_RESULTS; file++)
      CHI_TRY(compare(&m->part[0], &m->part[i], file));
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
    for (int file = 0; file < CHI_N_RESULTS; file++) {
      if (p->store[file] != NULL) chi_content_free(&p->labels[file]);
      chi_store_finish(&p->store[file], CHI_OK);
    }
    chi_free(p->model);
    chi_lock_release(&p->lock);
  }
  chi_free(m->part);
  chi_free(m->model);
  m->part = NULL;
  m->model = NULL;
}
