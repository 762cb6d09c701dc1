/* What the program takes beside its fits, timed on itself and a study of kilobytes. */
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "chiasm/study.h"
#include "plan/calibrate.h"
#include "plan/children.h"

enum { MODELS = 12, TIMES = 2 };

static chi_status make_study(const char *path, const char *layers)
{
  const char *const make[] = {"chiasm",   "simulate", path,   "--subjects", "1", "--electrodes",
                              "2",        "--events", "40",   "--bins",     "5", "--sessions",
                              "1",        "--layers", layers, "--features", "4", "--alignments",
                              "language", NULL};
  double took;
  return chi_children_self(make, NULL, &took);
}

/* The quickest of a few. */
static chi_status time_self(const char *const *argument, int times, double *seconds)
{
  *seconds = INFINITY;
  for (int i = 0; i < times; i++) {
    double took;
    CHI_TRY(chi_children_self(argument, NULL, &took));
    *seconds = fmin(*seconds, took);
  }
  return CHI_OK;
}

static chi_status time_message(const char *folder, chi_machine *machine)
{
  static const char key[] = "\"message_s\": ";
  char path[4096 + 16], *text = NULL;
  double took;
  snprintf(path, sizeof path, "%s/sweep.json", folder);
  const char *const sweep[] = {"chiasm", "bench", "sweep", "--units", "100000", "--json", NULL};
  CHI_TRY(chi_children_self(sweep, path, &took));
  CHI_TRY(chi_text_read(path, path, &text));
  const char *at = strstr(text, key);
  machine->message_s = at == NULL ? 0 : strtod(at + sizeof key - 1, NULL);
  chi_free(text);
  if (machine->message_s > 0) return CHI_OK;
  return chi_fail(CHI_ERR_BUG, "chiasm bench sweep --json printed no time of a message");
}

static chi_status time_catalog(const char *study, double *seconds)
{
  *seconds = INFINITY;
  for (int i = 0; i < TIMES; i++) {
    chi_study *opened = NULL;
    chi_findings findings = {0};
    const double start = chi_clock_now();
    const chi_status s = chi_study_open(study, &(chi_selection){0}, &findings, &opened);
    *seconds = fmin(*seconds, chi_clock_now() - start);
    chi_study_destroy(&opened);
    chi_findings_free(&findings);
    CHI_TRY(s);
  }
  return CHI_OK;
}

static chi_status time_stages(const char *folder, chi_machine *m)
{
  char few[4096 + 16], many[4096 + 16], run[4096 + 16];
  double start, fit_few, fit_many, open_few, open_many, boot;
  const double layers = MODELS * (20 - 1);
  snprintf(few, sizeof few, "%s/few", folder);
  snprintf(many, sizeof many, "%s/many", folder);
  snprintf(run, sizeof run, "%s/run", folder);
  CHI_TRY(make_study(few, "1"));
  CHI_TRY(make_study(many, "20"));
  CHI_TRY(time_catalog(few, &open_few));
  CHI_TRY(time_catalog(many, &open_many));
  const char *const nothing[] = {"chiasm", "bench", "sweep", "--units", "1", NULL};
  const char *const fits_many[] = {"chiasm",      "fit",       many, "-o", run,
                                   "--overwrite", "--threads", "1",  NULL};
  const char *const fits_few[] = {"chiasm",      "fit",       few, "-o", run,
                                  "--overwrite", "--threads", "1", NULL};
  const char *const boots[] = {"chiasm",    "bootstrap", run, "--replicates", "2", "--overwrite",
                               "--threads", "1",         NULL};
  const char *const compares[] = {"chiasm", "sites", run, "--min-bins", "1", NULL};
  CHI_TRY(time_self(nothing, TIMES + 1, &start));
  CHI_TRY(time_self(fits_many, TIMES, &fit_many));
  CHI_TRY(time_self(fits_few, TIMES, &fit_few));
  CHI_TRY(time_self(boots, TIMES, &boot));
  CHI_TRY(time_self(compares, TIMES, &m->sites_s));
  m->start_s = start;
  m->fit_s = fmax(0, fit_few - start);
  m->bootstrap_s = fmax(0, boot - start);
  m->layer_s = fmax(0, open_many - open_few) / layers;
  m->unit_s = fmax(0, (fit_many - fit_few) / layers - m->layer_s);
  return CHI_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
  (void)info, (void)kind, (void)place;
  remove(path); /* what stays is kilobytes in a temporary folder */
  return 0;
}

chi_status chi_calibrate_program(chi_machine *machine)
{
  const char *temporary = getenv("TMPDIR");
  char folder[4096];
  snprintf(folder, sizeof folder, "%.4000s/chiasm-plan.XXXXXX",
           temporary == NULL || temporary[0] != '/' ? "/tmp" : temporary);
  if (mkdtemp(folder) == NULL)
    return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s; set TMPDIR", folder, strerror(errno));
  chi_status s = chi_calibrate_files(folder, machine);
  if (s == CHI_OK) s = time_message(folder, machine);
  if (s == CHI_OK) s = time_stages(folder, machine);
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return s;
}
