/** \file hdf5.h
 * An object of an HDF5 file that is not trusted, by its path. All local; the caller holds
 * chi_h5_lock. */
#pragma once

#include "h5/h5.h"

enum { CHI_OBJECT_NAME = 256, CHI_OBJECT_PATH = 1024 };

/** A name in a group. What is opened for it is closed with the file. */
typedef struct chi_object {
  hid_t parent;
  char prefix[CHI_OBJECT_PATH], name[CHI_OBJECT_NAME]; /* "/a/" and "b"; "/" and "": the root */
  bool is_group;
} chi_object;

/** Go down a path ("a/b", "/a/b/") through groups that are hard links; what is at its end need not
 * be there. \return CHI_ERR_INPUT: one on the way is missing or no group; the path is too long */
chi_status chi_object_find(hid_t file, const char *where, const char *path, chi_object *out);

/** What is in a group. */
typedef struct chi_object_list {
  hid_t group;
  char prefix[CHI_OBJECT_PATH + CHI_OBJECT_NAME]; /* "/a/b/" */
  bool created;                                   /* in the order of creation; else by name */
  int64_t n;
  char **name;
} chi_object_list;

/** List the group that an object is; free with chi_object_list_free, also after a failure.
 * \return CHI_ERR_INPUT: no group, or HDF5 cannot list it */
chi_status chi_object_list_open(const chi_object *object, const char *where, chi_object_list *out);
void chi_object_list_free(chi_object_list *list);

/** Whether a name in a group is a hard link to an object of this type. */
bool chi_object_is(hid_t parent, const char *name, H5O_type_t type);
