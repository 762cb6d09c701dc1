/* sites.h5, sites.csv and regions.csv. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/labelled.h"
#include "h5/whole.h"
#include "sites/internal.h"
#include "store/folder.h"

/* ---- CSV ---- */

static void add_number(chi_text *text, const char *format, double x)
{
  if (!isnan(x)) chi_text_add(text, format, x);
}

static void add_field(chi_text *text, const chi_sites_line *line, const chi_sites_column *column)
{
  const void *value = (const char *)line + column->offset;
  switch (column->type) {
    case CHI_COLUMN_TEXT:
      chi_text_add_csv(text, *(const char *const *)value);
      break;
    case CHI_COLUMN_COUNT:
      chi_text_add(text, "%d", *(const int32_t *)value);
      break;
    case CHI_COLUMN_FLAG:
      chi_text_add(text, "%d", *(const bool *)value);
      break;
    case CHI_COLUMN_FLOAT:
      add_number(text, "%.6g", (double)*(const float *)value);
      break;
    case CHI_COLUMN_REAL:
      add_number(text, "%.9g", *(const double *)value);
      break;
  }
}

static chi_status write_csv(const chi_sites_run *run, const char *name, chi_text *text)
{
  const chi_status s = text->failed ? chi_fail(CHI_ERR_MEMORY, "%s/%s: no memory to write it",
                                               run->options->run, name)
                                    : chi_file_write(run->options->run, name, text->s, text->n);
  chi_text_free(text);
  return s;
}

static chi_status write_sites_csv(const chi_sites_run *run)
{
  chi_text text = {0};
  for (int c = 0; c < CHI_SITES_COLUMNS; c++)
    chi_text_add(&text, "%s%s", c > 0 ? "," : "", chi_sites_columns[c].name);
  for (int64_t i = 0; i < run->n_results; i++)
    for (int c = 0; c < CHI_SITES_COLUMNS; c++) {
      chi_text_add(&text, "%s", c > 0 ? "," : "\r\n");
      add_field(&text, &run->result[i].line, &chi_sites_columns[c]);
    }
  chi_text_add(&text, "\r\n");
  return write_csv(run, "sites.csv", &text);
}

static chi_status add_regions(const chi_sites_run *run, const chi_sites_block *block,
                              chi_text *text)
{
  chi_sites_count *regions = NULL;
  int64_t n = 0;
  chi_status s = chi_sites_count_regions(run, block, &regions, &n);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    const chi_sites_count *count = &regions[i];
    chi_text_add_csv(text, run->result[block->first].line.comparison);
    chi_text_add(text, ",");
    chi_text_add_csv(text, run->result[block->first].line.alignment);
    chi_text_add(text, ",");
    chi_text_add_csv(text, count->region);
    chi_text_add(text, ",%lld,%lld,%lld,%lld,", (long long)count->sites, (long long)count->tested,
                 (long long)count->significant, (long long)count->by_default);
    add_number(text, "%.9g", chi_sites_percent(count->significant, count->tested));
    chi_text_add(text, "\r\n");
  }
  chi_free(regions);
  return s;
}

static chi_status write_regions_csv(const chi_sites_run *run)
{
  chi_text text = {0};
  chi_text_add(&text,
               "comparison,alignment,region,sites,tested,significant,by_default,percent\r\n");
  chi_status s = CHI_OK;
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments && s == CHI_OK; a++)
      s = add_regions(run, chi_sites_block_of(run, c, a), &text);
  if (s == CHI_OK) return write_csv(run, "regions.csv", &text);
  chi_text_free(&text);
  return s;
}

/* ---- sites.h5 ---- */

static chi_status put_column(const chi_sites_run *run, chi_labelled *l,
                             const chi_sites_column *column, int dim)
{
  const struct {
    size_t size;
    hid_t file, memory;
  } types[] = {[CHI_COLUMN_TEXT] = {sizeof(char *), l->text, l->text},
               [CHI_COLUMN_COUNT] = {sizeof(int32_t), H5T_STD_I32LE, H5T_NATIVE_INT32},
               [CHI_COLUMN_FLAG] = {sizeof(bool), H5T_STD_U8LE, H5T_NATIVE_UINT8},
               [CHI_COLUMN_FLOAT] = {sizeof(float), H5T_IEEE_F32LE, H5T_NATIVE_FLOAT},
               [CHI_COLUMN_REAL] = {sizeof(double), H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE}},
    type = types[column->type];
  char *values = NULL;
  CHI_TRY(chi_alloc(run->n_results, (int64_t)type.size, "a column", &values));
  for (int64_t i = 0; i < run->n_results; i++)
    memcpy(values + (size_t)i * type.size, (const char *)&run->result[i].line + column->offset,
           type.size);
  chi_status s = chi_labelled_put(l, column->name, type.file, type.memory, 1, &dim, values);
  if (s == CHI_OK && column->units != NULL)
    s = chi_labelled_attribute(l, column->name, "units", column->units);
  chi_free(values);
  return s;
}

static chi_status put_attributes(const chi_sites_run *run, hid_t file)
{
  const int32_t format = CHI_SITES_FORMAT;
  herr_t failed = chi_h5_put_int32(file, "chiasm_format", -1, &format);
  if (failed >= 0) failed = chi_h5_put_text(file, "config", run->config);
  if (failed >= 0) failed = chi_h5_put_text(file, "study", run->study);
  if (failed >= 0) failed = chi_h5_put_text(file, "study_checksum", run->checksum);
  return failed < 0 ? CHI_ERR_IO : CHI_OK;
}

static chi_status write_contents(hid_t file, void *context, const char **what)
{
  const chi_sites_run *run = context;
  *what = "an attribute";
  CHI_TRY(put_attributes(run, file));
  chi_labelled l;
  chi_status s = chi_labelled_begin(file, NULL, &l);
  const int dim = chi_labelled_dim(&l, "row", run->n_results);
  *what = "row";
  if (s == CHI_OK) s = chi_labelled_put_count(&l, dim);
  for (int c = 0; c < CHI_SITES_COLUMNS && s == CHI_OK; c++) {
    *what = chi_sites_columns[c].name;
    s = put_column(run, &l, &chi_sites_columns[c], dim);
  }
  const chi_status ended = chi_labelled_end(&l);
  return s == CHI_OK ? ended : s;
}

static int64_t file_bytes(const chi_sites_run *run)
{
  int64_t bytes = (1 << 16) + (int64_t)(strlen(run->config) + strlen(run->study));
  for (int64_t i = 0; i < run->n_results; i++)
    for (int c = 0; c < CHI_SITES_COLUMNS; c++) {
      const void *value = (const char *)&run->result[i].line + chi_sites_columns[c].offset;
      bytes += chi_sites_columns[c].type == CHI_COLUMN_TEXT
                   ? chi_labelled_text_bytes(*(const char *const *)value)
                   : 8;
    }
  return bytes;
}

/* What was there is of other options, maybe: it goes first, so that files of two comparisons never
 * stand side by side. regions.csv comes last: where it is, all are. */
chi_status chi_sites_write(const chi_sites_run *run)
{
  CHI_TRY(chi_run_folder_clear_from(run->options->run, "sites.h5"));
  CHI_TRY(chi_h5_make(run->options->run, "sites.h5", file_bytes(run), write_contents, (void *)run));
  CHI_TRY(write_sites_csv(run));
  CHI_TRY(write_regions_csv(run));
  return chi_folder_sync(run->options->run);
}
