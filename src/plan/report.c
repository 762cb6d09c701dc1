#include "plan/report.h"

#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"

/* A number of bytes, or of seconds, for people. */
typedef struct words {
  char s[64];
} words;
static words bytes_of(double bytes)
{
  words w;
  chi_bytes_text(bytes < 9e18 ? (int64_t)bytes : INT64_MAX, w.s, sizeof w.s);
  return w;
}

static words seconds_of(double seconds)
{
  words w;
  chi_clock_format(seconds, w.s, sizeof w.s);
  return w;
}

static double read_bytes(const chi_stage_plan *stage)
{
  return stage->study_bytes + stage->sweep.read_bytes;
}

static void add_stage(const char *name, const chi_stage_plan *stage, chi_table *table)
{
  chi_table_row(table, "%s\t%lld units, %lld encoding models, %.3g flops; reads %s, writes %s",
                name, (long long)stage->units, (long long)stage->models, stage->flops,
                bytes_of(read_bytes(stage)).s, bytes_of(stage->written_bytes).s);
}

static void add_times(const chi_run_plan *plan, chi_text *out)
{
  chi_table t;
  chi_text_add(out, "\nexpected time\n");
  chi_table_begin(&t, "\t\t");
  chi_table_row(&t, "\tstart\t%s", seconds_of(plan->start_s).s);
  for (int i = 0; i < CHI_N_RESULTS; i++)
    if (plan->stage[i].units > 0)
      chi_table_row(&t, "\t%s\t%s", chi_results[i]->stage,
                    seconds_of(chi_stage_seconds(&plan->stage[i])).s);
  chi_table_row(&t, "\tsites\t%s", seconds_of(plan->sites_s).s);
  chi_table_row(&t, "\tall\t%s", seconds_of(plan->total_s).s);
  chi_table_end(&t, out);
}

void chi_report_plan(const chi_stages_options *o, const chi_run_plan *plan, chi_text *out)
{
  const chi_study *study = o->study;
  int64_t sites = 0, spaces = 0;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    sites += study->alignments[a].n_sites;
    spaces += study->alignments[a].n_spaces;
  }
  chi_table t;
  chi_text_add_line(out,
                    "%s: alignments: %d, recordings: %d, electrodes: %lld, feature spaces: %lld",
                    study->path, (int)study->n_alignments, (int)study->n_datasets, (long long)sites,
                    (long long)spaces);
  chi_text_add_line(out, "measured on %s (%s, BLAS kernel %s, cores: %d) at %s", o->machine->host,
                    o->machine->cpu, o->machine->kernel, (int)o->machine->cores, o->machine->date);
  chi_text_add(out, "ranks: %d, threads of each: %d, nodes: %d with %d ranks each at most\n\n",
               (int)o->ranks, (int)o->encode.threads, (int)plan->nodes, (int)plan->ranks_per_node);
  chi_table_begin(&t, "\t");
  for (int i = 0; i < CHI_N_RESULTS; i++)
    if (plan->stage[i].units > 0) add_stage(chi_results[i]->stage, &plan->stage[i], &t);
  chi_table_row(&t, "memory\ta rank %s, a node %s", bytes_of((double)chi_run_plan_rank(plan)).s,
                bytes_of((double)chi_run_plan_node(plan)).s);
  chi_table_end(&t, out);
  add_times(plan, out);
}

static json_t *stage_json(const chi_stage_plan *stage)
{
  const chi_sim_result *r = &stage->sweep;
  return json_pack("{s:I, s:I, s:f, s:I, s:I, s:f, s:f, s:f, s:I}", "units", stage->units, "models",
                   stage->models, "flops", stage->flops, "read_bytes", (int64_t)read_bytes(stage),
                   "written_bytes", (int64_t)stage->written_bytes, "prepare_s", stage->prepare_s,
                   "units_s", r->wall_s, "finish_s", stage->finish_s, "messages", r->messages);
}

/* Add a plan's members to an object. */
static json_t *with_plan(json_t *object, const chi_run_plan *plan)
{
  json_t *members = json_pack("{s:i, s:i, s:f, s:f, s:f, s:I, s:I}", "nodes", plan->nodes,
                              "ranks_per_node", plan->ranks_per_node, "start_s", plan->start_s,
                              "sites_s", plan->sites_s, "total_s", plan->total_s, "rank_bytes",
                              chi_run_plan_rank(plan), "node_bytes", chi_run_plan_node(plan));
  for (int i = 0; i < CHI_N_RESULTS; i++)
    if (plan->stage[i].units > 0)
      json_object_set_new(members, chi_results[i]->stage, stage_json(&plan->stage[i]));
  json_object_update(object, members);
  json_decref(members);
  return object;
}

void chi_report_plan_json(const chi_stages_options *o, const chi_run_plan *plan, chi_text *out)
{
  json_t *head = json_pack("{s:i, s:i}", "ranks", o->ranks, "threads", o->encode.threads);
  chi_json_add(out, with_plan(head, plan));
}

/* Where the ranks' time goes. */
enum { COMPUTE, READ, COORDINATOR, END, ALONE, N_SHARES };

static void shares_of(int32_t ranks, const chi_run_plan *plan, double *share)
{
  const double all = ranks * plan->total_s;
  for (int k = 0; k < N_SHARES; k++) share[k] = 0;
  for (int i = 0; i < CHI_N_RESULTS; i++) {
    const chi_sim_result *r = &plan->stage[i].sweep;
    share[COMPUTE] += r->computed_s / all;
    share[READ] += r->read_s / all;
    share[COORDINATOR] += r->asked_s / all;
    share[END] += r->idle_s / all;
  }
  share[ALONE] = 1 - share[COMPUTE] - share[READ] - share[COORDINATOR] - share[END];
}

static double efficiency(const chi_run_plan *alone, int32_t ranks, const chi_run_plan *plan)
{
  return alone->total_s / (ranks * plan->total_s);
}

/* What most of the time beside computing goes to. */
static void add_reason(const chi_stages_options *o, int32_t ranks, const chi_run_plan *plan,
                       chi_text *out)
{
  double share[N_SHARES];
  shares_of(ranks, plan, share);
  int worst = READ;
  for (int k = READ; k < N_SHARES; k++)
    if (share[k] > share[worst]) worst = k;
  int idle = 0;
  double around = 0;
  for (int i = 0; i < CHI_N_RESULTS; i++) {
    if (plan->stage[i].sweep.idle_s > plan->stage[idle].sweep.idle_s) idle = i;
    around += plan->stage[i].prepare_s + plan->stage[i].finish_s;
  }
  const chi_stage_plan *stage = &plan->stage[idle];
  const char *name = chi_results[idle]->stage;
  if (worst == READ)
    chi_text_add(out,
                 "reading takes longer than computing: the file system's %.3g GB/s for all ranks",
                 1e-9 * o->total_bandwidth);
  else if (worst == COORDINATOR)
    chi_text_add(out, "ranks wait for units: the coordinator needs %.3g us for each message",
                 1e6 * o->machine->message_s);
  else if (worst == END && stage->units < 2 * (int64_t)ranks)
    chi_text_add(out, "units run out: the %s has %lld of them", name, (long long)stage->units);
  else if (worst == END)
    chi_text_add(out, "ranks end apart: the longest unit of the %s takes %.3g s", name,
                 stage->sweep.longest_s);
  else
    chi_text_add(out,
                 "what is not shared out: the job's start (%.3g s), opening the study and closing "
                 "the stages (%.3g s), the comparisons (%.3g s)",
                 plan->start_s, around, plan->sites_s);
}

void chi_report_sweep(const chi_stages_options *o, const chi_run_plan *alone, const int32_t *ranks,
                      const chi_run_plan *plans, int n, chi_text *out)
{
  static const double worth = 0.8;
  int last = -1, worse = -1; /* the most ranks that are worth it; the fewest beyond those */
  chi_table t;
  chi_table_begin(
      &t, ">ranks\t>nodes\t>time\t>speed-up\t>eff.\t>compute\t>read\t>coord.\t>end\t>start");
  for (int i = 0; i < n; i++) {
    double share[N_SHARES];
    const double e = efficiency(alone, ranks[i], &plans[i]);
    if (e >= worth && (last < 0 || ranks[i] > ranks[last])) last = i;
    shares_of(ranks[i], &plans[i], share);
    chi_table_row(&t, "%d\t%d\t%s\t%.1f\t%.1f%%\t%.1f%%\t%.1f%%\t%.1f%%\t%.1f%%\t%.1f%%",
                  (int)ranks[i], (int)plans[i].nodes, seconds_of(plans[i].total_s).s,
                  alone->total_s / plans[i].total_s, 100 * e, 100 * share[COMPUTE],
                  100 * share[READ], 100 * share[COORDINATOR], 100 * share[END],
                  100 * share[ALONE]);
  }
  chi_text_add(out, "\n");
  chi_table_end(&t, out);
  for (int i = 0; i < n; i++)
    if ((last < 0 || ranks[i] > ranks[last]) && (worse < 0 || ranks[i] < ranks[worse])) worse = i;
  if (worse < 0) {
    chi_text_add(out, "\nIt scales to %d ranks (efficiency %.0f %%).\n", (int)ranks[last],
                 100 * efficiency(alone, ranks[last], &plans[last]));
    return;
  }
  chi_text_add(out, "\nFrom %d ranks on the efficiency is below %.0f %%: ", (int)ranks[worse],
               100 * worth);
  add_reason(o, ranks[worse], &plans[worse], out);
  chi_text_add(out, ".\n");
}

void chi_report_sweep_json(const chi_run_plan *alone, const int32_t *ranks,
                           const chi_run_plan *plans, int n, chi_text *out)
{
  json_t *all = json_array();
  for (int i = 0; i < n; i++) {
    json_t *head = json_pack("{s:i, s:f}", "ranks", ranks[i], "efficiency",
                             efficiency(alone, ranks[i], &plans[i]));
    json_array_append_new(all, with_plan(head, &plans[i]));
  }
  chi_json_add(out, all);
}
