#include "store/sites_check.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "h5/h5.h"
#include "store/sites_columns.h"

enum { CSV_MAX = 1 << 30 };

static bool is_site(const chi_fit_table *tables, int32_t n, const char *subject,
                    const char *electrode)
{
  for (int32_t a = 0; a < n; a++)
    for (int64_t i = 0; i < tables[a].n_sites; i++)
      if (strcmp(tables[a].electrode[i], electrode) == 0 &&
          strcmp(tables[a].subject[i], subject) == 0)
        return true;
  return false;
}

static chi_status same_length(const char *path, const char *name, int64_t found, int64_t rows)
{
  if (found == rows) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: %s has %lld rows, expected %lld", path, name,
                  (long long)found, (long long)rows);
}

/* \param[out] texts  of a column of text: rows of them, free with chi_h5_free_strings; else NULL */
static chi_status read_column(hid_t file, const char *path, const chi_sites_column *column,
                              int64_t rows, char ***texts)
{
  int64_t found = 0;
  double *numbers = NULL;
  *texts = NULL;
  if (column->type == CHI_COLUMN_TEXT)
    CHI_TRY(chi_h5_read_strings(file, path, column->name, 1, &found, texts));
  else
    CHI_TRY(
        chi_h5_read_vector(file, path, column->name, false, H5T_NATIVE_DOUBLE, &found, &numbers));
  chi_free(numbers);
  const chi_status s = same_length(path, column->name, found, rows);
  if (s != CHI_OK) chi_h5_free_strings(texts, found);
  return s;
}

/* Every column is read; those of two names are kept. */
static chi_status read_columns(hid_t file, const char *path, int64_t *rows, char ***subject,
                               char ***electrode)
{
  double *row = NULL;
  CHI_TRY(chi_h5_read_vector(file, path, "row", true, H5T_NATIVE_DOUBLE, rows, &row));
  chi_free(row);
  for (int c = 0; c < CHI_SITES_COLUMNS; c++) {
    const chi_sites_column *column = &chi_sites_columns[c];
    char **texts;
    CHI_TRY(read_column(file, path, column, *rows, &texts));
    if (column->offset == offsetof(chi_sites_line, subject))
      *subject = texts;
    else if (column->offset == offsetof(chi_sites_line, electrode))
      *electrode = texts;
    else
      chi_h5_free_strings(&texts, *rows);
  }
  return CHI_OK;
}

static chi_status check_root(hid_t file, const char *path, const char *checksum)
{
  bool found = false;
  double format = 0;
  char *of_file = NULL;
  CHI_TRY(chi_h5_attribute_number(file, path, "/", "chiasm_format", &found, &format));
  if (!found || format != CHI_SITES_FORMAT)
    return chi_fail(CHI_ERR_INPUT, "%s: is no result of this version of chiasm sites", path);
  CHI_TRY(chi_h5_attribute_text(file, path, "/", "study_checksum", &of_file));
  const bool same = checksum == NULL || (of_file != NULL && strcmp(of_file, checksum) == 0);
  chi_free(of_file);
  if (same) return CHI_OK;
  return chi_fail(CHI_ERR_INPUT, "%s: is of another fit; chiasm sites makes it again", path);
}

/* Lines of a CSV file, its head left out; ends of lines within quotes are none. */
static chi_status count_lines(const char *path, int64_t *n)
{
  char *text = NULL;
  bool quoted = false;
  CHI_TRY(chi_text_read_large(path, path, CSV_MAX, &text));
  *n = -1;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"') quoted = !quoted;
    *n += *c == '\n' && !quoted;
  }
  chi_free(text);
  return CHI_OK;
}

static chi_status check_file(const char *path, const chi_fit_table *tables, int32_t n,
                             const char *checksum, int64_t *rows)
{
  hid_t file;
  char **subject = NULL, **electrode = NULL;
  *rows = 0;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) {
    s = check_root(file, path, checksum);
    if (s == CHI_OK) s = read_columns(file, path, rows, &subject, &electrode);
    H5Fclose(file);
  }
  chi_h5_unlock();
  for (int64_t i = 0; i < *rows && s == CHI_OK; i++)
    if (!is_site(tables, n, subject[i], electrode[i]))
      s = chi_fail(CHI_ERR_INPUT, "%s: row %lld: %s/%s is no site of fit.h5", path, (long long)i,
                   subject[i], electrode[i]);
  chi_h5_free_strings(&subject, *rows);
  chi_h5_free_strings(&electrode, *rows);
  return s;
}

chi_status chi_sites_check(const char *run, const chi_fit_table *tables, int32_t n,
                           const char *checksum, int64_t *rows)
{
  char path[PATH_MAX];
  int64_t lines = 0;
  CHI_TRY(chi_path_join(path, run, "sites.h5"));
  CHI_TRY(check_file(path, tables, n, checksum, rows));
  CHI_TRY(chi_path_join(path, run, "sites.csv"));
  CHI_TRY(count_lines(path, &lines));
  return same_length(path, "the table", lines, *rows);
}
