/* What the catalog alone says: windows and folds, twins, and the table of what would be fitted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/folds.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "study/catalog.h"
#include "study/check.h"

enum { MODELS_NAMED = 5 };

/* An event where its windows are compared: in time, within its session. */
typedef struct event {
  int32_t session, fold;
  int64_t number; /* in the file */
  double onset;
} event;

static int by_time(const void *a, const void *b)
{
  const event *p = a, *q = b;
  if (p->session != q->session) return p->session > q->session ? 1 : -1;
  if (p->onset != q->onset) return p->onset > q->onset ? 1 : -1;
  return (p->number > q->number) - (p->number < q->number);
}

/* Events with another within `span` in a different fold. `events` in the order of by_time: a window
 * [low, high) slides over them, in_fold counts its events by fold. */
static int64_t count_overlaps(const event *e, int64_t n, double span, int64_t *in_fold)
{
  int64_t low = 0, high = 0, count = 0;
  for (int64_t i = 0; i < n; i++) {
    while (high < n && (e[high].session < e[i].session ||
                        (e[high].session == e[i].session && e[high].onset - e[i].onset < span)))
      in_fold[e[high++].fold]++;
    while (e[low].session < e[i].session || e[i].onset - e[low].onset >= span)
      in_fold[e[low++].fold]--;
    count += high - low > in_fold[e[i].fold];
  }
  return count;
}

/* Windows that overlap across the border of folds: the recordings that have them, and the one with
 * the largest share of such events. */
typedef struct overlaps {
  int32_t recordings;
  const chi_dataset *worst;
  int64_t n;   /* there */
  double span; /* there, s */
  double most; /* the longest of any, s */
} overlaps;

static chi_status add_windows(const chi_study *study, const chi_dataset *d, int32_t folds,
                              const event *events, overlaps *o)
{
  const chi_alignment *a = &study->alignments[d->alignment];
  const double bin = isnan(a->bin_width) ? 0 : a->bin_width;
  const double span = a->time[a->n_times - 1] - a->time[0] + bin;
  int64_t *in_fold = NULL;
  if (span <= 0) return CHI_OK; /* one bin of unknown width */
  CHI_TRY(chi_alloc(folds, sizeof *in_fold, "folds", &in_fold));
  const int64_t n = count_overlaps(events, d->n_events, span, in_fold);
  chi_free(in_fold);
  if (n == 0) return CHI_OK;
  o->recordings++;
  o->most = fmax(o->most, span);
  if (o->worst != NULL &&
      (double)n / (double)d->n_events <= (double)o->n / (double)o->worst->n_events)
    return CHI_OK;
  o->worst = d;
  o->n = n;
  o->span = span;
  return CHI_OK;
}

static void judge_windows(const overlaps *o, chi_findings *findings)
{
  char more[64] = "";
  if (o->recordings == 0) return;
  if (o->recordings > 1)
    snprintf(more, sizeof more, ", and so do fewer in %d more recordings", (int)o->recordings - 1);
  chi_findings_add(findings, false,
                   "%s: the windows (%g s) of %lld of %lld events overlap with events of another "
                   "fold%s; fit --gap %g leaves those out of training",
                   o->worst->path, o->span, (long long)o->n, (long long)o->worst->n_events, more,
                   o->most);
}

/* Copies of one event may stand in training and in what is held out, and are then no test. */
static void check_copies(const chi_dataset *d, const event *events, chi_findings *findings)
{
  int64_t n = 0, first = 0;
  for (int64_t i = 1; i < d->n_events; i++)
    if (events[i].session == events[i - 1].session && events[i].onset == events[i - 1].onset &&
        n++ == 0)
      first = i;
  if (n > 0)
    chi_findings_add(findings, false,
                     "%s: %lld of %lld events have the session and onset of another one, the first "
                     "at %g s (events %lld and %lld, counted from 0); copies of an event on both "
                     "sides of a border between folds make scores too good: keep one of each",
                     d->path, (long long)n, (long long)d->n_events, events[first].onset,
                     (long long)events[first - 1].number, (long long)events[first].number);
}

static chi_status check_events(const chi_study *study, const chi_dataset *d, int32_t folds,
                               overlaps *o, chi_findings *findings)
{
  event *events = NULL;
  CHI_TRY(chi_alloc(d->n_events, sizeof *events, "events", &events));
  for (int32_t f = 0; f < folds; f++) {
    const int64_t end = chi_folds_border(folds, d->n_events, 2 * f + 2);
    for (int64_t i = chi_folds_border(folds, d->n_events, 2 * f); i < end; i++)
      events[i] = (event){d->session[i], f, i, d->onset[i]};
  }
  qsort(events, (size_t)d->n_events, sizeof *events, by_time);
  check_copies(d, events, findings);
  const chi_status status = add_windows(study, d, folds, events, o);
  chi_free(events);
  return status;
}

/* The end of the model whose first layer is space `first`. */
static int64_t model_end(const chi_alignment *a, int64_t first)
{
  int64_t end = first + 1;
  while (end < a->n_spaces && strcmp(a->space[end].model, a->space[first].model) == 0) end++;
  return end;
}

static bool is_random(const chi_feature_space *space)
{
  return strcmp(space->training, "random") == 0;
}

/* Names of trained models without a random twin. \return how many there are */
static int64_t list_untwinned(const chi_alignment *a, int64_t n, chi_text *names)
{
  for (int64_t i = 0; i < a->n_spaces; i = model_end(a, i)) {
    const chi_feature_space *space = &a->space[i];
    bool has = is_random(space);
    for (int64_t j = 0; j < a->n_spaces && !has; j++)
      has = is_random(&a->space[j]) && strcmp(a->space[j].network, space->network) == 0;
    if (!has && n++ < MODELS_NAMED)
      chi_text_add(names, "%s%s.%s", n == 1 ? "" : ", ", a->name, space->model);
  }
  return n;
}

static void check_twins(const chi_study *study, chi_findings *findings)
{
  chi_text names = {0};
  int64_t n = 0;
  for (int32_t a = 0; a < study->n_alignments; a++)
    n = list_untwinned(&study->alignments[a], n, &names);
  if (n > 0 && names.s != NULL)
    chi_findings_add(findings, false,
                     "trained models without a random twin (a model of the same network, of "
                     "training \"random\"): %lld (%s%s); trained-beats-random leaves them out",
                     (long long)n, names.s, n > MODELS_NAMED ? ", ..." : "");
  chi_text_free(&names);
}

chi_status chi_check_catalog(const chi_study *study, int32_t folds, chi_findings *findings)
{
  overlaps o = {0};
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    if (d->n_events < 4 * (int64_t)folds)
      chi_findings_add(findings, true,
                       "%s: has %lld events, but --folds %d needs at least %lld; use fewer folds",
                       d->path, (long long)d->n_events, folds, (long long)folds * 4);
    else
      CHI_TRY(check_events(study, d, folds, &o, findings));
  }
  judge_windows(&o, findings);
  check_twins(study, findings);
  return CHI_OK;
}

/* ---- the report ---- */

static int64_t count_spaces(const chi_alignment *a, int32_t subject)
{
  int64_t n = 0;
  for (int64_t i = 0; i < a->n_spaces; i++) n += a->space[i].n_features[subject] > 0;
  return n;
}

static void report_recordings(const chi_study *study, chi_text *out)
{
  chi_table table;
  chi_table_begin(&table,
                  "alignment\tsubject\t>events\t>electrodes\t>bins\t>targets\t>spaces\t>encoding "
                  "models");
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_alignment *a = &study->alignments[d->alignment];
    const int64_t targets = d->n_electrodes * a->n_times,
                  spaces = count_spaces(a, d->subject_index);
    chi_table_row(&table, "%s\t%s\t%lld\t%lld\t%lld\t%lld\t%lld\t%lld", a->name, d->subject,
                  (long long)d->n_events, (long long)d->n_electrodes, (long long)a->n_times,
                  (long long)targets, (long long)spaces, (long long)(targets * spaces));
  }
  chi_text_add(out, "\n");
  chi_table_end(&table, out);
}

/* One model, whose layers are the spaces [first, end). Their features, over subjects, are "none",
 * "64" or "64 to 512". */
static void report_model(const chi_alignment *a, int64_t first, int64_t end, chi_table *table)
{
  const chi_feature_space *space = &a->space[first];
  int64_t least = INT64_MAX, most = 0;
  char features[64] = "none";
  for (int64_t i = first; i < end; i++)
    for (int32_t s = 0; s < a->n_datasets; s++) {
      const int64_t n = a->space[i].n_features[s];
      if (n > 0 && n < least) least = n;
      if (n > most) most = n;
    }
  if (most > 0 && least == most)
    snprintf(features, sizeof features, "%lld", (long long)most);
  else if (most > 0)
    snprintf(features, sizeof features, "%lld to %lld", (long long)least, (long long)most);
  chi_table_row(table, "%s\t%s\t%s\t%s\t%lld\t%s", a->name, space->model, space->modality,
                space->training, (long long)(end - first), features);
}

static void report_models(const chi_study *study, chi_text *out)
{
  chi_table table;
  chi_table_begin(&table, "alignment\tmodel\tmodality\ttraining\t>layers\tfeatures");
  for (int32_t i = 0; i < study->n_alignments; i++) {
    const chi_alignment *a = &study->alignments[i];
    for (int64_t first = 0; first < a->n_spaces; first = model_end(a, first))
      report_model(a, first, model_end(a, first), &table);
  }
  chi_text_add(out, "\n");
  chi_table_end(&table, out);
}

static int64_t file_bytes(const chi_study *study)
{
  int64_t bytes = 0;
  for (int64_t i = 0; i < study->n_files; i++) {
    struct stat info;
    char path[PATH_MAX];
    if (chi_path_join(path, study->path, study->file[i]) == CHI_OK && stat(path, &info) == 0)
      bytes += info.st_size;
  }
  return bytes;
}

void chi_check_report(const chi_study *study, chi_text *out)
{
  int64_t models = 0, spaces = 0, encoding_models = 0;
  int64_t score_bytes = 0;
  char to_read[32], to_write[32];
  for (int32_t i = 0; i < study->n_alignments; i++) {
    const chi_alignment *a = &study->alignments[i];
    for (int64_t first = 0; first < a->n_spaces; first = model_end(a, first)) models++;
    spaces += a->n_spaces;
    /* val_r, test_r and alpha in float32; done and checksum of each site */
    score_bytes += a->n_spaces * a->n_sites * (12 * a->n_times + 9);
  }
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_alignment *a = &study->alignments[d->alignment];
    encoding_models += d->n_electrodes * a->n_times * count_spaces(a, d->subject_index);
  }
  chi_text_add_line(out, "study            %s%s%s%s", study->path,
                    study->title[0] == '\0' ? "" : " (", study->title,
                    study->title[0] == '\0' ? "" : ")");
  chi_text_add(out, "recordings       %d in %d alignment%s\n", study->n_datasets,
               study->n_alignments, study->n_alignments == 1 ? "" : "s");
  chi_text_add(out, "models           %lld, with %lld feature spaces\n", (long long)models,
               (long long)spaces);
  chi_text_add(out, "encoding models  %lld\n", (long long)encoding_models);
  chi_bytes_text(file_bytes(study), to_read, sizeof to_read);
  chi_bytes_text(score_bytes, to_write, sizeof to_write);
  chi_text_add(out, "to read          %s in %lld files\n", to_read, (long long)study->n_files);
  chi_text_add(out, "to write         %s of scores\n", to_write);
  report_recordings(study, out);
  report_models(study, out);
}

chi_status chi_check_list_models(const chi_study *study, chi_text *out)
{
  chi_names models = {0};
  chi_status s = CHI_OK;
  for (int32_t i = 0; i < study->n_alignments; i++) {
    const chi_alignment *a = &study->alignments[i];
    for (int64_t first = 0; first < a->n_spaces && s == CHI_OK; first = model_end(a, first))
      s = chi_names_add(&models, a->space[first].model);
  }
  chi_names_sort(&models);
  for (int64_t i = 0; i < models.n; i++) chi_text_add_line(out, "%s", models.name[i]);
  chi_names_free(&models);
  return s;
}
