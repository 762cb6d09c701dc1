/** \file children.h
 * Work in processes of their own. Local; for programs without MPI or threads. */
#ifndef CHIASM_PLAN_CHILDREN_H
#define CHIASM_PLAN_CHILDREN_H

#include <stdbool.h>

#include "chiasm/status.h"

/** Measure something. \param[out] value  as many numbers as chi_children_run was told */
typedef chi_status chi_child_work(void *context, double *value);

/** Run `work` in n processes at once.
 * \param[out] value  n_values: the mean over the processes
 * \return CHI_ERR_IO if a process cannot be started or fails */
chi_status chi_children_run(int n, chi_child_work *work, void *context, int n_values,
                            double *value);

/** Run this program in a folder and time it.
 * \param[in]  line    its arguments, parted by single blanks
 * \param[in]  output  a file for its standard output, in the folder; NULL: thrown away
 * \return CHI_ERR_IO if it cannot be started, or ends otherwise than with exit code 0 */
chi_status chi_children_self(const char *folder, const char *line, const char *output,
                             double *seconds);

#endif
