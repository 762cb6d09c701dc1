#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "chiasm/study.h"
#include "import/features.h"

enum { MOST_PARTS = 64, BLOCK_BYTES = 64 << 20 };

/* A part by name, and where it is in a recording's alignment. */
typedef struct part {
  const char *model, *layer;
  int64_t space;      /* -1: not there */
  chi_reader *reader; /* while the recording's file is made */
} part;

typedef struct parts {
  char *text; /* "model\0layer\0...": what the names are borrowed from */
  int n;
  part item[MOST_PARTS];
  chi_text models; /* as a pattern, to open the study by */
  chi_layer_files files;
} parts;

static void parts_free(parts *p)
{
  chi_free(p->text);
  chi_text_free(&p->models);
}

/* One "model/layer", which is cut in two. */
static chi_status take_part(const chi_concat_options *o, char *text, parts *p)
{
  char *slash = strchr(text, '/');
  if (p->n == MOST_PARTS) return chi_fail(CHI_ERR_USAGE, "--of: more than %d layers", MOST_PARTS);
  if (slash == NULL) return chi_fail(CHI_ERR_USAGE, "--of: `%s`, expected model/layer", text);
  *slash = '\0';
  p->item[p->n++] = (part){.model = text, .layer = slash + 1};
  if (!chi_name_ok(text, true) || !chi_name_ok(slash + 1, true))
    return chi_fail(CHI_ERR_USAGE, "--of: `%s/%s`, expected model/layer", text, slash + 1);
  if (strcmp(text, o->file.model) == 0)
    return chi_fail(CHI_ERR_USAGE, "--of: %s is the model that is to be made", text);
  chi_text_add(&p->models, "%s%s", p->n == 1 ? "" : ",", text);
  return CHI_OK;
}

static chi_status take_parts(const chi_concat_options *o, parts *p)
{
  CHI_TRY(chi_strdup(o->of, &p->text));
  for (char *text = p->text, *next; text != NULL; text = next) {
    next = strchr(text, ',');
    if (next != NULL) *next++ = '\0';
    CHI_TRY(take_part(o, text, p));
  }
  if (p->n < 2) return chi_fail(CHI_ERR_USAGE, "--of: expected two layers or more");
  return p->models.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for names") : CHI_OK;
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
  const char *asked = o->file.training;
  *training = asked == NULL ? first : asked;
  for (int i = 1; asked == NULL && i < p->n; i++)
    if (strcmp(a->space[p->item[i].space].training, first) != 0)
      return chi_fail(CHI_ERR_USAGE,
                      "--of: %s is %s, but %s is %s; say --training trained or --training random",
                      p->item[0].model, first, p->item[i].model,
                      a->space[p->item[i].space].training);
  return CHI_OK;
}

static void close_parts(parts *p)
{
  for (int i = 0; i < p->n; i++) chi_reader_close(&p->item[i].reader);
  chi_layer_files_free(&p->files);
}

static chi_status open_parts(const chi_feature_file *file, int64_t n_events, parts *p,
                             int64_t *width)
{
  *width = 0;
  for (int i = 0; i < p->n; i++) {
    char path[PATH_MAX], object[256];
    CHI_TRY(chi_path_format(path, file->study, "features/%s.%s/%s.h5", file->subject,
                            file->alignment, p->item[i].model));
    snprintf(object, sizeof object, "/layers/%s", p->item[i].layer);
    CHI_TRY(chi_layer_files_add(&p->files, CHI_LAYER_HDF5, path, object, 0, p->item[i].layer));
  }
  for (int i = 0; i < p->n; i++) {
    CHI_TRY(chi_reader_open(&p->files.item[i], n_events, CHI_AXIS_FIRST, &p->item[i].reader));
    if (chi_reader_rows(p->item[i].reader) != n_events)
      return chi_fail(CHI_ERR_INPUT, "%s: is no longer what it was when the study was opened",
                      p->files.item[i].where);
    *width += chi_reader_columns(p->item[i].reader);
  }
  return CHI_OK;
}

/* Rows of one part into their columns of `out`. */
static chi_status read_part(const part *item, int64_t row0, int64_t n, double *rows, float *out,
                            int64_t width)
{
  const int64_t columns = chi_reader_columns(item->reader);
  CHI_TRY(chi_reader_read(item->reader, row0, n, rows));
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
      at += chi_reader_columns(p->item[i].reader);
    }
    if (s == CHI_OK) s = chi_writer_append(writer, n, out);
  }
  chi_free(rows);
  chi_free(out);
  return s;
}

/* The file that a recording gets, and its path. \return as chi_feature_file_path */
static chi_status find_file(const chi_concat_options *o, const chi_study *study,
                            const chi_dataset *d, chi_feature_file *file, char *path)
{
  *file = o->file;
  file->subject = d->subject;
  file->alignment = study->alignments[d->alignment].name;
  return chi_feature_file_path(file, path);
}

static chi_status make_file(const chi_concat_options *o, const chi_study *study,
                            const chi_dataset *d, parts *p)
{
  char path[PATH_MAX];
  chi_feature_file file;
  chi_writer *writer = NULL;
  int64_t width = 0;
  CHI_TRY(find_file(o, study, d, &file, path));
  CHI_TRY(choose_training(o, &study->alignments[d->alignment], p, &file.training));
  chi_status s = open_parts(&file, d->n_events, p, &width);
  if (s == CHI_OK) s = chi_feature_file_create(&file, path, d->n_events, &writer);
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
      o->file.study, study->n_datasets, o->of, last->subject,
      study->alignments[last->alignment].name, p->item[i].model, p->item[i].layer);
}

/* All files, or none where one is there already. */
static chi_status make_files(const chi_concat_options *o, const chi_study *study, parts *p)
{
  char path[PATH_MAX];
  chi_feature_file file;
  int32_t n = 0;
  for (int32_t i = 0; i < study->n_datasets; i++) {
    if (!find_parts(study, &study->datasets[i], p)) continue;
    n++;
    CHI_TRY(find_file(o, study, &study->datasets[i], &file, path));
  }
  if (n == 0) return none_has_all(o, study, p);
  for (int32_t i = 0; i < study->n_datasets; i++)
    if (find_parts(study, &study->datasets[i], p))
      CHI_TRY(make_file(o, study, &study->datasets[i], p));
  if (n < study->n_datasets)
    chi_log(CHI_LOG_WARNING, "%d of %d recordings have not all of %s and get no %s",
            study->n_datasets - n, study->n_datasets, o->of, o->file.model);
  return CHI_OK;
}

chi_status chi_import_concat(const chi_concat_options *options)
{
  parts p = {0};
  chi_study *study = NULL;
  CHI_TRY(chi_feature_file_check(&options->file));
  CHI_TRY(chi_output_check_name("layer", options->layer, true));
  chi_status s = take_parts(options, &p);
  if (s == CHI_OK) {
    const chi_selection selection = {.subjects = options->subjects,
                                     .alignments = options->alignments,
                                     .models = p.models.s,
                                     .allow_missing = true};
    s = chi_study_open(options->file.study, &selection, NULL, &study);
  }
  if (s == CHI_OK) s = make_files(options, study, &p);
  chi_study_destroy(&study);
  parts_free(&p);
  return s;
}
