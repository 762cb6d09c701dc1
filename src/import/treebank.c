#include "import/treebank.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "import/events.h"
#include "import/json.h"
#include "import/localise.h"

static const double sampling_rate = 2048;

/* What every step of the planning needs. */
typedef struct treebank {
  const char *root;
  const chi_import_options *options;
  int number; /* of the subject */
  chi_plan *plan;
} treebank;

static chi_status make_path(char *out, const treebank *b, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ROOT/..., in a buffer of PATH_MAX. */
static chi_status make_path(char *out, const treebank *b, const char *format, ...)
{
  char rest[PATH_MAX];
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(rest, sizeof rest, format, args);
  va_end(args);
  if (n < PATH_MAX && snprintf(out, PATH_MAX, "%s/%s", b->root, rest) < PATH_MAX) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "%.100s...: the path is too long", b->root);
}

/* "3" or "sub_3". */
static chi_status take_subject(treebank *b)
{
  const char *text = b->options->subject;
  char *end;
  if (text == NULL) return chi_fail(CHI_ERR_USAGE, "--subject is missing");
  if (strncmp(text, "sub_", 4) == 0) text += 4;
  const long number = strtol(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != '\0' || number > 9999)
    return chi_fail(CHI_ERR_USAGE, "--subject: `%.80s` is no subject's number", text);
  b->number = (int)number;
  return CHI_OK;
}

static chi_status check_options(const treebank *b)
{
  const chi_import_options *o = b->options;
  struct stat info;
  if (stat(b->root, &info) != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: %s", b->root,
                    errno == ENOENT ? "there is no such folder" : strerror(errno));
  if (!S_ISDIR(info.st_mode)) return chi_fail(CHI_ERR_INPUT, "%s: is no folder", b->root);
  for (int i = 0; i < o->n_trials; i++) {
    if (o->trials[i] != (double)(int)o->trials[i])
      return chi_fail(CHI_ERR_USAGE, "--trial: %g is no trial's number", o->trials[i]);
    for (int j = 0; j < i; j++)
      if (o->trials[i] == o->trials[j])
        return chi_fail(CHI_ERR_USAGE, "--trial: %g is given twice", o->trials[i]);
  }
  if (o->alignment != NULL && strcmp(o->alignment, "language") != 0 && o->event_files == NULL)
    return chi_fail(CHI_ERR_USAGE,
                    "--alignment %.80s needs --event-file FILE.csv, with a column "
                    "`start` in seconds of the film; only `language` has its events in the data "
                    "set",
                    o->alignment);
  return CHI_OK;
}

/* Recordings lie in all_subject_data or beside it. */
static chi_status find_recording(const treebank *b, int trial, char **out)
{
  char path[PATH_MAX];
  CHI_TRY(make_path(path, b, "all_subject_data/sub_%d_trial%03d.h5", b->number, trial));
  if (access(path, F_OK) != 0) {
    CHI_TRY(make_path(path, b, "sub_%d_trial%03d.h5", b->number, trial));
    if (access(path, F_OK) != 0)
      return chi_fail(CHI_ERR_INPUT,
                      "%s/sub_%d_trial%03d.h5: there is no such file, nor in "
                      "%s/all_subject_data",
                      b->root, b->number, trial, b->root);
  }
  return chi_strdup(path, out);
}

static chi_status read_labels(treebank *b, const char *path)
{
  json_t *list = NULL;
  const char **label = NULL;
  CHI_TRY(chi_json_read(path, JSON_ARRAY, &list));
  const int64_t n = (int64_t)json_array_size(list);
  chi_status s = chi_json_strings(path, "the top", list, &label);
  char **stripped = NULL;
  if (s == CHI_OK) s = chi_alloc(n, sizeof *stripped, "labels", &stripped);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    s = chi_strdup(label[i], &stripped[i]);
    if (s == CHI_OK) chi_label_strip(stripped[i]);
  }
  if (s == CHI_OK)
    s = chi_channels_make(path, n, (const char *const *)stripped, &b->plan->channels);
  for (int64_t i = 0; i < b->plan->channels.n; i++) {
    chi_channel *c = &b->plan->channels.item[i];
    if (s == CHI_OK)
      c->left_out = strncmp(c->name, "DC", 2) == 0 || strncmp(c->name, "TRIG", 4) == 0;
  }
  for (int64_t i = 0; stripped != NULL && i < n; i++) chi_free(stripped[i]);
  chi_free(stripped);
  chi_free(label);
  json_decref(list);
  return s;
}

/* Leave out the electrodes that a key of corrupted_elec.json lists, if it is there. */
static chi_status leave_out(treebank *b, const char *path, const json_t *all, const char *key,
                            bool *found)
{
  const json_t *list = json_object_get(all, key);
  const char **label = NULL;
  if (list == NULL) return CHI_OK;
  *found = true;
  CHI_TRY(chi_json_strings(path, key, list, &label));
  chi_status s = CHI_OK;
  for (size_t i = 0; i < json_array_size(list) && s == CHI_OK; i++) {
    char *name = NULL;
    s = chi_strdup(label[i], &name);
    if (s != CHI_OK) break;
    chi_label_strip(name);
    const int64_t c = chi_channels_find(&b->plan->channels, name);
    if (c >= 0)
      b->plan->channels.item[c].left_out = true;
    else
      chi_plan_note(b->plan, "!%s: %s: `%.60s` is no label of this subject", path, key, label[i]);
    chi_free(name);
  }
  chi_free(label);
  return s;
}

static chi_status read_corrupted(treebank *b)
{
  char path[PATH_MAX], key[32];
  json_t *all = NULL;
  bool found = false;
  CHI_TRY(make_path(path, b, "corrupted_elec.json"));
  if (access(path, F_OK) != 0 && errno == ENOENT)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: there is no such file; it says which electrodes are no "
                    "good (to import them all, write {} into it)",
                    path);
  CHI_TRY(chi_json_read(path, JSON_OBJECT, &all));
  snprintf(key, sizeof key, "sub_%d", b->number);
  chi_status s = leave_out(b, path, all, key, &found);
  snprintf(key, sizeof key, "subject%d", b->number);
  if (s == CHI_OK) s = leave_out(b, path, all, key, &found);
  if (s == CHI_OK && !found)
    chi_plan_note(b->plan,
                  "!%s: has neither sub_%d nor subject%d: no electrode of this subject is "
                  "left out",
                  path, b->number, b->number);
  json_decref(all);
  return s;
}

/* Dataset i must be electrode_i, and there must be one for each label. */
static chi_status check_datasets(treebank *b, const char *path, const char *labels)
{
  chi_signals *signals = NULL;
  chi_status s = chi_signals_open(path, "data", CHI_LAYOUT_AUTO, &signals);
  const int64_t n_labels = b->plan->channels.n;
  const int64_t n = s == CHI_OK ? chi_signals_n_channels(signals) : 0;
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    char expected[40];
    const char *name = chi_signals_name(signals, i);
    snprintf(expected, sizeof expected, "electrode_%lld", (long long)i);
    if (name == NULL || strcmp(name, expected) != 0)
      s = chi_fail(CHI_ERR_INPUT, "%s: /data has %s where %s was expected", path,
                   name == NULL ? "no group" : name, expected);
  }
  chi_signals_close(&signals);
  if (s == CHI_OK && n < n_labels)
    s = chi_fail(CHI_ERR_INPUT, "%s: /data has %lld datasets, but %s has %lld labels", path,
                 (long long)n, labels, (long long)n_labels);
  /* One too many is known of the data set, and it is the last. */
  if (s == CHI_OK && n > n_labels)
    chi_plan_note(b->plan,
                  "%s%s: /data has %lld datasets, but %s has %lld labels: the datasets "
                  "from electrode_%lld on are ignored",
                  n > n_labels + 1 ? "!" : "", path, (long long)n, labels, (long long)n_labels,
                  (long long)n_labels);
  return s;
}

/* The folder of the trial's film among the transcripts. */
static chi_status find_movie(const treebank *b, int trial, char *out)
{
  char path[PATH_MAX];
  json_t *metadata = NULL;
  CHI_TRY(make_path(path, b, "subject_metadata/sub_%d_trial%03d_metadata.json", b->number, trial));
  CHI_TRY(chi_json_read(path, JSON_OBJECT, &metadata));
  const char *movie = json_string_value(json_object_get(metadata, "filename"));
  chi_status s = CHI_OK;
  if (movie == NULL)
    s = chi_fail(CHI_ERR_INPUT, "%s: has no string `filename`, expected the film's name", path);
  else if (!chi_name_ok(movie, true))
    s = chi_fail(CHI_ERR_INPUT, "%s: filename `%.80s` is no name of a folder", path, movie);
  else
    s = make_path(out, b, "transcripts/%s/features.csv", movie);
  json_decref(metadata);
  return s;
}

static chi_status add_events(treebank *b, int64_t session)
{
  char path[PATH_MAX];
  char *file = NULL;
  chi_triggers triggers;
  const int trial = (int)b->options->trials[session];
  CHI_TRY(make_path(path, b, "subject_timings/sub_%d_trial%03d_timings.csv", b->number, trial));
  CHI_TRY(chi_triggers_read(path, &triggers));
  chi_status s;
  if (b->options->event_files != NULL) {
    s = chi_events_file(b->options->event_files, session, b->plan->n_sessions, &file);
  } else {
    s = find_movie(b, trial, path);
    if (s == CHI_OK) s = chi_strdup(path, &file);
  }
  if (s == CHI_OK) s = chi_events_add(b->plan, session, file, &triggers);
  chi_free(file);
  chi_triggers_free(&triggers);
  return s;
}

static chi_status fill(treebank *b)
{
  char labels[PATH_MAX], path[PATH_MAX];
  chi_plan *p = b->plan;
  CHI_TRY(make_path(labels, b, "electrode_labels/sub_%d/electrode_labels.json", b->number));
  CHI_TRY(chi_strdup("data", &p->object));
  CHI_TRY(chi_strdup("Brain Treebank", &p->source));
  CHI_TRY(read_labels(b, labels));
  CHI_TRY(read_corrupted(b));
  for (int64_t i = 0; i < p->n_sessions; i++) {
    CHI_TRY(find_recording(b, (int)b->options->trials[i], &p->session[i].path));
    CHI_TRY(check_datasets(b, p->session[i].path, labels));
  }
  CHI_TRY(chi_plan_choose(p, labels));
  CHI_TRY(make_path(path, b, "localization/sub_%d/depth-wm.csv", b->number));
  CHI_TRY(chi_localise_regions(p, path, b->options->atlas));
  CHI_TRY(make_path(path, b, "localization/elec_coords_full.csv"));
  CHI_TRY(chi_localise_places(p, path));
  for (int64_t i = 0; i < p->n_sessions; i++) CHI_TRY(add_events(b, i));
  return CHI_OK;
}

chi_status chi_treebank_plan(const char *root, const chi_import_options *options, chi_plan **out)
{
  treebank b = {.root = root, .options = options};
  char subject[32];
  *out = NULL;
  CHI_TRY(take_subject(&b));
  CHI_TRY(check_options(&b));
  snprintf(subject, sizeof subject, "sub_%d", b.number);
  CHI_TRY(chi_plan_create(options, subject, sampling_rate, options->n_trials, out));
  b.plan = *out;
  const chi_status s = fill(&b);
  if (s != CHI_OK) chi_plan_destroy(out);
  return s;
}
