/** \file responses.h
 * The responses of a simulated subject in one alignment. All local. */
#pragma once

#include "simulate/electrodes.h"

/** Write a response file.
 * \param[in] alignment  its index; `name` its name */
chi_status chi_responses_write(const chi_simulate_options *options, const char *subject,
                               const chi_electrode *electrodes, int32_t alignment, const char *name,
                               const char *path);
