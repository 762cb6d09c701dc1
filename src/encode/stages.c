/* The time and flops of a fit's stages. */
#include "base/clock.h"
#include "encode/internal.h"

#define STAGE_TEXT(name, text) text,
const char *const chi_stage_names[CHI_N_STAGES] = {CHI_STAGE_TABLE(STAGE_TEXT)};
#undef STAGE_TEXT

chi_stage_clock chi_stage_start(void)
{
  return (chi_stage_clock){chi_clock_thread_cpu(), chi_clock_now()};
}

void chi_stage_stop(chi_stages *stages, int stage, chi_stage_clock *clock, double flops)
{
  const chi_stage_clock now = chi_stage_start();
  stages->cpu_s[stage] += now.cpu - clock->cpu;
  stages->wall_s[stage] += now.wall - clock->wall;
  stages->flops[stage] += flops;
  *clock = now;
}
