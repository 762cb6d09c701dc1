/* The options of one invocation: defaults, the command line, and asking for values. */
#include "base/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/options_private.h"

enum { HELP = 256 }; /* getopt's values from here on are no letters: HELP, then HELP + 1 + row */

chi_status chi_options_create(const chi_program *program, const chi_command *command,
                              chi_options **out)
{
  const chi_option *table = program->option;
  const int n = program->n_options;
  chi_options *o = NULL;
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof *o, "options", &o));
  *o = (chi_options){.program = program, .table = table, .n = n, .command = command};
  chi_status s = chi_alloc(n, sizeof *o->value, "options", &o->value);
  for (int i = 0; s == CHI_OK && i < n; i++) {
    if (!chi_option_is_ours(o, i) || table[i].default_text == NULL) continue;
    s = chi_option_value_parse(&table[i], table[i].name, table[i].default_text, &o->value[i]);
    if (s != CHI_OK) s = chi_fail(CHI_ERR_BUG, "default of an option: %s", chi_message());
  }
  if (s != CHI_OK) chi_options_destroy(&o);
  *out = o;
  return s;
}

void chi_options_destroy(chi_options **options)
{
  chi_options *o = *options;
  if (o == NULL) return;
  for (int i = 0; o->value != NULL && i < o->n; i++) chi_option_value_free(&o->value[i]);
  for (int i = 0; i < o->n_arguments; i++) chi_free(o->argument[i]);
  chi_free(o->argument);
  chi_free(o->value);
  chi_free(o);
  *options = NULL;
}

/* getopt's two descriptions of the options that the command has. `letters` holds ":", "h" and three
 * characters per option, `names` one per option, --help and the end. */
static void describe(const chi_options *o, char *letters, struct option *names)
{
  char *l = letters;
  *l++ = ':'; /* a missing value is told from an unknown option */
  *l++ = 'h';
  struct option *name = names;
  *name++ = (struct option){"help", no_argument, NULL, HELP};
  for (int i = 0; i < o->n; i++) {
    const chi_option *row = &o->table[i];
    if (!chi_option_is_ours(o, i)) continue;
    const bool flag = row->type == CHI_OPT_FLAG;
    *name++ = (struct option){row->name, flag ? optional_argument : required_argument, NULL,
                              HELP + 1 + i};
    if (row->letter == 0) continue;
    *l++ = row->letter;
    if (!flag) *l++ = ':';
  }
  *name = (struct option){NULL, 0, NULL, 0};
  *l = '\0';
}

static int row_of_letter(const chi_options *o, int letter)
{
  for (int i = 0; i < o->n; i++)
    if (chi_option_is_ours(o, i) && o->table[i].letter == letter) return i;
  return -1;
}

/* getopt takes the beginning of a name for the name; a later version may have another such. */
static bool is_abbreviated(const char *word, const char *name)
{
  return strncmp(word, "--", 2) == 0 && strcspn(word + 2, "=") < strlen(name);
}

/* What getopt did not take: an unknown or ambiguous option, or one without its value. */
static chi_status explain(const chi_options *o, int code, const char *word)
{
  const char *command = o->command->name;
  const bool is_long = strncmp(word, "--", 2) == 0;
  if (code == ':')
    return chi_fail(CHI_ERR_USAGE, "%s needs a value; see chiasm %s --help", word, command);
  if (!is_long)
    return chi_fail(CHI_ERR_USAGE, "unknown option -%c; see chiasm %s --help", optopt, command);
  char name[64];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
  if (optopt == HELP) return chi_fail(CHI_ERR_USAGE, "--help takes no value");
  int n_longer = strncmp("help", name, strlen(name)) == 0;
  for (int i = 0; i < o->n; i++)
    if (chi_option_is_ours(o, i)) n_longer += strncmp(o->table[i].name, name, strlen(name)) == 0;
  chi_nearest nearest = {.wanted = name};
  chi_options_offer(o, o->command->bit, &nearest);
  return chi_fail(CHI_ERR_USAGE, "%s option --%s; the nearest is --%s; see chiasm %s --help",
                  n_longer > 1 ? "ambiguous" : "unknown", name, nearest.word, command);
}

static chi_status set_from_line(chi_options *o, int row, const char *text)
{
  char name[80];
  chi_option_value value;
  snprintf(name, sizeof name, "--%s", o->table[row].name);
  CHI_TRY(chi_option_value_parse(&o->table[row], name, text == NULL ? "true" : text, &value));
  chi_option_value_free(&o->value[row]); /* given twice, the last one holds */
  o->value[row] = value;
  o->value[row].given = true;
  return CHI_OK;
}

static chi_status take_arguments(chi_options *o, int argc, char **argv)
{
  const chi_command *c = o->command;
  const int n = argc - optind;
  const int least = c->n_arguments == CHI_ARGUMENTS_ANY ? 0 : abs(c->n_arguments);
  if (n > least && c->n_arguments >= 0)
    return chi_fail(CHI_ERR_USAGE, "too many arguments: `%s`; usage: chiasm %s %s",
                    argv[optind + least], c->name, c->arguments);
  if (n < least)
    return chi_fail(CHI_ERR_USAGE, "too few arguments; usage: chiasm %s %s", c->name, c->arguments);
  CHI_TRY(chi_alloc(n, sizeof *o->argument, "arguments", &o->argument));
  for (int i = 0; i < n; i++) {
    CHI_TRY(chi_strdup(argv[optind + i], &o->argument[i]));
    o->n_arguments = i + 1;
    if (argv[optind + i][0] == '\0')
      return chi_fail(CHI_ERR_USAGE, "empty argument; usage: chiasm %s %s", c->name, c->arguments);
  }
  return CHI_OK;
}

static bool asks_for_help(int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}

chi_status chi_options_parse(chi_options *options, int argc, char **argv, bool *help)
{
  *help = asks_for_help(argc, argv);
  if (*help) return CHI_OK;
  char *letters = NULL;
  struct option *names = NULL;
  chi_status s = chi_alloc(2 * options->n + 3, 1, "options", &letters);
  if (s == CHI_OK) s = chi_alloc(options->n + 2, sizeof *names, "options", &names);
  if (s != CHI_OK) goto cleanup;
  describe(options, letters, names);
  opterr = 0;
  optopt = 0;
  optind = 0; /* start afresh */
  int code, index = -1;
  while (s == CHI_OK && !*help && (code = getopt_long(argc, argv, letters, names, &index)) != -1) {
    const char *word = argv[optind - 1] == optarg ? argv[optind - 2] : argv[optind - 1];
    if (index >= 0 && is_abbreviated(word, names[index].name))
      s = explain(options, code, word);
    else if (code == HELP || code == 'h')
      *help = true;
    else if (code == '?' || code == ':')
      s = explain(options, code, argv[optind - 1]);
    else
      s = set_from_line(options, code > HELP ? code - HELP - 1 : row_of_letter(options, code),
                        optarg);
    index = -1;
  }
  if (s == CHI_OK && !*help) s = take_arguments(options, argc, argv);
cleanup:
  chi_free(letters);
  chi_free(names);
  return s;
}

chi_status chi_options_check_required(const chi_options *options)
{
  for (int i = 0; i < options->n; i++) {
    const chi_option *row = &options->table[i];
    if (!row->required || !chi_option_is_ours(options, i) || options->value[i].given) continue;
    if (row->letter != 0)
      return chi_fail(CHI_ERR_USAGE, "--%s is required; give -%c %s", row->name, row->letter,
                      chi_option_placeholder(row));
    return chi_fail(CHI_ERR_USAGE, "--%s is required; see chiasm %s --help", row->name,
                    options->command->name);
  }
  return CHI_OK;
}

/* A value by its name; a name that the table does not have is a bug in the caller. */
static const chi_option_value *look_up(const chi_options *o, const char *name, unsigned types)
{
  const int row = chi_option_find(o, name);
  if (row < 0 || (types >> o->table[row].type & 1) == 0) {
    chi_log(CHI_LOG_ERROR, "internal error: %s has no option `%s` of that type", o->command->name,
            name);
    abort();
  }
  return &o->value[row];
}

bool chi_opt_flag(const chi_options *options, const char *name)
{
  return look_up(options, name, 1u << CHI_OPT_FLAG)->flag;
}

int64_t chi_opt_int(const chi_options *options, const char *name)
{
  return look_up(options, name, 1u << CHI_OPT_INT | 1u << CHI_OPT_BYTES)->integer;
}

double chi_opt_real(const chi_options *options, const char *name)
{
  return look_up(options, name, 1u << CHI_OPT_REAL)->real;
}

const double *chi_opt_reals(const chi_options *options, const char *name, int *n)
{
  const chi_option_value *value = look_up(options, name, 1u << CHI_OPT_REALS);
  *n = value->n_reals;
  return value->reals;
}

const char *chi_opt_text(const chi_options *options, const char *name)
{
  return look_up(options, name, 1u << CHI_OPT_TEXT | 1u << CHI_OPT_CHOICE)->text;
}

int chi_opt_choice(const chi_options *options, const char *name)
{
  const chi_option_value *value = look_up(options, name, 1u << CHI_OPT_CHOICE);
  return value->text == NULL ? -1 : (int)value->integer;
}

bool chi_opt_has(const chi_options *options, const char *name)
{
  return chi_option_find(options, name) >= 0;
}

bool chi_opt_given(const chi_options *options, const char *name)
{
  return look_up(options, name, ~0u)->given;
}

int chi_opt_n_arguments(const chi_options *options) { return options->n_arguments; }

const char *const *chi_opt_arguments(const chi_options *options)
{
  return (const char *const *)options->argument;
}

const char *chi_opt_argument(const chi_options *options, int i) { return options->argument[i]; }

const chi_command *chi_options_command(const chi_options *options) { return options->command; }

const chi_program *chi_options_program(const chi_options *options) { return options->program; }
