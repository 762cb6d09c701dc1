#include "import/formats.h"

#include <string.h>
#include <zip.h>

#include "base/memory.h"

/* An archive with a member open. */
typedef struct npz {
  zip_t *archive;
  const char *where; /* of the member */
  zip_uint64_t member;
  zip_file_t *file; /* NULL: none open */
  bool stored;      /* not compressed */
  int64_t at, size; /* of the next byte, and how many there are */
} npz;

const char *chi_npz_version(void) { return zip_libzip_version(); }

static chi_status open_archive(const char *path, zip_t **out)
{
  int code = 0;
  *out = zip_open(path, ZIP_RDONLY, &code);
  if (*out != NULL) return CHI_OK;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const chi_status s = chi_fail(CHI_ERR_INPUT, "%s: cannot be opened as an .npz archive: %s", path,
                                zip_error_strerror(&error));
  zip_error_fini(&error);
  return s;
}

static chi_status list_member(const char *path, zip_t *archive, int64_t i, chi_layer_files *files)
{
  const char *member = zip_get_name(archive, (zip_uint64_t)i, 0);
  const size_t n = member == NULL ? 0 : strlen(member);
  char *layer = NULL;
  if (n > 0 && member[n - 1] == '/') return CHI_OK;
  if (n > 0 && (strncmp(member, "__MACOSX/", 9) == 0 || strstr(member, ".DS_Store") != NULL)) {
    chi_text_add_line(&files->left_out, "%s:%s, which a Mac put there", path, member);
    return CHI_OK;
  }
  if (n < 5 || strcmp(member + n - 4, ".npy") != 0)
    return chi_fail(CHI_ERR_INPUT, "%s: member %lld, %.200s, is no array of its own (NAME.npy)",
                    path, (long long)i, n == 0 ? "(damaged)" : member);
  CHI_TRY(chi_strdup(member, &layer));
  layer[n - 4] = '\0';
  const chi_status s = chi_layer_files_add(files, CHI_LAYER_NPZ, path, member, i, layer);
  chi_free(layer);
  return s;
}

chi_status chi_npz_list(const char *path, chi_layer_files *files)
{
  zip_t *archive;
  CHI_TRY(open_archive(path, &archive));
  const int64_t n = zip_get_num_entries(archive, 0);
  chi_status s = CHI_OK;
  const int64_t before = files->n;
  for (int64_t i = 0; s == CHI_OK && i < n; i++) s = list_member(path, archive, i, files);
  if (s == CHI_OK && files->n == before) s = chi_fail(CHI_ERR_INPUT, "%s: holds no arrays", path);
  zip_discard(archive);
  return s;
}

/* Open the member from its beginning. */
static chi_status begin_member(npz *z)
{
  if (z->file != NULL) zip_fclose(z->file);
  z->at = 0;
  z->file = zip_fopen_index(z->archive, z->member, 0);
  if (z->file == NULL)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be read from its archive: %s", z->where,
                    zip_strerror(z->archive));
  return CHI_OK;
}

static chi_status read_on(npz *z, int64_t n, void *out)
{
  const zip_int64_t got = zip_fread(z->file, out, (zip_uint64_t)n);
  if (got != n)
    return chi_fail(CHI_ERR_INPUT, "%s: cannot be read from its archive, which may be damaged: %s",
                    z->where, got < 0 ? zip_file_strerror(z->file) : "it ends too soon");
  z->at += n;
  char beyond; /* at the end libzip compares the checksum of what was read in order */
  if (z->at == z->size && zip_fread(z->file, &beyond, 1) < 0)
    return chi_fail(CHI_ERR_INPUT, "%s: is damaged: %s", z->where, zip_file_strerror(z->file));
  return CHI_OK;
}

/* Go to a byte: at once where the member is stored, else through all before it. */
static chi_status go_to(npz *z, int64_t offset)
{
  unsigned char skipped[1 << 14];
  if (offset == z->at) return CHI_OK;
  if (z->stored && zip_fseek(z->file, offset, SEEK_SET) == 0) {
    z->at = offset;
    return CHI_OK;
  }
  if (offset < z->at || z->stored) CHI_TRY(begin_member(z));
  while (z->at < offset) {
    const int64_t left = offset - z->at, most = sizeof skipped;
    CHI_TRY(read_on(z, left < most ? left : most, skipped));
  }
  return CHI_OK;
}

static chi_status read_member(const chi_bytes *bytes, int64_t offset, int64_t n, void *out)
{
  CHI_TRY(go_to(bytes->context, offset));
  return read_on(bytes->context, n, out);
}

static void close_member(chi_bytes *bytes)
{
  npz *z = bytes->context;
  if (z->file != NULL) zip_fclose(z->file);
  if (z->archive != NULL) zip_discard(z->archive);
  chi_free(z);
}

chi_status chi_bytes_of_npz(const chi_layer_file *layer, chi_bytes *bytes)
{
  npz *z;
  zip_stat_t info;
  const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
  *bytes = (chi_bytes){.where = layer->where};
  CHI_TRY(chi_alloc(1, sizeof *z, "archive", &z));
  bytes->read = read_member;
  bytes->close = close_member;
  bytes->context = z;
  z->where = layer->where;
  z->member = (zip_uint64_t)layer->index;
  CHI_TRY(open_archive(layer->path, &z->archive));
  if (zip_stat_index(z->archive, z->member, 0, &info) != 0 || (info.valid & wanted) != wanted ||
      info.size > INT64_MAX)
    return chi_fail(CHI_ERR_INPUT, "%s: its entry in the archive is damaged", layer->where);
  z->size = bytes->size = (int64_t)info.size;
  z->stored = info.comp_method == ZIP_CM_STORE;
  bytes->forward = !z->stored;
  return begin_member(z);
}
