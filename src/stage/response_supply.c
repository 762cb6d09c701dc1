#include "stage/response_supply.h"

#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

enum { ELECTRODES_NAMED = 5 };

/* A block of memory (as room.c plans it) with the responses of n electrodes, n_wide of them
 * once more in float64, which stand first, and at last a byte per target that says whether it is
 * missing. */
static chi_responses responses_in(const chi_response_supply *w, int32_t dataset, int64_t n,
                                  int64_t n_wide, const int64_t *wide, const void *block)
{
  const chi_dataset *d = &w->study->datasets[dataset];
  const int64_t n_times = w->study->alignments[d->alignment].n_times;
  const double *wide_y = block;
  const void *y = wide_y + d->n_events * n_wide * n_times;
  const int64_t bytes = d->n_events * n * n_times * (int64_t)w->encode->precision;
  return (chi_responses){.n_events = d->n_events,
                         .n_electrodes = n,
                         .n_times = n_times,
                         .real = w->encode->precision,
                         .y = y,
                         .missing = (const uint8_t *)y + bytes,
                         .n_wide = n_wide,
                         .wide = wide,
                         .wide_y = wide_y};
}

static chi_responses responses_of(const chi_response_supply *w, int32_t dataset, const void *slot)
{
  const chi_wide *wide = &w->wide[dataset];
  return responses_in(w, dataset, w->study->datasets[dataset].n_electrodes, wide->n,
                      wide->electrode, slot);
}

/* Name the electrodes whose responses hold a NaN or Inf, the first few of them. */
static void warn_missing(const chi_response_supply *w, int32_t dataset, const chi_responses *r)
{
  const chi_dataset *d = &w->study->datasets[dataset];
  chi_text names = {0};
  int64_t n = 0, targets = 0;
  for (int64_t e = 0; e < r->n_electrodes; e++) {
    int64_t bins = 0;
    for (int64_t b = 0; b < r->n_times; b++) bins += r->missing[e * r->n_times + b];
    targets += bins;
    if (bins > 0 && n++ < ELECTRODES_NAMED)
      chi_text_add(&names, "%s%s", n == 1 ? "" : ", ", d->electrode[e]);
  }
  if (n > 0 && names.s != NULL)
    chi_log(CHI_LOG_WARNING,
            "%s: NaN or Inf in electrodes: %lld (%s%s); the scores of %lld targets will be NaN",
            d->path, (long long)n, names.s, n > ELECTRODES_NAMED ? ", ..." : "",
            (long long)targets);
  chi_text_free(&names);
}

/* Read the wide electrodes' float64 copies; what is missing is what is missing there. */
static chi_status fill_wide(const chi_response_supply *w, int32_t dataset, const chi_responses *r,
                            double *wide_y, uint8_t *missing)
{
  uint8_t *of_wide = NULL;
  if (r->n_wide == 0) return CHI_OK;
  CHI_TRY(chi_study_read_electrodes(w->study, dataset, r->n_wide, r->wide, wide_y));
  CHI_TRY(chi_alloc(r->n_wide * r->n_times, 1, "missing targets", &of_wide));
  chi_responses_prepare(r->n_events, r->n_wide * r->n_times, CHI_REAL64, w->encode->threads, wide_y,
                        of_wide);
  for (int64_t k = 0; k < r->n_wide; k++)
    memcpy(missing + r->wide[k] * r->n_times, of_wide + k * r->n_times, (size_t)r->n_times);
  chi_free(of_wide);
  return CHI_OK;
}

static chi_status fill_slot(void *context, int64_t key, void *slot)
{
  chi_response_supply *w = context;
  const int32_t dataset = (int32_t)key;
  const chi_responses r = responses_of(w, dataset, slot);
  char *y = (char *)slot + ((const char *)r.y - (const char *)slot);
  uint8_t *missing = (uint8_t *)slot + ((const char *)r.missing - (const char *)slot);
  CHI_TRY(chi_study_read_responses(w->study, dataset, 0, r.n_events, r.real, y));
  chi_responses_prepare(r.n_events, r.n_electrodes * r.n_times, r.real, w->encode->threads, y,
                        missing);
  CHI_TRY(fill_wide(w, dataset, &r, slot, missing));
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
                                     const chi_wide *wide, chi_response_supply *supply)
{
  *supply = (chi_response_supply){.study = study, .encode = encode, .wide = wide, .held = -1};
  int64_t most_wide = 0;
  for (int32_t i = 0; i < study->n_datasets; i++)
    if (wide[i].n > most_wide) most_wide = wide[i].n;
  CHI_TRY(chi_node_cache_create(comm, (int32_t)room->slots, room->slot, &supply->cache));
  chi_status s = check_copies(room, chi_node_cache_bytes(supply->cache));
  if (s == CHI_OK)
    s = chi_alloc(study->n_datasets, sizeof *supply->warned, "flags", &supply->warned);
  if (s == CHI_OK)
    s = chi_alloc(room->gathered, 1, "responses of a layer's electrodes", &supply->copy);
  if (s == CHI_OK)
    s = chi_alloc(most_wide, sizeof *supply->wide_picked, "electrodes", &supply->wide_picked);
  return chi_agree(comm, s);
}

void chi_response_supply_end(chi_response_supply *supply)
{
  chi_node_cache_destroy(&supply->cache);
  chi_free(supply->warned);
  chi_free(supply->copy);
  chi_free(supply->wide_picked);
  *supply = (chi_response_supply){0};
}

chi_status chi_response_supply_borrow(chi_response_supply *supply, int32_t dataset,
                                      chi_responses *responses)
{
  const void *slot;
  CHI_TRY(chi_node_cache_borrow(supply->cache, dataset, fill_slot, supply, &slot));
  supply->held = dataset;
  *responses = responses_of(supply, dataset, slot);
  return CHI_OK;
}

void chi_response_supply_return(chi_response_supply *supply)
{
  if (supply->held >= 0) chi_node_cache_return(supply->cache, supply->held);
  supply->held = -1;
}

/* Copy n electrodes of n_from, each of `bytes` in a row, together in every row. */
static void copy_columns(int64_t rows, int64_t n, const int64_t *electrode, int64_t bytes,
                         const void *from, int64_t n_from, void *to)
{
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = 0; k < n; k++)
      memcpy((char *)to + (i * n + k) * bytes,
             (const char *)from + (i * n_from + electrode[k]) * bytes, (size_t)bytes);
}

/* Which of the picked electrodes are wide: their places among those picked to `wide`, and among the
 * wide ones to `from`. \return how many */
static int64_t pick_wide(const chi_responses *all, const chi_picked *picked, int64_t *wide,
                         int64_t *from)
{
  int64_t n = 0;
  for (int64_t k = 0, w = 0; k < picked->n; k++) {
    while (w < all->n_wide && all->wide[w] < picked->electrode[k]) w++;
    if (w == all->n_wide || all->wide[w] != picked->electrode[k]) continue;
    wide[n] = k;
    from[n++] = w;
  }
  return n;
}

static chi_status copy_picked(chi_response_supply *supply, int32_t dataset,
                              const chi_responses *all, const chi_picked *picked)
{
  int64_t *from = NULL;
  CHI_TRY(chi_alloc(all->n_wide, sizeof *from, "electrodes", &from));
  const int64_t n = picked->n, n_wide = pick_wide(all, picked, supply->wide_picked, from);
  const chi_responses r =
      responses_in(supply, dataset, n, n_wide, supply->wide_picked, supply->copy);
  char *copy = supply->copy;
  char *y = copy + ((const char *)r.y - copy), *missing = copy + ((const char *)r.missing - copy);
  copy_columns(r.n_events, n_wide, from, r.n_times * (int64_t)sizeof(double), all->wide_y,
               all->n_wide, copy);
  copy_columns(r.n_events, n, picked->electrode, r.n_times * (int64_t)r.real, all->y,
               all->n_electrodes, y);
  copy_columns(1, n, picked->electrode, r.n_times, all->missing, all->n_electrodes, missing);
  supply->picked = r;
  chi_free(from);
  return CHI_OK;
}

chi_status chi_response_supply_gather(chi_response_supply *supply, int32_t dataset,
                                      const chi_picked *picked, chi_responses *responses)
{
  if (supply->gathered != picked) {
    chi_responses all;
    supply->gathered = NULL;
    CHI_TRY(chi_response_supply_borrow(supply, dataset, &all));
    const chi_status s = copy_picked(supply, dataset, &all, picked);
    chi_response_supply_return(supply);
    CHI_TRY(s);
    supply->gathered = picked;
  }
  *responses = supply->picked;
  return CHI_OK;
}
