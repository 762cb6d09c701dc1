#include "sites/draws.h"

#include "base/memory.h"

/* What both kinds of table say alike. */
#define TABLE_OF(t)                                                                         \
  .alignment = (t).alignment, .n_rows = (t).n_rows, .n_sites = (t).n_sites,                 \
  .n_times = (t).n_times, .by_space = (t).by_space, .model = (t).model, .layer = (t).layer, \
  .site = (t).site, .n_left = (t).n_left, .n_failed = (t).n_failed

static chi_status open_influences(const char *run, chi_sites_draws *draws)
{
  const chi_influence_table *t;
  CHI_TRY(chi_influence_file_open(run, &draws->influences, &t, &draws->n));
  CHI_TRY(chi_alloc(draws->n, sizeof *draws->table, "tables", &draws->table));
  for (int32_t i = 0; i < draws->n; i++)
    draws->table[i] = (chi_sites_table){.schema = draws->schema,
                                        TABLE_OF(t[i]),
                                        .n_draws = t[i].n_blocks,
                                        .own = t[i].subject_blocks};
  return CHI_OK;
}

static chi_status open_bootstrap(const char *run, chi_sites_draws *draws)
{
  const chi_bootstrap_table *t;
  CHI_TRY(chi_bootstrap_file_open(run, &draws->bootstrap, &t, &draws->n));
  CHI_TRY(chi_alloc(draws->n, sizeof *draws->table, "tables", &draws->table));
  for (int32_t i = 0; i < draws->n; i++)
    draws->table[i] =
        (chi_sites_table){.schema = draws->schema, TABLE_OF(t[i]), .n_draws = t[i].n_replicates};
  return CHI_OK;
}

chi_status chi_sites_draws_open(const char *run, bool influences, chi_sites_draws *draws)
{
  *draws = (chi_sites_draws){.schema = influences ? &chi_influence_schema : &chi_bootstrap_schema};
  const chi_status s = influences ? open_influences(run, draws) : open_bootstrap(run, draws);
  if (s != CHI_OK) chi_sites_draws_close(draws);
  return s;
}

void chi_sites_draws_close(chi_sites_draws *draws)
{
  chi_free(draws->table);
  chi_influence_file_close(&draws->influences);
  chi_bootstrap_file_close(&draws->bootstrap);
  draws->n = 0;
  draws->table = NULL;
}

const char *chi_sites_draws_checksum(const chi_sites_draws *draws)
{
  return draws->influences != NULL ? chi_influence_file_checksum(draws->influences)
                                   : chi_bootstrap_file_checksum(draws->bootstrap);
}

chi_status chi_sites_draws_read(chi_sites_draws *draws, int32_t table, int64_t row, int64_t site,
                                float *const out[2])
{
  return draws->influences != NULL
             ? chi_influence_read(draws->influences, table, row, site, out)
             : chi_bootstrap_read_replicates(draws->bootstrap, table, row, site, out);
}
