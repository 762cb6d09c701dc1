#include "import/features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "chiasm/study.h"
#include "import/reader.h"
#include "study/numbers.h"
#include "study/write.h"

enum { MOST_PARTS = 64, BLOCK_BYTES = 64 << 20 };

/* A part by name, and where it is while a recording's file is made. */
typedef struct part {
  char *model, *layer;
  int64_t space; /* in the alignment; -1: not there */
  chi_numbers numbers;
  bool is_open;
} part;

typedef struct parts {
  int n;
  part item[MOST_PARTS];
  chi_text models; /* as a pattern, to open the study by */
} parts;

static void parts_free(parts *p)
{
  for (int i = 0; i < p->n; i++) {
    chi_free(p->item[i].model);
    chi_free(p->item[i].layer);
  }
  chi_text_free(&p->models);
}

/* One "model/layer" of n letters. */
static chi_status add_part(const char *text, size_t n, parts *p)
{
  const char *slash = memchr(text, '/', n);
  if (p->n == MOST_PARTS) return chi_fail(CHI_ERR_USAGE, "--of: more than %d layers", MOST_PARTS);
  if (slash != NULL) {
    part *item = &p->item[p->n++];
    *item = (part){.space = -1};
    CHI_TRY(chi_strdup(text, &item->model));
    item->model[slash - text] = '\0';
    CHI_TRY(chi_strdup(slash + 1, &item->layer));
    item->layer[n - 1 - (size_t)(slash - text)] = '\0';
    chi_text_add(&p->models, "%s%s", p->n == 1 ? "" : ",", item->model);
    if (chi_name_ok(item->model, true) && chi_name_ok(item->layer, true)) return CHI_OK;
  }
  return chi_fail(CHI_ERR_USAGE, "--of: `%.*s`, expected model/layer", (int)n, text);
}

static chi_status take_parts(const chi_concat_options *o, parts *p)
{
  for (const char *text = o->of;; text++) {
    const size_t n = strcspn(text, ",");
    CHI_TRY(add_part(text, n, p));
    if (strcmp(p->item[p->n - 1].model, o->model) == 0)
      return chi_fail(CHI_ERR_USAGE, "--of: %s is the model that is to be made", o->model);
    text += n;
    if (*text == '\0') break;
  }
  if (p->n < 2) return chi_fail(CHI_ERR_USAGE, "--of: expected two layers or more");
  if (p->models.failed) return chi_fail(CHI_ERR_MEMORY, "no memory for names");
  return CHI_OK;
}

/* Whether the recording has all the parts; where they are in its alignment. */
static bool find_parts(const chi_study *study, const chi_dataset *d, parts *p)
{
  const chi_alignment *a = &study->alignments[d->alignment];
  for (int i = 0; i < p->n; i++) {
    part *item = &p->item[i];
    item->space = -1;
    for (int64_t f = 0; f < a->n_spaces; f++)
      if (strcmp(a->space[f].model, item->model) == 0 &&
          strcmp(a->space[f].layer, item->layer) == 0 &&
          a->space[f].n_features[d->subject_index] > 0)
        item->space = f;
    if (item->space < 0) return false;
  }
  return true;
}

/* The parts' training if they agree, unless the user says another. */
static chi_status choose_training(const chi_concat_options *o, const chi_alignment *a,
                                  const parts *p, const char **training)
{
  const char *first = a->space[p->item[0].space].training;
  *training = o->training == NULL ? first : o->training;
  for (int i = 1; o->training == NULL && i < p->n; i++)
    if (strcmp(a->space[p->item[i].space].training, first) != 0)
      return chi_fail(CHI_ERR_USAGE,
                      "--of: %s is %s, but %s is %s; say --training trained or --training random",
                      p->item[0].model, first, p->item[i].model,
                      a->space[p->item[i].space].training);
  return CHI_OK;
}

static void close_parts(parts *p)
{
  for (int i = 0; i < p->n; i++) {
    if (p->item[i].is_open) chi_numbers_close(&p->item[i].numbers);
    p->item[i].is_open = false;
  }
}

static chi_status open_parts(const chi_study *study, int32_t dataset, parts *p, int64_t *width)
{
  *width = 0;
  for (int i = 0; i < p->n; i++) {
    part *item = &p->item[i];
    CHI_TRY(chi_numbers_open_layer(study, study->datasets[dataset].alignment, item->space, dataset,
                                   &item->numbers));
    item->is_open = true;
    *width += item->numbers.columns;
  }
  return CHI_OK;
}

/* Rows of one part into their columns of `out`. */
static chi_status read_part(const part *item, int64_t row0, int64_t n, double *rows, float *out,
                            int64_t width)
{
  char where[1280];
  const int64_t columns = item->numbers.columns;
  snprintf(where, sizeof where, "%s: %s", item->numbers.where, item->numbers.object);
  CHI_TRY(chi_numbers_read(&item->numbers, row0, n, CHI_REAL64, rows));
  CHI_TRY(chi_reader_check(where, row0, n, columns, rows));
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < columns; j++) out[i * width + j] = (float)rows[i * columns + j];
  return CHI_OK;
}

static chi_status write_rows(const parts *p, int64_t n_events, int64_t width, chi_writer *writer)
{
  double *rows = NULL;
  float *out = NULL;
  const int64_t most = BLOCK_BYTES / 8;
  int64_t block = width < 1 || width > most ? 1 : most / width;
  if (block > n_events) block = n_events;
  chi_status s = chi_alloc(block * width, sizeof *rows, "rows of a layer", &rows);
  if (s == CHI_OK) s = chi_alloc(block * width, sizeof *out, "rows of a layer", &out);
  for (int64_t row = 0; s == CHI_OK && row < n_events; row += block) {
    const int64_t n = n_events - row < block ? n_events - row : block;
    int64_t at = 0;
    for (int i = 0; s == CHI_OK && i < p->n; i++) {
      s = read_part(&p->item[i], row, n, rows, out + at, width);
      at += p->item[i].numbers.columns;
    }
    if (s == CHI_OK) s = chi_writer_append(writer, n, out);
  }
  chi_free(rows);
  chi_free(out);
  return s;
}

/* The file that a recording gets. \return as chi_feature_file_path */
static chi_status find_path(const chi_concat_options *o, const chi_study *study,
                            const chi_dataset *d, char *path)
{
  const char *alignment = study->alignments[d->alignment].name;
  return chi_feature_file_path(
      &(chi_feature_file){o->study, d->subject, alignment, o->model, o->overwrite}, path);
}

static chi_status make_file(const chi_concat_options *o, const chi_study *study, int32_t dataset,
                            parts *p)
{
  char path[PATH_MAX];
  const chi_dataset *d = &study->datasets[dataset];
  const chi_alignment *a = &study->alignments[d->alignment];
  chi_feature_header header = {.model = o->model,
                               .network = o->network == NULL ? o->model : o->network,
                               .modality = o->modality,
                               .n_events = d->n_events};
  chi_writer *writer = NULL;
  int64_t width = 0;
  CHI_TRY(choose_training(o, a, p, &header.training));
  CHI_TRY(find_path(o, study, d, path));
  chi_status s = open_parts(study, dataset, p, &width);
  if (s == CHI_OK) s = chi_writer_create_features(path, &header, &writer);
  if (s == CHI_OK) s = chi_writer_add_layer(writer, o->layer, 0, width);
  if (s == CHI_OK) s = write_rows(p, d->n_events, width, writer);
  s = chi_writer_finish(&writer, s);
  if (s == CHI_OK)
    chi_log(CHI_LOG_INFO, "%s: %lld events, %lld features", path, (long long)d->n_events,
            (long long)width);
  close_parts(p);
  return s;
}

static chi_status none_has_all(const chi_concat_options *o, const chi_study *study, const parts *p)
{
  const chi_dataset *last = &study->datasets[study->n_datasets - 1];
  int i = 0;
  while (i + 1 < p->n && p->item[i].space >= 0) i++;
  return chi_fail(
      CHI_ERR_INPUT,
      "%s: none of the %d recordings selected has all of %s; %s.%s, for one, has no %s/%s",
      o->study, study->n_datasets, o->of, last->subject, study->alignments[last->alignment].name,
      p->item[i].model, p->item[i].layer);
}

/* All files, or none where one is there already. */
static chi_status make_files(const chi_concat_options *o, const chi_study *study, parts *p)
{
  char path[PATH_MAX];
  int32_t n = 0;
  for (int32_t i = 0; i < study->n_datasets; i++) {
    if (!find_parts(study, &study->datasets[i], p)) continue;
    n++;
    CHI_TRY(find_path(o, study, &study->datasets[i], path));
  }
  if (n == 0) return none_has_all(o, study, p);
  for (int32_t i = 0; i < study->n_datasets; i++)
    if (find_parts(study, &study->datasets[i], p)) CHI_TRY(make_file(o, study, i, p));
  if (n < study->n_datasets)
    chi_log(CHI_LOG_WARNING, "%d of %d recordings have not all of %s and get no %s",
            study->n_datasets - n, study->n_datasets, o->of, o->model);
  return CHI_OK;
}

chi_status chi_import_concat(const chi_concat_options *options)
{
  parts p = {0};
  chi_findings findings = {0};
  chi_study *study = NULL;
  CHI_TRY(chi_output_check_name("model", options->model, true));
  CHI_TRY(chi_output_check_name("layer", options->layer, true));
  CHI_TRY(chi_output_check_label("--modality", options->modality));
  if (options->network != NULL) CHI_TRY(chi_output_check_label("--network", options->network));
  chi_status s = take_parts(options, &p);
  if (s == CHI_OK) {
    const chi_selection selection = {.subjects = options->subjects,
                                     .alignments = options->alignments,
                                     .models = p.models.s,
                                     .allow_missing = true};
    s = chi_study_open(options->study, &selection, &findings, &study);
  }
  if (s == CHI_OK) s = make_files(options, study, &p);
  chi_study_destroy(&study);
  chi_findings_free(&findings);
  parts_free(&p);
  return s;
}
