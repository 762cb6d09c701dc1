/* A pass over all numbers of a study, by pieces; what it makes of the features. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "study/catalog.h"
#include "study/check.h"
#include "study/numbers.h"

/* A layer of one recording, by its numbers. They are compared as float64, so that a layer equals
 * its copy of another width. */
typedef struct layer {
  int64_t space, n_features;
  uint64_t digest;
  const chi_numbers *numbers;
  int64_t bad;   /* the first that is NaN or Inf; -1: none */
  double *first; /* n_features: the first row */
  bool varies;   /* some row differs from it */
} layer;

static void add_rows(void *context, int64_t row0, int64_t n, const void *rows)
{
  enum { BLOCK = 512 };
  layer *l = context;
  double wide[BLOCK];
  const chi_real real = l->numbers->exact;
  const int64_t columns = l->n_features, bad = chi_numbers_find_bad(rows, real, n * columns);
  if (l->bad < 0 && bad < n * columns) l->bad = row0 * columns + bad;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < columns; j += BLOCK) {
      const int64_t m = columns - j < BLOCK ? columns - j : BLOCK;
      for (int64_t k = 0; k < m; k++) wide[k] = chi_number(rows, real, i * columns + j + k);
      if (row0 + i == 0) memcpy(l->first + j, wide, (size_t)m * sizeof *wide);
      for (int64_t k = 0; k < m && !l->varies; k++) l->varies = wide[k] != l->first[j + k];
      l->digest = XXH3_64bits_withSeed(wide, (size_t)m * sizeof *wide, l->digest);
    }
}

static chi_status check_layer(const chi_study *study, int32_t dataset, chi_findings *findings,
                              layer *l)
{
  chi_numbers numbers;
  const int32_t alignment = study->datasets[dataset].alignment;
  CHI_TRY(chi_numbers_open_layer(study, alignment, l->space, dataset, &numbers));
  l->numbers = &numbers;
  l->n_features = numbers.columns;
  chi_status s = chi_alloc(l->n_features, sizeof *l->first, "features", &l->first);
  if (s == CHI_OK) s = chi_numbers_scan(&numbers, add_rows, l);
  const double first = l->first == NULL ? 0 : l->first[0];
  chi_free(l->first);
  if (l->bad >= 0)
    chi_findings_add(findings, false,
                     "%s: %s: NaN or Inf at row %lld, column %lld (counted from 0); a fit of this "
                     "feature space will fail",
                     numbers.where, numbers.object, (long long)(l->bad / numbers.columns),
                     (long long)(l->bad % numbers.columns));
  else if (s == CHI_OK && !l->varies)
    chi_findings_add(findings, false,
                     "%s: %s is the same for every event (%g in its first column); a constant "
                     "predicts nothing, and its scores will be NaN",
                     numbers.where, numbers.object, first);
  chi_numbers_close(&numbers);
  return s;
}

static int by_digest(const void *a, const void *b)
{
  const layer *p = a, *q = b;
  if (p->digest != q->digest) return p->digest > q->digest ? 1 : -1;
  return (p->space > q->space) - (p->space < q->space);
}

/* All layers of one recording, and which of them are equal. */
static chi_status check_layers(const chi_study *study, int32_t dataset, chi_findings *findings)
{
  const chi_dataset *d = &study->datasets[dataset];
  const chi_alignment *a = &study->alignments[d->alignment];
  layer *layers = NULL;
  int64_t n = 0;
  CHI_TRY(chi_alloc(a->n_spaces, sizeof *layers, "layers", &layers));
  chi_status s = CHI_OK;
  for (int64_t i = 0; i < a->n_spaces && s == CHI_OK; i++) {
    if (a->space[i].n_features[d->subject_index] == 0) continue;
    layers[n] = (layer){.space = i, .bad = -1};
    const int64_t before = findings->n_errors;
    s = chi_catalog_note(findings, check_layer(study, dataset, findings, &layers[n]));
    if (findings->n_errors == before) n++;
  }
  if (n > 0) qsort(layers, (size_t)n, sizeof *layers, by_digest);
  for (int64_t i = 1; i < n && s == CHI_OK; i++) {
    const layer *p = &layers[i - 1], *q = &layers[i];
    if (p->digest != q->digest || p->n_features != q->n_features) continue;
    chi_findings_add(findings, false, "features/%s.%s: %s/%s and %s/%s hold the same numbers",
                     d->subject, a->name, a->space[p->space].model, a->space[p->space].layer,
                     a->space[q->space].model, a->space[q->space].layer);
  }
  chi_free(layers);
  return s;
}

chi_status chi_check_numbers(const chi_study *study, int32_t folds, chi_findings *findings)
{
  for (int32_t i = 0; i < study->n_datasets; i++) {
    CHI_TRY(chi_catalog_note(findings, chi_check_responses(study, i, folds, findings)));
    CHI_TRY(check_layers(study, i, findings));
  }
  return CHI_OK;
}
