/* Units, how layers are cut, and the memory that is asked for. */
/* cmocka.h needs those before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "chiasm/run.h"
#include "stage/fit_units.h"
#include "stage/room.h"

enum { TIMES = 161, SPACES = 3, BLOCKS = 5 };

static const double alphas[] = {1, 10};
static const chi_encode_options encode = {
    .folds = 5, .n_alphas = 2, .alphas = alphas, .precision = CHI_REAL32, .threads = 1};

/* A study of one alignment, two subjects and three spaces, the last missing for the second. */
static int64_t n_features[SPACES][2] = {{500, 500}, {2000, 2000}, {300, 0}};
static int32_t dataset_index[2] = {0, 1};
static chi_dataset datasets[2];
static chi_feature_space spaces[SPACES];
static chi_alignment alignment;
static chi_study study;
static uint8_t done[SPACES * 1000];
static const uint8_t *const done_of[] = {done};

static int make_study(void **unused)
{
  (void)unused;
  const int64_t block = chi_block_electrodes(TIMES);
  datasets[0] = (chi_dataset){.n_events = 3000, .n_electrodes = BLOCKS * block - 1};
  datasets[1] = (chi_dataset){.subject_index = 1,
                              .n_events = 2000,
                              .n_electrodes = 2 * block,
                              .first_site = BLOCKS * block - 1};
  for (int f = 0; f < SPACES; f++) spaces[f].n_features = n_features[f];
  alignment = (chi_alignment){.n_times = TIMES,
                              .n_datasets = 2,
                              .dataset = dataset_index,
                              .n_sites = (BLOCKS + 2) * block - 1,
                              .n_spaces = SPACES,
                              .space = spaces};
  study = (chi_study){
      .n_alignments = 1, .n_datasets = 2, .alignments = &alignment, .datasets = datasets};
  memset(done, CHI_DONE_NOT_YET, sizeof done);
  return 0;
}

/* How often a plan's units do each (space, site). */
static void count_sites(const chi_unit_list *list, int32_t *count)
{
  const int64_t block = chi_block_electrodes(TIMES);
  memset(count, 0, SPACES * 1000 * sizeof *count);
  int64_t models = 0;
  for (int64_t i = 0; i < list->n; i++) {
    const chi_stage_unit *u = &list->what[i];
    const chi_dataset *d = &datasets[u->layer.dataset];
    assert_int_equal(u->begin % block, 0);
    assert_true(u->end == d->n_electrodes || u->end % block == 0);
    assert_true(u->begin < u->end && u->end <= d->n_electrodes);
    assert_int_equal(list->unit[i].group, u->layer.dataset);
    assert_int_equal(list->unit[i].layer, u->layer.space * 2 + d->subject_index);
    assert_true(list->unit[i].cost > 0);
    models += list->unit[i].models;
    for (int64_t e = u->begin; e < u->end; e++)
      count[u->layer.space * alignment.n_sites + d->first_site + e]++;
  }
  assert_int_equal(list->models, models);
}

/* Every site that is there once, if it is not written; the missing layer never. */
static void check_complete(const chi_unit_list *list)
{
  static int32_t count[SPACES * 1000];
  count_sites(list, count);
  for (int64_t f = 0; f < SPACES; f++)
    for (int64_t i = 0; i < alignment.n_sites; i++) {
      const int64_t at = f * alignment.n_sites + i;
      const bool missing = n_features[f][i >= datasets[1].first_site] == 0;
      assert_int_equal(count[at], missing || done[at] == CHI_DONE_WRITTEN ? 0 : 1);
    }
}

/* Of the last plan_for: units that are parts of a layer. */
static int64_t parts;

static chi_unit_list plan_for(int64_t electrode_block, int32_t n_ranks)
{
  const chi_fit_shares shares = {electrode_block, n_ranks};
  chi_unit_list list;
  assert_int_equal(chi_fit_units(&study, &encode, &shares, done_of, &list, &parts), CHI_OK);
  return list;
}

static void whole_layers_by_default(void **unused)
{
  (void)unused;
  chi_unit_list list = plan_for(0, 1);
  check_complete(&list);
  assert_int_equal(list.n, 5);
  assert_int_equal(parts, 0);
  assert_int_equal(list.unit[0].models, datasets[0].n_electrodes * TIMES);
  chi_unit_list_free(&list);
}

static void electrode_block_is_rounded_up(void **unused)
{
  (void)unused;
  const int64_t block = chi_block_electrodes(TIMES);
  chi_unit_list list = plan_for(1, 1);
  check_complete(&list);
  assert_int_equal(list.n, 3 * BLOCKS + 2 * 2);
  chi_unit_list_free(&list);
  list = plan_for(block + 1, 4);
  check_complete(&list);
  assert_int_equal(list.n, 3 * 3 + 2);
  chi_unit_list_free(&list);
}

static void many_ranks_cut_layers(void **unused)
{
  (void)unused;
  chi_unit_list list = plan_for(0, 8);
  check_complete(&list);
  assert_true(list.n > 5 && parts > 0);
  chi_unit_list_free(&list);
}

static void resume_takes_unfinished_blocks(void **unused)
{
  (void)unused;
  const int64_t block = chi_block_electrodes(TIMES);
  memset(done, CHI_DONE_WRITTEN, sizeof done);
  chi_unit_list list = plan_for(0, 4);
  assert_int_equal(list.n, 0);
  chi_unit_list_free(&list);
  /* Blocks 1, 2 and 4 of the first subject in space 1; a failed site is to be done again. */
  for (int64_t e = block; e < 3 * block; e++) done[alignment.n_sites + e] = CHI_DONE_NOT_YET;
  for (int64_t e = 4 * block; e < datasets[0].n_electrodes; e++)
    done[alignment.n_sites + e] = CHI_DONE_FAILED;
  list = plan_for(0, 1);
  check_complete(&list);
  assert_int_equal(list.n, 2);
  assert_int_equal(list.what[0].begin, block);
  assert_int_equal(list.what[0].end, 3 * block);
  assert_int_equal(list.what[1].end, datasets[0].n_electrodes);
  chi_unit_list_free(&list);
  list = plan_for(1, 1);
  check_complete(&list);
  assert_int_equal(list.n, 3);
  chi_unit_list_free(&list);
}

static void cuts_only_where_it_pays(void **unused)
{
  (void)unused;
  chi_fit_piece pieces[7];
  int64_t part[7];
  for (int i = 0; i < 7; i++)
    pieces[i] = (chi_fit_piece){.what = {.end = 100}, .block = 10, .shared = 1000, .electrode = 10};
  /* Seven equal layers on two ranks: four rounds uncut are better than to repeat what is shared. */
  assert_int_equal(chi_fit_cut(pieces, 7, 2, part), CHI_OK);
  for (int i = 0; i < 7; i++) assert_int_equal(part[i], 1);
  /* One layer on four ranks, no part below a quarter of what is shared. */
  assert_int_equal(chi_fit_cut(pieces, 1, 4, part), CHI_OK);
  assert_int_equal(part[0], 4);
  assert_int_equal(chi_fit_cut(pieces, 1, 8, part), CHI_OK);
  assert_int_equal(part[0], 4);
  /* Nothing shared: as many as there are ranks to use them, but whole blocks. */
  pieces[0].shared = 0;
  assert_int_equal(chi_fit_cut(pieces, 1, 100, part), CHI_OK);
  assert_int_equal(part[0], 10);
  /* One dear layer among cheap ones. */
  pieces[0].electrode = 1000;
  assert_int_equal(chi_fit_cut(pieces, 7, 2, part), CHI_OK);
  assert_true(part[0] > 1);
  for (int i = 1; i < 7; i++) assert_int_equal(part[i], 1);
}

static void memory_is_found_out(void **unused)
{
  (void)unused;
  uint8_t real[SPACES * 2] = {4, 4, 8, 4, 4, 0};
  chi_room room;
  chi_room_need(&(chi_room_demand){.study = &study, .encode = &encode, .real = real}, &room);
  const int64_t targets = datasets[0].n_electrodes * TIMES;
  assert_int_equal(room.features, 3000 * 2000 * 8);
  assert_int_equal(room.slot, 3000 * targets * 4 + targets);
  assert_int_equal(room.scores, 3 * 4 * targets);
  assert_true(room.encoder > 0);
  room.ranks = 4;
  room.limit = INT64_MAX;
  assert_int_equal(
      chi_room_fit(&(chi_room_demand){.study = &study, .encode = &encode, .real = real}, 0, &room),
      CHI_OK);
  assert_int_equal(room.slots, 2); /* there are no more datasets */
  assert_int_equal(chi_room_node(&room), 4 * chi_room_rank(&room) + 2 * room.slot);
  room.limit = chi_room_node(&room) - 1;
  assert_int_equal(
      chi_room_fit(&(chi_room_demand){.study = &study, .encode = &encode, .real = real}, 0, &room),
      CHI_OK);
  assert_int_equal(room.slots, 1);
}

/* The limit that one thing needs, and whether the refusal names the option that helps. */
static void refused(chi_encode_options options, int64_t limit, int64_t ranks,
                    int64_t memory_per_rank, const char *advice)
{
  uint8_t real[SPACES * 2] = {4, 4, 4, 4, 4, 0};
  chi_room room;
  chi_room_need(&(chi_room_demand){.study = &study, .encode = &options, .real = real}, &room);
  room.ranks = ranks;
  room.limit = limit;
  assert_int_equal(
      chi_room_fit(&(chi_room_demand){.study = &study, .encode = &options, .real = real},
                   memory_per_rank, &room),
      CHI_ERR_USAGE);
  assert_non_null(strstr(chi_message(), "not fit into memory"));
  if (strstr(chi_message(), advice) == NULL) fail_msg("no advice: %s", chi_message());
}

static void refusal_names_what_helps(void **unused)
{
  (void)unused;
  uint8_t real[SPACES * 2] = {4, 4, 4, 4, 4, 0};
  chi_encode_options options = encode;
  chi_room room;
  chi_room_need(&(chi_room_demand){.study = &study, .encode = &options, .real = real}, &room);
  const int64_t enough = chi_room_rank(&room) + room.slot;
  options.threads = 8;
  refused(options, enough, 1, 0, "--threads 1 would fit");
  options.threads = 1;
  options.precision = CHI_REAL64;
  refused(options, enough, 1, 0, "--precision mixed would fit");
  refused(encode, enough + chi_room_rank(&room), 4, 0, "2 ranks on a node would fit");
  refused(encode, enough - 1, 1, enough - 1, "--memory-per-rank");
  refused(encode, enough - 1, 1, 0, "more memory");
}

static void absurd_sizes_do_not_overflow(void **unused)
{
  (void)unused;
  uint8_t real[SPACES * 2] = {8, 8, 8, 8, 8, 0};
  datasets[0].n_events = INT64_C(1) << 40;
  datasets[0].n_electrodes = INT64_C(1) << 30;
  chi_room room = {0};
  chi_room_need(&(chi_room_demand){.study = &study, .encode = &encode, .real = real}, &room);
  assert_true(room.slot == INT64_MAX);
  room.ranks = 2;
  room.limit = INT64_C(1) << 40;
  assert_int_equal(
      chi_room_fit(&(chi_room_demand){.study = &study, .encode = &encode, .real = real}, 0, &room),
      CHI_ERR_USAGE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(whole_layers_by_default, make_study),
      cmocka_unit_test_setup(electrode_block_is_rounded_up, make_study),
      cmocka_unit_test_setup(many_ranks_cut_layers, make_study),
      cmocka_unit_test_setup(resume_takes_unfinished_blocks, make_study),
      cmocka_unit_test_setup(cuts_only_where_it_pays, make_study),
      cmocka_unit_test_setup(memory_is_found_out, make_study),
      cmocka_unit_test_setup(refusal_names_what_helps, make_study),
      cmocka_unit_test_setup(absurd_sizes_do_not_overflow, make_study),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
