#include "run/sites_columns.h"

#define COLUMN(name, type, units) #name, CHI_COLUMN_##type, offsetof(chi_sites_line, name), units

const chi_sites_column chi_sites_columns[CHI_SITES_COLUMNS] = {
    {COLUMN(comparison, TEXT, NULL)},   {COLUMN(alignment, TEXT, NULL)},
    {COLUMN(subject, TEXT, NULL)},      {COLUMN(electrode, TEXT, NULL)},
    {COLUMN(region, TEXT, NULL)},       {COLUMN(x, FLOAT, "mm")},
    {COLUMN(y, FLOAT, "mm")},           {COLUMN(z, FLOAT, "mm")},
    {COLUMN(better, TEXT, NULL)},       {COLUMN(than, TEXT, NULL)},
    {COLUMN(layer_better, TEXT, NULL)}, {COLUMN(layer_than, TEXT, NULL)},
    {COLUMN(bins_better, COUNT, NULL)}, {COLUMN(bins_than, COUNT, NULL)},
    {COLUMN(bins, COUNT, NULL)},        {COLUMN(r_better, REAL, NULL)},
    {COLUMN(r_than, REAL, NULL)},       {COLUMN(difference, REAL, NULL)},
    {COLUMN(se, REAL, NULL)},           {COLUMN(p, REAL, NULL)},
    {COLUMN(p_adjusted, REAL, NULL)},   {COLUMN(significant, FLAG, NULL)},
    {COLUMN(by_default, FLAG, NULL)}};
