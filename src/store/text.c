/* What a file of a run says of itself. */
#include "base/file.h"
#include "chiasm/run.h"
#include "h5/h5.h"

chi_status chi_run_read_file_text(const char *run_path, const char *file, const char *name,
                                  char **out)
{
  char path[PATH_MAX];
  hid_t id;
  *out = NULL;
  CHI_TRY(chi_path_join(path, run_path, file));
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &id);
  if (s == CHI_OK) {
    s = chi_h5_attribute_text(id, path, "/", name, out);
    H5Fclose(id);
  }
  chi_h5_unlock();
  if (s == CHI_OK && *out == NULL)
    s = chi_fail(CHI_ERR_INPUT, "%s: has no attribute %s, which chiasm writes", path, name);
  return s;
}

chi_status chi_run_read_text(const char *run_path, const char *name, char **out)
{
  return chi_run_read_file_text(run_path, "fit.h5", name, out);
}
