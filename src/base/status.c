#include "chiasm/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static _Thread_local char message[CHI_MESSAGE_MAX];

chi_status chi_fail(chi_status status, const char *format, ...)
{
  /* Formatted apart first: the arguments may include the previous message. */
  char text[CHI_MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  chi_text_clean(text, "");
  snprintf(message, sizeof message, "%s", text);
  return status;
}

const char *chi_message(void) { return message; }

void chi_keep(chi_kept *kept, chi_status status)
{
  kept->status = status;
  memcpy(kept->message, message, sizeof message);
}

chi_status chi_keep_first(const chi_kept *kept, chi_status then)
{
  return kept->status == CHI_OK ? then : chi_fail(kept->status, "%s", kept->message);
}

int chi_exit_code(chi_status status)
{
#define CODE(name, code, text) code,
  static const int codes[] = {CHI_STATUS_TABLE(CODE)};
#undef CODE
  return status >= 0 && status < CHI_N_STATUS ? codes[status] : 1;
}

const char *chi_status_text(chi_status status)
{
#define TEXT(name, code, text) text,
  static const char *const texts[] = {CHI_STATUS_TABLE(TEXT)};
#undef TEXT
  return status >= 0 && status < CHI_N_STATUS ? texts[status] : "unknown status";
}
