#include "sweep/messages.h"

bool chi_message_waits(MPI_Comm comm, int source, int tag, int *sender)
{
  /* Open MPI's MPI_Iprobe looks first and fetches what has arrived afterwards, for the next look.
   */
  for (int look = 0; look < 2; look++) {
    int waits;
    MPI_Status status;
    MPI_Iprobe(source, tag, comm, &waits, &status);
    if (!waits) continue;
    *sender = status.MPI_SOURCE;
    return true;
  }
  return false;
}
