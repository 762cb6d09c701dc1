/* sites.h5, sites.csv and regions.csv. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/labelled.h"
#include "h5/whole.h"
#include "run/folder.h"
#include "sites/internal.h"

enum { FORMAT = 1 };

/* ---- the columns, one list for both files ---- */

typedef enum column_type {
  COLUMN_TEXT,
  COLUMN_COUNT,
  COLUMN_FLAG,
  COLUMN_FLOAT,
  COLUMN_REAL
} column_type;

typedef enum column {
  COMPARISON,
  ALIGNMENT,
  SUBJECT,
  ELECTRODE,
  REGION,
  X,
  Y,
  Z,
  BETTER,
  THAN,
  LAYER_BETTER,
  LAYER_THAN,
  BINS_BETTER,
  BINS_THAN,
  BINS,
  R_BETTER,
  R_THAN,
  DIFFERENCE,
  SE,
  P,
  P_ADJUSTED,
  SIGNIFICANT,
  BY_DEFAULT,
  N_COLUMNS
} column;

static const struct {
  const char *name;
  column_type type;
} columns[N_COLUMNS] = {[COMPARISON] = {"comparison", COLUMN_TEXT},
                        [ALIGNMENT] = {"alignment", COLUMN_TEXT},
                        [SUBJECT] = {"subject", COLUMN_TEXT},
                        [ELECTRODE] = {"electrode", COLUMN_TEXT},
                        [REGION] = {"region", COLUMN_TEXT},
                        [X] = {"x", COLUMN_FLOAT},
                        [Y] = {"y", COLUMN_FLOAT},
                        [Z] = {"z", COLUMN_FLOAT},
                        [BETTER] = {"better", COLUMN_TEXT},
                        [THAN] = {"than", COLUMN_TEXT},
                        [LAYER_BETTER] = {"layer_better", COLUMN_TEXT},
                        [LAYER_THAN] = {"layer_than", COLUMN_TEXT},
                        [BINS_BETTER] = {"bins_better", COLUMN_COUNT},
                        [BINS_THAN] = {"bins_than", COLUMN_COUNT},
                        [BINS] = {"bins", COLUMN_COUNT},
                        [R_BETTER] = {"r_better", COLUMN_REAL},
                        [R_THAN] = {"r_than", COLUMN_REAL},
                        [DIFFERENCE] = {"difference", COLUMN_REAL},
                        [SE] = {"se", COLUMN_REAL},
                        [P] = {"p", COLUMN_REAL},
                        [P_ADJUSTED] = {"p_adjusted", COLUMN_REAL},
                        [SIGNIFICANT] = {"significant", COLUMN_FLAG},
                        [BY_DEFAULT] = {"by_default", COLUMN_FLAG}};

static const char *text_of(const chi_sites_run *run, const chi_sites_row *row, column c)
{
  const chi_fit_table *t = run->data[row->alignment].fit;
  switch (c) {
    case COMPARISON:
      return run->comparison[row->comparison].name;
    case ALIGNMENT:
      return chi_sites_alignment_name(run, row);
    case SUBJECT:
      return t->subject[row->site];
    case ELECTRODE:
      return t->electrode[row->site];
    case REGION:
      return t->region[row->site];
    case BETTER:
      return row->better;
    case THAN:
      return row->than;
    case LAYER_BETTER:
      return row->layer_better;
    default:
      return row->layer_than;
  }
}

static double number_of(const chi_sites_run *run, const chi_sites_row *row, column c)
{
  const chi_fit_table *t = run->data[row->alignment].fit;
  switch (c) {
    case X:
      return (double)t->x[row->site];
    case Y:
      return (double)t->y[row->site];
    case Z:
      return (double)t->z[row->site];
    case BINS_BETTER:
      return row->bins_better;
    case BINS_THAN:
      return row->bins_than;
    case BINS:
      return row->bins;
    case R_BETTER:
      return row->r_better;
    case R_THAN:
      return row->r_than;
    case DIFFERENCE:
      return row->difference;
    case SE:
      return row->se;
    case P:
      return row->p;
    case P_ADJUSTED:
      return row->p_adjusted;
    case SIGNIFICANT:
      return row->significant;
    default:
      return row->by_default;
  }
}

/* ---- CSV ---- */

/* A field as RFC 4180 has it: in quotes where it holds a comma, a quote or a line's end. */
static void add_field(chi_text *text, const char *field)
{
  if (strpbrk(field, ",\"\r\n") == NULL) {
    chi_text_add(text, "%s", field);
    return;
  }
  chi_text_add(text, "\"");
  for (const char *c = field; *c != '\0'; c++) chi_text_add(text, *c == '"' ? "\"\"" : "%c", *c);
  chi_text_add(text, "\"");
}

static void add_number(chi_text *text, double x, column_type type)
{
  if (isnan(x)) return;
  chi_text_add(text, type == COLUMN_FLOAT ? "%.6g" : "%.9g", x);
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
  for (int c = 0; c < N_COLUMNS; c++)
    chi_text_add(&text, "%s%s", columns[c].name, c + 1 < N_COLUMNS ? "," : "\r\n");
  for (int64_t i = 0; i < run->n_rows; i++)
    for (int c = 0; c < N_COLUMNS; c++) {
      if (columns[c].type == COLUMN_TEXT)
        add_field(&text, text_of(run, &run->row[i], (column)c));
      else
        add_number(&text, number_of(run, &run->row[i], (column)c), columns[c].type);
      chi_text_add(&text, c + 1 < N_COLUMNS ? "," : "\r\n");
    }
  return write_csv(run, "sites.csv", &text);
}

static chi_status add_regions(const chi_sites_run *run, const chi_sites_block *block,
                              chi_text *text)
{
  const char **names = NULL;
  int64_t n = 0;
  if (block->n == 0) return CHI_OK;
  const chi_sites_row *row = &run->row[block->first];
  chi_status s = chi_sites_regions(run, block, &names, &n);
  for (int64_t i = 0; i < n && s == CHI_OK; i++) {
    const chi_sites_count count = chi_sites_count_block(run, block, names[i]);
    add_field(text, run->comparison[row->comparison].name);
    chi_text_add(text, ",");
    add_field(text, chi_sites_alignment_name(run, row));
    chi_text_add(text, ",");
    add_field(text, names[i]);
    chi_text_add(text, ",%lld,%lld,%lld,%lld,", (long long)count.sites, (long long)count.tested,
                 (long long)count.significant, (long long)count.by_default);
    if (count.tested > 0)
      add_number(text, 100.0 * (double)count.significant / (double)count.tested, COLUMN_REAL);
    chi_text_add(text, "\r\n");
  }
  chi_free(names);
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

static chi_status put_text(const chi_sites_run *run, chi_labelled *l, column c, int dim)
{
  const char **values = NULL;
  CHI_TRY(chi_alloc(run->n_rows, sizeof *values, "a column", &values));
  for (int64_t i = 0; i < run->n_rows; i++) values[i] = text_of(run, &run->row[i], c);
  const chi_status s = chi_labelled_put_text(l, columns[c].name, 1, &dim, values);
  chi_free(values);
  return s;
}

static chi_status put_numbers(const chi_sites_run *run, chi_labelled *l, column c, int dim)
{
  const hid_t types[] = {[COLUMN_COUNT] = H5T_STD_I32LE,
                         [COLUMN_FLAG] = H5T_STD_U8LE,
                         [COLUMN_FLOAT] = H5T_IEEE_F32LE,
                         [COLUMN_REAL] = H5T_IEEE_F64LE};
  double *values = NULL;
  CHI_TRY(chi_alloc(run->n_rows, sizeof *values, "a column", &values));
  for (int64_t i = 0; i < run->n_rows; i++) values[i] = number_of(run, &run->row[i], c);
  chi_status s = chi_labelled_put(l, columns[c].name, types[columns[c].type], H5T_NATIVE_DOUBLE, 1,
                                  &dim, values);
  if (s == CHI_OK && columns[c].type == COLUMN_FLOAT)
    s = chi_labelled_attribute(l, columns[c].name, "units", "mm");
  chi_free(values);
  return s;
}

static chi_status put_attributes(const chi_sites_run *run, hid_t file)
{
  const int32_t format = FORMAT;
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
  const int dim = chi_labelled_dim(&l, "row", run->n_rows);
  *what = "row";
  if (s == CHI_OK) s = chi_labelled_put_count(&l, dim);
  for (int c = 0; c < N_COLUMNS && s == CHI_OK; c++) {
    *what = columns[c].name;
    s = columns[c].type == COLUMN_TEXT ? put_text(run, &l, (column)c, dim)
                                       : put_numbers(run, &l, (column)c, dim);
  }
  const chi_status ended = chi_labelled_end(&l);
  return s == CHI_OK ? ended : s;
}

static int64_t file_bytes(const chi_sites_run *run)
{
  int64_t bytes = (1 << 16) + (int64_t)(strlen(run->config) + strlen(run->study));
  for (int64_t i = 0; i < run->n_rows; i++)
    for (int c = 0; c < N_COLUMNS; c++)
      bytes += columns[c].type == COLUMN_TEXT
                   ? chi_labelled_text_bytes(text_of(run, &run->row[i], (column)c))
                   : 8;
  return bytes;
}

/* What was there is of other options, maybe: it goes first, so that files of two comparisons never
 * stand side by side. regions.csv comes last: where it is, all are. */
chi_status chi_sites_write(const chi_sites_run *run)
{
  CHI_TRY(chi_run_folder_clear_sites(run->options->run));
  CHI_TRY(chi_h5_make(run->options->run, "sites.h5", file_bytes(run), write_contents, (void *)run));
  CHI_TRY(write_sites_csv(run));
  CHI_TRY(write_regions_csv(run));
  return chi_folder_sync(run->options->run);
}
