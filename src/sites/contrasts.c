/* The contrasts of study.yaml. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/options.h"
#include "run/config.h"
#include "sites/internal.h"

typedef struct reading {
  const chi_sites_run *run;
  yaml_document_t document;
  bool partial; /* the fit took a part of the study: names may be missing */
} reading;

static chi_status wrong(const yaml_node_t *node, const char *what)
{
  return chi_fail(CHI_ERR_INPUT,
                  "study.yaml: line %zu: %s; expected contrasts such as "
                  "NAME: {better: MODEL, than: {modality: vision}}",
                  node->start_mark.line + 1, what);
}

static chi_status text_of(reading *r, yaml_node_item_t id, char out[CHI_SITES_NAME], size_t longest)
{
  const yaml_node_t *node = yaml_document_get_node(&r->document, id);
  if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0)
    return wrong(node, "a name is missing");
  const char *text = (const char *)node->data.scalar.value;
  if (strlen(text) != node->data.scalar.length || strlen(text) > longest)
    return wrong(node, "a name is too long");
  snprintf(out, CHI_SITES_NAME, "%s", text);
  return CHI_OK;
}

static const yaml_node_t *value_of(reading *r, const yaml_node_t *mapping, const char *key,
                                   yaml_node_item_t *id)
{
  for (const yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
       p < mapping->data.mapping.pairs.top; p++) {
    const yaml_node_t *name = yaml_document_get_node(&r->document, p->key);
    if (name->type != YAML_SCALAR_NODE || strcmp((char *)name->data.scalar.value, key) != 0)
      continue;
    *id = p->value;
    return yaml_document_get_node(&r->document, p->value);
  }
  return NULL;
}

/* ---- what a name stands for ---- */

typedef struct nearest {
  const char *name;
  int distance;
} nearest;

static bool look(const char *have, const char *wanted, nearest *best)
{
  const int distance = chi_edit_distance(have, wanted);
  if (best->name == NULL || distance < best->distance) *best = (nearest){have, distance};
  return distance == 0;
}

/* A model's name goes before a network's. */
static bool find_name(const chi_sites_run *run, chi_sites_choice *choice, nearest *best)
{
  bool model = false, network = false, modality = false;
  for (int32_t a = 0; a < run->n_fit; a++)
    for (int64_t f = 0; f < run->fit[a].n_spaces; f++) {
      const chi_fit_table *t = &run->fit[a];
      if (choice->by == CHI_CHOOSE_MODALITY) {
        modality = look(t->modality[f], choice->name, best) || modality;
      } else {
        model = look(t->model[f], choice->name, best) || model;
        network = look(t->network[f], choice->name, best) || network;
      }
    }
  if (network && !model) choice->by = CHI_CHOOSE_NETWORK;
  return model || network || modality;
}

static chi_status check_name(const reading *r, const yaml_node_t *node, const char *contrast,
                             chi_sites_choice *choice)
{
  nearest best = {0};
  const char *what = choice->by == CHI_CHOOSE_MODALITY ? "modality" : "model or network";
  if (find_name(r->run, choice, &best)) return CHI_OK;
  if (r->partial) {
    chi_log(CHI_LOG_WARNING, "study.yaml: contrast %s: the run has no %s %s", contrast, what,
            choice->name);
    return CHI_OK;
  }
  return chi_fail(CHI_ERR_INPUT,
                  "study.yaml: line %zu: contrast %s: the run has no %s `%s`; the nearest is `%s`",
                  node->start_mark.line + 1, contrast, what, choice->name,
                  best.name == NULL ? "" : best.name);
}

/* ---- the file ---- */

static chi_status read_side(reading *r, const yaml_node_t *contrast, const char *key,
                            const char *name, chi_sites_choice *choice)
{
  yaml_node_item_t id = 0;
  const yaml_node_t *node = value_of(r, contrast, key, &id);
  if (node == NULL) return wrong(contrast, strcmp(key, "than") == 0 ? "no `than`" : "no `better`");
  choice->by = CHI_CHOOSE_MODEL;
  if (node->type == YAML_MAPPING_NODE) {
    choice->by = CHI_CHOOSE_MODALITY;
    const yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    if (node->data.mapping.pairs.top - pairs != 1 || value_of(r, node, "modality", &id) == NULL)
      return wrong(node, "neither a name nor {modality: M}");
  }
  CHI_TRY(text_of(r, id, choice->name, CHI_SITES_NAME - 1));
  return check_name(r, node, name, choice);
}

static chi_status read_contrast(reading *r, const yaml_node_pair_t *pair,
                                const chi_sites_comparison *list, int32_t n,
                                chi_sites_comparison *out)
{
  const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
  const yaml_node_t *node = yaml_document_get_node(&r->document, pair->value);
  *out = (chi_sites_comparison){.kind = CHI_COMPARE_SIDES};
  CHI_TRY(text_of(r, pair->key, out->name, CHI_SITES_NAME - 6));
  const size_t length = strlen(out->name);
  bool taken = strcmp(out->name, "integration") == 0 ||
               (length > 5 && strcmp(out->name + length - 5, "-both") == 0);
  for (int32_t i = 0; i < n; i++) taken = taken || strcmp(list[i].name, out->name) == 0;
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)out->name[i] < ' ') return wrong(key, "a name with control characters");
  if (taken)
    return chi_fail(CHI_ERR_INPUT,
                    "study.yaml: line %zu: contrast %s: the name is taken by another comparison, "
                    "or ends in -both; choose another",
                    key->start_mark.line + 1, out->name);
  if (node->type != YAML_MAPPING_NODE) return wrong(node, "a contrast without sides");
  if (node->data.mapping.pairs.top - node->data.mapping.pairs.start > 2)
    return wrong(node, "a contrast with more than `better` and `than`");
  CHI_TRY(read_side(r, node, "better", out->name, &out->better));
  return read_side(r, node, "than", out->name, &out->than);
}

static chi_status read_all(reading *r, chi_sites_comparison *list, int32_t *n)
{
  const yaml_node_t *root = yaml_document_get_root_node(&r->document);
  yaml_node_item_t id = 0;
  if (root == NULL || root->type != YAML_MAPPING_NODE) return CHI_OK;
  const yaml_node_t *contrasts = value_of(r, root, "contrasts", &id);
  if (contrasts == NULL) return CHI_OK;
  if (contrasts->type == YAML_SCALAR_NODE && contrasts->data.scalar.length == 0) return CHI_OK;
  if (contrasts->type != YAML_MAPPING_NODE) return wrong(contrasts, "contrasts without names");
  const yaml_node_pair_t *start = contrasts->data.mapping.pairs.start;
  if (contrasts->data.mapping.pairs.top - start > CHI_SITES_CONTRASTS)
    return wrong(contrasts, "more contrasts than a thousand");
  for (const yaml_node_pair_t *p = start; p < contrasts->data.mapping.pairs.top; p++) {
    CHI_TRY(read_contrast(r, p, list, *n, &list[*n]));
    (*n)++;
  }
  return CHI_OK;
}

static chi_status parse(reading *r, const char *text, chi_sites_comparison *list, int32_t *n)
{
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) return chi_fail(CHI_ERR_MEMORY, "study.yaml: no memory");
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  chi_status s;
  if (yaml_parser_load(&parser, &r->document)) {
    s = read_all(r, list, n);
    yaml_document_delete(&r->document);
  } else {
    s = chi_fail(CHI_ERR_INPUT, "study.yaml: line %zu: no valid YAML: %s",
                 parser.problem_mark.line + 1, parser.problem == NULL ? "" : parser.problem);
  }
  yaml_parser_delete(&parser);
  return s;
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

chi_status chi_sites_read_contrasts(const chi_sites_run *run, chi_sites_comparison *list,
                                    int32_t *n)
{
  char path[PATH_MAX + 16], *text = NULL;
  struct stat info;
  reading r = {.run = run};
  snprintf(path, sizeof path, "%s/study.yaml", run->study);
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
  if (s == CHI_OK) s = parse(&r, text, list, n);
  chi_free(text);
  return s;
}
