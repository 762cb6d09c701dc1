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

static void make_sites_csv(const chi_sites_run *run, chi_text *text)
{
  for (int c = 0; c < CHI_SITES_COLUMNS; c++)
    chi_text_add(text, "%s%s", c > 0 ? "," : "", chi_sites_columns[c].name);
  for (int64_t i = 0; i < run->n_results; i++)
    for (int c = 0; c < CHI_SITES_COLUMNS; c++) {
      chi_text_add(text, "%s", c > 0 ? "," : "\r\n");
      add_field(text, &run->result[i].line, &chi_sites_columns[c]);
    }
  chi_text_add(text, "\r\n");
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

static chi_status make_regions_csv(const chi_sites_run *run, chi_text *text)
{
  chi_status s = CHI_OK;
  chi_text_add(text, "comparison,alignment,region,sites,tested,significant,by_default,percent\r\n");
  for (int32_t c = 0; c < run->n_comparisons; c++)
    for (int32_t a = 0; a < run->n_alignments && s == CHI_OK; a++)
      s = add_regions(run, chi_sites_block_of(run, c, a), text);
  return s;
}

/* ---- sites.h5 ---- */

/* What goes into sites.h5. */
typedef struct writing {
  const chi_sites_run *run;
  const chi_text *csv; /* by file */
  chi_digest digest;   /* of what is written */
} writing;

static chi_status put_column(writing *w, chi_labelled *l, const chi_sites_column *column, int dim)
{
  const struct {
    hid_t file, memory;
  } types[] = {[CHI_COLUMN_TEXT] = {l->text, l->text},
               [CHI_COLUMN_COUNT] = {H5T_STD_I32LE, H5T_NATIVE_INT32},
               [CHI_COLUMN_FLAG] = {H5T_STD_U8LE, H5T_NATIVE_UINT8},
               [CHI_COLUMN_FLOAT] = {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT},
               [CHI_COLUMN_REAL] = {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE}},
    type = types[column->type];
  const chi_sites_run *run = w->run;
  const size_t size = (size_t)chi_sites_column_bytes(column);
  char *values = NULL;
  CHI_TRY(chi_alloc(run->n_results, (int64_t)size, "a column", &values));
  for (int64_t i = 0; i < run->n_results; i++)
    memcpy(values + (size_t)i * size, (const char *)&run->result[i].line + column->offset, size);
  chi_sites_digest_column(&w->digest, column, values, run->n_results);
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

static chi_status put_checksums(const writing *w, hid_t file)
{
  char checksum[CHI_DIGEST_TEXT];
  chi_digest_print(&w->digest, checksum);
  herr_t failed = chi_h5_put_text(file, "checksum", checksum);
  for (int i = 0; i < CHI_SITES_N_CSV && failed >= 0; i++) {
    chi_digest digest;
    chi_digest_begin(&digest);
    chi_digest_add(&digest, w->csv[i].s, (int64_t)w->csv[i].n);
    chi_digest_print(&digest, checksum);
    failed = chi_h5_put_text(file, chi_sites_csvs[i].attribute, checksum);
  }
  return failed < 0 ? CHI_ERR_IO : CHI_OK;
}

static chi_status write_contents(hid_t file, void *context, const char **what)
{
  writing *w = context;
  const chi_sites_run *run = w->run;
  *what = "an attribute";
  CHI_TRY(put_attributes(run, file));
  chi_sites_digest_begin(&w->digest, run->config, run->study, run->checksum);
  chi_labelled l;
  chi_status s = chi_labelled_begin(file, NULL, &l);
  const int dim = chi_labelled_dim(&l, "row", run->n_results);
  *what = "row";
  if (s == CHI_OK) s = chi_labelled_put_count(&l, dim);
  for (int c = 0; c < CHI_SITES_COLUMNS && s == CHI_OK; c++) {
    *what = chi_sites_columns[c].name;
    s = put_column(w, &l, &chi_sites_columns[c], dim);
  }
  const chi_status ended = chi_labelled_end(&l);
  if (s == CHI_OK) s = put_checksums(w, file);
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

static chi_status write_files(const chi_sites_run *run, const chi_text *csv)
{
  const char *folder = run->options->run;
  writing w = {.run = run, .csv = csv};
  CHI_TRY(chi_run_folder_clear_from(folder, "sites.h5"));
  CHI_TRY(chi_h5_make(folder, "sites.h5", file_bytes(run), write_contents, &w));
  for (int i = 0; i < CHI_SITES_N_CSV; i++)
    CHI_TRY(chi_file_write(folder, chi_sites_csvs[i].file, csv[i].s, csv[i].n));
  return chi_folder_sync(folder);
}

/* What was there is of other options, maybe: it goes first, so that files of two comparisons never
 * stand side by side. regions.csv comes last: where it is, all are. */
chi_status chi_sites_write(const chi_sites_run *run)
{
  chi_text csv[CHI_SITES_N_CSV] = {{0}};
  make_sites_csv(run, &csv[CHI_SITES_CSV]);
  chi_status s = make_regions_csv(run, &csv[CHI_REGIONS_CSV]);
  for (int i = 0; i < CHI_SITES_N_CSV && s == CHI_OK; i++)
    if (csv[i].failed)
      s = chi_fail(CHI_ERR_MEMORY, "%s/%s: no memory to write it", run->options->run,
                   chi_sites_csvs[i].file);
  if (s == CHI_OK) s = write_files(run, csv);
  for (int i = 0; i < CHI_SITES_N_CSV; i++) chi_text_free(&csv[i]);
  return s;
}
