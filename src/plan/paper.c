#include "plan/paper.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "linalg/projection.h"

enum { SUBJECTS = 7, ELECTRODES = 1090, TIMES = 161, LAST_FEATURES = 768 };
static const double least_events = 4000, most_events = 11000;

typedef struct network {
  const char *name, *modality;
  int32_t layers;
} network;
static const network networks[] = {{"ALBEF", "multimodal", 150},
                                   {"BEiT", "vision", 75},
                                   {"BLIP", "multimodal", 140},
                                   {"ConvNeXt", "vision", 60},
                                   {"FLAVA", "multimodal", 130},
                                   {"MultiConcat", "linear", 1},
                                   {"MultiLin", "linear", 1},
                                   {"SBERT", "language", 40},
                                   {"SLIP-CLIP-Language", "multimodal", 160},
                                   {"SLIP-CLIP-Vision", "multimodal", 160},
                                   {"SLIP-Combo-Language", "multimodal", 185},
                                   {"SLIP-Combo-Vision", "multimodal", 185},
                                   {"SLIP-SimCLR", "vision", 100},
                                   {"SimCSE", "language", 40}};
enum { NETWORKS = sizeof networks / sizeof *networks };
static const char *const alignments[] = {"language", "vision"};

static int64_t events_of(int subject)
{
  return (int64_t)(least_events + (most_events - least_events) * subject / (SUBJECTS - 1));
}

static int64_t features_of(const network *net, int32_t depth, int64_t events)
{
  if (strcmp(net->modality, "linear") == 0) return 2 * LAST_FEATURES;
  if (depth + 1 == net->layers) return LAST_FEATURES;
  return chi_projection_dimension(events, 0.1);
}

static chi_status add_dataset(chi_study *study, int32_t alignment, int subject, const char *name)
{
  chi_alignment *a = &study->alignments[alignment];
  chi_dataset *d = &study->datasets[study->n_datasets];
  char path[64];
  *d = (chi_dataset){.alignment = alignment,
                     .subject_index = a->n_datasets,
                     .n_events = events_of(subject),
                     .first_site = a->n_sites};
  a->dataset[a->n_datasets++] = study->n_datasets++;
  const int64_t electrodes = ELECTRODES / SUBJECTS + (subject < ELECTRODES % SUBJECTS);
  a->n_sites += electrodes;
  snprintf(path, sizeof path, "%s.%s", name, a->name);
  CHI_TRY(chi_strdup(name, &d->subject));
  CHI_TRY(chi_strdup(path, &d->path));
  CHI_TRY(chi_alloc(d->n_events, sizeof *d->session, "sessions", &d->session)); /* one */
  CHI_TRY(chi_alloc(d->n_events, sizeof *d->onset, "onsets", &d->onset));
  for (int64_t i = 0; i < d->n_events; i++) d->onset[i] = (double)i;
  /* n_electrodes counts the names that chi_study_destroy frees, too */
  CHI_TRY(chi_alloc(electrodes, sizeof *d->electrode, "electrodes", &d->electrode));
  d->n_electrodes = electrodes;
  return CHI_OK;
}

/* The layers of a model that fit the selection. */
static chi_status add_model(const chi_study *study, chi_alignment *a, const network *net,
                            bool trained, const chi_selection *selection)
{
  char model[80], layer[32];
  snprintf(model, sizeof model, "%s%s", net->name, trained ? "" : "-random");
  if (!chi_name_fits(selection->models, model)) return CHI_OK;
  for (int32_t depth = 0; depth < net->layers; depth++) {
    snprintf(layer, sizeof layer, "layer-%03d", (int)depth + 1);
    if (!chi_name_fits(selection->layers, layer)) continue;
    chi_feature_space *space = &a->space[a->n_spaces];
    *space = (chi_feature_space){.depth = depth};
    CHI_TRY(chi_alloc(a->n_datasets, sizeof *space->n_features, "sizes", &space->n_features));
    a->n_spaces++;
    for (int32_t i = 0; i < a->n_datasets; i++)
      space->n_features[i] = features_of(net, depth, study->datasets[a->dataset[i]].n_events);
    CHI_TRY(chi_strdup(model, &space->model));
    CHI_TRY(chi_strdup(net->name, &space->network));
    CHI_TRY(chi_strdup(net->modality, &space->modality));
    CHI_TRY(chi_strdup(trained ? "trained" : "random", &space->training));
    CHI_TRY(chi_strdup(layer, &space->layer));
  }
  return CHI_OK;
}

static chi_status add_alignment(chi_study *study, const char *name, const chi_selection *selection)
{
  const int32_t at = study->n_alignments++;
  chi_alignment *a = &study->alignments[at];
  int64_t layers = 0;
  for (int i = 0; i < NETWORKS; i++) layers += networks[i].layers;
  *a = (chi_alignment){.n_times = TIMES, .bin_width = 0.2};
  CHI_TRY(chi_strdup(name, &a->name));
  CHI_TRY(chi_alloc(TIMES, sizeof *a->time, "times", &a->time));
  CHI_TRY(chi_alloc(SUBJECTS, sizeof *a->dataset, "recordings", &a->dataset));
  CHI_TRY(chi_alloc(2 * layers, sizeof *a->space, "layers", &a->space));
  for (int i = 0; i < TIMES; i++) a->time[i] = -1.9 + 0.025 * i;
  for (int subject = 0; subject < SUBJECTS; subject++) {
    char text[32];
    snprintf(text, sizeof text, "subject%d", subject + 1);
    if (chi_name_fits(selection->subjects, text)) CHI_TRY(add_dataset(study, at, subject, text));
  }
  for (int i = 0; i < NETWORKS; i++) {
    CHI_TRY(add_model(study, a, &networks[i], true, selection));
    /* a linear combination of random networks is in no comparison of the paper */
    if (strcmp(networks[i].modality, "linear") != 0)
      CHI_TRY(add_model(study, a, &networks[i], false, selection));
  }
  return CHI_OK;
}

chi_status chi_paper_study(const chi_selection *selection, chi_study **out)
{
  chi_study *study = NULL;
  *out = NULL;
  chi_status s = chi_alloc(1, sizeof *study, "study", &study);
  if (s != CHI_OK) return s;
  s = chi_strdup("the paper's study", &study->path);
  if (s == CHI_OK) s = chi_alloc(2, sizeof *study->alignments, "alignments", &study->alignments);
  if (s == CHI_OK)
    s = chi_alloc((int64_t)2 * SUBJECTS, sizeof *study->datasets, "recordings", &study->datasets);
  int64_t layers = 0;
  for (int i = 0; i < 2 && s == CHI_OK; i++) {
    if (!chi_name_fits(selection->alignments, alignments[i])) continue;
    s = add_alignment(study, alignments[i], selection);
    layers += study->alignments[study->n_alignments - 1].n_spaces;
  }
  if (s == CHI_OK && (layers == 0 || study->n_datasets == 0))
    s = chi_fail(CHI_ERR_USAGE, "nothing of the paper's study fits the selection");
  if (s != CHI_OK) chi_study_destroy(&study);
  *out = study;
  return s;
}
