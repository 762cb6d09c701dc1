/* Making bootstrap.h5: its labels and its empty tables. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/labelled.h"
#include "h5/whole.h"
#include "run/bootstrap_internal.h"
#include "run/fit_file.h"

const char *const chi_summary_names[CHI_N_SUMMARIES] = {
    "val_r_mean", "val_r_lower", "val_r_upper", "test_r_mean", "test_r_lower", "test_r_upper"};

static int64_t n_blocks(int64_t n_replicates)
{
  return (n_replicates + CHI_REPLICATE_BLOCK - 1) / CHI_REPLICATE_BLOCK;
}

int64_t chi_boot_bytes(const chi_study *study, const chi_provenance *provenance,
                       const chi_bootstrap_content *content)
{
  const int64_t r = content->n_replicates;
  int64_t bytes = (1 << 17) + (int64_t)strlen(provenance->config);
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const chi_alignment *al = &study->alignments[a];
    const chi_bootstrap_rows *rows = &content->rows[a];
    const int64_t pairs = rows->n_rows * al->n_sites;
    bytes += pairs * (8 * r * al->n_times + 4 * CHI_N_SUMMARIES * al->n_times);
    bytes += pairs * (9 * n_blocks(r) + 1) + 8 * (r + al->n_times) + (1 << 16);
    bytes += chi_labelled_site_bytes(study, al) + pairs * chi_labelled_text_bytes("");
    for (int64_t i = 0; i < pairs; i++)
      if (rows->space[i] >= 0) bytes += 2 * (int64_t)strlen(al->space[rows->space[i]].layer);
    for (int64_t i = 0; i < rows->n_rows; i++) {
      const chi_feature_space *s = &al->space[rows->label[i]];
      bytes += 3 * (chi_labelled_text_bytes(s->model) + chi_labelled_text_bytes(s->layer)) +
               chi_labelled_text_bytes(s->network) + chi_labelled_text_bytes(s->modality) +
               chi_labelled_text_bytes(s->training);
    }
  }
  return bytes;
}

/* The row's scale: models, or <model>/<layer> of feature spaces. */
static chi_status put_row_scale(chi_boot_group *g, bool by_space, const char **column)
{
  chi_text pool = {0};
  for (int64_t i = 0; i < g->rows->n_rows; i++) {
    const chi_feature_space *s = &g->al->space[g->rows->label[i]];
    chi_text_add(&pool, "%s%s%s%c", s->model, by_space ? "/" : "", by_space ? s->layer : "", '\0');
  }
  if (pool.failed) return chi_fail(CHI_ERR_MEMORY, "bootstrap.h5: no memory for its labels");
  const char *at = pool.s;
  for (int64_t i = 0; i < g->rows->n_rows; i++) {
    column[i] = at;
    at += strlen(at) + 1;
  }
  const chi_status s = chi_labelled_put_scale(&g->l, g->row, g->l.text, g->l.text, column);
  chi_text_free(&pool);
  return s;
}

static chi_status put_row_labels(chi_boot_group *g, bool by_space, const char **column)
{
  static const char *const names[] = {"network", "modality", "training", "model"};
  CHI_TRY(put_row_scale(g, by_space, column));
  for (int c = 0; c < (by_space ? 4 : 3); c++) {
    for (int64_t i = 0; i < g->rows->n_rows; i++) {
      const chi_feature_space *s = &g->al->space[g->rows->label[i]];
      column[i] = c == 0 ? s->network : c == 1 ? s->modality : c == 2 ? s->training : s->model;
    }
    CHI_TRY(chi_labelled_put_text(&g->l, names[c], 1, &g->row, column));
  }
  return CHI_OK;
}

static chi_status put_layers(chi_boot_group *g, const char **column)
{
  const int dims[] = {g->row, g->site};
  for (int64_t i = 0; i < g->rows->n_rows * g->al->n_sites; i++)
    column[i] = g->rows->space[i] < 0 ? "" : g->al->space[g->rows->space[i]].layer;
  return chi_labelled_put_text(&g->l, "layer", 2, dims, column);
}

static chi_status make_tables(chi_boot_group *g, void *context)
{
  (void)context;
  const float nan = NAN;
  const uint8_t zero = 0;
  const uint64_t none = 0;
  const int numbers[] = {g->row, g->site, g->replicate, g->time};
  const int blocks[] = {g->row, g->site, g->block}, times[] = {g->row, g->site, g->time};
  chi_labelled *l = &g->l;
  CHI_TRY(chi_labelled_make(l, "checksum", H5T_STD_U64LE, 3, blocks, H5T_NATIVE_UINT64, &none));
  CHI_TRY(chi_labelled_make(l, "done", H5T_STD_U8LE, 3, blocks, H5T_NATIVE_UINT8, &zero));
  CHI_TRY(chi_labelled_make(l, "summarised", H5T_STD_U8LE, 2, times, H5T_NATIVE_UINT8, &zero));
  for (int i = 0; i < CHI_N_SUMMARIES; i++)
    CHI_TRY(chi_labelled_make(l, chi_summary_names[i], H5T_IEEE_F32LE, 3, times, H5T_NATIVE_FLOAT,
                              &nan));
  CHI_TRY(chi_labelled_make(l, "val_r", H5T_IEEE_F32LE, 4, numbers, H5T_NATIVE_FLOAT, &nan));
  return chi_labelled_make(l, "test_r", H5T_IEEE_F32LE, 4, numbers, H5T_NATIVE_FLOAT, &nan);
}

/* Everything but the tables. */
static chi_status put_labels(chi_boot_group *g, const chi_study *study, bool by_space,
                             const char **column)
{
  chi_labelled *l = &g->l;
  CHI_TRY(put_row_labels(g, by_space, column));
  CHI_TRY(chi_labelled_put_sites(l, g->site, study, g->al));
  CHI_TRY(chi_labelled_put_count(l, g->replicate));
  CHI_TRY(chi_labelled_put_count(l, g->block));
  CHI_TRY(chi_labelled_put_scale(l, g->time, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, g->al->time));
  CHI_TRY(chi_labelled_attribute(l, "time", "units", "s"));
  CHI_TRY(put_layers(g, column));
  const herr_t failed =
      chi_h5_put_int32(l->group, "block_length", g->al->n_datasets, g->rows->block_length);
  return failed < 0 ? CHI_ERR_IO : CHI_OK;
}

/* Begin one alignment's group, with its labels. */
static chi_status begin_group(hid_t file, const chi_study *study, int32_t a,
                              const chi_bootstrap_content *content, chi_boot_group *g)
{
  *g = (chi_boot_group){.al = &study->alignments[a], .rows = &content->rows[a]};
  const int64_t longest = g->rows->n_rows * (g->al->n_sites > 0 ? g->al->n_sites : 1);
  const char **column = NULL;
  chi_status s = chi_labelled_begin(file, g->al->name, &g->l);
  g->row = chi_labelled_dim(&g->l, content->by_space ? "feature_space" : "model", g->rows->n_rows);
  g->site = chi_labelled_dim(&g->l, "site", g->al->n_sites);
  g->replicate = chi_labelled_dim(&g->l, "replicate", content->n_replicates);
  g->time = chi_labelled_dim(&g->l, "time", g->al->n_times);
  g->block = chi_labelled_dim(&g->l, "replicate_block", n_blocks(content->n_replicates));
  if (s == CHI_OK) s = chi_alloc(longest, sizeof *column, "labels", &column);
  if (s == CHI_OK) s = put_labels(g, study, content->by_space, column);
  chi_free(column);
  return s;
}

typedef struct boot_contents {
  const chi_study *study;
  const chi_provenance *provenance;
  const chi_bootstrap_content *content;
  int ranks;
  chi_boot_tables *tables;
  void *context;
} boot_contents;

static chi_status write_contents(hid_t file, void *context, const char **what)
{
  const boot_contents *c = context;
  *what = "an attribute";
  if (chi_fit_file_attributes(file, c->study, c->provenance, c->ranks) < 0) return CHI_ERR_IO;
  if (chi_h5_put_int64(file, "seed", (int64_t)c->content->seed) < 0) return CHI_ERR_IO;
  const int32_t n = c->study->n_alignments;
  int32_t begun = 0;
  chi_boot_group *g;
  CHI_TRY(chi_alloc(n, sizeof *g, "labels", &g));
  chi_status s = CHI_OK;
  /* All else stands before the tables' numbers: a file whose end is lost can still be read. */
  for (; begun < n && s == CHI_OK; begun++) {
    *what = c->study->alignments[begun].name;
    s = begin_group(file, c->study, begun, c->content, &g[begun]);
  }
  for (int32_t a = 0; a < n && s == CHI_OK; a++) {
    *what = c->study->alignments[a].name;
    s = c->tables(&g[a], c->context);
  }
  for (int32_t a = 0; a < n && s == CHI_OK; a++) s = chi_labelled_fill(&g[a].l);
  for (int32_t a = 0; a < begun; a++) {
    const chi_status ended = chi_labelled_end(&g[a].l);
    if (s == CHI_OK) s = ended;
  }
  chi_free(g);
  return s;
}

chi_status chi_boot_write(const char *run, const chi_study *study, const chi_provenance *provenance,
                          const chi_bootstrap_content *content, int ranks, int64_t bytes,
                          chi_boot_tables *tables, void *context)
{
  boot_contents c = {study, provenance, content, ranks, tables, context};
  CHI_TRY(chi_h5_check_space(run, "bootstrap.h5", bytes));
  return chi_h5_make(run, "bootstrap.h5", bytes, write_contents, &c);
}

chi_status chi_boot_create(const char *run, const chi_study *study,
                           const chi_provenance *provenance, const chi_bootstrap_content *content,
                           int ranks)
{
  return chi_boot_write(run, study, provenance, content, ranks,
                        chi_boot_bytes(study, provenance, content), make_tables, NULL);
}
