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

void chi_stages_collect(const chi_fit_work *work, chi_stages *stages)
{
  for (int32_t i = 0; stages != NULL && i < work->shape.threads; i++)
    for (int k = 0; k < CHI_N_STAGES; k++) {
      stages->cpu_s[k] += work->thread[i].stages.cpu_s[k];
      stages->wall_s[k] += work->thread[i].stages.wall_s[k] / work->shape.threads;
      stages->flops[k] += work->thread[i].stages.flops[k];
    }
}
