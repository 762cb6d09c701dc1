#include "fit/room.h"

#include <stdio.h>

#include "base/agree.h"
#include "base/memory.h"
#include "fit/plan.h"

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

void chi_fit_room_need(const chi_study *study, const chi_encode_options *encode,
                       const uint8_t *real, chi_fit_room *room)
{
  *room = (chi_fit_room){0};
  for (int32_t i = 0; i < study->n_datasets; i++) {
    const chi_dataset *d = &study->datasets[i];
    const chi_alignment *a = &study->alignments[d->alignment];
    const int64_t targets = times(d->n_electrodes, a->n_times);
    const int64_t responses = times(times(d->n_events, targets), encode->precision);
    room->slot = most(room->slot, plus(responses, targets));
    room->scores = most(room->scores, times(targets, 3 * (int64_t)sizeof(float)));
    for (int64_t f = 0; f < a->n_spaces; f++) {
      const int64_t p = a->space[f].n_features[d->subject_index];
      if (p == 0) continue;
      const int64_t layer = chi_fit_layer(study, d->alignment, f, d->subject_index);
      room->features = most(room->features, times(times(d->n_events, p), real[layer]));
      const chi_encode_plan plan =
          chi_encode_make_plan(encode, d->n_events, p, d->n_electrodes, a->n_times);
      room->encoder = most(room->encoder, plan.bytes);
    }
  }
}

int64_t chi_fit_room_rank(const chi_fit_room *room)
{
  const int64_t work = plus(room->encoder, plus(times(2, room->features), room->scores));
  return plus(room->program, work);
}

static int64_t node_with(const chi_fit_room *room, int64_t ranks, int64_t slots)
{
  return plus(times(ranks, chi_fit_room_rank(room)), times(slots, room->slot));
}

int64_t chi_fit_room_node(const chi_fit_room *room)
{
  return node_with(room, room->ranks, room->slots);
}

void chi_fit_bytes_text(int64_t bytes, char *text, size_t n)
{
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = (double)bytes;
  int u = 0;
  for (; value >= 1024 && u < 5; u++) value /= 1024;
  snprintf(text, n, u == 0 ? "%.0f %s" : "%.1f %s", value, units[u]);
}

void chi_fit_room_text(const chi_fit_room *room, char *text, size_t n)
{
  char rank[32], encoder[32], features[32], slot[32], node[32];
  chi_fit_bytes_text(chi_fit_room_rank(room), rank, sizeof rank);
  chi_fit_bytes_text(room->encoder, encoder, sizeof encoder);
  chi_fit_bytes_text(times(2, room->features), features, sizeof features);
  chi_fit_bytes_text(room->slot, slot, sizeof slot);
  chi_fit_bytes_text(chi_fit_room_node(room), node, sizeof node);
  snprintf(text, n,
           "%s a rank (%s of work space, %s for the features of two layers), and %s for the "
           "responses of each recording, %lld at a time: %s for a node with %lld of the ranks",
           rank, encoder, features, slot, (long long)room->slots, node, (long long)room->ranks);
}

/* What would make room: the first single change that does, in the order of what it costs the user.
 */
static void advise(const chi_study *study, const chi_encode_options *encode, const uint8_t *real,
                   int64_t memory_per_rank, const chi_fit_room *room, char *text, size_t n)
{
  chi_fit_room other;
  chi_encode_options change = *encode;
  const int64_t need = node_with(room, room->ranks, 1);
  if (memory_per_rank > 0 && need <= chi_memory_available()) {
    snprintf(text, n, "--memory-per-rank %lldM would do",
             (long long)((need / room->ranks >> 20) + 1));
    return;
  }
  change.threads = 1;
  chi_fit_room_need(study, &change, real, &other);
  other.program = room->program;
  if (encode->threads > 1 && node_with(&other, room->ranks, 1) <= room->limit) {
    snprintf(text, n, "--threads 1 would fit");
    return;
  }
  change = *encode;
  change.precision = CHI_REAL32;
  chi_fit_room_need(study, &change, real, &other);
  other.program = room->program;
  if (encode->precision == CHI_REAL64 && node_with(&other, room->ranks, 1) <= room->limit) {
    snprintf(text, n, "--precision mixed would fit");
    return;
  }
  const int64_t spare = room->limit - room->slot;
  const int64_t ranks = spare > 0 ? spare / chi_fit_room_rank(room) : 0;
  if (memory_per_rank == 0 && ranks > 0)
    snprintf(text, n, "%lld ranks on a node would fit", (long long)ranks);
  else
    snprintf(text, n, "leave out the largest layers (--layers) or use a node with more memory");
}

chi_status chi_fit_room_fit(const chi_study *study, const chi_encode_options *encode,
                            const uint8_t *real, int64_t memory_per_rank, chi_fit_room *room)
{
  const int64_t spare = room->limit - node_with(room, room->ranks, 0);
  room->slots = least(study->n_datasets, room->ranks);
  if (room->slot > 0) room->slots = least(room->slots, spare < 0 ? 0 : spare / room->slot);
  if (room->slots >= 1) return CHI_OK;
  room->slots = 1;
  char sizes[512], limit[32], advice[128];
  chi_fit_room_text(room, sizes, sizeof sizes);
  chi_fit_bytes_text(room->limit, limit, sizeof limit);
  advise(study, encode, real, memory_per_rank, room, advice, sizeof advice);
  return chi_fail(CHI_ERR_USAGE,
                  "the fit does not fit into memory: it needs %s, and may take %s%s; %s", sizes,
                  limit, memory_per_rank > 0 ? " by --memory-per-rank" : "", advice);
}

chi_status chi_fit_room_plan(MPI_Comm comm, const chi_study *study,
                             const chi_encode_options *encode, const uint8_t *real,
                             int64_t memory_per_rank, chi_fit_room *room)
{
  MPI_Comm node;
  int ranks;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &ranks);
  chi_fit_room_need(study, encode, real, room);
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
  const chi_status s = chi_fit_room_fit(study, encode, real, memory_per_rank, room);
  CHI_TRY(chi_agree(comm, s));
  MPI_Allreduce(MPI_IN_PLACE, &room->slots, 1, MPI_INT64_T, MPI_MIN, comm);
  return CHI_OK;
}
