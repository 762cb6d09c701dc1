/* The parts' replicates into the merged bootstrap.h5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "merge/internal.h"
#include "run/config.h"
#include "stage/choose.h"
#include "stage/summary.h"

/* What the functions below share. */
typedef struct boot {
  chi_merging *m;
  chi_bootstrap_rows *rows; /* by alignment */
  chi_bootstrap *file;
  int64_t n_replicates, n_blocks;
  bool by_space;
  /* room for one row and site: what one part has, and by block what is taken so far */
  float *val_r, *test_r;
  uint64_t *sum_read, *sum;
  uint8_t *torn, *state;
  int *from;
} boot;

static const chi_bootstrap_table *find_table(const chi_part *part, const char *alignment,
                                             int32_t *at)
{
  for (*at = 0; *at < part->n_boot; (*at)++)
    if (strcmp(part->boot_tables[*at].alignment, alignment) == 0) return &part->boot_tables[*at];
  return NULL;
}

/* The row that a part has for a row of the merged file, with the layer that is bootstrapped at the
 * site; -1: none. */
static int64_t find_row(const boot *b, const chi_bootstrap_table *t, const chi_alignment *al,
                        int64_t label, int64_t space, int64_t site)
{
  for (int64_t i = 0; i < t->n_rows; i++) {
    if (strcmp(t->model[i], al->space[label].model) != 0) continue;
    if (strcmp(t->layer[i * t->n_sites + site], al->space[space].layer) == 0) return i;
    if (!b->by_space) return -1;
  }
  return -1;
}

/* The lengths of blocks depend on the recordings alone. */
static chi_status take_lengths(boot *b, int32_t a)
{
  const chi_alignment *al = &b->m->study->alignments[a];
  chi_bootstrap_rows *rows = &b->rows[a];
  CHI_TRY(chi_alloc(al->n_datasets, sizeof *rows->block_length, "blocks", &rows->block_length));
  for (int i = 0; i < b->m->options->n_parts; i++) {
    int32_t at;
    const chi_part *part = &b->m->part[i];
    const chi_bootstrap_table *t = find_table(part, al->name, &at);
    if (t == NULL || t->n_subjects != al->n_datasets || t->n_sites != al->n_sites ||
        t->n_times != al->n_times || t->n_replicates != b->n_replicates ||
        t->by_space != b->by_space)
      return chi_fail(CHI_ERR_INPUT, "%s/bootstrap.h5: /%s is not of the sizes of its fit.h5",
                      part->run, al->name);
    for (int32_t d = 0; d < al->n_datasets; d++) {
      if (i > 0 && t->block_length[d] != rows->block_length[d])
        return chi_fail(CHI_ERR_USAGE,
                        "%s and %s differ in the events drawn together for %s in %s: %d and %d",
                        b->m->part[0].run, part->run, b->m->study->datasets[al->dataset[d]].subject,
                        al->name, rows->block_length[d], t->block_length[d]);
      rows->block_length[d] = t->block_length[d];
    }
  }
  return CHI_OK;
}

static chi_status torn_block(const chi_part *part, const chi_bootstrap_table *t, int64_t row,
                             int64_t site, int64_t block)
{
  return chi_fail(CHI_ERR_INPUT,
                  "%s/bootstrap.h5: %s %s at %s: block %lld of the replicates does not fit its "
                  "checksum; chiasm bootstrap %s --resume calculates it again",
                  part->run, t->alignment, t->model[row], t->site[site], (long long)block,
                  part->run);
}

/* Take the blocks of a part that are needed, and write them at once. */
static chi_status take_part(boot *b, int i, int32_t a, int64_t to, int64_t space, int64_t site)
{
  const chi_alignment *al = &b->m->study->alignments[a];
  const chi_part *part = &b->m->part[i];
  int32_t at;
  const chi_bootstrap_table *t = find_table(part, al->name, &at);
  const int64_t row = find_row(b, t, al, b->rows[a].label[to], space, site);
  if (row < 0) return CHI_OK;
  const uint8_t *done =
      chi_bootstrap_done(part->boot, at) + (row * t->n_sites + site) * b->n_blocks;
  CHI_TRY(chi_bootstrap_read_blocks(part->boot, at, row, site, b->val_r, b->test_r, b->sum_read,
                                    b->torn));
  for (int64_t k = 0; k < b->n_blocks; k++) {
    if (done[k] != CHI_DONE_WRITTEN && done[k] != CHI_DONE_FAILED) continue;
    if (done[k] == CHI_DONE_WRITTEN && b->torn[k] != 0) return torn_block(part, t, row, site, k);
    if (done[k] == CHI_DONE_WRITTEN && b->state[k] == CHI_DONE_WRITTEN &&
        b->sum_read[k] != b->sum[k])
      return chi_fail(CHI_ERR_USAGE,
                      "%s and %s differ in the replicates of %s %s at %s, block %lld; bootstrap "
                      "one of them again",
                      b->m->part[b->from[k]].run, part->run, t->alignment, t->model[row],
                      t->site[site], (long long)k);
    if (b->state[k] == CHI_DONE_WRITTEN || b->state[k] == done[k]) continue;
    const int64_t first = k * CHI_REPLICATE_BLOCK * t->n_times;
    b->state[k] = done[k];
    b->sum[k] = b->sum_read[k];
    b->from[k] = i;
    CHI_TRY(
        chi_bootstrap_write(b->file, a, to, site, k, done[k], b->val_r + first, b->test_r + first));
  }
  return CHI_OK;
}

static chi_status room_create(boot *b, int64_t n_times)
{
  const int64_t n = b->n_replicates * n_times;
  CHI_TRY(chi_alloc(n, sizeof *b->val_r, "replicates", &b->val_r));
  CHI_TRY(chi_alloc(n, sizeof *b->test_r, "replicates", &b->test_r));
  CHI_TRY(chi_alloc(b->n_blocks, sizeof *b->sum_read, "checksums", &b->sum_read));
  CHI_TRY(chi_alloc(b->n_blocks, sizeof *b->sum, "checksums", &b->sum));
  CHI_TRY(chi_alloc(b->n_blocks, 1, "flags", &b->torn));
  CHI_TRY(chi_alloc(b->n_blocks, 1, "flags", &b->state));
  return chi_alloc(b->n_blocks, sizeof *b->from, "runs", &b->from);
}

static void room_free(boot *b)
{
  void *all[] = {b->val_r, b->test_r, b->sum_read, b->sum, b->torn, b->state, b->from};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) chi_free(all[i]);
  b->val_r = b->test_r = NULL;
  b->sum_read = b->sum = NULL;
  b->torn = b->state = NULL;
  b->from = NULL;
}

/* Each rank copies every size-th row and site. */
static chi_status copy_alignment(boot *b, int32_t a)
{
  const chi_alignment *al = &b->m->study->alignments[a];
  const chi_bootstrap_rows *rows = &b->rows[a];
  chi_status s = room_create(b, al->n_times);
  for (int64_t i = b->m->rank; i < rows->n_rows * al->n_sites && s == CHI_OK; i += b->m->size) {
    if (rows->space[i] < 0) continue;
    memset(b->state, CHI_DONE_NOT_YET, (size_t)b->n_blocks);
    for (int p = 0; p < b->m->options->n_parts && s == CHI_OK; p++)
      s = take_part(b, p, a, i / al->n_sites, rows->space[i], i % al->n_sites);
    for (int64_t k = 0; k < b->n_blocks; k++) {
      b->m->boot_written += b->state[k] == CHI_DONE_WRITTEN;
      b->m->boot_left += b->state[k] == CHI_DONE_NOT_YET;
    }
  }
  room_free(b);
  return s;
}

/* The option of this name in the merged run's section. */
static chi_status option(const boot *b, const char *key, char **out)
{
  CHI_TRY(chi_config_value(b->m->options->run, b->m->section.s, key, out));
  if (*out != NULL) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s/bootstrap.h5: does not say its option %s", b->m->part[0].run,
                  key);
}

static chi_status choose(boot *b)
{
  char *layers = NULL, *models = NULL;
  chi_status s = option(b, "bootstrap.layer-selection", &layers);
  if (s == CHI_OK) s = option(b, "bootstrap.models", &models);
  s = chi_agree(b->m->comm, s);
  if (s == CHI_OK) {
    const chi_layer_selection selection = strcmp(layers, "all") == 0     ? CHI_LAYERS_ALL
                                          : strcmp(layers, "final") == 0 ? CHI_LAYERS_FINAL
                                                                         : CHI_LAYERS_SITE;
    b->by_space = selection == CHI_LAYERS_ALL;
    s = chi_choose_layers(b->m->comm, b->m->options->run, b->m->study, selection, models, &b->rows);
  }
  chi_free(layers);
  chi_free(models);
  return s;
}

static chi_status prepare(boot *b, uint64_t *seed)
{
  char *text = NULL;
  CHI_TRY(option(b, "bootstrap.seed", &text));
  *seed = strtoull(text, NULL, 10);
  chi_free(text);
  b->n_replicates = b->m->part[0].boot_tables[0].n_replicates;
  b->n_blocks = (b->n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
  for (int32_t a = 0; a < b->m->study->n_alignments; a++) CHI_TRY(take_lengths(b, a));
  return CHI_OK;
}

static chi_status open_file(boot *b, uint64_t seed)
{
  chi_merging *m = b->m;
  chi_text config = {0};
  chi_text_add(&config, "%s%s", m->config.s, m->section.s);
  chi_status s = chi_agree(
      m->comm, config.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options") : CHI_OK);
  const chi_provenance provenance = {.config = config.s,
                                     .later_config = m->section.s,
                                     .study_checksum = m->checksum,
                                     .threads_per_rank = 1,
                                     .blas_kernel = m->part[0].boot_kernel,
                                     .libraries = m->options->libraries};
  const chi_bootstrap_content content = {
      .rows = b->rows, .n_replicates = b->n_replicates, .seed = seed, .by_space = b->by_space};
  if (s == CHI_OK)
    s = chi_bootstrap_open(m->comm, m->options->run, CHI_RUN_OVERWRITE, m->study, &provenance,
                           &content, &b->file);
  chi_text_free(&config);
  return s;
}

/* Copy, then summarise, unless something is left: then --resume does that at its end. */
static chi_status fill(boot *b)
{
  chi_merging *m = b->m;
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < m->study->n_alignments && s == CHI_OK; a++) s = copy_alignment(b, a);
  CHI_TRY(chi_agree(m->comm, s));
  int64_t counts[] = {m->boot_written, m->boot_left};
  MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_INT64_T, MPI_SUM, m->comm);
  m->boot_written = counts[0];
  m->boot_left = counts[1];
  if (m->boot_left > 0) return CHI_OK;
  return chi_summarise_all(m->comm, m->study, b->rows, b->n_replicates, b->file);
}

chi_status chi_merge_bootstrap(chi_merging *m)
{
  boot b = {.m = m};
  uint64_t seed = 0;
  chi_status s = choose(&b);
  if (s == CHI_OK) s = chi_agree(m->comm, prepare(&b, &seed));
  if (s == CHI_OK) s = open_file(&b, seed);
  if (s == CHI_OK) s = fill(&b);
  char message[CHI_MESSAGE_MAX];
  snprintf(message, sizeof message, "%s", chi_message());
  const chi_status closed = chi_bootstrap_close(&b.file);
  chi_choose_free(m->study, &b.rows);
  return s == CHI_OK ? closed : chi_fail(s, "%s", message);
}
