#include "import/npz.h"

#include <stdio.h>
#include <zip.h>

#include "base/memory.h"

struct chi_npz {
  zip_t *archive;
  const char *where; /* of the archive, or of the open member */
  int64_t n;
  zip_uint64_t member;
  zip_file_t *file; /* NULL: none open */
  bool stored;      /* not compressed */
  int64_t at, size; /* of the next byte, and how many there are */
};

const char *chi_npz_version(void) { return zip_libzip_version(); }

chi_status chi_npz_open(const char *path, const char *where, chi_npz **out)
{
  int code = 0;
  *out = NULL;
  CHI_TRY(chi_alloc(1, sizeof **out, "archive", out));
  (*out)->where = where;
  (*out)->archive = zip_open(path, ZIP_RDONLY, &code);
  if ((*out)->archive == NULL) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const chi_status s = chi_fail(CHI_ERR_INPUT, "%s: cannot be opened as an .npz archive: %s",
                                  where, zip_error_strerror(&error));
    zip_error_fini(&error);
    chi_npz_close(out);
    return s;
  }
  (*out)->n = zip_get_num_entries((*out)->archive, 0);
  return CHI_OK;
}

void chi_npz_close(chi_npz **npz)
{
  if (*npz == NULL) return;
  if ((*npz)->file != NULL) zip_fclose((*npz)->file);
  if ((*npz)->archive != NULL) zip_discard((*npz)->archive);
  chi_free(*npz);
  *npz = NULL;
}

int64_t chi_npz_count(const chi_npz *npz) { return npz->n; }

const char *chi_npz_name(const chi_npz *npz, int64_t member)
{
  return zip_get_name(npz->archive, (zip_uint64_t)member, 0);
}

/* Open the member from its beginning. */
static chi_status begin_member(chi_npz *npz)
{
  if (npz->file != NULL) zip_fclose(npz->file);
  npz->at = 0;
  npz->file = zip_fopen_index(npz->archive, npz->member, 0);
  if (npz->file == NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be read from its archive: %s", npz->where,
                    zip_strerror(npz->archive));
  return CHI_OK;
}

static chi_status read_on(chi_npz *npz, int64_t n, void *out)
{
  const zip_int64_t got = zip_fread(npz->file, out, (zip_uint64_t)n);
  if (got != n)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be read from its archive, which may be damaged: %s",
                    npz->where, got < 0 ? zip_file_strerror(npz->file) : "it ends too soon");
  npz->at += n;
  char beyond; /* at the end libzip compares the checksum of what was read in order */
  if (npz->at == npz->size && zip_fread(npz->file, &beyond, 1) < 0)
    return chi_fail(CHI_ERR_INPUT, "%s: is damaged: %s", npz->where, zip_file_strerror(npz->file));
  return CHI_OK;
}

/* Go to a byte: at once where the member is stored, else through all before it. */
static chi_status go_to(chi_npz *npz, int64_t offset)
{
  unsigned char skipped[1 << 14];
  if (offset == npz->at) return CHI_OK;
  if (npz->stored && zip_fseek(npz->file, offset, SEEK_SET) == 0) {
    npz->at = offset;
    return CHI_OK;
  }
  if (offset < npz->at || npz->stored) CHI_TRY(begin_member(npz));
  while (npz->at < offset) {
    const int64_t left = offset - npz->at, most = sizeof skipped;
    CHI_TRY(read_on(npz, left < most ? left : most, skipped));
  }
  return CHI_OK;
}

static chi_status read_member(void *context, int64_t offset, int64_t n, void *out)
{
  chi_npz *npz = context;
  CHI_TRY(go_to(npz, offset));
  return read_on(npz, n, out);
}

chi_status chi_npz_member(chi_npz *npz, int64_t member, const char *where, chi_bytes *bytes)
{
  zip_stat_t info;
  const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
  npz->where = where;
  npz->member = (zip_uint64_t)member;
  if (zip_stat_index(npz->archive, npz->member, 0, &info) != 0 || (info.valid & wanted) != wanted ||
      info.size > INT64_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: its entry in the archive is damaged", where);
  npz->size = (int64_t)info.size;
  npz->stored = info.comp_method == ZIP_CM_STORE;
  CHI_TRY(begin_member(npz));
  *bytes = (chi_bytes){.where = where,
                       .size = npz->size,
                       .forward = !npz->stored,
                       .read = read_member,
                       .context = npz};
  return CHI_OK;
}
