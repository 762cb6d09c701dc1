#include "import/target.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/h5.h"
#include "study/catalog.h"

chi_status chi_target_check_names(const chi_target *target)
{
  if (!chi_name_ok(target->subject, false))
    return chi_fail(CHI_ERR_USAGE, "--subject: `%.200s`, expected [A-Za-z0-9_-]+", target->subject);
  if (!chi_name_ok(target->alignment, false))
    return chi_fail(CHI_ERR_USAGE, "--alignment: `%.200s`, expected [A-Za-z0-9_-]+",
                    target->alignment);
  if (!chi_name_ok(target->model, true))
    return chi_fail(CHI_ERR_USAGE, "--model: `%.200s`, expected [A-Za-z0-9_.-]+", target->model);
  return CHI_OK;
}

chi_status chi_target_check_label(const char *option, const char *text)
{
  return chi_name_check(text, option, "the name") == CHI_OK
             ? CHI_OK
             : chi_fail(CHI_ERR_USAGE, "%s", chi_message());
}

/* Under the lock. */
static chi_status count_rows(const char *path, int64_t *n)
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

chi_status chi_target_count_events(const chi_target *target, int64_t *n)
{
  chi_text path = {0};
  chi_text_add(&path, "%s/responses/%s.%s.h5", target->study, target->subject, target->alignment);
  if (path.failed) return chi_fail(CHI_ERR_MEMORY, "no memory for a path");
  chi_h5_lock();
  const chi_status s = count_rows(path.s, n);
  chi_h5_unlock();
  chi_text_free(&path);
  return s;
}

/* From a text to a path that is its own. */
static chi_status take_path(chi_text *text, char **path)
{
  const chi_status s =
      text->failed ? chi_fail(CHI_ERR_MEMORY, "no memory for a path") : chi_strdup(text->s, path);
  chi_text_free(text);
  return s;
}

chi_status chi_target_path(const chi_target *target, char **path)
{
  chi_text text = {0};
  struct stat info;
  chi_text_add(&text, "%s/features/%s.%s/%s.h5", target->study, target->subject, target->alignment,
               target->model);
  CHI_TRY(take_path(&text, path));
  if (target->overwrite || lstat(*path, &info) != 0) return CHI_OK;
  const chi_status s = chi_fail(CHI_ERR_USAGE, "%s: exists; --overwrite replaces it", *path);
  chi_free(*path);
  *path = NULL;
  return s;
}

static chi_status make_folder(const char *path)
{
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
}

chi_status chi_target_make_folders(const chi_target *target)
{
  chi_text text = {0};
  chi_text_add(&text, "%s/features", target->study);
  chi_status s =
      text.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for a path") : make_folder(text.s);
  chi_text_add(&text, "/%s.%s", target->subject, target->alignment);
  if (s == CHI_OK && text.failed) s = chi_fail(CHI_ERR_MEMORY, "no memory for a path");
  if (s == CHI_OK) s = make_folder(text.s);
  chi_text_free(&text);
  return s;
}
