#include "import/features.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/table.h"
#include "import/reader.h"
#include "linalg/projection.h"
#include "study/write.h"

/* An import under way. */
typedef struct job {
  MPI_Comm comm;
  int rank, size;
  const chi_features_options *options;
  chi_layer_files layers;
  int64_t n_events;
  chi_writer *writer; /* rank 0 */
  chi_table table;    /* of the layers that are done */
} job;

/* The layer being imported. */
typedef struct layer_work {
  const chi_layer_file *file;
  chi_reader *reader;
  chi_projection *projection; /* NULL: as it is */
  int64_t features, width;    /* of a row as read, as written */
  int64_t block;              /* rows */
  double *rows, *projected;
  float *out;
} layer_work;

/* Components that a layer is projected to; 0: it is not. */
static int64_t choose_components(const job *j, const char *layer, int64_t n_features)
{
  const chi_project_options *p = &j->options->project;
  if (p->none || (p->keep != NULL && chi_name_fits(p->keep, layer))) return 0;
  const int64_t k =
      p->components > 0 ? p->components : chi_projection_dimension(j->n_events, p->eps);
  return n_features > k || p->always ? k : 0;
}

/* Open every layer once, so that what is wrong with the last is said before the first is read. */
static chi_status check_layers(const job *j, bool *projects)
{
  const chi_feature_file *f = &j->options->file;
  *projects = false;
  for (int64_t i = 0; i < j->layers.n; i++) {
    const chi_layer_file *file = &j->layers.item[i];
    chi_reader *reader;
    CHI_TRY(chi_reader_open(file, j->n_events, j->options->axis, &reader));
    const int64_t rows = chi_reader_rows(reader);
    if (choose_components(j, file->layer, chi_reader_columns(reader)) > 0) *projects = true;
    chi_reader_close(&reader);
    if (rows != j->n_events)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: has %lld rows, but responses/%s.%s.h5 has %lld events; expected a row "
                      "per event",
                      file->where, (long long)rows, f->subject, f->alignment,
                      (long long)j->n_events);
  }
  return CHI_OK;
}

/* What of the files is no layer, and which layers have another name. */
static void say_changes(const job *j)
{
  const chi_layer_files *l = &j->layers;
  chi_log_lines(CHI_LOG_INFO, "left out: ", l->left_out.s);
  if (l->n_renamed > 0)
    chi_log(CHI_LOG_INFO, "a / or : in the names of %lld layers becomes a dot",
            (long long)l->n_renamed);
}

static chi_status look_around(job *j, bool *projects, char *path)
{
  const chi_features_options *o = j->options;
  CHI_TRY(chi_feature_file_check(&o->file));
  if (j->rank == 0) CHI_TRY(chi_feature_file_path(&o->file, path));
  CHI_TRY(chi_feature_file_events(&o->file, &j->n_events));
  CHI_TRY(chi_layer_files_find(o->n_paths, o->paths, o->order, &j->layers));
  say_changes(j);
  return check_layers(j, projects);
}

static chi_status begin_layer(job *j, int64_t depth, layer_work *w)
{
  w->file = &j->layers.item[depth];
  CHI_TRY(chi_reader_open(w->file, j->n_events, j->options->axis, &w->reader));
  if (chi_reader_rows(w->reader) != j->n_events)
    return chi_fail(CHI_ERR_INPUT, "%s: has changed while it was being imported", w->file->where);
  w->features = chi_reader_columns(w->reader);
  const int64_t k = choose_components(j, w->file->layer, w->features);
  w->width = k > 0 ? k : w->features;
  w->block = chi_reader_block(w->reader, w->width);
  CHI_TRY(chi_alloc(w->block * w->features, sizeof *w->rows, "rows of a layer", &w->rows));
  CHI_TRY(chi_alloc(w->block * w->width, sizeof *w->out, "rows of a layer", &w->out));
  if (k > 0)
    CHI_TRY(chi_alloc(w->block * k, sizeof *w->projected, "projected features", &w->projected));
  if (j->rank != 0) return CHI_OK;
  return chi_writer_add_layer(j->writer, w->file->layer, (int32_t)depth, w->width);
}

static void end_layer(layer_work *w)
{
  chi_projection_destroy(&w->projection);
  chi_reader_close(&w->reader);
  chi_free(w->rows);
  chi_free(w->projected);
  chi_free(w->out);
}

/* The projection's key must not know the subject. */
static chi_status begin_projection(const job *j, layer_work *w)
{
  char stream[512];
  if (w->projected == NULL) return CHI_OK;
  snprintf(stream, sizeof stream, "%s/%s", j->options->file.model, w->file->layer);
  const chi_random_key key = chi_random_make_key(j->options->project.seed, stream);
  return chi_projection_create(j->comm, key, w->features, w->width, &w->projection);
}

/* Rows of a block; 0 beyond the last one. */
static int64_t block_rows(const job *j, const layer_work *w, int64_t block)
{
  const int64_t left = j->n_events - block * w->block;
  return left < 0 ? 0 : left < w->block ? left : w->block;
}

/* Read a block and make of it what is written. */
static chi_status make_block(const job *j, layer_work *w, int64_t block)
{
  const int64_t row0 = block * w->block, n = block_rows(j, w, block);
  const double *made = w->rows;
  if (n == 0) return CHI_OK;
  CHI_TRY(chi_reader_read(w->reader, row0, n, w->rows));
  if (w->projection != NULL) {
    CHI_TRY(chi_projection_apply(w->projection, n, w->rows, w->projected));
    made = w->projected;
  }
  for (int64_t i = 0; i < n * w->width; i++) {
    if (!(fabs(made[i]) <= FLT_MAX))
      return chi_fail(CHI_ERR_INPUT,
                      "%s: row %lld (counted from 0) is beyond float32's range once projected",
                      w->file->where, (long long)(row0 + i / w->width));
    w->out[i] = (float)made[i];
  }
  return CHI_OK;
}

/* The blocks of a round, one of each rank, go to the file in order. */
static chi_status write_round(const job *j, layer_work *w, int64_t first)
{
  const int64_t mine = block_rows(j, w, first + j->rank);
  if (j->rank > 0) {
    if (mine > 0) MPI_Send(w->out, chi_int_cast(mine * w->width), MPI_FLOAT, 0, 0, j->comm);
    return CHI_OK;
  }
  chi_status s = chi_writer_append(j->writer, mine, w->out);
  for (int r = 1; r < j->size; r++) {
    const int64_t n = block_rows(j, w, first + r);
    if (n == 0) break;
    MPI_Recv(w->out, chi_int_cast(n * w->width), MPI_FLOAT, r, 0, j->comm, MPI_STATUS_IGNORE);
    if (s == CHI_OK) s = chi_writer_append(j->writer, n, w->out);
  }
  return s;
}

static chi_status import_blocks(const job *j, layer_work *w)
{
  const int64_t n_blocks = (j->n_events + w->block - 1) / w->block;
  chi_status s = CHI_OK;
  for (int64_t first = 0; first < n_blocks; first += j->size) {
    if (s == CHI_OK) s = make_block(j, w, first + j->rank);
    CHI_TRY(chi_agree(j->comm, s));
    s = write_round(j, w, first);
  }
  return chi_agree(j->comm, s);
}

static chi_status import_layer(job *j, int64_t depth)
{
  layer_work w = {0};
  const double start = chi_clock_now();
  char text[40];
  chi_status s = chi_agree(j->comm, begin_layer(j, depth, &w));
  if (s == CHI_OK) s = begin_projection(j, &w);
  if (s == CHI_OK) s = import_blocks(j, &w);
  if (s == CHI_OK) {
    chi_clock_format(chi_clock_now() - start, text, sizeof text);
    chi_log(CHI_LOG_INFO, "layer %s: %lld events, %lld features%s (%s)", w.file->layer,
            (long long)j->n_events, (long long)w.width,
            w.projection == NULL ? "" : " after projection", text);
    chi_table_row(&j->table, "%lld\t%s\t%lld\t%s", (long long)depth, w.file->layer,
                  (long long)w.width, w.file->where);
  }
  end_layer(&w);
  return s;
}

static chi_status import_layers(job *j, const char *path)
{
  chi_status s = CHI_OK;
  if (j->rank == 0) s = chi_feature_file_create(&j->options->file, path, j->n_events, &j->writer);
  CHI_TRY(chi_agree(j->comm, s));
  for (int64_t i = 0; i < j->layers.n; i++) CHI_TRY(import_layer(j, i));
  return CHI_OK;
}

chi_status chi_import_features(MPI_Comm comm, const chi_features_options *options, chi_text *report)
{
  job j = {.comm = comm, .options = options};
  bool projects = false;
  char path[PATH_MAX];
  MPI_Comm_rank(comm, &j.rank);
  MPI_Comm_size(comm, &j.size);
  chi_table_begin(&j.table, ">depth\tlayer\t>features\tfrom");
  chi_status s = chi_agree(comm, look_around(&j, &projects, path));
  if (s == CHI_OK && projects) s = chi_agree(comm, chi_projection_start(comm));
  const bool started = s == CHI_OK && projects;
  if (s == CHI_OK) s = import_layers(&j, path);
  if (started) chi_projection_stop();
  s = chi_agree(comm, chi_writer_finish(&j.writer, s));
  chi_table_end(&j.table, report);
  chi_layer_files_free(&j.layers);
  return s;
}
