/* What the options say to a stage that computes over ranks, the same for each. */
#include "cli/stage.h"

#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "linalg/kernel.h"

/* The fit's options, as fit.h5 has them. Collective. */
static chi_status read_fit(const chi_cli *cli, const char *run, chi_cli_stage *stage)
{
  const chi_program *program = chi_options_program(cli->options);
  chi_status s = cli->rank == 0 ? chi_run_read_text(run, "config", &stage->fit_config) : CHI_OK;
  CHI_TRY(chi_agree(cli->comm, s));
  s = chi_bcast_text(cli->comm, &stage->fit_config);
  if (s == CHI_OK)
    s = chi_options_create(program, chi_program_command(program, "fit"), &stage->fit);
  if (s == CHI_OK) s = chi_options_read_yaml(stage->fit, stage->fit_config, run, "");
  return chi_agree(cli->comm, s);
}

static chi_status write_texts(const chi_options *options, const chi_command *own,
                              chi_cli_stage *stage)
{
  const chi_program *program = chi_options_program(options);
  const unsigned parts = chi_options_command(options)->parts;
  chi_options_write_yaml(options, own, &stage->config);
  for (const chi_command *c = program->command; c < program->command + program->n_commands; c++)
    if ((c->bit & parts) != 0 && c != own && chi_cli_does(options, c->name))
      chi_options_write_yaml(options, c, &stage->others);
  /* of no stage: --resume finds it here */
  if (chi_opt_has(options, "uncertainty") && chi_opt_given(options, "uncertainty"))
    chi_text_add(&stage->others, "run:\n  uncertainty: \"%s\"\n",
                 chi_opt_text(options, "uncertainty"));
  chi_cli_versions(&stage->libraries, ", ");
  chi_cli_write_again(options, &stage->again);
  if (stage->config.failed || stage->others.failed || stage->libraries.failed ||
      stage->again.failed)
    return chi_fail(CHI_ERR_MEMORY, "no memory for the configuration's text");
  return CHI_OK;
}

chi_status chi_cli_stage_begin(const chi_cli *cli, const char *name, const char *run,
                               chi_run_mode mode, chi_cli_stage *stage)
{
  const chi_options *o = cli->options;
  const chi_command *own = chi_program_command(chi_options_program(o), name);
  const bool is_fit = strcmp(name, "fit") == 0;
  if (!is_fit) CHI_TRY(read_fit(cli, run, stage));
  const chi_options *fit = is_fit ? o : stage->fit;
  stage->options = (chi_stage_options){.run = run,
                                       .mode = mode,
                                       .selection = chi_cli_selection(fit),
                                       .memory_per_rank = chi_opt_int(o, "memory-per-rank"),
                                       .blas_kernel = chi_blas_kernel()};
  chi_status s = chi_cli_encode_options(cli, fit, &stage->options.encode);
  if (s == CHI_OK) s = write_texts(o, own, stage);
  stage->options.fit_config = is_fit ? stage->config.s : stage->fit_config;
  stage->options.other_config = is_fit ? stage->others.s : stage->config.s;
  stage->options.libraries = stage->libraries.s;
  stage->options.again = stage->again.s;
  return chi_agree(cli->comm, s);
}

chi_status chi_cli_stage_end(chi_cli *cli, chi_cli_stage *stage, chi_status status, int64_t failed)
{
  if (status == CHI_OK && failed > 0) cli->exit_code = 1;
  chi_free((void *)stage->options.encode.alphas);
  chi_options_destroy(&stage->fit);
  chi_free(stage->fit_config);
  chi_text_free(&stage->config);
  chi_text_free(&stage->others);
  chi_text_free(&stage->libraries);
  chi_text_free(&stage->again);
  return status;
}
