/* The catalog's part of one feature file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/h5.h"
#include "study/catalog.h"

/* A text attribute of the root, a name of some kind; *out stays NULL where there is none. */
static chi_status read_text(hid_t file, const char *where, const char *name, char **out)
{
  char what[64];
  snprintf(what, sizeof what, "attribute %s of /", name);
  CHI_TRY(chi_h5_attribute_text(file, where, "/", name, out));
  return *out == NULL ? CHI_OK : chi_name_check(*out, where, what);
}

static chi_status missing(const char *where, const char *name, const char *expected)
{
  return chi_fail(CHI_ERR_INPUT, "%s: attribute %s of / is missing, expected %s", where, name,
                  expected);
}

static chi_status check_model(hid_t file, const chi_model_record *record)
{
  char *text = NULL;
  chi_status status = read_text(file, record->path, "model", &text);
  if (status == CHI_OK && text == NULL)
    status = missing(record->path, "model", record->model);
  else if (status == CHI_OK && strcmp(text, record->model) != 0)
    status =
        chi_fail(CHI_ERR_INPUT, "%s: attribute model of / is \"%s\", but the file's name says %s",
                 record->path, text, record->model);
  chi_free(text);
  return status;
}

static chi_status read_kind(hid_t file, chi_model_record *record)
{
  const char *where = record->path;
  CHI_TRY(read_text(file, where, "network", &record->network));
  if (record->network == NULL) CHI_TRY(chi_strdup(record->model, &record->network));
  CHI_TRY(read_text(file, where, "modality", &record->modality));
  if (record->modality == NULL)
    return missing(where, "modality", "vision, language, multimodal, linear or another text");
  CHI_TRY(read_text(file, where, "training", &record->training));
  if (record->training == NULL) return missing(where, "training", "trained or random");
  if (strcmp(record->training, "trained") != 0 && strcmp(record->training, "random") != 0)
    return chi_fail(CHI_ERR_INPUT,
                    "%s: attribute training of / is \"%s\", expected trained or random", where,
                    record->training);
  return CHI_OK;
}

static chi_status read_depth(hid_t object, const char *where, chi_layer_record *layer)
{
  double depth = 0;
  char name[256];
  snprintf(name, sizeof name, "/layers/%s", layer->name);
  CHI_TRY(chi_h5_attribute_number(object, where, name, "depth", &layer->has_depth, &depth));
  if (!layer->has_depth) return CHI_OK;
  if (!(depth >= INT32_MIN && depth <= INT32_MAX) || depth != (double)(int32_t)depth)
    return chi_fail(CHI_ERR_INPUT, "%s: attribute depth of %s is %g, expected an int32", where,
                    name, depth);
  layer->depth = (int32_t)depth;
  return CHI_OK;
}

static chi_status check_layer(const chi_h5_dataset *d, const char *where, const char *name,
                              int64_t n_events)
{
  if (d->rank != 2)
    return chi_fail(CHI_ERR_INPUT, "%s: /layers/%s has %d dimensions, expected 2 (event, feature)",
                    where, name, d->rank);
  if (d->type_class != H5T_FLOAT)
    return chi_fail(CHI_ERR_INPUT, "%s: /layers/%s is %s, expected float16, float32 or float64",
                    where, name, chi_h5_type_name(d));
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
static chi_status read_layer(hid_t group, const chi_catalog *catalog,
                             const chi_model_record *record, chi_layer_record *layer)
{
  chi_h5_dataset d;
  CHI_TRY(chi_h5_open_dataset(group, record->path, "/layers/", layer->name, &d));
  chi_status status = read_depth(d.id, record->path, layer);
  if (status == CHI_OK && layer->selected)
    status = check_layer(&d, record->path, layer->name,
                         catalog->study->datasets[record->dataset].n_events);
  layer->n_features = d.dims[1];
  chi_h5_close_dataset(&d);
  return status;
}

static chi_status add_layer(chi_model_record *record, const char *name, bool selected)
{
  if (record->n_layers == record->room) {
    const int64_t room = 2 * record->room + 8;
    chi_layer_record *layer = realloc(record->layer, (size_t)room * sizeof *layer);
    if (layer == NULL) return chi_fail(CHI_ERR_MEMORY, "no memory for a list of layers");
    record->layer = layer;
    record->room = room;
  }
  chi_layer_record *layer = &record->layer[record->n_layers];
  *layer = (chi_layer_record){.selected = selected};
  CHI_TRY(chi_strdup(name, &layer->name));
  record->n_layers++;
  return CHI_OK;
}

/* netCDF keeps the dimensions of a group in it, as datasets that are no layers. */
static bool is_dimension(hid_t group, const char *name)
{
  char *text = NULL;
  H5L_info_t link;
  if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) return false;
  const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object < 0) return false;
  const bool is = chi_h5_attribute_text(object, "", "", "CLASS", &text) == CHI_OK && text != NULL &&
                  strcmp(text, "DIMENSION_SCALE") == 0;
  chi_free(text);
  H5Oclose(object);
  return is;
}

typedef struct visit {
  chi_names names;
  chi_status status;
} visit;

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  (void)group;
  (void)info;
  visit *v = context;
  v->status = chi_names_add(&v->names, name);
  return v->status == CHI_OK ? 0 : 1;
}

/* One layer of the file by its name; a wrong one is noted and left out. */
static chi_status take_layer(chi_catalog *catalog, hid_t group, chi_model_record *record,
                             const char *name)
{
  if (is_dimension(group, name)) return CHI_OK;
  CHI_TRY(chi_names_add(&catalog->layers_seen, name));
  const bool selected = chi_name_fits(catalog->selection->layers, name);
  if (!chi_name_ok(name, true))
    return chi_fail(CHI_ERR_INPUT,
                    "%s: the layer \"%.200s\" has another name than [A-Za-z0-9_.-]+, 200 at most",
                    record->path, name);
  CHI_TRY(add_layer(record, name, selected));
  const chi_status status =
      read_layer(group, catalog, record, &record->layer[record->n_layers - 1]);
  if (status != CHI_OK) chi_free(record->layer[--record->n_layers].name);
  /* what is not selected need not be right */
  return status == CHI_ERR_INPUT && !selected ? CHI_OK : status;
}

static chi_status read_layers(chi_catalog *catalog, hid_t file, chi_model_record *record)
{
  hid_t group;
  hsize_t at = 0;
  visit v = {.status = CHI_OK};
  CHI_TRY(chi_h5_open_group(file, record->path, "layers", &group));
  chi_status status = CHI_OK;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &at, take_name, &v) < 0)
    status = chi_fail(CHI_ERR_INPUT, "%s: /layers: HDF5 cannot list it (%s)", record->path,
                      chi_h5_reason());
  if (v.status != CHI_OK) status = v.status;
  chi_names_sort(&v.names);
  if (status == CHI_OK && v.names.n == 0)
    status =
        chi_fail(CHI_ERR_INPUT, "%s: /layers is empty, expected at least one layer", record->path);
  for (int64_t i = 0; i < v.names.n && status == CHI_OK; i++)
    status =
        chi_catalog_note(catalog->findings, take_layer(catalog, group, record, v.names.name[i]));
  chi_names_free(&v.names);
  H5Gclose(group);
  return status;
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
  hid_t file = H5I_INVALID_HID;
  char *path = NULL;
  chi_findings *findings = catalog->findings;
  chi_status status = chi_folder_contains(catalog, record->path);
  if (status == CHI_OK) status = chi_folder_path(catalog->root, record->path, &path);
  if (status == CHI_OK) status = chi_h5_open_read(path, record->path, &file);
  chi_free(path);
  if (status != CHI_OK) return chi_catalog_note(findings, status);
  status = chi_catalog_note(findings, chi_format_check(file, record->path));
  if (status == CHI_OK) status = chi_catalog_note(findings, check_model(file, record));
  if (status == CHI_OK) status = chi_catalog_note(findings, read_kind(file, record));
  if (status == CHI_OK) status = chi_catalog_note(findings, read_layers(catalog, file, record));
  if (status == CHI_OK) status = chi_catalog_note(findings, check_depths(record));
  H5Fclose(file);
  return status;
}

void chi_model_free(chi_model_record *record)
{
  for (int64_t i = 0; i < record->n_layers; i++) chi_free(record->layer[i].name);
  free(record->layer);
  chi_free(record->path);
  chi_free(record->model);
  chi_free(record->network);
  chi_free(record->modality);
  chi_free(record->training);
  *record = (chi_model_record){0};
}
