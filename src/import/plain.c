#include "import/plain.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "h5/h5.h"
#include "import/events.h"

/* The names in a dataset of strings. */
static chi_status read_names(const char *path, const char *object, int64_t *n, char ***out)
{
  char folder[1024];
  hid_t file, at;
  const char *name = object + strspn(object, "/");
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  at = file;
  for (const char *slash; s == CHI_OK && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
    if (folder[0] != '\0') s = chi_h5_open_group(at, path, folder, &at);
  }
  if (s == CHI_OK) s = chi_h5_read_strings(at, path, name, n, out);
  if (file >= 0) H5Fclose(file);
  chi_h5_unlock();
  return s;
}

/* Names for those that have none: of the datasets, or numbers. */
static chi_status make_names(const chi_signals *signals, int64_t n, char ***out)
{
  CHI_TRY(chi_alloc(n, sizeof **out, "names", out));
  chi_status s = CHI_OK;
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    char number[32];
    const char *name = chi_signals_name(signals, i);
    snprintf(number, sizeof number, "ch%lld", (long long)i);
    s = chi_strdup(name != NULL ? name : number, &(*out)[i]);
  }
  if (s != CHI_OK) chi_h5_free_strings(out, n);
  return s;
}

static chi_status name_channels(chi_plan *p, const chi_import_options *o, const char *path)
{
  chi_signals *signals = NULL;
  char **names = NULL;
  int64_t n_names = 0;
  CHI_TRY(chi_signals_open(path, p->object, p->layout, &signals));
  const int64_t n = chi_signals_n_channels(signals);
  chi_status s;
  if (o->names == NULL) {
    s = make_names(signals, n, &names);
    n_names = n;
  } else {
    s = read_names(path, o->names, &n_names, &names);
  }
  if (s == CHI_OK && n_names != n)
    s = chi_fail(CHI_ERR_INPUT, "%s: /%s has %lld channels, but %s holds %lld names", path,
                 p->object, (long long)n, o->names, (long long)n_names);
  if (s == CHI_OK) s = chi_channels_make(path, n, (const char *const *)names, &p->channels);
  for (int64_t i = 0; i < p->channels.n && s == CHI_OK; i++)
    p->channels.item[i].left_out = !chi_name_fits(o->channels, p->channels.item[i].name);
  chi_h5_free_strings(&names, n_names);
  chi_signals_close(&signals);
  return s;
}

static chi_status fill(chi_plan *p, const chi_import_options *o, const char *path)
{
  char *file = NULL;
  CHI_TRY(chi_strdup(path, &p->session[0].path));
  CHI_TRY(chi_strdup(o->dataset + strspn(o->dataset, "/"), &p->object));
  CHI_TRY(name_channels(p, o, path));
  CHI_TRY(chi_plan_choose(p, path));
  CHI_TRY(chi_events_file(o->event_files, 0, 1, &file));
  const chi_status s = chi_events_add(p, 0, file, NULL);
  chi_free(file);
  return s;
}

chi_status chi_plain_plan(const char *path, const chi_import_options *options, chi_plan **out)
{
  *out = NULL;
  if (!(options->rate > 0))
    return chi_fail(CHI_ERR_USAGE, "--rate is missing: the samples per second of the recording");
  if (options->event_files == NULL)
    return chi_fail(CHI_ERR_USAGE,
                    "--event-file is missing: a CSV file with a column `start` in "
                    "seconds of the recording");
  CHI_TRY(chi_plan_create(options, options->subject, options->rate, 1, out));
  const chi_status s = fill(*out, options, path);
  if (s != CHI_OK) chi_plan_destroy(out);
  return s;
}
