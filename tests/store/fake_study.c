#include "fake_study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ELECTRODES = 4096, N_TIMES = 7 };

static chi_feature_space spaces[2][4];
static chi_alignment alignments[2];
static chi_dataset sets[3];
static char names[MAX_ELECTRODES][16];
static char *electrodes[MAX_ELECTRODES], *regions[MAX_ELECTRODES];
static float xs[MAX_ELECTRODES], unknown[MAX_ELECTRODES];
static double times[N_TIMES];
static int64_t n_features[2][4][2] = {{{8, 8}, {8, 8}, {16, 0}, {4, 4}}, {{8}, {8}, {16}, {4}}};
static int32_t set_of[2][2] = {{0, 1}, {2}};
static chi_study study;

static void make_spaces(int32_t a)
{
  static char *const models[] = {"blind", "blind", "slip-combo", "slip-combo"};
  static char *const layers[] = {"l1", "l2", "block\xc3\xa9", "final"};
  for (int f = 0; f < 4; f++)
    spaces[a][f] = (chi_feature_space){models[f],
                                       models[f],
                                       f < 2 ? "language" : "multimodal",
                                       f < 2 ? "random" : "trained",
                                       layers[f],
                                       f % 2,
                                       n_features[a][f]};
}

static chi_dataset make_set(char *subject, int32_t alignment, int32_t index, int64_t n,
                            int64_t first)
{
  return (chi_dataset){.subject = subject,
                       .alignment = alignment,
                       .subject_index = index,
                       .path = "",
                       .n_events = 100,
                       .n_electrodes = n,
                       .electrode = electrodes,
                       .region = regions,
                       .x = xs,
                       .y = xs,
                       .z = unknown,
                       .space = index == 0 ? "MNI152" : "",
                       .units = "uV",
                       .first_site = first};
}

const chi_study *fake_study(int64_t scale)
{
  for (int e = 0; e < MAX_ELECTRODES; e++) {
    snprintf(names[e], sizeof names[e], "e%d", e);
    electrodes[e] = names[e];
    regions[e] = e % 2 == 0 ? "" : "superiortemporal";
    xs[e] = (float)e;
    unknown[e] = NAN;
  }
  for (int b = 0; b < N_TIMES; b++) times[b] = -1 + 0.25 * b;
  make_spaces(0);
  make_spaces(1);
  sets[0] = make_set("s1", 0, 0, 3 * scale, 0);
  sets[1] = make_set("s2", 0, 1, 2 * scale, 3 * scale);
  sets[2] = make_set("s2", 1, 0, 2 * scale, 0);
  alignments[0] =
      (chi_alignment){"language", N_TIMES, times, 0.2, 2, set_of[0], 5 * scale, 4, spaces[0]};
  alignments[1] =
      (chi_alignment){"vision", N_TIMES, times, 0.2, 1, set_of[1], 2 * scale, 4, spaces[1]};
  study = (chi_study){"fake", "", "", 2, 3, alignments, sets, 0, NULL};
  return &study;
}

void fake_scores(const chi_study *s, int32_t alignment, int64_t space, int64_t site0,
                 int64_t n_sites, float *val_r, float *test_r, float *alpha)
{
  const chi_alignment *al = &s->alignments[alignment];
  for (int64_t i = 0; i < n_sites * al->n_times; i++) {
    const int64_t k = (space * al->n_sites + site0) * al->n_times + i;
    val_r[i] = k % 11 == 0 ? NAN : sinf((float)k + (float)alignment);
    test_r[i] = cosf((float)k);
    alpha[i] = (float)(k % 7);
  }
}

chi_status fake_open(const char *folder, chi_run_mode mode, const chi_study *of,
                     const chi_provenance *provenance, chi_store **out)
{
  chi_content content;
  CHI_TRY(chi_fit_content(of, &content));
  const chi_status s = chi_store_open(MPI_COMM_WORLD, folder, mode, &content, provenance, out);
  chi_content_free(&content);
  return s;
}

chi_status fake_write(chi_store *store, int32_t alignment, int64_t space, int64_t site0,
                      int64_t n_sites, const float *const scores[3])
{
  const chi_box box = {alignment, CHI_SCORES, space, site0, n_sites, 0, 1};
  return chi_store_write(store, &box, CHI_DONE_WRITTEN, scores);
}

chi_status fake_fail(chi_store *store, int32_t alignment, int64_t space, int64_t site0,
                     int64_t n_sites)
{
  const chi_box box = {alignment, CHI_SCORES, space, site0, n_sites, 0, 1};
  return chi_store_write(store, &box, CHI_DONE_FAILED, NULL);
}
