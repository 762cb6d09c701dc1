/* chiasm plan: the study or the paper's, the machine, then plans for each number of ranks. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "plan/calibrate.h"
#include "plan/machine.h"
#include "plan/paper.h"
#include "plan/report.h"
#include "study/layers.h"

enum { MOST_RANKS = 1 << 20, MOST_COUNTS = 64 };

/* Take one number of a list. \return false at a mistake */
static bool take_count(const char **at, int32_t *count)
{
  char *end;
  errno = 0;
  const long long value = strtoll(*at, &end, 10);
  if (errno != 0 || end == *at || value < 1 || value > MOST_RANKS) return false;
  if (*end != ',' && *end != '\0') return false;
  *at = *end == ',' ? end + 1 : end;
  *count = (int32_t)value;
  return true;
}

/* Go on by the factor between the last two, up to below `end`. */
static bool fill_counts(int32_t *counts, int *n, int32_t end)
{
  if (*n < 2 || counts[*n - 1] <= counts[*n - 2]) return false;
  const double factor = (double)counts[*n - 1] / counts[*n - 2];
  for (double next = counts[*n - 1] * factor; next < 0.999 * end; next *= factor) {
    const int32_t count = (int32_t)(next + 0.5);
    if (count <= counts[*n - 1]) continue;
    if (*n == MOST_COUNTS) return false;
    counts[(*n)++] = count;
  }
  return true;
}

/* "1,2,4" or "1,2,...,16384". */
static chi_status read_counts(const char *text, int32_t *counts, int *n)
{
  static const char dots[] = "...,";
  const char *at = text;
  bool good = *at != '\0';
  *n = 0;
  while (good && *at != '\0') {
    int32_t next;
    const bool filled = strncmp(at, dots, sizeof dots - 1) == 0;
    if (filled) at += sizeof dots - 1;
    good = take_count(&at, &next) && (!filled || fill_counts(counts, n, next)) && *n < MOST_COUNTS;
    if (good) counts[(*n)++] = next;
  }
  if (good) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE,
                  "--sweep %.60s: expected numbers of processes from 1 to %d, such as 1,2,4 or "
                  "1,2,...,16384, %d at most",
                  text, MOST_RANKS, MOST_COUNTS);
}

static chi_status find_machine(const chi_options *o, chi_machine *machine)
{
  char path[4096];
  const char *given = chi_opt_text(o, "machine");
  if (given != NULL)
    snprintf(path, sizeof path, "%s", given);
  else
    CHI_TRY(chi_machine_path(path, sizeof path));
  if (!chi_opt_flag(o, "calibrate") && access(path, F_OK) == 0)
    return chi_machine_read(path, machine);
  CHI_TRY(chi_calibrate(machine));
  CHI_TRY(chi_machine_write(path, machine));
  chi_log(CHI_LOG_INFO, "kept in %s", path);
  return CHI_OK;
}

static chi_status open_study(const chi_options *o, chi_study **study, double *bytes)
{
  const chi_selection selection = chi_cli_selection(o);
  *bytes = 0;
  CHI_TRY(chi_study_open(chi_opt_argument(o, 0), &selection, NULL, study));
  for (int64_t i = 0; i < (*study)->n_files; i++) {
    char path[PATH_MAX];
    struct stat info;
    CHI_TRY(chi_path_join(path, (*study)->path, (*study)->file[i]));
    if (stat(path, &info) != 0) return chi_fail(CHI_ERR_INPUT, "%s: %s", path, strerror(errno));
    *bytes += (double)info.st_size;
  }
  return CHI_OK;
}

/* How the numbers of each layer are held; of the paper's, as float32. */
static chi_status find_reals(const chi_study *study, bool paper, uint8_t **real)
{
  if (!paper) return chi_layers_reals_part(study, 0, 1, real);
  const int64_t n = chi_layer_count(study);
  CHI_TRY(chi_alloc(n, 1, "layers", real));
  memset(*real, CHI_REAL32, (size_t)n);
  return CHI_OK;
}

/* The files of a study that are not there: responses and features, in float32. */
static double bytes_without_files(const chi_study *study)
{
  double numbers = 0;
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_alignment *a = &study->alignments[d->alignment];
    numbers += (double)d->n_events * (double)(d->n_electrodes * a->n_times);
    for (int64_t f = 0; f < a->n_spaces; f++)
      numbers += (double)d->n_events * (double)a->space[f].n_features[d->subject_index];
  }
  return numbers * sizeof(float);
}

/* A line that submits the job: half as much time again and ten minutes, a tenth more memory. */
static void add_submission(const chi_options *o, const chi_stages_options *so,
                           const chi_run_plan *plan, chi_text *out)
{
  const double node = (double)chi_run_plan_node(plan);
  const long long minutes = (long long)ceil(plan->total_s * 1.5 / 60) + 10;
  const char *study = chi_opt_n_arguments(o) > 0 ? chi_opt_argument(o, 0) : "STUDY";
  chi_text_add(
      out,
      "\nsbatch --nodes=%d --ntasks=%d --cpus-per-task=%d --mem=%lldM --time=%lld:%02lld:00 "
      "jobs/sweep.sbatch %s RUN",
      (int)plan->nodes, (int)so->ranks, (int)so->encode.threads,
      (long long)(node * 1.1 / (1 << 20)) + 1, minutes / 60, minutes % 60, study);
  chi_options_write_line(o, chi_program_command(chi_options_program(o), "run"), out);
  chi_text_add(out, "\n");
}

static chi_status plan_sweep(const chi_options *o, chi_stages_options *so, chi_text *report)
{
  int32_t counts[MOST_COUNTS];
  int n;
  chi_run_plan *plans = NULL, alone;
  CHI_TRY(read_counts(chi_opt_text(o, "sweep"), counts, &n));
  so->memory_per_rank = so->memory_per_node = 0; /* have been looked at */
  so->ranks = 1;
  CHI_TRY(chi_stages_plan(so, &alone));
  CHI_TRY(chi_alloc(n, sizeof *plans, "plans", &plans));
  chi_status s = CHI_OK;
  for (int i = 0; i < n && s == CHI_OK; i++) {
    so->ranks = counts[i];
    s = chi_stages_plan(so, &plans[i]);
  }
  if (s == CHI_OK && chi_opt_flag(o, "json"))
    chi_report_sweep_json(&alone, counts, plans, n, report);
  else if (s == CHI_OK)
    chi_report_sweep(so, &alone, counts, plans, n, report);
  chi_free(plans);
  return s;
}

static chi_status make_report(const chi_options *o, chi_stages_options *so, chi_text *report)
{
  chi_run_plan plan;
  const bool sweeps = chi_opt_text(o, "sweep") != NULL, json = chi_opt_flag(o, "json");
  CHI_TRY(chi_stages_plan(so, &plan));
  if (json && !sweeps) {
    chi_report_plan_json(so, &plan, report);
  } else if (!json) {
    chi_report_plan(so, &plan, report);
    add_submission(o, so, &plan, report);
  }
  return sweeps ? plan_sweep(o, so, report) : CHI_OK;
}

static chi_status check_arguments(const chi_options *o)
{
  const bool paper = chi_opt_flag(o, "paper");
  const int n = chi_opt_n_arguments(o);
  if (n > 1) return chi_fail(CHI_ERR_USAGE, "too many arguments: `%s`", chi_opt_argument(o, 1));
  if (paper && n == 1)
    return chi_fail(CHI_ERR_USAGE, "--paper takes no study, %s was given", chi_opt_argument(o, 0));
  if (!paper && n == 0) return chi_fail(CHI_ERR_USAGE, "no study; give STUDY or --paper");
  return CHI_OK;
}

static void set_options(const chi_options *o, const chi_machine *machine, chi_stages_options *so)
{
  const int64_t cores = chi_opt_int(o, "cores-per-node"), threads = chi_opt_int(o, "threads");
  so->encode.threads = threads > 0 ? (int32_t)threads : 1;
  for (int i = 0; i < CHI_N_RESULTS; i++) so->planned[i] = chi_cli_wants(o, chi_results[i]->stage);
  so->residual = (chi_residual)chi_opt_choice(o, "residual");
  so->replicates = chi_opt_int(o, "replicates");
  so->layers = (chi_layer_selection)chi_opt_choice(o, "layer-selection");
  so->machine = machine;
  so->ranks = (int32_t)chi_opt_int(o, "ranks");
  so->cores_per_node = (int32_t)(cores > 0 ? cores : machine->cores);
  so->latency_s = chi_opt_real(o, "latency");
  so->start_rank_s = chi_opt_real(o, "start-per-rank");
  so->rank_bandwidth = (double)chi_opt_int(o, "rank-bandwidth");
  if (so->rank_bandwidth <= 0) so->rank_bandwidth = machine->read_bandwidth;
  so->memory_per_rank = chi_opt_int(o, "memory-per-rank");
  so->memory_per_node = chi_opt_int(o, "memory-per-node");
  so->total_bandwidth = (double)chi_opt_int(o, "file-system-bandwidth");
}

chi_status chi_cli_plan(chi_cli *cli)
{
  const chi_options *o = cli->options;
  const bool paper = chi_opt_flag(o, "paper");
  chi_stages_options so = {0};
  chi_machine machine;
  chi_study *study = NULL;
  uint8_t *real = NULL;
  chi_text report = {0};
  CHI_TRY(check_arguments(o));
  CHI_TRY(find_machine(o, &machine)); /* first, before there are threads */
  chi_status s = chi_cli_encode_options(cli, o, &so.encode);
  const chi_selection selection = chi_cli_selection(o);
  if (s == CHI_OK)
    s = paper ? chi_paper_study(&selection, &study) : open_study(o, &study, &so.study_bytes);
  if (s == CHI_OK) s = find_reals(study, paper, &real);
  if (s != CHI_OK) goto cleanup;
  if (paper) so.study_bytes = bytes_without_files(study);
  so.study = study;
  so.real = real;
  set_options(o, &machine, &so);
  s = chi_cli_print(cli, make_report(o, &so, &report), &report);
cleanup:
  chi_free(real);
  chi_study_destroy(&study);
  chi_free((void *)so.encode.alphas);
  return s;
}
