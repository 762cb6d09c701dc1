#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* Up to n bytes of an open file; how many there were, or -1. */
static int64_t read_all(int fd, char *text, int64_t n)
{
  int64_t at = 0;
  while (at < n) {
    const ssize_t got = read(fd, text + at, (size_t)(n - at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    at += got;
  }
  return at;
}

chi_status chi_text_read_large(const char *path, const char *where, int64_t max, char **out)
{
  struct stat info;
  char *text = NULL;
  int fd;
  *out = NULL;
  chi_status status = chi_file_open(path, where, O_RDONLY, &fd);
  if (status != CHI_OK) return chi_fail(CHI_ERR_INPUT, "%s", chi_message());
  if (fstat(fd, &info) != 0)
    status = chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", where, strerror(errno));
  else if (info.st_size > max)
    status = chi_fail(CHI_ERR_INPUT, "%s: has %lld bytes, expected %lld at most", where,
                      (long long)info.st_size, (long long)max);
  else
    status = chi_alloc(info.st_size + 1, 1, where, &text);
  if (status == CHI_OK) {
    const int64_t n = read_all(fd, text, info.st_size);
    if (n < 0)
      status = chi_fail(CHI_ERR_INPUT, "%s: cannot be read: %s", where, strerror(errno));
    else if (strlen(text) != (size_t)n)
      status = chi_fail(CHI_ERR_INPUT, "%s: has a NUL byte, expected text", where);
  }
  close(fd);
  if (status == CHI_OK)
    *out = text;
  else
    chi_free(text);
  return status;
}

chi_status chi_text_read(const char *path, const char *where, char **out)
{
  return chi_text_read_large(path, where, CHI_TEXT_FILE_MAX, out);
}
