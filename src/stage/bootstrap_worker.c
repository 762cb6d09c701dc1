#include "stage/bootstrap_worker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "study/layers.h"

chi_status chi_boot_worker_start(chi_boot_worker *w, int64_t feature_bytes, int64_t work_bytes,
                                 int64_t gathered_bytes)
{
  int64_t events = 0;
  for (int32_t d = 0; d < w->study->n_datasets; d++)
    if (w->study->datasets[d].n_events > events) events = w->study->datasets[d].n_events;
  const int64_t targets = w->plan->most_targets, block = targets * CHI_REPLICATE_BLOCK;
  w->gathered_layer = -1;
  CHI_TRY(chi_alloc(gathered_bytes, 1, "responses of a layer's electrodes", &w->y));
  CHI_TRY(chi_alloc(targets, 1, "flags", &w->missing));
  CHI_TRY(chi_alloc(events, sizeof *w->event, "drawn events", &w->event));
  CHI_TRY(chi_alloc(3 * targets, sizeof *w->fit, "scores", &w->fit));
  CHI_TRY(chi_alloc(block, sizeof *w->val_r, "replicates", &w->val_r));
  CHI_TRY(chi_alloc(block, sizeof *w->test_r, "replicates", &w->test_r));
  CHI_TRY(chi_encoder_create(w->encode, &w->encoder));
  CHI_TRY(chi_encoder_reserve(w->encoder, work_bytes));
  return chi_reader_create(w->study, feature_bytes, &w->reader);
}

void chi_boot_worker_end(chi_boot_worker *w)
{
  chi_reader_destroy(&w->reader);
  chi_encoder_destroy(&w->encoder);
  chi_free(w->y);
  chi_free(w->missing);
  chi_free(w->event);
  chi_free(w->fit);
  chi_free(w->val_r);
  chi_free(w->test_r);
  *w = (chi_boot_worker){0};
}

static chi_layer_key layer_of(const chi_boot_worker *w, int64_t i)
{
  const chi_boot_layer *l = &w->plan->layer[w->plan->of[i]];
  const chi_dataset *d = &w->study->datasets[l->dataset];
  const int64_t number = chi_layer_number(w->study, l->alignment, l->space, d->subject_index);
  return (chi_layer_key){.id = number,
                         .alignment = l->alignment,
                         .dataset = l->dataset,
                         .space = l->space,
                         .real = (chi_real)w->real[number]};
}

/* Copy the responses of the layer's electrodes together: the fits then see these alone, in the same
 * blocks whoever fits them. */
static chi_status gather(chi_boot_worker *w, int64_t layer)
{
  if (w->gathered_layer == layer) return CHI_OK;
  const chi_boot_layer *l = &w->plan->layer[layer];
  chi_responses all;
  w->gathered_layer = -1;
  CHI_TRY(chi_response_supply_borrow(w->responses, l->dataset, &all));
  const int64_t bytes = all.n_times * (int64_t)all.real, n = l->n_electrodes;
  for (int64_t i = 0; i < all.n_events; i++)
    for (int64_t k = 0; k < n; k++)
      memcpy((char *)w->y + (i * n + k) * bytes,
             (const char *)all.y + (i * all.n_electrodes + l->electrode[k]) * bytes, (size_t)bytes);
  for (int64_t k = 0; k < n; k++)
    memcpy(w->missing + k * all.n_times, all.missing + l->electrode[k] * all.n_times,
           (size_t)all.n_times);
  chi_response_supply_return(w->responses, l->dataset);
  w->gathered = all;
  w->gathered.n_electrodes = n;
  w->gathered.y = w->y;
  w->gathered.missing = w->missing;
  w->gathered_layer = layer;
  return CHI_OK;
}

/* One replicate, into place r of the block's. What cannot be calculated is NaN. */
static chi_status fit_replicate(chi_boot_worker *w, const chi_boot_layer *l, const void *features,
                                chi_real real, int64_t replicate, int64_t r, int64_t size)
{
  const chi_dataset *d = &w->study->datasets[l->dataset];
  const int64_t *n_features = w->study->alignments[l->alignment].space[l->space].n_features;
  const chi_features x = {d->n_events, n_features[d->subject_index], real, features};
  const int64_t times = w->gathered.n_times, targets = l->n_electrodes * times;
  const float *val_r = w->fit, *test_r = val_r + targets;
  const chi_encode_part part = {0, l->n_electrodes, w->fit, w->fit + targets, w->fit + 2 * targets};
  chi_rows rows;
  chi_draws_make(&w->draws[l->dataset], replicate, w->event);
  chi_status s = chi_rows_drawn(w->encode, d->n_events, w->event, d->onset, d->session, &rows);
  if (s == CHI_OK)
    s = chi_encode_fit(w->encoder, &rows, &x, &w->gathered, &part, &w->account.stages);
  chi_rows_free(&rows);
  const bool undefined = s == CHI_ERR_INPUT || s == CHI_ERR_NUMERIC;
  if (undefined) {
    chi_log(CHI_LOG_FILE, "%s: %s: replicate %lld: %s", d->path,
            w->study->alignments[l->alignment].space[l->space].model, (long long)replicate,
            chi_message());
    for (int64_t i = 0; i < 2 * targets; i++) w->fit[i] = NAN;
  }
  for (int64_t k = 0; k < l->n_electrodes; k++) {
    memcpy(w->val_r + (k * size + r) * times, val_r + k * times, (size_t)times * sizeof *val_r);
    memcpy(w->test_r + (k * size + r) * times, test_r + k * times, (size_t)times * sizeof *test_r);
  }
  return undefined ? CHI_OK : s;
}

static int64_t block_size(const chi_boot_worker *w, int64_t block)
{
  const int64_t left = w->n_replicates - block * CHI_REPLICATE_BLOCK;
  return left < CHI_REPLICATE_BLOCK ? left : CHI_REPLICATE_BLOCK;
}

static chi_status write_unit(chi_boot_worker *w, int64_t i, uint8_t done)
{
  const chi_boot_layer *l = &w->plan->layer[w->plan->of[i]];
  const int64_t block = w->plan->block[i];
  const int64_t n_times = w->study->alignments[l->alignment].n_times;
  const int64_t values = block_size(w, block) * n_times;
  const int64_t site0 = w->study->datasets[l->dataset].first_site;
  const double start = chi_clock_now();
  chi_status s = CHI_OK;
  for (int64_t k = 0; k < l->n_electrodes && s == CHI_OK; k++)
    s = chi_bootstrap_write(w->bootstrap, l->alignment, l->row, site0 + l->electrode[k], block,
                            done, w->val_r + k * values, w->test_r + k * values);
  w->account.wrote_s += chi_clock_now() - start;
  return s;
}

/* Features and responses that cannot be read fail their unit alone, whatever the reason. */
static chi_status fail_unit(chi_boot_worker *w, int64_t i)
{
  const chi_boot_layer *l = &w->plan->layer[w->plan->of[i]];
  const chi_alignment *al = &w->study->alignments[l->alignment];
  char why[CHI_MESSAGE_MAX];
  snprintf(why, sizeof why, "%s", chi_message());
  const int64_t values = l->n_electrodes * al->n_times * CHI_REPLICATE_BLOCK;
  for (int64_t k = 0; k < values; k++) w->val_r[k] = w->test_r[k] = NAN;
  CHI_TRY(write_unit(w, i, CHI_DONE_FAILED));
  return chi_fail(CHI_ERR_NUMERIC, "%s/%s of subject %s, alignment %s: %s",
                  al->space[l->space].model, al->space[l->space].layer,
                  w->study->datasets[l->dataset].subject, al->name, why);
}

chi_status chi_boot_do_unit(void *context, int64_t i, int64_t next)
{
  chi_boot_worker *w = context;
  const int64_t layer = w->plan->of[i], block = w->plan->block[i];
  const chi_layer_key key = layer_of(w, i);
  const void *features;
  double start = chi_clock_now();
  chi_reader_ahead(w->reader, &key); /* while the responses are read or waited for */
  chi_status s = gather(w, layer);
  if (s == CHI_OK) s = chi_reader_get(w->reader, &key, &features);
  w->account.read_s += chi_clock_now() - start;
  if (next >= 0) {
    const chi_layer_key after = layer_of(w, next);
    chi_reader_ahead(w->reader, &after);
  }
  if (s == CHI_ERR_NUMERIC || s == CHI_ERR_IO || s == CHI_ERR_INPUT) return fail_unit(w, i);
  CHI_TRY(s);
  start = chi_clock_now();
  const int64_t size = block_size(w, block);
  for (int64_t r = 0; r < size && s == CHI_OK; r++)
    s = fit_replicate(w, &w->plan->layer[layer], features, key.real,
                      block * CHI_REPLICATE_BLOCK + r, r, size);
  w->account.computed_s += chi_clock_now() - start;
  CHI_TRY(s);
  return write_unit(w, i, CHI_DONE_WRITTEN);
}

void chi_boot_unit_failed(void *context, int64_t i, const char *message)
{
  (void)i;
  chi_watch_failed(((chi_boot_worker *)context)->watch, message);
}

void chi_boot_progress(void *context, const chi_sweep_progress *progress)
{
  chi_watch_progress(((chi_boot_worker *)context)->watch, progress);
}
