#include "h5/box.h"

#include "h5/chunks.h"
#include "h5/h5.h"

herr_t chi_h5_box(hid_t dataset, bool write, hid_t memory_type, int rank, const int64_t *start,
                  const int64_t *count, void *memory)
{
  hsize_t from[CHI_H5_MAX_RANK], edge[CHI_H5_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    if (count[i] == 0) return 0;
    from[i] = (hsize_t)start[i];
    edge[i] = (hsize_t)count[i];
  }
  const hid_t there = H5Dget_space(dataset);
  if (there < 0) return -1;
  const hid_t here = H5Screate_simple(rank, edge, NULL);
  herr_t failed = here < 0 || H5Sget_simple_extent_ndims(there) != rank ? -1 : 0;
  if (failed >= 0) failed = H5Sselect_hyperslab(there, H5S_SELECT_SET, from, NULL, edge, NULL);
  if (failed >= 0 && !write) failed = chi_h5_check_chunks(dataset, rank, start, count);
  if (failed >= 0)
    failed = write ? H5Dwrite(dataset, memory_type, here, there, H5P_DEFAULT, memory)
                   : H5Dread(dataset, memory_type, here, there, H5P_DEFAULT, memory);
  if (here >= 0) H5Sclose(here);
  H5Sclose(there);
  return failed;
}

herr_t chi_h5_read_whole(hid_t dataset, hid_t memory_type, void *out)
{
  const hid_t space = H5Dget_space(dataset);
  const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  if (space >= 0) H5Sclose(space);
  if (rank < 0 || rank > CHI_H5_MAX_RANK) return -1;
  if (chi_h5_check_chunks(dataset, rank, NULL, NULL) < 0) return -1;
  return H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
}
