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
