#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

void chi_findings_add(chi_findings *findings, bool error, const char *format, ...)
{
  char text[CHI_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  chi_text_clean(text, ""); /* names from files may hold anything */
  if (error) findings->n_errors++;
  if (chi_grow(&findings->item, &findings->room, findings->n + 1, sizeof *findings->item,
               "findings") != CHI_OK)
    return; /* still counted */
  chi_finding *finding = &findings->item[findings->n];
  finding->error = error;
  if (chi_strdup(text, &finding->text) == CHI_OK) findings->n++;
}

void chi_findings_free(chi_findings *findings)
{
  for (int64_t i = 0; i < findings->n; i++) chi_free(findings->item[i].text);
  chi_free(findings->item);
  *findings = (chi_findings){0};
}

chi_status chi_catalog_note(chi_findings *findings, chi_status status)
{
  if (status != CHI_ERR_INPUT && status != CHI_ERR_IO) return status;
  chi_findings_add(findings, true, "%s", chi_message());
  return CHI_OK;
}
