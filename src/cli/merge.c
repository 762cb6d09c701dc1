/* chiasm merge RUN... -o RUN: options, then one call. */
#include "store/merge.h"

#include "base/agree.h"
#include "cli/cli.h"
#include "stage/bootstrap.h"
#include "stage/influence.h"

chi_status chi_cli_merge(chi_cli *cli)
{
  const chi_options *o = cli->options;
  chi_text libraries = {0};
  chi_status s = CHI_OK;
  chi_cli_versions(&libraries, ", ");
  if (libraries.failed) s = chi_fail(CHI_ERR_MEMORY, "no memory for versions");
  s = chi_agree(cli->comm, s);
  const chi_merge_options merge = {
      .part = chi_opt_arguments(o),
      .n_parts = chi_opt_n_arguments(o),
      .run = chi_opt_text(o, "output"),
      .mode = chi_opt_flag(o, "overwrite") ? CHI_RUN_OVERWRITE : CHI_RUN_NEW,
      .libraries = libraries.s,
      .stage = {
          [CHI_OF_INFLUENCE] = &chi_influence_merge, [CHI_OF_BOOTSTRAP] = &chi_bootstrap_merge}};
  if (s == CHI_OK) s = chi_merge(cli->comm, &merge);
  chi_text_free(&libraries);
  return s;
}
