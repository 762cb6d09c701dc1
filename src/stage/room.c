#include "stage/room.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/memory.h"
#include "base/text.h"
#include "chiasm/run.h"
#include "linalg/kernel.h"

/* MPI and HDF5; of a thread its stack, and what malloc keeps for it. */
enum { OTHERS_FILL = 8 << 20, OTHERS_MAP = 32 << 20, THREAD_MAPS = (8 << 20) + (64 << 20) };

/* Products and sums that stay at INT64_MAX instead of overflowing. */
static int64_t times(int64_t a, int64_t b)
{
  int64_t c;
  return __builtin_mul_overflow(a, b, &c) ? INT64_MAX : c;
}

static int64_t plus(int64_t a, int64_t b)
{
  int64_t c;
  return __builtin_add_overflow(a, b, &c) ? INT64_MAX : c;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t wide_of(const chi_room_demand *demand, int32_t dataset)
{
  return demand->wide == NULL ? 0 : demand->wide[dataset].n;
}

/* The responses of electrodes of a dataset, `wide` of them in float64 as well, and which of their
 * targets are missing. */
static int64_t responses_bytes(const chi_room_demand *demand, const chi_dataset *d,
                               int64_t electrodes, int64_t wide)
{
  const int64_t n_times = demand->study->alignments[d->alignment].n_times;
  const int64_t narrow = times(electrodes, demand->encode->precision), exact = times(wide, 8);
  return plus(times(times(d->n_events, n_times), plus(narrow, exact)), times(electrodes, n_times));
}

static void take_plan(const chi_encode_plan *plan, int64_t wide, chi_room *room)
{
  room->encoder = most(room->encoder, plan->bytes);
  if (wide > 0) room->encoder = most(room->encoder, plan->bytes_wide);
}

/* What the work space of `electrodes` of a layer takes, and the numbers that come of a target. */
static int64_t add_encoder(const chi_room_demand *demand, const chi_layer *layer,
                           int64_t electrodes, chi_room *room)
{
  const chi_dataset *d = &demand->study->datasets[layer->dataset];
  const int64_t n_times = demand->study->alignments[layer->alignment].n_times;
  const int64_t wide = wide_of(demand, layer->dataset);
  if (demand->blocks != NULL) {
    const int32_t blocks = demand->blocks[layer->dataset];
    const chi_encode_plan plan =
        chi_influence_make_plan(demand->encode, demand->residual, d->n_events, blocks,
                                layer->n_features, electrodes, n_times);
    take_plan(&plan, wide, room);
    return 1 + 2 * (int64_t)blocks;
  }
  /* A replicate has about 0.63 of the events as rows, so another route may be the cheapest. */
  const int64_t least_events = demand->replicates > 0 ? d->n_events - d->n_events / 2 : d->n_events;
  for (int64_t n = d->n_events; n >= least_events; n -= d->n_events / 8 + 1) {
    const chi_encode_plan plan =
        chi_encode_make_plan(demand->encode, n, layer->n_features, electrodes, n_times);
    take_plan(&plan, wide, room);
  }
  return 3 + 2 * (int64_t)demand->replicates;
}

/* What `electrodes` of a dataset on one layer add to a rank's needs. */
static void add_layer(const chi_room_demand *demand, const chi_layer *layer, int64_t electrodes,
                      chi_room *room)
{
  const chi_dataset *d = &demand->study->datasets[layer->dataset];
  const chi_alignment *a = &demand->study->alignments[layer->alignment];
  const int64_t wide = wide_of(demand, layer->dataset), number = (int64_t)sizeof(float);
  int64_t numbers =
      times(times(electrodes, a->n_times), add_encoder(demand, layer, electrodes, room));
  if (demand->blocks != NULL) /* the fit's scores of the layer */
    numbers = plus(numbers, times(CHI_N_SCORES, times(a->n_sites, a->n_times)));
  room->scores = most(room->scores, times(numbers, number));
  if (demand->picked != NULL)
    room->gathered =
        most(room->gathered, responses_bytes(demand, d, electrodes, least(wide, electrodes)));
}

void chi_room_need(const chi_room_demand *demand, chi_room *room)
{
  const chi_study *study = demand->study;
  const int64_t threads = most(1, demand->encode->threads);
  *room = (chi_room){
      .libraries = plus(OTHERS_FILL, times(threads, CHI_BLAS_FILLS)),
      /* and one thread that reads ahead */
      .mapped = plus(plus(OTHERS_MAP, THREAD_MAPS), times(threads, CHI_BLAS_MAPS + THREAD_MAPS))};
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_alignment *a = &study->alignments[d->alignment];
    room->slot = most(room->slot, responses_bytes(demand, d, d->n_electrodes, wide_of(demand, i)));
    for (int64_t f = 0; f < a->n_spaces; f++) {
      const chi_layer layer = chi_layer_of(study, i, f);
      const int64_t electrodes =
          demand->picked == NULL ? d->n_electrodes : demand->picked[layer.number].n;
      if (layer.n_features == 0 || electrodes == 0) continue;
      room->features = most(
          room->features, times(times(d->n_events, layer.n_features), demand->real[layer.number]));
      add_layer(demand, &layer, electrodes, room);
    }
  }
}

/* What a rank allocates for the fits. */
static int64_t work_of(const chi_room *room)
{
  return plus(room->encoder, plus(times(2, room->features), plus(room->scores, room->gathered)));
}

int64_t chi_room_rank(const chi_room *room)
{
  return plus(plus(room->program, room->libraries), work_of(room));
}

static int64_t node_with(const chi_room *room, int64_t ranks, int64_t slots)
{
  return plus(times(ranks, chi_room_rank(room)), times(slots, room->slot));
}

int64_t chi_room_node(const chi_room *room) { return node_with(room, room->ranks, room->slots); }

void chi_room_text(const chi_room *room, char *text, size_t n)
{
  char rank[32], encoder[32], features[32], libraries[32], slot[32], node[32];
  chi_bytes_text(chi_room_rank(room), rank, sizeof rank);
  chi_bytes_text(room->encoder, encoder, sizeof encoder);
  chi_bytes_text(times(2, room->features), features, sizeof features);
  chi_bytes_text(room->libraries, libraries, sizeof libraries);
  chi_bytes_text(room->slot, slot, sizeof slot);
  chi_bytes_text(chi_room_node(room), node, sizeof node);
  snprintf(text, n,
           "%s a rank (%s of work space, %s for the features of two layers, %s for libraries), and "
           "%s for the responses of each recording, %lld at a time: %s for a node with %lld of the "
           "ranks",
           rank, encoder, features, libraries, slot, (long long)room->slots, node,
           (long long)room->ranks);
}

/* Whether the demand would fit with other options of the fits. */
static bool would_fit(const chi_room_demand *demand, chi_encode_options encode,
                      const chi_room *room)
{
  chi_room other;
  chi_room_demand changed = *demand;
  changed.encode = &encode;
  chi_room_need(&changed, &other);
  other.program = room->program;
  return node_with(&other, room->ranks, 1) <= room->limit;
}

/* What would make room: the first single change that does, in the order of what it costs the user.
 */
static void advise(const chi_room_demand *demand, int64_t memory_per_rank, const chi_room *room,
                   char *text, size_t n)
{
  chi_encode_options one_thread = *demand->encode, mixed = *demand->encode;
  one_thread.threads = 1;
  mixed.precision = CHI_REAL32;
  const int64_t need = node_with(room, room->ranks, 1), spare = room->limit - room->slot;
  const int64_t ranks = spare > 0 ? spare / chi_room_rank(room) : 0;
  if (memory_per_rank > 0 && need <= chi_memory_available())
    snprintf(text, n, "--memory-per-rank %lldM would do",
             (long long)((need / room->ranks >> 20) + 1));
  else if (demand->encode->threads > 1 && would_fit(demand, one_thread, room))
    snprintf(text, n, "--threads 1 would fit");
  else if (demand->encode->precision == CHI_REAL64 && would_fit(demand, mixed, room))
    snprintf(text, n, "--precision mixed would fit");
  else if (memory_per_rank == 0 && ranks > 0)
    snprintf(text, n, "%lld ranks on a node would fit", (long long)ranks);
  else
    snprintf(text, n, "leave out the largest layers (--layers) or use a node with more memory");
}

chi_status chi_room_fit(const chi_room_demand *demand, int64_t memory_per_rank, chi_room *room)
{
  const int64_t spare = room->limit - node_with(room, room->ranks, 0);
  room->slots = least(demand->study->n_datasets, room->ranks);
  if (room->slot > 0) room->slots = least(room->slots, spare < 0 ? 0 : spare / room->slot);
  if (room->slots >= 1) return CHI_OK;
  room->slots = 1;
  char sizes[512], limit[32], advice[128];
  chi_room_text(room, sizes, sizeof sizes);
  chi_bytes_text(room->limit, limit, sizeof limit);
  advise(demand, memory_per_rank, room, advice, sizeof advice);
  return chi_fail(CHI_ERR_USAGE,
                  "the fits do not fit into memory: they need %s, and may take %s%s; %s", sizes,
                  limit, memory_per_rank > 0 ? " by --memory-per-rank" : "", advice);
}

static int64_t maps_of(const chi_room *room, int64_t slots)
{
  return plus(plus(work_of(room), room->mapped), times(slots, room->slot));
}

/* Fewer slots where this rank may not map them all. */
static chi_status fit_space(const chi_room_demand *demand, chi_room *room)
{
  while (room->slots > 1 && !chi_memory_may_map(maps_of(room, room->slots))) room->slots--;
  if (chi_memory_may_map(maps_of(room, room->slots))) return CHI_OK;
  char need[32], mapped[32], limit[128];
  chi_bytes_text(maps_of(room, 1), need, sizeof need);
  chi_bytes_text(room->mapped, mapped, sizeof mapped);
  chi_memory_limit_text(limit, sizeof limit);
  return chi_fail(CHI_ERR_USAGE,
                  "the address space is too small for the fits: a rank takes %s more, %s of it for "
                  "BLAS and other libraries, and %s; raise that limit%s",
                  need, mapped, limit,
                  demand->encode->threads > 1 ? ", or take fewer --threads" : "");
}

chi_status chi_room_plan(MPI_Comm comm, const chi_room_demand *demand, int64_t memory_per_rank,
                         chi_room *room)
{
  MPI_Comm node;
  int ranks;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &ranks);
  chi_room_need(demand, room);
  /* Every rank sees the memory of its node at another moment: take the least. */
  int64_t available = chi_memory_available(), program = chi_memory_peak();
  MPI_Allreduce(MPI_IN_PLACE, &available, 1, MPI_INT64_T, MPI_MIN, node);
  MPI_Allreduce(MPI_IN_PLACE, &program, 1, MPI_INT64_T, MPI_MAX, node);
  MPI_Comm_free(&node);
  room->ranks = ranks;
  room->program = program;
  /* What the ranks hold already is no longer available; the system keeps a twentieth. */
  room->limit = plus(available - available / 20, times(ranks, program));
  if (memory_per_rank > 0) room->limit = least(room->limit, times(ranks, memory_per_rank));
  chi_status s = chi_room_fit(demand, memory_per_rank, room);
  if (s == CHI_OK) s = fit_space(demand, room);
  CHI_TRY(chi_agree(comm, s));
  MPI_Allreduce(MPI_IN_PLACE, &room->slots, 1, MPI_INT64_T, MPI_MIN, comm);
  return CHI_OK;
}
