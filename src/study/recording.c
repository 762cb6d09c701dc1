/* The catalog's part of one response file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "h5/h5.h"
#include "study/catalog.h"

/* One file being read; note() collects what is wrong and lets the reading go on. */
typedef struct recording {
  chi_catalog *catalog;
  chi_dataset *d;
  chi_time_axis *axis;
  hid_t file;
  bool ok;           /* nothing wrong so far that others would build on */
  chi_status failed; /* what cannot be noted */
} recording;

static void note(recording *r, chi_status status)
{
  if (status == CHI_OK) return;
  r->ok = false;
  const chi_status left = chi_catalog_note(r->catalog->findings, status);
  if (left != CHI_OK) r->failed = left;
}

/* A text attribute of the root that must be there and say what the file's name says. */
static void check_says(recording *r, const char *name, const char *expected)
{
  char *text = NULL;
  const char *where = r->d->path;
  chi_status status = chi_h5_attribute_text(r->file, where, "/", name, &text);
  if (status == CHI_OK && text == NULL)
    status = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of / is missing, expected \"%s\"", where,
                      name, expected);
  else if (status == CHI_OK && strcmp(text, expected) != 0)
    status = chi_fail(CHI_ERR_INPUT, "%s: attribute %s of / is \"%s\", but the file's name says %s",
                      where, name, text, expected);
  note(r, status);
  chi_free(text);
}

chi_status chi_format_check(hid_t file, const char *where)
{
  bool found;
  double format = 0;
  CHI_TRY(chi_h5_attribute_number(file, where, "/", "chiasm_format", &found, &format));
  if (!found)
    return chi_fail(CHI_ERR_INPUT, "%s: attribute chiasm_format of / is missing, expected 1",
                    where);
  if (format != 1)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: attribute chiasm_format of / is %g, this chiasm reads format 1", where,
                    format);
  return CHI_OK;
}

static void read_response_shape(recording *r)
{
  static const char *const axes[] = {"events", "electrodes", "time bins"};
  chi_h5_dataset response;
  char *units = NULL;
  const char *where = r->d->path;
  chi_status status = chi_h5_open_dataset(r->file, where, "/", "response", &response);
  if (status == CHI_OK && response.rank != 3)
    status = chi_fail(CHI_ERR_INPUT,
                      "%s: /response has %d dimensions, expected 3 (event, electrode, time)", where,
                      response.rank);
  else if (status == CHI_OK && response.type_class != H5T_FLOAT)
    status = chi_fail(CHI_ERR_INPUT, "%s: /response is %s, expected float16, float32 or float64",
                      where, chi_h5_type_name(&response));
  for (int i = 0; i < 3 && status == CHI_OK; i++)
    if (response.dims[i] == 0)
      status = chi_fail(CHI_ERR_INPUT, "%s: /response has no %s", where, axes[i]);
  if (status == CHI_OK && (response.dims[0] > INT32_MAX || response.dims[1] > INT32_MAX ||
                           response.dims[2] > INT32_MAX))
    status =
        chi_fail(CHI_ERR_INPUT, "%s: /response has over 2^31 elements along a dimension", where);
  if (status == CHI_OK) {
    r->d->n_events = response.dims[0];
    r->d->n_electrodes = response.dims[1];
    r->axis->n = response.dims[2];
    status = chi_h5_attribute_text(response.id, where, "/response", "units", &units);
  }
  if (status == CHI_OK && units != NULL && !chi_label_ok(units))
    status = chi_fail(CHI_ERR_INPUT, "%s: attribute units of /response is no short text", where);
  if (status == CHI_OK && units != NULL) {
    chi_free(r->d->units);
    r->d->units = units;
    units = NULL;
  }
  chi_free(units);
  chi_h5_close_dataset(&response);
  note(r, status);
}

/* Whether /name has as many elements as /response along its dimension. */
static chi_status check_length(const char *where, const char *name, int64_t n, int64_t expected,
                               const char *what)
{
  if (n == expected) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: /%s has %lld elements, but /response has %lld %s", where,
                  name, (long long)n, (long long)expected, what);
}

static int compare_strings(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static chi_status check_electrodes(const chi_dataset *d)
{
  char **sorted = NULL;
  for (int64_t i = 0; i < d->n_electrodes; i++) {
    char what[64];
    snprintf(what, sizeof what, "/electrode[%lld]", (long long)i);
    CHI_TRY(chi_name_check(d->electrode[i], d->path, what));
  }
  CHI_TRY(chi_alloc(d->n_electrodes, sizeof *sorted, "electrode names", &sorted));
  memcpy(sorted, d->electrode, (size_t)d->n_electrodes * sizeof *sorted);
  qsort(sorted, (size_t)d->n_electrodes, sizeof *sorted, compare_strings);
  chi_status status = CHI_OK;
  for (int64_t i = 1; i < d->n_electrodes && status == CHI_OK; i++)
    if (strcmp(sorted[i - 1], sorted[i]) == 0)
      status = chi_fail(CHI_ERR_INPUT, "%s: /electrode holds \"%s\" twice, expected unique names",
                        d->path, sorted[i]);
  chi_free(sorted);
  return status;
}

/* Read /electrode or /region; a wrong one is dropped, so that what stays has the right length. */
static chi_status read_labels(recording *r, const char *name, char ***out)
{
  int64_t n;
  CHI_TRY(chi_h5_read_strings(r->file, r->d->path, name, &n, out));
  const chi_status status = check_length(r->d->path, name, n, r->d->n_electrodes, "electrodes");
  if (status != CHI_OK) chi_h5_free_strings(out, n);
  return status;
}

static void read_electrodes(recording *r)
{
  chi_dataset *d = r->d;
  chi_status status = read_labels(r, "electrode", &d->electrode);
  if (status == CHI_OK) status = check_electrodes(d);
  note(r, status);
  if (chi_h5_has(r->file, "region")) {
    status = read_labels(r, "region", &d->region);
    for (int64_t i = 0; status == CHI_OK && i < d->n_electrodes; i++)
      if (!chi_label_ok(d->region[i]))
        status = chi_fail(CHI_ERR_INPUT,
                          "%s: /region[%lld] is over 200 bytes, no UTF-8 or has control characters",
                          d->path, (long long)i);
    note(r, status);
  } else {
    status = chi_alloc(d->n_electrodes, sizeof *d->region, "regions", &d->region);
    for (int64_t i = 0; status == CHI_OK && i < d->n_electrodes; i++)
      status = chi_strdup("", &d->region[i]);
    note(r, status);
  }
}

/* Whether onsets ascend within their session; n_events of both are known to be right. */
static void check_order(recording *r)
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

static chi_status read_sessions(recording *r)
{
  chi_dataset *d = r->d;
  int64_t *session = NULL, n;
  CHI_TRY(chi_alloc(d->n_events, sizeof *d->session, "sessions", &d->session));
  if (!chi_h5_has(r->file, "session")) return CHI_OK;
  CHI_TRY(chi_h5_read_vector(r->file, d->path, "session", true, H5T_NATIVE_INT64, &n, &session));
  chi_status status = check_length(d->path, "session", n, d->n_events, "events");
  for (int64_t i = 0; i < d->n_events && status == CHI_OK; i++) {
    if (session[i] < INT32_MIN || session[i] > INT32_MAX)
      status = chi_fail(CHI_ERR_INPUT, "%s: /session[%lld] is %lld, expected an int32", d->path,
                        (long long)i, (long long)session[i]);
    else
      d->session[i] = (int32_t)session[i];
  }
  chi_free(session);
  return status;
}

static void read_events(recording *r)
{
  chi_dataset *d = r->d;
  int64_t n;
  chi_status status =
      chi_h5_read_vector(r->file, d->path, "onset", false, H5T_NATIVE_DOUBLE, &n, &d->onset);
  if (status == CHI_OK) status = check_length(d->path, "onset", n, d->n_events, "events");
  for (int64_t i = 0; status == CHI_OK && i < n; i++)
    if (!isfinite(d->onset[i]))
      status = chi_fail(CHI_ERR_INPUT, "%s: /onset[%lld] is %s, expected finite seconds", d->path,
                        (long long)i, isnan(d->onset[i]) ? "NaN" : "infinite");
  note(r, status);
  const bool onsets_ok = status == CHI_OK;
  status = read_sessions(r);
  note(r, status);
  if (onsets_ok && status == CHI_OK) check_order(r);
}

static chi_status read_bin_width(recording *r)
{
  bool found;
  const char *where = r->d->path;
  const hid_t time = H5Dopen2(r->file, "time", H5P_DEFAULT);
  if (time < 0) return chi_fail(CHI_ERR_INPUT, "%s: /time: HDF5 cannot open it", where);
  r->axis->bin_width = NAN;
  chi_status status =
      chi_h5_attribute_number(time, where, "/time", "bin_width_s", &found, &r->axis->bin_width);
  H5Dclose(time);
  if (status == CHI_OK && found && !(r->axis->bin_width > 0 && isfinite(r->axis->bin_width)))
    status = chi_fail(CHI_ERR_INPUT,
                      "%s: attribute bin_width_s of /time is %g, expected seconds above 0", where,
                      r->axis->bin_width);
  return status;
}

static void read_time(recording *r)
{
  chi_time_axis *axis = r->axis;
  const char *where = r->d->path;
  int64_t n;
  chi_status status =
      chi_h5_read_vector(r->file, where, "time", false, H5T_NATIVE_DOUBLE, &n, &axis->time);
  if (status == CHI_OK) status = check_length(where, "time", n, axis->n, "time bins");
  for (int64_t i = 0; status == CHI_OK && i < n; i++) {
    if (!isfinite(axis->time[i]))
      status = chi_fail(CHI_ERR_INPUT, "%s: /time[%lld] is %s, expected finite seconds", where,
                        (long long)i, isnan(axis->time[i]) ? "NaN" : "infinite");
    else if (i > 0 && axis->time[i] <= axis->time[i - 1])
      status =
          chi_fail(CHI_ERR_INPUT, "%s: /time[%lld] is %g s after %g s, expected an ascending axis",
                   where, (long long)i, axis->time[i], axis->time[i - 1]);
  }
  if (status == CHI_OK) status = read_bin_width(r);
  note(r, status);
}

/* One of /x, /y, /z; NaN where there is none. */
static chi_status read_coordinate(recording *r, const char *name, float **out)
{
  chi_dataset *d = r->d;
  int64_t n;
  if (!chi_h5_has(r->file, name)) {
    CHI_TRY(chi_alloc(d->n_electrodes, sizeof **out, name, out));
    for (int64_t i = 0; i < d->n_electrodes; i++) (*out)[i] = NAN;
    return CHI_OK;
  }
  CHI_TRY(chi_h5_read_vector(r->file, d->path, name, false, H5T_NATIVE_FLOAT, &n, out));
  return check_length(d->path, name, n, d->n_electrodes, "electrodes");
}

static void read_positions(recording *r)
{
  chi_dataset *d = r->d;
  const char *const names[] = {"x", "y", "z"};
  float **const out[] = {&d->x, &d->y, &d->z};
  for (int i = 0; i < 3; i++) note(r, read_coordinate(r, names[i], out[i]));
  if (!r->ok || !chi_h5_has(r->file, "x")) return;
  char *space = NULL;
  const hid_t x = H5Dopen2(r->file, "x", H5P_DEFAULT);
  chi_status status = chi_h5_attribute_text(x, d->path, "/x", "space", &space);
  H5Dclose(x);
  if (status == CHI_OK && space != NULL && !chi_label_ok(space))
    status = chi_fail(CHI_ERR_INPUT, "%s: attribute space of /x is no short text", d->path);
  if (status == CHI_OK && space != NULL) {
    chi_free(d->space);
    d->space = space;
    space = NULL;
  }
  chi_free(space);
  note(r, status);
}

static void read_exchangeable(recording *r)
{
  bool found;
  double value = 0;
  note(r, chi_h5_attribute_number(r->file, r->d->path, "/", "exchangeable", &found, &value));
  r->d->exchangeable = value != 0;
}

chi_status chi_recording_read(chi_catalog *catalog, const char *alignment, chi_dataset *dataset,
                              chi_time_axis *axis, bool *usable)
{
  recording r = {.catalog = catalog, .d = dataset, .axis = axis, .ok = true};
  char *path = NULL;
  *usable = false;
  CHI_TRY(chi_strdup("", &dataset->units));
  CHI_TRY(chi_strdup("", &dataset->space));
  chi_status status = chi_folder_contains(catalog, dataset->path);
  if (status == CHI_OK) status = chi_folder_path(catalog->root, dataset->path, &path);
  if (status == CHI_OK) status = chi_h5_open_read(path, dataset->path, &r.file);
  chi_free(path);
  if (status != CHI_OK) return chi_catalog_note(catalog->findings, status);
  note(&r, chi_format_check(r.file, dataset->path));
  check_says(&r, "subject", dataset->subject);
  check_says(&r, "alignment", alignment);
  read_exchangeable(&r);
  read_response_shape(&r);
  if (dataset->n_events > 0) { /* else lengths could only be compared with nothing */
    read_electrodes(&r);
    read_events(&r);
    read_time(&r);
    read_positions(&r);
  }
  H5Fclose(r.file);
  *usable = r.ok;
  return r.failed;
}

void chi_recording_free(chi_dataset *dataset)
{
  chi_free(dataset->subject);
  chi_free(dataset->path);
  chi_free(dataset->onset);
  chi_free(dataset->session);
  chi_h5_free_strings(&dataset->electrode, dataset->n_electrodes);
  chi_h5_free_strings(&dataset->region, dataset->n_electrodes);
  chi_free(dataset->x);
  chi_free(dataset->y);
  chi_free(dataset->z);
  chi_free(dataset->space);
  chi_free(dataset->units);
  *dataset = (chi_dataset){0};
}
