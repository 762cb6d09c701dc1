#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

/* The alignment's time axis: the first recording's, which the others must share. */
static void compare_axes(chi_catalog *catalog, const chi_dataset *d, const chi_dataset *first,
                         chi_alignment *alignment, chi_time_axis *axis)
{
  const double tolerance = 1e-9; /* s; the axis may be computed in more ways than one */
  if (alignment->time == NULL) {
    alignment->n_times = axis->n;
    alignment->time = axis->time;
    alignment->bin_width = axis->bin_width;
    axis->time = NULL;
    return;
  }
  if (axis->n != alignment->n_times) {
    chi_findings_add(catalog->findings, true,
                     "%s: /time has %lld bins, but %s has %lld; expected equal time axes within an "
                     "alignment",
                     d->path, (long long)axis->n, first->path, (long long)alignment->n_times);
    return;
  }
  for (int64_t i = 0; i < axis->n; i++)
    if (fabs(axis->time[i] - alignment->time[i]) > tolerance) {
      chi_findings_add(catalog->findings, true,
                       "%s: /time[%lld] is %.9g s, but %s has %.9g s; expected equal time axes "
                       "within an alignment",
                       d->path, (long long)i, axis->time[i], first->path, alignment->time[i]);
      return;
    }
  if (isnan(alignment->bin_width)) alignment->bin_width = axis->bin_width;
  if (fabs(axis->bin_width - alignment->bin_width) > tolerance)
    chi_findings_add(catalog->findings, true,
                     "%s: attribute bin_width_s of /time is %g, but %s has %g; expected the same "
                     "within an alignment",
                     d->path, axis->bin_width, first->path, alignment->bin_width);
}

/* Read every selected response file. usable[i]: dataset i can stay. */
static chi_status read_recordings(chi_catalog *catalog, bool *usable)
{
  chi_study *study = catalog->study;
  const chi_dataset *first = NULL; /* the first usable of the alignment */
  for (int32_t i = 0; i < study->n_datasets; i++) {
    chi_dataset *d = &study->datasets[i];
    chi_alignment *alignment = &study->alignments[d->alignment];
    chi_time_axis axis = {0};
    const chi_status status = chi_recording_read(catalog, alignment->name, d, &axis, &usable[i]);
    if (alignment->time == NULL) first = d;
    if (status == CHI_OK && usable[i]) {
      const int64_t errors = catalog->findings->n_errors;
      compare_axes(catalog, d, first, alignment, &axis);
      usable[i] = errors == catalog->findings->n_errors;
    }
    chi_free(axis.time);
    CHI_TRY(status);
  }
  return CHI_OK;
}

/* Read one model of a dataset; it is kept if the dataset stays, as number `place`. */
static chi_status add_model(chi_catalog *catalog, const chi_dataset *d, int32_t place,
                            const char *folder, const char *model)
{
  char path[PATH_MAX];
  chi_model_record record = {.dataset = place, .n_events = d->n_events};
  CHI_TRY(chi_path_format(path, folder, "%s.h5", model));
  CHI_TRY(chi_grow(&catalog->model, &catalog->models_room, catalog->n_models + 1, sizeof record,
                   "models"));
  chi_status s = chi_strdup(model, &record.model);
  if (s == CHI_OK) s = chi_strdup(path, &record.path);
  if (s == CHI_OK) s = chi_model_read(catalog, &record);
  if (s == CHI_OK && place >= 0)
    catalog->model[catalog->n_models++] = record;
  else
    chi_model_free(&record);
  return s;
}

/* Read the selected models of one dataset; every name is kept in `seen`. */
static chi_status read_models(chi_catalog *catalog, const chi_dataset *d, int32_t place,
                              chi_names *seen)
{
  char folder[512];
  chi_names files = {0};
  snprintf(folder, sizeof folder, "features/%s.%s", d->subject,
           catalog->study->alignments[d->alignment].name);
  chi_status status = chi_folder_list(catalog, folder, &files);
  if (status == CHI_ERR_INPUT && catalog->selection->allow_missing) status = CHI_OK;
  for (int64_t i = 0; i < files.n && status == CHI_OK; i++) {
    char *model = files.name[i];
    if (!chi_suffix_take(catalog, folder, model)) continue;
    if (!chi_name_ok(model, true)) {
      chi_findings_add(catalog->findings, true,
                       "%s/%s.h5: expected a name of letters, digits, _, - and dots", folder,
                       model);
      continue;
    }
    status = chi_names_add(seen, model);
    if (status == CHI_OK && chi_name_fits(catalog->selection->models, model))
      status = add_model(catalog, d, place, folder, model);
  }
  chi_names_free(&files);
  return chi_catalog_note(catalog->findings, status);
}

/* Datasets that cannot stay have their models looked at as well. */
static chi_status read_features(chi_catalog *catalog, const chi_recordings *found,
                                const bool *usable)
{
  chi_names models = {0};
  int32_t n = 0;
  const int64_t errors = catalog->findings->n_errors;
  chi_status status = chi_recordings_check_strays(catalog, found);
  const bool listed = errors == catalog->findings->n_errors;
  for (int32_t i = 0; i < catalog->study->n_datasets && status == CHI_OK && listed; i++)
    status = read_models(catalog, &catalog->study->datasets[i], usable[i] ? n++ : -1, &models);
  chi_names_sort(&models);
  chi_names_sort(&catalog->layers_seen);
  if (status == CHI_OK && models.n > 0)
    status = chi_selection_check(catalog, "models", catalog->selection->models, &models);
  if (status == CHI_OK && catalog->layers_seen.n > 0)
    status =
        chi_selection_check(catalog, "layers", catalog->selection->layers, &catalog->layers_seen);
  chi_names_free(&models);
  return status;
}

/* Drop the datasets that could not be read. */
static void drop_unusable(chi_study *study, const bool *usable)
{
  int32_t n = 0;
  for (int32_t i = 0; i < study->n_datasets; i++) {
    if (usable[i])
      study->datasets[n++] = study->datasets[i];
    else
      chi_dataset_free(&study->datasets[i]);
  }
  study->n_datasets = n;
}

/* Number the datasets [begin, end), which are all of one alignment's, and their sites. */
static chi_status number_datasets(chi_study *study, int32_t begin, int32_t end, int32_t index)
{
  chi_alignment *alignment = &study->alignments[index];
  alignment->n_datasets = end - begin;
  CHI_TRY(chi_alloc(end - begin, sizeof *alignment->dataset, "datasets", &alignment->dataset));
  for (int32_t i = begin; i < end; i++) {
    chi_dataset *d = &study->datasets[i];
    alignment->dataset[i - begin] = i;
    d->alignment = index;
    d->subject_index = i - begin;
    d->first_site = alignment->n_sites;
    alignment->n_sites += d->n_electrodes;
  }
  return CHI_OK;
}

/* Alignments without a dataset, unselected ones too, leave the catalog. */
static chi_status settle_alignments(chi_study *study)
{
  int32_t kept = 0, next = 0;
  for (int32_t a = 0; a < study->n_alignments; a++) {
    const int32_t begin = next;
    while (next < study->n_datasets && study->datasets[next].alignment == a) next++;
    chi_alignment alignment = study->alignments[a];
    study->alignments[a] = (chi_alignment){0};
    if (next == begin) {
      chi_alignment_free(&alignment);
      continue;
    }
    study->alignments[kept] = alignment;
    CHI_TRY(number_datasets(study, begin, next, kept++));
  }
  study->n_alignments = kept;
  return CHI_OK;
}

/* Every file whose numbers the selection needs, sorted. */
static chi_status list_files(chi_catalog *catalog)
{
  chi_study *study = catalog->study;
  chi_names files = {0};
  chi_status status = CHI_OK;
  for (int32_t i = 0; i < study->n_datasets && status == CHI_OK; i++)
    status = chi_names_add(&files, study->datasets[i].path);
  for (int64_t i = 0; i < catalog->n_models && status == CHI_OK; i++) {
    bool needed = false;
    for (int64_t j = 0; j < catalog->model[i].n_layers; j++)
      needed = needed || catalog->model[i].layer[j].selected;
    if (needed) status = chi_names_add(&files, catalog->model[i].path);
  }
  chi_names_sort(&files);
  study->file = files.name;
  study->n_files = files.n;
  return status;
}

/* Everything after the study's folder is known to be one. */
static chi_status read_catalog(chi_catalog *catalog)
{
  chi_recordings found = {0};
  bool *usable = NULL;
  chi_status s = chi_folder_read_yaml(catalog);
  if (s == CHI_OK) s = chi_recordings_find(catalog, &found);
  if (s == CHI_OK) s = chi_recordings_select(catalog, &found);
  if (s == CHI_OK) s = chi_alloc(catalog->study->n_datasets, sizeof *usable, "datasets", &usable);
  if (s == CHI_OK) s = read_recordings(catalog, usable);
  if (s == CHI_OK) s = read_features(catalog, &found, usable);
  if (s == CHI_OK) drop_unusable(catalog->study, usable);
  if (s == CHI_OK) s = settle_alignments(catalog->study);
  if (s == CHI_OK) s = chi_spaces_join(catalog);
  if (s == CHI_OK) s = list_files(catalog);
  chi_free(usable);
  chi_recordings_free(&found);
  return chi_catalog_note(catalog->findings, s);
}

static chi_status open_folder(const char *path, chi_catalog *catalog)
{
  struct stat info;
  CHI_TRY(chi_strdup(path, &catalog->study->path));
  if (stat(path, &info) != 0 || (catalog->root = realpath(path, NULL)) == NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: %s", path,
                    errno == ENOENT ? "there is no such folder" : strerror(errno));
  if (!S_ISDIR(info.st_mode))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: is no folder; expected a study, a folder with responses/ "
                    "and features/",
                    path);
  return CHI_OK;
}

chi_status chi_study_open(const char *path, const chi_selection *selection, chi_findings *findings,
                          chi_study **out)
{
  static const chi_selection everything = {0};
  chi_findings own = {0};
  if (findings == NULL) findings = &own;
  chi_catalog catalog = {.selection = selection == NULL ? &everything : selection,
                         .findings = findings};
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof *catalog.study, "study", &catalog.study));
  chi_status s = open_folder(path, &catalog);
  if (s == CHI_OK) {
    chi_h5_lock();
    s = read_catalog(&catalog);
    chi_h5_unlock();
  } else {
    s = chi_catalog_note(findings, s);
  }
  if (s != CHI_OK || catalog.study->n_datasets == 0) chi_study_destroy(&catalog.study);
  for (int64_t i = 0; i < catalog.n_models; i++) chi_model_free(&catalog.model[i]);
  chi_free(catalog.model);
  free(catalog.root);
  chi_names_free(&catalog.layers_seen);
  *out = catalog.study;
  for (int64_t i = 0; i < findings->n && s == CHI_OK; i++)
    if (findings->item[i].error) s = chi_fail(CHI_ERR_INPUT, "%s", findings->item[i].text);
  chi_findings_free(&own);
  return s;
}
