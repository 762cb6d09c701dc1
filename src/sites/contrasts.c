/* The contrasts of study.yaml. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/options.h"
#include "sites/internal.h"
#include "store/config.h"

typedef struct reading {
  const chi_sites_run *run;
  bool partial; /* the fit took a part of the study: names may be missing */
} reading;

static chi_status wrong(const yaml_node_t *node, const char *what)
{
  return chi_fail(CHI_ERR_INPUT,
                  "study.yaml: line %zu: %s; expected contrasts such as "
                  "NAME: {better: MODEL, than: {modality: vision}}",
                  chi_yaml_line(node), what);
}

static chi_status name_of(const yaml_node_t *node, size_t longest, const char **out)
{
  *out = chi_yaml_scalar(node);
  if (*out == NULL || **out == '\0') return wrong(node, "a name is missing");
  return strlen(*out) > longest ? wrong(node, "a name is too long") : CHI_OK;
}

static int n_pairs(const yaml_node_t *mapping)
{
  return (int)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

/* ---- what a name stands for ---- */

/* A model's name goes before a network's. */
static bool find_name(const chi_sites_run *run, chi_sites_choice *choice, chi_nearest *best)
{
  bool model = false, network = false, modality = false;
  for (int32_t a = 0; a < run->n_fit; a++)
    for (int64_t f = 0; f < run->fit[a].n_spaces; f++) {
      const chi_fit_table *t = &run->fit[a];
      if (choice->by == CHI_CHOOSE_MODALITY) {
        modality = chi_nearest_offer(best, t->modality[f]) || modality;
      } else {
        model = chi_nearest_offer(best, t->model[f]) || model;
        network = chi_nearest_offer(best, t->network[f]) || network;
      }
    }
  if (network && !model) choice->by = CHI_CHOOSE_NETWORK;
  return model || network || modality;
}

static chi_status check_name(const reading *r, const yaml_node_t *node, const char *contrast,
                             chi_sites_choice *choice)
{
  chi_nearest best = {.wanted = choice->name};
  const char *what = choice->by == CHI_CHOOSE_MODALITY ? "modality" : "model or network";
  if (find_name(r->run, choice, &best)) return CHI_OK;
  if (r->partial) {
    chi_log(CHI_LOG_WARNING, "study.yaml: contrast %s: the run has no %s %s", contrast, what,
            choice->name);
    return CHI_OK;
  }
  return chi_fail(CHI_ERR_INPUT,
                  "study.yaml: line %zu: contrast %s: the run has no %s `%s`; the nearest is `%s`",
                  chi_yaml_line(node), contrast, what, choice->name, best.word);
}

/* ---- the file ---- */

static chi_status read_side(const reading *r, const yaml_node_t *contrast, const char *key,
                            const char *name, chi_sites_choice *choice)
{
  const yaml_node_t *node = chi_yaml_get(r->run->yaml, contrast, key), *named = node;
  if (node == NULL) return wrong(contrast, key[0] == 't' ? "no `than`" : "no `better`");
  choice->by = CHI_CHOOSE_MODEL;
  if (node->type == YAML_MAPPING_NODE) {
    choice->by = CHI_CHOOSE_MODALITY;
    named = chi_yaml_get(r->run->yaml, node, "modality");
    if (n_pairs(node) != 1 || named == NULL) return wrong(node, "neither a name nor {modality: M}");
  }
  CHI_TRY(name_of(named, CHI_SITES_NAME - 1, &choice->name));
  return check_name(r, node, name, choice);
}

static chi_status check_contrast_name(const yaml_node_t *key, const char *name,
                                      const chi_sites_comparison *list, int32_t n)
{
  const size_t length = strlen(name);
  bool taken =
      strcmp(name, "integration") == 0 || (length > 5 && strcmp(name + length - 5, "-both") == 0);
  for (int32_t i = 0; i < n; i++) taken = taken || strcmp(list[i].name, name) == 0;
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)name[i] < ' ') return wrong(key, "a name with control characters");
  if (!taken) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT,
                  "study.yaml: line %zu: contrast %s: the name is taken by another comparison, "
                  "or ends in -both; choose another",
                  chi_yaml_line(key), name);
}

/* The contrast behind the n comparisons of the list. */
static chi_status read_contrast(const reading *r, const yaml_node_pair_t *pair,
                                chi_sites_comparison *list, int32_t n)
{
  const yaml_node_t *key = chi_yaml_node(r->run->yaml, pair->key);
  const yaml_node_t *node = chi_yaml_node(r->run->yaml, pair->value);
  chi_sites_comparison *out = &list[n];
  const char *name;
  CHI_TRY(name_of(key, CHI_SITES_NAME - 6, &name));
  CHI_TRY(check_contrast_name(key, name, list, n));
  *out = (chi_sites_comparison){.name = name, .kind = CHI_COMPARE_SIDES};
  if (node->type != YAML_MAPPING_NODE) return wrong(node, "a contrast without sides");
  if (n_pairs(node) > 2) return wrong(node, "a contrast with more than `better` and `than`");
  CHI_TRY(read_side(r, node, "better", name, &out->side[CHI_BETTER]));
  return read_side(r, node, "than", name, &out->side[CHI_THAN]);
}

static chi_status read_all(const reading *r, chi_sites_comparison *list, int32_t *n)
{
  const chi_yaml *yaml = r->run->yaml;
  const yaml_node_t *contrasts = chi_yaml_get(yaml, chi_yaml_root(yaml), "contrasts");
  if (contrasts == NULL || chi_yaml_is_null(contrasts)) return CHI_OK;
  if (contrasts->type != YAML_MAPPING_NODE) return wrong(contrasts, "contrasts without names");
  if (n_pairs(contrasts) > CHI_SITES_CONTRASTS)
    return wrong(contrasts, "more contrasts than a thousand");
  for (int i = 0; i < n_pairs(contrasts); i++) {
    CHI_TRY(read_contrast(r, &contrasts->data.mapping.pairs.start[i], list, *n));
    ++*n;
  }
  return CHI_OK;
}

/* Whether the fit selected subjects, models or the like. */
static chi_status is_partial(const chi_sites_run *run, bool *out)
{
  static const char *const keys[] = {"fit.subjects", "fit.alignments", "fit.models", "fit.layers"};
  char *config = NULL;
  *out = false;
  chi_status s = chi_run_read_text(run->options->run, "config", &config);
  for (int i = 0; i < 4 && s == CHI_OK; i++) {
    char *value = NULL;
    s = chi_config_value(run->options->run, config, keys[i], &value);
    if (value != NULL && strcmp(value, "*") != 0) *out = true;
    chi_free(value);
  }
  chi_free(config);
  return s;
}

chi_status chi_sites_read_contrasts(chi_sites_run *run, chi_sites_comparison *list, int32_t *n)
{
  char path[PATH_MAX], *text = NULL;
  struct stat info;
  reading r = {.run = run};
  CHI_TRY(chi_path_join(path, run->study, "study.yaml"));
  if (stat(run->study, &info) != 0) {
    chi_log(CHI_LOG_WARNING,
            "%s: the study is not there any more (%s): contrasts of its study.yaml are left out",
            run->study, strerror(errno));
    return CHI_OK;
  }
  if (lstat(path, &info) != 0 && errno == ENOENT) return CHI_OK;
  if (chi_text_read(path, path, &text) != CHI_OK) {
    chi_log(CHI_LOG_WARNING, "%s; its contrasts are left out", chi_message());
    return CHI_OK;
  }
  chi_status s = is_partial(run, &r.partial);
  if (s == CHI_OK) s = chi_yaml_read(text, "study.yaml", &run->yaml);
  if (s == CHI_OK) s = read_all(&r, list, n);
  chi_free(text);
  return s;
}
