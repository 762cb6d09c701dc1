#include "base/agree.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

chi_status chi_agree(MPI_Comm comm, chi_status status)
{
  int rank;
  if (comm == MPI_COMM_NULL) return status;
  MPI_Comm_rank(comm, &rank);
  struct {
    int status, rank;
  } mine = {(int)status, rank}, worst;
  MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, comm);
  if (worst.status == CHI_OK) return CHI_OK;
  char text[CHI_MESSAGE_MAX] = "";
  if (rank == worst.rank) memcpy(text, chi_message(), strlen(chi_message()) + 1);
  MPI_Bcast(text, CHI_MESSAGE_MAX, MPI_CHAR, worst.rank, comm);
  return chi_fail((chi_status)worst.status, "%s", text);
}

chi_status chi_bcast_bytes(MPI_Comm comm, int root, void **bytes, int64_t *n)
{
  int rank;
  MPI_Comm_rank(comm, &rank);
  MPI_Bcast(n, 1, MPI_INT64_T, root, comm);
  chi_status s = CHI_OK;
  if (rank != root) s = chi_alloc(*n, 1, "broadcast", bytes);
  CHI_TRY(chi_agree(comm, s));
  const int64_t piece = 1 << 30;
  for (int64_t at = 0; at < *n; at += piece) {
    const int64_t m = *n - at < piece ? *n - at : piece;
    MPI_Bcast((char *)*bytes + at, (int)m, MPI_BYTE, root, comm);
  }
  return CHI_OK;
}

chi_status chi_bcast_text(MPI_Comm comm, char **text)
{
  int rank;
  if (comm == MPI_COMM_NULL) return CHI_OK;
  MPI_Comm_rank(comm, &rank);
  void *bytes = *text;
  int64_t n = rank == 0 ? (int64_t)strlen(*text) + 1 : 0;
  const chi_status s = chi_bcast_bytes(comm, 0, &bytes, &n);
  *text = bytes;
  return s;
}

int chi_int_cast(int64_t value)
{
  if (value > INT_MAX || value < INT_MIN) {
    chi_log(CHI_LOG_ERROR, "internal error: %lld does not fit an int", (long long)value);
    abort();
  }
  return (int)value;
}
