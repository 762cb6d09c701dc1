#include "stage/stage.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "study/layers.h"
#include "sweep/sweep.h"

chi_provenance chi_stage_provenance(const chi_stage *s, const char *config)
{
  return (chi_provenance){.config = config,
                          .section = s->options->other_config,
                          .study_checksum = s->checksum,
                          .threads_per_rank = s->options->encode.threads,
                          .blas_kernel = s->options->blas_kernel,
                          .libraries = s->options->libraries};
}

/* ---- one unit ---- */

static chi_status compute(chi_stage *s, const chi_stage_unit *u, const chi_features *features,
                          const chi_responses *responses)
{
  const double start = chi_clock_now();
  const chi_status status = s->kind->compute(s, u, features, responses);
  s->account.computed_s += chi_clock_now() - start;
  return status;
}

/* Write what was computed, or that it failed, at the unit's electrodes: a range of them in one
 * box, those picked one by one. */
static chi_status write_boxes(chi_stage *s, const chi_stage_unit *u, uint8_t done)
{
  const chi_record *record = &s->kind->schema->record[0];
  const chi_picked *picked = s->picked == NULL ? NULL : &s->picked[u->layer.number];
  const int64_t site0 = s->study->datasets[u->layer.dataset].first_site;
  chi_box box = {.group = u->layer.alignment,
                 .row = picked == NULL ? u->layer.space : picked->row,
                 .n_sites = picked == NULL ? u->end - u->begin : 1,
                 .block = record->block == 0 ? 0 : u->begin / record->block,
                 .n_blocks = 1};
  const int64_t values = chi_box_values(s->store, &box);
  for (int64_t k = 0; k < (picked == NULL ? 1 : picked->n); k++) {
    const float *data[CHI_SCHEMA_FIELDS];
    for (int f = 0; f < record->n_data; f++) data[f] = s->result[f] + k * values;
    box.site = site0 + (picked == NULL ? u->begin : picked->electrode[k]);
    CHI_TRY(chi_store_write(s->store, &box, done, done == CHI_DONE_FAILED ? NULL : data));
  }
  return CHI_OK;
}

static chi_status write_unit(chi_stage *s, const chi_stage_unit *u, uint8_t done)
{
  const double start = chi_clock_now();
  const chi_status status = write_boxes(s, u, done);
  s->account.wrote_s += chi_clock_now() - start;
  return status;
}

/* Mark the unit as failed; the message so far says why. */
static chi_status fail_unit(chi_stage *s, const chi_stage_unit *u)
{
  const chi_dataset *d = &s->study->datasets[u->layer.dataset];
  const chi_alignment *a = &s->study->alignments[u->layer.alignment];
  const chi_feature_space *space = &a->space[u->layer.space];
  char why[CHI_MESSAGE_MAX], part[64] = "";
  snprintf(why, sizeof why, "%s", chi_message());
  if (s->picked == NULL && u->end - u->begin < d->n_electrodes)
    snprintf(part, sizeof part, ", electrodes %lld to %lld", (long long)u->begin + 1,
             (long long)u->end);
  CHI_TRY(write_unit(s, u, CHI_DONE_FAILED));
  return chi_fail(CHI_ERR_NUMERIC, "%s/%s of subject %s, alignment %s%s: %s", space->model,
                  space->layer, d->subject, a->name, part, why);
}

/* Features and responses that cannot be read fail their unit alone, whatever the reason; so does a
 * breakdown. */
static bool fails_alone(chi_status status, bool unread)
{
  return status == CHI_ERR_NUMERIC || (unread && (status == CHI_ERR_IO || status == CHI_ERR_INPUT));
}

static chi_status do_unit(void *context, int64_t i, int64_t next)
{
  chi_stage *s = context;
  const chi_stage_unit *u = &s->units.what[i];
  const int32_t dataset = u->layer.dataset;
  chi_responses responses;
  chi_features features;
  const double start = chi_clock_now();
  chi_reader_ahead(s->reader, &u->layer); /* while the responses are read or waited for */
  chi_status status = s->picked == NULL
                          ? chi_response_supply_borrow(&s->responses, dataset, &responses)
                          : chi_response_supply_gather(&s->responses, dataset,
                                                       &s->picked[u->layer.number], &responses);
  if (status == CHI_OK) status = chi_reader_get(s->reader, &u->layer, &features);
  s->account.read_s += chi_clock_now() - start;
  const bool unread = status != CHI_OK;
  if (next >= 0) chi_reader_ahead(s->reader, &s->units.what[next].layer);
  if (!unread) status = compute(s, u, &features, &responses);
  chi_response_supply_return(&s->responses);
  if (status == CHI_OK) return write_unit(s, u, CHI_DONE_WRITTEN);
  return fails_alone(status, unread) ? fail_unit(s, u) : status;
}

static void unit_failed(void *context, int64_t i, const char *message)
{
  (void)i;
  chi_watch_failed(&((chi_stage *)context)->watch, message);
}

static void progress(void *context, const chi_sweep_progress *now)
{
  chi_watch_progress(&((chi_stage *)context)->watch, now);
}

/* ---- the whole of it ---- */

chi_status chi_stage_need_responses(chi_stage *s)
{
  if (s->responses.study != NULL) return CHI_OK;
  return chi_response_supply_start(s->comm, s->study, &s->options->encode, &s->room, s->wide,
                                   &s->responses);
}

static void log_start(const chi_stage *s, int64_t torn)
{
  const chi_study *study = s->study;
  const char *name = s->kind->schema->stage;
  int64_t spaces = 0, sites = 0;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    spaces += study->alignments[a].n_spaces;
    sites += study->alignments[a].n_sites;
  }
  chi_log(CHI_LOG_INFO,
          "chiasm %s: %s of %s into %s; ranks: %d, threads of each: %d, BLAS kernel: %s",
          CHIASM_VERSION, name, study->path, s->options->run, s->size,
          (int)s->options->encode.threads, s->options->blas_kernel);
  chi_log(CHI_LOG_INFO,
          "%s: alignments: %d, recordings: %d, electrodes: %lld, feature spaces: %lld", name,
          (int)study->n_alignments, (int)study->n_datasets, (long long)sites, (long long)spaces);
  if (torn > 0)
    chi_log(CHI_LOG_INFO, "%s: %lld %s were cut short when the last job ended; done again", name,
            (long long)torn, s->kind->cells);
}

static chi_status list_units(chi_stage *s)
{
  const uint8_t **done;
  CHI_TRY(chi_alloc(s->study->n_alignments, sizeof *done, "flags", &done));
  for (int32_t a = 0; a < s->study->n_alignments; a++) done[a] = chi_store_flags(s->store, a, 0);
  /* without its replicates a file is complete */
  const bool dropped = (chi_store_variants(s->store) & CHI_DROPPED) != 0;
  const chi_status status = dropped ? CHI_OK : s->kind->list(s, done);
  chi_free(done);
  return status;
}

static chi_status prepare(chi_stage *s)
{
  const chi_stage_options *o = s->options;
  const char *config = NULL;
  char log[PATH_MAX];
  CHI_TRY(s->kind->prepare(s));
  CHI_TRY(chi_layers_reals(s->comm, s->study, &s->real));
  CHI_TRY(chi_wide_find(s->comm, s->study, &o->encode, &s->wide));
  const chi_room_demand demand = {.study = s->study,
                                  .encode = &o->encode,
                                  .real = s->real,
                                  .picked = s->picked,
                                  .replicates = s->replicates,
                                  .wide = s->wide,
                                  .blocks = s->blocks,
                                  .residual = s->residual};
  CHI_TRY(chi_room_plan(s->comm, &demand, o->memory_per_rank, &s->room));
  CHI_TRY(s->kind->describe(s, &config));
  const chi_provenance provenance = chi_stage_provenance(s, config);
  CHI_TRY(chi_store_open(s->comm, o->run, o->mode, &s->content, &provenance, &s->store));
  /* every rank's warnings, and why a job ended, belong there too */
  CHI_TRY(chi_path_join(log, o->run, "log.txt"));
  chi_log_set_file(log);
  log_start(s, chi_store_torn(s->store));
  return chi_agree(s->comm, list_units(s));
}

static void log_plan(const chi_stage *s)
{
  char text[512];
  chi_room_text(&s->room, text, sizeof text);
  chi_log(CHI_LOG_INFO, "%s: memory: %s", s->kind->schema->stage, text);
  chi_log(CHI_LOG_INFO, "%s: encoding models%s: %lld, in %lld units", s->kind->schema->stage,
          s->options->mode == CHI_RUN_RESUME ? " left" : "", (long long)s->units.models,
          (long long)s->units.n);
}

static chi_status make_buffers(chi_stage *s)
{
  CHI_TRY(chi_alloc(s->room.scores, 1, "scores", &s->scores));
  CHI_TRY(chi_encoder_create(&s->options->encode, &s->encoder));
  CHI_TRY(chi_encoder_reserve(s->encoder, s->room.encoder));
  return chi_reader_create(s->study, s->real, s->room.features, &s->reader);
}

static chi_status sweep(chi_stage *s)
{
  if (s->units.n == 0) {
    chi_log(CHI_LOG_INFO, "%s: %s is complete already, nothing is left to fit",
            s->kind->schema->stage, s->options->run);
    return CHI_OK;
  }
  log_plan(s);
  CHI_TRY(chi_stage_need_responses(s));
  CHI_TRY(chi_agree(s->comm, make_buffers(s)));
  s->watch = (chi_watch){.run = s->options->run, .stage = s->kind->schema->stage, .ranks = s->size};
  const chi_sweep_stage work = {
      .name = s->kind->schema->stage, .context = s, .work = do_unit, .failed = unit_failed};
  chi_sweep_result result;
  const chi_status status =
      chi_sweep_run(s->comm, s->units.unit, s->units.n, &work, progress, &result);
  if (status != CHI_OK && status != CHI_STOPPED) return status;
  s->failed = result.failed;
  chi_account_log(s->comm, &s->account, &s->watch, &result);
  return status;
}

/* Rank 0 prints what was found, what failed and where the files are, or how to go on. */
static chi_status print_end(const chi_stage *s, bool stopped)
{
  const char *run = s->options->run;
  chi_text text = {0};
  chi_status status = CHI_OK;
  if (!stopped) {
    chi_text_add(&text, "\n");
    status = s->kind->report(s, &text);
    /* found at the end, it is no bad input: somebody took the file away */
    if (status == CHI_ERR_INPUT) status = chi_fail(CHI_ERR_IO, "%s", chi_message());
  }
  chi_watch_add_failed(&s->watch, run, s->failed, &text);
  chi_text_add(&text, "\n");
  if (stopped)
    chi_text_add_line(&text, "stopped early; to go on: %s", s->options->again);
  else
    chi_text_add_line(&text, "%s %s/%s, options %s/config.yaml, log %s/log.txt",
                      s->kind->schema->record[0].noun, run, s->kind->schema->file, run, run);
  if (status == CHI_OK) status = chi_text_print(&text);
  chi_text_free(&text);
  return status;
}

static chi_status finish(chi_stage *s, chi_status status)
{
  const bool dropped = s->store != NULL && (chi_store_variants(s->store) & CHI_DROPPED) != 0;
  if (status == CHI_OK && s->kind->complete != NULL && !dropped)
    status = s->kind->complete(s->comm, &s->content, s->store);
  status = chi_store_finish(&s->store, status);
  if (status == CHI_OK && s->kind->closed != NULL && !dropped) status = s->kind->closed(s);
  return status;
}

static void end(chi_stage *s)
{
  s->kind->free(s);
  chi_reader_destroy(&s->reader);
  chi_encoder_destroy(&s->encoder);
  chi_response_supply_end(&s->responses);
  chi_unit_list_free(&s->units);
  chi_content_free(&s->content);
  chi_watch_free(&s->watch);
  chi_free(s->scores);
  chi_free(s->blocks);
  chi_free(s->real);
  if (s->study != NULL) chi_wide_free(s->study, &s->wide);
  chi_study_destroy(&s->study);
}

chi_status chi_stage_run(MPI_Comm comm, const chi_stage_kind *kind,
                         const chi_stage_options *options, void *own, int64_t *failed)
{
  chi_stage s = {.kind = kind, .options = options, .own = own, .comm = comm};
  MPI_Comm_rank(comm, &s.rank);
  MPI_Comm_size(comm, &s.size);
  chi_status status = prepare(&s);
  if (status == CHI_OK) status = sweep(&s);
  status = finish(&s, status);
  if (status == CHI_OK || status == CHI_STOPPED) {
    const chi_status printed =
        chi_agree(comm, s.rank == 0 ? print_end(&s, status == CHI_STOPPED) : CHI_OK);
    if (printed != CHI_OK) status = printed;
  }
  *failed = s.failed;
  end(&s);
  return status;
}
