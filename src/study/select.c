/* Which recordings a study has, and which of them are selected. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

/* Split "<subject>.<alignment>" in place. */
static bool split_name(char *name, char **alignment)
{
  char *dot = strchr(name, '.');
  if (dot == NULL) return false;
  *dot = '\0';
  *alignment = dot + 1;
  return chi_name_ok(name, false) && chi_name_ok(*alignment, false);
}

bool chi_suffix_take(char *name)
{
  const size_t n = strlen(name);
  if (n < 4 || strcmp(name + n - 3, ".h5") != 0) return false;
  name[n - 3] = '\0';
  return true;
}

static int by_alignment(const void *a, const void *b)
{
  const chi_dataset *p = a, *q = b;
  return p->alignment != q->alignment
             ? (p->alignment > q->alignment) - (p->alignment < q->alignment)
             : strcmp(p->subject, q->subject);
}

chi_status chi_recordings_find(chi_catalog *catalog, chi_recordings *found)
{
  chi_names all = {0};
  chi_status status = chi_folder_list(catalog, "responses", &all);
  for (int64_t i = 0; i < all.n && status == CHI_OK; i++) {
    char *name = all.name[i], *alignment;
    if (!chi_suffix_take(name)) {
      chi_findings_add(catalog->findings, false, "responses/%s: ignored, it is no .h5 file", name);
      continue;
    }
    status = chi_names_add(&found->files, name);
    if (status != CHI_OK) break;
    if (split_name(name, &alignment)) {
      status = chi_names_add(&found->subjects, name);
      if (status == CHI_OK) status = chi_names_add(&found->alignments, alignment);
    } else {
      chi_findings_add(catalog->findings, true,
                       "responses/%s.h5: expected a name like <subject>.<alignment>.h5 of letters, "
                       "digits, _ and -",
                       found->files.name[found->files.n - 1]);
      chi_free(found->files.name[--found->files.n]);
    }
  }
  chi_names_sort(&found->subjects);
  chi_names_sort(&found->alignments);
  if (status == CHI_OK && all.n == 0)
    status = chi_fail(CHI_ERR_INPUT, "responses: is empty, expected <subject>.<alignment>.h5");
  chi_names_free(&all);
  return status;
}

chi_status chi_recordings_select(chi_catalog *catalog, const chi_recordings *found)
{
  const chi_selection *selection = catalog->selection;
  chi_study *study = catalog->study;
  CHI_TRY(
      chi_selection_check(catalog->findings, "subjects", selection->subjects, &found->subjects));
  CHI_TRY(chi_selection_check(catalog->findings, "alignments", selection->alignments,
                              &found->alignments));
  CHI_TRY(chi_alloc(found->files.n, sizeof *study->datasets, "datasets", &study->datasets));
  CHI_TRY(
      chi_alloc(found->alignments.n, sizeof *study->alignments, "alignments", &study->alignments));
  for (int64_t a = 0; a < found->alignments.n; a++)
    CHI_TRY(chi_strdup(found->alignments.name[a], &study->alignments[study->n_alignments++].name));
  for (int64_t i = 0; i < found->files.n; i++) {
    char name[512], *alignment;
    snprintf(name, sizeof name, "%s", found->files.name[i]);
    if (!split_name(name, &alignment) || !chi_name_fits(selection->subjects, name) ||
        !chi_name_fits(selection->alignments, alignment))
      continue;
    chi_dataset *d = &study->datasets[study->n_datasets++];
    while (strcmp(study->alignments[d->alignment].name, alignment) != 0) d->alignment++;
    CHI_TRY(chi_strdup(name, &d->subject));
    snprintf(name, sizeof name, "%s.h5", found->files.name[i]);
    CHI_TRY(chi_folder_path("responses", name, &d->path));
  }
  if (study->n_datasets == 0 && catalog->findings->n_errors == 0)
    return chi_fail(CHI_ERR_INPUT, "no recording fits both --subjects %s and --alignments %s",
                    selection->subjects == NULL ? "*" : selection->subjects,
                    selection->alignments == NULL ? "*" : selection->alignments);
  if (study->n_datasets > 0)
    qsort(study->datasets, (size_t)study->n_datasets, sizeof *study->datasets, by_alignment);
  return CHI_OK;
}

/* Feature folders that belong to no recording: most likely a misspelt name. */
chi_status chi_recordings_check_strays(chi_catalog *catalog, const chi_recordings *found)
{
  chi_names folders = {0};
  chi_status status = chi_folder_list(catalog, "features", &folders);
  for (int64_t i = 0; i < folders.n && status == CHI_OK; i++)
    if (!chi_names_have(&found->files, folders.name[i]))
      chi_findings_add(catalog->findings, false,
                       "features/%s: ignored, there is no responses/%s.h5", folders.name[i],
                       folders.name[i]);
  chi_names_free(&folders);
  return chi_catalog_note(catalog->findings, status);
}

void chi_recordings_free(chi_recordings *found)
{
  chi_names_free(&found->files);
  chi_names_free(&found->subjects);
  chi_names_free(&found->alignments);
}
