#include "plan/report.h"

#include <math.h>

#include "base/clock.h"

static void add_bytes(chi_text *out, double bytes)
{
  char text[32];
  chi_room_bytes_text(bytes < 9e18 ? (int64_t)bytes : INT64_MAX, text, sizeof text);
  chi_text_add(out, "%s", text);
}

static void add_seconds(chi_text *out, double seconds)
{
  char text[64];
  chi_clock_format(seconds, text, sizeof text);
  chi_text_add(out, "%s", text);
}

static double read_bytes(const chi_stage_plan *stage)
{
  return stage->study_bytes + stage->sweep.read_bytes;
}

static void add_stage(const char *name, const chi_stage_plan *stage, chi_text *out)
{
  chi_text_add(out, "%-10s %lld units, %lld encoding models, %.3g flops; reads ", name,
               (long long)stage->units, (long long)stage->models, stage->flops);
  add_bytes(out, read_bytes(stage));
  chi_text_add(out, ", writes ");
  add_bytes(out, stage->written_bytes);
  chi_text_add(out, "\n");
}

static void add_times(const chi_run_plan *plan, chi_text *out)
{
  const struct {
    const char *name;
    double seconds;
  } rows[] = {{"start", plan->start_s},
              {"fit", chi_stage_seconds(&plan->fit)},
              {"bootstrap", chi_stage_seconds(&plan->bootstrap)},
              {"sites", plan->sites_s},
              {"all", plan->total_s}};
  chi_text_add(out, "\nexpected time\n");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    chi_text_add(out, "  %-10s ", rows[i].name);
    add_seconds(out, rows[i].seconds);
    chi_text_add(out, "\n");
  }
}

void chi_report_plan(const chi_stages_options *o, const chi_run_plan *plan, chi_text *out)
{
  const chi_study *study = o->study;
  int64_t sites = 0, spaces = 0;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    sites += study->alignments[a].n_sites;
    spaces += study->alignments[a].n_spaces;
  }
  const chi_room *fit = &plan->fit_room, *boot = &plan->bootstrap_room;
  const double rank = fmax((double)chi_room_rank(fit), (double)chi_room_rank(boot));
  const double node = fmax((double)chi_room_node(fit), (double)chi_room_node(boot));
  chi_text_add(out, "%s: alignments: %d, recordings: %d, electrodes: %lld, feature spaces: %lld\n",
               study->path, (int)study->n_alignments, (int)study->n_datasets, (long long)sites,
               (long long)spaces);
  chi_text_add(out, "measured on %s (%s, BLAS kernel %s, cores: %d) at %s\n", o->machine->host,
               o->machine->cpu, o->machine->kernel, (int)o->machine->cores, o->machine->date);
  chi_text_add(out, "ranks: %d, threads of each: %d, nodes: %d with %d ranks each at most\n\n",
               (int)o->ranks, (int)o->encode.threads, (int)plan->nodes, (int)plan->ranks_per_node);
  add_stage("fit", &plan->fit, out);
  add_stage("bootstrap", &plan->bootstrap, out);
  chi_text_add(out, "memory     a rank ");
  add_bytes(out, rank);
  chi_text_add(out, ", a node ");
  add_bytes(out, node);
  chi_text_add(out, "\n");
  add_times(plan, out);
}

static void add_stage_json(const chi_stage_plan *stage, chi_text *out)
{
  const chi_sim_result *r = &stage->sweep;
  chi_text_add(out,
               "{\"units\": %lld, \"models\": %lld, \"flops\": %.12g, \"read_bytes\": %.0f, "
               "\"written_bytes\": %.0f, \"prepare_s\": %.6g, \"units_s\": %.6g, "
               "\"finish_s\": %.6g, \"messages\": %lld}",
               (long long)stage->units, (long long)stage->models, stage->flops, read_bytes(stage),
               stage->written_bytes, stage->prepare_s, r->wall_s, stage->finish_s,
               (long long)r->messages);
}

static void add_plan_json(const chi_run_plan *plan, chi_text *out)
{
  chi_text_add(out, "\"nodes\": %d, \"ranks_per_node\": %d, \"start_s\": %.6g, \"fit\": ",
               (int)plan->nodes, (int)plan->ranks_per_node, plan->start_s);
  add_stage_json(&plan->fit, out);
  chi_text_add(out, ", \"bootstrap\": ");
  add_stage_json(&plan->bootstrap, out);
  const chi_room *fit = &plan->fit_room, *boot = &plan->bootstrap_room;
  chi_text_add(out, ", \"sites_s\": %.6g, \"total_s\": %.6g, \"rank_bytes\": [%lld, %lld], ",
               plan->sites_s, plan->total_s, (long long)chi_room_rank(fit),
               (long long)chi_room_rank(boot));
  chi_text_add(out, "\"node_bytes\": [%lld, %lld]", (long long)chi_room_node(fit),
               (long long)chi_room_node(boot));
}

void chi_report_plan_json(const chi_stages_options *o, const chi_run_plan *plan, chi_text *out)
{
  chi_text_add(out, "{\"ranks\": %d, \"threads\": %d, ", (int)o->ranks, (int)o->encode.threads);
  add_plan_json(plan, out);
  chi_text_add(out, "}\n");
}

/* Where the ranks' time goes. */
enum { COMPUTE, READ, COORDINATOR, END, ALONE, N_SHARES };
static const char *const share_names[N_SHARES] = {"compute", "read", "coord.", "end", "start"};

static void shares_of(int32_t ranks, const chi_run_plan *plan, double *share)
{
  const chi_sim_result *f = &plan->fit.sweep, *b = &plan->bootstrap.sweep;
  const double all = ranks * plan->total_s;
  share[COMPUTE] = (f->computed_s + b->computed_s) / all;
  share[READ] = (f->read_s + b->read_s) / all;
  share[COORDINATOR] = (f->asked_s + b->asked_s) / all;
  share[END] = (f->idle_s + b->idle_s) / all;
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
  const chi_stage_plan *stage =
      plan->fit.sweep.idle_s > plan->bootstrap.sweep.idle_s ? &plan->fit : &plan->bootstrap;
  switch (worst) {
    case READ:
      chi_text_add(out,
                   "reading takes longer than computing: the file system's %.3g GB/s for all ranks",
                   1e-9 * o->total_bandwidth);
      break;
    case COORDINATOR:
      chi_text_add(out, "ranks wait for units: the coordinator needs %.3g us for each message",
                   1e6 * o->machine->message_s);
      break;
    case END:
      if (stage->units < 2 * (int64_t)ranks)
        chi_text_add(out, "units run out: the %s has %lld of them",
                     stage == &plan->fit ? "fit" : "bootstrap", (long long)stage->units);
      else
        chi_text_add(out, "ranks end apart: the longest unit of the %s takes %.3g s",
                     stage == &plan->fit ? "fit" : "bootstrap", stage->sweep.longest_s);
      break;
    default:
      chi_text_add(
          out,
          "what is not shared out: the job's start (%.3g s), opening the study and closing "
          "the stages (%.3g s), the comparisons (%.3g s)",
          plan->start_s, plan->fit.prepare_s + plan->bootstrap.prepare_s + plan->bootstrap.finish_s,
          plan->sites_s);
      break;
  }
}

void chi_report_sweep(const chi_stages_options *o, const chi_run_plan *alone, const int32_t *ranks,
                      const chi_run_plan *plans, int n, chi_text *out)
{
  static const double worth = 0.8;
  int last = -1;
  chi_text_add(out, "\n%8s %7s %16s %9s %6s ", "ranks", "nodes", "time", "speed-up", "eff.");
  for (int k = 0; k < N_SHARES; k++) chi_text_add(out, " %7s", share_names[k]);
  chi_text_add(out, "\n");
  for (int i = 0; i < n; i++) {
    char time[64];
    double share[N_SHARES];
    const double e = efficiency(alone, ranks[i], &plans[i]);
    if (e >= worth && (last < 0 || ranks[i] > ranks[last])) last = i;
    chi_clock_format(plans[i].total_s, time, sizeof time);
    shares_of(ranks[i], &plans[i], share);
    chi_text_add(out, "%8d %7d %16s %9.1f %5.1f%% ", (int)ranks[i], (int)plans[i].nodes, time,
                 alone->total_s / plans[i].total_s, 100 * e);
    for (int k = 0; k < N_SHARES; k++) chi_text_add(out, " %6.1f%%", 100 * share[k]);
    chi_text_add(out, "\n");
  }
  int worse = -1; /* the fewest ranks beyond those */
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
  chi_text_add(out, "[");
  for (int i = 0; i < n; i++) {
    chi_text_add(out, "%s{\"ranks\": %d, \"efficiency\": %.6f, ", i == 0 ? "" : ",\n ",
                 (int)ranks[i], efficiency(alone, ranks[i], &plans[i]));
    add_plan_json(&plans[i], out);
    chi_text_add(out, "}");
  }
  chi_text_add(out, "]\n");
}
