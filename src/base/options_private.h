/** \file options_private.h
 * What the files that implement options.h share. */
#pragma once

#include <stddef.h>

#include "base/options.h"

/** The value of one option, in the members its type uses. */
typedef struct chi_option_value {
  bool given; /* not the default: nothing weaker may change it */
  bool flag;
  int64_t integer;
  double real;
  double *reals; /* owned */
  int n_reals;
  char *text; /* owned */
} chi_option_value;

struct chi_options {
  const chi_program *program;
  const chi_option *table; /* the program's options, n of them */
  int n;
  const chi_command *command;
  chi_option_value *value; /* one per row of the table */
  char **argument;         /* owned */
  int n_arguments;
};

/** Understand `text` as a value of this option. Frees nothing of an earlier value.
 * \param[in]  name  how to call the option in the message, e.g. "--folds"
 * \return CHI_ERR_USAGE */
chi_status chi_option_value_parse(const chi_option *option, const char *name, const char *text,
                                  chi_option_value *value);
void chi_option_value_free(chi_option_value *value);

/** Whether the command of these options has row i of the table. */
bool chi_option_is_ours(const chi_options *options, int i);

/** The row of an option of the command, or -1. */
int chi_option_find(const chi_options *options, const char *name);

/** Offer the names of all options of these commands. */
void chi_options_offer(const chi_options *options, unsigned commands, chi_nearest *nearest);

/** What a value looks like in --help: N, X, SIZE, its choices, or for texts its unit. */
const char *chi_option_placeholder(const chi_option *option);

/** Append the least and the most that it may be. */
void chi_option_add_range(const chi_option *option, const char *between, chi_text *out);
