/* chiasm import features and chiasm import concat: options, then one call. */
#include "import/features.h"

#include <string.h>

#include "cli/cli.h"

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
  return chi_cli_count(o, "project", "auto, none or a number of features", &out->components);
}

/* What both commands say of a feature file. */
static chi_feature_file get_file(const chi_options *o)
{
  return (chi_feature_file){.study = chi_opt_argument(o, 0),
                            .model = chi_opt_text(o, "model"),
                            .network = chi_opt_text(o, "network"),
                            .modality = chi_opt_text(o, "modality"),
                            .training = chi_opt_text(o, "training"),
                            .overwrite = chi_opt_flag(o, "overwrite")};
}

static chi_feature_file get_file_of_subject(const chi_options *o)
{
  chi_feature_file file = get_file(o);
  file.subject = chi_opt_text(o, "subject");
  file.alignment = chi_opt_text(o, "alignment");
  return file;
}

void chi_look_features(chi_options *o)
{
  const chi_feature_file file = get_file_of_subject(o);
  chi_layer_files layers = {0};
  int64_t events;
  chi_layer_files_find(chi_opt_n_arguments(o) - 1, chi_opt_arguments(o) + 1, CHI_ORDER_GIVEN,
                       &layers);
  const bool named = file.subject != NULL && file.alignment != NULL; /* else that is said later */
  if (named && chi_feature_file_check(&file) == CHI_OK) chi_feature_file_events(&file, &events);
  chi_layer_files_free(&layers);
}

chi_status chi_cli_import_features(chi_cli *cli)
{
  const chi_options *o = cli->options;
  chi_features_options options = {.file = get_file_of_subject(o),
                                  .n_paths = chi_opt_n_arguments(o) - 1,
                                  .paths = chi_opt_arguments(o) + 1,
                                  .axis = (chi_event_axis)chi_opt_choice(o, "event-axis"),
                                  .order = (chi_layer_order)chi_opt_choice(o, "order")};
  chi_text report = {0};
  CHI_TRY(get_projection(o, &options.project));
  return chi_cli_print(cli, chi_import_features(cli->comm, &options, &report), &report);
}

chi_status chi_cli_import_concat(chi_cli *cli)
{
  const chi_options *o = cli->options;
  return chi_import_concat(&(chi_concat_options){.file = get_file(o),
                                                 .subjects = chi_opt_text(o, "subjects"),
                                                 .alignments = chi_opt_text(o, "alignments"),
                                                 .layer = chi_opt_text(o, "layer"),
                                                 .of = chi_opt_text(o, "of")});
}
