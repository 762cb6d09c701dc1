#include "plan/machine.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/options.h"

/* The file is YAML of one section, read by the same code as options are: what each key is, and
 * where in chi_machine it goes. */
#define KEY(key, kind, member, low, high)                                          \
  {                                                                                \
    {.name = key, .type = CHI_OPT_##kind, .min = low, .max = high, .commands = 1}, \
        offsetof(chi_machine, member)                                              \
  }
static const struct {
  chi_option option;
  size_t at;
} keys[] = {
    KEY("host", TEXT, host, 0, 0),
    KEY("cpu", TEXT, cpu, 0, 0),
    KEY("kernel", TEXT, kernel, 0, 0),
    KEY("date", TEXT, date, 0, 0),
    KEY("cores", INT, cores, 1, 65536),
    KEY("start-s", REAL, start_s, 0, 1e4),
    KEY("job-s", REAL, job_s, 0, 1e4),
    KEY("fit-s", REAL, fit_s, 0, 1e4),
    KEY("influence-s", REAL, influence_s, 0, 1e4),
    KEY("bootstrap-s", REAL, bootstrap_s, 0, 1e4),
    KEY("sites-s", REAL, sites_s, 0, 1e4),
    KEY("layer-s", REAL, layer_s, 0, 1e3),
    KEY("unit-s", REAL, unit_s, 0, 1e3),
    KEY("message-s", REAL, message_s, 1e-9, 1),
    KEY("replicate", REAL, replicate, 1e-3, 1e3),
    KEY("busy", REAL, busy, 1, 1e3),
    KEY("summary-s", REAL, summary_s, 0, 1),
    KEY("serial", REAL, serial, 0, 1),
    KEY("read-bytes-per-s", REAL, read_bandwidth, 1, 1e15),
    KEY("write-bytes-per-s", REAL, write_bandwidth, 1, 1e15),
    KEY("fits", REALS, point, 0, 1e18),
};
#undef KEY
enum { N_KEYS = sizeof keys / sizeof *keys };
static const chi_command section = {.name = "machine", .bit = 1, .arguments = ""};

chi_way chi_way_of(const chi_encode_plan *plan, bool influence)
{
  if (influence)
    return plan->svd    ? CHI_WAY_INFLUENCE_SVD
           : plan->dual ? CHI_WAY_INFLUENCE_DUAL
                        : CHI_WAY_INFLUENCE_PRIMAL;
  if (plan->svd) return CHI_WAY_SVD;
  if (plan->banded) return plan->dual ? CHI_WAY_DUAL_BANDED : CHI_WAY_PRIMAL_BANDED;
  return plan->dual ? CHI_WAY_DUAL : CHI_WAY_PRIMAL;
}

chi_status chi_machine_path(char *path, int64_t n)
{
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (cache != NULL && cache[0] == '/')
    snprintf(path, (size_t)n, "%s/chiasm/machine.yaml", cache);
  else if (home != NULL && home[0] == '/')
    snprintf(path, (size_t)n, "%s/.cache/chiasm/machine.yaml", home);
  else
    return chi_fail(CHI_ERR_USAGE,
                    "neither XDG_CACHE_HOME nor HOME says where to keep what is measured of this "
                    "machine; give --machine FILE");
  return CHI_OK;
}

static chi_status take_points(const char *path, const chi_options *o, chi_machine *m)
{
  int n;
  const double *values = chi_opt_reals(o, "fits", &n);
  if (n % CHI_POINT_NUMBERS != 0 || n > CHI_POINT_NUMBERS * CHI_MACHINE_POINTS)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: fits: %d numbers; expected %d for each shape, of %d shapes at most; "
                    "measure again with --calibrate",
                    path, n, CHI_POINT_NUMBERS, CHI_MACHINE_POINTS);
  m->n_points = n / CHI_POINT_NUMBERS;
  bool has[CHI_N_WAYS] = {false};
  for (int32_t i = 0; i < m->n_points; i++) {
    const double *v = values + (int64_t)i * CHI_POINT_NUMBERS;
    m->point[i] = (chi_machine_point){v[0], v[1], v[2], v[3], v[4]};
    for (int k = 0; k < CHI_POINT_NUMBERS; k++)
      if ((k == 0 && v[k] >= CHI_N_WAYS) || (k > 0 && v[k] < 1))
        return chi_fail(CHI_ERR_INPUT,
                        "%s: fits: shape %d: number %d is %g; measure again with --calibrate", path,
                        (int)i + 1, k + 1, v[k]);
    has[(int)v[0]] = true;
  }
  for (int way = 0; way < CHI_N_WAYS; way++)
    if (!has[way])
      return chi_fail(CHI_ERR_INPUT,
                      "%s: fits: none has the way %d; measure again with --calibrate", path, way);
  return CHI_OK;
}

static chi_status take_all(const char *path, const chi_options *o, chi_machine *m)
{
  for (int i = 0; i < N_KEYS; i++) {
    const char *name = keys[i].option.name;
    void *at = (char *)m + keys[i].at;
    if (!chi_opt_given(o, name))
      return chi_fail(CHI_ERR_INPUT, "%s: `%s` is missing; measure again with --calibrate", path,
                      name);
    if (keys[i].option.type == CHI_OPT_TEXT)
      snprintf(at, CHI_MACHINE_TEXT, "%s", chi_opt_text(o, name));
    if (keys[i].option.type == CHI_OPT_INT) *(int64_t *)at = chi_opt_int(o, name);
    if (keys[i].option.type == CHI_OPT_REAL) *(double *)at = chi_opt_real(o, name);
  }
  return take_points(path, o, m);
}

chi_status chi_machine_read(const char *path, chi_machine *machine)
{
  chi_option table[N_KEYS];
  const chi_program program = {&section, 1, table, N_KEYS}; /* the options borrow it */
  char *text = NULL;
  chi_options *o = NULL;
  *machine = (chi_machine){.cores = 0};
  for (int i = 0; i < N_KEYS; i++) table[i] = keys[i].option;
  chi_status s = chi_text_read(path, path, &text);
  if (s == CHI_OK) s = chi_options_create(&program, &section, &o);
  if (s == CHI_OK) s = chi_options_read_yaml(o, text, path, "");
  if (s == CHI_OK) s = take_all(path, o, machine);
  chi_options_destroy(&o);
  chi_free(text);
  return s;
}

static void write_points(const chi_machine *m, chi_text *out)
{
  chi_text_add(out,
               "  # a shape of fit: way (0 primal, 1 dual, 2 and 3 the same by bands, 4 singular "
               "values;\n  # 5 to 7 influences by primal, dual, singular values),\n"
               "  # events, features, flops per second of the part that targets share and of "
               "each target's\n  fits: [");
  for (int32_t i = 0; i < m->n_points; i++) {
    const chi_machine_point *p = &m->point[i];
    chi_text_add(out, "%s\n    %g, %g, %g, %.4g, %.4g", i == 0 ? "" : ",", p->way, p->events,
                 p->features, p->shared, p->target);
  }
  chi_text_add(out, "]\n");
}

static void write_text(const chi_machine *m, chi_text *out)
{
  chi_text_add(out,
               "# Measured by chiasm plan --calibrate: seconds, bytes per second.\nmachine:\n");
  for (int i = 0; i < N_KEYS; i++) {
    const void *at = (const char *)m + keys[i].at;
    if (keys[i].option.type == CHI_OPT_REALS) continue;
    chi_text_add(out, "  %s: ", keys[i].option.name);
    if (keys[i].option.type == CHI_OPT_TEXT) chi_text_add_quoted(out, at);
    if (keys[i].option.type == CHI_OPT_INT) chi_text_add(out, "%lld", *(const long long *)at);
    if (keys[i].option.type == CHI_OPT_REAL) chi_text_add(out, "%.6g", *(const double *)at);
    chi_text_add(out, "\n");
  }
  write_points(m, out);
}

/* The folder of a file, made with all above it; one that cannot be made is named when the file is
 * opened. */
static void make_folder(const char *path, char *folder)
{
  snprintf(folder, PATH_MAX, "%s", path);
  for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(folder, 0777);
    *slash = '/';
  }
  char *last = strrchr(folder, '/');
  if (last == NULL)
    snprintf(folder, PATH_MAX, ".");
  else
    *last = '\0';
}

chi_status chi_machine_write(const char *path, const chi_machine *machine)
{
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  chi_text text = {0};
  write_text(machine, &text);
  make_folder(path, folder);
  chi_status s = text.failed
                     ? chi_fail(CHI_ERR_MEMORY, "%s: no memory for its text", path)
                     : chi_file_write(folder, slash == NULL ? path : slash + 1, text.s, text.n);
  if (s == CHI_ERR_IO) s = chi_fail(s, "%s; give --machine FILE", chi_message());
  chi_text_free(&text);
  return s;
}

/* What of the way's points is measured: the least and most events and features. */
static void ranges(const chi_machine *machine, chi_way way, chi_machine_point *low,
                   chi_machine_point *high)
{
  low->events = low->features = INFINITY;
  high->events = high->features = 0;
  for (int32_t i = 0; i < machine->n_points; i++) {
    const chi_machine_point *p = &machine->point[i];
    if ((chi_way)p->way != way) continue;
    low->events = fmin(low->events, p->events);
    low->features = fmin(low->features, p->features);
    high->events = fmax(high->events, p->events);
    high->features = fmax(high->features, p->features);
  }
}

/* Flops per second of the shared part and of the targets'. */
static void speeds(const chi_machine *machine, chi_way way, const chi_fit_shape *shape,
                   double *shared, double *target)
{
  double weights = 0, sum_shared = 0, sum_target = 0;
  chi_machine_point low, high;
  ranges(machine, way, &low, &high);
  const double events = fmin(high.events, fmax(low.events, (double)shape->rows));
  const double features = fmin(high.features, fmax(low.features, (double)shape->features));
  for (int32_t i = 0; i < machine->n_points; i++) {
    const chi_machine_point *p = &machine->point[i];
    if ((chi_way)p->way != way) continue;
    const double x = log(events / p->events), y = log(features / p->features);
    const double weight = pow(x * x + y * y + 1e-4, -2);
    weights += weight;
    sum_shared += weight * log(p->shared);
    sum_target += weight * log(p->target);
  }
  *shared = exp(sum_shared / weights);
  *target = exp(sum_target / weights);
}

double chi_machine_seconds(const chi_machine *machine, const chi_encode_options *encode,
                           const chi_fit_shape *shape, double busy, double *flops)
{
  const chi_encode_plan plan =
      shape->blocks > 0
          ? chi_influence_make_plan(encode, shape->residual, shape->rows, shape->blocks,
                                    shape->features, shape->electrodes, shape->times)
          : chi_encode_make_plan(encode, shape->rows, shape->features, shape->electrodes,
                                 shape->times);
  const double of_targets = plan.flops_target * (double)shape->targets;
  double shared, target;
  speeds(machine, chi_way_of(&plan, shape->blocks > 0), shape, &shared, &target);
  *flops = plan.flops_shared + of_targets;
  return (plan.flops_shared / shared + of_targets / target) * pow(machine->busy, busy) *
         (machine->serial + (1 - machine->serial) / encode->threads);
}
