/* One walk over the catalog makes it a block of bytes to broadcast, makes it again from the bytes,
 * and frees it, so that the three cannot disagree. */
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "study/catalog.h"

/* What goes wrong stops all that follows. */
typedef struct walk {
  enum { WRITE, READ, FREE } aim;
  unsigned char *bytes; /* written, or read */
  int64_t n, room, at;
  chi_status status;
} walk;

static void raw(walk *w, void *data, int64_t size)
{
  if (w->status != CHI_OK || size == 0 || w->aim == FREE) return;
  if (w->aim == READ) {
    if (size > w->n - w->at) {
      w->status = chi_fail(CHI_ERR_BUG, "catalog: the bytes received are cut short");
      return;
    }
    memcpy(data, w->bytes + w->at, (size_t)size);
    w->at += size;
    return;
  }
  w->status = chi_grow(&w->bytes, &w->room, w->n + size, 1, "catalog");
  if (w->status != CHI_OK) return;
  memcpy(w->bytes + w->n, data, (size_t)size);
  w->n += size;
}

/* Before the elements of an array with pointers inside: it is made here where reading. `address` is
 * that of the pointer. \return whether there are elements to go through */
static bool begin(walk *w, int64_t count, int64_t size, void *address)
{
  const void *data;
  if (w->status == CHI_OK && w->aim == READ) w->status = chi_alloc(count, size, "catalog", address);
  memcpy(&data, address, sizeof data);
  return w->status == CHI_OK && data != NULL;
}

/* After them. */
static void end(const walk *w, void *address)
{
  void *data;
  if (w->aim != FREE) return;
  memcpy(&data, address, sizeof data);
  chi_free(data);
  data = NULL;
  memcpy(address, &data, sizeof data);
}

/* An array of count plain elements. */
static void array(walk *w, int64_t count, int64_t size, void *address)
{
  void *data;
  if (begin(w, count, size, address)) {
    memcpy(&data, address, sizeof data);
    raw(w, data, count * size);
  }
  end(w, address);
}

static void string(walk *w, char **text)
{
  int64_t n = w->aim != WRITE || *text == NULL ? 0 : (int64_t)strlen(*text) + 1;
  raw(w, &n, sizeof n);
  array(w, n, 1, text);
}

static void strings(walk *w, int64_t n, char ***list)
{
  if (begin(w, n, sizeof **list, list))
    for (int64_t i = 0; i < n && w->status == CHI_OK; i++) string(w, &(*list)[i]);
  end(w, list);
}

static void dataset(walk *w, chi_dataset *d)
{
  string(w, &d->subject);
  string(w, &d->path);
  string(w, &d->space);
  string(w, &d->units);
  raw(w, &d->alignment, sizeof d->alignment);
  raw(w, &d->subject_index, sizeof d->subject_index);
  raw(w, &d->n_events, sizeof d->n_events);
  raw(w, &d->n_electrodes, sizeof d->n_electrodes);
  raw(w, &d->exchangeable, sizeof d->exchangeable);
  raw(w, &d->first_site, sizeof d->first_site);
  array(w, d->n_events, sizeof *d->onset, &d->onset);
  array(w, d->n_events, sizeof *d->session, &d->session);
  strings(w, d->n_electrodes, &d->electrode);
  strings(w, d->n_electrodes, &d->region);
  array(w, d->n_electrodes, sizeof *d->x, &d->x);
  array(w, d->n_electrodes, sizeof *d->y, &d->y);
  array(w, d->n_electrodes, sizeof *d->z, &d->z);
}

static void feature_space(walk *w, int32_t n_datasets, chi_feature_space *s)
{
  string(w, &s->model);
  string(w, &s->network);
  string(w, &s->modality);
  string(w, &s->training);
  string(w, &s->layer);
  raw(w, &s->depth, sizeof s->depth);
  array(w, n_datasets, sizeof *s->n_features, &s->n_features);
}

static void alignment(walk *w, chi_alignment *a)
{
  string(w, &a->name);
  raw(w, &a->n_times, sizeof a->n_times);
  raw(w, &a->bin_width, sizeof a->bin_width);
  raw(w, &a->n_datasets, sizeof a->n_datasets);
  raw(w, &a->n_sites, sizeof a->n_sites);
  raw(w, &a->n_spaces, sizeof a->n_spaces);
  array(w, a->n_times, sizeof *a->time, &a->time);
  array(w, a->n_datasets, sizeof *a->dataset, &a->dataset);
  if (begin(w, a->n_spaces, sizeof *a->space, &a->space))
    for (int64_t i = 0; i < a->n_spaces && w->status == CHI_OK; i++)
      feature_space(w, a->n_datasets, &a->space[i]);
  end(w, &a->space);
}

static void whole(walk *w, chi_study *s)
{
  string(w, &s->path);
  string(w, &s->title);
  string(w, &s->yaml);
  raw(w, &s->n_alignments, sizeof s->n_alignments);
  raw(w, &s->n_datasets, sizeof s->n_datasets);
  raw(w, &s->n_files, sizeof s->n_files);
  if (begin(w, s->n_datasets, sizeof *s->datasets, &s->datasets))
    for (int32_t i = 0; i < s->n_datasets && w->status == CHI_OK; i++) dataset(w, &s->datasets[i]);
  end(w, &s->datasets);
  if (begin(w, s->n_alignments, sizeof *s->alignments, &s->alignments))
    for (int32_t i = 0; i < s->n_alignments && w->status == CHI_OK; i++)
      alignment(w, &s->alignments[i]);
  end(w, &s->alignments);
  strings(w, s->n_files, &s->file);
}

chi_status chi_study_bcast(MPI_Comm comm, int root, chi_study **study)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  walk w = {.aim = WRITE, .status = CHI_OK};
  if (rank == root)
    whole(&w, *study);
  else
    *study = NULL;
  CHI_TRY(chi_agree(comm, w.status));
  void *bytes = w.bytes;
  chi_status status = chi_bcast_bytes(comm, root, &bytes, &w.n);
  if (status == CHI_OK && rank != root) {
    w.aim = READ;
    w.bytes = bytes;
    w.status = chi_alloc(1, sizeof **study, "study", study);
    if (w.status == CHI_OK) whole(&w, *study);
    status = w.status;
  }
  chi_free(bytes);
  status = chi_agree(comm, status);
  if (status != CHI_OK && rank != root) chi_study_destroy(study);
  return status;
}

void chi_dataset_free(chi_dataset *d)
{
  walk w = {.aim = FREE, .status = CHI_OK};
  dataset(&w, d);
}

void chi_alignment_free(chi_alignment *a)
{
  walk w = {.aim = FREE, .status = CHI_OK};
  alignment(&w, a);
}

void chi_study_destroy(chi_study **study)
{
  if (*study == NULL) return;
  walk w = {.aim = FREE, .status = CHI_OK};
  whole(&w, *study);
  chi_free(*study);
  *study = NULL;
}
