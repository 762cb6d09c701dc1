/* A recording in one HDF5 file. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "import/events.h"
#include "import/hdf5.h"

/* The names in a dataset of strings. */
static chi_status read_names(const char *path, const char *object, int64_t *n, char ***out)
{
  hid_t file;
  chi_object at;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) s = chi_object_find(file, path, object, &at);
  if (s == CHI_OK) s = chi_h5_read_strings(at.parent, path, at.name, 1, n, out);
  if (file >= 0) H5Fclose(file);
  chi_h5_unlock();
  return s;
}

/* Channels by the names given or else of the datasets, or by numbers. */
static chi_status add_channels(chi_raw *r, const chi_import_options *o, const char *path,
                               const chi_signals *signals)
{
  const int64_t n = chi_signals_n_channels(signals);
  int64_t n_names = n;
  char **names = NULL;
  chi_status s = o->names == NULL ? CHI_OK : read_names(path, o->names, &n_names, &names);
  if (s == CHI_OK && n_names != n)
    s = chi_fail(CHI_ERR_INPUT, "%s: /%s has %lld channels, but %s holds %lld names", path,
                 r->object, (long long)n, o->names, (long long)n_names);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    char number[32];
    snprintf(number, sizeof number, "ch%lld", (long long)i);
    const char *name = names != NULL ? names[i] : chi_signals_name(signals, i);
    if (name == NULL) name = number;
    s = chi_raw_add_channel(r, path, name,
                            chi_name_fits(o->channels, name) ? NULL : "that --channels leaves out");
  }
  chi_h5_free_strings(&names, n_names);
  return s;
}

static chi_status fill(chi_raw *r, const chi_import_options *o, const char *path)
{
  char file[PATH_MAX];
  chi_signals *signals = NULL;
  CHI_TRY(chi_strdup(path, &r->session[0].path));
  CHI_TRY(chi_strdup(o->dataset + strspn(o->dataset, "/"), &r->object));
  CHI_TRY(chi_signals_open(path, r->object, r->layout, &signals));
  const chi_status s = add_channels(r, o, path, signals);
  chi_signals_close(&signals);
  CHI_TRY(s);
  CHI_TRY(chi_raw_choose(r, path));
  CHI_TRY(chi_events_file(o->event_files, 0, 1, file));
  return chi_events_add(r, 0, file, o->event_column, NULL);
}

chi_status chi_plain_find(const char *path, const chi_import_options *options, chi_raw **out)
{
  *out = NULL;
  if (!(options->rate > 0))
    return chi_fail(CHI_ERR_USAGE, "--rate is missing: the samples per second of the recording");
  if (options->event_files == NULL)
    return chi_fail(CHI_ERR_USAGE,
                    "--event-file is missing: a CSV file with a column `start` in "
                    "seconds of the recording");
  CHI_TRY(chi_raw_create(options, options->subject, options->rate, 1, out));
  const chi_status s = fill(*out, options, path);
  if (s != CHI_OK) chi_raw_destroy(out);
  return s;
}
