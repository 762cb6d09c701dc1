/* What --help prints; help2man makes the man pages from the same text. */
#include <stdio.h>
#include <string.h>

#include "base/options_private.h"

enum { WIDTH = 79, INDENT = 24 };

/* Words of a paragraph, wrapped; the first line goes on at column `at`. */
static void add_wrapped(chi_text *out, const char *text, int indent, int at)
{
  const char *word = text;
  while (*word != '\0') {
    const int n = (int)strcspn(word, " ");
    if (at > indent && at + 1 + n > WIDTH) {
      chi_text_add(out, "\n");
      at = 0;
    }
    const int blanks = at < indent ? indent - at : at > indent ? 1 : 0;
    chi_text_add(out, "%*s%.*s", blanks, "", n, word);
    at += blanks + n;
    word += n + strspn(word + n, " ");
  }
  chi_text_add(out, "\n");
}

/* "(seconds; 0 to 100; default: 5)", as far as there is something to say. */
static void add_values(chi_text *out, const chi_option *option)
{
  const bool number =
      option->type == CHI_OPT_INT || option->type == CHI_OPT_REAL || option->type == CHI_OPT_REALS;
  const char *lead = " (";
  if (option->unit != NULL && option->type != CHI_OPT_TEXT) {
    chi_text_add(out, "%s%s", lead, option->unit);
    lead = "; ";
  }
  if (number) {
    chi_text_add(out, "%s", lead);
    chi_option_add_range(option, " to ", out);
    lead = "; ";
  }
  if (option->required)
    chi_text_add(out, "%srequired", lead);
  else if (option->default_text != NULL)
    chi_text_add(out, "%sdefault: %s", lead, option->default_text);
  else if (lead[0] == ' ')
    return;
  chi_text_add(out, ")");
}

static void add_option(chi_text *out, const chi_option *option)
{
  char left[128], letter[8] = "    ";
  chi_text text = {0};
  if (option->letter != 0) snprintf(letter, sizeof letter, "-%c, ", option->letter);
  const char *placeholder = chi_option_placeholder(option);
  const int n = snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name,
                         placeholder[0] == '\0' ? "" : "=", placeholder);
  chi_text_add(&text, "%s", option->help);
  add_values(&text, option);
  /* two blanks part an option from its help, or a line's end */
  chi_text_add(out, n + 2 > INDENT ? "%s\n" : "%s", left);
  if (text.failed)
    out->failed = true;
  else
    add_wrapped(out, text.s, INDENT, n + 2 > INDENT ? 0 : n);
  chi_text_free(&text);
}

void chi_options_help(const chi_options *options, chi_text *out)
{
  const chi_command *command = options->command;
  chi_text_add(out, "Usage: chiasm %s [OPTION]...%s%s\n", command->name,
               command->arguments[0] == '\0' ? "" : " ", command->arguments);
  add_wrapped(out, command->summary, 0, 0);
  chi_text_add(out, "\nOptions:\n");
  for (int i = 0; i < options->n; i++)
    if (chi_option_is_ours(options, i)) add_option(out, &options->table[i]);
  add_option(out, &(chi_option){.name = "help",
                                .letter = 'h',
                                .type = CHI_OPT_FLAG,
                                .help = "Print this help and exit."});
  if (command->details != NULL && command->details[0] != '\0')
    chi_text_add(out, "\n%s\n", command->details);
}
