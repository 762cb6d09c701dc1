#include "sweep/policy.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* A group or a layer: work that ranks share. A group's items are layers, a layer's are units. */
typedef struct share {
  int64_t begin, end; /* its items: of policy->layers for a group, of policy->order for a layer */
  int64_t next;       /* its first item that nobody has had */
  int64_t units_left;
  double cost_left;
  int64_t ranks; /* how many are on it */
  int64_t at;    /* its place in its heap */
} share;

/* Shares by cost left per rank, most first: a binary heap of indices into `all`. */
typedef struct heap {
  share *all;
  int64_t *item;
  int64_t n;
} heap;

struct chi_policy {
  const chi_unit *units;
  int64_t left;
  double cost_left;
  int64_t *order; /* units by group, layer, cost */
  int64_t n_layers, n_groups;
  share *layers, *groups; /* the dearest groups first, and in each the dearest layers first */
  heap unfinished;        /* groups with units left */
  heap *begun;            /* per group: its layers with units left that some rank has had */
  int64_t *group_room, *layer_room; /* what the heaps are made of */
  int64_t *rank_group, *rank_layer; /* where each rank is; -1: nowhere */
};

/* What a rank that joined would find for itself. */
static double cost_per_rank(const share *s) { return s->cost_left / (double)(s->ranks + 1); }

static bool comes_first(const heap *h, int64_t a, int64_t b)
{
  const double x = cost_per_rank(&h->all[a]), y = cost_per_rank(&h->all[b]);
  return x > y || (!(x < y) && a < b);
}

static void heap_put(heap *h, int64_t at, int64_t item)
{
  h->item[at] = item;
  h->all[item].at = at;
}

/* Move the item at a place whose cost or ranks have changed to where it belongs. */
static void heap_settle(heap *h, int64_t at)
{
  const int64_t item = h->item[at];
  for (int64_t up = (at - 1) / 2; at > 0 && comes_first(h, item, h->item[up]); up = (at - 1) / 2) {
    heap_put(h, at, h->item[up]);
    at = up;
  }
  for (int64_t down = 2 * at + 1; down < h->n; down = 2 * at + 1) {
    if (down + 1 < h->n && comes_first(h, h->item[down + 1], h->item[down])) down++;
    if (!comes_first(h, h->item[down], item)) break;
    heap_put(h, at, h->item[down]);
    at = down;
  }
  heap_put(h, at, item);
}

static void heap_add(heap *h, int64_t item)
{
  heap_put(h, h->n++, item);
  heap_settle(h, h->n - 1);
}

static void heap_remove(heap *h, int64_t item)
{
  const int64_t at = h->all[item].at;
  const int64_t last = h->item[--h->n];
  if (last == item) return;
  heap_put(h, at, last);
  heap_settle(h, at);
}

/* By group, layer and falling cost. */
static int compare_units(const void *a, const void *b, void *policy)
{
  const int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
  const chi_unit *units = ((const chi_policy *)policy)->units, *x = units + i, *y = units + j;
  if (x->group != y->group) return x->group < y->group ? -1 : 1;
  if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
  if (x->cost < y->cost || x->cost > y->cost) return x->cost > y->cost ? -1 : 1;
  return i < j ? -1 : 1;
}

static int compare_shares(const void *a, const void *b)
{
  const share *x = a, *y = b;
  if (x->cost_left < y->cost_left || x->cost_left > y->cost_left)
    return x->cost_left > y->cost_left ? -1 : 1;
  return x->begin < y->begin ? -1 : 1;
}

/* Whether the unit at a place of the order is the first of its group, of its layer. */
static bool starts_group(const chi_policy *p, int64_t i)
{
  return i == 0 || p->units[p->order[i]].group != p->units[p->order[i - 1]].group;
}
static bool starts_layer(const chi_policy *p, int64_t i)
{
  return starts_group(p, i) || p->units[p->order[i]].layer != p->units[p->order[i - 1]].layer;
}

/* Put the units in order, and make room for what they come to. */
static chi_status allocate(chi_policy *p, int64_t n, int32_t n_ranks)
{
  CHI_TRY(chi_alloc(n, sizeof *p->order, "units", &p->order));
  for (int64_t i = 0; i < n; i++) p->order[i] = i;
  qsort_r(p->order, (size_t)n, sizeof *p->order, compare_units, p);
  for (int64_t i = 0; i < n; i++) {
    p->n_groups += starts_group(p, i);
    p->n_layers += starts_layer(p, i);
  }
  CHI_TRY(chi_alloc(p->n_layers, sizeof *p->layers, "layers of units", &p->layers));
  CHI_TRY(chi_alloc(p->n_groups, sizeof *p->groups, "groups of units", &p->groups));
  CHI_TRY(chi_alloc(p->n_groups, sizeof *p->begun, "groups of units", &p->begun));
  CHI_TRY(chi_alloc(p->n_groups, sizeof *p->group_room, "groups of units", &p->group_room));
  CHI_TRY(chi_alloc(p->n_layers, sizeof *p->layer_room, "layers of units", &p->layer_room));
  CHI_TRY(chi_alloc(n_ranks, sizeof *p->rank_group, "ranks", &p->rank_group));
  return chi_alloc(n_ranks, sizeof *p->rank_layer, "ranks", &p->rank_layer);
}

/* Cut the sorted units into layers and these into groups, and put the dearest first. */
static void fill_shares(chi_policy *p, int64_t n)
{
  share *layer = p->layers - 1, *group = p->groups - 1;
  for (int64_t i = 0; i < n; i++) {
    if (starts_layer(p, i)) {
      layer++;
      layer->begin = layer->next = i;
    }
    if (starts_group(p, i)) {
      group++;
      group->begin = group->next = layer - p->layers;
    }
    const double cost = p->units[p->order[i]].cost;
    layer->end = i + 1;
    group->end = layer - p->layers + 1;
    layer->units_left++;
    group->units_left++;
    layer->cost_left += cost;
    group->cost_left += cost;
    p->cost_left += cost;
  }
  p->left = n;
  for (int64_t g = 0; g < p->n_groups; g++)
    qsort(p->layers + p->groups[g].begin, (size_t)(p->groups[g].end - p->groups[g].begin),
          sizeof *p->layers, compare_shares);
  qsort(p->groups, (size_t)p->n_groups, sizeof *p->groups, compare_shares);
}

/* Where each rank begins: as many ranks on a group as its cost calls for, and neighbours together,
 * since they mostly share a node and its copy of the responses. */
static void place_ranks(chi_policy *p, int32_t n_ranks)
{
  p->unfinished = (heap){p->groups, p->group_room, 0};
  for (int64_t g = 0; g < p->n_groups; g++) {
    p->begun[g] = (heap){p->layers, p->layer_room + p->groups[g].begin, 0};
    heap_add(&p->unfinished, g);
  }
  for (int32_t r = 0; r < n_ranks && p->n_groups > 0; r++) {
    p->groups[p->unfinished.item[0]].ranks++;
    heap_settle(&p->unfinished, 0);
  }
  int64_t g = 0, used = 0;
  for (int32_t r = 0; r < n_ranks; r++) {
    while (g < p->n_groups && used == p->groups[g].ranks) {
      g++;
      used = 0;
    }
    used++;
    p->rank_group[r] = g < p->n_groups ? g : -1;
    p->rank_layer[r] = -1;
  }
}

chi_status chi_policy_create(const chi_unit *units, int64_t n, int32_t n_ranks, chi_policy **out)
{
  chi_policy *p;
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof *p, "scheduling policy", &p));
  p->units = units;
  const chi_status s = allocate(p, n, n_ranks);
  if (s != CHI_OK) {
    chi_policy_destroy(&p);
    return s;
  }
  fill_shares(p, n);
  place_ranks(p, n_ranks);
  *out = p;
  return CHI_OK;
}

void chi_policy_destroy(chi_policy **policy)
{
  chi_policy *p = *policy;
  if (p == NULL) return;
  chi_free(p->order);
  chi_free(p->layers);
  chi_free(p->groups);
  chi_free(p->begun);
  chi_free(p->group_room);
  chi_free(p->layer_room);
  chi_free(p->rank_group);
  chi_free(p->rank_layer);
  chi_free(p);
  *policy = NULL;
}

/* A layer of the group that nobody has had; where there is none, one to share with others. */
static int64_t choose_layer(chi_policy *p, int64_t g)
{
  heap *begun = &p->begun[g];
  if (p->groups[g].next < p->groups[g].end) {
    const int64_t fresh = p->groups[g].next++;
    p->layers[fresh].ranks = 1;
    heap_add(begun, fresh);
    return fresh;
  }
  const int64_t shared = begun->item[0];
  p->layers[shared].ranks++;
  heap_settle(begun, 0);
  return shared;
}

static void take_unit(heap *h, int64_t i, double cost)
{
  share *s = &h->all[i];
  s->units_left--;
  s->cost_left = fmax(0, s->cost_left - cost); /* rounding must not make it negative */
  if (s->units_left == 0)
    heap_remove(h, i);
  else
    heap_settle(h, s->at);
}

int64_t chi_policy_next(chi_policy *policy, int32_t rank)
{
  chi_policy *p = policy;
  if (p->left == 0) return -1;
  int64_t g = p->rank_group[rank], l = p->rank_layer[rank];
  if (p->groups[g].units_left == 0) {
    g = p->rank_group[rank] = p->unfinished.item[0];
    p->groups[g].ranks++;
    l = -1;
  }
  if (l < 0 || p->layers[l].units_left == 0) l = p->rank_layer[rank] = choose_layer(p, g);
  const int64_t i = p->order[p->layers[l].next++];
  const double cost = p->units[i].cost;
  take_unit(&p->begun[g], l, cost);
  take_unit(&p->unfinished, g, cost);
  p->left--;
  p->cost_left = p->left == 0 ? 0 : fmax(0, p->cost_left - cost);
  return i;
}

int64_t chi_policy_left(const chi_policy *policy) { return policy->left; }
double chi_policy_cost_left(const chi_policy *policy) { return policy->cost_left; }
