/* A pass over all numbers of a study, by pieces. */
#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/memory.h"
#include "study/catalog.h"
#include "study/check.h"
#include "study/numbers.h"

/* ---- responses ---- */

/* What is known of an electrode so far. */
typedef struct electrode {
  int64_t n_bad;   /* NaN or Inf */
  uint64_t digest; /* of all its numbers, event by event */
} electrode;

/* The least and the largest number of a time bin. */
typedef struct range {
  double min, max;
} range;

typedef struct electrodes {
  int64_t n, n_times;
  chi_real real;
  electrode *electrode;
  range *range; /* n x n_times */
} electrodes;

static void add_events(void *context, int64_t row0, int64_t n, const void *rows)
{
  electrodes *e = context;
  const char *at = rows;
  const int64_t bytes = e->n_times * (int64_t)e->real;
  (void)row0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < e->n; j++, at += bytes) {
      electrode *one = &e->electrode[j];
      range *r = &e->range[j * e->n_times];
      for (int64_t t = 0; t < e->n_times; t++, r++) {
        const double value = chi_number(at, e->real, t);
        if (!isfinite(value)) one->n_bad++;
        if (value < r->min) r->min = value;
        if (value > r->max) r->max = value;
      }
      one->digest = XXH3_64bits_withSeed(at, (size_t)bytes, one->digest);
    }
}

/* How many of an electrode's bins do not change over events. */
static int64_t constant_bins(const electrodes *e, int64_t i)
{
  int64_t n = 0;
  for (const range *r = &e->range[i * e->n_times]; r < &e->range[(i + 1) * e->n_times]; r++)
    n += r->min == r->max;
  return n;
}

/* What is wrong with electrodes one by one, and which are equal. */
static void judge_electrodes(const chi_dataset *d, const electrodes *e, chi_findings *findings)
{
  for (int64_t i = 0; i < e->n; i++) {
    const int64_t constant = constant_bins(e, i);
    const char *name = d->electrode[i];
    if (e->electrode[i].n_bad > 0)
      chi_findings_add(findings, false,
                       "%s: electrode %s holds %lld NaN or Inf; its scores are NaN where they are",
                       d->path, name, (long long)e->electrode[i].n_bad);
    if (constant == e->n_times) {
      chi_findings_add(findings, false, "%s: electrode %s is constant; its scores will be NaN",
                       d->path, name);
      continue;
    }
    if (constant > 0)
      chi_findings_add(findings, false,
                       "%s: electrode %s is constant in %lld of %lld time bins, whose scores will "
                       "be NaN",
                       d->path, name, (long long)constant, (long long)e->n_times);
    int64_t twin = 0;
    while (e->electrode[twin].digest != e->electrode[i].digest) twin++;
    if (twin < i)
      chi_findings_add(findings, false, "%s: electrodes %s and %s hold the same numbers", d->path,
                       d->electrode[twin], name);
  }
}

static chi_status check_responses(const chi_study *study, int32_t dataset, chi_findings *findings)
{
  const chi_dataset *d = &study->datasets[dataset];
  chi_numbers numbers;
  electrodes e = {.n = d->n_electrodes, .n_times = study->alignments[d->alignment].n_times};
  CHI_TRY(chi_numbers_open_responses(study, dataset, &numbers));
  e.real = numbers.exact;
  chi_status s = chi_alloc(e.n, sizeof *e.electrode, "electrodes", &e.electrode);
  if (s == CHI_OK) s = chi_alloc(e.n * e.n_times, sizeof *e.range, "bins", &e.range);
  for (int64_t i = 0; i < e.n * e.n_times && s == CHI_OK; i++)
    e.range[i] = (range){INFINITY, -INFINITY};
  if (s == CHI_OK) s = chi_numbers_scan(&numbers, add_events, &e);
  if (s == CHI_OK) judge_electrodes(d, &e, findings);
  chi_free(e.electrode);
  chi_free(e.range);
  chi_numbers_close(&numbers);
  return s;
}

/* ---- features ---- */

/* A layer of one recording, by its numbers. They are compared as float64, so that a layer equals
 * its copy of another width. */
typedef struct layer {
  int64_t space, n_features;
  uint64_t digest;
  const chi_numbers *numbers;
  int64_t bad; /* the first that is NaN or Inf; -1: none */
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
}

static chi_status check_layer(const chi_study *study, int32_t dataset, chi_findings *findings,
                              layer *l)
{
  chi_numbers numbers;
  const int32_t alignment = study->datasets[dataset].alignment;
  CHI_TRY(chi_numbers_open_layer(study, alignment, l->space, dataset, &numbers));
  l->numbers = &numbers;
  l->n_features = numbers.columns;
  const chi_status s = chi_numbers_scan(&numbers, add_rows, l);
  if (l->bad >= 0)
    chi_findings_add(findings, false,
                     "%s: %s: NaN or Inf at row %lld, column %lld (counted from 0); a fit of this "
                     "feature space will fail",
                     numbers.where, numbers.object, (long long)(l->bad / numbers.columns),
                     (long long)(l->bad % numbers.columns));
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

chi_status chi_check_numbers(const chi_study *study, chi_findings *findings)
{
  for (int32_t i = 0; i < study->n_datasets; i++) {
    CHI_TRY(chi_catalog_note(findings, check_responses(study, i, findings)));
    CHI_TRY(check_layers(study, i, findings));
  }
  return CHI_OK;
}
