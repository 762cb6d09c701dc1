#include "h5/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "h5/chunks.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static chi_h5_progress *watcher; /* NULL while nobody watches */

static void step(bool brief)
{
  if (watcher == NULL) return;
  watcher->steps++;
  watcher->brief = brief;
}

void chi_h5_watch(chi_h5_progress *progress) { watcher = progress; }
void chi_h5_expect_long(void) { step(false); }

/* Why the last call failed, kept as it fails: the next call of HDF5 forgets it. */
static _Thread_local char reason[256];
static _Thread_local int reason_errno; /* 0 where the system had no part in it */

/* Of HDF5's reasons, from the innermost on, the one that names an error of the system, else the
 * innermost. */
static herr_t take_reason(unsigned n, const H5E_error2_t *error, void *unused)
{
  (void)unused;
  if (error->desc == NULL || reason_errno != 0) return 0;
  const char *number = strstr(error->desc, "errno = ");
  if (number != NULL) reason_errno = atoi(number + strlen("errno = "));
  if (reason_errno != 0)
    snprintf(reason, sizeof reason, "%.*s: %s", (int)strcspn(error->desc, ":,"), error->desc,
             strerror(reason_errno));
  else if (n == 0)
    snprintf(reason, sizeof reason, "%s", error->desc);
  return 0;
}

static herr_t keep_reason(hid_t stack, void *unused)
{
  reason_errno = 0;
  reason[0] = '\0';
  return H5Ewalk2(stack, H5E_WALK_UPWARD, take_reason, unused);
}

void chi_h5_lock(void)
{
  pthread_mutex_lock(&lock);
  reason_errno = 0;
  reason[0] = '\0';
  H5Eset_auto2(H5E_DEFAULT, keep_reason, NULL); /* each thread has its own in a thread-safe HDF5 */
  H5PLset_loading_state(0);
}

void chi_h5_unlock(void)
{
  step(false);
  pthread_mutex_unlock(&lock);
}

herr_t chi_h5_give_reason(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  reason_errno = 0;
  return -1;
}

const char *chi_h5_reason(void) { return reason[0] == '\0' ? "HDF5 gives no reason" : reason; }

/* What to do where the system refuses a file that is there. */
static const char *cure(int why)
{
  switch (why) {
    case EAGAIN:
      return "; another program has it open: wait until that has ended";
    case ENOSYS:
    case ENOLCK:
    case EOPNOTSUPP:
    case 524: /* the kernel's ENOTSUPP, which NFS lets through */
      return "; this file system has no locks: set HDF5_USE_FILE_LOCKING=FALSE";
    case EMFILE:
    case ENFILE:
      return "; too many files are open: raise the limit (ulimit -n)";
    default:
      return "";
  }
}

static chi_status refused(const char *where)
{
  if (reason_errno == 0)
    return chi_fail(CHI_ERR_INPUT, "%s: HDF5 cannot open it, it may be truncated or damaged (%s)",
                    where, chi_h5_reason());
  return chi_fail(CHI_ERR_IO, "%s: HDF5 cannot open it (%s)%s", where, reason, cure(reason_errno));
}

/* HDF5's own reasons for a file that cannot be opened are obscure: look first. */
static chi_status check_file(const char *path, const char *where)
{
  struct stat info;
  int fd;
  const chi_status s = chi_file_open(path, where, O_RDONLY, &fd);
  if (s == CHI_ERR_IO) return chi_fail(s, "%s%s", chi_message(), cure(errno));
  CHI_TRY(s);
  const bool empty = fstat(fd, &info) == 0 && info.st_size == 0;
  close(fd);
  if (empty) return chi_fail(CHI_ERR_INPUT, "%s: is empty", where);
  const htri_t is = H5Fis_hdf5(path);
  if (is < 0 && reason_errno != 0) return refused(where);
  if (is <= 0) return chi_fail(CHI_ERR_INPUT, "%s: is not an HDF5 file", where);
  return CHI_OK;
}

chi_status chi_h5_open_read(const char *path, const char *where, hid_t *file)
{
  *file = H5I_INVALID_HID;
  if (watcher != NULL) snprintf(watcher->where, sizeof watcher->where, "%s", where);
  step(true);
  CHI_TRY(check_file(path, where));
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return chi_fail(CHI_ERR_MEMORY, "HDF5: %s", chi_h5_reason());
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  *file = H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return *file < 0 ? refused(where) : CHI_OK;
}

chi_status chi_h5_open_shared(MPI_Comm comm, const char *path, hid_t *file)
{
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  *file = H5Fopen(path, H5F_ACC_RDWR, access);
  H5Pclose(access);
  if (*file >= 0) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be opened to write by all ranks (%s)%s", path,
                  chi_h5_reason(), cure(reason_errno));
}

bool chi_h5_has(hid_t group, const char *name) { return H5Lexists(group, name, H5P_DEFAULT) > 0; }

/* An object of a file, as messages name it. */
typedef struct object {
  const char *where, *prefix, *name;
} object;

/* What is wrong with it, a sentence whose subject is the object. */
__attribute__((format(printf, 2, 3))) static chi_status bad(const object *o, const char *format,
                                                            ...)
{
  char text[CHI_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return chi_fail(CHI_ERR_INPUT, "%s: %s%s%s", o->where, o->prefix, o->name, text);
}

static chi_status unreadable(const object *o, const char *what)
{
  return bad(o, ": HDF5 cannot %s (%s)", what, chi_h5_reason());
}

/* Whether it is a hard link to an object of the wanted type, without following anything. */
static chi_status check_link(hid_t group, const object *o, H5O_type_t wanted)
{
  static const char *const types[] = {
      [H5O_TYPE_GROUP] = "a group",
      [H5O_TYPE_DATASET] = "a dataset",
      [H5O_TYPE_NAMED_DATATYPE] = "a named datatype",
  };
  const htri_t there = H5Lexists(group, o->name, H5P_DEFAULT);
  if (there == 0) return bad(o, " is missing, expected %s", types[wanted]);
  H5L_info_t link;
  H5O_info_t info;
  if (there < 0 || H5Lget_info(group, o->name, &link, H5P_DEFAULT) < 0)
    return unreadable(o, "look it up");
  if (link.type != H5L_TYPE_HARD)
    return bad(o, " is %s link, which chiasm does not follow; expected %s in this file",
               link.type == H5L_TYPE_SOFT ? "a soft" : "an external", types[wanted]);
  if (H5Oget_info_by_name2(group, o->name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
    return unreadable(o, "read its header");
  if (info.type == wanted) return CHI_OK;
  const bool known = info.type >= 0 && info.type <= H5O_TYPE_NAMED_DATATYPE;
  return bad(o, " is %s, expected %s", known ? types[info.type] : "something else", types[wanted]);
}

chi_status chi_h5_open_group(hid_t parent, const char *where, const char *name, hid_t *group)
{
  const object o = {where, "/", name};
  *group = H5I_INVALID_HID;
  CHI_TRY(check_link(parent, &o, H5O_TYPE_GROUP));
  *group = H5Gopen2(parent, name, H5P_DEFAULT);
  return *group < 0 ? unreadable(&o, "open it") : CHI_OK;
}

/* Filters of HDF5 itself only: others are code that HDF5 would load from elsewhere. And of those
 * only the ones whose result chi_h5_check_chunks can measure. */
static chi_status check_filters(hid_t creation, const object *o)
{
  const int n = H5Pget_nfilters(creation);
  for (int i = 0; i < n; i++) {
    unsigned flags, config;
    size_t n_values = 0;
    char text[64] = "";
    const H5Z_filter_t filter = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL,
                                               sizeof text - 1, text, &config);
    if (filter < H5Z_FILTER_DEFLATE || filter > H5Z_FILTER_SCALEOFFSET)
      return bad(o,
                 " is packed by a plugin filter (number %d, %s), which chiasm does not load; write "
                 "it with gzip or without a filter",
                 (int)filter, text);
    if (filter == H5Z_FILTER_SZIP || filter == H5Z_FILTER_NBIT)
      return bad(o, " is packed by %s, which chiasm does not read; write it with gzip",
                 filter == H5Z_FILTER_SZIP ? "szip" : "n-bit");
    if (H5Zfilter_avail(filter) <= 0)
      return bad(
          o,
          " is packed by filter %s, which this HDF5 was built without; write it with gzip or "
          "without a filter",
          text);
  }
  return CHI_OK;
}

/* Before the dataspace is asked for: that alone makes HDF5 open the sources of a virtual dataset.
 */
static chi_status check_storage(hid_t creation, const object *o)
{
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL)
    return bad(o, " is a virtual dataset, whose numbers are elsewhere; expected them in this file");
  if (H5Pget_external_count(creation) != 0)
    return bad(o, " keeps its numbers in external files; expected them in this file");
  if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT)
    return bad(o, " has an unknown storage layout");
  return check_filters(creation, o);
}

static chi_status read_shape(const object *o, hid_t space, chi_h5_dataset *d)
{
  hsize_t dims[H5S_MAX_RANK];
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL ||
      H5Sget_simple_extent_dims(space, dims, NULL) < 0)
    return bad(o, " has no shape");
  if (rank > CHI_H5_MAX_RANK)
    return bad(o, " has %d dimensions, expected %d at most", rank, CHI_H5_MAX_RANK);
  d->rank = rank;
  d->count = 1;
  bool absurd = false;
  for (int i = 0; i < CHI_H5_MAX_RANK; i++) {
    const hsize_t dim = i < rank ? dims[i] : 1;
    absurd = absurd || dim > INT64_MAX / 2;
    d->dims[i] = absurd ? 0 : (int64_t)dim;
    absurd = absurd || __builtin_mul_overflow(d->count, d->dims[i], &d->count);
  }
  if (absurd || d->count > INT64_MAX / (8 > d->type_size ? 8 : d->type_size))
    return bad(o, " claims more elements than any machine holds");
  return CHI_OK;
}

/* Space that was never written reads as zeros: a writer that was cut short. */
static chi_status check_written(hid_t creation, const object *o, hid_t space, chi_h5_dataset *d)
{
  if (d->count == 0) return CHI_OK;
  if (H5Pget_layout(creation) != H5D_CHUNKED) {
    if ((int64_t)H5Dget_storage_size(d->id) < d->count * d->type_size)
      return bad(o, " was never written");
    return CHI_OK;
  }
  hsize_t chunk[CHI_H5_MAX_RANK] = {0}, n_written = 0;
  if (H5Pget_chunk(creation, CHI_H5_MAX_RANK, chunk) != d->rank ||
      H5Dget_num_chunks(d->id, space, &n_written) < 0)
    return unreadable(o, "read its chunk index");
  double n_chunks = 1; /* may be astronomical in a bad file */
  for (int i = 0; i < d->rank; i++) {
    if (chunk[i] == 0) return bad(o, ": empty chunks");
    n_chunks *= (double)(((uint64_t)d->dims[i] + chunk[i] - 1) / chunk[i]);
  }
  if ((double)n_written < n_chunks)
    return bad(o, " was never written in full: %lld of %.0f chunks are", (long long)n_written,
               n_chunks);
  d->chunk_rows = (int64_t)chunk[0];
  return CHI_OK;
}

chi_status chi_h5_open_dataset(hid_t group, const char *where, const char *prefix, const char *name,
                               chi_h5_dataset *out)
{
  const object o = {where, prefix, name};
  *out = (chi_h5_dataset){.id = H5I_INVALID_HID, .type = H5I_INVALID_HID};
  step(true);
  CHI_TRY(check_link(group, &o, H5O_TYPE_DATASET));
  hid_t space = H5I_INVALID_HID, creation = H5I_INVALID_HID;
  out->id = H5Dopen2(group, name, H5P_DEFAULT);
  if (out->id >= 0) creation = H5Dget_create_plist(out->id);
  chi_status s = creation < 0 ? unreadable(&o, "open it") : check_storage(creation, &o);
  if (s != CHI_OK) goto cleanup;
  space = H5Dget_space(out->id);
  out->type = H5Dget_type(out->id);
  if (space < 0 || out->type < 0) {
    s = unreadable(&o, "read its type and shape");
    goto cleanup;
  }
  out->type_class = H5Tget_class(out->type);
  out->type_size = (int64_t)H5Tget_size(out->type);
  s = read_shape(&o, space, out);
  if (s == CHI_OK) s = check_written(creation, &o, space, out);

cleanup:
  if (space >= 0) H5Sclose(space);
  if (creation >= 0) H5Pclose(creation);
  if (s != CHI_OK) chi_h5_close_dataset(out);
  return s;
}

void chi_h5_close_dataset(chi_h5_dataset *dataset)
{
  if (dataset->type >= 0) H5Tclose(dataset->type);
  if (dataset->id >= 0) H5Dclose(dataset->id);
  dataset->id = dataset->type = H5I_INVALID_HID;
}
