/* The parts' scores into the merged fit.h5. */
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "merge/internal.h"

enum { PIECE_BYTES = 4 << 20 };

/* Room for some sites of one space: what one part has, and what is taken so far. */
typedef struct piece {
  int64_t room; /* sites */
  float *read[3], *taken[3];
  uint64_t *sum_read, *sum;
  uint8_t *state; /* CHI_DONE_* of what is taken */
  int *from;      /* the part that it is taken from */
} piece;

static chi_status piece_create(int64_t n_sites, int64_t n_times, piece *p)
{
  p->room = 1 + PIECE_BYTES / ((int64_t)sizeof(float) * (n_times + 1));
  if (p->room > n_sites) p->room = n_sites;
  for (int t = 0; t < 3; t++) {
    CHI_TRY(chi_alloc(p->room * n_times, sizeof(float), "scores", &p->read[t]));
    CHI_TRY(chi_alloc(p->room * n_times, sizeof(float), "scores", &p->taken[t]));
  }
  CHI_TRY(chi_alloc(p->room, sizeof *p->sum_read, "checksums", &p->sum_read));
  CHI_TRY(chi_alloc(p->room, sizeof *p->sum, "checksums", &p->sum));
  CHI_TRY(chi_alloc(p->room, 1, "flags", &p->state));
  return chi_alloc(p->room, sizeof *p->from, "runs", &p->from);
}

static void piece_free(piece *p)
{
  for (int t = 0; t < 3; t++) {
    chi_free(p->read[t]);
    chi_free(p->taken[t]);
  }
  chi_free(p->sum_read);
  chi_free(p->sum);
  chi_free(p->state);
  chi_free(p->from);
}

/* Where a part has a layer; -1: it has not. */
static int64_t find_space(const chi_fit_table *t, const chi_feature_space *space)
{
  for (int64_t f = 0; f < t->n_spaces; f++)
    if (strcmp(t->model[f], space->model) == 0 && strcmp(t->layer[f], space->layer) == 0) return f;
  return -1;
}

/* Take one site of a part, whose scores have been read, if that is needed and possible. */
static chi_status take_site(const chi_merging *m, int part, const chi_fit_table *t, int64_t space,
                            int64_t site, int64_t i, piece *p)
{
  const int64_t at = i * t->n_times;
  const uint64_t sum =
      chi_run_checksum(t->n_times, p->read[0] + at, p->read[1] + at, p->read[2] + at);
  if (sum != p->sum_read[i])
    return chi_fail(CHI_ERR_INPUT,
                    "%s/fit.h5: %s %s at %s: the scores do not fit their checksum; chiasm fit %s "
                    "-o %s --resume calculates them again",
                    m->part[part].run, t->alignment, t->space[space], t->site[site],
                    m->part[part].study, m->part[part].run);
  if (p->state[i] == CHI_DONE_WRITTEN) {
    if (sum == p->sum[i]) return CHI_OK;
    return chi_fail(
        CHI_ERR_USAGE, "%s and %s differ in the scores of %s %s at %s; fit one of them again",
        m->part[p->from[i]].run, m->part[part].run, t->alignment, t->space[space], t->site[site]);
  }
  p->state[i] = CHI_DONE_WRITTEN;
  p->sum[i] = sum;
  p->from[i] = part;
  for (int k = 0; k < 3; k++)
    memcpy(p->taken[k] + at, p->read[k] + at, (size_t)t->n_times * sizeof(float));
  return CHI_OK;
}

static chi_status take_part(const chi_merging *m, int part, const chi_alignment *al,
                            const chi_feature_space *space, int64_t site0, int64_t n, piece *p)
{
  int32_t a;
  const chi_fit_table *t = chi_merge_fit_table(&m->part[part], al->name, &a);
  const int64_t f = t == NULL ? -1 : find_space(t, space);
  if (f < 0) return CHI_OK;
  const uint8_t *done = chi_run_done(m->part[part].fit, a) + f * t->n_sites + site0;
  if (memchr(done, CHI_DONE_WRITTEN, (size_t)n) != NULL)
    CHI_TRY(chi_run_read_sites(m->part[part].fit, a, f, site0, n, p->read, p->sum_read));
  for (int64_t i = 0; i < n; i++) {
    if (done[i] == CHI_DONE_WRITTEN)
      CHI_TRY(take_site(m, part, t, f, site0 + i, i, p));
    else if (done[i] == CHI_DONE_FAILED && p->state[i] == CHI_DONE_NOT_YET)
      p->state[i] = CHI_DONE_FAILED;
  }
  return CHI_OK;
}

/* Write what was taken, neighbours of the same state together. */
static chi_status write_taken(chi_run *run, int32_t a, const chi_alignment *al, int64_t f,
                              int64_t site0, int64_t n, const piece *p)
{
  for (int64_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && p->state[end] == p->state[i];) end++;
    const int64_t at = i * al->n_times;
    if (p->state[i] == CHI_DONE_WRITTEN)
      CHI_TRY(chi_run_write(run, a, f, site0 + i, end - i, p->taken[0] + at, p->taken[1] + at,
                            p->taken[2] + at));
    else if (p->state[i] == CHI_DONE_FAILED)
      CHI_TRY(chi_run_fail(run, a, f, site0 + i, end - i));
  }
  return CHI_OK;
}

static void count(chi_merging *m, const chi_alignment *al, int64_t f, int64_t site0, int64_t n,
                  const uint8_t *state)
{
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &m->study->datasets[al->dataset[d]];
    for (int64_t e = 0; e < set->n_electrodes && al->space[f].n_features[d] > 0; e++) {
      const int64_t i = set->first_site + e - site0;
      if (i < 0 || i >= n) continue;
      *(state[i] == CHI_DONE_WRITTEN  ? &m->written
        : state[i] == CHI_DONE_FAILED ? &m->failed
                                      : &m->left) += 1;
    }
  }
}

static chi_status copy_space(chi_merging *m, chi_run *run, int32_t a, int64_t f, piece *p)
{
  const chi_alignment *al = &m->study->alignments[a];
  for (int64_t site0 = 0; site0 < al->n_sites; site0 += p->room) {
    const int64_t n = al->n_sites - site0 < p->room ? al->n_sites - site0 : p->room;
    memset(p->state, CHI_DONE_NOT_YET, (size_t)n);
    for (int i = 0; i < m->options->n_parts; i++)
      CHI_TRY(take_part(m, i, al, &al->space[f], site0, n, p));
    CHI_TRY(write_taken(run, a, al, f, site0, n, p));
    count(m, al, f, site0, n, p->state);
  }
  return CHI_OK;
}

/* Each rank copies every size-th space. */
static chi_status copy_alignment(chi_merging *m, chi_run *run, int32_t a)
{
  const chi_alignment *al = &m->study->alignments[a];
  piece p = {0};
  chi_status s = piece_create(al->n_sites, al->n_times, &p);
  for (int64_t f = m->rank; f < al->n_spaces && s == CHI_OK; f += m->size)
    s = copy_space(m, run, a, f, &p);
  piece_free(&p);
  return s;
}

chi_status chi_merge_fit(chi_merging *m)
{
  const chi_provenance provenance = {.config = m->config.s,
                                     .later_config = m->later.s,
                                     .study_checksum = m->checksum,
                                     .threads_per_rank = 1,
                                     .blas_kernel = m->part[0].kernel,
                                     .libraries = m->options->libraries};
  chi_run *run = NULL;
  CHI_TRY(chi_run_open(m->comm, m->options->run, m->options->mode, m->study, &provenance, &run));
  m->begun = true;
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < m->study->n_alignments && s == CHI_OK; a++) s = copy_alignment(m, run, a);
  s = chi_agree(m->comm, s);
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  const chi_status closed = chi_run_close(&run);
  if (s != CHI_OK) return chi_fail(s, "%s", message);
  int64_t counts[] = {m->written, m->failed, m->left};
  MPI_Allreduce(MPI_IN_PLACE, counts, 3, MPI_INT64_T, MPI_SUM, m->comm);
  m->written = counts[0];
  m->failed = counts[1];
  m->left = counts[2];
  return closed;
}
