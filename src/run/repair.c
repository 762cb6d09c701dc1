#include "run/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "h5/h5.h"
#include "run/config.h"
#include "run/fit_file.h"
#include "run/folder.h"

static char marked[2][32]; /* names of files */

void chi_repair_mark(const char *name)
{
  snprintf(marked[marked[0][0] == '\0' ? 0 : 1], sizeof marked[0], "%s", name);
}

/* How long the file is, and how long its superblock says that it is (HDF5 File Format
 * Specification, II.A; version 0 is what H5Fcreate makes unless asked for more); 0: it does not
 * say. */
static void read_length(const char *path, int64_t *size, int64_t *stated)
{
  unsigned char head[48];
  struct stat info;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  const bool read = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                    pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head;
  *size = *stated = 0;
  if (fd >= 0 && fstat(fd, &info) == 0) *size = info.st_size;
  if (fd >= 0) close(fd);
  if (!read || memcmp(head, "\x89HDF\r\n\x1a\n", 8) != 0 || head[8] != 0 || head[13] != 8) return;
  uint64_t end = 0;
  for (int i = 7; i >= 0; i--) end = end << 8 | head[40 + i];
  *stated = end > INT64_MAX ? 0 : (int64_t)end;
}

static chi_status grow(const char *path, int64_t size, int64_t to)
{
  const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return chi_fail(CHI_ERR_IO, "%s: cannot be opened to write: %s", path, strerror(errno));
  int why = fallocate(fd, 0, size, to - size) == 0 ? 0 : errno;
  if (why == EOPNOTSUPP || why == ENOSYS) why = ftruncate(fd, to) == 0 ? 0 : errno;
  if (why == 0 && fsync(fd) != 0) why = errno;
  if (why != 0 && ftruncate(fd, size) != 0)
    chi_log(CHI_LOG_WARNING, "%s: keeps a part of its new length: %s", path, strerror(errno));
  close(fd);
  if (why == 0) return CHI_OK;
  return chi_fail(CHI_ERR_IO, "%s: no room for %.1f MB: %s; %.1f MB are free there", path,
                  1e-6 * (double)to, strerror(why), 1e-6 * (double)chi_disk_free(path));
}

/* Whether a file cut short says all that is asked of it, and that it is of other options or of
 * another study: other differences are those of what it has lost. */
static bool is_of_other(const char *run, const char *name, const chi_provenance *provenance)
{
  static const char *const texts[] = {"config", "study_checksum", "run_blas_kernel"};
  bool all = true;
  for (int i = 0; i < 3 && all; i++) {
    char *text = NULL;
    all = chi_run_read_file_text(run, name, texts[i], &text) == CHI_OK && text[0] != '\0';
    if (all && i == 1) all = strspn(text, "0123456789abcdef") == 16 && text[16] == '\0';
    chi_free(text);
  }
  return all && chi_fit_file_check_texts(run, name, provenance) == CHI_ERR_USAGE;
}

/* Whether it is a whole file of another version, or of another program. */
static bool is_foreign(const char *path)
{
  bool found = false, foreign = false;
  double format = 0;
  hid_t file;
  chi_h5_lock();
  if (chi_h5_open_read(path, path, &file) == CHI_OK) {
    if (chi_h5_attribute_number(file, path, "/", "chiasm_format", &found, &format) == CHI_OK)
      foreign = !found || format != CHI_FIT_FORMAT;
    H5Fclose(file);
  }
  chi_h5_unlock();
  return foreign;
}

/* Whether RUN/config.yaml says that the file was made with these options. */
static chi_status check_config(const char *run, const char *stage, const char *section, bool *says)
{
  char path[PATH_MAX], *text = NULL;
  chi_text there = {0};
  *says = false;
  CHI_TRY(chi_path_join(path, run, "config.yaml"));
  if (!chi_run_folder_has(run, "config.yaml")) return CHI_OK;
  CHI_TRY(chi_text_read(path, path, &text));
  chi_config_section(text, stage, &there);
  chi_free(text);
  *says = there.n > 0;
  const chi_status s = there.failed ? chi_fail(CHI_ERR_MEMORY, "no memory for options")
                       : *says      ? chi_config_compare(run, there.s, section)
                                    : CHI_OK;
  chi_text_free(&there);
  return s;
}

typedef struct extent {
  haddr_t begin, end; /* bytes of the file */
} extent;

static int from_the_end(const void *a, const void *b)
{
  const extent *x = a, *y = b;
  return (x->end < y->end) - (x->end > y->end);
}

/* Where the tables of all alignments stand. */
static chi_status list_extents(hid_t file, const char *path, const chi_repair_file *what,
                               extent **list, int64_t *n)
{
  H5G_info_t info;
  if (H5Gget_info(file, &info) < 0 || info.nlinks > 10000)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed", path);
  CHI_TRY(chi_alloc((int64_t)info.nlinks * what->n_tables, sizeof **list, "tables", list));
  for (hsize_t i = 0; i < info.nlinks; i++)
    for (int t = 0; t < what->n_tables; t++) {
      char name[256], table[320];
      if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                             H5P_DEFAULT) < 0)
        return chi_fail(CHI_ERR_INPUT, "%s: cannot be listed", path);
      snprintf(table, sizeof table, "%s/%s", name, what->table[t]);
      const hid_t set = H5Dopen2(file, table, H5P_DEFAULT);
      const haddr_t begin = set < 0 ? HADDR_UNDEF : H5Dget_offset(set);
      if (begin != HADDR_UNDEF) (*list)[(*n)++] = (extent){begin, begin + H5Dget_storage_size(set)};
      if (set >= 0) H5Dclose(set);
    }
  return CHI_OK;
}

/* Whether a file whose bytes from `size` on are lost has lost nothing but what stands in tables,
 * the last thing in it; they may begin at multiples of 8. */
static bool lost_tables_only(const char *path, const chi_repair_file *what, int64_t size,
                             int64_t stated)
{
  extent *list = NULL;
  int64_t n = 0;
  hid_t file;
  haddr_t begin = (haddr_t)stated;
  chi_h5_lock();
  chi_status s = chi_h5_open_read(path, path, &file);
  if (s == CHI_OK) {
    s = list_extents(file, path, what, &list, &n);
    H5Fclose(file);
  }
  chi_h5_unlock();
  if (s == CHI_OK && n > 0) qsort(list, (size_t)n, sizeof *list, from_the_end);
  for (int64_t i = 0; s == CHI_OK && i < n; i++) {
    if (list[i].end > begin || begin - list[i].end >= 8) break;
    begin = list[i].begin;
  }
  chi_free(list);
  return s == CHI_OK && (haddr_t)size >= begin;
}

/* Remove what cannot be used, because of `reason`. */
static chi_status give_up(const char *run, const char *path, const chi_repair_file *what,
                          chi_status s, const char *reason, bool *renew)
{
  bool says = false;
  if (access(path, R_OK | W_OK) != 0) return chi_fail(s, "%s", reason);
  CHI_TRY(check_config(run, what->stage, what->section, &says));
  if (!says)
    return chi_fail(s, "%s; it cannot be resumed: --overwrite starts the %s again", reason,
                    strcmp(what->stage, "fit") == 0 ? "run" : what->stage);
  chi_log(CHI_LOG_WARNING, "%s; nothing of it can be used: the %s starts from nothing", reason,
          what->stage);
  if (unlink(path) != 0)
    return chi_fail(CHI_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
  *renew = true;
  return CHI_OK;
}

/* What is wrong with a file, if anything. */
typedef struct judgement {
  bool cut, usable, refused; /* refused: it is of something else, and to be left alone */
  chi_status status;
  char reason[CHI_MESSAGE_MAX];
} judgement;

static void judge(const char *run, const char *path, const chi_repair_file *what,
                  const chi_provenance *provenance, chi_repair_check *check, void *context,
                  int64_t size, int64_t stated, judgement *j)
{
  const bool deadly = strcmp(what->name, marked[0]) == 0 || strcmp(what->name, marked[1]) == 0;
  j->cut = stated > size && stated <= what->most;
  chi_h5_accept_cut(j->cut);
  j->status =
      deadly ? chi_fail(CHI_ERR_INPUT, "%s: is damaged: HDF5 does not survive reading it", path)
             : check(context, j->cut);
  snprintf(j->reason, sizeof j->reason, "%s", chi_message());
  j->usable = j->status == CHI_OK && (!j->cut || lost_tables_only(path, what, size, stated));
  if (j->cut && j->status == CHI_OK && !j->usable)
    j->status = chi_fail(CHI_ERR_INPUT, "its labels are lost");
  const bool other =
      j->status == CHI_ERR_USAGE && (!j->cut || is_of_other(run, what->name, provenance));
  const bool damaged = j->status == CHI_ERR_INPUT || j->status == CHI_ERR_USAGE;
  chi_h5_accept_cut(false);
  j->refused = !j->usable && (other || !damaged || (!deadly && !j->cut && is_foreign(path)));
  if (!j->cut || j->refused) return;
  chi_fail(j->status, "%s: has %lld bytes of the %lld it should have: it was cut short", path,
           (long long)size, (long long)stated);
  snprintf(j->reason, sizeof j->reason, "%s", chi_message());
}

chi_status chi_repair(const char *run, const chi_repair_file *what,
                      const chi_provenance *provenance, chi_repair_check *check, void *context,
                      bool *renew)
{
  char path[PATH_MAX];
  int64_t size, stated;
  judgement j;
  *renew = false;
  CHI_TRY(chi_path_join(path, run, what->name));
  read_length(path, &size, &stated);
  judge(run, path, what, provenance, check, context, size, stated, &j);
  if (j.refused) return chi_fail(j.status, "%s", j.reason);
  if (!j.usable) return give_up(run, path, what, j.status, j.reason, renew);
  if (!j.cut) return CHI_OK;
  chi_log(CHI_LOG_WARNING, "%s; what is lost is calculated again", j.reason);
  return grow(path, size, stated);
}
