/* The catalog's part of one response file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/catalog.h"

/* One file being read; note() collects what is wrong and lets the reading go on. */
typedef struct recording {
  const chi_catalog *catalog;
  chi_dataset *d;
  chi_time_axis *axis;
  hid_t file;
  bool ok;           /* nothing wrong so far that others would build on */
  chi_status failed; /* what cannot be noted */
} recording;

/* \return whether status is CHI_OK */
static bool note(recording *r, chi_status status)
{
  if (status == CHI_OK) return true;
  r->ok = false;
  const chi_status left = chi_catalog_note(r->catalog->findings, status);
  if (left != CHI_OK) r->failed = left;
  return false;
}

/* A short text that a dataset may have as an attribute; *out stays where there is none. */
static chi_status read_label(const recording *r, const char *dataset, const char *name, char **out)
{
  char *text = NULL, object[32];
  const hid_t id = H5Dopen2(r->file, dataset, H5P_DEFAULT);
  snprintf(object, sizeof object, "/%s", dataset);
  chi_status s = chi_h5_attribute_text(id, r->d->path, object, name, &text);
  if (id >= 0) H5Dclose(id);
  if (s == CHI_OK && text != NULL && !chi_label_ok(text))
    s = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of %s is no short text", r->d->path, name,
                 object);
  if (s == CHI_OK && text != NULL) {
    chi_free(*out);
    *out = text;
    return CHI_OK;
  }
  chi_free(text);
  return s;
}

static chi_status read_response_shape(const recording *r)
{
  static const char *const axes[] = {"events", "electrodes", "time bins"};
  chi_h5_dataset response;
  const char *where = r->d->path;
  CHI_TRY(chi_h5_open_dataset(r->file, where, "/", "response", &response));
  const int64_t *dims = response.dims;
  chi_status s = CHI_OK;
  if (response.rank != 3)
    s = chi_fail(CHI_ERR_INPUT,
                 "%s: /response has %d dimensions, expected 3 (event, electrode, time)", where,
                 response.rank);
  else
    s = chi_h5_check_numbers(&response, where, "/response");
  for (int i = 0; i < 3 && s == CHI_OK; i++)
    if (dims[i] == 0) s = chi_fail(CHI_ERR_INPUT, "%s: /response has no %s", where, axes[i]);
  if (s == CHI_OK && (dims[0] > INT32_MAX || dims[1] > INT32_MAX || dims[2] > INT32_MAX))
    s = chi_fail(CHI_ERR_INPUT, "%s: /response has over 2^31 elements along a dimension", where);
  chi_h5_close_dataset(&response);
  CHI_TRY(s);
  r->d->n_events = dims[0];
  r->d->n_electrodes = dims[1];
  r->axis->n = dims[2];
  return read_label(r, "response", "units", &r->d->units);
}

/* A dataset along one dimension of /response. */
typedef struct field {
  const char *name, *along; /* what the dimension counts */
  int64_t n;                /* elements expected */
  enum { TEXT, INTEGER, REAL, POSITION } kind;
  bool optional; /* where it is missing, all "", 0 or NaN */
  void *out;     /* address of the array: char *, int64_t, double or float */
} field;

static chi_status fill_missing(const field *f)
{
  char ***texts = f->out;
  float **numbers = f->out;
  const int64_t size = f->kind == POSITION ? (int64_t)sizeof **numbers : 8;
  CHI_TRY(chi_alloc(f->n, size, f->name, f->out));
  for (int64_t i = 0; i < f->n; i++) {
    if (f->kind == TEXT) CHI_TRY(chi_strdup("", &(*texts)[i]));
    if (f->kind == POSITION) (*numbers)[i] = NAN;
  }
  return CHI_OK;
}

/* What has another length than the dimension is dropped. */
static chi_status read_field(const recording *r, const field *f)
{
  const char *where = r->d->path;
  int64_t n = 0;
  if (f->optional && !chi_h5_has(r->file, f->name)) return fill_missing(f);
  if (f->kind == TEXT) {
    CHI_TRY(chi_h5_read_strings(r->file, where, f->name, 1, &n, f->out));
    if (n != f->n) chi_h5_free_strings(f->out, n);
  } else {
    const hid_t type = f->kind == INTEGER ? H5T_NATIVE_INT64
                       : f->kind == REAL  ? H5T_NATIVE_DOUBLE
                                          : H5T_NATIVE_FLOAT;
    CHI_TRY(chi_h5_read_vector(r->file, where, f->name, f->kind == INTEGER, type, &n, f->out));
  }
  if (n == f->n) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: /%s has %lld elements, but /response has %lld %s", where,
                  f->name, (long long)n, (long long)f->n, f->along);
}

static chi_status check_electrodes(const chi_dataset *d)
{
  char **sorted = NULL, what[64];
  for (int64_t i = 0; i < d->n_electrodes; i++) {
    snprintf(what, sizeof what, "/electrode[%lld]", (long long)i);
    CHI_TRY(chi_name_check(d->electrode[i], d->path, what));
  }
  CHI_TRY(chi_alloc(d->n_electrodes, sizeof *sorted, "electrode names", &sorted));
  memcpy(sorted, d->electrode, (size_t)d->n_electrodes * sizeof *sorted);
  qsort(sorted, (size_t)d->n_electrodes, sizeof *sorted, chi_names_compare);
  chi_status s = CHI_OK;
  for (int64_t i = 1; i < d->n_electrodes && s == CHI_OK; i++)
    if (strcmp(sorted[i - 1], sorted[i]) == 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: /electrode holds \"%s\" twice, expected unique names",
                   d->path, sorted[i]);
  chi_free(sorted);
  return s;
}

static chi_status check_regions(const chi_dataset *d)
{
  for (int64_t i = 0; i < d->n_electrodes; i++)
    if (!chi_label_ok(d->region[i]))
      return chi_fail(CHI_ERR_INPUT,
                      "%s: /region[%lld] is over 200 bytes, no UTF-8 or has control characters",
                      d->path, (long long)i);
  return CHI_OK;
}

static void read_electrodes(recording *r)
{
  chi_dataset *d = r->d;
  const int64_t n = d->n_electrodes;
  const field electrode = {"electrode", "electrodes", n, TEXT, false, &d->electrode};
  const field region = {"region", "electrodes", n, TEXT, true, &d->region};
  const field position[] = {{"x", "electrodes", n, POSITION, true, &d->x},
                            {"y", "electrodes", n, POSITION, true, &d->y},
                            {"z", "electrodes", n, POSITION, true, &d->z}};
  if (note(r, read_field(r, &electrode))) note(r, check_electrodes(d));
  if (note(r, read_field(r, &region))) note(r, check_regions(d));
  for (int i = 0; i < 3; i++) note(r, read_field(r, &position[i]));
  if (r->ok && chi_h5_has(r->file, "x")) note(r, read_label(r, "x", "space", &d->space));
}

/* Read /onset or /time: seconds. */
static chi_status read_seconds(const recording *r, const field *f)
{
  CHI_TRY(read_field(r, f));
  const double *value = *(double **)f->out;
  for (int64_t i = 0; i < f->n; i++)
    if (!isfinite(value[i]))
      return chi_fail(CHI_ERR_INPUT, "%s: /%s[%lld] is %s, expected finite seconds", r->d->path,
                      f->name, (long long)i, isnan(value[i]) ? "NaN" : "infinite");
  return CHI_OK;
}

/* Sessions with names are numbered as they come. */
static chi_status name_sessions(const recording *r)
{
  chi_dataset *d = r->d;
  char **name = NULL;
  int64_t *first = NULL, n = 0; /* an event of each session so far */
  const field f = {"session", "events", d->n_events, TEXT, false, &name};
  chi_status s = read_field(r, &f);
  if (s == CHI_OK) s = chi_alloc(d->n_events, sizeof *first, "sessions", &first);
  for (int64_t i = 0; i < d->n_events && s == CHI_OK; i++) {
    int64_t k = 0;
    while (k < n && strcmp(name[first[k]], name[i]) != 0) k++;
    if (k == n) first[n++] = i;
    d->session[i] = (int32_t)k;
  }
  chi_free(first);
  if (name != NULL) chi_h5_free_strings(&name, d->n_events);
  return s;
}

static bool are_texts(const recording *r, const char *name)
{
  chi_h5_dataset set;
  const bool texts = chi_h5_has(r->file, name) &&
                     chi_h5_open_dataset(r->file, r->d->path, "/", name, &set) == CHI_OK &&
                     set.type_class == H5T_STRING;
  if (chi_h5_has(r->file, name)) chi_h5_close_dataset(&set);
  return texts;
}

static chi_status read_sessions(const recording *r)
{
  chi_dataset *d = r->d;
  int64_t *session = NULL;
  const field f = {"session", "events", d->n_events, INTEGER, true, &session};
  chi_status s = chi_alloc(d->n_events, sizeof *d->session, "sessions", &d->session);
  if (s == CHI_OK && are_texts(r, "session")) return name_sessions(r);
  if (s == CHI_OK) s = read_field(r, &f);
  for (int64_t i = 0; i < d->n_events && s == CHI_OK; i++) {
    if (session[i] < INT32_MIN || session[i] > INT32_MAX)
      s = chi_fail(CHI_ERR_INPUT, "%s: /session[%lld] is %lld, expected an int32", d->path,
                   (long long)i, (long long)session[i]);
    else
      d->session[i] = (int32_t)session[i];
  }
  chi_free(session);
  return s;
}

/* Whether onsets ascend within their session. */
static void check_order(const recording *r)
{
  const chi_dataset *d = r->d;
  int64_t n_late = 0, first = -1;
  for (int64_t i = 1; i < d->n_events; i++)
    if (d->session[i] == d->session[i - 1] && d->onset[i] < d->onset[i - 1]) {
      if (n_late++ == 0) first = i;
    }
  if (n_late > 0 && !d->exchangeable)
    chi_findings_add(r->catalog->findings, false,
                     "%s: onsets are out of order: %lld events begin before the one before them in "
                     "their session, first event %lld (%g s after %g s)",
                     d->path, (long long)n_late, (long long)first, d->onset[first],
                     d->onset[first - 1]);
}

static void read_events(recording *r)
{
  chi_dataset *d = r->d;
  const field onset = {"onset", "events", d->n_events, REAL, false, &d->onset};
  const bool timed = note(r, read_seconds(r, &onset));
  if (note(r, read_sessions(r)) && timed) check_order(r);
}

static chi_status read_time(const recording *r)
{
  chi_time_axis *axis = r->axis;
  const char *where = r->d->path;
  const field f = {"time", "time bins", axis->n, REAL, false, &axis->time};
  bool found;
  CHI_TRY(read_seconds(r, &f));
  for (int64_t i = 1; i < axis->n; i++)
    if (axis->time[i] <= axis->time[i - 1])
      return chi_fail(CHI_ERR_INPUT,
                      "%s: /time[%lld] is %g s after %g s, expected an ascending axis", where,
                      (long long)i, axis->time[i], axis->time[i - 1]);
  const hid_t id = H5Dopen2(r->file, "time", H5P_DEFAULT);
  axis->bin_width = NAN;
  const chi_status s =
      chi_h5_attribute_number(id, where, "/time", "bin_width_s", &found, &axis->bin_width);
  if (id >= 0) H5Dclose(id);
  if (s == CHI_OK && found && !(axis->bin_width > 0 && isfinite(axis->bin_width)))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: attribute bin_width_s of /time is %g, expected seconds above 0", where,
                    axis->bin_width);
  return s;
}

chi_status chi_recording_read(const chi_catalog *catalog, const char *alignment,
                              chi_dataset *dataset, chi_time_axis *axis, bool *usable)
{
  recording r = {.catalog = catalog, .d = dataset, .axis = axis, .ok = true, .failed = CHI_OK};
  const char *where = dataset->path;
  bool found;
  double exchangeable = 0;
  *usable = false;
  CHI_TRY(chi_strdup("", &dataset->units));
  CHI_TRY(chi_strdup("", &dataset->space));
  if (!note(&r, chi_folder_open_file(catalog, where, &r.file))) return r.failed;
  note(&r, chi_format_check(r.file, where));
  note(&r, chi_root_says(r.file, where, "subject", dataset->subject));
  note(&r, chi_root_says(r.file, where, "alignment", alignment));
  note(&r, chi_h5_attribute_number(r.file, where, "/", "exchangeable", &found, &exchangeable));
  dataset->exchangeable = exchangeable != 0;
  note(&r, read_response_shape(&r));
  if (dataset->n_events > 0) { /* else lengths could only be compared with nothing */
    read_electrodes(&r);
    read_events(&r);
    note(&r, read_time(&r));
  }
  H5Fclose(r.file);
  *usable = r.ok;
  return r.failed;
}
