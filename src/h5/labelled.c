#include "h5/labelled.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "h5/box.h"
#include "h5/whole.h"

static chi_status io(herr_t result) { return result < 0 ? CHI_ERR_IO : CHI_OK; }

chi_status chi_labelled_begin(hid_t file, const char *name, chi_labelled *out)
{
  *out = (chi_labelled){.group = -1};
  out->text = chi_h5_text_type(H5T_CSET_UTF8);
  out->creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(out->creation, false);
  out->group = name == NULL ? H5Gopen2(file, "/", H5P_DEFAULT)
                            : H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  return io(out->group < 0 ? -1 : 0);
}

chi_status chi_labelled_end(chi_labelled *l)
{
  herr_t failed = 0;
  for (int d = 0; d < l->n_dims; d++)
    if (l->scale[d] >= 0 && H5Dclose(l->scale[d]) < 0) failed = -1;
  if (l->group >= 0 && H5Gclose(l->group) < 0) failed = -1;
  H5Pclose(l->creation);
  H5Tclose(l->text);
  return io(failed);
}

int chi_labelled_dim(chi_labelled *l, const char *name, int64_t length)
{
  l->dim[l->n_dims] = name;
  l->scale[l->n_dims] = -1;
  l->length[l->n_dims] = (hsize_t)length;
  return l->n_dims++;
}

static hid_t create(const chi_labelled *l, const char *name, hid_t type, int rank, const int *dims,
                    hid_t creation)
{
  hsize_t length[CHI_LABELLED_RANK] = {0};
  for (int d = 0; d < rank; d++) length[d] = l->length[dims[d]];
  const hid_t space = H5Screate_simple(rank, length, NULL);
  const hid_t dataset = H5Dcreate2(l->group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Sclose(space);
  return dataset;
}

/* Close a dataset, if there is one, after something was done with it. */
static chi_status leave(hid_t dataset, herr_t failed)
{
  return io(dataset < 0 || H5Dclose(dataset) < 0 ? -1 : failed);
}

hid_t chi_labelled_create(const chi_labelled *l, const char *name, hid_t type, bool later, int rank,
                          const int *dims)
{
  const hid_t creation = H5Pcopy(l->creation);
  if (later) H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  const hid_t dataset = create(l, name, type, rank, dims, creation);
  H5Pclose(creation);
  return dataset;
}

herr_t chi_labelled_attach(const chi_labelled *l, hid_t dataset, int rank, const int *dims)
{
  herr_t failed = 0;
  for (int d = 0; d < rank && failed >= 0; d++)
    if (l->scale[dims[d]] >= 0) failed = H5DSattach_scale(dataset, l->scale[dims[d]], (unsigned)d);
  return failed;
}

chi_status chi_labelled_make(chi_labelled *l, const char *name, hid_t type, int rank,
                             const int *dims, hid_t fill_type, const void *fill)
{
  const hid_t creation = H5Pcopy(l->creation);
  H5Pset_layout(creation, H5D_CONTIGUOUS);
  H5Pset_alloc_time(creation, H5D_ALLOC_TIME_LATE);
  H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
  herr_t failed = H5Pset_fill_value(creation, fill_type, fill);
  const hid_t dataset = failed < 0 ? -1 : create(l, name, type, rank, dims, creation);
  H5Pclose(creation);
  if (dataset >= 0) failed = chi_labelled_attach(l, dataset, rank, dims);
  l->empty[l->n_empty++] = name;
  return leave(dataset, failed);
}

/* Writing one value makes HDF5 take the room of all, and fill it. */
static herr_t fill_dataset(hid_t dataset)
{
  unsigned char value[8];
  const int64_t start[CHI_LABELLED_RANK] = {0}, one[CHI_LABELLED_RANK] = {1, 1, 1, 1};
  const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  const hid_t creation = H5Dget_create_plist(dataset);
  herr_t failed = 0;
  if (H5Sget_simple_extent_npoints(space) > 0) {
    failed = H5Pget_fill_value(creation, type, value);
    if (failed >= 0)
      failed =
          chi_h5_box(dataset, true, type, H5Sget_simple_extent_ndims(space), start, one, value);
  }
  H5Pclose(creation);
  H5Tclose(type);
  H5Sclose(space);
  return failed;
}

chi_status chi_labelled_fill(chi_labelled *l)
{
  for (int i = 0; i < l->n_empty; i++) {
    const hid_t dataset = H5Dopen2(l->group, l->empty[i], H5P_DEFAULT);
    CHI_TRY(leave(dataset, dataset < 0 ? -1 : fill_dataset(dataset)));
  }
  return CHI_OK;
}

chi_status chi_labelled_put(chi_labelled *l, const char *name, hid_t file_type, hid_t memory_type,
                            int rank, const int *dims, const void *data)
{
  const hid_t dataset = create(l, name, file_type, rank, dims, l->creation);
  herr_t failed = dataset < 0 ? -1 : chi_labelled_attach(l, dataset, rank, dims);
  if (failed >= 0) failed = H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  return leave(dataset, failed);
}

chi_status chi_labelled_put_scale(chi_labelled *l, int dim, hid_t file_type, hid_t memory_type,
                                  const void *data)
{
  CHI_TRY(chi_labelled_put(l, l->dim[dim], file_type, memory_type, 1, &dim, data));
  l->scale[dim] = H5Dopen2(l->group, l->dim[dim], H5P_DEFAULT);
  return io(l->scale[dim] < 0 ? -1 : H5DSset_scale(l->scale[dim], l->dim[dim]));
}

chi_status chi_labelled_put_bare(chi_labelled *l, int dim)
{
  char mark[80];
  snprintf(mark, sizeof mark, "This is a netCDF dimension but not a netCDF variable.%10lld",
           (long long)l->length[dim]);
  l->scale[dim] = chi_labelled_create(l, l->dim[dim], H5T_IEEE_F32BE, true, 1, &dim);
  return io(l->scale[dim] < 0 ? -1 : H5DSset_scale(l->scale[dim], mark));
}

chi_status chi_labelled_redim(chi_labelled *l, int dim, int64_t length)
{
  if (l->scale[dim] >= 0) CHI_TRY(io(H5Dclose(l->scale[dim])));
  l->scale[dim] = -1;
  l->length[dim] = (hsize_t)length;
  if (H5Lexists(l->group, l->dim[dim], H5P_DEFAULT) <= 0) return chi_labelled_put_bare(l, dim);
  l->scale[dim] = H5Dopen2(l->group, l->dim[dim], H5P_DEFAULT);
  return io(l->scale[dim] < 0 ? -1 : 0);
}

chi_status chi_labelled_put_count(chi_labelled *l, int dim)
{
  const int64_t n = (int64_t)l->length[dim];
  int32_t *values = NULL;
  CHI_TRY(chi_alloc(n, sizeof *values, "labels", &values));
  for (int64_t i = 0; i < n; i++) values[i] = (int32_t)i;
  const chi_status s = chi_labelled_put_scale(l, dim, H5T_STD_I32LE, H5T_NATIVE_INT32, values);
  chi_free(values);
  return s;
}

chi_status chi_labelled_attribute(chi_labelled *l, const char *dataset, const char *name,
                                  const char *value)
{
  const hid_t object = H5Dopen2(l->group, dataset, H5P_DEFAULT);
  return leave(object, object < 0 ? -1 : chi_h5_put_text(object, name, value));
}

int64_t chi_labelled_text_bytes(const char *text) { return 2 * (int64_t)strlen(text) + 64; }
