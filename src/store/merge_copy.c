/* The parts' cells into a joined file. */
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/memory.h"
#include "store/internal.h"
#include "store/merge_internal.h"

enum { PIECE_BYTES = 4 << 20 };

/* Copying one file, piece by piece: some sites of one row, all their blocks. */
typedef struct copying {
  chi_merging *m;
  int file;
  const chi_content *content;
  chi_store *to;
  chi_box box; /* the piece, in the joined file */
  int64_t sites, n_blocks;
  float *data[CHI_SCHEMA_FIELDS]; /* what one part has of it */
  uint64_t *sum_read, *sum;       /* by cell: its checksum in that part, and of what is taken */
  uint8_t *state, *take;          /* CHI_DONE_* of what is taken; whether it is from this part */
  int *from;                      /* the part that it is taken from */
} copying;

static chi_status room_create(copying *c)
{
  const chi_record *r = &c->content->schema->record[0];
  const int64_t n_sites = c->content->group[c->box.group].length[CHI_SITE];
  c->n_blocks = chi_store_blocks(c->to, c->box.group, 0);
  c->box.n_blocks = c->n_blocks;
  c->box.n_sites = 1;
  const int64_t values = chi_box_values(c->to, &c->box);
  c->sites = 1 + PIECE_BYTES / ((int64_t)sizeof(float) * (values + 1));
  if (c->sites > n_sites) c->sites = n_sites;
  const int64_t cells = c->sites * c->n_blocks;
  for (int k = 0; k < r->n_data; k++)
    CHI_TRY(chi_alloc(c->sites * values, sizeof(float), r->noun, &c->data[k]));
  CHI_TRY(chi_alloc(cells, sizeof *c->sum_read, "checksums", &c->sum_read));
  CHI_TRY(chi_alloc(cells, sizeof *c->sum, "checksums", &c->sum));
  CHI_TRY(chi_alloc(cells, 1, "flags", &c->state));
  CHI_TRY(chi_alloc(cells, 1, "flags", &c->take));
  return chi_alloc(cells, sizeof *c->from, "runs", &c->from);
}

static void room_free(copying *c)
{
  for (int k = 0; k < CHI_SCHEMA_FIELDS; k++) chi_free(c->data[k]);
  void *cells[] = {c->sum_read, c->sum, c->state, c->take, c->from};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) chi_free(cells[i]);
}

/* The row that a part has for a row of the joined file; -1: none. */
static int64_t find_row(const copying *c, const chi_content *labels, int32_t group)
{
  const chi_group_content *g = &c->content->group[c->box.group];
  const int scale = chi_schema_scale(c->content->schema, CHI_ROW, c->content->variants);
  const char *wanted = ((char *const *)g->label[scale])[c->box.row];
  char *const *row = chi_content_names(labels, group, CHI_ROW);
  for (int64_t i = 0; i < labels->group[group].length[CHI_ROW]; i++)
    if (strcmp(row[i], wanted) == 0) return i;
  return -1;
}

/* Whether a part has the same there: of a bootstrap, the same layer. */
static bool same_place(const copying *c, const chi_group_content *there, int64_t row, int64_t site)
{
  const chi_group_content *here = &c->content->group[c->box.group];
  const int64_t sites = here->length[CHI_SITE];
  if (c->content->schema->first) return true;
  return strcmp(((char *const *)here->label[CHI_CHOSEN_LAYER])[c->box.row * sites + site],
                ((char *const *)there->label[CHI_CHOSEN_LAYER])[row * sites + site]) == 0;
}

static chi_status torn_cell(const copying *c, const chi_part *part, int32_t group, int64_t cell)
{
  char name[1024];
  const bool fit = c->content->schema->first;
  chi_content_name_cell(&part->labels[c->file], group, 0, cell, name, sizeof name);
  return chi_fail(CHI_ERR_INPUT,
                  "%s/%s: %s do not fit their checksum; chiasm %s %s%s%s --resume calculates them "
                  "again",
                  part->run, c->content->schema->file, name, c->content->schema->stage,
                  fit ? part->labels[CHI_OF_FIT].study : part->run, fit ? " -o " : "",
                  fit ? part->run : "");
}

/* A cell of a part. */
typedef struct place {
  int part;
  int32_t group;
  int64_t cell;
  uint8_t state;
} place;

/* Take cell i of the piece from there, if that is needed. \param[in] sum  of the data, if written
 */
static chi_status look_at_cell(copying *c, const place *there, int64_t i, uint64_t sum)
{
  const chi_part *p = &c->m->part[there->part];
  c->take[i] = there->state == CHI_DONE_FAILED && c->state[i] == CHI_DONE_NOT_YET;
  if (there->state == CHI_DONE_WRITTEN) {
    if (sum != c->sum_read[i]) return torn_cell(c, p, there->group, there->cell);
    if (c->state[i] == CHI_DONE_WRITTEN && sum != c->sum[i]) {
      char name[1024];
      chi_content_name_cell(&p->labels[c->file], there->group, 0, there->cell, name, sizeof name);
      return chi_fail(CHI_ERR_USAGE, "%s and %s differ in %s; make one of them again",
                      c->m->part[c->from[i]].run, p->run, name);
    }
    c->take[i] = c->state[i] != CHI_DONE_WRITTEN;
    c->sum[i] = sum;
  }
  if (!c->take[i]) return CHI_OK;
  c->state[i] = there->state;
  c->from[i] = there->part;
  return CHI_OK;
}

/* Write the cells of sites [site, site + n) that are to be taken: of records without blocks,
 * neighbours of one state together. */
static chi_status write_taken(copying *c, int64_t site, int64_t n)
{
  const chi_record *r = &c->content->schema->record[0];
  const int64_t from = (site - c->box.site) * c->n_blocks;
  const uint8_t *take = c->take + from, *state = c->state + from;
  int64_t at = 0; /* of a cell in every field */
  for (int64_t k = 0, end; k < n * c->n_blocks; k = end) {
    for (end = k + 1;
         c->n_blocks == 1 && end < n && take[end] == take[k] && state[end] == state[k];)
      end++;
    const chi_box cells = {c->box.group,    0, c->box.row, site + k / c->n_blocks, end - k,
                           k % c->n_blocks, 1};
    const float *data[CHI_SCHEMA_FIELDS];
    for (int i = 0; i < r->n_data; i++) data[i] = c->data[i] + at;
    at += chi_box_values(c->to, &cells);
    if (take[k] != 0)
      CHI_TRY(chi_store_write(c->to, &cells, state[k], state[k] == CHI_DONE_FAILED ? NULL : data));
  }
  return CHI_OK;
}

/* Take the piece's sites [site, site + n) from a part's row, which have the same there. */
static chi_status take_sites(copying *c, place there, int64_t row, int64_t site, int64_t n)
{
  const chi_store *store = c->m->part[there.part].store[c->file];
  const chi_record *r = &c->content->schema->record[0];
  const int64_t first = (row * store->group[there.group].length[CHI_SITE] + site) * c->n_blocks;
  const int64_t from = (site - c->box.site) * c->n_blocks;
  const uint8_t *done = chi_store_flags(store, there.group, 0) + first;
  const chi_box box = {there.group, 0, row, site, n, 0, c->n_blocks};
  if (memchr(done, CHI_DONE_WRITTEN, (size_t)(n * c->n_blocks)) != NULL)
    CHI_TRY(chi_store_read(store, &box, c->data, c->sum_read + from));
  int64_t at = 0; /* of a cell in every field */
  for (int64_t k = 0; k < n * c->n_blocks; k++) {
    const chi_box cell = {there.group, 0, row, site + k / c->n_blocks, 1, k % c->n_blocks, 1};
    const int64_t values = chi_box_values(store, &cell);
    const float *data[CHI_SCHEMA_FIELDS];
    for (int i = 0; i < r->n_data; i++) data[i] = c->data[i] + at;
    at += values;
    there.cell = first + k;
    there.state = done[k];
    CHI_TRY(look_at_cell(
        c, &there, from + k,
        done[k] == CHI_DONE_WRITTEN ? chi_store_checksum(r->n_data, data, values) : 0));
  }
  return write_taken(c, site, n);
}

static chi_status take_part(copying *c, int part)
{
  const chi_content *labels = &c->m->part[part].labels[c->file];
  int32_t group;
  const chi_group_content *g =
      chi_content_find(labels, c->content->group[c->box.group].name, &group);
  const int64_t row = g == NULL ? -1 : find_row(c, labels, group);
  const int64_t end = c->box.site + c->box.n_sites;
  for (int64_t site = c->box.site, next; row >= 0 && site < end; site = next) {
    const bool same = same_place(c, g, row, site);
    for (next = site + 1; next < end && same_place(c, g, row, next) == same;) next++;
    if (same) CHI_TRY(take_sites(c, (place){.part = part, .group = group}, row, site, next - site));
  }
  return CHI_OK;
}

static void count(copying *c)
{
  chi_merge_counts *counts = &c->m->counts[c->file];
  for (int64_t i = 0; i < c->box.n_sites * c->n_blocks; i++) {
    if (!chi_content_has(c->content, c->box.group, c->box.row, c->box.site + i / c->n_blocks))
      continue;
    *(c->state[i] == CHI_DONE_WRITTEN  ? &counts->written
      : c->state[i] == CHI_DONE_FAILED ? &counts->failed
                                       : &counts->left) += 1;
  }
}

/* Each rank copies every size-th piece. */
static chi_status copy_group(const copying *job, int32_t group)
{
  copying room = *job, *c = &room;
  const chi_group_content *g = &c->content->group[group];
  int64_t turn = 0;
  c->box.group = group;
  chi_status s = room_create(c);
  for (int64_t row = 0; row < g->length[CHI_ROW] && s == CHI_OK; row++)
    for (int64_t site = 0; site < g->length[CHI_SITE] && s == CHI_OK; site += c->sites) {
      if (turn++ % c->m->size != c->m->rank) continue;
      const int64_t left = g->length[CHI_SITE] - site;
      c->box.row = row;
      c->box.site = site;
      c->box.n_sites = left < c->sites ? left : c->sites;
      memset(c->state, CHI_DONE_NOT_YET, (size_t)(c->box.n_sites * c->n_blocks));
      for (int i = 0; i < c->m->options->n_parts && s == CHI_OK; i++) s = take_part(c, i);
      count(c);
    }
  room_free(c);
  return s;
}

chi_status chi_merge_copy(chi_merging *m, int file, const chi_content *content, chi_store *to)
{
  const copying c = {.m = m, .file = file, .content = content, .to = to};
  chi_merge_counts *counts = &m->counts[file];
  chi_status s = CHI_OK;
  for (int32_t a = 0; a < content->n_groups && s == CHI_OK; a++) s = copy_group(&c, a);
  CHI_TRY(chi_agree(m->comm, s));
  int64_t sums[] = {counts->written, counts->failed, counts->left};
  MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_INT64_T, MPI_SUM, m->comm);
  *counts = (chi_merge_counts){sums[0], sums[1], sums[2]};
  return CHI_OK;
}
