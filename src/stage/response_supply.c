#include "stage/response_supply.h"

#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { ELECTRODES_NAMED = 5 };

/* A slot holds the responses, then one byte per target that says whether it is missing. */
static chi_responses responses_in(const chi_response_supply *w, int32_t dataset, const void *slot)
{
  const chi_dataset *d = &w->study->datasets[dataset];
  const int64_t n_times = w->study->alignments[d->alignment].n_times;
  const int64_t bytes = d->n_events * d->n_electrodes * n_times * (int64_t)w->encode->precision;
  return (chi_responses){.n_events = d->n_events,
                         .n_electrodes = d->n_electrodes,
                         .n_times = n_times,
                         .real = w->encode->precision,
                         .y = slot,
                         .missing = (const uint8_t *)slot + bytes};
}

/* Name the electrodes whose responses hold a NaN or Inf, the first few of them. */
static void warn_missing(const chi_response_supply *w, int32_t dataset, const chi_responses *r)
{
  const chi_dataset *d = &w->study->datasets[dataset];
  int64_t named = 0, more = 0;
  for (int64_t e = 0; e < r->n_electrodes; e++) {
    int64_t bins = 0;
    for (int64_t b = 0; b < r->n_times; b++) bins += r->missing[e * r->n_times + b];
    if (bins == 0) continue;
    if (named == ELECTRODES_NAMED) {
      more++;
      continue;
    }
    named++;
    chi_log(CHI_LOG_WARNING,
            "%s: electrode %s: NaN or Inf in %lld of %lld bins; their scores will be NaN", d->path,
            d->electrode[e], (long long)bins, (long long)r->n_times);
  }
  if (more > 0)
    chi_log(CHI_LOG_WARNING, "%s: NaN or Inf in %lld more electrodes", d->path, (long long)more);
}

static chi_status fill_slot(void *context, int64_t key, void *slot)
{
  chi_response_supply *w = context;
  const int32_t dataset = (int32_t)key;
  const chi_responses r = responses_in(w, dataset, slot);
  CHI_TRY(chi_study_read_responses(w->study, dataset, 0, r.n_events, r.real, slot));
  chi_responses_prepare(r.n_events, r.n_electrodes * r.n_times, r.real, w->encode->threads, slot,
                        (uint8_t *)slot + ((const char *)r.missing - (const char *)slot));
  if (!w->warned[dataset]) warn_missing(w, dataset, &r);
  w->warned[dataset] = true;
  return CHI_OK;
}

/* Where no shared memory could be had, every rank has a copy: does that fit too? */
static chi_status check_copies(const chi_room *room, int64_t bytes)
{
  const int64_t ranks = room->ranks * chi_room_rank(room);
  if (bytes <= room->slots * room->slot || bytes <= room->limit - ranks) return CHI_OK;
  char need[32], limit[32];
  chi_bytes_text(bytes + ranks, need, sizeof need);
  chi_bytes_text(room->limit, limit, sizeof limit);
  return chi_fail(CHI_ERR_USAGE,
                  "the ranks of this node cannot share the responses, since /dev/shm is too small, "
                  "and copies for each take %s of memory where %s are there: use fewer ranks with "
                  "more --threads, or enlarge /dev/shm",
                  need, limit);
}

chi_status chi_response_supply_start(MPI_Comm comm, const chi_study *study,
                                     const chi_encode_options *encode, const chi_room *room,
                                     chi_response_supply *supply)
{
  *supply = (chi_response_supply){.study = study, .encode = encode, .held = -1};
  CHI_TRY(chi_node_cache_create(comm, (int32_t)room->slots, room->slot, &supply->cache));
  chi_status s = check_copies(room, chi_node_cache_bytes(supply->cache));
  if (s == CHI_OK)
    s = chi_alloc(study->n_datasets, sizeof *supply->warned, "flags", &supply->warned);
  if (s == CHI_OK)
    s = chi_alloc(room->gathered, 1, "responses of a layer's electrodes", &supply->copy);
  return chi_agree(comm, s);
}

void chi_response_supply_end(chi_response_supply *supply)
{
  chi_node_cache_destroy(&supply->cache);
  chi_free(supply->warned);
  chi_free(supply->copy);
  *supply = (chi_response_supply){0};
}

chi_status chi_response_supply_borrow(chi_response_supply *supply, int32_t dataset,
                                      chi_responses *responses)
{
  const void *slot;
  CHI_TRY(chi_node_cache_borrow(supply->cache, dataset, fill_slot, supply, &slot));
  supply->held = dataset;
  *responses = responses_in(supply, dataset, slot);
  return CHI_OK;
}

void chi_response_supply_return(chi_response_supply *supply)
{
  if (supply->held >= 0) chi_node_cache_return(supply->cache, supply->held);
  supply->held = -1;
}

static void copy_picked(const chi_responses *all, const chi_picked *picked, void *copy,
                        chi_responses *out)
{
  const int64_t bytes = all->n_times * (int64_t)all->real, n = picked->n;
  char *y = copy, *missing = y + all->n_events * n * bytes;
  for (int64_t i = 0; i < all->n_events; i++)
    for (int64_t k = 0; k < n; k++)
      memcpy(y + (i * n + k) * bytes,
             (const char *)all->y + (i * all->n_electrodes + picked->electrode[k]) * bytes,
             (size_t)bytes);
  for (int64_t k = 0; k < n; k++)
    memcpy(missing + k * all->n_times, all->missing + picked->electrode[k] * all->n_times,
           (size_t)all->n_times);
  *out = *all;
  out->n_electrodes = n;
  out->y = y;
  out->missing = (const uint8_t *)missing;
}

chi_status chi_response_supply_gather(chi_response_supply *supply, int32_t dataset,
                                      const chi_picked *picked, chi_responses *responses)
{
  if (supply->gathered != picked) {
    chi_responses all;
    supply->gathered = NULL;
    CHI_TRY(chi_response_supply_borrow(supply, dataset, &all));
    copy_picked(&all, picked, supply->copy, &supply->picked);
    chi_response_supply_return(supply);
    supply->gathered = picked;
  }
  *responses = supply->picked;
  return CHI_OK;
}
