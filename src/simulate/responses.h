/** \file responses.h
 * The responses of a simulated subject in one alignment. All local. */
#ifndef CHIASM_SIMULATE_RESPONSES_H
#define CHIASM_SIMULATE_RESPONSES_H

#include "simulate/sites.h"

/** Write a response file.
 * \param[in] alignment  its index; `name` its name */
chi_status chi_responses_write(const chi_simulate_options *options, const char *subject,
                               const chi_site *sites, int32_t alignment, const char *name,
                               const char *path);

/** Whether an event is the first of its session; which session that is. */
bool chi_simulate_starts(const chi_simulate_options *options, int64_t event);
int32_t chi_simulate_session(const chi_simulate_options *options, int64_t event);

/** Rows of `width` float32 that are made and written at a time: at least one. */
int64_t chi_simulate_block(const chi_simulate_options *options, int64_t width);

#endif
