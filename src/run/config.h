/** \file config.h
 * Comparing the options of two fits. Local. */
#ifndef CHIASM_RUN_CONFIG_H
#define CHIASM_RUN_CONFIG_H

#include "chiasm/status.h"

/** Compare the texts of two config.yaml key by key; the order of keys does not matter.
 * \param[in] where  the run's name, for messages
 * \return CHI_ERR_USAGE naming the first difference, CHI_ERR_INPUT if a text is no YAML */
chi_status chi_config_compare(const char *where, const char *of_run, const char *of_now);

#endif
