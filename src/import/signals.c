#include "import/signals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "h5/box.h"
#include "import/hdf5.h"

struct chi_signals {
  char *path, *object;
  hid_t file, group; /* group: of one dataset per channel; else invalid */
  int64_t n_channels;
  char **name; /* n_channels datasets of the group; NULL without */
  int sample_axis;
  chi_h5_dataset one; /* the dataset of all channels, without a group */

  int64_t n_chosen;
  int64_t *channel;    /* n_chosen */
  chi_h5_dataset *set; /* n_chosen, with a group */
  int64_t n_samples;
  double *rows; /* of (sample, channel), a piece of all columns read */
};

/* Memory for chunks of one dataset: those that a piece needs must stay while pieces that are
 * shorter than chunks go through them, else each chunk would be unpacked again and again. */
static const int64_t cache_max = INT64_C(256) << 20;

/* Whether an object holds what a signal is made of. */
static bool is_numeric(const chi_h5_dataset *d)
{
  return d->type_class == H5T_FLOAT || d->type_class == H5T_INTEGER;
}

static int by_number(const void *a, const void *b)
{
  return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* A link of the group is a channel if it is a dataset of numbers in one dimension. */
static bool is_channel(const chi_signals *f, const char *name)
{
  chi_h5_dataset d;
  if (!chi_object_is(f->group, name, H5O_TYPE_DATASET)) return false;
  if (chi_h5_open_dataset(f->group, f->path, "/", name, &d) != CHI_OK)
    return true; /* what is wrong with it is said when it is read */
  const bool channel = d.rank == 1 && is_numeric(&d);
  chi_h5_close_dataset(&d);
  return channel;
}

static chi_status list_channels(chi_signals *f, const chi_object *object)
{
  chi_object_list list;
  chi_status s = chi_object_list_open(object, f->path, &list);
  f->group = list.group;
  if (s == CHI_OK) s = chi_alloc(list.n, sizeof *f->name, "channels", &f->name);
  for (int64_t i = 0; i < list.n && s == CHI_OK; i++)
    if (is_channel(f, list.name[i])) s = chi_strdup(list.name[i], &f->name[f->n_channels++]);
  chi_object_list_free(&list);
  CHI_TRY(s);
  qsort(f->name, (size_t)f->n_channels, sizeof *f->name, by_number);
  if (f->n_channels > 0) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: /%s holds no one-dimensional datasets of numbers", f->path,
                  f->object);
}

static chi_status check_matrix(chi_signals *f, chi_layout layout)
{
  const chi_h5_dataset *d = &f->one;
  if (d->rank != 2 || !is_numeric(d))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: /%s is %s of %d dimensions, expected numbers of two (channel and sample), "
                    "or a group of one dataset per channel",
                    f->path, f->object, chi_h5_type_name(d), d->rank);
  if (layout == CHI_LAYOUT_AUTO && d->dims[0] == d->dims[1])
    return chi_fail(CHI_ERR_INPUT,
                    "%s: /%s is as long as it is wide, %lld: say by --layout which dimension is of "
                    "channels",
                    f->path, f->object, (long long)d->dims[0]);
  f->sample_axis = layout == CHI_LAYOUT_CHANNEL_SAMPLE   ? 1
                   : layout == CHI_LAYOUT_SAMPLE_CHANNEL ? 0
                                                         : d->dims[1] > d->dims[0];
  f->n_channels = d->dims[!f->sample_axis];
  f->n_samples = d->dims[f->sample_axis];
  if (f->n_channels > 0 && f->n_samples > 0) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: /%s is empty", f->path, f->object);
}

/* Open the object as what it is. */
static chi_status open_object(chi_signals *f, chi_layout layout)
{
  chi_object at;
  CHI_TRY(chi_object_find(f->file, f->path, f->object, &at));
  if (at.is_group) return list_channels(f, &at);
  CHI_TRY(chi_h5_open_dataset(at.parent, f->path, at.prefix, at.name, &f->one));
  return check_matrix(f, layout);
}

chi_status chi_signals_open(const char *path, const char *object, chi_layout layout,
                            chi_signals **out)
{
  CHI_TRY(chi_alloc(1, sizeof **out, "a recording", out));
  chi_signals *f = *out;
  H5dont_atexit(); /* before HDF5's first call: see write.c, which comes later */
  f->file = f->group = f->one.id = f->one.type = H5I_INVALID_HID;
  chi_status s = chi_strdup(path, &f->path);
  if (s == CHI_OK) s = chi_strdup(object + strspn(object, "/"), &f->object);
  chi_h5_lock();
  if (s == CHI_OK) s = chi_h5_open_read(path, path, &f->file);
  if (s == CHI_OK) s = open_object(f, layout);
  chi_h5_unlock();
  if (s != CHI_OK) chi_signals_close(out);
  return s;
}

static void close_chosen(chi_signals *f)
{
  for (int64_t i = 0; f->set != NULL && i < f->n_chosen; i++) chi_h5_close_dataset(&f->set[i]);
  chi_free(f->set);
  chi_free(f->channel);
  chi_free(f->rows);
  f->set = NULL;
  f->channel = NULL;
  f->rows = NULL;
  f->n_chosen = 0;
}

void chi_signals_close(chi_signals **signals)
{
  chi_signals *f = *signals;
  if (f == NULL) return;
  chi_h5_lock();
  close_chosen(f);
  chi_h5_close_dataset(&f->one);
  if (f->file >= 0) H5Fclose(f->file); /* and every object in it */
  chi_h5_unlock();
  for (int64_t i = 0; f->name != NULL && i < f->n_channels; i++) chi_free(f->name[i]);
  chi_free(f->name);
  chi_free(f->path);
  chi_free(f->object);
  chi_free(f);
  *signals = NULL;
}

int64_t chi_signals_n_channels(const chi_signals *f) { return f->n_channels; }

const char *chi_signals_name(const chi_signals *f, int64_t channel)
{
  return f->name == NULL ? NULL : f->name[channel];
}

/* Open a chunked dataset again with a cache for the chunks that one piece of all its channels
 * touches, if that takes `most` bytes or less. */
static chi_status widen_cache(const chi_signals *f, chi_h5_dataset *d, int sample_axis,
                              int64_t most)
{
  hsize_t chunk[CHI_H5_MAX_RANK];
  char name[1024];
  if (d->chunk_rows == 0) return CHI_OK;
  const hid_t creation = H5Dget_create_plist(d->id), access = H5Pcreate(H5P_DATASET_ACCESS);
  int64_t bytes = d->type_size, n_chunks = 2; /* a piece may end within a chunk */
  const bool known = H5Pget_chunk(creation, CHI_H5_MAX_RANK, chunk) == d->rank &&
                     H5Iget_name(d->id, name, sizeof name) > 0;
  for (int i = 0; i < d->rank && known; i++) {
    bytes *= (int64_t)chunk[i];
    if (i != sample_axis) n_chunks *= d->dims[i] / (int64_t)chunk[i] + 1;
  }
  chi_status s = CHI_OK;
  if (known && bytes <= most / n_chunks) {
    H5Pset_chunk_cache(access, (size_t)(100 * n_chunks + 1), (size_t)(bytes * n_chunks), 1);
    H5Dclose(d->id); /* the cache is that of its first opening */
    d->id = H5Dopen2(f->file, name, access);
    if (d->id < 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: %s: HDF5 cannot open it (%s)", f->path, name,
                   chi_h5_reason());
  }
  H5Pclose(access);
  H5Pclose(creation);
  return s;
}

/* Open the datasets of the chosen channels and see that they are equally long. */
static chi_status open_chosen(chi_signals *f)
{
  CHI_TRY(chi_alloc(f->n_chosen, sizeof *f->set, "channels", &f->set));
  for (int64_t i = 0; i < f->n_chosen; i++) f->set[i].id = f->set[i].type = H5I_INVALID_HID;
  char prefix[300];
  snprintf(prefix, sizeof prefix, "/%.250s%s", f->object, f->object[0] == '\0' ? "" : "/");
  for (int64_t i = 0; i < f->n_chosen; i++) {
    chi_h5_dataset *d = &f->set[i];
    const char *name = f->name[f->channel[i]];
    CHI_TRY(chi_h5_open_dataset(f->group, f->path, prefix, name, d));
    if (d->rank != 1 || !is_numeric(d))
      return chi_fail(CHI_ERR_INPUT,
                      "%s: %s%s is %s of %d dimensions, expected numbers of one (sample)", f->path,
                      prefix, name, chi_h5_type_name(d), d->rank);
    if (i == 0) f->n_samples = d->count;
    if (d->count == 0 || d->count != f->n_samples)
      return chi_fail(CHI_ERR_INPUT, "%s: %s%s has %lld samples, but %s has %lld", f->path, prefix,
                      name, (long long)d->count, f->name[f->channel[0]], (long long)f->n_samples);
    CHI_TRY(widen_cache(f, d, 0, cache_max / f->n_chosen));
  }
  return CHI_OK;
}

chi_status chi_signals_choose(chi_signals *f, int64_t n, const int64_t *channel, int64_t piece,
                              int64_t *n_samples)
{
  chi_h5_lock();
  close_chosen(f);
  chi_status s = chi_alloc(n, sizeof *f->channel, "channels", &f->channel);
  if (s == CHI_OK) {
    memcpy(f->channel, channel, (size_t)n * sizeof *channel);
    f->n_chosen = n;
    if (f->name != NULL) {
      s = open_chosen(f);
    } else {
      const int64_t width = channel[n - 1] - channel[0] + 1;
      if (f->sample_axis == 0) s = chi_alloc(piece * width, sizeof *f->rows, "samples", &f->rows);
      if (s == CHI_OK) s = widen_cache(f, &f->one, f->sample_axis, cache_max);
    }
  }
  chi_h5_unlock();
  if (s == CHI_OK) *n_samples = f->n_samples;
  return s;
}

/* A box of the dataset of one channel (2: of all), into memory without gaps. */
static chi_status read_box(const chi_signals *f, const chi_h5_dataset *d, const int64_t *start,
                           const int64_t *count, double *out)
{
  char name[300] = "";
  if (chi_h5_box(d->id, false, H5T_NATIVE_DOUBLE, d->rank, start, count, out) >= 0) return CHI_OK;
  H5Iget_name(d->id, name, sizeof name);
  return chi_fail(CHI_ERR_INPUT, "%s: %s: HDF5 cannot read samples from %lld on (%s)", f->path,
                  name, (long long)start[d->rank == 2 ? f->sample_axis : 0], chi_h5_reason());
}

/* Of (sample, channel): all columns from the first chosen to the last, then the chosen ones. */
static chi_status read_columns(const chi_signals *f, int64_t first, int64_t n, int64_t stride,
                               double *out)
{
  const int64_t c0 = f->channel[0], width = f->channel[f->n_chosen - 1] - c0 + 1;
  CHI_TRY(read_box(f, &f->one, (int64_t[]){first, c0}, (int64_t[]){n, width}, f->rows));
  for (int64_t i = 0; i < f->n_chosen; i++) {
    const double *column = f->rows + f->channel[i] - c0;
    for (int64_t t = 0; t < n; t++) out[i * stride + t] = column[t * width];
  }
  return CHI_OK;
}

/* Of (channel, sample): runs of neighbouring channels at a time, parted from the last one on. */
static chi_status read_rows(const chi_signals *f, int64_t first, int64_t n, int64_t stride,
                            double *out)
{
  for (int64_t i = 0, next; i < f->n_chosen; i = next) {
    for (next = i + 1; next < f->n_chosen; next++)
      if (f->channel[next] != f->channel[next - 1] + 1) break;
    double *run = out + i * stride;
    const int64_t start[] = {f->channel[i], first}, count[] = {next - i, n};
    CHI_TRY(read_box(f, &f->one, start, count, run));
    for (int64_t k = next - i - 1; k > 0 && stride > n; k--)
      memmove(run + k * stride, run + k * n, (size_t)n * sizeof *run);
  }
  return CHI_OK;
}

static chi_status check_finite(const chi_signals *f, int64_t i, int64_t first, int64_t n,
                               const double *x)
{
  double zero = 0;
  for (int64_t t = 0; t < n; t++) zero += 0 * x[t];
  if (zero == 0) return CHI_OK;
  int64_t at = 0;
  while (isfinite(x[at])) at++;
  char channel[32];
  snprintf(channel, sizeof channel, "channel %lld", (long long)f->channel[i]);
  return chi_fail(CHI_ERR_INPUT,
                  "%s: /%s: %s is %s at sample %lld, expected finite numbers; leave that channel "
                  "out",
                  f->path, f->object, f->name != NULL ? f->name[f->channel[i]] : channel,
                  isnan(x[at]) ? "NaN" : "infinite", (long long)(first + at));
}

chi_status chi_signals_read(chi_signals *f, int64_t first, int64_t n, int64_t stride, double *out)
{
  chi_status s = CHI_OK;
  chi_h5_lock();
  if (f->name != NULL)
    for (int64_t i = 0; i < f->n_chosen && s == CHI_OK; i++)
      s = read_box(f, &f->set[i], &first, &n, out + i * stride);
  else if (f->sample_axis == 0)
    s = read_columns(f, first, n, stride, out);
  else
    s = read_rows(f, first, n, stride, out);
  chi_h5_unlock();
  for (int64_t i = 0; i < f->n_chosen && s == CHI_OK; i++)
    s = check_finite(f, i, first, n, out + i * stride);
  return s;
}
