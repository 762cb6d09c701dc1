#include "stage/bootstrap.h"

#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/bootstrap_drop.h"
#include "run/fit_file.h"
#include "stage/bootstrap_table.h"
#include "stage/bootstrap_units.h"
#include "stage/bootstrap_worker.h"
#include "stage/draws.h"
#include "stage/room.h"
#include "stage/summary.h"
#include "study/layers.h"
#include "sweep/sweep.h"

/* Everything the stage holds, in the order in which it comes to be. */
typedef struct boot {
  MPI_Comm comm;
  int rank, size;
  const chi_bootstrap_options *options;
  char *study_path, *checksum; /* as fit.h5 says */
  chi_study *study;
  chi_bootstrap_rows *rows; /* by alignment */
  uint8_t *real;            /* by layer number */
  chi_boot_plan plan;
  chi_room room;
  chi_response_supply responses;
  chi_draws *draws; /* by dataset */
  chi_text config;
  chi_bootstrap *file;
  chi_watch watch;
  chi_boot_worker worker;
} boot;

/* A text attribute of fit.h5, read by rank 0. */
static chi_status shared_text(const boot *b, const char *name, char **text)
{
  const chi_status s = b->rank == 0 ? chi_run_read_text(b->options->run, name, text) : CHI_OK;
  CHI_TRY(chi_agree(b->comm, s));
  return chi_bcast_text(b->comm, text);
}

static chi_provenance provenance_of(const boot *b, const char *config, const char *kernel)
{
  return (chi_provenance){.config = config,
                          .study_checksum = b->checksum,
                          .threads_per_rank = b->options->encode.threads,
                          .blas_kernel = kernel,
                          .libraries = b->options->libraries,
                          .later_config = b->options->section};
}

/* The study that was fitted, unchanged. Its scores may have been made by another BLAS kernel. */
static chi_status open_study(boot *b)
{
  const char *run = b->options->run;
  char checksum[17];
  CHI_TRY(shared_text(b, "study", &b->study_path));
  CHI_TRY(shared_text(b, "study_checksum", &b->checksum));
  CHI_TRY(chi_layers_open_study(b->comm, b->study_path, &b->options->selection, &b->study));
  CHI_TRY(chi_layers_checksum(b->comm, b->study, checksum));
  if (strcmp(checksum, b->checksum) != 0)
    return chi_fail(CHI_ERR_USAGE,
                    "%s: the study %s has changed since the fit (checksum %s then, %s now); put "
                    "the old files back, or fit again",
                    run, b->study_path, b->checksum, checksum);
  const chi_provenance provenance = provenance_of(b, b->options->fit_config, NULL);
  return chi_agree(b->comm, b->rank == 0 ? chi_fit_file_check(run, b->study, &provenance) : CHI_OK);
}

static chi_status plan_memory(boot *b)
{
  const chi_room_demand demand = {b->study, &b->options->encode, b->real, b->plan.electrodes,
                                  CHI_REPLICATE_BLOCK};
  CHI_TRY(chi_room_plan(b->comm, &demand, b->options->memory_per_rank, &b->room));
  return chi_response_supply_start(b->comm, b->study, &b->options->encode, &b->room, &b->responses);
}

/* The length of every recording's blocks, ranks sharing the recordings; then the draws. */
static chi_status find_lengths(boot *b, int32_t *length)
{
  const chi_study *study = b->study;
  chi_status s = CHI_OK;
  for (int32_t d = b->rank; d < study->n_datasets && s == CHI_OK; d += b->size) {
    const chi_dataset *set = &study->datasets[d];
    int64_t found = b->options->block_length;
    chi_responses responses;
    if (found > set->n_events)
      s = chi_fail(CHI_ERR_USAGE, "--block %lld: %s has only %lld events", (long long)found,
                   set->path, (long long)set->n_events);
    if (found == 0 && s == CHI_OK) {
      s = chi_response_supply_borrow(&b->responses, d, &responses);
      if (s != CHI_OK) break;
      s = chi_draws_length(study, set, &responses, b->options->encode.threads, &found);
      chi_response_supply_return(&b->responses, d);
    }
    length[d] = (int32_t)found;
  }
  CHI_TRY(chi_agree(b->comm, s));
  MPI_Allreduce(MPI_IN_PLACE, length, study->n_datasets, MPI_INT32_T, MPI_MAX, b->comm);
  return CHI_OK;
}

static chi_status prepare_draws(const boot *b, const int32_t *length)
{
  const chi_study *study = b->study;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    chi_bootstrap_rows *rows = &b->rows[a];
    CHI_TRY(chi_alloc(al->n_datasets, sizeof *rows->block_length, "blocks", &rows->block_length));
    for (int32_t i = 0; i < al->n_datasets; i++) {
      const int32_t d = al->dataset[i];
      rows->block_length[i] = length[d];
      CHI_TRY(chi_draws_create(&study->datasets[d], al->name, b->options->seed, length[d],
                               &b->draws[d]));
    }
  }
  return CHI_OK;
}

static chi_status make_draws(boot *b)
{
  int32_t *length = NULL;
  chi_status s = chi_alloc(b->study->n_datasets, sizeof *length, "blocks", &length);
  if (s == CHI_OK) s = chi_alloc(b->study->n_datasets, sizeof *b->draws, "draws", &b->draws);
  s = chi_agree(b->comm, s);
  if (s == CHI_OK) s = find_lengths(b, length);
  if (s == CHI_OK) s = chi_agree(b->comm, prepare_draws(b, length));
  chi_free(length);
  return s;
}

static chi_bootstrap_content content_of(const boot *b)
{
  return (chi_bootstrap_content){.rows = b->rows,
                                 .n_replicates = b->options->replicates,
                                 .seed = b->options->seed,
                                 .by_space = b->options->layers == CHI_LAYERS_ALL};
}

static chi_status open_file(boot *b)
{
  const chi_bootstrap_options *o = b->options;
  const chi_bootstrap_content content = content_of(b);
  chi_text_add(&b->config, "%s%s", o->fit_config, o->section);
  CHI_TRY(chi_agree(b->comm,
                    b->config.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options") : CHI_OK));
  const chi_provenance provenance = provenance_of(b, b->config.s, o->blas_kernel);
  return chi_bootstrap_open(b->comm, o->run, o->mode, b->study, &provenance, &content, &b->file);
}

static chi_status plan_units(boot *b)
{
  const uint8_t **done;
  CHI_TRY(chi_alloc(b->study->n_alignments, sizeof *done, "flags", &done));
  for (int32_t a = 0; a < b->study->n_alignments; a++) done[a] = chi_bootstrap_done(b->file, a);
  const chi_status s =
      chi_boot_plan_units(b->study, &b->options->encode, b->options->replicates, done, &b->plan);
  chi_free(done);
  return s;
}

static chi_status prepare(boot *b)
{
  const chi_bootstrap_options *o = b->options;
  char log[4096];
  CHI_TRY(open_study(b));
  CHI_TRY(chi_choose_layers(b->comm, o->run, b->study, o->layers, o->models, &b->rows));
  CHI_TRY(chi_layers_reals(b->comm, b->study, &b->real));
  CHI_TRY(chi_agree(b->comm, chi_boot_plan_layers(b->study, b->rows, &b->plan)));
  CHI_TRY(plan_memory(b));
  CHI_TRY(make_draws(b));
  CHI_TRY(open_file(b));
  snprintf(log, sizeof log, "%s/log.txt", o->run);
  chi_log_set_file(log);
  return chi_bootstrap_dropped(b->file) ? CHI_OK : chi_agree(b->comm, plan_units(b));
}

static void log_lengths(const boot *b)
{
  chi_text text = {0};
  int32_t shown = 0;
  for (int32_t d = 0; d < b->study->n_datasets; d++) {
    const chi_dataset *set = &b->study->datasets[d];
    const chi_alignment *al = &b->study->alignments[set->alignment];
    if (shown++ < 8)
      chi_text_add(&text, "%s%s.%s %d", d == 0 ? "" : ", ", set->subject, al->name,
                   (int)b->rows[set->alignment].block_length[set->subject_index]);
  }
  if (shown > 8) chi_text_add(&text, ", ...");
  if (!text.failed)
    chi_log(CHI_LOG_INFO, "bootstrap: events are drawn in blocks of so many: %s", text.s);
  chi_text_free(&text);
}

static void log_start(const boot *b)
{
  const chi_bootstrap_options *o = b->options;
  char text[512];
  chi_log(CHI_LOG_INFO,
          "chiasm %s: bootstrap of %s; ranks: %d, threads of each: %d, BLAS kernel: %s",
          CHIASM_VERSION, o->run, b->size, (int)o->encode.threads, o->blas_kernel);
  log_lengths(b);
  if (chi_bootstrap_torn(b->file) > 0)
    chi_log(CHI_LOG_INFO,
            "bootstrap: %lld blocks of replicates were cut short when the last job ended; done "
            "again",
            (long long)chi_bootstrap_torn(b->file));
  if (b->plan.n == 0) return;
  chi_room_text(&b->room, text, sizeof text);
  chi_log(CHI_LOG_INFO, "bootstrap: memory: %s", text);
  chi_log(CHI_LOG_INFO, "bootstrap: encoding models%s: %lld (%lld replicates), in %lld units",
          o->mode == CHI_RUN_RESUME ? " left" : "", (long long)b->plan.models,
          (long long)o->replicates, (long long)b->plan.n);
}

static chi_status sweep(boot *b, int64_t *failed)
{
  b->watch.run = b->options->run;
  b->watch.stage = "bootstrap";
  b->watch.ranks = b->size;
  b->worker = (chi_boot_worker){.study = b->study,
                                .encode = &b->options->encode,
                                .plan = &b->plan,
                                .real = b->real,
                                .draws = b->draws,
                                .n_replicates = b->options->replicates,
                                .bootstrap = b->file,
                                .responses = &b->responses,
                                .watch = &b->watch};
  CHI_TRY(chi_agree(b->comm, chi_boot_worker_start(&b->worker, b->room.features, b->room.encoder,
                                                   b->room.gathered)));
  const chi_sweep_stage stage = {.name = "bootstrap",
                                 .context = &b->worker,
                                 .work = chi_boot_do_unit,
                                 .failed = chi_boot_unit_failed};
  chi_sweep_result result;
  const chi_status s =
      chi_sweep_run(b->comm, b->plan.unit, b->plan.n, &stage, chi_boot_progress, &result);
  if (s != CHI_OK && s != CHI_STOPPED) return s;
  *failed = result.failed;
  chi_account_log(b->comm, "bootstrap", &b->worker.account, &b->watch, &result);
  return s;
}

/* Fit what is left, then summarise all of it: a summary is never older than its replicates. */
static chi_status work(boot *b, int64_t *failed)
{
  log_start(b);
  if (chi_bootstrap_dropped(b->file)) {
    chi_log(CHI_LOG_INFO, "bootstrap: %s is complete already", b->options->run);
    return CHI_OK;
  }
  if (b->plan.n > 0)
    CHI_TRY(sweep(b, failed));
  else
    chi_log(CHI_LOG_INFO, "bootstrap: %s is complete already, nothing is left to fit",
            b->options->run);
  return chi_summarise_all(b->comm, b->study, b->rows, b->options->replicates, b->file);
}

static chi_status drop_replicates(const boot *b)
{
  const chi_bootstrap_content content = content_of(b);
  const chi_provenance provenance = provenance_of(b, b->config.s, b->options->blas_kernel);
  return chi_bootstrap_drop(b->options->run, b->study, &provenance, &content, b->size);
}

/* Close the file, without its replicates if they are not to be kept and none is still to be made;
 * the message of what went wrong before stays. */
static chi_status close_file(boot *b, chi_status s, int64_t failed)
{
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  const bool drop = b->file != NULL && !chi_bootstrap_dropped(b->file) && !b->options->keep;
  const chi_status closed = chi_bootstrap_close(&b->file);
  if (s != CHI_OK) return chi_fail(s, "%s", message);
  CHI_TRY(closed);
  if (drop && failed > 0)
    chi_log(CHI_LOG_INFO,
            "bootstrap: the replicates are kept, since --resume needs them to do what failed");
  return chi_agree(b->comm, drop && failed == 0 && b->rank == 0 ? drop_replicates(b) : CHI_OK);
}

static void end(boot *b)
{
  chi_boot_worker_end(&b->worker);
  chi_response_supply_end(&b->responses);
  for (int32_t d = 0; b->draws != NULL && d < b->study->n_datasets; d++)
    chi_draws_free(&b->draws[d]);
  chi_free(b->draws);
  chi_boot_plan_free(&b->plan);
  chi_watch_free(&b->watch);
  chi_text_free(&b->config);
  if (b->study != NULL) chi_choose_free(b->study, &b->rows);
  chi_free(b->real);
  chi_free(b->study_path);
  chi_free(b->checksum);
  chi_study_destroy(&b->study);
}

chi_status chi_bootstrap_stage(MPI_Comm comm, const chi_bootstrap_options *options, int64_t *failed)
{
  boot b = {.comm = comm, .options = options};
  *failed = 0;
  MPI_Comm_rank(comm, &b.rank);
  MPI_Comm_size(comm, &b.size);
  chi_status s = prepare(&b);
  if (s == CHI_OK) s = work(&b, failed);
  s = close_file(&b, s, *failed);
  if (s == CHI_OK || s == CHI_STOPPED) {
    const chi_status printed = chi_agree(
        comm, b.rank == 0 ? chi_boot_report(options->run, &b.watch,
                                            s == CHI_STOPPED ? options->again : NULL, *failed)
                          : CHI_OK);
    if (printed != CHI_OK) s = printed;
  }
  end(&b);
  return s;
}
