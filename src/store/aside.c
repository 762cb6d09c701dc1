#include "store/aside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/config.h"
#include "store/folder.h"

enum { MANY = 100 };

/* Whether RUN/config.yaml says that the file was made with these options. */
static chi_status check_config(const char *run, const char *stage, const char *section, bool *says)
{
  char path[PATH_MAX], *text = NULL;
  chi_text there = {0};
  *says = false;
  CHI_TRY(chi_path_join(path, run, "config.yaml"));
  if (!chi_run_folder_has(run, "config.yaml")) return CHI_OK;
  CHI_TRY(chi_text_read(path, path, &text));
  chi_config_section(text, stage, &there);
  chi_free(text);
  *says = there.n > 0;
  const chi_status s = there.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options")
                       : *says      ? chi_config_compare(run, there.s, section)
                                    : CHI_OK;
  chi_text_free(&there);
  return s;
}

chi_status chi_put_aside(const char *run, const chi_schema *schema,
                         const chi_provenance *provenance)
{
  char from[PATH_MAX], to[PATH_MAX], name[64], reason[CHI_MESSAGE_MAX];
  bool says = true;
  snprintf(reason, sizeof reason, "%s", chi_message());
  CHI_TRY(chi_path_join(from, run, schema->file));
  if (provenance != NULL)
    CHI_TRY(check_config(run, schema->stage,
                         schema->first ? provenance->config : provenance->section, &says));
  if (!says)
    return chi_fail(CHI_ERR_INPUT, "%s; it cannot be resumed: --overwrite starts the %s again",
                    reason, schema->first ? "run" : schema->stage);
  snprintf(name, sizeof name, "%s.damaged", schema->file);
  for (int i = 2; i < MANY && chi_run_folder_has(run, name); i++)
    snprintf(name, sizeof name, "%s.damaged.%d", schema->file, i);
  CHI_TRY(chi_path_join(to, run, name));
  if (rename(from, to) != 0)
    return chi_fail(CHI_ERR_IO, "%s; it cannot be renamed to %s: %s", reason, name,
                    strerror(errno));
  chi_log(CHI_LOG_WARNING, "%s; it is kept as %s, and the %s starts from nothing", reason, name,
          schema->stage);
  return CHI_OK;
}
