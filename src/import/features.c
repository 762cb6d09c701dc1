#include "import/features.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "import/source.h"
#include "linalg/projection.h"
#include "study/write.h"

/* An import under way. */
typedef struct import {
  MPI_Comm comm;
  int rank, size;
  const chi_features_options *options;
  chi_layers layers;
  int64_t n_events;
  chi_writer *writer; /* rank 0 */
} import;

/* The layer being imported. */
typedef struct layer_work {
  const chi_layer_file *file;
  chi_source *source;
  chi_projection *projection; /* NULL: as it is */
  int64_t features, width;    /* of a row as read, as written */
  int64_t block;              /* rows */
  double *rows, *projected;
  float *out;
} layer_work;

/* Components that a layer is projected to; 0: it is not. */
static int64_t choose_components(const import *job, const char *layer, int64_t n_features)
{
  const chi_project_options *p = &job->options->project;
  if (p->none || (p->keep != NULL && chi_name_fits(p->keep, layer))) return 0;
  const int64_t k =
      p->components > 0 ? p->components : chi_projection_dimension(job->n_events, p->eps);
  return n_features > k || p->always ? k : 0;
}

/* Open every layer once, so that what is wrong with the last is said before the first is read. */
static chi_status check_layers(const import *job, bool *projects)
{
  const chi_target *t = &job->options->target;
  *projects = false;
  for (int64_t i = 0; i < job->layers.n; i++) {
    const chi_layer_file *file = &job->layers.item[i];
    chi_source *source;
    CHI_TRY(chi_source_open(file, &source));
    const int64_t rows = chi_source_rows(source);
    if (choose_components(job, file->layer, chi_source_columns(source)) > 0) *projects = true;
    chi_source_close(&source);
    if (rows != job->n_events)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: has %lld rows, but responses/%s.%s.h5 has %lld events; expected a row "
                      "per event",
                      file->where, (long long)rows, t->subject, t->alignment,
                      (long long)job->n_events);
  }
  return CHI_OK;
}

static chi_status look_around(import *job, bool *projects, char **path)
{
  const chi_features_options *o = job->options;
  CHI_TRY(chi_target_check_names(&o->target));
  CHI_TRY(chi_target_check_label("--modality", o->modality));
  if (o->network != NULL) CHI_TRY(chi_target_check_label("--network", o->network));
  if (job->rank == 0) CHI_TRY(chi_target_path(&o->target, path));
  CHI_TRY(chi_target_count_events(&o->target, &job->n_events));
  CHI_TRY(chi_layers_find(o->n_files, o->files, o->order, &job->layers));
  return check_layers(job, projects);
}

static chi_status begin_file(import *job, const char *path)
{
  const chi_features_options *o = job->options;
  const chi_feature_header header = {.model = o->target.model,
                                     .network = o->network == NULL ? o->target.model : o->network,
                                     .modality = o->modality,
                                     .training = o->training,
                                     .n_events = job->n_events};
  if (job->rank != 0) return CHI_OK;
  CHI_TRY(chi_target_make_folders(&o->target));
  return chi_writer_create_features(path, &header, &job->writer);
}

static chi_status begin_layer(import *job, int64_t depth, layer_work *w)
{
  w->file = &job->layers.item[depth];
  CHI_TRY(chi_source_open(w->file, &w->source));
  if (chi_source_rows(w->source) != job->n_events)
    return chi_fail(CHI_ERR_INPUT, "%s: has changed while it was being imported", w->file->where);
  w->features = chi_source_columns(w->source);
  const int64_t k = choose_components(job, w->file->layer, w->features);
  w->width = k > 0 ? k : w->features;
  w->block = chi_source_block(w->source, w->width);
  CHI_TRY(chi_alloc(w->block * w->features, sizeof *w->rows, "rows of a layer", &w->rows));
  CHI_TRY(chi_alloc(w->block * w->width, sizeof *w->out, "rows of a layer", &w->out));
  if (k > 0)
    CHI_TRY(chi_alloc(w->block * k, sizeof *w->projected, "projected features", &w->projected));
  if (job->rank != 0) return CHI_OK;
  return chi_writer_add_layer(job->writer, w->file->layer, (int32_t)depth, w->width);
}

static void end_layer(layer_work *w)
{
  chi_projection_destroy(&w->projection);
  chi_source_close(&w->source);
  chi_free(w->rows);
  chi_free(w->projected);
  chi_free(w->out);
}

/* The projection's key must not know the subject. */
static chi_status begin_projection(const import *job, layer_work *w)
{
  char stream[512];
  if (w->projected == NULL) return CHI_OK;
  snprintf(stream, sizeof stream, "%s/%s", job->options->target.model, w->file->layer);
  const chi_random_key key = chi_random_make_key(job->options->project.seed, stream);
  return chi_projection_create(job->comm, key, w->features, w->width, &w->projection);
}

/* Rows of a block; 0 beyond the last one. */
static int64_t block_rows(const import *job, const layer_work *w, int64_t block)
{
  const int64_t left = job->n_events - block * w->block;
  return left < 0 ? 0 : left < w->block ? left : w->block;
}

/* Read a block and make of it what is written. */
static chi_status make_block(const import *job, layer_work *w, int64_t block)
{
  const int64_t row0 = block * w->block, n = block_rows(job, w, block);
  const double *made = w->rows;
  if (n == 0) return CHI_OK;
  CHI_TRY(chi_source_read(w->source, row0, n, w->rows));
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
static chi_status write_round(const import *job, layer_work *w, int64_t first)
{
  const int64_t mine = block_rows(job, w, first + job->rank);
  if (job->rank > 0) {
    if (mine > 0) MPI_Send(w->out, chi_int_cast(mine * w->width), MPI_FLOAT, 0, 0, job->comm);
    return CHI_OK;
  }
  chi_status s = chi_writer_append(job->writer, mine, w->out);
  for (int r = 1; r < job->size; r++) {
    const int64_t n = block_rows(job, w, first + r);
    if (n == 0) break;
    MPI_Recv(w->out, chi_int_cast(n * w->width), MPI_FLOAT, r, 0, job->comm, MPI_STATUS_IGNORE);
    if (s == CHI_OK) s = chi_writer_append(job->writer, n, w->out);
  }
  return s;
}

static chi_status import_blocks(const import *job, layer_work *w)
{
  const int64_t n_blocks = (job->n_events + w->block - 1) / w->block;
  chi_status s = CHI_OK;
  for (int64_t first = 0; first < n_blocks; first += job->size) {
    if (s == CHI_OK) s = make_block(job, w, first + job->rank);
    CHI_TRY(chi_agree(job->comm, s));
    s = write_round(job, w, first);
  }
  return chi_agree(job->comm, s);
}

static chi_status import_layer(import *job, int64_t depth)
{
  layer_work w = {0};
  const double start = chi_clock_now();
  char text[40];
  chi_status s = chi_agree(job->comm, begin_layer(job, depth, &w));
  if (s == CHI_OK) s = begin_projection(job, &w);
  if (s == CHI_OK) s = import_blocks(job, &w);
  if (s == CHI_OK) {
    chi_clock_format(chi_clock_now() - start, text, sizeof text);
    chi_log(CHI_LOG_INFO, "layer %s: %lld events, %lld features%s (%s)", w.file->layer,
            (long long)job->n_events, (long long)w.width,
            w.projection == NULL ? "" : " after projection", text);
  }
  end_layer(&w);
  return s;
}

static chi_status import_layers(import *job, const char *path)
{
  CHI_TRY(chi_agree(job->comm, begin_file(job, path)));
  for (int64_t i = 0; i < job->layers.n; i++) CHI_TRY(import_layer(job, i));
  return CHI_OK;
}

chi_status chi_import_features(MPI_Comm comm, const chi_features_options *options)
{
import job = {.comm = comm, .options = options };
  bool projects = false;
  char *path = NULL;
  MPI_Comm_rank(comm, &job.rank);
  MPI_Comm_size(comm, &job.size);
  chi_status s = chi_agree(comm, look_around(&job, &projects, &path));
  if (s == CHI_OK && projects) {
    s = chi_agree(comm, chi_projection_start(comm));
    if (s == CHI_OK) {
      s = import_layers(&job, path);
      chi_projection_stop();
    }
  } else if (s == CHI_OK) {
    s = import_layers(&job, path);
  }
  s = chi_agree(comm, chi_writer_finish(&job.writer, s));
  chi_layers_free(&job.layers);
  chi_free(path);
  return s;
}
