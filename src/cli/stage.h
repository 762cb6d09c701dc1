/** \file stage.h
 * The commands that are stages over ranks: what their options say to every stage. */
#pragma once

#include "cli/cli.h"
#include "stage/stage.h"

/** Start as {0}; begin, and end in any case. */
typedef struct chi_cli_stage {
  chi_stage_options options; /* its texts are the ones below */
  chi_options *fit;          /* of a stage after the fit: the fit's, and their text in fit.h5 */
  char *fit_config;
  chi_text config;    /* the stage's section of config.yaml */
  chi_text others;    /* those of the other parts of the command run: the run is to have them */
  chi_text libraries; /* versions, on one line */
  chi_text again;     /* the command line that goes on with what is left */
} chi_cli_stage;

/** Fill stage->options. The fit's options are those of the command, or for a later stage those in
 * the run's fit.h5. Collective on cli->comm.
 * \param[in] name  the stage's command: "fit"
 * \return CHI_ERR_INPUT if fit.h5 cannot be read; CHI_ERR_USAGE for alphas given twice */
chi_status chi_cli_stage_begin(const chi_cli *cli, const char *name, const char *run,
                               chi_run_mode mode, chi_cli_stage *stage);

/** Free it. The exit code becomes 1 if some units failed. Local. \return status */
chi_status chi_cli_stage_end(chi_cli *cli, chi_cli_stage *stage, chi_status status, int64_t failed);
