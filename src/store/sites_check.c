#include "store/sites_check.h"

#include <string.h>

#include "base/digest.h"
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

/* What is read of sites.h5. */
typedef struct reading {
  hid_t file;
  const char *path;
  int64_t rows;
  char **subject, **electrode;
  char *of_csv[CHI_SITES_N_CSV]; /* the checksums of the files for people */
  chi_digest digest;
} reading;

/* \param[out] texts  of a column of text: its rows, free with chi_h5_free_strings; else NULL */
static chi_status read_column(reading *r, const chi_sites_column *column, char ***texts)
{
  const hid_t types[] = {[CHI_COLUMN_COUNT] = H5T_NATIVE_INT32,
                         [CHI_COLUMN_FLAG] = H5T_NATIVE_UINT8,
                         [CHI_COLUMN_FLOAT] = H5T_NATIVE_FLOAT,
                         [CHI_COLUMN_REAL] = H5T_NATIVE_DOUBLE};
  int64_t found = 0;
  void *numbers = NULL;
  *texts = NULL;
  if (column->type == CHI_COLUMN_TEXT)
    CHI_TRY(chi_h5_read_strings(r->file, r->path, column->name, 1, &found, texts));
  else
    CHI_TRY(chi_h5_read_vector(r->file, r->path, column->name, false, types[column->type], &found,
                               &numbers));
  chi_sites_digest_column(&r->digest, column, *texts != NULL ? (void *)*texts : numbers, found);
  chi_free(numbers);
  const chi_status s = same_length(r->path, column->name, found, r->rows);
  if (s != CHI_OK) chi_h5_free_strings(texts, found);
  return s;
}

/* Every column is read; those of two names are kept. */
static chi_status read_columns(reading *r)
{
  double *row = NULL;
  CHI_TRY(chi_h5_read_vector(r->file, r->path, "row", true, H5T_NATIVE_DOUBLE, &r->rows, &row));
  chi_free(row);
  for (int c = 0; c < CHI_SITES_COLUMNS; c++) {
    const chi_sites_column *column = &chi_sites_columns[c];
    char **texts;
    CHI_TRY(read_column(r, column, &texts));
    if (column->offset == offsetof(chi_sites_line, subject))
      r->subject = texts;
    else if (column->offset == offsetof(chi_sites_line, electrode))
      r->electrode = texts;
    else
      chi_h5_free_strings(&texts, r->rows);
  }
  return CHI_OK;
}

/* An attribute of text, which must be there. */
static chi_status read_text(const reading *r, const char *name, char **out)
{
  CHI_TRY(chi_h5_attribute_text(r->file, r->path, "/", name, out));
  return *out != NULL ? CHI_OK
                      : chi_fail(CHI_ERR_INPUT, "%s: has no attribute %s, which chiasm writes",
                                 r->path, name);
}

static chi_status unfit(const char *path)
{
  return chi_fail(
      CHI_ERR_INPUT,
      "%s: does not fit its checksum: it is not what chiasm sites wrote, which makes it "
      "again",
      path);
}

/* \param[in] checksum  of the fit's study; NULL: any */
static chi_status check_root(reading *r, const char *checksum)
{
  enum { CONFIG, STUDY, STUDY_CHECKSUM, OWN, N };
  static const char *const names[N] = {"config", "study", "study_checksum", "checksum"};
  char *text[N] = {NULL}, own[CHI_DIGEST_TEXT];
  bool found = false;
  double format = 0;
  CHI_TRY(chi_h5_attribute_number(r->file, r->path, "/", "chiasm_format", &found, &format));
  if (!found || format != CHI_SITES_FORMAT)
    return chi_fail(CHI_ERR_INPUT, "%s: is no result of this version of chiasm sites", r->path);
  chi_status s = CHI_OK;
  for (int i = 0; i < N && s == CHI_OK; i++) s = read_text(r, names[i], &text[i]);
  for (int i = 0; i < CHI_SITES_N_CSV && s == CHI_OK; i++)
    s = read_text(r, chi_sites_csvs[i].attribute, &r->of_csv[i]);
  if (s == CHI_OK && checksum != NULL && strcmp(text[STUDY_CHECKSUM], checksum) != 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: is of another fit; chiasm sites makes it again", r->path);
  if (s == CHI_OK) {
    chi_sites_digest_begin(&r->digest, text[CONFIG], text[STUDY], text[STUDY_CHECKSUM]);
    s = read_columns(r);
  }
  if (s == CHI_OK) {
    chi_digest_print(&r->digest, own);
    if (strcmp(own, text[OWN]) != 0) s = unfit(r->path);
  }
  for (int i = 0; i < N; i++) chi_free(text[i]);
  return s;
}

static chi_status check_csv(const char *run, const char *file, const char *checksum)
{
  char path[PATH_MAX], *text = NULL, found[CHI_DIGEST_TEXT];
  chi_digest digest;
  CHI_TRY(chi_path_join(path, run, file));
  CHI_TRY(chi_text_read_large(path, path, CSV_MAX, &text));
  chi_digest_begin(&digest);
  chi_digest_add(&digest, text, (int64_t)strlen(text));
  chi_digest_print(&digest, found);
  chi_free(text);
  return strcmp(found, checksum) == 0 ? CHI_OK : unfit(path);
}

chi_status chi_sites_check(const char *run, const chi_fit_table *tables, int32_t n,
                           const char *checksum, int64_t *rows)
{
  char path[PATH_MAX];
  reading r = {.path = path};
  CHI_TRY(chi_path_join(path, run, "sites.h5"));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &r.file);
  if (s == CHI_OK) {
    s = check_root(&r, checksum);
    H5Fclose(r.file);
  }
  chi_h5_unlock();
  for (int64_t i = 0; i < r.rows && s == CHI_OK; i++)
    if (!is_site(tables, n, r.subject[i], r.electrode[i]))
      s = chi_fail(CHI_ERR_INPUT, "%s: row %lld: %s/%s is no site of fit.h5", path, (long long)i,
                   r.subject[i], r.electrode[i]);
  for (int i = 0; i < CHI_SITES_N_CSV && s == CHI_OK; i++)
    s = check_csv(run, chi_sites_csvs[i].file, r.of_csv[i]);
  *rows = r.rows;
  chi_h5_free_strings(&r.subject, r.rows);
  chi_h5_free_strings(&r.electrode, r.rows);
  for (int i = 0; i < CHI_SITES_N_CSV; i++) chi_free(r.of_csv[i]);
  return s;
}
