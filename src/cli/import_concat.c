#include "import/concat.h"

#include "base/log.h"
#include "cli/cli.h"
#include "study/guard.h"

/* In a child process, which HDF5 may take with it on a damaged study. */
static int concat_in_child(void *context)
{
  const chi_status s = chi_import_concat(context);
  if (s == CHI_OK) return 0;
  chi_log(CHI_LOG_ERROR, "%s", chi_message());
  return chi_exit_code(s);
}

chi_status chi_cli_import_concat(const chi_cli *cli, int *exit_code)
{
  const chi_options *o = cli->options;
  chi_concat_options options = {.study = chi_opt_argument(o, 0),
                                .subjects = chi_opt_text(o, "subjects"),
                                .alignments = chi_opt_text(o, "alignments"),
                                .model = chi_opt_text(o, "model"),
                                .layer = chi_opt_text(o, "layer"),
                                .network = chi_opt_text(o, "network"),
                                .modality = chi_opt_text(o, "modality"),
                                .training = chi_opt_text(o, "training"),
                                .of = chi_opt_text(o, "of"),
                                .overwrite = chi_opt_flag(o, "overwrite")};
  if (options.model == NULL || options.of == NULL)
    return chi_fail(CHI_ERR_USAGE, "--%s is required; see chiasm import concat --help",
                    options.model == NULL ? "model" : "of");
  return chi_guard_run(concat_in_child, &options, exit_code);
}
