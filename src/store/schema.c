/* The tables of fit.h5, influence.h5 and bootstrap.h5 (formats.md). */
#include "store/schema.h"

#include "chiasm/run.h"
#include "store/bootstrap_read.h"
#include "store/influence_read.h"

#define FIT(member)  offsetof(chi_fit_table, member)
#define BOOT(member) offsetof(chi_bootstrap_table, member)
#define INFL(member) offsetof(chi_influence_table, member)

static const chi_schema_dim fit_dims[] = {{"feature_space", "feature spaces", FIT(n_spaces)},
                                          {"site", "sites", FIT(n_sites)},
                                          {"time", "time bins", FIT(n_times)},
                                          {"subject_index", "subjects", CHI_NO_VIEW}};

/* clang-format off */
#define ROW 1, {CHI_ROW}
#define SITE 1, {CHI_SITE}
#define CELL 2, {CHI_ROW, CHI_SITE}
#define BINS 3, {CHI_ROW, CHI_SITE, CHI_TIME}
#define BLOCKS 3, {CHI_ROW, CHI_SITE, CHI_REPLICATE_BLOCKS}
#define DRAWS 4, {CHI_ROW, CHI_SITE, CHI_REPLICATE, CHI_TIME}
#define EVENTS 4, {CHI_ROW, CHI_SITE, CHI_EVENT_BLOCK, CHI_TIME}
#define OF_SUBJECT 1, {CHI_BLOCK_SUBJECT}

/* The labels with which the tables of influence.h5 and bootstrap.h5 begin; T: INFL or BOOT. */
#define CHOSEN_LABELS(T) \
  {"feature_space", CHI_TEXT, CHI_LABEL, ROW, CHI_BY_SPACE, CHI_NO_VIEW, NULL, "feature space, <model>/<layer>"}, \
  {"model", CHI_TEXT, CHI_LABEL, ROW, 0, T(model), NULL, "model"}, \
  {"network", CHI_TEXT, CHI_LABEL, ROW, 0, CHI_NO_VIEW, NULL, "network, trained or not"}, \
  {"modality", CHI_TEXT, CHI_LABEL, ROW, 0, CHI_NO_VIEW, NULL, "modality of the network"}, \
  {"training", CHI_TEXT, CHI_LABEL, ROW, 0, CHI_NO_VIEW, NULL, "trained or random"}, \
  {"site", CHI_TEXT, CHI_LABEL, SITE, 0, T(site), NULL, "site, <subject>/<electrode>"}, \
  {"subject", CHI_TEXT, CHI_LABEL, SITE, 0, CHI_NO_VIEW, NULL, "subject"}, \
  {"electrode", CHI_TEXT, CHI_LABEL, SITE, 0, CHI_NO_VIEW, NULL, "electrode"}, \
  {"region", CHI_TEXT, CHI_LABEL, SITE, 0, CHI_NO_VIEW, NULL, "region of the electrode"}, \
  {"x", CHI_FLOAT32, CHI_LABEL, SITE, 0, CHI_NO_VIEW, "mm", "coordinate x of the electrode"}, \
  {"y", CHI_FLOAT32, CHI_LABEL, SITE, 0, CHI_NO_VIEW, "mm", "coordinate y of the electrode"}, \
  {"z", CHI_FLOAT32, CHI_LABEL, SITE, 0, CHI_NO_VIEW, "mm", "coordinate z of the electrode"}

static const chi_field fit_fields[] = {
  {"feature_space", CHI_TEXT, CHI_LABEL, ROW, 0, FIT(space), NULL, "feature space, <model>/<layer>"},
  {"model", CHI_TEXT, CHI_LABEL, ROW, 0, FIT(model), NULL, "model"},
  {"network", CHI_TEXT, CHI_LABEL, ROW, 0, FIT(network), NULL, "network, trained or not"},
  {"modality", CHI_TEXT, CHI_LABEL, ROW, 0, FIT(modality), NULL, "modality of the network"},
  {"training", CHI_TEXT, CHI_LABEL, ROW, 0, FIT(training), NULL, "trained or random"},
  {"layer", CHI_TEXT, CHI_LABEL, ROW, 0, FIT(layer), NULL, "layer"},
  {"depth", CHI_INT32, CHI_LABEL, ROW, 0, FIT(depth), NULL, "order of the layer in its network"},
  {"site", CHI_TEXT, CHI_LABEL, SITE, 0, FIT(site), NULL, "site, <subject>/<electrode>"},
  {"subject", CHI_TEXT, CHI_LABEL, SITE, 0, FIT(subject), NULL, "subject"},
  {"electrode", CHI_TEXT, CHI_LABEL, SITE, 0, FIT(electrode), NULL, "electrode"},
  {"region", CHI_TEXT, CHI_LABEL, SITE, 0, FIT(region), NULL, "region of the electrode"},
  {"x", CHI_FLOAT32, CHI_LABEL, SITE, 0, FIT(x), "mm", "coordinate x of the electrode"},
  {"y", CHI_FLOAT32, CHI_LABEL, SITE, 0, FIT(y), "mm", "coordinate y of the electrode"},
  {"z", CHI_FLOAT32, CHI_LABEL, SITE, 0, FIT(z), "mm", "coordinate z of the electrode"},
  {"time", CHI_FLOAT64, CHI_LABEL, 1, {CHI_TIME}, 0, FIT(time), "s", "time from the event"},
  {"subject_index", CHI_INT32, CHI_LABEL, 1, {CHI_SUBJECT}, 0, CHI_NO_VIEW, NULL, "subject, by number"},
  {"n_features", CHI_INT32, CHI_LABEL, 2, {CHI_ROW, CHI_SUBJECT}, 0, CHI_NO_VIEW, NULL, "features of the layer"},
  {"checksum", CHI_UINT64, CHI_CHECKSUM, CELL, 0, CHI_NO_VIEW, NULL, "XXH3-64 of the scores"},
  {"done", CHI_UINT8, CHI_FLAG, CELL, 0, CHI_NO_VIEW, NULL, "0 not yet, 1 written, 2 failed"},
  {"val_r", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "Pearson r on the validation halves"},
  {"test_r", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "Pearson r on the test halves"},
  {"alpha", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "the chosen penalty"},
};

static const chi_schema_dim boot_dims[] = {
  {"model", "models", BOOT(n_rows)}, {"site", "sites", BOOT(n_sites)}, {"time", "time bins", BOOT(n_times)},
  {"replicate", "replicates", BOOT(n_replicates)}, {"replicate_block", "blocks of replicates", CHI_NO_VIEW}, {"entry", "kept bins", BOOT(n_kept)}};

static const chi_schema_dim influence_dims[] = {
  {"model", "models", INFL(n_rows)}, {"site", "sites", INFL(n_sites)}, {"time", "time bins", INFL(n_times)},
  {"block", "blocks of events", INFL(n_blocks)}, {"subject_index", "subjects", INFL(n_subjects)}};

static const chi_field influence_fields[] = {
  CHOSEN_LABELS(INFL),
  {"block", CHI_INT32, CHI_LABEL, 1, {CHI_EVENT_BLOCK}, 0, CHI_NO_VIEW, NULL, "block of events, in the order of the recording"},
  {"subject_index", CHI_INT32, CHI_LABEL, OF_SUBJECT, 0, CHI_NO_VIEW, NULL, "subject, by number"},
  {"time", CHI_FLOAT64, CHI_LABEL, 1, {CHI_TIME}, 0, CHI_NO_VIEW, "s", "time from the event"},
  {"layer", CHI_TEXT, CHI_LABEL, CELL, 0, INFL(layer), NULL, "layer chosen there"},
  {"n_blocks", CHI_INT32, CHI_LABEL, OF_SUBJECT, 0, INFL(subject_blocks), NULL, "blocks of events of the recording"},
  {"block_length", CHI_INT32, CHI_LABEL, OF_SUBJECT, 0, INFL(block_length), NULL, "events of a block; the last of a session has fewer"},
  {"checksum", CHI_UINT64, CHI_CHECKSUM, CELL, 0, CHI_NO_VIEW, NULL, "XXH3-64 of the influences"},
  {"done", CHI_UINT8, CHI_FLAG, CELL, 0, CHI_NO_VIEW, NULL, "0 not yet, 1 written, 2 failed"},
  {"val_r", CHI_FLOAT32, CHI_DATA, EVENTS, 0, CHI_NO_VIEW, NULL, "influence of a block of events on val_r"},
  {"test_r", CHI_FLOAT32, CHI_DATA, EVENTS, 0, CHI_NO_VIEW, NULL, "influence of a block of events on test_r"},
};

static const chi_field boot_fields[] = {
  CHOSEN_LABELS(BOOT),
  {"replicate", CHI_INT32, CHI_LABEL, 1, {CHI_REPLICATE}, 0, CHI_NO_VIEW, NULL, "replicate"},
  {"replicate_block", CHI_INT32, CHI_LABEL, 1, {CHI_REPLICATE_BLOCKS}, 0, CHI_NO_VIEW, NULL, "block of replicates"},
  {"time", CHI_FLOAT64, CHI_LABEL, 1, {CHI_TIME}, 0, CHI_NO_VIEW, "s", "time from the event"},
  {"layer", CHI_TEXT, CHI_LABEL, CELL, 0, BOOT(layer), NULL, "layer chosen there"},
  {"entry", CHI_INT32, CHI_LABEL, 1, {CHI_ENTRY}, CHI_DROPPED, CHI_NO_VIEW, NULL, "kept bin of a row"},
  {"kept_row", CHI_INT32, CHI_LABEL, 1, {CHI_ENTRY}, CHI_DROPPED, BOOT(kept_row), NULL, "row of a kept bin"},
  {"kept_site", CHI_INT32, CHI_LABEL, 1, {CHI_ENTRY}, CHI_DROPPED, BOOT(kept_site), NULL, "site of a kept bin"},
  {"kept_time", CHI_INT32, CHI_LABEL, 1, {CHI_ENTRY}, CHI_DROPPED, BOOT(kept_time), NULL, "time of a kept bin"},
  {"checksum", CHI_UINT64, CHI_CHECKSUM, BLOCKS, 0, CHI_NO_VIEW, NULL, "XXH3-64 of a block of replicates"},
  {"done", CHI_UINT8, CHI_FLAG, BLOCKS, 0, CHI_NO_VIEW, NULL, "0 not yet, 1 written, 2 failed"},
  {"summarised", CHI_UINT8, CHI_FLAG, CELL, 0, CHI_NO_VIEW, NULL, "whether the summaries are written"},
  {"summary_checksum", CHI_UINT64, CHI_CHECKSUM, CELL, 0, CHI_NO_VIEW, NULL, "XXH3-64 of the summaries"},
  {"val_r_mean", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "mean of val_r over replicates"},
  {"val_r_lower", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "2.5th percentile of val_r"},
  {"val_r_upper", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "97.5th percentile of val_r"},
  {"test_r_mean", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "mean of test_r over replicates"},
  {"test_r_lower", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "2.5th percentile of test_r"},
  {"test_r_upper", CHI_FLOAT32, CHI_DATA, BINS, 0, CHI_NO_VIEW, NULL, "97.5th percentile of test_r"},
  {"val_r", CHI_FLOAT32, CHI_DATA, DRAWS, CHI_WITH_REPLICATES, CHI_NO_VIEW, NULL, "Pearson r on the validation halves"},
  {"test_r", CHI_FLOAT32, CHI_DATA, DRAWS, CHI_WITH_REPLICATES, CHI_NO_VIEW, NULL, "Pearson r on the test halves"},
  {"kept_checksum", CHI_UINT64, CHI_CHECKSUM, 1, {CHI_ENTRY}, CHI_DROPPED, CHI_NO_VIEW, NULL, "XXH3-64 of a kept bin's replicates"},
  {"kept_val_r", CHI_FLOAT32, CHI_DATA, 2, {CHI_ENTRY, CHI_REPLICATE}, CHI_DROPPED, CHI_NO_VIEW, NULL, "val_r of a kept bin"},
  {"kept_test_r", CHI_FLOAT32, CHI_DATA, 2, {CHI_ENTRY, CHI_REPLICATE}, CHI_DROPPED, CHI_NO_VIEW, NULL, "test_r of a kept bin"},
};
/* clang-format on */

static const chi_record fit_record = {"scores", CHI_FIT_DONE, CHI_FIT_CHECKSUM, CHI_FIT_VAL_R, 3, 0,
                                      -1};
static const chi_record influence_record = {"influences",
                                            CHI_INFLUENCE_CHECKSUM + 1,
                                            CHI_INFLUENCE_CHECKSUM,
                                            CHI_INFLUENCE_CHECKSUM + 2,
                                            2,
                                            0,
                                            CHI_EVENT_BLOCK};
static const chi_record boot_records[] = {
    {"replicates", CHI_BOOT_DONE, CHI_BOOT_CHECKSUM, CHI_BOOT_VAL_R, 2, CHI_REPLICATE_BLOCK, -1},
    {"summaries", CHI_BOOT_SUMMARISED, CHI_BOOT_SUMMARY_CHECKSUM, CHI_BOOT_SUMMARY, CHI_N_SUMMARIES,
     0, -1}};

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

const chi_schema chi_fit_schema = {.file = "fit.h5",
                                   .stage = "fit",
                                   .first = true,
                                   .n_dims = COUNT(fit_dims),
                                   .n_fields = COUNT(fit_fields),
                                   .n_records = 1,
                                   .dim = fit_dims,
                                   .field = fit_fields,
                                   .record = &fit_record,
                                   .view_size = sizeof(chi_fit_table)};

const chi_schema chi_influence_schema = {.file = "influence.h5",
                                         .stage = "influence",
                                         .n_dims = COUNT(influence_dims),
                                         .n_fields = COUNT(influence_fields),
                                         .n_records = 1,
                                         .dim = influence_dims,
                                         .field = influence_fields,
                                         .record = &influence_record,
                                         .view_size = sizeof(chi_influence_table)};

const chi_schema chi_bootstrap_schema = {.file = "bootstrap.h5",
                                         .stage = "bootstrap",
                                         .drawn = true,
                                         .n_dims = COUNT(boot_dims),
                                         .n_fields = COUNT(boot_fields),
                                         .n_records = COUNT(boot_records),
                                         .dim = boot_dims,
                                         .field = boot_fields,
                                         .record = boot_records,
                                         .view_size = sizeof(chi_bootstrap_table)};

const chi_schema *const chi_results[CHI_N_RESULTS] = {&chi_fit_schema, &chi_influence_schema,
                                                      &chi_bootstrap_schema};

const char *chi_schema_dim_name(const chi_schema *schema, int dim, unsigned variants)
{
  return dim == CHI_ROW && (variants & CHI_BY_SPACE) != 0 ? "feature_space" : schema->dim[dim].name;
}

int chi_schema_scale(const chi_schema *schema, int dim, unsigned variants)
{
  int i = 0;
  while (i + 1 < schema->n_fields &&
         (!chi_field_in(&schema->field[i], variants) || schema->field[i].dim[0] != dim))
    i++;
  return i;
}

bool chi_field_in(const chi_field *field, unsigned variants)
{
  return field->variants == 0 || (field->variants & variants) != 0;
}

int64_t chi_field_bytes(const chi_field *field)
{
  switch (field->type) {
    case CHI_UINT8:
      return 1;
    case CHI_INT32:
    case CHI_FLOAT32:
      return 4;
    default:
      return 8;
  }
}
