/* The line of progress. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "sweep/show.h"

static void shows_share_rate_and_time_left(void **state)
{
  (void)state;
  char text[256];
  chi_sweep_progress p = {.done = 1231,
                          .running = 4,
                          .failed = 3,
                          .left = 762,
                          .models_done = 8200000,
                          .elapsed_s = 200,
                          .cost_done = 62.5,
                          .cost_total = 100};
  chi_show_line("fit", &p, text, sizeof text);
  assert_string_equal(text,
                      "fit  [############--------]  62 %  1234/2000 units  3 failed  "
                      "41k models/s  left 2 min 0 s");
  p = (chi_sweep_progress){.done = 8, .elapsed_s = 4, .finished = true, .models_done = 12};
  chi_show_line("fit", &p, text, sizeof text);
  assert_string_equal(text,
                      "fit  [####################]  100 %  8/8 units  3.0 models/s  in 4.0 s");
  p = (chi_sweep_progress){.done = 2, .left = 6, .elapsed_s = 4, .finished = true, .stopped = true};
  chi_show_line("fit", &p, text, sizeof text);
  assert_string_equal(text, "fit  [#####---------------]  25 %  2/8 units  in 4.0 s  stopped");
}

static void shows_no_rate_before_it_is_known(void **state)
{
  (void)state;
  char text[256];
  const chi_sweep_progress p = {.left = 10, .cost_total = 5};
  chi_show_line("fit", &p, text, sizeof text);
  assert_string_equal(text, "fit  [--------------------]  0 %  0/10 units");
}

static void cuts_at_the_room_there_is(void **state)
{
  (void)state;
  char text[16];
  const chi_sweep_progress p = {.left = 10, .cost_total = 5};
  chi_show_line("fit", &p, text, sizeof text);
  assert_string_equal(text, "fit  [---------");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shows_share_rate_and_time_left),
      cmocka_unit_test(shows_no_rate_before_it_is_known),
      cmocka_unit_test(cuts_at_the_room_there_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
