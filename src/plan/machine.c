#include "plan/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/options.h"

/* The file is YAML of one section, read by the same code as options are. */
#define NUMBER(key, low, high)                                                \
  {                                                                           \
    .name = key, .type = CHI_OPT_REAL, .min = low, .max = high, .commands = 1 \
  }
#define TEXT(key)                                    \
  {                                                  \
    .name = key, .type = CHI_OPT_TEXT, .commands = 1 \
  }
static const chi_option keys[] = {
    TEXT("host"),
    TEXT("cpu"),
    TEXT("kernel"),
    TEXT("date"),
    NUMBER("cores", 1, 65536),
    NUMBER("start-s", 0, 1e4),
    NUMBER("fit-s", 0, 1e4),
    NUMBER("bootstrap-s", 0, 1e4),
    NUMBER("sites-s", 0, 1e4),
    NUMBER("layer-s", 0, 1e3),
    NUMBER("unit-s", 0, 1e3),
    NUMBER("message-s", 1e-9, 1),
    NUMBER("replicate", 1e-3, 1e3),
    NUMBER("busy", 1, 1e3),
    NUMBER("summary-s", 0, 1),
    NUMBER("serial", 0, 1),
    NUMBER("read-bytes-per-s", 1, 1e15),
    NUMBER("write-bytes-per-s", 1, 1e15),
    {.name = "fits", .type = CHI_OPT_REALS, .min = 0, .max = 1e18, .commands = 1},
};
enum { N_KEYS = sizeof keys / sizeof *keys, N_TEXTS = 4, N_NUMBERS = N_KEYS - N_TEXTS - 1 };
static const chi_command section = {.name = "machine", .bit = 1, .arguments = ""};

chi_way chi_way_of(const chi_encode_plan *plan)
{
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

/* The numbers, in the order of `keys`. */
static void list_numbers(chi_machine *m, double **number)
{
  double *const in_order[N_NUMBERS - 1] = {
      &m->start_s, &m->fit_s,          &m->bootstrap_s,    &m->sites_s, &m->layer_s,
      &m->unit_s,  &m->message_s,      &m->replicate,      &m->busy,    &m->summary_s,
      &m->serial,  &m->read_bandwidth, &m->write_bandwidth};
  memcpy(number, in_order, sizeof in_order);
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
  for (int i = 0; i < N_KEYS; i++)
    if (!chi_opt_given(o, keys[i].name))
      return chi_fail(CHI_ERR_INPUT, "%s: `%s` is missing; measure again with --calibrate", path,
                      keys[i].name);
  snprintf(m->host, sizeof m->host, "%s", chi_opt_text(o, "host"));
  snprintf(m->cpu, sizeof m->cpu, "%s", chi_opt_text(o, "cpu"));
  snprintf(m->kernel, sizeof m->kernel, "%s", chi_opt_text(o, "kernel"));
  snprintf(m->date, sizeof m->date, "%s", chi_opt_text(o, "date"));
  m->cores = (int32_t)chi_opt_real(o, "cores");
  double *number[N_NUMBERS - 1];
  list_numbers(m, number);
  for (int i = 0; i < N_NUMBERS - 1; i++) *number[i] = chi_opt_real(o, keys[N_TEXTS + 1 + i].name);
  return take_points(path, o, m);
}

chi_status chi_machine_read(const char *path, chi_machine *machine)
{
  char *text = NULL;
  chi_options *o = NULL;
  *machine = (chi_machine){0};
  chi_status s = chi_text_read(path, path, &text);
  if (s == CHI_OK) s = chi_options_create(keys, N_KEYS, &section, &o);
  if (s == CHI_OK) s = chi_options_read_yaml(o, &section, 1, text, path, "");
  if (s == CHI_OK) s = take_all(path, o, machine);
  chi_options_destroy(&o);
  chi_free(text);
  return s;
}

static void write_text(const chi_machine *machine, chi_text *out)
{
  chi_machine m = *machine;
  double *number[N_NUMBERS - 1];
  const char *texts[N_TEXTS] = {m.host, m.cpu, m.kernel, m.date};
  list_numbers(&m, number);
  chi_text_add(out,
               "# Measured by chiasm plan --calibrate: seconds, bytes per second.\nmachine:\n");
  for (int i = 0; i < N_TEXTS; i++) {
    chi_text_add(out, "  %s: ", keys[i].name);
    chi_text_add_quoted(out, texts[i]);
    chi_text_add(out, "\n");
  }
  chi_text_add(out, "  cores: %d\n", (int)m.cores);
  for (int i = 0; i < N_NUMBERS - 1; i++)
    chi_text_add(out, "  %s: %.6g\n", keys[N_TEXTS + 1 + i].name, *number[i]);
  chi_text_add(out,
               "  # a shape of fit: way (0 primal, 1 dual, 2 and 3 the same by bands, 4 singular "
               "values),\n"
               "  # events, features, flops per second of the part that targets share and of "
               "each target's\n  fits: [");
  for (int32_t i = 0; i < m.n_points; i++) {
    const chi_machine_point *p = &m.point[i];
    chi_text_add(out, "%s\n    %g, %g, %g, %.4g, %.4g", i == 0 ? "" : ",", p->way, p->events,
                 p->features, p->shared, p->target);
  }
  chi_text_add(out, "]\n");
}

/* The folders above a file. */
static void make_folders(const char *path)
{
  char part[4096];
  snprintf(part, sizeof part, "%s", path);
  for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    mkdir(part, 0777); /* one that cannot be made is named when the file is opened */
    *slash = '/';
  }
}

chi_status chi_machine_write(const char *path, const chi_machine *machine)
{
  char other[4096 + 32];
  chi_text text = {0};
  write_text(machine, &text);
  if (text.failed) {
    chi_text_free(&text);
    return chi_fail(CHI_ERR_MEMORY, "%s: no memory for its text", path);
  }
  make_folders(path);
  snprintf(other, sizeof other, "%.4095s.%lld", path, (long long)getpid());
  FILE *f = fopen(other, "w");
  bool good = f != NULL && fwrite(text.s, 1, (size_t)text.n, f) == (size_t)text.n;
  if (f != NULL) good = fclose(f) == 0 && good;
  good = good && rename(other, path) == 0;
  const int error = errno;
  chi_text_free(&text);
  if (good) return CHI_OK;
  if (f != NULL) unlink(other);
  return chi_fail(CHI_ERR_IO, "%s: cannot be written: %s; give --machine FILE", path,
                  strerror(error));
}
