/* The catalog's part of one feature file. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/catalog.h"

const char *const chi_model_kinds[CHI_N_KINDS] = {"network", "modality", "training"};

/* What the root says of the model; the network is the model itself where it says nothing. */
static chi_status read_kinds(hid_t file, chi_model_record *record)
{
  static const char *const expected[CHI_N_KINDS] = {
      NULL, "vision, language, multimodal, linear or another text", "trained or random"};
  const char *where = record->path;
  for (int i = 0; i < CHI_N_KINDS; i++) {
    char what[64], **out = &record->kind[i];
    snprintf(what, sizeof what, "attribute %s of /", chi_model_kinds[i]);
    CHI_TRY(chi_h5_attribute_text(file, where, "/", chi_model_kinds[i], out));
    if (*out == NULL && expected[i] != NULL)
      return chi_fail(CHI_ERR_INPUT, "%s: %s is missing, expected %s", where, what, expected[i]);
    if (*out == NULL) CHI_TRY(chi_strdup(record->model, out));
    CHI_TRY(chi_name_check(*out, where, what));
  }
  const char *training = record->kind[CHI_TRAINING];
  if (strcmp(training, "trained") != 0 && strcmp(training, "random") != 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: attribute training of / is \"%s\", expected trained or random", where,
                    training);
  return CHI_OK;
}

static chi_status read_depth(hid_t object, const char *where, const char *name,
                             chi_layer_record *layer)
{
  double depth = 0;
  char object_name[256];
  snprintf(object_name, sizeof object_name, "/layers/%s", name);
  CHI_TRY(chi_h5_attribute_number(object, where, object_name, "depth", &layer->has_depth, &depth));
  if (!layer->has_depth) return CHI_OK;
  if (!(depth >= INT32_MIN && depth <= INT32_MAX) || depth != (double)(int32_t)depth)
    return chi_fail(CHI_ERR_INPUT, "%s: attribute depth of %s is %g, expected an int32", where,
                    object_name, depth);
  layer->depth = (int32_t)depth;
  return CHI_OK;
}

static chi_status check_layer(const chi_h5_dataset *d, const char *where, const char *name,
                              int64_t n_events)
{
  char object[256];
  snprintf(object, sizeof object, "/layers/%s", name);
  if (d->rank != 2)
    return chi_fail(CHI_ERR_INPUT, "%s: %s has %d dimensions, expected 2 (event, feature)%s", where,
                    object, d->rank,
                    d->rank == 1 ? "; labels of the events stand outside /layers" : "");
  CHI_TRY(chi_h5_check_numbers(d, where, object));
  if (d->dims[1] == 0 || d->dims[1] > INT32_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: /layers/%s has %lld features, expected 1 to 2^31 - 1",
                    where, name, (long long)d->dims[1]);
  if (n_events > 0 && d->dims[0] != n_events)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: /layers/%s has %lld events, but the responses have %lld; expected one row "
                    "per event",
                    where, name, (long long)d->dims[0], (long long)n_events);
  return CHI_OK;
}

/* Depths of all layers are wanted, of the selected ones the form as well. */
static chi_status read_layer(hid_t group, const chi_model_record *record, const char *name,
                             chi_layer_record *layer)
{
  chi_h5_dataset d;
  CHI_TRY(chi_h5_open_dataset(group, record->path, "/layers/", name, &d));
  chi_status s = read_depth(d.id, record->path, name, layer);
  if (s == CHI_OK && layer->selected) s = check_layer(&d, record->path, name, record->n_events);
  layer->n_features = d.dims[1];
  chi_h5_close_dataset(&d);
  return s;
}

/* netCDF keeps the dimensions of a group in it, as datasets that are no layers. */
static bool is_dimension(hid_t group, const char *name)
{
  H5L_info_t link;
  if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) return false;
  const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object < 0) return false;
  const bool is = chi_h5_is_scale(object);
  H5Oclose(object);
  return is;
}

/* One layer of the file by its name; a wrong one is left out. */
static chi_status take_layer(chi_catalog *catalog, hid_t group, chi_model_record *record,
                             const char *name)
{
  if (is_dimension(group, name)) return CHI_OK;
  CHI_TRY(chi_names_add(&catalog->layers_seen, name));
  if (!chi_name_ok(name, true))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: the layer \"%.200s\" has another name than [A-Za-z0-9_.-]+, 200 at most",
                    record->path, name);
  chi_layer_record layer = {.selected = chi_name_fits(catalog->selection->layers, name)};
  const chi_status s = read_layer(group, record, name, &layer);
  /* what is not selected need not be right */
  if (s != CHI_OK) return s == CHI_ERR_INPUT && !layer.selected ? CHI_OK : s;
  CHI_TRY(chi_grow(&record->layer, &record->room, record->n_layers + 1, sizeof layer, "layers"));
  CHI_TRY(chi_strdup(name, &layer.name));
  record->layer[record->n_layers++] = layer;
  return CHI_OK;
}

static chi_status read_layers(chi_catalog *catalog, hid_t file, chi_model_record *record)
{
  hid_t group;
  char **names = NULL;
  int64_t n = 0;
  bool created = false;
  CHI_TRY(chi_h5_open_group(file, record->path, "layers", &group));
  chi_status s = chi_h5_list(group, record->path, "/layers", &created, &n, &names);
  if (s == CHI_OK && n == 0)
    s = chi_fail(CHI_ERR_INPUT, "%s: /layers is empty, expected at least one layer", record->path);
  for (int64_t i = 0; i < n && s == CHI_OK; i++)
    s = chi_catalog_note(catalog->findings, take_layer(catalog, group, record, names[i]));
  chi_h5_free_strings(&names, n);
  H5Gclose(group);
  return s;
}

/* Depths given for some layers only would mix two orders. */
static chi_status check_depths(const chi_model_record *record)
{
  for (int64_t i = 1; i < record->n_layers; i++)
    if (record->layer[i].has_depth != record->layer[0].has_depth)
      return chi_fail(CHI_ERR_INPUT,
                      "%s: /layers/%s has no attribute depth, but others have; expected it on all "
                      "layers or on none",
                      record->path, record->layer[record->layer[0].has_depth ? i : 0].name);
  return CHI_OK;
}

chi_status chi_model_read(chi_catalog *catalog, chi_model_record *record)
{
  hid_t file;
  const char *where = record->path;
  chi_findings *findings = catalog->findings;
  chi_status s = chi_folder_open_file(catalog, where, &file);
  if (s != CHI_OK) return chi_catalog_note(findings, s);
  s = chi_catalog_note(findings, chi_format_check(file, where));
  if (s == CHI_OK)
    s = chi_catalog_note(findings, chi_root_says(file, where, "model", record->model));
  if (s == CHI_OK) s = chi_catalog_note(findings, read_kinds(file, record));
  if (s == CHI_OK) s = chi_catalog_note(findings, read_layers(catalog, file, record));
  if (s == CHI_OK) s = chi_catalog_note(findings, check_depths(record));
  H5Fclose(file);
  return s;
}

void chi_model_free(chi_model_record *record)
{
  for (int64_t i = 0; i < record->n_layers; i++) chi_free(record->layer[i].name);
  for (int i = 0; i < CHI_N_KINDS; i++) chi_free(record->kind[i]);
  chi_free(record->layer);
  chi_free(record->path);
  chi_free(record->model);
  *record = (chi_model_record){0};
}
