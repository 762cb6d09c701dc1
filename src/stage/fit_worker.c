#include "stage/fit_worker.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

chi_status chi_fit_worker_start(chi_fit_worker *worker, int64_t feature_bytes, int64_t work_bytes)
{
  CHI_TRY(chi_alloc(3 * worker->plan->largest, sizeof *worker->scores, "scores", &worker->scores));
  CHI_TRY(chi_encoder_create(worker->encode, &worker->encoder));
  CHI_TRY(chi_encoder_reserve(worker->encoder, work_bytes));
  return chi_reader_create(worker->study, feature_bytes, &worker->reader);
}

void chi_fit_worker_end(chi_fit_worker *worker)
{
  chi_reader_destroy(&worker->reader);
  chi_encoder_destroy(&worker->encoder);
  chi_free(worker->scores);
  worker->scores = NULL;
}

static chi_layer_key layer_of(const chi_fit_worker *w, int64_t i)
{
  const chi_fit_unit *u = &w->plan->what[i];
  const int64_t layer = w->plan->unit[i].layer;
  return (chi_layer_key){.id = layer,
                         .alignment = u->alignment,
                         .dataset = u->dataset,
                         .space = u->space,
                         .real = (chi_real)w->real[layer]};
}

static chi_status fit_unit(chi_fit_worker *w, const chi_fit_unit *u, const chi_responses *responses,
                           const void *features, chi_real real)
{
  const chi_dataset *d = &w->study->datasets[u->dataset];
  const int64_t *n_features = w->study->alignments[u->alignment].space[u->space].n_features;
  const chi_features x = {d->n_events, n_features[d->subject_index], real, features};
  const chi_encode_part part = {u->electrode0, u->electrode1, w->scores,
                                w->scores + w->plan->largest, w->scores + 2 * w->plan->largest};
  const double start = chi_clock_now();
  const chi_status s =
      chi_encode_fit(w->encoder, &w->rows[u->dataset], &x, responses, &part, &w->account.stages);
  w->account.computed_s += chi_clock_now() - start;
  return s;
}

/* Features and responses that cannot be read fail their unit alone, whatever the reason; so does a
 * breakdown. */
static bool fails_alone(chi_status s, bool reading)
{
  return s == CHI_ERR_NUMERIC || (reading && (s == CHI_ERR_IO || s == CHI_ERR_INPUT));
}

/* Mark the unit as failed; the message so far says why. */
static chi_status fail_unit(chi_fit_worker *w, const chi_fit_unit *u)
{
  const chi_dataset *d = &w->study->datasets[u->dataset];
  const chi_alignment *a = &w->study->alignments[u->alignment];
  char why[CHI_MESSAGE_MAX], part[64] = "";
  snprintf(why, sizeof why, "%s", chi_message());
  if (u->electrode1 - u->electrode0 < d->n_electrodes)
    snprintf(part, sizeof part, ", electrodes %lld to %lld", (long long)u->electrode0 + 1,
             (long long)u->electrode1);
  CHI_TRY(chi_run_fail(w->run, u->alignment, u->space, d->first_site + u->electrode0,
                       u->electrode1 - u->electrode0));
  return chi_fail(CHI_ERR_NUMERIC, "%s/%s of subject %s, alignment %s%s: %s",
                  a->space[u->space].model, a->space[u->space].layer, d->subject, a->name, part,
                  why);
}

static chi_status write_unit(chi_fit_worker *w, const chi_fit_unit *u)
{
  const double start = chi_clock_now();
  const int64_t site0 = w->study->datasets[u->dataset].first_site + u->electrode0;
  const float *val_r = w->scores, *test_r = val_r + w->plan->largest;
  const chi_status s =
      chi_run_write(w->run, u->alignment, u->space, site0, u->electrode1 - u->electrode0, val_r,
                    test_r, test_r + w->plan->largest);
  w->account.wrote_s += chi_clock_now() - start;
  return s;
}

chi_status chi_fit_do_unit(void *context, int64_t i, int64_t next)
{
  chi_fit_worker *w = context;
  const chi_fit_unit *u = &w->plan->what[i];
  const chi_layer_key layer = layer_of(w, i);
  chi_responses responses;
  const void *features;
  const double start = chi_clock_now();
  chi_reader_ahead(w->reader, &layer); /* while the responses are read or waited for */
  chi_status s = chi_response_supply_borrow(w->responses, u->dataset, &responses);
  const bool borrowed = s == CHI_OK;
  if (borrowed) s = chi_reader_get(w->reader, &layer, &features);
  w->account.read_s += chi_clock_now() - start;
  const bool unread = s != CHI_OK;
  if (next >= 0) {
    const chi_layer_key after = layer_of(w, next);
    chi_reader_ahead(w->reader, &after);
  }
  if (!unread) s = fit_unit(w, u, &responses, features, layer.real);
  if (borrowed) chi_response_supply_return(w->responses, u->dataset);
  if (s == CHI_OK) return write_unit(w, u);
  return fails_alone(s, unread) ? fail_unit(w, u) : s;
}

void chi_fit_unit_failed(void *context, int64_t i, const char *message)
{
  (void)i;
  chi_watch_failed(((chi_fit_worker *)context)->watch, message);
}

void chi_fit_progress(void *context, const chi_sweep_progress *progress)
{
  chi_watch_progress(((chi_fit_worker *)context)->watch, progress);
}
