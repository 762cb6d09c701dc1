#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "chiasm/study.h"

enum { PIECE_BYTES = 4 << 20 };

/* All bytes of an open file into the digest. */
static chi_status add_file(int fd, const char *where, chi_digest *digest)
{
  unsigned char *piece = NULL;
  CHI_TRY(chi_alloc(PIECE_BYTES, 1, "a piece of a file", &piece));
  chi_status status = CHI_OK;
  for (;;) {
    const ssize_t n = read(fd, piece, PIECE_BYTES);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = chi_fail(CHI_ERR_IO, "%s: cannot be read: %s", where, strerror(errno));
    if (n <= 0) break;
    chi_digest_add(digest, piece, n);
  }
  chi_free(piece);
  return status;
}

chi_status chi_study_file_checksum(const chi_study *study, int64_t i, uint64_t *checksum)
{
  const char *where = study->file[i];
  char path[PATH_MAX];
  int fd;
  CHI_TRY(chi_path_join(path, study->path, where));
  chi_digest digest;
  chi_status status = chi_file_open(path, where, O_RDONLY, &fd);
  if (status == CHI_OK) {
    chi_digest_begin(&digest);
    chi_digest_add_texts(&digest, &where, 1);
    status = add_file(fd, where, &digest);
  }
  if (status == CHI_OK) *checksum = chi_digest_value(&digest);
  if (fd >= 0) close(fd);
  return status;
}
