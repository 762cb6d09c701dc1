/* A study of two subjects for the C tests, made with plain HDF5 in the working folder. */
#ifndef TESTS_STUDY_SMALL_STUDY_H
#define TESTS_STUDY_SMALL_STUDY_H

#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_EVENTS = 23, N_ELECTRODES = 3, N_TIMES = 2, N_FEATURES = 5 };

/* Values that float16 holds exactly. */
static inline double response_value(int64_t i) { return (double)(i % 129) / 8 - 4; }
static inline double feature_value(int64_t i) { return (double)(i * 7 % 65) / 4 - 8; }

/* IEEE half precision, as numpy writes it. */
static inline hid_t half_type(void)
{
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_precision(type, 16);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

static inline void put_text(hid_t object, const char *name, const char *text)
{
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text) + 1);
  const hid_t a = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(a, type, text);
  H5Aclose(a);
  H5Sclose(space);
  H5Tclose(type);
}

static inline void put_format(hid_t file)
{
  const int one = 1;
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t a = H5Acreate2(file, "chiasm_format", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(a, H5T_NATIVE_INT, &one);
  H5Aclose(a);
  H5Sclose(space);
}

/* A dataset of doubles, kept as `type`; with chunk_rows in gzip chunks of so many rows. */
static inline void put_numbers(hid_t group, const char *name, hid_t type, int rank,
                               const hsize_t *dims, hsize_t chunk_rows, const double *values)
{
  hsize_t chunk[3] = {chunk_rows};
  for (int i = 1; i < rank; i++) chunk[i] = dims[i];
  const hid_t space = H5Screate_simple(rank, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
  if (chunk_rows > 0) {
    H5Pset_chunk(creation, rank, chunk);
    H5Pset_deflate(creation, 4);
  }
  const hid_t d = H5Dcreate2(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dwrite(d, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(d);
  H5Pclose(creation);
  H5Sclose(space);
}

static inline void put_responses(const char *path, const char *subject, hid_t type,
                                 hsize_t chunk_rows)
{
  enum { N = N_EVENTS * N_ELECTRODES * N_TIMES };
  const hsize_t dims[] = {N_EVENTS, N_ELECTRODES, N_TIMES}, electrodes = N_ELECTRODES;
  double values[N];
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put_format(file);
  put_text(file, "subject", subject);
  put_text(file, "alignment", "film");
  for (int64_t i = 0; i < N; i++) values[i] = response_value(i);
  put_numbers(file, "response", type, 3, dims, chunk_rows, values);
  for (int64_t i = 0; i < N_EVENTS; i++) values[i] = 0.5 * (double)i;
  put_numbers(file, "onset", H5T_IEEE_F64LE, 1, dims, 0, values);
  for (int64_t i = 0; i < N_TIMES; i++) values[i] = 0.1 * (double)i;
  put_numbers(file, "time", H5T_IEEE_F64LE, 1, dims + 2, 0, values);
  const hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &electrodes, NULL);
  H5Tset_size(text, 4);
  const hid_t d = H5Dcreate2(file, "electrode", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(d, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, "LA1\0LA2\0LA3");
  H5Dclose(d);
  H5Sclose(space);
  H5Tclose(text);
  H5Fclose(file);
}

static inline void put_features(const char *path, hid_t type, hsize_t chunk_rows)
{
  enum { N = N_EVENTS * N_FEATURES };
  const hsize_t dims[] = {N_EVENTS, N_FEATURES};
  double values[N];
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put_format(file);
  put_text(file, "model", "net");
  put_text(file, "modality", "vision");
  put_text(file, "training", "trained");
  const hid_t layers = H5Gcreate2(file, "layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  for (int64_t i = 0; i < N; i++) values[i] = feature_value(i);
  put_numbers(layers, "b", type, 2, dims, chunk_rows, values);
  put_numbers(layers, "a", H5T_IEEE_F64LE, 2, dims, 0, values);
  H5Gclose(layers);
  H5Fclose(file);
}

/* A new folder with the study "s" in it, which becomes the working folder. */
static inline int make_small_study(hid_t type, hsize_t chunk_rows)
{
  char folder[] = "/tmp/chiasm-test-XXXXXX";
  if (mkdtemp(folder) == NULL || chdir(folder) != 0) return -1;
  mkdir("s", 0777);
  mkdir("s/responses", 0777);
  mkdir("s/features", 0777);
  mkdir("s/features/p1.film", 0777);
  mkdir("s/features/p2.film", 0777);
  put_responses("s/responses/p1.film.h5", "p1", type, chunk_rows);
  put_responses("s/responses/p2.film.h5", "p2", type, chunk_rows);
  put_features("s/features/p1.film/net.h5", type, chunk_rows);
  put_features("s/features/p2.film/net.h5", type, chunk_rows);
  return 0;
}

/* Remove the study and its folder, which must be the working folder. */
static inline void remove_small_study(void)
{
  char folder[256];
  if (getcwd(folder, sizeof folder) == NULL) return;
  unlink("s/responses/p1.film.h5");
  unlink("s/responses/p2.film.h5");
  unlink("s/features/p1.film/net.h5");
  unlink("s/features/p2.film/net.h5");
  rmdir("s/features/p1.film");
  rmdir("s/features/p2.film");
  rmdir("s/features");
  rmdir("s/responses");
  rmdir("s");
  if (chdir("/") == 0) rmdir(folder);
}

#endif
