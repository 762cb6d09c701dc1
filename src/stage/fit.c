#include "stage/fit.h"

#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "stage/fit_table.h"
#include "stage/fit_units.h"
#include "stage/fit_worker.h"
#include "stage/room.h"
#include "study/layers.h"
#include "sweep/sweep.h"

/* Everything a fit holds, in the order in which it comes to be. */
typedef struct fit {
  MPI_Comm comm;
  int rank, size;
  const chi_fit_options *options;
  chi_study *study;
  chi_rows *rows; /* by dataset */
  uint8_t *real;  /* by layer: chi_real of its features */
  char checksum[17];
  chi_room room;
  chi_run *run;
  chi_fit_plan plan;
  chi_response_supply responses;
  chi_watch watch;
  chi_fit_worker worker;
} fit;

/* The folds of every dataset's events. */
static chi_status make_rows(const chi_study *study, const chi_encode_options *encode,
                            chi_rows **rows)
{
  CHI_TRY(chi_alloc(study->n_datasets, sizeof **rows, "folds", rows));
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_status s = chi_rows_plain(encode, d->n_events, d->onset, d->session, &(*rows)[i]);
    char why[CHI_MESSAGE_MAX];
    snprintf(why, sizeof why, "%s", chi_message());
    if (s != CHI_OK) return chi_fail(s, "%s: %s", d->path, why);
  }
  return CHI_OK;
}

static void free_rows(const chi_study *study, chi_rows **rows)
{
  for (int32_t i = 0; *rows != NULL && i < study->n_datasets; i++) chi_rows_free(&(*rows)[i]);
  chi_free(*rows);
  *rows = NULL;
}

static chi_status open_run(fit *f)
{
  const chi_provenance provenance = {.config = f->options->config,
                                     .later_config = f->options->later_config,
                                     .study_checksum = f->checksum,
                                     .threads_per_rank = f->options->encode.threads,
                                     .blas_kernel = f->options->blas_kernel,
                                     .libraries = f->options->libraries};
  CHI_TRY(chi_run_open(f->comm, f->options->run, f->options->mode, f->study, &provenance, &f->run));
  /* Rank 0 has the log already; the others' warnings, and why a job ended, belong there too. */
  char path[4096];
  snprintf(path, sizeof path, "%s/log.txt", f->options->run);
  if (f->rank != 0) chi_log_set_file(path);
  return CHI_OK;
}

static chi_status make_plan(fit *f)
{
  const uint8_t **done;
  CHI_TRY(chi_alloc(f->study->n_alignments, sizeof *done, "flags", &done));
  for (int32_t a = 0; a < f->study->n_alignments; a++) done[a] = chi_run_done(f->run, a);
  const chi_status s = chi_fit_plan_make(f->study, &f->options->encode, f->options->electrode_block,
                                         done, f->size, &f->plan);
  chi_free(done);
  return s;
}

static void log_start(const fit *f)
{
  const chi_study *study = f->study;
  int64_t spaces = 0, sites = 0;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    spaces += study->alignments[a].n_spaces;
    sites += study->alignments[a].n_sites;
  }
  chi_log(CHI_LOG_INFO,
          "chiasm %s: fit of %s into %s; ranks: %d, threads of each: %d, "
          "BLAS kernel: %s",
          CHIASM_VERSION, f->options->study, f->options->run, f->size,
          (int)f->options->encode.threads, f->options->blas_kernel);
  chi_log(CHI_LOG_INFO,
          "fit: alignments: %d, recordings: %d, electrodes: %lld, feature spaces: %lld",
          (int)study->n_alignments, (int)study->n_datasets, (long long)sites, (long long)spaces);
  if (chi_run_torn(f->run) > 0)
    chi_log(CHI_LOG_INFO, "fit: %lld sites were cut short when the last job ended; fitted again",
            (long long)chi_run_torn(f->run));
  if (f->plan.n == 0) return;
  char text[512];
  chi_room_text(&f->room, text, sizeof text);
  chi_log(CHI_LOG_INFO, "fit: memory: %s", text);
  chi_log(CHI_LOG_INFO, "fit: encoding models%s: %lld, in %lld units",
          f->options->mode == CHI_RUN_RESUME ? " left" : "", (long long)f->plan.models,
          (long long)f->plan.n);
  if (f->plan.parts > 0)
    chi_log(CHI_LOG_FILE, "fit: %lld units are parts of layers, so that all ranks have work",
            (long long)f->plan.parts);
}

static chi_status prepare_worker(fit *f)
{
  CHI_TRY(
      chi_response_supply_start(f->comm, f->study, &f->options->encode, &f->room, &f->responses));
  f->watch.run = f->options->run;
  f->watch.stage = "fit";
  f->watch.ranks = f->size;
  f->worker = (chi_fit_worker){.study = f->study,
                               .encode = &f->options->encode,
                               .plan = &f->plan,
                               .real = f->real,
                               .rows = f->rows,
                               .run = f->run,
                               .responses = &f->responses,
                               .watch = &f->watch};
  return chi_agree(f->comm, chi_fit_worker_start(&f->worker, f->room.features, f->room.encoder));
}

static chi_status sweep(fit *f, int64_t *failed)
{
  CHI_TRY(prepare_worker(f));
  const chi_sweep_stage stage = {
      .name = "fit", .context = &f->worker, .work = chi_fit_do_unit, .failed = chi_fit_unit_failed};
  chi_sweep_result result;
  const chi_status s =
      chi_sweep_run(f->comm, f->plan.unit, f->plan.n, &stage, chi_fit_progress, &result);
  if (s != CHI_OK && s != CHI_STOPPED) return s;
  *failed = result.failed;
  chi_account_log(f->comm, "fit", &f->worker.account, &f->watch, &result);
  return s;
}

/* Rank 0 prints what was found, what failed and where the files are, or how to go on. */
static chi_status print_end(const fit *f, bool stopped, int64_t failed)
{
  const chi_fit_options *o = f->options;
  chi_text text = {0};
  chi_status s = CHI_OK;
  if (!stopped) {
    chi_text_add(&text, "\n");
    s = chi_fit_report_table(o->run, o->encode.alphas, o->encode.n_alphas, &text);
    /* found at the end, it is no bad input: somebody took the file away */
    if (s == CHI_ERR_INPUT) s = chi_fail(CHI_ERR_IO, "%s", chi_message());
  }
  chi_watch_add_failed(&f->watch, o->run, failed, &text);
  if (stopped)
    chi_text_add(&text, "\nstopped early; to go on: %s\n", o->again);
  else
    chi_text_add(&text, "\nscores %s/fit.h5, options %s/config.yaml, log %s/log.txt\n", o->run,
                 o->run, o->run);
  if (s == CHI_OK) s = chi_text_print(&text);
  chi_text_free(&text);
  return s;
}

static chi_status prepare(fit *f)
{
  const chi_fit_options *o = f->options;
  CHI_TRY(chi_agree(f->comm, f->rank == 0 ? chi_run_check(o->run, o->mode) : CHI_OK));
  CHI_TRY(chi_layers_open_study(f->comm, o->study, &o->selection, &f->study));
  CHI_TRY(chi_agree(f->comm, make_rows(f->study, &o->encode, &f->rows)));
  CHI_TRY(chi_layers_reals(f->comm, f->study, &f->real));
  const chi_room_demand demand = {f->study, &o->encode, f->real, NULL, 0};
  CHI_TRY(chi_room_plan(f->comm, &demand, o->memory_per_rank, &f->room));
  CHI_TRY(chi_layers_checksum(f->comm, f->study, f->checksum));
  CHI_TRY(open_run(f));
  return chi_agree(f->comm, make_plan(f));
}

static void end(fit *f)
{
  chi_fit_worker_end(&f->worker);
  chi_response_supply_end(&f->responses);
  chi_fit_plan_free(&f->plan);
  chi_watch_free(&f->watch);
  free_rows(f->study, &f->rows);
  chi_free(f->real);
  chi_study_destroy(&f->study);
}

chi_status chi_fit(MPI_Comm comm, const chi_fit_options *options, int64_t *failed)
{
  fit f = {.comm = comm, .options = options};
  *failed = 0;
  MPI_Comm_rank(comm, &f.rank);
  MPI_Comm_size(comm, &f.size);
  chi_status s = prepare(&f);
  if (s == CHI_OK) {
    log_start(&f);
    if (f.plan.n > 0)
      s = sweep(&f, failed);
    else
      chi_log(CHI_LOG_INFO, "fit: %s is complete already, nothing is left to fit", options->run);
  }
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  const chi_status closed = chi_run_close(&f.run);
  if (s == CHI_OK)
    s = closed;
  else
    chi_fail(s, "%s", message);
  if (s == CHI_OK || s == CHI_STOPPED) {
    const bool stopped = s == CHI_STOPPED;
    const chi_status printed =
        chi_agree(comm, f.rank == 0 ? print_end(&f, stopped, *failed) : CHI_OK);
    if (printed != CHI_OK) s = printed;
  }
  end(&f);
  return s;
}
