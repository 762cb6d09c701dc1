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

chi_status chi_output_check_label(const char *option, const char *text)
{
  return chi_name_check(text, option, "the name") == CHI_OK
             ? CHI_OK
             : chi_fail(CHI_ERR_USAGE, "%s", chi_message());
}

chi_status chi_feature_file_check(const chi_feature_file *file)
{
  CHI_TRY(chi_output_check_name("subject", file->subject, false));
  CHI_TRY(chi_output_check_name("alignment", file->alignment, false));
  return chi_output_check_name("model", file->model, true);
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

chi_status chi_feature_file_make_folders(const chi_feature_file *file)
{
  char path[PATH_MAX];
  CHI_TRY(chi_path_join(path, file->study, "features"));
  CHI_TRY(chi_folder_make(path));
  CHI_TRY(chi_path_format(path, file->study, "features/%s.%s", file->subject, file->alignment));
  return chi_folder_make(path);
}
