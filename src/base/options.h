/** \file options.h
 * One table of options makes the command line, the YAML files, --help and the stored configuration.
 * All local; under MPI rank 0 reads the files and broadcasts their text (see cli). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "chiasm/status.h"

typedef enum chi_option_type {
  CHI_OPT_FLAG,   /* --name, or name: true in YAML */
  CHI_OPT_INT,    /* int64 */
  CHI_OPT_REAL,   /* double */
  CHI_OPT_REALS,  /* comma-separated doubles; a list in YAML; at least one */
  CHI_OPT_BYTES,  /* "4G", "512M", "1000": powers of 1024 */
  CHI_OPT_CHOICE, /* one of `choices`, "a|b|c" */
  CHI_OPT_TEXT    /* anything */
} chi_option_type;

/** One row: everything there is to know of an option. */
typedef struct chi_option {
  const char *name; /* long name without dashes */
  char letter;      /* short form, or 0 */
  chi_option_type type;
  const char *default_text; /* as a user would write it; NULL: none */
  const char *unit;         /* shown in help, or NULL; of a CHI_OPT_TEXT the placeholder: "FILE" */
  double min, max;          /* of the number, or of each of them; ignored for other types */
  const char *choices;      /* CHI_OPT_CHOICE only */
  unsigned commands;        /* bit mask of the commands that have it */
  bool stored;              /* part of config.yaml: it bears on the results */
  bool required;            /* it has no default and must be given */
  const char *help;         /* one sentence */
} chi_option;

enum { CHI_ARGUMENTS_ANY = -1000 };

struct chi_cli;
struct chi_options;

/** One command of the program: what --help says of it, its bit in chi_option.commands, and how the
 * program does it. */
typedef struct chi_command {
  const char *name; /* "fit"; of two words with a blank between: "import features" */
  unsigned bit;
  unsigned parts;        /* bits of the commands it runs: their sections in YAML hold for it too */
  const char *arguments; /* "STUDY -o RUN" */
  int n_arguments;       /* how many positional arguments it takes; -n: n or more;
                            CHI_ARGUMENTS_ANY: the command says */
  const char *summary;   /* one sentence */
  const char *details;   /* paragraphs for --help, with an example */

  /* of the program's concern alone: see cli/cli.h */
  chi_status (*run)(struct chi_cli *cli);
  void (*look)(struct chi_options *options);
  unsigned needs;
} chi_command;

/** The whole program: its commands, and the options of all of them. Static; borrowed by the options
 * of an invocation. */
typedef struct chi_program {
  const chi_command *command;
  int n_commands;
  const chi_option *option;
  int n_options;
} chi_program;

/** The command of a name; NULL: there is none. Local. */
const chi_command *chi_program_command(const chi_program *program, const char *name);

/** The options of one invocation: values of every option the command has, and where each came from.
 */
typedef struct chi_options chi_options;

/** Defaults of one of the program's commands. Destroy with chi_options_destroy. */
chi_status chi_options_create(const chi_program *program, const chi_command *command,
                              chi_options **out);
void chi_options_destroy(chi_options **options);

/** Take the command line (getopt_long; argv[0] is the command's name). Recognised before anything
 * else: --help sets *help. Positional arguments are kept in order.
 * \return CHI_ERR_USAGE with the nearest known option's name for an unknown one; for a value that
 * is no number, out of range or not among the choices; for too many or too few arguments */
chi_status chi_options_parse(chi_options *options, int argc, char **argv, bool *help);

/** \return CHI_ERR_USAGE for a `required` option that neither the line nor a file has given */
chi_status chi_options_check_required(const chi_options *options);

/** Take YAML text: `options: {...}` (keys this command lacks are skipped if another command has
 * them), `<command>: {...}` (other commands' sections are checked for known keys and skipped), and
 * the top-level keys in `others` (comma-separated), which belong to someone else. Values that the
 * command line or an earlier-read (stronger) file has set stay: read the strongest file first.
 * \param[in] where  the file's name, for messages
 * \return CHI_ERR_INPUT naming file, line and key; an unknown key names the nearest known one */
chi_status chi_options_read_yaml(chi_options *options, const char *text, const char *where,
                                 const char *others);

/** The values as they stand; asking for a name the command lacks, or as another type, aborts. */
bool chi_opt_flag(const chi_options *options, const char *name);
int64_t chi_opt_int(const chi_options *options, const char *name); /* INT and BYTES */
double chi_opt_real(const chi_options *options, const char *name);
/** n doubles, borrowed. */
const double *chi_opt_reals(const chi_options *options, const char *name, int *n);
/** TEXT and CHOICE; NULL where there is neither value nor default. Borrowed. */
const char *chi_opt_text(const chi_options *options, const char *name);
/** Which of a CHOICE's `choices` it is, from 0; -1 where there is neither value nor default. */
int chi_opt_choice(const chi_options *options, const char *name);
/** Whether the command has an option of this name. */
bool chi_opt_has(const chi_options *options, const char *name);
/** Whether it came from the command line or a file rather than the default. */
bool chi_opt_given(const chi_options *options, const char *name);
/** The command whose options these are, and its program. */
const chi_command *chi_options_command(const chi_options *options);
const chi_program *chi_options_program(const chi_options *options);
/** Positional arguments: how many there are, all of them, and argument i; borrowed. */
int chi_opt_n_arguments(const chi_options *options);
const char *const *chi_opt_arguments(const chi_options *options);
const char *chi_opt_argument(const chi_options *options, int i);

/** The stored options (`stored` rows) of `command`, which is that of the options or one of its
 * parts; defaults too, as YAML text that chi_options_read_yaml takes: "<command>:\n  name:
 * value\n...". Doubles with as many digits as give the same double back. */
void chi_options_write_yaml(const chi_options *options, const chi_command *command, chi_text *out);

/** Those of them that were given, as they would stand on the command line of `command`: each with a
 * blank before it. */
void chi_options_write_line(const chi_options *options, const chi_command *command, chi_text *out);

/** The --help text: usage, summary, options with unit, range and default, details. help2man makes
 * the man page from it. */
void chi_options_help(const chi_options *options, chi_text *out);

/** How many letters differ between two words: insertions, deletions, replacements and swaps of
 * neighbours that make the one the other. */
int chi_edit_distance(const char *a, const char *b);

/** The known word nearest to a misspelt one: start as {.wanted = word}, and offer every word that
 * is known; the first of the nearest ones stays. */
typedef struct chi_nearest {
  const char *wanted;
  char word[256]; /* "": none was offered yet */
  int distance;
} chi_nearest;

/** \return whether `known` is the wanted word itself */
bool chi_nearest_offer(chi_nearest *nearest, const char *known);
