/* The parts of a simulated study: the film's processes, the electrodes, the networks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants the four above */
#include <cmocka.h>

#include "base/memory.h"
#include "simulate/electrodes.h"
#include "simulate/networks.h"

static chi_simulate_options small_options(void)
{
  return (chi_simulate_options){.subjects = 1,
                                .electrodes = 100,
                                .events = 50,
                                .bins = 5,
                                .sessions = 1,
                                .networks = 2,
                                .layers = 2,
                                .features = 4,
                                .seed = 3,
                                .alignments = "language,vision",
                                .shares = {30, 20, 20, 15, 15},
                                .effect_min = 0.3,
                                .effect_max = 0.6,
                                .autocorrelation = 0.6,
                                .noise_min = 0.6,
                                .noise_max = 0.9,
                                .block_bytes = 1 << 20};
}

enum { DIMS = CHI_LATENT_DIMS, ALL = 3 * DIMS, MANY = 40000 };

static void take(const chi_film *film, double *all)
{
  memcpy(all, film->vision, sizeof film->vision);
  memcpy(all + DIMS, film->language, sizeof film->language);
  memcpy(all + 2 * DIMS, film->product, sizeof film->product);
}

/* V, L and M are white, and autocorrelated as asked: M as a product, by the square. */
static void test_latents(void **unused)
{
  (void)unused;
  chi_film film = chi_film_begin(1, "sim1.film", 0.6);
  double now[ALL], before[ALL] = {0}, covariance[ALL][ALL] = {0}, lag[ALL] = {0};
  for (int64_t event = 0; event < MANY; event++) {
    chi_film_step(&film, event, event == 0);
    take(&film, now);
    for (int i = 0; i < ALL; i++) {
      for (int j = 0; j < ALL; j++) covariance[i][j] += now[i] * now[j] / MANY;
      if (event > 0) lag[i] += now[i] * before[i] / MANY;
    }
    memcpy(before, now, sizeof now);
  }
  for (int i = 0; i < ALL; i++) {
    const bool product = i >= 2 * DIMS;
    for (int j = 0; j < ALL; j++)
      assert_true(fabs(covariance[i][j] - (i == j)) < (i == j && product ? 0.12 : 0.06));
    assert_true(fabs(lag[i] - (product ? 0.36 : 0.6)) < 0.06);
  }
}

/* A session starts without a past, in the same spread. */
static void test_restart(void **unused)
{
  (void)unused;
  double state[2] = {100, -100}, fresh[2] = {0.5, -0.5};
  chi_film_ar_step(0.6, true, 2, fresh, state);
  assert_true(state[0] == 0.5 && state[1] == -0.5);
  chi_film_ar_step(0.6, false, 2, fresh, state);
  assert_true(fabs(state[0] - (0.6 * 0.5 + 0.8 * 0.5)) < 1e-12);
}

static void test_sites(void **unused)
{
  (void)unused;
  const chi_simulate_options options = small_options();
  chi_electrode *sites;
  int count[CHI_N_KINDS] = {0}, elsewhere[CHI_N_KINDS] = {0};
  assert_int_equal(chi_electrodes_create(&options, "sim1", 2, &sites), CHI_OK);
  for (int i = 0; i < 100; i++) {
    const chi_electrode *site = &sites[i];
    count[site->kind]++;
    assert_int_equal(chi_electrode_kind(&options, "sim1", sites, i, site->alignment), site->kind);
    const chi_kind other = chi_electrode_kind(&options, "sim1", sites, i, 1 - site->alignment);
    assert_true(other == site->kind || other == CHI_KIND_NONE);
    if (other == site->kind) elsewhere[site->kind]++;
    double length = 0;
    for (int k = 0; k < DIMS; k++)
      length += pow(site->vision[k], 2) + pow(site->language[k], 2) + pow(site->product[k], 2);
    assert_true(fabs(length - (site->kind != CHI_KIND_NONE)) < 1e-12);
    assert_true((site->product[0] != 0) == (site->kind == CHI_KIND_INTEGRATION));
    assert_true(site->effect >= 0.3 && site->effect <= 0.6);
    assert_true((site->x < 0) == (site->name[0] == 'L') || fabsf(site->x) < 20);
    for (int j = 0; j < i; j++) assert_string_not_equal(site->name, sites[j].name);
  }
  assert_string_equal(sites[0].name, "LA1");
  assert_string_equal(sites[99].name, "LG4");
  const int quota[CHI_N_KINDS] = {30, 20, 20, 15, 15};
  for (int k = 0; k < CHI_N_KINDS; k++) assert_int_equal(count[k], quota[k]);
  for (int k = 1; k < CHI_N_KINDS; k++) assert_true(elsewhere[k] > 0 && elsewhere[k] < count[k]);
  chi_free(sites);
}

/* A share of 0 means none at all, however few electrodes there are. */
static void test_no_integration(void **unused)
{
  (void)unused;
  chi_simulate_options options = small_options();
  options.shares[CHI_KIND_INTEGRATION] = 0;
  for (options.electrodes = 1; options.electrodes < 30; options.electrodes++) {
    chi_electrode *sites;
    assert_int_equal(chi_electrodes_create(&options, "sim1", 1, &sites), CHI_OK);
    for (int64_t i = 0; i < options.electrodes; i++)
      assert_int_not_equal(sites[i].kind, CHI_KIND_INTEGRATION);
    chi_free(sites);
  }
}

static const chi_network *find(const chi_network *list, int64_t n, const char *model)
{
  for (int64_t i = 0; i < n; i++)
    if (strcmp(list[i].model, model) == 0) return &list[i];
  fail_msg("no model %s", model);
  return NULL;
}

static void test_networks(void **unused)
{
  (void)unused;
  const chi_simulate_options options = small_options();
  chi_network *list;
  int64_t n;
  assert_int_equal(chi_networks_create(&options, &n, &list), CHI_OK);
  assert_int_equal(n, 20);
  for (int64_t i = 0; i < n; i += 2) {
    assert_string_equal(list[i].training, "trained");
    assert_string_equal(list[i].network, list[i].model);
    assert_string_equal(list[i + 1].training, "random");
    assert_string_equal(list[i + 1].network, list[i].model);
  }
  const chi_network *concat = find(list, n, "concat-2");
  const chi_network *multimodal = find(list, n, "multimodal-net-2");
  assert_string_equal(concat->tower[0].key, find(list, n, "vision-net-2")->tower[0].key);
  assert_string_equal(concat->tower[1].key, find(list, n, "language-net-2")->tower[0].key);
  assert_string_equal(find(list, n, "control-with-language")->tower[0].key,
                      find(list, n, "control-without-language")->tower[0].key);
  /* at a `both` site the two are the same */
  assert_int_equal(concat->n_towers, multimodal->n_towers);
  for (int t = 0; t < 2; t++) {
    assert_true(concat->tower[t].latent == multimodal->tower[t].latent);
    assert_true(concat->tower[t].product == 0 && multimodal->tower[t].product > 0);
  }
  chi_free(list);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_latents), cmocka_unit_test(test_restart), cmocka_unit_test(test_sites),
      cmocka_unit_test(test_no_integration), cmocka_unit_test(test_networks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
