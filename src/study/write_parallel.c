#include "study/write_parallel.h"

#include <unistd.h>

#include "base/agree.h"
#include "base/memory.h"
#include "base/text.h"
#include "h5/box.h"
#include "h5/h5.h"

struct chi_parallel_writer {
  MPI_Comm comm;
  int rank;
  chi_text path, tmp;
  hid_t file, response;
  int64_t n_times;
};

static chi_status make_by_rank_0(const char *path, const chi_response_header *header)
{
  chi_writer *writer = NULL;
  CHI_TRY(chi_writer_create_responses(path, header, &writer));
  return chi_writer_release(&writer);
}

/* All ranks at once. */
static chi_status open_shared(chi_parallel_writer *w)
{
  chi_h5_lock();
  chi_status s = chi_h5_open_shared(w->comm, w->tmp.s, &w->file);
  if (s == CHI_OK) w->response = H5Dopen2(w->file, "response", H5P_DEFAULT);
  if (s == CHI_OK && w->response < 0)
    s = chi_fail(CHI_ERR_IO, "%s: /response cannot be opened (%s)", w->tmp.s, chi_h5_reason());
  chi_h5_unlock();
  return s;
}

static void destroy(chi_parallel_writer **writer)
{
  chi_text_free(&(*writer)->path);
  chi_text_free(&(*writer)->tmp);
  chi_free(*writer);
  *writer = NULL;
}

chi_status chi_parallel_writer_create(MPI_Comm comm, const char *path,
                                      const chi_response_header *header, chi_parallel_writer **out)
{
  chi_status s = chi_alloc(1, sizeof **out, "writer of a file", out);
  chi_parallel_writer *w = *out;
  if (s == CHI_OK) {
    w->comm = comm;
    w->n_times = header->n_times;
    w->file = w->response = H5I_INVALID_HID;
    MPI_Comm_rank(comm, &w->rank);
    chi_text_add(&w->path, "%s", path);
    chi_text_add(&w->tmp, "%s.tmp", path);
    if (w->path.failed || w->tmp.failed) s = chi_fail(CHI_ERR_MEMORY, "no memory for a path");
  }
  s = chi_agree(comm, s);
  if (s != CHI_OK) {
    if (w != NULL) destroy(out);
    return s;
  }
  if (w->rank == 0) s = make_by_rank_0(path, header);
  s = chi_agree(comm, s);
  if (s == CHI_OK) s = chi_agree(comm, open_shared(w));
  if (s != CHI_OK) s = chi_parallel_writer_finish(out, s);
  return s;
}

chi_status chi_parallel_writer_put(chi_parallel_writer *w, int64_t event, int64_t n_events,
                                   int64_t electrode, int64_t n_electrodes, const float *numbers)
{
  const int64_t start[] = {event, electrode, 0}, count[] = {n_events, n_electrodes, w->n_times};
  chi_h5_lock();
  chi_status s = CHI_OK;
  /* HDF5 only reads what is cast. */
  if (chi_h5_box(w->response, true, H5T_NATIVE_FLOAT, 3, start, count, (float *)numbers) < 0)
    s = chi_fail(CHI_ERR_IO, "%s: cannot be written (%s)", w->path.s, chi_h5_reason());
  chi_h5_unlock();
  return s;
}

chi_status chi_parallel_writer_finish(chi_parallel_writer **writer, chi_status status)
{
  chi_parallel_writer *w = *writer;
  chi_h5_lock();
  if (w->file >= 0 && H5Fclose(w->file) < 0 && status == CHI_OK) /* and the dataset with it */
    status = chi_fail(CHI_ERR_IO, "%s: cannot be closed (%s)", w->path.s, chi_h5_reason());
  chi_h5_unlock();
  status = chi_agree(w->comm, status);
  if (w->rank == 0) {
    if (status == CHI_OK) status = chi_writer_publish(w->path.s);
    if (status != CHI_OK) unlink(w->tmp.s);
  }
  status = chi_agree(w->comm, status);
  destroy(writer);
  return status;
}
