#include "simulate/simulate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "simulate/folder.h"
#include "simulate/networks.h"
#include "simulate/responses.h"

enum { MAX_ALIGNMENTS = 16, NAME_ROOM = 208 };

typedef struct alignment_names {
  int32_t n;
  char name[MAX_ALIGNMENTS][NAME_ROOM];
} alignment_names;

static chi_status split_names(const char *list, alignment_names *out)
{
  *out = (alignment_names){0};
  for (const char *at = list;; at++) {
    const size_t n = strcspn(at, ",");
    if (out->n == MAX_ALIGNMENTS)
      return chi_fail(CHI_ERR_USAGE, "--alignments: more than %d", MAX_ALIGNMENTS);
    char *name = out->name[out->n];
    snprintf(name, NAME_ROOM, "%.*s", n < NAME_ROOM ? (int)n : NAME_ROOM - 1, at);
    if (!chi_name_ok(name, false))
      return chi_fail(CHI_ERR_USAGE,
                      "--alignments: \"%s\" is no name; expected names of letters, digits, - and "
                      "_ with commas between",
                      name);
    for (int32_t i = 0; i < out->n; i++)
      if (strcmp(name, out->name[i]) == 0)
        return chi_fail(CHI_ERR_USAGE, "--alignments: %s is named twice", name);
    out->n++;
    at += n;
    if (*at == '\0') return CHI_OK;
  }
}

static chi_status check_options(const chi_simulate_options *o)
{
  double total = 0;
  bool positive = true;
  for (int k = 0; k < CHI_N_KINDS; k++) {
    positive = positive && o->shares[k] >= 0;
    total += o->shares[k];
  }
  if (!positive || !(total > 0) || !isfinite(total))
    return chi_fail(CHI_ERR_USAGE,
                    "--kinds: expected five shares of which none is negative and "
                    "one at least is above 0");
  if (!(o->effect_min >= 0 && o->effect_min <= o->effect_max && o->effect_max < 1))
    return chi_fail(CHI_ERR_USAGE,
                    "--effects: expected lowest,highest with 0 <= lowest <= highest "
                    "< 1, not %g,%g",
                    o->effect_min, o->effect_max);
  if (!(o->noise_min >= 0 && o->noise_min <= o->noise_max && o->noise_max < 1))
    return chi_fail(CHI_ERR_USAGE,
                    "--noise-autocorrelation: expected lowest,highest with 0 <= "
                    "lowest <= highest < 1, not %g,%g",
                    o->noise_min, o->noise_max);
  if (o->sessions > o->events)
    return chi_fail(CHI_ERR_USAGE, "--sessions: %lld sessions need as many --events, not %lld",
                    (long long)o->sessions, (long long)o->events);
  return CHI_OK;
}

/* Bytes that the study's files will hold, as a double since it may be absurd. All models and
 * layers: a copy of the networks has towers 1 + 1 + 2 + 2, the controlled pair 2 + 2, each has a
 * twin. */
static double study_bytes(const chi_simulate_options *o, int32_t n_alignments)
{
  const double towers = 2 * (6 * (double)o->networks + 4);
  const double per_event =
      (double)o->electrodes * (double)o->bins + towers * (double)o->layers * (double)o->features;
  const double files = 1 + 8 * (double)o->networks + 4;
  const double overhead = 65536; /* metadata of a file, generously */
  return (double)o->subjects * (double)n_alignments *
         ((double)o->events * (per_event * sizeof(float) + 12) + files * overhead);
}

static chi_status check_sizes(const char *path, const chi_simulate_options *o, int32_t n_alignments,
                              double free_bytes)
{
  const double bytes = study_bytes(o, n_alignments);
  if (bytes > free_bytes)
    return chi_fail(CHI_ERR_IO,
                    "%s: the study would take %.3g GB and the disk has %.3g GB; ask for fewer "
                    "--subjects, --events, --electrodes, --networks, --layers or --features",
                    path, bytes / 1e9, free_bytes / 1e9);
  const double event = (double)o->electrodes * (double)o->bins * (3 * sizeof(double) + 2 * 4) +
                       (double)o->electrodes * 512 + (double)o->features * 2 * 50 * sizeof(double);
  const double needed = event + (double)o->events * 12 + 2 * (double)o->block_bytes;
  if (needed > (double)chi_memory_available())
    return chi_fail(CHI_ERR_MEMORY,
                    "%s: making it takes %.3g GB of memory and %.3g GB are there; ask for fewer "
                    "--electrodes, --bins, --features or --events",
                    path, needed / 1e9, (double)chi_memory_available() / 1e9);
  return CHI_OK;
}

/* sim1, sim2, ...; with leading zeros from ten subjects on, so that they sort. */
static void subject_name(const chi_simulate_options *o, int64_t i, char name[32])
{
  const int digits = snprintf(NULL, 0, "%lld", (long long)o->subjects);
  snprintf(name, 32, "sim%0*lld", digits, (long long)i + 1);
}

/* A small file of the study. Frees the text. */
static chi_status write_text(const char *study, const char *name, chi_text *text)
{
  const chi_status s = text->failed ? chi_fail(CHI_ERR_MEMORY, "%s: no memory for its text", name)
                                    : chi_file_write(study, name, text->s, text->n);
  chi_text_free(text);
  return s;
}

static chi_status write_yaml(const char *study, const chi_simulate_options *o)
{
  chi_text text = {0};
  chi_text_add(
      &text,
      CHI_SIMULATE_MARK
      "# What each electrode responds to is in truth.csv. Options:\n"
      "# --subjects %lld --electrodes %lld --events %lld --bins %lld --sessions %lld\n"
      "# --networks %lld --layers %lld --features %lld --alignments %s --seed %llu\n"
      "# --kinds %.15g,%.15g,%.15g,%.15g,%.15g\n"
      "# --effects %.15g,%.15g --autocorrelation %.15g --noise-autocorrelation %.15g,%.15g\n"
      "title: Planted study, seed %llu\n"
      "contrasts:\n  with-beats-without-language: "
      "{better: control-with-language, than: control-without-language}\n",
      (long long)o->subjects, (long long)o->electrodes, (long long)o->events, (long long)o->bins,
      (long long)o->sessions, (long long)o->networks, (long long)o->layers, (long long)o->features,
      o->alignments, (unsigned long long)o->seed, o->shares[0], o->shares[1], o->shares[2],
      o->shares[3], o->shares[4], o->effect_min, o->effect_max, o->autocorrelation, o->noise_min,
      o->noise_max, (unsigned long long)o->seed);
  return write_text(study, "study.yaml", &text);
}

/* One subject in one alignment: its responses, its features and its lines of the truth. */
static chi_status write_dataset(const char *study, const chi_simulate_options *o,
                                const char *subject, const chi_electrode *electrodes,
                                const alignment_names *alignments, int32_t a, chi_text *truth)
{
  const char *name = alignments->name[a];
  char dataset[256], path[PATH_MAX];
  chi_network *networks = NULL;
  int64_t n_networks;
  snprintf(dataset, sizeof dataset, "%s.%s", subject, name);
  CHI_TRY(chi_path_format(path, study, "responses/%s.h5", dataset));
  CHI_TRY(chi_responses_write(o, subject, electrodes, a, name, path));
  CHI_TRY(chi_path_format(path, study, "features/%s", dataset));
  CHI_TRY(chi_folder_make(path));
  chi_status s = chi_networks_create(o, &n_networks, &networks);
  for (int64_t k = 0; s == CHI_OK && k < n_networks; k++) {
    s = chi_path_format(path, study, "features/%s/%s.h5", dataset, networks[k].model);
    if (s == CHI_OK) s = chi_network_write(o, &networks[k], dataset, path);
  }
  for (int64_t e = 0; s == CHI_OK && e < o->electrodes; e++) {
    chi_text_add(truth, "%s,", subject);
    chi_text_add_csv(truth, name);
    chi_text_add(truth, ",%s,%s\n", electrodes[e].name,
                 chi_kind_names[chi_electrode_kind(o, subject, electrodes, e, a)]);
  }
  chi_free(networks);
  return s;
}

static chi_status write_subject(const char *study, const chi_simulate_options *o, int64_t i,
                                const alignment_names *alignments, chi_text *truth)
{
  char subject[32];
  chi_electrode *electrodes = NULL;
  subject_name(o, i, subject);
  chi_status s = chi_electrodes_create(o, subject, alignments->n, &electrodes);
  for (int32_t a = 0; s == CHI_OK && a < alignments->n; a++)
    s = write_dataset(study, o, subject, electrodes, alignments, a, truth);
  chi_free(electrodes);
  return s;
}

static chi_status write_study(const char *study, const chi_simulate_options *o,
                              const alignment_names *alignments)
{
  char path[PATH_MAX];
  chi_text truth = {0};
  CHI_TRY(write_yaml(study, o)); /* first: it says whose folder this is */
  CHI_TRY(chi_path_join(path, study, "responses"));
  CHI_TRY(chi_folder_make(path));
  CHI_TRY(chi_path_join(path, study, "features"));
  CHI_TRY(chi_folder_make(path));
  chi_status s = CHI_OK;
  chi_text_add(&truth, "subject,alignment,electrode,kind\n");
  for (int64_t i = 0; s == CHI_OK && i < o->subjects; i++)
    s = write_subject(study, o, i, alignments, &truth);
  if (s == CHI_OK) return write_text(study, "truth.csv", &truth); /* last: all is there */
  chi_text_free(&truth);
  return s;
}

chi_status chi_simulate(const char *path, const chi_simulate_options *options)
{
  alignment_names alignments;
  double free_bytes;
  CHI_TRY(check_options(options));
  CHI_TRY(split_names(options->alignments, &alignments));
  CHI_TRY(chi_simulate_folder_examine(path, options->overwrite, &free_bytes));
  CHI_TRY(check_sizes(path, options, alignments.n, free_bytes));
  CHI_TRY(chi_simulate_folder_make(path));
  CHI_TRY(write_study(path, options, &alignments));
  chi_log(CHI_LOG_INFO,
          "%s: %lld subjects, %d alignments, %lld electrodes, %lld events, %lld models", path,
          (long long)options->subjects, (int)alignments.n, (long long)options->electrodes,
          (long long)options->events, (long long)(8 * options->networks + 4));
  return CHI_OK;
}
