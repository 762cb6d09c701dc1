#include "study/numbers.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "h5/box.h"
#include "study/half.h"

enum { PIECE_BYTES = 64 << 20 };

/* Whether a type is float16 as processors have it, so that raw bytes can be widened here. */
static bool is_native_half(hid_t type)
{
  const H5T_order_t native = H5Tget_order(H5T_NATIVE_FLOAT);
  size_t sign, exponent, exponent_bits, fraction, fraction_bits;
  return H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == 2 &&
         H5Tget_order(type) == native && H5Tget_precision(type) == 16 &&
         H5Tget_norm(type) == H5T_NORM_IMPLIED && H5Tget_ebias(type) == 15 &&
         H5Tget_fields(type, &sign, &exponent, &exponent_bits, &fraction, &fraction_bits) >= 0 &&
         sign == 15 && exponent == 10 && exponent_bits == 5 && fraction == 0 && fraction_bits == 10;
}

/* Rows of a piece: whole chunks, so that none is unpacked twice. */
static int64_t piece_rows(const chi_numbers *numbers)
{
  int64_t rows = PIECE_BYTES / (numbers->columns * 8);
  if (rows < 1) rows = 1;
  const int64_t chunk = numbers->dataset.chunk_rows;
  if (chunk > 0) rows = (rows + chunk - 1) / chunk * chunk;
  return rows < numbers->rows ? rows : numbers->rows;
}

static chi_status open_dataset(hid_t file, const char *where, const char *layer,
                               chi_h5_dataset *dataset)
{
  hid_t group;
  if (layer == NULL) return chi_h5_open_dataset(file, where, "/", "response", dataset);
  CHI_TRY(chi_h5_open_group(file, where, "layers", &group));
  const chi_status s = chi_h5_open_dataset(group, where, "/layers/", layer, dataset);
  H5Gclose(group);
  return s;
}

chi_status chi_numbers_take(const char *where, const char *object, hid_t file,
                            const chi_h5_dataset *dataset, chi_numbers *numbers)
{
  const chi_h5_dataset *d = dataset;
  if (d->rank < 1 || d->count < 1)
    return chi_fail(CHI_ERR_BUG, "%s: %s has no rows of numbers", where, object);
  const bool is_half = is_native_half(d->type), is_integer = d->type_class == H5T_INTEGER;
  const bool wide =
      d->type_size > 4 || (H5Tequal(d->type, H5T_IEEE_F32LE) <= 0 &&
                           H5Tequal(d->type, H5T_IEEE_F32BE) <= 0 && d->type_size > 2);
  *numbers = (chi_numbers){.file = file,
                           .dataset = *d,
                           .rows = d->dims[0],
                           .columns = d->count / d->dims[0],
                           .is_half = is_half,
                           .is_long = is_integer && d->type_size > 4,
                           .exact = wide ? CHI_REAL64 : CHI_REAL32};
  numbers->step = piece_rows(numbers);
  snprintf(numbers->where, sizeof numbers->where, "%s", where);
  snprintf(numbers->object, sizeof numbers->object, "%s", object);
  return CHI_OK;
}

/* \param[in] rows, columns  what the catalog says */
static chi_status open_numbers(const char *path, const char *where, const char *layer, int64_t rows,
                               int64_t columns, chi_numbers *numbers)
{
  hid_t file;
  chi_h5_dataset d = {.id = H5I_INVALID_HID, .type = H5I_INVALID_HID};
  char object[256];
  snprintf(object, sizeof object, "%s%s", layer == NULL ? "/response" : "/layers/",
           layer == NULL ? "" : layer);
  CHI_TRY(chi_h5_open_read(path, where, &file));
  chi_status s = open_dataset(file, where, layer, &d);
  if (s == CHI_OK && (d.rank < 1 || d.dims[0] != rows || d.count != rows * columns || columns < 1 ||
                      chi_h5_check_numbers(&d, where, object) != CHI_OK))
    s = chi_fail(CHI_ERR_INPUT, "%s: %s is no longer what it was when the study was opened", where,
                 object);
  if (s == CHI_OK) s = chi_numbers_take(where, object, file, &d, numbers);
  if (s != CHI_OK) {
    chi_h5_close_dataset(&d);
    H5Fclose(file);
  }
  return s;
}

/* Open a layer of a feature file, or /response where layer is NULL. */
static chi_status open_of_study(const chi_study *study, const char *where, const char *layer,
                                int64_t rows, int64_t columns, chi_numbers *numbers)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, study->path, where));
  chi_h5_lock();
  const chi_status s = open_numbers(path, where, layer, rows, columns, numbers);
  chi_h5_unlock();
  return s;
}

chi_status chi_numbers_open_responses(const chi_study *study, int32_t dataset, chi_numbers *numbers)
{
  const chi_dataset *d = &study->datasets[dataset];
  return open_of_study(study, d->path, NULL, d->n_events,
                       d->n_electrodes * study->alignments[d->alignment].n_times, numbers);
}

chi_status chi_numbers_open_layer(const chi_study *study, int32_t alignment, int64_t space,
                                  int32_t dataset, chi_numbers *numbers)
{
  const chi_dataset *d = &study->datasets[dataset];
  const chi_feature_space *s = &study->alignments[alignment].space[space];
  char where[PATH_MAX];
  CHI_TRY(chi_path_format(where, "features", "%s.%s/%s.h5", d->subject,
                          study->alignments[alignment].name, s->model));
  return open_of_study(study, where, s->layer, d->n_events, s->n_features[d->subject_index],
                       numbers);
}

void chi_numbers_close(chi_numbers *numbers)
{
  chi_h5_lock();
  chi_h5_close_dataset(&numbers->dataset);
  if (numbers->file >= 0) H5Fclose(numbers->file);
  numbers->file = H5I_INVALID_HID;
  chi_h5_unlock();
}

static herr_t read_rows(const chi_numbers *numbers, int64_t row0, int64_t n, hid_t memory_type,
                        void *out)
{
  const chi_h5_dataset *d = &numbers->dataset;
  int64_t start[CHI_H5_MAX_RANK] = {row0}, count[CHI_H5_MAX_RANK] = {n};
  for (int i = 1; i < d->rank; i++) count[i] = d->dims[i];
  return chi_h5_box(d->id, false, memory_type, d->rank, start, count, out);
}

/* Beyond 2^53 an integer is rounded, to 2^53 at least. */
static chi_status check_long(const chi_numbers *numbers, int64_t row0, int64_t count,
                             const double *out)
{
  for (int64_t i = 0; i < count; i++)
    if (fabs(out[i]) >= 0x1p53)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: %s holds about %.17g at row %lld, column %lld (counted from 0): "
                      "integers of 2^53 and more are no exact float64",
                      numbers->where, numbers->object, out[i],
                      (long long)(row0 + i / numbers->columns), (long long)(i % numbers->columns));
  return CHI_OK;
}

/* One piece. float16 is read raw into the buffer's end and widened in place. */
static chi_status read_piece(const chi_numbers *numbers, int64_t row0, int64_t n, chi_real real,
                             unsigned char *out)
{
  const int64_t count = n * numbers->columns;
  chi_status status = CHI_OK;
  chi_h5_lock();
  chi_h5_expect_long();
  const hid_t type = numbers->is_half     ? numbers->dataset.type
                     : real == CHI_REAL32 ? H5T_NATIVE_FLOAT
                                          : H5T_NATIVE_DOUBLE;
  unsigned char *at = numbers->is_half ? out + count * (int64_t)(real - 2) : out;
  if (read_rows(numbers, row0, n, type, at) < 0)
    status = chi_fail(CHI_ERR_IO,
                      "%s: %s: HDF5 cannot read rows %lld to %lld, the file may be "
                      "damaged (%s)",
                      numbers->where, numbers->object, (long long)row0, (long long)(row0 + n - 1),
                      chi_h5_reason());
  chi_h5_unlock();
  if (status == CHI_OK && numbers->is_half) chi_half_widen(count, real, out);
  if (status == CHI_OK && numbers->is_long && real == CHI_REAL64)
    status = check_long(numbers, row0, count, (const double *)(const void *)out);
  return status;
}

chi_status chi_numbers_read(const chi_numbers *numbers, int64_t row0, int64_t n, chi_real real,
                            void *out)
{
  unsigned char *bytes = out;
  if (row0 < 0 || n < 0 || n > numbers->rows - row0)
    return chi_fail(CHI_ERR_BUG, "%s: %s: rows %lld to %lld of %lld", numbers->where,
                    numbers->object, (long long)row0, (long long)(row0 + n - 1),
                    (long long)numbers->rows);
  /* Pieces end where chunks do, wherever the first begins. */
  for (int64_t row = row0; row < row0 + n;) {
    int64_t end = (row / numbers->step + 1) * numbers->step;
    if (end > row0 + n) end = row0 + n;
    CHI_TRY(read_piece(numbers, row, end - row, real,
                       bytes + (row - row0) * numbers->columns * (int64_t)real));
    row = end;
  }
  return CHI_OK;
}

int64_t chi_numbers_find_bad(const void *numbers, chi_real real, int64_t n)
{
  const float *narrow = numbers;
  const double *wide = numbers;
  int64_t i = 0;
  if (real == CHI_REAL32)
    while (i < n && isfinite(narrow[i])) i++;
  else
    while (i < n && isfinite(wide[i])) i++;
  return i;
}

chi_status chi_numbers_scan(const chi_numbers *numbers, chi_numbers_visit *visit, void *context)
{
  void *piece = NULL;
  CHI_TRY(chi_alloc(numbers->step * numbers->columns, (int64_t)numbers->exact, "a piece of a file",
                    &piece));
  chi_status s = CHI_OK;
  for (int64_t row = 0; row < numbers->rows && s == CHI_OK; row += numbers->step) {
    const int64_t left = numbers->rows - row, n = left < numbers->step ? left : numbers->step;
    s = chi_numbers_read(numbers, row, n, numbers->exact, piece);
    if (s == CHI_OK) visit(context, row, n, piece);
  }
  chi_free(piece);
  return s;
}

/* Float64 rows as float32, each column less its value in the file's first row: rounding is then
 * that of its changes, not of its offset. */
static chi_status read_narrowed(const chi_numbers *numbers, int64_t row0, int64_t n, float *out)
{
  const int64_t columns = numbers->columns, step = numbers->step < n ? numbers->step : n;
  double *first = NULL, *piece = NULL;
  chi_status status = chi_alloc(columns, sizeof *first, "first row", &first);
  if (status == CHI_OK) status = chi_alloc(step * columns, sizeof *piece, "rows", &piece);
  if (status == CHI_OK) status = chi_numbers_read(numbers, 0, 1, CHI_REAL64, first);
  for (int64_t row = 0; status == CHI_OK && row < n; row += step) {
    const int64_t m = n - row < step ? n - row : step;
    status = chi_numbers_read(numbers, row0 + row, m, CHI_REAL64, piece);
    for (int64_t i = 0; status == CHI_OK && i < m * columns; i++)
      out[row * columns + i] = (float)(piece[i] - first[i % columns]);
  }
  chi_free(first);
  chi_free(piece);
  return status;
}

chi_status chi_study_read_responses(const chi_study *study, int32_t dataset, int64_t event0,
                                    int64_t n, chi_real real, void *out)
{
  chi_numbers numbers;
  CHI_TRY(chi_numbers_open_responses(study, dataset, &numbers));
  const chi_status status = real == CHI_REAL32 && numbers.exact == CHI_REAL64
                                ? read_narrowed(&numbers, event0, n, out)
                                : chi_numbers_read(&numbers, event0, n, real, out);
  chi_numbers_close(&numbers);
  return status;
}

/* Some electrodes' columns, taken out of whole rows. */
typedef struct electrodes {
  chi_real real;
  int64_t n_columns, n_times, n;
  const int64_t *electrode;
  double *out;
} electrodes;

static void take_electrodes(void *context, int64_t row0, int64_t n, const void *rows)
{
  const electrodes *e = context;
  double *out = e->out + row0 * e->n * e->n_times;
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < e->n; k++)
      for (int64_t t = 0; t < e->n_times; t++)
        *out++ = chi_number(rows, e->real, i * e->n_columns + e->electrode[k] * e->n_times + t);
}

chi_status chi_study_read_electrodes(const chi_study *study, int32_t dataset, int64_t n,
                                     const int64_t *electrode, double *out)
{
  chi_numbers numbers;
  CHI_TRY(chi_numbers_open_responses(study, dataset, &numbers));
  electrodes e = {numbers.exact,
                  numbers.columns,
                  study->alignments[study->datasets[dataset].alignment].n_times,
                  n,
                  electrode,
                  out};
  const chi_status s = chi_numbers_scan(&numbers, take_electrodes, &e);
  chi_numbers_close(&numbers);
  return s;
}

chi_status chi_study_features_real(const chi_study *study, int32_t alignment, int64_t space,
                                   int32_t dataset, chi_real *real)
{
  chi_numbers numbers;
  CHI_TRY(chi_numbers_open_layer(study, alignment, space, dataset, &numbers));
  *real = numbers.exact;
  chi_numbers_close(&numbers);
  return CHI_OK;
}

chi_status chi_study_read_features(const chi_study *study, int32_t alignment, int64_t space,
                                   int32_t dataset, chi_real real, void *out)
{
  chi_numbers numbers;
  CHI_TRY(chi_numbers_open_layer(study, alignment, space, dataset, &numbers));
  const int64_t count = numbers.rows * numbers.columns;
  chi_status s = chi_numbers_read(&numbers, 0, numbers.rows, real, out);
  const int64_t bad = s == CHI_OK ? chi_numbers_find_bad(out, real, count) : count;
  if (bad < count)
    s = chi_fail(CHI_ERR_NUMERIC,
                 "%s: %s: NaN or Inf at row %lld, column %lld (counted from 0); expected finite "
                 "numbers",
                 numbers.where, numbers.object, (long long)(bad / numbers.columns),
                 (long long)(bad % numbers.columns));
  chi_numbers_close(&numbers);
  return s;
}
