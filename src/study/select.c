/* Which recordings a study has, and which of them are selected. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

/* "a, b, c, ... and 7 more", cut short at `size`. */
static void join(const chi_names *names, char *text, size_t size)
{
  const size_t reserve = 32; /* for "... and N more" */
  size_t used = 0;
  snprintf(text, size, "nothing");
  for (int64_t i = 0; i < names->n; i++) {
    if (used + strlen(names->name[i]) + reserve > size) {
      snprintf(text + used, size - used, ", ... and %lld more", (long long)(names->n - i));
      return;
    }
    used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", names->name[i]);
  }
}

chi_status chi_selection_check(const chi_catalog *catalog, const char *option, const char *patterns,
                               const chi_names *names)
{
  if (patterns == NULL) return CHI_OK;
  for (const char *at = patterns; *at != '\0';) {
    const size_t n = strcspn(at, ",");
    char *pattern = strndup(at, n), text[512];
    if (pattern == NULL) return chi_fail(CHI_ERR_MEMORY, "no memory for a pattern");
    bool fits = n == 0;
    for (int64_t i = 0; i < names->n && !fits; i++) fits = chi_name_fits(pattern, names->name[i]);
    join(names, text, sizeof text);
    if (!fits)
      chi_findings_add(catalog->findings, true, "--%s %.200s fits none of what the study has: %s",
                       option, pattern, text);
    free(pattern);
    at += n;
    if (*at == ',') at++;
  }
  return CHI_OK;
}

/* Split "<subject>.<alignment>" in place. */
static bool split_name(char *name, char **alignment)
{
  char *dot = strchr(name, '.');
  if (dot == NULL) return false;
  *dot = '\0';
  *alignment = dot + 1;
  return chi_name_ok(name, false) && chi_name_ok(*alignment, false);
}

bool chi_suffix_take(const chi_catalog *catalog, const char *folder, char *name)
{
  const size_t n = strlen(name);
  if (n > 3 && strcmp(name + n - 3, ".h5") == 0) {
    name[n - 3] = '\0';
    return true;
  }
  chi_findings_add(catalog->findings, false, "%s/%s: ignored, it is no .h5 file", folder, name);
  return false;
}

chi_status chi_recordings_find(const chi_catalog *catalog, chi_recordings *found)
{
  chi_names all = {0};
  chi_status s = chi_folder_list(catalog, "responses", &all);
  for (int64_t i = 0; i < all.n && s == CHI_OK; i++) {
    char *const name = all.name[i], subject[NAME_MAX + 1], *alignment;
    if (!chi_suffix_take(catalog, "responses", name)) continue;
    snprintf(subject, sizeof subject, "%s", name);
    if (!split_name(subject, &alignment)) {
      chi_findings_add(catalog->findings, true,
                       "responses/%s.h5: expected a name like <subject>.<alignment>.h5 of letters, "
                       "digits, _ and -",
                       name);
      continue;
    }
    s = chi_names_add(&found->files, name);
    if (s == CHI_OK) s = chi_names_add(&found->subjects, subject);
    if (s == CHI_OK) s = chi_names_add(&found->alignments, alignment);
  }
  chi_names_sort(&found->subjects);
  chi_names_sort(&found->alignments);
  if (s == CHI_OK && all.n == 0)
    s = chi_fail(CHI_ERR_INPUT, "responses: is empty, expected <subject>.<alignment>.h5");
  chi_names_free(&all);
  return s;
}

/* A dataset of the catalog, if its file is selected. */
static chi_status add_dataset(const chi_catalog *catalog, const char *file)
{
  const chi_selection *selection = catalog->selection;
  chi_study *study = catalog->study;
  char name[NAME_MAX + 1], path[PATH_MAX], *alignment;
  snprintf(name, sizeof name, "%s", file);
  if (!split_name(name, &alignment) || !chi_name_fits(selection->subjects, name) ||
      !chi_name_fits(selection->alignments, alignment))
    return CHI_OK;
  chi_dataset *d = &study->datasets[study->n_datasets++];
  while (strcmp(study->alignments[d->alignment].name, alignment) != 0) d->alignment++;
  CHI_TRY(chi_strdup(name, &d->subject));
  CHI_TRY(chi_path_format(path, "responses", "%s.h5", file));
  return chi_strdup(path, &d->path);
}

static int by_alignment(const void *a, const void *b)
{
  const chi_dataset *p = a, *q = b;
  return p->alignment != q->alignment
             ? (p->alignment > q->alignment) - (p->alignment < q->alignment)
             : strcmp(p->subject, q->subject);
}

chi_status chi_recordings_select(const chi_catalog *catalog, const chi_recordings *found)
{
  const char *subjects = catalog->selection->subjects, *alignments = catalog->selection->alignments;
  chi_study *study = catalog->study;
  CHI_TRY(chi_selection_check(catalog, "subjects", subjects, &found->subjects));
  CHI_TRY(chi_selection_check(catalog, "alignments", alignments, &found->alignments));
  CHI_TRY(chi_alloc(found->files.n, sizeof *study->datasets, "datasets", &study->datasets));
  CHI_TRY(
      chi_alloc(found->alignments.n, sizeof *study->alignments, "alignments", &study->alignments));
  for (int64_t a = 0; a < found->alignments.n; a++)
    CHI_TRY(chi_strdup(found->alignments.name[a], &study->alignments[study->n_alignments++].name));
  for (int64_t i = 0; i < found->files.n; i++) CHI_TRY(add_dataset(catalog, found->files.name[i]));
  if (study->n_datasets == 0 && catalog->findings->n_errors == 0)
    return chi_fail(CHI_ERR_INPUT, "no recording fits both --subjects %s and --alignments %s",
                    subjects == NULL ? "*" : subjects, alignments == NULL ? "*" : alignments);
  if (study->n_datasets > 0)
    qsort(study->datasets, (size_t)study->n_datasets, sizeof *study->datasets, by_alignment);
  return CHI_OK;
}

/* Feature folders that belong to no recording: most likely a misspelt name. */
chi_status chi_recordings_check_strays(const chi_catalog *catalog, const chi_recordings *found)
{
  chi_names folders = {0};
  const chi_status s = chi_folder_list(catalog, "features", &folders);
  for (int64_t i = 0; i < folders.n && s == CHI_OK; i++)
    if (!chi_names_have(&found->files, folders.name[i]))
      chi_findings_add(catalog->findings, false,
                       "features/%s: ignored, there is no responses/%s.h5", folders.name[i],
                       folders.name[i]);
  chi_names_free(&folders);
  return chi_catalog_note(catalog->findings, s);
}

void chi_recordings_free(chi_recordings *found)
{
  chi_names_free(&found->files);
  chi_names_free(&found->subjects);
  chi_names_free(&found->alignments);
}
