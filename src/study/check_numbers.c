/* A pass over all numbers of a study, by pieces; what it makes of the features. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "study/catalog.h"
#include "study/check.h"
#include "study/numbers.h"
#include "study/spread.h"

/* A layer of one recording, by its numbers. They are compared as float64, so that a layer equals
 * its copy of another width. */
typedef struct layer {
  int64_t space, n_features;
  uint64_t digest;
  const chi_numbers *numbers;
  int64_t bad; /* the first that is NaN or Inf; -1: none */
  chi_spread spread;
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
      l->digest = XXH3_64bits_withSeed(wide, (size_t)m * sizeof *wide, l->digest);
    }
  chi_spread_add(&l->spread, n, rows, real);
}

/* What its numbers say against a layer without NaN and Inf. */
static void judge_layer(const chi_spread *s, const chi_numbers *numbers, bool halves,
                        chi_findings *findings)
{
  bool varies = false;
  int64_t n_far = 0, furthest = -1;
  chi_furthest far = {.out = CHI_FAR_OUT};
  for (int64_t j = 0; j < s->n_targets; j++) {
    varies = varies || s->least[j] != s->most[j];
    const chi_furthest one = chi_spread_furthest(s, j);
    n_far += one.out > CHI_FAR_OUT;
    if (!(one.out > far.out)) continue;
    far = one;
    furthest = j;
  }
  if (!varies)
    chi_findings_add(findings, false,
                     "%s: %s is the same for every event (%g in its first column); a constant "
                     "predicts nothing, and its scores will be NaN",
                     numbers->where, numbers->object, s->first[0]);
  if (n_far > 0 && halves)
    chi_findings_add(
        findings, false,
        "%s: %s: %lld of %lld features have an event over %g spreads away from the "
        "others, furthest column %lld, which is %g at row %lld (counted from 0): such an "
        "event decides what they predict",
        numbers->where, numbers->object, (long long)n_far, (long long)s->n_targets, CHI_FAR_OUT,
        (long long)furthest, far.value, (long long)far.event);
}

static chi_status check_layer(const chi_study *study, int32_t dataset, int32_t folds,
                              chi_findings *findings, layer *l)
{
  chi_numbers numbers;
  const int32_t alignment = study->datasets[dataset].alignment;
  CHI_TRY(chi_numbers_open_layer(study, alignment, l->space, dataset, &numbers));
  l->numbers = &numbers;
  l->n_features = numbers.columns;
  chi_status s = chi_spread_begin(folds, numbers.rows, numbers.columns, &l->spread);
  if (s == CHI_OK) s = chi_numbers_scan(&numbers, add_rows, l);
  if (l->bad >= 0)
    chi_findings_add(findings, false,
                     "%s: %s: NaN or Inf at row %lld, column %lld (counted from 0); a fit of this "
                     "feature space will fail",
                     numbers.where, numbers.object, (long long)(l->bad / numbers.columns),
                     (long long)(l->bad % numbers.columns));
  else if (s == CHI_OK)
    judge_layer(&l->spread, &numbers, numbers.rows >= 4 * (int64_t)folds, findings);
  chi_spread_free(&l->spread);
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
static chi_status check_layers(const chi_study *study, int32_t dataset, int32_t folds,
                               chi_findings *findings)
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
    s = chi_catalog_note(findings, check_layer(study, dataset, folds, findings, &layers[n]));
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
    CHI_TRY(check_layers(study, i, folds, findings));
  }
  return CHI_OK;
}
