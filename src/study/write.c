#include "study/write.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/h5.h"

/* A writer remembers the first HDF5 call that failed in `reason`; the helpers below then do
 * nothing, so that a file is described without a check at every line. */
struct chi_writer {
  chi_text path, tmp;
  bool failed;
  char reason[256];
  hid_t file, layers; /* `layers`: the group, in a feature file */
  hid_t string, event;
  hid_t rows;                    /* the dataset being written; responses or a layer */
  int64_t n_events, row;         /* all of them, and how many are written */
  int64_t n_electrodes, n_times; /* of a row: in a layer 1 and its features */
};

/* Take what an HDF5 call gave back. */
static int64_t note(chi_writer *w, int64_t result)
{
  if (result < 0 && !w->failed) {
    w->failed = true;
    snprintf(w->reason, sizeof w->reason, "%s", chi_h5_reason());
  }
  return result;
}

static chi_status writer_status(const chi_writer *w)
{
  if (!w->failed) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be written (%s)", w->path.s, w->reason);
}

static void put_attribute(chi_writer *w, hid_t object, const char *name, hid_t type,
                          const void *value)
{
  if (w->failed) return;
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  note(w, id);
  if (id >= 0) {
    note(w, H5Awrite(id, type, value));
    note(w, H5Aclose(id));
  }
  H5Sclose(space);
}

static void put_text(chi_writer *w, hid_t object, const char *name, const char *value)
{
  put_attribute(w, object, name, w->string, &value);
}

static void put_int(chi_writer *w, hid_t object, const char *name, int32_t value)
{
  put_attribute(w, object, name, H5T_NATIVE_INT32, &value);
}

static void put_real(chi_writer *w, hid_t object, const char *name, double value)
{
  put_attribute(w, object, name, H5T_NATIVE_DOUBLE, &value);
}

/* A contiguous dataset without time stamps; `data` may be NULL: written later, so not filled. */
static hid_t make_dataset(chi_writer *w, hid_t group, const char *name, hid_t type, int rank,
                          const hsize_t *dims, const void *data)
{
  if (w->failed) return H5I_INVALID_HID;
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  note(w, H5Pset_obj_track_times(properties, 0));
  if (data == NULL) note(w, H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER));
  const hid_t space = H5Screate_simple(rank, dims, NULL);
  const hid_t id = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  note(w, id);
  if (id >= 0 && data != NULL) note(w, H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  H5Sclose(space);
  H5Pclose(properties);
  return id;
}

/* A one-dimensional dataset along `scale`, or, without one, a dimension scale itself. */
static hid_t make_vector(chi_writer *w, const char *name, hid_t type, int64_t n, hid_t scale,
                         const void *data)
{
  const hsize_t dim = (hsize_t)n;
  const hid_t id = make_dataset(w, w->file, name, type, 1, &dim, data);
  if (w->failed) return id;
  note(w, scale < 0 ? H5DSset_scale(id, name) : H5DSattach_scale(id, scale, 0));
  return id;
}

/* A dimension that has no coordinate, as the netCDF-4 library marks it; its data are never stored.
 */
static hid_t make_dimension(chi_writer *w, const char *name, int64_t n)
{
  char mark[80];
  snprintf(mark, sizeof mark, "This is a netCDF dimension but not a netCDF variable.%10lld",
           (long long)n);
  const hsize_t dim = (hsize_t)n;
  const hid_t id = make_dataset(w, w->file, name, H5T_IEEE_F32BE, 1, &dim, NULL);
  if (!w->failed) note(w, H5DSset_scale(id, mark));
  return id;
}

static void close_dataset(chi_writer *w, hid_t id)
{
  if (id >= 0) note(w, H5Dclose(id));
}

static hid_t create_file(chi_writer *w)
{
  const hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  note(w, H5Pset_obj_track_times(creation, 0));
  note(w, H5Pset_fclose_degree(access, H5F_CLOSE_STRONG));
  const hid_t file = H5Fcreate(w->tmp.s, H5F_ACC_TRUNC, creation, access);
  note(w, file);
  H5Pclose(access);
  H5Pclose(creation);
  return file;
}

/* Whoever calls holds the lock. */
static chi_status begin(const char *path, int64_t n_events, chi_writer **out)
{
  chi_writer *w;
  CHI_TRY(chi_alloc(1, sizeof *w, "writer of a file", out));
  w = *out;
  w->file = w->layers = w->string = w->event = w->rows = H5I_INVALID_HID;
  w->n_events = n_events;
  chi_text_add(&w->path, "%s", path);
  chi_text_add(&w->tmp, "%s.tmp", path);
  if (w->path.failed || w->tmp.failed) return chi_fail(CHI_ERR_MEMORY, "no memory for a path");
  w->string = H5Tcopy(H5T_C_S1);
  note(w, H5Tset_size(w->string, H5T_VARIABLE));
  note(w, H5Tset_cset(w->string, H5T_CSET_UTF8));
  w->file = create_file(w);
  if (w->failed) return writer_status(w);
  put_int(w, w->file, "chiasm_format", 1);
  w->event = make_dimension(w, "event", n_events);
  return writer_status(w);
}

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

static void describe_electrodes(chi_writer *w, const chi_response_header *h, hid_t electrode)
{
  if (h->region != NULL)
    close_dataset(w, make_vector(w, "region", w->string, h->n_electrodes, electrode, h->region));
  if (h->x == NULL) return;
  static const char *const names[] = {"x", "y", "z"};
  const float *const values[] = {h->x, h->y, h->z};
  for (int i = 0; i < 3; i++) {
    const hid_t id =
        make_vector(w, names[i], H5T_NATIVE_FLOAT, h->n_electrodes, electrode, values[i]);
    put_text(w, id, "units", "mm");
    put_text(w, id, "space", h->space);
    close_dataset(w, id);
  }
}

static void describe_events(chi_writer *w, const chi_response_header *h)
{
  const hid_t onset = make_vector(w, "onset", H5T_NATIVE_DOUBLE, h->n_events, w->event, h->onset);
  put_text(w, onset, "units", "s");
  close_dataset(w, onset);
  if (h->session != NULL)
    close_dataset(w,
                  make_vector(w, "session", H5T_NATIVE_INT32, h->n_events, w->event, h->session));
  if (h->row != NULL)
    close_dataset(w, make_vector(w, "row", H5T_NATIVE_INT64, h->n_events, w->event, h->row));
}

static void describe_responses(chi_writer *w, const chi_response_header *h)
{
  put_text(w, w->file, "subject", h->subject);
  put_text(w, w->file, "alignment", h->alignment);
  if (h->sampling_rate > 0) put_real(w, w->file, "sampling_rate_hz", h->sampling_rate);
  if (h->source != NULL) put_text(w, w->file, "source", h->source);
  if (h->exchangeable) put_int(w, w->file, "exchangeable", 1);
  const hid_t electrode =
      make_vector(w, "electrode", w->string, h->n_electrodes, H5I_INVALID_HID, h->electrode);
  const hid_t time =
      make_vector(w, "time", H5T_NATIVE_DOUBLE, h->n_times, H5I_INVALID_HID, h->time);
  put_text(w, time, "units", "s");
  put_real(w, time, "bin_width_s", h->bin_width);
  describe_events(w, h);
  describe_electrodes(w, h, electrode);
  const hsize_t dims[3] = {(hsize_t)h->n_events, (hsize_t)h->n_electrodes, (hsize_t)h->n_times};
  w->rows = make_dataset(w, w->file, "response", H5T_NATIVE_FLOAT, 3, dims, NULL);
  put_text(w, w->rows, "units", h->units);
  const hid_t scales[3] = {w->event, electrode, time};
  for (unsigned i = 0; i < 3 && !w->failed; i++) note(w, H5DSattach_scale(w->rows, scales[i], i));
  close_dataset(w, electrode);
  close_dataset(w, time);
}

chi_status chi_writer_create_responses(const char *path, const chi_response_header *header,
                                       chi_writer **out)
{
  *out = NULL;
  enter();
  chi_status s = begin(path, header->n_events, out);
  if (s == CHI_OK) {
    (*out)->n_electrodes = header->n_electrodes;
    (*out)->n_times = header->n_times;
    describe_responses(*out, header);
    s = writer_status(*out);
  }
  chi_h5_unlock();
  if (s != CHI_OK) chi_writer_destroy(out);
  return s;
}

static void describe_features(chi_writer *w, const chi_feature_header *header)
{
  put_text(w, w->file, "model", header->model);
  put_text(w, w->file, "network", header->network);
  put_text(w, w->file, "modality", header->modality);
  put_text(w, w->file, "training", header->training);
  const hid_t properties = H5Pcreate(H5P_GROUP_CREATE);
  note(w, H5Pset_obj_track_times(properties, 0));
  w->layers = H5Gcreate2(w->file, "layers", H5P_DEFAULT, properties, H5P_DEFAULT);
  note(w, w->layers);
  H5Pclose(properties);
}

chi_status chi_writer_create_features(const char *path, const chi_feature_header *header,
                                      chi_writer **out)
{
  *out = NULL;
  enter();
  chi_status s = begin(path, header->n_events, out);
  if (s == CHI_OK) {
    describe_features(*out, header);
    s = writer_status(*out);
  }
  chi_h5_unlock();
  if (s != CHI_OK) chi_writer_destroy(out);
  return s;
}

static chi_status check_complete(const chi_writer *w)
{
  if (w->rows >= 0 && w->row == w->n_events) return CHI_OK;
  return chi_fail(CHI_ERR_BUG, "%s: %lld of %lld events were written", w->path.s, (long long)w->row,
                  (long long)w->n_events);
}

/* Layers of equal width share a dimension. It lies beside /layers, whose datasets are all layers.
 */
static hid_t feature_dimension(chi_writer *w, int64_t n_features)
{
  char name[40];
  snprintf(name, sizeof name, "feature_%lld", (long long)n_features);
  if (H5Lexists(w->file, name, H5P_DEFAULT) > 0)
    return (hid_t)note(w, H5Dopen2(w->file, name, H5P_DEFAULT));
  return make_dimension(w, name, n_features);
}

chi_status chi_writer_add_layer(chi_writer *w, const char *layer, int32_t depth, int64_t n_features)
{
  if (w->rows >= 0) CHI_TRY(check_complete(w));
  chi_h5_lock();
  close_dataset(w, w->rows);
  w->row = 0;
  w->n_electrodes = 1;
  w->n_times = n_features;
  const hid_t feature = feature_dimension(w, n_features);
  const hsize_t dims[2] = {(hsize_t)w->n_events, (hsize_t)n_features};
  w->rows = make_dataset(w, w->layers, layer, H5T_NATIVE_FLOAT, 2, dims, NULL);
  put_int(w, w->rows, "depth", depth);
  const hid_t scales[2] = {w->event, feature};
  for (unsigned i = 0; i < 2 && !w->failed; i++) note(w, H5DSattach_scale(w->rows, scales[i], i));
  close_dataset(w, feature);
  const chi_status s = writer_status(w);
  chi_h5_unlock();
  return s;
}

chi_status chi_writer_append(chi_writer *w, int64_t n, const float *rows)
{
  if (w->rows < 0 || n < 0 || n > w->n_events - w->row)
    return chi_fail(CHI_ERR_BUG, "%s: more events than announced", w->path.s);
  if (n == 0) return CHI_OK;
  chi_h5_lock();
  const hid_t file_space = H5Dget_space(w->rows);
  hsize_t start[3] = {(hsize_t)w->row, 0, 0};
  hsize_t count[3] = {(hsize_t)n, (hsize_t)w->n_electrodes, (hsize_t)w->n_times};
  const int rank = H5Sget_simple_extent_ndims(file_space);
  if (rank == 2) count[1] = (hsize_t)w->n_times;
  note(w, H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL));
  const hid_t memory_space = H5Screate_simple(rank, count, NULL);
  note(w, H5Dwrite(w->rows, H5T_NATIVE_FLOAT, memory_space, file_space, H5P_DEFAULT, rows));
  H5Sclose(memory_space);
  H5Sclose(file_space);
  w->row += n;
  const chi_status s = writer_status(w);
  chi_h5_unlock();
  return s;
}

/* Close what is open; the file too. */
static void close_all(chi_writer *w)
{
  chi_h5_lock();
  if (w->string >= 0) H5Tclose(w->string);
  if (w->file >= 0) note(w, H5Fclose(w->file)); /* and all objects in it */
  chi_h5_unlock();
  w->string = w->file = H5I_INVALID_HID;
}

static chi_status cannot_write(const char *path)
{
  return chi_fail(CHI_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
}

static chi_status sync_and_rename(const char *tmp, const char *path)
{
  const int fd = open(tmp, O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return synced && rename(tmp, path) == 0 ? CHI_OK : cannot_write(path);
}

/* The first number written gives all of them their place in the file. */
static void place_numbers(chi_writer *w)
{
  const hsize_t one[3] = {1, 1, 1}, start[3] = {0};
  const float zero = 0;
  chi_h5_lock();
  const hid_t there = H5Dget_space(w->rows), here = H5Screate_simple(3, one, NULL);
  note(w, H5Sselect_hyperslab(there, H5S_SELECT_SET, start, NULL, one, NULL));
  note(w, H5Dwrite(w->rows, H5T_NATIVE_FLOAT, here, there, H5P_DEFAULT, &zero));
  H5Sclose(here);
  H5Sclose(there);
  chi_h5_unlock();
}

/* Room on disk, before many processes write into the file at once. */
static chi_status reserve(const char *tmp, const char *path)
{
  struct stat info;
  const int fd = open(tmp, O_RDWR | O_CLOEXEC);
  if (fd < 0) return cannot_write(path);
  int why = fstat(fd, &info) != 0 ? errno : 0;
  if (why == 0 && fallocate(fd, 0, 0, info.st_size) != 0) why = errno;
  if (why == EOPNOTSUPP || why == ENOSYS) why = 0; /* this file system cannot: it may go well */
  close(fd);
  errno = why;
  return why == 0 ? CHI_OK : cannot_write(path);
}

chi_status chi_writer_release(chi_writer **writer)
{
  chi_writer *w = *writer;
  place_numbers(w);
  close_all(w);
  chi_status s = writer_status(w);
  if (s == CHI_OK) s = reserve(w->tmp.s, w->path.s);
  if (s == CHI_OK) chi_text_free(&w->tmp); /* so that it stays */
  chi_writer_destroy(writer);
  return s;
}

chi_status chi_writer_publish(const char *path)
{
  chi_text tmp = {0};
  chi_text_add(&tmp, "%s.tmp", path);
  const chi_status s =
      tmp.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for a path") : sync_and_rename(tmp.s, path);
  chi_text_free(&tmp);
  return s;
}

chi_status chi_writer_finish(chi_writer **writer)
{
  chi_writer *w = *writer;
  chi_status s = check_complete(w);
  if (s == CHI_OK) {
    close_all(w);
    s = writer_status(w);
  }
  if (s == CHI_OK) s = sync_and_rename(w->tmp.s, w->path.s);
  chi_writer_destroy(writer); /* after a rename there is no .tmp to remove */
  return s;
}

void chi_writer_destroy(chi_writer **writer)
{
  chi_writer *w = *writer;
  if (w == NULL) return;
  close_all(w);
  if (w->tmp.s != NULL) unlink(w->tmp.s);
  chi_text_free(&w->path);
  chi_text_free(&w->tmp);
  chi_free(w);
  *writer = NULL;
}
