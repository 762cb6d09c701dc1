#include "study/write.h"

#include <limits.h>
#include <stdio.h>

#include "base/agree.h"
#include "base/memory.h"
#include "base/write_lock.h"
#include "h5/box.h"
#include "h5/h5.h"
#include "h5/labelled.h"
#include "h5/whole.h"

/* Dimensions of the two kinds of files. */
enum { EVENT, ELECTRODE, TIME, FEATURE = 1 };
static const int dims[] = {EVENT, ELECTRODE, TIME};

struct chi_writer {
  MPI_Comm comm; /* whose ranks write the file together; MPI_COMM_NULL: one process alone */
  int rank;
  char *path;
  bool begun; /* PATH.tmp is ours */
  int lock;   /* rank 0's; -1: none */
  hid_t file;
  chi_labelled l;        /* of the root, while the file is described; its group is -1 else */
  hid_t rows;            /* the dataset being written: responses or a layer */
  int n_dims;            /* its dimensions */
  int64_t n_events, row; /* all of them, and how many are written */
  int64_t edge[2];       /* of a row: electrodes and bins, or features */
  char feature[40];      /* the name of a layer's dimension */
};

/* A bare CHI_ERR_IO stands for an HDF5 call that failed. */
static chi_status told(const chi_writer *w, chi_status s)
{
  if (s != CHI_ERR_IO) return s;
  return chi_fail(CHI_ERR_IO, "%s: cannot be written (%s)", w->path, chi_h5_reason());
}

static chi_status io(int64_t result) { return result < 0 ? CHI_ERR_IO : CHI_OK; }

/* After a full disk HDF5 1.10 holds what it could not write and crashes over it when the program
 * ends. All files are closed explicitly, so it need do nothing then; it must be told before its
 * first call. */
static void enter(void)
{
  H5dont_atexit();
  chi_h5_lock();
}

void chi_writer_prepare(void)
{
  enter();
  chi_h5_unlock();
}

/* A writer without a file. */
static chi_status make(const char *path, chi_writer **out)
{
  CHI_TRY(chi_alloc(1, sizeof **out, "writer of a file", out));
  chi_writer *w = *out;
  w->comm = MPI_COMM_NULL;
  w->lock = -1;
  w->file = w->rows = w->l.group = H5I_INVALID_HID;
  return chi_strdup(path, &w->path);
}

static chi_status begin(chi_writer *w, int64_t n_events)
{
  static const int32_t format = 1;
  w->n_events = n_events;
  w->begun = true;
  CHI_TRY(chi_h5_begin(w->path, 0, &w->file));
  CHI_TRY(chi_labelled_begin(w->file, NULL, &w->l));
  CHI_TRY(io(chi_h5_put_int32(w->file, "chiasm_format", -1, &format)));
  chi_labelled_dim(&w->l, "event", n_events);
  return chi_labelled_put_bare(&w->l, EVENT);
}

/* What stands beside the responses along one of their dimensions. */
typedef struct column {
  const char *name;
  int dim;
  bool scale; /* the labels of the dimension themselves */
  hid_t type;
  const void *data; /* NULL: not there */
  const char *units, *space;
} column;

static chi_status put_column(chi_labelled *l, const column *c)
{
  if (c->scale) return chi_labelled_put_scale(l, c->dim, c->type, c->type, c->data);
  const hid_t id = chi_labelled_create(l, c->name, c->type, false, 1, &c->dim);
  if (id < 0) return CHI_ERR_IO;
  herr_t failed = H5Dwrite(id, c->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, c->data);
  if (failed >= 0) failed = chi_labelled_attach(l, id, 1, &c->dim);
  return io(H5Dclose(id) < 0 ? -1 : failed);
}

static chi_status put_columns(chi_labelled *l, const column *c, int n)
{
  for (; n > 0; n--, c++) {
    if (c->data == NULL) continue;
    CHI_TRY(put_column(l, c));
    if (c->units != NULL) CHI_TRY(chi_labelled_attribute(l, c->name, "units", c->units));
    if (c->space != NULL) CHI_TRY(chi_labelled_attribute(l, c->name, "space", c->space));
  }
  return CHI_OK;
}

/* The dataset whose rows come next, without its scales. */
static chi_status begin_rows(chi_writer *w, const char *name, int n_dims)
{
  w->rows = chi_labelled_create(&w->l, name, H5T_NATIVE_FLOAT, true, n_dims, dims);
  w->row = 0;
  w->n_dims = n_dims;
  return io(w->rows);
}

/* An attribute of the root, if there is a value. */
static chi_status put_text(const chi_writer *w, const char *name, const char *value)
{
  return value == NULL ? CHI_OK : io(chi_h5_put_text(w->file, name, value));
}

static chi_status describe_responses(chi_writer *w, const chi_response_header *h)
{
  static const int32_t yes = 1;
  const bool placed = h->x != NULL;
  const column axes[] = {
      {"electrode", ELECTRODE, true, w->l.text, h->electrode, NULL, NULL},
      {"time", TIME, true, H5T_NATIVE_DOUBLE, h->time, "s", NULL},
  };
  const column columns[] = {
      {"onset", EVENT, false, H5T_NATIVE_DOUBLE, h->onset, "s", NULL},
      {"session", EVENT, false, H5T_NATIVE_INT32, h->session, NULL, NULL},
      {"row", EVENT, false, H5T_NATIVE_INT64, h->row, NULL, NULL},
      {"region", ELECTRODE, false, w->l.text, h->region, NULL, NULL},
      {"x", ELECTRODE, false, H5T_NATIVE_FLOAT, h->x, "mm", h->space},
      {"y", ELECTRODE, false, H5T_NATIVE_FLOAT, placed ? h->y : NULL, "mm", h->space},
      {"z", ELECTRODE, false, H5T_NATIVE_FLOAT, placed ? h->z : NULL, "mm", h->space},
  };
  CHI_TRY(put_text(w, "subject", h->subject));
  CHI_TRY(put_text(w, "alignment", h->alignment));
  if (h->sampling_rate > 0)
    CHI_TRY(io(chi_h5_put_real(w->file, "sampling_rate_hz", h->sampling_rate)));
  CHI_TRY(put_text(w, "source", h->source));
  if (h->exchangeable) CHI_TRY(io(chi_h5_put_int32(w->file, "exchangeable", -1, &yes)));
  w->edge[0] = h->n_electrodes;
  w->edge[1] = h->n_times;
  chi_labelled_dim(&w->l, "electrode", h->n_electrodes);
  chi_labelled_dim(&w->l, "time", h->n_times);
  CHI_TRY(put_columns(&w->l, axes, 2));
  CHI_TRY(io(chi_h5_put_real(w->l.scale[TIME], "bin_width_s", h->bin_width)));
  CHI_TRY(put_columns(&w->l, columns, sizeof columns / sizeof *columns));
  CHI_TRY(begin_rows(w, "response", 3));
  CHI_TRY(io(chi_h5_put_text(w->rows, "units", h->units)));
  return io(chi_labelled_attach(&w->l, w->rows, 3, dims));
}

static chi_status describe_features(chi_writer *w, const chi_feature_header *h)
{
  CHI_TRY(put_text(w, "model", h->model));
  CHI_TRY(put_text(w, "network", h->network));
  CHI_TRY(put_text(w, "modality", h->modality));
  CHI_TRY(put_text(w, "training", h->training));
  chi_labelled_dim(&w->l, w->feature, 0);
  const hid_t layers = H5Gcreate2(w->file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  return io(layers < 0 ? -1 : H5Gclose(layers));
}

/* Begin either kind of file: one of the headers is NULL. */
static chi_status create(const char *path, const chi_response_header *responses,
                         const chi_feature_header *features, chi_writer **out)
{
  chi_status s = make(path, out);
  if (s == CHI_OK) s = chi_write_lock(path, &(*out)->lock);
  if (s == CHI_OK) {
    chi_writer *w = *out;
    enter();
    s = begin(w, responses != NULL ? responses->n_events : features->n_events);
    if (s == CHI_OK)
      s = responses != NULL ? describe_responses(w, responses) : describe_features(w, features);
    s = told(w, s);
    chi_h5_unlock();
  }
  return s == CHI_OK ? CHI_OK : chi_writer_finish(out, s);
}

chi_status chi_writer_create_responses(const char *path, const chi_response_header *header,
                                       chi_writer **out)
{
  return create(path, header, NULL, out);
}

chi_status chi_writer_create_features(const char *path, const chi_feature_header *header,
                                      chi_writer **out)
{
  return create(path, NULL, header, out);
}

static chi_status check_complete(const chi_writer *w)
{
  if (w->rows >= 0 && w->row == w->n_events) return CHI_OK;
  return chi_fail(CHI_ERR_BUG, "%s: %lld of %lld events were written", w->path, (long long)w->row,
                  (long long)w->n_events);
}

static chi_status add_layer(chi_writer *w, const char *layer, int32_t depth)
{
  char name[512];
  if (w->rows >= 0) CHI_TRY(io(H5Dclose(w->rows)));
  snprintf(w->feature, sizeof w->feature, "feature_%lld", (long long)w->edge[0]);
  CHI_TRY(chi_labelled_redim(&w->l, FEATURE, w->edge[0]));
  snprintf(name, sizeof name, "layers/%s", layer);
  CHI_TRY(begin_rows(w, name, 2));
  CHI_TRY(io(chi_h5_put_int32(w->rows, "depth", -1, &depth)));
  return io(chi_labelled_attach(&w->l, w->rows, 2, dims));
}

/* Layers of equal width share a dimension. It lies beside /layers, whose datasets are all layers.
 */
chi_status chi_writer_add_layer(chi_writer *w, const char *layer, int32_t depth, int64_t n_features)
{
  if (w->rows >= 0) CHI_TRY(check_complete(w));
  chi_h5_lock();
  w->edge[0] = n_features;
  const chi_status s = told(w, add_layer(w, layer, depth));
  chi_h5_unlock();
  return s;
}

static chi_status put(const chi_writer *w, const int64_t *start, const int64_t *count,
                      const float *numbers)
{
  chi_h5_lock();
  /* HDF5 only reads what is cast. */
  const chi_status s = told(w, io(chi_h5_box(w->rows, true, H5T_NATIVE_FLOAT, w->n_dims, start,
                                             count, (float *)numbers)));
  chi_h5_unlock();
  return s;
}

chi_status chi_writer_append(chi_writer *w, int64_t n, const float *rows)
{
  if (w->rows < 0 || n < 0 || n > w->n_events - w->row)
    return chi_fail(CHI_ERR_BUG, "%s: more events than announced", w->path);
  const int64_t start[] = {w->row, 0, 0}, count[] = {n, w->edge[0], w->edge[1]};
  CHI_TRY(put(w, start, count, rows));
  w->row += n;
  return CHI_OK;
}

chi_status chi_writer_put(chi_writer *w, int64_t event, int64_t n_events, int64_t electrode,
                          int64_t n_electrodes, const float *numbers)
{
  const int64_t start[] = {event, electrode, 0}, count[] = {n_events, n_electrodes, w->edge[1]};
  return put(w, start, count, numbers);
}

static chi_status close_file(chi_writer *w)
{
  if (w->file < 0) return CHI_OK;
  chi_h5_lock();
  if (w->l.group >= 0) chi_labelled_end(&w->l);
  const chi_status s = told(w, io(H5Fclose(w->file))); /* and all objects in it */
  chi_h5_unlock();
  w->file = w->rows = w->l.group = H5I_INVALID_HID;
  return s;
}

/* The file with everything but the numbers, closed, and the room for these: the first one written
 * gives all of them their place. */
static chi_status make_room(chi_writer *w)
{
  static const int64_t start[3] = {0}, one[3] = {1, 1, 1};
  const float zero = 0;
  CHI_TRY(put(w, start, one, &zero));
  CHI_TRY(close_file(w));
  return chi_h5_reserve(w->path);
}

static chi_status open_shared(chi_writer *w)
{
  char tmp[PATH_MAX];
  CHI_TRY(chi_h5_tmp_path(tmp, w->path));
  chi_h5_lock();
  chi_status s = chi_h5_open_shared(w->comm, tmp, &w->file);
  if (s == CHI_OK) w->rows = H5Dopen2(w->file, "response", H5P_DEFAULT);
  if (s == CHI_OK && w->rows < 0) s = told(w, CHI_ERR_IO);
  chi_h5_unlock();
  return s;
}

chi_status chi_writer_create_shared(MPI_Comm comm, const char *path,
                                    const chi_response_header *header, chi_writer **out)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  chi_status s = rank == 0 ? create(path, header, NULL, out) : make(path, out);
  if (s == CHI_OK && rank == 0) s = make_room(*out);
  s = chi_agree(comm, s);
  if (s != CHI_OK) return chi_writer_finish(out, s);
  chi_writer *w = *out;
  w->comm = comm;
  w->rank = rank;
  w->n_dims = 3;
  w->edge[1] = header->n_times;
  s = chi_agree(comm, open_shared(w));
  return s == CHI_OK ? CHI_OK : chi_writer_finish(out, s);
}

chi_status chi_writer_finish(chi_writer **writer, chi_status status)
{
  chi_writer *w = *writer;
  chi_kept kept;
  if (w == NULL) return status;
  const bool shared = w->comm != MPI_COMM_NULL;
  if (status == CHI_OK && !shared) status = check_complete(w);
  chi_keep(&kept, status);
  status = chi_keep_first(&kept, close_file(w));
  if (shared) status = chi_agree(w->comm, status);
  if (w->begun) status = chi_h5_end(w->path, status);
  if (w->path != NULL) chi_write_unlock(w->path, w->lock);
  if (shared) status = chi_agree(w->comm, status);
  chi_free(w->path);
  chi_free(w);
  *writer = NULL;
  return status;
}
