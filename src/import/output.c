#include "import/output.h"

#include <sys/stat.h>

#include "base/text.h"
#include "h5/h5.h"
#include "study/catalog.h"

chi_status chi_output_check_name(const char *option, const char *name, bool dots)
{
  if (name == NULL) return chi_fail(CHI_ERR_USAGE, "--%s is missing", option);
  if (chi_name_ok(name, dots)) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "--%s: `%.200s` is no name; expected letters, digits, _%s and -",
                  option, name, dots ? ", ." : "");
}

/* What is to be an attribute that names something. */
static chi_status check_label(const char *option, const char *text)
{
  if (text == NULL) return chi_fail(CHI_ERR_USAGE, "%s is missing", option);
  if (chi_name_check(text, option, "the name") == CHI_OK) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "%s", chi_message());
}

chi_status chi_feature_file_check(const chi_feature_file *f)
{
  if (f->subject != NULL) CHI_TRY(chi_output_check_name("subject", f->subject, false));
  if (f->alignment != NULL) CHI_TRY(chi_output_check_name("alignment", f->alignment, false));
  CHI_TRY(chi_output_check_name("model", f->model, true));
  CHI_TRY(check_label("--modality", f->modality));
  return f->network == NULL ? CHI_OK : check_label("--network", f->network);
}

/* Under the lock. */
static chi_status count_events(const char *path, int64_t *n)
{
  hid_t file;
  chi_h5_dataset d;
  bool found = false;
  double format = 0;
  CHI_TRY(chi_h5_open_read(path, path, &file));
  chi_status s = chi_h5_attribute_number(file, path, "/", "chiasm_format", &found, &format);
  if (s == CHI_OK && (!found || format != 1))
    s = chi_fail(CHI_ERR_INPUT, "%s: attribute chiasm_format of / is missing or not 1", path);
  if (s == CHI_OK) s = chi_h5_open_dataset(file, path, "/", "response", &d);
  if (s == CHI_OK) {
    *n = d.dims[0];
    if (d.rank != 3 || d.count == 0)
      s = chi_fail(CHI_ERR_INPUT,
                   "%s: /response has %d dimensions and %lld numbers, expected (event, electrode, "
                   "time), not empty",
                   path, d.rank, (long long)d.count);
    chi_h5_close_dataset(&d);
  }
  H5Fclose(file);
  return s;
}

chi_status chi_feature_file_events(const chi_feature_file *file, int64_t *n)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_format(path, file->study, "responses/%s.%s.h5", file->subject, file->alignment));
  chi_h5_lock();
  const chi_status s = count_events(path, n);
  chi_h5_unlock();
  return s;
}

chi_status chi_feature_file_path(const chi_feature_file *file, char *path)
{
  struct stat info;
  CHI_TRY(chi_path_format(path, file->study, "features/%s.%s/%s.h5", file->subject, file->alignment,
                          file->model));
  if (file->overwrite || lstat(path, &info) != 0) return CHI_OK;
  return chi_fail(CHI_ERR_USAGE, "%s: exists; --overwrite replaces it", path);
}

chi_status chi_feature_file_create(const chi_feature_file *f, const char *path, int64_t n_events,
                                   chi_writer **out)
{
  char folder[PATH_MAX];
  const chi_feature_header header = {.model = f->model,
                                     .network = f->network == NULL ? f->model : f->network,
                                     .modality = f->modality,
                                     .training = f->training,
                                     .n_events = n_events};
  CHI_TRY(chi_path_join(folder, f->study, "features"));
  CHI_TRY(chi_folder_make(folder));
  CHI_TRY(chi_path_format(folder, f->study, "features/%s.%s", f->subject, f->alignment));
  CHI_TRY(chi_folder_make(folder));
  CHI_TRY(chi_writer_create_features(path, &header, out));
  /* another job may have been faster, before the file was locked */
  const chi_status s = chi_feature_file_path(f, folder);
  return s == CHI_OK ? CHI_OK : chi_writer_finish(out, s);
}
