/* chiasm merge RUN... -o RUN: options, then one call. */
#include "merge/merge.h"

#include "base/agree.h"
#include "base/memory.h"
#include "cli/cli.h"

chi_status chi_cli_merge(chi_cli *cli)
{
  const chi_options *o = cli->options;
  const int n = chi_opt_n_arguments(o);
  const char **part = NULL;
  chi_text libraries = {0};
  chi_status s = chi_alloc(n, sizeof *part, "runs", &part);
  for (int i = 0; i < n && s == CHI_OK; i++) part[i] = chi_opt_argument(o, i);
  chi_cli_versions(&libraries, ", ");
  if (s == CHI_OK && libraries.failed) s = chi_fail(CHI_ERR_MEMORY, "no memory for versions");
  s = chi_agree(cli->comm, s);
  const chi_merge_options merge = {
      .part = part,
      .n_parts = n,
      .run = chi_opt_text(o, "output"),
      .mode = chi_opt_flag(o, "overwrite") ? CHI_RUN_OVERWRITE : CHI_RUN_NEW,
      .libraries = libraries.s};
  if (s == CHI_OK) s = chi_merge(cli->comm, &merge);
  chi_text_free(&libraries);
  chi_free(part);
  return s;
}
