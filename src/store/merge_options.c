/* The study that all parts are of, and the options of the run that they make. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/agree.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/config.h"
#include "store/folder.h"
#include "store/internal.h"
#include "store/merge_internal.h"
#include "study/layers.h"

/* Rank 0: whether a fit of all models of the study would fit those of the parts.
 * \param[in] chosen  what the parts' options select, but for the models */
static bool has_no_more(const chi_merging *m, chi_selection chosen)
{
  chi_study *all = NULL;
  chosen.models = NULL;
  bool same = chi_study_open(m->study->path, &chosen, NULL, &all) == CHI_OK &&
              all->n_alignments == m->study->n_alignments;
  for (int32_t a = 0; same && a < all->n_alignments; a++)
    same = all->alignments[a].n_spaces == m->study->alignments[a].n_spaces;
  chi_study_destroy(&all);
  return same;
}

static int compare_files(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The checksum of some files of the study, from those of all. */
static chi_status sum_files(const chi_study *all, const uint64_t *sums, const chi_study *some,
                            char checksum[17])
{
  uint64_t sum = 0;
  for (int64_t i = 0; i < some->n_files; i++) {
    char *const *found =
        bsearch(&some->file[i], all->file, (size_t)all->n_files, sizeof *all->file, compare_files);
    if (found == NULL)
      return chi_fail(CHI_ERR_USAGE, "%s: came while its study was read", some->file[i]);
    sum += sums[found - all->file];
  }
  chi_layers_checksum_text(sum, checksum);
  return CHI_OK;
}

/* Rank 0: that a part was made from these files. */
static chi_status check_part(const chi_merging *m, const chi_part *part, chi_selection chosen,
                             const uint64_t *sums)
{
  chi_text models = {0};
  chi_study *study = NULL;
  chi_content content = {0};
  char checksum[17];
  unsigned variants;
  chi_status s = chi_names_join(part->model, part->n_models, &models);
  chosen.models = models.s;
  if (s == CHI_OK) s = chi_study_open(m->study->path, &chosen, NULL, &study);
  if (s == CHI_OK) s = sum_files(m->study, sums, study, checksum);
  if (s == CHI_OK) s = chi_fit_content(study, &content);
  const chi_provenance provenance = {.config = part->labels[CHI_OF_FIT].config,
                                     .study_checksum = checksum};
  if (s == CHI_OK) s = chi_store_check(part->run, &content, &provenance, &variants);
  chi_content_free(&content);
  chi_study_destroy(&study);
  chi_text_free(&models);
  return s;
}

static chi_status check_parts(const chi_merging *m, const chi_selection *chosen,
                              const uint64_t *sums)
{
  for (int i = 0; i < m->options->n_parts; i++) CHI_TRY(check_part(m, &m->part[i], *chosen, sums));
  return CHI_OK;
}

chi_status chi_merge_open_study(chi_merging *m)
{
  const chi_content *first = &m->part[0].labels[CHI_OF_FIT];
  chi_selection chosen = {0};
  uint64_t *sums = NULL, sum = 0;
  chi_status s = chi_config_selection(m->part[0].run, first->config, &chosen);
  if (s == CHI_OK) s = chi_names_join(m->model, m->n_models, &m->models);
  s = chi_agree(m->comm, s);
  if (s != CHI_OK) goto cleanup;
  chosen.models = m->models.s;
  s = chi_layers_open_study(m->comm, first->study, &chosen, &m->study);
  if (s == CHI_OK) s = chi_layers_file_checksums(m->comm, m->study, &sums);
  if (s == CHI_OK) s = chi_agree(m->comm, m->rank == 0 ? check_parts(m, &chosen, sums) : CHI_OK);
  if (s != CHI_OK) goto cleanup;
  for (int64_t i = 0; i < m->study->n_files; i++) sum += sums[i];
  chi_layers_checksum_text(sum, m->checksum);
  m->all_models = m->rank == 0 && has_no_more(m, chosen);
  MPI_Bcast(&m->all_models, 1, MPI_C_BOOL, 0, m->comm);
cleanup:
  chi_free(sums);
  chi_config_selection_free(&chosen);
  return s;
}

/* ---- options ---- */

/* The options that a part's config.yaml has of later stages; "" where there is none. */
static chi_status read_later(const chi_part *part, char **text)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, part->run, "config.yaml"));
  if (!chi_run_folder_has(part->run, "config.yaml")) return chi_strdup("", text);
  return chi_text_read(path, path, text);
}

/* Whether a part's later stage was of the models that were given for its fit, as `chiasm run` makes
 * it. */
static chi_status follow_fit(const chi_part *part, const char *config, int file, bool *follows)
{
  char *of_fit = NULL, *own = NULL, key[64];
  snprintf(key, sizeof key, "%s.models", chi_results[file]->stage);
  chi_status s =
      chi_config_value(part->run, part->labels[CHI_OF_FIT].config, "fit.models", &of_fit);
  if (s == CHI_OK) s = chi_config_value(part->run, config, key, &own);
  if (s == CHI_OK) *follows = *follows && of_fit != NULL && own != NULL && strcmp(of_fit, own) == 0;
  chi_free(of_fit);
  chi_free(own);
  return s;
}

/* The models that a file has, as an option: "*" if these are all of the merged run. */
static chi_status models_of(const chi_merging *m, int file, chi_text *out)
{
  int64_t n = 0;
  char **name = NULL;
  chi_status s = CHI_OK;
  for (int i = 0; i < m->options->n_parts && s == CHI_OK; i++)
    s = chi_content_models(&m->part[i].labels[file], &name, &n);
  if (s == CHI_OK && n == m->n_models)
    chi_text_add(out, "*");
  else if (s == CHI_OK)
    s = chi_names_join(name, n, out);
  chi_free(name);
  return s;
}

/* A later stage's section: of the parts' files, or where these are not joined of their plans. */
static chi_status make_section(chi_merging *m, int file, char *const *later)
{
  const char *stage = chi_results[file]->stage;
  bool follows = true, found = false;
  chi_text plain = {0}, models = {0};
  chi_status s = CHI_OK;
  for (int i = 0; i < m->options->n_parts && s == CHI_OK; i++) {
    const chi_part *p = &m->part[i];
    const char *text = p->store[file] != NULL ? p->labels[file].config : later[i];
    chi_text section = {0};
    chi_config_section(text, stage, &section);
    if (section.n > 0) {
      s = follow_fit(p, text, file, &follows);
      if (!found) chi_config_section(text, stage, &plain);
      found = true;
    }
    chi_text_free(&section);
  }
  if (s == CHI_OK && follows)
    chi_text_add(&models, "%s", m->models.s);
  else if (s == CHI_OK && m->with[file])
    s = models_of(m, file, &models);
  else
    chi_text_add(&models, "*");
  if (s == CHI_OK && found) chi_config_set(plain.s, "models", models.s, &m->section[file]);
  if (plain.failed || models.failed || m->section[file].failed)
    s = chi_fail(CHI_ERR_MEMORY, "no memory for options");
  chi_text_free(&plain);
  chi_text_free(&models);
  return s;
}

/* The options of a command that makes no results file: those of the first part that has any. */
static void add_section(chi_merging *m, const char *command, char *const *later)
{
  chi_text first = {0};
  int of = -1;
  for (int i = 0; i < m->options->n_parts; i++) {
    chi_text section = {0};
    chi_config_section(later[i], command, &section);
    if (section.n > 0 && of < 0) {
      chi_text_add(&first, "%s", section.s);
      of = i;
    } else if (section.n > 0 && m->rank == 0 && strcmp(section.s, first.s) != 0) {
      chi_log(CHI_LOG_WARNING, "%s and %s: options of %s differ; those of %s are taken",
              m->part[of].run, m->part[i].run, command, m->part[of].run);
    }
    chi_text_free(&section);
  }
  if (of >= 0) chi_text_add(&m->later, "%s", first.s);
  chi_text_free(&first);
}

static chi_status make_texts(chi_merging *m, char *const *later)
{
  if (m->all_models) {
    chi_text_free(&m->models);
    m->models = (chi_text){0};
    chi_text_add(&m->models, "*");
  }
  if (m->models.failed) return chi_fail(CHI_ERR_MEMORY, "no memory for options");
  chi_config_set(m->part[0].labels[CHI_OF_FIT].config, "models", m->models.s, &m->config);
  for (int file = CHI_OF_FIT + 1; file < CHI_N_RESULTS; file++) {
    CHI_TRY(make_section(m, file, later));
    chi_text_add(&m->later, "%s", m->section[file].s == NULL ? "" : m->section[file].s);
  }
  add_section(m, "sites", later);
  add_section(m, "run", later);
  return m->config.failed || m->later.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options")
                                             : CHI_OK;
}

chi_status chi_merge_make_config(chi_merging *m)
{
  char **later = NULL;
  for (int file = CHI_OF_FIT + 1; file < CHI_N_RESULTS; file++) {
    m->with[file] = true;
    for (int i = 0; i < m->options->n_parts; i++)
      m->with[file] = m->with[file] && m->part[i].store[file] != NULL;
  }
  chi_status s = chi_alloc(m->options->n_parts, sizeof *later, "options", &later);
  for (int i = 0; i < m->options->n_parts && s == CHI_OK; i++)
    s = read_later(&m->part[i], &later[i]);
  if (s == CHI_OK) s = make_texts(m, later);
  for (int i = 0; later != NULL && i < m->options->n_parts; i++) chi_free(later[i]);
  chi_free(later);
  return s;
}
