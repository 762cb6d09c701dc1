/** \file config.h
 * The options of a run: comparing those of two fits, and RUN/config.yaml. All local. */
#pragma once

#include "base/text.h"
#include "chiasm/status.h"
#include "chiasm/study.h"

/** Compare the texts of two config.yaml key by key; the order of keys does not matter.
 * \param[in] where  the run's name, for messages
 * \return CHI_ERR_USAGE naming the first difference, CHI_ERR_INPUT if a text is no YAML */
chi_status chi_config_compare(const char *where, const char *of_run, const char *of_now);

/** Compare the options of two runs. \param[in] but  an option that may differ: "models"; NULL: none
 * \param[in] advice  the end of the message
 * \return CHI_ERR_USAGE naming the first other difference, both runs and both values;
 *         CHI_ERR_INPUT if a text is no YAML */
chi_status chi_config_compare_runs(const char *run_a, const char *text_a, const char *run_b,
                                   const char *text_b, const char *but, const char *advice);

/** Add the section of one command, as chi_options_write_yaml made it, to out; nothing where there
 * is none. */
void chi_config_section(const char *text, const char *command, chi_text *out);

/** Add the text to out with the text option `key` of its sections set to a value. */
void chi_config_set(const char *text, const char *key, const char *value, chi_text *out);

/** The value of one option in the text of a config.yaml. \param[in] key  "fit.models"
 * \param[out] out  NULL if it is not there; free with chi_free */
chi_status chi_config_value(const char *where, const char *text, const char *key, char **out);

/** What the fit's options in the text of a config.yaml select of its study, but for the models,
 * which are left alone. \param[out] out  free with chi_config_selection_free */
chi_status chi_config_selection(const char *where, const char *text, chi_selection *out);
/** Free what that put there; the models are the caller's. */
void chi_config_selection_free(chi_selection *selection);

/** Put a command's options into RUN/config.yaml, in place of older ones of that command; the other
 * commands' stay to the byte. The file is replaced whole or not at all; where it is missing, its
 * text is taken from fit.h5 first. The caller holds RUN/lock.
 * \param[in] section  what chi_options_write_yaml makes: "sites:\n  fdr: 0.05\n..."
 * \return CHI_ERR_INPUT if what is there is no YAML, CHI_ERR_IO */
chi_status chi_config_put(const char *run, const char *command, const char *section);
