/* The Brain Treebank's files. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "import/csv.h"
#include "import/events.h"
#include "study/catalog.h"

enum { LABEL_ROOM = 202 }; /* one longer than a name can be */

static const double sampling_rate = 2048;

/* What every step needs. */
typedef struct treebank {
  const char *root;
  const chi_import_options *options;
  int number; /* of the subject */
  chi_raw *r;
} treebank;

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
  static const char *const folders[] = {"all_subject_data/", ""};
  char path[PATH_MAX];
  for (int i = 0; i < 2; i++) {
    CHI_TRY(chi_path_format(path, b->root, "%ssub_%d_trial%03d.h5", folders[i], b->number, trial));
    if (access(path, F_OK) == 0) return chi_strdup(path, out);
  }
  return chi_fail(CHI_ERR_INPUT, "%s: there is no such file, nor in %s/all_subject_data", path,
                  b->root);
}

/* A label without '*', '#' and every '_' but one between two digits: F3_10 is no F310. One that is
 * too long becomes a name that is too long. */
static void strip_label(const char *label, char name[LABEL_ROOM])
{
  int n = 0;
  for (const char *c = label; *c != '\0' && n < LABEL_ROOM - 1; c++) {
    const bool parts =
        *c == '_' && n > 0 && isdigit((unsigned char)name[n - 1]) && isdigit((unsigned char)c[1]);
    if (strchr("*#_", *c) == NULL || parts) name[n++] = *c;
  }
  name[n] = '\0';
}

/* Whether two names are the same but for their '_'. */
static bool same_label(const char *a, const char *b)
{
  for (;; a++, b++) {
    a += strspn(a, "_");
    b += strspn(b, "_");
    if (*a != *b) return false;
    if (*a == '\0') return true;
  }
}

/* The channel of a label, or NULL: some tables have a '_' less. */
static chi_channel *find_channel(const treebank *b, const char *label)
{
  char name[LABEL_ROOM];
  strip_label(label, name);
  chi_channel *found = chi_raw_find_channel(b->r, name);
  for (int64_t i = 0; i < b->r->n_channels && found == NULL; i++)
    if (same_label(b->r->channel[i].name, name)) found = &b->r->channel[i];
  return found;
}

static chi_status take_label(void *context, const char *path, const char *what, const char *label)
{
  treebank *b = context;
  char name[LABEL_ROOM];
  (void)what;
  strip_label(label, name);
  const bool trigger = strncmp(name, "DC", 2) == 0 || strncmp(name, "TRIG", 4) == 0;
  return chi_raw_add_channel(b->r, path, name, trigger ? "that are triggers" : NULL);
}

static chi_status read_labels(treebank *b, const char *path)
{
  json_t *list;
  CHI_TRY(chi_json_read(path, JSON_ARRAY, &list));
  const chi_status s = chi_json_each(path, "the top", list, take_label, b);
  json_decref(list);
  return s;
}

static chi_status leave_out(void *context, const char *path, const char *key, const char *label)
{
  treebank *b = context;
  chi_channel *channel = find_channel(b, label);
  if (channel != NULL)
    channel->left_out = "that corrupted_elec.json lists";
  else
    chi_raw_note(b->r, "!%s: %s: `%.60s` is no label of this subject", path, key, label);
  return CHI_OK;
}

/* Leave out the electrodes that corrupted_elec.json lists under either key. */
static chi_status read_corrupted(treebank *b)
{
  char path[PATH_MAX], key[2][32];
  json_t *all;
  chi_status s = CHI_OK;
  int n_found = 0;
  CHI_TRY(chi_path_join(path, b->root, "corrupted_elec.json"));
  if (access(path, F_OK) != 0 && errno == ENOENT)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: there is no such file; it says which electrodes are no good (to import "
                    "them all, write {} into it)",
                    path);
  CHI_TRY(chi_json_read(path, JSON_OBJECT, &all));
  snprintf(key[0], sizeof key[0], "sub_%d", b->number);
  snprintf(key[1], sizeof key[1], "subject%d", b->number);
  for (int i = 0; i < 2 && s == CHI_OK; i++) {
    const json_t *list = json_object_get(all, key[i]);
    if (list == NULL) continue;
    n_found++;
    s = chi_json_each(path, key[i], list, leave_out, b);
  }
  if (s == CHI_OK && n_found == 0)
    chi_raw_note(b->r, "!%s: has neither %s nor %s: no electrode of this subject is left out", path,
                 key[0], key[1]);
  json_decref(all);
  return s;
}

/* Dataset i must be electrode_i, and there must be one for each label. */
static chi_status check_datasets(treebank *b, const char *path, const char *labels)
{
  chi_signals *signals = NULL;
  chi_status s = chi_signals_open(path, "data", CHI_LAYOUT_AUTO, &signals);
  const int64_t n_labels = b->r->n_channels;
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
    chi_raw_note(b->r,
                 "%s%s: /data has %lld datasets, but %s has %lld labels: the datasets "
                 "from electrode_%lld on are ignored",
                 n > n_labels + 1 ? "!" : "", path, (long long)n, labels, (long long)n_labels,
                 (long long)n_labels);
  return s;
}

/* The name of a region without its side, which the coordinates tell. */
static const char *without_side(const char *region)
{
  static const char *const sides[] = {"ctx-lh-", "ctx-rh-", "ctx_lh_",
                                      "ctx_rh_", "Left-",   "Right-"};
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
    if (strncmp(region, sides[i], strlen(sides[i])) == 0) return region + strlen(sides[i]);
  return region;
}

static chi_status choose_atlas(const chi_csv *csv, const char *atlas, int64_t *column)
{
  static const char *const preferred[] = {"DKT", "DesikanKilliany", "Destrieux"};
  if (atlas != NULL) return chi_csv_require(csv, atlas, column);
  *column = chi_csv_find(csv, preferred[0]);
  for (int64_t i = 0; *column < 0 && i < csv->n_columns; i++)
    if (strstr(csv->header[i], "DKT") != NULL) *column = i;
  for (int i = 1; *column < 0 && i < 3; i++) *column = chi_csv_find(csv, preferred[i]);
  return *column >= 0 ? CHI_OK : chi_csv_require(csv, preferred[0], column);
}

/* The columns that are taken: one of regions, or three of places. */
static chi_status find_columns(const treebank *b, const chi_csv *csv, bool places, int64_t *column)
{
  static const char *const axes[] = {"X", "Y", "Z"};
  for (int k = 0; k < 3 && places; k++) CHI_TRY(chi_csv_require(csv, axes[k], &column[k]));
  if (places) return CHI_OK;
  CHI_TRY(choose_atlas(csv, b->options->atlas, column));
  chi_raw_note(b->r, "%s: regions are those of column %s", csv->where, csv->header[*column]);
  return CHI_OK;
}

static chi_status take_region(const chi_csv *csv, int64_t row, int64_t column, chi_channel *channel)
{
  const char *region = without_side(chi_csv_text(csv, row, column)), *wrong = NULL;
  if (!chi_label_ok(region)) wrong = "has a region that is no short text";
  if (channel->region[0] != '\0') wrong = "has had a row before";
  if (wrong != NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: line %lld: electrode %s %s", csv->where,
                    (long long)csv->line[row], channel->name, wrong);
  chi_free(channel->region);
  return chi_strdup(region, &channel->region);
}

static chi_status take_place(const chi_csv *csv, int64_t row, const int64_t *column,
                             chi_channel *channel)
{
  for (int k = 0; k < 3; k++) {
    double value;
    CHI_TRY(chi_csv_number(csv, row, column[k], &value));
    channel->xyz[k] = (float)value;
  }
  return CHI_OK;
}

/* Count the imported electrodes that a table does not have. */
static void note_without(treebank *b, const char *path, bool places)
{
  int64_t n = 0;
  const char *first = "";
  for (int64_t i = 0; i < b->r->n_electrodes; i++) {
    const chi_channel *c = &b->r->channel[b->r->electrode[i].channel];
    if (places ? !isnan(c->xyz[0]) : c->region[0] != '\0') continue;
    if (n++ == 0) first = c->name;
  }
  if (n > 0)
    chi_raw_note(b->r, "!%s: %lld of %lld electrodes have no %s there, the first is %s", path,
                 (long long)n, (long long)b->r->n_electrodes, places ? "coordinates" : "region",
                 first);
}

/* Rows come in another order than the channels; in the table of places their labels are
 * "<subject>-<label>", of all subjects. */
static chi_status take_rows(treebank *b, const chi_csv *csv, bool places)
{
  int64_t key, column[3];
  const size_t n = strlen(b->r->subject);
  CHI_TRY(chi_csv_require(csv, places ? "ID" : "Electrode", &key));
  CHI_TRY(find_columns(b, csv, places, column));
  for (int64_t i = 0; i < csv->n_rows; i++) {
    const char *label = chi_csv_text(csv, i, key);
    if (places && (strncmp(label, b->r->subject, n) != 0 || label[n] != '-')) continue;
    chi_channel *channel = find_channel(b, places ? label + n + 1 : label);
    if (channel != NULL)
      CHI_TRY(places ? take_place(csv, i, column, channel) : take_region(csv, i, *column, channel));
  }
  note_without(b, csv->where, places);
  return CHI_OK;
}

/* A table of electrodes' regions or places. One that is not there is noted, unless an atlas in it
 * is asked for. */
static chi_status read_table(treebank *b, const char *path, bool places, bool *there)
{
  chi_csv csv;
  const bool needed = !places && b->options->atlas != NULL;
  *there = needed || access(path, F_OK) == 0 || errno != ENOENT;
  if (!*there) {
    chi_raw_note(b->r, "!%s: there is no such file, so the electrodes get no %s", path,
                 places ? "coordinates" : "regions");
    return CHI_OK;
  }
  CHI_TRY(chi_csv_read(path, &csv));
  const chi_status s = take_rows(b, &csv, places);
  chi_csv_free(&csv);
  return s;
}

/* The words of the trial's film, among the transcripts. */
static chi_status find_words(const treebank *b, int trial, char *out)
{
  char path[PATH_MAX];
  json_t *metadata;
  CHI_TRY(chi_path_format(path, b->root, "subject_metadata/sub_%d_trial%03d_metadata.json",
                          b->number, trial));
  CHI_TRY(chi_json_read(path, JSON_OBJECT, &metadata));
  const char *movie = json_string_value(json_object_get(metadata, "filename"));
  chi_status s;
  if (movie == NULL)
    s = chi_fail(CHI_ERR_INPUT, "%s: has no string `filename`, expected the film's name", path);
  else if (!chi_name_ok(movie, true))
    s = chi_fail(CHI_ERR_INPUT, "%s: filename `%.80s` is no name of a folder", path, movie);
  else
    s = chi_path_format(out, b->root, "transcripts/%s/features.csv", movie);
  json_decref(metadata);
  return s;
}

static chi_status add_events(treebank *b, int64_t session)
{
  char timings[PATH_MAX], file[PATH_MAX];
  const int trial = (int)b->options->trials[session];
  const char *files = b->options->event_files;
  CHI_TRY(chi_path_format(timings, b->root, "subject_timings/sub_%d_trial%03d_timings.csv",
                          b->number, trial));
  CHI_TRY(files != NULL ? chi_events_file(files, session, b->r->n_sessions, file)
                        : find_words(b, trial, file));
  return chi_events_add(b->r, session, file, b->options->event_column, timings);
}

static chi_status fill(treebank *b)
{
  char labels[PATH_MAX], path[PATH_MAX];
  chi_raw *r = b->r;
  CHI_TRY(
      chi_path_format(labels, b->root, "electrode_labels/sub_%d/electrode_labels.json", b->number));
  CHI_TRY(chi_strdup("data", &r->object));
  CHI_TRY(chi_strdup("Brain Treebank", &r->source));
  CHI_TRY(read_labels(b, labels));
  CHI_TRY(read_corrupted(b));
  for (int64_t i = 0; i < r->n_sessions; i++) {
    CHI_TRY(find_recording(b, (int)b->options->trials[i], &r->session[i].path));
    CHI_TRY(check_datasets(b, r->session[i].path, labels));
  }
  CHI_TRY(chi_raw_choose(r, labels));
  CHI_TRY(chi_path_format(path, b->root, "localization/sub_%d/depth-wm.csv", b->number));
  CHI_TRY(read_table(b, path, false, &r->has_regions));
  CHI_TRY(chi_path_join(path, b->root, "localization/elec_coords_full.csv"));
  CHI_TRY(read_table(b, path, true, &r->has_places));
  for (int64_t i = 0; i < r->n_sessions; i++) CHI_TRY(add_events(b, i));
  return CHI_OK;
}

chi_status chi_treebank_find(const char *root, const chi_import_options *options, chi_raw **out)
{
  treebank b = {.root = root, .options = options};
  char subject[32];
  *out = NULL;
  CHI_TRY(take_subject(&b));
  CHI_TRY(check_options(&b));
  snprintf(subject, sizeof subject, "sub_%d", b.number);
  CHI_TRY(chi_raw_create(options, subject, sampling_rate, options->n_trials, out));
  b.r = *out;
  const chi_status s = fill(&b);
  if (s != CHI_OK) chi_raw_destroy(out);
  return s;
}
