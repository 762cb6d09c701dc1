/* On --resume: which of the scores that call themselves written are whole. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/agree.h"
#include "base/log.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "h5/whole.h"
#include "run/internal.h"

enum { PIECE_BYTES = 4 << 20, MAX_NAMED = 10 };

/* Room to read some sites of one space. */
typedef struct chi_piece {
  int64_t room; /* sites */
  float *score[3];
  uint64_t *checksum;
} chi_piece;

static chi_status piece_create(const chi_run_group *g, chi_piece *piece)
{
  *piece = (chi_piece){0};
  piece->room = 1 + PIECE_BYTES / ((int64_t)sizeof(float) * (g->n_times + 1));
  if (piece->room > g->n_sites) piece->room = g->n_sites;
  for (int t = 0; t < 3; t++)
    CHI_TRY(chi_alloc(piece->room * g->n_times, sizeof(float), "scores", &piece->score[t]));
  return chi_alloc(piece->room, sizeof *piece->checksum, "checksums", &piece->checksum);
}

static void piece_free(chi_piece *piece)
{
  for (int t = 0; t < 3; t++) chi_free(piece->score[t]);
  chi_free(piece->checksum);
}

/* Mark in `torn` the sites of one space whose flag promises more than the file holds. */
static chi_status check_space(const chi_run *run, int32_t a, int64_t space, chi_piece *piece,
                              uint8_t *torn)
{
  const chi_run_group *g = &run->group[a];
  const uint8_t *done = g->done + space * g->n_sites;
  for (int64_t site0 = 0; site0 < g->n_sites; site0 += piece->room) {
    const int64_t n = g->n_sites - site0 < piece->room ? g->n_sites - site0 : piece->room;
    if (memchr(done + site0, CHI_DONE_WRITTEN, (size_t)n) == NULL) continue;
    CHI_TRY(chi_run_read_sites(run, a, space, site0, n, piece->score, piece->checksum));
    for (int64_t i = 0; i < n; i++) {
      const int64_t at = i * g->n_times;
      const uint64_t sum = chi_run_checksum(g->n_times, piece->score[0] + at, piece->score[1] + at,
                                            piece->score[2] + at);
      torn[space * g->n_sites + site0 + i] =
          done[site0 + i] == CHI_DONE_WRITTEN && sum != piece->checksum[i];
    }
  }
  return CHI_OK;
}

chi_status chi_run_check_share(const chi_run *run, int32_t a, uint8_t *torn)
{
  const chi_run_group *g = &run->group[a];
  chi_piece piece;
  chi_status s = piece_create(g, &piece);
  for (int64_t f = run->rank; f < g->n_spaces && s == CHI_OK; f += run->size)
    s = check_space(run, a, f, &piece, torn);
  piece_free(&piece);
  return s;
}

static const char *site_name(const chi_study *study, const chi_alignment *al, int64_t site,
                             char *text, size_t n)
{
  snprintf(text, n, "site %lld", (long long)site);
  for (int32_t d = 0; d < al->n_datasets; d++) {
    const chi_dataset *set = &study->datasets[al->dataset[d]];
    if (site >= set->first_site && site < set->first_site + set->n_electrodes)
      snprintf(text, n, "%s/%s", set->subject, set->electrode[site - set->first_site]);
  }
  return text;
}

/* One line per space, for the first of them. */
static void report(const chi_run *run, const chi_study *study, const chi_alignment *al,
                   const uint8_t *torn, int64_t *n_spaces)
{
  for (int64_t f = 0; f < al->n_spaces; f++) {
    int64_t n = 0, first = 0;
    for (int64_t i = al->n_sites - 1; i >= 0; i--)
      if (torn[f * al->n_sites + i] != 0) {
        n++;
        first = i;
      }
    if (n == 0 || ++*n_spaces > MAX_NAMED) continue;
    char name[512];
    chi_log(CHI_LOG_WARNING,
            "%s: %s %s/%s: the scores of %lld site%s%s%s were cut short while they were written; "
            "they are calculated again",
            run->path, al->name, al->space[f].model, al->space[f].layer, (long long)n,
            n == 1 ? ": " : "s, from ", site_name(study, al, first, name, sizeof name),
            n == 1 ? "," : " on,");
  }
}

/* Set back what is torn or failed, known to all ranks. \return how many flags of the file change */
static int64_t reset(chi_run *run, chi_run_group *g, const uint8_t *torn)
{
  int64_t changed = 0;
  for (int64_t i = 0; i < g->n_spaces * g->n_sites; i++) {
    run->torn += torn[i];
    const bool stays = g->done[i] == CHI_DONE_WRITTEN && torn[i] == 0;
    changed += g->done[i] != CHI_DONE_NOT_YET && !stays;
    g->done[i] = stays ? CHI_DONE_WRITTEN : CHI_DONE_NOT_YET;
  }
  return changed;
}

chi_status chi_run_transfer_flags(const chi_run *run, chi_run_group *g, bool write)
{
  chi_h5_lock();
  const herr_t failed = write ? H5Dwrite(g->table[CHI_TABLE_DONE], H5T_NATIVE_UINT8, H5S_ALL,
                                         H5S_ALL, H5P_DEFAULT, g->done)
                              : H5Dread(g->table[CHI_TABLE_DONE], H5T_NATIVE_UINT8, H5S_ALL,
                                        H5S_ALL, H5P_DEFAULT, g->done);
  chi_status s = CHI_OK;
  if (failed < 0 && write) s = chi_h5_failed(run->path, "done");
  if (failed < 0 && !write)
    s = chi_fail(CHI_ERR_IO, "%s: done cannot be read (%s)", run->path, chi_h5_reason());
  chi_h5_unlock();
  return s;
}

/* Where a subject lacks a layer nothing is ever written: NaN again, should a file that was cut
 * short have got its length back. */
static chi_status clear_sites(const chi_run *run, int32_t a, int64_t space, int64_t site0,
                              int64_t n_sites)
{
  const chi_run_group *g = &run->group[a];
  const int64_t n = n_sites * g->n_times;
  float *score = NULL;
  if (memchr(g->done + space * g->n_sites + site0, CHI_DONE_WRITTEN, (size_t)n_sites) != NULL)
    return CHI_OK; /* what is written is checked */
  chi_status s = chi_alloc(n, sizeof *score, "scores", &score);
  chi_h5_lock();
  for (int t = 0; t < 3 && s == CHI_OK; t++) {
    bool clear = true;
    herr_t failed = chi_run_transfer(g, CHI_TABLE_VAL_R + t, false, space, site0, n_sites, score);
    for (int64_t i = 0; i < n && failed >= 0; i++) {
      clear = clear && isnan(score[i]);
      score[i] = NAN;
    }
    if (failed >= 0 && !clear)
      failed = chi_run_transfer(g, CHI_TABLE_VAL_R + t, true, space, site0, n_sites, score);
    if (failed < 0) s = chi_h5_failed(run->path, "scores");
  }
  chi_h5_unlock();
  chi_free(score);
  return s;
}

static chi_status clear_missing(const chi_run *run, const chi_study *study, int32_t a)
{
  const chi_alignment *al = &study->alignments[a];
  for (int64_t f = run->rank; f < al->n_spaces; f += run->size)
    for (int32_t d = 0; d < al->n_datasets; d++) {
      const chi_dataset *set = &study->datasets[al->dataset[d]];
      if (al->space[f].n_features[d] == 0)
        CHI_TRY(clear_sites(run, a, f, set->first_site, set->n_electrodes));
    }
  return CHI_OK;
}

static chi_status verify_group(chi_run *run, const chi_study *study, int32_t a, int64_t *n_spaces)
{
  chi_run_group *g = &run->group[a];
  const int64_t n = g->n_spaces * g->n_sites, piece = 1 << 30;
  uint8_t *torn = NULL;
  chi_status s = chi_alloc(n, 1, "flags", &torn);
  if (s == CHI_OK) s = chi_run_transfer_flags(run, g, false);
  if (s == CHI_OK) s = chi_run_check_share(run, a, torn);
  if (s == CHI_OK) s = clear_missing(run, study, a);
  s = chi_agree(run->comm, s);
  for (int64_t at = 0; at < n && s == CHI_OK; at += piece)
    MPI_Allreduce(MPI_IN_PLACE, torn + at, chi_int_cast(n - at < piece ? n - at : piece),
                  MPI_UINT8_T, MPI_MAX, run->comm);
  if (s == CHI_OK) {
    if (run->rank == 0) report(run, study, &study->alignments[a], torn, n_spaces);
    if (reset(run, g, torn) > 0 && run->rank == 0) s = chi_run_transfer_flags(run, g, true);
  }
  chi_free(torn);
  return chi_agree(run->comm, s);
}

chi_status chi_run_verify(chi_run *run, const chi_study *study)
{
  int64_t n_spaces = 0;
  for (int32_t a = 0; a < run->n_groups; a++) CHI_TRY(verify_group(run, study, a, &n_spaces));
  if (run->rank == 0 && n_spaces > MAX_NAMED)
    chi_log(CHI_LOG_WARNING, "%s: and scores of %lld more feature spaces", run->path,
            (long long)(n_spaces - MAX_NAMED));
  return CHI_OK;
}
