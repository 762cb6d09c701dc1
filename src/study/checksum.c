#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/memory.h"
#include "chiasm/study.h"

enum { PIECE_BYTES = 4 << 20 };

/* All bytes of an open file into the state. */
static chi_status add_file(int fd, const char *where, XXH3_state_t *state)
{
  unsigned char *piece = NULL;
  CHI_TRY(chi_alloc(PIECE_BYTES, 1, "a piece of a file", &piece));
  chi_status status = CHI_OK;
  for (;;) {
    const ssize_t n = read(fd, piece, PIECE_BYTES);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) status = chi_fail(CHI_ERR_IO, "%s: cannot be read: %s", where, strerror(errno));
    if (n <= 0) break;
    XXH3_64bits_update(state, piece, (size_t)n);
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
  XXH3_state_t *state = XXH3_createState();
  chi_status status = chi_file_open(path, where, O_RDONLY, &fd);
  if (state == NULL) status = chi_fail(CHI_ERR_MEMORY, "no memory for a checksum");
  if (status == CHI_OK) {
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, where, strlen(where) + 1); /* the name, and its end */
    status = add_file(fd, where, state);
  }
  if (status == CHI_OK) *checksum = XXH3_64bits_digest(state);
  if (fd >= 0) close(fd);
  XXH3_freeState(state);
  return status;
}
