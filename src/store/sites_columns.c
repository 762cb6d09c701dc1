#include "store/sites_columns.h"

#define COLUMN(name, field, type, units) \
  name, CHI_COLUMN_##type, offsetof(chi_sites_line, field), units

const chi_sites_column chi_sites_columns[CHI_SITES_COLUMNS] = {
    {COLUMN("comparison", comparison, TEXT, NULL)},
    {COLUMN("alignment", alignment, TEXT, NULL)},
    {COLUMN("subject", subject, TEXT, NULL)},
    {COLUMN("electrode", electrode, TEXT, NULL)},
    {COLUMN("region", region, TEXT, NULL)},
    {COLUMN("x", x, FLOAT, "mm")},
    {COLUMN("y", y, FLOAT, "mm")},
    {COLUMN("z", z, FLOAT, "mm")},
    {COLUMN("better", model[CHI_BETTER], TEXT, NULL)},
    {COLUMN("than", model[CHI_THAN], TEXT, NULL)},
    {COLUMN("layer_better", layer[CHI_BETTER], TEXT, NULL)},
    {COLUMN("layer_than", layer[CHI_THAN], TEXT, NULL)},
    {COLUMN("bins_better", bins_kept[CHI_BETTER], COUNT, NULL)},
    {COLUMN("bins_than", bins_kept[CHI_THAN], COUNT, NULL)},
    {COLUMN("bins", bins, COUNT, NULL)},
    {COLUMN("r_better", r[CHI_BETTER], REAL, NULL)},
    {COLUMN("r_than", r[CHI_THAN], REAL, NULL)},
    {COLUMN("difference", difference, REAL, NULL)},
    {COLUMN("se", se, REAL, NULL)},
    {COLUMN("p", p, REAL, NULL)},
    {COLUMN("p_adjusted", p_adjusted, REAL, NULL)},
    {COLUMN("significant", significant, FLAG, NULL)},
    {COLUMN("by_default", by_default, FLAG, NULL)}};

const chi_sites_csv chi_sites_csvs[CHI_SITES_N_CSV] = {
    [CHI_SITES_CSV] = {"sites.csv", "sites_csv_checksum"},
    [CHI_REGIONS_CSV] = {"regions.csv", "regions_csv_checksum"}};

int64_t chi_sites_column_bytes(const chi_sites_column *column)
{
  switch (column->type) {
    case CHI_COLUMN_FLAG:
      return sizeof(bool);
    case CHI_COLUMN_COUNT:
    case CHI_COLUMN_FLOAT:
      return 4;
    default:
      return 8;
  }
}

void chi_sites_digest_begin(chi_digest *digest, const char *config, const char *study,
                            const char *study_checksum)
{
  const char *const texts[] = {config, study, study_checksum};
  chi_digest_begin(digest);
  chi_digest_add_texts(digest, texts, 3);
}

void chi_sites_digest_column(chi_digest *digest, const chi_sites_column *column, const void *values,
                             int64_t n)
{
  chi_digest_add_texts(digest, &column->name, 1);
  if (column->type == CHI_COLUMN_TEXT)
    chi_digest_add_texts(digest, values, n);
  else
    chi_digest_add(digest, values, n * chi_sites_column_bytes(column));
}
