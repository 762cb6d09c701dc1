#include "import/features.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "import/layers.h"
#include "import/target.h"

/* A text option that must be given. */
static chi_status get_required(const chi_options *o, const char *name, const char **out)
{
  *out = chi_opt_text(o, name);
  if (*out != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "--%s is required; see chiasm import features --help", name);
}

static chi_status get_projection(const chi_options *o, chi_project_options *out)
{
  const char *text = chi_opt_text(o, "project");
  *out = (chi_project_options){.none = strcmp(text, "none") == 0,
                               .eps = chi_opt_real(o, "eps"),
                               .seed = (uint64_t)chi_opt_int(o, "seed"),
                               .always = chi_opt_flag(o, "always"),
                               .keep = chi_opt_text(o, "keep")};
  if (out->none && (out->always || out->keep != NULL))
    return chi_fail(CHI_ERR_USAGE, "--project none contradicts --%s",
                    out->always ? "always" : "keep");
  if (out->none || strcmp(text, "auto") == 0) return CHI_OK;
  char *end;
  errno = 0;
  out->components = strtol(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || out->components < 1 || out->components > INT_MAX)
    return chi_fail(CHI_ERR_USAGE,
                    "--project: `%.80s`, expected auto, none or a number of features", text);
  return CHI_OK;
}

static chi_layer_order get_order(const chi_options *o)
{
  const char *text = chi_opt_text(o, "order");
  return strcmp(text, "natural") == 0 ? CHI_ORDER_NATURAL
         : strcmp(text, "name") == 0  ? CHI_ORDER_NAME
                                      : CHI_ORDER_GIVEN;
}

/* The files on the line, borrowed from the options. \param[out] files  free with chi_free */
static chi_status get_files(const chi_options *o, int64_t *n, const char ***files)
{
  *n = chi_opt_n_arguments(o) - 1;
  CHI_TRY(chi_alloc(*n, sizeof **files, "names of files", files));
  for (int i = 0; i < *n; i++) (*files)[i] = chi_opt_argument(o, i + 1);
  return CHI_OK;
}

void chi_cli_import_features_look(const chi_options *o)
{
  const chi_target target = {.study = chi_opt_argument(o, 0),
                             .subject = chi_opt_text(o, "subject"),
                             .alignment = chi_opt_text(o, "alignment"),
                             .model = chi_opt_text(o, "model")};
  const bool named = target.subject != NULL && target.alignment != NULL && target.model != NULL;
  const char **files = NULL;
  chi_layers layers = {0};
  int64_t n, events;
  if (get_files(o, &n, &files) == CHI_OK) chi_layers_find(n, files, CHI_ORDER_GIVEN, &layers);
  if (named && chi_target_check_names(&target) == CHI_OK) chi_target_count_events(&target, &events);
  chi_layers_free(&layers);
  chi_free((void *)files);
}

chi_status chi_cli_import_features(const chi_cli *cli, int *exit_code)
{
  (void)exit_code;
  const chi_options *o = cli->options;
  chi_features_options options = {
      .target = {.study = chi_opt_argument(o, 0), .overwrite = chi_opt_flag(o, "overwrite")},
      .network = chi_opt_text(o, "network"),
      .order = get_order(o)};
  const char **files;
  CHI_TRY(get_required(o, "subject", &options.target.subject));
  CHI_TRY(get_required(o, "alignment", &options.target.alignment));
  CHI_TRY(get_required(o, "model", &options.target.model));
  CHI_TRY(get_required(o, "modality", &options.modality));
  CHI_TRY(get_required(o, "training", &options.training));
  CHI_TRY(get_projection(o, &options.project));
  int64_t n_files = 0;
  chi_status s = chi_agree(cli->comm, get_files(o, &n_files, &files));
  options.n_files = n_files;
  options.files = files;
  if (s == CHI_OK) s = chi_import_features(cli->comm, &options);
  chi_free((void *)files);
  return s;
}
