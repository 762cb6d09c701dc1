/* chiasm run: the stages one after the other. */
#include "base/agree.h"
#include "base/gate.h"
#include "base/stop.h"
#include "cli/cli.h"
#include "store/lock.h"

/* Between two stages: does any rank wish to stop? */
static chi_status go_on(const chi_cli *cli)
{
  (void)chi_gate("run.between");
  return chi_agree(cli->comm, !chi_stop_asked()
                                  ? CHI_OK
                                  : chi_fail(CHI_STOPPED, "stopped by a signal between stages"));
}

/* The fit and the bootstrap say themselves how to go on. */
static chi_status say_how(const chi_cli *cli, chi_status s)
{
  chi_text again = {0};
  if (s != CHI_STOPPED) return s;
  chi_cli_write_again(cli->options, &again);
  if (!again.failed) chi_fail(s, "%s; to go on: %s", chi_message(), again.s);
  chi_text_free(&again);
  return s;
}

/* Files that vanished while the fit was at work have made units fail: no bad input, then. */
static chi_status not_input(chi_status s, int exit_code)
{
  return s == CHI_ERR_INPUT && exit_code != 0 ? chi_fail(CHI_ERR_IO, "%s", chi_message()) : s;
}

static chi_status run_stages(chi_cli *cli)
{
  const char *run = chi_opt_text(cli->options, "output");
  chi_run_mode mode;
  CHI_TRY(chi_cli_mode(cli->options, &mode));
  CHI_TRY(chi_cli_fit_stage(cli, mode));
  CHI_TRY(say_how(cli, go_on(cli)));
  if (chi_cli_does(cli->options, "influence"))
    CHI_TRY(not_input(chi_cli_influence_stage(cli, run, mode), cli->exit_code));
  if (chi_cli_does(cli->options, "influence") && chi_cli_does(cli->options, "bootstrap"))
    CHI_TRY(say_how(cli, go_on(cli)));
  if (chi_cli_does(cli->options, "bootstrap"))
    CHI_TRY(not_input(chi_cli_bootstrap_stage(cli, run, mode), cli->exit_code));
  return say_how(cli, chi_cli_sites_stage(cli, run));
}

chi_status chi_cli_run(chi_cli *cli)
{
  if (cli->rank == 0) chi_lock_keep(true);
  const chi_status s = run_stages(cli);
  if (cli->rank == 0) chi_lock_keep(false);
  return s;
}
