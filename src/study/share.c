/* The catalog as one block of bytes, to broadcast. One traversal serves both directions, so that
 * they cannot disagree. */
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "chiasm/study.h"

/* Bytes being written, or read where `reading`. What goes wrong stops all that follows. */
typedef struct pack {
  bool reading;
  unsigned char *bytes;
  int64_t n, room, at;
  chi_status status;
} pack;

static bool make_room(pack *p, int64_t more)
{
  if (p->n + more <= p->room) return true;
  const int64_t room = 2 * (p->n + more);
  unsigned char *bytes = realloc(p->bytes, (size_t)room);
  if (bytes == NULL) {
    p->status = chi_fail(CHI_ERR_MEMORY, "catalog: no memory for %lld bytes", (long long)room);
    return false;
  }
  p->bytes = bytes;
  p->room = room;
  return true;
}

static void raw(pack *p, void *data, int64_t size)
{
  if (p->status != CHI_OK || size == 0) return;
  if (p->reading) {
    if (size > p->n - p->at) {
      p->status = chi_fail(CHI_ERR_BUG, "catalog: the bytes received are cut short");
      return;
    }
    memcpy(data, p->bytes + p->at, (size_t)size);
    p->at += size;
  } else if (make_room(p, size)) {
    memcpy(p->bytes + p->n, data, (size_t)size);
    p->n += size;
  }
}

/* An array of count elements, made here where reading; `array` is the address of the pointer. */
static void array(pack *p, int64_t count, int64_t size, void *address)
{
  void *data;
  if (p->status != CHI_OK) return;
  if (p->reading) p->status = chi_alloc(count, size, "catalog", address);
  memcpy(&data, address, sizeof data);
  raw(p, data, count * size);
}

/* The same, for elements with pointers inside: only made, their fields follow. */
static void make(pack *p, int64_t count, int64_t size, void *address)
{
  if (p->status == CHI_OK && p->reading) p->status = chi_alloc(count, size, "catalog", address);
}

static void string(pack *p, char **text)
{
  int64_t n = p->reading || *text == NULL ? 0 : (int64_t)strlen(*text) + 1;
  raw(p, &n, sizeof n);
  array(p, n, 1, text);
}

static void strings(pack *p, int64_t n, char ***list)
{
  make(p, n, sizeof **list, list);
  for (int64_t i = 0; i < n && p->status == CHI_OK; i++) string(p, &(*list)[i]);
}

static void dataset(pack *p, chi_dataset *d)
{
  string(p, &d->subject);
  string(p, &d->path);
  string(p, &d->space);
  string(p, &d->units);
  raw(p, &d->alignment, sizeof d->alignment);
  raw(p, &d->subject_index, sizeof d->subject_index);
  raw(p, &d->n_events, sizeof d->n_events);
  raw(p, &d->n_electrodes, sizeof d->n_electrodes);
  raw(p, &d->exchangeable, sizeof d->exchangeable);
  raw(p, &d->first_site, sizeof d->first_site);
  array(p, d->n_events, sizeof *d->onset, &d->onset);
  array(p, d->n_events, sizeof *d->session, &d->session);
  strings(p, d->n_electrodes, &d->electrode);
  strings(p, d->n_electrodes, &d->region);
  array(p, d->n_electrodes, sizeof *d->x, &d->x);
  array(p, d->n_electrodes, sizeof *d->y, &d->y);
  array(p, d->n_electrodes, sizeof *d->z, &d->z);
}

static void feature_space(pack *p, int32_t n_datasets, chi_feature_space *s)
{
  string(p, &s->model);
  string(p, &s->network);
  string(p, &s->modality);
  string(p, &s->training);
  string(p, &s->layer);
  raw(p, &s->depth, sizeof s->depth);
  array(p, n_datasets, sizeof *s->n_features, &s->n_features);
}

static void alignment(pack *p, chi_alignment *a)
{
  string(p, &a->name);
  raw(p, &a->n_times, sizeof a->n_times);
  raw(p, &a->bin_width, sizeof a->bin_width);
  raw(p, &a->n_datasets, sizeof a->n_datasets);
  raw(p, &a->n_sites, sizeof a->n_sites);
  raw(p, &a->n_spaces, sizeof a->n_spaces);
  array(p, a->n_times, sizeof *a->time, &a->time);
  array(p, a->n_datasets, sizeof *a->dataset, &a->dataset);
  make(p, a->n_spaces, sizeof *a->space, &a->space);
  for (int64_t i = 0; i < a->n_spaces && p->status == CHI_OK; i++)
    feature_space(p, a->n_datasets, &a->space[i]);
}

static void whole(pack *p, chi_study *s)
{
  string(p, &s->path);
  string(p, &s->title);
  string(p, &s->yaml);
  raw(p, &s->n_alignments, sizeof s->n_alignments);
  raw(p, &s->n_datasets, sizeof s->n_datasets);
  raw(p, &s->n_files, sizeof s->n_files);
  make(p, s->n_datasets, sizeof *s->datasets, &s->datasets);
  for (int32_t i = 0; i < s->n_datasets && p->status == CHI_OK; i++) dataset(p, &s->datasets[i]);
  make(p, s->n_alignments, sizeof *s->alignments, &s->alignments);
  for (int32_t i = 0; i < s->n_alignments && p->status == CHI_OK; i++)
    alignment(p, &s->alignments[i]);
  strings(p, s->n_files, &s->file);
}

/* Undo a half-read catalog: destroying wants the arrays that the counts promise. */
static void abandon(chi_study **study)
{
  chi_study *s = *study;
  if (s == NULL) return;
  if (s->datasets == NULL) s->n_datasets = 0;
  if (s->alignments == NULL) s->n_alignments = 0;
  if (s->file == NULL) s->n_files = 0;
  chi_study_destroy(study);
}

chi_status chi_study_bcast(MPI_Comm comm, int root, chi_study **study)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  pack p = {.reading = false, .status = CHI_OK};
  if (rank == root) {
    whole(&p, *study);
  } else {
    *study = NULL;
  }
  CHI_TRY(chi_agree(comm, p.status));
  void *bytes = p.bytes;
  int64_t n = p.n;
  chi_status status = chi_bcast_bytes(comm, root, &bytes, &n);
  if (status == CHI_OK && rank != root) {
    p = (pack){.reading = true, .bytes = bytes, .n = n, .status = CHI_OK};
    p.status = chi_alloc(1, sizeof **study, "study", study);
    if (p.status == CHI_OK) whole(&p, *study);
    status = p.status;
  }
  if (rank == root)
    free(bytes);
  else
    chi_free(bytes);
  status = chi_agree(comm, status);
  if (status != CHI_OK && rank != root) abandon(study);
  return status;
}
